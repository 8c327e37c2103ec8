/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared memory objects: pages that several spaces map.  A page gets its frame at the first touch
 * through any of the mappings.  An object lives until its owner frees it and its last region is
 * gone.  One lock for all objects, taken after a space's.
 */
#pragma once

#include <abi/error.h>
#include <abi/types.h>

/* ERR_NO_MEMORY; ERR_RANGE: no such size. */
__attribute__((warn_unused_result)) enum error shared_new(uint32_t owner, uint64_t bytes,
							  uint32_t *id);
/* pid 0: everybody.  ERR_NOT_FOUND, ERR_PERMISSION (not the owner), ERR_LIMIT. */
__attribute__((warn_unused_result)) enum error shared_allow(uint32_t owner, uint32_t id,
							    uint32_t pid);
/* most: as for shared_fade().  *more: so many were there, and it is still the owner's. */
__attribute__((warn_unused_result)) enum error shared_free(uint32_t owner, uint32_t id,
							   uint32_t most, bool *more);
/*
 * Before the owner or a region lets go of it: if nobody else has it, so many of its pages at most go, and
 * nobody maps it any more.  How many went; fewer than `most`: what is left to do is short.
 */
uint32_t shared_fade(uint32_t id, uint32_t most);

/* Pages that it may take; 0: there is no such object. */
uint64_t shared_cost(uint32_t id);

/* For a region of `pid` over pages [first, first + count).  ERR_NOT_FOUND, ERR_PERMISSION,
 * ERR_RANGE. */
__attribute__((warn_unused_result)) enum error shared_attach(uint32_t pid, uint32_t id,
							     uint64_t first, uint64_t count);
/* One more region of an object that has one already (a split, a clone). */
void shared_attach_again(uint32_t id);
void shared_detach(uint32_t id);

/* The frame of a page, with one more reference; 0: memory is exhausted. */
uint32_t shared_frame(uint32_t id, uint64_t page);

/* Frames held by all objects, their nodes included: for the check. */
uint32_t shared_frames_held(void);
/* And by what mm keeps about them. */
uint32_t shared_table_frames(void);
