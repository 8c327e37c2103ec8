/* SPDX-License-Identifier: BSD-2-Clause */
/* Scheduled switches: between threads of one CPU, the dispatcher deciding. */
#include "bench.h"

#include <stdatomic.h>

#include <abi/object.h>
#include <libsys/clock.h>
#include <libsys/process.h>
#include <libsys/sched.h>
#include <libsys/syscall.h>
#include <libsys/threads.h>

#include "../lib/crew.h"
#include "../lib/program.h"

#define WORKERS     4u
#define SLICE_MIN   100000u
#define WORK_PASSES 10000u

/* --- A thread blocks, another one that is ready runs --- */

/*
 * All workers wake in one upcall, because they sleep until the same time.  Each notes the time and
 * waits for its notification, so the time between the first and the last note is workers - 1 switches
 * from a thread that blocks to one that is ready.  The last one wakes the others for the next round.
 */
static struct {
	cptr_t wake[WORKERS];
	_Atomic unsigned arrived;
	_Atomic time_ns_t next_ns;
	uint64_t first_ticks;
	uint64_t sum_ticks;
	uint64_t rounds;
	unsigned workers;
} blocks;

static void round_over(unsigned me, uint64_t now)
{
	blocks.sum_ticks += now - blocks.first_ticks;
	atomic_store_explicit(&blocks.arrived, 0, memory_order_relaxed);
	atomic_store_explicit(&blocks.next_ns, clock_now_ns() + 100 * NS_PER_US,
			      memory_order_relaxed);
	for (unsigned i = 0; i < blocks.workers; i++)
		if (i != me)
			sys_signal(blocks.wake[i]);
}

static int block_often(void *arg)
{
	unsigned me = (unsigned)(uintptr_t)arg;
	word_t word;

	thread_pin(0);
	for (uint64_t round = 0; round < blocks.rounds; round++) {
		sched_sleep_until(atomic_load_explicit(&blocks.next_ns, memory_order_relaxed));
		uint64_t now = bench_ticks();

		bench_end();
		unsigned before = atomic_fetch_add_explicit(&blocks.arrived, 1,
							    memory_order_relaxed);

		if (before == 0)
			blocks.first_ticks = now;
		if (before == blocks.workers - 1) {
			round_over(me, now);
		} else {
			bench_begin();
			program_need("waiting", sys_wait(blocks.wake[me], &word));
		}
	}
	return 0;
}

/* Of one hop, what is neither the wait nor what follows it: as in block_often(). */
static double note_ns(void)
{
	const unsigned n = 10000;
	_Atomic unsigned count = 0;
	volatile uint64_t last;
	uint64_t start = bench_ticks();

	for (unsigned i = 0; i < n; i++) {
		last = bench_ticks();
		bench_no_mark();
		bench_no_mark();
		atomic_fetch_add_explicit(&count, 1, memory_order_relaxed);
	}
	(void)last;
	return bench_ns(bench_ticks() - start) / n;
}

static double switch_blocks(unsigned workers, uint64_t *n)
{
	struct thread *threads[WORKERS];

	blocks.workers = workers;
	blocks.rounds = bench.quick ? 1000 : 5000;
	blocks.sum_ticks = 0;
	*n = blocks.rounds * (workers - 1);
	atomic_store(&blocks.next_ns, clock_now_ns() + 5 * NS_PER_MS);
	for (unsigned i = 0; i < workers; i++)
		program_need("making a notification",
			     object_new(OBJ_NOTIFICATION, &blocks.wake[i]));
	for (unsigned i = 0; i < workers; i++)
		if (thrd_create(&threads[i], block_often, (void *)(uintptr_t)i) != thrd_success)
			program_fail("starting a thread", ERR_NO_MEMORY);
	for (unsigned i = 0; i < workers; i++)
		thrd_join(threads[i], NULL);
	for (unsigned i = 0; i < workers; i++)
		object_free(blocks.wake[i]);
	return bench_ns(blocks.sum_ticks) / (double)*n - note_ns();
}

static double switch_block(unsigned part, uint64_t *n)
{
	(void)part;
	return switch_blocks(WORKERS, n);
}

static uint64_t successions(void)
{
	struct proc_cpu_info info;

	program_need("reading a CPU's statistics", cpu_stats(0, &info));
	return info.core.successions;
}

/* Of two that wake together the decision names both. */
static double switch_successor(unsigned part, uint64_t *n)
{
	const uint64_t before = successions();
	double ns = switch_blocks(2, n);

	(void)part;
	if (successions() - before < *n * 9 / 10)
		program_fail("the successor is not run", ERR_STATE);
	return ns;
}

/* --- A slice ends --- */

/* Both threads read the clock all the time: a gap is the way from one's last note to the other's. */
static struct {
	_Atomic unsigned owner;
	_Atomic uint64_t last_ticks[2]; /* of each thread */
	uint64_t end_ticks;
	uint64_t gap_ticks;
	uint64_t gaps;
} slices;

static void watch_clock(unsigned me)
{
	for (;;) {
		uint64_t now = bench_ticks();

		if (atomic_load_explicit(&slices.owner, memory_order_relaxed) != me) {
			uint64_t last = atomic_load_explicit(&slices.last_ticks[1 - me],
							     memory_order_relaxed);

			/* Not if the slice ended just after our reading. */
			bench_end();
			slices.gap_ticks += now > last ? now - last : 0;
			slices.gaps += now > last;
			atomic_store_explicit(&slices.owner, me, memory_order_relaxed);
		}
		atomic_store_explicit(&slices.last_ticks[me], now, memory_order_relaxed);
		if (now >= slices.end_ticks)
			return;
		bench_begin();
	}
}

static int watch_slice(void *arg)
{
	thread_pin(0);
	program_need("asking for a short slice",
		     sched_param_set(0, SCHED_PARAM_SLICE_NS, SLICE_MIN, 0));
	watch_clock((unsigned)(uintptr_t)arg);
	return 0;
}

static uint64_t ticks_of(time_ns_t ns)
{
	return (uint64_t)((double)ns / bench_ns(1));
}

/* One pass of watch_clock(). */
static double watch_ns(void)
{
	const unsigned n = 10000;
	uint64_t start = bench_ticks();
	volatile uint64_t last;

	for (unsigned i = 0; i < n; i++) {
		last = bench_ticks();
		bench_no_mark();
	}
	(void)last;
	return bench_ns(bench_ticks() - start) / n;
}

static double switch_slice(unsigned part, uint64_t *n)
{
	struct thread *threads[2];

	(void)part;
	slices.gap_ticks = 0;
	slices.gaps = 0;
	for (unsigned i = 0; i < 2; i++)
		atomic_store(&slices.last_ticks[i], bench_ticks());
	slices.end_ticks = bench_ticks() + ticks_of(bench_brief() ? 100 * NS_PER_MS : NS_PER_S);
	for (unsigned i = 0; i < 2; i++)
		if (thrd_create(&threads[i], watch_slice, (void *)(uintptr_t)i) != thrd_success)
			program_fail("starting a thread", ERR_NO_MEMORY);
	for (unsigned i = 0; i < 2; i++)
		thrd_join(threads[i], NULL);
	*n = slices.gaps;
	if (slices.gaps == 0)
		program_fail("no slice ended", ERR_STATE);
	return bench_ns(slices.gap_ticks) / (double)slices.gaps - watch_ns();
}

/* --- A thread yields, another one that is ready runs --- */

static struct {
	_Atomic time_ns_t start_ns;
	_Atomic unsigned begun;
	_Atomic unsigned done;
	uint64_t times;
	uint64_t first_ticks;
	uint64_t last_ticks;
} yields;

/* All workers yield in turn, from the first one's start to the last one's end. */
static int yield_often(void *arg)
{
	(void)arg;
	thread_pin(0);
	sched_sleep_until(atomic_load_explicit(&yields.start_ns, memory_order_relaxed));
	if (atomic_fetch_add(&yields.begun, 1) == 0)
		yields.first_ticks = bench_ticks();
	for (uint64_t i = 0; i < yields.times; i++) {
		bench_begin();
		thrd_yield();
		bench_end();
	}
	if (atomic_fetch_add(&yields.done, 1) == WORKERS - 1)
		yields.last_ticks = bench_ticks();
	return 0;
}

static double switch_yield(unsigned part, uint64_t *n)
{
	struct thread *threads[WORKERS];

	(void)part;
	yields.times = bench_brief() ? 1000 : 5000;
	*n = yields.times * WORKERS;
	atomic_store(&yields.begun, 0);
	atomic_store(&yields.done, 0);
	atomic_store(&yields.start_ns, clock_now_ns() + 5 * NS_PER_MS);
	for (unsigned i = 0; i < WORKERS; i++)
		if (thrd_create(&threads[i], yield_often, NULL) != thrd_success)
			program_fail("starting a thread", ERR_NO_MEMORY);
	for (unsigned i = 0; i < WORKERS; i++)
		thrd_join(threads[i], NULL);
	return bench_ns(yields.last_ticks - yields.first_ticks) / (double)*n - bench_loop_ns(*n);
}

/* --- A signal to a thread that preempts --- */

static struct {
	cptr_t wake;
	_Atomic uint64_t signalled_ticks;
	_Atomic unsigned woken;
	_Atomic unsigned stop;
	uint64_t sum_ticks;
	uint64_t count;
} preempts;

static void work(unsigned passes)
{
	for (unsigned i = 0; i < passes; i++)
		__asm__ volatile("" : : : "memory");
}

static int preempt_often(void *arg)
{
	word_t word;

	(void)arg;
	thread_pin(0);
	program_need("asking for a short slice",
		     sched_param_set(0, SCHED_PARAM_SLICE_NS, SLICE_MIN, 0));
	while (!atomic_load_explicit(&preempts.stop, memory_order_relaxed)) {
		program_need("waiting", sys_wait(preempts.wake, &word));
		uint64_t now = bench_ticks();
		uint64_t then = atomic_exchange_explicit(&preempts.signalled_ticks, 0,
							 memory_order_relaxed);

		if (then) {
			bench_end();
			preempts.sum_ticks += now - then;
			preempts.count++;
		}
		atomic_store_explicit(&preempts.woken, 1, memory_order_relaxed);
	}
	return 0;
}

/*
 * Between two wakes the signalling thread, of little weight, works for a while: a thread that gets
 * more than its share does not preempt.
 *
 * Only wakes after which the other thread ran before the signal returned are counted.
 */
static double wake_preempt(unsigned part, uint64_t *n)
{
	struct thread *thread;
	unsigned tries = bench_brief() ? 2000 : 10000;

	(void)part;
	thread_pin(0);
	program_need("choosing a nice value", sched_param_set(0, SCHED_PARAM_NICE, 19, 0));
	program_need("making a notification", object_new(OBJ_NOTIFICATION, &preempts.wake));
	preempts.sum_ticks = 0;
	preempts.count = 0;
	atomic_store(&preempts.stop, 0);
	if (thrd_create(&thread, preempt_often, NULL) != thrd_success)
		program_fail("starting a thread", ERR_NO_MEMORY);
	thread_sleep_until(clock_now_ns() + NS_PER_MS);
	for (unsigned i = 0; i < tries; i++) {
		work(WORK_PASSES);
		atomic_store_explicit(&preempts.woken, 0, memory_order_relaxed);
		atomic_store_explicit(&preempts.signalled_ticks, bench_ticks(),
				      memory_order_relaxed);
		bench_begin();
		sys_signal(preempts.wake);
		if (atomic_exchange_explicit(&preempts.signalled_ticks, 0, memory_order_relaxed))
			while (!atomic_load_explicit(&preempts.woken, memory_order_relaxed))
				thrd_yield();
	}
	atomic_store(&preempts.stop, 1);
	sys_signal(preempts.wake);
	thrd_join(thread, NULL);
	object_free(preempts.wake);
	program_need("choosing a nice value", sched_param_set(0, SCHED_PARAM_NICE, 0, 0));
	*n = preempts.count;
	if (preempts.count < tries / 2)
		program_fail("the woken thread does not preempt", ERR_STATE);
	return bench_ns(preempts.sum_ticks) / (double)preempts.count;
}

const struct bench_row bench_switch_rows[] = {
	{.id = "switch_block",
	 .unit = "insns",
	 .cpus = 1,
	 .mode = BENCH_ASKED,
	 .run = switch_block,
	 .note = "(2 to 4 threads ready)"},
	{.id = "switch_successor", .unit = "insns", .cpus = 1, .run = switch_successor},
	{.id = "switch_slice", .unit = "insns", .cpus = 1, .run = switch_slice},
	{.id = "switch_yield", .unit = "insns", .cpus = 1, .run = switch_yield},
	{.id = "wake_preempt", .unit = "insns", .cpus = 1, .run = wake_preempt},
	{.id = "scale_switch", .unit = "insns", .mode = BENCH_SCALE, .run = switch_slice},
	{.id = "scale_wake", .unit = "insns", .mode = BENCH_SCALE, .run = wake_preempt},
	{.id = NULL},
};
