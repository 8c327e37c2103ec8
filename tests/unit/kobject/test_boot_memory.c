/* SPDX-License-Identifier: BSD-2-Clause */
/* What memory the first task gets: never twice, and all of it but for small pieces. */
#include "world.h"

#include <kern/boot_memory.h>

#include <criterion/criterion.h>
#include <string.h>

#define RAM (64ull << 20)

static struct memmap map;
static struct bootinfo info;

static void setup(void)
{
	host_machine_reset(RAM, 16);
	memset(&map, 0, sizeof(map));
	memset(&info, 0, sizeof(info));
	memmap_add(&map, HOST_RAM_BASE, RAM);
}

TestSuite(boot_memory, .init = setup);

static bool is_free(uint64_t base, uint64_t bytes)
{
	for (uint32_t i = 0; i < map.count; i++)
		if (base < map.region[i].base + map.region[i].size_bytes &&
		    map.region[i].base < base + bytes)
			return true;
	return false;
}

/* As at boot: the archive's pages are not in the map. */
static void cover(uint64_t start, uint64_t end)
{
	uint64_t size;

	memmap_remove(&map, start & ~4095ull, ((end + 4095) & ~4095ull) - (start & ~4095ull));
	for (uint64_t at = start; at < end; at += 64)
		*(unsigned char *)arch_phys_to_virt(at) = (unsigned char)(at >> 6);
	cr_assert_eq(boot_cover_archive(&map, start, end, &info), ERR_OK);
	size = 1ull << info.archive_untyped_bits;
	cr_assert_eq(info.archive_page_paddr % PAGE_SIZE, 0);
	cr_assert_leq(info.archive_page_paddr, info.archive_paddr);
	cr_assert_leq(info.archive_paddr + info.archive_bytes, info.archive_page_paddr + size);
	cr_assert_eq(info.archive_bytes, end - start);
	cr_assert_not(is_free(info.archive_page_paddr, size));
	for (uint64_t at = 0; at < end - start; at += 64)
		cr_assert_eq(*(unsigned char *)arch_phys_to_virt(info.archive_paddr + at),
			     (unsigned char)((start + at) >> 6));
}

Test(boot_memory, archive_with_room_behind)
{
	uint64_t start = HOST_RAM_BASE + (8u << 20) + 100;

	cover(start, start + (3u << 20));
	cr_assert_eq(info.archive_paddr, start);
	cr_assert_eq(info.archive_page_paddr, HOST_RAM_BASE + (8u << 20));
	cr_assert_eq(memmap_bytes(&map), RAM - (4u << 20));
}

Test(boot_memory, archive_at_the_end_of_memory)
{
	uint64_t start = HOST_RAM_BASE + RAM - (3u << 20);

	cover(start, HOST_RAM_BASE + RAM);
	cr_assert_eq(info.archive_paddr, start);
	cr_assert_eq(info.archive_page_paddr, HOST_RAM_BASE + RAM - (4u << 20));
}

Test(boot_memory, exact_power_of_two)
{
	uint64_t start = HOST_RAM_BASE + (8u << 20);

	memmap_remove(&map, start - PAGE_SIZE, PAGE_SIZE);
	memmap_remove(&map, start + (4u << 20), PAGE_SIZE);
	cover(start, start + (4u << 20));
	cr_assert_eq(info.archive_page_paddr, start);
}

Test(boot_memory, used_on_both_sides_moves)
{
	uint64_t start = HOST_RAM_BASE + (8u << 20) + 17 * 64;

	memmap_remove(&map, start & ~4095ull, PAGE_SIZE);
	memmap_remove(&map, HOST_RAM_BASE + (8u << 20) - PAGE_SIZE, PAGE_SIZE);
	memmap_remove(&map, HOST_RAM_BASE + (11u << 20), PAGE_SIZE);
	cover(start, start + (2u << 20));
	cr_assert_neq(info.archive_paddr, start);
	cr_assert_eq(info.archive_paddr % PAGE_SIZE, start % PAGE_SIZE);
	cr_assert(is_free(start, PAGE_SIZE), "the old pages are free");
}

Test(boot_memory, no_place)
{
	memset(&map, 0, sizeof(map));
	cr_assert_eq(boot_cover_archive(&map, HOST_RAM_BASE, HOST_RAM_BASE + 3 * PAGE_SIZE, &info),
		     ERR_NO_MEMORY);
}

static void check_untyped(uint64_t lost)
{
	uint64_t sum = lost;

	for (uint32_t i = 0; i < info.untyped_count; i++) {
		const struct boot_untyped *a = &info.untyped[i];
		uint64_t size = 1ull << a->size_bits;

		cr_assert_eq(a->paddr % size, 0);
		cr_assert(i == 0 || info.untyped[i - 1].size_bits >= a->size_bits);
		for (uint32_t j = 0; j < i; j++)
			cr_assert(a->paddr + size <= info.untyped[j].paddr ||
				  info.untyped[j].paddr + (1ull << info.untyped[j].size_bits) <=
					  a->paddr);
		sum += size;
	}
	cr_assert_eq(sum, memmap_bytes(&map));
}

Test(boot_memory, untyped_is_all_of_the_map)
{
	memmap_remove(&map, HOST_RAM_BASE, 3 * PAGE_SIZE);
	memmap_remove(&map, HOST_RAM_BASE + (20u << 20) + PAGE_SIZE, 5 * PAGE_SIZE);
	cr_assert_eq(boot_cut_untyped(&map, &info), 0);
	check_untyped(0);
}

Test(boot_memory, too_many_pieces_lose_the_smallest)
{
	uint64_t lost;

	for (unsigned i = 0; i < 40; i++)
		memmap_remove(&map, HOST_RAM_BASE + (i * 37u + 1) * (uint64_t)PAGE_SIZE, PAGE_SIZE);
	lost = boot_cut_untyped(&map, &info);
	cr_assert_eq(info.untyped_count, BOOT_UNTYPED_MAX);
	cr_assert_neq(lost, 0);
	cr_assert_lt(lost, 4u << 20);
	check_untyped(lost);
}
