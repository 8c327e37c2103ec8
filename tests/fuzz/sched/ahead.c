/* SPDX-License-Identifier: BSD-2-Clause */
#include "../fuzz.h"

#include <abi/ipc.h>
#include <base/math.h>
#include <sched/protocol.h>

#include "paper.h"

void paper_forget(struct paper_cpu *cpu)
{
	cpu->filter_until_ns = 0;
	cpu->filtered = false;
	cpu->armed = false;
	cpu->first = false;
	cpu->idle_first = false;
	cpu->again_until_ns = 0;
}

void paper_accept(struct paper_cpu *cpu, const struct sched_decision *decision, bool pending)
{
	const uint32_t flags = pending ? 0 : decision->flags;

	paper_forget(cpu);
	cpu->decision = *decision;
	if ((flags & DECISION_FILTER) != 0)
		cpu->filter_until_ns = decision->filter_until_ns;
	cpu->filter_key = decision->filter_key;
	cpu->idle_first = (flags & DECISION_FIRST) != 0;
	cpu->again_until_ns = (flags & DECISION_AGAIN) != 0 ? decision->again_until_ns : 0;
	cpu->first_slice_ns = decision->successor_slice_ns;
	if (decision->kind == DECISION_IDLE) {
		cpu->first = cpu->idle_first;
		cpu->first_slice_ns = decision->slice_ns;
	}
	if ((flags & DECISION_SUCCESSOR) == 0)
		return;
	cpu->armed = true;
	cpu->next = decision->successor_tid;
	cpu->next_seq = decision->successor_seq;
	cpu->next_until_ns = decision->successor_until_ns;
}

bool paper_filters(struct paper_cpu *cpu, const struct paper_thread *thread)
{
	if (cpu->running == 0 || paper_now_ns >= cpu->filter_until_ns ||
	    thread->key < cpu->filter_key)
		return false;
	cpu->filtered = true;
	return true;
}

static bool next_good(unsigned at)
{
	const struct paper_cpu *cpu = &paper_cpus[at];
	const struct paper_thread *next = &paper_threads[cpu->next];

	return cpu->armed && paper_now_ns < cpu->next_until_ns &&
	       (cpu->next == 0 ||
		(next->state == PAPER_READY && next->home == at && next->seq == cpu->next_seq));
}

/* Calls that wait for this dispatcher. */
static unsigned requests(unsigned at)
{
	unsigned count = 0;

	for (unsigned tid = 1; tid <= PAPER_THREADS; tid++)
		count += paper_threads[tid].state == PAPER_ASKING &&
			 !paper_threads[tid].delivered && paper_threads[tid].asked == at;
	return count;
}

/* It asks for nothing but to be left alone for a while. */
static bool sleeps(unsigned at, const struct paper_thread *thread)
{
	const word_t label = msg_label(thread->request.info);

	return paper_cpus[at].next != 0 && thread->asked == at &&
	       (label & ~SCHED_REQUEST_INTERRUPTIBLE) == (SCHED_REQ_SLEEP | SCHED_REQUEST_TIMED) &&
	       thread->request.words[0] > paper_now_ns;
}

/* Its request counts as seen: the dispatcher hears of it before it matters. */
static void put_off(struct paper_cpu *cpu, struct paper_thread *thread)
{
	time_ns_t wakes_ns = thread->request.words[0];

	thread->delivered = true;
	cpu->switched_sleep_ns = wakes_ns;
	if (thread->key >= cpu->decision.successor_filter_key)
		wakes_ns = max_u64(wakes_ns, cpu->decision.successor_filter_until_ns);
	cpu->timer_ns = min_u64(cpu->timer_ns, wakes_ns);
}

static void switched(struct paper_cpu *cpu, unsigned tag)
{
	cpu->armed = false;
	cpu->filter_until_ns = 0;
	cpu->filtered = false;
	cpu->switched = true;
	cpu->switched_ns = paper_now_ns;
	cpu->switched_tag = tag;
	cpu->switched_sleep_ns = 0;
	cpu->running = tag;
}

bool paper_succeed(unsigned at, unsigned blocked)
{
	struct paper_cpu *cpu = &paper_cpus[at];
	struct paper_thread *thread = &paper_threads[blocked];
	const bool asks = thread->state == PAPER_ASKING;

	if (cpu->kicked || requests(at) != (asks ? 1 : 0) || (asks && !sleeps(at, thread)) ||
	    !next_good(at))
		return false;
	switched(cpu, cpu->next);
	if (asks)
		put_off(cpu, thread);
	if (cpu->next == 0) {
		cpu->first = cpu->idle_first;
		cpu->slice_end_ns = TIME_NEVER;
		return true;
	}
	cpu->filter_until_ns = cpu->decision.successor_filter_until_ns;
	cpu->filter_key = cpu->decision.successor_filter_key;
	cpu->slice_end_ns = paper_now_ns + cpu->decision.successor_slice_ns;
	return true;
}

void paper_claim(struct paper_cpu *cpu, unsigned tid)
{
	if (!cpu->first)
		return;
	cpu->first = false;
	cpu->armed = true;
	cpu->next = tid;
	cpu->next_seq = paper_threads[tid].seq;
	cpu->next_until_ns = TIME_NEVER;
}

bool paper_first(unsigned at)
{
	struct paper_cpu *cpu = &paper_cpus[at];
	struct paper_thread *thread = &paper_threads[cpu->next];

	if (cpu->running != 0 || cpu->entering || requests(at) != 0 || !next_good(at) ||
	    cpu->next == 0)
		return false;
	switched(cpu, cpu->next);
	if (EVENT_FIRSTS(thread->info) < EVENT_FIRSTS_MAX)
		thread->info += (word_t)1 << EVENT_FIRSTS_SHIFT;
	cpu->kicked = false;
	cpu->slice_end_ns = cpu->first_slice_ns == TIME_NEVER ? TIME_NEVER
							      : paper_now_ns + cpu->first_slice_ns;
	if (paper_now_ns < cpu->again_until_ns && EVENT_CAUSE(thread->info) == CAUSE_WAKE) {
		cpu->armed = true;
		cpu->next = 0;
		cpu->next_until_ns = cpu->again_until_ns;
		cpu->timer_ns = min_u64(cpu->timer_ns, cpu->again_until_ns);
	}
	return true;
}

void paper_report(struct paper_cpu *cpu, word_t *info, struct upcall_buffer *buffer)
{
	if (!cpu->switched)
		return;
	cpu->switched = false;
	*info |= UPCALL_SWITCHED;
	buffer->switched_ns = cpu->switched_ns;
	buffer->switched_tag = cpu->switched_tag;
	buffer->switched_sleep_ns = cpu->switched_sleep_ns;
}
