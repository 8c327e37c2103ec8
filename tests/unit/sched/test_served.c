/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads that have called a server go on until it has answered, and pay for it. */
#include <criterion/criterion.h>

#include "bench.h"

#define LIGHT     5u
#define HEAVY     6u
#define OTHER     7u
#define SERVED_AT (BENCH_READY(CAUSE_SLICE) | EVENT_SERVED)
#define WOKE_AT   (BENCH_READY(CAUSE_WAKE) | EVENT_WOKE_SINCE | EVENT_SERVED)

static void start_two(void)
{
	bench_thread(LIGHT, 15);
	(void)bench_event(0, LIGHT, BENCH_READY(CAUSE_START), 0);
	bench_thread(HEAVY, 1024);
	(void)bench_event(0, HEAVY, BENCH_READY(CAUSE_START), 0);
}

static void open_1(void)
{
	bench_open(1, policies[0], places[0]);
	start_two();
}

static void open_offering(void)
{
	bench_open_offering(1);
	start_two();
}

static void open_2(void)
{
	bench_open(2, policies[0], places[0]);
	start_two();
}

/* LIGHT may not run on CPU 0, and CPU 1 is not there yet. */
static void open_central(void)
{
	bench_open(2, policy_find("central", 7), place_of_policy("central"));
	bench_thread(LIGHT, 15);
	cpumask_clear(&bench_shared->params[LIGHT].affinity, 0);
	(void)bench_event(0, LIGHT, BENCH_READY(CAUSE_START), 0);
	bench_thread(HEAVY, 1024);
	(void)bench_event(0, HEAVY, BENCH_READY(CAUSE_START), 0);
}

static struct sched_decision light_ran(word_t info, time_ns_t ran_ns)
{
	bench_now += ran_ns;
	return bench_event(0, LIGHT, info, ran_ns);
}

/* A server that runs on its time asks something. */
static struct sched_decision light_server_asks(void)
{
	return bench_request_as(0, LIGHT, SCHED_BADGE_PRIVILEGED, SCHED_REQ_GET_PARAM, HEAVY,
				SCHED_PARAM_NICE, 0, 0);
}

static int64_t light_lag(void)
{
	const struct sched_cpu *cpu = &bench_server->cpu[0];
	struct policy_info info;

	cpu->policy->query(
		(const struct policy_cpu *)(const void *)cpu->policy_blob,
		(const struct policy_thread *)(const void *)bench_server->threads[LIGHT].policy,
		&info);
	return info.lag_ns.whole;
}

static bool served(const struct sched_decision *d, uint32_t tid)
{
	return d->kind == DECISION_RUN && d->tid == tid && d->flags == DECISION_ANSWER &&
	       d->seq == bench_server->threads[tid].seq;
}

Test(sched_served, goes_on_until_the_answer_and_pays, .init = open_1, .fini = bench_close)
{
	struct sched_decision d = light_ran(BENCH_READY(CAUSE_SLICE), 3000000);
	int64_t lag;

	cr_assert_eq(d.tid, HEAVY, "it has had more than its part");
	d = light_ran(SERVED_AT, 1000);
	cr_assert(served(&d, LIGHT));
	lag = light_lag();
	d = light_ran(BENCH_READY(CAUSE_PREEMPTED), 100000);
	cr_assert_eq(d.tid, HEAVY, "answered");
	cr_assert_eq(d.flags & DECISION_ANSWER, 0);
	cr_assert_leq(light_lag(), lag - 90000);
}

/* It would run anyway: nothing is asked of the kernel, for which each answer would be another entry. */
Test(sched_served, in_its_turn_it_goes_on_as_any, .init = open_1, .fini = bench_close)
{
	struct sched_decision d = bench_event(0, HEAVY, BENCH_BLOCKED(CAUSE_IPC), 0);

	d = light_ran(SERVED_AT, 3000000);
	cr_assert_eq(d.tid, LIGHT);
	cr_assert_eq(d.flags & DECISION_ANSWER, 0);
	(void)bench_event(0, HEAVY, BENCH_READY(CAUSE_WAKE) | EVENT_WOKE_SINCE, 0);
	d = light_ran(SERVED_AT, 3000000);
	cr_assert(served(&d, LIGHT), "now it is HEAVY's turn");
}

/* The kernel is to ask again after the answer: neither a filter nor a successor, and afterwards both. */
Test(sched_served, offers_nothing_meanwhile, .init = open_offering, .fini = bench_close)
{
	struct sched_decision d = light_ran(SERVED_AT, 3000000);

	cr_assert(served(&d, LIGHT));
	(void)light_ran(BENCH_READY(CAUSE_PREEMPTED), 1000);
	d = bench_event(0, HEAVY, BENCH_READY(CAUSE_PREEMPTED), 0);
	cr_assert_neq(d.flags & (DECISION_FILTER | DECISION_SUCCESSOR), 0);
}

Test(sched_served, one_that_the_server_went_over_to, .init = open_1, .fini = bench_close)
{
	struct sched_decision d;

	(void)light_ran(BENCH_BLOCKED(CAUSE_IPC), 3000000);
	d = light_ran(WOKE_AT, 0);
	cr_assert(served(&d, LIGHT));
}

Test(sched_served, one_after_the_other, .init = open_1, .fini = bench_close)
{
	struct sched_decision d;

	(void)bench_start(0, OTHER);
	(void)light_ran(BENCH_BLOCKED(CAUSE_IPC), 3000000);
	(void)bench_event(0, OTHER, BENCH_BLOCKED(CAUSE_IPC), 0);
	d = light_ran(WOKE_AT, 0);
	cr_assert(served(&d, LIGHT));
	d = bench_event(0, OTHER, WOKE_AT, 0);
	cr_assert(served(&d, LIGHT), "it was first");
	d = light_ran(SERVED_AT, 1000);
	cr_assert(served(&d, LIGHT), "not answered yet");
	d = light_ran(BENCH_READY(CAUSE_PREEMPTED), 1000);
	cr_assert(served(&d, OTHER));
	d = bench_event(0, OTHER, BENCH_READY(CAUSE_PREEMPTED), 1000);
	cr_assert_eq(d.flags & DECISION_ANSWER, 0);
}

/* What servers ask in between does not make it longer. */
Test(sched_served, not_for_ever, .init = open_1, .fini = bench_close)
{
	struct sched_decision d = light_ran(SERVED_AT, 3000000);
	time_ns_t went_on = 0;

	for (unsigned i = 0; i < 20 && served(&d, LIGHT); i++) {
		cr_assert_eq(d.slice_ns, 500000 - went_on);
		went_on += 100000;
		if (i % 2 == 0) {
			d = light_ran(SERVED_AT, 100000);
		} else {
			bench_now += 100000;
			d = light_server_asks();
		}
	}
	cr_assert_eq(went_on, 500000);
	cr_assert_eq(d.tid, HEAVY);
	d = bench_event(0, HEAVY, BENCH_READY(CAUSE_PREEMPTED), 20000);
	cr_assert_eq(d.tid, HEAVY);
	(void)light_ran(BENCH_BLOCKED(CAUSE_IPC), 0);
	d = light_ran(WOKE_AT | EVENT_BLOCKED_SINCE, 0);
	cr_assert(served(&d, LIGHT), "the server has waited");
	cr_assert_eq(d.slice_ns, 500000);
}

Test(sched_served, whatever_happens_to_it_ends_that, .init = open_1, .fini = bench_close)
{
	struct sched_decision d = light_ran(SERVED_AT, 3000000);

	cr_assert(served(&d, LIGHT));
	d = light_ran(BENCH_BLOCKED(CAUSE_IPC), 10);
	cr_assert_eq(d.tid, HEAVY);
	cr_assert_eq(d.flags & DECISION_ANSWER, 0);
	d = light_ran(WOKE_AT, 10);
	cr_assert(served(&d, LIGHT));
	d = bench_event(0, LIGHT, (word_t)EVENT_DEAD | (word_t)CAUSE_EXIT << 8, 0);
	cr_assert_eq(d.tid, HEAVY);
	cr_assert_eq(bench_server->cpu[0].served_count, 0);
}

/* Under central it waits on CPU 0 for its turn elsewhere, where nobody may have room for it. */
Test(sched_served, where_it_may_not_run_only_until_the_answer, .init = open_central,
     .fini = bench_close)
{
	struct sched_decision d = bench_event(0, LIGHT, SERVED_AT, 0);

	cr_assert(served(&d, LIGHT));
	d = light_ran(BENCH_READY(CAUSE_PREEMPTED), 10000);
	cr_assert_eq(d.tid, HEAVY);
	d = bench_event(0, HEAVY, BENCH_BLOCKED(CAUSE_IPC), 10000);
	cr_assert_eq(d.kind, DECISION_IDLE);
}

/* Another CPU's dispatcher is told by a record of its own. */
Test(sched_served, goes_on_where_it_was_moved, .init = open_2, .fini = bench_close)
{
	struct sched_decision d;

	(void)bench_start(1, OTHER);
	(void)bench_request(0, HEAVY, SCHED_REQ_SET_PARAM, LIGHT, SCHED_PARAM_AFFINITY, 2, 0);
	cr_assert_eq(bench_server->threads[LIGHT].home, 1);
	d = bench_event(1, LIGHT, BENCH_READY(CAUSE_ARRIVED) | EVENT_SERVED, 0);
	cr_assert(served(&d, LIGHT));
}

/* The decision was taken back with news: it is made again. */
Test(sched_served, goes_on_after_news, .init = open_1, .fini = bench_close)
{
	struct sched_decision d;

	(void)bench_start(0, OTHER);
	d = light_ran(SERVED_AT, 3000000);
	cr_assert(served(&d, LIGHT));
	d = bench_refused_event(0, ERR_STALE, OTHER, BENCH_BLOCKED(CAUSE_IPC));
	cr_assert(served(&d, LIGHT));
}

/* The answer makes no record. */
Test(sched_served, goes_on_after_a_request_of_the_server, .init = open_1, .fini = bench_close)
{
	struct sched_decision d = light_ran(BENCH_READY(CAUSE_SLICE), 3000000);

	cr_assert_eq(d.tid, HEAVY);
	d = light_server_asks();
	cr_assert(served(&d, LIGHT));
	(void)light_ran(BENCH_READY(CAUSE_PREEMPTED), 1000);
	d = bench_request_as(0, LIGHT, 100 + LIGHT, SCHED_REQ_GET_PARAM, LIGHT, SCHED_PARAM_NICE, 0,
			     0);
	cr_assert_eq(d.flags & DECISION_ANSWER, 0, "a request of its own");
}

/* A thread of proc itself, with time of its own. */
Test(sched_served, not_for_who_asks_on_its_own_time, .init = open_1, .fini = bench_close)
{
	struct sched_decision d;

	bench_shared->params[LIGHT].pid = 0;
	(void)light_ran(BENCH_READY(CAUSE_SLICE), 3000000);
	d = light_server_asks();
	cr_assert_eq(d.flags & DECISION_ANSWER, 0);
}

/* More at a time than there is a place for: by their turns, and nothing is lost. */
Test(sched_served, more_than_are_kept, .init = open_1, .fini = bench_close)
{
	struct sched_decision d = {0};
	uint32_t last = OTHER + SCHED_SERVED_MAX;

	for (uint32_t tid = OTHER; tid <= last; tid++) {
		bench_thread(tid, 15);
		d = bench_event(0, tid, BENCH_READY(CAUSE_START) | EVENT_SERVED, 0);
	}
	cr_assert_eq(bench_server->cpu[0].served_count, SCHED_SERVED_MAX);
	for (uint32_t tid = OTHER; tid < last; tid++) {
		cr_assert(served(&d, tid));
		d = bench_event(0, tid, BENCH_READY(CAUSE_PREEMPTED), 1000);
	}
	cr_assert_eq(d.flags & DECISION_ANSWER, 0);
	d = bench_event(0, last, WOKE_AT, 0);
	cr_assert(served(&d, last));
}
