/* SPDX-License-Identifier: BSD-2-Clause */
/* How late threads wake, alone and among busy ones; IPIs of wakes. */
#include "bench.h"

#include <stdatomic.h>
#include <stdlib.h>

#include <abi/object.h>
#include <libsys/clock.h>
#include <libsys/process.h>
#include <libsys/sched.h>
#include <libsys/syscall.h>
#include <libsys/threads.h>

#include "../lib/crew.h"
#include "../lib/program.h"

#define SLICE_SHORT 100000u
#define PERIOD_NS   (2 * NS_PER_MS)
#define BUSY        8u

struct sleeper {
	uint64_t burn_ns;
	time_ns_t start_ns;
	uint32_t *late_ns;
	unsigned count;
};

static _Atomic unsigned busy_stop;

static int be_busy(void *arg)
{
	volatile uint64_t state = 1;

	(void)arg;
	while (!atomic_load_explicit(&busy_stop, memory_order_relaxed))
		for (unsigned i = 0; i < 1000; i++)
			state = state * 6364136223846793005ull + 1442695040888963407ull;
	return 0;
}

static uint32_t lateness(time_ns_t due_ns)
{
	time_ns_t now = clock_now_ns();
	time_ns_t late = now > due_ns ? now - due_ns : 0;

	return late < UINT32_MAX ? (uint32_t)late : UINT32_MAX;
}

static int sleep_often(void *arg)
{
	struct sleeper *sleeper = arg;
	time_ns_t due_ns = sleeper->start_ns;

	program_need("asking for a short slice",
		     sched_param_set(0, SCHED_PARAM_SLICE_NS, SLICE_SHORT, 0));
	for (unsigned i = 0; i < sleeper->count; i++) {
		sched_sleep_until(due_ns);
		sleeper->late_ns[i] = lateness(due_ns);
		program_burn(sleeper->burn_ns);
		/* A period that has passed already is left out, not caught up with. */
		do
			due_ns += PERIOD_NS;
		while (due_ns < clock_now_ns());
	}
	return 0;
}

#define SLEEPERS_MAX 8u

/* All latenesses of `sleepers` among BUSY busy threads; the caller frees them. */
static uint32_t *among_busy(unsigned sleepers, uint64_t burn_ns, size_t *count)
{
	unsigned each = bench.quick ? 250 : 2500;
	uint32_t *late_ns = calloc((size_t)each * sleepers, sizeof(*late_ns));
	struct sleeper list[SLEEPERS_MAX];
	struct crew busy;
	struct crew crew;

	if (!late_ns)
		program_fail("measuring", ERR_NO_MEMORY);
	atomic_store(&busy_stop, 0);
	crew_start(&busy, BUSY, be_busy, NULL, 0);
	for (unsigned i = 0; i < sleepers; i++)
		list[i] = (struct sleeper){
			.burn_ns = burn_ns,
			.start_ns = clock_now_ns() + 50 * NS_PER_MS + i * PERIOD_NS / sleepers,
			.late_ns = late_ns + (size_t)i * each,
			.count = each,
		};
	crew_start(&crew, sleepers, sleep_often, list, sizeof(list[0]));
	crew_join(&crew);
	atomic_store(&busy_stop, 1);
	crew_join(&busy);
	*count = (size_t)each * sleepers;
	return late_ns;
}

/* One run gives both percentiles: part 0 measures, part 1 reads what is left of it. */
static double percentiles(unsigned part, unsigned sleepers, uint64_t burn_ns, uint64_t *n)
{
	static double p99_us;
	size_t count;
	double p50_us;

	if (part == 1)
		return p99_us;
	uint32_t *late_ns = among_busy(sleepers, burn_ns, &count);

	*n = count;
	p50_us = bench_percentile(late_ns, count, 50) / 1000;
	p99_us = bench_percentile(late_ns, count, 99) / 1000;
	free(late_ns);
	return p50_us;
}

static double wake_short(unsigned part, uint64_t *n)
{
	return percentiles(part, 4, 50 * NS_PER_US, n);
}

static double schbench(unsigned part, uint64_t *n)
{
	return percentiles(part, 8, 100 * NS_PER_US, n);
}

#define SLEEPS 1000u

static double sleep_1ms(unsigned part, uint64_t *n)
{
	static uint32_t late_ns[SLEEPS];

	*n = SLEEPS;
	if (part == 0)
		for (unsigned i = 0; i < SLEEPS; i++) {
			time_ns_t due_ns = clock_now_ns() + NS_PER_MS;

			sched_sleep_until(due_ns);
			late_ns[i] = lateness(due_ns);
		}
	return bench_percentile(late_ns, SLEEPS, part == 0 ? 50 : 99) / 1000;
}

/* --- IPIs of remote wakes --- */

static struct {
	cptr_t wake;
	_Atomic unsigned woken;
} remote;

#define REMOTE_WAKES 1000u

static int wait_often(void *arg)
{
	word_t word;

	(void)arg;
	thread_pin(1);
	for (unsigned i = 0; i < REMOTE_WAKES; i++) {
		program_need("waiting", sys_wait(remote.wake, &word));
		atomic_fetch_add_explicit(&remote.woken, 1, memory_order_relaxed);
	}
	return 0;
}

static uint64_t ipis_of(unsigned cpu)
{
	struct proc_cpu_info info;

	program_need("reading a CPU's statistics", cpu_stats(cpu, &info));
	return info.core.ipis_sent;
}

static double wake_ipis(unsigned part, uint64_t *n)
{
	struct crew crew;
	uint64_t before;
	double ipis;

	(void)part;
	*n = REMOTE_WAKES;
	thread_pin(0);
	atomic_store(&remote.woken, 0);
	program_need("making a notification", object_new(OBJ_NOTIFICATION, &remote.wake));
	crew_start(&crew, 1, wait_often, NULL, 0);
	thread_sleep_until(clock_now_ns() + NS_PER_MS);
	before = ipis_of(0);
	for (unsigned i = 0; i < REMOTE_WAKES; i++) {
		sys_signal(remote.wake);
		while (atomic_load_explicit(&remote.woken, memory_order_relaxed) <= i)
			__asm__ volatile("yield");
		program_burn(20 * NS_PER_US); /* it waits again */
	}
	ipis = (double)(ipis_of(0) - before) / REMOTE_WAKES;
	crew_join(&crew);
	object_free(remote.wake);
	return ipis;
}

const struct bench_row bench_latency_rows[] = {
	{.id = "sleep_1ms",
	 .unit = "us",
	 .cpus = 1,
	 .run = sleep_1ms,
	 .parts = 2,
	 .names = {"p50_us", "p99_us"}},
	{.id = "wake_short",
	 .unit = "us",
	 .cpus = 1,
	 .run = wake_short,
	 .parts = 2,
	 .names = {"p50_us", "p99_us"}},
	{.id = "schbench_8_8",
	 .unit = "us",
	 .cpus = 4,
	 .run = schbench,
	 .parts = 2,
	 .names = {"p50_us", "p99_us"}},
	{.id = "ipis_and_wake_scale",
	 .unit = "ipis",
	 .cpus = 2,
	 .run = wake_ipis,
	 .parts = 1,
	 .names = {"ipis"}},
	{.id = NULL},
};
