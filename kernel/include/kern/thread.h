/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What capability management needs from threads, IPC and dispatch.
 *
 * Implemented in kernel/ipc, kernel/dispatch, kernel/smp, kernel/core/switch.c and kernel/object/
 * {endpoint,notification,reply,core}.c; called by cap.c, cnode.c, untyped.c, tcb.c, irq.c, invoke.c
 * and boot.c.
 *
 * Two kinds of function:
 *   LOCKED    the caller holds the derivation lock; must not wait for another CPU; may take object
 *             and Core locks.
 *   UNLOCKED  the caller holds no lock; may wait for other CPUs, serving this CPU's own requests
 *             (stop, grace) meanwhile.  After a wait every object pointer that was found by look-up
 *             may be stale: such functions return false, and the caller looks up again (usually by
 *             restarting the system call).
 *
 * What a thread's capabilities are, and how they disappear:
 *   - tcb->vspace, tcb->ipc_buffer, tcb->cspace.type are cleared (atomic store) at any time by a CPU
 *     that revokes what they stand for.  Readers load the pointer once (__ATOMIC_RELAXED), test for
 *     NULL, and may use it until this CPU is next quiescent.  arch_switch treats NULL as the empty
 *     address space.
 *   - tcb->pager and tcb->exception are capability slots: read them with cap_read().
 *   - a bound notification, a pager endpoint, a Core's supervisor notification are each held by a
 *     slot of their own, so that the object lives at least as long as the binding.
 */
#pragma once

#include <abi/error.h>
#include <abi/sched.h>
#include <abi/types.h>
#include <kern/cap.h>

struct core;
struct endpoint;
struct notification;
struct reply;
struct tcb;

/* ---- Objects: LOCKED ------------------------------------------------------------------------- */

/* Initialise a new object in zeroed memory (object.type and object.caps are set by the caller
 * before). thread_init: state STOPPED, no home, tail = payer = itself, lists and records empty. */
void thread_init(struct tcb *tcb);
void endpoint_init(struct endpoint *endpoint);
void notification_init(struct notification *notification);
void reply_init(struct reply *reply);

/*
 * The last capability is being deleted.  Sets object.dying under the object's lock the first time;
 * everybody who then finds the object through an old snapshot gets ERR_CAP_INVALID or ERR_DELETED.
 * Cancels a bounded number (16) of waiters with ERR_DELETED per call; true when none is left.
 * After true nothing in the kernel refers to the object except snapshots on other CPUs, which a
 * grace period covers before the memory is reused.
 */
bool endpoint_destroy(struct endpoint *endpoint);
bool notification_destroy(struct notification *notification);
bool reply_destroy(struct reply *reply); /* its caller gets ERR_DELETED */

/* Notification <-> thread, one to one.  bind: ERR_STATE if either is bound or the object is dying. */
enum error must_check notification_bind(struct notification *notification, struct tcb *tcb);
void notification_unbind(struct tcb *tcb); /* nothing to do if not bound */

/* ---- Threads --------------------------------------------------------------------------------- */

/* LOCKED.  Stopped -> ready at its home.  ERR_STATE: not stopped, dying, no home, or no address
 * space (tcb->vspace == NULL). A thread with a dispatcher's binding may not be resumed: ERR_STATE. */
enum error must_check thread_resume(struct tcb *tcb);

/* LOCKED or UNLOCKED, any time: not running anywhere (nor the current thread of another CPU that is
 * inside the kernel: its system call would still write its context) and will not without
 * thread_resume or core_bind.  The current thread of this CPU counts as stopped once its stop is pending. */
bool thread_is_stopped(const struct tcb *tcb);

/*
 * UNLOCKED.  Stop the thread wherever it is (blocked: cancel; running elsewhere: interrupt and
 * wait; in a chain: see the design).  True: it is stopped, and nobody was waited for.  False: it may
 * not be yet, and tcb may be stale: look up again and call again.  For the current thread of this
 * CPU: marks it, true, takes effect at kernel exit.  Idempotent.
 * After true no other CPU has the thread's context or address space loaded.  So a stop of a thread
 * that is inside the kernel completes at that CPU's kernel exit; if that CPU itself waits in a loop
 * here, its loop ends (false: its system call restarts), so two CPUs can stop each other's threads.
 */
bool must_check thread_suspend(struct tcb *tcb);

/*
 * UNLOCKED; the thread has no capabilities any more and the caller keeps its memory from being
 * released, so tcb stays valid over waits.  Never called by two CPUs at once for one thread.
 * Stops the thread, takes it off every list and chain (the callers of a dead server get ERR_DEAD or
 * the like), empties the reply object that holds it, ends a dispatcher binding, posts its DEAD
 * record.  False while the record has not been consumed, or while it is still the current thread of
 * some CPU (this one included), or a wait was needed: called again later.  After true the kernel
 * has no reference to it but the slots that tcb.c releases.
 * From the first call on the thread executes no more instructions in user mode.
 */
bool must_check thread_destroy(struct tcb *tcb);

/* Any context: this CPU stops using the current thread's address space now (arch_switch to the empty
 * one); kernel_exit switches to whatever the next thread then has. */
void switch_to_empty_space(void);

/* ---- Scheduling rights ------------------------------------------------------------------------ */

/* LOCKED.  Whether core_bind() succeeds, until the lock is given back: ERR_ARG, ERR_STATE. */
enum error must_check core_bind_check(const struct core *core, const struct tcb *tcb,
				      time_ns_t decision_limit_ns);
/* LOCKED.  Bind a stopped thread (ERR_STATE otherwise) as dispatcher; supervisor may be NULL (it is
 * kept alive by the caller until core_set_supervisor replaces it). */
enum error must_check core_bind(struct core *core, struct tcb *tcb, time_ns_t decision_limit_ns,
				time_ns_t starvation_limit_ns, struct notification *supervisor);
void core_unbind(struct core *core);                                            /* LOCKED */
void core_set_supervisor(struct core *core, struct notification *notification); /* LOCKED; NULL */

/* No lock held, no waiting, on the caller's CPU; rights are checked already. */
enum error must_check tcb_set_home(struct tcb *tcb, struct core *core);
/* LOCKED.  The same, of a thread that has none (ERR_STATE otherwise) and a Core that is online. */
enum error must_check tcb_first_home(struct tcb *tcb, struct core *core)
	LOCK_REQUIRES(derivation_held);
enum error must_check tcb_answer(struct tcb *tcb, word_t error, const word_t results[3]);
void tcb_set_tag(struct tcb *tcb, word_t tag);
void tcb_set_key(struct tcb *tcb, word_t key);

/* ---- Signals, other CPUs ---------------------------------------------------------------------- */

/* From interrupts and invocations, no lock held. */
void notification_signal(struct notification *notification, word_t badge);

/* UNLOCKED.  Every CPU that is not idle has been quiescent since the call. */
void grace_wait(void);

/* This CPU has a request of another CPU (other than what it served) or an interrupt pending: a long
 * operation should restart its system call. */
bool preempt_pending(void);
