/* SPDX-License-Identifier: BSD-2-Clause */
/* Shares over several CPUs: the required bounds F1, F2, F3 (hogs, decisions cost nothing). */
#include "several.h"
#include <stdio.h>

#define SECONDS_10 UINT64_C(10000000000)

struct several_case {
	uint32_t threads;
	uint32_t cpus;
};

static void equal_weights(const struct several_case *c)
{
	uint32_t weights[SEVERAL_THREADS_MAX];
	for (uint32_t i = 0; i < c->threads; i++)
		weights[i] = 1024;
	struct several *several = several_run(c->cpus, weights, c->threads, SECONDS_10);
	cr_assert_leq(several_f2(several), 0.02, "%u on %u: F2 %.4f", c->threads, c->cpus,
		      several_f2(several));
	cr_assert_leq(several_f1(several), 2.0 * BALANCE_PERIOD_NS, "%u on %u: F1 %.0f ns",
		      c->threads, c->cpus, several_f1(several));
	cr_assert_leq(several_f3(several), 25.5, "%u on %u: F3 %.1f", c->threads, c->cpus,
		      several_f3(several));
	if (c->threads <= c->cpus || c->threads % c->cpus == 0)
		cr_assert_eq(several_f3(several), 0);
	free(several);
}

Test(several, equal_weights_get_equal_shares)
{
	static const struct several_case cases[] = {
		{3, 2}, {5, 4}, {6, 4}, {7, 4}, {9, 4}, {9, 8}, {13, 8}, {17, 16}, {5, 3}, {11, 4},
	};
	for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		equal_weights(&cases[i]);
}

Test(several, nothing_migrates_when_it_cannot_help)
{
	static const struct several_case cases[] = {{1, 4}, {3, 4},  {4, 4},
						    {8, 4}, {16, 8}, {12, 4}};
	for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		equal_weights(&cases[i]);
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a;
	const double y = *(const double *)b;
	return x < y ? -1 : x > y;
}

/* 24 random cases: at most 10 % in the median, 15 % at the 90th percentile. */
Test(several, mixed_weights)
{
	static const uint32_t machines[] = {2, 4, 4, 8};
	for (uint64_t set = 1; set <= 3; set++) {
		uint64_t seed = set * 7654321;
		double f2[24];
		for (uint32_t i = 0; i < 24; i++) {
			uint32_t weights[SEVERAL_THREADS_MAX];
			const uint32_t cpus = machines[bench_random(&seed) % 4];
			const uint32_t threads = cpus + 1 +
						 (uint32_t)(bench_random(&seed) % (2 * cpus));
			for (uint32_t j = 0; j < threads; j++)
				weights[j] = policy_weight_of_nice((int)(bench_random(&seed) % 11) -
								   5);
			struct several *several = several_run(cpus, weights, threads, SECONDS_10);
			f2[i] = several_f2(several);
			cr_assert_leq(several_f3(several), 25.5);
			free(several);
		}
		qsort(f2, 24, sizeof(f2[0]), compare);
		cr_log_info("set %u: median %.4f, 90th percentile %.4f", (uint32_t)set, f2[12],
			    f2[21]);
		cr_assert_leq(f2[12], 0.10, "median %.4f", f2[12]);
		cr_assert_leq(f2[21], 0.15, "90th percentile %.4f", f2[21]);
	}
}
