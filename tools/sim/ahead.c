/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's half, what a decision allows without asking again: wakes that are filtered, the successor of
 * a thread that blocks, the first that becomes ready on an idle CPU, once or again and again.
 */
#include <base/math.h>

#include "sim.h"

static void accept_successor(struct sim *sim, struct sim_cpu *cpu)
{
	const struct sched_decision *decision = &cpu->decision;

	cpu->armed = true;
	cpu->next = decision->successor_tid == 0 ? NULL : sim->threads[decision->successor_tid];
	cpu->next_seq = decision->successor_seq;
	cpu->next_until_ns = decision->successor_until_ns;
	cpu->first_slice_ns = decision->successor_slice_ns;
}

void sim_ahead_accept(struct sim *sim, struct sim_cpu *cpu, bool pending)
{
	const struct sched_decision *decision = &cpu->decision;
	const uint32_t flags = pending ? 0 : decision->flags;

	sim_ahead_forget(cpu);
	if ((flags & DECISION_FILTER) != 0)
		cpu->filter_until_ns = decision->filter_until_ns;
	cpu->filter_key = decision->filter_key;
	cpu->idle_first = (flags & DECISION_FIRST) != 0;
	cpu->again_until_ns = (flags & DECISION_AGAIN) != 0 ? decision->again_until_ns : 0;
	if (decision->kind == DECISION_IDLE) {
		cpu->first = cpu->idle_first;
		cpu->first_slice_ns = decision->slice_ns;
	}
	if ((flags & DECISION_SUCCESSOR) != 0)
		accept_successor(sim, cpu);
}

void sim_ahead_forget(struct sim_cpu *cpu)
{
	cpu->filter_until_ns = 0;
	cpu->filtered = false;
	cpu->armed = false;
	cpu->first = false;
	cpu->idle_first = false;
	cpu->again_until_ns = 0;
}

void sim_ahead_report(struct sim_cpu *cpu, struct sched_upcall *upcall)
{
	if (!cpu->switched)
		return;
	cpu->switched = false;
	upcall->info |= UPCALL_SWITCHED;
	cpu->buffer.switched_ns = cpu->switched_ns;
	cpu->buffer.switched_tag = cpu->switched_tag;
	cpu->buffer.switched_sleep_ns = cpu->switched_sleep_ns;
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

/* Nobody asks for anything, but this one to be left alone for a while. */
static bool may_wait(const struct sim *sim, const struct sim_cpu *cpu,
		     const struct sim_thread *thread)
{
	if (!thread->in_request)
		return list_empty(&cpu->requests);
	return cpu->next != NULL && thread->call.label == SCHED_REQ_SLEEP &&
	       thread->call.words[0] > sim->now_ns && cpu->requests.next == &thread->request_link &&
	       cpu->requests.prev == &thread->request_link;
}

/* Its request counts as seen: the dispatcher hears of it before it matters. */
static void put_off(struct sim *sim, struct sim_cpu *cpu, struct sim_thread *thread)
{
	const struct sched_decision *decision = &cpu->decision;
	time_ns_t wakes_ns = thread->call.words[0];

	list_remove(&thread->request_link);
	cpu->switched_sleep_ns = wakes_ns;
	if (thread->key >= decision->successor_filter_key &&
	    wakes_ns < decision->successor_filter_until_ns)
		wakes_ns = decision->successor_filter_until_ns;
	wakes_ns = max_u64(wakes_ns, sim->now_ns + sim->config.costs.slice_min_ns);
	cpu->timer_ns = min_u64(cpu->timer_ns, wakes_ns);
}

static void switched(struct sim *sim, struct sim_cpu *cpu, uint32_t tag)
{
	cpu->armed = false;
	cpu->filter_until_ns = 0;
	cpu->filtered = false;
	cpu->switched = true;
	cpu->switched_ns = sim->now_ns;
	cpu->switched_tag = tag;
	cpu->switched_sleep_ns = 0;
	cpu->reasons = 0;
}

static bool next_good(const struct sim *sim, const struct sim_cpu *cpu)
{
	const struct sim_thread *next = cpu->next;

	return cpu->armed && sim->now_ns < cpu->next_until_ns &&
	       (next == NULL || (next->state == SIM_READY && next->home == cpu->index &&
				 next->record.seq == cpu->next_seq));
}

bool sim_ahead_succeed(struct sim *sim, struct sim_cpu *cpu)
{
	const struct sched_decision *decision = &cpu->decision;
	struct sim_thread *blocked = cpu->current;
	struct sim_thread *next = cpu->next;

	if (cpu->kick || blocked->state != SIM_BLOCKED || !may_wait(sim, cpu, blocked) ||
	    !next_good(sim, cpu))
		return false;
	switched(sim, cpu, next == NULL ? 0 : next->tid);
	if (blocked->in_request)
		put_off(sim, cpu, blocked);
	cpu->stats.successions++;
	if (next == NULL) {
		cpu->first = cpu->idle_first;
		sim_cpu_idle(sim, cpu);
		return true;
	}
	cpu->filter_until_ns = decision->successor_filter_until_ns;
	cpu->filter_key = decision->successor_filter_key;
	sim_cpu_run(sim, cpu, next, decision->successor_slice_ns);
	return true;
}

void sim_ahead_claim(struct sim_cpu *cpu, struct sim_thread *thread)
{
	if (!cpu->first)
		return;
	cpu->first = false;
	cpu->armed = true;
	cpu->next = thread;
	cpu->next_seq = thread->record.seq;
	cpu->next_until_ns = TIME_NEVER;
}

/* Its record says that it was run first, and after what time. */
static void first_note(const struct sim *sim, struct sim_thread *thread)
{
	const uint64_t wait_ns = thread->woke ? sim->now_ns - thread->woke_ns : 0;

	thread->record.info += ((word_t)1 << EVENT_FIRSTS_SHIFT) +
			       (wait_ns << EVENT_FIRSTS_WAIT_SHIFT);
}

bool sim_ahead_first(struct sim *sim, struct sim_cpu *cpu)
{
	struct sim_thread *thread = cpu->next;

	if (cpu->mode != SIM_IDLE || !list_empty(&cpu->requests) || !next_good(sim, cpu) ||
	    thread == NULL)
		return false;
	switched(sim, cpu, thread->tid);
	first_note(sim, thread);
	cpu->kick = false;
	cpu->stats.first_runs++;
	if (sim->now_ns < cpu->again_until_ns && EVENT_CAUSE(thread->record.info) == CAUSE_WAKE) {
		cpu->armed = true;
		cpu->next = NULL;
		cpu->next_until_ns = cpu->again_until_ns;
		cpu->timer_ns = min_u64(cpu->timer_ns, cpu->again_until_ns);
	}
	sim_cpu_run(sim, cpu, thread, cpu->first_slice_ns);
	return true;
}
