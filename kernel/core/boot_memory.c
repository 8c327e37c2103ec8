/* SPDX-License-Identifier: BSD-2-Clause */
/* See <kern/boot_memory.h>.  Pure but for the copy of the archive. */
#include <abi/object.h>
#include <base/bytes.h>
#include <kern/arch_if.h>
#include <kern/boot_memory.h>

static bool is_free(const struct memmap *map, uint64_t base, uint64_t bytes)
{
	for (uint32_t i = 0; i < map->count; i++) {
		const struct memmap_region *region = &map->region[i];

		if (base >= region->base && base - region->base <= region->size_bytes &&
		    bytes <= region->size_bytes - (base - region->base))
			return true;
	}
	return bytes == 0;
}

/* Where a range of cover bytes around [first, last) begins whose rest is free; false: nowhere. */
static bool cover_in_place(struct memmap *map, uint64_t first, uint64_t last, uint64_t cover,
			   uint64_t *base)
{
	uint64_t extra = cover - (last - first);

	if (last <= UINT64_MAX - extra && is_free(map, last, extra)) {
		*base = first;
		if (extra != 0)
			memmap_remove(map, last, extra);
		return true;
	}
	if (first >= extra && is_free(map, first - extra, extra)) {
		*base = first - extra;
		memmap_remove(map, first - extra, extra);
		return true;
	}
	return false;
}

enum error boot_cover_archive(struct memmap *map, uint64_t start, uint64_t end,
			      struct bootinfo *info)
{
	uint64_t first = start & ~(uint64_t)(PAGE_SIZE - 1);
	uint64_t last = (end + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1);
	unsigned bits = PAGE_BITS;
	uint64_t base;

	while ((1ull << bits) < last - first)
		bits++;
	info->archive_paddr = start;
	info->archive_bytes = end - start;
	info->archive_untyped_bits = bits;
	if (cover_in_place(map, first, last, 1ull << bits, &base)) {
		info->archive_page_paddr = base;
		return ERR_OK;
	}
	if (memmap_take(map, 1ull << bits, PAGE_SIZE, &base) != ERR_OK)
		return ERR_NO_MEMORY;
	__builtin_memcpy(arch_phys_to_virt(base + (start - first)), arch_phys_to_virt(start),
			 (size_t)(end - start));
	info->archive_page_paddr = base;
	info->archive_paddr = base + (start - first);
	memmap_add(map, first, last - first);
	return ERR_OK;
}

/* Insert by size, falling; returns the bytes that were pushed out. */
static uint64_t insert_block(struct bootinfo *info, uint64_t base, unsigned bits)
{
	struct boot_untyped *list = info->untyped;
	uint64_t lost = 0;
	uint32_t at;

	if (info->untyped_count == BOOT_UNTYPED_MAX) {
		if (list[BOOT_UNTYPED_MAX - 1].size_bits >= bits)
			return 1ull << bits;
		lost = 1ull << list[BOOT_UNTYPED_MAX - 1].size_bits;
		info->untyped_count--;
	}
	for (at = info->untyped_count; at > 0 && list[at - 1].size_bits < bits; at--)
		list[at] = list[at - 1];
	list[at] = (struct boot_untyped){.paddr = base, .size_bits = bits};
	info->untyped_count++;
	return lost;
}

uint64_t boot_cut_untyped(const struct memmap *map, struct bootinfo *info)
{
	uint64_t lost = 0;

	info->untyped_count = 0;
	for (uint32_t i = 0; i < map->count; i++) {
		uint64_t base = map->region[i].base;
		uint64_t left = map->region[i].size_bytes;

		while (left >= PAGE_SIZE) {
			unsigned bits = PAGE_BITS;

			while (bits < UNTYPED_BITS_MAX && (2ull << bits) <= left &&
			       (base & ((2ull << bits) - 1)) == 0)
				bits++;
			lost += insert_block(info, base, bits);
			base += 1ull << bits;
			left -= 1ull << bits;
		}
	}
	return lost;
}
