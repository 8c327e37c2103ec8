/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first objects of a machine of paper, as boot makes them: out of its memory from the bottom up,
 * named by slots of a CNode.  Too little memory ends the test.
 */
#pragma once

#include <abi/object.h>
#include <kern/arch_if.h>
#include <kern/cap.h>

struct host_objects {
	paddr_t next; /* of the memory that is left */
	paddr_t end;
	struct cnode *cnode; /* the first one that is made */
};

struct host_objects host_objects_make(uint64_t ram_bytes);
/* So many bytes, a power of two, aligned to as many. */
paddr_t host_objects_carve(struct host_objects *objects, uint64_t bytes);
/* An object of the kernel; derivation lock.  The first one must be a CNode: it has the slots. */
void *host_objects_new(struct host_objects *objects, enum object_type type, unsigned bits,
		       cptr_t slot);
/* A capability with all rights; derivation lock. */
void host_objects_give(struct host_objects *objects, cptr_t slot, struct cap cap);
void host_objects_give_untyped(struct host_objects *objects, cptr_t slot, unsigned bits,
			       unsigned flags);
