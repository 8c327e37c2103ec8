/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages of more than registers: words 4..63 and capabilities, and calls to servers whose answer
 * carries an enum error in its label.
 */
#pragma once

#include <libsys/syscall.h>
#include <libsys/thread_block.h>

/* Word @index of a message that was just received, wherever it is. */
static inline word_t msg_word(const struct msg *m, unsigned index)
{
	return index < MSG_REGS ? m->w[index] : ipc_buffer_get()->msg[index];
}

static inline void msg_word_set(struct msg *m, unsigned index, word_t value)
{
	if (index < MSG_REGS)
		m->w[index] = value;
	else
		ipc_buffer_get()->msg[index] = value;
}

/* Words that hold @bytes bytes. */
static inline unsigned msg_words_of(size_t bytes)
{
	return (unsigned)((bytes + sizeof(word_t) - 1) / sizeof(word_t));
}

/* Capability @index of an outgoing message: a slot of the sender's root CNode. */
static inline void msg_cap_set(unsigned index, cptr_t slot)
{
	ipc_buffer_get()->caps[index] = slot;
}

/* Where capabilities of the next message that this thread receives are put; 0 = take none. */
static inline void msg_receive_slot_set(cptr_t slot)
{
	ipc_buffer_get()->recv_slot = slot;
}

/* Call a server: the transport's error, or the positive one in the label of its answer. */
MUST_CHECK static inline enum error server_call(cptr_t endpoint, struct msg *m)
{
	enum error error = sys_call(endpoint, m);

	if (error != ERR_OK)
		return error;
	return (enum error)msg_label(m->info);
}
