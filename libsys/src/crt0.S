/* SPDX-License-Identifier: BSD-2-Clause */
/* Start of a program: sp points to argc, as in the System V ABI. */
	.section .text.start, "ax"
	.globl _start
	.type _start, %function
_start:
	mov	x29, xzr
	mov	x30, xzr
	mov	x0, sp
	bl	program_start
	brk	#0x5e
	.size _start, . - _start
