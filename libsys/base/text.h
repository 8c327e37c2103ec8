/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Build text in a buffer of the caller, without formatting strings.  What does not fit is cut; the
 * buffer always ends in NUL if it has any room.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct text {
	char *start;
	size_t length;    /* without the NUL */
	size_t bytes_max; /* with the NUL */
};

static inline struct text text_make(char *start, size_t bytes_max)
{
	if (bytes_max != 0)
		start[0] = '\0';
	return (struct text){start, 0, bytes_max};
}

static inline void text_char(struct text *text, char c)
{
	if (text->length + 1 >= text->bytes_max)
		return;
	text->start[text->length++] = c;
	text->start[text->length] = '\0';
}

static inline void text_string(struct text *text, const char *string)
{
	while (*string != '\0')
		text_char(text, *string++);
}

static inline void text_u64(struct text *text, uint64_t value)
{
	char digits[20];
	uint32_t count = 0;
	do {
		digits[count++] = (char)('0' + value % 10);
		value /= 10;
	} while (value != 0);
	while (count > 0)
		text_char(text, digits[--count]);
}

static inline void text_i64(struct text *text, int64_t value)
{
	if (value < 0)
		text_char(text, '-');
	text_u64(text, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

/* " name=" before a value. */
static inline void text_name(struct text *text, const char *name)
{
	text_char(text, ' ');
	text_string(text, name);
	text_char(text, '=');
}
