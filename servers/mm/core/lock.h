/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A sleeping lock over one notification.  mm's threads are passive: a waiter spins briefly, then
 * blocks, so a holder that lost its CPU is never starved by who waits for it, under any policy.
 *
 * Order: space (lower index first) -> shared objects -> memory.  Bad at: fairness; first come is
 * not always first served.
 */
#pragma once

#include <abi/types.h>

struct lock {
	uint32_t state;  /* 0 free, 1 held, 2 held and perhaps waited for; atomic */
	uint32_t number; /* of its notification */
};

/* Numbers of the locks that are not a space's. */
enum lock_number { LOCK_MEMORY, LOCK_SHARED, LOCK_REGIONS, LOCK_SPACE_FIRST = 16 };

/* May block. */
void lock_take(struct lock *lock);
void lock_give(struct lock *lock);
