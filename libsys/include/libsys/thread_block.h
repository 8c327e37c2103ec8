/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What TPIDR_EL0 points to in every thread: two words, followed (in programs with a C library) by
 * the thread's copy of the TLS segment, as the AArch64 local-exec model lays it out.
 *
 * How it gets there.
 *   - servers: the starter of a thread sets TPIDR_EL0 to THREAD_BLOCK_IN_PAGE(IPC buffer), in a
 *     zeroed page, and the start code fills the block in; see <libsys/server.h>;
 *   - programs: the start code of the first thread, and whoever creates another one, lay a TLS area
 *     out and fill the block in;
 *   - threads that a server makes itself: the server, e.g. with thread_block_in_page(), which uses
 *     spare room in the frame of the IPC buffer.
 */
#pragma once

#include <abi/ipc.h>
#include <abi/types.h>

struct thread; /* libsys/src/thread.h: private to libsys */

struct thread_block {
	struct ipc_buffer *ipc;
	struct thread *self; /* NULL in servers without libsys threads */
};

_Static_assert(sizeof(struct thread_block) == 16, "the TLS segment follows after 16 bytes");

/* Room between the upcall buffer and the end of the IPC buffer's frame. */
#define THREAD_BLOCK_OFFSET            (PAGE_SIZE - 64u)
#define THREAD_BLOCK_IN_PAGE(ipc_addr) ((word_t)(ipc_addr) + THREAD_BLOCK_OFFSET)

static inline struct thread_block *thread_block_get(void)
{
	struct thread_block *block;

	/* Not volatile: the register never changes while a thread runs C code. */
	__asm__("mrs %0, tpidr_el0" : "=r"(block));
	return block;
}

static inline void thread_block_set(struct thread_block *block)
{
	__asm__ volatile("msr tpidr_el0, %0" : : "r"(block) : "memory");
}

/* Fill in and return the block at the end of the IPC buffer's own page. */
static inline struct thread_block *thread_block_in_page(struct ipc_buffer *ipc)
{
	struct thread_block *block = (struct thread_block *)(uintptr_t)THREAD_BLOCK_IN_PAGE(
		(uintptr_t)ipc);

	block->ipc = ipc;
	block->self = NULL;
	return block;
}

static inline struct ipc_buffer *ipc_buffer_get(void)
{
	return thread_block_get()->ipc;
}
