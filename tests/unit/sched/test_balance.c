/* SPDX-License-Identifier: BSD-2-Clause */
/* Who may ask for threads, who is asked, and what is known of a CPU that does not ask. */
#include <criterion/criterion.h>

#include "bench.h"
#include "core/balance.h"

#define BALANCER 2000u

static void open_4(void)
{
	bench_open(4, policies[0], places[0]);
}

TestSuite(sched_balance, .init = open_4, .fini = bench_close);

static void balancer_parks(uint32_t cpu)
{
	bench_clear_calls();
	(void)bench_request(cpu, BALANCER, SCHED_REQ_BALANCE_PARK, 0, 0, 0, 0);
}

/* CPU 1 is idle, and its balancer was sent for threads of CPU 0. */
static void balancer_start(void)
{
	bench_shared->params[BALANCER] = (struct sched_thread_params){
		.flags = SCHED_THREAD_USED | SCHED_THREAD_BALANCER, .cpu = 1};
	(void)bench_event(1, BALANCER, BENCH_READY(CAUSE_START), 0);
	balancer_parks(1);
	cr_assert_eq(bench_answers_count, 1);
	cr_assert_eq(bench_answers[0].w1, 0);
}

static void pull(word_t puller)
{
	bench_clear_calls();
	(void)bench_request(0, BALANCER, SCHED_REQ_BALANCE_PULL, puller, BALANCE_IDLE, 0, 0);
}

Test(sched_balance, who_pulls_is_another_cpu_of_the_machine)
{
	const word_t wrong[] = {0, 4, UINT64_MAX};

	(void)bench_start(0, 5);
	(void)bench_start(0, 6);
	balancer_start();
	for (uint32_t i = 0; i < 3; i++) {
		pull(wrong[i]);
		cr_assert_eq(bench_answers[0].error, ERR_PERMISSION, "case %u", i);
	}
}

static void start_pinned(uint32_t tid)
{
	bench_thread(tid, 1024);
	bench_shared->params[tid].affinity = cpumask_one(0);
	(void)bench_event(0, tid, BENCH_READY(CAUSE_START), 0);
}

/* It is as it was a moment ago.  In the next period it may be otherwise. */
Test(sched_balance, who_had_nothing_to_spare_is_not_asked_again_at_once)
{
	start_pinned(5);
	start_pinned(6);
	balancer_start();
	pull(1);
	cr_assert_eq(bench_answers[0].w1, 0, "none may go");
	(void)bench_event(1, BALANCER, BENCH_READY(CAUSE_WAKE), 0);
	balancer_parks(1);
	cr_assert_eq(bench_answers_count, 0);
	bench_now += 2 * (time_ns_t)BALANCE_PERIOD_NS;
	(void)bench_nothing(1, ERR_OK);
	cr_assert_eq(bench_answers_count, 1);
}

/* Its home is this CPU, but the policy here has not heard of it: it is told when it has come. */
Test(sched_balance, parameters_of_a_thread_on_its_way_wait)
{
	(void)bench_start(0, 5);
	bench_thread(6, 1024);
	bench_shared->params[6].affinity = cpumask_one(0);
	(void)bench_request(0, 5, SCHED_REQ_THREAD_NEW, 6, 0, 0, 0);
	cr_assert_eq(bench_server->threads[6].home, 0);
	bench_clear_calls();
	(void)bench_request(0, 5, SCHED_REQ_SET_PARAM, 6, SCHED_PARAM_WEIGHT, 2048, 0);
	cr_assert_eq(bench_answers[0].error, ERR_MOVED);
	cr_assert_eq(bench_answers[0].w1, 0);
	cr_assert_eq(bench_shared->params[6].weight, 1024);
	(void)bench_event(0, 6, BENCH_READY(CAUSE_ARRIVED), 0);
	bench_clear_calls();
	(void)bench_request(0, 5, SCHED_REQ_SET_PARAM, 6, SCHED_PARAM_WEIGHT, 2048, 0);
	cr_assert_eq(bench_answers[0].error, ERR_OK);
	cr_assert_eq(bench_shared->params[6].weight, 2048);
}

/* Who has a CPU alone leaves nothing of it to sleepers, as far as others can know. */
Test(sched_balance, what_sleepers_use_of_a_quiet_cpu_is_nothing)
{
	struct sched_cpu *cpu = &bench_server->cpu[0];

	(void)bench_start(0, 5);
	cpu->steady.used = STEADY_WHOLE / 2;
	sched_balance_period(bench_server, cpu, bench_now);
	cr_assert(cpumask_test(&bench_server->quiet, 0));
	cr_assert_eq(cpu->steady.used, 0);
}
