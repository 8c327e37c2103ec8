/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * States of schedulables, the ready ring of a Core, and the wake-up.
 *
 * No ready thread is forgotten:
 *
 *   waking CPU, lock of the home Core held        home CPU, the same lock held
 *   W1 state READY, ring, event record            D1 dispatcher_running = false, last look at the
 *   W2 dispatcher_running?                           event list (decision.c): empty, or come back
 *   W3 no: requests |= KICK (IPI if it was 0)
 *
 * Either W comes first and D1 sees the record, or D1 comes first and W2 sees that nobody will look,
 * so W3 posts the kick, which is taken before the CPU next leaves the kernel, or interrupts it.
 */
#pragma once

#include <kern/core.h>

static inline struct tcb *tcb_payer(const struct tcb *tcb)
{
	return __atomic_load_n(&tcb->payer, __ATOMIC_ACQUIRE);
}

static inline struct core *tcb_home(const struct tcb *tcb)
{
	return __atomic_load_n(&tcb->home, __ATOMIC_ACQUIRE);
}

/* What TCB_INFO says: a hint, no lock. */
static inline enum thread_state tcb_state_shown(const struct tcb *tcb)
{
	enum thread_state state = (enum thread_state)__atomic_load_n(&tcb->state, __ATOMIC_RELAXED);

	if (state != THREAD_READY)
		return state;
	if (tcb_payer(tcb) != tcb)
		return THREAD_PASSIVE;
	return byte_hint(&tcb->sched) == SCHED_RUNNING ? THREAD_RUNNING : THREAD_READY;
}

/* Lock of home held, or a thread that has none. */
static inline void sched_set(struct tcb *tcb, enum sched_state sched)
{
	byte_hint_set(&tcb->sched, (uint8_t)sched);
}

/* Lock of the Core held.  Something happened there that its dispatcher (or fallback) must see. */
void core_kick(struct core *core, enum upcall_reason reason) LOCK_REQUIRES(core->lock);
/* Likewise, what others do to a thread that waits: when the dispatcher wants to see that. */
void core_tell(struct core *core, enum upcall_reason reason) LOCK_REQUIRES(core->lock);

/* Lock of home held; not running.  Ready ring, record, kick. */
void sched_ready(struct core *home, struct tcb *payer, enum event_cause cause)
	LOCK_REQUIRES(home->lock);
/* The same without record and kick: the dispatcher of home did it itself. */
void sched_ready_silent(struct core *home, struct tcb *payer) LOCK_REQUIRES(home->lock);
/* Lock of home held; it was BLOCKED or READY.  Off the ring; record. */
void sched_blocked(struct core *home, struct tcb *payer, enum event_cause cause)
	LOCK_REQUIRES(home->lock);

/* Why the payer that runs loses the CPU, if the dispatcher is entered for these reasons.  Its own requests
 * block it, but for a yield (request.c), and those of others are a KICK. */
static inline enum event_cause preempt_cause(uint32_t reasons)
{
	if ((reasons & 1u << REASON_SLICE) != 0)
		return CAUSE_SLICE;
	return (reasons & 1u << REASON_REQUEST) != 0 ? CAUSE_YIELD : CAUSE_PREEMPTED;
}

/* This CPU, its lock held.  The running payer becomes READY or BLOCKED; nothing is current then. */
void core_preempt(struct core *core, enum event_cause cause, time_ns_t now)
	LOCK_REQUIRES(core->lock);
void core_block(struct core *core, enum event_cause cause) LOCK_REQUIRES(core->lock);
/* The same, takes the lock. */
void core_block_current(enum event_cause cause);

/* This CPU, its lock held: run a READY schedulable of it. */
void core_dispatch(struct core *core, struct tcb *payer, time_ns_t now) LOCK_REQUIRES(core->lock);

/* This CPU: charge the time since the last call to whoever it belongs to.  One switch passes several
 * such points at the same time. */
void core_account_since(struct core *core, time_ns_t now);
static inline void core_account(struct core *core, time_ns_t now)
{
	if (now != core->stretch_ns)
		core_account_since(core, now);
}

/* What the payer of a CPU has run and is not charged for yet. */
static inline time_ns_t core_stretch(const struct core *core) LOCK_REQUIRES(core->lock)
{
	const time_ns_t since = __atomic_load_n(&core->stretch_ns, __ATOMIC_RELAXED);
	const time_ns_t now = arch_now();

	return now > since ? now - since : 0; /* clocks of two CPUs may differ */
}

/* Onto and off the list of schedulables of a Core; its lock held. */
void home_insert(struct core *home, struct tcb *tcb) LOCK_REQUIRES(home->lock);
void home_remove(struct core *home, struct tcb *tcb) LOCK_REQUIRES(home->lock);
