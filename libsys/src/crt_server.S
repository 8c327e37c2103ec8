/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Start of a server: x0 is whatever its starter passed (proc: BOOTINFO_VADDR).  Sets the thread
 * block up (see <libsys/thread_block.h>) and calls server_main(x0), which does not return.
 */
	.section .text.start, "ax"
	.globl _start
	.type _start, %function
_start:
	mov	x29, xzr
	mov	x30, xzr
	bl	server_start
	brk	#0x5e
	.size _start, . - _start
