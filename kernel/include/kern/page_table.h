/* SPDX-License-Identifier: BSD-2-Clause */
/* Page tables below the root.  A table has exactly one capability; its slot's bits field holds the
 * level that it is mapped at.  See <kern/vspace.h>. */
#pragma once

#include <kern/cap.h>
#include <kern/vspace.h>

/* Derivation lock for all. */
bool page_table_is_mapped(const struct cap_slot *slot);
void page_table_map(struct cap_slot *slot, struct vspace *vspace, uint64_t vaddr, unsigned level,
		    uint64_t *entry) LOCK_REQUIRES(derivation_held);
/* Remove it with all that is mapped below; frames and tables below find out when they are used. */
void page_table_unmap(struct cap_slot *slot) LOCK_REQUIRES(derivation_held);
