/* SPDX-License-Identifier: BSD-2-Clause */
/* Every CPU wakes its part of thousands of threads at the same moment. */
#include "bench.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <libsys/clock.h>
#include <libsys/memory.h>
#include <libsys/process.h>
#include <libsys/sched.h>
#include <libsys/syscall.h>
#include <libsys/threads.h>
#include <mm/protocol.h>

#include "../lib/crew.h"
#include "../lib/program.h"
#include "crowd.h"

#define ROUNDS    5u
#define PERIOD_NS (100 * NS_PER_MS) /* all have slept again for long */
#define FEW       4u
#define MANY      4096u

struct member {
	_Atomic cptr_t wake; /* its own notification; 0 while it is not there yet */
	_Atomic unsigned woken;
};

/* In memory that all programs of a crowd share. */
struct record {
	_Atomic uint64_t last_ticks[ROUNDS]; /* when the last thread woke */
};

static struct {
	struct member *members;
	unsigned count;
	unsigned cpus;
	time_ns_t start_ns;
	struct record *record;
} burst;

static void raise_to(_Atomic uint64_t *most, uint64_t value)
{
	uint64_t before = atomic_load_explicit(most, memory_order_relaxed);

	while (before < value &&
	       !atomic_compare_exchange_weak_explicit(most, &before, value, memory_order_relaxed,
						      memory_order_relaxed)) {
	}
}

static int wait_to_be_woken(void *arg)
{
	struct member *member = arg;
	const cptr_t wake = bench_own_notification();
	word_t word;

	atomic_store_explicit(&member->wake, wake, memory_order_relaxed);
	for (unsigned round = 0; round < ROUNDS; round++) {
		program_need("waiting", sys_wait(wake, &word));
		raise_to(&burst.record->last_ticks[round], bench_ticks());
		atomic_fetch_add_explicit(&member->woken, 1, memory_order_relaxed);
	}
	return 0;
}

static int wake_part(void *arg)
{
	const unsigned cpu = *(const unsigned *)arg;

	thread_pin(cpu);
	for (unsigned round = 0; round < ROUNDS; round++) {
		thread_sleep_until(burst.start_ns + round * PERIOD_NS);
		for (unsigned i = cpu; i < burst.count; i += burst.cpus)
			sys_signal(
				atomic_load_explicit(&burst.members[i].wake, memory_order_relaxed));
	}
	return 0;
}

static word_t frames_used(void)
{
	struct mm_stats stats;

	program_need("asking for memory in use", machine_memory(&stats));
	return stats.frames_user;
}

static void burst_prepare(unsigned threads, time_ns_t start_ns)
{
	burst.members = calloc(threads, sizeof(*burst.members));
	burst.count = threads;
	burst.cpus = program_cpus();
	burst.start_ns = start_ns;
	if (burst.members == NULL)
		program_fail("allocating", ERR_NO_MEMORY);
	for (unsigned i = 0; i < threads; i++) {
		struct thread *thread;

		if (thrd_create(&thread, wait_to_be_woken, &burst.members[i]) != thrd_success)
			program_fail("starting a thread", ERR_NO_MEMORY);
	}
}

static struct record *record_map(word_t object)
{
	void *at;

	program_need("mapping shared memory",
		     shared_map(object, PAGE_SIZE, MAP_READ | MAP_WRITE, &at));
	return at;
}

/* Fails if a wake is lost. */
_Noreturn void bench_burst(unsigned threads, time_ns_t start_ns, word_t object)
{
	unsigned cpu[CREW_MAX];
	struct crew wakers;

	burst.record = record_map(object);
	burst_prepare(threads, start_ns);
	for (unsigned i = 0; i < burst.cpus; i++)
		cpu[i] = i;
	crew_start(&wakers, burst.cpus, wake_part, cpu, sizeof(cpu[0]));
	crew_join(&wakers);
	thread_sleep_until(start_ns + ROUNDS * PERIOD_NS);
	for (unsigned i = 0; i < threads; i++)
		if (atomic_load(&burst.members[i].woken) != ROUNDS)
			program_fail("a wake of a burst was lost", ERR_STATE);
	process_exit(0);
}

/* From the moment of a burst to the last wake, on average. */
static double spent_ns(const struct record *record, time_ns_t start_ns)
{
	double sum_ns = 0;

	for (unsigned round = 0; round < ROUNDS; round++)
		sum_ns += bench_ns(record->last_ticks[round]) -
			  (double)(start_ns + round * PERIOD_NS);
	return sum_ns / ROUNDS;
}

/* Instructions a wake, until the last woken thread ran; the CPUs are busy with nothing else. */
static double wake_burst(unsigned part, uint64_t *n)
{
	static const unsigned threads[] = {FEW, 256, MANY};
	struct record *record;
	struct crowd crowd;
	time_ns_t start_ns;
	word_t object;
	word_t frames;
	double ns;

	program_need("making shared memory", shared_new(PAGE_SIZE, &object));
	program_need("sharing memory", shared_allow(object, 0));
	record = record_map(object);
	start_ns = crowd_start(&crowd, "burst", threads[part], object);
	/* The first round touches pages that were not there. */
	thread_sleep_until(start_ns + PERIOD_NS - NS_PER_MS);
	frames = frames_used();
	thread_sleep_until(start_ns + ROUNDS * PERIOD_NS - NS_PER_MS);
	if (frames_used() != frames)
		program_fail("wakes take memory", ERR_STATE);
	crowd_join(&crowd);
	ns = spent_ns(record, start_ns);
	program_need("unmapping memory", memory_unmap(record, PAGE_SIZE));
	program_need("giving up shared memory", shared_free(object));
	*n = (uint64_t)threads[part] * ROUNDS;
	return ns / threads[part];
}

const struct bench_row bench_burst_rows[] = {
	{.id = "wake_burst",
	 .unit = "insns",
	 .cpus = 4,
	 .run = wake_burst,
	 .parts = 3,
	 .names = {"4", "256", "4096"}},
	{.id = NULL},
};
