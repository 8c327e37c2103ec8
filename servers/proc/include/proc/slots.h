/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a process finds at its start: the fixed slots of its CNode, and the fixed addresses.
 *
 * Address space of a process, besides its segments:
 *   BOOTINFO_VADDR                               the boot information, read-only
 *   PROC_IPC_BUFFER_VADDR + index * PAGE_SIZE    IPC buffer of thread `index` (0 is the first)
 *   PROC_DEVICE_VADDR                            registers of the device that it asked for
 *   PROC_STACK_TOP                               end of the first thread's stack: argc, argv, envp,
 *                                                auxv as in the System V ABI; x0 = 0 at entry,
 *                                                tpidr_el0 = THREAD_BLOCK_IN_PAGE(IPC buffer)
 */
#pragma once

#include <abi/bootinfo.h>
#include <abi/types.h>

#define PROC_CNODE_RADIX      11u
#define PROC_IPC_BUFFER_VADDR BOOT_IPC_BUFFER_VADDR
#define PROC_DEVICE_VADDR     (BOOTINFO_VADDR + 0x1e0000)
#define PROC_DEVICE_PAGES_MAX 16u
#define PROC_STACK_TOP        BOOT_STACK_TOP
#define PROC_STACK_BYTES      (1024u * 1024u) /* limit of the first thread's stack, guard included */

/* X(name, slot, meaning) */
#define PROC_SLOT_LIST(X)                                                                      \
	X(CNODE, 1, "the process's CNode: move, copy and delete its own slots")                \
	X(MM, 2, "endpoint of mm, badge = pid: <mm/protocol.h>")                               \
	X(PROC, 3, "endpoint of proc, badge = pid: <proc/protocol.h>")                         \
	X(SCHED, 8, "request port of the caller's CPU: <sched/protocol.h>")                    \
	X(FREE_FIRST, 32, "first slot that is free for the program (to receive capabilities)") \
	X(THREAD_FIRST, 256, "PROC_THREAD_SLOTS slots for each thread, by index")

enum proc_slot {
#define X(name, slot, meaning) PROC_SLOT_##name = slot,
	PROC_SLOT_LIST(X)
#undef X
};

#define PROC_THREAD_SLOTS 4u

/* X(name, offset, meaning) */
#define PROC_THREAD_SLOT_LIST(X)                                                                   \
	X(PARK, 0, "notification bound to the thread: siblings signal it, the thread waits on it") \
	X(REPLY, 1, "reply object, for a thread that serves")                                      \
	X(TCB, 2, "its TCB: registers and suspension; proc keeps the rest")                        \
	X(SPARE, 3, "empty")

enum proc_thread_slot {
#define X(name, offset, meaning) PROC_THREAD_SLOT_##name = offset,
	PROC_THREAD_SLOT_LIST(X)
#undef X
};

/* Threads of one process that live at once. */
#define PROC_PROCESS_THREADS_MAX \
	(((1u << PROC_CNODE_RADIX) - PROC_SLOT_THREAD_FIRST) / PROC_THREAD_SLOTS)

static inline cptr_t proc_thread_slot(uint32_t index, enum proc_thread_slot which)
{
	return PROC_SLOT_THREAD_FIRST + (cptr_t)index * PROC_THREAD_SLOTS + (cptr_t)which;
}

static inline uint64_t proc_ipc_buffer_vaddr(uint32_t index)
{
	return PROC_IPC_BUFFER_VADDR + (uint64_t)index * PAGE_SIZE;
}

/* Entries of the auxiliary vector beyond those of the System V ABI (AT_NULL 0, AT_PHDR 3, AT_PHENT
 * 4, AT_PHNUM 5, AT_PAGESZ 6, AT_ENTRY 9, AT_RANDOM 25, AT_EXECFN 31). */
#define PROC_AT_PID        0x1000u
#define PROC_AT_TID        0x1001u /* of the first thread */
#define PROC_AT_TIME_MULT  0x1002u /* as bootinfo.time_mult */
#define PROC_AT_TIME_SHIFT 0x1003u
