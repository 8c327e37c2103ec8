/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is at each page of an address space (or of a shared object): a radix tree of the shape of
 * the hardware's tables, three levels of 512.  Inner entries also remember the capability slot of
 * the hardware table for the same range, so one walk serves both, and which eighths of the node
 * below were ever used, so that walks over a sparse map are short.
 *
 * Pure: nodes are pages that the caller allocates, numbered from 1 on.  A lookup is O(1).
 * The caller's lock guards a map.
 * Bad at: forgetting what was used once; a walk of a map whose pages were dropped one by one looks
 * at 64 entries for each of them that lies alone.
 */
#pragma once

#include <abi/error.h>
#include <abi/types.h>

#define PAGEMAP_PAGES (1ull << 27) /* pages of a 39-bit address space */

#define PAGEMAP_LEVELS 3u

struct pagemap_ops {
	uint32_t (*node_new)(void *context); /* a zeroed page, or 0 */
	void (*node_free)(void *context, uint32_t node);
	uint64_t *nodes; /* node n is the page number n from here */
};

struct pagemap {
	const struct pagemap_ops *ops;
	void *context;
	uint64_t root; /* as an inner entry; 0: empty */
	uint32_t nodes;
};

/* The entries over a page: of 1 GiB, of 2 MiB, and its own. */
struct pagemap_path {
	uint64_t *entry[PAGEMAP_LEVELS];
};

/* A leaf entry, 0: nothing there. */
#define PAGE_USED     1ull  /* the entry means something */
#define PAGE_MAPPED   2ull  /* the hardware has it, through the capability in `slot` */
#define PAGE_WRITE    4ull  /* ... and lets the space write */
#define PAGE_COW      8ull  /* other spaces may have the same frame: copy before writing */
#define PAGE_OWN_SLOT 16ull /* the capability is the frame's own second one, not a copy */
#define PAGE_ARCHIVE  32ull /* `frame` is a page of the boot archive */
#define PAGE_SHARED   64ull /* a page of a shared object: writes are meant for all */
#define PAGE_FLAGS    255ull

/*
 * An inner entry, 0: no node below.  Else page_frame() is that node, page_slot() the hardware table or
 * 0, and bit i of the flags says that of the node's entries 64 i to 64 i + 63 some may be in use.
 */

static inline uint64_t page_entry(uint32_t frame, uint32_t slot, uint64_t flags)
{
	return (uint64_t)slot << 36 | (uint64_t)frame << 8 | flags;
}

static inline uint32_t page_frame(uint64_t entry)
{
	return (uint32_t)(entry >> 8) & 0xfffffffu;
}

static inline uint32_t page_slot(uint64_t entry)
{
	return (uint32_t)(entry >> 36);
}

/* The way to a page, with missing nodes made.  ERR_NO_MEMORY, ERR_RANGE. */
__attribute__((warn_unused_result)) enum error pagemap_make(struct pagemap *map, uint64_t page,
							    struct pagemap_path *path);

/* Whether all nodes and hardware tables over a page are there. */
bool pagemap_complete(const struct pagemap *map, uint64_t page);

/* The first used entry of a page in [*page, end); its page in *page.  NULL: none. */
uint64_t *pagemap_next(const struct pagemap *map, uint64_t *page, uint64_t end);

/*
 * The same in at most so many steps; what is left of them in *steps.  A step finds an entry, or passes a node
 * in which there is none from *page on: those whose pages were dropped stay.  NULL: none below *page, where
 * to go on if that is before the end.
 */
uint64_t *pagemap_next_some(const struct pagemap *map, uint64_t *page, uint64_t end,
			    uint32_t *steps);

/* The most nodes that a map of that many pages has. */
static inline uint64_t pagemap_nodes_max(uint64_t pages)
{
	return pages / 512u + pages / (512u * 512u) + 3u;
}

/* Free all nodes.  `table` is called for each hardware table, lowest level first. */
void pagemap_free(struct pagemap *map, void (*table)(void *context, uint32_t slot), void *context);
