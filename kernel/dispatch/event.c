/* SPDX-License-Identifier: BSD-2-Clause */
/* Event records.  See <kern/event.h>. */
#include <kern/event.h>
#include <kern/successor.h>
#include <kern/trace.h>

/* Of a payer that has called somebody: fast paths, which do not look, report others only. */
static word_t event_served(const struct tcb *payer)
{
	const struct tcb *tail = payer->tail;

	return tail != payer && (tcb_flags(tail) & TCB_FLAG_SERVER) != 0 ? EVENT_SERVED : 0;
}

static word_t event_flags(const struct tcb *tcb, enum event_state state, enum event_cause cause)
{
	if (state == EVENT_BLOCKED)
		return EVENT_BLOCKED_SINCE;
	if (state != EVENT_READY)
		return 0;
	return event_served(tcb) |
	       (cause != CAUSE_PREEMPTED && cause != CAUSE_SLICE && cause != CAUSE_YIELD
			? EVENT_WOKE_SINCE
			: 0);
}

static void event_set(struct tcb *tcb, enum event_state state, enum event_cause cause)
{
	tcb->event_info = (word_t)state | (word_t)cause << 8 | (tcb->event_info & EVENT_GATHERED);
	counter_add(&tcb->seq, 1);
}

void event_post(struct core *home, struct tcb *tcb, enum event_state state, enum event_cause cause)
{
	event_set(tcb, state, cause);
	tcb->event_info |= event_flags(tcb, state, cause);
	successor_arm(home, false);
	if (home->dispatcher != NULL && !list_linked(&tcb->event_link)) {
		list_push_back(&home->events, &tcb->event_link);
		home->untold = 1;
	}
	trace_record(TRACE_EVENT, tcb->tag, tcb->event_info);
}

void event_first(struct tcb *tcb, time_ns_t now)
{
	word_t info = tcb->event_info;
	word_t wait = EVENT_FIRSTS_WAIT_NS(info) + now - tcb->ready_since_ns;

	if (wait > EVENT_FIRSTS_WAIT_MAX)
		wait = EVENT_FIRSTS_WAIT_MAX;
	info &= ~(EVENT_FIRSTS_WAIT_MAX << EVENT_FIRSTS_WAIT_SHIFT);
	info |= wait << EVENT_FIRSTS_WAIT_SHIFT;
	if (EVENT_FIRSTS(info) < EVENT_FIRSTS_MAX)
		info += (word_t)1 << EVENT_FIRSTS_SHIFT;
	tcb->event_info = info;
}

void event_take(const struct core *core, struct tcb *tcb, struct sched_event *out)
{
	list_remove(&tcb->event_link);
	out->tag = __atomic_load_n(&tcb->tag, __ATOMIC_RELAXED);
	out->info = tcb->event_info;
	out->seq = tcb->seq;
	out->ran_ns = tcb->ran_ns;
	out->first_ready_ns = tcb->first_ready_ns;
	tcb->event_info &= ~EVENT_GATHERED;
	tcb->ran_ns = 0;
	tcb->first_ready_ns = 0;
	if (tcb->dead_posted)
		tcb->dead_batch = core->batch;
}

/* One step of the walk over the homed threads after a bind. */
static struct tcb *event_rebind_step(struct core *core)
{
	struct list_node *node = core->rebind_next;
	struct tcb *tcb = container_of(node, struct tcb, home_link);

	core->rebind_next = node->next == &core->homed ? NULL : node->next;
	event_set(tcb, tcb->sched == SCHED_READY ? EVENT_READY : EVENT_BLOCKED, CAUSE_REBIND);
	if (tcb->sched == SCHED_READY)
		tcb->event_info |= event_served(tcb);
	return tcb;
}

struct tcb *event_next(struct core *core)
{
	struct list_node *node = list_first(&core->events);

	if (node != NULL)
		return container_of(node, struct tcb, event_link);
	if (core->rebind_next != NULL)
		return event_rebind_step(core);
	return NULL;
}

bool event_pending(const struct core *core)
{
	return !list_empty(&core->events) || core->rebind_next != NULL ||
	       !list_empty(&core->requests_waiting);
}
