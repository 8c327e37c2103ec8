/* SPDX-License-Identifier: BSD-2-Clause */
/* The server's core against a kernel of paper: requests, sleepers, moves, refusals, balancing. */
#include <abi/ipc.h>
#include <criterion/criterion.h>

#include "bench.h"

static void open_1(void)
{
	bench_open(1, policies[0], places[0]);
}

static void open_4(void)
{
	bench_open(4, policies[0], places[0]);
}

static void start_on(uint32_t cpu, uint32_t tid, uint32_t weight)
{
	bench_thread(tid, weight);
	(void)bench_event(cpu, tid, BENCH_READY(CAUSE_START), 0);
}

Test(sched_server, first_thread_runs, .init = open_1, .fini = bench_close)
{
	bench_thread(5, 1024);
	struct sched_decision d = bench_event(0, 5, BENCH_READY(CAUSE_START), 0);

	cr_assert_eq(d.kind, DECISION_RUN);
	cr_assert_eq(d.tid, 5);
	cr_assert_eq(d.seq, 1, "the decision carries the sequence that was reported");
}

Test(sched_server, blocked_thread_leaves_and_cpu_idles, .init = open_1, .fini = bench_close)
{
	start_on(0, 5, 1024);
	struct sched_decision d = bench_event(0, 5, BENCH_BLOCKED(CAUSE_IPC), 1000);

	cr_assert_eq(d.kind, DECISION_IDLE);
	cr_assert_eq(bench_shared->stats[5].cpu_ns, 1000);
}

static int64_t lag_of(uint32_t tid)
{
	const struct sched_cpu *cpu = &bench_server->cpu[0];
	struct policy_info info;

	cpu->policy->query(
		(const struct policy_cpu *)(const void *)cpu->policy_blob,
		(const struct policy_thread *)(const void *)bench_server->threads[tid].policy,
		&info);
	return info.lag_ns.whole;
}

static void picks_nobody(struct policy_cpu *cpu, uint64_t now_ns, uint32_t flags,
			 struct policy_pick *out)
{
	policy_rr.pick(cpu, now_ns, flags, out);
	out->thread = NULL;
}

Test(sched_server, a_policy_that_picks_nobody_is_told_of)
{
	struct policy_ops ops = policy_rr;
	ops.pick = picks_nobody;
	bench_open(1, &ops, places[0]);
	bench_idled_beside = 0;
	start_on(0, 1, 1024);
	cr_assert_eq(bench_idled_beside, 1);
	bench_close();
}

/* Two entries of 0.1 ms for 5, and what it runs: half of both is too much. */
Test(sched_server, who_causes_an_entry_pays_when_it_runs, .init = open_1, .fini = bench_close)
{
	start_on(0, 5, 1024);
	start_on(0, 6, 1024);
	bench_now += 1000000;
	(void)bench_event(0, 5, BENCH_READY(CAUSE_PREEMPTED), 1000000);
	cr_assert_eq(lag_of(5), -500000, "this entry is not over yet");
	bench_now += 600000;
	(void)bench_event(0, 5, BENCH_READY(CAUSE_PREEMPTED), 500000);
	bench_now += 600000;
	(void)bench_event(0, 5, BENCH_READY(CAUSE_PREEMPTED), 500000);
	cr_assert_eq(lag_of(5), -1100000);
	cr_assert_eq(lag_of(6), 1100000);
	cr_assert_eq(bench_shared->stats[5].cpu_ns, 2000000, "it did not run for that");
}

/* The entry that sent 5 elsewhere is nobody's: 5 is its new dispatcher's from then on. */
Test(sched_server, who_is_sent_away_does_not_pay_here, .init = open_4, .fini = bench_close)
{
	start_on(0, 5, 1024);
	start_on(0, 6, 1024);
	(void)bench_request(0, 5, SCHED_REQ_SET_PARAM, 5, SCHED_PARAM_AFFINITY, 1u << 1, 0);
	cr_assert_eq(bench_server->threads[5].home, 1);
	bench_now += 600000;
	(void)bench_event(0, 6, BENCH_READY(CAUSE_PREEMPTED), 500000);
	cr_assert_eq(bench_server->threads[5].debt_ns, 0);
}

/* 5 ran 4 ms while 6 slept: 6 joins at the V that this brought, so it is owed nothing of it. */
Test(sched_server, a_wake_joins_after_what_ran_before_it, .init = open_1, .fini = bench_close)
{
	struct policy_info info;

	start_on(0, 6, 1024);
	(void)bench_event(0, 6, BENCH_BLOCKED(CAUSE_IPC), 0);
	start_on(0, 5, 1024);
	struct sched_event events[] = {
		{.tag = 6, .info = BENCH_READY(CAUSE_WAKE), .first_ready_ns = bench_now},
		{.tag = 5, .info = BENCH_READY(CAUSE_PREEMPTED), .ran_ns = 4000000},
	};
	(void)bench_events(0, events, 2);
	const struct sched_cpu *cpu = &bench_server->cpu[0];

	cpu->policy->query(
		(const struct policy_cpu *)(const void *)cpu->policy_blob,
		(const struct policy_thread *)(const void *)bench_server->threads[6].policy, &info);
	cr_assert_eq(info.lag_ns.whole, 0);
}

/* 5 ended owing time; the thread that has its tid next begins with nothing of it, as a new one does. */
Test(sched_server, a_thread_that_is_started_again_is_a_new_one, .init = open_1, .fini = bench_close)
{
	start_on(0, 5, 1024);
	start_on(0, 6, 1024);
	(void)bench_event(0, 5, BENCH_BLOCKED(CAUSE_IPC), 4000000);
	cr_assert_eq(bench_shared->stats[5].cpu_ns, 4000000);
	bench_shared->params[5].weight = 512;
	bench_shared->params[5].flags |= SCHED_THREAD_FRESH;
	(void)bench_event(0, 5, BENCH_READY(CAUSE_WAKE), 0);
	cr_assert_eq(lag_of(5), 0, "the lag was the last one's");
	cr_assert_eq(bench_shared->stats[5].cpu_ns, 0);
	cr_assert_eq(bench_shared->stats[5].wakes, 0, "a start is no wake");
	cr_assert_eq(bench_shared->params[5].flags & SCHED_THREAD_FRESH, 0);
	(void)bench_event(0, 6, BENCH_BLOCKED(CAUSE_IPC), 0);
	cr_assert_eq(bench_nothing(0, ERR_OK).tid, 5);
	cr_assert_eq(bench_nothing(0, ERR_OK).seq, 4, "the record goes on");

	/* And only once. */
	(void)bench_event(0, 5, BENCH_BLOCKED(CAUSE_IPC), 1000000);
	(void)bench_event(0, 5, BENCH_READY(CAUSE_WAKE), 0);
	cr_assert_eq(bench_shared->stats[5].cpu_ns, 1000000);
	cr_assert_eq(bench_shared->stats[5].wakes, 1);
}

Test(sched_server, M35_threads_started_again_spread_like_new_ones, .init = open_4,
     .fini = bench_close)
{
	for (uint32_t tid = 10; tid < 18; tid++) {
		start_on(0, tid, 1024);
		(void)bench_event(0, tid, BENCH_BLOCKED(CAUSE_IPC), 1000);
	}
	bench_clear_calls();
	for (uint32_t tid = 10; tid < 18; tid++) {
		bench_shared->params[tid].flags |= SCHED_THREAD_FRESH;
		(void)bench_event(0, tid, BENCH_READY(CAUSE_WAKE), 0);
	}
	cr_assert_eq(bench_moves_count, 6, "two stay, two go to each other CPU");
}

Test(sched_server, unknown_tag_is_ignored, .init = open_1, .fini = bench_close)
{
	cr_assert_eq(bench_event(0, 0, BENCH_READY(CAUSE_WAKE), 0).kind, DECISION_IDLE);
	cr_assert_eq(bench_event(0, SCHED_THREADS_MAX, BENCH_READY(CAUSE_WAKE), 0).kind,
		     DECISION_IDLE);
}

Test(sched_server, sleep_is_answered_when_due_and_not_before, .init = open_1, .fini = bench_close)
{
	start_on(0, 5, 1024);
	struct sched_decision d = bench_request(0, 5, SCHED_REQ_SLEEP, 3000000, 0, 0, 0);

	cr_assert_eq(d.kind, DECISION_IDLE);
	cr_assert_eq(d.timer_ns, 3000000);
	cr_assert_eq(bench_answers_count, 0);
	bench_now = 2999999;
	cr_assert_eq(bench_nothing(0, ERR_OK).kind, DECISION_IDLE);
	cr_assert_eq(bench_answers_count, 0);
	bench_now = 3000000;
	d = bench_nothing(0, ERR_OK);
	cr_assert_eq(bench_answers_count, 1);
	cr_assert_eq(bench_answers[0].tid, 5);
	cr_assert_eq(d.kind, DECISION_RUN);
	cr_assert_eq(d.timer_ns, TIME_NEVER);
}

Test(sched_server, sleep_until_a_past_time_returns_at_once, .init = open_1, .fini = bench_close)
{
	start_on(0, 5, 1024);
	struct sched_decision d = bench_request(0, 5, SCHED_REQ_SLEEP, 1, 0, 0, 0);

	cr_assert_eq(bench_answers_count, 1);
	cr_assert_eq(d.kind, DECISION_RUN);
}

Test(sched_server, a_signal_ends_a_sleep_and_the_timer_forgets_it, .init = open_1,
     .fini = bench_close)
{
	start_on(0, 5, 1024);
	(void)bench_request(0, 5, SCHED_REQ_SLEEP | SCHED_REQUEST_INTERRUPTIBLE, 9000000, 0, 0, 0);
	struct sched_decision d = bench_event(0, 5, BENCH_READY(CAUSE_WAKE), 0);

	cr_assert_eq(d.kind, DECISION_RUN);
	cr_assert_eq(d.timer_ns, TIME_NEVER);
	cr_assert_eq(bench_answers_count, 0);
}

Test(sched_server, M22_many_sleepers_due_at_once_all_wake, .init = open_1, .fini = bench_close)
{
	for (uint32_t tid = 1; tid <= 40; tid++) {
		start_on(0, tid, 1024);
		(void)bench_request(0, tid, SCHED_REQ_SLEEP, 5000000 + tid % 3, 0, 0, 0);
	}
	bench_clear_calls();
	bench_now = 5000002;
	(void)bench_nothing(0, ERR_OK);
	cr_assert_eq(bench_answers_count, 40);
	cr_assert_eq(bench_server->cpu[0].load.runnable, 40);
}

Test(sched_server, Z18_stop_cancels_a_sleep, .init = open_1, .fini = bench_close)
{
	start_on(0, 5, 1024);
	(void)bench_request(0, 5, SCHED_REQ_SLEEP, 5000000, 0, 0, 0);
	(void)bench_event(0, 5, BENCH_BLOCKED(CAUSE_STOPPED), 0);
	bench_now = 6000000;
	cr_assert_eq(bench_nothing(0, ERR_OK).kind, DECISION_IDLE);
	cr_assert_eq(bench_answers_count, 0);
}

Test(sched_server, killed_sleeper_that_refuses_its_answer_stays_out, .init = open_1,
     .fini = bench_close)
{
	start_on(0, 5, 1024);
	(void)bench_request(0, 5, SCHED_REQ_SLEEP, 5000000, 0, 0, 0);
	bench_now = 6000000;
	bench_next_answer = ERR_STATE;
	cr_assert_eq(bench_nothing(0, ERR_OK).kind, DECISION_IDLE);
}

Test(sched_server, Z35_yield_lets_the_other_run_and_keeps_its_place, .init = open_1,
     .fini = bench_close)
{
	start_on(0, 5, 1024);
	start_on(0, 6, 1024);
	struct sched_decision d = bench_request(0, 5, SCHED_REQ_YIELD, 0, 0, 0, 0);

	cr_assert_eq(bench_answers_count, 1);
	cr_assert_eq(d.tid, 6);
	cr_assert_eq(bench_server->cpu[0].load.runnable, 2);
}

Test(sched_server, a_request_to_another_cpu_takes_the_caller_out, .init = open_4,
     .fini = bench_close)
{
	start_on(0, 5, 1024);
	struct sched_decision d = bench_event(0, 5, BENCH_BLOCKED(CAUSE_REQUEST), 10);

	cr_assert_eq(d.kind, DECISION_IDLE);
	cr_assert_eq(bench_server->cpu[0].load.runnable, 0);
	cr_assert_eq(bench_event(0, 5, BENCH_READY(CAUSE_WAKE), 0).tid, 5);
}

Test(sched_server, unknown_request_gets_a_typed_answer, .init = open_1, .fini = bench_close)
{
	start_on(0, 5, 1024);
	(void)bench_request(0, 5, 999, 0, 0, 0, 0);
	cr_assert_eq(bench_answers[0].error, ERR_METHOD);
}

Test(sched_server, weight_beyond_the_badge_is_refused, .init = open_1, .fini = bench_close)
{
	start_on(0, 5, 1024);
	(void)bench_request_as(0, 5, sched_badge(105, 1024), SCHED_REQ_SET_PARAM, 0,
			       SCHED_PARAM_WEIGHT, 1025, 0);
	cr_assert_eq(bench_answers[0].error, ERR_LIMIT);
	cr_assert_eq(bench_shared->params[5].weight, 1024);
	(void)bench_request_as(0, 5, sched_badge(105, 1024), SCHED_REQ_SET_PARAM, 0,
			       SCHED_PARAM_WEIGHT, 512, 0);
	cr_assert_eq(bench_answers[1].error, ERR_OK);
	cr_assert_eq(bench_shared->params[5].weight, 512);
	for (uint32_t i = 0; i < 2; i++) /* nor a longer slice than everybody has */
		(void)bench_request_as(0, 5, sched_badge(105, 1024), SCHED_REQ_SET_PARAM, 0,
				       SCHED_PARAM_SLICE_NS, POLICY_SLICE_NS_DEFAULT + i, 0);
	cr_assert_eq(bench_answers[2].error, ERR_OK);
	cr_assert_eq(bench_answers[3].error, ERR_LIMIT);
	cr_assert_eq(bench_shared->params[5].slice_ns, POLICY_SLICE_NS_DEFAULT);
}

static void open_edf(void)
{
	bench_open(1, &policy_edf, places[0]);
}

/* The policy's refusal is the caller's answer, and the shared record keeps what is in force. */
Test(sched_server, a_reservation_that_does_not_fit_is_refused, .init = open_edf,
     .fini = bench_close)
{
	const word_t badge = sched_badge(105, 1024);

	start_on(0, 5, 1024);
	start_on(0, 6, 1024);
	(void)bench_request(0, 5, SCHED_REQ_SET_PARAM, 0, SCHED_PARAM_PERIOD_NS, 4000000, 0);
	cr_assert_eq(bench_answers[0].error, ERR_OK);
	cr_assert_eq(bench_shared->params[5].period_ns, 4000000);
	(void)bench_request(0, 6, SCHED_REQ_SET_PARAM, 0, SCHED_PARAM_PERIOD_NS, 4000000, 0);
	cr_assert_eq(bench_answers[1].error, ERR_NO_TIME, "why: the CPU's time, not its rights");
	cr_assert_eq(bench_shared->params[6].period_ns, 0);
	(void)bench_request(0, 6, SCHED_REQ_SET_PARAM, 0, SCHED_PARAM_PERIOD_NS, 12000000, 0);
	cr_assert_eq(bench_answers[2].error, ERR_OK);
	(void)bench_request(0, 5, SCHED_REQ_SET_PARAM, 0, SCHED_PARAM_SLICE_NS, 5000000, 0);
	cr_assert_eq(bench_answers[3].error, ERR_RANGE, "a budget beyond its period");
	(void)bench_request_as(0, 5, badge, SCHED_REQ_SET_PARAM, 0, SCHED_PARAM_PERIOD_NS, 0, 0);
	cr_assert_eq(bench_answers[4].error, ERR_OK);
	(void)bench_request_as(0, 5, sched_badge(105, 0), SCHED_REQ_SET_PARAM, 0,
			       SCHED_PARAM_PERIOD_NS, 9000000, 0);
	cr_assert_eq(bench_answers[5].error, ERR_LIMIT);
}

Test(sched_server, another_process_may_not_change_a_thread, .init = open_1, .fini = bench_close)
{
	start_on(0, 5, 1024);
	start_on(0, 6, 1024);
	(void)bench_request_as(0, 6, sched_badge(106, 4096), SCHED_REQ_SET_PARAM, 5,
			       SCHED_PARAM_WEIGHT, 1, 0);
	cr_assert_eq(bench_answers[0].error, ERR_PERMISSION);
	cr_assert_eq(bench_shared->params[5].weight, 1024);
}

Test(sched_server, impossible_parameters_change_nothing, .init = open_1, .fini = bench_close)
{
	static const struct {
		word_t param, value, second;
		enum error error;
	} cases[] = {
		{SCHED_PARAM_NICE, 20, 0, ERR_RANGE},
		{SCHED_PARAM_NICE, (word_t)-21, 0, ERR_RANGE},
		{SCHED_PARAM_WEIGHT, 0, 0, ERR_RANGE},
		{SCHED_PARAM_WEIGHT, POLICY_WEIGHT_MAX + 1, 0, ERR_RANGE},
		{SCHED_PARAM_SLICE_NS, POLICY_SLICE_NS_MIN - 1, 0, ERR_RANGE},
		{SCHED_PARAM_SLICE_NS, UINT64_MAX, 0, ERR_RANGE},
		{SCHED_PARAM_AFFINITY, 2, 0, ERR_RANGE},
		{SCHED_PARAM_PRIORITY, 100, 0, ERR_RANGE},
		{SCHED_PARAM_CLASS, 2, 0, ERR_RANGE},
		{SCHED_PARAM_PERIOD_NS, 1000, 0, ERR_RANGE},
		{SCHED_PARAM_PERIOD_NS, UINT64_MAX, 0, ERR_RANGE},
		{77, 1, 0, ERR_ARG},
	};
	start_on(0, 5, 1024);
	struct sched_thread_params before = bench_shared->params[5];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bench_clear_calls();
		(void)bench_request(0, 5, SCHED_REQ_SET_PARAM, 0, cases[i].param, cases[i].value,
				    cases[i].second);
		cr_assert_eq(bench_answers[0].error, cases[i].error, "case %zu", i);
	}
	cr_assert_arr_eq(&bench_shared->params[5], &before, sizeof(before));
}

/* The threads of an instance that takes over are told to ask again, not that there is no such CPU. */
Test(sched_server, a_mask_of_cpus_that_are_not_taken_over_yet, .init = open_4, .fini = bench_close)
{
	start_on(0, 5, 1024);
	const struct sched_thread_params before = bench_shared->params[5];

	bench_server->online.bits[0] &= ~cpumask_bit(1);
	bench_clear_calls();
	(void)bench_request(0, 5, SCHED_REQ_SET_PARAM, 0, SCHED_PARAM_AFFINITY, 2, 0);
	cr_assert_eq(bench_answers[0].error, ERR_RESTARTED);
	cr_assert_arr_eq(&bench_shared->params[5], &before, sizeof(before));
	bench_clear_calls();
	(void)bench_request(0, 5, SCHED_REQ_SET_PARAM, 0, SCHED_PARAM_AFFINITY, 3, 0);
	cr_assert_eq(bench_answers[0].error, ERR_OK);
	cr_assert_eq(bench_shared->params[5].affinity.bits[0], 3);
}

Test(sched_server, every_parameter_reads_back_as_it_was_set, .init = open_4, .fini = bench_close)
{
	static const struct {
		word_t param, value, second;
	} cases[] = {
		{SCHED_PARAM_NICE, (word_t)-5, 0},
		{SCHED_PARAM_WEIGHT, 77, 0},
		{SCHED_PARAM_SLICE_NS, 700000, 0},
		{SCHED_PARAM_PERIOD_NS, 9000000, 0},
		{SCHED_PARAM_AFFINITY, 7, 1ull << 40},
		{SCHED_PARAM_PRIORITY, 99, 0},
		{SCHED_PARAM_CLASS, 1, 0},
	};

	start_on(0, 5, 1024);
	for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)bench_request(0, 5, SCHED_REQ_SET_PARAM, 0, cases[i].param, cases[i].value,
				    cases[i].second);
		bench_clear_calls();
		(void)bench_request(0, 5, SCHED_REQ_GET_PARAM, 0, cases[i].param, 0, 0);
		cr_assert_eq(bench_answers_count, 1);
		cr_assert_eq(bench_answers[0].error, ERR_OK, "parameter %u", i);
		cr_assert_eq(bench_answers[0].w1, cases[i].value, "parameter %u", i);
		cr_assert_eq(bench_answers[0].w2, cases[i].second, "parameter %u", i);
	}
	bench_clear_calls();
	(void)bench_request(0, 5, SCHED_REQ_GET_PARAM, 0, 1000, 0, 0);
	cr_assert_eq(bench_answers[0].error, ERR_ARG);
	(void)bench_request(0, 5, SCHED_REQ_SET_PARAM, 0, 1000, 0, 0);
	cr_assert_eq(bench_answers[1].error, ERR_ARG);
}

Test(sched_server, L17_affinity_change_moves_before_the_next_instruction, .init = open_4,
     .fini = bench_close)
{
	start_on(0, 5, 1024);
	struct sched_decision d = bench_request(0, 5, SCHED_REQ_SET_PARAM, 0, SCHED_PARAM_AFFINITY,
						4, 0);

	cr_assert_eq(bench_moves_count, 1);
	cr_assert_eq(bench_moves[0].cpu, 2);
	cr_assert_eq(d.kind, DECISION_IDLE, "it does not run here any more");
	cr_assert_eq(bench_event(2, 5, BENCH_READY(CAUSE_ARRIVED), 0).tid, 5);
}

Test(sched_server, sleeping_thread_wakes_only_where_it_may, .init = open_4, .fini = bench_close)
{
	start_on(0, 5, 1024);
	start_on(0, 6, 1024);
	(void)bench_request(0, 5, SCHED_REQ_SLEEP, 5000000, 0, 0, 0);
	(void)bench_request(0, 6, SCHED_REQ_SET_PARAM, 5, SCHED_PARAM_AFFINITY, 8, 0);
	bench_clear_calls();
	bench_now = 5000000;
	cr_assert_eq(bench_nothing(0, ERR_OK).tid, 6);
	cr_assert_eq(bench_moves_count, 1);
	cr_assert_eq(bench_moves[0].tid, 5);
	cr_assert_eq(bench_moves[0].cpu, 3);
}

Test(sched_server, thread_of_another_cpu_is_answered_moved, .init = open_4, .fini = bench_close)
{
	start_on(0, 5, 1024);
	start_on(1, 6, 1024);
	bench_clear_calls();
	(void)bench_request(0, 5, SCHED_REQ_SET_PARAM, 6, SCHED_PARAM_NICE, 5, 0);
	cr_assert_eq(bench_answers[0].error, ERR_MOVED);
	cr_assert_eq(bench_answers[0].w1, 1);
}

Test(sched_server, M35_new_threads_spread_over_the_cpus, .init = open_4, .fini = bench_close)
{
	start_on(0, 1, 1024);
	for (uint32_t tid = 10; tid < 74; tid++) {
		bench_clear_calls();
		bench_thread(tid, 1024);
		(void)bench_request(0, 1, SCHED_REQ_THREAD_NEW, tid, 0, 0, 0);
		cr_assert_eq(bench_answers[0].error, ERR_OK);
		cr_assert_eq(bench_moves[0].tid, tid);
	}
	for (uint32_t cpu = 0; cpu < 4; cpu++) {
		uint32_t count = bench_server->cpu[cpu].incoming + (cpu == 0 ? 1u : 0u);

		cr_assert(count >= 15 && count <= 18, "CPU %u has %u", cpu, count);
	}
}

Test(sched_server, thread_new_needs_privilege_and_a_record, .init = open_1, .fini = bench_close)
{
	start_on(0, 1, 1024);
	bench_thread(7, 1024);
	(void)bench_request_as(0, 1, sched_badge(101, 1024), SCHED_REQ_THREAD_NEW, 7, 0, 0, 0);
	cr_assert_eq(bench_answers[0].error, ERR_PERMISSION);
	(void)bench_request(0, 1, SCHED_REQ_THREAD_NEW, 8, 0, 0, 0);
	cr_assert_eq(bench_answers[1].error, ERR_NOT_FOUND);
	(void)bench_request(0, 1, SCHED_REQ_THREAD_NEW, 7, 0, 0, 0);
	cr_assert_eq(bench_answers[2].error, ERR_OK);
	(void)bench_request(0, 1, SCHED_REQ_THREAD_NEW, 7, 0, 0, 0);
	cr_assert_eq(bench_answers[3].error, ERR_EXISTS);
}

Test(sched_server, refused_thread_is_not_chosen_again_until_an_event, .init = open_1,
     .fini = bench_close)
{
	start_on(0, 5, 1024);
	cr_assert_eq(bench_nothing(0, ERR_NOT_READY).kind, DECISION_IDLE);
	cr_assert_eq(bench_event(0, 5, BENCH_READY(CAUSE_WAKE), 0).tid, 5);
}

Test(sched_server, refusal_with_a_newer_event_keeps_the_thread, .init = open_1, .fini = bench_close)
{
	start_on(0, 5, 1024);
	/* It blocked and woke while we decided: the batch of the refusal says so. */
	struct sched_decision d = bench_refused_event(
		0, ERR_BAD_SEQ, 5,
		BENCH_READY(CAUSE_WAKE) | EVENT_BLOCKED_SINCE | EVENT_WOKE_SINCE);

	cr_assert_eq(d.kind, DECISION_RUN);
	cr_assert_eq(d.tid, 5);
}

Test(sched_server, second_report_of_a_thread_sent_away_says_nothing, .init = open_4,
     .fini = bench_close)
{
	bench_thread(5, 1024);
	bench_shared->params[5].affinity = cpumask_one(2);
	(void)bench_event(0, 5, BENCH_READY(CAUSE_WAKE), 0);
	cr_assert_eq(bench_moves_count, 1);
	cr_assert_eq(bench_event(0, 5, BENCH_READY(CAUSE_REBIND), 0).kind, DECISION_IDLE);
	cr_assert(bench_server->threads[5].arriving, "its arrival is for CPU 2 to see");
	cr_assert_eq(bench_event(2, 5, BENCH_READY(CAUSE_ARRIVED), 0).tid, 5);
}

Test(sched_server, M32_stale_decision_is_made_again, .init = open_1, .fini = bench_close)
{
	start_on(0, 5, 1024);
	cr_assert_eq(bench_nothing(0, ERR_STALE).tid, 5);
}

Test(sched_server, dead_thread_is_forgotten_and_its_tid_reusable, .init = open_1,
     .fini = bench_close)
{
	start_on(0, 5, 1024);
	cr_assert_eq(bench_event(0, 5, EVENT_DEAD | (CAUSE_EXIT << 8), 0).kind, DECISION_IDLE);
	cr_assert_eq(bench_server->threads[5].state, SCHED_UNKNOWN);
	start_on(0, 5, 2048);
	cr_assert_eq(bench_server->cpu[0].load.weight, 2048);
}

Test(sched_server, a_wake_beside_an_idle_cpu_goes_there_once, .init = open_4, .fini = bench_close)
{
	(void)bench_nothing(2, ERR_OK); /* CPU 2 says that it is idle */
	start_on(0, 5, 1024);
	start_on(0, 6, 1024);
	cr_assert_eq(bench_moves_count, 1);
	cr_assert_eq(bench_moves[0].cpu, 2);
	start_on(0, 7, 1024);
	cr_assert_eq(bench_moves_count, 1, "its idle bit was claimed, nobody else sends there");
}

static void balancer_ready(uint32_t cpu, uint32_t tid)
{
	bench_shared->params[tid] = (struct sched_thread_params){
		.flags = SCHED_THREAD_USED | SCHED_THREAD_BALANCER, .cpu = cpu};
	cr_assert_eq(bench_event(cpu, tid, BENCH_READY(CAUSE_START), 0).tid, tid,
		     "a ready balancer runs first");
	(void)bench_request(cpu, tid, SCHED_REQ_BALANCE_PARK, 0, 0, 0, 0);
}

Test(sched_server, idle_cpu_sends_its_balancer_to_a_busy_one, .init = open_4, .fini = bench_close)
{
	start_on(0, 5, 1024);
	start_on(0, 6, 1024);
	start_on(0, 7, 1024);
	balancer_ready(1, 2000);
	cr_assert_eq(bench_answers_count, 1);
	cr_assert_eq(bench_answers[0].tid, 2000);
	cr_assert_eq(bench_answers[0].w1, 0, "the victim is CPU 0");
	cr_assert_eq(bench_answers[0].w2, BALANCE_IDLE);

	bench_clear_calls();
	(void)bench_request(0, 2000, SCHED_REQ_BALANCE_PULL, 1, BALANCE_IDLE, 0, 0);
	cr_assert_geq(bench_moves_count, 1);
	for (uint32_t i = 0; i < bench_moves_count; i++)
		cr_assert_eq(bench_moves[i].cpu, 1);
	cr_assert_eq(bench_answers[0].w1, bench_moves_count);
}

Test(sched_server, only_balancers_pull, .init = open_4, .fini = bench_close)
{
	start_on(0, 5, 1024);
	start_on(0, 6, 1024);
	bench_clear_calls();
	(void)bench_request(0, 5, SCHED_REQ_BALANCE_PULL, 1, BALANCE_IDLE, 0, 0);
	cr_assert_eq(bench_answers[0].error, ERR_PERMISSION);
	cr_assert_eq(bench_moves_count, 0);
}

Test(sched_server, pinned_threads_are_not_given_away, .init = open_4, .fini = bench_close)
{
	for (uint32_t tid = 5; tid < 9; tid++) {
		bench_thread(tid, 1024);
		bench_shared->params[tid].affinity = cpumask_one(0);
		(void)bench_event(0, tid, BENCH_READY(CAUSE_START), 0);
	}
	balancer_ready(1, 2000);
	bench_clear_calls();
	(void)bench_request(0, 2000, SCHED_REQ_BALANCE_PULL, 1, BALANCE_IDLE, 0, 0);
	cr_assert_eq(bench_moves_count, 0);
	cr_assert_eq(bench_answers[0].w1, 0);
}

Test(sched_server, a_sleeper_that_dies_is_not_waited_for, .init = open_1, .fini = bench_close)
{
	start_on(0, 5, 1024);
	(void)bench_request(0, 5, SCHED_REQ_SLEEP, bench_now + 1000000, 0, 0, 0);
	cr_assert_eq(bench_nothing(0, ERR_OK).timer_ns, bench_now + 1000000);
	cr_assert_eq(bench_event(0, 5, (word_t)EVENT_DEAD, 0).timer_ns, TIME_NEVER);
}
