/* SPDX-License-Identifier: BSD-2-Clause */
/* The few printf formats that a kernel needs.  Pure. */
#include <kern/debug.h>

struct spec {
	bool left;
	bool zero;
	unsigned width;
	bool has_precision;
	unsigned precision;
	unsigned longs; /* 0 int, 1 long and size_t, 2 long long */
};

struct sink {
	void (*put)(void *context, char c);
	void *context;
};

static void pad(const struct sink *sink, char c, unsigned used, unsigned width)
{
	for (; used < width; used++)
		sink->put(sink->context, c);
}

static void put_string(const struct sink *sink, const struct spec *spec, const char *text)
{
	unsigned length = 0;

	if (text == NULL)
		text = "(null)";
	while (text[length] != '\0' && (!spec->has_precision || length < spec->precision))
		length++;
	if (!spec->left)
		pad(sink, ' ', length, spec->width);
	for (unsigned i = 0; i < length; i++)
		sink->put(sink->context, text[i]);
	if (spec->left)
		pad(sink, ' ', length, spec->width);
}

static void put_number(const struct sink *sink, const struct spec *spec, uint64_t value,
		       unsigned base, bool negative, const char *digits)
{
	char text[20];
	unsigned length = 0;
	unsigned used;

	do {
		text[length++] = digits[value % base];
		value /= base;
	} while (value != 0);
	used = length + (negative ? 1u : 0u);
	if (!spec->left && !spec->zero)
		pad(sink, ' ', used, spec->width);
	if (negative)
		sink->put(sink->context, '-');
	if (!spec->left && spec->zero)
		pad(sink, '0', used, spec->width);
	while (length > 0)
		sink->put(sink->context, text[--length]);
	if (spec->left)
		pad(sink, ' ', used, spec->width);
}

static const char *parse_spec(const char *format, struct spec *spec, va_list *arguments)
{
	*spec = (struct spec){0};
	for (; *format == '-' || *format == '0'; format++) {
		if (*format == '-')
			spec->left = true;
		else
			spec->zero = true;
	}
	if (*format == '*') {
		spec->width = va_arg(*arguments, unsigned);
		format++;
	}
	for (; *format >= '0' && *format <= '9'; format++)
		spec->width = spec->width * 10 + (unsigned)(*format - '0');
	if (*format == '.') {
		spec->has_precision = true;
		format++;
		if (*format == '*') {
			spec->precision = va_arg(*arguments, unsigned);
			format++;
		}
		for (; *format >= '0' && *format <= '9'; format++)
			spec->precision = spec->precision * 10 + (unsigned)(*format - '0');
	}
	for (; *format == 'l' || *format == 'z'; format++)
		spec->longs++;
	return format;
}

static uint64_t unsigned_argument(const struct spec *spec, va_list *arguments)
{
	if (spec->longs == 0)
		return va_arg(*arguments, unsigned);
	return spec->longs == 1 ? va_arg(*arguments, unsigned long)
				: va_arg(*arguments, unsigned long long);
}

static int64_t signed_argument(const struct spec *spec, va_list *arguments)
{
	if (spec->longs == 0)
		return va_arg(*arguments, int);
	return spec->longs == 1 ? va_arg(*arguments, long) : va_arg(*arguments, long long);
}

/* One conversion; false if it is none. */
static bool convert(const struct sink *sink, const struct spec *spec, char kind, va_list *arguments)
{
	static const char lower[] = "0123456789abcdef";
	static const char upper[] = "0123456789ABCDEF";
	int64_t number;

	switch (kind) {
	case 's':
		put_string(sink, spec, va_arg(*arguments, const char *));
		return true;
	case 'c':
		sink->put(sink->context, (char)va_arg(*arguments, int));
		return true;
	case 'd':
	case 'i':
		number = signed_argument(spec, arguments);
		put_number(sink, spec, number < 0 ? 0 - (uint64_t)number : (uint64_t)number, 10,
			   number < 0, lower);
		return true;
	case 'u':
		put_number(sink, spec, unsigned_argument(spec, arguments), 10, false, lower);
		return true;
	case 'x':
	case 'X':
		put_number(sink, spec, unsigned_argument(spec, arguments), 16, false,
			   kind == 'x' ? lower : upper);
		return true;
	case 'p':
		put_number(sink, spec, (uint64_t)va_arg(*arguments, void *), 16, false, lower);
		return true;
	case '%':
		sink->put(sink->context, '%');
		return true;
	default:
		return false;
	}
}

void format_put(void (*put)(void *context, char c), void *context, const char *format,
		va_list arguments)
{
	struct sink sink = {put, context};
	struct spec spec;
	va_list rest;

	va_copy(rest, arguments);
	for (; *format != '\0'; format++) {
		const char *start = format;

		if (*format != '%') {
			put(context, *format);
			continue;
		}
		format = parse_spec(format + 1, &spec, &rest);
		if (*format != '\0' && convert(&sink, &spec, *format, &rest))
			continue;
		for (; start < format; start++)
			put(context, *start);
		if (*format == '\0')
			break;
		put(context, *format);
	}
	va_end(rest);
}

struct text_sink {
	char *text;
	size_t bytes_max;
	size_t length;
};

static void text_put(void *context, char c)
{
	struct text_sink *sink = context;

	if (sink->length + 1 < sink->bytes_max)
		sink->text[sink->length] = c;
	sink->length++;
}

size_t format_text(char *text, size_t bytes_max, const char *format, ...)
{
	struct text_sink sink = {text, bytes_max, 0};
	va_list arguments;

	va_start(arguments, format);
	format_put(text_put, &sink, format, arguments);
	va_end(arguments);
	if (bytes_max > 0)
		text[sink.length < bytes_max ? sink.length : bytes_max - 1] = '\0';
	return sink.length;
}
