/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel virtual addresses: 39 bits, one level-1 table.
 *
 *   ffffff80 00000000   window: physical address p is at KERNEL_WINDOW + p, RAM only, not executable;
 *                       the image's text and read-only data are left out
 *   ffffffff 80000000   fixed slots of 2 MiB: stacks, device tree (while booting), devices
 *   ffffffff c0000000   the image: text RX, read-only data R, data RW
 *
 * Also included by assembly: plain numbers only.
 */
#pragma once

#define KERNEL_WINDOW       0xffffff8000000000
#define KERNEL_WINDOW_BYTES 0x7f80000000 /* 510 GiB */
#define KERNEL_FIXED        0xffffffff80000000
#define KERNEL_IMAGE        0xffffffffc0000000
#define IMAGE_L3_TABLES     4

#define FIXED_SLOT_STACKS 0 /* the first of STACK_TABLES */
#define STACK_TABLES      2
#define FIXED_SLOT_TREE   2
#define FIXED_SLOT_DEVICE 3 /* the first of many */
#define FIXED_SLOTS       512

/*
 * One stack slot per CPU: an unmapped guard page, the stack, and the page that exceptions of the
 * kernel itself use, so that a stack overflow can still be told.
 */
#define STACK_SLOT_BYTES      0x4000
#define STACK_GUARD_BYTES     0x1000
#define STACK_EMERGENCY_BYTES 0x1000
#define STACK_TOP_OFFSET      (STACK_SLOT_BYTES - STACK_EMERGENCY_BYTES)

/* Memory attribute indices of MAIR_EL1. */
#define MAIR_DEVICE_STRICT 0 /* nGnRnE */
#define MAIR_DEVICE        1 /* nGnRE */
#define MAIR_NORMAL        2 /* write back */
#define MAIR_VALUE         0xff0400

#define TTBR_ASID_SHIFT 48

#define PTE_VALID        0x1
#define PTE_TABLE        0x2 /* levels 1, 2: table; level 3: page */
#define PTE_ATTR_SHIFT   2
#define PTE_USER         0x40
#define PTE_READ_ONLY    0x80
#define PTE_INNER        0x300
#define PTE_ACCESSED     0x400
#define PTE_NOT_GLOBAL   0x800
#define PTE_PXN          0x0020000000000000
#define PTE_UXN          0x0040000000000000
#define PTE_ADDRESS_MASK 0x0000fffffffff000

#define PTE_KERNEL_NORMAL \
	(PTE_VALID | PTE_ACCESSED | PTE_INNER | (MAIR_NORMAL << PTE_ATTR_SHIFT) | PTE_UXN)
#define PTE_KERNEL_TEXT   (PTE_KERNEL_NORMAL | PTE_READ_ONLY)
#define PTE_KERNEL_RODATA (PTE_KERNEL_NORMAL | PTE_READ_ONLY | PTE_PXN)
#define PTE_KERNEL_DATA   (PTE_KERNEL_NORMAL | PTE_PXN)
#define PTE_IDENTITY      (PTE_KERNEL_NORMAL | PTE_READ_ONLY | PTE_NOT_GLOBAL)
#define PTE_KERNEL_DEVICE \
	(PTE_VALID | PTE_ACCESSED | (MAIR_DEVICE_STRICT << PTE_ATTR_SHIFT) | PTE_UXN | PTE_PXN)
