/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All memory: untyped objects become frames, page tables, address spaces; what is given back is
 * kept for the next user of the same type.  Nothing is ever turned back into untyped memory.
 *
 * A frame has two capabilities.  The first maps it in mm's window for ever, where mm clears and
 * copies it; the second is for the first space that maps it, further mappings need copies.
 * One lock inside (see lock.h for the order); clearing and window mapping happen outside of it.
 */
#pragma once

#include "frames.h"

#include <mm/protocol.h>

/* Once, single-threaded. */
void memory_init(const struct mm_start *start);

/* A frame with one reference, or 0 when memory is exhausted.  It is of zeroes from byte `from` on; what
 * is before that is the caller's to write. */
uint32_t frame_new(unsigned from);
/* Drop one reference; the last one frees it.  It is mapped nowhere but in the window. */
void frame_drop(uint32_t n);
struct frame *frame_at(uint32_t n);
void *frame_window(uint32_t n);
cptr_t frame_own_slot(uint32_t n);
cptr_t frame_first_slot(uint32_t n);

/* An empty slot of mm's CNode, or 0. */
uint32_t slot_new(void);
void slot_free(uint32_t slot);

/* A page table that is mapped nowhere; an empty address space.  0: memory is exhausted. */
uint32_t table_new(void);
void table_free(uint32_t slot);
uint32_t vspace_new(void);
void vspace_free(uint32_t slot);

/* frames_total, frames_free, frames_tables of the statistics. */
void memory_stats(struct mm_stats *stats);
/* Frames that were ever used have a number up to this. */
uint32_t memory_frames_seen(void);
