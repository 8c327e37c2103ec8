/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mapping that a frame's or a page table's slot remembers (<kern/vspace.h>): aux, badge, and for a
 * table the level in bits.  Derivation lock for all.
 */
#pragma once

#include <kern/cap.h>
#include <kern/vspace.h>

/* Whether it is really there, now. */
bool mapping_exists(const struct cap_slot *slot);

/* level: of a table; a frame has none, 0. */
void mapping_remember(struct cap_slot *slot, uint32_t aux, uint64_t vaddr, unsigned level)
	LOCK_REQUIRES(derivation_held);

/*
 * Remove it, if it is still there, with its TLB entries.  A table goes with all that is mapped below;
 * frames and tables below find out when they are used.
 */
void mapping_remove(struct cap_slot *slot) LOCK_REQUIRES(derivation_held);
