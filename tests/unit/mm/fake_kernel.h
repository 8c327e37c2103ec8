/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A kernel for mm alone: slots, frames in a memory file, address spaces as tables of what is mapped
 * where.  Everything that the real kernel refuses is refused; mm's own space is mapped for real, so
 * that its window works.  One lock for all, as the system calls of different threads are serial.
 *
 * Bad at: rights, and derivation beyond what mm relies on (a copy of a VSpace goes with a revoke).
 */
#pragma once

#include <abi/types.h>

/* Untyped memory of 2^bits bytes, an archive of so many pages filled with their number. */
void fake_kernel_init(unsigned untyped_bits, unsigned archive_pages, unsigned cnode_radix);

/* What the hardware would do: NULL if the access faults (then *present says whether something is
 * mapped there), else where the test finds the byte. */
uint8_t *fake_access(uint32_t vspace, uint64_t vaddr, uint32_t access, bool *present);

/* Pages and tables that are mapped in a VSpace. */
unsigned fake_mapped(uint32_t vspace);
/* Somebody else copies the capability of a VSpace; whether there is a copy that was not revoked. */
void fake_copy(uint32_t vspace);
bool fake_copied(uint32_t vspace);
/* Capability slots in use. */
unsigned fake_slots_used(void);
