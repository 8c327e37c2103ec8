/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loads in the manner of the Thread-Metric suite for real-time kernels, each on one CPU under `fifo`: what
 * one iteration costs, by what its threads counted in a while.  Those with interrupts are in interrupt.c,
 * the one with messages in ipc.c.
 */
#include "bench.h"

#include <stdatomic.h>
#include <stdlib.h>

#include <libsys/clock.h>
#include <libsys/process.h>
#include <libsys/sched.h>
#include <libsys/semaphore.h>
#include <libsys/syscall.h>
#include <libsys/threads.h>

#include "../lib/crew.h"
#include "../lib/program.h"
#include "metric.h"

#define THREADS       5u
#define PRIORITY_MAIN 99u
#define PRIORITY      10u
#define WORDS         1024u
#define BLOCK_BYTES   128u

struct metric metric;

/* What the threads of one load are given, and what they count; each is written by one of them. */
struct counter {
	unsigned index;
	cptr_t wake;
	_Atomic uint64_t count;
};

static struct counter counters[THREADS];

static void count_one(struct counter *counter)
{
	uint64_t count = atomic_load_explicit(&counter->count, memory_order_relaxed);

	atomic_store_explicit(&counter->count, count + 1, memory_order_relaxed);
}

void metric_priority(unsigned above)
{
	program_need("choosing a priority",
		     sched_param_set(0, SCHED_PARAM_PRIORITY, PRIORITY + above, 0));
}

void metric_begin(void)
{
	thread_pin(0);
	program_need("choosing a priority",
		     sched_param_set(0, SCHED_PARAM_PRIORITY, PRIORITY_MAIN, 0));
	atomic_store(&metric.stop, false);
}

double metric_window(uint64_t (*count)(void), uint64_t *n)
{
	const time_ns_t window_ns = bench.long_loads ? 30 * NS_PER_S
				    : bench.quick    ? 100 * NS_PER_MS
						     : 200 * NS_PER_MS;
	uint64_t before;
	uint64_t start;
	uint64_t ticks;

	thread_sleep_until(clock_now_ns() + 5 * NS_PER_MS);
	before = count();
	start = bench_ticks();
	thread_sleep_until(clock_now_ns() + window_ns);
	ticks = bench_ticks() - start;
	*n = count() - before;
	atomic_store(&metric.stop, true);
	if (*n == 0)
		program_fail("nothing was counted", ERR_STATE);
	return bench_ns(ticks) / (double)*n;
}

static uint64_t count_all(void)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < THREADS; i++)
		sum += atomic_load_explicit(&counters[i].count, memory_order_relaxed);
	return sum;
}

/* Iterations of so many threads. */
static double load(thrd_start_t *body, unsigned threads, uint64_t *n)
{
	struct crew crew;
	double ns;

	metric_begin();
	for (unsigned i = 0; i < THREADS; i++) {
		counters[i].index = i;
		atomic_store(&counters[i].count, 0);
		program_need("making a notification",
			     object_new(OBJ_NOTIFICATION, &counters[i].wake));
	}
	crew_start(&crew, threads, body, counters, sizeof(counters[0]));
	ns = metric_window(count_all, n);
	crew_join(&crew);
	for (unsigned i = 0; i < THREADS; i++)
		object_free(counters[i].wake);
	return ns;
}

static int compute(void *arg)
{
	static volatile uint32_t words[WORDS];
	uint32_t passes = 0;

	metric_priority(0);
	for (; !metric_over(); passes++) {
		for (unsigned i = 0; i < WORDS; i++)
			words[i] = (words[i] + passes) ^ words[i];
		count_one(arg);
	}
	return 0;
}

static int cooperate(void *arg)
{
	metric_priority(0);
	while (!metric_over()) {
		thrd_yield();
		count_one(arg);
	}
	return 0;
}

/* Each but the least urgent waits until the one below wakes it, and wakes the one above: both preempt. */
static int preempt(void *arg)
{
	struct counter *counter = arg;
	word_t word;

	metric_priority(counter->index);
	for (;;) {
		if (counter->index > 0)
			program_need("waiting", sys_wait(counter->wake, &word));
		bool over = metric_over();

		if (counter->index + 1 < THREADS)
			sys_signal(counters[counter->index + 1].wake);
		count_one(counter);
		if (over)
			return 0;
	}
}

static int synchronise(void *arg)
{
	struct semaphore semaphore;

	metric_priority(0);
	semaphore_init(&semaphore, 1);
	while (!metric_over()) {
		semaphore_wait(&semaphore);
		semaphore_post(&semaphore);
		count_one(arg);
	}
	return 0;
}

static int allocate(void *arg)
{
	metric_priority(0);
	while (!metric_over()) {
		void *volatile block = malloc(BLOCK_BYTES);

		free(block);
		count_one(arg);
	}
	return 0;
}

static double metric_load(unsigned part, uint64_t *n)
{
	static const struct {
		thrd_start_t *body;
		unsigned threads;
	} loads[] = {
		{compute, 1},     {cooperate, THREADS}, {preempt, THREADS},
		{synchronise, 1}, {allocate, 1},
	};

	return load(loads[part].body, loads[part].threads, n);
}

const struct bench_row bench_metric_rows[] = {
	{.id = "thread_metric",
	 .unit = "insns",
	 .cpus = 1,
	 .mode = BENCH_FIFO,
	 .run = metric_load,
	 .parts = 5,
	 .names = {"basic", "cooperative", "preemptive", "synchronization", "memory"}},
	{.id = NULL},
};
