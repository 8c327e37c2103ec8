/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Deleting and revoking capabilities, one bounded step per hold of the derivation lock.  Nothing is
 * remembered between steps but what is in the slots and objects themselves, so a step may be
 * followed by a restart of the system call, or by another CPU's step on the same slot.
 */
#include <kern/cnode.h>
#include <kern/derive.h>
#include <kern/entry.h>
#include <kern/irq.h>
#include <kern/mapping.h>
#include <kern/reap.h>
#include <kern/thread.h>
#include <kern/vspace.h>

/* The last capability to an object goes away.  False: call again. */
static bool object_destroy(struct cap_slot *slot) LOCK_REQUIRES(derivation_held)
{
	void *object = (void *)(uintptr_t)slot->object;

	switch ((enum object_type)slot->type) {
	case OBJ_ENDPOINT:
		return endpoint_destroy(object);
	case OBJ_NOTIFICATION:
		return notification_destroy(object);
	case OBJ_REPLY:
		return reply_destroy(object);
	case OBJ_VSPACE:
		vspace_destroy(object);
		return true;
	case OBJ_IRQ_HANDLER:
		return irq_handler_destroy(slot->aux);
	default:
		return true;
	}
}

/* What one capability did by itself is undone. */
static void cap_undo(struct cap_slot *slot) LOCK_REQUIRES(derivation_held)
{
	if (slot->type == OBJ_FRAME || slot->type == OBJ_LARGE_FRAME ||
	    slot->type == OBJ_PAGE_TABLE)
		mapping_remove(slot);
}

/* A bounded number of children become children of slot's parent; true when none is left.  Each is the
 * first of the old list and of the new one, so that nothing stands before it. */
static bool reparent_children(struct cap_slot *slot)
{
	struct cap_slot *parent = slot->parent;

	for (unsigned n = 0; n < DERIVATION_BATCH; n++) {
		struct cap_slot *child = slot->child;

		if (child == NULL)
			return true;
		slot->child = child->next;
		if (child->next != NULL)
			child->next->prev = NULL;
		child->parent = parent;
		child->next = NULL;
		if (parent != NULL) {
			child->next = parent->child;
			if (child->next != NULL)
				child->next->prev = child;
			parent->child = child;
		}
	}
	return slot->child == NULL;
}

enum cap_step cap_delete_step(struct cap_slot *slot, struct cap_work *work)
{
	struct cap cap;
	uint32_t *count;
	enum cap_step step;

	if (slot->type == OBJ_NULL)
		return CAP_STEP_DONE;
	kassert(!cap_is_anchor(slot));
	if (!reparent_children(slot))
		return CAP_STEP_AGAIN;
	step = cap_holder_drop(slot, work);
	if (step != CAP_STEP_DONE)
		return step;

	cap_read(slot, &cap);
	count = cap_count(&cap);
	if (count != NULL && *count == 1) {
		if (cap.type == OBJ_TCB) {
			reap_tcb(slot);
			return CAP_STEP_DONE;
		}
		if (cap.type == OBJ_CNODE) {
			reap_cnode(slot);
			return CAP_STEP_DONE;
		}
		if (!object_destroy(slot))
			return CAP_STEP_AGAIN;
	}
	cap_undo(slot);
	if (count != NULL)
		(*count)--;
	cap_clear(slot);
	return CAP_STEP_DONE;
}

/* A leaf below slot that is not an anchor, looking past a bounded number of anchors.  With nothing below
 * it *only_anchors is left as it is. */
static struct cap_slot *find_leaf(struct cap_slot *slot, bool *only_anchors)
{
	struct cap_slot *leaf = slot->child;
	unsigned seen = 0;

	while (leaf != NULL) {
		if (cap_is_anchor(leaf)) {
			*only_anchors = true;
			leaf = ++seen < 2 * DERIVATION_BATCH ? leaf->next : NULL;
		} else if (leaf->child == NULL) {
			*only_anchors = false;
			return leaf;
		} else {
			leaf = leaf->child;
		}
	}
	return NULL;
}

enum cap_step cap_revoke_step(struct cap_slot *slot, struct cap_work *work, bool *only_anchors)
{
	for (unsigned n = 0; n < DERIVATION_BATCH; n++) {
		struct cap_slot *leaf = find_leaf(slot, only_anchors);
		enum cap_step step;

		if (leaf == NULL)
			return slot->child == NULL ? CAP_STEP_DONE : CAP_STEP_AGAIN;
		step = cap_delete_step(leaf, work);
		if (step != CAP_STEP_DONE)
			return step;
	}
	return CAP_STEP_AGAIN; /* whether that was all is seen then */
}

enum error cap_hold(struct cap_slot *held, struct cap_slot *src, enum cap_holder holder)
{
	struct cap cap;
	enum error error = cap_derive(src, RIGHT_ALL, &cap);

	if (error != ERR_OK)
		return error;
	kassert(held->type == OBJ_NULL);
	cap.flags |= (uint8_t)((unsigned)holder << CAP_HELD_SHIFT);
	cap_derive_into(src, &cap, held);
	return ERR_OK;
}

bool cap_release(struct cap_slot *held)
{
	struct cap_work work;

	return cap_delete_step(held, &work) == CAP_STEP_DONE;
}
