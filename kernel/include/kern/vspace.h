/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address spaces and page tables (portable part).
 *
 * A VSpace is 8 KiB: this structure on its first page, the root table on the second.  Lower tables
 * are PAGE_TABLE objects, each mapped by its one capability (it cannot be copied).  A FRAME
 * capability maps at most once; the slot remembers space and address (aux, badge).  A slot's memory
 * of its mapping may be out of date (the table above it was unmapped, the space deleted): every use
 * walks the tables and compares, so a stale slot is the same as an unmapped one.
 *
 * Address-space identifiers: a table asid -> VSpace, each entry with a generation, so that a slot
 * that outlives its VSpace does not name the next user of the number.  The TLB is flushed for an
 * asid before its number becomes free.
 *
 * Locks: derivation lock for asid table and slots; vspace->lock inside it for tables.
 * Bad at: more than VSPACES_MAX address spaces; sharing page tables (never).
 */
#pragma once

#include <abi/object.h>
#include <kern/arch_if.h>
#include <kern/cap.h>
#include <kern/lock.h>

#define VSPACES_MAX 4096u /* at once; fewer if the hardware has fewer identifiers */

struct vspace {
	struct object object;

	/* Set when the object is made; read by arch_switch without a lock. */
	uint64_t word; /* of the space as the architecture loads it, arch_space_word() */
	paddr_t root;  /* of the root table */
	uint16_t asid;
	uint16_t generation; /* of the asid */

	struct spinlock lock; /* the tables, and pages_mapped */
	uint64_t pages_mapped;
};

_Static_assert(sizeof(struct vspace) <= PAGE_SIZE, "the root table is on the second page");

/* Identifiers that are free.  Derivation lock. */
unsigned vspace_asids_free(void);

/* Initialise in zeroed memory; the caller has checked vspace_asids_free().  Derivation lock. */
void vspace_init(struct vspace *vspace);

/* No thread uses it any more: flush, give the identifier back.  Derivation lock. */
void vspace_destroy(struct vspace *vspace);

/* The space that a slot's aux names, or NULL.  Derivation lock. */
struct vspace *vspace_find(uint32_t aux);

/* What a slot that maps something into this space has in aux. */
static inline uint32_t vspace_name(const struct vspace *vspace)
{
	return (uint32_t)vspace->asid | (uint32_t)vspace->generation << 16;
}

/* Whether [vaddr, vaddr + bytes) may be mapped by users. */
bool vspace_range_ok(uint64_t vaddr, uint64_t bytes);

/*
 * The entry for vaddr at the given level, or NULL with the level of the missing table in *missing
 * (0: a large page is in the way).  vspace->lock.
 */
uint64_t *vspace_entry(const struct vspace *vspace, uint64_t vaddr, unsigned level,
		       unsigned *missing);

/* First level at which vaddr has no table below (a table can be installed there): the level that the
 * new table gets, and the entry that is to point to it; 0: nothing is missing, or a large page. */
unsigned vspace_missing_table(const struct vspace *vspace, uint64_t vaddr, uint64_t **entry);
