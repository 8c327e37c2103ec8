/* SPDX-License-Identifier: BSD-2-Clause */
/* An empty affinity mask: the thread waits for another one, and nobody waits for it. */
#include <criterion/criterion.h>

#include "bench.h"
#include "state.h"

#define WAITS     5u
#define OTHER     6u
#define TIDS      8u
#define SERVED_AT (BENCH_READY(CAUSE_SLICE) | EVENT_SERVED)

static void open_1(void)
{
	bench_open(1, policies[0], places[0]);
	(void)bench_start(0, WAITS);
	(void)bench_start(0, OTHER);
}

static void open_2(void)
{
	bench_open(2, policies[0], places[0]);
	(void)bench_start(0, WAITS);
	(void)bench_start(0, OTHER);
}

/* Alone, and the CPU offers to run whoever becomes ready. */
static void open_offering(void)
{
	bench_open_offering(1);
	(void)bench_start(0, WAITS);
}

static struct sched_decision mask_set(uint32_t asks, word_t cpus)
{
	/* Or a server asks for it, which would go on. */
	const word_t badge = asks != WAITS ? SCHED_BADGE_PRIVILEGED
					   : sched_badge(bench_shared->params[WAITS].pid, 0);
	struct sched_decision d;

	bench_clear_calls();
	d = bench_request_as(0, asks, badge, SCHED_REQ_SET_PARAM, WAITS, SCHED_PARAM_AFFINITY, cpus,
			     0);
	cr_assert_eq(bench_answers[0].error, ERR_OK);
	cr_assert_null(state_broken(bench_server, TIDS, &bench_server->cpu[0], true));
	return d;
}

static struct sched_decision ran(uint32_t tid, word_t info, time_ns_t ran_ns)
{
	bench_now += ran_ns;
	return bench_event(0, tid, info, ran_ns);
}

Test(sched_nowhere, G03_runs_nowhere_until_it_has_a_mask, .init = open_1, .fini = bench_close)
{
	struct sched_decision d = mask_set(OTHER, 0);

	cr_assert_eq(d.tid, OTHER);
	d = ran(OTHER, BENCH_READY(CAUSE_SLICE), 3000000);
	cr_assert_eq(d.tid, OTHER, "its slice is over, and nobody else has a CPU");
	d = ran(OTHER, BENCH_BLOCKED(CAUSE_IPC), 1000);
	cr_assert_eq(d.kind, DECISION_IDLE);
	cr_assert_eq(bench_idled_beside, 0, "the policy does not count it");
	d = ran(WAITS, BENCH_READY(CAUSE_WAKE) | EVENT_WOKE_SINCE, 0);
	cr_assert_eq(d.kind, DECISION_IDLE, "ready it was before");
	d = mask_set(OTHER, 1);
	cr_assert_eq(bench_shared->params[WAITS].flags & SCHED_THREAD_NOWHERE, 0);
	d = ran(OTHER, BENCH_BLOCKED(CAUSE_IPC), 1000);
	cr_assert_eq(d.tid, WAITS);
}

Test(sched_nowhere, takes_its_own_mask_away, .init = open_1, .fini = bench_close)
{
	struct sched_decision d = mask_set(WAITS, 0);

	cr_assert_eq(d.tid, OTHER);
	d = ran(OTHER, BENCH_BLOCKED(CAUSE_IPC), 1000);
	cr_assert_eq(d.kind, DECISION_IDLE);
	d = mask_set(OTHER, UINT64_MAX);
	d = ran(OTHER, BENCH_BLOCKED(CAUSE_IPC), 1000);
	cr_assert_eq(d.tid, WAITS);
}

Test(sched_nowhere, other_parameters_change_nothing, .init = open_1, .fini = bench_close)
{
	(void)mask_set(OTHER, 0);
	bench_clear_calls();
	(void)bench_request_as(0, OTHER, SCHED_BADGE_PRIVILEGED, SCHED_REQ_SET_PARAM, WAITS,
			       SCHED_PARAM_NICE, (word_t)-5, 0);
	cr_assert_eq(bench_answers[0].error, ERR_OK);
	cr_assert_eq(ran(OTHER, BENCH_BLOCKED(CAUSE_IPC), 1000).kind, DECISION_IDLE);
	cr_assert_null(state_broken(bench_server, TIDS, &bench_server->cpu[0], true));
}

/* A sleeper: nothing runs it first when it wakes, and it waits from then on. */
Test(sched_nowhere, wakes_into_waiting, .init = open_offering, .fini = bench_close)
{
	struct sched_decision d;

	(void)bench_start(0, OTHER);
	(void)ran(WAITS, BENCH_BLOCKED(CAUSE_IPC), 1000);
	d = ran(OTHER, BENCH_READY(CAUSE_PREEMPTED), 1000);
	cr_assert_eq(d.flags & (DECISION_SUCCESSOR | DECISION_AGAIN),
		     (word_t)(DECISION_SUCCESSOR | DECISION_AGAIN));
	(void)mask_set(OTHER, 0);
	(void)ran(OTHER, BENCH_READY(CAUSE_PREEMPTED), 1000); /* whoever asked has answered */
	d = ran(OTHER, BENCH_READY(CAUSE_PREEMPTED), 1000);
	cr_assert_neq(d.flags & DECISION_SUCCESSOR, 0);
	cr_assert_eq(d.flags & (DECISION_FIRST | DECISION_AGAIN), 0, "after OTHER it would run");
	d = ran(OTHER, BENCH_BLOCKED(CAUSE_IPC), 1000);
	cr_assert_eq(d.kind, DECISION_IDLE);
	cr_assert_eq(d.flags & (DECISION_FIRST | DECISION_AGAIN), 0);
	d = ran(WAITS, BENCH_READY(CAUSE_WAKE) | EVENT_WOKE_SINCE, 0);
	cr_assert_eq(d.kind, DECISION_IDLE);
	(void)mask_set(OTHER, 1);
	cr_assert_eq(ran(OTHER, BENCH_BLOCKED(CAUSE_IPC), 1000).tid, WAITS);
}

/* It was stopped while it waited: with a mask it is not ready. */
Test(sched_nowhere, is_stopped_meanwhile, .init = open_1, .fini = bench_close)
{
	(void)mask_set(OTHER, 0);
	(void)ran(WAITS, BENCH_BLOCKED(CAUSE_STOPPED), 0);
	(void)mask_set(OTHER, 1);
	cr_assert_eq(ran(OTHER, BENCH_BLOCKED(CAUSE_IPC), 1000).kind, DECISION_IDLE);
	cr_assert_eq(ran(WAITS, BENCH_READY(CAUSE_START), 0).tid, WAITS);
}

Test(sched_nowhere, ends_meanwhile, .init = open_1, .fini = bench_close)
{
	(void)mask_set(OTHER, 0);
	cr_assert_eq(ran(WAITS, (word_t)EVENT_DEAD, 0).tid, OTHER);
	cr_assert_null(state_broken(bench_server, TIDS, &bench_server->cpu[0], true));
}

/* Who else calls its server waits for the answer, however long that takes, and not for a mask. */
Test(sched_nowhere, a_server_that_it_called_answers, .init = open_1, .fini = bench_close)
{
	struct sched_decision d = ran(WAITS, SERVED_AT, 1000);

	d = mask_set(OTHER, 0);
	cr_assert_eq(d.tid, WAITS);
	cr_assert_eq(d.flags, DECISION_ANSWER);
	for (uint32_t i = 0; i < 5; i++) {
		d = ran(WAITS, SERVED_AT, 500000);
		cr_assert_eq(d.tid, WAITS, "%u: still no answer", i);
		cr_assert_eq(d.flags, DECISION_ANSWER);
	}
	d = ran(WAITS, BENCH_READY(CAUSE_PREEMPTED), 1000);
	cr_assert_eq(d.tid, OTHER, "answered");
	cr_assert_eq(ran(OTHER, BENCH_BLOCKED(CAUSE_IPC), 1000).kind, DECISION_IDLE);
}

/* Its time out of turn was over when its mask was taken away. */
Test(sched_nowhere, a_server_that_was_late, .init = open_1, .fini = bench_close)
{
	struct sched_decision d = ran(WAITS, SERVED_AT, 6000000);

	cr_assert_eq(d.flags, DECISION_ANSWER);
	d = ran(WAITS, SERVED_AT, 500000);
	cr_assert_eq(d.tid, OTHER);
	d = mask_set(OTHER, 0);
	cr_assert_eq(d.tid, WAITS);
	cr_assert_eq(d.flags, DECISION_ANSWER);
}

Test(sched_nowhere, another_instance_finds_it, .init = open_1, .fini = bench_close)
{
	struct sched_thread_params waits;

	(void)mask_set(OTHER, 0);
	waits = bench_shared->params[WAITS];
	bench_close();
	bench_open(1, policies[0], places[0]);
	bench_thread(WAITS, 1024);
	bench_shared->params[WAITS] = waits;
	cr_assert_eq(ran(WAITS, BENCH_READY(CAUSE_REBIND), 0).kind, DECISION_IDLE);
	(void)bench_start(0, OTHER);
	(void)mask_set(OTHER, 1);
	cr_assert_eq(ran(OTHER, BENCH_BLOCKED(CAUSE_IPC), 1000).tid, WAITS);
}

/* The objects of one that waits serve another thread, which has a mask. */
Test(sched_nowhere, the_next_thread_with_its_number, .init = open_1, .fini = bench_close)
{
	(void)mask_set(OTHER, 0);
	(void)ran(WAITS, BENCH_BLOCKED(CAUSE_STOPPED), 0);
	bench_thread(WAITS, 1024);
	bench_shared->params[WAITS].flags |= SCHED_THREAD_FRESH;
	(void)ran(OTHER, BENCH_BLOCKED(CAUSE_IPC), 1000);
	cr_assert_eq(ran(WAITS, BENCH_READY(CAUSE_START), 0).tid, WAITS);
}

Test(sched_nowhere, goes_where_its_next_mask_says, .init = open_2, .fini = bench_close)
{
	(void)mask_set(OTHER, 0);
	cr_assert_eq(bench_moves_count, 0);
	(void)mask_set(OTHER, 2);
	cr_assert_eq(bench_moves_count, 1, "once");
	cr_assert_eq(bench_moves[0].tid, WAITS);
	cr_assert_eq(bench_moves[0].cpu, 1);
}
