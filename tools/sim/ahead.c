/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's half, what a decision allows without asking again: wakes that are filtered, the successor of
 * a thread that blocks, the first that becomes ready on an idle CPU.
 */
#include "sim.h"

void sim_ahead_accept(struct sim_cpu *cpu, bool pending)
{
	const struct sched_decision *decision = &cpu->decision;
	const uint32_t flags = pending ? 0 : decision->flags;

	cpu->filter_until_ns = (flags & DECISION_FILTER) != 0 ? decision->filter_until_ns : 0;
	cpu->filter_key = decision->filter_key;
	cpu->successor = (flags & DECISION_SUCCESSOR) != 0;
	cpu->first = (flags & DECISION_FIRST) != 0;
}

void sim_ahead_forget(struct sim_cpu *cpu)
{
	cpu->filter_until_ns = 0;
	cpu->filtered = false;
	cpu->successor = false;
	cpu->first = false;
}

void sim_ahead_report(struct sim_cpu *cpu, struct sched_upcall *upcall)
{
	if (!cpu->switched)
		return;
	cpu->switched = false;
	upcall->info |= UPCALL_SWITCHED;
	cpu->buffer.switched_ns = cpu->switched_ns;
	cpu->buffer.switched_tag = cpu->switched_tag;
}

bool sim_ahead_filters(struct sim *sim, struct sim_cpu *cpu, const struct sim_thread *thread)
{
	if (cpu->mode != SIM_THREAD || sim->now_ns >= cpu->filter_until_ns ||
	    thread->key < cpu->filter_key)
		return false;
	cpu->stats.filtered_wakes++;
	cpu->filtered = true;
	sim_cpu_account(sim, cpu); /* what its script still has to run counts from now */
	sim_cpu_arm(sim, cpu);
	return true;
}

/* Nothing is there but this record. */
static bool only_record(const struct sim_cpu *cpu, const struct sim_thread *thread)
{
	return list_empty(&cpu->requests) && cpu->events.next == &thread->event_link &&
	       cpu->events.prev == &thread->event_link;
}

static void switched(struct sim *sim, struct sim_cpu *cpu, uint32_t tag)
{
	cpu->switched = true;
	cpu->switched_ns = sim->now_ns;
	cpu->switched_tag = tag;
	cpu->reasons = 0;
}

bool sim_ahead_succeed(struct sim *sim, struct sim_cpu *cpu)
{
	const struct sched_decision *decision = &cpu->decision;
	const struct sim_thread *blocked = cpu->current;
	struct sim_thread *next = decision->successor_tid == 0
					  ? NULL
					  : sim->threads[decision->successor_tid];

	if (!cpu->successor || cpu->kick || sim->now_ns >= decision->successor_until_ns ||
	    blocked->state != SIM_BLOCKED || blocked->in_request || !only_record(cpu, blocked))
		return false;
	if (next != NULL && (next->state != SIM_READY || next->home != cpu->index ||
			     next->record.seq != decision->successor_seq))
		return false;
	sim_ahead_forget(cpu);
	switched(sim, cpu, decision->successor_tid);
	cpu->stats.successions++;
	if (next == NULL) {
		sim_cpu_idle(sim, cpu);
		return true;
	}
	cpu->filter_until_ns = decision->successor_filter_until_ns;
	cpu->filter_key = decision->successor_filter_key;
	sim_cpu_run(sim, cpu, next, decision->successor_slice_ns);
	return true;
}

bool sim_ahead_first(struct sim *sim, struct sim_cpu *cpu)
{
	struct sim_thread *thread;

	if (!cpu->first || cpu->mode != SIM_IDLE || list_empty(&cpu->events))
		return false;
	thread = container_of(cpu->events.next, struct sim_thread, event_link);
	if (thread->state != SIM_READY || !only_record(cpu, thread))
		return false;
	sim_ahead_forget(cpu);
	switched(sim, cpu, thread->tid);
	cpu->kick = false;
	cpu->stats.first_runs++;
	sim_cpu_run(sim, cpu, thread, cpu->decision.slice_ns);
	return true;
}
