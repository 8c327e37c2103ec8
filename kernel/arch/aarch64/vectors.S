/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exception vectors.
 *
 * While user mode runs, SP_EL1 points at the TCB of the current thread, so that an entry can store
 * registers without first looking for a free one.  The kernel stack is empty then: every entry
 * begins at its top.  After the kernel has decided, the current thread may be another one.
 *
 * The kernel never takes an interrupt.  An exception at EL1, and what user mode cannot cause, goes
 * to the emergency page of the CPU's stack and from there to trap_kernel(), which panics (or skips
 * the instruction, when it is a call that nobody on this machine answers).
 */
#include <arch/exception_offsets.h>
#include <kern/offsets.h>

#define X(n) (TCB_OFFSET_CONTEXT + CONTEXT_OFFSET_X + 8 * (n))
#define ESR_SVC_0 0x56000000

/* enum syscall; asserted in exception.h.  SYS_CALL is 0. */
#define SYS_REPLY_RECV_NUMBER	   1
#define SYS_SIGNAL_NUMBER	   7
#define SYS_WAIT_NUMBER		   8
#define SYS_CORE_REPLY_WAIT_NUMBER 10

/* User registers into the TCB; then the kernel stack.  x0, x1 and x8 are still the user's; x2 is the
 * TCB, x3 the struct cpu. */
	.macro	user_save
	stp	x0, x1, [sp, #X(0)]
	stp	x2, x3, [sp, #X(2)]
	stp	x4, x5, [sp, #X(4)]
	stp	x6, x7, [sp, #X(6)]
	stp	x8, x9, [sp, #X(8)]
	stp	x10, x11, [sp, #X(10)]
	stp	x12, x13, [sp, #X(12)]
	stp	x14, x15, [sp, #X(14)]
	stp	x16, x17, [sp, #X(16)]
	stp	x18, x19, [sp, #X(18)]
	stp	x20, x21, [sp, #X(20)]
	stp	x22, x23, [sp, #X(22)]
	mrs	x20, sp_el0
	mrs	x21, elr_el1
	stp	x24, x25, [sp, #X(24)]
	mrs	x22, spsr_el1
	mrs	x3, tpidr_el1
	stp	x26, x27, [sp, #X(26)]
	stp	x28, x29, [sp, #X(28)]
	stp	x30, x20, [sp, #X(30)]		/* sp follows x30 */
	stp	x21, x22, [sp, #(TCB_OFFSET_CONTEXT + CONTEXT_OFFSET_PC)]
	ldr	x4, [x3, #CPU_OFFSET_STACK]
	mov	x2, sp
	mov	sp, x4
	.endm

/*
 * The table has 16 vectors of 128 bytes.  Most use three instructions; what else stands in their room
 * is in a section .vectors.NN.room, NN being the vector before it (kernel.ld of the board).
 */
	.macro	vector number
	.section .vectors.\number, "ax"
	.balign	128
	.type	vector_\number, %function
vector_\number:
	.endm

	.macro	vector_panic number
	vector	\number
	msr	sp_el0, x0			/* the user's is saved, or lost with the machine */
	mov	x0, #\number
	b	panic_enter
	.endm

	.section .vectors.00, "ax"
	.balign	2048
	.global vectors
vectors:
	vector_panic 00
	vector_panic 01
	vector_panic 02
	vector_panic 03
	vector_panic 04
	vector_panic 05
	vector_panic 06
	vector_panic 07

	vector 08				/* user, 64 bits: synchronous */
	user_save
	mrs	x20, esr_el1
	mov	w21, #ESR_SVC_0
	cmp	x20, x21
	b.ne	user_trap
	cbz	x8, user_call			/* SYS_CALL */
	tbnz	x8, #3, user_svc_high
	b	user_svc_low

	vector 09				/* user, 64 bits: interrupt */
	user_save
	bl	kernel_interrupt
	b	user_resume

	vector_panic 10
	vector_panic 11
	vector_panic 12
	vector_panic 13
	vector_panic 14
	vector_panic 15
	.global vector_last
vector_last:

/* svc #0: those that have a fast path, which changes nothing if it returns NULL. */
	.section .vectors.12.room, "ax"
user_call:
	bl	fastpath_call
	cbnz	x0, user_resume
user_slow:
	bl	kernel_syscall
	b	user_restore

user_trap:
	mov	x0, x20
	mrs	x1, far_el1
	bl	trap_user
	b	user_restore

/* To user mode with the registers of the current thread. */
	.section .vectors.11.room, "ax"
	.global arch_user_enter
arch_user_enter:
user_restore:
	mrs	x0, tpidr_el1
	ldr	x0, [x0, #CPU_OFFSET_CURRENT]
user_resume:					/* x0: it */
	mov	sp, x0
	ldp	x30, x1, [sp, #X(30)]
	ldp	x2, x3, [sp, #(TCB_OFFSET_CONTEXT + CONTEXT_OFFSET_PC)]
	ldp	x28, x29, [sp, #X(28)]
	msr	sp_el0, x1
	msr	elr_el1, x2
	msr	spsr_el1, x3
	ldp	x26, x27, [sp, #X(26)]
	ldp	x24, x25, [sp, #X(24)]
	ldp	x22, x23, [sp, #X(22)]
	ldp	x20, x21, [sp, #X(20)]
	ldp	x18, x19, [sp, #X(18)]
	ldp	x16, x17, [sp, #X(16)]
	ldp	x14, x15, [sp, #X(14)]
	ldp	x12, x13, [sp, #X(12)]
	ldp	x10, x11, [sp, #X(10)]
	ldp	x8, x9, [sp, #X(8)]
	ldp	x6, x7, [sp, #X(6)]
	ldp	x4, x5, [sp, #X(4)]
	ldp	x2, x3, [sp, #X(2)]
	ldp	x0, x1, [sp, #X(0)]
	eret

/* The others, near enough for a branch on a bit. */
	.section .vectors.10.room, "ax"
user_svc_low:					/* bit 3 of the number is 0 */
	cmp	x8, #SYS_REPLY_RECV_NUMBER
	b.ne	1f
	bl	fastpath_reply_recv
	cbnz	x0, user_resume
	b	user_slow
1:	cmp	x8, #SYS_SIGNAL_NUMBER
	b.ne	user_slow
	bl	fastpath_signal
	cbnz	x0, user_resume
	b	user_slow
user_svc_high:					/* it is 1 */
	cmp	x8, #SYS_CORE_REPLY_WAIT_NUMBER
	b.eq	user_decide
	cmp	x8, #SYS_WAIT_NUMBER
	b.ne	user_slow
	bl	fastpath_wait
	cbnz	x0, user_resume
	b	user_slow
user_decide:
	bl	fastpath_decide
	cbnz	x0, user_resume
	b	user_slow

/* In: x0 vector, SP_EL0 what x0 was. */
	.section .vectors.00.room, "ax"
panic_enter:
	msr	tpidrro_el0, x1			/* the CPU's index is lost until panic_leave */
	mrs	x1, tpidr_el1
	stp	x0, x2, [x1, #CPU_OFFSET_SCRATCH]
	mov	x2, sp
	ldr	x0, [x1, #CPU_OFFSET_STACK]
	add	x0, x0, #0x1000			/* STACK_EMERGENCY_BYTES */
	mov	sp, x0
	sub	sp, sp, #FRAME_BYTES
	str	x2, [sp, #FRAME_SP]
	ldp	x0, x2, [x1, #CPU_OFFSET_SCRATCH]
	str	x0, [sp, #FRAME_VECTOR]
	mrs	x0, sp_el0
	mrs	x1, tpidrro_el0
	stp	x0, x1, [sp, #0]
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	b	panic_save

	.section .vectors.01.room, "ax"
panic_save:
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x19, [sp, #144]
	stp	x20, x21, [sp, #160]
	stp	x22, x23, [sp, #176]
	stp	x24, x25, [sp, #192]
	stp	x26, x27, [sp, #208]
	stp	x28, x29, [sp, #224]
	str	x30, [sp, #240]
	mrs	x0, elr_el1
	mrs	x1, spsr_el1
	mrs	x2, esr_el1
	mrs	x3, far_el1
	stp	x0, x1, [sp, #FRAME_PC]
	stp	x2, x3, [sp, #FRAME_ESR]
	mov	x0, sp
	bl	trap_kernel			/* returns only to go on after a skipped instruction */
	b	panic_leave

	.section .vectors.02.room, "ax"
panic_leave:
	ldp	x0, x1, [sp, #FRAME_PC]
	msr	elr_el1, x0
	msr	spsr_el1, x1
	ldp	x2, x3, [sp, #16]
	ldp	x4, x5, [sp, #32]
	ldp	x6, x7, [sp, #48]
	ldp	x8, x9, [sp, #64]
	ldp	x10, x11, [sp, #80]
	ldp	x12, x13, [sp, #96]
	ldp	x14, x15, [sp, #112]
	ldp	x16, x17, [sp, #128]
	ldp	x18, x19, [sp, #144]
	ldr	x30, [sp, #240]
	mrs	x1, tpidr_el1
	ldr	w1, [x1, #CPU_OFFSET_INDEX]
	msr	tpidrro_el0, x1
	ldr	x1, [sp, #FRAME_SP]
	ldr	x0, [sp, #0]
	mov	sp, x1
	mov	x1, xzr
	eret
