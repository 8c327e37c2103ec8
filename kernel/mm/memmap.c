/* SPDX-License-Identifier: BSD-2-Clause */
/* Free physical memory while the kernel boots.  See <kern/memmap.h>. */
#include <base/dt_platform.h>
#include <kern/memmap.h>

struct memmap memmap;

#define PAGE_MASK ((uint64_t)PAGE_SIZE - 1)

static uint64_t page_down(uint64_t address)
{
	return address & ~PAGE_MASK;
}

/* Saturates: the last page of the address space is never used. */
static uint64_t page_up(uint64_t address)
{
	return address > UINT64_MAX - PAGE_MASK ? page_down(UINT64_MAX)
						: page_down(address + PAGE_MASK);
}

static uint64_t range_end(uint64_t base, uint64_t size_bytes)
{
	return base > UINT64_MAX - size_bytes ? UINT64_MAX : base + size_bytes;
}

static void region_delete(struct memmap *map, uint32_t index)
{
	map->count--;
	for (; index < map->count; index++)
		map->region[index] = map->region[index + 1];
}

static void region_insert(struct memmap *map, uint32_t index, uint64_t base, uint64_t end)
{
	if (map->count == MEMMAP_REGIONS_MAX) {
		map->lost_bytes += end - base;
		return;
	}
	for (uint32_t i = map->count; i > index; i--)
		map->region[i] = map->region[i - 1];
	map->region[index] = (struct memmap_region){base, end - base};
	map->count++;
}

void memmap_add(struct memmap *map, uint64_t base, uint64_t size_bytes)
{
	uint64_t first = page_up(base);
	uint64_t last = page_down(range_end(base, size_bytes));
	uint32_t index = 0;

	if (first >= last) {
		map->lost_bytes += size_bytes;
		return;
	}
	map->lost_bytes += size_bytes - (last - first);
	while (index < map->count &&
	       map->region[index].base + map->region[index].size_bytes < first)
		index++;
	/* Swallow all that touch it. */
	while (index < map->count && map->region[index].base <= last) {
		uint64_t end = map->region[index].base + map->region[index].size_bytes;

		if (map->region[index].base < first)
			first = map->region[index].base;
		if (end > last)
			last = end;
		region_delete(map, index);
	}
	region_insert(map, index, first, last);
}

void memmap_remove(struct memmap *map, uint64_t base, uint64_t size_bytes)
{
	uint64_t first = page_down(base);
	uint64_t last = page_up(range_end(base, size_bytes));
	uint32_t index = 0;

	if (size_bytes == 0)
		return;
	while (index < map->count) {
		uint64_t start = map->region[index].base;
		uint64_t end = start + map->region[index].size_bytes;

		if (end <= first || start >= last) {
			index++;
			continue;
		}
		region_delete(map, index);
		if (start < first)
			region_insert(map, index++, start, first);
		if (end > last)
			region_insert(map, index++, last, end);
	}
}

enum error memmap_take(struct memmap *map, uint64_t size_bytes, uint64_t align_bytes,
		       uint64_t *base)
{
	for (uint32_t i = map->count; i > 0; i--) {
		uint64_t start = map->region[i - 1].base;
		uint64_t end = start + map->region[i - 1].size_bytes;
		uint64_t place;

		if (end - start < size_bytes)
			continue;
		place = (end - size_bytes) & ~(align_bytes - 1);
		if (place < start)
			continue;
		memmap_remove(map, place, size_bytes);
		*base = place;
		return ERR_OK;
	}
	return ERR_NO_MEMORY;
}

uint64_t memmap_bytes(const struct memmap *map)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < map->count; i++)
		bytes += map->region[i].size_bytes;
	return bytes;
}

void memmap_init(struct memmap *map, const struct platform *platform, uint64_t image,
		 uint64_t image_bytes, uint64_t limit)
{
	map->count = 0;
	map->lost_bytes = 0;
	for (uint32_t i = 0; i < platform->memory_count; i++)
		memmap_add(map, platform->memory[i].base, platform->memory[i].size_bytes);
	for (uint32_t i = 0; i < platform->reserved_count; i++)
		memmap_remove(map, platform->reserved[i].base, platform->reserved[i].size_bytes);
	memmap_remove(map, limit, UINT64_MAX - limit);
	memmap_remove(map, 0, PAGE_SIZE); /* 0 means nothing in many places */
	memmap_remove(map, image, image_bytes);
	memmap_remove(map, platform->initrd_start, platform->initrd_end - platform->initrd_start);
}
