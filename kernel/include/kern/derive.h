/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing slots and the derivation tree (object/derive.c, object/delete.c).  All under the derivation
 * lock.  Fast paths need <kern/cap.h> only.
 *
 * Tree: COPY, MINT and RETYPE make the new slot a child of its source.  parent == NULL: made at
 * boot.  New children come first in the list.  Depth is limited, so that walking down is bounded.
 * Every change of a slot takes a new value of one machine-wide counter as version, so a version is
 * never seen twice, not even when the memory of a CNode is used again.
 */
#pragma once

#include <kern/cap.h>

#define DERIVATION_DEPTH_MAX 256u  /* generations below a boot capability */
#define DERIVATION_BATCH     16u   /* slots changed per hold of the lock */
#define MOVE_CHILDREN_MAX    4096u /* MOVE relinks all children in one hold */

/* Store the fields of an ordinary or held slot; holder bits come with cap->flags. */
void cap_store(struct cap_slot *slot, const struct cap *cap) LOCK_REQUIRES(derivation_held);

/* The count of capabilities to the object, or NULL if none is kept. */
uint32_t *cap_count(const struct cap *cap);

/* Put cap into an empty slot below parent (may be NULL: boot) and count it. */
void cap_insert(struct cap_slot *slot, const struct cap *cap, struct cap_slot *parent)
	LOCK_REQUIRES(derivation_held);

/* Whether a child may be made: ERR_LIMIT if it would be too deep. */
enum error must_check cap_depth_check(const struct cap_slot *parent) LOCK_REQUIRES(derivation_held);

/*
 * What a child of src with at most these rights looks like.  ERR_SLOT_EMPTY, ERR_CAP_TYPE (page
 * tables have exactly one capability), ERR_REVOKE_FIRST (an untyped with children), ERR_LIMIT.
 */
enum error must_check cap_derive(const struct cap_slot *src, unsigned rights, struct cap *out)
	LOCK_REQUIRES(derivation_held);

/* Carry out a successful cap_derive into an empty slot.  A copied untyped is used up by its copy. */
void cap_derive_into(struct cap_slot *src, const struct cap *cap, struct cap_slot *dest)
	LOCK_REQUIRES(derivation_held);

/* src takes an empty dest's place; src is empty then.  At most MOVE_CHILDREN_MAX children. */
bool cap_children_within(const struct cap_slot *slot, unsigned limit);
void cap_move(struct cap_slot *src, struct cap_slot *dest) LOCK_REQUIRES(derivation_held);

/* Unlink from the tree (no children left) and empty it; the count is not touched. */
void cap_clear(struct cap_slot *slot) LOCK_REQUIRES(derivation_held);

/* Work to be done with no lock held, after which everything is looked up again. */
struct cap_work {
	bool (*run)(void *object); /* false: not finished; restart the system call */
	void *object;
};

enum cap_step {
	CAP_STEP_DONE,  /* the slot is empty */
	CAP_STEP_AGAIN, /* a bounded piece was done: drop the lock, look up again, call again */
	CAP_STEP_WORK,  /* the same, but first *work */
};

/* Delete one capability (not an anchor): children go to its parent, mappings are undone, the last
 * capability destroys the object.  Idempotent: an empty slot is DONE. */
enum cap_step must_check cap_delete_step(struct cap_slot *slot, struct cap_work *work)
	LOCK_REQUIRES(derivation_held);

/*
 * Delete descendants of slot, leaves first, at most DERIVATION_BATCH.  DONE: it has no children.
 * *only_anchors: what is left are objects being destroyed (see <kern/reap.h>): reap, then again.
 */
enum cap_step must_check cap_revoke_step(struct cap_slot *slot, struct cap_work *work,
					 bool *only_anchors) LOCK_REQUIRES(derivation_held);

/*
 * Slots held by kernel objects.  cap_hold derives src into an empty held slot.  cap_release undoes it,
 * and tells the holder as revoking does; it must not be the last capability to a TCB or CNode, nor the
 * address space of a thread that runs.  True when the slot is empty, false: call again.
 */
enum error must_check cap_hold(struct cap_slot *held, struct cap_slot *src, enum cap_holder holder)
	LOCK_REQUIRES(derivation_held);
bool cap_release(struct cap_slot *held) LOCK_REQUIRES(derivation_held);

/* cap_held.c: tell the holder that the slot goes away.  WORK/AGAIN: not yet. */
enum cap_step must_check cap_holder_drop(struct cap_slot *slot, struct cap_work *work)
	LOCK_REQUIRES(derivation_held);
