/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A sleep that is told in one step is what its steps are, to the last bit.  Two queues live the same random
 * life, one by each way.
 */
#include <base/math.h>

#include "bench.h"

#define MS     UINT64_C(1000000)
#define OFFERS (POLICY_PICK_FILTER | POLICY_PICK_SUCCESSOR)

static const uint32_t weights[] = {88761, 9548, 1277, 1024, 1024, 1024, 820, 335, 15, 3};

/* How often each case came. */
struct counts {
	uint32_t refused, taken, done, next_done, stayed;
};

struct life {
	struct bench *steps, *once;
	uint64_t seed;
	uint32_t flags; /* of every pick */
	struct counts counts;
};

static uint64_t draw(struct life *life, uint64_t below)
{
	return bench_random(&life->seed) % below;
}

static uint32_t tid_of(const struct bench *bench, const struct policy_thread *thread)
{
	for (uint32_t tid = 0; tid < bench->count; tid++)
		if (thread == (const struct policy_thread *)(const void *)bench->threads[tid].blob)
			return tid;
	return UINT32_MAX;
}

/* All that the policy would hand to another instance, and that its own rules hold. */
static void compare(struct life *life)
{
	struct policy_spare a_spare[8], b_spare[8];
	uint64_t a_cursor = 0, b_cursor = 0;
	const uint32_t count = life->steps->ops->spare(bench_cpu(life->steps), &a_cursor, a_spare,
						       8);

	cr_assert_eq(life->once->ops->check(bench_cpu(life->once)), 0);
	cr_assert_eq(life->once->ops->spare(bench_cpu(life->once), &b_cursor, b_spare, 8), count);
	for (uint32_t i = 0; i < count; i++)
		cr_assert_eq(a_spare[i].owed_ns, b_spare[i].owed_ns);
	for (uint32_t i = 0; i <= life->steps->count; i++) {
		struct policy_record a, b;
		const bool queue = i == life->steps->count;

		life->steps->ops->save(bench_cpu(life->steps),
				       queue ? NULL : bench_thread(life->steps, i), &a);
		life->once->ops->save(bench_cpu(life->once),
				      queue ? NULL : bench_thread(life->once, i), &b);
		for (uint32_t word = 0; word < (queue ? 2 : POLICY_RECORD_WORDS - 1u); word++)
			cr_assert_eq(a.words[word], b.words[word], "%u: word %u", i, word);
		if (!queue)
			cr_assert_eq(bench_info(life->steps, i).left_ns,
				     bench_info(life->once, i).left_ns);
	}
}

static void compare_picks(struct life *life)
{
	const struct policy_pick *a = &life->steps->picked, *b = &life->once->picked;

	life->steps->tid = tid_of(life->steps, a->thread);
	life->once->tid = tid_of(life->once, b->thread);
	cr_assert_eq(life->steps->tid, life->once->tid);
	cr_assert_eq(a->slice_ns, b->slice_ns);
	cr_assert_eq(a->request_ns, b->request_ns);
	cr_assert_eq(a->load, b->load);
	cr_assert_eq(a->runnable, b->runnable);
	cr_assert_eq(a->offers, b->offers);
	if ((a->offers & POLICY_PICK_FILTER) != 0) {
		cr_assert_eq(a->filter_ns, b->filter_ns);
		cr_assert_eq(a->filter_key, b->filter_key);
	}
	if ((a->offers & POLICY_PICK_SUCCESSOR) == 0)
		return;
	cr_assert_eq(tid_of(life->steps, a->successor.thread),
		     tid_of(life->once, b->successor.thread));
	cr_assert_eq(a->successor.valid_ns, b->successor.valid_ns);
	cr_assert_eq(a->successor.slice_ns, b->successor.slice_ns);
	if (a->successor.thread == NULL)
		return;
	cr_assert_eq(a->successor.filter_ns, b->successor.filter_ns);
	cr_assert_eq(a->successor.filter_key, b->successor.filter_key);
}

static void pick_both(struct life *life)
{
	struct bench *const both[] = {life->steps, life->once};

	for (uint32_t i = 0; i < 2; i++)
		both[i]->ops->pick(bench_cpu(both[i]), both[i]->now_ns, life->flags | OFFERS,
				   &both[i]->picked);
	compare_picks(life);
	compare(life);
}

/* What nap() would return. */
static uint32_t by_steps(struct bench *bench, uint32_t tid, uint32_t next, uint64_t ran_ns,
			 uint64_t next_ran_ns, uint32_t flags)
{
	const struct policy_ops *ops = bench->ops;
	struct policy_cpu *cpu = bench_cpu(bench);
	const uint64_t at_ns = bench->now_ns + ran_ns, now_ns = at_ns + next_ran_ns;
	uint32_t napped = POLICY_NAP_TAKEN;

	if (ops->charge(cpu, bench_thread(bench, tid), ran_ns, at_ns))
		napped |= POLICY_NAP_DONE;
	ops->dequeue(cpu, bench_thread(bench, tid), POLICY_LEAVE_SLEEP, at_ns);
	ops->succeed(cpu, bench_thread(bench, next), at_ns);
	if (ops->charge(cpu, bench_thread(bench, next), next_ran_ns, now_ns))
		napped |= POLICY_NAP_NEXT_DONE;
	ops->enqueue(cpu, bench_thread(bench, tid), POLICY_JOIN_WAKE, now_ns);
	ops->pick(cpu, now_ns, flags, &bench->picked);
	return napped;
}

/* Short, about as long as its request, or as if it had been stopped for long. */
static uint64_t ran(struct life *life, uint32_t tid)
{
	const uint64_t left_ns = bench_info(life->once, tid).left_ns;

	switch (draw(life, 8)) {
	case 0:
		return left_ns - draw(life, 2);
	case 1:
		return draw(life, 2 * left_ns + 1);
	case 2:
		return UINT32_MAX - 1 + draw(life, 4);
	case 3:
		return 100 * MS;
	default:
		return draw(life, 8000);
	}
}

static void nap(struct life *life)
{
	struct bench *once = life->once;
	const uint32_t tid = once->tid;
	const uint32_t next = tid_of(once, once->picked.successor.thread);
	const uint64_t ran_ns = ran(life, tid), next_ran_ns = ran(life, next);
	const uint64_t now_ns = once->now_ns + ran_ns + next_ran_ns;
	const uint32_t flags = life->flags | (draw(life, 4) == 0 ? 0 : OFFERS);
	const uint32_t steps = by_steps(life->steps, tid, next, ran_ns, next_ran_ns, flags);
	const uint32_t napped = once->ops->nap(bench_cpu(once), bench_thread(once, tid),
					       bench_thread(once, next), ran_ns, next_ran_ns,
					       now_ns, flags, &once->picked);

	if (napped == 0) {
		life->counts.refused++;
		(void)by_steps(once, tid, next, ran_ns, next_ran_ns, flags);
	} else {
		life->counts.taken++;
		life->counts.done += (napped & POLICY_NAP_DONE) != 0 ? 1 : 0;
		life->counts.next_done += (napped & POLICY_NAP_NEXT_DONE) != 0 ? 1 : 0;
		cr_assert_eq(napped, steps);
	}
	life->steps->now_ns = now_ns;
	once->now_ns = now_ns;
	compare_picks(life);
	compare(life);
	if (napped != 0 && once->tid != tid)
		life->counts.stayed++;
}

static void run_both(struct life *life, uint64_t ns)
{
	bench_run(life->steps, ns);
	bench_run(life->once, ns);
}

/* Somebody else comes, goes or changes; most of the time two are awake. */
static void change(struct life *life)
{
	struct bench *const both[] = {life->steps, life->once};
	const uint32_t tid = (uint32_t)draw(life, life->once->count);
	const uint32_t weight = weights[draw(life, 10)];
	const uint64_t slice_ns = (1 + draw(life, 40)) * 100000;
	const uint64_t choice = draw(life, 4);
	const struct policy_info info = bench_info(life->once, tid);
	const bool inside = info.state == POLICY_QUEUED || info.state == POLICY_RUNNING;

	for (uint32_t i = 0; i < 2; i++) {
		if (choice == 0)
			bench_params(both[i], tid, weight, slice_ns);
		else if (choice == 1 && inside)
			bench_enqueue(both[i], tid, POLICY_JOIN_YIELD);
		else if (info.runnable > 2)
			bench_dequeue(both[i], tid,
				      slice_ns < 2 * MS ? POLICY_LEAVE_SLEEP : POLICY_LEAVE_KEEP);
		else
			bench_enqueue(both[i], tid, POLICY_JOIN_WAKE);
	}
}

static void live(struct life *life)
{
	struct bench *once = life->once;

	if (once->tid != UINT32_MAX)
		run_both(life, draw(life, 3) == 0 ? draw(life, min_u64(once->picked.request_ns, MS))
						  : draw(life, 2000));
	if (once->tid != UINT32_MAX && (once->picked.offers & POLICY_PICK_SUCCESSOR) != 0 &&
	    once->picked.successor.thread != NULL && draw(life, 8) != 0) {
		nap(life);
		return;
	}
	if (draw(life, 4) == 0) {
		change(life);
	} else if (once->tid != UINT32_MAX) {
		/* It blocks and wakes at once, and is known to block. */
		const uint32_t tid = once->tid;

		bench_dequeue(life->steps, tid, POLICY_LEAVE_SLEEP);
		bench_dequeue(once, tid, POLICY_LEAVE_SLEEP);
		bench_enqueue(life->steps, tid, POLICY_JOIN_WAKE);
		bench_enqueue(once, tid, POLICY_JOIN_WAKE);
	}
	pick_both(life);
}

static struct bench *queue(const struct policy_ops *ops, uint32_t threads, uint64_t seed)
{
	struct bench *bench = bench_make(ops, threads);

	for (uint32_t tid = 0; tid < threads; tid++) {
		const bool background = bench_random(&seed) % 8 == 0;

		bench_add_class(bench, tid, weights[bench_random(&seed) % 10],
				(1 + bench_random(&seed) % 40) * 100000,
				background ? POLICY_CLASS_BACKGROUND : POLICY_CLASS_NORMAL);
	}
	return bench;
}

static void lives(const struct policy_ops *ops, uint32_t flags, struct counts *sum)
{
	for (uint64_t seed = 1; seed <= 60; seed++) {
		const uint32_t threads = seed % 3 == 0 ? 3 : 2;
		struct life life = {.steps = queue(ops, threads, seed),
				    .once = queue(ops, threads, seed),
				    .seed = seed + 500,
				    .flags = flags};

		/* A machine of several keeps an account. */
		if (seed % 10 == 0) {
			ops->set_average(bench_cpu(life.steps), 2048, 0);
			ops->set_average(bench_cpu(life.once), 2048, 0);
		}
		pick_both(&life);
		for (uint32_t step = 0; step < 1500; step++)
			live(&life);
		sum->refused += life.counts.refused;
		sum->taken += life.counts.taken;
		sum->done += life.counts.done;
		sum->next_done += life.counts.next_done;
		sum->stayed += life.counts.stayed;
		bench_free(life.steps);
		bench_free(life.once);
	}
}

Test(nap, is_its_steps)
{
	struct counts sum = {0};

	for (uint32_t i = 0; i < policies_count; i++) {
		if (policies[i]->nap == NULL)
			continue;
		lives(policies[i], 0, &sum);
		lives(policies[i], POLICY_PICK_EXACT, &sum);
	}
	/* What hardly ever happens would pass as well. */
	cr_expect_gt(sum.refused, 5000, "%u", sum.refused);
	cr_expect_gt(sum.taken, 5000, "%u", sum.taken);
	cr_expect_gt(sum.done, 500, "%u", sum.done);
	cr_expect_gt(sum.next_done, 500, "%u", sum.next_done);
	cr_expect_gt(sum.stayed, 500, "%u", sum.stayed);
}
