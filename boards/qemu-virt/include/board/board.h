/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * QEMU's "virt" machine: what cannot come from its device tree, because it is needed before the
 * device tree can be read or when nothing else works.  Memory, CPUs, interrupt controller, timer
 * and console are read from the device tree at run time.  Plain numbers: assembly includes this.
 */
#pragma once

/*
 * Where the kernel image is linked (kernel.ld says the same).  The image is loaded at any base
 * aligned to 2 MiB (the arm64 Linux boot protocol: text offset 0), and the boot code maps it here.
 */
#define BOARD_KERNEL_VIRT 0xffffffffc0000000

/* The console of last resort: a PL011 for panics before the device tree has named one. */
#define BOARD_PANIC_UART_PHYS 0x09000000
