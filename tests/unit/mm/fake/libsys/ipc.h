/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages as <libsys/ipc.h> has them, with an IPC buffer for each thread of the test. */
#pragma once

#include <abi/ipc.h>
#include <libsys/syscall.h>

extern _Thread_local struct ipc_buffer fake_buffer;

static inline word_t msg_word(const struct msg *m, unsigned index)
{
	return index < MSG_REGS ? m->w[index] : fake_buffer.msg[index];
}

static inline void msg_word_set(struct msg *m, unsigned index, word_t value)
{
	if (index < MSG_REGS)
		m->w[index] = value;
	else
		fake_buffer.msg[index] = value;
}
