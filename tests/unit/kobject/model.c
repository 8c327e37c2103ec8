/* SPDX-License-Identifier: BSD-2-Clause */
#include "model.h"

#include <criterion/criterion.h>
#include <string.h>

struct model model;

void model_init(void)
{
	memset(&model, 0, sizeof(model));
	for (unsigned i = 0; i < MODEL_SLOTS; i++)
		model.slots[i].parent = MODEL_NONE;
	for (unsigned i = 1; i <= W_SCHED; i++) {
		const struct cap_slot *slot = slot_of(i);

		model.slots[i] = (struct model_slot){.type = type_of(i),
						     .rights = slot->rights,
						     .bits = slot->bits,
						     .object = slot->object,
						     .parent = MODEL_NONE,
						     .node = MODEL_NONE};
	}
}

unsigned model_node_slot(unsigned node, unsigned index)
{
	return MODEL_ROOT + node * MODEL_CNODE + index;
}

bool model_has_children(unsigned slot)
{
	for (unsigned i = 0; i < MODEL_SLOTS; i++)
		if (model.slots[i].type != OBJ_NULL && model.slots[i].parent == slot)
			return true;
	return false;
}

static bool is_empty(unsigned slot)
{
	return model.slots[slot].type == OBJ_NULL;
}

enum error model_copy(unsigned dest, unsigned src, unsigned rights, bool mint, uint64_t badge)
{
	struct model_slot copy = model.slots[src];

	if (!is_empty(dest))
		return ERR_SLOT_OCCUPIED;
	if (is_empty(src))
		return ERR_SLOT_EMPTY;
	if (copy.type == OBJ_PAGE_TABLE)
		return ERR_CAP_TYPE;
	if (copy.type == OBJ_UNTYPED && model_has_children(src))
		return ERR_REVOKE_FIRST;
	if (mint) {
		if (copy.type != OBJ_ENDPOINT && copy.type != OBJ_NOTIFICATION &&
		    copy.type != OBJ_SCHED)
			return ERR_CAP_TYPE;
		if (copy.badge != 0)
			return ERR_ARG;
		copy.badge = badge;
	}
	copy.rights &= rights;
	copy.parent = src;
	if (copy.type == OBJ_UNTYPED)
		model.slots[src].watermark = 1ull << copy.bits;
	model.slots[dest] = copy;
	return ERR_OK;
}

static void adopt(unsigned from, unsigned to)
{
	for (unsigned i = 0; i < MODEL_SLOTS; i++)
		if (!is_empty(i) && model.slots[i].parent == from)
			model.slots[i].parent = to;
}

static void clear(unsigned slot)
{
	memset(&model.slots[slot], 0, sizeof(model.slots[slot]));
	model.slots[slot].parent = MODEL_NONE;
}

enum error model_move(unsigned dest, unsigned src)
{
	if (!is_empty(dest))
		return ERR_SLOT_OCCUPIED;
	if (is_empty(src))
		return ERR_SLOT_EMPTY;
	model.slots[dest] = model.slots[src];
	clear(src);
	adopt(src, dest);
	return ERR_OK;
}

static bool is_last(unsigned slot)
{
	for (unsigned i = 0; i < MODEL_SLOTS; i++)
		if (i != slot && model.slots[i].type == model.slots[slot].type &&
		    model.slots[i].object == model.slots[slot].object)
			return false;
	return true;
}

void model_delete(unsigned slot)
{
	struct model_slot gone = model.slots[slot];
	bool last = is_last(slot);

	if (gone.type == OBJ_NULL)
		return;
	adopt(slot, gone.parent);
	clear(slot);
	if (!last)
		return;
	model.destroyed += gone.type == OBJ_ENDPOINT || gone.type == OBJ_NOTIFICATION;
	model.threads += gone.type == OBJ_TCB;
	if (gone.type != OBJ_CNODE || gone.node == MODEL_NONE)
		return;
	for (unsigned i = 0; i < MODEL_CNODE; i++)
		model_delete(model_node_slot(gone.node, i));
	model.node_used[gone.node] = false;
}

void model_revoke(unsigned slot)
{
	for (;;) {
		unsigned leaf = slot;
		unsigned i = 0;

		while (i < MODEL_SLOTS) {
			if (!is_empty(i) && model.slots[i].parent == leaf) {
				leaf = i;
				i = 0;
			} else {
				i++;
			}
		}
		if (leaf == slot)
			return;
		model_delete(leaf);
	}
}

static unsigned size_bits(enum object_type type, unsigned bits)
{
	switch (type) {
	case OBJ_UNTYPED:
		return bits;
	case OBJ_CNODE:
		return bits + CNODE_SLOT_BITS;
	case OBJ_TCB:
		return 11;
	case OBJ_FRAME:
	case OBJ_PAGE_TABLE:
		return 12;
	default:
		return 6;
	}
}

static unsigned node_take(void)
{
	for (unsigned i = 0; i < MODEL_NODES; i++)
		if (!model.node_used[i]) {
			model.node_used[i] = true;
			return i;
		}
	return MODEL_NONE;
}

static uint64_t object_id(enum object_type type, uint64_t paddr)
{
	if (type == OBJ_UNTYPED || type == OBJ_FRAME)
		return paddr;
	return (uint64_t)(uintptr_t)arch_phys_to_virt(paddr);
}

enum error model_retype(unsigned untyped, enum object_type type, unsigned bits, unsigned count,
			unsigned dest)
{
	struct model_slot *parent = &model.slots[untyped];
	uint64_t bytes = 1ull << size_bits(type, bits);
	uint64_t used = model_has_children(untyped) ? parent->watermark : 0;
	uint64_t from = (parent->object + used + bytes - 1) & ~(bytes - 1);

	for (unsigned i = 0; i < count; i++)
		if (!is_empty(dest + i))
			return ERR_SLOT_OCCUPIED;
	if (from - parent->object + count * bytes > 1ull << parent->bits)
		return ERR_NO_MEMORY;
	parent->watermark = from - parent->object + count * bytes;
	for (unsigned i = 0; i < count; i++)
		model.slots[dest + i] = (struct model_slot){
			.type = type,
			.rights = RIGHT_ALL,
			.bits = type == OBJ_UNTYPED || type == OBJ_CNODE ? bits : 0,
			.object = object_id(type, from + i * bytes),
			.parent = untyped,
			.node = type == OBJ_CNODE ? node_take() : MODEL_NONE};
	return ERR_OK;
}

/* ---- Comparison ------------------------------------------------------------------------------- */

static const struct cap_slot *real_slot(unsigned slot)
{
	if (slot < MODEL_ROOT)
		return slot_of(slot);
	for (unsigned i = 0; i < MODEL_SLOTS; i++) {
		const struct model_slot *at = &model.slots[i];

		if (at->type == OBJ_CNODE && at->node == (slot - MODEL_ROOT) / MODEL_CNODE)
			return &((struct cnode *)(uintptr_t)at->object)
					->slots[(slot - MODEL_ROOT) % MODEL_CNODE];
	}
	return NULL;
}

void model_compare(void)
{
	for (unsigned i = 0; i < MODEL_SLOTS; i++) {
		const struct model_slot *expected = &model.slots[i];
		const struct cap_slot *slot = real_slot(i);

		if (slot == NULL || (i >= MODEL_ROOT && (i - MODEL_ROOT) % MODEL_CNODE == 0))
			continue;
		cr_assert_eq(slot->type, expected->type, "slot %u: type %u, expected %u", i,
			     slot->type, expected->type);
		if (expected->type == OBJ_NULL)
			continue;
		cr_assert_eq(slot->rights, expected->rights, "slot %u", i);
		cr_assert_eq(slot->object, expected->object, "slot %u", i);
		if (expected->type != OBJ_UNTYPED)
			cr_assert_eq(slot->badge, expected->badge, "slot %u", i);
		cr_assert_eq(slot->parent,
			     expected->parent == MODEL_NONE ? NULL : real_slot(expected->parent),
			     "slot %u: parent", i);
	}
	cr_assert_eq(fakes.objects_destroyed, model.destroyed);
	cr_assert_eq(fakes.threads_destroyed, model.threads);
}
