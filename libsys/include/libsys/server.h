/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a server (a program without a C library) provides.  It finds zeroed .bss, the stack that its
 * starter chose, and no console: sys_print_to() names one.
 *
 * The thread block: if TPIDR_EL0 is 0 at the entry (as the kernel starts proc), the block at the end
 * of the page at BOOT_IPC_BUFFER_VADDR is filled in and used.  Otherwise TPIDR_EL0 is left alone and
 * server_main() fills its block in (its `ipc`) before it uses the IPC buffer.
 */
#pragma once

#include <abi/types.h>

/* @a0..@a3: x0..x3 at the entry, of whichever thread is entered there. */
_Noreturn void server_main(word_t a0, word_t a1, word_t a2, word_t a3);
