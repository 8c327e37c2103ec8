/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Start of a server, and of each of its threads that is entered at the ELF entry point: x0..x3 are
 * what the starter passed.  Makes sure that there is a thread block (<libsys/thread_block.h>) and
 * calls server_main(x0, x1, x2, x3), which does not return.
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
