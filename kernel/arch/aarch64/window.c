/* SPDX-License-Identifier: BSD-2-Clause */
/* Physical addresses and where the kernel sees them: the window, and the image. */
#include <arch/layout.h>
#include <arch/mmu.h>
#include <kern/arch_if.h>

static uint64_t image_paddr; /* constant after mmu_init() */

void mmu_init(uint64_t paddr)
{
	image_paddr = paddr;
}

uint64_t mmu_image_paddr(void)
{
	return image_paddr;
}

void *arch_phys_to_virt(paddr_t pa)
{
	return (void *)(KERNEL_WINDOW + pa);
}

paddr_t arch_virt_to_phys(const void *va)
{
	uint64_t address = (uint64_t)va;

	return address >= KERNEL_IMAGE ? address - KERNEL_IMAGE + image_paddr
				       : address - KERNEL_WINDOW;
}
