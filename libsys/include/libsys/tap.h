/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Test programs of the boot archive: print TAP, end with status 0 only if every case held.
 *
 *     static void adds(void) { tap_check(1 + 1 == 2); }
 *     int main(void) { return tap_run((const struct tap_case[]){{"adds", adds}}, 1); }
 *
 * A case ends at its end; a check that fails is printed and the case goes on.  Checks may be made by
 * any thread.
 */
#pragma once

#include <stdatomic.h>
#include <stdio.h>

struct tap_case {
	const char *name;
	void (*body)(void);
};

/* Weak: one for all files of a program. */
__attribute__((weak)) _Atomic unsigned tap_failures;

#define tap_check(condition)                                                                    \
	do {                                                                                    \
		if (!(condition)) {                                                             \
			atomic_fetch_add(&tap_failures, 1);                                     \
			printf("# %s:%d: not true: %s\n", __FILE_NAME__, __LINE__, #condition); \
		}                                                                               \
	} while (0)

/* Compares two unsigned numbers and shows both. */
#define tap_equal(a, b)                                                                          \
	do {                                                                                     \
		unsigned long long tap_a = (unsigned long long)(a);                              \
		unsigned long long tap_b = (unsigned long long)(b);                              \
		if (tap_a != tap_b) {                                                            \
			atomic_fetch_add(&tap_failures, 1);                                      \
			printf("# %s:%d: %s is %llu, %s is %llu\n", __FILE_NAME__, __LINE__, #a, \
			       tap_a, #b, tap_b);                                                \
		}                                                                                \
	} while (0)

/* As tap_run(); what @stop (or null) says before a case, if not null, is the reason to end there. */
static inline int tap_run_unless(const struct tap_case *cases, unsigned count,
				 const char *(*stop)(void))
{
	unsigned failed = 0;

	printf("1..%u\n", count);
	for (unsigned i = 0; i < count; i++) {
		const char *reason = stop ? stop() : NULL;

		if (reason) {
			printf("Bail out! %s\n", reason);
			return 1;
		}
		atomic_store(&tap_failures, 0);
		cases[i].body();
		unsigned bad = atomic_load(&tap_failures);

		failed += bad != 0;
		printf("%s %u - %s\n", bad ? "not ok" : "ok", i + 1, cases[i].name);
	}
	return failed ? 1 : 0;
}

static inline int tap_run(const struct tap_case *cases, unsigned count)
{
	return tap_run_unless(cases, count, NULL);
}
