/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames: memory that users map.  See <kern/vspace.h>. */
#pragma once

#include <kern/cap.h>
#include <kern/vspace.h>

static inline unsigned frame_bits(enum object_type type)
{
	return type == OBJ_LARGE_FRAME ? LARGE_PAGE_BITS : PAGE_BITS;
}

static inline unsigned frame_level(enum object_type type)
{
	return type == OBJ_LARGE_FRAME ? ARCH_PT_LARGE_LEVEL : ARCH_PT_LAST_LEVEL;
}

/*
 * Write the entry, publish it, remember it in the slot.  Everything was checked: entry is that of
 * vaddr in vspace and empty, or holds this very slot's mapping (then the page is flushed).
 * Derivation lock.
 */
void frame_map(struct cap_slot *slot, struct vspace *vspace, uint64_t vaddr, uint32_t map_flags,
	       uint64_t *entry) LOCK_REQUIRES(derivation_held);
