/* SPDX-License-Identifier: BSD-2-Clause */
/* Mapping and unmapping frames.  See <kern/vspace.h> for what a slot remembers. */
#include <kern/derive.h>
#include <kern/frame.h>

/* The entry that maps slot's frame where slot says, or NULL.  vspace->lock. */
static uint64_t *mapping_entry(const struct cap_slot *slot, const struct vspace *vspace)
{
	unsigned level = frame_level((enum object_type)slot->type);
	unsigned missing;
	uint64_t *entry = vspace_entry(vspace, slot->badge, level, &missing);

	if (entry == NULL || !arch_pte_is_valid(*entry) || arch_pte_paddr(*entry) != slot->object)
		return NULL;
	if (level < ARCH_PT_LAST_LEVEL && arch_pte_is_table(*entry, level))
		return NULL;
	return entry;
}

bool frame_is_mapped(const struct cap_slot *slot)
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

static void remember(struct cap_slot *slot, uint32_t aux, uint64_t vaddr)
	LOCK_REQUIRES(derivation_held)
{
	struct cap cap;

	cap_read(slot, &cap);
	cap.aux = aux;
	cap.badge = vaddr;
	cap_store(slot, &cap);
}

/*
 * Changing an entry changes permissions only, never the frame or the memory type, so the old one
 * need not be taken away first (break before make), and other CPUs see no translation fault.  A new
 * entry needs no flush: invalid entries are not cached.
 */
void frame_map(struct cap_slot *slot, struct vspace *vspace, uint64_t vaddr, uint32_t map_flags,
	       uint64_t *entry)
{
	enum object_type type = (enum object_type)slot->type;
	uint64_t value = arch_pte_leaf(slot->object, frame_level(type), map_flags);
	bool replaced;

	spin_lock(&vspace->lock);
	replaced = arch_pte_is_valid(*entry);
	__atomic_store_n(entry, value, __ATOMIC_RELAXED);
	arch_pte_publish();
	if (replaced)
		arch_tlb_flush_page(vspace->asid, vaddr);
	else
		vspace->pages_mapped += 1u << (frame_bits(type) - PAGE_BITS);
	spin_unlock(&vspace->lock);
	if (slot->aux != vspace_name(vspace) || slot->badge != vaddr)
		remember(slot, vspace_name(vspace), vaddr);
}

void frame_unmap(struct cap_slot *slot)
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
			arch_tlb_flush_page(vspace->asid, slot->badge);
			vspace->pages_mapped -= 1u << (frame_bits((enum object_type)slot->type) -
						       PAGE_BITS);
		}
		spin_unlock(&vspace->lock);
	}
	remember(slot, 0, 0);
}
