/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fast path of a wait that blocks and of the entry of the dispatcher that follows.  See
 * <kern/fastpath.h>.
 *
 * What wait_or_poll(), notification_wait(), core_block(), upcall_enter() and kernel_exit() do one
 * after the other, when the record of the block is all that the dispatcher has not seen: it goes
 * straight into the dispatcher's registers and is never linked.  As in ipc/fastpath.c everything is
 * looked at before the first store, and whoever adds a condition to one of those adds it here;
 * tests/host_kernel/sim/test_fastpath.c runs both side by side.
 *
 * Left out of the general path, and why that may be:
 *   a word that is there, records, requests, a change of its own that the dispatcher has not been
 *     told, fallback: given up beforehand;
 *   a second look at the clock: the block and the entry are the same moment, nothing is charged
 *     between them;
 *   send_fault: none, for the thread was in user mode;
 *   the bound dispatcher, and that it was started: both follow from FALLBACK_NONE, which is set by its
 *     first decision and replaced when it goes away;
 *   a kick that comes after the look at requests: posted under the lock of the Core, with a record or
 *     a request that is seen here under it, or not yet there: then it interrupts the dispatcher;
 *   kernel_exit(): as in ipc/fastpath.c; who stops a dispatcher posts a request as well.
 *
 * With a successor (<kern/successor.h>) the record is linked and that thread runs in the same way, if it
 * may; otherwise the general path finds out what is to happen.  timer_starvation_lazy() is left out there:
 * the decision has seen the successor on the ready ring, where it has been since.
 */
#include <kern/event.h>
#include <kern/fastpath.h>
#include <kern/fastpath_parts.h>
#include <kern/fastpath_run.h>
#include <kern/notification.h>
#include <kern/ready.h>
#include <kern/successor.h>
#include <kern/timer.h>

#define BLOCK_TRACES (1u << TRACE_SYSCALL | 1u << TRACE_EVENT | 1u << TRACE_UPCALL)

static inline bool can_wait(const struct slot_view *view)
{
	return (view->small & (0xffu | RIGHT_READ << 8)) == (OBJ_NOTIFICATION | RIGHT_READ << 8);
}

/* Lock held: there is nothing that an entry of the dispatcher would hand over, or run instead. */
static inline bool core_is_quiet(const struct core *core) LOCK_REQUIRES(core->lock)
{
	return list_empty(&core->events) && list_empty(&core->requests_waiting) &&
	       core->rebind_next == NULL && !core->switched;
}

/* Lock held: core_take_payer(), event_post() and event_take() of that record, which is not linked. */
static inline void payer_report(struct core *core, struct user_context *context, word_t info,
				time_ns_t now) LOCK_REQUIRES(core->lock)
{
	struct tcb *payer = core->payer;
	time_ns_t spent = now - core->stretch_ns;
	word_t seq = payer->seq + 1;

	counter_set(&core->stretch_ns, now);
	counter_add(&core->stats.busy_ns, spent);
	counter_add(&payer->cpu_ns, spent);
	context->x[3] = __atomic_load_n(&payer->tag, __ATOMIC_RELAXED);
	context->x[4] = info | (payer->event_info & EVENT_GATHERED);
	context->x[5] = seq;
	context->x[6] = payer->ran_ns + spent;
	context->x[7] = payer->first_ready_ns;
	payer->event_info = info & ~EVENT_GATHERED;
	counter_set(&payer->seq, seq);
	payer->ran_ns = 0;
	payer->first_ready_ns = 0;
	payer->dead_batch = core->batch + 1;
	core->payer = NULL;
}

/* Lock held: upcall_enter() and upcall_fill() with that one record. */
static inline void upcall_one(struct core *core, struct tcb *dispatcher, enum upcall_reason reason,
			      time_ns_t now) LOCK_REQUIRES(core->lock)
{
	successor_forget(core);
	core->dispatcher_running = true;
	core->batch++;
	core->decision_end_ns = time_after(now, core->decision_limit_ns);
	counter_add(&core->stats.entries[reason], 1);
	tcb_state_set(dispatcher, THREAD_READY);
	dispatcher->context.x[0] = ERR_OK;
	dispatcher->context.x[1] = 1 | (word_t)1 << (16 + reason);
	dispatcher->context.x[2] = now;
}

/* What comes seldom: traces, in the order of the general path, and a deadline before the one that is
 * set. */
static __attribute__((cold, noinline)) struct tcb *block_ended(struct cpu *cpu, cptr_t cptr)
{
	struct tcb *dispatcher = cpu->current;
	const uint64_t *x = dispatcher->context.x;

	trace_record(TRACE_SYSCALL, SYS_WAIT, cptr);
	trace_record(TRACE_EVENT, x[3], x[4]);
	trace_record_at(cpu, x[2], TRACE_UPCALL, 1u << REASON_BLOCK, 1);
	timer_update(&cpu->core);
	return dispatcher;
}

#define WAIT_INFO (EVENT_BLOCKED | CAUSE_NOTIFICATION << 8 | EVENT_BLOCKED_SINCE)

/* ---- With a successor ------------------------------------------------------------------------ */

/* Lock held: successor_good(), and what switching to it needs. */
static inline bool successor_runs(const struct core *core, time_ns_t now, struct vspace **space)
	LOCK_REQUIRES(core->lock)
{
	const struct tcb *next = core->next.tcb;

	return next != NULL && now < core->next.until_ns && list_empty(&core->requests_waiting) &&
	       may_dispatch(core, next, core->next.seq) && can_run(next->tail, space);
}

/* Lock held: core_take_payer(), event_post(). */
static inline void payer_record(struct core *core, struct tcb *payer, word_t info, time_ns_t now)
	LOCK_REQUIRES(core->lock)
{
	time_ns_t spent = now - core->stretch_ns;

	counter_set(&core->stretch_ns, now);
	counter_add(&core->stats.busy_ns, spent);
	counter_add(&payer->cpu_ns, spent);
	payer->ran_ns += spent;
	sched_set(payer, SCHED_BLOCKED);
	payer->event_info = info | (payer->event_info & EVENT_GATHERED);
	counter_add(&payer->seq, 1);
	list_push_back(&core->events, &payer->event_link);
}

/* Lock held: successor_dispatch().  The deadline that it brings. */
static inline time_ns_t successor_take(struct core *core, struct tcb *next, time_ns_t now)
	LOCK_REQUIRES(core->lock)
{
	time_ns_t slice_end = time_after(now, core->next.slice_ns);
	time_ns_t timer = core->server_timer_ns;

	successor_arm(core, false);
	core->switched = true;
	core->switched_ns = now;
	core->switched_tag = __atomic_load_n(&next->tag, __ATOMIC_RELAXED);
	core->slice_end_ns = slice_end;
	filter_set(core, core->next.filter_until_ns, core->next.filter_key);
	counter_add(&core->stats.successions, 1);
	payer_dispatch(core, next);
	return slice_end < timer ? slice_end : timer;
}

#define FOLLOW_TRACES (1u << TRACE_SYSCALL | 1u << TRACE_EVENT | 1u << TRACE_SWITCH)

static __attribute__((cold, noinline)) struct tcb *follow_ended(struct cpu *cpu, cptr_t cptr,
								const struct tcb *payer)
{
	struct core *core = &cpu->core;
	time_ns_t now = core->stretch_ns;

	trace_record_at(cpu, now, TRACE_SYSCALL, SYS_WAIT, cptr);
	trace_record_at(cpu, now, TRACE_EVENT, payer->tag, payer->event_info);
	trace_record_at(cpu, now, TRACE_SWITCH, core->payer->tag, core->slice_end_ns - now);
	timer_update(core);
	return cpu->current;
}

/* Both locks held, a successor is armed. */
static __attribute__((noinline)) struct tcb *wait_followed(cptr_t cptr,
							   struct notification *notification,
							   struct tcb *tcb,
							   struct cpu *cpu) LOCK_UNCHECKED
{
	struct core *core = &cpu->core;
	struct tcb *payer = core->payer, *next = core->next.tcb;
	time_ns_t now = arch_now(), deadline;
	struct vspace *space;

	if (!successor_runs(core, now, &space)) {
		spin_unlock(&core->lock);
		spin_unlock(&notification->wait.lock);
		return NULL;
	}
	payer_record(core, payer, WAIT_INFO, now);
	deadline = successor_take(core, next, now);
	spin_unlock(&core->lock);
	wait_enqueue(&notification->wait, tcb, THREAD_WAITING);
	spin_unlock(&notification->wait.lock);
	counter_add(&core->stats.syscalls, 1);
	next = next->tail;
	run_next(cpu, tcb, next, space);
	if (__builtin_expect((trace_mask & FOLLOW_TRACES) != 0, 0))
		return follow_ended(cpu, cptr, payer);
	return run_until(next, core, deadline);
}

/* ---- The wait -------------------------------------------------------------------------------- */

struct tcb *fastpath_wait(cptr_t cptr, word_t info, struct tcb *tcb, struct cpu *cpu) LOCK_UNCHECKED
{
	struct core *core = &cpu->core;
	struct notification *notification;
	struct tcb *dispatcher;
	struct slot_view view;
	struct vspace *space;
	time_ns_t now;

	(void)info;
	if (!slot_exists(cspace_bits(tcb), cptr) || !cpu_is_ready(core, tcb) ||
	    (core->fallback | core->reasons) != 0 || !slot_read(slot_at(tcb, cptr), &view, false) ||
	    !can_wait(&view))
		return NULL;
	dispatcher = core->dispatcher;
	notification = (struct notification *)(uintptr_t)view.object;
	if (!can_run(dispatcher, &space) || !spin_try_lock(&notification->wait.lock))
		return NULL;
	if (!object_is_calm(&notification->wait.object) || notification->word != 0 ||
	    !spin_try_lock(&core->lock)) {
		spin_unlock(&notification->wait.lock);
		return NULL;
	}
	if (successor_armed(core))
		return wait_followed(cptr, notification, tcb, cpu);
	if (!core_is_quiet(core)) {
		spin_unlock(&core->lock);
		spin_unlock(&notification->wait.lock);
		return NULL;
	}
	now = arch_now();
	sched_set(core->payer, SCHED_BLOCKED);
	payer_report(core, &dispatcher->context, WAIT_INFO, now);
	upcall_one(core, dispatcher, REASON_BLOCK, now);
	spin_unlock(&core->lock);
	wait_enqueue(&notification->wait, tcb, THREAD_WAITING);
	spin_unlock(&notification->wait.lock);
	counter_add(&core->stats.syscalls, 1);
	run_next(cpu, tcb, dispatcher, space);
	if (__builtin_expect(
		    (trace_mask & BLOCK_TRACES) != 0 || core->decision_end_ns < core->armed_ns, 0))
		return block_ended(cpu, cptr);
	return dispatcher;
}
