/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reply: holds the caller of one call until it is answered.
 *
 *   empty -> claimed by a receiver -> holds a caller -> empty
 *
 * Who takes the caller out (under the lock, clearing tcb->caller_reply) owns it, as with queues.
 * A call on donated time is answered by the server that runs on it, nobody else (ERR_STATE).
 */
#pragma once

#include <kern/lock.h>
#include <kern/tcb.h>

struct reply {
	struct object object;
	struct spinlock lock;
	struct tcb *caller;   /* lock */
	struct tcb *receiver; /* lock; who waits for a call that is to be recorded here */
};

_Static_assert(sizeof(struct reply) <= 64, "OBJECT_LIST gives a reply object 64 bytes");

/* The current thread is going to receive into it.  ERR_BUSY: it holds a caller or belongs to
 * another receiver; ERR_DELETED. */
enum error must_check reply_claim(struct reply *reply, struct tcb *receiver);
/* The receive ended without a call; nothing to do if the thread claims none. */
void reply_release(struct tcb *receiver);

/*
 * Take the caller out for an answer by the current thread; with claim, the thread receives into the
 * same object next.  On OK *caller is owned, or NULL if there was none and claim is set.
 * ERR_NO_REPLY, ERR_STATE (on donated time of another server), ERR_DELETED, ERR_BUSY (claim).
 */
enum error must_check reply_take(struct reply *reply, struct tcb *server, bool claim,
				 struct tcb **caller);

/* A thread in state CALLING whose call is not on donated time: take it out of its reply object.
 * True: the caller owns it. */
bool must_check reply_cancel(struct tcb *tcb);

/* Lock held, the caller is blocked or donates: from now on whoever has the reply object may answer it. */
static inline void reply_record(struct reply *reply, struct tcb *caller)
{
	reply->receiver = NULL;
	reply->caller = caller;
	__atomic_store_n(&caller->caller_reply, reply, __ATOMIC_RELEASE);
}
