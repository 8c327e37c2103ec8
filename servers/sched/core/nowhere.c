/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An empty affinity mask is legal: its thread runs nowhere, and waits until it has another one.
 *
 * It leaves the policy's queue as if it were stopped, with what it is owed, and joins none when it wakes.
 * SCHED_THREAD_NOWHERE in its shared record says so, which its dispatcher writes and which wakes look at
 * anyway; another instance finds it there.  While it has called a server, that goes on (served.c): who else
 * calls it waits for no mask.
 *
 * Bad at: passive servers of programs, which wait where their caller waits; the kernel's own rotation, which
 * knows no masks.
 */
#include "nowhere.h"
#include "core.h"
#include "event.h"
#include "level.h"
#include "mask.h"
#include "plan.h"
#include "served.h"

static bool nowhere_note(struct sched_server *server, struct sched_cpu *cpu,
			 struct sched_thread *thread)
{
	uint32_t *flags = &thread->params->flags;

	if (!cpumask_empty(sched_thread_mask(server, thread))) {
		__atomic_fetch_and(flags, ~SCHED_THREAD_NOWHERE, __ATOMIC_RELAXED);
		return false;
	}
	__atomic_fetch_or(flags, SCHED_THREAD_NOWHERE, __ATOMIC_RELAXED);
	/* Nothing may run here first when it wakes. */
	cpu->strangers = true;
	return true;
}

void sched_nowhere_adopt(struct sched_server *server, struct sched_cpu *cpu,
			 struct sched_thread *thread)
{
	(void)nowhere_note(server, cpu, thread);
}

static void nowhere_begin(struct sched_server *server, struct sched_cpu *cpu,
			  struct sched_thread *thread, time_ns_t now_ns)
{
	cpu->policy->dequeue(policy_cpu(cpu), policy_thread(thread), POLICY_LEAVE_KEEP, now_ns);
	thread->state = SCHED_NOWHERE;
	sched_mask_changed(server, thread);
	if (cpu->running == thread)
		cpu->running = NULL;
	sched_plan_publish(server, cpu, now_ns);
	if (thread->served_seq == thread->seq)
		sched_served_note(cpu, thread, false);
}

bool sched_nowhere_follow(struct sched_server *server, struct sched_cpu *cpu,
			  struct sched_thread *thread, time_ns_t now_ns)
{
	if (nowhere_note(server, cpu, thread)) {
		if (thread->state == SCHED_READY)
			nowhere_begin(server, cpu, thread, now_ns);
		return true;
	}
	if (thread->state != SCHED_NOWHERE)
		return false;
	sched_thread_wake(server, cpu, thread, now_ns, now_ns);
	return true;
}
