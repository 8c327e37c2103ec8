/* SPDX-License-Identifier: BSD-2-Clause */
/* Ideal rates of groups on several CPUs, against water filling by bisection in floating point. */
#include "bench.h"
#include "group/fair.h"
#include <math.h>
#include <string.h>

#define MEMBERS_MAX 200u

/* What is filled: of each member its weight and what it can use. */
struct pool {
	uint32_t count;
	double weight[MEMBERS_MAX], limit[MEMBERS_MAX];
	double *rate[MEMBERS_MAX];
};

/* Rates of the machine by the oracle; its own tree, taken from the input. */
struct oracle {
	const struct fair *fair;
	bool capped[GROUP_MAX];
	double limit[GROUP_MAX], rate[GROUP_MAX], rest[GROUP_MAX], thread[FAIR_THREADS_MAX];
};

static double oracle_limit(struct oracle *oracle, uint32_t index)
{
	const struct fair_group *group = &oracle->fair->group[index];
	double limit = group->rest_count;

	for (uint32_t i = 0; i < oracle->fair->threads; i++)
		limit += oracle->fair->thread[i].group == index;
	for (uint32_t i = 1; i < GROUP_MAX; i++)
		if (oracle->fair->group[i].used && oracle->fair->group[i].parent == index)
			limit += oracle_limit(oracle, i);
	oracle->capped[index] = group->cap != 0 && (double)group->cap / FAIR_RATE_ONE < limit;
	if (oracle->capped[index])
		limit = (double)group->cap / FAIR_RATE_ONE;
	oracle->limit[index] = fmin(limit, oracle->fair->cpus);
	return oracle->limit[index];
}

static void pool_add(struct pool *pool, double weight, double limit, double *rate)
{
	pool->weight[pool->count] = weight;
	pool->limit[pool->count] = limit;
	pool->rate[pool->count++] = rate;
}

static double pool_pour(const struct pool *pool, double height)
{
	double sum = 0;

	for (uint32_t i = 0; i < pool->count; i++) {
		*pool->rate[i] = fmin(pool->limit[i], pool->weight[i] * height);
		sum += *pool->rate[i];
	}
	return sum;
}

static void oracle_share(struct oracle *oracle, uint32_t index)
{
	const struct fair *fair = oracle->fair;
	const double left = fmin(oracle->rate[index], oracle->limit[index]);
	struct pool pool = {0};
	double low = 0, high = 1e6;

	if (fair->group[index].rest_weight != 0)
		pool_add(&pool, (double)fair->group[index].rest_weight,
			 fair->group[index].rest_count, &oracle->rest[index]);
	for (uint32_t i = 0; i < fair->threads; i++)
		if (fair->thread[i].group == index)
			pool_add(&pool, fair->thread[i].weight, 1, &oracle->thread[i]);
	for (uint32_t i = 1; i < GROUP_MAX; i++)
		if (fair->group[i].used && fair->group[i].parent == index)
			pool_add(&pool, fair->group[i].weight, oracle->limit[i], &oracle->rate[i]);
	for (uint32_t step = 0; step < 200; step++) {
		const double middle = (low + high) / 2;

		if (pool_pour(&pool, middle) < left)
			low = middle;
		else
			high = middle;
	}
	oracle->rate[index] = left;
	for (uint32_t i = 1; i < GROUP_MAX; i++)
		if (fair->group[i].used && fair->group[i].parent == index)
			oracle_share(oracle, i);
}

static void compare(struct fair *fair, uint32_t seed)
{
	struct oracle *oracle = calloc(1, sizeof(*oracle));

	oracle->fair = fair;
	oracle_limit(oracle, 0);
	oracle->rate[0] = fair->cpus;
	oracle_share(oracle, 0);
	fair_solve(fair);
	for (uint32_t i = 0; i < fair->threads; i++) {
		const struct fair_thread *thread = &fair->thread[i];
		const double rate = (double)thread->rate / FAIR_RATE_ONE;
		const double full = (double)fair->group[thread->group].full /
				    (1u << GROUP_FULL_SHIFT);
		const double slack = 1e-3 * oracle->thread[i] + 2e-5;

		cr_assert_lt(fabs(rate - oracle->thread[i]), slack, "seed %u thread %u: %f, not %f",
			     seed, i, rate, oracle->thread[i]);
		cr_assert_lt(fabs(fmin(1, thread->weight / full) - oracle->thread[i]), slack,
			     "seed %u thread %u: %u of %f is not %f", seed, i, thread->weight, full,
			     oracle->thread[i]);
	}
	for (uint32_t i = 1; i < GROUP_MAX; i++) {
		const struct fair_group *group = &fair->group[i];
		const double full = (double)fair->group[group->parent].full /
				    (1u << GROUP_FULL_SHIFT);
		const double effective = (double)group->effective / (1u << GROUP_EFFECTIVE_SHIFT);
		const double used = oracle->rate[i] * full;
		const double wanted = !oracle->capped[i] ? used : fmin(1.25 * used, group->weight);

		if (!group->used || oracle->limit[i] == 0)
			continue;
		cr_assert_lt(fabs(effective - wanted), 0.003 * effective + 0.02,
			     "seed %u group %u: %f, not %f", seed, i, effective, wanted);
		cr_assert_leq(group->effective, (uint64_t)group->weight << GROUP_EFFECTIVE_SHIFT);
	}
	free(oracle);
}

static uint32_t below(uint64_t *seed, uint32_t count)
{
	return (uint32_t)(bench_random(seed) % count);
}

/* Up to 20 groups to depth 4, four of ten capped, and threads, one of ten not listed, which is light. */
static void tree_make(struct fair *fair, uint64_t *seed)
{
	const uint32_t groups = below(seed, 20);

	memset(fair, 0, sizeof(*fair));
	fair->cpus = 1 + below(seed, 16);
	fair->group[0].used = true;
	for (uint32_t i = 1; i <= groups; i++) {
		struct fair_group *group = &fair->group[i];

		do
			group->parent = below(seed, i);
		while (fair->group[group->parent].depth == GROUP_DEPTH_MAX);
		group->used = true;
		group->depth = fair->group[group->parent].depth + 1;
		group->weight = 100 + below(seed, 5000);
		if (below(seed, 10) < 4)
			group->cap = (uint64_t)fair->cpus * (1 + below(seed, 100)) * FAIR_RATE_ONE /
				     100;
	}
	for (uint32_t n = 1 + below(seed, 4 * fair->cpus); n > 0; n--) {
		const uint32_t index = below(seed, groups + 1);

		if (below(seed, 10) == 0) {
			fair->group[index].rest_weight += 30;
			fair->group[index].rest_count++;
			continue;
		}
		fair->thread[fair->threads++] = (struct fair_thread){
			.weight = 100 + below(seed, below(seed, 4) == 0 ? 50000 : 3000),
			.group = index,
		};
	}
}

Test(fair, random_trees)
{
	struct fair *fair = calloc(1, sizeof(*fair));
	uint64_t seed = 5;

	for (uint32_t round = 0; round < 2000; round++) {
		tree_make(fair, &seed);
		compare(fair, round);
	}
	free(fair);
}

/* All that there can be, as large as it can be: nothing overflows. */
Test(fair, the_largest_machine)
{
	struct fair *fair = calloc(1, sizeof(*fair));

	fair->cpus = 256;
	fair->group[0].used = true;
	for (uint32_t i = 1; i < GROUP_MAX; i++)
		fair->group[i] = (struct fair_group){
			.used = true,
			.parent = i > 4 ? 0 : i - 1,
			.depth = i > 4 ? 1 : i,
			.weight = POLICY_WEIGHT_MAX,
			.rest_weight = 70 * (uint64_t)POLICY_WEIGHT_MAX,
			.rest_count = 70,
		};
	for (uint32_t i = 0; i < FAIR_THREADS_MAX; i++)
		fair->thread[fair->threads++] = (struct fair_thread){
			.weight = i % 2 == 0 ? POLICY_WEIGHT_MAX : POLICY_WEIGHT_MIN,
			.group = i % GROUP_MAX,
		};
	compare(fair, 0);
	free(fair);
}

/* Two CPUs, a thread that has one of them: the other one of its group has what is left of its part. */
Test(fair, who_has_a_cpu_leaves_the_rest_to_its_group)
{
	struct fair *fair = calloc(1, sizeof(*fair));

	fair->cpus = 2;
	fair->group[0].used = true;
	fair->group[1] = (struct fair_group){.used = true, .depth = 1, .weight = 3000};
	fair->threads = 3;
	fair->thread[0] = (struct fair_thread){.weight = 3000, .group = 1};
	fair->thread[1] = (struct fair_thread){.weight = 100, .group = 1};
	fair->thread[2] = (struct fair_thread){.weight = 1000, .group = 0};
	fair_solve(fair);
	cr_assert_eq(fair->thread[0].rate, FAIR_RATE_ONE);
	assert_near((double)fair->thread[1].rate / FAIR_RATE_ONE, 0.5, 1e-4);
	assert_near((double)fair->thread[2].rate / FAIR_RATE_ONE, 0.5, 1e-4);
	free(fair);
}

/* Each has what it can use, and the largest F that says so is that of who needs most of it. */
Test(fair, where_all_have_enough_the_lightest_decides)
{
	struct fair *fair = calloc(1, sizeof(*fair));

	for (uint32_t least = 0; least < 4; least++) {
		memset(fair, 0, sizeof(*fair));
		fair->cpus = 8;
		fair->group[0] = (struct fair_group){
			.used = true, .rest_weight = least == 3 ? 300 : 3000, .rest_count = 1};
		fair->threads = 3;
		for (uint32_t i = 0; i < 3; i++)
			fair->thread[i].weight = i == least ? 300 : 1000 + 500 * i;
		fair_solve(fair);
		cr_assert_eq(fair->group[0].full, UINT64_C(300) << GROUP_FULL_SHIFT,
			     "%u is the lightest: %llu", least,
			     (unsigned long long)fair->group[0].full);
		for (uint32_t i = 0; i < 3; i++)
			cr_assert_eq(fair->thread[i].rate, FAIR_RATE_ONE);
	}
	free(fair);
}
