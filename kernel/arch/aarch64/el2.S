/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From whatever exception level the loader used to EL1, and what happens when something goes wrong
 * before the kernel's own vectors are in place.  Runs with the MMU off.
 */
#include <arch/sysreg.h>
#include <board/board.h>

	.section .head.text, "ax"

/*
 * Enter EL1 with the MMU off and all that EL2 controls set not to interfere.
 * Out: x0 = 1 or 2, the level that it was called at.  Clobbers x1..x3.
 */
	.global el1_enter
el1_enter:
	adrp	x2, early_vectors
	add	x2, x2, :lo12:early_vectors
	ldr	x3, =SCTLR_OFF
	mrs	x1, CurrentEL
	cmp	x1, #(2 << 2)
	b.eq	1f
	b.hi	early_exception		/* EL3 is firmware's */
	msr	vbar_el1, x2
	msr	sctlr_el1, x3
	isb
	mov	x0, #1
	ret

1:	msr	vbar_el2, x2
	ldr	x1, =HCR_VALUE		/* first: it decides how the others look */
	msr	hcr_el2, x1
	isb
	msr	vbar_el1, x2
	msr	sctlr_el1, x3
	mov	x1, #CNTHCTL_VALUE
	msr	cnthctl_el2, x1
	msr	cntvoff_el2, xzr
	mov	x1, #CPTR_EL2_FREE
	msr	cptr_el2, x1
	msr	hstr_el2, xzr
	msr	vttbr_el2, xzr
	mrs	x1, midr_el1
	msr	vpidr_el2, x1
	mrs	x1, mpidr_el1
	msr	vmpidr_el2, x1

	mov	x0, xzr
	mrs	x1, id_aa64dfr0_el1
	ubfx	x2, x1, #8, #4		/* performance counters: EL1 gets all of them */
	sub	x2, x2, #1
	cmp	x2, #14
	b.hs	2f
	mrs	x0, pmcr_el0
	ubfx	x0, x0, #11, #5
2:	msr	mdcr_el2, x0

	mrs	x1, id_aa64mmfr0_el1
	lsr	x2, x1, #60		/* fine-grained traps */
	cbz	x2, 4f
	msr	HFGRTR_EL2, xzr
	msr	HFGWTR_EL2, xzr
	msr	HFGITR_EL2, xzr
	msr	HDFGRTR_EL2, xzr
	msr	HDFGWTR_EL2, xzr
4:	mrs	x1, id_aa64mmfr1_el1
	ubfx	x2, x1, #40, #4		/* extended hypervisor configuration */
	cbz	x2, 5f
	msr	HCRX_EL2, xzr

5:	mrs	x1, id_aa64pfr0_el1
	ubfx	x2, x1, #24, #4		/* GICv3 system registers: EL1 may use them */
	cbz	x2, 6f
	mrs	x1, ICC_SRE_EL2
	orr	x1, x1, #0x1
	orr	x1, x1, #0x8
	msr	ICC_SRE_EL2, x1
	isb
	mrs	x1, ICC_SRE_EL2
	tbz	x1, #0, 6f
	msr	ICH_HCR_EL2, xzr

6:	mov	x0, #2
	mov	x1, #SPSR_EL1H
	msr	spsr_el2, x1
	msr	elr_el2, x30
	eret

/* ---- Before the kernel's vectors ------------------------------------------------------------- */

	.balign	2048
early_vectors:
	.rept	16
	.balign	128
	b	early_exception
	.endr
	.balign	128

early_text:
	.asciz	"\r\nBaton: exception before the kernel was mapped (level syndrome address fault)"
	.balign	8
early_exit:
	.quad	0x20026, 101		/* stopped by the application, status */

/* Print on the board's console and end the machine.  Uses no memory. */
early_exception:
	mrs	x4, CurrentEL
	lsr	x4, x4, #2
	cmp	x4, #1
	b.eq	1f
	cmp	x4, #2
	b.ne	3f
	mrs	x5, esr_el2
	mrs	x6, elr_el2
	mrs	x7, far_el2
	b	2f
1:	mrs	x5, esr_el1
	mrs	x6, elr_el1
	mrs	x7, far_el1
	mrs	x1, sctlr_el1
	bic	x1, x1, #0x1		/* the console is at its physical address */
	bic	x1, x1, #0x4
	msr	sctlr_el1, x1
	isb
2:	ldr	x10, =BOARD_PANIC_UART_PHYS
	adr	x8, early_text
4:	ldrb	w0, [x8], #1
	cbz	w0, 5f
	bl	early_put
	b	4b
5:	mov	x1, x4
	bl	early_put_hex
	mov	x1, x5
	bl	early_put_hex
	mov	x1, x6
	bl	early_put_hex
	mov	x1, x7
	bl	early_put_hex
	mov	w0, #'\n'
	bl	early_put
	mov	w0, #0x18		/* semihosting: exit */
	adr	x1, early_exit
	hlt	#0xf000
3:	wfi
	b	3b

/* In: w0 character, x10 UART.  Clobbers w9. */
early_put:
	ldr	w9, [x10, #0x18]
	tbnz	w9, #5, early_put
	str	w0, [x10]
	ret

/* In: x1 number.  Clobbers x0, x2, x3, x9. */
early_put_hex:
	mov	x3, x30
	mov	w0, #' '
	bl	early_put
	mov	x2, #64
1:	sub	x2, x2, #4
	lsr	x0, x1, x2
	and	w0, w0, #0xf
	cmp	w0, #10
	b.lo	2f
	add	w0, w0, #('a' - '0' - 10)
2:	add	w0, w0, #'0'
	bl	early_put
	cbnz	x2, 1b
	ret	x3
