/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System registers: their values (plain numbers, for assembly too) and access to them.  All CPUs
 * run with the same values; start.S sets them, cpu.c checks it.
 */
#pragma once

/* What varies with the CPU model, chosen by the boot CPU. */
#define REGISTERS_TCR   0
#define REGISTERS_SCTLR 8
#define REGISTERS_TTBR0 16
#define REGISTERS_TTBR1 24
#define REGISTERS_EMPTY 32 /* TTBR0_EL1 while no user address space is current */
#define REGISTERS_BYTES 40

/*
 * 39-bit addresses in both halves, 4 KiB pages, walks write-back and inner shareable.
 *   T0SZ 25  IRGN0 1  ORGN0 1  SH0 3  TG0 4K   T1SZ 25  IRGN1 1  ORGN1 1  SH1 3  TG1 4K (2)
 */
#define TCR_BASE  (0x3519 | (0xb519 << 16))
#define TCR_AS    0x1000000000
#define TCR_E0PD1 0x0100000000000000

/*
 * M, C, SA, SA0, I: on.  A: off (normal memory may be accessed unaligned).  WXN: nothing writable is
 * executable.  DZE, UCT, UCI, nTWE: user mode may clear, clean, read the cache type, and wait for
 * events.  nTWI 0: wfi of user mode is an undefined instruction; waiting is the scheduler's to
 * decide.  UMA 0: user mode cannot mask interrupts.  SPAN 0 where PAN exists: set at each entry.
 * Always one: 11, 20, 22, 28, 29.
 */
#define SCTLR_RES1 0x30500800
#define SCTLR_SPAN 0x800000
#define SCTLR_BASE                                                                            \
	(SCTLR_RES1 | 0x1 | 0x4 | 0x8 | 0x10 | 0x1000 | 0x4000 | 0x8000 | 0x40000 | 0x80000 | \
	 0x4000000)
#define SCTLR_M_C 0x5
#define SCTLR_OFF (SCTLR_RES1 | SCTLR_SPAN)

#define CPACR_FPU_TRAP_USER 0x100000 /* the kernel may save and load FPU state at any time */
#define CPACR_FPU_FREE      0x300000
#define MDSCR_VALUE         0x1000 /* no debug exceptions, no debug channel for user mode */
#define CNTKCTL_VALUE       0x2    /* user mode reads the virtual counter, nothing else */

#define HCR_VALUE     0x30080000000 /* EL1 is 64-bit; pointer authentication is not trapped */
#define CNTHCTL_VALUE 0x3           /* EL1 has the physical counter and timer */
#define CPTR_EL2_FREE 0x33ff
#define SPSR_EL1H     0x3c5

/* Registers whose names old assemblers do not know. */
#define AMUSERENR_EL0   s3_3_c13_c2_3
#define ICC_SRE_EL2     s3_4_c12_c9_5
#define ICH_HCR_EL2     s3_4_c12_c11_0
#define HCRX_EL2        s3_4_c1_c2_2
#define HFGRTR_EL2      s3_4_c1_c1_4
#define HFGWTR_EL2      s3_4_c1_c1_5
#define HFGITR_EL2      s3_4_c1_c1_6
#define HDFGRTR_EL2     s3_4_c3_c1_4
#define HDFGWTR_EL2     s3_4_c3_c1_5
#define ICC_IAR1_EL1    s3_0_c12_c12_0
#define ICC_EOIR1_EL1   s3_0_c12_c12_1
#define ICC_BPR1_EL1    s3_0_c12_c12_3
#define ICC_CTLR_EL1    s3_0_c12_c12_4
#define ICC_SRE_EL1     s3_0_c12_c12_5
#define ICC_IGRPEN1_EL1 s3_0_c12_c12_7
#define ICC_PMR_EL1     s3_0_c4_c6_0
#define ICC_SGI1R_EL1   s3_0_c12_c11_5

#ifndef __ASSEMBLER__
#include <stdint.h>

#define SYSREG_STRING(name) #name
#define SYSREG_NAME(name)   SYSREG_STRING(name)
#define sysreg_read(name)                                                                         \
	({                                                                                        \
		uint64_t sysreg_value;                                                            \
		__asm__ volatile("mrs %0, " SYSREG_NAME(name) : "=r"(sysreg_value) : : "memory"); \
		sysreg_value;                                                                     \
	})
#define sysreg_write(name, value) \
	__asm__ volatile("msr " SYSREG_NAME(name) ", %0" : : "r"((uint64_t)(value)) : "memory")

static inline void barrier_isb(void)
{
	__asm__ volatile("isb" : : : "memory");
}

#define barrier_dsb(domain) __asm__ volatile("dsb " #domain : : : "memory")
#endif
