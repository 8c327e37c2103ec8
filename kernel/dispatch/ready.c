/* SPDX-License-Identifier: BSD-2-Clause */
/* States of schedulables and the wake-up.  See <kern/ready.h>. */
#include <kern/entry.h>
#include <kern/event.h>
#include <kern/ipi.h>
#include <kern/ready.h>
#include <kern/successor.h>
#include <kern/timer.h>
#include <kern/trace.h>

void core_kick(struct core *core, enum upcall_reason reason)
{
	if (core == this_core()) {
		core->reasons = (uint16_t)(core->reasons | 1u << reason);
		return;
	}
	if (core->dispatcher_running)
		return; /* it looks at the records before it parks */
	trace_record(TRACE_KICK, core->index, 0);
	core_post(core, CORE_REQUEST_KICK);
}

void core_tell(struct core *core, enum upcall_reason reason)
{
	if (!filter_change(core))
		core_kick(core, reason);
}

static void ready_insert(struct core *home, struct tcb *payer, time_ns_t now)
{
	sched_set(payer, SCHED_READY);
	payer->ready_since_ns = now;
	trace_record_at(arch_this_cpu(), now, TRACE_READY, payer->tag, home->index);
	if ((tcb_flags(payer) & TCB_FLAG_FALLBACK_FIRST) != 0)
		list_push_front(&home->ready, &payer->ready_link);
	else
		list_push_back(&home->ready, &payer->ready_link);
}

void sched_ready(struct core *home, struct tcb *payer, enum event_cause cause)
{
	time_ns_t now = arch_now();

	kassert(payer->sched == SCHED_BLOCKED);
	ready_insert(home, payer, now);
	if (payer->first_ready_ns == 0)
		payer->first_ready_ns = now;
	event_post(home, payer, EVENT_READY, cause);
	/* Whoever else calls its server waits for it, whatever its key. */
	if (cause == CAUSE_WAKE && (payer->event_info & EVENT_SERVED) == 0 &&
	    filter_wake(home, payer, now))
		return;
	if (first_claim(home, payer))
		return;
	if (cause == CAUSE_START)
		core_tell(home, REASON_KICK);
	else
		core_kick(home, REASON_KICK);
}

void sched_ready_silent(struct core *home, struct tcb *payer)
{
	kassert(payer->sched == SCHED_BLOCKED);
	ready_insert(home, payer, arch_now());
}

__attribute__((cold)) void sched_blocked(struct core *home, struct tcb *payer,
					 enum event_cause cause)
{
	kassert(payer->sched != SCHED_RUNNING);
	list_remove(&payer->ready_link);
	sched_set(payer, SCHED_BLOCKED);
	event_post(home, payer, EVENT_BLOCKED, cause);
	core_tell(home, REASON_KICK);
}

void core_account_since(struct core *core, time_ns_t now)
{
	struct tcb *payer = core->payer;
	time_ns_t spent = now - core->stretch_ns;

	if (core->stretch_ns == 0)
		spent = 0; /* the CPU has just started */
	counter_set(&core->stretch_ns, now);
	if (payer != NULL) {
		payer->ran_ns += spent;
		__atomic_store_n(&payer->cpu_ns, payer->cpu_ns + spent, __ATOMIC_RELAXED);
		counter_add(&core->stats.busy_ns, spent);
	} else if (core->dispatcher_running) {
		counter_add(&core->stats.dispatcher_ns, spent);
	} else {
		counter_add(&core->stats.idle_ns, spent);
	}
	if (core->fallback != FALLBACK_NONE)
		counter_add(&core->stats.fallback_ns, spent);
}

/* The payer of this CPU is charged and does not run any more. */
static struct tcb *core_take_payer(struct core *core, time_ns_t now)
{
	struct tcb *payer = core->payer;

	kassert(payer != NULL && payer->sched == SCHED_RUNNING);
	core_account(core, now);
	core->payer = NULL;
	core->current = NULL;
	return payer;
}

__attribute__((cold)) void core_preempt(struct core *core, enum event_cause cause, time_ns_t now)
{
	struct tcb *payer = core_take_payer(core, now);

	ready_insert(core, payer, now);
	event_post(core, payer, EVENT_READY, cause);
}

void core_block(struct core *core, enum event_cause cause)
{
	struct tcb *payer = core_take_payer(core, arch_now());
	/* Its own record is the one that a successor may follow.  A request is to be seen, unless it says
	 * that it need not be (request.c); who stops a thread has a reason to look at all of them. */
	bool followed = successor_armed(core) && cause != CAUSE_REQUEST && cause != CAUSE_STOPPED;

	sched_set(payer, SCHED_BLOCKED);
	event_post(core, payer, EVENT_BLOCKED, cause);
	successor_arm(core, followed);
	core->reasons |= 1u << REASON_BLOCK;
}

/* Not inline: its callers are many, and block. */
__attribute__((noinline)) void core_block_current(enum event_cause cause)
{
	struct core *core = this_core();

	spin_lock(&core->lock);
	core_block(core, cause);
	spin_unlock(&core->lock);
}

void core_dispatch(struct core *core, struct tcb *payer, time_ns_t now)
{
	kassert(payer->sched == SCHED_READY && core->payer == NULL);
	core_account(core, now);
	list_remove(&payer->ready_link);
	sched_set(payer, SCHED_RUNNING);
	core->payer = payer;
	core->current = payer->tail;
	counter_add(&core->stats.dispatches, 1);
	if (core->last_payer != payer) {
		core->last_payer = payer;
		counter_add(&core->stats.switches, 1);
	}
	trace_record_at(arch_this_cpu(), now, TRACE_SWITCH, payer->tag, core->slice_end_ns - now);
}

void home_insert(struct core *home, struct tcb *tcb)
{
	list_push_back(&home->homed, &tcb->home_link);
}

void home_remove(struct core *home, struct tcb *tcb)
{
	if (home->rebind_next == &tcb->home_link) {
		struct list_node *next = tcb->home_link.next;

		home->rebind_next = next == &home->homed ? NULL : next;
	}
	list_remove(&tcb->home_link);
}
