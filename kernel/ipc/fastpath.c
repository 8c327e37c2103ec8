/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fast path of call and reply_recv.  See <kern/fastpath.h>.
 *
 * Both look first and change later: every condition is read, those of objects under their locks,
 * before the first store.  Whoever adds a condition to ipc.c or ipc_syscall.c adds it here, or makes
 * this file give up; tests/host_kernel/sim/test_fastpath.c runs both side by side.
 *
 * Left out of the general path, and why that may be:
 *   errors, queued senders, active partners, long messages, capabilities: given up beforehand;
 *   guard and Core locks: this CPU runs the chain, so its links are its own (<kern/donation.h>);
 *   the bound notification of a server: it has no payer when it receives;
 *   exchange of receiver->reply: reply_destroy() clears it under the lock of the reply object, which
 *     is held here together with that of the endpoint (order: endpoint, reply).
 */
#include <abi/ipc.h>
#include <kern/cnode.h>
#include <kern/donation.h>
#include <kern/endpoint.h>
#include <kern/fastpath.h>
#include <kern/ipc.h>
#include <kern/ready.h>
#include <kern/reply.h>

#define INFO_LABEL_MASK (~(((word_t)1 << MSG_LABEL_SHIFT) - 1))

/*
 * cap_lookup() without its loop: a slot that is being changed, an empty or a missing one is left to
 * the general path.  The order of loads is that of cap_read().
 */
static inline bool slot_read(const struct tcb *tcb, cptr_t cptr, struct cap *out)
{
	const struct cap_slot *slot;
	uint64_t version;

	if (__atomic_load_n(&tcb->cspace.type, __ATOMIC_RELAXED) != OBJ_CNODE ||
	    cptr == CPTR_NULL || (cptr >> tcb->cspace.bits) != 0)
		return false;
	slot = &((const struct cnode *)(uintptr_t)tcb->cspace.object)->slots[cptr];
	version = __atomic_load_n(&slot->version, __ATOMIC_ACQUIRE);
	out->type = __atomic_load_n(&slot->type, __ATOMIC_RELAXED);
	out->rights = __atomic_load_n(&slot->rights, __ATOMIC_RELAXED);
	out->badge = __atomic_load_n(&slot->badge, __ATOMIC_RELAXED);
	out->object = __atomic_load_n(&slot->object, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return (version & 1) == 0 && __atomic_load_n(&slot->version, __ATOMIC_RELAXED) == version;
}

/* The message fits the registers and carries nothing. */
static inline bool message_is_short(word_t info)
{
	return msg_length(info) <= MSG_REGS && msg_caps(info) == 0;
}

/* message_copy() of a short message; to is owned. */
static inline void short_copy(const struct tcb *from, struct tcb *to)
{
	word_t info = from->context.x[1];
	unsigned length = msg_length(info);

	for (unsigned i = 0; i < length; i++)
		to->context.x[2 + i] = from->context.x[2 + i];
	to->context.x[1] = (info & INFO_LABEL_MASK) | msg_info(0, length, 0);
	tcb_result_set(to, ERR_OK);
}

/* ---- Call ------------------------------------------------------------------------------------ */

/*
 * Endpoint lock held.  The passive thread that waits first, with the lock of the reply object that
 * it waits with, or NULL.  The pointer to the reply object stays good memory while this CPU is in the
 * kernel; whether the thread still waits with it is known under its lock.
 */
static inline struct tcb *waiting_server(const struct endpoint *endpoint,
					 struct reply **reply_out) LOCK_UNCHECKED
{
	struct list_node *node = endpoint->wait.queue.next;
	struct tcb *server;
	struct reply *reply;

	if (endpoint->wait.object.dying != 0 || endpoint->senders || node == &endpoint->wait.queue)
		return NULL;
	server = wait_thread(node);
	reply = __atomic_load_n(&server->reply, __ATOMIC_RELAXED);
	if (tcb_payer(server) != NULL || reply == NULL)
		return NULL;
	spin_lock(&reply->lock);
	if (reply->object.dying == 0 &&
	    __atomic_load_n(&server->reply, __ATOMIC_RELAXED) == reply) {
		*reply_out = reply;
		return server;
	}
	spin_unlock(&reply->lock);
	return NULL;
}

bool fastpath_call(struct tcb *tcb) LOCK_UNCHECKED
{
	struct core *core = this_core();
	struct endpoint *endpoint;
	struct tcb *server;
	struct reply *reply;
	struct cap cap;

	if (!message_is_short(tcb->context.x[1]) || !slot_read(tcb, tcb->context.x[0], &cap) ||
	    cap.type != OBJ_ENDPOINT || (cap.rights & RIGHT_WRITE) == 0 ||
	    (cap.rights & (RIGHT_GRANT | RIGHT_GRANT_REPLY)) == 0 || core->dispatcher == tcb)
		return false;
	endpoint = (struct endpoint *)(uintptr_t)cap.object;
	spin_lock(&endpoint->wait.lock);
	server = waiting_server(endpoint, &reply);
	if (server != NULL)
		wait_dequeue(server);
	spin_unlock(&endpoint->wait.lock);
	if (server == NULL)
		return false;

	/* The server is owned; from here on nothing can fail. */
	tcb->send_badge = cap.badge;
	tcb->send_can_grant = (cap.rights & RIGHT_GRANT) != 0;
	tcb->send_fault = FAULT_NONE;
	tcb->send_is_call = true;
	short_copy(tcb, server);
	server->context.x[6] = cap.badge;
	__atomic_store_n(&server->reply, NULL, __ATOMIC_RELAXED);
	chain_push(tcb, server);
	tcb_state_set(server, THREAD_READY);
	core->current = server;
	counter_add(&core->stats.donations, 1);
	/* As call_deliver(): recorded only when it is CALLING, for then anybody may find it. */
	tcb_state_set(tcb, THREAD_CALLING);
	reply->receiver = NULL;
	reply->caller = tcb;
	__atomic_store_n(&tcb->caller_reply, reply, __ATOMIC_RELEASE);
	spin_unlock(&reply->lock);
	return true;
}

/* ---- Answer and receive ---------------------------------------------------------------------- */

/* Reply lock held: the caller whose time the server runs on, whom it can answer from here. */
static inline struct tcb *donor(const struct reply *reply, const struct tcb *server)
{
	struct tcb *caller = reply->caller;

	if (reply->object.dying != 0 || caller == NULL || reply->receiver != NULL ||
	    __atomic_load_n(&caller->chain_next, __ATOMIC_RELAXED) != server)
		return NULL;
	return caller;
}

/* Endpoint lock held: a receive would block. */
static inline bool nobody_sends(const struct endpoint *endpoint)
{
	return endpoint->wait.object.dying == 0 &&
	       (!endpoint->senders || endpoint->wait.queue.next == &endpoint->wait.queue);
}

/* Both locks held: take the caller out, and claim the object for the next one. */
static inline struct tcb *caller_take(const struct endpoint *endpoint, struct reply *reply,
				      struct tcb *server)
{
	struct tcb *caller = nobody_sends(endpoint) ? donor(reply, server) : NULL;

	if (caller == NULL)
		return NULL;
	reply->caller = NULL;
	__atomic_store_n(&caller->caller_reply, NULL, __ATOMIC_RELAXED);
	reply->receiver = server;
	__atomic_store_n(&server->reply, reply, __ATOMIC_RELAXED);
	return caller;
}

/*
 * The endpoint stays locked over the answer (a few registers), because the receive that follows must
 * be known to block before anything changes.
 */
bool fastpath_reply_recv(struct tcb *tcb) LOCK_UNCHECKED
{
	struct endpoint *endpoint;
	struct reply *reply;
	struct tcb *caller;
	struct cap cap;

	if (!message_is_short(tcb->context.x[1]) || !slot_read(tcb, tcb->context.x[0], &cap) ||
	    cap.type != OBJ_ENDPOINT || (cap.rights & RIGHT_READ) == 0)
		return false;
	endpoint = (struct endpoint *)(uintptr_t)cap.object;
	if (!slot_read(tcb, tcb->context.x[6], &cap) || cap.type != OBJ_REPLY ||
	    this_core()->dispatcher == tcb)
		return false;
	reply = (struct reply *)(uintptr_t)cap.object;
	spin_lock(&endpoint->wait.lock);
	spin_lock(&reply->lock);
	caller = caller_take(endpoint, reply, tcb);
	spin_unlock(&reply->lock);
	if (caller != NULL) {
		/* Owned.  The server then has no payer, so it waits without a scheduling event. */
		if (caller->send_fault == FAULT_NONE)
			short_copy(tcb, caller);
		else
			fault_answer(tcb, caller);
		chain_pop(tcb);
		endpoint->senders = false;
		wait_enqueue(&endpoint->wait, tcb, THREAD_RECEIVING);
	}
	spin_unlock(&endpoint->wait.lock);
	return caller != NULL;
}
