/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads of siege.c whose affinity masks come and go, empty ones too, while they are in the middle of a
 * request, a fault or a sleep: who waits for a mask keeps no server.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include <libsys/clock.h>
#include <libsys/ipc.h>
#include <libsys/memory.h>
#include <libsys/process.h>
#include <libsys/sched.h>
#include <proc/slots.h>

#include "siege.h"

static _Atomic uint32_t tids[SIEGE_CREW];

static void map_and_touch(uint64_t *seed)
{
	const size_t bytes = PAGE_SIZE * (1 + siege_pick(seed, 64));
	void *at;

	if (memory_map(bytes, MM_PROT_READ | MM_PROT_WRITE, &at) != ERR_OK)
		return;
	((volatile char *)at)[siege_pick(seed, bytes)] = 1;
	(void)!memory_unmap(at, bytes);
}

_Noreturn static int ask_servers(void *argument)
{
	const uintptr_t me = (uintptr_t)argument;
	const uint32_t tid = thread_tid(thrd_current());
	uint64_t seed = siege_seed(me);
	struct proc_thread_info thread;
	struct process_self self;

	atomic_store(&tids[me], tid);
	for (;;) {
		switch (siege_pick(&seed, 8)) {
		case 0:
		case 1:
		case 2:
			map_and_touch(&seed);
			break;
		case 3:
			(void)!thread_list(siege_pick(&seed, 50), &thread);
			break;
		case 4:
			(void)!process_info(&self);
			break;
		case 5:
			thread_sleep_until(clock_now_ns() + siege_pick(&seed, 50000));
			break;
		case 6:
			(void)!process_sched_set(0, tid, SCHED_PARAM_AFFINITY, 0, 0);
			break;
		default:
			(void)!sched_param_set(0, SCHED_PARAM_AFFINITY, 0, 0);
		}
	}
}

int siege_maskless(void)
{
	uint64_t seed = siege_seed(99);

	for (unsigned i = 0; i < SIEGE_CREW; i++)
		siege_thread(ask_servers, i);
	for (;;) {
		const uint32_t tid = atomic_load(&tids[siege_pick(&seed, SIEGE_CREW)]);
		const word_t mask = siege_pick(&seed, 3) == 0 ? 0 : 1 + siege_pick(&seed, 255);

		if (tid != 0 && siege_pick(&seed, 4) == 0)
			(void)!process_sched_set(0, tid, SCHED_PARAM_AFFINITY, mask, 0);
		else if (tid != 0)
			(void)!sched_param_set(tid, SCHED_PARAM_AFFINITY, mask, 0);
		else
			sched_yield_now();
	}
}
