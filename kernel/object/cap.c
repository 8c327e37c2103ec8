/* SPDX-License-Identifier: BSD-2-Clause */
/* Slots are read and looked up without a lock.  See <kern/cap.h> for the protocol. */
#include <kern/arch_if.h>
#include <kern/cap.h>
#include <kern/cnode.h>
#include <kern/reap.h>
#include <kern/tcb.h>

/*
 * Relaxed loads: a torn copy is thrown away by the second look at the version.  The small fields are
 * one word, so that they are one load (the compiler may assume nothing: no strict aliasing).
 */
static void small_fields_read(const struct cap_slot *slot, struct cap *out)
{
	*(uint64_t *)(void *)out = __atomic_load_n((const uint64_t *)(const void *)&slot->type,
						   __ATOMIC_RELAXED);
}

void cap_read(const struct cap_slot *slot, struct cap *out)
{
	for (;;) {
		uint64_t version = __atomic_load_n(&slot->version, __ATOMIC_ACQUIRE);

		if ((version & 1) != 0) {
			arch_spin_pause();
			continue;
		}
		small_fields_read(slot, out);
		out->badge = __atomic_load_n(&slot->badge, __ATOMIC_RELAXED);
		out->object = __atomic_load_n(&slot->object, __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&slot->version, __ATOMIC_RELAXED) == version)
			return;
	}
}

static struct cap_slot *cnode_slot(const struct cap *cnode, uint64_t index)
{
	struct cnode *object = (struct cnode *)(uintptr_t)cnode->object;

	if (index == CPTR_NULL || (index >> cnode->bits) != 0)
		return NULL;
	return &object->slots[index];
}

/*
 * cspace.type is cleared by the CPU that destroys the root CNode; object and bits change only while
 * the thread is stopped and under the derivation lock, so they fit the type that was read here.
 */
static bool root_cnode(const struct tcb *tcb, struct cap *out)
{
	out->type = __atomic_load_n(&tcb->cspace.type, __ATOMIC_RELAXED);
	out->rights = tcb->cspace.rights;
	out->bits = tcb->cspace.bits;
	out->object = tcb->cspace.object;
	return out->type == OBJ_CNODE;
}

enum error cap_lookup(const struct tcb *tcb, cptr_t cptr, struct cap *out)
{
	struct cap root;
	const struct cap_slot *slot;

	if (!root_cnode(tcb, &root))
		return ERR_CAP_INVALID;
	slot = cnode_slot(&root, cptr);
	if (slot == NULL)
		return ERR_CAP_INVALID;
	cap_read(slot, out);
	return out->type == OBJ_NULL ? ERR_CAP_INVALID : ERR_OK;
}

__attribute__((noinline)) enum error cap_lookup_type(const struct tcb *tcb, cptr_t cptr,
						     enum object_type type, unsigned rights,
						     struct cap *out)
{
	enum error error = cap_lookup(tcb, cptr, out);

	if (error != ERR_OK)
		return error;
	if (out->type != type)
		return ERR_CAP_TYPE;
	/* cap_read() fills it word by word.
	 * NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult) */
	if ((out->rights & rights) != rights)
		return ERR_CAP_RIGHTS;
	return ERR_OK;
}

enum error cap_slot_find(const struct tcb *tcb, cptr_t cnode, uint64_t index, struct cap_slot **out)
{
	struct cap cap;
	struct cap_slot *slot;

	if (cnode == CPTR_NULL) {
		if (!root_cnode(tcb, &cap))
			return ERR_CAP_INVALID;
	} else {
		enum error error = cap_lookup_type(tcb, cnode, OBJ_CNODE, RIGHT_CONTROL, &cap);

		if (error != ERR_OK)
			return error;
	}
	/* A CNode that is being emptied must not be filled again. */
	if (cap_is_anchor(cnode_header((struct cnode *)(uintptr_t)cap.object)))
		return ERR_CAP_INVALID;
	slot = cnode_slot(&cap, index);
	if (slot == NULL)
		return ERR_RANGE;
	*out = slot;
	return ERR_OK;
}
