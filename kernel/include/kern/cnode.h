/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CNodes: arrays of slots.  Slot 0 is the header; its fields are used as named here.
 *
 *   aux     capabilities to this CNode             (derivation lock)
 *   bits    radix                                  (set when it is made)
 *   badge   next slot to look at when emptying it  (derivation lock)
 *   object  first thread with this root CNode      (derivation lock; linked by tcb->cspace_next)
 *   flags, parent, child, next, prev: while it is being emptied, header is its own anchor in the
 *           derivation tree, see <kern/reap.h>
 *
 * A thread's root CNode is a weak reference: it does not count as a capability, so that a thread
 * whose capabilities are all inside its own CNode can be deleted.  When the last capability to a
 * CNode is deleted the type in the snapshots of its threads is cleared (their look-ups then fail
 * with ERR_CAP_INVALID), the slots are emptied, and only then it leaves the derivation tree; its
 * untyped memory cannot be reset before that, and waits for grace then.  So neither a look-up in
 * progress nor a thread that keeps running ever reads reused memory as slots.
 */
#pragma once

#include <kern/cap.h>

struct tcb;

static inline struct cap_slot *cnode_header(struct cnode *cnode)
{
	return &cnode->slots[0];
}

/* Initialise in zeroed memory.  Derivation lock. */
void cnode_init(struct cnode *cnode, uint8_t radix);

/* Make cap (CNODE) the root CNode of a stopped thread, or none if NULL.  Derivation lock. */
void cnode_set_root(struct tcb *tcb, const struct cap *cap);

/* Clear the root CNode of a bounded number of threads; true when none is left.  Derivation lock. */
bool cnode_release_threads(struct cnode *cnode);
