/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical memory that belongs to nobody yet, while the kernel boots.
 *
 * At kernel_main: all RAM without the kernel image (bss included), the kernel's stacks and page
 * tables, the pages of the boot archive, and what the device tree reserves.  core/boot.c takes what
 * it needs for the first task and turns the rest into untyped objects; nobody uses the map later.
 *
 * Invariant: regions are page aligned, not empty, disjoint, not adjacent, sorted by base.
 * Bad at: many regions; every operation walks an array.  Boot CPU only, no lock.
 */
#pragma once

#include <abi/error.h>
#include <abi/types.h>

#define MEMMAP_REGIONS_MAX 96u

struct memmap_region {
	uint64_t base;
	uint64_t size_bytes;
};

struct memmap {
	struct memmap_region region[MEMMAP_REGIONS_MAX];
	uint32_t count;
	uint64_t lost_bytes; /* RAM that did not fit into the table, or is less than a page */
};

extern struct memmap memmap;

struct platform;

/*
 * Fill from the platform's memory below limit (exclusive), without reserved regions, the archive's
 * pages and the image at [image, image + image_bytes).
 */
void memmap_init(struct memmap *map, const struct platform *platform, uint64_t image,
		 uint64_t image_bytes, uint64_t limit);

/* Add or take away a range.  Added ranges shrink to whole pages, removed ones grow to them. */
void memmap_add(struct memmap *map, uint64_t base, uint64_t size_bytes);
void memmap_remove(struct memmap *map, uint64_t base, uint64_t size_bytes);

/*
 * Take size_bytes (a multiple of the page size) aligned to align_bytes (a power of two, at least a
 * page), highest address first, so that low memory stays in large pieces.
 * ERR_NO_MEMORY: no region has that much.  The memory is not cleared.
 */
__attribute__((warn_unused_result)) enum error memmap_take(struct memmap *map, uint64_t size_bytes,
							   uint64_t align_bytes, uint64_t *base);

/* Sum of all regions. */
uint64_t memmap_bytes(const struct memmap *map);
