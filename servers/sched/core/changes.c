/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What others do to threads that wait here: they stop and resume them, or ask for other parameters.
 *
 * Each of these enters this dispatcher, and goes on the bill of threads that need not run for it, so that
 * nobody pays whoever the CPU is taken from: three threads of other CPUs that stop and resume sleepers of
 * this one left a third of it to a worker.  So there is a budget for such entries.  When it is used up the
 * decision tells the kernel to hold changes back; a record folds those of one thread into one, and who made
 * a request waits for its answer.
 *
 * Bad at: a resumed thread, and a request of another CPU, then wait, mostly for some hundred microseconds,
 * 16 ms at most; and so does a wake that came while this dispatcher decided.
 */
#include <base/math.h>

#include "bill.h"
#include "changes.h"
#include "thread.h"
#include "upcall.h"

#define CHANGES_PART     64u       /* of a CPU's time, one part in so many is for changes */
#define CHANGES_BURST_NS 10000000u /* and what is for so long may be used up at once */
#define CHANGES_HOLD_NS  16000000u /* nobody waits longer, whatever it has cost */

void sched_changes_note(struct sched_cpu *cpu)
{
	cpu->changes_ns = cpu->entered_ns;
}

/* It has not run, and is not new: whoever makes threads pays for each of them. */
static bool is_change(struct sched_server *server, const struct sched_event *event)
{
	const unsigned cause = EVENT_CAUSE(event->info);
	const struct sched_thread *thread;

	if (cause != CAUSE_STOPPED && cause != CAUSE_START)
		return false;
	thread = sched_thread_find(server, event->tag);
	return event->ran_ns == 0 && thread != NULL && thread->joined;
}

void sched_changes_look(struct sched_server *server, struct sched_cpu *cpu,
			const struct sched_upcall *upcall)
{
	const uint32_t count = sched_upcall_count(upcall);

	for (uint32_t i = 0; i < count; i++)
		if (is_change(server, sched_upcall_event(upcall, i)))
			sched_changes_note(cpu);
}

void sched_changes_charge(struct sched_cpu *cpu, time_ns_t ran_ns, time_ns_t now_ns)
{
	if (cpu->changes_ns != cpu->entered_ns)
		return;
	const time_ns_t cost_ns = sched_entry_cost(cpu, ran_ns, now_ns);

	cpu->changes_ns = TIME_NEVER;
	cpu->changes_until_ns = min_u64(max_u64(cpu->changes_until_ns, now_ns) +
						cost_ns * CHANGES_PART,
					now_ns + CHANGES_BURST_NS + CHANGES_HOLD_NS);
	if (cpu->changes_until_ns > now_ns + CHANGES_BURST_NS)
		cpu->silent |= SCHED_SILENT_CHANGES;
}

void sched_changes_hold(struct sched_cpu *cpu, time_ns_t now_ns, struct sched_decision *decision)
{
	if ((cpu->silent & SCHED_SILENT_CHANGES) == 0)
		return;
	if (cpu->changes_until_ns <= now_ns + CHANGES_BURST_NS) {
		cpu->silent &= (uint8_t)~SCHED_SILENT_CHANGES;
		return;
	}
	decision->flags |= (uint32_t)DECISION_FILTER;
	decision->filter_until_ns = cpu->changes_until_ns - CHANGES_BURST_NS;
	decision->filter_key = FILTER_KEY_CHANGES;
}
