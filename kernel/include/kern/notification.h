/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Notification: a word of bits, threads that wait for it to be non-zero, and at most one bound
 * thread, which a signal also takes out of a receive or out of an interruptible request.  A bind
 * delivers what was signalled before it.
 *
 * A passive thread without a payer has no time to receive a signal on: the bits stay in the word
 * until it asks (RECV while it has a payer, POLL).
 */
#pragma once

#include <kern/waitable.h>

struct notification {
	struct waitable wait;
	word_t word;       /* lock */
	struct tcb *bound; /* lock */
};

_Static_assert(sizeof(struct notification) <= 64, "OBJECT_LIST gives a notification 64 bytes");

/* SYS_WAIT and SYS_POLL of the current thread: result and word are in its context, or it blocked. */
void notification_wait(struct notification *notification, struct tcb *tcb, bool block);

/*
 * The current thread is about to block in a receive or in an interruptible request: its bound
 * notification, locked, so that a signal is either seen or finds the thread blocked; NULL if none
 * is bound, and then the thread calls notification_look_again() once it is blocked.
 */
struct notification *must_check notification_bound_lock(const struct tcb *tcb);

/* No lock held; the thread may run elsewhere by now.  Costs a barrier and a read. */
void notification_look_again(struct tcb *tcb);
