/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What endpoints and notifications have in common: a lock and a queue of blocked threads.
 *
 * Lock order between objects: notification, then endpoint, then reply; then Cores.
 *
 * A thread on a queue is taken off it under the lock, which also clears tcb->blocked_on.  Whoever
 * did that *owns* the thread: nobody else changes it (stop and delete see blocked_on == NULL and try
 * again later) until the owner makes it ready, or blocks it somewhere else.  So the lock is held for
 * the queue only and never while a message is copied.
 */
#pragma once

#include <base/list.h>
#include <kern/lock.h>
#include <kern/tcb.h>

struct waitable {
	struct object object;
	struct spinlock lock;
	struct list_node queue; /* tcb.wait_link, oldest first */
};

/*
 * Lock held; the caller blocks the thread's schedulable, if it has one, only after it: who finds that
 * BLOCKED under the lock of its Core and takes over the chain (chain_orphan_locked()) looks at this state
 * to know whether it could run.
 */
static inline void wait_enqueue(struct waitable *waitable, struct tcb *tcb, enum thread_state state)
{
	__atomic_store_n(&tcb->blocked_on, waitable, __ATOMIC_RELAXED);
	list_push_back(&waitable->queue, &tcb->wait_link);
	/* Release: who reads the state without the lock then finds blocked_on. */
	__atomic_store_n(&tcb->state, (uint8_t)state, __ATOMIC_RELEASE);
}

/* Lock held; the caller owns the thread afterwards. */
static inline void wait_dequeue(struct tcb *tcb)
{
	list_remove(&tcb->wait_link);
	__atomic_store_n(&tcb->blocked_on, NULL, __ATOMIC_RELAXED);
}

/*
 * A thread that was seen, without the lock, in a send, a receive or a wait for a signal: take it off its
 * queue.  receiving: only out of a receive, which may be over by now; the lock of a notification may be held
 * then, because no other one is taken.  True: the caller owns it; false: somebody else does just now, or it
 * waits for something else.
 */
bool must_check wait_cancel(struct tcb *tcb, bool receiving);

/* The object goes away: a bounded number of those that wait fail with ERR_DELETED; true: none is left. */
bool must_check wait_destroy(struct waitable *waitable);

static inline struct tcb *wait_thread(struct list_node *node)
{
	return container_of(node, struct tcb, wait_link);
}

static inline enum thread_state tcb_state(const struct tcb *tcb)
{
	return (enum thread_state)__atomic_load_n(&tcb->state, __ATOMIC_ACQUIRE);
}

static inline void tcb_state_set(struct tcb *tcb, enum thread_state state)
{
	__atomic_store_n(&tcb->state, (uint8_t)state, __ATOMIC_RELEASE);
}

/* x0 of an operation that ends: the error, negated. */
static inline void tcb_result_set(struct tcb *tcb, enum error error)
{
	tcb->context.x[0] = (uint64_t)(-(int64_t)error);
}
