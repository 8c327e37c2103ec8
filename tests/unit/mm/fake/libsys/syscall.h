/* SPDX-License-Identifier: BSD-2-Clause */
/* The system calls that mm makes outside of objects.h. */
#pragma once

#include <abi/error.h>
#include <abi/ipc.h>
#include <abi/types.h>

struct msg {
	word_t info;
	word_t w[MSG_REGS];
	word_t badge;
};

static inline struct msg msg_make(word_t label, unsigned length)
{
	return (struct msg){.info = msg_info(label, length, 0)};
}

enum error sys_wait(cptr_t notification, word_t *word);
enum error sys_signal(cptr_t notification);
