/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fast path into the dispatcher, of a wait that blocks (fastpath_block.c), of a signal
 * (fastpath_signal.c) and of what else takes the CPU from a thread that goes on being ready: the end of a
 * slice, a yield, a wake from elsewhere.  See <kern/fastpath_enter.h>.
 *
 * What core_block() or core_preempt(), upcall_enter() and kernel_exit() do one after the other, when
 * the record of the payer is all that the dispatcher has not seen, but for one that is linked: it goes
 * straight to the dispatcher and is never linked.  As in ipc/fastpath.c everything is looked at before
 * the first store, and whoever adds a condition to one of those adds it here;
 * tests/host_kernel/sim/test_fastpath.c runs both side by side.
 *
 * Left out of the general path, and why that may be:
 *   more records, requests, fallback, a dispatcher whose state is live elsewhere or that has no buffer for
 *     what else there is: given up beforehand;
 *   a second look at the clock: the payer stops and the dispatcher is entered at the same moment, which
 *     at the end of a slice is when that was noticed, unless a record may be younger;
 *   the bound dispatcher, and that it was started: both follow from FALLBACK_NONE, which is set by its
 *     first decision and replaced when it goes away;
 *   a kick that comes after the look at requests: posted under the lock of the Core, with a record or
 *     a request that is seen here under it, or not yet there: then it interrupts the dispatcher, which
 *     decides as if it had not;
 *   successor_run(): it follows a thread that blocked, and then there is no payer;
 *   kernel_exit(): as in ipc/fastpath.c; who stops a dispatcher posts a request as well.
 */
#include <kern/entry.h>
#include <kern/event.h>
#include <kern/fastpath.h>
#include <kern/fastpath_enter.h>
#include <kern/fastpath_parts.h>
#include <kern/fastpath_run.h>
#include <kern/ready.h>
#include <kern/successor.h>
#include <kern/timer.h>
#include <kern/upcall.h>
#include <kern/waitable.h>

/* More than what is recorded here: all but what always is, a mask that is one immediate operand. */
#define ENTER_TRACES (~(1u << TRACE_FALLBACK))

/*
 * Lock held: core_take_payer(), event_post() and event_take() of its record, which is not linked.
 * out is as the registers are, or in the upcall buffer.
 */
static inline void payer_report(struct core *core, struct sched_event *out, word_t info,
				time_ns_t now) LOCK_REQUIRES(core->lock)
{
	struct tcb *payer = core->payer;
	time_ns_t spent = now - core->stretch_ns;
	/* All loads first, as in upcall_switched(). */
	word_t gathered = payer->event_info & EVENT_GATHERED, seq = payer->seq + 1;
	time_ns_t ran_ns = payer->ran_ns + spent, first_ready_ns = payer->first_ready_ns;

	out->tag = __atomic_load_n(&payer->tag, __ATOMIC_RELAXED);
	out->info = info | gathered;
	out->seq = seq;
	out->ran_ns = ran_ns;
	out->first_ready_ns = first_ready_ns;
	payer->event_info = info & ~EVENT_GATHERED;
	payer->ran_ns = 0;
	payer->first_ready_ns = 0;
	counter_set(&payer->seq, seq);
	counter_add(&payer->cpu_ns, spent);
	counter_set(&core->stretch_ns, now);
	counter_add(&core->stats.busy_ns, spent);
	core->payer = NULL;
}

/* The thread that a signal woke, whose record is the first. */
static void trace_wake(struct cpu *cpu, const uint64_t *x, word_t origin)
{
	if ((origin & ORIGIN_IRQ) != 0)
		trace_record(TRACE_IRQ, origin & ~ORIGIN_IRQ, 0);
	else
		trace_record(TRACE_SYSCALL, SYS_SIGNAL, origin & ~ORIGIN_SIGNAL);
	trace_record_at(cpu, x[2], TRACE_READY, x[3], cpu->core.index);
	trace_record(TRACE_EVENT, x[3], x[4]);
}

/* In the order of the general path.  Waits and signals are traced here; who else comes this way was traced
 * as it entered the kernel. */
static __attribute__((cold, noinline)) struct tcb *
enter_traced(struct cpu *cpu, const struct sched_event *event, word_t origin)
{
	struct tcb *dispatcher = cpu->core.current;
	const uint64_t *x = dispatcher->context.x;

	if ((origin & (ORIGIN_SIGNAL | ORIGIN_IRQ)) != 0)
		trace_wake(cpu, x, origin);
	if (EVENT_STATE(event->info) == EVENT_BLOCKED)
		trace_record(TRACE_SYSCALL, SYS_WAIT, origin);
	else
		trace_record_at(cpu, x[2], TRACE_READY, event->tag, cpu->core.index);
	trace_record(TRACE_EVENT, event->tag, event->info);
	trace_record_at(cpu, x[2], TRACE_UPCALL, UPCALL_REASONS(x[1]), UPCALL_EVENTS(x[1]));
	timer_update(&cpu->core);
	return dispatcher;
}

__attribute__((noinline)) struct tcb *fastpath_enter(word_t origin, const struct vspace *space,
						     struct tcb *prev, struct cpu *cpu,
						     struct sched_event *event, word_t info,
						     word_t upcall, time_ns_t now) LOCK_UNCHECKED
{
	struct core *core = &cpu->core;
	struct tcb *dispatcher = core->dispatcher;
	time_ns_t end = time_after(now, core->decision_limit_ns);

	payer_report(core, event, info, now);
	successor_forget(core);
	core->dispatcher_running = true;
	core->reasons = 0;
	core->decision_end_ns = end;
	byte_hint_set(&dispatcher->state, THREAD_READY);
	dispatcher->context.x[0] = ERR_OK;
	dispatcher->context.x[1] = upcall;
	dispatcher->context.x[2] = now;
	spin_unlock(&core->lock);
	run_next(cpu, prev, dispatcher, space);
	if (__builtin_expect((trace_mask & ENTER_TRACES) != 0, 0))
		return enter_traced(cpu, event, origin);
	/* timer_update() */
	if (__builtin_expect(end < core->armed_ns, 0))
		return fastpath_timer_set(dispatcher, core, end);
	return dispatcher;
}

/*
 * Lock held: where the record of the payer goes.  Something is linked: it goes second, if that is one
 * record of another thread.  NULL: nowhere, because there is more to hand over, or no buffer.
 */
static __attribute__((noinline)) struct sched_event *second_event(struct core *core,
								  struct upcall_buffer *buffer)
	LOCK_REQUIRES(core->lock)
{
	const struct list_node *first = list_first(&core->events);

	if (buffer == NULL)
		return NULL;
	if (first == NULL)
		return first_event(core->dispatcher);
	if (first->next != &core->events || first == &core->payer->event_link)
		return NULL;
	return &buffer->events[1];
}

/* Lock held: what is linked, and a switch, are handed over.  What that adds to the upcall. */
static __attribute__((noinline)) word_t untold_take(struct core *core, struct upcall_buffer *buffer)
	LOCK_REQUIRES(core->lock)
{
	struct list_node *node = list_first(&core->events);
	word_t upcall = untold_clear(core, buffer);

	if (node == NULL)
		return upcall;
	event_take(core, container_of(node, struct tcb, event_link), first_event(core->dispatcher));
	return upcall + 1;
}

__attribute__((noinline)) struct tcb *fastpath_preempt(struct cpu *cpu) LOCK_UNCHECKED
{
	struct core *core = &cpu->core;
	struct tcb *prev = core->loaded;
	uint64_t obstacles = core_obstacles(core);
	word_t reasons = core->reasons, upcall = obstacles | 1;
	struct upcall_buffer *buffer = NULL;
	struct sched_event *event;
	struct vspace *space;
	uint64_t untold;
	time_ns_t now;

	/* Nothing but reasons is in the way, where the upcall has them.  Who runs a server on its time is
	 * left to the general path, whose record says so. */
	if ((obstacles & ~((uint64_t)UINT16_MAX << 16)) != 0 || core->payer != prev ||
	    prev == NULL || core->held != prev || !spin_try_lock(&core->lock))
		return NULL;
	kassert(prev->tail == prev);
	untold = core_untold(core);
	if (untold == 0) {
		event = first_event(core->dispatcher);
	} else {
		/* Once: another CPU may revoke it meanwhile. */
		buffer = untold_is_short(untold) ? upcall_buffer(core->dispatcher) : NULL;
		event = second_event(core, buffer);
	}
	if (event == NULL || !can_run(core->dispatcher, &space)) {
		spin_unlock(&core->lock);
		return NULL;
	}
	now = core->slice_over_ns;
	if (untold != 0)
		upcall += untold_take(core, buffer);
	if (untold != 0 || reasons != 1u << REASON_SLICE)
		now = arch_now();
	counter_add(&core->stats.entries[__builtin_ctzl(reasons)], 1);
	/* core_preempt() */
	schedulable_ready(core, core->payer, now);
	return fastpath_enter(ORIGIN_PREEMPT, space, prev, cpu, event,
			      EVENT_READY | (word_t)preempt_cause((uint32_t)reasons) << 8, upcall,
			      now);
}
