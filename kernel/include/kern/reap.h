/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Objects that have no capabilities left but take several steps to destroy: TCBs (another CPU may
 * run the thread, its last record must be consumed) and CNodes (full of slots).
 *
 * Deleting their last capability empties its slot at once; an anchor slot inside the object takes its
 * place in the derivation tree, so the untyped memory below still has a child and cannot be reset,
 * and the object is put on one list.  Whoever deletes, revokes or retypes works on that list; a CPU
 * takes an object off it while it works on it, which keeps the object's memory from being released
 * even over waits.  So nested and circular CNodes are emptied without recursion.
 *
 * Locks: the list is under the derivation lock.  reap_some is called with no lock held.
 * Bad at: telling the deleter of a thread when its memory is free; REVOKE of the untyped does.
 */
#pragma once

#include <kern/cap.h>

struct tcb;

/* Derivation lock.  slot is the last capability; the anchor takes its place and slot is emptied. */
void reap_tcb(struct cap_slot *slot) LOCK_REQUIRES(derivation_held);
void reap_cnode(struct cap_slot *slot) LOCK_REQUIRES(derivation_held);

static inline bool cap_is_anchor(const struct cap_slot *slot)
{
	unsigned holder = (slot->flags & CAP_HELD_MASK) >> CAP_HELD_SHIFT;

	return holder == CAP_HOLDER_ANCHOR_TCB || holder == CAP_HOLDER_ANCHOR_CNODE;
}

/* Nothing waits to be destroyed.  Derivation lock. */
bool reap_idle(void);

/*
 * Do a bounded piece of work on the first object that allows it.  No lock held; may wait for other
 * CPUs, so everything that was looked up before is stale afterwards.  False: no progress was
 * possible now (nothing there, or all wait for a dispatcher or another CPU).
 */
bool reap_some(void);
