/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Untyped memory: the only source of objects.  Its slot is its whole state: paddr, size, watermark
 * (badge), flags, and how much above the watermark is known to be zero (aux).
 *
 * Objects are carved upwards from the watermark, naturally aligned.  When the last child is gone
 * the watermark goes back to the start at the next RETYPE, after a grace period, because other CPUs
 * may still hold pointers from look-ups.  Memory is cleared when objects are made of it, in bounded
 * pieces under the derivation lock, not when it comes back; of child untypeds not at all.
 *
 * Bad at: fragmentation (one long-lived object keeps everything below the watermark).
 */
#pragma once

#include <kern/arch_if.h>
#include <kern/cap.h>

#define UNTYPED_FLAGS      (UNTYPED_DEVICE | UNTYPED_PRESERVED)
#define ZERO_BYTES_MAX     (32u * 1024u) /* cleared per hold of the derivation lock */
#define UNTYPED_ANCHOR_MAX 32u           /* children looked at to see whether all are going away */

/* log2 of the size of an object; bits is size_bits or radix where the type takes one.  0: the type
 * cannot be made from untyped memory, or bits is out of range. */
unsigned untyped_object_bits(enum object_type type, unsigned bits);

/*
 * Initialise an object in zeroed memory (if it has state) and describe its first capability, all
 * rights.  For VSPACE an identifier must be free.  Derivation lock.
 */
void untyped_make_object(enum object_type type, unsigned bits, uint8_t untyped_flags, paddr_t paddr,
			 struct cap *out);
