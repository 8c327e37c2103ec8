/* SPDX-License-Identifier: BSD-2-Clause */
#include "world.h"
#include "host_objects.h"

#include <kern/core.h>
#include <kern/invoke.h>
#include <kern/reap.h>
#include <kern/thread.h>
#include <kern/untyped.h>
#include <kern/vspace.h>

#include <criterion/criterion.h>
#include <string.h>

struct world world;

static struct host_objects boot;

void world_reset(void)
{
	struct cap cnode;

	fakes_reset();
	host_machine_reset(WORLD_RAM_BYTES, WORLD_ASIDS);
	memset(&world, 0, sizeof(world));
	boot = host_objects_make(WORLD_RAM_BYTES);
	host_objects_new(&boot, OBJ_CNODE, WORLD_RADIX, W_CNODE);
	world.cnode = boot.cnode;
	world.tcb = host_objects_new(&boot, OBJ_TCB, 0, W_TCB);
	world.tcb->vspace = host_objects_new(&boot, OBJ_VSPACE, 0, W_VSPACE);
	host_objects_give_untyped(&boot, W_UNTYPED, 25, 0);
	host_objects_give_untyped(&boot, W_DEVICE, 22, UNTYPED_DEVICE);
	host_objects_give_untyped(&boot, W_PRESERVED, 20, UNTYPED_PRESERVED);
	host_objects_give(&boot, W_IRQ_CONTROL, (struct cap){.type = OBJ_IRQ_CONTROL});
	host_objects_give(&boot, W_SYSTEM, (struct cap){.type = OBJ_SYSTEM});
	host_objects_give(&boot, W_CORE0,
			  (struct cap){.type = OBJ_CORE, .object = (uintptr_t)&cpus[0].core});
	host_objects_give(&boot, W_CORE1,
			  (struct cap){.type = OBJ_CORE, .object = (uintptr_t)&cpus[1].core});
	host_objects_give(&boot, W_SCHED, (struct cap){.type = OBJ_SCHED});
	cap_read(&world.cnode->slots[W_CNODE], &cnode);
	cnode_set_root(world.tcb, &cnode);
	world.tcb->ipc_buffer = &world.buffer;
	world.tcb->state = THREAD_RUNNING;
	cpus[0].core.current = world.tcb;
}

/* words[0] is the length. */
static void set_arguments(enum method method, const word_t *words)
{
	struct user_context *context = &world.tcb->context;

	context->x[1] = msg_info((word_t)method, (unsigned)words[0], 0);
	for (unsigned i = 0; i < MSG_REGS; i++)
		context->x[2 + i] = words[1 + i];
}

static enum invoke_outcome invoke(cptr_t cptr)
{
	struct user_context before = world.tcb->context;
	enum invoke_outcome outcome = INVOKE_DONE;
	struct cap cap;

	if (cap_lookup(world.tcb, cptr, &cap) != ERR_OK) {
		world.tcb->context.x[0] = (uint64_t)-ERR_CAP_INVALID;
		return outcome;
	}
	outcome = invoke_object(world.tcb, cptr, &cap);
	if (outcome == INVOKE_RESTART)
		cr_assert_eq(memcmp(&before, &world.tcb->context, sizeof(before)), 0,
			     "a restarted call changed the context");
	return outcome;
}

enum error call_words(cptr_t cptr, enum method method, const word_t *words)
{
	const struct user_context *context = &world.tcb->context;

	set_arguments(method, words);
	world.restarts = 0;
	while (invoke(cptr) == INVOKE_RESTART)
		cr_assert_lt(++world.restarts, 1000000u, "restarts for ever");
	world.result_words = msg_length(context->x[1]);
	for (unsigned i = 0; i < MSG_REGS; i++)
		world.result[i] = context->x[2 + i];
	return (enum error)(-(int64_t)context->x[0]);
}

bool call_words_once(cptr_t cptr, enum method method, const word_t *words)
{
	set_arguments(method, words);
	return invoke(cptr) == INVOKE_RESTART;
}

enum error retype(cptr_t untyped, enum object_type type, unsigned bits, unsigned count, cptr_t slot)
{
	return call(untyped, METHOD_UNTYPED_RETYPE, 3,
		    (word_t)type | (word_t)bits << 8 | (word_t)count << 16, 0, slot);
}

enum error copy(cptr_t dest, cptr_t src)
{
	return call(W_CNODE, METHOD_CNODE_COPY, 3, dest | (word_t)RIGHT_ALL << 32, 0, src);
}

enum error mint(cptr_t dest, cptr_t src, word_t badge)
{
	return call(W_CNODE, METHOD_CNODE_MINT, 4, dest | (word_t)RIGHT_ALL << 32, 0, src, badge);
}

enum error move(cptr_t dest, cptr_t src)
{
	return call(W_CNODE, METHOD_CNODE_MOVE, 3, dest, 0, src);
}

enum error delete_cap(cptr_t slot)
{
	return call(W_CNODE, METHOD_CNODE_DELETE, 1, slot);
}

enum error revoke(cptr_t slot)
{
	return call(W_CNODE, METHOD_CNODE_REVOKE, 1, slot);
}

struct cap_slot *slot_of(cptr_t slot)
{
	return &world.cnode->slots[slot];
}

enum object_type type_of(cptr_t slot)
{
	return (enum object_type)slot_of(slot)->type;
}

static void check_slot(const struct cap_slot *slot)
{
	const struct cap_slot *before = NULL;

	for (const struct cap_slot *child = slot->child; child != NULL; child = child->next) {
		cr_assert_eq(child->parent, slot);
		cr_assert_eq(child->prev, before);
		before = child;
	}
	if (slot->prev != NULL)
		cr_assert_eq(slot->prev->next, slot);
	else if (slot->parent != NULL)
		cr_assert_eq(slot->parent->child, slot);
	if (slot->next != NULL)
		cr_assert_eq(slot->next->prev, slot);
}

void check_tree(void)
{
	for (cptr_t i = 1; i < 1u << WORLD_RADIX; i++) {
		const struct cap_slot *slot = slot_of(i);

		if (slot->type != OBJ_NULL) {
			check_slot(slot);
			continue;
		}
		cr_assert_null(slot->parent);
		cr_assert_null(slot->child);
		cr_assert_null(slot->next);
		cr_assert_null(slot->prev);
	}
}

enum error map_with_tables(cptr_t frame, cptr_t vspace, uint64_t vaddr, word_t flags,
			   cptr_t *table_slot)
{
	for (;;) {
		enum error error = call(frame, METHOD_FRAME_MAP, 3, vspace, vaddr, flags);

		if (error != ERR_NO_TABLE)
			return error;
		cr_assert_eq(retype(W_UNTYPED, OBJ_PAGE_TABLE, 0, 1, *table_slot), ERR_OK);
		cr_assert_eq(call(*table_slot, METHOD_PAGE_TABLE_MAP, 2, vspace, vaddr), ERR_OK);
		(*table_slot)++;
	}
}
