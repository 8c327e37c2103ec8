/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What pick() offers must be exact.  Two queues live the same random life.  One is asked at every wake and
 * every block; the other one believes its filter and its successor.  They must never differ.
 */
#include <base/math.h>

#include "bench.h"

#define MS UINT64_C(1000000)

#define WAKES 4u

#define OFFERS (POLICY_PICK_FILTER | POLICY_PICK_SUCCESSOR)

static const uint32_t weights[] = {88761, 9548, 1277, 1024, 1024, 1024, 820, 335, 15, 3};

/* How often each offer was put to the test. */
struct counts {
	uint32_t filtered, succeeded, idle, refused, passed, stopped;
};

struct twins {
	struct bench *asked, *believer;
	uint32_t flags; /* of every pick */
	uint64_t seed;
	uint64_t entry_ns;       /* from now: when the believer asks again, whatever happens */
	uint64_t ran_ns;         /* since it asked */
	uint64_t filter_left_ns; /* of the believer's filter */
	uint64_t filter_key;
	struct counts counts;
};

static uint64_t draw(struct twins *twins, uint64_t below)
{
	return below == 0 ? 0 : bench_random(&twins->seed) % below;
}

static uint32_t tid_of(const struct bench *bench, const struct policy_thread *thread)
{
	for (uint32_t tid = 0; tid < bench->count; tid++)
		if (thread == (const struct policy_thread *)(const void *)bench->threads[tid].blob)
			return tid;
	return UINT32_MAX;
}

static uint32_t pick(struct bench *bench, uint32_t flags)
{
	bench->ops->pick(bench_cpu(bench), bench->now_ns, flags, &bench->picked);
	bench->tid = tid_of(bench, bench->picked.thread);
	return bench->tid;
}

/* All that can be known of both is equal. */
static void compare(struct twins *twins)
{
	for (uint32_t tid = 0; tid < twins->asked->count; tid++) {
		struct policy_info a = bench_info(twins->asked, tid);
		struct policy_info b = bench_info(twins->believer, tid);

		cr_assert_eq(a.state, b.state, "tid %u", tid);
		cr_assert(a.lag_ns.whole == b.lag_ns.whole && a.lag_ns.frac == b.lag_ns.frac);
		cr_assert(a.thread_vd.whole == b.thread_vd.whole &&
			  a.thread_vd.frac == b.thread_vd.frac);
	}
	cr_assert_eq(twins->asked->tid, twins->believer->tid);
}

static void pick_both(struct twins *twins)
{
	const struct policy_pick *offer = &twins->believer->picked;
	const uint32_t before = pick(twins->asked, twins->flags);

	cr_assert_eq(pick(twins->believer, twins->flags | OFFERS), before);
	cr_assert_eq(offer->slice_ns, twins->asked->picked.slice_ns);
	cr_assert_eq(twins->asked->picked.offers, 0, "not asked for");
	twins->entry_ns = offer->slice_ns;
	twins->ran_ns = 0;
	twins->filter_left_ns = (offer->offers & POLICY_PICK_FILTER) != 0 ? offer->filter_ns : 0;
	twins->filter_key = offer->filter_key;
}

static void run_both(struct twins *twins, uint64_t ns)
{
	if (twins->asked->tid == UINT32_MAX || ns == 0)
		return;
	bench_run(twins->asked, ns);
	bench_run(twins->believer, ns);
	twins->ran_ns += ns;
	if (twins->entry_ns != TIME_NEVER)
		twins->entry_ns -= ns;
	twins->filter_left_ns -= ns < twins->filter_left_ns ? ns : twins->filter_left_ns;
}

/* Some that sleep and that the filter would hold back, in any order. */
static uint32_t sleepers(struct twins *twins, uint32_t tids[],
			 const struct policy_thread *threads[])
{
	struct bench *believer = twins->believer;
	const uint32_t first = (uint32_t)draw(twins, believer->count);
	uint32_t count = 0;

	for (uint32_t i = 0; i < believer->count && count < WAKES; i++) {
		const uint32_t tid = (first + i) % believer->count;
		const uint32_t state = bench_info(believer, tid).state;

		if ((state != POLICY_OUT && state != POLICY_DELAYED) ||
		    policy_eevdf.key(&believer->threads[tid].params) < twins->filter_key)
			continue;
		tids[count] = tid;
		threads[count++] =
			(const struct policy_thread *)(const void *)believer->threads[tid].blob;
	}
	return count;
}

/* Sleepers wake of which it was asked before whether they change who follows.  How long it ran. */
static uint64_t wake_past(struct twins *twins, uint64_t run_ns)
{
	const struct policy_successor *next = &twins->believer->picked.successor;
	const struct policy_thread *threads[WAKES];
	const uint32_t running = twins->asked->tid;
	uint32_t tids[WAKES];
	uint64_t left_ns, past_ns = 0;

	if ((twins->believer->picked.offers & POLICY_PICK_SUCCESSOR) == 0 || twins->ran_ns != 0 ||
	    twins->filter_left_ns == 0)
		return 0;
	left_ns = min_u64(run_ns, min_u64(next->valid_ns, twins->filter_left_ns));
	const uint32_t count = sleepers(twins, tids, threads);
	const uint32_t passed = policy_eevdf.succeed_past(bench_cpu(twins->believer), next, threads,
							  count);

	cr_assert_leq(passed, count);
	twins->counts.stopped += passed < count ? 1 : 0;
	for (uint32_t i = 0; i < passed; i++) {
		const uint64_t ns = draw(twins, left_ns);

		run_both(twins, ns);
		left_ns -= ns;
		past_ns += ns;
		bench_enqueue(twins->asked, tids[i], POLICY_JOIN_WAKE);
		bench_enqueue(twins->believer, tids[i], POLICY_JOIN_WAKE);
		cr_assert_eq(pick(twins->asked, twins->flags), running);
		twins->counts.passed++;
	}
	return past_ns;
}

/* The running thread blocks: one asks, one has been told. */
static void block(struct twins *twins)
{
	const struct policy_pick offer = twins->believer->picked;
	const struct policy_successor *next = &offer.successor;
	const uint32_t tid = twins->asked->tid;
	uint64_t run_ns = draw(twins, twins->entry_ns < 9 * MS ? twins->entry_ns : 9 * MS);

	run_ns -= wake_past(twins, run_ns);
	run_both(twins, run_ns);
	bench_dequeue(twins->asked, tid, POLICY_LEAVE_SLEEP);
	bench_dequeue(twins->believer, tid, POLICY_LEAVE_SLEEP);
	if ((offer.offers & POLICY_PICK_SUCCESSOR) == 0 || twins->ran_ns >= next->valid_ns) {
		twins->counts.refused++;
		pick_both(twins);
		return;
	}
	pick(twins->asked, twins->flags);
	cr_assert_eq(tid_of(twins->believer, next->thread), twins->asked->tid);
	twins->believer->tid = twins->asked->tid;
	if (next->thread == NULL) {
		twins->counts.idle++;
		pick_both(twins);
		return;
	}
	twins->counts.succeeded++;
	/* With sleepers in debt pick() may ask again early, when one leaves. */
	if (bench_info(twins->asked, 0).delayed == 0)
		cr_assert_leq(next->slice_ns, twins->asked->picked.slice_ns);
	if (next->slice_ns == TIME_NEVER)
		cr_assert_eq(twins->asked->picked.slice_ns, TIME_NEVER);
	policy_eevdf.succeed(bench_cpu(twins->believer), next->thread, twins->believer->now_ns);
	twins->believer->picked.thread = next->thread;
	twins->entry_ns = next->slice_ns;
	twins->believer->picked.offers = 0;
	twins->filter_left_ns = next->filter_ns > twins->ran_ns ? next->filter_ns - twins->ran_ns
								: 0;
	twins->filter_key = next->filter_key;
}

/* A thread wakes while the filter holds: who is asked must say that nothing changes. */
static void wake(struct twins *twins, uint32_t tid)
{
	const uint32_t running = twins->asked->tid;
	const bool filtered = twins->filter_left_ns != 0 &&
			      policy_eevdf.key(&twins->asked->threads[tid].params) >=
				      twins->filter_key;

	bench_enqueue(twins->asked, tid, POLICY_JOIN_WAKE);
	bench_enqueue(twins->believer, tid, POLICY_JOIN_WAKE);
	if (!filtered) {
		pick_both(twins);
		return;
	}
	twins->counts.filtered++;
	cr_assert_eq(pick(twins->asked, twins->flags), running);
	if (bench_info(twins->asked, 0).delayed == 0)
		cr_assert_geq(twins->asked->picked.slice_ns, twins->filter_left_ns);
	/* A record was posted: no successor, and an entry when the filter ends. */
	twins->believer->picked.offers = 0;
	if (twins->entry_ns > twins->filter_left_ns)
		twins->entry_ns = twins->filter_left_ns;
}

/* As a thread that comes back from another CPU: asleep, with a debt. */
static void debt(struct twins *twins, uint32_t tid)
{
	const int64_t lag_ns = -(int64_t)draw(twins, 2 * MS);

	bench_set_lag(twins->asked, tid, lag_ns);
	bench_set_lag(twins->believer, tid, lag_ns);
}

static void change(struct twins *twins, uint32_t tid)
{
	const uint32_t weight = weights[draw(twins, 10)];
	const uint64_t slice_ns = draw(twins, 4) == 0 ? (1 + draw(twins, 60)) * 100000 : 3 * MS;

	bench_params(twins->asked, tid, weight, slice_ns);
	bench_params(twins->believer, tid, weight, slice_ns);
	pick_both(twins);
}

static void live(struct twins *twins)
{
	const uint32_t tid = (uint32_t)draw(twins, twins->asked->count);
	const uint32_t state = bench_info(twins->asked, tid).state;
	const uint64_t choice = draw(twins, 16);

	if (choice < 7) {
		if (twins->filter_left_ns != 0)
			run_both(twins, draw(twins, twins->filter_left_ns < twins->entry_ns
							    ? twins->filter_left_ns
							    : twins->entry_ns));
		if (state == POLICY_OUT && draw(twins, 4) == 0)
			debt(twins, tid);
		if (state == POLICY_OUT || state == POLICY_DELAYED)
			wake(twins, tid);
	} else if (choice < 12) {
		if (twins->asked->tid != UINT32_MAX)
			block(twins);
	} else if (choice == 12) {
		change(twins, tid);
	} else {
		run_both(twins, twins->entry_ns == TIME_NEVER ? 5 * MS : twins->entry_ns);
		if (choice == 13 && twins->asked->tid != UINT32_MAX) {
			bench_enqueue(twins->asked, twins->asked->tid, POLICY_JOIN_YIELD);
			bench_enqueue(twins->believer, twins->asked->tid, POLICY_JOIN_YIELD);
		}
		pick_both(twins);
	}
	compare(twins);
}

static struct bench *queue(uint32_t threads, uint64_t seed, bool equal)
{
	struct bench *bench = bench_make(&policy_eevdf, threads);

	for (uint32_t tid = 0; tid < threads; tid++) {
		const uint32_t weight = weights[bench_random(&seed) % 10];
		const uint64_t slice_ns = (1 + bench_random(&seed) % 50) * 100000;
		const bool background = bench_random(&seed) % 8 == 0;

		bench_add_class(bench, tid, equal ? 1024 : weight, equal ? 3 * MS : slice_ns,
				background && !equal ? POLICY_CLASS_BACKGROUND
						     : POLICY_CLASS_NORMAL);
	}
	return bench;
}

static struct counts twins_live(uint32_t threads, uint64_t seed, uint32_t flags, bool equal)
{
	struct twins twins = {.asked = queue(threads, seed, equal),
			      .believer = queue(threads, seed, equal),
			      .flags = flags,
			      .seed = seed + 1000};

	pick_both(&twins);
	for (uint32_t step = 0; step < 3000; step++)
		live(&twins);
	bench_free(twins.asked);
	bench_free(twins.believer);
	return twins.counts;
}

static void many_live(uint32_t flags)
{
	struct counts sum = {0};

	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct counts counts = twins_live((uint32_t)(2 + seed % 9), seed, flags,
						  seed % 3 == 0);

		sum.filtered += counts.filtered;
		sum.succeeded += counts.succeeded;
		sum.idle += counts.idle;
		sum.passed += counts.passed;
		sum.stopped += counts.stopped;
	}
	/* Offers that are hardly ever made would pass as well. */
	cr_expect_gt(sum.filtered, 3000, "%u", sum.filtered);
	cr_expect_gt(sum.succeeded, 6000, "%u", sum.succeeded);
	cr_expect_gt(sum.idle, 300, "%u", sum.idle);
	cr_expect_gt(sum.passed, 400, "%u", sum.passed);
	cr_expect_gt(sum.stopped, 400, "%u", sum.stopped);
}

Test(eevdf_offers, exact_as_specified)
{
	many_live(POLICY_PICK_EXACT);
}

Test(eevdf_offers, exact_with_the_refinements)
{
	many_live(0);
}

Test(eevdf_offers, equal_threads_are_filtered_for_a_whole_slice)
{
	struct bench *bench = bench_make(&policy_eevdf, 3);

	bench_add(bench, 0, 1024, 3 * MS);
	bench_add(bench, 1, 1024, 3 * MS);
	cr_expect_eq(pick(bench, OFFERS), 0);
	cr_expect_eq(bench->picked.offers, POLICY_PICK_FILTER, "it has not blocked yet");
	for (uint32_t tid = 0; tid < 2; tid++) {
		bench_dequeue(bench, tid, POLICY_LEAVE_SLEEP);
		bench_enqueue(bench, tid, POLICY_JOIN_WAKE);
	}
	cr_expect_eq(pick(bench, OFFERS), 0);
	cr_expect_eq(bench->picked.offers, OFFERS);
	cr_expect_eq(bench->picked.filter_ns, 3 * MS);
	cr_expect_eq(bench->picked.filter_key, 3 * MS);
	cr_expect_eq(tid_of(bench, bench->picked.successor.thread), 1);
	cr_expect_eq(bench->picked.successor.slice_ns, TIME_NEVER, "it would be alone");
	bench_free(bench);
}

Test(eevdf_offers, no_filter_for_a_background_thread)
{
	struct bench *bench = bench_make(&policy_eevdf, 2);

	bench_add_class(bench, 0, 3, 3 * MS, POLICY_CLASS_BACKGROUND);
	cr_expect_eq(pick(bench, OFFERS), 0);
	cr_expect_eq(bench->picked.offers, POLICY_PICK_SUCCESSOR);
	cr_expect_null(bench->picked.successor.thread, "idle");
	bench_free(bench);
}
