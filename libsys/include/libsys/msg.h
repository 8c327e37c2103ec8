/* SPDX-License-Identifier: BSD-2-Clause */
/* A message as the system calls take it; kernels of paper (tests) use the same. */
#pragma once

#include <abi/ipc.h>
#include <abi/types.h>

struct msg {
	word_t info; /* <abi/ipc.h> */
	word_t w[MSG_REGS];
	word_t badge; /* receives: of the sender, or the signal word; else unused */
};

/* A message with a label and up to four words; more words are put in the IPC buffer first. */
static inline struct msg msg_make(word_t label, unsigned length)
{
	return (struct msg){.info = msg_info(label, length, 0)};
}
