/* SPDX-License-Identifier: BSD-2-Clause */
#include <abi/bootinfo.h>

#include <libsys/server.h>
#include <libsys/thread_block.h>

_Noreturn void server_start(word_t a0, word_t a1, word_t a2, word_t a3);

_Noreturn void server_start(word_t a0, word_t a1, word_t a2, word_t a3)
{
	if (!thread_block_get())
		thread_block_set(thread_block_in_page(
			(struct ipc_buffer *)(uintptr_t)BOOT_IPC_BUFFER_VADDR));
	server_main(a0, a1, a2, a3);
}
