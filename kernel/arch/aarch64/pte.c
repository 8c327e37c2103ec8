/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Translation table entries of user address spaces: pure functions, 4 KiB granule, levels 1 to 3.
 * User pages are never executable by the kernel, never global, and never writable and executable.
 */
#include <abi/object.h>
#include <arch/layout.h>
#include <kern/arch_if.h>

uint64_t arch_space_word(paddr_t root, uint16_t asid)
{
	return root | (uint64_t)asid << TTBR_ASID_SHIFT;
}

uint64_t arch_pte_table(paddr_t table)
{
	return (table & PTE_ADDRESS_MASK) | PTE_VALID | PTE_TABLE;
}

static uint64_t leaf_access(uint32_t map_flags)
{
	uint64_t bits = PTE_PXN;

	/* Write implies read here: the architecture has no write-only page. */
	if ((map_flags & (MAP_READ | MAP_WRITE | MAP_EXECUTE)) != 0)
		bits |= PTE_USER;
	if ((map_flags & MAP_WRITE) == 0)
		bits |= PTE_READ_ONLY;
	if ((map_flags & MAP_EXECUTE) == 0 || (map_flags & (MAP_WRITE | MAP_DEVICE)) != 0)
		bits |= PTE_UXN;
	return bits;
}

uint64_t arch_pte_leaf(paddr_t pa, unsigned level, uint32_t map_flags)
{
	uint64_t pte = (pa & PTE_ADDRESS_MASK) | PTE_VALID | PTE_ACCESSED | PTE_NOT_GLOBAL;

	if (level == ARCH_PT_LAST_LEVEL)
		pte |= PTE_TABLE;
	if ((map_flags & MAP_DEVICE) != 0)
		pte |= MAIR_DEVICE_STRICT << PTE_ATTR_SHIFT;
	else
		pte |= PTE_INNER | (MAIR_NORMAL << PTE_ATTR_SHIFT);
	return pte | leaf_access(map_flags);
}

bool arch_pte_is_valid(uint64_t pte)
{
	return (pte & PTE_VALID) != 0;
}

bool arch_pte_is_table(uint64_t pte, unsigned level)
{
	return level < ARCH_PT_LAST_LEVEL &&
	       (pte & (PTE_VALID | PTE_TABLE)) == (PTE_VALID | PTE_TABLE);
}

paddr_t arch_pte_paddr(uint64_t pte)
{
	return pte & PTE_ADDRESS_MASK;
}

unsigned arch_pte_index(uint64_t vaddr, unsigned level)
{
	return (unsigned)(vaddr >> (PAGE_BITS + 9 * (ARCH_PT_LAST_LEVEL - level))) &
	       (ARCH_PT_ENTRIES - 1);
}
