/* SPDX-License-Identifier: BSD-2-Clause */
/* What went wrong elsewhere, L1 to L16: each begins with its story in one line.  And what check() finds. */
#include "../../../servers/sched/policy/eevdf/eevdf.h"
#include "bench.h"
#include <math.h>
#include <string.h>

#define MS UINT64_C(1000000)

static struct bench *hogs(uint32_t count)
{
	struct bench *bench = bench_make(&policy_eevdf, count);
	for (uint32_t tid = 0; tid < count; tid++)
		bench_add(bench, tid, 1024, 3 * MS);
	return bench;
}

/* A rounded V just below every v made nobody eligible, and the machine idled. */
Test(eevdf, L01_somebody_is_always_eligible)
{
	struct bench *bench = bench_make(&policy_eevdf, 7);
	uint64_t seed = 6;
	for (uint32_t tid = 0; tid < 7; tid++)
		bench_add(bench, tid, 3 + tid * 7, 100000 + tid);
	cr_assert_eq(bench_lag(bench, 3), 0);
	for (uint32_t i = 0; i < 20000; i++) {
		cr_assert_neq(bench_pick(bench), UINT32_MAX);
		bench_run(bench, 1 + bench_random(&seed) % 7);
	}
	bench_free(bench);
}

/* The search stopped at the leftmost node although it was not eligible. */
Test(eevdf, L02_earliest_deadline_not_eligible)
{
	struct bench *bench = bench_make(&policy_eevdf, 3);
	bench_add(bench, 0, 1024, 100 * MS);
	bench_thread_make(bench, 1, 1024, MS / 10);
	bench_set_lag(bench, 1, -2 * (int64_t)MS);
	bench_enqueue(bench, 1, POLICY_JOIN_EXACT);
	cr_assert_lt(bench_number(bench_info(bench, 1).thread_vd),
		     bench_number(bench_info(bench, 0).thread_vd));
	cr_assert_eq(bench_pick(bench), 0);
	bench_free(bench);
}

/* Division truncated towards zero, so with negative times a thread placed at V lay above V. */
Test(eevdf, L03_placed_at_V_is_eligible)
{
	struct bench *bench = bench_make(&policy_eevdf, 4);
	bench_add(bench, 0, 7, 100000);
	bench_thread_make(bench, 1, 3, 100000);
	bench_set_lag(bench, 1, 99999999); /* V goes below zero */
	bench_enqueue(bench, 1, POLICY_JOIN_EXACT);
	cr_assert_lt(bench_v(bench), 0);
	bench_add(bench, 2, 11, 100000);
	cr_assert_geq(bench_lag(bench, 2), -1e-9);
	bench_dequeue(bench, 1, POLICY_LEAVE_KEEP);
	bench_dequeue(bench, 0, POLICY_LEAVE_KEEP);
	bench_add(bench, 3, 13, 100000);
	cr_assert_geq(bench_lag(bench, 3), -1e-9);
	bench_free(bench);
}

/* Alone for days: virtual time overflowed at the first join. */
Test(eevdf, L04_alone_for_days_then_a_join)
{
	static const uint32_t weights[] = {2, 15, 1024, 88761};
	for (uint32_t i = 0; i < 4; i++) {
		struct bench *bench = bench_make(&policy_eevdf, 2);
		bench_add(bench, 0, weights[i], 3 * MS);
		for (uint32_t day = 0; day < 400; day++) {
			bench_pick(bench);
			bench_run(bench, UINT64_C(86400000) * MS);
		}
		bench_add(bench, 1, weights[i], 3 * MS);
		const uint64_t before = bench->threads[0].service_ns;
		bench_run_until(bench, bench->now_ns + 600 * MS, MS);
		assert_near((double)(bench->threads[0].service_ns - before), 300e6, 3.1e6);
		assert_near((double)bench->threads[1].service_ns, 300e6, 3.1e6);
		bench_free(bench);
	}
}

/* Each sleep lost or gained a little lag. */
Test(eevdf, L05_ten_thousand_sleeps_no_drift)
{
	static const uint32_t weights[] = {2, 15, 1024, 88761};
	for (uint32_t i = 0; i < 4; i++) {
		struct bench *bench = hogs(3);
		bench_dequeue(bench, 2, POLICY_LEAVE_EXIT);
		bench_thread_make(bench, 2, weights[i], 3 * MS);
		bench_set_lag(bench, 2, 123456);
		for (uint32_t j = 0; j < 10000; j++) {
			bench_enqueue(bench, 2, POLICY_JOIN_WAKE);
			bench_dequeue(bench, 2, POLICY_LEAVE_SLEEP);
		}
		assert_near(bench_lag(bench, 2), 123456, 1e-6);
		bench_free(bench);
	}
}

/* A thread ran uninterrupted for hours; products of its lag overflowed. */
Test(eevdf, L06_run_of_ten_thousand_seconds)
{
	struct bench *bench = hogs(3);
	bench_params(bench, 0, 2, 3 * MS);
	bench_params(bench, 1, 88761, 3 * MS);
	bench_pick(bench);
	const uint32_t first = bench->tid;
	bench_run(bench, UINT64_C(10000000) * MS);
	const uint32_t other = first == 1 ? 2 : 1;
	bench_dequeue(bench, other, POLICY_LEAVE_SLEEP);
	cr_assert_leq(bench_lag(bench, other), 3e6); /* clamped to the longest slice */
	bench_enqueue(bench, other, POLICY_JOIN_WAKE);
	cr_assert_neq(bench_pick(bench), first);
	bench_free(bench);
}

/* Weight changes moved lag, most of all for sleeping and delayed threads. */
Test(eevdf, L07_reweight_in_every_state)
{
	struct bench *bench = hogs(4);
	bench_pick(bench);
	bench_run(bench, MS);
	const uint32_t running = bench->tid;
	const double lag = bench_lag(bench, running);
	bench_params(bench, running, 15, 3 * MS);
	assert_near(bench_lag(bench, running), lag, 1e-6);
	bench_dequeue(bench, running, POLICY_LEAVE_SLEEP);
	cr_assert_eq(bench_info(bench, running).state, POLICY_DELAYED);
	bench_params(bench, running, 88761, 3 * MS);
	cr_assert_eq(bench_info(bench, running).state, POLICY_DELAYED);
	assert_near(bench_lag(bench, running), lag, 1e-6);
	const uint32_t out = running == 3 ? 2 : 3;
	bench_dequeue(bench, out, POLICY_LEAVE_SLEEP);
	const double kept = bench_lag(bench, out);
	bench_params(bench, out, 2, 3 * MS);
	assert_near(bench_lag(bench, out), kept, 0);
	bench_free(bench);
}

Test(eevdf, L07_hundred_thousand_reweights_no_drift)
{
	static const uint32_t weights[] = {2, 15, 88761};
	struct bench *bench = hogs(5);
	uint64_t seed = 21;
	bench_run_until(bench, 7 * MS, MS);
	double lag[5];
	for (uint32_t tid = 0; tid < 5; tid++)
		lag[tid] = bench_lag(bench, tid);
	for (uint32_t i = 0; i < 100000; i++)
		bench_params(bench, (uint32_t)(bench_random(&seed) % 5),
			     weights[bench_random(&seed) % 3], 3 * MS);
	for (uint32_t tid = 0; tid < 5; tid++)
		assert_near(bench_lag(bench, tid), lag[tid], 1e-6);
	bench_free(bench);
}

/* A key changed while its node was in the tree; the running thread was inserted twice.  check() looks at
 * order, summaries and places after every step of the bench. */
Test(eevdf, L08_order_after_every_change)
{
	struct bench *bench = hogs(20);
	uint64_t seed = 2;
	for (uint32_t i = 0; i < 5000; i++) {
		const uint32_t tid = (uint32_t)(bench_random(&seed) % 20);
		bench_pick(bench);
		bench_run(bench, 1 + bench_random(&seed) % (4 * MS));
		bench_params(bench, tid, 1 + (uint32_t)(bench_random(&seed) % 5000),
			     (1 + bench_random(&seed) % 99) * 100000);
		bench->ops->charge(bench_cpu(bench), bench_thread(bench, tid), 1000, 0);
		bench_enqueue(bench, tid, POLICY_JOIN_YIELD);
		bench_pick(bench);
		bench_pick(bench);
	}
	bench_free(bench);
}

/* Changes of class forgot W. */
Test(eevdf, L09_W_is_the_sum_of_weights)
{
	struct bench *bench = hogs(6);
	uint64_t seed = 77;
	for (uint32_t i = 0; i < 3000; i++) {
		const uint32_t tid = (uint32_t)(bench_random(&seed) % 6);
		struct policy_params *params = &bench->threads[tid].params;
		params->class = params->class == POLICY_CLASS_NORMAL ? POLICY_CLASS_BACKGROUND
								     : POLICY_CLASS_NORMAL;
		bench_params(bench, tid, params->class == POLICY_CLASS_NORMAL ? 1024 : 3, 3 * MS);
		bench_pick(bench);
		bench_run(bench, MS / 2);
		if (i % 3 == 0)
			bench_dequeue(bench, tid, POLICY_LEAVE_SLEEP);
		else
			bench_enqueue(bench, tid, POLICY_JOIN_WAKE);
		uint64_t sum = 0;
		for (uint32_t j = 0; j < 6; j++)
			sum += bench_info(bench, j).state == POLICY_OUT
				       ? 0
				       : bench->threads[j].params.weight;
		cr_assert_eq(bench_info(bench, 0).weight, sum);
	}
	bench_free(bench);
}

/* An unsigned minimum of an empty queue was stored as somebody's slice. */
Test(eevdf, L10_slice_in_bounds)
{
	struct bench *bench = bench_make(&policy_eevdf, 2);
	struct policy_params params = {
		.tid = 0, .weight = 1024, .slice_ns = POLICY_SLICE_NS_MIN - 1};
	cr_assert_eq(bench->ops->thread_init(bench_thread(bench, 0), &params), ERR_RANGE);
	params.slice_ns = POLICY_SLICE_NS_MAX + 1;
	cr_assert_eq(bench->ops->thread_init(bench_thread(bench, 0), &params), ERR_RANGE);
	bench_add(bench, 0, 1024, POLICY_SLICE_NS_MIN);
	params.slice_ns = 0;
	cr_assert_eq(bench->ops->set_params(bench_cpu(bench), bench_thread(bench, 0), &params, 0),
		     ERR_RANGE);
	for (uint32_t i = 0; i < 1000; i++) {
		bench_pick(bench);
		cr_assert_eq(bench->picked.slice_ns, TIME_NEVER);
		bench_run(bench, 77777);
		cr_assert_eq(bench_info(bench, 0).slice_ns, POLICY_SLICE_NS_MIN);
		bench_dequeue(bench, 0, POLICY_LEAVE_SLEEP);
		cr_assert_eq(bench_pick(bench), UINT32_MAX);
		cr_assert_eq(bench->picked.slice_ns, TIME_NEVER);
		bench_enqueue(bench, 0, POLICY_JOIN_WAKE);
		cr_assert_leq(bench_info(bench, 0).left_ns, POLICY_SLICE_NS_MIN);
	}
	bench_free(bench);
}

/* A slice changed during a sleep counted only after one more request. */
Test(eevdf, L11_slice_is_read_again_at_placement)
{
	struct bench *bench = hogs(2);
	bench_dequeue(bench, 1, POLICY_LEAVE_SLEEP);
	bench_params(bench, 1, 1024, 100000);
	bench_enqueue(bench, 1, POLICY_JOIN_WAKE);
	cr_assert_eq(bench_info(bench, 1).left_ns, 100000);
	bench_pick(bench);
	bench_params(bench, bench->tid, 1024, 200000);
	while (!bench_run(bench, 1000))
		;
	cr_assert_eq(bench_info(bench, bench->tid).left_ns, 200000);
	bench_free(bench);
}

/* Puts thread 0 of three equal hogs to sleep in debt. */
static struct bench *with_delayed(void)
{
	struct bench *bench = hogs(3);
	cr_assert_eq(bench_pick(bench), 0);
	bench_run(bench, 2 * MS);
	bench_dequeue(bench, 0, POLICY_LEAVE_SLEEP);
	cr_assert_eq(bench_info(bench, 0).state, POLICY_DELAYED);
	return bench;
}

/* A delayed sleeper was picked; a second wake or a change of class lost it. */
Test(eevdf, L12_delayed_sleeper_never_runs)
{
	struct bench *bench = with_delayed();
	cr_assert_eq(bench_info(bench, 0).load, 2048);
	for (uint32_t i = 0; i < 20; i++) {
		cr_assert_neq(bench_pick(bench), 0);
		bench_run(bench, bench->picked.slice_ns / (1 + i % 2));
	}
	cr_assert_eq(bench_info(bench, 0).state, POLICY_OUT);
	cr_assert_eq(bench_lag(bench, 0), 0);
	bench_free(bench);
}

Test(eevdf, L12_second_wake_and_class_change_do_not_strand_it)
{
	struct bench *bench = with_delayed();
	const double lag = bench_lag(bench, 0);
	bench->threads[0].params.class = POLICY_CLASS_BACKGROUND;
	bench_params(bench, 0, 3, 3 * MS);
	assert_near(bench_lag(bench, 0), lag, 1e-6);
	bench_enqueue(bench, 0, POLICY_JOIN_WAKE);
	bench_enqueue(bench, 0, POLICY_JOIN_WAKE);
	cr_assert_eq(bench_info(bench, 0).state, POLICY_QUEUED);
	assert_near(bench_lag(bench, 0), lag, 1e-6);
	bench->threads[0].params.class = POLICY_CLASS_NORMAL;
	bench_params(bench, 0, 1024, 3 * MS);
	bench_run_until(bench, bench->now_ns + 30 * MS, MS);
	cr_assert_gt(bench->threads[0].service_ns, 2 * MS);
	bench_free(bench);
}

/* A wake moved the thread to another CPU while its delayed sleep ended here. */
Test(eevdf, L13_one_queue_owns_a_delayed_sleeper)
{
	struct bench *bench = with_delayed();
	struct bench *there = hogs(1);
	struct policy_migration migration;
	const double lag = bench_lag(bench, 0);
	bench->ops->migrate_out(bench_cpu(bench), bench_thread(bench, 0), &migration, 0);
	cr_assert_eq(migration.state, POLICY_OUT);
	cr_assert_eq(bench_info(bench, 0).weight, 2048);
	bench_run_until(bench, bench->now_ns + 30 * MS, MS); /* nothing left behind to finish */
	cr_assert_eq(bench_info(bench, 0).state, POLICY_OUT);
	there->ops->migrate_in(bench_cpu(there), bench_thread(bench, 0), &migration, 0);
	there->ops->enqueue(bench_cpu(there), bench_thread(bench, 0), POLICY_JOIN_WAKE, 0);
	struct policy_info info;
	there->ops->query(bench_cpu(there), bench_thread(bench, 0), &info);
	assert_near(bench_number(info.lag_ns), lag, 1e-6);
	cr_assert_eq(there->ops->check(bench_cpu(there)), 0);
	bench_free(bench);
	bench_free(there);
}

/* A lone thread was interrupted at each slice end for nothing. */
Test(eevdf, L14_lone_thread_has_no_slice_interrupt)
{
	struct bench *bench = hogs(2);
	bench_dequeue(bench, 1, POLICY_LEAVE_SLEEP);
	for (uint32_t i = 0; i < 100; i++) {
		cr_assert_eq(bench_pick(bench), 0);
		cr_assert_eq(bench->picked.slice_ns, TIME_NEVER);
		bench_run(bench, 50 * MS);
	}
	bench_enqueue(bench, 1, POLICY_JOIN_WAKE);
	bench_pick(bench);
	cr_assert_leq(bench->picked.slice_ns, 3 * MS);
	bench_free(bench);
}

/* A background thread finished its slice while a normal one waited. */
Test(eevdf, L15_background_yields_at_once_to_a_normal_wake)
{
	struct bench *bench = bench_make(&policy_eevdf, 34);
	for (uint32_t tid = 2; tid < 34; tid++)
		bench_add_class(bench, tid, POLICY_WEIGHT_BACKGROUND, 3 * MS,
				POLICY_CLASS_BACKGROUND);
	bench_thread_make(bench, 0, 1024, 3 * MS);
	bench_thread_make(bench, 1, 15, 100 * MS);
	uint64_t seed = 4;
	for (uint32_t i = 0; i < 2000; i++) {
		const uint32_t normal = i % 2;
		bench_pick(bench);
		bench_run(bench, 1 + bench_random(&seed) % bench->picked.slice_ns);
		bench_pick(bench);
		const uint32_t background = bench->tid;
		bench_run(bench, 1);
		bench_set_lag(bench, normal, 0);
		bench_enqueue(bench, normal, POLICY_JOIN_WAKE);
		cr_assert(bench->ops->preempts(bench_cpu(bench), bench_thread(bench, background),
					       bench_thread(bench, normal), 0));
		cr_assert_eq(bench_pick(bench), normal);
		bench_run(bench, 20000);
		bench_dequeue(bench, normal, POLICY_LEAVE_KEEP);
	}
	bench_free(bench);
}

/* It is one of them now: who woke while it was a background thread comes when it is due. */
Test(eevdf, L15_a_background_thread_that_becomes_normal_goes_on)
{
	struct bench *bench = bench_make(&policy_eevdf, 2);

	bench_add_class(bench, 0, POLICY_WEIGHT_BACKGROUND, 3 * MS, POLICY_CLASS_BACKGROUND);
	cr_assert_eq(bench_pick(bench), 0);
	bench_add(bench, 1, 1024, 10 * MS);
	bench->threads[0].params.class = POLICY_CLASS_NORMAL;
	bench_params(bench, 0, 1024, 3 * MS);
	cr_assert_eq(bench_pick(bench), 0);
	bench_run(bench, 3 * MS);
	cr_assert_eq(bench_pick(bench), 1);
	bench_free(bench);
}

/* Migration went through enqueue and gave a fresh deadline, or lost the lag. */
Test(eevdf, L16_migration_keeps_lag_and_relative_deadline)
{
	struct bench *bench = hogs(3);
	struct bench *there = hogs(2);
	struct policy_migration migration;
	struct policy_info after;
	there->threads[0].params.weight = 1024;
	bench_run_until(there, 11 * MS, MS);
	bench_pick(bench);
	bench_run(bench, 1234567);
	const uint32_t tid = bench->tid;
	const struct policy_info before = bench_info(bench, tid);
	bench->ops->migrate_out(bench_cpu(bench), bench_thread(bench, tid), &migration, 0);
	cr_assert_eq(migration.state, POLICY_QUEUED);
	there->ops->migrate_in(bench_cpu(there), bench_thread(bench, tid), &migration, 0);
	there->ops->query(bench_cpu(there), bench_thread(bench, tid), &after);
	assert_near(bench_number(after.lag_ns), bench_number(before.lag_ns), 1e-6);
	cr_assert_eq(after.left_ns, before.left_ns);
	assert_near(bench_number(after.thread_vd) - bench_number(after.thread_v),
		    bench_number(before.thread_vd) - bench_number(before.thread_v), 1e-6);
	bench_free(bench);

	bench = bench_make(&policy_eevdf, 1); /* onto an empty queue the lag becomes 0 */
	bench_thread_make(bench, 0, 1024, 3 * MS);
	bench->ops->migrate_in(bench_cpu(bench), bench_thread(bench, 0), &migration, 0);
	cr_assert_eq(bench_lag(bench, 0), 0);
	cr_assert_eq(bench_info(bench, 0).left_ns, before.left_ns);
	bench_free(bench);
	bench_free(there);
}

/* A new thread is to get a short first request, or forking floods the queue. */
Test(eevdf, Z37_first_request_is_half_a_slice)
{
	struct bench *bench = hogs(2);
	bench_dequeue(bench, 1, POLICY_LEAVE_EXIT);
	bench_thread_make(bench, 1, 1024, 3 * MS);
	bench_enqueue(bench, 1, POLICY_JOIN_NEW);
	cr_assert_eq(bench_info(bench, 1).left_ns, 3 * MS / 2);
	bench_free(bench);
}

/* The next to run blocks with the rest of its request left, and wakes at once. */
static void block_after(struct bench *bench, uint32_t tid, uint64_t ns, enum policy_state state)
{
	cr_assert_eq(bench_pick(bench), tid);
	bench_run(bench, ns);
	cr_assert_eq(bench_info(bench, tid).left_ns, 3 * MS - ns);
	bench_dequeue(bench, tid, POLICY_LEAVE_SLEEP);
	cr_assert_eq(bench_info(bench, tid).state, state);
	bench_enqueue(bench, tid, POLICY_JOIN_WAKE);
	cr_assert_eq(bench_info(bench, tid).left_ns, 3 * MS, "thread %u", tid);
}

/* Who blocked in mid-request would come back with the rest alone, and an early deadline. */
Test(eevdf, Z37_a_whole_request_after_a_block)
{
	struct bench *bench = hogs(2);
	block_after(bench, 0, MS, POLICY_DELAYED); /* it had more than its share */
	block_after(bench, 1, MS / 2, POLICY_OUT); /* and this one less */
	bench_free(bench);
}

/* Short slices: without a second chance when they become eligible their p99 more than doubles. */
Test(eevdf, short_slice_cuts_in_when_it_becomes_eligible)
{
	struct bench *bench = hogs(9);
	bench_dequeue(bench, 8, POLICY_LEAVE_EXIT);
	bench_thread_make(bench, 8, 1024, 100000);
	uint64_t worst = 0;
	for (uint32_t i = 0; i < 2000; i++) {
		bench_run_until(bench, bench->now_ns + 2 * MS, MS);
		bench_enqueue(bench, 8, POLICY_JOIN_WAKE);
		const uint64_t woken = bench->now_ns;
		while (bench_pick(bench) != 8)
			bench_run(bench, bench->picked.slice_ns);
		if (bench->now_ns - woken > worst)
			worst = bench->now_ns - woken;
		bench_run(bench, 50000);
		bench_pick(bench);
		bench_dequeue(bench, 8, POLICY_LEAVE_SLEEP);
	}
	cr_assert_leq(worst, 100000, "worst wake %lu ns", (unsigned long)worst);
	bench_free(bench);
}

/* Two whose lags cross would change places at every entry. */
Test(eevdf, run_to_parity)
{
	struct bench *bench = hogs(2);
	cr_assert_eq(bench_pick(bench), 0);
	for (uint32_t i = 0; i < 29; i++) {
		bench_run(bench, 100000);
		cr_assert_eq(bench_pick(bench), 0, "after %u", i);
	}
	bench_run(bench, 100000);
	cr_assert_eq(bench_pick(bench), 1);
	bench_free(bench);
}

static uint32_t rule_of(struct bench *bench)
{
	return bench->ops->check(bench_cpu(bench));
}

/* check() is what finds a queue that a fault has spoilt, so it must know what is wrong with a thread ... */
Test(eevdf, check_names_what_is_wrong_with_a_thread)
{
	struct bench *bench = bench_make(&policy_eevdf, 2);
	struct eevdf_thread *thread = (struct eevdf_thread *)(void *)bench_thread(bench, 0);
	struct eevdf_thread good;
	bench_add(bench, 0, 1024, 3 * MS);
	cr_assert_eq(bench_pick(bench), 0);
	bench_run(bench, MS);
	cr_assert_eq(rule_of(bench), EEVDF_RULE_NONE);
	good = *thread;
#define WRONG(change, rule)                                          \
	do {                                                         \
		change;                                              \
		cr_assert_eq(rule_of(bench), (rule), "%s", #change); \
		*thread = good;                                      \
	} while (0)
	WRONG(thread->weight = 0, EEVDF_RULE_PARAMS);
	WRONG(thread->weight = POLICY_WEIGHT_MAX + 1, EEVDF_RULE_PARAMS);
	WRONG(thread->slice_ns = POLICY_SLICE_NS_MIN - 1, EEVDF_RULE_PARAMS);
	WRONG(thread->slice_ns = POLICY_SLICE_NS_MAX + 1, EEVDF_RULE_PARAMS);
	WRONG(thread->class = EEVDF_CLASSES, EEVDF_RULE_PARAMS);
	WRONG(thread->state = POLICY_QUEUED, EEVDF_RULE_RUNNING);
	WRONG(thread->v_rem = thread->weight, EEVDF_RULE_REMAINDER);
	WRONG(thread->ve_rem = thread->weight, EEVDF_RULE_REMAINDER);
	WRONG(thread->vd_rem = thread->weight, EEVDF_RULE_REMAINDER);
	WRONG(thread->left_ns++, EEVDF_RULE_REQUEST);
	WRONG(thread->vd = thread->v, EEVDF_RULE_REQUEST);
	WRONG(thread->ve = thread->v + 1, EEVDF_RULE_REQUEST);
	WRONG(thread->v++;
	      thread->left_ns = vtime_ns_ceil(vtime_left(&thread->request), 0), EEVDF_RULE_LAG);
	bench_free(bench);
}

/* ... and with a queue: one is running, one waits, one sleeps in debt. */
Test(eevdf, check_names_what_is_wrong_with_a_queue)
{
	struct bench *bench = bench_make(&policy_eevdf, 3);
	struct eevdf_cpu *cpu = (struct eevdf_cpu *)(void *)bench_cpu(bench);
	struct eevdf_thread *waits = (struct eevdf_thread *)(void *)bench_thread(bench, 2);
	for (uint32_t tid = 0; tid < 3; tid++)
		bench_add(bench, tid, 1024, 3 * MS);
	cr_assert_eq(bench_pick(bench), 0);
	bench_run(bench, 2 * MS);
	bench_dequeue(bench, 0, POLICY_LEAVE_SLEEP);
	cr_assert_eq(bench_info(bench, 0).delayed, 1);
	cr_assert_eq(bench_pick(bench), 1);
	cr_assert_eq(rule_of(bench), EEVDF_RULE_NONE);
	struct eevdf_cpu good_cpu = *cpu;
	struct eevdf_thread good = *waits;
#define BROKEN(change, rule)                                         \
	do {                                                         \
		change;                                              \
		cr_assert_eq(rule_of(bench), (rule), "%s", #change); \
		*cpu = good_cpu;                                     \
		*waits = good;                                       \
	} while (0)
	BROKEN(cpu->first[0] = NULL, EEVDF_RULE_TREE);
	BROKEN(waits->node.red = true, EEVDF_RULE_TREE);
	BROKEN(waits->min_v++, EEVDF_RULE_SUMMARY);
	BROKEN(waits->min_slice_ns++, EEVDF_RULE_SUMMARY);
	BROKEN(waits->max_slice_ns++, EEVDF_RULE_SUMMARY);
	BROKEN(waits->class = POLICY_CLASS_BACKGROUND, EEVDF_RULE_PARAMS);
	BROKEN(cpu->runnable++, EEVDF_RULE_COUNT);
	BROKEN(cpu->sleepers--, EEVDF_RULE_COUNT);
	BROKEN(cpu->weight++, EEVDF_RULE_WEIGHT);
	BROKEN(cpu->weight_delayed++, EEVDF_RULE_WEIGHT);
	BROKEN(cpu->vrem = cpu->weight, EEVDF_RULE_REMAINDER);
	BROKEN(cpu->vrem++, EEVDF_RULE_LAG);
	BROKEN(cpu->misuse++, EEVDF_RULE_MISUSE);
	bench_free(bench);
}
