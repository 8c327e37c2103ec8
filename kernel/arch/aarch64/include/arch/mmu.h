/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's own address space.  Boot CPU only, while it boots. */
#pragma once

#include <abi/error.h>
#include <abi/types.h>

struct platform;

/* Where the image was loaded; before any other function here. */
void mmu_init(uint64_t image_paddr);

/*
 * Map a device, strongly ordered, whole 2 MiB blocks around it; returns the address of paddr.
 * The mapping stays.  Panics when the fixed slots are used up or the address is beyond 48 bits.
 */
volatile uint8_t *mmu_map_device(uint64_t paddr, uint64_t size_bytes);

/* The device tree, read-only, while booting; *bytes_max is what can be read.  One at a time. */
const void *mmu_map_tree(uint64_t paddr, size_t *bytes_max);
void mmu_unmap_tree(void);

/* All RAM of the platform in the kernel window, but not the image's text and read-only data. */
void mmu_map_window(const struct platform *platform);

/* The stack slot of a CPU, with memory from the memory map.  Returns the top of the stack. */
uint64_t mmu_map_stack(unsigned cpu);

uint64_t mmu_image_paddr(void);
uint64_t mmu_image_bytes(void);
