/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memmap against a model: one flag per page of a small memory.  Random adds, removals and takes;
 * after each the regions must be sorted, apart, and cover exactly the flagged pages.
 */
#include <base/dt_platform.h>
#include <criterion/criterion.h>
#include <kern/memmap.h>
#include <stdlib.h>
#include <string.h>

#define PAGES 256u

static bool model[PAGES];

static void check(const struct memmap *map)
{
	bool seen[PAGES] = {false};
	uint64_t last_end = 0;

	for (uint32_t i = 0; i < map->count; i++) {
		uint64_t base = map->region[i].base;
		uint64_t end = base + map->region[i].size_bytes;

		cr_assert_eq(base % PAGE_SIZE, 0);
		cr_assert_eq(end % PAGE_SIZE, 0);
		cr_assert_lt(base, end);
		cr_assert(i == 0 || base > last_end, "sorted, and not adjacent");
		last_end = end;
		for (uint64_t page = base / PAGE_SIZE; page < end / PAGE_SIZE; page++)
			seen[page] = true;
	}
	cr_assert_eq(memcmp(seen, model, sizeof(model)), 0);
}

static void model_set(uint64_t first, uint64_t last, bool value)
{
	for (uint64_t page = first; page < last && page < PAGES; page++)
		model[page] = value;
}

static void step_random(struct memmap *map)
{
	uint64_t base = (uint64_t)rand() % (PAGES * PAGE_SIZE);
	uint64_t bytes = (uint64_t)rand() % (PAGES * PAGE_SIZE - base);
	uint64_t pages = 1 + (uint64_t)rand() % 8;
	uint64_t align = 1ull << rand() % 4;
	uint64_t place;

	switch (rand() % 3) {
	case 0:
		memmap_add(map, base, bytes);
		model_set((base + PAGE_SIZE - 1) / PAGE_SIZE, (base + bytes) / PAGE_SIZE, true);
		break;
	case 1:
		bytes %= 20 * PAGE_SIZE;
		memmap_remove(map, base, bytes);
		if (bytes > 0)
			model_set(base / PAGE_SIZE, (base + bytes + PAGE_SIZE - 1) / PAGE_SIZE,
				  false);
		break;
	default:
		if (memmap_take(map, pages * PAGE_SIZE, align * PAGE_SIZE, &place) != ERR_OK)
			break;
		cr_assert_eq(place % (align * PAGE_SIZE), 0);
		for (uint64_t i = 0; i < pages; i++)
			cr_assert(model[place / PAGE_SIZE + i], "it was free");
		model_set(place / PAGE_SIZE, place / PAGE_SIZE + pages, false);
	}
}

Test(memmap, follows_the_model)
{
	for (unsigned seed = 0; seed < 200; seed++) {
		struct memmap map = {0};

		srand(seed);
		memset(model, 0, sizeof(model));
		for (unsigned i = 0; i < 100; i++) {
			step_random(&map);
			check(&map);
		}
	}
}

Test(memmap, take_finds_memory_if_there_is_any_aligned)
{
	struct memmap map = {0};
	uint64_t place;

	memmap_add(&map, 3 * PAGE_SIZE, 6 * PAGE_SIZE);
	cr_assert_eq(memmap_take(&map, 4 * PAGE_SIZE, 4 * PAGE_SIZE, &place), ERR_OK);
	cr_assert_eq(place, 4 * PAGE_SIZE);
	cr_assert_eq(memmap_take(&map, 4 * PAGE_SIZE, PAGE_SIZE, &place), ERR_NO_MEMORY);
	cr_assert_eq(memmap_bytes(&map), 2 * PAGE_SIZE);
}

Test(memmap, what_is_no_whole_page_is_counted_as_lost)
{
	struct memmap map = {0};

	memmap_add(&map, PAGE_SIZE - 100, 2 * PAGE_SIZE);
	cr_assert_eq(memmap_bytes(&map), PAGE_SIZE);
	cr_assert_eq(map.lost_bytes, PAGE_SIZE);
	memmap_add(&map, 5 * PAGE_SIZE + 1, PAGE_SIZE);
	cr_assert_eq(map.lost_bytes, 2 * PAGE_SIZE);
	cr_assert_eq(memmap_bytes(&map), PAGE_SIZE);
}

Test(memmap, too_many_regions_are_lost_not_written)
{
	struct memmap map = {0};

	for (uint64_t i = 0; i < MEMMAP_REGIONS_MAX + 10; i++)
		memmap_add(&map, (2 * i + 1) * PAGE_SIZE, PAGE_SIZE);
	cr_assert_eq(map.count, MEMMAP_REGIONS_MAX);
	cr_assert_eq(map.lost_bytes, 10 * PAGE_SIZE);
}

Test(memmap, init_leaves_out_all_that_is_in_use)
{
	static struct platform platform;
	struct memmap map;

	platform.memory_count = 2;
	platform.memory[0] = (struct platform_region){0x40000000, 0x10000000};
	platform.memory[1] = (struct platform_region){0x7f00000000, 0x100000000};
	platform.reserved_count = 1;
	platform.reserved[0] = (struct platform_region){0x41000100, 0x200};
	platform.initrd_start = 0x48000010;
	platform.initrd_end = 0x48001010;
	memmap_init(&map, &platform, 0x40200000, 0x123456, 0x7f80000000);
	cr_assert_eq(map.count, 5);
	cr_assert_eq(map.region[0].base, 0x40000000);
	cr_assert_eq(map.region[0].size_bytes, 0x200000);
	cr_assert_eq(map.region[1].base, 0x40324000);
	cr_assert_eq(map.region[2].base, 0x41001000);
	cr_assert_eq(map.region[3].base, 0x48002000);
	cr_assert_eq(map.region[4].base, 0x7f00000000);
	cr_assert_eq(map.region[4].size_bytes, 0x80000000);
}
