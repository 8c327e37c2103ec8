/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One page of a space: from a region and an access to a frame in the hardware's table.  The space's
 * lock is held throughout, so of two CPUs that fault on one page the second finds it there.
 */
#pragma once

#include "space.h"

/*
 * Make the page readable (or writable, executable) as `access` (FAULT_ACCESS_*) asks; its entry is
 * in *entry.  *raced: it was so already.
 * ERR_FAULT_ADDR: nothing is mapped there; ERR_PERMISSION; ERR_RANGE: the guard page of a stack;
 * ERR_LIMIT: of the space; ERR_NO_MEMORY.
 */
__attribute__((warn_unused_result)) enum error
page_resolve(struct space *space, uint64_t vaddr, uint32_t access, uint64_t **entry, bool *raced);

/* Where mm sees the bytes of a used entry. */
void *page_window(uint64_t entry);

/* Take the page from the space, frame included.  Returns whether a frame of memory was freed. */
void page_drop(struct space *space, uint64_t *entry);

/* Change what the hardware allows to what the region and the entry allow now. */
void page_protect(struct space *space, const struct region *region, uint64_t page, uint64_t *entry);
