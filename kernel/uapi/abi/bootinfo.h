/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel tells the first user task (proc).  The frame is mapped read-only at
 * BOOTINFO_VADDR; the IPC buffer is mapped at BOOT_IPC_BUFFER_VADDR, the stack ends at
 * BOOT_STACK_TOP.  x0 = BOOTINFO_VADDR at entry.
 */
#pragma once

#include <abi/types.h>

#define BOOTINFO_MAGIC        0x31304e4f544142ull /* "BATON01" */
#define BOOTINFO_VADDR        0x0000007f00000000ull
#define BOOT_IPC_BUFFER_VADDR (BOOTINFO_VADDR + 0x10000)
#define BOOT_STACK_TOP        (BOOTINFO_VADDR - 0x10000)
#define BOOT_STACK_BYTES      (256u * 1024u)
#define USER_VADDR_MIN        0x10000ull            /* nothing is ever mapped below */
#define USER_VADDR_MAX        0x0000008000000000ull /* 39-bit user addresses */
#define BOOT_CNODE_RADIX      17u
#define BOOT_UNTYPED_MAX      64u
#define BOOTARGS_MAX          1024u

/* Slots of the initial root CNode.  X(name, slot, meaning) */
#define BOOT_SLOT_LIST(X)                                                              \
	X(CNODE, 1, "the root CNode itself")                                           \
	X(TCB, 2, "the first thread")                                                  \
	X(VSPACE, 3, "its address space")                                              \
	X(IPC_BUFFER, 4, "frame of its IPC buffer")                                    \
	X(BOOTINFO, 5, "frame of this structure")                                      \
	X(IRQ_CONTROL, 6, "all interrupts")                                            \
	X(SYSTEM, 7, "debug output, power off")                                        \
	X(SCHED, 8, "unbadged request port of the caller's CPU")                       \
	X(ARCHIVE, 9, "preserved untyped over the boot archive's pages")               \
	X(UART, 10, "device untyped of the console UART (one page)")                   \
	X(DEVICE, 11, "device untyped of the device that device= names, if any")       \
	X(CORE_FIRST, 16, "Core 0; Core c is in slot 16 + c, up to CPUS_MAX")          \
	X(UNTYPED_FIRST, 384, "first of untyped_count untyped objects, largest first") \
	X(FREE_FIRST, 512, "first slot that is free; all later ones are")

enum boot_slot {
#define X(name, slot, meaning) BOOT_SLOT_##name = slot,
	BOOT_SLOT_LIST(X)
#undef X
};

struct boot_untyped {
	uint64_t paddr;
	uint32_t size_bits;
	uint32_t flags;
};

struct bootinfo {
	uint64_t magic;
	uint64_t bytes;         /* of this structure */
	uint32_t cpus_online;   /* CPUs 0..n-1 that run Baton */
	uint32_t cpus_found;    /* in the device tree */
	uint64_t archive_paddr; /* first byte of the boot archive; may be inside a page */
	uint64_t archive_bytes;
	uint64_t archive_page_paddr; /* the ARCHIVE untyped starts here (power of two sized, page
					aligned) */
	uint32_t archive_untyped_bits;
	uint32_t uart_irq; /* interrupt number, or 0 */
	uint64_t uart_paddr;
	uint64_t timer_hz;
	uint64_t time_mult; /* now_ns = (CNTVCT_EL0 * time_mult) >> time_shift, in 128 bits */
	uint32_t time_shift;
	uint32_t untyped_count;
	uint64_t boot_ns_first_task; /* time when the first user task was started */
	uint32_t gic_version;
	uint32_t entered_el;  /* 1 or 2 */
	uint32_t device_irq;  /* of the device that device= names, or 0: there is none */
	uint32_t device_bits; /* of its DEVICE untyped */
	struct boot_untyped untyped[BOOT_UNTYPED_MAX];
	char bootargs[BOOTARGS_MAX]; /* NUL-terminated, as found */
	char machine[64];            /* model string of the device tree */
};

_Static_assert(sizeof(struct bootinfo) <= PAGE_SIZE, "boot information is one page");
