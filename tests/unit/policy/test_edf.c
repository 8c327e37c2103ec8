/* SPDX-License-Identifier: BSD-2-Clause */
/* Earliest deadline first: admission, deadlines met, budgets kept, the background. */
#include "../../../servers/sched/policy/edf/edf.h"
#include "bench.h"

#define MS      UINT64_C(1000000)
#define THREADS 6u

static struct bench *edf_make(void)
{
	struct bench *bench = bench_make(&policy_edf, THREADS);
	for (uint32_t tid = 0; tid < THREADS; tid++)
		bench_thread_make(bench, tid, 1024, 3 * MS);
	return bench;
}

static enum error reserve(struct bench *bench, uint32_t tid, uint64_t slice_ns, uint64_t period_ns)
{
	struct policy_params params = bench->threads[tid].params;
	params.slice_ns = slice_ns;
	params.period_ns = period_ns;
	const enum error error = bench->ops->set_params(bench_cpu(bench), bench_thread(bench, tid),
							&params, bench->now_ns);
	if (error == ERR_OK)
		bench->threads[tid].params = params;
	cr_assert_eq(bench->ops->check(bench_cpu(bench)), 0);
	return error;
}

Test(edf, admits_up_to_the_whole_cpu)
{
	struct bench *bench = edf_make();
	cr_assert_eq(reserve(bench, 0, MS, 3 * MS), ERR_OK);
	cr_assert_eq(reserve(bench, 1, MS, 3 * MS), ERR_OK);
	cr_assert_eq(reserve(bench, 2, MS, 3 * MS), ERR_OK, "three thirds fit");
	cr_assert_eq(reserve(bench, 3, POLICY_SLICE_NS_MIN, 1000 * MS), ERR_NO_TIME);
	cr_assert_eq(reserve(bench, 2, MS + 1000, 3 * MS), ERR_NO_TIME);
	cr_assert_eq(reserve(bench, 2, MS / 2, 3 * MS), ERR_OK);
	cr_assert_eq(reserve(bench, 3, MS / 2, 3 * MS), ERR_OK);
	cr_assert_eq(reserve(bench, 3, 2 * MS, MS), ERR_RANGE, "a budget beyond its period");
	cr_assert_eq(reserve(bench, 3, 3 * MS, 0), ERR_OK, "no reservation");
	cr_assert_eq(reserve(bench, 4, MS / 2, 3 * MS), ERR_OK, "the room is free again");
	bench_free(bench);
}

Test(edf, sleep_keeps_the_promise_and_exit_ends_it)
{
	struct bench *bench = edf_make();
	cr_assert_eq(reserve(bench, 0, 6 * MS, 10 * MS), ERR_OK);
	bench_enqueue(bench, 0, POLICY_JOIN_WAKE);
	bench_dequeue(bench, 0, POLICY_LEAVE_SLEEP);
	cr_assert_eq(reserve(bench, 1, 6 * MS, 10 * MS), ERR_NO_TIME);
	bench_dequeue(bench, 0, POLICY_LEAVE_EXIT);
	cr_assert_eq(reserve(bench, 1, 6 * MS, 10 * MS), ERR_OK);
	bench_free(bench);
}

/* U = 1 exactly, all periods different: everybody has its budget at each of its deadlines. */
Test(edf, deadlines_are_met_at_full_load)
{
	static const uint64_t slices[] = {1, 2, 5, 9};
	static const uint64_t periods[] = {4, 8, 20, 36}; /* U = 4/4 */
	struct bench *bench = edf_make();
	for (uint32_t tid = 0; tid < 4; tid++) {
		cr_assert_eq(reserve(bench, tid, slices[tid] * MS, periods[tid] * MS), ERR_OK);
		bench_enqueue(bench, tid, POLICY_JOIN_WAKE);
	}
	bench_enqueue(bench, 4, POLICY_JOIN_WAKE); /* would like to have all of it */
	for (uint64_t ms = 1; ms <= 720; ms++) {
		bench_run_until(bench, ms * MS, MS);
		for (uint32_t tid = 0; tid < 4; tid++) {
			if (ms % periods[tid] == 0)
				cr_assert_eq(bench->threads[tid].service_ns,
					     ms / periods[tid] * slices[tid] * MS,
					     "thread %u at %u ms", tid, (uint32_t)ms);
		}
	}
	cr_assert_eq(bench->threads[4].service_ns, 0);
	bench_free(bench);
}

Test(edf, the_background_gets_the_rest_in_turns)
{
	struct bench *bench = edf_make();
	cr_assert_eq(reserve(bench, 0, 2 * MS, 10 * MS), ERR_OK);
	for (uint32_t tid = 0; tid < 3; tid++)
		bench_enqueue(bench, tid, POLICY_JOIN_WAKE);
	bench_run_until(bench, 3000 * MS, MS);
	/* 600 ms promised; of the other 2,400 thread 0 has a turn like the others while throttled. */
	cr_assert_geq(bench->threads[0].service_ns, 600 * MS);
	for (uint32_t tid = 1; tid < 3; tid++)
		cr_assert(bench->threads[tid].service_ns > 700 * MS &&
				  bench->threads[tid].service_ns < 1000 * MS,
			  "%u has %.1f ms", tid, (double)bench->threads[tid].service_ns / 1e6);
	bench_free(bench);
}

Test(edf, a_waker_with_an_earlier_deadline_cuts_in)
{
	struct bench *bench = edf_make();
	cr_assert_eq(reserve(bench, 0, 20 * MS, 100 * MS), ERR_OK);
	cr_assert_eq(reserve(bench, 1, MS, 10 * MS), ERR_OK);
	bench_enqueue(bench, 0, POLICY_JOIN_WAKE);
	cr_assert_eq(bench_pick(bench), 0);
	bench_run(bench, 5 * MS);
	bench_enqueue(bench, 2, POLICY_JOIN_WAKE);
	cr_assert_not(bench->ops->preempts(bench_cpu(bench), bench_thread(bench, 0),
					   bench_thread(bench, 2), bench->now_ns));
	bench_enqueue(bench, 1, POLICY_JOIN_WAKE);
	cr_assert(bench->ops->preempts(bench_cpu(bench), bench_thread(bench, 0),
				       bench_thread(bench, 1), bench->now_ns));
	cr_assert_eq(bench_pick(bench), 1);
	cr_assert_eq(bench->picked.slice_ns, MS);
	cr_assert(bench_run(bench, MS), "its budget is used up");
	cr_assert_eq(bench_pick(bench), 0);
	cr_assert_eq(bench->picked.slice_ns, 9 * MS, "until thread 1 has a budget again");
	bench_free(bench);
}

/* Late in its period a wake renews the budget; a thread that is put back as it was has what it had. */
Test(edf, put_back_exactly_nothing_is_renewed)
{
	static const enum policy_join reasons[] = {POLICY_JOIN_WAKE, POLICY_JOIN_EXACT};
	for (uint32_t i = 0; i < 2; i++) {
		struct bench *bench = edf_make();
		cr_assert_eq(reserve(bench, 0, 2 * MS, 10 * MS), ERR_OK);
		bench_enqueue(bench, 0, POLICY_JOIN_WAKE);
		cr_assert_eq(bench_pick(bench), 0);
		bench_run(bench, MS);
		bench_dequeue(bench, 0, POLICY_LEAVE_SLEEP);
		bench->now_ns = 9 * MS;
		bench_enqueue(bench, 0, reasons[i]);
		cr_assert_eq(bench_info(bench, 0).left_ns,
			     reasons[i] == POLICY_JOIN_EXACT ? MS : 2 * MS);
		bench_free(bench);
	}
}

/* Naps just before the budget ends must not renew it: the mark of a constant-bandwidth server. */
Test(edf, napping_gains_nothing)
{
	struct bench *bench = edf_make();
	cr_assert_eq(reserve(bench, 0, 2 * MS, 10 * MS), ERR_OK);
	bench_enqueue(bench, 0, POLICY_JOIN_WAKE);
	bench_enqueue(bench, 1, POLICY_JOIN_WAKE);
	uint64_t promised_ns = 0;
	uint64_t turn = 0;
	while (bench->now_ns < 1000 * MS) {
		const uint32_t tid = bench_pick(bench);
		const bool budget = bench_info(bench, 0).left_ns <= 2 * MS && tid == 0 &&
				    bench->picked.request_ns <= 2 * MS;
		const uint64_t ns = bench->picked.slice_ns < 700000 ? bench->picked.slice_ns
								    : 700000;
		bench_run(bench, ns);
		if (tid == 0) {
			promised_ns += budget ? ns : 0;
			bench_dequeue(bench, 0, POLICY_LEAVE_SLEEP);
			bench_enqueue(bench, 0, POLICY_JOIN_WAKE);
			reserve(bench, 0, 2 * MS - turn++ % 2, 10 * MS);
		}
	}
	cr_assert_leq(bench->threads[0].service_ns, 1000 * MS / 5 + 450 * MS);
	cr_assert_geq(bench->threads[1].service_ns, 350 * MS);
	cr_assert_geq(promised_ns, 190 * MS);
	bench_free(bench);
}

Test(edf, an_overrun_is_paid_back)
{
	struct bench *bench = edf_make();
	cr_assert_eq(reserve(bench, 0, 2 * MS, 10 * MS), ERR_OK);
	cr_assert_eq(reserve(bench, 1, 5 * MS, 10 * MS), ERR_OK);
	bench_enqueue(bench, 0, POLICY_JOIN_WAKE);
	bench_enqueue(bench, 1, POLICY_JOIN_WAKE);
	cr_assert_eq(bench_pick(bench), 0);
	bench_run(bench, 3 * MS); /* whoever was to stop it came late */
	cr_assert_eq(bench_pick(bench), 1);
	bench_run(bench, 5 * MS);
	bench_pick(bench);
	bench_run(bench, 2 * MS);
	cr_assert_eq(bench_pick(bench), 0);
	cr_assert_eq(bench->picked.slice_ns, MS);
	bench_free(bench);
}

Test(edf, yield_gives_up_the_rest_of_the_budget)
{
	struct bench *bench = edf_make();
	cr_assert_eq(reserve(bench, 0, 5 * MS, 10 * MS), ERR_OK);
	bench_enqueue(bench, 0, POLICY_JOIN_WAKE);
	bench_enqueue(bench, 1, POLICY_JOIN_WAKE);
	cr_assert_eq(bench_pick(bench), 0);
	bench_run(bench, MS);
	bench_enqueue(bench, 0, POLICY_JOIN_YIELD);
	cr_assert_eq(bench_pick(bench), 1);
	bench->now_ns = 10 * MS;
	cr_assert_eq(bench_pick(bench), 0);
	cr_assert_eq(bench->picked.request_ns, 5 * MS);
	bench_free(bench);
}

/* Who waits may yield, too (it was preempted): what the running one runs is charged to its budget. */
Test(edf, the_yield_of_who_waits_is_its_own)
{
	struct bench *bench = edf_make();
	cr_assert_eq(reserve(bench, 0, 2 * MS, 10 * MS), ERR_OK);
	cr_assert_eq(reserve(bench, 1, 2 * MS, 20 * MS), ERR_OK);
	bench_enqueue(bench, 0, POLICY_JOIN_WAKE);
	bench_enqueue(bench, 1, POLICY_JOIN_WAKE);
	cr_assert_eq(bench_pick(bench), 0);
	bench_enqueue(bench, 1, POLICY_JOIN_YIELD);
	cr_assert(bench_run(bench, 2 * MS), "its budget is used up");
	bench_run(bench, MS);
	bench->now_ns = 10 * MS;
	cr_assert_eq(bench_pick(bench), 0);
	cr_assert_eq(bench->picked.request_ns, MS, "the overrun is paid from the next one");
	bench_free(bench);
}

/* And who yields has given up its budget: what it runs until the next choice is not charged to the next. */
Test(edf, what_runs_after_a_yield_is_background)
{
	struct bench *bench = edf_make();
	cr_assert_eq(reserve(bench, 0, 5 * MS, 10 * MS), ERR_OK);
	bench_enqueue(bench, 0, POLICY_JOIN_WAKE);
	bench_enqueue(bench, 1, POLICY_JOIN_WAKE);
	cr_assert_eq(bench_pick(bench), 0);
	bench_enqueue(bench, 0, POLICY_JOIN_YIELD);
	bench_run(bench, MS);
	bench->now_ns = 10 * MS;
	cr_assert_eq(bench_pick(bench), 0);
	cr_assert_eq(bench->picked.request_ns, 5 * MS);
	bench_free(bench);
}

/* A budget that no thread can have is found: check() is what notices a queue that a fault has spoilt. */
Test(edf, check_knows_the_bounds_of_budgets)
{
	struct bench *bench = edf_make();
	struct edf_thread *thread = (struct edf_thread *)(void *)bench_thread(bench, 0);
	const struct {
		int64_t left_ns;
		bool throttled, right;
	} cases[] = {
		{1, false, true},   {2 * MS, false, true},      {0, false, false},
		{-1, false, false}, {2 * MS + 1, false, false}, {0, true, true},
		{-1, true, true},   {1, true, false},
	};
	cr_assert_eq(reserve(bench, 0, 2 * MS, 10 * MS), ERR_OK);
	bench_enqueue(bench, 0, POLICY_JOIN_WAKE);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		thread->left_ns = cases[i].left_ns;
		thread->throttled = cases[i].throttled;
		thread->line.key = edf_key(thread);
		cr_assert_eq(bench->ops->check(bench_cpu(bench)),
			     cases[i].right ? 0 : (uint32_t)LINE_RULE_OWN, "case %zu", i);
	}
	thread->throttled = false;
	thread->left_ns = MS;
	thread->line.key = thread->deadline_ns + 1;
	cr_assert_eq(bench->ops->check(bench_cpu(bench)), LINE_RULE_OWN);
	bench_free(bench);
}

/* Arriving with a period: admitted if there is room, else in the background, and asked for again. */
Test(edf, refused_on_arrival_runs_in_the_background)
{
	struct bench *bench = edf_make();
	cr_assert_eq(reserve(bench, 0, 9 * MS, 10 * MS), ERR_OK);
	bench->threads[1].params.period_ns = 10 * MS;
	cr_assert_eq(bench->ops->thread_init(bench_thread(bench, 1), &bench->threads[1].params),
		     ERR_OK);
	bench_enqueue(bench, 0, POLICY_JOIN_WAKE);
	bench_enqueue(bench, 1, POLICY_JOIN_NEW);
	for (uint32_t i = 0; i < 2; i++) {
		struct policy_info info = {.refused = false};
		bench->ops->query(bench_cpu(bench), bench_thread(bench, i), &info);
		cr_assert_eq(info.refused, i == 1);
	}
	bench_run_until(bench, 100 * MS, MS);
	cr_assert_geq(bench->threads[0].service_ns, 90 * MS);
	cr_assert_gt(bench->threads[1].service_ns, 0);
	bench_dequeue(bench, 0, POLICY_LEAVE_EXIT);
	bench_dequeue(bench, 1, POLICY_LEAVE_SLEEP);
	bench_enqueue(bench, 1, POLICY_JOIN_WAKE);
	cr_assert_eq(reserve(bench, 0, 8 * MS, 10 * MS), ERR_NO_TIME, "thread 1 is admitted now");
	bench_free(bench);
}

Test(edf, what_a_lone_thread_ran_is_not_held_against_it)
{
	struct bench *bench = edf_make();
	cr_assert_eq(reserve(bench, 0, 2 * MS, 10 * MS), ERR_OK);
	cr_assert_eq(reserve(bench, 1, 2 * MS, 10 * MS), ERR_OK);
	bench_enqueue(bench, 0, POLICY_JOIN_WAKE);
	cr_assert_eq(bench_pick(bench), 0);
	cr_assert_eq(bench->picked.slice_ns, TIME_NEVER);
	bench_run(bench, 1003 * MS);
	bench_enqueue(bench, 1, POLICY_JOIN_WAKE);
	uint64_t before = bench->threads[0].service_ns;
	bench_run_until(bench, 1103 * MS, MS);
	cr_assert_geq(bench->threads[0].service_ns - before, 20 * MS);
	cr_assert_geq(bench->threads[1].service_ns, 20 * MS);
	bench_free(bench);
}

/* Everything at random, check() after each step; nobody admitted ever gets less than it was promised. */
Test(edf, random_reservations)
{
	struct bench *bench = edf_make();
	uint64_t seed = 77;
	struct policy_migration migration;
	for (uint32_t i = 0; i < 50000; i++) {
		const uint32_t tid = (uint32_t)(bench_random(&seed) % THREADS);
		switch (bench_random(&seed) % 8) {
		case 0:
			bench_enqueue(bench, tid, POLICY_JOIN_WAKE);
			break;
		case 1:
			bench_dequeue(bench, tid, (enum policy_leave)(bench_random(&seed) % 3));
			break;
		case 2:
			if (bench_info(bench, tid).state == POLICY_QUEUED)
				bench_enqueue(bench, tid, POLICY_JOIN_YIELD);
			break;
		case 3:
			bench->ops->migrate_out(bench_cpu(bench), bench_thread(bench, tid),
						&migration, bench->now_ns);
			cr_assert_eq(bench->ops->check(bench_cpu(bench)), 0);
			bench->ops->migrate_in(bench_cpu(bench), bench_thread(bench, tid),
					       &migration, bench->now_ns);
			break;
		case 4:
			(void)!reserve(bench, tid,
				       POLICY_SLICE_NS_MIN + bench_random(&seed) % (3 * MS),
				       bench_random(&seed) % 3 == 0
					       ? 0
					       : 4 * MS + bench_random(&seed) % (20 * MS));
			break;
		default:
			if (bench_pick(bench) != UINT32_MAX)
				bench_run(bench, bench_random(&seed) % (4 * MS));
			break;
		}
		const uint32_t picked = bench_pick(bench);
		for (uint32_t j = 0; picked != UINT32_MAX && j < THREADS; j++) {
			if (j != picked && bench_info(bench, j).state == POLICY_QUEUED)
				cr_assert_not(bench->ops->preempts(
					bench_cpu(bench), bench->picked.thread,
					bench_thread(bench, j), bench->now_ns));
		}
	}
	bench_free(bench);
}

/* preempts() and pick() agree at any later time too, when budgets come back. */
Test(edf, preempts_foresees_pick)
{
	struct bench *bench = edf_make();
	uint64_t seed = 5;
	for (uint32_t tid = 0; tid < 4; tid++) {
		cr_assert_eq(reserve(bench, tid, MS, (5 + tid) * MS), ERR_OK);
		bench_enqueue(bench, tid, POLICY_JOIN_WAKE);
	}
	bench_enqueue(bench, 4, POLICY_JOIN_WAKE);
	for (uint32_t i = 0; i < 20000; i++) {
		const uint32_t running = bench_pick(bench);
		bench_run(bench, bench_random(&seed) % bench->picked.slice_ns);
		bench->now_ns += bench_random(&seed) % 10 == 0 ? MS : 0;
		uint32_t said = running;
		for (uint32_t tid = 0; tid < 5; tid++) {
			if (tid != running &&
			    bench->ops->preempts(bench_cpu(bench), bench->picked.thread,
						 bench_thread(bench, tid), bench->now_ns))
				said = tid;
		}
		cr_assert_eq(bench_pick(bench), said);
	}
	bench_free(bench);
}
