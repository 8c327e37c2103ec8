/* SPDX-License-Identifier: BSD-2-Clause */
/* Which affinity masks are in use, and what runs under them: the accounts of core/level.c. */
#include <abi/ipc.h>
#include <criterion/criterion.h>

#include "../../../servers/sched/core/core.h"
#include "bench.h"

#define CPUS    4u
#define THREADS 100u

static void open_4(void)
{
	bench_open(CPUS, policies[0], places[0]);
}

static bool same(const struct cpumask *a, const struct cpumask *b)
{
	const struct cpumask all = cpumask_first(CPUS);
	const struct cpumask x = cpumask_and(*a, all), y = cpumask_and(*b, all);

	return cpumask_equal(&x, &y);
}

/* From the threads: what the classes must say. */
static void assert_accounts(void)
{
	const struct cpumask all = cpumask_first(CPUS);
	uint64_t sum = 0;

	for (uint32_t i = 1; i < LEVEL_CLASSES_MAX; i++) {
		const struct sched_mask_class *class = &bench_server->masks.class[i];
		uint64_t weight = 0;
		uint32_t users = 0, count = 0;

		for (uint32_t tid = 1; tid <= THREADS; tid++) {
			const struct sched_thread *thread = &bench_server->threads[tid];
			const struct sched_thread_params *params = &bench_shared->params[tid];

			if (thread->state == SCHED_UNKNOWN || thread->mask_class != i)
				continue;
			cr_assert(same(&params->affinity, &class->mask));
			users++;
			count += thread->state == SCHED_READY;
			weight += thread->state == SCHED_READY ? params->weight : 0;
		}
		cr_assert_eq(class->users, users);
		cr_assert_eq(class->count, count);
		cr_assert_eq(class->weight, weight);
		sum += weight;
	}
	cr_assert_eq(bench_server->masks.weight, sum);
	for (uint32_t tid = 1; tid <= THREADS; tid++)
		if (bench_server->threads[tid].state != SCHED_UNKNOWN)
			cr_assert_eq(bench_server->threads[tid].mask_class == 0,
				     same(&bench_shared->params[tid].affinity, &all));
}

/* The kernel of paper moves nobody by itself. */
static void arrive(uint32_t tid)
{
	struct sched_thread *thread = &bench_server->threads[tid];

	bench_clear_calls();
	if (thread->arriving)
		(void)bench_event(thread->home, tid, BENCH_READY(CAUSE_ARRIVED), 0);
}

static void set(uint32_t tid, word_t param, word_t value)
{
	(void)bench_request(bench_server->threads[tid].home, tid, SCHED_REQ_SET_PARAM, 0, param,
			    value, 0);
	arrive(tid);
}

static void start(uint32_t tid, uint64_t mask)
{
	bench_thread(tid, 1024);
	bench_shared->params[tid].affinity = (struct cpumask){{mask}};
	(void)bench_event(0, tid, BENCH_READY(CAUSE_START), 0);
	arrive(tid);
}

Test(levels, accounts_follow_the_threads, .init = open_4, .fini = bench_close)
{
	uint64_t seed = 5;

	for (uint32_t i = 0; i < 20000; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		const uint64_t random = seed >> 20;
		const uint32_t tid = 1 + (uint32_t)(random % THREADS);
		const struct sched_thread *thread = &bench_server->threads[tid];
		const uint64_t mask = 1 + (random >> 16) % 15;

		if (thread->state == SCHED_UNKNOWN)
			start(tid, mask);
		else if (random >> 8 & 1)
			(void)bench_event(thread->home, tid,
					  thread->state == SCHED_READY
						  ? BENCH_BLOCKED(CAUSE_NOTIFICATION)
						  : BENCH_READY(CAUSE_WAKE),
					  1000);
		else if ((random >> 9) % 4 == 0)
			(void)bench_event(thread->home, tid, (word_t)EVENT_DEAD, 0);
		else if (thread->state == SCHED_READY && (random >> 11) % 2 == 0)
			set(tid, SCHED_PARAM_AFFINITY, mask);
		else if (thread->state == SCHED_READY)
			set(tid, SCHED_PARAM_WEIGHT, 1 + (random >> 12) % 3000);
		arrive(tid);
		if (i % 64 == 0)
			assert_accounts();
	}
	for (uint32_t tid = 1; tid <= THREADS; tid++)
		if (bench_server->threads[tid].state != SCHED_UNKNOWN)
			(void)bench_event(bench_server->threads[tid].home, tid, (word_t)EVENT_DEAD,
					  0);
	assert_accounts();
	cr_assert_eq(bench_server->masks.weight, 0);
}

/* More masks than slots: who comes too late counts as one without a mask. */
Test(levels, slots_run_out, .fini = bench_close)
{
	bench_open(8, policies[0], places[0]);
	for (uint32_t tid = 1; tid <= THREADS; tid++)
		start(tid, tid);
	for (uint32_t tid = 1; tid <= THREADS; tid++)
		cr_assert_eq(bench_server->threads[tid].mask_class == 0, tid >= LEVEL_CLASSES_MAX,
			     "thread %u", tid);
	(void)bench_event(bench_server->threads[1].home, 1, (word_t)EVENT_DEAD, 0);
	set(THREADS, SCHED_PARAM_AFFINITY, 0x81);
	cr_assert_eq(bench_server->threads[THREADS].mask_class, 1, "a slot is free again");
}

/* Weights of members are no parts of a CPU's load. */
Test(levels, no_levels_beside_groups, .init = open_4, .fini = bench_close)
{
	struct place_load loads[CPUS_MAX];
	uint64_t levels[CPUS_MAX];
	struct place_view view = {.cpus = CPUS, .loads = loads};

	start(1, 0x1);
	bench_server->masks.level[0] = 7;
	sched_levels_view(bench_server, &view, levels);
	cr_assert_eq(view.levels, levels);
	cr_assert_eq(levels[0], 7);
	cr_assert_eq(sched_group_attach(bench_server, &bench_server->cpu[0]), ERR_OK);
	sched_levels_view(bench_server, &view, levels);
	cr_assert_null(view.levels);
}
