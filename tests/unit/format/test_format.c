/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's formats give what the C library's snprintf gives. */
#include <criterion/criterion.h>
#include <kern/debug.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define SAME(...)                                                             \
	do {                                                                  \
		char ours[128];                                               \
		char theirs[128];                                             \
		size_t length = format_text(ours, sizeof(ours), __VA_ARGS__); \
		int expected = snprintf(theirs, sizeof(theirs), __VA_ARGS__); \
		cr_assert_str_eq(ours, theirs);                               \
		cr_assert_eq(length, (size_t)expected);                       \
	} while (0)

Test(format, numbers)
{
	SAME("%d %d %d %i", 0, INT_MAX, INT_MIN, -1);
	SAME("%u %x %X", UINT_MAX, 0xdeadbeefu, 0xdeadbeefu);
	SAME("%ld %lu %lx", LONG_MIN, ULONG_MAX, ULONG_MAX);
	SAME("%lld %llu %llx", LLONG_MIN, ULLONG_MAX, 1ull);
	SAME("%zu", (size_t)12345);
}

Test(format, widths)
{
	SAME("[%5d] [%-5d] [%05d] [%5d]", 42, 42, -42, -42);
	SAME("[%016lx] [%8x] [%-8x] [%2u]", 0x1234ul, 0xabu, 0xabu, 12345u);
	SAME("[%*d] [%-10s] [%10s]", 6, 7, "ab", "ab");
	SAME("[%.2s] [%.*s] [%5.1s]", "abc", 2, "xyz", "q");
}

Test(format, rest)
{
	SAME("%c%c%% plain", 'a', 'b');
	SAME("%s", "");
}

Test(format, unknown_conversion_is_printed)
{
	char text[32];
	const char *format = "%q %5k";

	format_text(text, sizeof(text), format, 1, 2);
	cr_assert_str_eq(text, "%q %5k");
	format = "cut %";
	format_text(text, sizeof(text), format, 1);
	cr_assert_str_eq(text, "cut %");
}

Test(format, never_writes_past_the_end)
{
	char text[8];

	memset(text, 'x', sizeof(text));
	cr_assert_eq(format_text(text, 4, "%s", "abcdef"), 6);
	cr_assert_str_eq(text, "abc");
	cr_assert_eq(text[4], 'x');
}
