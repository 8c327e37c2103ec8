/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory functions: those that the compiler calls, and clearing of whole cache lines.  Normal
 * memory only; general registers only.  All stand in the room of vectors: vectors.S.
 */

/* void arch_zero(void *va, size_t bytes); bytes and va are multiples of 64.  Uses no stack. */
	.section .vectors.13.room, "ax"
	.global arch_zero
	.type arch_zero, %function
	.balign	16
arch_zero:
	add	x1, x0, x1
	mrs	x2, dczid_el0
	and	x2, x2, #0x1f		/* allowed, and 64 bytes? */
	cmp	x2, #4
	b.ne	zero_plain
	sub	x2, x1, x0		/* four lines at a time? */
	tst	x2, #0xc0
	b.ne	3f
	add	x3, x0, #64
	add	x4, x0, #128
	add	x5, x0, #192
	b	6f
5:	dc	zva, x0
	add	x0, x0, #256
	dc	zva, x3
	add	x3, x3, #256
	dc	zva, x4
	add	x4, x4, #256
	dc	zva, x5
	add	x5, x5, #256
6:	cmp	x0, x1
	b.lo	5b
	ret
1:	dc	zva, x0
	add	x0, x0, #64
3:	cmp	x0, x1
	b.lo	1b
	ret
	.size	arch_zero, . - arch_zero

/* The same with stores. */
	.section .vectors.14.room, "ax"
4:	stp	xzr, xzr, [x0]
	stp	xzr, xzr, [x0, #16]
	stp	xzr, xzr, [x0, #32]
	stp	xzr, xzr, [x0, #48]
	add	x0, x0, #64
zero_plain:
	cmp	x0, x1
	b.lo	4b
	ret

/* void *memset(void *to, int byte, size_t bytes) */
	.section .vectors.05.room, "ax"
	.global memset
	.type memset, %function
	.balign	16
memset:
	mov	x3, x0
	and	w1, w1, #0xff
	mov	x4, #0x0101010101010101
	mul	x1, x1, x4
	b	2f
1:	stp	x1, x1, [x3], #16
2:	subs	x2, x2, #16
	b.hs	1b
	tbz	x2, #3, 3f
	str	x1, [x3], #8
3:	tbz	x2, #2, 4f
	str	w1, [x3], #4
4:	tbz	x2, #1, 5f
	strh	w1, [x3], #2
5:	tbz	x2, #0, 6f
	strb	w1, [x3]
6:	ret
	.size	memset, . - memset

/* void *memcpy(void *to, const void *from, size_t bytes) */
	.section .vectors.06.room, "ax"
	.global memcpy
	.type memcpy, %function
	.balign	16
memcpy:
	mov	x3, x0
	b	2f
1:	ldp	x4, x5, [x1], #16
	stp	x4, x5, [x3], #16
2:	subs	x2, x2, #16
	b.hs	1b
	tbz	x2, #3, 3f
	ldr	x4, [x1], #8
	str	x4, [x3], #8
3:	tbz	x2, #2, 4f
	ldr	w4, [x1], #4
	str	w4, [x3], #4
4:	tbz	x2, #1, 5f
	ldrh	w4, [x1], #2
	strh	w4, [x3], #2
5:	tbz	x2, #0, 6f
	ldrb	w4, [x1]
	strb	w4, [x3]
6:	ret
	.size	memcpy, . - memcpy

/* void *memmove(void *to, const void *from, size_t bytes) */
	.section .vectors.07.room, "ax"
	.global memmove
	.type memmove, %function
	.balign	16
memmove:
	sub	x3, x0, x1
	cmp	x3, x2			/* to lies within from? */
	b.hs	memcpy
	b	2f
1:	ldrb	w4, [x1, x2]
	strb	w4, [x0, x2]
2:	subs	x2, x2, #1
	b.hs	1b
	ret
	.size	memmove, . - memmove

/* int memcmp(const void *a, const void *b, size_t bytes) */
	.global memcmp
	.type memcmp, %function
	.balign	16
memcmp:
	mov	x3, x0
	mov	w0, #0
	b	2f
1:	ldrb	w4, [x3], #1
	ldrb	w5, [x1], #1
	subs	w0, w4, w5
	b.ne	3f
2:	subs	x2, x2, #1
	b.hs	1b
3:	ret
	.size	memcmp, . - memcmp
