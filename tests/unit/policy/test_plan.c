/* SPDX-License-Identifier: BSD-2-Clause */
/* Moves that need each other, against all of them tried out with a cost of its own. */
#include "bench.h"

#include <math.h>
#include <place/plan.h>
#include <string.h>

#define WORTH     ((double)PLAN_GAIN_US * PLAN_GAIN_US) /* of one move */
#define CPUS_HERE 6u
#define ANY       (UINT64_C(1) << CPUS_HERE) - 1

static struct plan_queue queues[CPUS_MAX];
static uint32_t tid_next;

static void queue_copy(const void *context, uint32_t cpu, struct plan_queue *out)
{
	const struct plan_queue *from = context;

	*out = from[cpu];
}

static void begin(void)
{
	memset(queues, 0, sizeof(queues));
	tid_next = 1;
}

/* The tid. */
static uint32_t add(uint32_t cpu, uint32_t weight, uint64_t full, int32_t owed_us, uint64_t allowed)
{
	struct plan_queue *queue = &queues[cpu];

	queue->thread[queue->count++] = (struct plan_thread){.tid = tid_next,
							     .weight = weight,
							     .full = full,
							     .owed_us = owed_us,
							     .allowed = {{allowed}}};
	queue->weight += weight;
	queue->runnable++;
	return tid_next++;
}

static struct plan make(uint32_t cpu, uint32_t cpus)
{
	const struct plan_input input = {.cpu = cpu,
					 .cpus = cpus,
					 .online = cpumask_first(cpus),
					 .queue = queue_copy,
					 .context = queues};

	return plan_make(&input);
}

static void assert_plan(struct plan plan, uint32_t pull, uint32_t from, uint32_t push, uint32_t to)
{
	cr_assert_eq(plan.pull_tid, pull);
	cr_assert_eq(plan.push_tid, push);
	if (pull != PLAN_NOBODY)
		cr_assert_eq(plan.from, from);
	if (push != PLAN_NOBODY)
		cr_assert_eq(plan.to, to);
}

Test(plan, what_is_fair_stays, .init = begin)
{
	for (uint32_t cpu = 0; cpu < 3; cpu++)
		for (uint32_t i = 0; i < 2; i++)
			add(cpu, 1000, 2000, i == 0 ? 900 : -900, ANY);
	for (uint32_t cpu = 0; cpu < 3; cpu++)
		assert_plan(make(cpu, 3), PLAN_NOBODY, 0, PLAN_NOBODY, 0);
}

/* 0 has two that cannot leave and one that can only come here, where one sits that 2 would take. */
Test(plan, a_thread_makes_room_for_another, .init = begin)
{
	add(0, 1000, 2000, 0, 1);
	add(0, 1000, 2000, 0, 1);
	const uint32_t comes = add(0, 1000, 2000, 0, 3);
	add(1, 1000, 2000, 0, 2);
	const uint32_t goes = add(1, 1000, 2000, 0, 6);
	add(2, 1000, 2000, 0, 4);
	assert_plan(make(1, 3), comes, 0, goes, 2);
}

Test(plan, two_change_places, .init = begin)
{
	const uint32_t heavy = add(0, 2000, 3000, 0, 3);
	add(0, 2000, 3000, 0, 1);
	add(1, 1000, 3000, 0, 2);
	const uint32_t light = add(1, 1000, 3000, 0, 3);
	assert_plan(make(0, 2), light, 1, heavy, 0 + 1);
	assert_plan(make(1, 2), heavy, 0, light, 0);
}

Test(plan, who_is_too_many_goes, .init = begin)
{
	add(0, 1000, 2000, 0, 1);
	add(0, 1000, 2000, 0, 1);
	const uint32_t goes = add(0, 1000, 2000, 0, 3);
	add(1, 1000, 2000, 0, 2);
	assert_plan(make(0, 2), PLAN_NOBODY, 0, goes, 1);
	assert_plan(make(1, 2), goes, 0, PLAN_NOBODY, 0);
	queues[0].thread[2].running = true; /* picked: nobody may send it away now */
	assert_plan(make(0, 2), PLAN_NOBODY, 0, PLAN_NOBODY, 0);
}

/* Half of the first CPU is for who cannot use more than that; the other one there has the rest. */
Test(plan, who_is_capped_leaves_the_rest_to_others, .init = begin)
{
	add(0, 500, 1000, 0, 1);
	add(0, 200, 1000, 0, 1);
	add(1, 650, 1000, 0, 2);
	const uint32_t comes = add(1, 650, 1000, 0, 3);
	assert_plan(make(0, 2), PLAN_NOBODY, 0, PLAN_NOBODY, 0);
	queues[0].thread[0].bound = true;
	queues[0].bound = 500;
	assert_plan(make(0, 2), comes, 1, PLAN_NOBODY, 0);
}

/* Five equal ones on four CPUs: what has built up decides whose turn it is to be alone.  (If the others could
 * go, too, both would be alone, and two of these together.) */
Test(plan, who_is_owed_most_is_relieved, .init = begin)
{
	for (uint32_t cpu = 0; cpu < 3; cpu++)
		add(cpu, 1000, 1250, -60000, UINT64_C(1) << cpu);
	const uint32_t first = add(3, 1000, 1250, 90000, ANY);
	const uint32_t second = add(3, 1000, 1250, 70000, ANY);
	assert_plan(make(0, 4), second, 3, PLAN_NOBODY, 0);
	queues[3].thread[1].owed_us = 95000;
	assert_plan(make(0, 4), first, 3, PLAN_NOBODY, 0);
	queues[3].thread[0].owed_us = queues[3].thread[1].owed_us = -60000;
	assert_plan(make(0, 4), PLAN_NOBODY, 0, PLAN_NOBODY, 0);
}

Test(plan, nobody_leaves_a_cpu_idle, .init = begin)
{
	add(0, 1000, 1000, 200000, ANY);
	add(1, 4000, 4000, 200000, 2);
	for (uint32_t cpu = 0; cpu < 2; cpu++)
		assert_plan(make(cpu, 2), PLAN_NOBODY, 0, PLAN_NOBODY, 0);
}

/* Each is alone with sleepers, and there are fewer of these where the heavy one is: it meets more there than
 * the light one, but takes that along. */
Test(plan, sleepers_stay_when_threads_change_places, .init = begin)
{
	const uint32_t light = add(0, 335, 1800, -240000, ANY);
	const uint32_t heavy = add(1, 1586, 1800, 240000, ANY);

	queues[0].used = PLAN_USED_WHOLE / 2;
	queues[1].used = PLAN_USED_WHOLE / 5 * 2;
	for (uint32_t cpu = 0; cpu < 2; cpu++)
		assert_plan(make(cpu, 2), PLAN_NOBODY, 0, PLAN_NOBODY, 0);
	queues[1].used = PLAN_USED_WHOLE / 5 * 3;
	assert_plan(make(0, 2), heavy, 1, light, 1);
}

/* ---- All plans, tried out -------------------------------------------------------------------- */

static double cost_of(const struct plan_queue *queue)
{
	double sum = 0;

	for (uint32_t i = 0; i < queue->count; i++) {
		const struct plan_thread *thread = &queue->thread[i];
		const double left = 1 - (double)queue->used / PLAN_USED_WHOLE;
		const double load = (double)queue->weight / left;
		const double ratio = fmin(8, (double)thread->full / load);
		const double end = thread->owed_us + PLAN_AHEAD_US * (1 - ratio);

		sum += end * end * (1 + (double)thread->extra / PLAN_PARTS);
	}
	return sum;
}

static double cost_all(const struct plan_queue *of, uint32_t cpus)
{
	double sum = 0;

	for (uint32_t cpu = 0; cpu < cpus; cpu++)
		sum += cost_of(&of[cpu]);
	return sum;
}

static struct plan_thread take(struct plan_queue *of, uint32_t cpu, uint32_t at)
{
	struct plan_queue *queue = &of[cpu];
	const struct plan_thread thread = queue->thread[at];

	queue->thread[at] = queue->thread[--queue->count];
	queue->weight -= thread.weight;
	return thread;
}

static void put(struct plan_queue *of, uint32_t cpu, struct plan_thread thread)
{
	cr_assert(cpumask_test(&thread.allowed, cpu), "not where it may not run");
	of[cpu].weight += thread.weight;
	of[cpu].thread[of[cpu].count++] = thread;
}

static uint32_t number(const struct plan_queue *queue, uint32_t tid)
{
	for (uint32_t i = 0; i < queue->count; i++)
		if (queue->thread[i].tid == tid)
			return i;
	cr_assert_fail("thread %u is not there", tid);
	return 0;
}

/* Up to eight of its threads, and one place more for who comes. */
static double gain_of(const struct plan *plan, uint32_t cpu, uint32_t cpus)
{
	struct plan_queue then[CPUS_HERE];
	struct plan_thread comes = {0}, goes = {0};

	memcpy(then, queues, sizeof(then));
	if (plan->pull_tid != PLAN_NOBODY)
		comes = take(then, plan->from, number(&then[plan->from], plan->pull_tid));
	if (plan->push_tid != PLAN_NOBODY)
		goes = take(then, cpu, number(&then[cpu], plan->push_tid));
	if (plan->pull_tid != PLAN_NOBODY)
		put(then, cpu, comes);
	if (plan->push_tid != PLAN_NOBODY)
		put(then, plan->to, goes);
	for (uint32_t i = 0; i < cpus; i++)
		if (queues[i].count != 0 && then[i].count == 0)
			return -INFINITY;
	/* Two moves must be worth twice as much. */
	return cost_all(queues, cpus) - cost_all(then, cpus) -
	       (plan->pull_tid != PLAN_NOBODY && plan->push_tid != PLAN_NOBODY ? WORTH : 0);
}

static void try(double *best, struct plan plan, uint32_t cpu, uint32_t cpus)
{
	*best = fmax(*best, gain_of(&plan, cpu, cpus));
}

/* Whom `cpu` may send away, together with who comes. */
static void try_pushes(double *best, struct plan plan, uint32_t cpu, uint32_t cpus)
{
	for (uint32_t i = 0; i < queues[cpu].count; i++)
		for (uint32_t to = 0; to < cpus; to++) {
			if (to == cpu || !cpumask_test(&queues[cpu].thread[i].allowed, to))
				continue;
			plan.push_tid = queues[cpu].thread[i].tid;
			plan.to = to;
			try(best, plan, cpu, cpus);
		}
}

static double best_of(uint32_t cpu, uint32_t cpus)
{
	struct plan plan = {.pull_tid = PLAN_NOBODY, .push_tid = PLAN_NOBODY};
	double best = 0;

	try_pushes(&best, plan, cpu, cpus);
	for (uint32_t from = 0; from < cpus; from++)
		for (uint32_t i = 0; from != cpu && i < queues[from].count; i++) {
			if (!cpumask_test(&queues[from].thread[i].allowed, cpu))
				continue;
			plan.from = from;
			plan.pull_tid = queues[from].thread[i].tid;
			plan.push_tid = PLAN_NOBODY;
			try(&best, plan, cpu, cpus);
			try_pushes(&best, plan, cpu, cpus);
		}
	return best;
}

Test(plan, no_better_plan_than_the_one_made)
{
	uint64_t seed = 11;
	uint32_t plans = 0;

	for (uint32_t round = 0; round < 3000; round++) {
		const uint32_t cpus = 2 + (uint32_t)(bench_random(&seed) % (CPUS_HERE - 1));
		const uint32_t cpu = (uint32_t)(bench_random(&seed) % cpus);

		begin();
		for (uint32_t at = 0; at < cpus; at++) {
			queues[at].used = (uint32_t)(bench_random(&seed) % 3 *
						     (PLAN_USED_WHOLE * 2 / 5));
			for (uint64_t i = bench_random(&seed) % 5; i > 0; i--) {
				const uint32_t weight = 200 +
							(uint32_t)(bench_random(&seed) % 3800);
				const uint64_t full = weight + bench_random(&seed) % 4000;

				add(at, weight, full,
				    (int32_t)(bench_random(&seed) % 300000) - 150000,
				    bench_random(&seed) | UINT64_C(1) << at);
				queues[at].thread[queues[at].count - 1].extra =
					(int32_t)(bench_random(&seed) % 1000) - PLAN_PARTS;
			}
		}

		const struct plan plan = make(cpu, cpus);
		const double best = best_of(cpu, cpus);
		const bool made = plan.pull_tid != PLAN_NOBODY || plan.push_tid != PLAN_NOBODY;

		/* Rounded to a microsecond each. */
		if (!made)
			cr_assert_lt(best, WORTH * 1.01, "round %u", round);
		else
			cr_assert_geq(gain_of(&plan, cpu, cpus), best * 0.99 - 1e6, "round %u",
				      round);
		plans += made;
	}
	cr_assert_gt(plans, 1000);
}
