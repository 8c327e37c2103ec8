/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads of siege.c, one on each CPU but 0 (or, if there is no other, on that), that keep the dispatcher of
 * CPU 0 busy with threads that sleep there: whoever runs on CPU 0 need not notice.
 */
#include <libsys/clock.h>
#include <libsys/objects.h>
#include <libsys/process.h>
#include <libsys/sched.h>

#include "siege.h"

#define NICE_LEAST 19

static void live_on(word_t mask)
{
	if (program_cpus() > 1)
		program_need("choosing CPUs", sched_param_set(0, SCHED_PARAM_AFFINITY, mask, 0));
}

_Noreturn static int sleep_there(void *argument)
{
	live_on(1);
	siege_tcb_tell((unsigned)(uintptr_t)argument);
	for (;;)
		thread_sleep_until(clock_now_ns() + 1000 * NS_PER_MS);
}

_Noreturn static int stop_and_resume(void *argument)
{
	uint64_t seed = siege_seed((uintptr_t)argument);

	live_on(~(word_t)1);
	for (;;) {
		const cptr_t tcb = siege_tcbs[siege_pick(&seed, SIEGE_CREW)];

		(void)!tcb_suspend(tcb);
		(void)!tcb_resume(tcb);
	}
}

static uint32_t tids[SIEGE_CREW];

_Noreturn static int change_nice(void *argument)
{
	uint64_t seed = siege_seed((uintptr_t)argument);

	live_on(~(word_t)1);
	for (;;)
		(void)!sched_param_set(tids[siege_pick(&seed, SIEGE_CREW)], SCHED_PARAM_NICE,
				       siege_pick(&seed, NICE_LEAST + 1), 0);
}

_Noreturn static int change_mask(void *argument)
{
	uint64_t seed = siege_seed((uintptr_t)argument);

	live_on(~(word_t)1);
	for (;;)
		(void)!sched_param_set(tids[siege_pick(&seed, SIEGE_CREW)], SCHED_PARAM_AFFINITY,
				       1 + siege_pick(&seed, program_cpus()), 0);
}

_Noreturn static int sleep_told(void *argument)
{
	tids[(uintptr_t)argument] = thread_tid(thrd_current());
	sleep_there(argument);
}

static int prod(thrd_start_t *how)
{
	for (unsigned i = 0; i < SIEGE_CREW; i++)
		siege_thread(sleep_told, i);
	siege_tcbs_await(SIEGE_CREW);
	siege_thread(how, 0);
	for (unsigned i = 2; i < program_cpus(); i++)
		siege_thread(how, i);
	siege_rest();
}

int siege_stops(void)
{
	return prod(stop_and_resume);
}

int siege_nices(void)
{
	return prod(change_nice);
}

int siege_moves(void)
{
	return prod(change_mask);
}
