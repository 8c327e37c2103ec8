/* SPDX-License-Identifier: BSD-2-Clause */
/* Instruction cache coherence for code that was written through the kernel window. */
#include <arch/sysreg.h>
#include <kern/arch_if.h>

#define CTR_ILINE(ctr) (4ull << ((ctr)&0xf))
#define CTR_DLINE(ctr) (4ull << (((ctr) >> 16) & 0xf))
#define CTR_PIPT(ctr)  ((((ctr) >> 14) & 3) == 3)
#define CTR_IDC        (1ull << 28) /* no clean needed */
#define CTR_DIC        (1ull << 29) /* no invalidate needed */

void arch_code_publish(void *va, size_t bytes)
{
	uint64_t ctr = sysreg_read(ctr_el0);
	uint64_t start = (uint64_t)va;
	uint64_t end = start + bytes;

	if ((ctr & CTR_IDC) == 0)
		for (uint64_t line = start & ~(CTR_DLINE(ctr) - 1); line < end;
		     line += CTR_DLINE(ctr))
			__asm__ volatile("dc cvau, %0" : : "r"(line) : "memory");
	barrier_dsb(ish);
	if ((ctr & CTR_DIC) == 0) {
		/* Users fetch at other virtual addresses: by line only if the cache is physical. */
		if (CTR_PIPT(ctr))
			for (uint64_t line = start & ~(CTR_ILINE(ctr) - 1); line < end;
			     line += CTR_ILINE(ctr))
				__asm__ volatile("ic ivau, %0" : : "r"(line) : "memory");
		else
			__asm__ volatile("ic ialluis" : : : "memory");
		barrier_dsb(ish);
	}
	barrier_isb();
}
