/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fast path of a decision: the dispatcher names a thread, nothing else is going on, the thread runs.
 * See <kern/fastpath.h>.
 *
 * As in ipc/fastpath.c every condition is read before the first store.  Whoever adds a condition to
 * decision.c, ready.c or kernel_exit() adds it here, or makes this file give up.
 *
 * Left out of the general path, and why that may be:
 *   refusals, IDLE and NONE, decisions with something pending, fallback: given up beforehand;
 *   waiting: a lock that somebody holds is left to the general path;
 *   switched: it would be told (core.untold);
 *   payer, current, filter, successor, first_slice_ns: a dispatcher that runs is on nobody's time,
 *     and its entry has taken back what the last decision allowed (upcall_enter());
 *   the lock again in kernel_exit(): there is a current thread, and nothing to choose;
 *   its exit_work: read under the lock, where the thread is READY.  Who marks it later finds it
 *     RUNNING under this lock and posts STOP, whose interrupt is taken on return to user mode.
 */
#include <kern/entry.h>
#include <kern/fastpath.h>
#include <kern/fastpath_parts.h>
#include <kern/fastpath_run.h>
#include <kern/ready.h>
#include <kern/successor.h>
#include <kern/timer.h>
#include <kern/waitable.h>

/* What a decision names, and who is to run for it. */
struct choice {
	struct tcb *payer;
	struct tcb *tail;
	struct vspace *space;
	struct tcb *successor; /* NULL: idle, or none */
};

/* The root CNode of the dispatcher. */
struct root {
	const struct cap_slot *slots;
	unsigned bits;
};

static inline bool view_permits(const struct slot_view *view, unsigned type, unsigned right)
{
	return (view->small & (0xffu | right << 8)) == (type | right << 8);
}

/* thread_lookup() in decision.c */
static inline bool thread_named(struct root root, cptr_t cptr, struct tcb **tcb)
{
	struct slot_view view;

	if (!slot_exists(root.bits, cptr) || !slot_read(&root.slots[cptr], &view, false) ||
	    !view_permits(&view, OBJ_TCB, RIGHT_SCHEDULE))
		return false;
	*tcb = (struct tcb *)(uintptr_t)view.object;
	return true;
}

/* It is so, and is remembered. */
static __attribute__((cold, noinline)) bool core_recall(const struct cap_slot *slot,
							struct core *core)
{
	struct slot_view view;
	uint64_t version = __atomic_load_n(&slot->version, __ATOMIC_RELAXED);

	if (!slot_read(slot, &view, false) || !view_permits(&view, OBJ_CORE, RIGHT_WRITE) ||
	    view.object != (uintptr_t)core ||
	    __atomic_load_n(&slot->version, __ATOMIC_RELAXED) != version)
		return false;
	core->named_version = version;
	return true;
}

/*
 * decision_syscall(): the dispatcher of this CPU decides for it.  No two changes of slots have the
 * same version, so that says what the slot holds.  Without a root CNode (no bits) the memory may be
 * anything; no thread is found then either (thread_named()).
 */
static inline bool core_named(struct root root, cptr_t cptr, struct core *core)
{
	const struct cap_slot *slot = &root.slots[cptr];

	return (cptr >> root.bits) == 0 &&
	       (__atomic_load_n(&slot->version, __ATOMIC_RELAXED) == core->named_version ||
		core_recall(slot, core));
}

/* decision_lookup() */
static inline bool choice_look_up(struct root root, word_t decision, const word_t *x,
				  struct choice *choice)
{
	choice->successor = NULL;
	if (!thread_named(root, x[2], &choice->payer))
		return false;
	return (decision & DECISION_SUCCESSOR) == 0 || x[9] == CPTR_NULL ||
	       thread_named(root, x[9], &choice->successor);
}

/* Lock held: event_pending(), fallback, and may the chosen ones be dispatched? */
static inline bool choice_check(const struct core *core, const word_t *x, struct choice *choice)
	LOCK_REQUIRES(core->lock)
{
	if (!core_is_calm(core) || !may_dispatch(core, choice->payer, x[3]))
		return false;
	choice->tail = choice->payer->tail;
	return can_run(choice->tail, &choice->space) &&
	       (choice->successor == NULL || may_dispatch(core, choice->successor, x[10]));
}

static inline time_ns_t at_least(time_ns_t time, time_ns_t least)
{
	return time < least ? least : time;
}

/* Lock held: decision_terms() */
static inline void terms_set(struct core *core, word_t decision, const word_t *x,
			     struct tcb *successor) LOCK_REQUIRES(core->lock)
{
	time_ns_t slice_ns, until_ns, filter_until_ns;
	word_t seq, filter_key;

	if ((decision & DECISION_FILTER) != 0)
		filter_set(core, x[6], x[7]);
	if ((decision & DECISION_SUCCESSOR) == 0)
		return;
	/* All loads first, as in upcall_switched(). */
	seq = x[10];
	slice_ns = at_least(x[11], SLICE_MIN_NS);
	until_ns = x[12];
	filter_until_ns = x[13];
	filter_key = x[14];
	core->next.tcb = successor;
	core->next.seq = seq;
	core->next.slice_ns = slice_ns;
	core->next.until_ns = until_ns;
	core->next.filter_until_ns = filter_until_ns;
	core->next.filter_key = filter_key;
	successor_arm(core, true);
}

/* Lock held: decision_accept() */
static inline void decision_accept(struct core *core, struct tcb *tcb, time_ns_t now)
	LOCK_REQUIRES(core->lock)
{
	counter_add(&core->stats.dispatcher_ns, now - core->stretch_ns);
	counter_set(&core->stretch_ns, now);
	core->dispatcher_running = false;
	core->batch++;
	core->bounced = false;
	core->refusals = 0;
	core->reasons = 0;
	byte_hint_set(&tcb->state, THREAD_PARKED);
}

/* Three of them, and one that costs nothing: a mask that is one immediate operand. */
#define TRACED \
	(1u << TRACE_SYSCALL | 1u << TRACE_SWITCH | 1u << TRACE_UPCALL | 1u << TRACE_DECISION)

struct tcb *fastpath_timer_set(struct tcb *next, struct core *core, time_ns_t deadline)
{
	core->armed_ns = deadline;
	arch_timer_set(deadline);
	return next;
}

/* Records in the order of the general path. */
static __attribute__((cold, noinline)) struct tcb *decided_traced(struct tcb *next, struct cpu *cpu,
								  const word_t *x)
{
	struct core *core = &cpu->core;
	time_ns_t now = core->stretch_ns;

	timer_update(core);
	trace_record_at(cpu, now, TRACE_SYSCALL, SYS_CORE_REPLY_WAIT, x[0]);
	trace_record_at(cpu, now, TRACE_DECISION, DECISION_RUN, ERR_OK);
	trace_record_at(cpu, now, TRACE_SWITCH, core->payer->tag, core->slice_end_ns - now);
	return next;
}

struct tcb *fastpath_decide(cptr_t cptr, word_t decision, struct tcb *tcb,
			    struct cpu *cpu) LOCK_UNCHECKED
{
	struct root root = {((const struct cnode *)(uintptr_t)tcb->cspace.object)->slots,
			    cspace_bits(tcb)};
	const word_t *x = tcb->context.x;
	struct core *core = &cpu->core;
	struct choice choice;
	time_ns_t now, timer, slice_end;

	if ((decision & ~(DECISION_FILTER | DECISION_SUCCESSOR)) != DECISION_RUN ||
	    core_obstacles(core) != CORE_DISPATCHER_RUNS || !core_named(root, cptr, core) ||
	    !choice_look_up(root, decision, x, &choice) || !spin_try_lock(&core->lock))
		return NULL;
	if (!choice_check(core, x, &choice)) {
		spin_unlock(&core->lock);
		return NULL;
	}
	now = arch_now();
	timer = at_least(x[5], now + SLICE_MIN_NS);
	slice_end = time_after(now, at_least(x[4], SLICE_MIN_NS));
	core->server_timer_ns = timer;
	core->slice_end_ns = slice_end;
	terms_set(core, decision, x, choice.successor);
	decision_accept(core, tcb, now);
	payer_dispatch(core, choice.payer);
	if (__builtin_expect(!starvation_known(core), 0))
		timer_starvation_lazy(core);
	spin_unlock(&core->lock);
	counter_add(&core->stats.syscalls, 1);
	run_next(cpu, tcb, choice.tail, choice.space);
	if (__builtin_expect((trace_mask & TRACED) != 0, 0))
		return decided_traced(choice.tail, cpu, x);
	return run_until(choice.tail, core, slice_end < timer ? slice_end : timer);
}
