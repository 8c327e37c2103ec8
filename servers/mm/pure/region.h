/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The regions of one address space: an ordered set of disjoint page ranges, each of one kind and
 * protection.  Pure: no system call, no allocation; the caller brings the nodes and the lock.
 *
 * Invariants: start < end, both page multiples; regions are disjoint and sorted by start.
 * find, insert, erase: O(log n).  Bad at: merging neighbours (it never does).
 */
#pragma once

#include <abi/error.h>
#include <abi/types.h>
#include <base/rbtree.h>
#include <mm/protocol.h>

struct region {
	struct rb_node node;
	uint64_t start;
	uint64_t end;
	uint32_t kind;        /* enum mm_kind */
	uint32_t prot;        /* MM_PROT_* */
	uint64_t file_offset; /* FILE: byte of the archive at start */
	uint64_t file_bytes;  /* FILE: from start on; the rest of the region is zero */
	uint64_t object_page; /* SHARED: page of the object at start */
	uint32_t object;      /* SHARED */
	uint32_t guard;       /* STACK: the lowest page is never given a frame */
};

struct region_set {
	struct rb_tree tree;
	uint32_t count;
	uint64_t bytes; /* sum of all regions */
};

/* The region with start <= vaddr < end, or NULL. */
struct region *region_find(const struct region_set *set, uint64_t vaddr);

/* The lowest region with end > vaddr, or NULL. */
struct region *region_first_from(const struct region_set *set, uint64_t vaddr);
struct region *region_next(const struct region *region);

/* ERR_EXISTS if it meets another region, ERR_ARG if it is empty or not page-aligned. */
__attribute__((warn_unused_result)) enum error region_insert(struct region_set *set,
							     struct region *region);
void region_erase(struct region_set *set, struct region *region);

/* Cut at vaddr, strictly inside `region`; `upper` becomes [vaddr, end) and is inserted. */
void region_split(struct region_set *set, struct region *region, uint64_t vaddr,
		  struct region *upper);

/* The lowest gap of that many bytes within [min, max), with one page free on either side; 0: none.
 * O(n). */
uint64_t region_gap(const struct region_set *set, uint64_t bytes, uint64_t min, uint64_t max);

/* Whether [start, end) is covered without a hole. */
bool region_covers(const struct region_set *set, uint64_t start, uint64_t end);

/* The invariants, for tests. */
bool region_check(const struct region_set *set);
