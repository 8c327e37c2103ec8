/* SPDX-License-Identifier: BSD-2-Clause */
/* Dispatcher entries per switch among busy threads and sleepers; wakes among thousands of threads. */
#include "bench.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <abi/object.h>
#include <libsys/clock.h>
#include <libsys/process.h>
#include <libsys/sched.h>
#include <libsys/syscall.h>
#include <libsys/threads.h>
#include <sched/shared.h>

#include "../lib/crew.h"
#include "../lib/program.h"
#include "crowd.h"

#define BUSY     4u
#define SLEEPERS 6u

#define PERIOD_NS (2 * NS_PER_MS)
#define BURN_NS   (200 * NS_PER_US)

static _Atomic unsigned stop;

static void work(void)
{
	for (unsigned i = 0; i < 1000; i++)
		__asm__ volatile("" : : : "memory");
}

static int be_busy(void *arg)
{
	(void)arg;
	while (!atomic_load_explicit(&stop, memory_order_relaxed))
		work();
	return 0;
}

static int sleep_often(void *arg)
{
	time_ns_t due_ns = *(const time_ns_t *)arg;

	while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
		sched_sleep_until(due_ns);
		program_burn(BURN_NS);
		do
			due_ns += PERIOD_NS;
		while (due_ns < clock_now_ns());
	}
	return 0;
}

struct entries {
	uint64_t entries, switches;
};

static struct entries entries_now(void)
{
	struct entries sum = {0, 0};

	for (unsigned cpu = 0; cpu < bench.cpus; cpu++) {
		struct proc_cpu_info info;

		program_need("reading a CPU's statistics", cpu_stats(cpu, &info));
		sum.switches += info.core.switches;
		for (unsigned reason = 0; reason < REASON_COUNT; reason++)
			sum.entries += info.core.entries[reason];
	}
	return sum;
}

/* BUSY threads that always want to run, and sleepers of 200 us every 2 ms, all with the usual slice, on one
 * CPU: on several a busy thread shares its CPU with a sleeper or two, and hardly anybody waits. */
static double entries_per_switch(unsigned part, uint64_t *n)
{
	time_ns_t due_ns[SLEEPERS];
	struct crew busy;
	struct crew sleepers;

	(void)part;
	atomic_store(&stop, 0);
	for (unsigned i = 0; i < SLEEPERS; i++)
		due_ns[i] = clock_now_ns() + 50 * NS_PER_MS + i * PERIOD_NS / SLEEPERS;
	crew_start(&busy, BUSY, be_busy, NULL, 0);
	crew_start(&sleepers, SLEEPERS, sleep_often, due_ns, sizeof(due_ns[0]));
	thread_sleep_until(clock_now_ns() + 100 * NS_PER_MS);

	const struct entries before = entries_now();

	thread_sleep_until(clock_now_ns() + (bench.quick ? 200 : 1000) * NS_PER_MS);

	const struct entries after = entries_now();

	atomic_store(&stop, 1);
	crew_join(&sleepers);
	crew_join(&busy);
	*n = after.switches - before.switches;
	return (double)(after.entries - before.entries) / (double)*n;
}

/* --- A wake among many --- */

#define FEW       4u
#define MANY      4096u
#define SLICE_MIN 100000u

static struct {
	cptr_t wake;
	_Atomic uint64_t signalled_ticks;
	_Atomic unsigned done;
	uint64_t sum_ticks;
	uint64_t count;
} woken;

static int be_woken(void *arg)
{
	word_t word;

	(void)arg;
	program_need("asking for a short slice",
		     sched_param_set(0, SCHED_PARAM_SLICE_NS, SLICE_MIN, 0));
	while (!atomic_load_explicit(&woken.done, memory_order_relaxed)) {
		program_need("waiting", sys_wait(woken.wake, &word));
		uint64_t now = bench_ticks();
		uint64_t then = atomic_exchange_explicit(&woken.signalled_ticks, 0,
							 memory_order_relaxed);

		if (then) {
			woken.sum_ticks += now - then;
			woken.count++;
		}
	}
	return 0;
}

/* In another program, which is killed in the end. */
static int begin_busy(void *arg)
{
	sched_sleep_until(*(const time_ns_t *)arg);
	return be_busy(NULL);
}

_Noreturn void bench_crowd(unsigned threads, time_ns_t start_ns)
{
	for (unsigned i = 1; i < threads; i++) {
		struct thread *thread;

		if (thrd_create(&thread, begin_busy, &start_ns) != thrd_success)
			program_fail("starting a thread", ERR_NO_MEMORY);
	}
	(void)begin_busy(&start_ns);
	process_exit(0);
}

/* Counted are wakes after which the other thread ran before the signal returned. */
static void wake_often(unsigned tries)
{
	struct thread *sleeper;

	atomic_store(&woken.done, 0);
	woken.sum_ticks = 0;
	woken.count = 0;
	if (thrd_create(&sleeper, be_woken, NULL) != thrd_success)
		program_fail("starting a thread", ERR_NO_MEMORY);
	thread_sleep_until(clock_now_ns() + NS_PER_MS);
	for (unsigned i = 0; i < tries; i++) {
		work();
		atomic_store_explicit(&woken.signalled_ticks, bench_ticks(), memory_order_relaxed);
		sys_signal(woken.wake);
		if (atomic_exchange_explicit(&woken.signalled_ticks, 0, memory_order_relaxed))
			thread_sleep_until(clock_now_ns() + NS_PER_MS);
	}
	atomic_store(&woken.done, 1);
	sys_signal(woken.wake);
	thrd_join(sleeper, NULL);
	if (woken.count < tries / 4)
		program_fail("the woken thread does not preempt", ERR_STATE);
}

static uint64_t runnable_now(void)
{
	struct sched_cpu_stats stats;
	struct proc_cpu_info info;

	program_need("reading a CPU's statistics", cpu_stats(0, &info));
	memcpy(&stats, info.sched, sizeof(stats));
	return stats.runnable;
}

static double wake_among(unsigned threads)
{
	struct crowd crowd;
	const time_ns_t start_ns = crowd_start(&crowd, "crowd", threads, 0);

	thread_sleep_until(start_ns + NS_PER_MS);
	if (runnable_now() < threads)
		program_fail("not all of many threads are running", ERR_STATE);
	wake_often(bench.quick ? 200 : 1000);
	crowd_kill(&crowd);
	return (double)woken.sum_ticks / (double)woken.count;
}

/* Instructions of a wake, until the woken thread runs, beside so many others that are busy. */
static double wake_among_others(unsigned part, uint64_t *n)
{
	static const unsigned others[] = {0, FEW, 16, 256, MANY};

	program_need("making a notification", object_new(OBJ_NOTIFICATION, &woken.wake));

	double ticks = wake_among(others[part]);

	object_free(woken.wake);
	*n = woken.count;
	return bench_ns(1) * ticks;
}

static double wake_scale(unsigned part, uint64_t *n)
{
	(void)part;
	program_need("making a notification", object_new(OBJ_NOTIFICATION, &woken.wake));

	double few = wake_among(FEW);
	double many = wake_among(MANY);

	object_free(woken.wake);
	*n = woken.count;
	return many / few;
}

const struct bench_row bench_entries_rows[] = {
	{.id = "entries_per_switch",
	 .unit = "entries",
	 .cpus = 1,
	 .mode = BENCH_ASKED,
	 .run = entries_per_switch,
	 .parts = 1,
	 .names = {"filter"}},
	{.id = "entries_per_switch",
	 .unit = "entries",
	 .cpus = 1,
	 .run = entries_per_switch,
	 .parts = 1,
	 .names = {"successor"}},
	{.id = "wake_among",
	 .unit = "insns",
	 .cpus = 1,
	 .run = wake_among_others,
	 .parts = 5,
	 .names = {"0", "4", "16", "256", "4096"}},
	{.id = "ipis_and_wake_scale",
	 .unit = "ratio",
	 .cpus = 1,
	 .run = wake_scale,
	 .parts = 1,
	 .names = {"ratio_4096"}},
	{.id = NULL},
};
