/* SPDX-License-Identifier: BSD-2-Clause */
/* Entering the dispatcher.  See <kern/upcall.h>. */
#include <kern/entry.h>
#include <kern/event.h>
#include <kern/ipi.h>
#include <kern/ready.h>
#include <kern/request.h>
#include <kern/successor.h>
#include <kern/timer.h>
#include <kern/trace.h>
#include <kern/upcall.h>
#include <kern/waitable.h>

_Static_assert(offsetof(struct sched_event, tag) == 0 * sizeof(word_t) &&
		       offsetof(struct sched_event, info) == 1 * sizeof(word_t) &&
		       offsetof(struct sched_event, seq) == 2 * sizeof(word_t) &&
		       offsetof(struct sched_event, ran_ns) == 3 * sizeof(word_t) &&
		       offsetof(struct sched_event, first_ready_ns) == 4 * sizeof(word_t),
	       "x3..x7 are an event");

/* Lock held.  The first event goes into x3..x7. */
static unsigned upcall_events(struct core *core, struct user_context *context,
			      struct upcall_buffer *buffer) LOCK_REQUIRES(core->lock)
{
	unsigned count_max = buffer != NULL ? UPCALL_EVENTS_MAX : 1;
	/* Laid out as the event that they are. */
	struct sched_event *event = (struct sched_event *)(void *)&context->x[3];
	unsigned count = 0;
	struct tcb *tcb;

	while (count < count_max && (tcb = event_next(core)) != NULL) {
		event_take(core, tcb, event);
		count++;
		if (count < count_max)
			event = &buffer->events[count];
	}
	if (count == 0)
		*event = (struct sched_event){0};
	return count;
}

void upcall_fill(struct core *core, enum error outcome, time_ns_t now)
{
	struct tcb *dispatcher = core->dispatcher;
	struct upcall_buffer *buffer = upcall_buffer(dispatcher);
	uint32_t reasons = core->reasons;
	word_t flags = 0;
	unsigned count;
	bool more;

	core->reasons = 0;
	count = upcall_events(core, &dispatcher->context, buffer);
	if (buffer != NULL && list_empty(&core->events) && core->rebind_next == NULL &&
	    request_next(core, &buffer->request) != NULL) {
		flags |= UPCALL_REQUEST;
		reasons |= 1u << REASON_REQUEST;
	}
	more = event_pending(core);
	if (more)
		flags |= UPCALL_MORE;
	if (core->switched && buffer != NULL)
		flags |= upcall_switched(core, buffer);
	core->untold = more || core->switched;
	core->untold_more = more;
	core->switched_sleep_ns = 0;
	tcb_result_set(dispatcher, outcome);
	dispatcher->context.x[1] = count | flags | (word_t)reasons << 16;
	dispatcher->context.x[2] = now;
	trace_record_at(arch_this_cpu(), now, TRACE_UPCALL, reasons, count);
}

/* Kicks posted up to now are about records that this entry hands over: all were linked under the
 * lock that we hold before their KICK was set, also under it. */
static void upcall_take_kick(struct core *core)
{
	if ((__atomic_load_n(&core->requests, __ATOMIC_RELAXED) & CORE_REQUEST_KICK) == 0)
		return;
	__atomic_fetch_and(&core->requests, ~CORE_REQUEST_KICK, __ATOMIC_ACQ_REL);
	core->reasons |= 1u << REASON_KICK;
}

void upcall_enter(struct core *core)
{
	struct tcb *dispatcher = core->dispatcher;
	time_ns_t now = arch_now();

	spin_lock(&core->lock);
	if (core->payer != NULL)
		core_preempt(core, preempt_cause(core->reasons), now);
	successor_forget(core);
	core->dispatcher_running = true;
	core_account(core, now); /* since the payer blocked */
	upcall_take_kick(core);
	counter_add(&core->stats.entries[__builtin_ctz(core->reasons)], 1);
	core->current = dispatcher;
	core->decision_end_ns = time_after(now, core->decision_limit_ns);
	tcb_state_set(dispatcher, THREAD_READY);
	if (core->dispatcher_started)
		upcall_fill(core, ERR_OK, now);
	core->dispatcher_started = true;
	spin_unlock(&core->lock);
	timer_update(core);
}
