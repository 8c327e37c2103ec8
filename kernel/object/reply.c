/* SPDX-License-Identifier: BSD-2-Clause */
/* Reply objects.  See <kern/reply.h>. */
#include <kern/donation.h>
#include <kern/ipc.h>
#include <kern/ready.h>
#include <kern/reply.h>
#include <kern/thread.h>
#include <kern/waitable.h>

/* Memory is zero: empty. */
void reply_init(struct reply *reply)
{
	spin_init(&reply->lock, LOCK_REPLY);
	reply->caller = NULL;
	reply->receiver = NULL;
}

/* Lock held. */
static enum error claim_locked(struct reply *reply, struct tcb *receiver)
{
	if (reply->caller != NULL || reply->receiver != NULL)
		return ERR_BUSY;
	reply->receiver = receiver;
	__atomic_store_n(&receiver->reply, reply, __ATOMIC_RELAXED);
	return ERR_OK;
}

enum error reply_claim(struct reply *reply, struct tcb *receiver)
{
	enum error error = ERR_DELETED;

	spin_lock(&reply->lock);
	if (reply->object.dying == 0)
		error = claim_locked(reply, receiver);
	spin_unlock(&reply->lock);
	return error;
}

/* Not inline: none of its callers is on a path that counts.  reply_destroy() may have ended the claim in
 * between: then receiver->reply is NULL, or the object is dying, and nobody claims it any more. */
__attribute__((noinline)) void reply_release(struct tcb *receiver)
{
	struct reply *reply = __atomic_exchange_n(&receiver->reply, NULL, __ATOMIC_RELAXED);

	if (reply == NULL)
		return;
	spin_lock(&reply->lock);
	reply->receiver = NULL;
	spin_unlock(&reply->lock);
}

/* Lock held.  On donated time only the server that runs on it may answer. */
static enum error take_locked(struct reply *reply, const struct tcb *server, struct tcb **out)
{
	struct tcb *caller = reply->caller;
	struct tcb *next;

	if (caller == NULL)
		return ERR_NO_REPLY;
	next = __atomic_load_n(&caller->chain_next, __ATOMIC_RELAXED);
	if (next != NULL && next != server)
		return ERR_STATE;
	reply->caller = NULL;
	__atomic_store_n(&caller->caller_reply, NULL, __ATOMIC_RELAXED);
	*out = caller;
	return ERR_OK;
}

__attribute__((noinline)) enum error reply_take(struct reply *reply, struct tcb *server, bool claim,
						struct tcb **caller)
{
	enum error error = ERR_DELETED;

	*caller = NULL;
	spin_lock(&reply->lock);
	if (reply->object.dying == 0) {
		error = take_locked(reply, server, caller);
		if (claim && (error == ERR_OK || error == ERR_NO_REPLY))
			error = claim_locked(reply, server);
	}
	spin_unlock(&reply->lock);
	return error;
}

/* Lock held.  Takes the caller out, unless its call is on the donated time of the server that is returned. */
static struct tcb *cancel_locked(struct reply *reply, struct tcb *caller)
{
	struct tcb *server = __atomic_load_n(&caller->chain_next, __ATOMIC_RELAXED);

	if (server == NULL) {
		reply->caller = NULL;
		__atomic_store_n(&caller->caller_reply, NULL, __ATOMIC_RELAXED);
	}
	return server;
}

bool reply_cancel(struct tcb *tcb)
{
	struct reply *reply = __atomic_load_n(&tcb->caller_reply, __ATOMIC_ACQUIRE);
	bool taken = false;

	if (reply == NULL)
		return false; /* it is being answered just now */
	spin_lock(&reply->lock);
	if (reply->caller == tcb)
		taken = cancel_locked(reply, tcb) == NULL;
	spin_unlock(&reply->lock);
	return taken;
}

/* A caller on donated time may get on meanwhile, by somebody who cuts it free, and call somebody else: no
 * other call is touched than what this object holds. */
bool reply_destroy(struct reply *reply)
{
	struct tcb *caller;
	struct tcb *server = NULL;

	spin_lock(&reply->lock);
	reply->object.dying = 1;
	if (reply->receiver != NULL)
		__atomic_store_n(&reply->receiver->reply, NULL, __ATOMIC_RELAXED);
	reply->receiver = NULL;
	caller = reply->caller;
	if (caller != NULL)
		server = cancel_locked(reply, caller);
	spin_unlock(&reply->lock);
	if (caller == NULL)
		return true;
	if (server != NULL)
		return chain_cut(caller, server, reply);
	ipc_fail(caller, ERR_DELETED);
	thread_wake(caller);
	return true;
}
