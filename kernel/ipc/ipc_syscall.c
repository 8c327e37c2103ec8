/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system calls of IPC: look up, check, call ipc.c or recv.c.  Results that are not an immediate error
 * are written when the operation completes, which may be later and on another CPU.
 */
#include <abi/ipc.h>
#include <kern/donation.h>
#include <kern/endpoint.h>
#include <kern/fallback.h>
#include <kern/ipc.h>
#include <kern/ready.h>
#include <kern/reply.h>

static enum error check_message(const struct tcb *tcb, bool can_grant)
{
	word_t info = tcb->context.x[1];
	unsigned length = msg_length(info);
	bool buffer = length > MSG_REGS || msg_caps(info) != 0;

	if (length > MSG_WORDS_MAX)
		return ERR_ARG;
	if (msg_caps(info) != 0 && !can_grant)
		return ERR_CAP_RIGHTS;
	if (buffer && __atomic_load_n(&tcb->ipc_buffer, __ATOMIC_RELAXED) == NULL)
		return ERR_ARG;
	return ERR_OK;
}

/* Rights and capability of a send are checked. */
static enum error send_checked(struct tcb *tcb, const struct cap *cap, enum ipc_mode mode)
{
	bool can_grant = (cap->rights & RIGHT_GRANT) != 0;
	enum error error = check_message(tcb, can_grant);

	if (error != ERR_OK)
		return error;
	tcb->send_badge = cap->badge;
	tcb->send_can_grant = can_grant;
	tcb->send_fault = FAULT_NONE;
	return ipc_send(tcb, (struct endpoint *)(uintptr_t)cap->object, mode);
}

void ipc_syscall_call(struct tcb *tcb, const struct cap *cap)
{
	enum error error = ERR_CAP_RIGHTS;

	if ((cap->rights & RIGHT_WRITE) != 0 &&
	    (cap->rights & (RIGHT_GRANT | RIGHT_GRANT_REPLY)) != 0)
		error = send_checked(tcb, cap, IPC_CALL);
	if (error != ERR_OK)
		tcb_result_set(tcb, error);
}

__attribute__((cold, noinline)) void ipc_syscall_send(struct tcb *tcb, enum ipc_mode mode)
{
	struct cap cap;
	enum error error = cap_lookup_type(tcb, tcb->context.x[0], OBJ_ENDPOINT, RIGHT_WRITE, &cap);

	if (error == ERR_OK)
		error = send_checked(tcb, &cap, mode);
	if (error != ERR_OK)
		tcb_result_set(tcb, error);
}

static enum error lookup_recv(struct tcb *tcb, struct endpoint **endpoint, struct reply **reply)
{
	cptr_t reply_cptr = tcb->context.x[6];
	struct cap cap;
	enum error error = cap_lookup_type(tcb, tcb->context.x[0], OBJ_ENDPOINT, RIGHT_READ, &cap);

	*reply = NULL;
	if (error != ERR_OK)
		return error;
	*endpoint = (struct endpoint *)(uintptr_t)cap.object;
	if (reply_cptr == CPTR_NULL)
		return ERR_OK;
	error = cap_lookup_type(tcb, reply_cptr, OBJ_REPLY, 0, &cap);
	if (error == ERR_OK)
		*reply = (struct reply *)(uintptr_t)cap.object;
	return error;
}

/* Afterwards a thread that failed goes on, on time of its own if it has no other. */
static void recv_result(struct tcb *tcb, enum error error)
{
	if (error == ERR_OK)
		return;
	tcb_result_set(tcb, error);
	if (tcb_payer(tcb) == NULL)
		chain_orphan(tcb);
}

__attribute__((cold)) void ipc_syscall_recv(struct tcb *tcb, bool block)
{
	struct endpoint *endpoint;
	struct reply *reply;
	enum error error = lookup_recv(tcb, &endpoint, &reply);

	if (error == ERR_OK && block && fallback_if_dispatcher(tcb))
		return;
	if (error == ERR_OK && reply != NULL)
		error = reply_claim(reply, tcb);
	if (error == ERR_OK)
		error = ipc_recv(tcb, endpoint, reply, block);
	recv_result(tcb, error);
}

__attribute__((cold)) void ipc_syscall_reply(struct tcb *tcb)
{
	struct tcb *caller = NULL;
	struct cap cap;
	enum error error = cap_lookup_type(tcb, tcb->context.x[0], OBJ_REPLY, 0, &cap);

	if (error == ERR_OK)
		error = check_message(tcb, true);
	if (error == ERR_OK)
		error = reply_take((struct reply *)(uintptr_t)cap.object, tcb, false, &caller);
	if (error == ERR_OK)
		ipc_answer(tcb, caller);
	tcb_result_set(tcb, error);
	/* It gave its caller's time back and is not in a receive: it goes on as an orphan. */
	if (tcb_payer(tcb) == NULL)
		chain_orphan(tcb);
}

void ipc_syscall_reply_recv(struct tcb *tcb)
{
	struct endpoint *endpoint;
	struct reply *reply;
	struct tcb *caller = NULL;
	enum error error = lookup_recv(tcb, &endpoint, &reply);

	if (error == ERR_OK && reply == NULL)
		error = ERR_NO_REPLY;
	if (error == ERR_OK)
		error = check_message(tcb, true);
	if (error == ERR_OK && fallback_if_dispatcher(tcb))
		return;
	if (error == ERR_OK)
		error = reply_take(reply, tcb, true, &caller);
	if (error == ERR_OK && caller != NULL)
		ipc_answer(tcb, caller);
	if (error == ERR_OK)
		error = ipc_recv(tcb, endpoint, reply, true);
	recv_result(tcb, error);
}
