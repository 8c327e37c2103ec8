/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address spaces.  A space is found by its number and used under its lock, which everything below
 * requires unless it says otherwise.
 */
#pragma once

#include "account.h"
#include "lock.h"
#include "pagemap.h"
#include "region.h"

/* A shared object that a space keeps. */
struct holding {
	uint32_t id;   /* 0: unused */
	uint32_t uses; /* regions, + 1 until its maker frees it */
};

struct space {
	struct lock lock;
	uint32_t pid; /* 0: the entry is unused */
	uint32_t vspace;
	struct region_set regions;
	struct pagemap map;
	struct account account;
	/* Of account.pages, those that are not frames of entries or nodes of the map: tables, pages of the
	 * archive, memory of regions, slots, shared objects less what is mapped of them (may be negative). */
	int64_t apart;
	uint32_t tables;
	uint32_t objects; /* holdings in use */
	struct holding holdings[MM_OBJECTS_MAX];
};

/* Once, before the second thread. */
void spaces_init(void);

/* The space, locked, or NULL. */
struct space *space_enter(uint32_t pid);
void space_leave(struct space *space);

/* Without a lock held.  ERR_EXISTS: the entry is in use; ERR_NO_MEMORY. */
__attribute__((warn_unused_result)) enum error space_new(uint32_t pid, uint64_t limit_pages,
							 uint32_t *vspace);
/* Without a lock held.  ERR_NOT_FOUND. */
__attribute__((warn_unused_result)) enum error space_free(uint32_t pid, uint64_t *pages);
/* Without a lock held.  `to` must be empty; after an error it may have some of the regions. */
__attribute__((warn_unused_result)) enum error space_clone(uint32_t from, uint32_t to,
							   uint64_t *pages);

/* Nodes and hardware tables for an address, and its entry.  ERR_NO_MEMORY, ERR_RANGE, ERR_LIMIT. */
__attribute__((warn_unused_result)) enum error space_tables(struct space *space, uint64_t vaddr,
							    uint64_t **entry);

/* Regions: <mm/protocol.h> says what the requests do. */
struct map_args {
	uint64_t vaddr;
	uint64_t bytes;
	uint32_t flags;
	uint32_t object;
	uint64_t offset;
	uint64_t file_bytes;
};

__attribute__((warn_unused_result)) enum error
space_map(struct space *space, const struct map_args *args, uint64_t *vaddr);
/* *end is where the rest begins, if it was too much for one request. */
__attribute__((warn_unused_result)) enum error space_unmap(struct space *space, uint64_t start,
							   uint64_t *end, uint64_t *pages);
/* From *done on, up to there. */
__attribute__((warn_unused_result)) enum error
space_protect(struct space *space, uint64_t start, uint64_t end, uint32_t prot, uint64_t *done);

/* A shared object of the space's process: ERR_NO_MEMORY, ERR_RANGE, ERR_LIMIT. */
__attribute__((warn_unused_result)) enum error space_shared_new(struct space *space, uint64_t bytes,
								uint32_t *id);
/* ERR_NOT_FOUND, ERR_PERMISSION (not the owner).  *more: of so many pages at most, and there may be more. */
__attribute__((warn_unused_result)) enum error space_shared_free(struct space *space, uint32_t id,
								 uint32_t most, bool *more);

/* Numbers for the statistics and the check; without a lock held. */
void spaces_stats(struct mm_stats *stats, uint32_t *frame_refs_held);
