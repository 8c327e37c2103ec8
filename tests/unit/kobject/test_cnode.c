/* SPDX-License-Identifier: BSD-2-Clause */
/* Copying, moving, deleting and revoking capabilities. */
#include "world.h"

#include <kern/core.h>
#include <kern/reap.h>

#include <criterion/criterion.h>
#include <stdlib.h>

TestSuite(cnode, .init = world_reset);

static void endpoint_at(cptr_t slot)
{
	cr_assert_eq(retype(W_UNTYPED, OBJ_ENDPOINT, 0, 1, slot), ERR_OK);
}

static enum error copy_rights(cptr_t dest, cptr_t src, word_t rights)
{
	return call(W_CNODE, METHOD_CNODE_COPY, 3, dest | rights << 32, 0, src);
}

Test(cnode, copy_errors)
{
	endpoint_at(16);
	cr_assert_eq(copy(16, 16), ERR_SLOT_OCCUPIED);
	cr_assert_eq(copy(17, 18), ERR_SLOT_EMPTY);
	cr_assert_eq(copy(0, 16), ERR_RANGE);
	cr_assert_eq(copy(1u << WORLD_RADIX, 16), ERR_RANGE);
	cr_assert_eq(copy(17, 1u << WORLD_RADIX), ERR_RANGE);
	cr_assert_eq(copy_rights(17, 16, 128), ERR_RANGE);
	cr_assert_eq(call(W_CNODE, METHOD_CNODE_COPY, 3, 17, 16, 1), ERR_CAP_TYPE);
	cr_assert_eq(call(W_CNODE, METHOD_CNODE_COPY, 2, 17, 0), ERR_ARG);
	cr_assert_eq(call(W_CNODE, METHOD_TCB_SUSPEND, 0), ERR_METHOD);
	cr_assert_eq(call(W_CNODE, METHOD_CNODE_DELETE, MSG_WORDS_MAX + 1, 17), ERR_ARG);
	cr_assert_eq(type_of(17), OBJ_NULL);
	check_tree();
}

Test(cnode, K_capabilities_rights_only_shrink)
{
	endpoint_at(16);
	cr_assert_eq(copy_rights(17, 16, RIGHT_READ | RIGHT_WRITE), ERR_OK);
	cr_assert_eq(slot_of(17)->rights, RIGHT_READ | RIGHT_WRITE);
	cr_assert_eq(copy_rights(18, 17, RIGHT_ALL), ERR_OK);
	cr_assert_eq(slot_of(18)->rights, RIGHT_READ | RIGHT_WRITE);
	cr_assert_eq(copy_rights(19, 18, RIGHT_GRANT), ERR_OK);
	cr_assert_eq(slot_of(19)->rights, 0);
	cr_assert_eq(slot_of(18)->parent, slot_of(17));
	check_tree();
}

Test(cnode, cnode_needs_control)
{
	endpoint_at(16);
	cr_assert_eq(copy_rights(17, W_CNODE, RIGHT_READ), ERR_OK);
	cr_assert_eq(call(17, METHOD_CNODE_DELETE, 1, 16), ERR_CAP_RIGHTS);
	cr_assert_eq(call(W_CNODE, METHOD_CNODE_COPY, 3, 18 | (word_t)RIGHT_ALL << 32, 17, 16),
		     ERR_CAP_RIGHTS);
}

Test(cnode, K_capabilities_badge_only_once)
{
	endpoint_at(16);
	cr_assert_eq(mint(17, 16, 42), ERR_OK);
	cr_assert_eq(slot_of(17)->badge, 42);
	cr_assert_eq(mint(18, 17, 43), ERR_ARG);
	cr_assert_eq(copy(18, 17), ERR_OK);
	cr_assert_eq(slot_of(18)->badge, 42);
	cr_assert_eq(mint(19, W_SCHED, 7), ERR_OK);
	cr_assert_eq(mint(20, W_CNODE, 7), ERR_CAP_TYPE);
	cr_assert_eq(mint(20, W_UNTYPED, 7), ERR_REVOKE_FIRST);
}

Test(cnode, K_capabilities_move_keeps_the_tree)
{
	endpoint_at(16);
	cr_assert_eq(copy(17, 16), ERR_OK);
	cr_assert_eq(copy(18, 16), ERR_OK);
	cr_assert_eq(copy(19, 18), ERR_OK);
	cr_assert_eq(move(30, 16), ERR_OK);
	cr_assert_eq(type_of(16), OBJ_NULL);
	cr_assert_eq(slot_of(17)->parent, slot_of(30));
	cr_assert_eq(slot_of(30)->parent, slot_of(W_UNTYPED));
	cr_assert_eq(move(31, 18), ERR_OK);
	cr_assert_eq(slot_of(19)->parent, slot_of(31));
	check_tree();
	cr_assert_eq(move(32, 16), ERR_SLOT_EMPTY);
	cr_assert_eq(move(31, 30), ERR_SLOT_OCCUPIED);
	cr_assert_eq(move(30, 30), ERR_SLOT_OCCUPIED);
	cr_assert_eq(revoke(30), ERR_OK);
	cr_assert_eq(type_of(30), OBJ_ENDPOINT);
	cr_assert_eq(type_of(31), OBJ_NULL);
	cr_assert_eq(type_of(19), OBJ_NULL);
	check_tree();
}

/* All children are told their new parent in one hold of the lock. */
Test(cnode, move_takes_so_many_children_along)
{
	struct cap_slot *const slots = calloc(MOVE_CHILDREN_MAX, sizeof(*slots));
	struct cap cap;

	cr_assert_not_null(slots);
	endpoint_at(16);
	cap_read(slot_of(16), &cap);
	derivation_lock();
	for (unsigned i = 0; i < MOVE_CHILDREN_MAX; i++)
		cap_insert(&slots[i], &cap, slot_of(16));
	derivation_unlock();
	cr_assert_eq(copy(17, 16), ERR_OK);
	cr_assert_eq(move(30, 16), ERR_LIMIT);
	cr_assert_eq(type_of(16), OBJ_ENDPOINT);
	cr_assert_eq(delete_cap(17), ERR_OK);
	cr_assert_eq(move(30, 16), ERR_OK);
	for (unsigned i = 0; i < MOVE_CHILDREN_MAX; i++)
		cr_assert_eq(slots[i].parent, slot_of(30));
	free(slots);
}

Test(cnode, K_capabilities_delete_in_the_middle_gives_children_to_the_parent)
{
	endpoint_at(16);
	cr_assert_eq(copy(17, 16), ERR_OK);
	for (cptr_t i = 0; i < 100; i++)
		cr_assert_eq(copy(20 + i, 17), ERR_OK);
	cr_assert_eq(delete_cap(17), ERR_OK);
	for (cptr_t i = 0; i < 100; i++)
		cr_assert_eq(slot_of(20 + i)->parent, slot_of(16));
	check_tree();
	cr_assert_eq(fakes.objects_destroyed, 0);
	cr_assert_eq(delete_cap(16), ERR_OK);
	for (cptr_t i = 0; i < 100; i++)
		cr_assert_eq(slot_of(20 + i)->parent, slot_of(W_UNTYPED));
	for (cptr_t i = 0; i < 99; i++)
		cr_assert_eq(delete_cap(20 + i), ERR_OK);
	cr_assert_eq(fakes.objects_destroyed, 0);
	cr_assert_eq(delete_cap(119), ERR_OK);
	cr_assert_eq(fakes.objects_destroyed, 1);
	cr_assert_eq(delete_cap(119), ERR_OK, "deleting an empty slot is harmless");
	check_tree();
}

/* Capabilities of boot have no parent; when one goes its children have none, and no siblings. */
Test(cnode, children_of_a_boot_capability)
{
	for (cptr_t i = 30; i < 34; i++)
		cr_assert_eq(copy(i, W_SCHED), ERR_OK);
	cr_assert_eq(delete_cap(W_SCHED), ERR_OK);
	for (cptr_t i = 30; i < 34; i++) {
		cr_assert_null(slot_of(i)->parent);
		cr_assert_null(slot_of(i)->next);
		cr_assert_null(slot_of(i)->prev);
	}
	cr_assert_eq(copy(40, 31), ERR_OK);
	cr_assert_eq(revoke(32), ERR_OK);
	cr_assert_eq(type_of(40), OBJ_SCHED);
	check_tree();
}

Test(cnode, destroying_in_steps)
{
	fakes.destroy_steps = 5;
	endpoint_at(16);
	fakes.preempt_every = 1;
	cr_assert_eq(delete_cap(16), ERR_OK);
	cr_assert_geq(world.restarts, 5);
	cr_assert_eq(fakes.objects_destroyed, 1);
	cr_assert_eq(type_of(16), OBJ_NULL);
}

Test(cnode, K_capabilities_revoke_wide_restarts)
{
	endpoint_at(16);
	for (cptr_t i = 0; i < 2000; i++)
		cr_assert_eq(copy(100 + i, 16), ERR_OK);
	fakes.preempt_every = 1;
	cr_assert_eq(revoke(16), ERR_OK);
	cr_assert_geq(world.restarts, 2000 / DERIVATION_BATCH - 1);
	cr_assert_eq(type_of(16), OBJ_ENDPOINT);
	for (cptr_t i = 0; i < 2000; i++)
		cr_assert_eq(type_of(100 + i), OBJ_NULL);
	check_tree();
}

Test(cnode, K_capabilities_revoke_deep_and_the_limit_of_depth)
{
	cptr_t i = 0;
	enum error error = ERR_OK;

	endpoint_at(16);
	while (error == ERR_OK && i < 1000) {
		error = copy(17 + i, 16 + i);
		i++;
	}
	cr_assert_eq(error, ERR_LIMIT);
	cr_assert_eq(i, DERIVATION_DEPTH_MAX - 1);
	fakes.preempt_every = 3;
	cr_assert_eq(revoke(16), ERR_OK);
	for (cptr_t j = 0; j < i; j++)
		cr_assert_eq(type_of(17 + j), OBJ_NULL);
	cr_assert_eq(revoke(W_UNTYPED), ERR_OK);
	cr_assert_eq(type_of(16), OBJ_NULL);
	check_tree();
}

/* A CNode whose last capability goes takes its contents along, with no recursion. */
Test(cnode, nested_cnodes)
{
	for (cptr_t i = 0; i < 200; i++)
		cr_assert_eq(retype(W_UNTYPED, OBJ_CNODE, 2, 1, 100 + i), ERR_OK);
	endpoint_at(16);
	/* Each holds the next one's only capability; the last one the endpoint's. */
	for (cptr_t i = 198; i < 200; i--)
		cr_assert_eq(call(100 + i, METHOD_CNODE_MOVE, 3, 1, 0, 100 + i + 1), ERR_OK);
	cr_assert_eq(call(100, METHOD_CNODE_MOVE, 3, 2, 0, 16), ERR_OK);
	cr_assert_neq(slot_of(W_UNTYPED)->child, NULL);
	fakes.preempt_every = 2;
	cr_assert_eq(delete_cap(100), ERR_OK);
	cr_assert_eq(fakes.objects_destroyed, 1);
	cr_assert_null(slot_of(W_UNTYPED)->child);
	check_tree();
}

/* a holds b's last capability and b holds a's. */
Test(cnode, circle_is_revoked_with_its_memory)
{
	cr_assert_eq(retype(W_UNTYPED, OBJ_UNTYPED, 16, 1, 16), ERR_OK);
	cr_assert_eq(retype(16, OBJ_CNODE, 4, 2, 20), ERR_OK);
	cr_assert_eq(call(20, METHOD_CNODE_COPY, 3, 3 | (word_t)RIGHT_ALL << 32, 0, 20), ERR_OK);
	cr_assert_eq(call(21, METHOD_CNODE_COPY, 3, 5 | (word_t)RIGHT_ALL << 32, 0, 20), ERR_OK);
	cr_assert_eq(call(20, METHOD_CNODE_MOVE, 3, 6, 0, 21), ERR_OK);
	cr_assert_eq(delete_cap(20), ERR_OK);
	cr_assert_not_null(slot_of(16)->child, "it keeps itself alive");
	cr_assert_eq(revoke(16), ERR_OK);
	cr_assert_null(slot_of(16)->child);
	cr_assert(reap_idle());
	check_tree();
}

Test(cnode, root_of_a_thread_disappears)
{
	struct cap found;
	struct tcb *tcb;

	cr_assert_eq(retype(W_UNTYPED, OBJ_CNODE, 4, 1, 16), ERR_OK);
	cr_assert_eq(retype(W_UNTYPED, OBJ_TCB, 0, 20, 20), ERR_OK);
	for (cptr_t i = 20; i < 40; i++)
		cr_assert_eq(call(i, METHOD_TCB_CONFIGURE, 4, 16, W_VSPACE, 0, 0), ERR_OK);
	tcb = (struct tcb *)(uintptr_t)slot_of(20)->object;
	cr_assert_eq(call(16, METHOD_CNODE_MOVE, 3, 3, 0, 20), ERR_OK);
	cr_assert_eq(cap_lookup(tcb, 3, &found), ERR_OK);
	cr_assert_eq(found.type, OBJ_TCB);
	cr_assert_eq(cap_lookup(tcb, 0, &found), ERR_CAP_INVALID);
	cr_assert_eq(cap_lookup(tcb, 16, &found), ERR_CAP_INVALID);
	cr_assert_eq(delete_cap(16), ERR_OK);
	cr_assert_eq(fakes.threads_destroyed, 1, "the thread inside went with it");
	for (cptr_t i = 21; i < 40; i++) {
		tcb = (struct tcb *)(uintptr_t)slot_of(i)->object;
		cr_assert_eq(cap_lookup(tcb, 3, &found), ERR_CAP_INVALID);
		cr_assert_eq(tcb->cspace.type, OBJ_NULL);
		cr_assert_null(tcb->cspace_next);
	}
	check_tree();
}

/* While it is being emptied nothing gets into it, even by a thread that has it as root still. */
Test(cnode, dying_cnode_is_not_filled)
{
	unsigned with_root = 0;

	cr_assert_eq(retype(W_UNTYPED, OBJ_CNODE, 4, 1, 16), ERR_OK);
	cr_assert_eq(retype(W_UNTYPED, OBJ_TCB, 0, 40, 20), ERR_OK);
	endpoint_at(17);
	for (cptr_t i = 20; i < 60; i++)
		cr_assert_eq(call(i, METHOD_TCB_CONFIGURE, 4, 16, W_VSPACE, 0, 0), ERR_OK);
	fakes.preempt_every = 1;
	cr_assert(call_once(W_CNODE, METHOD_CNODE_DELETE, 1, 16));
	for (cptr_t i = 20; i < 60; i++) {
		const struct tcb *tcb = (const struct tcb *)(uintptr_t)slot_of(i)->object;

		with_root += tcb->cspace.type == OBJ_CNODE;
		cr_assert_eq(cap_transfer(world.tcb, 17, tcb, 5), ERR_CAP_INVALID);
	}
	cr_assert_gt(with_root, 0, "the test did not stop in the middle");
	cr_assert_eq(delete_cap(16), ERR_OK);
	cr_assert(reap_idle());
}

/* A thread's memory stays reserved until its record was consumed; deleting does not wait for it. */
Test(cnode, thread_that_takes_long)
{
	fakes.thread_destroy_waits = 3;
	cr_assert_eq(retype(W_UNTYPED, OBJ_UNTYPED, 12, 1, 16), ERR_OK);
	cr_assert_eq(retype(16, OBJ_TCB, 0, 2, 20), ERR_OK);
	cr_assert_eq(delete_cap(20), ERR_OK);
	cr_assert_eq(type_of(20), OBJ_NULL);
	cr_assert_eq(fakes.threads_destroyed, 0);
	cr_assert_not_null(slot_of(16)->child);
	cr_assert_eq(delete_cap(21), ERR_OK);
	/* Room for two is taken by objects on their way out: retype waits for them. */
	cr_assert_eq(retype(16, OBJ_TCB, 0, 2, 20), ERR_OK);
	cr_assert_eq(fakes.threads_destroyed, 2);
	cr_assert_eq(revoke(16), ERR_OK);
	cr_assert_eq(fakes.threads_destroyed, 4);
	cr_assert_null(slot_of(16)->child);
}

/* Threads that cannot go yet do not hold up a CNode, nor make each deletion look at all of them. */
Test(cnode, many_threads_that_take_long)
{
	fakes.thread_destroy_waits = 1000000;
	cr_assert_eq(retype(W_UNTYPED, OBJ_TCB, 0, 200, 1000), ERR_OK);
	for (cptr_t i = 1000; i < 1200; i++)
		cr_assert_eq(delete_cap(i), ERR_OK);
	cr_assert_eq(fakes.threads_destroyed, 0);
	cr_assert_eq(retype(W_UNTYPED, OBJ_CNODE, 8, 1, 16), ERR_OK);
	cr_assert_eq(call(W_UNTYPED, METHOD_UNTYPED_RETYPE, 3, OBJ_ENDPOINT | 200u << 16, 16, 1),
		     ERR_OK);
	cr_assert_eq(delete_cap(16), ERR_OK);
	cr_assert_eq(fakes.objects_destroyed, 200);
	cr_assert(call_once(W_CNODE, METHOD_CNODE_REVOKE, 1, W_UNTYPED), "revoking waits");
	check_tree();
}

/* A new thread in the memory of an old one goes on counting its changes above all old numbers. */
Test(cnode, sequence_of_a_reused_thread)
{
	struct tcb *tcb;
	word_t seq;

	cr_assert_eq(retype(W_UNTYPED, OBJ_UNTYPED, 12, 1, 16), ERR_OK);
	cr_assert_eq(retype(16, OBJ_TCB, 0, 1, 17), ERR_OK);
	tcb = (struct tcb *)(uintptr_t)slot_of(17)->object;
	seq = tcb->seq += 1000;
	host_time_set(arch_now() + 1000000);
	cr_assert_eq(delete_cap(17), ERR_OK);
	cr_assert_eq(retype(16, OBJ_TCB, 0, 1, 17), ERR_OK);
	cr_assert_eq(slot_of(17)->object, (uint64_t)(uintptr_t)tcb);
	cr_assert_gt(tcb->seq, seq);
}

Test(cnode, transfer)
{
	struct tcb *other;

	cr_assert_eq(retype(W_UNTYPED, OBJ_CNODE, 4, 1, 16), ERR_OK);
	cr_assert_eq(retype(W_UNTYPED, OBJ_TCB, 0, 1, 17), ERR_OK);
	endpoint_at(18);
	cr_assert_eq(call(17, METHOD_TCB_CONFIGURE, 4, 16, W_VSPACE, 0, 0), ERR_OK);
	other = (struct tcb *)(uintptr_t)slot_of(17)->object;
	cr_assert_eq(cap_transfer(world.tcb, 18, other, 5), ERR_OK);
	cr_assert_eq(cap_transfer(world.tcb, 18, other, 5), ERR_SLOT_OCCUPIED);
	cr_assert_eq(cap_transfer(world.tcb, 19, other, 6), ERR_CAP_INVALID);
	cr_assert_eq(cap_transfer(world.tcb, 18, other, 16), ERR_RANGE);
	cr_assert_eq(cap_transfer(world.tcb, 18, other, 0), ERR_RANGE);
	cr_assert_eq(revoke(18), ERR_OK);
	cr_assert_eq(cap_transfer(other, 5, world.tcb, 30), ERR_CAP_INVALID);
	check_tree();
}
