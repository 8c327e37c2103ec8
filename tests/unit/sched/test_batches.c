/* SPDX-License-Identifier: BSD-2-Clause */
/* An idle CPU that ran more threads than one batch has room for: the records come in several. */
#include <criterion/criterion.h>

#include "bench.h"

#define MS 1000000u

static void open_2(void)
{
	bench_open_offering(2);
}

static word_t firsts(word_t count)
{
	return EVENT_BLOCKED_SINCE | EVENT_WOKE_SINCE | count << EVENT_FIRSTS_SHIFT;
}

/* 5 is known and blocked, and so is 6, on a CPU that runs who comes first, again and again. */
static void all_idle(void)
{
	for (uint32_t tid = 5; tid < 7; tid++) {
		bench_thread(tid, 1024);
		bench_shared->params[tid].affinity = cpumask_one(0);
		(void)bench_event(0, tid, BENCH_READY(CAUSE_START), 0);
		cr_assert_eq(bench_event(0, tid, BENCH_BLOCKED(CAUSE_IPC), 0).flags,
			     DECISION_FIRST | DECISION_AGAIN);
	}
}

/* 5 had the CPU twice for 1 ms each, 6 has it for 3 ms; what says so of 6 comes with the next batch. */
Test(batches, who_runs_wakes_with_its_own_record, .init = open_2, .fini = bench_close)
{
	const struct sched_event over = {
		.tag = 5, .info = BENCH_BLOCKED(CAUSE_IPC) | firsts(2), .ran_ns = 2 * MS};
	const struct sched_event runs = {
		.tag = 6, .info = BENCH_READY(CAUSE_PREEMPTED) | firsts(1), .ran_ns = 3 * MS};
	const struct sched_thread_stats *stats = bench_shared->stats;

	all_idle();
	bench_now += 9 * MS;
	(void)bench_switched_more(0, &over, 1, 6, bench_now - 3 * MS);
	cr_assert_eq(stats[5].cpu_ns, 2 * MS);
	cr_assert_eq(stats[5].wakes, 2);
	cr_assert_eq(bench_server->threads[5].state, SCHED_OUT);
	cr_assert_eq(bench_server->threads[6].state, SCHED_OUT);
	cr_assert_null(bench_server->cpu[0].running);
	cr_assert_eq(bench_events(0, &runs, 1).tid, 6);
	cr_assert_eq(stats[6].cpu_ns, 3 * MS);
	cr_assert_eq(stats[6].wakes, 1);
}

/* Likewise the other way round: 6 is said to run, what 5 had before comes later. */
Test(batches, a_stay_may_be_told_late, .init = open_2, .fini = bench_close)
{
	const struct sched_event runs = {
		.tag = 6, .info = BENCH_READY(CAUSE_PREEMPTED) | firsts(1), .ran_ns = 3 * MS};
	const struct sched_event over = {
		.tag = 5, .info = BENCH_BLOCKED(CAUSE_IPC) | firsts(1), .ran_ns = 2 * MS};
	const struct sched_thread_stats *stats = bench_shared->stats;

	all_idle();
	bench_now += 9 * MS;
	(void)bench_switched_more(0, &runs, 1, 6, bench_now - 3 * MS);
	cr_assert_eq(bench_server->cpu[0].running, &bench_server->threads[6]);
	cr_assert_eq(bench_events(0, &over, 1).tid, 6);
	cr_assert_eq(bench_server->threads[5].state, SCHED_OUT);
	cr_assert_eq(stats[5].cpu_ns, 2 * MS);
	cr_assert_eq(stats[6].cpu_ns, 3 * MS);
	cr_assert_eq(stats[6].runs, 2, "at its start, and now");
}
