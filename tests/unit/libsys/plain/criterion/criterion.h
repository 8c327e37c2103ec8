/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Just enough of Criterion to run the same tests in one process: Criterion's own memory layout and
 * the race detector's do not go together.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>

struct plain_test {
	const char *name;
	void (*body)(void);
	struct plain_test *next;
};

extern struct plain_test *plain_tests;

#define Test(suite, title, ...)                                                          \
	static void suite##_##title(void);                                               \
	__attribute__((constructor)) static void suite##_##title##_add(void)             \
	{                                                                                \
		static struct plain_test test = {#suite "/" #title, suite##_##title, 0}; \
		test.next = plain_tests;                                                 \
		plain_tests = &test;                                                     \
	}                                                                                \
	static void suite##_##title(void)

#define cr_assert(condition, ...)                                                                 \
	do {                                                                                      \
		if (!(condition)) {                                                               \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                                  \
		}                                                                                 \
	} while (0)
#define cr_assert_eq(a, b, ...)  cr_assert((a) == (b))
#define cr_assert_geq(a, b, ...) cr_assert((a) >= (b))
