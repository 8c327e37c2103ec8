/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys_snprintf.  Pure: no system call, no global, no allocation; the host tests compile it as it is.
 */
#include <libsys/print.h>

#include <stdbool.h>
#include <stdint.h>

struct out {
	char *to;
	size_t room;
	size_t length; /* wanted, may exceed room */
};

struct spec {
	bool left;
	bool zero;
	bool plus;
	int width;
	int precision;  /* -1: none */
	unsigned longs; /* 0 int, 1 long and size_t, 2 long long */
	char kind;
};

static void out_char(struct out *out, char c)
{
	if (out->length + 1 < out->room)
		out->to[out->length] = c;
	out->length++;
}

static void out_fill(struct out *out, char c, int count)
{
	for (; count > 0; count--)
		out_char(out, c);
}

static void out_text(struct out *out, const struct spec *spec, const char *text, int length)
{
	if (!spec->left)
		out_fill(out, ' ', spec->width - length);
	for (int i = 0; i < length; i++)
		out_char(out, text[i]);
	if (spec->left)
		out_fill(out, ' ', spec->width - length);
}

static void out_number(struct out *out, const struct spec *spec, uint64_t value, const char *sign,
		       unsigned base, const char *digits)
{
	char text[24];
	int count = 0;
	int signs = 0;

	while (sign[signs] != '\0')
		signs++;
	while (value != 0 || (count == 0 && spec->precision != 0)) {
		text[sizeof(text) - 1 - (size_t)count++] = digits[value % base];
		value /= base;
	}
	int zeros = spec->precision > count ? spec->precision - count : 0;
	int pad = spec->width - signs - zeros - count;

	if (spec->zero && !spec->left && spec->precision < 0) {
		zeros = pad > 0 ? pad : 0;
		pad = 0;
	}
	if (!spec->left)
		out_fill(out, ' ', pad);
	for (int i = 0; i < signs; i++)
		out_char(out, sign[i]);
	out_fill(out, '0', zeros);
	for (int i = 0; i < count; i++)
		out_char(out, text[sizeof(text) - (size_t)count + (size_t)i]);
	if (spec->left)
		out_fill(out, ' ', pad);
}

static const char *parse_count(const char *format, int *value, va_list *args)
{
	if (*format == '*') {
		*value = va_arg(*args, int);
		return format + 1;
	}
	for (*value = 0; *format >= '0' && *format <= '9'; format++)
		if (*value < 100000)
			*value = *value * 10 + (*format - '0');
	return format;
}

static const char *parse_spec(const char *format, struct spec *spec, va_list *args)
{
	*spec = (struct spec){.precision = -1};
	for (;; format++) {
		if (*format == '-')
			spec->left = true;
		else if (*format == '0')
			spec->zero = true;
		else if (*format == '+')
			spec->plus = true;
		else if (*format != ' ' && *format != '#')
			break;
	}
	format = parse_count(format, &spec->width, args);
	if (spec->width < 0) {
		spec->left = true;
		spec->width = -spec->width;
	}
	if (*format == '.')
		format = parse_count(format + 1, &spec->precision, args);
	for (;; format++) {
		if (*format == 'l')
			spec->longs++;
		else if (*format == 'z' || *format == 'j' || *format == 't')
			spec->longs = 1;
		else if (*format != 'h')
			break;
	}
	spec->kind = *format;
	return *format == '\0' ? format : format + 1;
}

static void format_signed(struct out *out, const struct spec *spec, va_list *args)
{
	int64_t value = spec->longs ? va_arg(*args, int64_t) : va_arg(*args, int);
	uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

	out_number(out, spec, size, value < 0 ? "-" : spec->plus ? "+" : "", 10, "0123456789");
}

static void format_unsigned(struct out *out, const struct spec *spec, va_list *args)
{
	uint64_t value = spec->longs ? va_arg(*args, uint64_t) : va_arg(*args, unsigned);

	if (spec->kind == 'u')
		out_number(out, spec, value, "", 10, "0123456789");
	else
		out_number(out, spec, value, "", 16,
			   spec->kind == 'X' ? "0123456789ABCDEF" : "0123456789abcdef");
}

static void format_string(struct out *out, const struct spec *spec, const char *text)
{
	int length = 0;

	if (!text)
		text = "(null)";
	while ((spec->precision < 0 || length < spec->precision) && text[length] != '\0')
		length++;
	out_text(out, spec, text, length);
}

static void format_one(struct out *out, const struct spec *spec, va_list *args)
{
	char c;

	switch (spec->kind) {
	case 'd':
	case 'i':
		format_signed(out, spec, args);
		break;
	case 'u':
	case 'x':
	case 'X':
		format_unsigned(out, spec, args);
		break;
	case 'p':
		out_number(out, spec, (uintptr_t)va_arg(*args, void *), "0x", 16,
			   "0123456789abcdef");
		break;
	case 'c':
		c = (char)va_arg(*args, int);
		out_text(out, spec, &c, 1);
		break;
	case 's':
		format_string(out, spec, va_arg(*args, const char *));
		break;
	case '%':
		out_char(out, '%');
		break;
	default: /* what is not known is shown, not guessed */
		out_char(out, '%');
		if (spec->kind != '\0')
			out_char(out, spec->kind);
		break;
	}
}

size_t sys_vsnprintf(char *to, size_t bytes, const char *format, va_list list)
{
	struct out out = {.to = to, .room = bytes};
	struct spec spec;
	va_list args;

	va_copy(args, list);
	while (*format != '\0') {
		if (*format != '%') {
			out_char(&out, *format++);
			continue;
		}
		format = parse_spec(format + 1, &spec, &args);
		format_one(&out, &spec, &args);
	}
	va_end(args);
	if (bytes > 0)
		to[out.length < bytes ? out.length : bytes - 1] = '\0';
	return out.length;
}

size_t sys_snprintf(char *to, size_t bytes, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	size_t length = sys_vsnprintf(to, bytes, format, args);

	va_end(args);
	return length;
}
