/* SPDX-License-Identifier: BSD-2-Clause */
/* Groups that a cap limits, and CPUs that idle: who is given to whom. */
#include "group_client.h"

#include "core/balance.h"
#include "core/place.h"

/* CPU 1 has used up its part of a group's cap and idles; CPU 0 has 6, which is in no group, 7 of that group
 * and 8 of another one. */
struct capped {
	struct group_common *group, *other;
};

static struct group_common *common_of(word_t group)
{
	return &bench_server->groups.group[group_index(group)];
}

static void bound_set(struct group_common *group, uint32_t bound)
{
	__atomic_store_n(&group->bound, bound, __ATOMIC_RELAXED);
}

static struct capped capped_beside_idle(void)
{
	struct sched_decision d;
	word_t group, other;

	bench_open(2, policies[0], places[0]);
	bench_now = 20 * MS;
	start_on(0, 5);
	group = group_new(5, 0, 1024, MS, 10 * MS);
	other = group_new(5, 0, 1024, 0, 0);
	(void)bench_event(0, 5, (word_t)EVENT_DEAD, 0);
	for (uint32_t tid = 6; tid < 10; tid++) {
		bench_thread(tid, 1024);
		if (tid != 6)
			bench_shared->params[tid].group = tid == 8 ? other : group;
		__atomic_store_n(&bench_server->idle.bits[0], 0, __ATOMIC_RELAXED);
		(void)bench_event(tid / 9, tid, BENCH_READY(CAUSE_START), 0);
	}
	d = bench_nothing(1, ERR_OK);
	for (uint32_t i = 0; i < 100 && d.kind == DECISION_RUN; i++) {
		bench_now += d.slice_ns;
		d = bench_event(1, 9, BENCH_READY(CAUSE_SLICE), d.slice_ns);
	}
	cr_assert_eq(d.kind, DECISION_IDLE);
	cr_assert_neq(bench_server->cpu[1].waits, 0);
	bench_clear_calls();
	bound_set(common_of(group), 1);
	bound_set(common_of(other), 1);
	return (struct capped){common_of(group), common_of(other)};
}

static struct sched_decision turn_over(uint32_t tid, time_ns_t ran_ns)
{
	/* Nothing is to be sent there yet. */
	__atomic_store_n(&bench_server->idle.bits[0], 0, __ATOMIC_RELAXED);
	return bench_event(0, tid, BENCH_READY(CAUSE_SLICE), ran_ns);
}

/* On CPU 0 it is that thread's turn. */
static void turn_of(uint32_t tid)
{
	struct sched_decision d = turn_over(6, 0);

	for (uint32_t i = 0; i < 100 && d.tid != tid; i++)
		d = turn_over((uint32_t)d.tid, d.slice_ns);
	cr_assert_eq(d.tid, tid);
	bench_clear_calls();
}

static void surplus_push(void)
{
	__atomic_store_n(&bench_server->idle.bits[0], 2, __ATOMIC_RELAXED);
	sched_push_surplus(bench_server, &bench_server->cpu[0], bench_now);
}

/* Nothing is won where its group has no runtime, nor if a cap limits it, as it does those that wait there. */
Test(capped, a_surplus_does_not_go_where_its_group_waits, .fini = bench_close)
{
	struct capped capped = capped_beside_idle();
	struct sched_cpu *idle = &bench_server->cpu[1];
	const uint64_t waits = idle->waits;

	turn_of(6);
	for (uint32_t bound = 2; bound-- > 0;) {
		bound_set(capped.other, bound);
		__atomic_store_n(&idle->waits, bound == 1 ? waits : ~waits, __ATOMIC_RELAXED);
		surplus_push();
		cr_assert_eq(bench_moves_count, 0);
		cr_assert_eq(bench_server->idle.bits[0], 2, "said to be idle");
	}
	__atomic_store_n(&idle->waits, waits, __ATOMIC_RELAXED);
	const uint32_t before = bench_server->cpu[0].load.runnable;
	surplus_push();
	cr_assert(bench_moves_count == 1 && bench_moves[0].tid == 8);
	cr_assert_eq(bench_server->idle.bits[0], 0, "said to be idle");
	cr_assert_eq(bench_server->cpu[0].load.runnable, before - 1, "others look at any time");
}

/* Nor is who runs given to it if the others have to stay: they get what a cap lets them have anyway. */
Test(capped, who_idles_and_waits_is_given_none_of_its_group, .fini = bench_close)
{
	(void)capped_beside_idle();
	turn_of(6);
	cr_assert_eq(sched_balance_give(bench_server, &bench_server->cpu[0], 1, bench_now), 0);
	__atomic_store_n(&bench_server->cpu[1].load.runnable, 1, __ATOMIC_RELAXED);
	bench_server->threads[6].in_request = true;
	const uint32_t before = bench_server->cpu[0].load.runnable;
	const uint32_t given = sched_balance_give(bench_server, &bench_server->cpu[0], 1,
						  bench_now);

	cr_assert_neq(given, 0, "one that runs something wants it for its balance");
	cr_assert_eq(bench_server->cpu[0].load.runnable, before - given, "others look at any time");
}

Test(capped, who_idles_and_does_not_wait_is_given_who_runs, .fini = bench_close)
{
	(void)capped_beside_idle();
	turn_of(6);
	for (uint32_t tid = 7; tid < 9; tid++)
		bench_server->threads[tid].in_request = true;
	__atomic_store_n(&bench_server->cpu[1].waits, 0, __ATOMIC_RELAXED);
	cr_assert_eq(sched_balance_give(bench_server, &bench_server->cpu[0], 1, bench_now), 1);
	cr_assert_eq(bench_moves[0].tid, 6);
}

/* Those that have had most are looked at first, and all of them may have to stay. */
Test(capped, a_surplus_is_found_behind_those_that_stay, .fini = bench_close)
{
	struct capped capped = capped_beside_idle();
	struct sched_decision d = {0};

	for (uint32_t tid = 10; tid < 20; tid++) {
		bench_thread(tid, 1024);
		bench_shared->params[tid].group = capped.other->id;
		__atomic_store_n(&bench_server->idle.bits[0], 0, __ATOMIC_RELAXED);
		d = bench_event(0, tid, BENCH_READY(CAUSE_START), 0);
	}
	/* One of the others runs. */
	for (uint32_t i = 0; i < 100 && (d.kind != DECISION_RUN || d.tid == 6); i++)
		d = turn_over(6, d.slice_ns);
	bench_clear_calls();
	surplus_push();
	cr_assert(bench_moves_count == 1 && bench_moves[0].tid == 6);
}
