/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Send, call, reply; recv.c has the receive.  See <kern/ipc.h>; a register-only fast path may take over
 * the common cases of call and reply_recv, and must then equal these two files.
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
#include <kern/ready.h>
#include <kern/reply.h>

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
	if (!message_fits(receiver, message_length(tcb)))
		return ERR_TRUNCATED;
	wait_dequeue(receiver);
	*receiver_out = receiver;
	return ERR_OK;
}

static enum event_cause block_cause(const struct tcb *tcb)
{
	return tcb->send_fault != FAULT_NONE ? CAUSE_FAULT : CAUSE_IPC;
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

/* ---- Reply ----------------------------------------------------------------------------------- */

void ipc_answer(struct tcb *tcb, struct tcb *caller)
{
	bool donated = __atomic_load_n(&caller->chain_next, __ATOMIC_RELAXED) == tcb;
	bool whole = message_fits(caller, message_length(tcb));

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
