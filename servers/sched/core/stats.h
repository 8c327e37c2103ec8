/* SPDX-License-Identifier: BSD-2-Clause */
/* Counters in shared memory.  One writer each (<sched/shared.h>), so a relaxed load and store is enough. */
#pragma once

#include "core.h"

static inline void sched_stat_add(uint64_t *counter, uint64_t amount)
{
	uint64_t value = __atomic_load_n(counter, __ATOMIC_RELAXED);

	__atomic_store_n(counter, value + amount, __ATOMIC_RELAXED);
}
/* It runs for the first time after its wake. */
void sched_stat_woken(struct sched_thread *thread, time_ns_t now_ns);
/* It runs now; another one did. */
straight void sched_stat_run(struct sched_cpu *cpu, struct sched_thread *thread, time_ns_t now_ns)
{
	sched_stat_add(&thread->stats->runs, 1);
	cpu->last_run = thread;
	if (thread->woke)
		sched_stat_woken(thread, now_ns);
}
/* A decision to run `thread` is about to be given to the kernel. */
straight void sched_stat_dispatch(struct sched_cpu *cpu, struct sched_thread *thread,
				  time_ns_t now_ns)
{
	struct sched_thread *last = cpu->last_run;

	if (last != thread) {
		if (last == cpu->running && last != NULL) /* it has not left the queue */
			sched_stat_add(&last->stats->preemptions, 1);
		sched_stat_run(cpu, thread, now_ns);
	} else if (thread->woke) {
		sched_stat_woken(thread, now_ns);
	}
}
/* The kernel ran the successor then, which is READY and settled here. */
static inline void sched_succeed(struct sched_cpu *cpu, struct sched_thread *next, time_ns_t at_ns)
{
	cpu->policy->succeed(policy_cpu(cpu), policy_thread(next), at_ns);
	cpu->running = next;
	sched_stat_dispatch(cpu, next, at_ns);
}
/* So many wakes more, each run after that time, on an idle CPU. */
void sched_stat_firsts(struct sched_thread *thread, uint32_t wakes, time_ns_t wait_ns);
