/* SPDX-License-Identifier: BSD-2-Clause */
/* Copying a message between two threads, both of them owned.  See <kern/ipc.h>. */
#include <abi/ipc.h>
#include <kern/entry.h>
#include <kern/ipc.h>

/* Bits of a sender's info word that reach the receiver: its label. */
#define INFO_LABEL_MASK (~(((word_t)1 << MSG_LABEL_SHIFT) - 1))

unsigned message_length(const struct tcb *tcb)
{
	return tcb->send_fault != FAULT_NONE ? MSG_REGS : msg_length(tcb->context.x[1]);
}

/* Returns how many arrive; the first that fails ends it. */
static __attribute__((cold, noinline)) unsigned copy_caps(const struct tcb *from,
							  const struct tcb *to, unsigned caps)
{
	const struct ipc_buffer *source = message_buffer(from);
	const struct ipc_buffer *dest = message_buffer(to);
	unsigned count = 0;
	cptr_t slot;

	if (source == NULL || dest == NULL)
		return 0;
	slot = __atomic_load_n(&dest->recv_slot, __ATOMIC_RELAXED);
	if (slot == CPTR_NULL)
		return 0;
	while (count < caps) {
		cptr_t cap = __atomic_load_n(&source->caps[count], __ATOMIC_RELAXED);

		if (cap_transfer(from, cap, to, slot + count) != ERR_OK)
			break;
		count++;
	}
	return count;
}

static void copy_fault(const struct tcb *from, struct tcb *to)
{
	to->context.x[1] = fault_message_info(from);
	for (unsigned i = 0; i < MSG_REGS; i++)
		to->context.x[2 + i] = from->fault_words[i];
}

void message_copy(struct tcb *from, struct tcb *to, bool grant)
{
	word_t info = from->context.x[1];
	unsigned length = msg_length(info);
	unsigned caps = 0;

	if (from->send_fault != FAULT_NONE) {
		copy_fault(from, to);
		return;
	}
	for (unsigned i = 0; i < MSG_REGS && i < length; i++)
		to->context.x[2 + i] = from->context.x[2 + i];
	if (length > MSG_REGS)
		length = message_copy_words(from, to, length);
	if (msg_caps(info) != 0 && grant)
		caps = copy_caps(from, to, msg_caps(info));
	to->context.x[1] = (info & INFO_LABEL_MASK) | msg_info(0, length, caps);
}
