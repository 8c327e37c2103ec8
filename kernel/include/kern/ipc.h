/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Synchronous IPC: send, call, receive, reply; faults as calls.
 *
 * A message is copied while its sender and receiver are owned (<kern/waitable.h>): no lock held.
 * Results of operations are written into the context of the thread when the operation completes.
 * A call to a passive thread that waits switches directly, without a scheduling event.
 */
#pragma once

#include <abi/fault.h>
#include <abi/ipc.h>
#include <kern/cap.h>
#include <kern/tcb.h>

struct endpoint;
struct reply;

enum ipc_mode { IPC_SEND, IPC_NB_SEND, IPC_CALL };

/*
 * The current thread sends; send_badge, send_can_grant, send_fault are set.  OK: the operation
 * completed or the thread blocked, and its result is (or will be) in its context.  Errors: nothing
 * happened.  DELETED, WOULD_BLOCK, PASSIVE, NO_REPLY (the receiver cannot record a caller),
 * TRUNCATED, CANCELLED (a dispatcher may not block).
 */
enum error must_check ipc_send(struct tcb *tcb, struct endpoint *endpoint, enum ipc_mode mode);

/* The current thread receives; reply may be NULL, otherwise the thread has claimed it.  On errors
 * (DELETED, WOULD_BLOCK) the claim is gone. */
enum error must_check ipc_recv(struct tcb *tcb, struct endpoint *endpoint, struct reply *reply,
			       bool block);

/* The current thread answers a caller that it took (owned).  Afterwards the thread has no payer if
 * it ran on the caller's time. */
void ipc_answer(struct tcb *tcb, struct tcb *caller);

/* System calls of the current thread; everything is in its context. */
void ipc_syscall_send(struct tcb *tcb, enum ipc_mode mode);
void ipc_syscall_call(struct tcb *tcb, const struct cap *cap);
void ipc_syscall_recv(struct tcb *tcb, bool block);
void ipc_syscall_reply(struct tcb *tcb);
void ipc_syscall_reply_recv(struct tcb *tcb);

/* Copy the message of from (registers, or its fault) to to, which is owned.  grant: capabilities go
 * along.  No lock held. */
void message_copy(struct tcb *from, struct tcb *to, bool grant);
/* Length of the message that a thread sends. */
unsigned message_length(const struct tcb *tcb);

static inline bool message_fits(const struct tcb *receiver, unsigned length)
{
	return length <= MSG_REGS ||
	       __atomic_load_n(&receiver->ipc_buffer, __ATOMIC_RELAXED) != NULL;
}

/* ---- Parts of message_copy(), shared with the fast path ---- */

static inline struct ipc_buffer *message_buffer(const struct tcb *tcb)
{
	return __atomic_load_n(&tcb->ipc_buffer, __ATOMIC_RELAXED);
}

/*
 * Words from the fifth on.  Returns how many words arrive: MSG_REGS if a buffer is missing, also one that
 * was there a moment ago, for another CPU may revoke it at any time.  So each pointer is read once; what
 * it points to stays memory until this CPU leaves the kernel.  Four at once: two loads and two stores.
 */
static inline unsigned message_copy_words(const struct tcb *from, struct tcb *to, unsigned length)
{
	const struct ipc_buffer *from_buffer = message_buffer(from);
	struct ipc_buffer *to_buffer = message_buffer(to);
	const word_t *source, *end;
	word_t *dest;

	if (from_buffer == NULL || to_buffer == NULL)
		return MSG_REGS;
	source = from_buffer->msg + MSG_REGS;
	end = from_buffer->msg + length;
	dest = to_buffer->msg + MSG_REGS;
	for (; end - source >= 4; source += 4, dest += 4) {
		word_t a = source[0], b = source[1], c = source[2], d = source[3];

		dest[0] = a;
		dest[1] = b;
		dest[2] = c;
		dest[3] = d;
	}
	while (source < end)
		*dest++ = *source++;
	return length;
}

/* The fault message of a thread: two parts of message_copy and ipc_answer. */
word_t fault_message_info(const struct tcb *tcb);
void fault_answer(struct tcb *server, struct tcb *caller);
/* The current thread faulted.  access: FAULT_ACCESS_*. */
void fault_raise(struct tcb *tcb, enum fault kind, uint64_t address, uint32_t access, uint64_t esr);
/* Address space of the first task: an unhandled fault in it ends the machine. */
extern struct vspace *fault_first_space;
/* At kernel exit: the pager forwarded the fault of the current thread. */
void fault_forward(struct tcb *tcb);
/* The current thread cannot go on: report and stop it, or the machine. */
void fault_unhandled(struct tcb *tcb);

/* An owned thread's operation failed: error into x0, unless it was in a fault, which it repeats. */
void ipc_fail(struct tcb *tcb, enum error error);
