/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's formats give what the C library's snprintf gives. */
#include <criterion/criterion.h>
#include <kern/debug.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX 128u

struct text {
	char text[TEXT_MAX];
	size_t length;
};

static void text_put(void *context, char c)
{
	struct text *text = context;

	cr_assert_lt(text->length + 1, sizeof(text->text));
	text->text[text->length++] = c;
	text->text[text->length] = '\0';
}

static struct text format_text(const char *format, ...)
{
	struct text text = {"", 0};
	va_list arguments;

	va_start(arguments, format);
	format_put(text_put, &text, format, arguments);
	va_end(arguments);
	return text;
}

#define SAME(...)                                                  \
	do {                                                       \
		const struct text ours = format_text(__VA_ARGS__); \
		char theirs[TEXT_MAX];                             \
                                                                   \
		snprintf(theirs, sizeof(theirs), __VA_ARGS__);     \
		cr_assert_str_eq(ours.text, theirs);               \
	} while (0)

Test(format, numbers)
{
	SAME("%d %d %d", 0, INT_MAX, INT_MIN);
	SAME("%u %x", UINT_MAX, 0xdeadbeefu);
	SAME("%ld %ld %lu %lx", LONG_MIN, LONG_MAX, ULONG_MAX, ULONG_MAX);
}

Test(format, widths)
{
	SAME("[%5d] [%-5d] [%05d] [%5d]", 42, 42, 42, -42);
	SAME("[%016lx] [%8x] [%-8x] [%2u]", 0x1234ul, 0xabu, 0xabu, 12345u);
	SAME("[%-10s] [%10s] [%1s]", "ab", "ab", "ab");
}

Test(format, rest)
{
	SAME("plain");
	SAME("%s", "");
}

/* One more than there are registers for arguments. */
Test(format, many_arguments)
{
	SAME("%d %ld %s %u %x %lx %s %d %lu", 1, 2l, "three", 4u, 5u, 6ul, "seven", 8, 9ul);
}

Test(format, unknown_conversion_is_printed)
{
	cr_assert_str_eq(format_text("%q %5k %p %% %.2s").text, "%q %5k %p %% %.2s");
	cr_assert_str_eq(format_text("cut %").text, "cut %");
	cr_assert_str_eq(format_text("cut %-05l").text, "cut %-05l");
}
