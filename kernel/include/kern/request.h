/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests: calls on a Sched capability.  The caller blocks on the Core asked, in state REQUESTING,
 * until TCB_ANSWER names its payer, a signal interrupts it, it is stopped, or the Core enters
 * fallback.  A request to a Core without a dispatcher is answered ERR_RESTARTED at once.  A yield to the own
 * Core (SCHED_REQUEST_YIELD) is a preemption instead, which its record tells from others.
 *
 * Answer, as the caller sees it: x0 = 0, label = w0 = error, w1..w3 = results.
 * Locks: the Core asked and the home of the payer, in index order.
 */
#pragma once

#include <kern/cap.h>
#include <kern/core.h>

struct notification;

/* The current thread's SYS_CALL on a Sched capability. */
void request_syscall(struct tcb *tcb, const struct cap *cap);

/* The next request that the dispatcher has not seen, moved to the delivered ones; or NULL. */
struct tcb *request_next(struct core *core, struct sched_request *out) LOCK_REQUIRES(core->lock);

/* Owner: a request that waits here counts as seen. */
void request_put_off(struct core *core, struct tcb *tcb) LOCK_REQUIRES(core->lock);

/* A thread in state REQUESTING: stop it.  False: it is not in a request any more. */
bool must_check request_stop(struct tcb *tcb);

/* A signal, lock of the bound notification held: end an interruptible request with the word. */
bool must_check request_interrupt(struct tcb *tcb, word_t word);

/* Owner, no lock held: answer all callers blocked on this Core with ERR_RESTARTED. */
void request_restart_all(struct core *core) LOCK_EXCLUDES(core->lock);
