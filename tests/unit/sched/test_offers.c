/* SPDX-License-Identifier: BSD-2-Clause */
/* What decisions say beyond who runs, and what the server makes of it when it was carried out. */
#include <criterion/criterion.h>

#include "bench.h"
#include "core/core.h"

#define MS 1000000u

static void open_with(uint32_t cpus)
{
	bench_open_offering(cpus);
	for (uint32_t tid = 5; tid < 8; tid++)
		bench_thread(tid, 1024);
}

static void open_1(void)
{
	open_with(1);
}

static void open_2(void)
{
	open_with(2);
}

static struct sched_decision start(uint32_t tid)
{
	return bench_event(0, tid, BENCH_READY(CAUSE_START), 0);
}

/* 5 runs, 6 waits, and 5 blocks now and then. */
static struct sched_decision start_two(void)
{
	(void)start(5);
	(void)start(6);
	bench_now += MS;
	(void)bench_event(0, 5, BENCH_BLOCKED(CAUSE_IPC), MS);
	bench_now += MS / 10;
	(void)bench_event(0, 5, BENCH_READY(CAUSE_WAKE), 0);
	bench_now += 3 * MS;
	return bench_event(0, 6, BENCH_READY(CAUSE_SLICE), 3 * MS);
}

Test(sched_offers, a_decision_names_who_follows, .init = open_1, .fini = bench_close)
{
	struct sched_decision d = start_two();

	cr_assert_eq(d.tid, 5);
	cr_assert((d.flags & DECISION_SUCCESSOR) != 0);
	cr_assert_eq(d.successor_tid, 6);
	cr_assert_eq(d.successor_seq, bench_server->threads[6].seq);
	cr_assert_gt(d.successor_until_ns, bench_now);
	cr_assert((d.flags & DECISION_FILTER) != 0);
	cr_assert_eq(d.filter_key, bench_keys[5], "a request as long as its own decides nothing");
}

/* 5 is busy and 6 waits, with requests of the same length; the others sleep for half a slice. */
static struct sched_decision start_sleepers(uint32_t sleepers)
{
	for (uint32_t tid = 8; tid < 8 + sleepers; tid++) {
		bench_thread(tid, 1024);
		(void)start(tid);
		(void)bench_request(0, tid, SCHED_REQ_SLEEP, bench_now + 3 * MS / 2, 0, 0, 0);
	}
	(void)start(5);
	return start(6);
}

Test(sched_offers, a_filter_as_long_as_the_slice_ends_with_it, .init = open_1, .fini = bench_close)
{
	struct sched_decision d = start_sleepers(10);

	cr_assert_eq(d.tid, 5);
	cr_assert((d.flags & DECISION_FILTER) != 0);
	cr_assert_eq(d.filter_until_ns, TIME_NEVER);
	cr_assert_gt(d.timer_ns, bench_now + d.slice_ns, "sleepers do not enter it before");
	bench_now += d.slice_ns;
	(void)bench_event(0, 5, BENCH_READY(CAUSE_SLICE), d.slice_ns);
	cr_assert_eq(bench_server->threads[8].state, SCHED_READY);
	cr_assert_eq(bench_server->threads[17].state, SCHED_READY);
}

/* Too many to be looked at: one of those that were not may wake before. */
Test(sched_offers, many_sleepers_wake_in_time, .init = open_1, .fini = bench_close)
{
	const struct sched_decision d = start_sleepers(20);

	cr_assert_eq(d.tid, 5);
	cr_assert((d.flags & DECISION_FILTER) != 0);
	cr_assert_eq(d.timer_ns, bench_now + 3 * MS / 2);
}

/* They are not looked at, and there would be too many. */
Test(sched_offers, sleepers_of_later_do_not_count, .init = open_1, .fini = bench_close)
{
	for (uint32_t tid = 20; tid < 60; tid++) {
		bench_thread(tid, 1024);
		(void)start(tid);
		(void)bench_request(0, tid, SCHED_REQ_SLEEP, bench_now + 1000 * MS + tid, 0, 0, 0);
	}
	struct sched_decision d = start_sleepers(1);

	cr_assert_eq(d.tid, 5);
	cr_assert_gt(d.timer_ns, bench_now + d.slice_ns);
}

Test(sched_offers, a_smaller_key_wakes_in_time, .init = open_1, .fini = bench_close)
{
	(void)start_sleepers(1);
	bench_server->threads[8].key = 1;
	cr_assert_eq(bench_nothing(0, ERR_OK).timer_ns, bench_now + 3 * MS / 2);
}

/* 8 would not change what 5 does, but what 6 does after it: its key is between those of the two. */
Test(sched_offers, a_key_that_only_the_successor_heeds_wakes_in_time, .init = open_1,
     .fini = bench_close)
{
	const time_ns_t due_ns = bench_now + 5 * MS;

	bench_shared->params[6].slice_ns = 6 * MS;
	bench_thread(8, 1024);
	(void)start(8);
	(void)bench_request(0, 8, SCHED_REQ_SLEEP, due_ns, 0, 0, 0);
	const struct sched_decision d = start_two();

	cr_assert_eq(d.tid, 5);
	cr_assert_eq(d.successor_tid, 6);
	cr_assert_geq(bench_keys[8], d.filter_key);
	cr_assert_lt(bench_keys[8], d.successor_filter_key);
	cr_assert_eq(d.timer_ns, due_ns);
}

/* The policy's, but who follows has a short filter. */
static void pick_short(struct policy_cpu *cpu, uint64_t now_ns, uint32_t flags,
		       struct policy_pick *pick)
{
	policy_eevdf.pick(cpu, now_ns, flags, pick);
	if (pick->successor.filter_ns > MS / 10)
		pick->successor.filter_ns = MS / 10;
}

/* 8 decides nothing while 5 runs, but may after the filter of 6, which may run soon. */
Test(sched_offers, a_filter_of_the_successor_that_ends_before_lets_wake_in_time, .init = open_1,
     .fini = bench_close)
{
	const time_ns_t due_ns = bench_now + 5 * MS;
	struct policy_ops shorter = policy_eevdf;

	shorter.pick = pick_short;
	bench_thread(8, 1024);
	(void)start(8);
	(void)bench_request(0, 8, SCHED_REQ_SLEEP, due_ns, 0, 0, 0);
	sched_policy_set(&bench_server->cpu[0], &shorter);
	const struct sched_decision d = start_two();

	cr_assert_eq(d.tid, 5);
	cr_assert_eq(d.successor_tid, 6);
	cr_assert_gt(d.filter_until_ns, due_ns);
	cr_assert_lt(d.successor_filter_until_ns, due_ns);
	cr_assert_eq(d.timer_ns, due_ns);
}

/* Where 5 owes more than its slice it is not known when that ends. */
Test(sched_offers, a_filter_of_a_thread_in_debt_has_a_time, .init = open_1, .fini = bench_close)
{
	(void)start_sleepers(1);
	bench_server->threads[5].debt_ns = 4 * MS;
	struct sched_decision d = bench_nothing(0, ERR_OK);

	cr_assert_eq(d.tid, 5);
	cr_assert_eq(d.flags & DECISION_FILTER, 0, "it would be over");
	cr_assert_eq(d.timer_ns, bench_now + 3 * MS / 2);
}

Test(sched_offers, who_follows_stays_when_a_sleeper_wakes, .init = open_1, .fini = bench_close)
{
	const time_ns_t due_ns = bench_now + 7 * MS / 2;

	bench_thread(8, 1024);
	(void)start(8);
	(void)bench_request(0, 8, SCHED_REQ_SLEEP, due_ns, 0, 0, 0);
	for (uint32_t tid = 5; tid < 8; tid++)
		(void)start(tid);
	bench_now += 3 * MS;
	cr_assert_eq(bench_event(0, 5, BENCH_READY(CAUSE_SLICE), 3 * MS).tid, 6);
	(void)bench_event(0, 6, BENCH_BLOCKED(CAUSE_IPC), 0);
	(void)bench_event(0, 6, BENCH_READY(CAUSE_WAKE), 0);
	bench_now += MS / 10;
	(void)bench_event(0, 7, BENCH_BLOCKED(CAUSE_IPC), MS / 10);
	struct sched_decision d = bench_event(0, 7, BENCH_READY(CAUSE_WAKE), 0);

	cr_assert((d.flags & DECISION_SUCCESSOR) != 0);
	cr_assert_neq(d.successor_tid, 0);
	cr_assert_gt(d.successor_until_ns, due_ns);
	cr_assert_gt(d.timer_ns, due_ns);

	const struct sched_event events[] = {
		{.tag = d.tid,
		 .info = BENCH_BLOCKED(CAUSE_IPC) | EVENT_BLOCKED_SINCE,
		 .ran_ns = MS},
		{.tag = d.successor_tid, .info = BENCH_READY(CAUSE_SLICE), .ran_ns = MS},
	};

	bench_now += 2 * MS;
	(void)bench_switched(0, events, 2, d.successor_tid, bench_now - MS);
	cr_assert_eq(bench_server->threads[8].state, SCHED_READY);
	cr_assert_eq(bench_server->threads[8].ready_since_ns, due_ns);
	cr_assert_eq(bench_shared->cpu[0].misuse, 0);
}

/* That it blocked made the entry, though it was awake again before that was done. */
Test(sched_offers, who_woke_while_the_cpu_entered_was_not_filtered, .init = open_1,
     .fini = bench_close)
{
	cr_assert_eq(start_two().tid, 5);
	bench_now += MS;

	const struct sched_event events[] = {
		{.tag = 5,
		 .info = BENCH_READY(CAUSE_WAKE) | EVENT_BLOCKED_SINCE | EVENT_WOKE_SINCE,
		 .ran_ns = MS,
		 .first_ready_ns = bench_now - MS / 10},
		{.tag = 7, .info = BENCH_READY(CAUSE_START)},
	};

	(void)bench_events(0, events, 2);
	cr_assert_eq(bench_server->threads[5].state, SCHED_READY);
	cr_assert_eq(bench_server->threads[5].stats->cpu_ns, 2 * MS);
	cr_assert_eq(bench_shared->cpu[0].misuse, 0);
}

/* 5 blocked in its request for a sleep of 1 ms and 6 followed, for 2 ms. */
static struct sched_decision sleep_followed(word_t info, time_ns_t woke_ns)
{
	const struct sched_event events[] = {
		{.tag = 5,
		 .info = info | EVENT_BLOCKED_SINCE,
		 .ran_ns = MS,
		 .first_ready_ns = woke_ns},
		{.tag = 6, .info = BENCH_READY(CAUSE_SLICE), .ran_ns = 2 * MS},
	};

	cr_assert_eq(start_two().tid, 5);
	bench_now += 3 * MS;
	return bench_slept(0, events, 2, 6, bench_now - 2 * MS, bench_now - MS);
}

Test(sched_offers, a_sleep_that_was_followed_ends_in_time, .init = open_1, .fini = bench_close)
{
	(void)sleep_followed(BENCH_BLOCKED(CAUSE_REQUEST), 0);
	cr_assert_eq(bench_answers_count, 1);
	cr_assert_eq(bench_answers[0].tid, 5);
	cr_assert_eq(bench_answers[0].error, ERR_OK);
	cr_assert_eq(bench_server->threads[5].state, SCHED_READY, "its record is older");
	cr_assert_eq(bench_server->threads[5].ready_since_ns, bench_now - MS);
	cr_assert_eq(bench_shared->cpu[0].requests, 1);
	cr_assert_eq(bench_shared->cpu[0].misuse, 0);
}

Test(sched_offers, a_sleep_that_was_followed_may_have_been_ended, .init = open_1,
     .fini = bench_close)
{
	bench_next_answer = ERR_STATE;
	(void)sleep_followed(BENCH_READY(CAUSE_WAKE) | EVENT_WOKE_SINCE, bench_now);
	cr_assert_eq(bench_server->threads[5].state, SCHED_READY);
	cr_assert_eq(heap_first(&bench_server->cpu[0].sleepers), NULL);
}

Test(sched_offers, a_thread_that_was_stopped_sleeps_no_more, .init = open_1, .fini = bench_close)
{
	bench_next_answer = ERR_STATE;
	(void)sleep_followed(BENCH_BLOCKED(CAUSE_STOPPED), 0);
	cr_assert_eq(bench_server->threads[5].state, SCHED_OUT);
	cr_assert_eq(heap_first(&bench_server->cpu[0].sleepers), NULL);
}

Test(sched_offers, only_sleeps_are_timed, .init = open_1, .fini = bench_close)
{
	(void)start_two();
	(void)bench_request(0, 5, SCHED_REQ_YIELD | SCHED_REQUEST_TIMED, bench_now + MS, 0, 0, 0);
	cr_assert_eq(bench_answers[bench_answers_count - 1].error, ERR_ARG);
}

/* On its own CPU it would have been a yield. */
Test(sched_offers, only_yields_are_marked_as_such, .init = open_1, .fini = bench_close)
{
	(void)start_two();
	(void)bench_request(0, 5, SCHED_REQ_SLEEP | SCHED_REQUEST_YIELD, bench_now + MS, 0, 0, 0);
	cr_assert_eq(bench_answers[bench_answers_count - 1].error, ERR_ARG);
	(void)bench_request(0, 5, SCHED_REQ_YIELD | SCHED_REQUEST_YIELD, 0, 0, 0, 0);
	cr_assert_eq(bench_answers[bench_answers_count - 1].error, ERR_OK);
}

Test(sched_offers, switched_off_nothing_is_offered, .init = open_1, .fini = bench_close)
{
	bench_server->offers = 0;
	cr_assert_eq(start_two().flags, 0);
	bench_now += MS / 10;
	(void)bench_event(0, 5, BENCH_BLOCKED(CAUSE_IPC), MS / 10);
	cr_assert_eq(bench_event(0, 6, BENCH_BLOCKED(CAUSE_IPC), 0).flags, 0, "idle");
}

Test(sched_offers, what_the_kernel_did_is_as_if_decided, .init = open_1, .fini = bench_close)
{
	(void)start_two();
	const struct sched_event events[] = {
		{.tag = 5, .info = BENCH_BLOCKED(CAUSE_IPC) | EVENT_BLOCKED_SINCE, .ran_ns = MS},
		{.tag = 6,
		 .info = BENCH_BLOCKED(CAUSE_IPC) | EVENT_BLOCKED_SINCE,
		 .ran_ns = 2 * MS},
	};
	const uint64_t ran_ns[] = {bench_shared->stats[5].cpu_ns, bench_shared->stats[6].cpu_ns};

	bench_now += 3 * MS;
	struct sched_decision d = bench_switched(0, events, 2, 6, bench_now - 2 * MS);

	cr_assert_eq(d.kind, DECISION_IDLE);
	cr_assert_eq(bench_shared->stats[5].cpu_ns - ran_ns[0], MS);
	cr_assert_eq(bench_shared->stats[6].cpu_ns - ran_ns[1], 2 * MS);
	cr_assert_eq(bench_shared->cpu[0].misuse, 0);
	cr_assert((d.flags & DECISION_FIRST) != 0);
}

/* The refusal does not say whom it is about. */
Test(sched_offers, a_refused_successor_does_not_cost_the_thread, .init = open_1,
     .fini = bench_close)
{
	cr_assert_eq(start_two().tid, 5);
	struct sched_decision d = bench_nothing(0, ERR_FOREIGN);

	cr_assert_eq(d.kind, DECISION_RUN);
	cr_assert_eq(d.tid, 5);
	cr_assert_eq(d.flags & DECISION_SUCCESSOR, 0);
	cr_assert_eq(bench_nothing(0, ERR_FOREIGN).tid, 6, "so it was about this one");
}

/* ---- Idle again and again -------------------------------------------------------------------- */

/* Of a thread that was run first so often, after a microsecond each time. */
static word_t firsts(word_t count)
{
	return EVENT_BLOCKED_SINCE | EVENT_WOKE_SINCE | count << EVENT_FIRSTS_SHIFT |
	       (count * 1000) << EVENT_FIRSTS_WAIT_SHIFT;
}

/* 5 and 6 are known and blocked; the CPU idles. */
static struct sched_decision all_idle(void)
{
	(void)start_two();
	(void)bench_event(0, 5, BENCH_BLOCKED(CAUSE_IPC), 0);
	return bench_event(0, 6, BENCH_BLOCKED(CAUSE_IPC), MS);
}

static struct policy_info info_of(uint32_t tid)
{
	struct policy_info info;

	bench_server->cpu[0].policy->query(
		(struct policy_cpu *)(void *)bench_server->cpu[0].policy_blob,
		(struct policy_thread *)(void *)bench_server->threads[tid].policy, &info);
	return info;
}

Test(sched_offers, an_idle_cpu_may_idle_again, .init = open_2, .fini = bench_close)
{
	struct sched_decision d = all_idle();

	cr_assert_eq(d.kind, DECISION_IDLE);
	cr_assert_eq(d.flags, DECISION_FIRST | DECISION_AGAIN);
	cr_assert_eq(d.slice_ns, MS);
	cr_assert_eq(d.again_until_ns, bench_now + 10 * MS, "what ran is to be known by then");
	cr_assert(bench_server->idle.bits[0] & 1, "and to all others it is idle");
	bench_server->again = false;
	cr_assert_eq(bench_nothing(0, ERR_OK).flags, DECISION_FIRST);
}

Test(sched_offers, a_lone_thread_is_followed_by_idle_again, .init = open_1, .fini = bench_close)
{
	struct sched_decision d = start(5);

	cr_assert_eq(d.flags & ~DECISION_FILTER,
		     DECISION_SUCCESSOR | DECISION_FIRST | DECISION_AGAIN);
	cr_assert_eq(d.successor_tid, 0);
	cr_assert_eq(d.again_until_ns, bench_now + 10 * MS);
}

/* Which needs this dispatcher to say so. */
Test(sched_offers, of_several_none_idles_by_itself, .init = open_2, .fini = bench_close)
{
	struct sched_decision d = start(5);

	cr_assert_eq(d.tid, 5);
	cr_assert_eq(d.flags & DECISION_SUCCESSOR, 0);
}

/* An idle one may ask it for a thread, and one that wakes may be meant for another. */
Test(sched_offers, of_several_a_lone_thread_filters_nobody, .init = open_2, .fini = bench_close)
{
	__atomic_store_n(&bench_server->idle.bits[0], 0, __ATOMIC_RELAXED);
	cr_assert_eq(start(5).flags & DECISION_FILTER, 0);
	cr_assert_neq(start_two().flags & DECISION_FILTER, 0, "who has more does");
}

/* The policy's, but who follows has a slice. */
static void pick_with_slice(struct policy_cpu *cpu, uint64_t now_ns, uint32_t flags,
			    struct policy_pick *pick)
{
	policy_eevdf.pick(cpu, now_ns, flags, pick);
	pick->successor.slice_ns = 5 * MS;
}

Test(sched_offers, who_follows_pays_its_debt, .init = open_1, .fini = bench_close)
{
	struct policy_ops slice = policy_eevdf;

	slice.pick = pick_with_slice;
	sched_policy_set(&bench_server->cpu[0], &slice);
	cr_assert_eq(start_two().successor_slice_ns, 5 * MS);
	bench_server->threads[6].debt_ns = MS;
	cr_assert_eq(bench_nothing(0, ERR_OK).successor_slice_ns, 4 * MS);
}

/* What it holds back is to wait for the end of that, not for who runs first. */
Test(sched_offers, a_silent_one_offers_nothing_when_idle_either, .init = open_1,
     .fini = bench_close)
{
	cr_assert_neq(all_idle().flags & DECISION_FIRST, 0);
	bench_server->cpu[0].silent |= SCHED_SILENT_CHANGES;
	bench_server->cpu[0].changes_until_ns = bench_now + 1000 * MS;
	cr_assert_eq(bench_nothing(0, ERR_OK).flags & DECISION_FIRST, 0);
}

/* Nor does a policy that says nothing of successors. */
Test(sched_offers, a_policy_without_successors_offers_nothing_when_idle)
{
	bench_open(1, &policy_fifo, places[0]);
	bench_server->offers = POLICY_PICK_FILTER | POLICY_PICK_SUCCESSOR;
	cr_assert_eq(bench_start(0, 5).flags, 0);
	cr_assert(sched_usual(&bench_server->cpu[0]));
	cr_assert_eq(bench_event(0, 5, BENCH_BLOCKED(CAUSE_IPC), MS).flags, 0);
	bench_close();
}

/* 5 three times, 6 once, 5 once more, which runs still when 7 becomes ready. */
Test(sched_offers, stays_on_an_idle_cpu_are_as_if_decided, .init = open_1, .fini = bench_close)
{
	(void)all_idle();
	const struct sched_thread_stats before5 = bench_shared->stats[5];
	const struct sched_thread_stats before6 = bench_shared->stats[6];
	const struct sched_event events[] = {
		{.tag = 5, .info = BENCH_READY(CAUSE_PREEMPTED) | firsts(4), .ran_ns = 5 * MS},
		{.tag = 6, .info = BENCH_BLOCKED(CAUSE_IPC) | firsts(1), .ran_ns = 2 * MS},
		{.tag = 7, .info = BENCH_READY(CAUSE_WAKE) | EVENT_WOKE_SINCE},
	};

	bench_now += 9 * MS;
	(void)bench_switched(0, events, 3, 5, bench_now - MS);
	cr_assert_eq(bench_shared->stats[5].cpu_ns - before5.cpu_ns, 5 * MS);
	cr_assert_eq(bench_shared->stats[6].cpu_ns - before6.cpu_ns, 2 * MS);
	cr_assert_eq(bench_shared->stats[5].wakes - before5.wakes, 4);
	cr_assert_eq(bench_shared->stats[5].runs - before5.runs, 4);
	cr_assert_eq(bench_shared->stats[6].wakes - before6.wakes, 1);
	cr_assert_eq(bench_shared->cpu[0].misuse, 0);
	cr_assert_eq(bench_server->threads[5].state, SCHED_READY);
	cr_assert_eq(bench_server->threads[6].state, SCHED_OUT);
	cr_assert_eq(info_of(5).left_ns, 2 * MS, "of a request that began with its last stay");
	cr_assert_eq(info_of(6).lag_ns.whole, 0);
}

/* 5 ran by decision, then 6 on the idle CPU, then 5 again until it blocked. */
Test(sched_offers, the_thread_of_the_decision_may_stay_again, .init = open_1, .fini = bench_close)
{
	(void)start(6);
	(void)bench_event(0, 6, BENCH_BLOCKED(CAUSE_IPC), 0);
	(void)start(5);
	const uint64_t ran_ns[] = {bench_shared->stats[5].cpu_ns, bench_shared->stats[6].cpu_ns};
	const uint64_t wakes = bench_shared->stats[5].wakes;
	const struct sched_event events[] = {
		{.tag = 5, .info = BENCH_BLOCKED(CAUSE_IPC) | firsts(1), .ran_ns = 3 * MS},
		{.tag = 6, .info = BENCH_BLOCKED(CAUSE_IPC) | firsts(1), .ran_ns = MS},
	};

	bench_now += 5 * MS;
	struct sched_decision d = bench_switched(0, events, 2, 0, bench_now - MS);

	cr_assert_eq(d.kind, DECISION_IDLE);
	cr_assert_eq(bench_shared->stats[5].cpu_ns - ran_ns[0], 3 * MS);
	cr_assert_eq(bench_shared->stats[6].cpu_ns - ran_ns[1], MS);
	cr_assert_eq(bench_shared->stats[5].wakes - wakes, 1);
	cr_assert_eq(bench_shared->cpu[0].misuse, 0);
	cr_assert_eq(info_of(5).lag_ns.whole, 0);
	cr_assert_eq(info_of(5).state, POLICY_OUT);
}

/* It did not come again: what it was owed beside others is kept. */
Test(sched_offers, the_thread_of_the_decision_keeps_its_lag, .init = open_1, .fini = bench_close)
{
	(void)start(5);
	const struct sched_event events[] = {
		{.tag = 5, .info = BENCH_BLOCKED(CAUSE_IPC) | EVENT_BLOCKED_SINCE, .ran_ns = MS},
		{.tag = 6,
		 .info = BENCH_READY(CAUSE_PREEMPTED) | EVENT_WOKE_SINCE |
			 (word_t)1 << EVENT_FIRSTS_SHIFT,
		 .ran_ns = MS},
	};
	const uint64_t ran_ns = bench_shared->stats[5].cpu_ns;

	bench_now += 3 * MS;
	struct sched_decision d = bench_switched(0, events, 2, 6, bench_now - MS);

	cr_assert_eq(d.tid, 6);
	cr_assert_eq(bench_shared->stats[5].cpu_ns - ran_ns, MS);
	cr_assert_eq(bench_shared->stats[6].cpu_ns, MS);
	cr_assert_eq(bench_server->threads[5].state, SCHED_OUT);
	cr_assert_eq(bench_shared->cpu[0].misuse, 0);
}

/* An idle CPU gets 6 between the choice and the decision. */
Test(sched_offers, a_thread_that_was_sent_away_is_no_successor, .init = open_2, .fini = bench_close)
{
	(void)bench_nothing(1, ERR_OK);
	__atomic_store_n(&bench_server->idle.bits[0], 0, __ATOMIC_RELAXED);
	struct sched_decision d = start_two();

	cr_assert_eq(d.tid, 5);
	cr_assert_eq(d.successor_tid, 6);
	__atomic_store_n(&bench_server->idle.bits[0], 2, __ATOMIC_RELAXED);
	bench_now += MS / 10;
	d = bench_event(0, 5, BENCH_READY(CAUSE_PREEMPTED), MS / 10);
	cr_assert_eq(bench_moves_count, 1);
	cr_assert_eq(bench_moves[0].tid, 6);
	cr_assert_eq(d.tid, 5);
	cr_assert_eq(d.flags & DECISION_SUCCESSOR, 0);
}
