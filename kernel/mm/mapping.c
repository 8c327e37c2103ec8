/* SPDX-License-Identifier: BSD-2-Clause */
/* What a slot's frame or table is mapped by.  See <kern/vspace.h> for what a slot remembers. */
#include <kern/derive.h>
#include <kern/frame.h>
#include <kern/mapping.h>

/* The entry that maps it where the slot says, or NULL.  The slot was mapped once, as it names an address
 * space: a table's level is noted in it.  vspace->lock. */
static uint64_t *mapping_entry(const struct cap_slot *slot, const struct vspace *vspace)
{
	bool table = slot->type == OBJ_PAGE_TABLE;
	unsigned level = table ? slot->bits - 1u : frame_level((enum object_type)slot->type);
	paddr_t paddr = table ? arch_virt_to_phys((const void *)(uintptr_t)slot->object)
			      : slot->object;
	unsigned missing;
	uint64_t *entry;

	entry = vspace_entry(vspace, slot->badge, level, &missing);
	if (entry == NULL || !arch_pte_is_valid(*entry) || arch_pte_paddr(*entry) != paddr ||
	    arch_pte_is_table(*entry, level) != table)
		return NULL;
	return entry;
}

bool mapping_exists(const struct cap_slot *slot)
{
	struct vspace *vspace = vspace_find(slot->aux);
	bool mapped;

	if (vspace == NULL)
		return false;
	spin_lock(&vspace->lock);
	mapped = mapping_entry(slot, vspace) != NULL;
	spin_unlock(&vspace->lock);
	return mapped;
}

void mapping_remember(struct cap_slot *slot, uint32_t aux, uint64_t vaddr, unsigned level)
{
	struct cap cap;

	cap_read(slot, &cap);
	cap.aux = aux;
	cap.badge = vaddr;
	cap.bits = (uint8_t)level;
	cap_store(slot, &cap);
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

/* The entry is cleared: flush what it mapped, and count it off.  vspace->lock. */
static void mapping_forget(const struct cap_slot *slot, struct vspace *vspace)
{
	if (slot->type != OBJ_PAGE_TABLE) {
		arch_tlb_flush_page(vspace->asid, slot->badge);
		vspace->pages_mapped -= 1u
					<< (frame_bits((enum object_type)slot->type) - PAGE_BITS);
		return;
	}
	arch_tlb_flush_asid(vspace->asid);
	/* Mostly the pages went first; then there is nothing to count. */
	if (vspace->pages_mapped != 0)
		vspace->pages_mapped -= pages_below((const uint64_t *)(uintptr_t)slot->object,
						    slot->bits);
}

void mapping_remove(struct cap_slot *slot)
{
	struct vspace *vspace = vspace_find(slot->aux);
	uint64_t *entry;

	if (slot->aux == 0)
		return;
	if (vspace != NULL) {
		spin_lock(&vspace->lock);
		entry = mapping_entry(slot, vspace);
		if (entry != NULL) {
			__atomic_store_n(entry, 0, __ATOMIC_RELAXED);
			arch_pte_publish();
			mapping_forget(slot, vspace);
		}
		spin_unlock(&vspace->lock);
	}
	mapping_remember(slot, 0, 0, 0);
}
