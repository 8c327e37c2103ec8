/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Receive.  See <kern/ipc.h>, and ipc.c for who owns what.  Most receives are the end of a reply
 * (fastpath.c): this is compiled for size.
 */
#include <abi/ipc.h>
#include <kern/donation.h>
#include <kern/endpoint.h>
#include <kern/ipc.h>
#include <kern/notification.h>
#include <kern/ready.h>
#include <kern/reply.h>

/* Runs on the time of its callers from its receive on. */
static bool receives_passively(const struct tcb *tcb)
{
	return (tcb_flags(tcb) & TCB_FLAG_PASSIVE) != 0 || tcb_payer(tcb) != tcb;
}

/* Why a queued sender cannot be received. */
static enum error recv_refuse(const struct tcb *tcb, const struct reply *reply,
			      const struct tcb *sender)
{
	if (!sender->send_is_call && receives_passively(tcb))
		return ERR_PASSIVE;
	if (sender->send_is_call && reply == NULL)
		return ERR_NO_REPLY;
	return message_fits(tcb, message_length(sender)) ? ERR_OK : ERR_TRUNCATED;
}

/* Endpoint lock held. */
static void recv_block(struct tcb *tcb, struct endpoint *endpoint)
{
	bool has_time = tcb_payer(tcb) != NULL;

	endpoint->wait.object.senders = 0;
	if (has_time && receives_passively(tcb)) {
		chain_leave(tcb);
		has_time = false;
	}
	wait_enqueue(&endpoint->wait, tcb, THREAD_RECEIVING);
	if (has_time)
		core_block_current(CAUSE_IPC);
}

/* The next sender that can be received, owned; NULL with ERR_OK: blocked. */
static enum error recv_pick(struct tcb *tcb, struct endpoint *endpoint, const struct reply *reply,
			    bool block, struct tcb **sender_out)
{
	for (;;) {
		struct list_node *node;
		enum error error = ERR_OK;

		*sender_out = NULL;
		spin_lock(&endpoint->wait.lock);
		node = endpoint->wait.object.senders ? list_first(&endpoint->wait.queue) : NULL;
		if (endpoint->wait.object.dying != 0) {
			error = ERR_DELETED;
		} else if (node != NULL) {
			*sender_out = wait_thread(node);
			wait_dequeue(*sender_out);
		} else if (block) {
			recv_block(tcb, endpoint);
		} else {
			error = ERR_WOULD_BLOCK;
		}
		spin_unlock(&endpoint->wait.lock);
		if (*sender_out == NULL)
			return error;
		error = recv_refuse(tcb, reply, *sender_out);
		if (error == ERR_OK)
			return ERR_OK;
		ipc_fail(*sender_out, error);
		thread_wake(*sender_out);
	}
}

/* The reply object went away: the call ends here. */
static __attribute__((cold, noinline)) void recv_lost(struct tcb *tcb, struct tcb *sender)
{
	ipc_fail(sender, ERR_DELETED);
	thread_wake(sender);
	if (tcb_payer(tcb) == NULL) {
		tcb_result_set(tcb, ERR_DELETED);
		chain_orphan(tcb);
	}
}

/* A caller that waits in its queue is answered later on our own time. */
static void recv_call_active(struct tcb *tcb, struct tcb *sender, struct reply *reply)
{
	bool dying;

	spin_lock(&reply->lock);
	dying = reply->object.dying != 0;
	if (!dying) {
		tcb_state_set(sender, THREAD_CALLING);
		reply_record(reply, sender);
	}
	spin_unlock(&reply->lock);
	if (dying)
		recv_lost(tcb, sender);
}

/* A passive server goes over to the queued caller's payer, which becomes ready at its home. */
static void recv_call_passive(struct tcb *tcb, struct tcb *sender, struct reply *reply)
{
	struct tcb *payer;
	struct core *home;

	if (tcb_payer(tcb) != NULL)
		chain_leave(tcb);
	spin_lock(&reply->lock);
	if (reply->object.dying != 0) {
		spin_unlock(&reply->lock);
		recv_lost(tcb, sender);
		return;
	}
	home = guard_lock(sender);
	spin_assume(&home->lock);
	payer = tcb_payer(sender);
	tcb_state_set(sender, THREAD_CALLING);
	tcb_state_set(tcb, THREAD_READY);
	chain_push(sender, tcb);
	reply_record(reply, sender);
	sched_ready(home, payer, CAUSE_WAKE);
	spin_unlock(&home->lock);
	spin_unlock(&reply->lock);
}

/* The sender is owned; no lock held. */
static void recv_deliver(struct tcb *tcb, struct tcb *sender, struct reply *reply)
{
	message_copy(sender, tcb, sender->send_can_grant);
	tcb_result_set(tcb, ERR_OK);
	tcb->context.x[6] = sender->send_badge;
	if (!sender->send_is_call) {
		reply_release(tcb);
		tcb_result_set(sender, ERR_OK);
		thread_wake(sender);
		return;
	}
	__atomic_store_n(&tcb->reply, NULL, __ATOMIC_RELAXED);
	if (receives_passively(tcb))
		recv_call_passive(tcb, sender, reply);
	else
		recv_call_active(tcb, sender, reply);
}

/* Lock of the bound notification held: a signal that came before is received at once. */
static bool recv_signal(struct tcb *tcb, struct notification *notification)
{
	if (notification->word == 0)
		return false;
	tcb->context.x[6] = notification->word;
	notification->word = 0;
	tcb->context.x[1] = MSG_NOTIFIED;
	tcb_result_set(tcb, ERR_OK);
	return true;
}

/* Unchecked: the lock of the bound notification, if there is one, over the whole receive. */
enum error ipc_recv(struct tcb *tcb, struct endpoint *endpoint, struct reply *reply,
		    bool block) LOCK_UNCHECKED
{
	/* Without a payer it has no time to receive a signal on. */
	bool has_time = tcb_payer(tcb) != NULL;
	struct notification *notification = has_time ? notification_bound_lock(tcb) : NULL;
	struct tcb *sender = NULL;
	enum error error = ERR_OK;
	bool signalled = notification != NULL && recv_signal(tcb, notification);

	if (!signalled)
		error = recv_pick(tcb, endpoint, reply, block, &sender);
	if (notification != NULL)
		spin_unlock(&notification->wait.lock);
	else if (has_time && block && sender == NULL && error == ERR_OK)
		notification_look_again(tcb);
	if (sender != NULL)
		recv_deliver(tcb, sender, reply);
	else if (signalled || error != ERR_OK)
		reply_release(tcb);
	return error;
}
