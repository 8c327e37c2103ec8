/* SPDX-License-Identifier: BSD-2-Clause */
/* What others do to threads that wait has a budget: core/changes.c. */
#include <criterion/criterion.h>

#include "bench.h"

#define WORKER   5u
#define SLEEPER  6u
#define STRANGER 7u
#define ENTRY_NS 8000u /* what an entry costs */
#define PART     64u   /* of all time is for changes */
#define BURST_NS 10000000ull
#define HOLD_NS  16000000u

static void start(uint32_t cpus)
{
	bench_open_offering(cpus);
	(void)bench_start(0, WORKER);
	(void)bench_start(0, SLEEPER);
	if (cpus > 1) {
		(void)bench_start(1, STRANGER);
		bench_server->threads[STRANGER].home = 1;
	}
	(void)bench_event(0, SLEEPER, BENCH_BLOCKED(CAUSE_NOTIFICATION), 1);
}

static void open_1(void)
{
	start(1);
}

static void open_2(void)
{
	start(2);
}

static bool holds(const struct sched_decision *d)
{
	return (d->flags & DECISION_FILTER) != 0 && d->filter_key == FILTER_KEY_CHANGES;
}

/* The worker ran for so long since the last entry, which cost ENTRY_NS; then this happened to the other. */
static struct sched_decision entry(time_ns_t ran_ns, word_t info)
{
	const struct sched_event events[] = {
		{.tag = SLEEPER, .info = info},
		{.tag = WORKER, .info = BENCH_READY(CAUSE_PREEMPTED), .ran_ns = ran_ns},
	};

	bench_now += ran_ns + ENTRY_NS;
	return bench_kicked(0, events, 2);
}

/* Stops and resumes without pause; how many until they are held back, at most `most`. */
static unsigned prod(time_ns_t every_ns, unsigned most)
{
	for (unsigned i = 0; i < most; i++) {
		const struct sched_decision d = entry(
			every_ns, i % 2 == 0 ? BENCH_BLOCKED(CAUSE_STOPPED)
					     : BENCH_READY(CAUSE_START) | EVENT_WOKE_SINCE);

		if (holds(&d))
			return i;
	}
	return most;
}

Test(sched_changes, too_many_are_held_back_until_they_are_few_again, .init = open_1,
     .fini = bench_close)
{
	const unsigned count = prod(20000, 1000);
	struct sched_decision d;
	time_ns_t until_ns;

	cr_assert_geq(count, BURST_NS / PART / ENTRY_NS, "some at once are nobody's harm");
	cr_assert_leq(count, BURST_NS / PART / ENTRY_NS + 10);
	d = bench_nothing(0, ERR_OK);
	cr_assert(holds(&d), "whatever else it was entered for");
	cr_assert_gt(d.filter_until_ns, bench_now);
	cr_assert_leq(d.filter_until_ns, bench_now + 2 * PART * ENTRY_NS);
	cr_assert_eq(d.flags & DECISION_SUCCESSOR, 0);
	until_ns = d.filter_until_ns;
	bench_now = until_ns;
	d = bench_nothing(0, ERR_OK);
	cr_assert_not(holds(&d));
	cr_assert_eq(bench_server->cpu[0].silent, 0, "it may say more again");
}

Test(sched_changes, nothing_is_saved_for_later, .init = open_1, .fini = bench_close)
{
	bench_now += 100 * BURST_NS;
	(void)bench_nothing(0, ERR_OK);
	cr_assert_leq(prod(20000, 1000), BURST_NS / PART / ENTRY_NS + 10);
}

/* Who goes on has no more than his part: each is paid for by a rest of so many times its cost. */
Test(sched_changes, for_ever_they_have_one_part_of_the_time, .init = open_1, .fini = bench_close)
{
	time_ns_t from_ns;
	unsigned entries = 0;

	(void)prod(0, 1000);
	from_ns = bench_now;
	while (bench_now - from_ns < 100 * BURST_NS) {
		const struct sched_decision d = entry(
			0, entries++ % 2 == 0 ? BENCH_BLOCKED(CAUSE_STOPPED)
					      : BENCH_READY(CAUSE_START) | EVENT_WOKE_SINCE);

		cr_assert(holds(&d) || entries < 4);
		if (holds(&d) && d.filter_until_ns > bench_now + ENTRY_NS) {
			/* Until then the worker runs. */
			(void)entry(d.filter_until_ns - bench_now - ENTRY_NS,
				    BENCH_READY(CAUSE_PREEMPTED));
		}
	}
	cr_assert_leq((uint64_t)entries * ENTRY_NS * PART, 100 * BURST_NS * 105 / 100);
	cr_assert_geq((uint64_t)entries * ENTRY_NS * PART, 100 * BURST_NS * 90 / 100);
}

Test(sched_changes, few_are_not, .init = open_1, .fini = bench_close)
{
	cr_assert_eq(prod(2 * PART * ENTRY_NS, 1000), 1000);
}

Test(sched_changes, wakes_are_none, .init = open_1, .fini = bench_close)
{
	for (unsigned i = 0; i < 500; i++) {
		const struct sched_decision d = entry(
			0, i % 2 == 0 ? BENCH_BLOCKED(CAUSE_NOTIFICATION)
				      : BENCH_READY(CAUSE_WAKE) | EVENT_WOKE_SINCE);

		cr_assert_not(holds(&d));
	}
}

/* However much the entries cost that go on meanwhile, for others. */
Test(sched_changes, nobody_waits_for_longer_than_the_bound, .init = open_1, .fini = bench_close)
{
	time_ns_t longest_ns = 0;

	for (unsigned i = 0; i < 100; i++) {
		struct sched_decision d;

		bench_now += 12u * ENTRY_NS;
		d = entry(0, i % 2 == 0 ? BENCH_BLOCKED(CAUSE_STOPPED)
					: BENCH_READY(CAUSE_START) | EVENT_WOKE_SINCE);
		if (holds(&d) && d.filter_until_ns - bench_now > longest_ns)
			longest_ns = d.filter_until_ns - bench_now;
	}
	cr_assert_leq(longest_ns, HOLD_NS);
	cr_assert_gt(longest_ns, HOLD_NS / 2, "and it would have been longer");
}

Test(sched_changes, stops_of_who_has_run_are_none, .init = open_1, .fini = bench_close)
{
	for (unsigned i = 0; i < 500; i++) {
		const struct sched_event events[] = {
			{.tag = SLEEPER, .info = BENCH_BLOCKED(CAUSE_STOPPED), .ran_ns = 1},
			{.tag = WORKER, .info = BENCH_READY(CAUSE_PREEMPTED)},
		};
		struct sched_decision d;

		bench_now += ENTRY_NS;
		d = bench_kicked(0, events, 2);
		cr_assert_not(holds(&d));
	}
}

/* Who stops on its own, or is seen at another time, has not been entered for. */
Test(sched_changes, what_did_not_enter_is_none, .init = open_1, .fini = bench_close)
{
	for (unsigned i = 0; i < 500; i++) {
		const struct sched_event events[] = {
			{.tag = SLEEPER,
			 .info = i % 2 == 0 ? BENCH_BLOCKED(CAUSE_STOPPED)
					    : BENCH_READY(CAUSE_START)},
			{.tag = WORKER, .info = BENCH_READY(CAUSE_SLICE)},
		};
		struct sched_decision d;

		bench_now += ENTRY_NS;
		d = bench_events(0, events, 2);
		cr_assert_not(holds(&d));
	}
}

Test(sched_changes, requests_of_other_CPUs_are_some, .init = open_2, .fini = bench_close)
{
	struct sched_decision d = {0};
	unsigned i;

	for (i = 0; i < 500 && !holds(&d); i++) {
		bench_now += ENTRY_NS;
		d = bench_request(0, STRANGER, SCHED_REQ_SET_PARAM, SLEEPER, SCHED_PARAM_NICE,
				  i % 2, 0);
	}
	cr_assert_lt(i, 300);
}

Test(sched_changes, a_thread_s_own_requests_are_none, .init = open_2, .fini = bench_close)
{
	for (unsigned i = 0; i < 500; i++) {
		struct sched_decision d;

		bench_now += ENTRY_NS;
		d = bench_request(0, WORKER, SCHED_REQ_SET_PARAM, SLEEPER, SCHED_PARAM_NICE, i % 2,
				  0);
		cr_assert_not(holds(&d));
	}
}
