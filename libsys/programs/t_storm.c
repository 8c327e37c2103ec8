/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Storms: the same few things again and again (the rows are those of docs/acceptance.md).
 *
 *     t_storm [DECISIONS]        the soak has as many as the rows say: minutes
 */
#include <stdatomic.h>

#include <libsys/clock.h>
#include <libsys/process.h>
#include <libsys/sched.h>
#include <libsys/tap.h>
#include <libsys/threads.h>

#include "lib/crew.h"
#include "lib/program.h"

static uint64_t decisions_wanted;

static atomic_bool stop;

/* ---- M34 -------------------------------------------------------------------------------------- */

static uint64_t decisions_made(void)
{
	struct proc_cpu_info info;
	uint64_t sum = 0;

	program_need("asking what a CPU did", cpu_stats(0, &info));
	for (unsigned i = 0; i < REASON_COUNT; i++)
		sum += info.core.entries[i];
	return sum;
}

static int yield_to_others(void *arg)
{
	atomic_uint *rounds = arg;

	if (!thread_pin(0))
		return 1;
	for (; !atomic_load(&stop); atomic_fetch_add(rounds, 1))
		sched_yield_now();
	return 0;
}

/* Each turn that another one gets sets the timer of the CPU, each sleep one of the scheduler server's. */
static int sleep_again_and_again(void *arg)
{
	atomic_uint *rounds = arg;
	uint64_t seed = (uintptr_t)arg;

	if (!thread_pin(0))
		return 1;
	for (; !atomic_load(&stop); atomic_fetch_add(rounds, 1))
		thread_sleep_until(clock_now_ns() + 1 + program_random(&seed) % (8 * NS_PER_US));
	return 0;
}

static void decisions_take_no_memory(void)
{
	static atomic_uint rounds[2 + 4];
	struct mm_stats before;
	struct mm_stats after;
	struct crew yielders;
	struct crew sleepers;
	uint64_t first;

	atomic_store(&stop, false);
	crew_start(&yielders, 2, yield_to_others, &rounds[0], sizeof(rounds[0]));
	crew_start(&sleepers, 4, sleep_again_and_again, &rounds[2], sizeof(rounds[0]));
	/* Until nobody touches a page of his stack for the first time any more. */
	for (unsigned i = 0; i < 2 + 4; i++)
		while (atomic_load(&rounds[i]) < 20)
			thread_pause();
	first = decisions_made();
	program_need("asking for memory in use", machine_memory(&before));
	while (decisions_made() - first < decisions_wanted)
		thread_pause();
	program_need("asking for memory in use", machine_memory(&after));
	atomic_store(&stop, true);
	tap_equal(crew_join(&yielders) + crew_join(&sleepers), 0);
	tap_equal(after.frames_user, before.frames_user);
	tap_equal(after.frames_tables, before.frames_tables);
	tap_equal(after.frames_free, before.frames_free);
}

int main(int argc, char **argv)
{
	static const struct tap_case cases[] = {
		{"M34_decisions_take_no_memory", decisions_take_no_memory},
	};

	decisions_wanted = program_number(argc, argv, 1, 20000, 1, UINT32_MAX);
	return tap_run(cases, sizeof(cases) / sizeof(cases[0]));
}
