/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads leave the queue of an endpoint or a notification by somebody else's doing. */
#include <kern/donation.h>
#include <kern/ipc.h>
#include <kern/reply.h>
#include <kern/waitable.h>

#define DESTROY_BATCH 16u

bool wait_cancel(struct tcb *tcb, bool receiving)
{
	struct waitable *waitable = __atomic_load_n(&tcb->blocked_on, __ATOMIC_ACQUIRE);
	bool taken = false;

	if (waitable == NULL)
		return false; /* somebody else owns it just now */
	if (receiving && waitable->object.type == OBJ_NOTIFICATION)
		return false;
	spin_lock(&waitable->lock);
	if (__atomic_load_n(&tcb->blocked_on, __ATOMIC_RELAXED) == waitable &&
	    (!receiving || tcb_state(tcb) == THREAD_RECEIVING)) {
		wait_dequeue(tcb);
		taken = true;
	}
	spin_unlock(&waitable->lock);
	if (taken)
		reply_release(tcb); /* who receives calls may have one */
	return taken;
}

bool wait_destroy(struct waitable *waitable)
{
	for (unsigned i = 0; i < DESTROY_BATCH; i++) {
		struct list_node *node;

		spin_lock(&waitable->lock);
		waitable->object.dying = 1;
		node = list_first(&waitable->queue);
		if (node != NULL)
			wait_dequeue(wait_thread(node));
		spin_unlock(&waitable->lock);
		if (node == NULL)
			return true;
		reply_release(wait_thread(node)); /* who waits for a signal has none */
		ipc_fail(wait_thread(node), ERR_DELETED);
		thread_wake(wait_thread(node));
	}
	return false;
}
