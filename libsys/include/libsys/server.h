/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a server (a program without a C library) provides.  It finds zeroed .bss, the stack that its
 * starter chose, and no console: sys_print_to() names one.
 *
 * The thread block (<libsys/thread_block.h>) is at the end of the page of the IPC buffer.  The
 * starter sets TPIDR_EL0 to THREAD_BLOCK_IN_PAGE(IPC buffer); 0, as the kernel starts proc, stands
 * for BOOT_IPC_BUFFER_VADDR.  The start code fills the block in before it calls server_main().
 */
#pragma once

#include <abi/types.h>

/* @a0..@a3: x0..x3 at the entry, of whichever thread is entered there. */
_Noreturn void server_main(word_t a0, word_t a1, word_t a2, word_t a3);
