/* SPDX-License-Identifier: BSD-2-Clause */
/* How exactly the CPUs are shared. */
#include "bench.h"

#include <stdatomic.h>

#include <libsys/clock.h>
#include <libsys/process.h>
#include <libsys/sched.h>
#include <libsys/syscall.h>
#include <libsys/threads.h>

#include "../lib/crew.h"
#include "../lib/program.h"

#define SPINNERS_MAX 8u
#define CHUNK        200u

struct spinner {
	int nice;
	time_ns_t start_ns;
	time_ns_t end_ns;
	time_ns_t cpu_ns; /* result: between start and end */
};

static void spin_chunk(void)
{
	volatile uint64_t state = 1;

	for (unsigned i = 0; i < CHUNK; i++)
		state = state * 6364136223846793005ull + 1442695040888963407ull;
}

static int spin(void *arg)
{
	struct spinner *spinner = arg;
	struct thread_clock clock;
	time_ns_t before;

	program_need("choosing a nice value",
		     sched_param_set(0, SCHED_PARAM_NICE, (word_t)(int64_t)spinner->nice, 0));
	thread_sleep_until(spinner->start_ns);
	before = sys_thread_clock().cpu_ns;
	do {
		spin_chunk();
		clock = sys_thread_clock();
	} while (clock.now_ns < spinner->end_ns);
	spinner->cpu_ns = clock.cpu_ns - before;
	return 0;
}

/* Fills in each spinner's cpu_ns; returns the duration. */
static double spin_all(struct spinner *spinners, unsigned count)
{
	time_ns_t duration_ns = bench.quick ? NS_PER_S : 5 * NS_PER_S;
	time_ns_t start_ns = clock_now_ns() + 20 * NS_PER_MS;
	struct crew crew;

	for (unsigned i = 0; i < count; i++) {
		spinners[i].start_ns = start_ns;
		spinners[i].end_ns = start_ns + duration_ns;
	}
	crew_start(&crew, count, spin, spinners, sizeof(spinners[0]));
	crew_join(&crew);
	return (double)duration_ns;
}

/* The largest deviation from an equal share, in percent of it. */
static double deviation(unsigned count, unsigned cpus)
{
	struct spinner spinners[SPINNERS_MAX] = {0};
	double ideal_ns = spin_all(spinners, count) * cpus / count;
	double worst = 0;

	for (unsigned i = 0; i < count; i++) {
		double off = (double)spinners[i].cpu_ns / ideal_ns - 1;

		if (off < 0)
			off = -off;
		if (off > worst)
			worst = off;
	}
	return 100 * worst;
}

static double share_dev_8(unsigned part, uint64_t *n)
{
	(void)part;
	*n = 8;
	return deviation(8, 1);
}

static double share_6_on_4(unsigned part, uint64_t *n)
{
	(void)part;
	*n = 6;
	return deviation(6, 4);
}

static double nice_0_5(unsigned part, uint64_t *n)
{
	struct spinner spinners[2] = {{.nice = 0}, {.nice = 5}};

	(void)part;
	*n = 2;
	spin_all(spinners, 2);
	return (double)spinners[0].cpu_ns / (double)spinners[1].cpu_ns;
}

/* --- Released from one CPU --- */

#define RELEASED       8u
#define SLICE_SHORT_NS 100000u
#define SLICE_USUAL_NS 3000000u
#define GIVE_UP        (2 * NS_PER_S)

static struct {
	_Atomic unsigned cpu[RELEASED]; /* where it last ran */
	_Atomic uint32_t tid[RELEASED];
	_Atomic time_ns_t released_ns; /* 0: not yet */
	_Atomic time_ns_t even_ns;     /* 0: not yet */
	_Atomic unsigned stop;
} release;

static bool is_even(void)
{
	unsigned count[4] = {0};

	for (unsigned i = 0; i < RELEASED; i++)
		count[atomic_load_explicit(&release.cpu[i], memory_order_relaxed) % 4]++;
	return count[0] == 2 && count[1] == 2 && count[2] == 2 && count[3] == 2;
}

static int spin_released(void *arg)
{
	unsigned me = (unsigned)(uintptr_t)arg;

	thread_pin(0);
	atomic_store(&release.tid[me], thread_tid(thrd_current()));
	while (!atomic_load_explicit(&release.stop, memory_order_relaxed)) {
		struct thread_clock clock = sys_thread_clock();
		time_ns_t none = 0;

		atomic_store_explicit(&release.cpu[me], (unsigned)clock.cpu, memory_order_relaxed);
		if (atomic_load_explicit(&release.released_ns, memory_order_relaxed) && is_even())
			atomic_compare_exchange_strong(&release.even_ns, &none, clock.now_ns);
		spin_chunk();
	}
	return 0;
}

static void release_all(void)
{
	atomic_store(&release.released_ns, clock_now_ns());
	for (unsigned i = 0; i < RELEASED; i++)
		program_need("releasing a thread",
			     process_sched_set(0, atomic_load(&release.tid[i]),
					       SCHED_PARAM_AFFINITY, UINT64_MAX, UINT64_MAX));
}

static double even_after_8(unsigned part, uint64_t *n)
{
	struct thread *threads[RELEASED];
	time_ns_t end_ns;

	(void)part;
	*n = RELEASED;
	atomic_store(&release.released_ns, 0);
	atomic_store(&release.even_ns, 0);
	atomic_store(&release.stop, 0);
	thread_pin(3);
	/* What counts is how they spread, not when this thread gets its turn between two of them. */
	program_need("asking for a short slice",
		     sched_param_set(0, SCHED_PARAM_SLICE_NS, SLICE_SHORT_NS, 0));
	for (unsigned i = 0; i < RELEASED; i++)
		if (thrd_create(&threads[i], spin_released, (void *)(uintptr_t)i) != thrd_success)
			program_fail("starting a thread", ERR_NO_MEMORY);
	thread_sleep_until(clock_now_ns() + 200 * NS_PER_MS);
	release_all();
	end_ns = clock_now_ns() + GIVE_UP;
	while (!atomic_load(&release.even_ns) && clock_now_ns() < end_ns)
		thread_sleep_until(clock_now_ns() + 5 * NS_PER_MS);
	if (!atomic_load(&release.even_ns))
		atomic_store(&release.even_ns, clock_now_ns());
	atomic_store(&release.stop, 1);
	for (unsigned i = 0; i < RELEASED; i++)
		thrd_join(threads[i], NULL);
	program_need("asking for a usual slice",
		     sched_param_set(0, SCHED_PARAM_SLICE_NS, SLICE_USUAL_NS, 0));
	return (double)(atomic_load(&release.even_ns) - atomic_load(&release.released_ns)) / 1e6;
}

const struct bench_row bench_quality_rows[] = {
	{.id = "share_dev_8", .unit = "%", .cpus = 1, .run = share_dev_8},
	{.id = "nice_0_5", .unit = "ratio", .cpus = 1, .run = nice_0_5},
	{.id = "share_6_on_4",
	 .unit = "%",
	 .cpus = 4,
	 .run = share_6_on_4,
	 .note = "(largest deviation from 2/3 of a CPU)"},
	{.id = "even_after_8",
	 .unit = "ms",
	 .cpus = 4,
	 .run = even_after_8,
	 .note = "(since the first is released; the releasing thread has a slice of 0.1 ms)"},
	{.id = NULL},
};
