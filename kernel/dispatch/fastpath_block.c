/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fast path of a wait that blocks, up to the entry of the dispatcher (fastpath_enter.c).  See
 * <kern/fastpath.h>.
 *
 * What wait_or_poll(), notification_wait() and core_block() do, when the record of the block is all
 * that the dispatcher has not seen.  As in ipc/fastpath.c everything is looked at before the first
 * store, and whoever adds a condition to one of those adds it here;
 * tests/host_kernel/sim/test_fastpath.c runs both side by side.
 *
 * Left out of the general path, and why that may be:
 *   a word that is there, records, requests, a change of its own that the dispatcher has not been
 *     told, fallback: given up beforehand;
 *   send_fault: none, for the thread was in user mode;
 *   reasons: none, for who is no dispatcher gets to user mode when there is none (kernel_exit());
 *   what concerns the entry: see fastpath_enter.c.
 *
 * With a successor (<kern/successor.h>) the record is linked and that thread runs in the same way, if it
 * may; otherwise the general path finds out what is to happen.  timer_starvation_lazy() is left out there:
 * the decision has seen the successor on the ready ring, where it has been since.
 */
#include <kern/event.h>
#include <kern/fastpath.h>
#include <kern/fastpath_enter.h>
#include <kern/fastpath_parts.h>
#include <kern/fastpath_run.h>
#include <kern/notification.h>
#include <kern/ready.h>
#include <kern/successor.h>
#include <kern/timer.h>

static inline bool can_wait(const struct slot_view *view)
{
	return (view->small & (0xffu | RIGHT_READ << 8)) == (OBJ_NOTIFICATION | RIGHT_READ << 8);
}

#define WAIT_INFO (EVENT_BLOCKED | CAUSE_NOTIFICATION << 8 | EVENT_BLOCKED_SINCE)

/* ---- With a successor ------------------------------------------------------------------------ */

/* Lock held: successor_good(), and what switching to it needs. */
static inline bool successor_runs(const struct core *core, time_ns_t now, struct vspace **space)
	LOCK_REQUIRES(core->lock)
{
	const struct tcb *next = core->next.tcb;

	return next != NULL && now < core->next.until_ns &&
	       may_dispatch(core, next, core->next.seq) && can_run(next->tail, space);
}

/* Lock held: core_take_payer(), event_post().  The record's info. */
static inline word_t payer_record(struct core *core, struct tcb *payer, word_t info, time_ns_t now)
	LOCK_REQUIRES(core->lock)
{
	time_ns_t spent = now - core->stretch_ns;

	counter_set(&core->stretch_ns, now);
	counter_add(&core->stats.busy_ns, spent);
	counter_add(&payer->cpu_ns, spent);
	payer->ran_ns += spent;
	sched_set(payer, SCHED_BLOCKED);
	info |= payer->event_info & EVENT_GATHERED;
	payer->event_info = info;
	counter_add(&payer->seq, 1);
	list_push_back(&core->events, &payer->event_link);
	return info;
}

/* Lock held: successor_dispatch().  The deadline that it brings. */
static inline time_ns_t successor_take(struct core *core, struct tcb *next, time_ns_t now)
	LOCK_REQUIRES(core->lock)
{
	time_ns_t slice_end = time_after(now, core->next.slice_ns);
	time_ns_t timer = core->server_timer_ns;

	successor_arm(core, false);
	core->switched = true;
	core->untold = 1;
	core->switched_ns = now;
	core->switched_tag = __atomic_load_n(&next->tag, __ATOMIC_RELAXED);
	core->slice_end_ns = slice_end;
	filter_set(core, core->next.filter_until_ns, core->next.filter_key);
	counter_add(&core->stats.successions, 1);
	payer_dispatch(core, next);
	return slice_end < timer ? slice_end : timer;
}

#define FOLLOW_TRACES (1u << TRACE_SYSCALL | 1u << TRACE_EVENT | 1u << TRACE_SWITCH)

/* No lock held: the record may have changed, so info says what it was. */
static __attribute__((cold, noinline)) struct tcb *
follow_ended(struct cpu *cpu, cptr_t cptr, const struct tcb *payer, word_t info)
{
	struct core *core = &cpu->core;
	time_ns_t now = core->stretch_ns;

	trace_record_at(cpu, now, TRACE_SYSCALL, SYS_WAIT, cptr);
	trace_record_at(cpu, now, TRACE_EVENT, payer->tag, info);
	trace_record_at(cpu, now, TRACE_SWITCH, core->payer->tag, core->slice_end_ns - now);
	timer_update(core);
	return core->current;
}

/* Both locks held, a successor is armed.  On the queue before blocked, as in fastpath_wait(). */
static __attribute__((noinline)) struct tcb *wait_followed(cptr_t cptr,
							   struct notification *notification,
							   struct tcb *tcb,
							   struct cpu *cpu) LOCK_UNCHECKED
{
	struct core *core = &cpu->core;
	struct tcb *payer = core->payer, *next = core->next.tcb;
	time_ns_t now = arch_now(), deadline;
	struct vspace *space;
	word_t info;

	if (!successor_runs(core, now, &space)) {
		spin_unlock(&core->lock);
		spin_unlock(&notification->wait.lock);
		return NULL;
	}
	wait_enqueue(&notification->wait, tcb, THREAD_WAITING);
	spin_unlock(&notification->wait.lock);
	info = payer_record(core, payer, WAIT_INFO, now);
	deadline = successor_take(core, next, now);
	spin_unlock(&core->lock);
	counter_add(&core->stats.syscalls, 1);
	next = next->tail;
	run_next(cpu, tcb, next, space);
	if (__builtin_expect((trace_mask & FOLLOW_TRACES) != 0, 0))
		return follow_ended(cpu, cptr, payer, info);
	return run_until(next, core, deadline);
}

/* ---- The wait -------------------------------------------------------------------------------- */

/*
 * The thread is on the queue before its schedulable is blocked: whoever takes it off in between waits
 * for the lock of the Core before it looks at that.
 */
struct tcb *fastpath_wait(cptr_t cptr, word_t info, struct tcb *tcb, struct cpu *cpu) LOCK_UNCHECKED
{
	struct core *core = &cpu->core;
	struct notification *notification;
	struct slot_view view;
	struct vspace *space;

	(void)info;
	if (!slot_exists(cspace_bits(tcb), cptr) || core_obstacles(core) != 0 ||
	    !slot_read(slot_at(tcb, cptr), &view, false) || !can_wait(&view))
		return NULL;
	notification = (struct notification *)(uintptr_t)view.object;
	if (!spin_try_lock(&notification->wait.lock))
		return NULL;
	if (!object_is_calm(&notification->wait.object) || notification->word != 0 ||
	    !spin_try_lock(&core->lock)) {
		spin_unlock(&notification->wait.lock);
		return NULL;
	}
	if (!core_is_calm(core) || !can_run(core->dispatcher, &space)) {
		spin_unlock(&core->lock);
		spin_unlock(&notification->wait.lock);
		return NULL;
	}
	if (successor_armed(core))
		return wait_followed(cptr, notification, tcb, cpu);
	wait_enqueue(&notification->wait, tcb, THREAD_WAITING);
	spin_unlock(&notification->wait.lock);
	counter_add(&core->stats.syscalls, 1);
	counter_add(&core->stats.entries[REASON_BLOCK], 1);
	sched_set(core->payer, SCHED_BLOCKED);
	return fastpath_enter(cptr, space, tcb, cpu, first_event(core->dispatcher), WAIT_INFO,
			      1 | (word_t)1 << (16 + REASON_BLOCK), arch_now());
}
