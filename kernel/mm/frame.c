/* SPDX-License-Identifier: BSD-2-Clause */
/* Mapping frames.  See <kern/mapping.h>. */
#include <kern/frame.h>
#include <kern/mapping.h>

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
		mapping_remember(slot, vspace_name(vspace), vaddr, 0);
}
