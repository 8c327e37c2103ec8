/* SPDX-License-Identifier: BSD-2-Clause */
/* Moving threads: what is left when the kernel refuses, who may send work to an idle CPU. */
#include <criterion/criterion.h>

#include "bench.h"
#include "core/place.h"

#define MS 1000000u

static struct place_ops stubborn;

/* What no mask of this test allows. */
static uint32_t place_last(const struct place_view *view, uint32_t creator,
			   const struct place_thread *thread)
{
	(void)creator;
	(void)thread;
	return view->cpus - 1;
}

static void open_2(void)
{
	bench_open(2, policies[0], places[0]);
}

static void open_stubborn(void)
{
	stubborn = *places[0];
	stubborn.on_fork = place_last;
	bench_open(4, policies[0], &stubborn);
}

static bool is_idle(uint32_t cpu)
{
	return (__atomic_load_n(&bench_server->idle.bits[0], __ATOMIC_RELAXED) >> cpu & 1) != 0;
}

/* Those that have had most are looked at first, and all of them may have to stay. */
Test(sched_place, a_surplus_is_found_behind_pinned_ones, .init = open_2, .fini = bench_close)
{
	for (uint32_t tid = 5; tid < 14; tid++) {
		/* The heavy one has the first deadline, so it is looked at last. */
		bench_thread(tid, tid == 5 ? 8192 : 1024);
		if (tid != 5)
			bench_shared->params[tid].affinity = cpumask_one(0);
		__atomic_store_n(&bench_server->idle.bits[0], 0, __ATOMIC_RELAXED);
		(void)bench_event(0, tid, BENCH_READY(CAUSE_START), 0);
	}
	while (bench_event(0, 5, BENCH_READY(CAUSE_SLICE), MS).tid == 5)
		__atomic_store_n(&bench_server->idle.bits[0], 0, __ATOMIC_RELAXED);
	bench_clear_calls();
	__atomic_store_n(&bench_server->idle.bits[0], 2, __ATOMIC_RELAXED);
	sched_push_surplus(bench_server, &bench_server->cpu[0], bench_now);
	cr_assert_eq(bench_moves_count, 1);
	cr_assert_eq(bench_moves[0].tid, 5);
	cr_assert(!is_idle(1));
}

/* CPU 1 is idle, and the kernel does not let the surplus of CPU 0 go there. */
Test(sched_place, a_move_that_is_refused_leaves_no_trace, .init = open_2, .fini = bench_close)
{
	const struct sched_cpu *idle = &bench_server->cpu[1];

	(void)bench_start(0, 5);
	(void)bench_nothing(1, ERR_OK);
	__atomic_store_n(&bench_server->idle.bits[0], 0, __ATOMIC_RELAXED);
	(void)bench_start(0, 6);
	bench_clear_calls();
	__atomic_store_n(&bench_server->idle.bits[0], 2, __ATOMIC_RELAXED);
	bench_move_error = ERR_STATE;
	bench_now += MS / 10;
	(void)bench_event(0, 5, BENCH_READY(CAUSE_PREEMPTED), MS / 10);
	cr_assert_eq(bench_moves_count, 1);
	cr_assert_eq(bench_moves[0].cpu, 1);
	cr_assert_eq(idle->incoming, 0);
	cr_assert_eq(idle->incoming_weight, 0);
	cr_assert_eq(bench_server->threads[6].home, 0);
	cr_assert_eq(bench_server->threads[6].state, SCHED_READY);
	cr_assert(!bench_server->threads[6].arriving);
	cr_assert(is_idle(1), "it was claimed, and nothing came");
}

Test(sched_place, one_of_those_who_claim_an_idle_cpu_has_it, .init = open_2, .fini = bench_close)
{
	__atomic_store_n(&bench_server->idle.bits[0], 2, __ATOMIC_RELAXED);
	cr_assert(sched_idle_claim(bench_server, 1));
	cr_assert(!sched_idle_claim(bench_server, 1));
	cr_assert(!is_idle(1));
}

/* By one is by too much; a lower one is anybody's. */
Test(sched_place, priority_is_raised_by_right_only, .init = open_2, .fini = bench_close)
{
	const word_t badge = sched_badge(105, 1024);

	(void)bench_start(0, 5);
	for (word_t above = 0; above < 2; above++) {
		bench_clear_calls();
		(void)bench_request_as(0, 5, badge, SCHED_REQ_SET_PARAM, 0, SCHED_PARAM_PRIORITY,
				       POLICY_PRIORITY_DEFAULT + above, 0);
		cr_assert_eq(bench_answers[0].error, above == 0 ? ERR_OK : ERR_LIMIT);
	}
}

/* What is lent is beside its own, which changes under it.  6 has 50. */
Test(sched_place, the_greater_of_what_is_lent_and_its_own_counts)
{
	static const struct {
		word_t param, value;
		uint32_t runs;
	} cases[] = {
		{SCHED_PARAM_PRIORITY, 10, 6}, {SCHED_PARAM_LENT, 60, 5},
		{SCHED_PARAM_PRIORITY, 20, 5}, {SCHED_PARAM_PRIORITY, 70, 5},
		{SCHED_PARAM_PRIORITY, 30, 5}, {SCHED_PARAM_LENT, 40, 6},
		{SCHED_PARAM_LENT, 99, 5},     {SCHED_PARAM_LENT, 0, 6},
	};
	/* Its own: who is served by a server goes on. */
	const word_t badge = SCHED_BADGE_PRIVILEGED | sched_badge(106, 0);

	bench_open(1, &policy_fifo, places[0]);
	(void)bench_start(0, 5);
	(void)bench_start(0, 6);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sched_decision d = bench_request_as(0, 6, badge, SCHED_REQ_SET_PARAM, 5,
							   cases[i].param, cases[i].value, 0);

		cr_assert_eq(d.tid, cases[i].runs, "case %zu", i);
	}
	bench_clear_calls();
	(void)bench_request_as(0, 6, badge, SCHED_REQ_SET_PARAM, 5, SCHED_PARAM_LENT,
			       POLICY_PRIORITY_MAX + 1, 0);
	cr_assert_eq(bench_answers[0].error, ERR_RANGE);
	bench_clear_calls();
	(void)bench_request_as(0, 6, badge, SCHED_REQ_SET_PARAM, 5, SCHED_PARAM_LENT, 7, 0);
	(void)bench_request_as(0, 6, badge, SCHED_REQ_GET_PARAM, 5, SCHED_PARAM_LENT, 0, 0);
	cr_assert_eq(bench_answers[1].w1, 7);
	bench_clear_calls();
	(void)bench_request_as(0, 6, sched_badge(106, POLICY_WEIGHT_MAX), SCHED_REQ_SET_PARAM, 6,
			       SCHED_PARAM_LENT, 60, 0);
	cr_assert_eq(bench_answers[0].error, ERR_PERMISSION);
	bench_close();
}

/* A placement that says what the mask forbids: the thread stays, if it may. */
Test(sched_place, a_forbidden_target_is_not_taken, .init = open_stubborn, .fini = bench_close)
{
	(void)bench_start(2, 5);
	bench_shared->params[5].affinity = (struct cpumask){{6}};
	cr_assert_eq(sched_fork_target(bench_server, &bench_server->cpu[2],
				       &bench_server->threads[5], 2),
		     2);
	bench_shared->params[5].affinity = (struct cpumask){{2}};
	cr_assert_eq(sched_fork_target(bench_server, &bench_server->cpu[2],
				       &bench_server->threads[5], 2),
		     1, "it may not");
}

/* Nobody may offer it a place beforehand: it is placed when it wakes. */
Test(sched_place, who_sleeps_where_it_may_not_be_is_a_stranger, .init = open_2, .fini = bench_close)
{
	(void)bench_start(0, 5);
	(void)bench_start(0, 6);
	(void)bench_event(0, 6, BENCH_BLOCKED(CAUSE_IPC), 0);
	bench_server->cpu[0].strangers = false;
	(void)bench_request(0, 5, SCHED_REQ_SET_PARAM, 6, SCHED_PARAM_AFFINITY, 3, 0);
	cr_assert(!bench_server->cpu[0].strangers);
	(void)bench_request(0, 5, SCHED_REQ_SET_PARAM, 6, SCHED_PARAM_AFFINITY, 2, 0);
	cr_assert(bench_server->cpu[0].strangers);
}

/* No CPU has it yet: what is changed is what it begins with. */
Test(sched_place, a_parameter_of_one_that_never_ran_is_kept, .init = open_2, .fini = bench_close)
{
	(void)bench_start(0, 5);
	bench_thread(6, 1024);
	(void)bench_request(0, 5, SCHED_REQ_SET_PARAM, 6, SCHED_PARAM_WEIGHT, 2048, 0);
	cr_assert_eq(bench_answers[0].error, ERR_OK);
	cr_assert_eq(bench_shared->params[6].weight, 2048);
}

/* Work that was sent to an idle CPU and did not come for half a millisecond may never come. */
Test(sched_place, who_is_awaited_for_long_takes_no_cpu, .init = open_2, .fini = bench_close)
{
	struct sched_cpu *idle = &bench_server->cpu[1];

	(void)bench_start(0, 5);
	(void)bench_start(0, 6);
	(void)bench_event(0, 6, BENCH_BLOCKED(CAUSE_IPC), 0);
	(void)bench_nothing(1, ERR_OK);
	bench_now += MS;
	cr_assert(is_idle(1));
	idle->incoming = 1;
	for (uint64_t ago_ns = MS / 2 - 1; ago_ns <= MS / 2; ago_ns++) {
		idle->incoming_ns = bench_now - ago_ns;
		cr_assert_eq(sched_wake_target(bench_server, &bench_server->cpu[0],
					       &bench_server->threads[6], bench_now),
			     ago_ns < MS / 2 ? 0 : 1);
	}
}
