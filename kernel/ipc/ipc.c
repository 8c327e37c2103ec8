/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Send, call, receive, reply.  See <kern/ipc.h>; a register-only fast path may take over the common
 * cases of call and reply_recv, and must then equal this file.
 *
 * Whoever takes a thread off a queue (endpoint lock) or out of a reply object (reply lock) owns it.
 * A caller is recorded in the reply object only after it is blocked: from then on anybody with the
 * reply object may answer it.
 */
#include <abi/ipc.h>
#include <kern/donation.h>
#include <kern/endpoint.h>
#include <kern/entry.h>
#include <kern/fallback.h>
#include <kern/ipc.h>
#include <kern/notification.h>
#include <kern/ready.h>
#include <kern/reply.h>

static bool can_take(const struct tcb *receiver, unsigned length)
{
	return length <= MSG_REGS ||
	       __atomic_load_n(&receiver->ipc_buffer, __ATOMIC_RELAXED) != NULL;
}

void ipc_fail(struct tcb *tcb, enum error error)
{
	if (tcb->send_fault == FAULT_NONE)
		tcb_result_set(tcb, error);
	tcb->send_fault = FAULT_NONE;
}

/* ---- Send, call ------------------------------------------------------------------------------ */

/* Endpoint lock held.  The receiver, owned; NULL: nobody waits. */
static enum error send_pick(const struct tcb *tcb, struct endpoint *endpoint, enum ipc_mode mode,
			    struct tcb **receiver_out)
{
	struct list_node *head = &endpoint->wait.queue;
	struct list_node *node = head->next;
	struct tcb *receiver;

	*receiver_out = NULL;
	if (endpoint->wait.object.dying != 0)
		return ERR_DELETED;
	if (endpoint->wait.object.senders || node == head)
		return mode == IPC_NB_SEND ? ERR_WOULD_BLOCK : ERR_OK;
	if (mode != IPC_CALL) {
		while (node != head && tcb_payer(wait_thread(node)) == NULL)
			node = node->next;
		if (node == head)
			return ERR_PASSIVE;
	}
	receiver = wait_thread(node);
	if (mode == IPC_CALL && __atomic_load_n(&receiver->reply, __ATOMIC_RELAXED) == NULL)
		return ERR_NO_REPLY;
	if (!can_take(receiver, message_length(tcb)))
		return ERR_TRUNCATED;
	wait_dequeue(receiver);
	*receiver_out = receiver;
	return ERR_OK;
}

static enum event_cause block_cause(const struct tcb *tcb)
{
	return tcb->send_fault != FAULT_NONE ? CAUSE_FAULT : CAUSE_IPC;
}

/* Reply lock held, the caller is blocked or donates. */
static void reply_record(struct reply *reply, struct tcb *caller)
{
	reply->receiver = NULL;
	reply->caller = caller;
	__atomic_store_n(&caller->caller_reply, reply, __ATOMIC_RELEASE);
}

/* The message is copied.  A passive receiver runs on the caller's time, at once. */
static enum error call_deliver(struct tcb *tcb, struct tcb *receiver) LOCK_UNCHECKED
{
	struct reply *reply = __atomic_exchange_n(&receiver->reply, NULL, __ATOMIC_RELAXED);
	bool donate = tcb_payer(receiver) == NULL;

	if (reply != NULL)
		spin_lock(&reply->lock);
	if (reply == NULL || reply->object.dying != 0) {
		if (reply != NULL)
			spin_unlock(&reply->lock);
		ipc_fail(receiver, ERR_DELETED);
		thread_wake(receiver);
		return ERR_NO_REPLY;
	}
	if (donate) {
		struct core *core = this_core();

		chain_push(tcb, receiver);
		tcb_state_set(receiver, THREAD_READY);
		core->current = receiver;
		counter_add(&core->stats.donations, 1);
	}
	/* Before the block, as in wait_enqueue(). */
	tcb_state_set(tcb, THREAD_CALLING);
	if (!donate)
		core_block_current(block_cause(tcb));
	reply_record(reply, tcb);
	spin_unlock(&reply->lock);
	if (!donate)
		thread_wake(receiver);
	return ERR_OK;
}

static enum error send_deliver(struct tcb *tcb, struct tcb *receiver)
{
	message_copy(tcb, receiver, tcb->send_can_grant);
	tcb_result_set(receiver, ERR_OK);
	receiver->context.x[6] = tcb->send_badge;
	if (tcb->send_is_call)
		return call_deliver(tcb, receiver);
	reply_release(receiver);
	tcb_result_set(tcb, ERR_OK);
	thread_wake(receiver);
	return ERR_OK;
}

enum error ipc_send(struct tcb *tcb, struct endpoint *endpoint, enum ipc_mode mode)
{
	struct tcb *receiver;
	enum error error;

	if (mode != IPC_NB_SEND && fallback_if_dispatcher(tcb))
		return ERR_OK;
	tcb->send_is_call = mode == IPC_CALL;
	spin_lock(&endpoint->wait.lock);
	error = send_pick(tcb, endpoint, mode, &receiver);
	if (error == ERR_OK && receiver == NULL) {
		endpoint->wait.object.senders = 1;
		wait_enqueue(&endpoint->wait, tcb, THREAD_SENDING);
		core_block_current(block_cause(tcb));
	}
	spin_unlock(&endpoint->wait.lock);
	return receiver != NULL ? send_deliver(tcb, receiver) : error;
}

/* ---- Receive --------------------------------------------------------------------------------- */

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
	return can_take(tcb, message_length(sender)) ? ERR_OK : ERR_TRUNCATED;
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

/* ---- Reply ----------------------------------------------------------------------------------- */

void ipc_answer(struct tcb *tcb, struct tcb *caller)
{
	bool donated = __atomic_load_n(&caller->chain_next, __ATOMIC_RELAXED) == tcb;
	bool whole = can_take(caller, message_length(tcb));

	if (caller->send_fault != FAULT_NONE) {
		fault_answer(tcb, caller);
	} else {
		message_copy(tcb, caller, true);
		tcb_result_set(caller, whole ? ERR_OK : ERR_TRUNCATED);
	}
	if (donated)
		chain_pop(tcb);
	else
		thread_wake(caller);
}
