/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The string functions that compilers call, without floating-point registers: for servers, and for
 * programs in place of the C library's, which go byte by byte.  Compiled so that the loops are not
 * turned back into calls of themselves.
 * Bad at: copies of a few bytes at odd lengths.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Words of unknown type: unaligned loads are fine on this machine. */
struct __attribute__((packed, may_alias)) unaligned {
	uint64_t word;
};

#define CLEAR_BYTES_MIN 512u /* from here on DC ZVA is worth its preparation */

/* A cache line: the compiler makes four loads and stores of pairs of it. */
struct __attribute__((packed, may_alias)) block {
	uint64_t word[8];
};

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
	char *t = to;
	const char *f = from;

	for (; bytes >= sizeof(struct block); bytes -= sizeof(struct block)) {
		*(struct block *)t = *(const struct block *)f;
		t += sizeof(struct block);
		f += sizeof(struct block);
	}
	for (; bytes >= 8; bytes -= 8, t += 8, f += 8)
		((struct unaligned *)t)->word = ((const struct unaligned *)f)->word;
	for (; bytes > 0; bytes--)
		*t++ = *f++;
	return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
	char *t = to;
	const char *f = from;

	if ((uintptr_t)t - (uintptr_t)f >= bytes)
		return memcpy(to, from, bytes);
	while (bytes > 0) {
		bytes--;
		t[bytes] = f[bytes];
	}
	return to;
}

#define DCZID_PROHIBITED 16u
#define DCZID_BLOCK_MASK 15u

/* Clear what DC ZVA can of [t, t + bytes), in whole blocks; returns how many bytes from t on are clear. */
static size_t blocks_clear(char *t, size_t bytes)
{
	uint64_t id;
	size_t block;
	size_t blocks;
	char *at;

	__asm__("mrs %0, dczid_el0" : "=r"(id));
	block = (size_t)4 << (id & DCZID_BLOCK_MASK);
	if ((id & DCZID_PROHIBITED) != 0 || bytes < 2 * block)
		return 0;
	for (at = t; (uintptr_t)at % 8 != 0; at++)
		*at = 0;
	for (; (uintptr_t)at % block != 0; at += 8)
		((struct unaligned *)at)->word = 0;
	blocks = (bytes - (size_t)(at - t)) / block;
	for (char *end = at + blocks / 4 * 4 * block; at != end; at += 4 * block)
		__asm__ volatile("dc zva, %0\n"
				 "dc zva, %1\n"
				 "dc zva, %2\n"
				 "dc zva, %3"
				 :
				 : "r"(at), "r"(at + block), "r"(at + 2 * block),
				   "r"(at + 3 * block)
				 : "memory");
	for (char *end = at + blocks % 4 * block; at != end; at += block)
		__asm__ volatile("dc zva, %0" : : "r"(at) : "memory");
	return (size_t)(at - t);
}

void *memset(void *to, int value, size_t bytes)
{
	char *t = to;
	uint64_t word = (uint64_t)(unsigned char)value * 0x0101010101010101ull;

	if (value == 0 && bytes >= CLEAR_BYTES_MIN) {
		const size_t clear = blocks_clear(t, bytes);

		t += clear;
		bytes -= clear;
	}
	for (; bytes >= sizeof(struct block); bytes -= sizeof(struct block)) {
		*(struct block *)t = (struct block){
			{word, word, word, word, word, word, word, word}};
		t += sizeof(struct block);
	}
	for (; bytes >= 8; bytes -= 8, t += 8)
		((struct unaligned *)t)->word = word;
	for (; bytes > 0; bytes--)
		*t++ = (char)value;
	return to;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
	const unsigned char *x = a;
	const unsigned char *y = b;

	for (; bytes > 0; bytes--, x++, y++)
		if (*x != *y)
			return *x < *y ? -1 : 1;
	return 0;
}

void *memchr(const void *in, int value, size_t bytes)
{
	const unsigned char *p = in;

	for (; bytes > 0; bytes--, p++)
		if (*p == (unsigned char)value)
			return (void *)(uintptr_t)p;
	return NULL;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n] != '\0')
		n++;
	return n;
}

size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n] != '\0')
		n++;
	return n;
}

int strcmp(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b) {
		a++;
		b++;
	}
	return (int)(unsigned char)*a - (int)(unsigned char)*b;
}

int strncmp(const char *a, const char *b, size_t max)
{
	for (; max > 0; max--, a++, b++)
		if (*a != *b || *a == '\0')
			return (int)(unsigned char)*a - (int)(unsigned char)*b;
	return 0;
}

char *strchr(const char *s, int value)
{
	for (;; s++) {
		if (*s == (char)value)
			return (char *)(uintptr_t)s;
		if (*s == '\0')
			return NULL;
	}
}

char *strrchr(const char *s, int value)
{
	const char *last = NULL;

	for (;; s++) {
		if (*s == (char)value)
			last = s;
		if (*s == '\0')
			return (char *)(uintptr_t)last;
	}
}
