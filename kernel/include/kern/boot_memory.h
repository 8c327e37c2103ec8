/* SPDX-License-Identifier: BSD-2-Clause */
/* What physical memory user space gets, decided while the kernel boots. */
#pragma once

#include <abi/bootinfo.h>
#include <kern/cap.h>
#include <kern/memmap.h>

/*
 * Make a power-of-two sized range of pages that holds the boot archive and otherwise only memory that
 * nobody uses; that memory leaves the map.  If what lies around the archive is in use, the archive is
 * copied to a place where that is possible (its old pages become free).
 * Fills archive_* of info.  ERR_NO_MEMORY: there is no such place.
 */
enum error must_check boot_cover_archive(struct memmap *map, uint64_t start, uint64_t end,
					 struct bootinfo *info);

/*
 * Cut all of the map into naturally aligned powers of two, the largest BOOT_UNTYPED_MAX of them into
 * info->untyped, largest first.  Returns the bytes that did not fit.
 */
uint64_t boot_cut_untyped(const struct memmap *map, struct bootinfo *info);
