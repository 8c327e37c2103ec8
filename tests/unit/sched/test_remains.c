/* SPDX-License-Identifier: BSD-2-Clause */
/* What an upcall leaves behind for the next: bits, counts, claims, what was offered and refused. */
#include <criterion/criterion.h>

#include "bench.h"
#include "core/core.h"
#include "core/fair.h"
#include "core/param.h"
#include "core/place.h"
#include "core/plan.h"
#include "core/steady.h"

#define MS       1000000u
#define BALANCER 2000u

static void open_1(void)
{
	bench_open(1, policies[0], places[0]);
	bench_server->offers = POLICY_PICK_FILTER | POLICY_PICK_SUCCESSOR;
}

static void open_2(void)
{
	bench_open(2, policies[0], places[0]);
}

static bool is_idle(uint32_t cpu)
{
	return (__atomic_load_n(&bench_server->idle.bits[0], __ATOMIC_RELAXED) >> cpu & 1) != 0;
}

/* Nobody sent it work: the thread was there. */
Test(remains, a_cpu_that_runs_again_is_not_idle, .init = open_2, .fini = bench_close)
{
	struct sched_cpu *cpu = &bench_server->cpu[1];

	(void)bench_start(1, 5);
	(void)bench_event(1, 5, BENCH_BLOCKED(CAUSE_IPC), 0);
	cr_assert(is_idle(1));
	cpumask_set(&cpu->idle_tried, 0);
	cr_assert_eq(bench_event(1, 5, BENCH_READY(CAUSE_WAKE), 0).tid, 5);
	cr_assert(!is_idle(1));
	cr_assert(cpumask_empty(&cpu->idle_tried),
		  "it may ask anybody when it idles the next time");
}

Test(remains, a_run_after_idling_is_another_run, .init = open_1, .fini = bench_close)
{
	const struct sched_thread_stats *stats = &bench_shared->stats[5];

	(void)bench_start(0, 5);
	for (uint32_t i = 1; i < 4; i++) {
		cr_assert_eq(stats->runs, i);
		(void)bench_event(0, 5, BENCH_BLOCKED(CAUSE_IPC), 0);
		cr_assert_eq(bench_event(0, 5, BENCH_READY(CAUSE_WAKE), 0).tid, 5);
	}
	cr_assert_eq(stats->preemptions, 0);
}

/* A turn is over once. */
Test(remains, who_is_dispatched_has_a_turn, .init = open_1, .fini = bench_close)
{
	(void)bench_start(0, 5);
	bench_now += 3 * MS;
	cr_assert_eq(bench_event(0, 5, BENCH_READY(CAUSE_SLICE), 3 * MS).tid, 5);
	cr_assert_eq(bench_server->threads[5].turn_over, 0);
}

/* 5 runs, 6 follows. */
static struct sched_decision start_two(void)
{
	(void)bench_start(0, 5);
	(void)bench_start(0, 6);
	bench_now += MS;
	(void)bench_event(0, 5, BENCH_BLOCKED(CAUSE_IPC), MS);
	bench_now += MS / 10;
	(void)bench_event(0, 5, BENCH_READY(CAUSE_WAKE), 0);
	bench_now += 3 * MS;
	return bench_event(0, 6, BENCH_READY(CAUSE_SLICE), 3 * MS);
}

Test(remains, a_refusal_is_about_one_decision, .init = open_1, .fini = bench_close)
{
	const uint64_t offered = DECISION_SUCCESSOR | DECISION_FILTER;

	cr_assert_eq(start_two().flags & offered, offered);
	cr_assert_eq(bench_nothing(0, ERR_FOREIGN).flags & offered, 0);
	cr_assert_eq(bench_nothing(0, ERR_STALE).flags & offered, offered);
}

/* What the filter of the last decision held back is told; nothing is held back by none. */
Test(remains, a_filter_is_of_one_decision, .init = open_1, .fini = bench_close)
{
	cr_assert_neq(start_two().flags & DECISION_FILTER, 0);
	cr_assert_neq(bench_server->cpu[0].filter_key, UINT64_MAX);
	cr_assert_neq(bench_server->cpu[0].next_filter_key, UINT64_MAX);
	cr_assert_eq(bench_nothing(0, ERR_FOREIGN).flags & DECISION_FILTER, 0);
	cr_assert_eq(bench_server->cpu[0].filter_key, UINT64_MAX);
	cr_assert_eq(bench_server->cpu[0].next_filter_key, UINT64_MAX);
}

Test(remains, sleepers_wait_for_one_decision, .init = open_1, .fini = bench_close)
{
	for (uint32_t tid = 8; tid < 18; tid++) {
		(void)bench_start(0, tid);
		(void)bench_request(0, tid, SCHED_REQ_SLEEP, bench_now + 3 * MS / 2, 0, 0, 0);
	}
	(void)bench_start(0, 5);
	const struct sched_decision d = bench_start(0, 6);

	cr_assert(bench_server->cpu[0].sleepers_wait);
	bench_now += d.slice_ns;
	(void)bench_event(0, 5, BENCH_READY(CAUSE_SLICE), d.slice_ns);
	cr_assert(!bench_server->cpu[0].sleepers_wait, "all are awake");
}

/* ---- Threads first on an idle CPU ---- */

/* It waited for so long between its wake and its run. */
Test(remains, a_stay_tells_how_long_it_was_waited_for, .init = open_1, .fini = bench_close)
{
	const word_t first = (word_t)1 << EVENT_FIRSTS_SHIFT | (word_t)7000
								       << EVENT_FIRSTS_WAIT_SHIFT;
	const struct sched_event event = {.tag = 5,
					  .info = BENCH_BLOCKED(CAUSE_IPC) | EVENT_BLOCKED_SINCE |
						  EVENT_WOKE_SINCE | first,
					  .ran_ns = MS};

	bench_server->again = true;
	(void)bench_start(0, 5);
	cr_assert_neq(bench_event(0, 5, BENCH_BLOCKED(CAUSE_IPC), 0).flags & DECISION_AGAIN, 0);
	cr_assert_eq(bench_shared->stats[5].wake_max_ns, 0);
	bench_now += 3 * MS;
	(void)bench_switched(0, &event, 1, 0, bench_now - MS);
	cr_assert_eq(bench_shared->stats[5].wakes, 1);
	cr_assert_eq(bench_shared->stats[5].wake_max_ns, 7000);
}

/* ---- Balancers and plans ---- */

static void balancer_start(void)
{
	open_2();
	bench_shared->params[BALANCER] = (struct sched_thread_params){
		.flags = SCHED_THREAD_USED | SCHED_THREAD_BALANCER, .cpu = 1};
}

/* The refusal came with the record that says why: it is ready, later than was decided on. */
Test(remains, a_balancer_that_woke_once_more_is_run, .init = balancer_start, .fini = bench_close)
{
	cr_assert_eq(bench_event(1, BALANCER, BENCH_READY(CAUSE_START), 0).tid, BALANCER);
	cr_assert_eq(bench_refused_event(1, ERR_BAD_SEQ, BALANCER, BENCH_READY(CAUSE_WAKE)).tid,
		     BALANCER);
	cr_assert_neq(bench_nothing(1, ERR_NOT_READY).tid, BALANCER, "nothing told why");
}

/* 5 may run on both CPUs, CPU 1 has come for it. */
static void open_plan(void)
{
	balancer_start();
	(void)bench_event(1, BALANCER, BENCH_READY(CAUSE_START), 0);
	for (uint32_t tid = 5; tid < 7; tid++) {
		bench_thread(tid, 1024);
		bench_shared->params[tid].affinity = (struct cpumask){{tid == 5 ? 0x3 : 0x1}};
		__atomic_store_n(&bench_server->idle.bits[0], 0, __ATOMIC_RELAXED);
		(void)bench_event(0, tid, BENCH_READY(CAUSE_START), 0);
	}
	bench_clear_calls();
}

Test(remains, a_planned_move_that_is_refused_leaves_the_cpu_idle, .init = open_plan,
     .fini = bench_close)
{
	sched_idle_publish(bench_server, 1);
	bench_move_error = ERR_STATE;
	cr_assert(!sched_plan_move(bench_server, &bench_server->cpu[0], 5, 1, bench_now));
	cr_assert_eq(bench_moves_count, 1);
	cr_assert(is_idle(1), "it was claimed, and nothing came");
	bench_move_error = ERR_OK;
	cr_assert(sched_plan_move(bench_server, &bench_server->cpu[0], 5, 1, bench_now));
	cr_assert(!is_idle(1));
	cr_assert_eq(bench_server->cpu[0].load.runnable, 1, "others look at any time");
}

/* Other CPUs look at its load before the decision that ends this upcall, and what it does next in it, too. */
Test(remains, who_is_sent_away_is_no_load_any_more, .init = open_plan, .fini = bench_close)
{
	struct sched_cpu *cpu = &bench_server->cpu[0];
	const struct sched_request request = {.badge = SCHED_BADGE_PRIVILEGED,
					      .payer_tag = 5,
					      .words = {5, SCHED_PARAM_AFFINITY, 2, 0}};

	cr_assert_eq(cpu->load.runnable, 2);
	cr_assert_eq(
		sched_param_set(bench_server, cpu, &bench_server->threads[5], &request, bench_now),
		ERR_OK);
	cr_assert_eq(bench_moves_count, 1);
	cr_assert_eq(cpu->load.runnable, 1);
}

Test(remains, who_asks_is_not_moved_by_a_plan, .init = open_plan, .fini = bench_close)
{
	bench_server->threads[5].in_request = true;
	cr_assert(!sched_plan_move(bench_server, &bench_server->cpu[0], 5, 1, bench_now));
	bench_server->threads[5].in_request = false;
	cr_assert(sched_plan_move(bench_server, &bench_server->cpu[0], 5, 1, bench_now));
}

/* Two threads on each CPU, published without masks. */
static void open_released(struct place_view *view, struct place_load *loads)
{
	balancer_start();
	for (uint32_t cpu = 0; cpu < 2; cpu++) {
		struct sched_cpu *of = &bench_server->cpu[cpu];

		loads[cpu] = (struct place_load){.weight = 2048, .runnable = 2};
		of->plan_count = 2;
		for (uint32_t i = 0; i < 2; i++)
			of->plan_thread[i] = (struct sched_plan_thread){.tid = 5 + 2 * cpu + i,
									.weight = 1024};
	}
	*view = (struct place_view){
		.cpus = 2, .online = cpumask_first(2), .idle = cpumask_none(), .loads = loads};
}

static void assert_plan(const struct place_view *view, uint64_t level_0, uint64_t level_1,
			bool found)
{
	struct plan plan;

	bench_server->masks.level[0] = level_0;
	bench_server->masks.level[1] = level_1;
	cr_assert_eq(sched_plan_make(bench_server, &bench_server->cpu[1], view, &plan), found);
}

/*
 * What is fair for a thread follows from the levels of now and the mask that it has now: the least level of
 * the CPUs that it may use, and no less than its weight, since nobody can use more than one CPU.
 */
Test(remains, a_plan_takes_the_levels_of_now, .fini = bench_close)
{
	struct place_load loads[2];
	struct place_view view;

	open_released(&view, loads);
	assert_plan(&view, 2048, 2048, false);
	/* Those of CPU 0 may be nowhere else, and are to get an eighth each: one more matters less there. */
	bench_server->masks.class[1].mask = (struct cpumask){{0x1}};
	for (uint32_t i = 0; i < 2; i++)
		bench_server->cpu[0].plan_thread[i].class = 1;
	assert_plan(&view, 8192, 1024, true);
	assert_plan(&view, 2048, 2048, false);
}

/* Some at a time: the others the next time. */
Test(remains, a_plan_looks_at_all_cpus_by_and_by, .fini = bench_close)
{
	const uint32_t cpus = PLAN_CPUS_MAX + 8, busy = PLAN_CPUS_MAX + 7;
	struct place_load loads[PLAN_CPUS_MAX + 8] = {{0}};
	const struct place_view view = {.cpus = cpus,
					.online = cpumask_first(cpus),
					.idle = cpumask_none(),
					.loads = loads};
	struct plan plan;

	bench_open(cpus, policies[0], places[0]);
	loads[busy] = (struct place_load){.weight = 3072, .runnable = 3};
	bench_server->cpu[busy].plan_count = 3;
	for (uint32_t i = 0; i < 3; i++)
		bench_server->cpu[busy].plan_thread[i] = (struct sched_plan_thread){.tid = 5 + i,
										    .weight = 1024};
	for (uint32_t cpu = 0; cpu < cpus; cpu++)
		bench_server->masks.level[cpu] = 50;
	cr_assert(!sched_plan_make(bench_server, &bench_server->cpu[0], &view, &plan));
	cr_assert(sched_plan_make(bench_server, &bench_server->cpu[0], &view, &plan));
	cr_assert_eq(plan.from, busy);
}

Test(remains, nobody_can_use_more_than_one_cpu, .fini = bench_close)
{
	struct place_load loads[2];
	struct place_view view;

	open_released(&view, loads);
	for (uint32_t cpu = 0; cpu < 2; cpu++) {
		const uint32_t count = cpu == 0 ? 3 : 1;

		bench_server->cpu[cpu].plan_count = count;
		loads[cpu] = (struct place_load){.weight = 1024 * count, .runnable = count};
	}
	bench_server->cpu[0].plan_thread[2] = (struct sched_plan_thread){.tid = 9, .weight = 1024};
	/* What three on a CPU lack does not hang on levels below what one can use. */
	assert_plan(&view, 50, 50, true);
}

/* One of the published has left since: it is not planned with, unless it waits for runtime of its group. */
Test(remains, a_plan_leaves_out_who_has_left, .fini = bench_close)
{
	struct place_load loads[2];
	struct place_view view;
	struct sched_cpu *cpu;

	open_released(&view, loads);
	cpu = &bench_server->cpu[0];
	cpu->plan_thread[2] = (struct sched_plan_thread){
		.tid = 9, .weight = 1024, .owed_us = 200000};
	cpu->plan_count = 3;
	assert_plan(&view, 2048, 2048, false);
	cpu->plan_throttled = 1;
	assert_plan(&view, 2048, 2048, true);
}

/* Is there a plan if CPU 0 has two threads of weight 1024, and CPU 1 one and this one? */
static bool plan_beside(struct sched_plan_thread thread)
{
	struct place_load loads[2];
	struct place_view view;
	struct plan plan;

	loads[1] = (struct place_load){.weight = 1024 + thread.weight, .runnable = 2};
	view = (struct place_view){
		.cpus = 2, .online = cpumask_first(2), .idle = cpumask_none(), .loads = loads};
	loads[0] = (struct place_load){.weight = 2048, .runnable = 2};
	for (uint32_t cpu = 0; cpu < 2; cpu++)
		bench_server->masks.level[cpu] = 2048;
	thread.tid = 9;
	bench_server->cpu[1].plan_thread[1] = thread;
	return sched_plan_make(bench_server, &bench_server->cpu[1], &view, &plan);
}

static void open_beside(void)
{
	struct place_load loads[2];
	struct place_view view;

	open_released(&view, loads);
}

/* It has had its part of the period early, and gets no more wherever it is.  What it lacks is owed to it. */
Test(remains, a_cap_makes_nobody_far_ahead, .init = open_beside, .fini = bench_close)
{
	cr_assert(plan_beside((struct sched_plan_thread){.weight = 800, .owed_us = -240000}));
	cr_assert(!plan_beside(
		(struct sched_plan_thread){.weight = 800, .owed_us = -240000, .bound = true}));
	cr_assert(!plan_beside((struct sched_plan_thread){.weight = 1300, .bound = true}));
	cr_assert(plan_beside(
		(struct sched_plan_thread){.weight = 1300, .owed_us = 240000, .bound = true}));
}

Test(remains, light_threads_of_groups_count_less, .init = open_beside, .fini = bench_close)
{
	cr_assert(plan_beside((struct sched_plan_thread){.weight = 8}));
	bench_server->masks.grouped = true;
	cr_assert(!plan_beside((struct sched_plan_thread){.weight = 8}));
	cr_assert(plan_beside((struct sched_plan_thread){.weight = 1, .owed_us = -240000}),
		  "but not nothing");
}

/* Beside another one it misses a third, for ever; the others take turns. */
Test(remains, who_can_use_a_whole_cpu_counts_more, .init = open_beside, .fini = bench_close)
{
	cr_assert(!plan_beside((struct sched_plan_thread){.weight = 2000}));
	cr_assert(plan_beside((struct sched_plan_thread){.weight = 2500}));
}

/* The load that a thread meets beside sleepers is no load that it takes along. */
Test(remains, a_plan_leaves_sleepers_where_they_are, .fini = bench_close)
{
	struct place_load loads[2];
	struct place_view view;
	struct plan plan;

	open_released(&view, loads);
	bench_server->cpu[1].steady.counts = true;
	bench_server->cpu[1].plan_owed = true;
	for (uint32_t cpu = 0; cpu < 2; cpu++) {
		struct sched_cpu *of = &bench_server->cpu[cpu];

		of->plan_count = 1;
		of->plan_thread[0].weight = cpu == 0 ? 335 : 1586;
		of->plan_thread[0].owed_us = cpu == 0 ? -240000 : 50000;
		of->steady.lasting = of->plan_thread[0].weight;
		of->steady.used = STEADY_WHOLE / 10 * (5 - cpu);
		bench_server->masks.level[cpu] = 1800;
	}
	sched_steady_view(bench_server, &bench_server->cpu[1], loads);
	cr_assert(!sched_plan_make(bench_server, &bench_server->cpu[1], &view, &plan));
	bench_server->cpu[1].steady.used = STEADY_WHOLE / 10 * 8;
	sched_steady_view(bench_server, &bench_server->cpu[1], loads);
	cr_assert(sched_plan_make(bench_server, &bench_server->cpu[1], &view, &plan));
}

/* What is published is read while it changes: who cannot be among the threads of its group is not counted. */
Test(remains, fair_shares_leave_out_who_cannot_be, .fini = bench_close)
{
	const struct sched_plan_thread cannot[] = {
		{.tid = 5, .weight = 1024, .group = 3, .group_weight = 1024}, /* no such group */
		{.tid = 5, .weight = 1024, .group_weight = 4097},             /* more than all */
		{.tid = 5, .weight = 1024, .group_weight = 0},
	};
	struct place_load loads[2];
	struct place_view view;

	open_released(&view, loads);
	bench_server->cpu[1].plan_count = 0;
	bench_server->cpu[0].plan_count = 1;
	for (uint32_t i = 0; i < 3; i++) {
		bench_server->cpu[0].plan_thread[0] = cannot[i];
		(void)sched_fair_update(bench_server, &view);
		cr_assert_eq(bench_server->masks.fair.threads, 0, "case %u", i);
	}
}

/* Others see with which mask a thread stays here, before they plan with it again. */
Test(remains, a_thread_that_is_released_is_published, .init = open_plan, .fini = bench_close)
{
	struct sched_cpu *cpu = &bench_server->cpu[0];

	sched_plan_publish(bench_server, cpu, bench_now);
	cr_assert_eq(cpu->plan_count, 2);
	cr_assert_eq(cpu->plan_thread[0].class + cpu->plan_thread[1].class, 1, "6 has a mask");
	__atomic_store_n(&bench_server->cpu[1].load.weight, 4096, __ATOMIC_RELAXED);
	(void)bench_request(0, 5, SCHED_REQ_SET_PARAM, 6, SCHED_PARAM_AFFINITY, UINT64_MAX,
			    UINT64_MAX);
	cr_assert_eq(bench_moves_count, 0, "there is more on the other CPU");
	cr_assert_eq(cpu->plan_count, 2);
	cr_assert_eq(cpu->plan_thread[0].class + cpu->plan_thread[1].class, 0);
}

/* It may have been refused because the thread is over: then its mask is nobody's. */
Test(remains, a_thread_that_gets_no_home_has_no_mask, .init = open_2, .fini = bench_close)
{
	bench_thread(5, 1024);
	bench_shared->params[5].affinity = (struct cpumask){{2}};
	bench_move_error = ERR_STATE;
	(void)bench_start(0, 6);
	(void)bench_request(0, 6, SCHED_REQ_THREAD_NEW, 5, 0, 0, 0);
	cr_assert_eq(bench_answers[0].error, ERR_STATE);
	cr_assert_eq(bench_server->threads[5].state, SCHED_UNKNOWN);
	for (uint32_t i = 1; i < LEVEL_CLASSES_MAX; i++)
		cr_assert_eq(bench_server->masks.class[i].users, 0);
}

static enum policy_state state_of(uint32_t tid)
{
	struct sched_cpu *cpu = &bench_server->cpu[0];
	struct policy_info info;

	cpu->policy->query(policy_cpu(cpu), policy_thread(&bench_server->threads[tid]), &info);
	return info.state;
}

/* Who sleeps in debt stays in the queue until it is worked off.  Who is stopped did not choose to. */
Test(remains, who_is_stopped_is_out_of_the_queue, .init = open_1, .fini = bench_close)
{
	for (uint32_t tid = 5; tid < 8; tid++)
		(void)bench_start(0, tid);
	bench_now += MS;
	(void)bench_event(0, 5, BENCH_BLOCKED(CAUSE_IPC), MS);
	cr_assert_eq(state_of(5), POLICY_DELAYED);
	bench_now += MS;
	(void)bench_event(0, 6, BENCH_BLOCKED(CAUSE_STOPPED), MS);
	cr_assert_eq(state_of(6), POLICY_OUT);
}

/* In several batches more may wait for their requests than are kept in mind: the others leave at once. */
Test(remains, more_that_ask_than_a_batch_has, .init = open_1, .fini = bench_close)
{
	struct sched_event events[UPCALL_EVENTS_MAX] = {0};
	const uint32_t first = 5, last = first + UPCALL_EVENTS_MAX;

	for (uint32_t tid = first; tid <= last; tid++)
		(void)bench_start(0, tid);
	for (uint32_t i = 0; i < UPCALL_EVENTS_MAX; i++)
		events[i] = (struct sched_event){.tag = first + i,
						 .info = BENCH_BLOCKED(CAUSE_REQUEST)};
	(void)bench_more(0, events, UPCALL_EVENTS_MAX);
	cr_assert(bench_server->threads[first].in_request);
	(void)bench_more(
		0, &(struct sched_event){.tag = last, .info = BENCH_BLOCKED(CAUSE_REQUEST)}, 1);
	cr_assert(!bench_server->threads[last].in_request);
	cr_assert_eq(bench_server->threads[last].state, SCHED_OUT);
	cr_assert_eq(bench_nothing(0, ERR_OK).kind, DECISION_IDLE);
}
