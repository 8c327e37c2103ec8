/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads that have called a passive server go on until it has answered.
 *
 * A passive server runs on its caller's time and waits where that waits, and so does whoever calls it
 * next, however much more weight that has. So a thread whose record says that it is being served
 * (EVENT_SERVED: its slice ended there, somebody woke, or the server went over to it from its queue) is
 * run out of turn, until the server has answered. It pays: it is charged like for any other time, which it
 * was not owed, so its next turn is later by that, and shares stay as they are. Whoever calls a server
 * waits for one request of each who called before, and not for their turns.
 *
 * Only servers with TCB_FLAG_SERVER say so, which proc gives, and which answer soon. SERVED_NS_MAX after
 * it began to go on out of turn it is any thread's time again, until its next turn ends or it wakes.
 * One that may run nowhere has no turns, so it goes on until the answer, and then waits. Nor does it matter
 * whether it may run here: a thread waits where it must not run if its placement gathers them, and what
 * runs on its time is the server.
 *
 * Bad at: a thread that wakes meanwhile waits for that answer. Servers of programs. A server whose caller
 * was killed goes on on time of its own, as any thread.
 */
#include "served.h"
#include "thread.h"

/* Several times what the longest request takes. */
#define SERVED_NS_MAX 500000u

static bool decided_served(const struct sched_cpu *cpu, const struct sched_thread *thread)
{
	return cpu->decided_tid == thread->tid && (cpu->decided_flags & DECISION_ANSWER) != 0;
}

/* Its place, or a new one; NULL: there is none. */
static struct sched_served *served_of(struct sched_cpu *cpu, struct sched_thread *thread)
{
	uint32_t i = 0;

	while (i < cpu->served_count && cpu->served[i].thread != thread)
		i++;
	if (i == SCHED_SERVED_MAX)
		return NULL;
	if (i == cpu->served_count)
		cpu->served[cpu->served_count++] = (struct sched_served){.thread = thread};
	return &cpu->served[i];
}

void sched_served_note(struct sched_cpu *cpu, struct sched_thread *thread, bool slept)
{
	struct sched_served *served = served_of(cpu, thread);

	thread->served_seq = thread->seq;
	if (served == NULL)
		return;
	served->seq = thread->seq;
	if (slept || thread->state == SCHED_NOWHERE || !decided_served(cpu, thread))
		served->until_ns = 0;
}

/* Nothing happened to it since, and it may go on. */
static bool served_still(const struct sched_cpu *cpu, const struct sched_served *served,
			 time_ns_t now_ns)
{
	const struct sched_thread *thread = served->thread;

	return (served->until_ns == 0 || now_ns < served->until_ns) && thread->seq == served->seq &&
	       sched_thread_settled(cpu, thread) && !thread->in_request &&
	       (thread->state == SCHED_NOWHERE || thread->state == SCHED_READY);
}

bool sched_served_decide(struct sched_cpu *cpu, time_ns_t now_ns, struct sched_decision *decision)
{
	struct sched_served *first = &cpu->served[0];

	while (cpu->served_count != 0 && !served_still(cpu, first, now_ns)) {
		cpu->served_count--;
		for (uint32_t i = 0; i < cpu->served_count; i++)
			cpu->served[i] = cpu->served[i + 1];
	}
	/* In its turn it has more time, and one entry less. */
	if (cpu->served_count == 0 || first->thread == cpu->running)
		return false;
	if (first->until_ns == 0)
		first->until_ns = now_ns + SERVED_NS_MAX;
	decision->kind = DECISION_RUN;
	decision->tid = first->thread->tid;
	decision->seq = first->thread->seq;
	decision->slice_ns = first->until_ns - now_ns;
	decision->flags = (uint32_t)DECISION_ANSWER;
	return true;
}
