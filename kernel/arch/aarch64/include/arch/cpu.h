/* SPDX-License-Identifier: BSD-2-Clause */
/* CPUs: the registers that all of them share, and how they come up. */
#pragma once

#include <abi/types.h>
#include <arch/sysreg.h>

/*
 * Written by start.S with the MMU off; constant since.  What every CPU loads, so that all of them
 * are equal.
 */
struct cpu_registers {
	uint64_t tcr;
	uint64_t sctlr;
	uint64_t ttbr0_identity;
	uint64_t ttbr1;
	uint64_t ttbr0_empty;
};

_Static_assert(offsetof(struct cpu_registers, tcr) == REGISTERS_TCR, "start.S");
_Static_assert(offsetof(struct cpu_registers, sctlr) == REGISTERS_SCTLR, "start.S");
_Static_assert(offsetof(struct cpu_registers, ttbr0_identity) == REGISTERS_TTBR0, "start.S");
_Static_assert(offsetof(struct cpu_registers, ttbr1) == REGISTERS_TTBR1, "start.S");
_Static_assert(offsetof(struct cpu_registers, ttbr0_empty) == REGISTERS_EMPTY, "start.S");
_Static_assert(sizeof(struct cpu_registers) == REGISTERS_BYTES, "start.S");

extern struct cpu_registers cpu_registers;

struct platform;

/* start.S calls this on the boot stack; what it returns goes to kernel_main on CPU 0's own. */
const struct platform *arch_boot(uint64_t tree, uint64_t entered_el, uint64_t image,
				 uint64_t sctlr_before);
/* start.S calls this on the CPU's own stack. */
_Noreturn void arch_secondary(uint64_t index, uint64_t sctlr_before);

/*
 * Per-CPU registers, and a check that all others are as on every CPU; panics if not.  sctlr_before:
 * how the CPU came from firmware, which has to leave its translation and its data cache off.
 */
void cpu_init(unsigned index, uint64_t sctlr_before);

/* Fill cpus[] and cpus_count from the platform, this CPU first. */
void cpu_table_fill(const struct platform *platform);
