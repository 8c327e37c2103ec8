/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ideal shares against brute force: the same definition, but with every set of threads looked at
 * and real numbers instead of fixed point.
 */
#include <base/ideal_share.h>
#include <base/nice.h>
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#define TASKS_MAX 8

static struct ideal_class classes[128];

static double share(const struct ideal_task *task)
{
	return (double)task->rate / (double)IDEAL_ONE;
}

static double cap(const struct ideal_task *task)
{
	return task->cap == 0 ? 1.0 : (double)task->cap / (double)IDEAL_ONE;
}

struct brute {
	const struct ideal_task *tasks;
	uint32_t count;
	uint32_t cpus;
	double rates[TASKS_MAX];
	bool fixed[TASKS_MAX];
};

/* The lambda at which set @set is full; infinite if it has no free task. */
static double brute_set_lambda(const struct brute *brute, uint32_t set)
{
	struct cpumask reach = cpumask_none();
	struct cpumask machine = cpumask_first(brute->cpus);
	double weight = 0;
	double room;

	for (uint32_t i = 0; i < brute->count; i++)
		if ((set >> i & 1) != 0)
			reach = cpumask_or(reach, brute->tasks[i].cpus);
	reach = cpumask_and(reach, machine);
	room = cpumask_count(&reach);
	for (uint32_t i = 0; i < brute->count; i++) {
		if ((set >> i & 1) == 0)
			continue;
		if (brute->fixed[i])
			room -= brute->rates[i];
		else
			weight += brute->tasks[i].weight;
	}
	return weight > 0 ? room / weight : INFINITY;
}

static double brute_lambda(const struct brute *brute)
{
	double lambda = INFINITY;

	for (uint32_t i = 0; i < brute->count; i++)
		if (!brute->fixed[i])
			lambda = fmin(lambda, cap(&brute->tasks[i]) / brute->tasks[i].weight);
	for (uint32_t set = 1; set < 1u << brute->count; set++)
		lambda = fmin(lambda, brute_set_lambda(brute, set));
	return lambda;
}

static void brute_force(struct brute *brute)
{
	for (;;) {
		double lambda = brute_lambda(brute);
		bool stop[TASKS_MAX] = {false};

		if (isinf(lambda))
			return;
		for (uint32_t i = 0; i < brute->count; i++)
			stop[i] = !brute->fixed[i] &&
				  cap(&brute->tasks[i]) / brute->tasks[i].weight <=
					  lambda * (1 + 1e-9);
		for (uint32_t set = 1; set < 1u << brute->count; set++) {
			if (brute_set_lambda(brute, set) > lambda * (1 + 1e-9) + 1e-15)
				continue;
			for (uint32_t i = 0; i < brute->count; i++)
				if ((set >> i & 1) != 0 && !brute->fixed[i])
					stop[i] = true;
		}
		for (uint32_t i = 0; i < brute->count; i++) {
			if (!stop[i])
				continue;
			brute->rates[i] = lambda * brute->tasks[i].weight;
			brute->fixed[i] = true;
		}
	}
}

static uint64_t state = 2024;

static uint32_t random_below(uint32_t bound)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % bound;
}

static void random_task(struct ideal_task *task, uint32_t cpus)
{
	static const uint32_t weights[] = {1,    3,    15,   335,   820,    1024,
					   1024, 1024, 2048, 88761, 1 << 20};

	memset(task, 0, sizeof(*task));
	task->weight = random_below(3) == 0 ? 1 + random_below(5000) : weights[random_below(11)];
	if (random_below(5) == 0)
		task->cap = 1 + (uint64_t)random_below(1 << 30) * 4;
	if (random_below(3) == 0)
		task->cpus = cpumask_all();
	else
		task->cpus.bits[0] = random_below(1u << cpus) | (uint64_t)random_below(2) << 63;
}

/* A search that goes wrong may not end. */
TestSuite(ideal_share, .timeout = 60);

Test(ideal_share, equals_brute_force)
{
	for (int round = 0; round < 6000; round++) {
		struct ideal_task tasks[TASKS_MAX];
		struct brute brute = {.tasks = tasks,
				      .count = 1 + random_below(TASKS_MAX),
				      .cpus = 1 + random_below(5)};

		for (uint32_t i = 0; i < brute.count; i++)
			random_task(&tasks[i], brute.cpus);
		cr_assert_eq(ideal_share(tasks, brute.count, brute.cpus, classes, 128), ERR_OK);
		brute_force(&brute);
		for (uint32_t i = 0; i < brute.count; i++)
			cr_assert_float_eq(share(&tasks[i]), brute.rates[i], 1e-6,
					   "round %d task %u: %.9f, brute force %.9f", round, i,
					   share(&tasks[i]), brute.rates[i]);
	}
}

static void expect_shares(const uint32_t *weights, uint32_t count, uint32_t cpus,
			  const double *shares)
{
	struct ideal_task tasks[TASKS_MAX];

	memset(tasks, 0, sizeof(tasks));
	for (uint32_t i = 0; i < count; i++) {
		tasks[i].weight = weights[i];
		tasks[i].cpus = cpumask_all();
	}
	cr_assert_eq(ideal_share(tasks, count, cpus, classes, 1), ERR_OK);
	for (uint32_t i = 0; i < count; i++)
		cr_expect_float_eq(share(&tasks[i]), shares[i], 1e-8, "%u: %f", i,
				   share(&tasks[i]));
}

Test(ideal_share, known_cases)
{
	expect_shares((uint32_t[]){1024, 1024, 1024}, 3, 1, (double[]){1 / 3., 1 / 3., 1 / 3.});
	expect_shares((uint32_t[]){1024, 1024}, 2, 4, (double[]){1, 1});
	expect_shares((uint32_t[]){5, 5, 5, 5, 5}, 5, 4, (double[]){.8, .8, .8, .8, .8});
	/* One is so heavy that it gets a whole CPU; the others share what is left. */
	expect_shares((uint32_t[]){88761, 1024, 1024, 2048}, 4, 2, (double[]){1, .25, .25, .5});
	expect_shares((uint32_t[]){3, 1, 1, 1}, 4, 2, (double[]){1, 1 / 3., 1 / 3., 1 / 3.});
}

Test(ideal_share, affinity_moves_the_others_away)
{
	struct ideal_task tasks[3] = {{.weight = 1024, .cpus = cpumask_one(0)},
				      {.weight = 1024, .cpus = cpumask_one(0)},
				      {.weight = 1024, .cpus = cpumask_first(2)}};

	cr_assert_eq(ideal_share(tasks, 3, 2, classes, 2), ERR_OK);
	cr_expect_float_eq(share(&tasks[0]), .5, 1e-8);
	cr_expect_float_eq(share(&tasks[1]), .5, 1e-8);
	cr_expect_float_eq(share(&tasks[2]), 1, 1e-8);
}

Test(ideal_share, refuses_and_tolerates)
{
	struct ideal_task tasks[2] = {{.weight = 1, .cpus = cpumask_one(0)},
				      {.weight = 1, .cpus = cpumask_one(7)}};

	cr_expect_eq(ideal_share(tasks, 2, 0, classes, 2), ERR_ARG);
	cr_expect_eq(ideal_share(tasks, 2, CPUS_MAX + 1, classes, 2), ERR_ARG);
	cr_expect_eq(ideal_share(tasks, 2, 8, classes, 1), ERR_LIMIT);
	cr_expect_eq(ideal_share(tasks, 2, 4, classes, 1), ERR_OK);
	cr_expect_eq(tasks[0].rate, IDEAL_ONE);
	cr_expect_eq(tasks[1].rate, 0, "no CPU of this machine");
	tasks[0].weight = 0;
	cr_expect_eq(ideal_share(tasks, 2, 8, classes, 2), ERR_ARG);
	cr_expect_eq(ideal_share(tasks, 0, 8, classes, 2), ERR_OK);
}

/* Many threads and CPUs: the sum is what the machine has, whatever the rounding. */
Test(ideal_share, large_machine_is_full)
{
	static struct ideal_task tasks[5000];
	double sum = 0;

	for (uint32_t i = 0; i < 5000; i++) {
		uint32_t first = i % 100;

		tasks[i] = (struct ideal_task){.weight = nice_weight((int)(i % 40) - 20)};
		for (uint32_t cpu = first; cpu < first + 28; cpu++)
			cpumask_set(&tasks[i].cpus, cpu);
	}
	cr_assert_eq(ideal_share(tasks, 5000, CPUS_MAX, classes, 128), ERR_OK);
	for (uint32_t i = 0; i < 5000; i++) {
		cr_assert(tasks[i].rate <= IDEAL_ONE);
		sum += share(&tasks[i]);
	}
	cr_expect(sum <= 127.0 + 1e-9 && sum > 127.0 - 1e-4, "%f", sum);
}

/* ---- Groups ---------------------------------------------------------------------------------- */

static struct ideal_task plain(uint32_t weight, uint32_t group)
{
	return (struct ideal_task){.weight = weight, .group = group, .cpus = cpumask_all()};
}

static void expect_groups(struct ideal_task *tasks, uint32_t count, struct ideal_group *groups,
			  uint32_t group_count, uint32_t cpus, const double *wanted)
{
	cr_assert_eq(ideal_share_groups(tasks, count, groups, group_count, cpus, classes, 128),
		     ERR_OK);
	for (uint32_t i = 0; i < count; i++)
		cr_expect_float_eq(share(&tasks[i]), wanted[i], 1e-6, "task %u: %f, not %f", i,
				   share(&tasks[i]), wanted[i]);
}

Test(ideal_groups, known_cases)
{
	struct ideal_group two[] = {{.weight = 3072}, {.weight = 1024}};
	struct ideal_task six[] = {plain(1, 1), plain(2, 1), plain(1, 2), plain(1, 2), plain(1, 2)};

	/* One CPU: 3/4 as 1 : 2, 1/4 in three parts. */
	expect_groups(six, 5, two, 2, 1, (double[]){.25, .5, 1 / 12., 1 / 12., 1 / 12.});
	cr_expect_float_eq((double)two[0].rate / (double)IDEAL_ONE, .75, 1e-6);

	/* Three CPUs: 2.25 for two threads is more than they can use. */
	expect_groups(six, 5, two, 2, 3, (double[]){1, 1, 1 / 3., 1 / 3., 1 / 3.});

	/* A cap leaves the rest to the others; one in the middle holds for all below. */
	struct ideal_group deep[] = {{.weight = 1024},
				     {.parent = 1, .weight = 1, .cap = IDEAL_ONE / 2},
				     {.parent = 2, .weight = 1},
				     {.parent = 3, .weight = 1}};
	struct ideal_task three[] = {plain(1024, 0), plain(1, 4), plain(1, 1)};

	expect_groups(three, 3, deep, 4, 1, (double[]){.5, .25, .25});
	deep[1].cap = IDEAL_ONE / 10;
	expect_groups(three, 3, deep, 4, 1, (double[]){.5, .1, .4});
}

/* With every thread alone in a group of its weight, groups change nothing. */
Test(ideal_groups, of_one_thread_each_are_none)
{
	uint64_t seed = 11;

	for (int round = 0; round < 200; round++) {
		struct ideal_task alone[TASKS_MAX], grouped[TASKS_MAX];
		struct ideal_group groups[TASKS_MAX];
		uint32_t cpus = 1 + (uint32_t)(seed >> 33) % 4;

		for (uint32_t i = 0; i < TASKS_MAX; i++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			alone[i] = plain(1 + (uint32_t)(seed >> 40) % 5000, 0);
			alone[i].cap = (seed >> 20) % 3 == 0 ? 1 + (seed >> 33) % IDEAL_ONE : 0;
			grouped[i] = alone[i];
			grouped[i].group = i + 1;
			grouped[i].weight = 1 + (uint32_t)(seed >> 50);
			groups[i] = (struct ideal_group){.weight = alone[i].weight};
		}
		cr_assert_eq(ideal_share(alone, TASKS_MAX, cpus, classes, 128), ERR_OK);
		cr_assert_eq(ideal_share_groups(grouped, TASKS_MAX, groups, TASKS_MAX, cpus,
						classes, 128),
			     ERR_OK);
		for (uint32_t i = 0; i < TASKS_MAX; i++)
			cr_assert_float_eq(share(&alone[i]), share(&grouped[i]), 1e-6);
	}
}

Test(ideal_groups, masks_keep_the_cap)
{
	struct ideal_group groups[] = {{.weight = 1024, .cap = IDEAL_ONE / 2}, {.weight = 1024}};
	struct ideal_task tasks[] = {plain(1, 1), plain(1, 1), plain(1, 2), plain(1, 0)};

	tasks[2].cpus = cpumask_one(0);
	tasks[3].weight = 1024;
	expect_groups(tasks, 4, groups, 2, 2, (double[]){.25, .25, .75, .75});
	cr_expect_leq(groups[0].rate, IDEAL_ONE / 2);
}

Test(ideal_groups, refuses)
{
	struct ideal_group groups[] = {{.weight = 1, .parent = 1}};
	struct ideal_task task = plain(1, 1);

	cr_expect_eq(ideal_share_groups(&task, 1, groups, 1, 1, classes, 8), ERR_ARG, "itself");
	groups[0] = (struct ideal_group){.weight = 0};
	cr_expect_eq(ideal_share_groups(&task, 1, groups, 1, 1, classes, 8), ERR_ARG);
	groups[0].weight = 1;
	cr_expect_eq(ideal_share_groups(&task, 1, groups, 1, 0, classes, 8), ERR_ARG);
	task.group = 2;
	cr_expect_eq(ideal_share_groups(&task, 1, groups, 1, 1, classes, 8), ERR_ARG);
}
