/* SPDX-License-Identifier: BSD-2-Clause */
#include <abi/bootinfo.h>

#include <libsys/server.h>
#include <libsys/thread_block.h>

_Noreturn void server_start(word_t a0, word_t a1, word_t a2, word_t a3);

_Noreturn void server_start(word_t a0, word_t a1, word_t a2, word_t a3)
{
	uintptr_t block = (uintptr_t)thread_block_get();
	uintptr_t ipc = block ? block & ~(uintptr_t)(PAGE_SIZE - 1) : BOOT_IPC_BUFFER_VADDR;

	thread_block_set(thread_block_in_page((struct ipc_buffer *)ipc));
	server_main(a0, a1, a2, a3);
}
