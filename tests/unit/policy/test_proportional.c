/* SPDX-License-Identifier: BSD-2-Clause */
/* What is particular to stride, central, lottery and chaos; the rest is in the conformance suite. */
#include "bench.h"
#include <math.h>
#include <string.h>

#define MS UINT64_C(1000000)

/* Shares after `ns`, each against its weight's part; the largest error in ns. */
static double share_error(struct bench *bench, uint64_t ns)
{
	uint64_t weight = 0;
	double worst = 0;
	bench_run_until(bench, ns, MS);
	for (uint32_t tid = 0; tid < bench->count; tid++)
		weight += bench->threads[tid].params.weight;
	for (uint32_t tid = 0; tid < bench->count; tid++) {
		const struct bench_thread *thread = &bench->threads[tid];
		const double ideal = (double)ns * thread->params.weight / (double)weight;
		worst = fmax(worst, fabs((double)thread->service_ns - ideal));
	}
	return worst;
}

Test(stride, the_classic_example)
{
	struct bench *bench = bench_make(&policy_stride, 3);
	const uint32_t weights[] = {3072, 2048, 1024};
	char order[13] = "";
	for (uint32_t tid = 0; tid < 3; tid++)
		bench_add(bench, tid, weights[tid], MS);
	for (uint32_t i = 0; i < 12; i++) {
		order[i] = (char)('a' + bench_pick(bench));
		bench_run(bench, MS);
	}
	cr_assert_str_eq(order, "abcabacbaaba", "it is %s", order);
	bench_free(bench);
}

Test(stride, shares_follow_weights)
{
	struct bench *bench = bench_make(&policy_stride, 8);
	for (uint32_t tid = 0; tid < 8; tid++)
		bench_add(bench, tid, 100u << tid, (1 + tid % 3) * MS);
	/* The error stays within a few slices however long it runs. */
	cr_assert_lt(share_error(bench, 1000 * MS), 3.0 * 8 * MS);
	cr_assert_lt(share_error(bench, 20000 * MS), 3.0 * 8 * MS);
	bench_free(bench);
}

/* In the middle of a turn: the running thread stays, unless the order alone is asked for. */
Test(stride, a_turn_is_gone_on_with)
{
	struct bench *bench = bench_make(&policy_stride, 2);
	for (uint32_t tid = 0; tid < 2; tid++)
		bench_add(bench, tid, 1024, 3 * MS);
	const uint32_t first = bench_pick(bench);
	cr_assert_not(bench_run(bench, MS));
	cr_assert_eq(bench_pick(bench), first);
	bench->flags = POLICY_PICK_FRESH;
	cr_assert_eq(bench_pick(bench), 1 - first, "it has received less");
	bench_free(bench);
}

/* The rest of a turn travels. */
Test(stride, a_turn_goes_on_elsewhere)
{
	struct bench *bench = bench_make(&policy_stride, 2);
	struct bench *other = bench_make(&policy_stride, 2);
	struct policy_migration migration;
	for (uint32_t tid = 0; tid < 2; tid++)
		bench_add(bench, tid, 1024, 3 * MS);
	const uint32_t first = bench_pick(bench);
	bench_run(bench, MS);
	bench->ops->migrate_out(bench_cpu(bench), bench_thread(bench, first), &migration,
				bench->now_ns);
	bench_thread_make(other, 0, 1024, 3 * MS);
	other->ops->migrate_in(bench_cpu(other), bench_thread(other, 0), &migration, bench->now_ns);
	cr_assert_eq(bench_info(other, 0).left_ns, 2 * MS);
	bench_free(bench);
	bench_free(other);
}

/* w v is the service, to the last unit, however it is split and whatever the weight. */
Test(stride, remainders_are_kept)
{
	struct bench *bench = bench_make(&policy_stride, 3);
	const uint32_t weights[] = {3, 1021, 88761};
	uint64_t seed = 11;
	for (uint32_t tid = 0; tid < 3; tid++)
		bench_add(bench, tid, weights[tid], 3 * MS);
	for (uint32_t i = 0; i < 100000; i++) {
		bench_pick(bench);
		bench_run(bench, 1 + bench_random(&seed) % 7);
	}
	double sum = 0;
	for (uint32_t tid = 0; tid < 3; tid++) {
		const double service = (double)bench->threads[tid].service_ns;
		const double v = bench_v(bench);
		assert_near(bench_lag(bench, tid), v * weights[tid] - service,
			    weights[tid] / 512.0);
		sum += bench_lag(bench, tid);
	}
	/* The lags cancel, up to what the figures leave out. */
	assert_near(sum, 0, (3 + 1021 + 88761) / 512.0);
	bench_free(bench);
}

Test(stride, joins_at_the_global_pass)
{
	struct bench *bench = bench_make(&policy_stride, 3);
	bench_add(bench, 0, 1024, MS);
	bench_add(bench, 1, 1024, MS);
	bench_run_until(bench, 500 * MS, MS);
	bench_add(bench, 2, 1024, MS);
	cr_assert_eq(bench_info(bench, 2).lag_ns.whole, 0);
	for (uint32_t tid = 0; tid < 3; tid++)
		bench->threads[tid].service_ns = 0;
	bench_run_until(bench, 800 * MS, MS);
	for (uint32_t tid = 0; tid < 3; tid++)
		assert_near((double)bench->threads[tid].service_ns, 100.0 * MS, 3.0 * MS);
	bench_free(bench);
}

Test(stride, sleep_saves_no_credit_and_loses_no_debt)
{
	struct bench *bench = bench_make(&policy_stride, 2);
	bench_add(bench, 0, 1024, MS);
	bench_thread_make(bench, 1, 1024, 4 * MS);
	bench_set_lag(bench, 1, 3600 * 1000 * (int64_t)MS);
	bench_enqueue(bench, 1, POLICY_JOIN_WAKE);
	cr_assert_eq(bench_info(bench, 1).lag_ns.whole, 4 * (int64_t)MS, "one slice at most");
	bench_dequeue(bench, 1, POLICY_LEAVE_SLEEP);
	bench_set_lag(bench, 1, -2 * (int64_t)MS);
	bench_enqueue(bench, 1, POLICY_JOIN_WAKE);
	cr_assert_eq(bench_info(bench, 1).lag_ns.whole, -2 * (int64_t)MS);
	bench_params(bench, 1, 77, 4 * MS);
	cr_assert_eq(bench_info(bench, 1).lag_ns.whole, -2 * (int64_t)MS, "whatever its weight");
	cr_assert_eq(bench_pick(bench), 0);
	bench_free(bench);
}

Test(stride, a_nap_changes_nothing)
{
	struct bench *bench = bench_make(&policy_stride, 3);
	for (uint32_t tid = 0; tid < 3; tid++)
		bench_add(bench, tid, 1024, 3 * MS);
	const uint32_t tid = bench_pick(bench);
	bench_run(bench, 3 * MS);
	for (uint32_t nap = 0; nap < 1000; nap++) {
		bench_dequeue(bench, tid, POLICY_LEAVE_SLEEP);
		cr_assert_eq(bench_info(bench, tid).lag_ns.whole, -2 * (int64_t)MS);
		bench_enqueue(bench, tid, POLICY_JOIN_WAKE);
	}
	assert_near(bench_lag(bench, tid), -2.0 * MS, 1e-6);
	assert_near(bench_lag(bench, (tid + 1) % 3), 1.0 * MS, 1e-6);
	bench_free(bench);
}

/* Though its pass is still the least. */
Test(stride, a_yield_lets_another_go_first)
{
	struct bench *bench = bench_make(&policy_stride, 2);
	bench_add(bench, 0, 88761, 3 * MS);
	bench_add(bench, 1, 15, 3 * MS);
	for (uint32_t i = 0; i < 2; i++) {
		cr_assert_eq(bench_pick(bench), i);
		bench_run(bench, 3 * MS);
	}
	for (uint32_t i = 0; i < 10; i++) {
		cr_assert_eq(bench_pick(bench), 0);
		bench_run(bench, 1000);
		bench_enqueue(bench, 0, POLICY_JOIN_YIELD);
		cr_assert_eq(bench_pick(bench), 1);
		bench_run(bench, 3 * MS);
	}
	bench_free(bench);
}

/* One beside a worker: for 1.4 ms, as the heir of those who ended before it.  What it leaves to the next. */
static int64_t one_turn_in_its_place(struct bench *bench, uint32_t tid, int64_t owed_ns)
{
	bench_thread_make(bench, tid, 1024, 3 * MS);
	bench_set_lag(bench, tid, -owed_ns);
	bench_enqueue(bench, tid, POLICY_JOIN_NEW);
	while (bench_pick(bench) != tid)
		bench_run(bench, bench->picked.slice_ns);
	bench_run(bench, 1400 * MS / 1000);
	bench_dequeue(bench, tid, POLICY_LEAVE_EXIT);
	const int64_t lag_ns = bench_info(bench, tid).lag_ns.whole;
	return lag_ns < 0 ? -lag_ns : 0;
}

Test(central, who_is_new_pays_for_whom_it_replaces)
{
	struct bench *bench = bench_make(&policy_central, 2);
	int64_t owed_ns = 0;
	bench_add(bench, 0, 1024, 3 * MS);
	while (bench->now_ns < 1000 * MS)
		owed_ns = one_turn_in_its_place(bench, 1, owed_ns);
	assert_near((double)bench->threads[0].service_ns, 500.0 * MS, 5.0 * MS);
	bench_free(bench);
}

/* Places that are used in turn: the debt of each waits until it is used again, however far the floor is. */
Test(central, what_ended_owes_until_it_is_replaced)
{
	struct bench *bench = bench_make(&policy_central, 11);
	int64_t owed_ns[11] = {0};
	bench_add(bench, 0, 1024, 3 * MS);
	bench_run_until(bench, 10 * MS, MS);
	for (uint32_t round = 0; bench->now_ns < 2000 * MS; round++) {
		const uint32_t tid = 1 + round % 10;
		owed_ns[tid] = one_turn_in_its_place(bench, tid, owed_ns[tid]);
		cr_assert_gt(owed_ns[tid], 0);
	}
	assert_near((double)bench->threads[0].service_ns, 1000.0 * MS, 50.0 * MS);
	cr_assert_eq(bench_info(bench, 1).lag_ns.whole, -owed_ns[1]);
	bench_free(bench);
}

Test(central, a_bill_counts_whole_and_credit_for_a_slice)
{
	struct bench *bench = bench_make(&policy_central, 3);
	bench_add(bench, 0, 1024, 3 * MS);
	bench_thread_make(bench, 1, 77, 3 * MS);
	cr_assert_eq(bench_info(bench, 1).lag_ns.whole, 0, "of one that is new");
	bench_set_lag(bench, 1, -20 * (int64_t)MS);
	bench_enqueue(bench, 1, POLICY_JOIN_NEW);
	assert_near(bench_lag(bench, 1), -20.0 * MS, 1);
	bench_dequeue(bench, 1, POLICY_LEAVE_SLEEP);
	assert_near(bench_lag(bench, 1), -3.0 * MS, 1);
	/* It sleeps: what it comes back with is a slice, and less if it has to pay meanwhile. */
	bench_run_until(bench, 500 * MS, MS);
	assert_near(bench_lag(bench, 1), 3.0 * MS, 1);
	bench_set_lag(bench, 1, 3 * (int64_t)MS - 5 * (int64_t)MS);
	bench_enqueue(bench, 1, POLICY_JOIN_WAKE);
	assert_near(bench_lag(bench, 1), -2.0 * MS, 1);
	bench_thread_make(bench, 2, 1024, 3 * MS);
	bench_set_lag(bench, 2, 3600 * 1000 * (int64_t)MS);
	bench_enqueue(bench, 2, POLICY_JOIN_NEW);
	assert_near(bench_lag(bench, 2), 3.0 * MS, 1);
	bench_free(bench);
}

/* Of one that has ended it is saved as well, and it travels. */
Test(central, what_is_owed_stays_through_a_restart_and_a_journey)
{
	struct bench *one = bench_make(&policy_central, 2);
	struct bench *two = bench_make(&policy_central, 2);
	struct policy_thread *threads[] = {bench_thread(two, 0), bench_thread(two, 1)};
	struct policy_record queue, records[2];
	struct policy_migration migration;
	bench_add(one, 0, 1024, 3 * MS);
	bench_run_until(one, 50 * MS, MS);
	bench_thread_make(one, 1, 1024, 3 * MS);
	bench_set_lag(one, 1, -2 * (int64_t)MS);
	one->ops->save(bench_cpu(one), NULL, &queue);
	for (uint32_t tid = 0; tid < 2; tid++) {
		one->ops->save(bench_cpu(one), bench_thread(one, tid), &records[tid]);
		bench_thread_make(two, tid, 1024, 3 * MS);
	}
	cr_assert_eq(two->ops->restore(bench_cpu(two), &queue, threads, records, 2), ERR_OK);
	cr_assert_eq(bench_info(two, 1).lag_ns.whole, -2 * (int64_t)MS);
	for (uint32_t tid = 0; tid < 2; tid++) {
		two->ops->migrate_out(bench_cpu(two), threads[tid], &migration, 0);
		two->ops->migrate_in(bench_cpu(two), threads[tid], &migration, 0);
	}
	cr_assert_eq(bench_info(two, 0).thread_v.whole, bench_info(one, 0).thread_v.whole);
	cr_assert_eq(bench_info(two, 1).lag_ns.whole, -2 * (int64_t)MS);
	bench_enqueue(two, 1, POLICY_JOIN_WAKE);
	cr_assert_eq(bench_info(two, 1).lag_ns.whole, -2 * (int64_t)MS);
	bench_free(one);
	bench_free(two);
}

Test(lottery, shares_follow_weights_within_chance)
{
	struct bench *bench = bench_make(&policy_lottery, 4);
	const uint32_t weights[] = {1024, 2048, 512, 4608};
	for (uint32_t tid = 0; tid < 4; tid++)
		bench_add(bench, tid, weights[tid], (1 + tid) * MS);
	/* About 5,000 draws; four standard deviations of the largest are 4 sqrt(n p q) slices. */
	cr_assert_lt(share_error(bench, 16000 * MS), 4 * sqrt(5000 * 0.25) * 4.0 * MS);
	bench_free(bench);
}

/* A slice a tenth as long is drawn ten times as often. */
Test(lottery, a_short_slice_costs_no_share)
{
	struct bench *bench = bench_make(&policy_lottery, 2);
	bench_add(bench, 0, 1024, 300000);
	bench_add(bench, 1, 1024, 3 * MS);
	cr_assert_lt(share_error(bench, 10000 * MS), 0.05 * 10000.0 * MS);
	bench_free(bench);
}

static void order_of(uint32_t cpu, uint32_t *order, uint32_t count)
{
	struct bench *bench = bench_make(&policy_lottery, 5);
	bench->ops->cpu_init(bench_cpu(bench), cpu);
	for (uint32_t tid = 0; tid < 5; tid++)
		bench_add(bench, tid, 1024, MS);
	for (uint32_t i = 0; i < count; i++) {
		order[i] = bench_pick(bench);
		bench_run(bench, MS);
	}
	bench_free(bench);
}

Test(lottery, reproducible_and_different_on_each_cpu)
{
	uint32_t first[64];
	uint32_t again[64];
	uint32_t other[64];
	order_of(0, first, 64);
	order_of(0, again, 64);
	order_of(1, other, 64);
	cr_assert_eq(memcmp(first, again, sizeof(first)), 0);
	cr_assert_neq(memcmp(first, other, sizeof(first)), 0);
}

/* Each ticket is as likely as any other, at the ends of the tree too: chi-squared, 9 degrees. */
Test(lottery, the_draw_is_even)
{
	struct bench *bench = bench_make(&policy_lottery, 10);
	double chi = 0;
	uint32_t wins[10] = {0};
	for (uint32_t tid = 0; tid < 10; tid++)
		bench_add(bench, tid, 1, MS);
	for (uint32_t i = 0; i < 20000; i++) {
		wins[bench_pick(bench)]++;
		bench_run(bench, MS);
	}
	for (uint32_t tid = 0; tid < 10; tid++)
		chi += (wins[tid] - 2000.0) * (wins[tid] - 2000.0) / 2000.0;
	cr_assert_lt(chi, 27.9, "chi-squared %.1f (1 in 1,000)", chi);
	bench_free(bench);
}

Test(lottery, continues_its_row_of_draws_after_a_restart)
{
	struct bench *one = bench_make(&policy_lottery, 4);
	struct bench *two = bench_make(&policy_lottery, 4);
	struct policy_record queue;
	struct policy_record records[4];
	struct policy_thread *threads[4];
	for (uint32_t tid = 0; tid < 4; tid++)
		bench_add(one, tid, 1024, MS);
	bench_run_until(one, 37 * MS, MS);
	one->ops->save(bench_cpu(one), NULL, &queue);
	for (uint32_t tid = 0; tid < 4; tid++) {
		one->ops->save(bench_cpu(one), bench_thread(one, tid), &records[tid]);
		bench_thread_make(two, tid, 1024, MS);
		threads[tid] = bench_thread(two, tid);
	}
	cr_assert_eq(two->ops->restore(bench_cpu(two), &queue, threads, records, 4), ERR_OK);
	for (uint32_t i = 0; i < 50; i++) {
		cr_assert_eq(bench_pick(one), bench_pick(two));
		bench_run(one, MS);
		bench_run(two, MS);
	}
	bench_free(one);
	bench_free(two);
}

Test(chaos, slices_are_tiny_and_uneven)
{
	struct bench *bench = bench_make(&policy_chaos, 3);
	uint64_t least = UINT64_MAX;
	uint64_t most = 0;
	bench_add(bench, 0, 1024, 100 * MS);
	for (uint32_t i = 0; i < 1000; i++) { /* alone too */
		bench_pick(bench);
		least = bench->picked.slice_ns < least ? bench->picked.slice_ns : least;
		most = bench->picked.slice_ns > most ? bench->picked.slice_ns : most;
		cr_assert(bench_run(bench, bench->picked.slice_ns));
	}
	cr_assert_geq(least, 20000);
	cr_assert_leq(most, POLICY_SLICE_NS_MIN);
	cr_assert_gt(most - least, 70000);
	bench_free(bench);
}

Test(chaos, wakes_cut_in_at_times_and_nobody_starves)
{
	struct bench *bench = bench_make(&policy_chaos, 8);
	uint32_t cut = 0;
	uint32_t waits[8] = {0};
	for (uint32_t tid = 0; tid < 8; tid++)
		bench_add(bench, tid, 1 + tid * 10000, 3 * MS);
	for (uint32_t i = 0; i < 20000; i++) {
		const uint32_t tid = bench_pick(bench);
		for (uint32_t j = 0; j < 8; j++)
			waits[j] = j == tid ? 0 : waits[j] + 1;
		for (uint32_t j = 0; j < 8; j++)
			cr_assert_lt(waits[j], 200, "%u waits", j);
		bench_run(bench, 5000);
		const uint32_t sleeper = (tid + 1) % 8;
		bench_dequeue(bench, sleeper, POLICY_LEAVE_SLEEP);
		bench_enqueue(bench, sleeper, POLICY_JOIN_WAKE);
		cut += bench_pick(bench) != tid;
	}
	cr_assert(cut > 2000 && cut < 18000, "%u of 20000 wakes cut in", cut);
	bench_free(bench);
}
