/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Progressive filling down the tree under affinity masks, against the same in floating point, which looks at
 * every set of CPUs.
 */
#include "bench.h"

#include <group/fill.h>
#include <math.h>
#include <string.h>

#define CPUS_HERE    6u
#define SETS         (1u << CPUS_HERE)
#define THREADS_HERE 24u
#define NEARLY       1e-9

/* Of each thread its rate, and whether it still rises. */
struct oracle {
	const struct fair *fair;
	const struct level_input *levels;
	double rate[THREADS_HERE], speed[THREADS_HERE];
	bool stopped[THREADS_HERE];
};

static struct fair fair;
static struct level_input levels;
static struct level_state state;
static struct fill fill;
static struct group_blocks blocks;

static bool is_below(uint32_t group, uint32_t above)
{
	while (group != above && group != 0)
		group = fair.group[group].parent;
	return group == above;
}

static double rises_in(const struct oracle *oracle, uint32_t index)
{
	double weight = 0;

	for (uint32_t i = 0; i < fair.threads; i++)
		if (fair.thread[i].group == index && !oracle->stopped[i])
			weight += fair.thread[i].weight;
	for (uint32_t g = 1; g < GROUP_MAX; g++) {
		bool any = false;

		if (!fair.group[g].used || fair.group[g].parent != index)
			continue;
		for (uint32_t i = 0; i < fair.threads; i++)
			any = any || (!oracle->stopped[i] && is_below(fair.thread[i].group, g));
		weight += any ? fair.group[g].weight : 0;
	}
	return weight;
}

static void speeds(struct oracle *oracle)
{
	for (uint32_t i = 0; i < fair.threads; i++) {
		uint32_t group = fair.thread[i].group;

		oracle->speed[i] = 0;
		if (oracle->stopped[i])
			continue;
		oracle->speed[i] = fair.thread[i].weight / rises_in(oracle, group);
		for (; group != 0; group = fair.group[group].parent)
			oracle->speed[i] *= fair.group[group].weight /
					    rises_in(oracle, fair.group[group].parent);
	}
}

static bool in_set(uint32_t thread, uint32_t set)
{
	return (levels.mask[fair.thread[thread].class].bits[0] & ~(uint64_t)set) == 0;
}

static void add(const struct oracle *oracle, uint32_t thread, double *rate, double *speed)
{
	*rate += oracle->rate[thread];
	*speed += oracle->speed[thread];
}

/* How far until `rate`, which rises at `speed`, is `limit`? */
static double until(double limit, double rate, double speed)
{
	return speed > 0 ? fmax(0, limit - rate) / speed : INFINITY;
}

/* Stops those whose limit is there; returns how far it is to the first one. */
static double limits_look(struct oracle *oracle, bool stop)
{
	double step = INFINITY;

	for (uint32_t i = 0; i < fair.threads; i++) {
		step = fmin(step, until(1, oracle->rate[i], oracle->speed[i]));
		if (stop && oracle->rate[i] > 1 - NEARLY)
			oracle->stopped[i] = true;
	}
	for (uint32_t limit = 0; limit < GROUP_MAX + SETS; limit++) {
		const bool is_set = limit >= GROUP_MAX;
		const uint32_t set = limit - GROUP_MAX;
		double rate = 0, speed = 0, most = INFINITY;

		if (is_set)
			most = __builtin_popcount(set);
		else if (fair.group[limit].cap != 0)
			most = (double)fair.group[limit].cap / FAIR_RATE_ONE;
		for (uint32_t i = 0; i < fair.threads; i++)
			if (is_set ? in_set(i, set) : is_below(fair.thread[i].group, limit))
				add(oracle, i, &rate, &speed);
		step = fmin(step, until(most, rate, speed));
		for (uint32_t i = 0; i < fair.threads && stop && rate > most - NEARLY; i++)
			if (is_set ? in_set(i, set) : is_below(fair.thread[i].group, limit))
				oracle->stopped[i] = true;
	}
	return step;
}

static void oracle_fill(struct oracle *oracle)
{
	for (uint32_t round = 0; round < 2 * THREADS_HERE; round++) {
		speeds(oracle);

		const double step = limits_look(oracle, false);

		if (isinf(step))
			return;
		for (uint32_t i = 0; i < fair.threads; i++)
			oracle->rate[i] += oracle->speed[i] * step;
		limits_look(oracle, true);
	}
}

static uint32_t below(uint64_t *seed, uint32_t count)
{
	return (uint32_t)(bench_random(seed) % count);
}

static void world_make(uint64_t *seed)
{
	const uint32_t groups = below(seed, 9), cpus = 1 + below(seed, CPUS_HERE);

	memset(&fair, 0, sizeof(fair));
	memset(&levels, 0, sizeof(levels));
	fair.cpus = levels.cpus = cpus;
	fair.group[0].used = true;
	levels.online = levels.mask[0] = cpumask_first(cpus);
	for (uint32_t i = 1; i <= groups; i++) {
		struct fair_group *group = &fair.group[i];

		do
			group->parent = below(seed, i);
		while (fair.group[group->parent].depth == GROUP_DEPTH_MAX);
		group->used = true;
		group->depth = fair.group[group->parent].depth + 1;
		group->weight = 300 + below(seed, 3000);
		if (below(seed, 4) == 0)
			group->cap = (uint64_t)cpus * (5 + below(seed, 60)) * FAIR_RATE_ONE / 100;
	}
	for (uint32_t n = 1 + below(seed, 4 * cpus); n > 0; n--) {
		const uint32_t class = below(seed, 2) == 0 ? 0 : 1 + below(seed, 8);

		if (cpumask_empty(&levels.mask[class]))
			levels.mask[class].bits[0] = 1 + below(seed, (1u << cpus) - 1);
		fair.thread[fair.threads++] = (struct fair_thread){
			.weight = 300 + below(seed, 3000),
			.group = below(seed, groups + 1),
			.class = class,
		};
	}
}

/* Returns the number of steps. */
static uint32_t solve(void)
{
	uint32_t steps = 1;

	fill_begin(&fill, &fair, &levels);
	while (!fill_step(&fill, &levels, &state))
		cr_assert_lt(++steps, 400u);
	fill_result(&fill, &blocks);
	return steps;
}

static double rate_of(const struct fair_thread *thread)
{
	const uint64_t full = blocks.full[blocks.class[thread->class]][thread->group];

	return fmin(1, (double)((uint64_t)thread->weight << GROUP_FULL_SHIFT) / (double)full);
}

Test(fill, random_trees_and_masks)
{
	uint64_t seed = 11, steps = 0;

	for (uint32_t round = 0; round < 1000; round++) {
		struct oracle oracle = {.fair = &fair, .levels = &levels};

		world_make(&seed);
		steps += solve();
		oracle_fill(&oracle);
		for (uint32_t i = 0; i < fair.threads; i++)
			cr_assert_float_eq(rate_of(&fair.thread[i]), oracle.rate[i],
					   0.01 * oracle.rate[i] + 2e-4,
					   "round %u thread %u: %f, not %f", round, i,
					   rate_of(&fair.thread[i]), oracle.rate[i]);
	}
	/* Each is several balance periods. */
	cr_assert_lt(steps, 8000u, "%lu steps", steps);
}

/* Where no mask binds it is what fair.h says. */
Test(fill, one_block_without_masks)
{
	uint64_t seed = 23;

	for (uint32_t round = 0; round < 500; round++) {
		world_make(&seed);
		for (uint32_t i = 0; i < fair.threads; i++)
			fair.thread[i].class = 0;
		(void)solve();
		cr_assert_eq(fill.blocks, 1u);
		fair_solve(&fair);
		for (uint32_t i = 0; i < fair.threads; i++) {
			const double rate = (double)fair.thread[i].rate / FAIR_RATE_ONE;

			cr_assert_float_eq(rate_of(&fair.thread[i]), rate, 0.002 * rate + 1e-4,
					   "round %u thread %u: %f, not %f", round, i,
					   rate_of(&fair.thread[i]), rate);
		}
	}
}

/* A CPU with three, and another thread of the same group that has two to itself: each CPU's own F. */
Test(fill, a_group_on_two_blocks)
{
	memset(&fair, 0, sizeof(fair));
	memset(&levels, 0, sizeof(levels));
	fair.cpus = levels.cpus = 2;
	fair.group[0].used = true;
	fair.group[1] = (struct fair_group){.used = true, .depth = 1, .weight = 1024};
	levels.online = levels.mask[0] = cpumask_first(2);
	levels.mask[1] = cpumask_one(0);
	for (uint32_t i = 0; i < 4; i++)
		fair.thread[fair.threads++] = (struct fair_thread){
			.weight = 1024, .group = i < 2 ? 0 : 1, .class = i == 3 ? 0 : 1};
	(void)solve();
	cr_assert_eq(fill.blocks, 2u);
	cr_assert_eq(blocks.cpu[0], 0);
	cr_assert_eq(blocks.cpu[1], 1);
	/* Both root threads 2 of 5, one of the group 1 of 5, as long as the other one rises with it. */
	cr_assert_float_eq(rate_of(&fair.thread[0]), 0.4, 0.001);
	cr_assert_float_eq(rate_of(&fair.thread[2]), 0.2, 0.001);
	cr_assert_float_eq(rate_of(&fair.thread[3]), 1, 0.001);
}

/* More than are listed: they are like those that are. */
Test(fill, threads_that_are_not_listed)
{
	memset(&fair, 0, sizeof(fair));
	memset(&levels, 0, sizeof(levels));
	fair.cpus = levels.cpus = 4;
	fair.group[0].used = true;
	fair.group[1] = (struct fair_group){.used = true,
					    .depth = 1,
					    .weight = 1024,
					    .rest_weight = 99 * 512,
					    .rest_count = 99};
	levels.online = levels.mask[0] = cpumask_first(4);
	levels.mask[1] = cpumask_one(3);
	fair.thread[fair.threads++] = (struct fair_thread){.weight = 512, .group = 1, .class = 1};
	fair.thread[fair.threads++] = (struct fair_thread){.weight = 1024, .class = 1};
	(void)solve();
	cr_assert_float_eq(rate_of(&fair.thread[0]), 0.5 / 100, 0.0001);
	cr_assert_float_eq(rate_of(&fair.thread[1]), 0.5, 0.001);
}

/* All that there can be, as large as it can be: nothing overflows, and it ends. */
Test(fill, the_largest_machine)
{
	uint64_t seed = 3;

	memset(&fair, 0, sizeof(fair));
	memset(&levels, 0, sizeof(levels));
	fair.cpus = levels.cpus = CPUS_MAX;
	fair.group[0].used = true;
	levels.online = levels.mask[0] = cpumask_all();
	for (uint32_t i = 1; i < GROUP_MAX; i++)
		fair.group[i] = (struct fair_group){
			.used = true,
			.parent = i % 4 == 1 ? 0 : i - 1,
			.weight = i % 2 != 0 ? POLICY_WEIGHT_MAX : POLICY_WEIGHT_MIN,
			.rest_weight = (uint64_t)POLICY_WEIGHT_MAX * 80,
			.rest_count = 80,
		};
	for (uint32_t i = 1; i < GROUP_MAX; i++)
		fair.group[i].depth = fair.group[fair.group[i].parent].depth + 1;
	for (uint32_t i = 1; i < LEVEL_CLASSES_MAX; i++)
		for (uint32_t word = 0; word < CPUMASK_WORDS; word++) {
			levels.mask[i].bits[word] = bench_random(&seed);
			levels.mask[i].bits[word] &= bench_random(&seed);
		}
	while (fair.threads < FAIR_THREADS_MAX)
		fair.thread[fair.threads++] = (struct fair_thread){
			.weight = below(&seed, 2) == 0 ? POLICY_WEIGHT_MAX : POLICY_WEIGHT_MIN,
			.group = below(&seed, GROUP_MAX),
			.class = below(&seed, LEVEL_CLASSES_MAX),
		};
	(void)solve();
	for (uint32_t i = 0; i < fair.threads; i++) {
		cr_assert_lt(blocks.class[fair.thread[i].class], fill.blocks);
		cr_assert_neq(blocks.full[blocks.class[fair.thread[i].class]][fair.thread[i].group],
			      0u);
	}
}
