/* SPDX-License-Identifier: BSD-2-Clause */
/* Installing page tables.  See <kern/mapping.h>. */
#include <kern/mapping.h>
#include <kern/page_table.h>

/* Cleared first: it may have been cut off from above while it still had entries. */
void page_table_map(struct cap_slot *slot, struct vspace *vspace, uint64_t vaddr, unsigned level,
		    uint64_t *entry)
{
	void *table = (void *)(uintptr_t)slot->object;

	arch_zero(table, PAGE_SIZE);
	spin_lock(&vspace->lock);
	arch_pte_publish();
	__atomic_store_n(entry, arch_pte_table(arch_virt_to_phys(table)), __ATOMIC_RELAXED);
	arch_pte_publish();
	spin_unlock(&vspace->lock);
	mapping_remember(slot, vspace_name(vspace), vaddr, level);
}
