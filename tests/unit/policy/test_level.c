/* SPDX-License-Identifier: BSD-2-Clause */
/* Levels of CPUs under affinity masks, against the exact water filling of <base/ideal_share.h>. */
#include "bench.h"

#include <base/ideal_share.h>
#include <place/level.h>
#include <string.h>

#define THREADS_MAX 48u

struct world {
	struct level_input input;
	struct level_state state;
	struct ideal_task tasks[THREADS_MAX];
	uint32_t count;
};

static struct world world;
static struct ideal_class classes[THREADS_MAX];

static void open_world(uint32_t cpus)
{
	memset(&world, 0, sizeof(world));
	world.input.cpus = cpus;
	world.input.online = cpumask_first(cpus);
}

/* A thread in a class of its own, but those without a mask are one class. */
static void add(uint32_t weight, struct cpumask mask)
{
	const struct cpumask all = world.input.online;
	const uint32_t class = cpumask_equal(&mask, &all) ? 0 : world.count + 1;

	world.tasks[world.count++] = (struct ideal_task){.weight = weight, .cpus = mask};
	world.input.weight[class] += weight;
	world.input.count[class]++;
	world.input.mask[class] = mask;
}

static void steps(uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		level_step(&world.state, &world.input);
}

/* What a thread gets if it is where the level is least. */
static double rate(const struct ideal_task *task)
{
	uint64_t least = UINT64_MAX;

	cpumask_for_each(cpu, &task->cpus)
	{
		if (level_of(&world.state, cpu) < least)
			least = level_of(&world.state, cpu);
	}
	return least <= task->weight ? 1 : (double)task->weight / (double)least;
}

static void assert_fair(double within, uint32_t seed)
{
	cr_assert_eq(ideal_share(world.tasks, world.count, world.input.cpus, classes, THREADS_MAX),
		     ERR_OK);
	for (uint32_t i = 0; i < world.count; i++) {
		const double ideal = (double)world.tasks[i].rate / (double)IDEAL_ONE;

		cr_assert_float_eq(rate(&world.tasks[i]) / ideal, 1, within,
				   "seed %u, thread %u of %u: %f, ideal %f", seed, i, world.count,
				   rate(&world.tasks[i]), ideal);
	}
}

static void fill_random(uint64_t *seed, uint32_t cpus, uint32_t threads)
{
	open_world(cpus);
	while (world.count < threads) {
		struct cpumask mask = cpumask_none();

		for (uint32_t cpu = 0; cpu < cpus; cpu++)
			if ((bench_random(seed) & 1) != 0)
				cpumask_set(&mask, cpu);
		if (!cpumask_empty(&mask))
			add(200 + (uint32_t)(bench_random(seed) % 3800), mask);
	}
}

/* Nothing is known of the class the last time: what there is counts, not a little of it. */
Test(level, a_first_step_is_a_whole_one)
{
	open_world(2);
	add(1024, cpumask_one(0));
	steps(1);
	cr_assert_eq(level_of(&world.state, 0), 1024);
	cr_assert_eq(level_of(&world.state, 1), 0);
}

Test(level, random_masks_and_weights)
{
	uint64_t seed = 7;

	for (uint32_t i = 0; i < 200; i++) {
		const uint32_t cpus = 1 + (uint32_t)(bench_random(&seed) % 16);

		fill_random(&seed, cpus, cpus + 1 + (uint32_t)(bench_random(&seed) % (2 * cpus)));
		steps(200);
		assert_fair(0.005, i);
	}
}

/* What was poured for others is no burden for those who come after them. */
Test(level, follows_what_changes)
{
	uint64_t seed = 3;

	fill_random(&seed, 8, 20);
	steps(200);
	for (uint32_t round = 0; round < 50; round++) {
		const uint32_t i = (uint32_t)(bench_random(&seed) % world.count);
		const uint32_t weight = 200 + (uint32_t)(bench_random(&seed) % 3800);

		if (world.input.count[i + 1] == 0)
			continue;
		world.input.weight[i + 1] = world.tasks[i].weight = weight;
		steps(200);
		assert_fair(0.005, round);
	}
	for (uint32_t class = 0; class < LEVEL_CLASSES_MAX; class ++)
		world.input.weight[class] = world.input.count[class] = 0;
	steps(10);
	for (uint32_t cpu = 0; cpu < 8; cpu++)
		cr_assert_eq(level_of(&world.state, cpu), 0);
}

/* Groups of CPUs that share no thread have levels of their own. */
Test(level, islands)
{
	open_world(4);
	for (uint32_t i = 0; i < 6; i++)
		add(1024, (struct cpumask){{i < 4 ? 0x3 : 0xc}});
	steps(100);
	cr_assert_eq(level_of(&world.state, 0), 2048);
	cr_assert_eq(level_of(&world.state, 1), 2048);
	cr_assert_leq(level_of(&world.state, 2), 1024);
	cr_assert_leq(level_of(&world.state, 3), 1024);
}

/* A thread that is heavier than the level counts as a whole CPU: the rest is shared by the others. */
Test(level, nobody_counts_more_than_a_cpu)
{
	open_world(3);
	add(1u << 20, (struct cpumask){{0x6}});
	for (uint32_t i = 0; i < 4; i++)
		add(1000, (struct cpumask){{0x3}});
	steps(300);
	assert_fair(0.005, 0);
	cr_assert_float_eq((double)level_of(&world.state, 0), 2000, 20);
}

/* The one without a mask too, if it is alone on its CPU: then it is known. */
Test(level, a_lone_heavy_thread_without_a_mask)
{
	open_world(2);
	add(50000, cpumask_first(2));
	add(1000, cpumask_first(2));
	add(500, (struct cpumask){{0x1}});
	world.input.thread[world.input.known++] = (struct level_thread){.weight = 50000};
	steps(300);
	assert_fair(0.005, 0);
}

/* Each call looks at so many classes, whatever there is. */
Test(level, all_classes_in_use)
{
	open_world(CPUS_MAX);
	for (uint32_t class = 0; class < LEVEL_CLASSES_MAX; class ++) {
		world.input.weight[class] = UINT32_MAX;
		world.input.count[class] = 4000;
		for (uint32_t cpu = class % 7; cpu < CPUS_MAX; cpu += 1 + class % 3)
			cpumask_set(&world.input.mask[class], cpu);
	}
	steps(20);
	for (uint32_t cpu = 0; cpu < CPUS_MAX; cpu++) {
		uint64_t sum = 0;

		for (uint32_t class = 0; class < LEVEL_CLASSES_MAX; class ++) {
			sum += world.state.part[class][cpu];
			if (class != 0 && !cpumask_test(&world.input.mask[class], cpu))
				cr_assert_eq(world.state.part[class][cpu], 0);
		}
		cr_assert_eq(world.state.level[cpu], sum);
	}
}
