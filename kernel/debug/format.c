/* SPDX-License-Identifier: BSD-2-Clause */
/* The few printf formats that a kernel needs.  Pure. */
#include <kern/debug.h>

#define DIGITS_MAX 20u /* of a word, in decimal */

struct spec {
	bool left;
	bool is_long;
	char fill;
	unsigned width;
};

struct sink {
	void (*put)(void *context, char c);
	void *context;
};

static void put_padded(const struct sink *sink, const struct spec *spec, const char *text,
		       unsigned length)
{
	unsigned used = length;

	for (; !spec->left && used < spec->width; used++)
		sink->put(sink->context, spec->fill);
	while (length-- > 0)
		sink->put(sink->context, *text++);
	for (; used < spec->width; used++)
		sink->put(sink->context, ' ');
}

static void put_string(const struct sink *sink, const struct spec *spec, const char *text)
{
	unsigned length = 0;

	if (text == NULL)
		text = "(null)";
	while (text[length] != '\0')
		length++;
	put_padded(sink, spec, text, length);
}

static void put_number(const struct sink *sink, const struct spec *spec, uint64_t value,
		       unsigned base, bool negative)
{
	char text[1 + DIGITS_MAX];
	unsigned at = sizeof(text);

	do {
		text[--at] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value != 0);
	if (negative)
		text[--at] = '-';
	put_padded(sink, spec, &text[at], (unsigned)sizeof(text) - at);
}

static const char *parse_spec(const char *format, struct spec *spec)
{
	*spec = (struct spec){.fill = ' '};
	if (*format == '-') {
		spec->left = true;
		format++;
	}
	if (*format == '0')
		spec->fill = '0';
	for (; *format >= '0' && *format <= '9'; format++)
		spec->width = spec->width * 10 + (unsigned)(*format - '0');
	if (*format == 'l') {
		spec->is_long = true;
		format++;
	}
	return format;
}

/* noinline: the compiler writes out where an argument may be at each va_arg(). */
static __attribute__((noinline)) int64_t number_argument(const struct spec *spec,
							 va_list *arguments)
{
	return spec->is_long ? va_arg(*arguments, long) : va_arg(*arguments, int);
}

/* One conversion; false if it is none. */
static bool convert(const struct sink *sink, const struct spec *spec, char kind, va_list *arguments)
{
	int64_t number;

	if (kind == 's') {
		put_string(sink, spec, va_arg(*arguments, const char *));
		return true;
	}
	if (kind != 'd' && kind != 'u' && kind != 'x')
		return false;
	number = number_argument(spec, arguments);
	if (kind == 'd')
		put_number(sink, spec, number < 0 ? 0 - (uint64_t)number : (uint64_t)number, 10,
			   number < 0);
	else
		put_number(sink, spec, spec->is_long ? (uint64_t)number : (uint32_t)number,
			   kind == 'u' ? 10 : 16, false);
	return true;
}

void format_put(void (*put)(void *context, char c), void *context, const char *format,
		va_list arguments)
{
	const struct sink sink = {put, context};
	struct spec spec;
	va_list rest;

	va_copy(rest, arguments);
	while (*format != '\0') {
		const char *end;

		if (*format == '%') {
			end = parse_spec(format + 1, &spec);
			if (convert(&sink, &spec, *end, &rest)) {
				format = end + 1;
				continue;
			}
		}
		put(context, *format++);
	}
	va_end(rest);
}
