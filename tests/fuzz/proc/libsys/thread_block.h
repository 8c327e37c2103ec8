/* SPDX-License-Identifier: BSD-2-Clause */
/* One thread with one IPC buffer. */
#pragma once

#include <abi/ipc.h>
#include <abi/types.h>

#define THREAD_BLOCK_IN_PAGE(ipc_addr) ((word_t)(ipc_addr) + PAGE_SIZE - 64u)

extern struct ipc_buffer paper_buffer;

static inline struct ipc_buffer *ipc_buffer_get(void)
{
	return &paper_buffer;
}
