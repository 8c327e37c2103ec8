/* SPDX-License-Identifier: BSD-2-Clause */
/* When what the kernel did by itself happened, as the server takes it: clocks, bills, sleepers, batches. */
#include <criterion/criterion.h>

#include "bench.h"
#include "core/core.h"
#include "core/plan.h"

#define MS       1000000
#define US       1000
#define BALANCER 2000u

static void open_with(uint32_t cpus)
{
	bench_open_offering(cpus);
	for (uint32_t tid = 5; tid < 9; tid++) {
		bench_thread(tid, 1024);
		bench_shared->params[tid].affinity = cpumask_one(0);
	}
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

static word_t firsts(word_t count)
{
	return EVENT_BLOCKED_SINCE | EVENT_WOKE_SINCE | count << EVENT_FIRSTS_SHIFT;
}

/* What the machine owes a thread of CPU 0 that waits or runs. */
static int64_t owed_us(uint32_t tid)
{
	struct policy_spare spare[8];
	uint64_t cursor = 0;
	const uint32_t count = bench_server->cpu[0].policy->spare(policy_cpu(&bench_server->cpu[0]),
								  &cursor, spare, 8);

	for (uint32_t i = 0; i < count; i++)
		if (policy_thread_owner(spare[i].thread)->tid == tid)
			return spare[i].owed_ns / US;
	cr_assert_fail("%u is in no queue", tid);
	return 0;
}

/* ---- Idle again and again ---- */

/* 5 and 6 are known and blocked, on a CPU of two, which keeps accounts. */
static void all_idle(void)
{
	(void)start(5);
	(void)bench_event(0, 5, BENCH_BLOCKED(CAUSE_IPC), 0);
	(void)start(6);
	cr_assert_eq(bench_event(0, 6, BENCH_BLOCKED(CAUSE_IPC), 0).flags,
		     DECISION_FIRST | DECISION_AGAIN);
}

/* Each one was alone all the time, and got what is fair: all of it. */
Test(replay, stays_are_one_after_the_other, .init = open_2, .fini = bench_close)
{
	const struct sched_event events[] = {
		{.tag = 5, .info = BENCH_READY(CAUSE_PREEMPTED) | firsts(3), .ran_ns = 5 * MS},
		{.tag = 6, .info = BENCH_READY(CAUSE_WAKE) | firsts(2), .ran_ns = 3 * MS},
	};

	all_idle();
	bench_now += 9 * MS;
	(void)bench_switched(0, events, 2, 5, bench_now - MS);
	cr_assert_leq(llabs(owed_us(5)), 1, "owed %lld us", (long long)owed_us(5));
	cr_assert_leq(llabs(owed_us(6)), 1, "owed %lld us", (long long)owed_us(6));
}

/* The clock that a policy is shown when somebody leaves. */
static time_ns_t left_ns[2];
static uint32_t left_count;

static void dequeue_noted(struct policy_cpu *cpu, struct policy_thread *thread,
			  enum policy_leave reason, uint64_t now_ns)
{
	if (left_count < 2)
		left_ns[left_count++] = now_ns;
	policy_eevdf.dequeue(cpu, thread, reason, now_ns);
}

/* 5 ran 4 ms by decision and blocked, then 6 for 2 ms while the CPU idled, and 7 runs. */
Test(replay, who_was_decided_left_before_the_stays, .fini = bench_close)
{
	struct policy_ops noting = policy_eevdf;
	const struct sched_event events[] = {
		{.tag = 5,
		 .info = BENCH_BLOCKED(CAUSE_IPC) | EVENT_BLOCKED_SINCE,
		 .ran_ns = 4 * MS},
		{.tag = 6, .info = BENCH_BLOCKED(CAUSE_IPC) | firsts(1), .ran_ns = 2 * MS},
		{.tag = 7, .info = BENCH_READY(CAUSE_PREEMPTED) | firsts(1), .ran_ns = MS},
	};

	open_1();
	noting.dequeue = dequeue_noted;
	sched_policy_set(&bench_server->cpu[0], &noting);
	for (uint32_t tid = 6; tid < 8; tid++) {
		(void)start(tid);
		(void)bench_event(0, tid, BENCH_BLOCKED(CAUSE_IPC), 0);
	}
	left_count = 0;
	cr_assert_neq(start(5).flags & DECISION_AGAIN, 0);
	bench_now += 9 * MS;
	(void)bench_switched(0, events, 3, 7, bench_now - MS);
	cr_assert_eq(left_count, 2);
	cr_assert_eq(left_ns[0], bench_now - 3 * MS);
	cr_assert_eq(left_ns[1], bench_now - MS);
}

/* It ran first and blocked a while ago; its wake is of now, whatever its record says of the first. */
Test(replay, a_wake_after_a_stay_is_another_one, .init = open_2, .fini = bench_close)
{
	const time_ns_t woke_ns = bench_now + MS;
	const struct sched_event events[] = {
		{.tag = 5, .info = BENCH_READY(CAUSE_PREEMPTED) | firsts(1), .ran_ns = MS},
		{.tag = 6,
		 .info = BENCH_READY(CAUSE_WAKE) | firsts(1),
		 .ran_ns = MS,
		 .first_ready_ns = woke_ns},
	};

	all_idle();
	bench_now += 9 * MS;
	(void)bench_switched(0, events, 2, 5, bench_now - MS);
	cr_assert_eq(bench_server->threads[6].ready_since_ns, bench_now);
}

/* A balancer runs first as well, and is none of the policy's. */
Test(replay, a_balancers_stay_is_not_charged, .init = open_2, .fini = bench_close)
{
	const struct sched_event events[] = {
		{.tag = BALANCER, .info = BENCH_BLOCKED(CAUSE_IPC) | firsts(1), .ran_ns = MS},
		{.tag = 6, .info = BENCH_READY(CAUSE_PREEMPTED) | firsts(1), .ran_ns = MS},
	};

	bench_shared->params[BALANCER] = (struct sched_thread_params){
		.flags = SCHED_THREAD_USED | SCHED_THREAD_BALANCER, .affinity = cpumask_one(0)};
	(void)bench_event(0, BALANCER, BENCH_BLOCKED(CAUSE_IPC), 0);
	all_idle();
	bench_now += 3 * MS;
	(void)bench_switched(0, events, 2, 6, bench_now - MS);
	cr_assert_eq(bench_shared->stats[BALANCER].cpu_ns, 0);
	cr_assert_eq(bench_shared->stats[BALANCER].runs, 0);
	cr_assert_eq(bench_shared->cpu[0].misuse, 0);
}

/* ---- Who runs first, once ---- */

/* 5 woke on the idle CPU 3 ms ago, waited for 1 us and ran; 6 wakes now. */
Test(replay, who_ran_first_woke_once, .init = open_1, .fini = bench_close)
{
	const struct sched_event events[] = {
		{.tag = 5,
		 .info = BENCH_READY(CAUSE_PREEMPTED) | firsts(1),
		 .ran_ns = 2 * MS,
		 .first_ready_ns = bench_now + 6 * MS - US},
		{.tag = 6, .info = BENCH_READY(CAUSE_WAKE) | EVENT_WOKE_SINCE},
	};
	const struct sched_thread_stats *stats = &bench_shared->stats[5];
	struct policy_info info;

	bench_server->again = false;
	for (uint32_t tid = 5; tid < 7; tid++) {
		(void)start(tid);
		(void)bench_event(0, tid, BENCH_BLOCKED(CAUSE_IPC), 0);
	}
	cr_assert_eq(bench_nothing(0, ERR_OK).flags, DECISION_FIRST);
	const uint64_t runs = stats->runs;

	bench_now += 8 * MS;
	cr_assert_eq(bench_switched(0, events, 2, 5, bench_now - 2 * MS).tid, 5);
	cr_assert_eq(stats->wakes, 1);
	cr_assert_eq(stats->runs, runs + 1);
	cr_assert_eq(stats->wake_max_ns, US);
	cr_assert_eq(stats->cpu_ns, 2 * MS);
	bench_server->cpu[0].policy->query(policy_cpu(&bench_server->cpu[0]),
					   policy_thread(&bench_server->threads[5]), &info);
	cr_assert_eq(info.left_ns, MS, "of the request that it ran with");
}

/* Of a thread that has the number of one that is over. */
Test(replay, who_is_new_and_ran_first_is_charged_once, .init = open_1, .fini = bench_close)
{
	const struct sched_event event = {
		.tag = 5, .info = BENCH_READY(CAUSE_PREEMPTED) | firsts(1), .ran_ns = 2 * MS};

	bench_server->again = false;
	(void)start(5);
	cr_assert_eq(bench_event(0, 5, (word_t)EVENT_DEAD, 0).flags, DECISION_FIRST);
	bench_now += 8 * MS;
	(void)bench_switched(0, &event, 1, 5, bench_now - 2 * MS);
	cr_assert_eq(bench_shared->stats[5].cpu_ns, 2 * MS);
}

/* It came to the idle CPU with a group that has used up its runtime: the kernel ran it, the policy would not
 * have. */
Test(replay, who_may_not_run_was_not_picked, .init = open_2, .fini = bench_close)
{
	const struct sched_event came = {
		.tag = 5, .info = BENCH_READY(CAUSE_ARRIVED) | firsts(1), .ran_ns = MS / 10};
	struct sched_decision d;

	bench_server->again = false;
	bench_shared->params[5].affinity = cpumask_all();
	bench_now = 20 * MS;
	(void)start(5);
	(void)bench_request(0, 5, SCHED_REQ_GROUP_CREATE, 0, 1024, MS, 10 * MS);
	bench_shared->params[5].affinity = cpumask_one(0);
	(void)bench_request(0, 5, SCHED_REQ_SET_PARAM, 0, SCHED_PARAM_GROUP, bench_answers[0].w1,
			    0);
	d = bench_nothing(0, ERR_OK);
	for (uint32_t i = 0; i < 100 && d.kind == DECISION_RUN; i++) {
		bench_now += d.slice_ns;
		d = bench_event(0, 5, BENCH_READY(CAUSE_SLICE), d.slice_ns);
	}
	cr_assert_eq(d.kind, DECISION_IDLE);
	cr_assert_eq(bench_nothing(1, ERR_OK).flags, DECISION_FIRST);
	bench_clear_calls();
	(void)bench_request(0, 5, SCHED_REQ_SET_PARAM, 5, SCHED_PARAM_AFFINITY, 2, 0);
	cr_assert_eq(bench_moves_count, 1);

	const uint64_t runs = bench_shared->stats[5].runs;

	bench_now += MS / 5;
	cr_assert_eq(bench_switched(1, &came, 1, 5, bench_now - MS / 10).kind, DECISION_IDLE);
	cr_assert_eq(bench_shared->stats[5].runs, runs, "nobody picked it");
}

/* ---- Who follows ---- */

/* 5 runs, 6 would follow if it blocks. */
static void start_two(void)
{
	(void)start(5);
	(void)start(6);
	bench_now += MS;
	(void)bench_event(0, 5, BENCH_BLOCKED(CAUSE_IPC), MS);
	(void)bench_event(0, 5, BENCH_READY(CAUSE_WAKE), 0);
	bench_now += 3 * MS;

	const struct sched_decision d = bench_event(0, 6, BENCH_READY(CAUSE_SLICE), 3 * MS);

	cr_assert_eq(d.tid, 5);
	cr_assert_eq(d.successor_tid, 6);
}

static const struct sched_event followed[] = {
	{.tag = 5, .info = BENCH_BLOCKED(CAUSE_IPC) | EVENT_BLOCKED_SINCE, .ran_ns = MS},
	{.tag = 6, .info = BENCH_READY(CAUSE_SLICE), .ran_ns = 2 * MS},
};

/* 8 was due when 5 blocked: what 6 ran since is a share of it, too. */
Test(replay, a_sleeper_that_was_due_at_the_switch_woke_there, .init = open_1, .fini = bench_close)
{
	struct policy_info info;

	(void)start(8);
	(void)bench_request(0, 8, SCHED_REQ_SLEEP, bench_now + 50 * MS, 0, 0, 0);
	start_two();
	cr_assert(!bench_server->cpu[0].sleepers_wait);
	bench_now = bench_server->threads[8].wake_at_ns + 2 * MS;
	(void)bench_switched(0, followed, 2, 6, bench_now - 2 * MS);
	cr_assert_eq(bench_server->threads[8].state, SCHED_READY);
	bench_server->cpu[0].policy->query(policy_cpu(&bench_server->cpu[0]),
					   policy_thread(&bench_server->threads[8]), &info);
	cr_assert_gt(info.lag_ns.whole, MS / 2, "lag %lld", (long long)info.lag_ns.whole);
}

/* The first record names who made the entry. */
Test(replay, who_was_followed_pays_for_the_entry, .init = open_1, .fini = bench_close)
{
	start_two();
	bench_now += 3 * MS;
	(void)bench_switched(0, followed, 2, 6, bench_now - 2 * MS);
	cr_assert_eq(bench_server->cpu[0].payer, &bench_server->threads[5]);
}

/* It was followed in its sleep, and stopped before that was over. */
Test(replay, a_stop_ends_the_sleep_of_who_was_followed, .init = open_1, .fini = bench_close)
{
	const struct sched_event events[] = {
		{.tag = 5,
		 .info = BENCH_BLOCKED(CAUSE_STOPPED) | EVENT_BLOCKED_SINCE,
		 .ran_ns = MS},
		followed[1],
	};

	start_two();
	bench_now += 3 * MS;
	(void)bench_slept(0, events, 2, 6, bench_now - 2 * MS, bench_now + MS);
	cr_assert_eq(bench_server->threads[5].state, SCHED_OUT);
	cr_assert_null(heap_first(&bench_server->cpu[0].sleepers));
}

/* That the CPU idled makes it another run. */
Test(replay, a_run_after_an_idle_successor_is_another_one, .init = open_1, .fini = bench_close)
{
	const struct sched_event back = {.tag = 5,
					 .info = BENCH_READY(CAUSE_WAKE) | EVENT_BLOCKED_SINCE |
						 EVENT_WOKE_SINCE,
					 .ran_ns = MS};

	bench_server->again = false;
	cr_assert_neq(start(5).flags & DECISION_SUCCESSOR, 0);
	bench_now += 2 * MS;
	cr_assert_eq(bench_switched(0, &back, 1, 0, bench_now - MS).tid, 5);
	cr_assert_eq(bench_shared->stats[5].runs, 2);
	cr_assert_eq(bench_shared->stats[5].preemptions, 0);
}

/* ---- Who pays ---- */

/* Between two batches the dispatcher works for whom it took over from. */
Test(replay, an_idle_cpu_pays_for_its_batches_itself, .init = open_1, .fini = bench_close)
{
	const struct sched_event wake = {.tag = 5, .info = BENCH_READY(CAUSE_WAKE)};
	const struct sched_event start7 = {.tag = 7, .info = BENCH_READY(CAUSE_START)};

	(void)start(5);
	(void)bench_event(0, 5, BENCH_BLOCKED(CAUSE_IPC), 0);
	bench_now += MS;
	cr_assert_eq(bench_more(0, &wake, 1).kind, DECISION_NONE);
	bench_now += 20 * US;
	(void)bench_events(0, &start7, 1);
	cr_assert_eq(bench_server->threads[5].debt_ns, 0);
}

Test(replay, who_ran_pays_for_the_batches, .init = open_1, .fini = bench_close)
{
	const struct sched_event preempted = {
		.tag = 5, .info = BENCH_READY(CAUSE_PREEMPTED), .ran_ns = MS};
	const struct sched_event start7 = {.tag = 7, .info = BENCH_READY(CAUSE_START)};

	(void)start(5);
	bench_now += MS;
	(void)bench_more(0, &preempted, 1);
	bench_now += 20 * US;
	(void)bench_events(0, &start7, 1);
	cr_assert_eq(bench_server->threads[5].debt_ns, 20 * US);
}

/* 5 is interrupted because 6 has slept enough. */
Test(replay, who_has_slept_pays_for_the_entry, .init = open_1, .fini = bench_close)
{
	(void)start(5);
	(void)start(6);
	(void)bench_request(0, 6, SCHED_REQ_SLEEP, bench_now + 50 * US, 0, 0, 0);
	bench_now += 50 * US;
	(void)bench_event(0, 5, BENCH_READY(CAUSE_PREEMPTED), 50 * US);
	cr_assert_eq(bench_server->threads[6].debt_ns, 0, "this entry is not over yet");
	bench_now += 120 * US;
	(void)bench_event(0, 5, BENCH_READY(CAUSE_SLICE), 100 * US);
	cr_assert_eq(bench_server->threads[5].debt_ns, 0);
	cr_assert_eq(bench_server->threads[6].debt_ns, 20 * US);
}

/* What passes until the next entry is idle time. */
Test(replay, nobody_pays_for_idling, .init = open_1, .fini = bench_close)
{
	(void)start(5);
	cr_assert_eq(bench_event(0, 5, BENCH_BLOCKED(CAUSE_IPC), 0).kind, DECISION_IDLE);
	bench_now += 20 * US;
	(void)bench_event(0, 5, BENCH_READY(CAUSE_WAKE), 0);
	cr_assert_eq(bench_server->threads[5].debt_ns, 0);
}

/* Nor where the kernel let it idle. */
Test(replay, nobody_pays_for_an_idle_successor, .init = open_1, .fini = bench_close)
{
	const struct sched_event events[] = {
		{.tag = 5,
		 .info = BENCH_READY(CAUSE_WAKE) | EVENT_BLOCKED_SINCE | EVENT_WOKE_SINCE,
		 .ran_ns = MS},
	};

	bench_server->again = false;
	(void)start(6);
	(void)start(5);
	cr_assert_neq(bench_event(0, 6, BENCH_BLOCKED(CAUSE_IPC), 0).flags & DECISION_SUCCESSOR, 0);
	bench_now += MS + 20 * US;
	(void)bench_switched(0, events, 1, 0, bench_now - 20 * US);
	cr_assert_eq(bench_server->threads[6].debt_ns, 0, "that 6 blocked was the last entry");
}

/* Who is over is not charged once more: neither for the dispatcher's work nor for its place. */
Test(replay, the_dead_do_not_pay, .init = open_1, .fini = bench_close)
{
	const struct sched_event dead = {.tag = 5, .info = (word_t)EVENT_DEAD, .ran_ns = MS};

	for (uint32_t tid = 5; tid < 8; tid++)
		(void)start(tid);
	bench_now += MS;
	(void)bench_more(0, &dead, 1);
	cr_assert_null(bench_server->cpu[0].payer);
	cr_assert_null(bench_server->cpu[0].last_run);
	cr_assert_null(bench_server->cpu[0].running);
	cr_assert_eq(bench_event(0, 6, (word_t)EVENT_DEAD, 0).tid, 7);
	cr_assert_null(bench_server->cpu[0].payer);
}

/* ---- Requests ---- */

/* It died in its request before that was told: nobody settles the account of whoever has its number next. */
Test(replay, a_request_of_the_dead_is_forgotten, .init = open_1, .fini = bench_close)
{
	const struct sched_event asks = {.tag = 5, .info = BENCH_BLOCKED(CAUSE_REQUEST)};
	const struct sched_event next[] = {
		{.tag = 5, .info = (word_t)EVENT_DEAD},
		{.tag = 6, .info = BENCH_READY(CAUSE_START)},
	};

	(void)start(5);
	(void)bench_more(0, &asks, 1);
	cr_assert(bench_server->threads[5].in_request);
	(void)bench_more(0, next, 2);
	cr_assert(!bench_server->threads[5].in_request);
	cr_assert_null(bench_server->cpu[0].requesting[0]);
}

/* It was answered, woke and is ready: that its record says it blocked meanwhile is the request itself. */
Test(replay, a_request_keeps_its_place, .init = open_1, .fini = bench_close)
{
	const struct sched_event asks = {
		.tag = 5, .info = BENCH_BLOCKED(CAUSE_REQUEST), .ran_ns = 2 * MS};
	const struct sched_event back[] = {
		{.tag = 5,
		 .info = BENCH_READY(CAUSE_WAKE) | EVENT_BLOCKED_SINCE | EVENT_WOKE_SINCE},
	};
	struct policy_info before, after;
	struct policy_ops noting = policy_eevdf;
	struct sched_cpu *cpu = &bench_server->cpu[0];
	struct policy_thread *thread = policy_thread(&bench_server->threads[5]);

	noting.dequeue = dequeue_noted;
	sched_policy_set(cpu, &noting);
	left_count = 0;
	(void)start(5);
	(void)start(6);
	bench_now += 2 * MS;
	(void)bench_more(0, &asks, 1);
	cpu->policy->query(policy_cpu(cpu), thread, &before);
	(void)bench_more(0, back, 1);
	cpu->policy->query(policy_cpu(cpu), thread, &after);
	cr_assert_eq(after.left_ns, before.left_ns, "its request goes on");
	cr_assert_eq(left_count, 0, "it never left");
	cr_assert(!bench_server->threads[5].in_request);
}

/* ---- Arrivals and plans ---- */

/* It waited elsewhere and came here while 6 followed 5: its wake was told there, this record has no time. */
Test(replay, who_arrives_during_a_switch_comes_now, .init = open_2, .fini = bench_close)
{
	const struct sched_event events[] = {
		followed[0],
		followed[1],
		{.tag = 8, .info = BENCH_READY(CAUSE_ARRIVED) | EVENT_WOKE_SINCE},
	};

	for (uint32_t tid = 8; tid < 11; tid++) {
		bench_thread(tid, 1024);
		bench_shared->params[tid].affinity = cpumask_one(1);
		bench_shared->params[tid].slice_ns = 6 * MS;
		(void)bench_event(1, tid, BENCH_READY(CAUSE_START), 0);
	}
	start_two();
	cr_assert_neq(bench_server->cpu[0].next_filter_key, UINT64_MAX);
	cr_assert_geq(bench_server->threads[8].key, bench_server->cpu[0].next_filter_key);
	bench_clear_calls();
	(void)bench_request(1, 9, SCHED_REQ_SET_PARAM, 8, SCHED_PARAM_AFFINITY, 1, 0);
	cr_assert_eq(bench_moves_count, 1);
	bench_now += 3 * MS;
	(void)bench_switched(0, events, 3, 6, bench_now - 2 * MS);
	cr_assert_eq(bench_server->threads[8].arrived_ns, bench_now);
}

Test(replay, who_arrives_is_published, .init = open_2, .fini = bench_close)
{
	struct sched_cpu *there = &bench_server->cpu[1];

	bench_shared->params[5].affinity = cpumask_all();
	(void)start(5);
	bench_clear_calls();
	(void)bench_request(0, 5, SCHED_REQ_SET_PARAM, 0, SCHED_PARAM_AFFINITY, 2, 0);
	cr_assert_eq(bench_moves_count, 1);
	cr_assert_eq(there->plan_count, 0);
	bench_now += MS;
	(void)bench_event(1, 5, BENCH_READY(CAUSE_ARRIVED), 0);
	cr_assert_eq(there->plan_count, 1);
	cr_assert_eq(there->plan_thread[0].tid, 5);
	cr_assert_eq(bench_server->threads[5].arrived_ns, bench_now);
}

static int64_t owes_ns;

static uint32_t spare_in_debt(const struct policy_cpu *cpu, uint64_t *cursor,
			      struct policy_spare *out, uint32_t count)
{
	const uint32_t found = policy_eevdf.spare(cpu, cursor, out, count);

	for (uint32_t i = 0; i < found; i++)
		out[i].owed_ns = owes_ns;
	return found;
}

/* It is published in half the bits. */
Test(replay, what_is_owed_is_published_within_bounds, .fini = bench_close)
{
	const int64_t owed[][2] = {{5 * US, 5},
				   {-5 * US, -5},
				   {INT64_C(1) << 62, 1000000000},
				   {-(INT64_C(1) << 62), -1000000000}};
	struct policy_ops owing = policy_eevdf;

	owing.spare = spare_in_debt;
	bench_open(2, &owing, places[0]);
	bench_thread(5, 1024);
	(void)start(5);
	for (uint32_t i = 0; i < 4; i++) {
		owes_ns = owed[i][0];
		sched_plan_publish(bench_server, &bench_server->cpu[0], bench_now);
		cr_assert_eq(bench_server->cpu[0].plan_thread[0].owed_us, owed[i][1]);
		cr_assert(bench_server->cpu[0].plan_owed);
	}
	owes_ns = 0;
	sched_plan_publish(bench_server, &bench_server->cpu[0], bench_now);
	cr_assert(!bench_server->cpu[0].plan_owed, "nothing to plan by");
}
