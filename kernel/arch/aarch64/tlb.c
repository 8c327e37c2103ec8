/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Invalidation of translations on all CPUs.  The hardware broadcasts it; no interrupt is sent.
 * The first barrier makes the changed entry visible to the walkers before the old one is dropped,
 * the second waits until every CPU has dropped it and finished accesses that used it.
 */
#include <arch/sysreg.h>
#include <kern/arch_if.h>

#define ASID_SHIFT   48
#define VADDR_MASK   0x00000fffffffffffull /* address bits 12..55 */
#define ASIDS_NARROW 256u
#define ASIDS_WIDE   65536u

void arch_pte_publish(void)
{
	barrier_dsb(ishst);
	barrier_isb();
}

void arch_tlb_flush_page(uint16_t asid, uint64_t vaddr)
{
	uint64_t argument = ((uint64_t)asid << ASID_SHIFT) | ((vaddr >> PAGE_BITS) & VADDR_MASK);

	barrier_dsb(ishst);
	__asm__ volatile("tlbi vae1is, %0" : : "r"(argument) : "memory");
	barrier_dsb(ish);
	barrier_isb();
}

void arch_tlb_flush_asid(uint16_t asid)
{
	uint64_t argument = (uint64_t)asid << ASID_SHIFT;

	barrier_dsb(ishst);
	__asm__ volatile("tlbi aside1is, %0" : : "r"(argument) : "memory");
	barrier_dsb(ish);
	barrier_isb();
}

unsigned arch_asid_count(void)
{
	return (sysreg_read(tcr_el1) & TCR_AS) != 0 ? ASIDS_WIDE : ASIDS_NARROW;
}
