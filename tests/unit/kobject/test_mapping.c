/* SPDX-License-Identifier: BSD-2-Clause */
/* Page tables, frames, address spaces and their identifiers. */
#include "world.h"

#include <abi/bootinfo.h>
#include <kern/vspace.h>

#include <criterion/criterion.h>

#define VA 0x0000001234567000ull

static cptr_t next_table;

static void setup(void)
{
	world_reset();
	next_table = 200;
	cr_assert_eq(retype(W_UNTYPED, OBJ_FRAME, 0, 8, 16), ERR_OK);
	cr_assert_eq(retype(W_UNTYPED, OBJ_LARGE_FRAME, 0, 2, 30), ERR_OK);
}

TestSuite(mapping, .init = setup);

static struct vspace *vspace_at(cptr_t slot)
{
	return (struct vspace *)(uintptr_t)slot_of(slot)->object;
}

static enum error map(cptr_t frame, cptr_t vspace, uint64_t vaddr, word_t flags)
{
	return call(frame, METHOD_FRAME_MAP, 3, vspace, vaddr, flags);
}

static enum error map_at(cptr_t frame, uint64_t vaddr, word_t flags)
{
	return map_with_tables(frame, W_VSPACE, vaddr, flags, &next_table);
}

static enum error unmap(cptr_t frame)
{
	return call(frame, METHOD_FRAME_UNMAP, 0);
}

static word_t pages(cptr_t vspace)
{
	cr_assert_eq(call(vspace, METHOD_VSPACE_INFO, 0), ERR_OK);
	return world.result[1];
}

static void touch(cptr_t vspace, uint64_t vaddr, cptr_t frame)
{
	paddr_t paddr = 0;

	cr_assert(host_tlb_touch(vspace_at(vspace), vaddr, &paddr));
	cr_assert_eq(paddr, slot_of(frame)->object);
}

static unsigned cached(cptr_t frame)
{
	return host_tlb_entries_to(slot_of(frame)->object, PAGE_SIZE);
}

Test(mapping, K_memory_missing_levels_are_named)
{
	cr_assert_eq(map(16, W_VSPACE, VA, MAP_READ), ERR_NO_TABLE);
	cr_assert_eq(world.result[0], 2);
	cr_assert_eq(world.result_words, 1);
	cr_assert_eq(map(30, W_VSPACE, 0x40000000, MAP_READ), ERR_NO_TABLE);
	cr_assert_eq(world.result[0], 2);
	cr_assert_eq(retype(W_UNTYPED, OBJ_PAGE_TABLE, 0, 3, 50), ERR_OK);
	cr_assert_eq(call(50, METHOD_PAGE_TABLE_MAP, 2, W_VSPACE, VA), ERR_OK);
	cr_assert_eq(world.result[0], 2);
	cr_assert_eq(map(16, W_VSPACE, VA, MAP_READ), ERR_NO_TABLE);
	cr_assert_eq(world.result[0], 3);
	cr_assert_eq(call(50, METHOD_PAGE_TABLE_MAP, 2, W_VSPACE, VA), ERR_MAPPED);
	cr_assert_eq(call(51, METHOD_PAGE_TABLE_MAP, 2, W_VSPACE, VA), ERR_OK);
	cr_assert_eq(world.result[0], 3);
	cr_assert_eq(call(52, METHOD_PAGE_TABLE_MAP, 2, W_VSPACE, VA), ERR_MAPPED);
	cr_assert_eq(map(16, W_VSPACE, VA, MAP_READ), ERR_OK);
	touch(W_VSPACE, VA, 16);
	cr_assert_eq(pages(W_VSPACE), 1);
}

Test(mapping, refuses)
{
	word_t write_exec = MAP_READ | MAP_WRITE | MAP_EXECUTE;

	cr_assert_eq(map_at(16, VA, MAP_READ), ERR_OK);
	cr_assert_eq(map(17, W_VSPACE, VA, MAP_READ), ERR_MAPPED);
	cr_assert_eq(map(16, W_VSPACE, VA + PAGE_SIZE, MAP_READ), ERR_MAPPED);
	cr_assert_eq(map(17, W_VSPACE, VA + PAGE_SIZE, write_exec), ERR_ARG);
	cr_assert_eq(map(17, W_VSPACE, VA + PAGE_SIZE, 0), ERR_ARG);
	cr_assert_eq(map(17, W_VSPACE, VA + PAGE_SIZE, MAP_WRITE), ERR_ARG);
	cr_assert_eq(map(17, W_VSPACE, VA + PAGE_SIZE, MAP_READ | 16), ERR_ARG);
	cr_assert_eq(map(17, W_VSPACE, VA + PAGE_SIZE, MAP_READ | MAP_DEVICE), ERR_ARG);
	cr_assert_eq(map(17, W_VSPACE, VA + 8, MAP_READ), ERR_ALIGN);
	cr_assert_eq(map(30, W_VSPACE, VA, MAP_READ), ERR_ALIGN);
	cr_assert_eq(map(17, W_VSPACE, USER_VADDR_MIN - PAGE_SIZE, MAP_READ), ERR_RANGE);
	cr_assert_eq(map(17, W_VSPACE, USER_VADDR_MAX, MAP_READ), ERR_RANGE);
	cr_assert_eq(map(17, W_VSPACE, 0 - (word_t)PAGE_SIZE, MAP_READ), ERR_RANGE);
	cr_assert_eq(map(30, W_VSPACE, 0, MAP_READ), ERR_RANGE);
	cr_assert_eq(map(17, W_CNODE, VA + PAGE_SIZE, MAP_READ), ERR_CAP_TYPE);
	cr_assert_eq(map(17, 4000, VA + PAGE_SIZE, MAP_READ), ERR_CAP_INVALID);
	cr_assert_eq(unmap(17), ERR_NOT_MAPPED);
	cr_assert_eq(copy(60, next_table - 1), ERR_CAP_TYPE, "a table has one capability");
	/* A large page where a table is, and the other way round. */
	cr_assert_eq(map(30, W_VSPACE, VA & ~0x1fffffull, MAP_READ), ERR_MAPPED);
	cr_assert_eq(map_at(31, 0x80000000, MAP_READ), ERR_OK);
	cr_assert_eq(map(17, W_VSPACE, 0x80001000, MAP_READ), ERR_MAPPED);
	cr_assert_eq(pages(W_VSPACE), 1 + 512);
}

Test(mapping, rights)
{
	word_t read = RIGHT_READ;

	cr_assert_eq(call(W_CNODE, METHOD_CNODE_COPY, 3, 60 | read << 32, 0, 16), ERR_OK);
	cr_assert_eq(call(W_CNODE, METHOD_CNODE_COPY, 3, 61, 0, 16), ERR_OK);
	cr_assert_eq(map_at(60, VA, MAP_READ), ERR_OK);
	cr_assert_eq(map(60, W_VSPACE, VA, MAP_READ | MAP_WRITE), ERR_CAP_RIGHTS);
	cr_assert_eq(map(60, W_VSPACE, VA, MAP_READ | MAP_EXECUTE), ERR_CAP_RIGHTS);
	cr_assert_eq(map(61, W_VSPACE, VA + PAGE_SIZE, MAP_READ), ERR_CAP_RIGHTS);
	cr_assert_eq(call(W_CNODE, METHOD_CNODE_COPY, 3, 62 | read << 32, 0, W_VSPACE), ERR_OK);
	cr_assert_eq(map(16, 62, VA, MAP_READ), ERR_CAP_RIGHTS);
}

Test(mapping, K_memory_protection_changes_flush)
{
	uint64_t flushes;

	cr_assert_eq(map_at(16, VA, MAP_READ), ERR_OK);
	touch(W_VSPACE, VA, 16);
	flushes = host_counters.tlb_page_flushes;
	cr_assert_eq(map(16, W_VSPACE, VA, MAP_READ | MAP_WRITE), ERR_OK);
	cr_assert_eq(host_counters.tlb_page_flushes, flushes + 1);
	cr_assert_eq(cached(16), 0);
	cr_assert_eq(pages(W_VSPACE), 1);
	cr_assert_eq(host_counters.code_bytes, 0);
	cr_assert_eq(map(16, W_VSPACE, VA, MAP_READ | MAP_EXECUTE), ERR_OK);
	cr_assert_eq(host_counters.code_bytes, PAGE_SIZE);
}

Test(mapping, K_memory_unmap_and_delete_flush)
{
	cr_assert_eq(map_at(16, VA, MAP_READ), ERR_OK);
	cr_assert_eq(map_at(17, VA + PAGE_SIZE, MAP_READ), ERR_OK);
	cr_assert_eq(copy(60, 17), ERR_OK);
	cr_assert_eq(map_at(60, VA + 9 * PAGE_SIZE, MAP_READ), ERR_OK);
	touch(W_VSPACE, VA, 16);
	touch(W_VSPACE, VA + PAGE_SIZE, 17);
	touch(W_VSPACE, VA + 9 * PAGE_SIZE, 17);
	cr_assert_eq(unmap(16), ERR_OK);
	cr_assert_eq(cached(16), 0);
	cr_assert_not(host_tlb_touch(vspace_at(W_VSPACE), VA, NULL));
	cr_assert_eq(cached(17), 2);
	cr_assert_eq(delete_cap(60), ERR_OK);
	cr_assert_eq(cached(17), 1);
	cr_assert_eq(revoke(W_UNTYPED), ERR_OK);
	cr_assert_eq(host_tlb_entries_of(vspace_at(W_VSPACE)->asid), 0);
	cr_assert_not(host_tlb_touch(vspace_at(W_VSPACE), VA + PAGE_SIZE, NULL));
	cr_assert_eq(pages(W_VSPACE), 0);
}

Test(mapping, K_memory_a_copy_is_not_mapped)
{
	cr_assert_eq(map_at(16, VA, MAP_READ), ERR_OK);
	cr_assert_eq(copy(60, 16), ERR_OK);
	cr_assert_eq(call(60, METHOD_FRAME_INFO, 0), ERR_OK);
	cr_assert_eq(world.result[2], 0);
	cr_assert_eq(unmap(60), ERR_NOT_MAPPED);
	cr_assert_eq(delete_cap(60), ERR_OK);
	touch(W_VSPACE, VA, 16);
	cr_assert_eq(pages(W_VSPACE), 1);
}

/* Who walks sees an entry, or that it is gone, before anything is flushed. */
Test(mapping, each_change_of_an_entry_is_published)
{
	cr_assert_eq(map_at(16, VA, MAP_READ), ERR_OK);
	host_counters.pte_publishes = 0;
	cr_assert_eq(map(17, W_VSPACE, VA + PAGE_SIZE, MAP_READ), ERR_OK);
	cr_assert_eq(host_counters.pte_publishes, 1);
	cr_assert_eq(map(16, W_VSPACE, VA, MAP_READ | MAP_WRITE), ERR_OK);
	cr_assert_eq(host_counters.pte_publishes, 2);
	cr_assert_eq(unmap(16), ERR_OK);
	cr_assert_eq(host_counters.pte_publishes, 3);
}

Test(mapping, moved_frame_stays_mapped)
{
	cr_assert_eq(map_at(16, VA, MAP_READ), ERR_OK);
	cr_assert_eq(move(70, 16), ERR_OK);
	cr_assert_eq(call(70, METHOD_FRAME_INFO, 0), ERR_OK);
	cr_assert_eq(world.result[0], slot_of(70)->object);
	cr_assert_eq(world.result[1], PAGE_BITS);
	cr_assert_eq(world.result[2], VA);
	cr_assert_eq(unmap(70), ERR_OK);
	cr_assert_eq(call(70, METHOD_FRAME_INFO, 0), ERR_OK);
	cr_assert_eq(world.result[2], 0, "nowhere");
	cr_assert_eq(unmap(70), ERR_NOT_MAPPED);
}

/* Tables that go away take mappings along; frames notice, and do no harm to who comes next. */
Test(mapping, table_goes_first)
{
	cptr_t low;

	cr_assert_eq(map_at(16, VA, MAP_READ), ERR_OK);
	low = next_table - 1;
	touch(W_VSPACE, VA, 16);
	cr_assert_eq(call(low, METHOD_PAGE_TABLE_UNMAP, 0), ERR_OK);
	cr_assert_eq(cached(16), 0);
	cr_assert_eq(pages(W_VSPACE), 0);
	cr_assert_eq(unmap(16), ERR_NOT_MAPPED);
	/* Mapped again it is empty. */
	cr_assert_eq(call(low, METHOD_PAGE_TABLE_MAP, 2, W_VSPACE, VA), ERR_OK);
	cr_assert_not(host_tlb_touch(vspace_at(W_VSPACE), VA, NULL));
	cr_assert_eq(map(17, W_VSPACE, VA, MAP_READ), ERR_OK);
	cr_assert_eq(delete_cap(16), ERR_OK);
	touch(W_VSPACE, VA, 17);
	/* The upper table, with the lower one in it. */
	cr_assert_eq(delete_cap(low - 1), ERR_OK);
	cr_assert_eq(cached(17), 0);
	cr_assert_eq(call(low, METHOD_PAGE_TABLE_UNMAP, 0), ERR_NOT_MAPPED);
	cr_assert_eq(map_at(17, VA, MAP_READ), ERR_OK);
	cr_assert_eq(map(18, W_VSPACE, VA + PAGE_SIZE, MAP_READ), ERR_OK);
	cr_assert_eq(pages(W_VSPACE), 2);
}

Test(mapping, K_memory_identifiers_run_out_and_come_back)
{
	/* 16 numbers, 0 is idle, 1 is ours. */
	cr_assert_eq(retype(W_UNTYPED, OBJ_VSPACE, 0, 15, 100), ERR_NO_ASID);
	cr_assert_eq(retype(W_UNTYPED, OBJ_VSPACE, 0, 14, 100), ERR_OK);
	for (cptr_t i = 100; i < 114; i++)
		for (cptr_t j = 100; j < i; j++)
			cr_assert_neq(vspace_at(i)->asid, vspace_at(j)->asid);
	cr_assert_eq(retype(W_UNTYPED, OBJ_VSPACE, 0, 1, 120), ERR_NO_ASID);
	cr_assert_eq(delete_cap(105), ERR_OK);
	cr_assert_eq(retype(W_UNTYPED, OBJ_VSPACE, 0, 1, 120), ERR_OK);
	cr_assert_eq(retype(W_UNTYPED, OBJ_VSPACE, 0, 1, 121), ERR_NO_ASID);
}

/* A frame that was mapped in a space that is gone does not touch the next space of that number. */
Test(mapping, stale_name)
{
	uint16_t asid;

	cr_assert_eq(retype(W_UNTYPED, OBJ_VSPACE, 0, 14, 100), ERR_OK);
	cr_assert_eq(map_with_tables(16, 107, VA, MAP_READ, &next_table), ERR_OK);
	asid = vspace_at(107)->asid;
	touch(107, VA, 16);
	cr_assert_eq(delete_cap(107), ERR_OK);
	cr_assert_eq(host_tlb_entries_of(asid), 0, "flushed before the number is free");
	cr_assert_eq(retype(W_UNTYPED, OBJ_VSPACE, 0, 1, 120), ERR_OK);
	cr_assert_eq(vspace_at(120)->asid, asid);
	cr_assert_eq(copy(60, 16), ERR_OK);
	cr_assert_eq(map_with_tables(60, 120, VA, MAP_READ, &next_table), ERR_OK);
	cr_assert_eq(unmap(16), ERR_NOT_MAPPED);
	cr_assert_eq(delete_cap(16), ERR_OK);
	touch(120, VA, 60);
}

/* And it is mapped, at the same address, in the next space, as any other. */
Test(mapping, a_frame_with_a_stale_name_gets_the_new_one)
{
	cr_assert_eq(retype(W_UNTYPED, OBJ_VSPACE, 0, 14, 100), ERR_OK);
	cr_assert_eq(map_with_tables(16, 107, VA, MAP_READ, &next_table), ERR_OK);
	cr_assert_eq(delete_cap(107), ERR_OK);
	cr_assert_eq(retype(W_UNTYPED, OBJ_VSPACE, 0, 1, 120), ERR_OK);
	cr_assert_eq(map_with_tables(16, 120, VA, MAP_READ, &next_table), ERR_OK);
	touch(120, VA, 16);
	cr_assert_eq(call(16, METHOD_FRAME_INFO, 0), ERR_OK);
	cr_assert_eq(world.result[2], VA);
	cr_assert_eq(unmap(16), ERR_OK);
	cr_assert_eq(cached(16), 0);
	cr_assert_eq(pages(120), 0);
}

Test(mapping, device_frames)
{
	cr_assert_eq(retype(W_DEVICE, OBJ_FRAME, 0, 1, 60), ERR_OK);
	cr_assert_eq(map_at(60, VA, MAP_READ | MAP_EXECUTE), ERR_ARG);
	cr_assert_eq(map_at(60, VA, MAP_READ | MAP_WRITE), ERR_OK);
	cr_assert_eq(host_counters.code_bytes, 0);
	touch(W_VSPACE, VA, 60);
}

/* Who unmaps or revokes it knows of one place. */
Test(mapping, a_frame_is_not_mapped_in_two_spaces_at_once)
{
	cr_assert_eq(retype(W_UNTYPED, OBJ_VSPACE, 0, 1, 60), ERR_OK);
	cr_assert_eq(map_at(16, VA, MAP_READ), ERR_OK);
	cr_assert_eq(map_with_tables(17, 60, VA + PAGE_SIZE, MAP_READ, &next_table), ERR_OK);
	cr_assert_eq(map(16, 60, VA, MAP_READ), ERR_MAPPED);
	cr_assert_eq(pages(60), 1);
	cr_assert_eq(unmap(16), ERR_OK);
	cr_assert_eq(map(16, 60, VA, MAP_READ), ERR_OK);
}
