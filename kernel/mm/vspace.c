/* SPDX-License-Identifier: BSD-2-Clause */
/* Address-space identifiers and walks.  See <kern/vspace.h>. */
#include <abi/bootinfo.h>
#include <kern/entry.h>
#include <kern/vspace.h>

struct asid_entry {
	struct vspace *vspace;
	uint16_t generation;
};

/* Derivation lock.  Entry 0 is the idle address space. */
static struct asid_entry asids[VSPACES_MAX + 1];
static unsigned asids_used;
static unsigned asid_next = 1; /* where the search for a free one starts: late reuse */

static unsigned asid_limit(void)
{
	unsigned count = arch_asid_count();

	return count < VSPACES_MAX + 1 ? count : VSPACES_MAX + 1;
}

unsigned vspace_asids_free(void)
{
	return asid_limit() - 1 - asids_used;
}

static unsigned asid_take(void)
{
	unsigned limit = asid_limit();

	for (unsigned n = 1; n < limit; n++) {
		unsigned asid = asid_next;

		asid_next = asid + 1 < limit ? asid + 1 : 1;
		if (asids[asid].vspace == NULL)
			return asid;
	}
	panic("no address-space identifier although one was promised");
}

void vspace_init(struct vspace *vspace)
{
	unsigned asid = asid_take();

	spin_init(&vspace->lock, LOCK_VSPACE);
	vspace->root = arch_virt_to_phys(vspace) + PAGE_SIZE;
	vspace->asid = (uint16_t)asid;
	vspace->word = arch_space_word(vspace->root, vspace->asid);
	vspace->generation = asids[asid].generation;
	vspace->pages_mapped = 0;
	asids[asid].vspace = vspace;
	asids_used++;
}

void vspace_destroy(struct vspace *vspace)
{
	struct asid_entry *entry = &asids[vspace->asid];

	kassert(entry->vspace == vspace);
	vspace->object.dying = 1;
	arch_tlb_flush_asid(vspace->asid);
	entry->vspace = NULL;
	entry->generation++;
	asids_used--;
}

struct vspace *vspace_find(uint32_t aux)
{
	const struct asid_entry *entry;
	unsigned asid = aux & 0xffffu;

	if (asid == 0 || asid > VSPACES_MAX)
		return NULL;
	entry = &asids[asid];
	return entry->generation == aux >> 16 ? entry->vspace : NULL;
}

bool vspace_range_ok(uint64_t vaddr, uint64_t bytes)
{
	return vaddr >= USER_VADDR_MIN && vaddr < USER_VADDR_MAX && bytes <= USER_VADDR_MAX - vaddr;
}

uint64_t *vspace_entry(const struct vspace *vspace, uint64_t vaddr, unsigned level,
		       unsigned *missing)
{
	paddr_t table = vspace->root;

	for (unsigned at = ARCH_PT_ROOT_LEVEL;; at++) {
		uint64_t *entry = (uint64_t *)arch_phys_to_virt(table) + arch_pte_index(vaddr, at);

		if (at == level)
			return entry;
		if (!arch_pte_is_valid(*entry)) {
			*missing = at + 1;
			return NULL;
		}
		if (!arch_pte_is_table(*entry, at)) {
			*missing = 0;
			return NULL;
		}
		table = arch_pte_paddr(*entry);
	}
}

unsigned vspace_missing_table(const struct vspace *vspace, uint64_t vaddr, uint64_t **entry)
{
	unsigned missing = 0;
	unsigned ignored;

	if (vspace_entry(vspace, vaddr, ARCH_PT_LAST_LEVEL, &missing) != NULL || missing == 0)
		return 0;
	*entry = vspace_entry(vspace, vaddr, missing - 1, &ignored);
	return missing;
}
