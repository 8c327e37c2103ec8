/* SPDX-License-Identifier: BSD-2-Clause */
/* Fallback.  See <kern/fallback.h>. */
#include <kern/entry.h>
#include <kern/fallback.h>
#include <kern/ready.h>
#include <kern/request.h>
#include <kern/successor.h>
#include <kern/switch.h>
#include <kern/thread.h>
#include <kern/timer.h>
#include <kern/trace.h>
#include <kern/waitable.h>

const char *fallback_text(unsigned reason)
{
	static const char *const names[] = {
#define X(name, value, meaning) [value] = meaning,
		FALLBACK_LIST(X)
#undef X
	};

	return reason < FALLBACK_COUNT ? names[reason] : "?";
}

/* Lock held: the dispatcher is an ordinary stopped thread again. */
static void dispatcher_release(struct core *core, time_ns_t now)
{
	struct tcb *dispatcher = core->dispatcher;

	if (dispatcher == NULL)
		return;
	if (tcb_state(dispatcher) == THREAD_PARKED)
		tcb_result_set(dispatcher, ERR_UNBOUND);
	core_account(core, now);
	if (core->dispatcher_running)
		core->current = NULL;
	core->dispatcher_running = false;
	core->batch++;
	core->dispatcher = NULL;
	__atomic_fetch_and(&dispatcher->exit_work, ~EXIT_STOP, __ATOMIC_RELAXED);
	tcb_state_set(dispatcher, THREAD_STOPPED);
	/* Release: who finds it unbound finds it stopped. */
	__atomic_store_n(&dispatcher->dispatcher_core, NULL, __ATOMIC_RELEASE);
}

void fallback_enter(struct core *core, enum fallback_reason reason)
{
	struct notification *supervisor;
	time_ns_t now = arch_now();

	spin_lock(&core->lock);
	dispatcher_release(core, now);
	successor_forget(core);
	core->switched_sleep_ns = 0;
	core->switched = false; /* nobody is told: the next dispatcher knows of no decision */
	core->fallback = reason;
	core->bounced = false;
	core->refusals = 0;
	core->reasons = 1u << REASON_KICK;
	core->slice_end_ns = time_after(now, FALLBACK_SLICE_NS);
	core->starvation_end_ns = TIME_NEVER;
	counter_add(&core->stats.fallback_entries, 1);
	supervisor = core->supervisor;
	spin_unlock(&core->lock);
	trace_record_at(arch_this_cpu(), now, TRACE_FALLBACK, reason, 0);
	request_restart_all(core);
	if (reason == FALLBACK_UNBOUND)
		return;
	kprintf("CPU %u in fallback: %s\n", core->index, fallback_text(reason));
	if (supervisor != NULL)
		notification_signal(supervisor, (word_t)1 << (core->index % 64u));
}

bool fallback_if_dispatcher(struct tcb *tcb)
{
	struct core *core = this_core();

	if (core->dispatcher != tcb)
		return false;
	tcb->context.pc -= INSTRUCTION_BYTES;
	fallback_enter(core, FALLBACK_BLOCKED);
	return true;
}

static bool fallback_first(const struct tcb *tcb)
{
	return (tcb_flags(tcb) & TCB_FLAG_FALLBACK_FIRST) != 0;
}

/* Lock held: whether the running payer goes on. */
static bool fallback_continue(struct core *core, bool slice_over, time_ns_t now)
	LOCK_REQUIRES(core->lock)
{
	struct list_node *node = list_first(&core->ready);
	const struct tcb *first = node != NULL ? container_of(node, struct tcb, ready_link) : NULL;

	if (core->payer == NULL)
		return false;
	if (first == NULL ||
	    (!slice_over && (!fallback_first(first) || fallback_first(core->payer)))) {
		if (slice_over)
			core->slice_end_ns = time_after(now, FALLBACK_SLICE_NS);
		return true;
	}
	core_preempt(core, slice_over ? CAUSE_SLICE : CAUSE_PREEMPTED, now);
	return false;
}

void fallback_schedule(struct core *core)
{
	time_ns_t now = arch_now();
	bool slice_over = (core->reasons & (1u << REASON_SLICE)) != 0;
	struct list_node *node;

	spin_lock(&core->lock);
	core->reasons = 0;
	if (!fallback_continue(core, slice_over, now)) {
		node = list_first(&core->ready);
		core->slice_end_ns = node != NULL ? time_after(now, FALLBACK_SLICE_NS) : TIME_NEVER;
		if (node != NULL)
			core_dispatch(core, container_of(node, struct tcb, ready_link), now);
	}
	spin_unlock(&core->lock);
	timer_update(core);
}
