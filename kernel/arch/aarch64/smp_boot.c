/* SPDX-License-Identifier: BSD-2-Clause */
/* Secondary CPUs: ask firmware for them, and their way from start.S to the portable kernel. */
#include <arch/cpu.h>
#include <drv/gic.h>
#include <drv/psci.h>
#include <drv/timer.h>
#include <kern/arch_if.h>
#include <kern/boot.h>
#include <kern/core.h>
#include <kern/entry.h>

extern const char secondary_start[];

boot_only bool arch_cpu_start(unsigned index)
{
	int64_t result;

	/* What the CPU reads with its caches off lies in .tables, which no cache holds dirty: it was
	 * written with the MMU off, and is only read since.  The page tables are walked through the
	 * caches. */
	if (psci_cpu_on(cpus[index].hw_id, arch_virt_to_phys(secondary_start), index, &result))
		return true;
	kprintf("CPU %u (%lx): firmware does not start it (%ld)\n", index,
		(unsigned long)cpus[index].hw_id, (long)result);
	return false;
}

boot_only _Noreturn void arch_secondary(uint64_t index, uint64_t sctlr_before)
{
	cpu_init((unsigned)index, sctlr_before);
	timer_init_cpu();
	irq_init_cpu((unsigned)index);
	kernel_secondary();
}
