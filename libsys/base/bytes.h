/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small helpers for readers of bytes from outside: unaligned loads of a stated byte order, bounded
 * string comparison.  Nothing here reads past the length that it is given, and nothing calls a
 * C library, so the kernel may use it before any memory is mapped in a special way.
 * Bad at: speed; every load is byte by byte because the source may have any alignment.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline uint32_t bytes_be32(const uint8_t *p)
{
	return ((uint32_t)p[0] << 24) | ((uint32_t)p[1] << 16) | ((uint32_t)p[2] << 8) | p[3];
}

static inline uint64_t bytes_be64(const uint8_t *p)
{
	return ((uint64_t)bytes_be32(p) << 32) | bytes_be32(p + 4);
}

static inline uint16_t bytes_le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | ((unsigned int)p[1] << 8));
}

static inline uint32_t bytes_le32(const uint8_t *p)
{
	return bytes_le16(p) | ((uint32_t)bytes_le16(p + 2) << 16);
}

static inline uint64_t bytes_le64(const uint8_t *p)
{
	return bytes_le32(p) | ((uint64_t)bytes_le32(p + 4) << 32);
}

/* Length of the string at @s, or @len_max when there is no NUL within that many bytes. */
static inline size_t str_len_max(const char *s, size_t len_max)
{
	size_t n = 0;

	while (n < len_max && s[n] != '\0')
		n++;
	return n;
}

static inline bool bytes_equal(const void *a, const void *b, size_t len)
{
	const uint8_t *x = a;
	const uint8_t *y = b;

	for (size_t i = 0; i < len; i++)
		if (x[i] != y[i])
			return false;
	return true;
}

static inline void bytes_copy(void *to, const void *from, size_t len)
{
	uint8_t *t = to;
	const uint8_t *f = from;

	for (size_t i = 0; i < len; i++)
		t[i] = f[i];
}

/* True if the @len bytes at @s spell exactly the NUL-terminated @word. */
static inline bool str_equal_n(const char *s, size_t len, const char *word)
{
	size_t i = 0;

	for (; i < len; i++)
		if (word[i] == '\0' || word[i] != s[i])
			return false;
	return word[i] == '\0';
}

static inline bool str_equal(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}
