/* SPDX-License-Identifier: BSD-2-Clause */
/* Slots change and are derived.  See <kern/derive.h> for the tree. */
#include <kern/cnode.h>
#include <kern/derive.h>
#include <kern/entry.h>
#include <kern/irq.h>
#include <kern/lock.h>
#include <kern/tcb.h>

static struct spinlock derivation = {.class = LOCK_DERIVATION};
static uint64_t version_last; /* derivation lock; even */

void derivation_lock(void) LOCK_UNCHECKED
{
	spin_lock(&derivation);
}

void derivation_unlock(void) LOCK_UNCHECKED
{
	spin_unlock(&derivation);
}

void cap_store(struct cap_slot *slot, const struct cap *cap)
{
	uint64_t version = version_last + 2;

	version_last = version;
	__atomic_store_n(&slot->version, version - 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	/* The small fields are one word, as where they are read. */
	__atomic_store_n((uint64_t *)(void *)&slot->type, *(const uint64_t *)(const void *)cap,
			 __ATOMIC_RELAXED);
	__atomic_store_n(&slot->badge, cap->badge, __ATOMIC_RELAXED);
	__atomic_store_n(&slot->object, cap->object, __ATOMIC_RELAXED);
	__atomic_store_n(&slot->version, version, __ATOMIC_RELEASE);
}

__attribute__((noinline)) uint32_t *cap_count(const struct cap *cap)
{
	switch ((enum object_type)cap->type) {
	case OBJ_TCB:
	case OBJ_ENDPOINT:
	case OBJ_NOTIFICATION:
	case OBJ_REPLY:
	case OBJ_VSPACE:
		return &((struct object *)(uintptr_t)cap->object)->caps;
	case OBJ_CNODE:
		return &cnode_header((struct cnode *)(uintptr_t)cap->object)->aux;
	case OBJ_IRQ_HANDLER:
		return irq_handler_count(cap->aux);
	default:
		return NULL;
	}
}

/* An empty slot has no links: memory is zero, and slot_empty() leaves none. */
static void tree_link(struct cap_slot *slot, struct cap_slot *parent)
{
	slot->parent = parent;
	if (parent == NULL)
		return;
	slot->next = parent->child;
	if (slot->next != NULL)
		slot->next->prev = slot;
	parent->child = slot;
}

void cap_insert(struct cap_slot *slot, const struct cap *cap, struct cap_slot *parent)
{
	uint32_t *count = cap_count(cap);

	if (count != NULL)
		(*count)++;
	tree_link(slot, parent);
	cap_store(slot, cap);
}

enum error cap_depth_check(const struct cap_slot *parent)
{
	unsigned depth = 0;

	for (; parent != NULL; parent = parent->parent)
		if (++depth >= DERIVATION_DEPTH_MAX)
			return ERR_LIMIT;
	return ERR_OK;
}

enum error cap_derive(const struct cap_slot *src, unsigned rights, struct cap *out)
{
	cap_read(src, out);
	switch ((enum object_type)out->type) {
	case OBJ_NULL:
		return ERR_SLOT_EMPTY;
	case OBJ_PAGE_TABLE:
		return ERR_CAP_TYPE;
	case OBJ_UNTYPED:
		if (src->child != NULL)
			return ERR_REVOKE_FIRST;
		out->aux = 0;
		break;
	case OBJ_FRAME:
	case OBJ_LARGE_FRAME:
		out->aux = 0;
		out->badge = 0;
		break;
	default:
		break;
	}
	out->rights &= (uint8_t)rights; /* and no holder in its flags: it is in a CNode */
	return cap_depth_check(src);
}

void cap_derive_into(struct cap_slot *src, const struct cap *cap, struct cap_slot *dest)
{
	cap_insert(dest, cap, src);
	if (cap->type == OBJ_UNTYPED) {
		struct cap used;

		cap_read(src, &used);
		used.badge = 1ull << used.bits;
		cap_store(src, &used);
	}
}

bool cap_children_within(const struct cap_slot *slot, unsigned limit)
{
	for (const struct cap_slot *child = slot->child; child != NULL; child = child->next)
		if (limit-- == 0)
			return false;
	return true;
}

/* dest gets src's place in the tree; src's own links are left as they are. */
static void tree_replace(struct cap_slot *src, struct cap_slot *dest)
{
	dest->parent = src->parent;
	dest->child = src->child;
	dest->next = src->next;
	dest->prev = src->prev;
	if (dest->next != NULL)
		dest->next->prev = dest;
	if (dest->prev != NULL)
		dest->prev->next = dest;
	else if (dest->parent != NULL)
		dest->parent->child = dest;
	for (struct cap_slot *child = dest->child; child != NULL; child = child->next)
		child->parent = dest;
}

static void slot_empty(struct cap_slot *slot) LOCK_REQUIRES(derivation_held)
{
	static const struct cap null_cap;

	slot->parent = NULL;
	slot->child = NULL;
	slot->next = NULL;
	slot->prev = NULL;
	cap_store(slot, &null_cap);
}

void cap_move(struct cap_slot *src, struct cap_slot *dest)
{
	struct cap cap;

	cap_read(src, &cap);
	tree_replace(src, dest);
	cap_store(dest, &cap);
	slot_empty(src);
}

void cap_clear(struct cap_slot *slot)
{
	kassert(slot->child == NULL);
	if (slot->next != NULL)
		slot->next->prev = slot->prev;
	if (slot->prev != NULL)
		slot->prev->next = slot->next;
	else if (slot->parent != NULL)
		slot->parent->child = slot->next;
	slot_empty(slot);
}

enum error cap_transfer(const struct tcb *sender, cptr_t src, const struct tcb *receiver,
			uint64_t dest_slot)
{
	struct cap_slot *from;
	struct cap_slot *to;
	struct cap cap;
	enum error error;

	derivation_lock();
	error = cap_slot_find(sender, CPTR_NULL, src, &from);
	if (error == ERR_RANGE)
		error = ERR_CAP_INVALID;
	if (error == ERR_OK)
		error = cap_slot_find(receiver, CPTR_NULL, dest_slot, &to);
	if (error == ERR_OK && to->type != OBJ_NULL)
		error = ERR_SLOT_OCCUPIED;
	if (error == ERR_OK)
		error = cap_derive(from, RIGHT_ALL, &cap);
	if (error == ERR_OK)
		cap_derive_into(from, &cap, to);
	derivation_unlock();
	return error == ERR_SLOT_EMPTY ? ERR_CAP_INVALID : error;
}
