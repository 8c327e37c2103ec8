/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the boot loader to C: the arm64 Linux image header, entry of the boot CPU and of the
 * secondaries, first translation tables.  Everything up to the jump to high addresses runs with the
 * MMU off at whatever address the image was loaded and uses PC-relative addresses only.
 *
 * The tables are written with caches off, so they are invalidated from the caches before (dirty
 * lines of the loader must not fall onto them) and after (speculation may have fetched old ones).
 */
#include <arch/layout.h>
#include <arch/sysreg.h>
#include <kern/offsets.h>

	.section .head.header, "ax"

	.global image_start
image_start:
	b	boot_start
	.long	0
	.quad	0			/* text offset */
	.global image_header_bytes
image_header_bytes:
	.quad	image_bytes
	.quad	0xa			/* little endian, 4 KiB pages, anywhere in RAM */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

	.section .head.text, "ax"

/* Physical address of a symbol, while the MMU is off. */
	.macro	symbol_address reg, symbol
	adrp	\reg, \symbol
	add	\reg, \reg, :lo12:\symbol
	.endm

/* SCTLR of the level that the CPU comes in at, which says whether its caches are off. */
	.macro	sctlr_here reg
	mrs	\reg, CurrentEL
	cmp	\reg, #(2 << 2)
	b.eq	7f
	mrs	\reg, sctlr_el1
	b	8f
7:	mrs	\reg, sctlr_el2
8:
	.endm

boot_start:
	msr	daifset, #0xf
	mov	x21, x0			/* device tree */
	sctlr_here x24
	bl	el1_enter
	mov	x22, x0			/* entered exception level */
	symbol_address x23, image_start
	bl	tables_clear
	bl	tables_fill
	bl	registers_choose
	bl	tables_invalidate	/* the chosen values too: they lie in .tables */
	symbol_address x20, cpu_registers
	bl	cpu_registers_set
	ldr	x8, =boot_high
	br	x8

	.global secondary_start
secondary_start:
	msr	daifset, #0xf
	mov	x19, x0			/* index in the CPU table */
	sctlr_here x24
	bl	el1_enter
	symbol_address x20, cpu_registers
	bl	cpu_registers_set
	ldr	x8, =secondary_high
	br	x8

/*
 * Clear .tables.  Clobbers x0..x4.
 */
tables_clear:
	mov	x4, x30
	bl	tables_invalidate
	symbol_address x0, tables_start
	symbol_address x1, tables_end
1:	stp	xzr, xzr, [x0], #16
	stp	xzr, xzr, [x0], #16
	cmp	x0, x1
	b.lo	1b
	ret	x4

/* Drop .tables from all caches.  Clobbers x0..x3. */
tables_invalidate:
	dsb	sy
	symbol_address x0, tables_start
	symbol_address x1, tables_end
	mrs	x2, ctr_el0
	ubfx	x2, x2, #16, #4		/* log2 of words in the smallest data line */
	mov	x3, #4
	lsl	x3, x3, x2
1:	dc	ivac, x0
	add	x0, x0, x3
	cmp	x0, x1
	b.lo	1b
	dsb	sy
	ret

/* Pages from \from to \to of the image, into the level-3 tables at x10, image at x23. */
	.macro	image_map from, to, attributes
	symbol_address x0, \from
	symbol_address x1, \to
	sub	x2, x0, x23
	lsr	x2, x2, #12
	add	x3, x10, x2, lsl #3
	ldr	x4, =(\attributes | PTE_TABLE)
1:	orr	x5, x0, x4
	str	x5, [x3], #8
	add	x0, x0, #4096
	cmp	x0, x1
	b.lo	1b
	.endm

/*
 * Kernel tables: the image, and an empty table for the fixed slots.  Identity tables: the first
 * 2 MiB of the image, which hold all of this file's code.  In: x23 image.  Clobbers x0..x14.
 */
tables_fill:
	symbol_address x10, image_l3
	image_map image_start, text_end, PTE_KERNEL_TEXT
	image_map text_end, rodata_end, PTE_KERNEL_RODATA
	image_map rodata_end, image_end, PTE_KERNEL_DATA
	mov	x9, #(PTE_VALID | PTE_TABLE)
	symbol_address x11, image_l2
	mov	x0, #0
2:	add	x1, x10, x0, lsl #12
	orr	x1, x1, x9
	str	x1, [x11, x0, lsl #3]
	add	x0, x0, #1
	cmp	x0, #IMAGE_L3_TABLES
	b.lo	2b
	symbol_address x12, kernel_l1
	orr	x1, x11, x9
	str	x1, [x12, #(511 * 8)]
	symbol_address x1, fixed_l2
	orr	x1, x1, x9
	str	x1, [x12, #(510 * 8)]
	symbol_address x13, identity_l1
	symbol_address x14, identity_l2
	ubfx	x0, x23, #30, #9
	orr	x1, x14, x9
	str	x1, [x13, x0, lsl #3]
	ubfx	x0, x23, #21, #9
	ldr	x1, =PTE_IDENTITY
	orr	x1, x1, x23
	str	x1, [x14, x0, lsl #3]
	ret

/*
 * Choose TCR_EL1 and SCTLR_EL1 by what the boot CPU can do and store them with the table addresses
 * for all CPUs.  Clobbers x0..x6.
 */
registers_choose:
	symbol_address x4, cpu_registers
	ldr	x0, =TCR_BASE
	mrs	x1, id_aa64mmfr0_el1
	and	x2, x1, #0xf		/* physical address size, at most 48 bits */
	mov	x3, #5
	cmp	x2, x3
	csel	x2, x2, x3, lo
	bfi	x0, x2, #32, #3
	ubfx	x2, x1, #4, #4		/* identifiers of 16 bits? */
	cmp	x2, #2
	b.ne	1f
	orr	x0, x0, #TCR_AS
1:	mrs	x1, id_aa64mmfr2_el1
	lsr	x2, x1, #60		/* kernel addresses fault in constant time? */
	cbz	x2, 2f
	ldr	x3, =TCR_E0PD1
	orr	x0, x0, x3
2:	str	x0, [x4, #REGISTERS_TCR]
	ldr	x0, =SCTLR_BASE
	mrs	x1, id_aa64mmfr1_el1
	ubfx	x2, x1, #20, #4		/* user memory is out of reach of the kernel? */
	cbnz	x2, 3f
	orr	x0, x0, #SCTLR_SPAN
3:	str	x0, [x4, #REGISTERS_SCTLR]
	symbol_address x0, kernel_l1
	str	x0, [x4, #REGISTERS_TTBR1]
	symbol_address x0, identity_l1
	str	x0, [x4, #REGISTERS_TTBR0]
	symbol_address x0, empty_l1
	str	x0, [x4, #REGISTERS_EMPTY]
	ret

/* Give this CPU all registers of EL1 and switch its MMU on.  In: x20 cpu_registers.  x0..x3. */
cpu_registers_set:
	tlbi	vmalle1
	ic	iallu
	dsb	nsh
	ldr	x0, [x20, #REGISTERS_TCR]
	msr	tcr_el1, x0
	ldr	x0, [x20, #REGISTERS_TTBR0]
	msr	ttbr0_el1, x0
	ldr	x0, [x20, #REGISTERS_TTBR1]
	msr	ttbr1_el1, x0
	ldr	x0, =MAIR_VALUE
	msr	mair_el1, x0
	mov	x0, #CPACR_FPU_TRAP_USER
	msr	cpacr_el1, x0
	mov	x0, #MDSCR_VALUE
	msr	mdscr_el1, x0
	mov	x0, #CNTKCTL_VALUE
	msr	cntkctl_el1, x0
	msr	tpidr_el0, xzr
	msr	tpidrro_el0, xzr
	msr	contextidr_el1, xzr
	mrs	x1, id_aa64dfr0_el1
	ubfx	x2, x1, #8, #4		/* performance counters: none (0) or not ours (15)? */
	sub	x2, x2, #1
	cmp	x2, #14
	b.hs	1f
	msr	pmuserenr_el0, xzr
1:	mrs	x1, id_aa64pfr0_el1
	ubfx	x2, x1, #44, #4
	cbz	x2, 2f
	msr	AMUSERENR_EL0, xzr
2:	isb
	ldr	x0, [x20, #REGISTERS_SCTLR]
	msr	sctlr_el1, x0
	isb
	ret

/* Vectors of the kernel; forget the identity mapping.  Clobbers x0, x1. */
	.macro	high_enter
	adrp	x0, vectors
	add	x0, x0, :lo12:vectors
	msr	vbar_el1, x0
	ldr	x1, =cpu_registers
	ldr	x0, [x1, #REGISTERS_EMPTY]
	msr	ttbr0_el1, x0
	isb
	tlbi	vmalle1
	dsb	nsh
	isb
	.endm

	.section .init.text, "ax"
boot_high:
	ldr	x0, =bss_start
	ldr	x1, =bss_end
	sub	x1, x1, x0
	bl	arch_zero
	ldr	x0, =boot_stack_top
	ldr	x1, =cpus
	sub	x2, x0, #STACK_EMERGENCY_BYTES
	str	x2, [x1, #CPU_OFFSET_STACK]
	msr	tpidr_el1, x1
	mov	sp, x2
	high_enter
	mov	x29, xzr
	mov	x0, x21
	mov	x1, x22
	mov	x2, x23
	mov	x3, x24
	bl	arch_boot		/* returns the platform */
	mrs	x1, tpidr_el1
	ldr	x1, [x1, #CPU_OFFSET_STACK]
	mov	sp, x1
	mov	x29, xzr
	bl	kernel_main
	b	.

secondary_high:
	ldr	x1, =cpus
	ldr	x2, =cpu_block_bytes
	ldr	x2, [x2]
	madd	x1, x19, x2, x1
	msr	tpidr_el1, x1		/* for good: C may keep it across anything */
	ldr	x1, [x1, #CPU_OFFSET_STACK]
	mov	sp, x1
	high_enter
	mov	x29, xzr
	mov	x0, x19
	mov	x1, x24
	bl	arch_secondary
	b	.

	.section .bss
	.balign	16
boot_stack:
	.space	0x3000
boot_stack_top:

	.section .tables, "aw", %nobits
	.balign	4096
	.global kernel_l1, fixed_l2, empty_l1, stacks_l3, cpu_registers
kernel_l1:
	.space	4096
image_l2:
	.space	4096
image_l3:
	.space	4096 * IMAGE_L3_TABLES
fixed_l2:
	.space	4096
stacks_l3:
	.space	4096 * STACK_TABLES
identity_l1:
	.space	4096
identity_l2:
	.space	4096
empty_l1:
	.space	4096
cpu_registers:
	.space	REGISTERS_BYTES
