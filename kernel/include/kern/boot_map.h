/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory and mappings of the first task, made by the kernel itself while it boots.  Boot CPU only; no
 * locks; out of memory ends the machine. */
#pragma once

#include <abi/types.h>
#include <base/elf.h>
#include <kern/arch_if.h>
#include <kern/entry.h>

struct vspace;

#define BOOT_EXIT_STATUS 3u /* of the machine when there is nothing that can be started */

/* Print "boot: ..." and end the machine with BOOT_EXIT_STATUS. */
#define boot_fail(format, ...)                                \
	do {                                                  \
		kprintf("boot: " format "\n", ##__VA_ARGS__); \
		arch_power_off(BOOT_EXIT_STATUS);             \
	} while (0)

/* Zeroed memory of 1 << bits bytes, naturally aligned (at least a page). */
paddr_t boot_take(unsigned bits);

/* Map pages that are there already; vaddr and bytes are page aligned.  W^X is the caller's. */
void boot_map(struct vspace *vspace, uint64_t vaddr, paddr_t paddr, uint64_t bytes, uint32_t flags);

/* Take memory for every segment, copy, map with its protection. */
void boot_load(struct vspace *vspace, const struct elf *elf);
