/* SPDX-License-Identifier: BSD-2-Clause */
/* Installing and removing page tables.  See <kern/vspace.h>. */
#include <kern/derive.h>
#include <kern/page_table.h>

/* The entry that points to slot's table, or NULL.  vspace->lock. */
static uint64_t *table_entry(const struct cap_slot *slot, const struct vspace *vspace)
{
	paddr_t table = arch_virt_to_phys((const void *)(uintptr_t)slot->object);
	unsigned missing;
	uint64_t *entry;

	if (slot->bits <= ARCH_PT_ROOT_LEVEL)
		return NULL;
	entry = vspace_entry(vspace, slot->badge, slot->bits - 1u, &missing);
	if (entry == NULL || !arch_pte_is_valid(*entry) ||
	    !arch_pte_is_table(*entry, slot->bits - 1u) || arch_pte_paddr(*entry) != table)
		return NULL;
	return entry;
}

bool page_table_is_mapped(const struct cap_slot *slot)
{
	struct vspace *vspace = vspace_find(slot->aux);
	bool mapped;

	if (vspace == NULL)
		return false;
	spin_lock(&vspace->lock);
	mapped = table_entry(slot, vspace) != NULL;
	spin_unlock(&vspace->lock);
	return mapped;
}

static void remember(struct cap_slot *slot, uint32_t aux, uint64_t vaddr, unsigned level)
	LOCK_REQUIRES(derivation_held)
{
	struct cap cap;

	cap_read(slot, &cap);
	cap.aux = aux;
	cap.badge = vaddr;
	cap.bits = (uint8_t)level;
	cap_store(slot, &cap);
}

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
	remember(slot, vspace_name(vspace), vaddr, level);
}

/* Pages mapped in a table, and in the tables below it. */
static uint64_t pages_below(const uint64_t *table, unsigned level)
{
	uint64_t pages = 0;

	for (unsigned i = 0; i < ARCH_PT_ENTRIES; i++) {
		if (!arch_pte_is_valid(table[i]))
			continue;
		if (level == ARCH_PT_LAST_LEVEL)
			pages++;
		else if (!arch_pte_is_table(table[i], level))
			pages += LARGE_PAGE_SIZE / PAGE_SIZE;
		else
			pages += pages_below(arch_phys_to_virt(arch_pte_paddr(table[i])),
					     level + 1);
	}
	return pages;
}

void page_table_unmap(struct cap_slot *slot)
{
	struct vspace *vspace = vspace_find(slot->aux);
	uint64_t *entry;

	if (slot->aux == 0)
		return;
	if (vspace != NULL) {
		spin_lock(&vspace->lock);
		entry = table_entry(slot, vspace);
		if (entry != NULL) {
			__atomic_store_n(entry, 0, __ATOMIC_RELAXED);
			arch_pte_publish();
			arch_tlb_flush_asid(vspace->asid);
			/* Mostly the pages went first; then there is nothing to count. */
			if (vspace->pages_mapped != 0)
				vspace->pages_mapped -= pages_below(
					(const uint64_t *)(uintptr_t)slot->object, slot->bits);
		}
		spin_unlock(&vspace->lock);
	}
	remember(slot, 0, 0, 0);
}
