/* SPDX-License-Identifier: BSD-2-Clause */
/* sys_snprintf against the C library's. */
#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <libsys/print.h>

#define SAME(...)                                                              \
	do {                                                                   \
		char ours[128];                                                \
		char theirs[128];                                              \
		size_t length = sys_snprintf(ours, sizeof(ours), __VA_ARGS__); \
		int wanted = snprintf(theirs, sizeof(theirs), __VA_ARGS__);    \
		cr_assert_str_eq(ours, theirs);                                \
		cr_assert_eq(length, (size_t)wanted);                          \
	} while (0)

Test(format, numbers)
{
	SAME("%d %i %u", -1, INT_MIN, UINT_MAX);
	SAME("%ld %lu %lld %zu", LONG_MIN, ULONG_MAX, LLONG_MAX, (size_t)7);
	SAME("%x %X %lx", 0xabcu, 0xDEFu, 0x123456789abcdefUL);
	SAME("[%5d] [%-5d] [%05d] [%+d]", 42, 42, -42, 42);
	SAME("[%.3d] [%8.3d] [%-8.3x] [%.0d]", 7, -7, 0xau, 0);
	SAME("[%*d] [%-*d] [%.*d]", 6, 1, 6, 2, 4, 3);
	SAME("%d", 0);
	SAME("%hd %hhu", (short)-3, (unsigned char)200);
}

Test(format, texts)
{
	SAME("[%s] [%8s] [%-8s] [%.2s]", "abc", "abc", "abc", "abc");
	SAME("[%c] [%3c] [%%]", 'x', 'y');
	SAME("[%.*s]", 3, "abcdef");
	SAME("plain");
}

Test(format, pointers_and_unknown)
{
	char text[32];

	sys_snprintf(text, sizeof(text), "%p", (void *)0x1234);
	cr_assert_str_eq(text, "0x1234");
	const char *volatile null = NULL;
	const char *odd = "%q%";

	sys_snprintf(text, sizeof(text), "%s", null);
	cr_assert_str_eq(text, "(null)");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
	sys_snprintf(text, sizeof(text), odd);
#pragma GCC diagnostic pop
	cr_assert_str_eq(text, "%q%");
}

Test(format, room)
{
	char text[4] = "zzz";

	cr_assert_eq(sys_snprintf(text, sizeof(text), "%s", "abcdef"), 6);
	cr_assert_str_eq(text, "abc");
	cr_assert_eq(sys_snprintf(text, 0, "%d", 12345), 5);
	cr_assert_str_eq(text, "abc");
	cr_assert_eq(sys_snprintf(text, 1, "%d", 12345), 5);
	cr_assert_str_eq(text, "");
}
