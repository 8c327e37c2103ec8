/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fast path of a signal, by a system call or an interrupt.  See <kern/fastpath.h>.  If nobody waits the
 * word is noted; a waiter whose home is here becomes ready, and the dispatcher is entered with its record
 * and that of the payer (fastpath_enter.c).
 *
 * What syscall_signal() or irq_deliver(), notification_signal(), thread_wake(), sched_ready(),
 * fastpath_preempt() and kernel_exit() do one after the other, when the two records are all that the
 * dispatcher has not seen: neither is linked.  As in ipc/fastpath.c everything is looked at before the
 * first store, and whoever adds a condition to one of those adds it here;
 * tests/host_kernel/sim/test_fastpath.c runs both side by side.
 *
 * Left out of the general path, and why that may be:
 *   errors, bound threads, waiters without a payer of this home, a wake that the filter holds back,
 *     other records, requests, fallback, a dispatcher that has no buffer: given up beforehand;
 *   guard_lock(): the waiter's payer and that one's home are read under the lock of this Core, so if
 *     the home is this Core then that is the guard;
 *   first_claim(): it is of a CPU that idles, and a payer runs here;
 *   dead_posted: who is destroyed was stopped before, and does not wait;
 *   reasons: none at a system call, for who is no dispatcher gets to user mode when there is none
 *     (kernel_exit()); nor at an interrupt, which is the first since then;
 *   a second look at the clock: the wake and the entry are one moment;
 *   a second interrupt: given up if one is pending, because it is taken before the dispatcher is entered;
 *   what concerns the entry: see fastpath_enter.c.
 */
#include <kern/event.h>
#include <kern/fastpath.h>
#include <kern/fastpath_enter.h>
#include <kern/fastpath_parts.h>
#include <kern/irq.h>
#include <kern/notification.h>
#include <kern/upcall.h>

#define WOKEN_INFO (EVENT_READY | CAUSE_WAKE << 8)

/* Lock held: no record is linked, or that of this payer alone, and nothing else is to be handed over. */
static inline bool alone_untold(const struct core *core, const struct tcb *payer, uint64_t untold)
	LOCK_REQUIRES(core->lock)
{
	const struct list_node *first = core->events.next;

	return untold_is_short(untold) && core->events.prev == first &&
	       (first == &payer->event_link || first == &core->events);
}

/* Lock held: the owned thread goes on, at this home, and its dispatcher is to see it now.  Neither it nor who
 * runs is a server on another's time, of which the records would say more. */
static inline bool wakes_here(const struct core *core, const struct tcb *woken,
			      const struct tcb *tcb, time_ns_t now) LOCK_REQUIRES(core->lock)
{
	return __atomic_load_n(&woken->payer, __ATOMIC_RELAXED) == woken && core->payer == tcb &&
	       __atomic_load_n(&woken->home, __ATOMIC_RELAXED) == core &&
	       woken->sched == SCHED_BLOCKED &&
	       (now >= core->filter_until_ns ||
		__atomic_load_n(&woken->key, __ATOMIC_RELAXED) < core->filter_key);
}

/* Lock held: sched_ready(), event_post() and event_take() of its record. */
static inline void woken_report(struct core *core, struct tcb *payer, time_ns_t now)
	LOCK_REQUIRES(core->lock)
{
	struct sched_event *out = first_event(core->dispatcher);
	/* All loads first, as in upcall_switched(). */
	word_t gathered = payer->event_info & EVENT_GATHERED, seq = payer->seq + 1;
	time_ns_t ran_ns = payer->ran_ns, first_ready_ns = payer->first_ready_ns;

	out->tag = __atomic_load_n(&payer->tag, __ATOMIC_RELAXED);
	out->info = WOKEN_INFO | EVENT_WOKE_SINCE | gathered;
	out->seq = seq;
	out->ran_ns = ran_ns;
	out->first_ready_ns = first_ready_ns != 0 ? first_ready_ns : now;
	payer->event_info = WOKEN_INFO;
	payer->ran_ns = 0;
	payer->first_ready_ns = 0;
	counter_set(&payer->seq, seq);
	list_remove(&payer->event_link);
	schedulable_ready(core, payer, now);
}

/* Its lock held: the word goes to the thread that waits longest, which is owned then. */
static inline void word_give(struct notification *notification, struct tcb *woken,
			     word_t badge) LOCK_UNCHECKED
{
	word_t word = notification->word | badge;

	notification->word = 0;
	wait_dequeue(woken);
	spin_unlock(&notification->wait.lock);
	tcb_result_set(woken, ERR_OK);
	woken->context.x[6] = word;
	tcb_state_set(woken, THREAD_READY);
}

/* What was asked for is done. */
static inline void origin_done(struct core *core, struct tcb *tcb, word_t origin)
{
	if ((origin & ORIGIN_IRQ) != 0) {
		counter_add(&core->stats.device_interrupts, 1);
		return;
	}
	counter_add(&core->stats.syscalls, 1);
	tcb_result_set(tcb, ERR_OK);
}

/* Its lock held, and given back; somebody waits.  tcb runs here. */
static __attribute__((noinline)) struct tcb *wake(struct notification *notification, word_t badge,
						  struct tcb *tcb, struct cpu *cpu,
						  word_t origin) LOCK_UNCHECKED
{
	struct tcb *woken = wait_thread(notification->wait.queue.next);
	word_t upcall = 2 | (word_t)1 << (16 + REASON_KICK);
	struct core *core = &cpu->core;
	time_ns_t now = arch_now();
	struct upcall_buffer *buffer;
	uint64_t untold;
	struct vspace *space;

	if (!spin_try_lock(&core->lock))
		goto give_up;
	untold = core_untold(core);
	if (!wakes_here(core, woken, tcb, now) ||
	    (untold != 0 && !alone_untold(core, woken, untold)))
		goto give_up_core;
	buffer = upcall_buffer(core->dispatcher);
	if (buffer == NULL || !can_run(core->dispatcher, &space))
		goto give_up_core;
	word_give(notification, woken, badge);
	if (untold != 0)
		upcall += untold_clear(core, buffer);
	woken_report(core, woken, now);
	origin_done(core, tcb, origin);
	counter_add(&core->stats.entries[REASON_KICK], 1);
	schedulable_ready(core, core->payer, now);
	return fastpath_enter(origin, space, tcb, cpu, &buffer->events[1],
			      EVENT_READY | CAUSE_PREEMPTED << 8, upcall, now);
give_up_core:
	spin_unlock(&core->lock);
give_up:
	spin_unlock(&notification->wait.lock);
	return NULL;
}

static inline bool can_signal(const struct slot_view *view)
{
	return (view->small & (0xffu | RIGHT_WRITE << 8)) == (OBJ_NOTIFICATION | RIGHT_WRITE << 8);
}

struct tcb *fastpath_signal(cptr_t cptr, word_t info, struct tcb *tcb,
			    struct cpu *cpu) LOCK_UNCHECKED
{
	struct notification *notification;
	struct slot_view view;

	(void)info;
	if (!slot_exists(cspace_bits(tcb), cptr) || core_obstacles(&cpu->core) != 0 ||
	    !slot_read(slot_at(tcb, cptr), &view, true) || !can_signal(&view))
		return NULL;
	notification = (struct notification *)(uintptr_t)view.object;
	if (!spin_try_lock(&notification->wait.lock))
		return NULL;
	if (!object_is_calm(&notification->wait.object))
		goto give_up;
	if (!list_empty(&notification->wait.queue))
		return wake(notification, view.badge, tcb, cpu, ORIGIN_SIGNAL | cptr);
	/* It goes on itself, unless it is to stop. */
	if (notification->bound != NULL || __atomic_load_n(&tcb->exit_work, __ATOMIC_RELAXED) != 0)
		goto give_up;
	notification->word |= view.badge;
	spin_unlock(&notification->wait.lock);
	counter_add(&cpu->core.stats.syscalls, 1);
	tcb_result_set(tcb, ERR_OK);
	return done(tcb, TRACE_SYSCALL, SYS_SIGNAL, cptr);
give_up:
	spin_unlock(&notification->wait.lock);
	return NULL;
}

__attribute__((noinline)) struct tcb *fastpath_irq(uint32_t irq, struct cpu *cpu) LOCK_UNCHECKED
{
	struct notification *notification;
	struct tcb *tcb = cpu->core.current;
	struct slot_view view;

	if (core_obstacles(&cpu->core) != 0 || arch_irq_pending() ||
	    !slot_read(irq_notification(irq), &view, true) || VIEW_TYPE(&view) != OBJ_NOTIFICATION)
		return NULL;
	notification = (struct notification *)(uintptr_t)view.object;
	if (!spin_try_lock(&notification->wait.lock))
		return NULL;
	if (object_is_calm(&notification->wait.object) && !list_empty(&notification->wait.queue))
		return wake(notification, view.badge, tcb, cpu, ORIGIN_IRQ | irq);
	spin_unlock(&notification->wait.lock);
	return NULL;
}
