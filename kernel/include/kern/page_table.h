/* SPDX-License-Identifier: BSD-2-Clause */
/* Page tables below the root.  A table has exactly one capability; its slot's bits field holds the
 * level that it is mapped at.  See <kern/vspace.h>. */
#pragma once

#include <kern/cap.h>
#include <kern/vspace.h>

/* Derivation lock. */
void page_table_map(struct cap_slot *slot, struct vspace *vspace, uint64_t vaddr, unsigned level,
		    uint64_t *entry) LOCK_REQUIRES(derivation_held);
