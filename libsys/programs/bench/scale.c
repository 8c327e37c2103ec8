/* SPDX-License-Identifier: BSD-2-Clause */
/* What a wake and a block cost that stay on their CPU when every CPU does the same at once. */
#include "bench.h"

#include <stdatomic.h>
#include <stdlib.h>

#include <libsys/clock.h>
#include <libsys/process.h>
#include <libsys/sched.h>
#include <libsys/syscall.h>
#include <libsys/threads.h>

#include "../lib/crew.h"
#include "../lib/program.h"

#define SIDES 2u

/* One of two threads of a CPU that wake each other in turn. */
struct side {
	_Atomic cptr_t mine; /* its own notification, known before all start */
	struct side *other;
	unsigned cpu;
	bool first;
	time_ns_t start_ns;
	uint64_t rounds;
	uint64_t end_ticks; /* result */
};

static int wake_each_other(void *arg)
{
	struct side *side = arg;
	const cptr_t mine = bench_own_notification();
	word_t word;

	atomic_store_explicit(&side->mine, mine, memory_order_relaxed);
	thread_pin(side->cpu);
	thread_sleep_until(side->start_ns);

	const cptr_t other = atomic_load_explicit(&side->other->mine, memory_order_relaxed);

	if (side->first)
		sys_signal(other);
	for (uint64_t i = 0; i < side->rounds; i++) {
		program_need("waiting", sys_wait(mine, &word));
		sys_signal(other);
	}
	side->end_ticks = bench_ticks();
	return 0;
}

static void sides_prepare(struct side *sides, uint64_t rounds)
{
	const time_ns_t start_ns = clock_now_ns() + (20 + bench.cpus) * NS_PER_MS;

	for (unsigned i = 0; i < SIDES * bench.cpus; i++) {
		sides[i].other = &sides[i ^ 1];
		sides[i].cpu = i / SIDES;
		sides[i].first = i % SIDES == 0;
		sides[i].start_ns = start_ns;
		sides[i].rounds = rounds;
	}
}

/* From the moment at which all begin until the last one is done, all CPUs are busy with it. */
static double pairs_all(unsigned part, uint64_t *n)
{
	const uint64_t rounds = bench.quick ? 500 : 1000;
	struct side *sides = calloc(SIDES * bench.cpus, sizeof(*sides));
	struct crew crew[SIDES];
	uint64_t end_ticks = 0;

	(void)part;
	if (sides == NULL)
		program_fail("allocating", ERR_NO_MEMORY);
	sides_prepare(sides, rounds);
	for (unsigned i = 0; i < SIDES; i++)
		crew_start(&crew[i], bench.cpus, wake_each_other, sides + i * bench.cpus,
			   sizeof(*sides));
	for (unsigned i = 0; i < SIDES; i++)
		crew_join(&crew[i]);
	for (unsigned i = 0; i < SIDES * bench.cpus; i++)
		if (sides[i].end_ticks > end_ticks)
			end_ticks = sides[i].end_ticks;
	*n = SIDES * bench.cpus * rounds;

	const double spent_ns = bench_ns(end_ticks) - (double)sides[0].start_ns;

	free(sides);
	return spent_ns / (double)*n;
}

const struct bench_row bench_scale_rows[] = {
	{.id = "scale_pairs", .unit = "insns", .mode = BENCH_SCALE, .run = pairs_all},
	{.id = NULL},
};
