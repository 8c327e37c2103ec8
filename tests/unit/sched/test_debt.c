/* SPDX-License-Identifier: BSD-2-Clause */
/* What a thread owes when it ends: its heir pays, if that is still who made it.  What nobody owes. */
#include <criterion/criterion.h>

#include "bench.h"
#include "core/bill.h"

#define MS        1000000
#define MAKER     5u
#define MADE      6u
#define BYSTANDER 7u

static void open_with(uint32_t cpus, uint32_t cpu_of_maker)
{
	bench_open(cpus, policies[0], places[0]);
	(void)bench_start(cpu_of_maker, MAKER);
	(void)bench_start(0, BYSTANDER);
	(void)bench_start(0, MADE);
	bench_shared->params[MADE].heir = MAKER;
	bench_shared->params[MADE].heir_pid = bench_shared->params[MAKER].pid;
}

static void open_1(void)
{
	open_with(1, 0);
}

static void open_2(void)
{
	open_with(2, 1);
}

static int64_t lag_of(uint32_t cpu, uint32_t tid)
{
	const struct sched_cpu *queue = &bench_server->cpu[cpu];
	struct policy_info info;

	queue->policy->query(
		(const struct policy_cpu *)(const void *)queue->policy_blob,
		(const struct policy_thread *)(const void *)bench_server->threads[tid].policy,
		&info);
	return info.lag_ns.whole;
}

/* MAKER sleeps, and owes and is owed nothing. */
static void open_asleep(void)
{
	bench_open(1, policies[0], places[0]);
	(void)bench_start(0, MAKER);
	(void)bench_event(0, MAKER, BENCH_BLOCKED(CAUSE_IPC), 0);
	(void)bench_start(0, BYSTANDER);
	(void)bench_start(0, MADE);
	bench_shared->params[MADE].heir = MAKER;
	bench_shared->params[MADE].heir_pid = bench_shared->params[MAKER].pid;
}

static void end_after(time_ns_t ran_ns)
{
	(void)bench_event(0, MADE, (word_t)EVENT_DEAD, ran_ns);
}

/* It had not slept nor had its turn since it was told to pay. */
Test(sched_debt, a_bill_that_was_not_taken_is_passed_on, .init = open_asleep, .fini = bench_close)
{
	bench_shared->bill_ns[MADE] = 10 * MS;
	end_after(MS);
	cr_assert_eq(bench_shared->bill_ns[MAKER], 10 * MS + MS / 2);
	cr_assert_eq(bench_shared->bill_ns[MADE], 0);
}

/* It ran 3 ms, of which one was its own; the two others are owed one each, and the maker pays both. */
Test(sched_debt, a_maker_in_the_queue_pays_at_once, .init = open_1, .fini = bench_close)
{
	end_after(3 * MS);
	cr_assert_eq(bench_shared->bill_ns[MAKER], 0);
	cr_assert_eq(lag_of(0, MAKER), -MS);
	cr_assert_eq(lag_of(0, BYSTANDER), MS);
	cr_assert_eq(bench_shared->stats[MAKER].cpu_ns, 0, "it did not run for that");
}

/* It ran 2 ms beside one other, who is owed one: as much is the maker behind when it comes, and it waits. */
Test(sched_debt, the_maker_pays_before_it_runs, .init = open_asleep, .fini = bench_close)
{
	end_after(2 * MS);
	cr_assert_eq(bench_shared->bill_ns[MAKER], MS);
	const struct sched_decision decision = bench_event(0, MAKER, BENCH_READY(CAUSE_WAKE), 0);
	cr_assert_eq(bench_shared->bill_ns[MAKER], 0);
	cr_assert_eq(lag_of(0, MAKER), -MS);
	cr_assert_eq(lag_of(0, BYSTANDER), MS, "it has back what it was owed");
	cr_assert_eq(decision.tid, BYSTANDER);
}

/* A run of a thread that is out costs it a slice at most; a bill is no run. */
Test(sched_debt, a_large_bill_of_a_sleeper_is_paid_whole, .init = open_asleep, .fini = bench_close)
{
	sched_bill(bench_shared, MAKER, bench_shared->params[MAKER].pid, 9 * MS);
	(void)bench_event(0, MAKER, BENCH_READY(CAUSE_WAKE), 0);
	cr_assert_eq(lag_of(0, MAKER), -9 * MS);
}

/* Whatever it was told: a bill is a sum of many. */
Test(sched_debt, nobody_pays_more_than_a_bound, .init = open_asleep, .fini = bench_close)
{
	bench_shared->bill_ns[MAKER] = 20 * (uint64_t)SCHED_DEBT_NS_MAX;
	(void)bench_event(0, MAKER, BENCH_READY(CAUSE_WAKE), 0);
	cr_assert_eq(lag_of(0, MAKER), -(int64_t)SCHED_DEBT_NS_MAX);
}

/* It is in the queue still, for what it owes itself. */
Test(sched_debt, a_maker_that_sleeps_in_debt_owes_both, .init = open_1, .fini = bench_close)
{
	(void)bench_event(0, MAKER, BENCH_BLOCKED(CAUSE_IPC), 3 * MS);
	cr_assert_eq(lag_of(0, MAKER), -2 * MS);
	end_after(3 * MS);
	cr_assert_eq(bench_shared->bill_ns[MAKER], MS);
	(void)bench_event(0, MAKER, BENCH_READY(CAUSE_WAKE), 0);
	cr_assert_eq(lag_of(0, MAKER), -2 * MS, "paid 1 ms meanwhile, owes one more");
	cr_assert_eq(lag_of(0, BYSTANDER), 2 * MS);
}

/* The maker may sleep for ever while others of its process go on with the work. */
Test(sched_debt, who_is_made_next_pays_if_it_is_first, .init = open_asleep, .fini = bench_close)
{
	end_after(2 * MS);
	bench_thread(MADE + 2, 1024);
	bench_shared->params[MADE + 2].heir = MAKER;
	bench_shared->params[MADE + 2].heir_pid = bench_shared->params[MAKER].pid;
	(void)bench_event(0, MADE + 2, BENCH_READY(CAUSE_START), 0);
	cr_assert_eq(bench_shared->bill_ns[MAKER], 0);
	cr_assert_eq(lag_of(0, MADE + 2), -MS);
	/* Later what the maker owes is its own affair. */
	(void)bench_event(0, MADE + 2, BENCH_BLOCKED(CAUSE_IPC), 0);
	sched_bill(bench_shared, MAKER, bench_shared->params[MAKER].pid, MS);
	(void)bench_event(0, MADE + 2, BENCH_READY(CAUSE_WAKE), 0);
	cr_assert_eq(bench_shared->bill_ns[MAKER], MS);
}

/* Who never sleeps pays when its turn is over. */
Test(sched_debt, a_busy_maker_pays_too, .init = open_1, .fini = bench_close)
{
	sched_bill(bench_shared, MAKER, bench_shared->params[MAKER].pid, 2 * MS);
	(void)bench_event(0, MAKER, BENCH_READY(CAUSE_SLICE), 3 * MS);
	cr_assert_eq(bench_shared->bill_ns[MAKER], 0);
	cr_assert_eq(bench_server->threads[MAKER].debt_ns, 2 * MS);
}

Test(sched_debt, a_maker_of_another_cpu_pays_there, .init = open_2, .fini = bench_close)
{
	end_after(4 * MS);
	cr_assert_eq(bench_shared->bill_ns[MAKER], 2 * MS);
	(void)bench_event(1, MAKER, BENCH_BLOCKED(CAUSE_IPC), 0);
	(void)bench_start(1, BYSTANDER + 1);
	(void)bench_event(1, MAKER, BENCH_READY(CAUSE_WAKE), 0);
	cr_assert_eq(bench_shared->bill_ns[MAKER], 0);
	cr_assert_eq(lag_of(1, MAKER), -2 * MS);
}

/* What it was to pay for others goes on to who made it. */
Test(sched_debt, a_bill_is_handed_on, .init = open_asleep, .fini = bench_close)
{
	sched_bill(bench_shared, MADE, bench_shared->params[MADE].pid, MS);
	end_after(4 * MS);
	cr_assert_eq(bench_shared->bill_ns[MAKER], 3 * MS);
	cr_assert_eq(bench_shared->bill_ns[MADE], 0);
}

/* A maker is no culprit: a slice at most. */
Test(sched_debt, an_end_costs_no_more_than_a_slice, .init = open_asleep, .fini = bench_close)
{
	end_after(10000u * MS);
	cr_assert_eq(bench_shared->bill_ns[MAKER], POLICY_SLICE_NS_MAX);
}

Test(sched_debt, who_owes_nothing_leaves_nothing, .init = open_1, .fini = bench_close)
{
	(void)bench_event(0, BYSTANDER, BENCH_READY(CAUSE_PREEMPTED), 3 * MS);
	end_after(0);
	cr_assert_eq(bench_shared->bill_ns[MAKER], 0);
}

/* Its number may be another thread's by now. */
Test(sched_debt, who_has_the_makers_number_pays_nothing, .init = open_1, .fini = bench_close)
{
	bench_shared->params[MAKER].pid++;
	end_after(3 * MS);
	cr_assert_eq(bench_shared->bill_ns[MAKER], 0);
	cr_assert_eq(lag_of(0, MAKER), 0);
	bench_shared->params[MAKER].pid--;
	bench_shared->params[MAKER].flags = 0;
	sched_bill(bench_shared, MAKER, bench_shared->params[MAKER].pid, MS);
	cr_assert_eq(bench_shared->bill_ns[MAKER], 0);
	sched_bill(bench_shared, SCHED_THREADS_MAX, 1, MS); /* nobody's number */
}

/* A thread that is started again is another one; what the last one owes is its maker's, who has not paid
 * yet. */
Test(sched_debt, a_thread_that_is_kept_leaves_its_debt_too, .init = open_1, .fini = bench_close)
{
	(void)bench_event(0, MADE, BENCH_BLOCKED(CAUSE_IPC), 3 * MS);
	bench_shared->params[MADE].flags |= SCHED_THREAD_FRESH;
	(void)bench_event(0, MADE, BENCH_READY(CAUSE_WAKE), 0);
	cr_assert_eq(bench_shared->bill_ns[MAKER], 0);
	cr_assert_eq(bench_server->threads[MADE].debt_ns, 0);
	cr_assert_eq(lag_of(0, MADE), -2 * MS);
}

/* Nobody pays for itself: the next thread is another one. */
Test(sched_debt, a_thread_that_is_kept_is_no_heir_of_its_own, .init = open_1, .fini = bench_close)
{
	(void)bench_event(0, MADE, BENCH_BLOCKED(CAUSE_IPC), 3 * MS);
	bench_shared->params[MADE].heir = MADE;
	bench_shared->params[MADE].heir_pid = bench_shared->params[MADE].pid;
	bench_shared->params[MADE].flags |= SCHED_THREAD_FRESH;
	(void)bench_event(0, MADE, BENCH_READY(CAUSE_WAKE), 0);
	cr_assert_eq(bench_shared->bill_ns[MADE], 0);
	cr_assert_eq(lag_of(0, MADE), 0);
}

/* What threads ran before this instance of the server: 6 for a minute, alone or in the kernel's rotation. */
static void what_ran_before_owes(const struct policy_ops *policy)
{
	const struct sched_event events[] = {
		{.tag = 5, .info = BENCH_READY(CAUSE_PREEMPTED), .ran_ns = 1000000},
		{.tag = 6, .info = BENCH_READY(CAUSE_PREEMPTED), .ran_ns = 60000000000},
		{.tag = 7, .info = BENCH_READY(CAUSE_WAKE)},
	};

	bench_open(1, policy, places[0]);
	for (uint32_t tid = 5; tid < 8; tid++)
		bench_thread(tid, 1024);
	(void)bench_events(0, events, 3);
	for (uint32_t tid = 5; tid < 8; tid++)
		cr_assert_eq(lag_of(0, tid), 0, "%s: thread %u is owed %lld ns", policy->name, tid,
			     (long long)lag_of(0, tid));
	cr_assert_eq(bench_shared->stats[6].cpu_ns, 60000000000);
	bench_close();
}

Test(sched_debt, nobody_owes_what_it_ran_before_this_server)
{
	for (uint32_t i = 0; i < policies_count; i++)
		what_ran_before_owes(policies[i]);
}
