/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What went wrong in other schedulers of several CPUs (docs/design/eevdf.md, L17 to L21), against a kernel
 * of paper. L20 is here with as many threads as there can be; with 20,000 in one queue it is in policy_place.
 */
#include <abi/ipc.h>
#include <criterion/criterion.h>

#include "bench.h"

#define MS       UINT64_C(1000000)
#define BALANCER 2000u

static void open_4(void)
{
	bench_open(4, policies[0], places[0]);
}

static void start_on(uint32_t cpu, uint32_t tid, struct cpumask affinity)
{
	bench_thread(tid, 1024);
	bench_shared->params[tid].affinity = affinity;
	(void)bench_event(cpu, tid, BENCH_READY(CAUSE_START), 0);
}

static void mask_set(uint32_t cpu, uint32_t tid, word_t mask)
{
	bench_clear_calls();
	(void)bench_request(cpu, tid, SCHED_REQ_SET_PARAM, 0, SCHED_PARAM_AFFINITY, mask, 0);
}

/* The balancer of a CPU is there and parked. */
static void balancer_parks(uint32_t cpu)
{
	const uint32_t tid = BALANCER + cpu;

	bench_shared->params[tid] = (struct sched_thread_params){
		.flags = SCHED_THREAD_USED | SCHED_THREAD_BALANCER,
		.cpu = cpu,
		.affinity = cpumask_one(cpu),
	};
	(void)bench_event(cpu, tid, BENCH_READY(CAUSE_START), 0);
	(void)bench_request(cpu, tid, SCHED_REQ_BALANCE_PARK, 0, 0, 0, 0);
}

/* Returns how many threads went. */
static uint32_t pull(uint32_t victim, uint32_t puller, word_t mode)
{
	bench_clear_calls();
	(void)bench_request(victim, BALANCER + puller, SCHED_REQ_BALANCE_PULL, puller, mode, 0, 0);
	return bench_moves_count;
}

/* A wake was pending when the mask changed: wherever it is seen, the thread ends up where it may be. */
Test(mistakes, L17_a_pending_wake_ends_up_where_it_may_be, .init = open_4, .fini = bench_close)
{
	/* In the batch of the request itself: asleep on CPU 0, woken, then another thread changes its mask.
	 * */
	start_on(0, 5, cpumask_one(0));
	start_on(0, 6, cpumask_one(0));
	(void)bench_event(0, 5, BENCH_BLOCKED(CAUSE_IPC), 1000);
	bench_clear_calls();
	(void)bench_request(0, 6, SCHED_REQ_SET_PARAM, 5, SCHED_PARAM_AFFINITY, 4, 0);
	cr_assert_eq(bench_moves_count, 0, "asleep: it stays until it wakes");
	(void)bench_event(0, 5, BENCH_READY(CAUSE_WAKE), 0);
	cr_assert_eq(bench_moves_count, 1);
	cr_assert_eq(bench_moves[0].cpu, 2);
	/* It changes again while it is on the way. */
	bench_clear_calls();
	(void)bench_request(0, 6, SCHED_REQ_SET_PARAM, 5, SCHED_PARAM_AFFINITY, 8, 0);
	cr_assert_eq(bench_answers[0].error, ERR_MOVED);
	cr_assert_eq(bench_answers[0].w1, 2, "where to ask again");
	(void)bench_request(2, 6, SCHED_REQ_SET_PARAM, 5, SCHED_PARAM_AFFINITY, 8, 0);
	cr_assert_eq(bench_answers[1].error, ERR_MOVED, "it has not been seen there yet");
	(void)bench_event(2, 5, BENCH_READY(CAUSE_ARRIVED), 0);
	bench_clear_calls();
	(void)bench_request(2, 6, SCHED_REQ_SET_PARAM, 5, SCHED_PARAM_AFFINITY, 8, 0);
	cr_assert_eq(bench_answers[0].error, ERR_OK);
	cr_assert_eq(bench_moves_count, 1);
	cr_assert_eq(bench_moves[0].cpu, 3);
	cr_assert_neq(bench_nothing(2, ERR_OK).tid, 5);
	cr_assert_eq(bench_event(3, 5, BENCH_READY(CAUSE_ARRIVED), 0).tid, 5);
}

Test(mistakes, L17_the_call_completes_where_the_caller_is_now, .init = open_4, .fini = bench_close)
{
	start_on(0, 5, cpumask_all());
	start_on(1, 6, cpumask_all());
	mask_set(0, 5, 2); /* moves the caller itself */
	cr_assert_eq(bench_answers_count, 1, "answered, though it goes elsewhere");
	cr_assert_eq(bench_answers[0].error, ERR_OK);
	cr_assert_eq(bench_moves_count, 1);
	cr_assert_eq(bench_moves[0].cpu, 1);
	(void)bench_event(1, 5, BENCH_READY(CAUSE_ARRIVED), 0);
	cr_assert_eq(bench_server->threads[5].home, 1);
	cr_assert_eq(bench_server->cpu[1].load.runnable, 2);
	cr_assert_eq(bench_server->cpu[0].load.runnable, 0);
}

/* Threads wake, sleep, change masks and are pulled at random; the kernel of paper reports each to its home,
 * and a dispatcher names only threads whose home is its CPU, which their mask allows. */
struct life {
	uint32_t home[64];
	bool ready[64];
	bool moved[64]; /* its arrival was not reported yet */
	uint64_t seed;
};

static uint64_t draw(struct life *life, uint64_t below)
{
	life->seed = life->seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (life->seed >> 33) % below;
}

static void moves_take(struct life *life)
{
	for (uint32_t i = 0; i < bench_moves_count; i++) {
		life->home[bench_moves[i].tid] = bench_moves[i].cpu;
		life->moved[bench_moves[i].tid] = true;
	}
	bench_clear_calls();
}

static void life_step(struct life *life)
{
	const uint32_t tid = 1 + (uint32_t)draw(life, 12);
	const uint32_t cpu = life->home[tid];
	struct sched_decision d;

	bench_now += draw(life, MS);
	if (life->moved[tid]) {
		life->moved[tid] = false;
		d = bench_event(cpu, tid, BENCH_READY(CAUSE_ARRIVED), 0);
	} else if (life->ready[tid] && draw(life, 4) == 0) {
		const word_t mask = 1 + draw(life, 15);

		d = bench_request(cpu, tid, SCHED_REQ_SET_PARAM, 0, SCHED_PARAM_AFFINITY, mask, 0);
	} else if (life->ready[tid]) {
		life->ready[tid] = false;
		d = bench_event(cpu, tid, BENCH_BLOCKED(CAUSE_IPC), draw(life, MS));
	} else {
		life->ready[tid] = true;
		d = bench_event(cpu, tid, BENCH_READY(CAUSE_WAKE), 0);
	}
	moves_take(life);
	if (d.kind != DECISION_RUN)
		return;
	cr_assert_eq(life->home[d.tid], cpu, "CPU %u runs %u of CPU %u", cpu, d.tid,
		     life->home[d.tid]);
	cr_assert_not(life->moved[d.tid], "%u has not arrived", d.tid);
	cr_assert(life->ready[d.tid]);
	cr_assert(cpumask_test(&bench_shared->params[d.tid].affinity, cpu));
}

Test(mistakes, L18_a_thread_is_activated_where_its_home_says, .init = open_4, .fini = bench_close)
{
	struct life life = {.seed = 18};

	for (uint32_t tid = 1; tid <= 12; tid++) {
		life.home[tid] = tid % 4;
		life.ready[tid] = true;
		start_on(tid % 4, tid, cpumask_all());
		moves_take(&life);
	}
	for (uint32_t i = 0; i < 50000; i++)
		life_step(&life);
}

/* A report that was on the way when the thread left. */
Test(mistakes, L18_a_late_report_activates_nobody, .init = open_4, .fini = bench_close)
{
	start_on(0, 5, cpumask_all());
	mask_set(0, 5, 8);
	cr_assert_eq(bench_event(0, 5, BENCH_READY(CAUSE_WAKE), 0).kind, DECISION_IDLE);
	cr_assert_eq(bench_server->cpu[0].load.runnable, 0);
	cr_assert(bench_server->threads[5].arriving);
	cr_assert_eq(bench_event(3, 5, BENCH_READY(CAUSE_ARRIVED), 0).tid, 5);
}

Test(mistakes, L19_a_new_thread_is_invisible_until_it_is_complete, .init = open_4,
     .fini = bench_close)
{
	struct policy_spare spare[8];
	uint64_t cursor = 0;

	start_on(0, 1, cpumask_all());
	bench_thread(10, 1024);
	bench_clear_calls();
	(void)bench_request(0, 1, SCHED_REQ_THREAD_NEW, 10, 0, 0, 0);
	cr_assert_eq(bench_moves_count, 1);
	const uint32_t there = bench_moves[0].cpu;

	for (uint32_t cpu = 0; cpu < 4; cpu++) {
		const struct sched_cpu *view = &bench_server->cpu[cpu];

		cr_assert_neq(bench_nothing(cpu, ERR_OK).tid, 10, "CPU %u runs it", cpu);
		cr_assert_eq(view->load.runnable, cpu == 0 ? 1 : 0);
		cr_assert_eq(view->incoming, cpu == there ? 1 : 0, "placement expects it");
		cr_assert_leq(view->policy->spare((const struct policy_cpu *)view->policy_blob,
						  &cursor, spare, 8),
			      cpu == 0 ? 1 : 0);
		bench_clear_calls();
		(void)bench_request(cpu, 1, SCHED_REQ_SET_PARAM, 10, SCHED_PARAM_NICE, 5, 0);
		cr_assert_eq(bench_answers[0].error, ERR_MOVED, "nobody changes it");
	}
	balancer_parks(3);
	cr_assert_eq(pull(there, 3, BALANCE_IDLE), 0, "nobody pulls it");
	cr_assert_eq(bench_event(there, 10, BENCH_READY(CAUSE_ARRIVED), 0).tid, 10);
	cr_assert_eq(bench_server->cpu[there].incoming, 0);
	cr_assert_eq(bench_server->cpu[there].load.runnable, there == 0 ? 2 : 1);
}

/* A policy that counts what it is asked to look at. */
static uint32_t asked_for, asked_times;

static uint32_t counting_spare(const struct policy_cpu *cpu, uint64_t *cursor,
			       struct policy_spare *out, uint32_t count)
{
	asked_for += count;
	asked_times++;
	return policy_eevdf.spare(cpu, cursor, out, count);
}

Test(mistakes, L20_balancing_looks_at_a_bounded_number, .fini = bench_close)
{
	const uint32_t tids = 4000,
		       free = 2; /* the only one that may go: not the last in order, nor running */
	struct policy_ops counting = policy_eevdf;

	counting.spare = counting_spare;
	bench_open(2, &counting, places[0]);
	balancer_parks(1);
	for (uint32_t tid = 1; tid < tids; tid++)
		if (tid != BALANCER && tid != BALANCER + 1)
			start_on(0, tid, cpumask_one(0));
	bench_shared->params[free].affinity = cpumask_all();
	uint32_t moved = 0;
	for (uint32_t rounds = 0; moved == 0; rounds++) {
		asked_for = 0;
		asked_times = 0;
		cr_assert_lt(rounds, 4000, "it is never found");
		moved = pull(0, 1, BALANCE_IDLE);
		/* The candidates, those beyond the end of the order, and who is heaviest now. */
		cr_assert_leq(asked_for, 3 * BALANCE_CANDIDATES_MAX);
		cr_assert_leq(asked_times, 3);
	}
	for (uint32_t i = 0; i < bench_moves_count; i++)
		cr_assert_eq(bench_moves[i].tid, free);
}

/* Two balancers ask each other's CPUs at the same time: nobody is passed back and forth. */
Test(mistakes, L21_one_balancer_at_a_time_per_pair_of_cpus, .fini = bench_close)
{
	bench_open(2, policies[0], places[0]);
	for (uint32_t tid = 1; tid <= 5; tid++)
		start_on(0, tid, cpumask_all());
	(void)bench_nothing(1, ERR_OK);
	start_on(1, 6, cpumask_all());
	balancer_parks(0);
	balancer_parks(1);
	const uint32_t first = pull(0, 1, BALANCE_PERIOD);
	const struct bench_move gone = bench_moves[0];

	cr_assert_eq(first, 1);
	/* The other order was on the way already; the thread has not even arrived. */
	cr_assert_eq(pull(1, 0, BALANCE_PERIOD), 0, "nothing goes back");
	(void)bench_event(1, gone.tid, BENCH_READY(CAUSE_ARRIVED), 0);
	cr_assert_eq(pull(1, 0, BALANCE_PERIOD), 0, "nor when it has arrived");
}

/* Each CPU has one balancer, and it gets no second order before it has come back. */
Test(mistakes, L21_a_balancer_has_one_order, .init = open_4, .fini = bench_close)
{
	for (uint32_t tid = 1; tid <= 6; tid++)
		start_on(0, tid, cpumask_one(0));
	bench_clear_calls();
	balancer_parks(1);
	cr_assert_eq(bench_answers_count, 1, "sent off to CPU 0");
	for (uint32_t i = 0; i < 50; i++) {
		bench_now += 40 * MS;
		(void)bench_nothing(1, ERR_OK);
	}
	cr_assert_eq(bench_answers_count, 1, "it is on its way");
	(void)bench_request(1, BALANCER + 1, SCHED_REQ_BALANCE_PARK, 0, 0, 0, 0);
	bench_now += 40 * MS;
	(void)bench_nothing(1, ERR_OK);
	cr_assert_eq(bench_answers_count, 2, "back, and sent again");
}

/* It was woken, asked again, and all is told at once: the later time counts, once. */
Test(mistakes, who_sleeps_again_wakes_once, .init = open_4, .fini = bench_close, .timeout = 20)
{
	const time_ns_t begin_ns = bench_now;

	for (uint32_t tid = 5; tid < 8; tid++) {
		(void)bench_start(0, tid);
		(void)bench_request(0, tid, SCHED_REQ_SLEEP, begin_ns + tid * MS, 0, 0, 0);
	}
	bench_clear_calls();
	(void)bench_request(0, 5, SCHED_REQ_SLEEP, begin_ns + 9 * MS, 0, 0, 0);
	bench_now = begin_ns + 8 * MS;
	(void)bench_nothing(0, ERR_OK);
	cr_assert_eq(bench_answers_count, 2);
	cr_assert_eq(bench_answers[0].tid, 6);
	cr_assert_eq(bench_answers[1].tid, 7);
	bench_now = begin_ns + 9 * MS;
	(void)bench_nothing(0, ERR_OK);
	cr_assert_eq(bench_answers_count, 3);
	cr_assert_eq(bench_answers[2].tid, 5);
	cr_assert_null(heap_first(&bench_server->cpu[0].sleepers));
}
