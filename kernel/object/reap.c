/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The list of objects that are being destroyed.  It is singly linked through the version field of
 * the anchors, which no lock-free reader ever looks at.
 */
#include <base/container.h>
#include <kern/cnode.h>
#include <kern/derive.h>
#include <kern/entry.h>
#include <kern/reap.h>
#include <kern/tcb.h>
#include <kern/tcb_object.h>
#include <kern/thread.h>

#define REAP_TRIES_MAX  16u /* objects that one call of reap_some looks at; the rest comes later */
#define EMPTY_SLOTS_MAX 1024u /* empty slots of a CNode that one step passes over */

/* Derivation lock. */
static struct cap_slot *reap_first;
static struct cap_slot *reap_last;
static unsigned reap_length;

static struct cap_slot *link_of(const struct cap_slot *anchor)
{
	return (struct cap_slot *)(uintptr_t)anchor->version;
}

/* CNodes first: they can always be worked on, threads may have to wait. */
static void push_front(struct cap_slot *anchor)
{
	anchor->version = (uint64_t)(uintptr_t)reap_first;
	reap_first = anchor;
	if (reap_last == NULL)
		reap_last = anchor;
	reap_length++;
}

static void push_back(struct cap_slot *anchor)
{
	anchor->version = 0;
	if (reap_last != NULL)
		reap_last->version = (uint64_t)(uintptr_t)anchor;
	else
		reap_first = anchor;
	reap_last = anchor;
	reap_length++;
}

static struct cap_slot *pop(void)
{
	struct cap_slot *anchor = reap_first;

	if (anchor == NULL)
		return NULL;
	reap_first = link_of(anchor);
	if (reap_first == NULL)
		reap_last = NULL;
	anchor->version = 0;
	reap_length--;
	return anchor;
}

bool reap_idle(void)
{
	return reap_first == NULL;
}

/* The anchor takes slot's place as a leaf; slot becomes empty. */
static __attribute__((noinline)) void anchor_replace(struct cap_slot *anchor, struct cap_slot *slot,
						     enum cap_holder kind)
	LOCK_REQUIRES(derivation_held)
{
	kassert(slot->child == NULL);
	anchor->flags = (uint8_t)((unsigned)kind << CAP_HELD_SHIFT);
	anchor->parent = slot->parent;
	anchor->child = NULL;
	anchor->next = slot->parent != NULL ? slot->parent->child : NULL;
	anchor->prev = NULL;
	if (anchor->next != NULL)
		anchor->next->prev = anchor;
	if (anchor->parent != NULL)
		anchor->parent->child = anchor;
	cap_clear(slot);
	if (kind == CAP_HOLDER_ANCHOR_CNODE)
		push_front(anchor);
	else
		push_back(anchor);
}

static void anchor_remove(struct cap_slot *anchor)
{
	if (anchor->next != NULL)
		anchor->next->prev = anchor->prev;
	if (anchor->prev != NULL)
		anchor->prev->next = anchor->next;
	else if (anchor->parent != NULL)
		anchor->parent->child = anchor->next;
	anchor->parent = NULL;
	anchor->next = NULL;
	anchor->prev = NULL;
}

void reap_tcb(struct cap_slot *slot)
{
	struct tcb *tcb = (struct tcb *)(uintptr_t)slot->object;

	tcb->object.caps = 0;
	anchor_replace(&tcb->anchor, slot, CAP_HOLDER_ANCHOR_TCB);
}

void reap_cnode(struct cap_slot *slot)
{
	struct cap_slot *header = cnode_header((struct cnode *)(uintptr_t)slot->object);

	header->aux = 0;
	header->badge = 1;
	anchor_replace(header, slot, CAP_HOLDER_ANCHOR_CNODE);
}

enum reap_result { REAP_FINISHED, REAP_PROGRESS, REAP_STUCK };

/* The first slot from `from` on that is not empty, or `end`.  Most are: four at a time. */
static uint64_t empty_skip(const struct cnode *cnode, uint64_t from, uint64_t end)
{
	const struct cap_slot *slot = &cnode->slots[from];

	_Static_assert(OBJ_NULL == 0, "or-ing types");
	for (; end - from >= 4; from += 4, slot += 4)
		if ((slot[0].type | slot[1].type | slot[2].type | slot[3].type) != 0)
			break;
	for (; from < end && slot->type == OBJ_NULL; from++)
		slot++;
	return from;
}

/* One batch of slots; the caller holds the lock, which is dropped where work has to be done. */
static enum reap_result cnode_empty_step(struct cap_slot *header) LOCK_REQUIRES(derivation_held)
{
	struct cnode *cnode = (struct cnode *)(void *)header;
	const uint64_t slots = 1ull << header->bits;
	const uint64_t end = slots - header->badge < EMPTY_SLOTS_MAX
				     ? slots
				     : header->badge + EMPTY_SLOTS_MAX;

	if (!cnode_release_threads(cnode))
		return REAP_PROGRESS;
	for (unsigned deleted = 0; deleted < DERIVATION_BATCH; deleted++) {
		struct cap_work work;
		enum cap_step step;
		bool ok = true;

		header->badge = empty_skip(cnode, header->badge, end);
		if (header->badge == end)
			return end == slots ? REAP_FINISHED : REAP_PROGRESS;
		step = cap_delete_step(&cnode->slots[header->badge], &work);
		if (step == CAP_STEP_WORK) {
			derivation_unlock();
			ok = work.run(work.object);
			derivation_lock();
		}
		if (!ok)
			return REAP_STUCK;
		if (step != CAP_STEP_DONE)
			return REAP_PROGRESS;
		header->badge++;
	}
	return REAP_PROGRESS;
}

static enum reap_result tcb_destroy_step(struct tcb *tcb) LOCK_REQUIRES(derivation_held)
{
	bool destroyed;

	derivation_unlock();
	destroyed = thread_destroy(tcb);
	derivation_lock();
	if (!destroyed)
		return REAP_STUCK;
	return tcb_release_caps(tcb) ? REAP_FINISHED : REAP_PROGRESS;
}

/* Taken off the list while it is worked on, so no other CPU finds it. */
static enum reap_result reap_one(struct cap_slot *anchor) LOCK_REQUIRES(derivation_held)
{
	if ((anchor->flags & CAP_HELD_MASK) >> CAP_HELD_SHIFT == CAP_HOLDER_ANCHOR_TCB)
		return tcb_destroy_step(container_of(anchor, struct tcb, anchor));
	return cnode_empty_step(anchor);
}

bool reap_some(void)
{
	bool progress = false;
	unsigned left;

	derivation_lock();
	left = reap_length < REAP_TRIES_MAX ? reap_length : REAP_TRIES_MAX;
	while (!progress && left-- > 0) {
		struct cap_slot *anchor = pop();
		enum reap_result result;

		if (anchor == NULL)
			break;
		result = reap_one(anchor);
		if (result == REAP_FINISHED)
			anchor_remove(anchor);
		else if (result == REAP_PROGRESS)
			push_front(anchor);
		else
			push_back(anchor);
		progress = result != REAP_STUCK;
	}
	derivation_unlock();
	return progress;
}
