/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench.h"
#include <base/container.h>

struct bench *bench_make(const struct policy_ops *ops, uint32_t threads)
{
	struct bench *bench = aligned_alloc(POLICY_ALIGN, sizeof(*bench));
	cr_assert_not_null(bench);
	bench->ops = ops;
	bench->count = threads;
	bench->threads = aligned_alloc(POLICY_ALIGN, threads * sizeof(*bench->threads));
	cr_assert_not_null(bench->threads);
	bench->now_ns = 0;
	bench->tid = UINT32_MAX;
	bench->unchecked = false;
	bench->flags = 0;
	bench->steps = 0;
	bench->digest = 0;
	ops->cpu_init(bench_cpu(bench), 0);
	return bench;
}

void bench_free(struct bench *bench)
{
	free(bench->threads);
	free(bench);
}

struct policy_cpu *bench_cpu(struct bench *bench)
{
	return (struct policy_cpu *)(void *)bench->cpu;
}

struct policy_thread *bench_thread(struct bench *bench, uint32_t tid)
{
	return (struct policy_thread *)(void *)bench->threads[tid].blob;
}

void bench_check(struct bench *bench)
{
	const uint32_t rule = bench->ops->check(bench_cpu(bench));
	if (rule == 0)
		return;
	char text[POLICY_DUMP_BYTES];
	bench->ops->dump(bench_cpu(bench), text, sizeof(text));
	cr_assert_fail("rule %u of %s is broken:\n%s", rule, bench->ops->name, text);
}

static void check(struct bench *bench)
{
	if (bench->unchecked)
		return;
	bench->steps++;
	bench_check(bench);
}

static void thread_make(struct bench *bench, uint32_t tid, uint32_t weight, uint64_t slice_ns,
			enum policy_class class)
{
	bench->threads[tid].service_ns = 0;
	bench->threads[tid].params = (struct policy_params){
		.tid = tid,
		.weight = weight,
		.slice_ns = slice_ns,
		.class = (uint8_t) class,
		.priority = POLICY_PRIORITY_DEFAULT,
	};
	cr_assert_eq(bench->ops->thread_init(bench_thread(bench, tid), &bench->threads[tid].params),
		     ERR_OK);
}

void bench_thread_make(struct bench *bench, uint32_t tid, uint32_t weight, uint64_t slice_ns)
{
	thread_make(bench, tid, weight, slice_ns, POLICY_CLASS_NORMAL);
}

void bench_add_class(struct bench *bench, uint32_t tid, uint32_t weight, uint64_t slice_ns,
		     enum policy_class class)
{
	thread_make(bench, tid, weight, slice_ns, class);
	bench_enqueue(bench, tid, POLICY_JOIN_EXACT);
}

void bench_add(struct bench *bench, uint32_t tid, uint32_t weight, uint64_t slice_ns)
{
	bench_add_class(bench, tid, weight, slice_ns, POLICY_CLASS_NORMAL);
}

void bench_enqueue(struct bench *bench, uint32_t tid, enum policy_join reason)
{
	bench->ops->enqueue(bench_cpu(bench), bench_thread(bench, tid), reason, bench->now_ns);
	check(bench);
}

void bench_dequeue(struct bench *bench, uint32_t tid, enum policy_leave reason)
{
	bench->ops->dequeue(bench_cpu(bench), bench_thread(bench, tid), reason, bench->now_ns);
	check(bench);
}

void bench_params(struct bench *bench, uint32_t tid, uint32_t weight, uint64_t slice_ns)
{
	bench->threads[tid].params.weight = weight;
	bench->threads[tid].params.slice_ns = slice_ns;
	cr_assert_eq(bench->ops->set_params(bench_cpu(bench), bench_thread(bench, tid),
					    &bench->threads[tid].params, bench->now_ns),
		     ERR_OK);
	check(bench);
}

/* UINT32_MAX: of none; it is not looked at then. */
static uint32_t tid_of(const struct bench *bench, const struct policy_thread *thread)
{
	const uintptr_t offset = (uintptr_t)thread - (uintptr_t)bench->threads[0].blob;
	const uintptr_t tid = offset / sizeof(bench->threads[0]);

	return offset % sizeof(bench->threads[0]) == 0 && tid < bench->count ? (uint32_t)tid
									     : UINT32_MAX;
}

/* What policy.h says of every answer of pick(). */
static void pick_check(struct bench *bench)
{
	const char *const name = bench->ops->name;
	if (bench->unchecked)
		return;
	if (bench->picked.thread == NULL) {
		const uint32_t runnable = bench_info(bench, 0).runnable;
		cr_assert_eq(runnable, 0, "%s picks nobody, but %u threads can run", name,
			     runnable);
		return;
	}
	cr_assert_neq(bench->tid, UINT32_MAX, "%s picks what is no thread of the queue", name);
	cr_assert_eq(bench_info(bench, bench->tid).state, POLICY_RUNNING,
		     "%s picks thread %u, which is not in the queue, or does not make it RUNNING",
		     name, bench->tid);
	cr_assert_gt(bench->picked.slice_ns, 0, "%s gives thread %u a slice of 0 ns", name,
		     bench->tid);
}

uint32_t bench_pick(struct bench *bench)
{
	bench->ops->pick(bench_cpu(bench), bench->now_ns, bench->flags, &bench->picked);
	check(bench);
	bench->tid = tid_of(bench, bench->picked.thread);
	pick_check(bench);
	bench->digest = (bench->digest ^ bench->tid ^ bench->picked.slice_ns << 8) *
			UINT64_C(0x100000001B3);
	return bench->tid;
}

bool bench_run(struct bench *bench, uint64_t ns)
{
	bench->now_ns += ns;
	bench->threads[bench->tid].service_ns += ns;
	const bool done = bench->ops->charge(bench_cpu(bench), bench->picked.thread, ns,
					     bench->now_ns);
	check(bench);
	return done;
}

void bench_charge(struct bench *bench, uint32_t tid, uint64_t ns)
{
	(void)bench->ops->charge(bench_cpu(bench), bench_thread(bench, tid), ns, bench->now_ns);
	check(bench);
}

void bench_run_until(struct bench *bench, uint64_t until_ns, uint64_t lone_ns)
{
	while (bench->now_ns < until_ns && bench_pick(bench) != UINT32_MAX) {
		const uint64_t slice = bench->picked.slice_ns == TIME_NEVER
					       ? lone_ns
					       : bench->picked.slice_ns;
		const uint64_t rest = until_ns - bench->now_ns;
		bench_run(bench, slice < rest ? slice : rest);
	}
}

struct policy_info bench_info(struct bench *bench, uint32_t tid)
{
	struct policy_info info;
	bench->ops->query(bench_cpu(bench), bench_thread(bench, tid), &info);
	return info;
}

double bench_number(struct policy_number number)
{
	return (double)number.whole + (double)number.frac / 4294967296.0;
}

double bench_lag(struct bench *bench, uint32_t tid)
{
	return bench_number(bench_info(bench, tid).lag_ns);
}

double bench_v(struct bench *bench)
{
	return bench_number(bench_info(bench, 0).v);
}

void bench_set_lag(struct bench *bench, uint32_t tid, int64_t lag_ns)
{
	bench->ops->set_lag(bench_thread(bench, tid), (struct policy_number){.whole = lag_ns});
}

uint64_t bench_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state * UINT64_C(0x2545F4914F6CDD1D) >> 11;
}
