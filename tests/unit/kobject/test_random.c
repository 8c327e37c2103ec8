/* SPDX-License-Identifier: BSD-2-Clause */
/* Long random sequences of capability operations against the model. */
#include "model.h"

#include <kern/reap.h>

#include <criterion/criterion.h>

#define STEPS 2000u

static uint64_t state;

static unsigned random_below(unsigned limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 33) % limit;
}

/* A CNode and an index in it: of the root, or of a CNode in one of its slots. */
struct place {
	cptr_t cnode;
	cptr_t index;
	unsigned slot; /* of the model */
};

static struct place random_place(void)
{
	struct place place = {.cnode = 0, .index = W_FREE + random_below(MODEL_ROOT - W_FREE)};
	unsigned root = W_FREE + random_below(MODEL_ROOT - W_FREE);
	const struct model_slot *slot = &model.slots[root];

	place.slot = (unsigned)place.index;
	if (slot->type == OBJ_CNODE && slot->node != MODEL_NONE &&
	    (slot->rights & RIGHT_CONTROL) != 0) {
		place.cnode = root;
		place.index = 1 + random_below(MODEL_CNODE - 1);
		place.slot = model_node_slot(slot->node, (unsigned)place.index);
	}
	return place;
}

static cptr_t target(const struct place *place)
{
	return place->cnode == 0 ? W_CNODE : place->cnode;
}

static void step_copy(void)
{
	struct place dest = random_place();
	struct place src = random_place();
	unsigned rights = random_below(3) == 0 ? random_below(RIGHT_ALL + 1) : RIGHT_ALL;
	bool mint = random_below(3) == 0;
	word_t badge = random_below(100);
	enum error expected = model_copy(dest.slot, src.slot, rights, mint, badge);
	enum error error = call(target(&dest), mint ? METHOD_CNODE_MINT : METHOD_CNODE_COPY, 4,
				dest.index | (word_t)rights << 32, src.cnode, src.index, badge);

	/* Two things wrong at once: either may be said. */
	if (expected == ERR_SLOT_OCCUPIED || expected == ERR_SLOT_EMPTY)
		cr_assert(error == ERR_SLOT_OCCUPIED || error == ERR_SLOT_EMPTY);
	else
		cr_assert(error == expected || (mint && expected == ERR_REVOKE_FIRST),
			  "copy: %d, expected %d", (int)error, (int)expected);
}

static void step_move(void)
{
	struct place dest = random_place();
	struct place src = random_place();
	enum error expected = model_move(dest.slot, src.slot);
	enum error error = call(target(&dest), METHOD_CNODE_MOVE, 3, dest.index, src.cnode,
				src.index);

	if (expected == ERR_OK)
		cr_assert_eq(error, ERR_OK);
	else
		cr_assert_neq(error, ERR_OK);
}

static void step_retype(void)
{
	static const enum object_type types[] = {OBJ_ENDPOINT, OBJ_ENDPOINT,   OBJ_NOTIFICATION,
						 OBJ_FRAME,    OBJ_PAGE_TABLE, OBJ_TCB,
						 OBJ_CNODE,    OBJ_CNODE,      OBJ_UNTYPED};
	enum object_type type = types[random_below(sizeof(types) / sizeof(types[0]))];
	unsigned bits = type == OBJ_CNODE ? MODEL_RADIX : 0;
	unsigned count = 1 + random_below(3);
	unsigned dest = W_FREE + random_below(MODEL_ROOT - W_FREE - 3);
	unsigned untyped = W_FREE + random_below(MODEL_ROOT - W_FREE);
	enum error expected;

	if (random_below(4) == 0 || model.slots[untyped].type != OBJ_UNTYPED ||
	    (model.slots[untyped].rights & RIGHT_CONTROL) == 0)
		untyped = W_UNTYPED;
	if (type == OBJ_UNTYPED)
		bits = 12 + random_below(4);
	expected = model_retype(untyped, type, bits, count, dest);
	cr_assert_eq(retype(untyped, type, bits, count, dest), expected);
}

static void step_delete(void)
{
	struct place place = random_place();

	model_delete(place.slot);
	cr_assert_eq(call(target(&place), METHOD_CNODE_DELETE, 1, place.index), ERR_OK);
}

static void step_revoke(void)
{
	struct place place = random_place();
	enum error error;

	/* A CNode that goes away while something in it is revoked: the operation cannot end well. */
	if (place.cnode != 0)
		return;
	model_revoke(place.slot);
	error = call(W_CNODE, METHOD_CNODE_REVOKE, 1, place.index);
	cr_assert_eq(error, ERR_OK);
}

static void run(uint64_t seed, unsigned preempt_every, unsigned waits)
{
	world_reset();
	model_init();
	state = seed * 0x9e3779b97f4a7c15ull + 1;
	fakes.preempt_every = preempt_every;
	fakes.destroy_steps = waits;
	/* The kernel's own cursor of restarts is not the model's business. */
	for (unsigned i = 0; i < STEPS; i++) {
		unsigned what = random_below(16);

		if (what < 5)
			step_copy();
		else if (what < 7)
			step_move();
		else if (what < 11)
			step_retype();
		else if (what < 15)
			step_delete();
		else
			step_revoke();
		cr_assert(reap_idle());
		model_compare();
		check_tree();
	}
	model_revoke(W_UNTYPED);
	cr_assert_eq(revoke(W_UNTYPED), ERR_OK);
	model_compare();
	cr_assert_null(slot_of(W_UNTYPED)->child);
}

Test(random, plain)
{
	for (uint64_t seed = 1; seed <= 6; seed++)
		run(seed, 0, 0);
}

Test(random, restarts_everywhere)
{
	for (uint64_t seed = 100; seed < 103; seed++)
		run(seed, 1, 0);
}

Test(random, objects_that_take_steps)
{
	for (uint64_t seed = 200; seed < 203; seed++)
		run(seed, 3, 2);
}
