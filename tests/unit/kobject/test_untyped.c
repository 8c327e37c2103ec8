/* SPDX-License-Identifier: BSD-2-Clause */
/* Making objects of untyped memory, and getting the memory back. */
#include "world.h"

#include <kern/untyped.h>

#include <criterion/criterion.h>
#include <string.h>

TestSuite(untyped, .init = world_reset);

static uint64_t free_bytes(cptr_t untyped)
{
	cr_assert_eq(call(untyped, METHOD_UNTYPED_INFO, 0), ERR_OK);
	cr_assert_eq(world.result_words, 3);
	return world.result[2];
}

static bool is_zero(paddr_t paddr, uint64_t bytes)
{
	const unsigned char *p = arch_phys_to_virt(paddr);

	return p[0] == 0 && memcmp(p, p + 1, bytes - 1) == 0;
}

Test(untyped, refuses)
{
	cr_assert_eq(retype(W_UNTYPED, OBJ_NULL, 0, 1, 16), ERR_ARG);
	cr_assert_eq(retype(W_UNTYPED, OBJ_COUNT, 0, 1, 16), ERR_ARG);
	cr_assert_eq(retype(W_UNTYPED, OBJ_CORE, 0, 1, 16), ERR_ARG);
	cr_assert_eq(retype(W_UNTYPED, OBJ_IRQ_HANDLER, 0, 1, 16), ERR_ARG);
	cr_assert_eq(retype(W_UNTYPED, OBJ_ENDPOINT, 0, 0, 16), ERR_RANGE);
	cr_assert_eq(retype(W_UNTYPED, OBJ_ENDPOINT, 0, 257, 16), ERR_RANGE);
	cr_assert_eq(retype(W_UNTYPED, OBJ_UNTYPED, 11, 1, 16), ERR_RANGE);
	cr_assert_eq(retype(W_UNTYPED, OBJ_UNTYPED, 41, 1, 16), ERR_RANGE);
	cr_assert_eq(retype(W_UNTYPED, OBJ_CNODE, 0, 1, 16), ERR_RANGE);
	cr_assert_eq(retype(W_UNTYPED, OBJ_CNODE, 21, 1, 16), ERR_RANGE);
	cr_assert_eq(retype(W_UNTYPED, OBJ_UNTYPED, 26, 1, 16), ERR_NO_MEMORY);
	cr_assert_eq(retype(W_UNTYPED, OBJ_LARGE_FRAME, 0, 17, 16), ERR_NO_MEMORY);
	cr_assert_eq(retype(W_UNTYPED, OBJ_ENDPOINT, 0, 2, (1u << WORLD_RADIX) - 1), ERR_RANGE);
	cr_assert_eq(retype(W_UNTYPED, OBJ_ENDPOINT, 0, 2, W_SCHED), ERR_SLOT_OCCUPIED);
	cr_assert_eq(retype(W_UNTYPED, OBJ_ENDPOINT, 0, 2, UINT64_MAX), ERR_RANGE);
	cr_assert_null(slot_of(W_UNTYPED)->child, "nothing was made");
	cr_assert_eq(free_bytes(W_UNTYPED), 32u << 20);
}

Test(untyped, second_slot_taken_changes_nothing)
{
	cr_assert_eq(retype(W_UNTYPED, OBJ_ENDPOINT, 0, 1, 20), ERR_OK);
	cr_assert_eq(retype(W_UNTYPED, OBJ_ENDPOINT, 0, 8, 16), ERR_SLOT_OCCUPIED);
	for (cptr_t i = 16; i < 20; i++)
		cr_assert_eq(type_of(i), OBJ_NULL);
}

Test(untyped, K_capabilities_natural_alignment)
{
	static const struct {
		enum object_type type;
		unsigned bits;
		uint64_t bytes;
	} kinds[] = {{OBJ_ENDPOINT, 0, 64},      {OBJ_TCB, 0, 2048},
		     {OBJ_REPLY, 0, 64},         {OBJ_VSPACE, 0, 8192},
		     {OBJ_NOTIFICATION, 0, 64},  {OBJ_FRAME, 0, 4096},
		     {OBJ_ENDPOINT, 0, 64},      {OBJ_LARGE_FRAME, 0, 2u << 20},
		     {OBJ_PAGE_TABLE, 0, 4096},  {OBJ_CNODE, 7, 8192},
		     {OBJ_UNTYPED, 14, 1u << 14}};
	paddr_t end = slot_of(W_UNTYPED)->object;

	for (cptr_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct cap_slot *slot = slot_of(16 + i);
		paddr_t paddr;

		cr_assert_eq(retype(W_UNTYPED, kinds[i].type, kinds[i].bits, 1, 16 + i), ERR_OK);
		paddr = slot->object;
		if (paddr < HOST_RAM_BASE || paddr > HOST_RAM_BASE + WORLD_RAM_BYTES)
			paddr = arch_virt_to_phys((void *)(uintptr_t)slot->object);
		cr_assert_eq(paddr % kinds[i].bytes, 0);
		cr_assert_geq(paddr, end);
		end = paddr + kinds[i].bytes;
		cr_assert_eq(slot->rights, RIGHT_ALL);
		cr_assert_eq(slot->parent, slot_of(W_UNTYPED));
	}
	check_tree();
}

Test(untyped, K_capabilities_exhaustion_to_the_last_byte)
{
	cr_assert_eq(retype(W_UNTYPED, OBJ_UNTYPED, 14, 1, 16), ERR_OK);
	cr_assert_eq(retype(16, OBJ_ENDPOINT, 0, 256, 100), ERR_OK);
	cr_assert_eq(free_bytes(16), 0);
	cr_assert_eq(retype(16, OBJ_ENDPOINT, 0, 1, 17), ERR_NO_MEMORY);
	cr_assert_eq(revoke(16), ERR_OK);
	cr_assert_eq(free_bytes(16), 1u << 14);
	cr_assert_eq(fakes.objects_destroyed, 256);
}

Test(untyped, K_capabilities_reuse_waits_for_grace_and_is_zeroed)
{
	paddr_t paddr;

	cr_assert_eq(retype(W_UNTYPED, OBJ_FRAME, 0, 4, 16), ERR_OK);
	cr_assert_eq(fakes.graces, 0, "fresh memory needs none");
	paddr = slot_of(16)->object;
	cr_assert(is_zero(paddr, 4 * PAGE_SIZE));
	memset(arch_phys_to_virt(paddr), 0x77, 4 * PAGE_SIZE);
	cr_assert_eq(revoke(W_UNTYPED), ERR_OK);
	cr_assert_eq(retype(W_UNTYPED, OBJ_FRAME, 0, 2, 16), ERR_OK);
	cr_assert_eq(fakes.graces, 1);
	cr_assert_eq(slot_of(16)->object, paddr);
	cr_assert(is_zero(paddr, 2 * PAGE_SIZE));
	cr_assert_eq(retype(W_UNTYPED, OBJ_FRAME, 0, 2, 18), ERR_OK);
	cr_assert_eq(fakes.graces, 1, "not again while it has children");
	cr_assert(is_zero(paddr, 4 * PAGE_SIZE));
}

/* Somebody else makes and deletes an object during the grace period: it does not cover that one. */
static void meddle(void)
{
	struct user_context saved = world.tcb->context;

	fakes.on_grace = NULL;
	cr_assert_eq(retype(W_UNTYPED, OBJ_ENDPOINT, 0, 1, 40), ERR_OK);
	cr_assert_eq(delete_cap(40), ERR_OK);
	world.tcb->context = saved;
}

Test(untyped, grace_that_was_overtaken_is_repeated)
{
	cr_assert_eq(retype(W_UNTYPED, OBJ_ENDPOINT, 0, 1, 16), ERR_OK);
	cr_assert_eq(delete_cap(16), ERR_OK);
	fakes.on_grace = meddle;
	cr_assert_eq(retype(W_UNTYPED, OBJ_ENDPOINT, 0, 1, 16), ERR_OK);
	/* One that was overtaken, one inside meddle, one more. */
	cr_assert_eq(fakes.graces, 3);
}

/* While a retype waits for grace, its capability makes room for another one. */
static void meddle_with_the_slot(void)
{
	struct user_context saved = world.tcb->context;

	fakes.on_grace = NULL;
	cr_assert_eq(delete_cap(40), ERR_OK);
	cr_assert_eq(retype(W_UNTYPED, OBJ_ENDPOINT, 0, 1, 40), ERR_OK);
	world.tcb->context = saved;
}

Test(untyped, grace_after_which_it_is_another_object)
{
	cr_assert_eq(retype(W_UNTYPED, OBJ_UNTYPED, 14, 1, 40), ERR_OK);
	cr_assert_eq(retype(40, OBJ_ENDPOINT, 0, 1, 16), ERR_OK);
	cr_assert_eq(delete_cap(16), ERR_OK);
	fakes.on_grace = meddle_with_the_slot;
	cr_assert_eq(retype(40, OBJ_ENDPOINT, 0, 1, 16), ERR_CAP_INVALID);
	cr_assert_eq(slot_of(16)->type, OBJ_NULL);
}

/* Interrupted again and again: it waits once, and is interrupted between the pieces after that. */
Test(untyped, grace_is_not_lost_when_something_else_is_to_be_done)
{
	cr_assert_eq(retype(W_UNTYPED, OBJ_ENDPOINT, 0, 1, 16), ERR_OK);
	cr_assert_eq(delete_cap(16), ERR_OK);
	fakes.preempt_every = 1;
	cr_assert_eq(retype(W_UNTYPED, OBJ_LARGE_FRAME, 0, 1, 16), ERR_OK);
	cr_assert_eq(fakes.graces, 1);
	cr_assert_geq(world.restarts, (2u << 20) / ZERO_BYTES_MAX - 1);
}

Test(untyped, large_memory_is_zeroed_in_pieces)
{
	paddr_t paddr = slot_of(W_UNTYPED)->object;

	fakes.preempt_every = 1;
	cr_assert_eq(retype(W_UNTYPED, OBJ_LARGE_FRAME, 0, 3, 16), ERR_OK);
	cr_assert_geq(world.restarts, 3u * (2u << 20) / ZERO_BYTES_MAX - 1);
	cr_assert(is_zero(paddr, 3u * (2u << 20)));
	cr_assert_leq(host_counters.zeroed_bytes, (3u * (2u << 20)) + (2u << 20),
		      "no piece is zeroed again after a restart");
}

/* Given up in the middle: what is known to be zero is used by the next, whatever its size. */
Test(untyped, abandoned_zeroing_is_not_lost_and_not_trusted_too_far)
{
	paddr_t paddr = slot_of(W_UNTYPED)->object;
	word_t large = OBJ_LARGE_FRAME | 1u << 16;

	fakes.preempt_every = 1;
	cr_assert_eq(retype(W_UNTYPED, OBJ_ENDPOINT, 0, 1, 16), ERR_OK);
	for (unsigned i = 0; i < 3; i++)
		cr_assert(call_once(W_UNTYPED, METHOD_UNTYPED_RETYPE, 3, large, 0, 17));
	fakes.preempt_every = 0;
	cr_assert_eq(retype(W_UNTYPED, OBJ_FRAME, 0, 64, 20), ERR_OK);
	cr_assert_eq(slot_of(20)->object, paddr + PAGE_SIZE);
	cr_assert(is_zero(paddr + PAGE_SIZE, 64 * PAGE_SIZE));
	/* What was known to be zero is not after it was used. */
	memset(arch_phys_to_virt(paddr), 0x77, 65 * PAGE_SIZE);
	cr_assert_eq(revoke(W_UNTYPED), ERR_OK);
	cr_assert_eq(retype(W_UNTYPED, OBJ_FRAME, 0, 65, 20), ERR_OK);
	cr_assert(is_zero(paddr, 65 * PAGE_SIZE));
}

Test(untyped, device_and_preserved)
{
	paddr_t archive = slot_of(W_PRESERVED)->object;

	cr_assert_eq(retype(W_DEVICE, OBJ_ENDPOINT, 0, 1, 16), ERR_ARG);
	cr_assert_eq(retype(W_PRESERVED, OBJ_CNODE, 4, 1, 16), ERR_ARG);
	cr_assert_eq(retype(W_PRESERVED, OBJ_UNTYPED, 14, 1, 16), ERR_OK);
	cr_assert_eq(slot_of(16)->flags, UNTYPED_PRESERVED);
	cr_assert_eq(retype(16, OBJ_FRAME, 0, 4, 20), ERR_OK);
	cr_assert_eq(slot_of(20)->object, archive);
	cr_assert_eq(*(unsigned char *)arch_phys_to_virt(archive), 0xa5, "kept");
	cr_assert_eq(slot_of(20)->flags, 0, "it is ordinary memory");
	cr_assert_eq(retype(W_DEVICE, OBJ_UNTYPED, 13, 1, 30), ERR_OK);
	cr_assert_eq(retype(30, OBJ_FRAME, 0, 1, 31), ERR_OK);
	cr_assert_eq(slot_of(31)->flags, FRAME_CAP_DEVICE);
	cr_assert_eq(retype(W_UNTYPED, OBJ_TCB, 0, 1, 40), ERR_OK);
	cr_assert_eq(call(40, METHOD_TCB_CONFIGURE, 4, 0, W_VSPACE, 31, 0x20000), ERR_ARG,
		     "no IPC buffer in a device");
}

/* What the boot archive leaves begins anywhere. */
Test(untyped, objects_are_aligned_where_the_memory_is_not)
{
	struct cap_slot *slot = slot_of(W_PRESERVED);

	slot->object += PAGE_SIZE;
	slot->bits = 19;
	cr_assert_eq(retype(W_PRESERVED, OBJ_UNTYPED, 14, 2, 16), ERR_OK);
	cr_assert_eq(slot_of(16)->object, slot->object - PAGE_SIZE + (1u << 14));
	cr_assert_eq(slot_of(17)->object, slot_of(16)->object + (1u << 14));
	cr_assert_eq(retype(W_PRESERVED, OBJ_UNTYPED, 14, 30, 20), ERR_NO_MEMORY,
		     "the last would end behind it");
	cr_assert_eq(retype(W_PRESERVED, OBJ_UNTYPED, 14, 29, 20), ERR_OK);
}

Test(untyped, sizes_are_within_bounds)
{
	cr_assert_eq(untyped_object_bits(OBJ_UNTYPED, UNTYPED_BITS_MIN), UNTYPED_BITS_MIN);
	cr_assert_eq(untyped_object_bits(OBJ_UNTYPED, UNTYPED_BITS_MAX), UNTYPED_BITS_MAX);
	cr_assert_eq(untyped_object_bits(OBJ_CNODE, 1), 1 + CNODE_SLOT_BITS);
	cr_assert_eq(untyped_object_bits(OBJ_CNODE, CNODE_RADIX_MAX),
		     CNODE_RADIX_MAX + CNODE_SLOT_BITS);
	cr_assert_eq(untyped_object_bits(OBJ_UNTYPED, UNTYPED_BITS_MIN - 1), 0);
	cr_assert_eq(untyped_object_bits(OBJ_UNTYPED, UNTYPED_BITS_MAX + 1), 0);
	cr_assert_eq(untyped_object_bits(OBJ_CNODE, CNODE_RADIX_MAX + 1), 0);
}

Test(untyped, copy_covers_the_original)
{
	cr_assert_eq(retype(W_UNTYPED, OBJ_UNTYPED, 16, 1, 16), ERR_OK);
	cr_assert_eq(copy(17, 16), ERR_OK);
	cr_assert_eq(retype(16, OBJ_ENDPOINT, 0, 1, 20), ERR_NO_MEMORY);
	cr_assert_eq(retype(17, OBJ_ENDPOINT, 0, 1, 20), ERR_OK);
	cr_assert_eq(copy(18, 16), ERR_REVOKE_FIRST);
	cr_assert_eq(delete_cap(17), ERR_OK);
	cr_assert_eq(slot_of(20)->parent, slot_of(16));
	cr_assert_eq(retype(16, OBJ_ENDPOINT, 0, 1, 21), ERR_NO_MEMORY);
	cr_assert_eq(delete_cap(20), ERR_OK);
	cr_assert_eq(retype(16, OBJ_ENDPOINT, 0, 1, 21), ERR_OK);
}

Test(untyped, zeroed_slots_of_a_new_cnode)
{
	cr_assert_eq(retype(W_UNTYPED, OBJ_CNODE, 14, 1, 16), ERR_OK);
	for (cptr_t i = 1; i < 1u << 14; i += 997) {
		const struct cnode *cnode = (const struct cnode *)(uintptr_t)slot_of(16)->object;

		cr_assert_eq(cnode->slots[i].type, OBJ_NULL);
	}
	cr_assert_eq(call(W_UNTYPED, METHOD_UNTYPED_RETYPE, 3, OBJ_ENDPOINT | 200u << 16, 16, 1),
		     ERR_OK);
	cr_assert_eq(delete_cap(16), ERR_OK);
	cr_assert_eq(fakes.objects_destroyed, 200);
	cr_assert_null(slot_of(W_UNTYPED)->child);
}
