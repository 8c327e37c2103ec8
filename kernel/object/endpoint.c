/* SPDX-License-Identifier: BSD-2-Clause */
/* Endpoints.  See <kern/endpoint.h>. */
#include <kern/donation.h>
#include <kern/endpoint.h>
#include <kern/ipc.h>
#include <kern/reply.h>
#include <kern/thread.h>

#define DESTROY_BATCH 16u

void endpoint_init(struct endpoint *endpoint)
{
	spin_init(&endpoint->wait.lock, LOCK_ENDPOINT);
	list_init(&endpoint->wait.queue);
}

bool endpoint_cancel(struct tcb *tcb)
{
	struct waitable *waitable = __atomic_load_n(&tcb->blocked_on, __ATOMIC_ACQUIRE);
	bool taken = false;

	if (waitable == NULL)
		return false; /* somebody else owns it just now */
	spin_lock(&waitable->lock);
	if (__atomic_load_n(&tcb->blocked_on, __ATOMIC_RELAXED) == waitable &&
	    (tcb_state(tcb) == THREAD_SENDING || tcb_state(tcb) == THREAD_RECEIVING)) {
		wait_dequeue(tcb);
		taken = true;
	}
	spin_unlock(&waitable->lock);
	if (taken)
		reply_release(tcb);
	return taken;
}

bool endpoint_destroy(struct endpoint *endpoint)
{
	for (unsigned i = 0; i < DESTROY_BATCH; i++) {
		struct list_node *node;

		spin_lock(&endpoint->wait.lock);
		endpoint->wait.object.dying = 1;
		node = list_first(&endpoint->wait.queue);
		if (node != NULL)
			wait_dequeue(wait_thread(node));
		spin_unlock(&endpoint->wait.lock);
		if (node == NULL)
			return true;
		reply_release(wait_thread(node));
		ipc_fail(wait_thread(node), ERR_DELETED);
		thread_wake(wait_thread(node));
	}
	return false;
}
