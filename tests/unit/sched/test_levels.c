/* SPDX-License-Identifier: BSD-2-Clause */
/* Which affinity masks are in use, and what runs under them: the accounts of core/level.c. */
#include <abi/ipc.h>
#include <criterion/criterion.h>

#include "../../../servers/sched/core/group.h"
#include "../../../servers/sched/core/heavy.h"
#include "../../../servers/sched/core/level.h"
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

/* The kernel would not run it and did not say why: it does not count until it is heard of. */
Test(levels, a_refused_thread_does_not_count, .init = open_4, .fini = bench_close)
{
	start(1, 0x1);
	start(2, 0x1);
	assert_accounts();
	(void)bench_nothing(0, ERR_NOT_READY);
	cr_assert_neq(bench_server->threads[1].state, bench_server->threads[2].state);
	assert_accounts();
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

/* Members weigh what they ideally have; until that is known the loads mean nothing. */
Test(levels, beside_groups_once_it_is_known_what_they_have, .init = open_4, .fini = bench_close)
{
	struct place_load loads[CPUS_MAX];
	uint64_t levels[CPUS_MAX];
	struct place_view view = {.cpus = CPUS, .loads = loads};

	start(1, 0x1);
	cr_assert_eq(sched_group_attach(bench_server, &bench_server->cpu[0]), ERR_OK);
	bench_server->masks.level[0] = 0;
	sched_levels_view(bench_server, &view, levels);
	cr_assert_null(view.levels);
	bench_server->masks.level[0] = 7;
	sched_levels_view(bench_server, &view, levels);
	cr_assert_eq(view.levels, levels);
	cr_assert_eq(levels[0], 7);
}

#define BALANCER 2000u

/* CPU 1 has sent its balancer for thread 5 of CPU 0, and 7 is to make room for it on CPU 2. */
static void open_plan(void)
{
	open_4();
	for (uint32_t tid = 5; tid <= 8; tid++) {
		bench_thread(tid, 1024);
		bench_shared->params[tid].affinity = (struct cpumask){{tid < 7 ? 0x3 : 0x6}};
		(void)bench_event(tid < 7 ? 0 : 1, tid, BENCH_READY(CAUSE_START), 0);
		arrive(tid);
	}
	bench_shared->params[BALANCER] = (struct sched_thread_params){
		.flags = SCHED_THREAD_USED | SCHED_THREAD_BALANCER, .cpu = 1};
	(void)bench_event(1, BALANCER, BENCH_READY(CAUSE_START), 0);
	bench_server->cpu[1].plan = (struct plan){.pull_tid = 5, .from = 0, .push_tid = 7, .to = 2};
	bench_clear_calls();
}

static void pull(void)
{
	bench_clear_calls();
	(void)bench_request(0, BALANCER, SCHED_REQ_BALANCE_PULL, 1, BALANCE_PERIOD, 0, 0);
}

static void park(word_t pulled)
{
	bench_clear_calls();
	(void)bench_request(1, BALANCER, SCHED_REQ_BALANCE_PARK, pulled, 0, 0, 0);
}

static void assert_moved(uint32_t tid, uint32_t cpu)
{
	cr_assert_eq(bench_moves_count, 1);
	cr_assert_eq(bench_moves[0].tid, tid);
	cr_assert_eq(bench_moves[0].cpu, cpu);
}

Test(levels, one_comes_and_another_makes_room, .init = open_plan, .fini = bench_close)
{
	pull();
	assert_moved(5, 1);
	cr_assert_eq(bench_answers[0].w1, 1);
	park(1);
	assert_moved(7, 2);
	park(1);
	cr_assert_eq(bench_moves_count, 0, "a plan is carried out once");
}

Test(levels, nobody_makes_room_for_one_who_does_not_come, .init = open_plan, .fini = bench_close)
{
	park(0);
	cr_assert_eq(bench_moves_count, 0);
	park(1);
	cr_assert_eq(bench_moves_count, 0);
}

/* Between the look and the call it was pinned, slept, went elsewhere: whoever has it looks again. */
Test(levels, a_plan_is_advice, .init = open_plan, .fini = bench_close)
{
	set(5, SCHED_PARAM_AFFINITY, 0x1);
	pull();
	cr_assert_eq(bench_moves_count, 0);
	cr_assert_eq(bench_answers[0].w1, 0);
	set(5, SCHED_PARAM_AFFINITY, 0x3);
	(void)bench_event(0, 5, BENCH_BLOCKED(CAUSE_NOTIFICATION), 0);
	pull();
	cr_assert_eq(bench_moves_count, 0);
	bench_server->cpu[1].plan.pull_tid = 8;
	pull();
	cr_assert_eq(bench_moves_count, 0);
	set(7, SCHED_PARAM_AFFINITY, 0xb);
	park(1);
	cr_assert_eq(bench_moves_count, 0);
}

/* One beside as many as are looked at, and owed more than any of them. */
Test(levels, the_heaviest_is_found_among_many, .fini = bench_close)
{
	struct sched_cpu *cpu;

	bench_open(1, policies[0], places[0]);
	cpu = &bench_server->cpu[0];
	for (uint32_t tid = 1; tid <= BALANCE_CANDIDATES_MAX; tid++)
		(void)bench_start(0, tid);
	bench_thread(THREADS, 4096);
	(void)bench_event(0, THREADS, BENCH_READY(CAUSE_START), 0);
	bench_now += 1000000;
	(void)bench_event(0, 1, BENCH_READY(CAUSE_PREEMPTED), 1000000);
	sched_heaviest_find(cpu);
	cr_assert_eq(cpu->heaviest, 4096);
}
