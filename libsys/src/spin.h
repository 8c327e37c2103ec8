/* SPDX-License-Identifier: BSD-2-Clause */
/* A lock for a few instructions of list work; see spin_backoff() for why it does not only spin. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "park.h"

struct spin {
	_Atomic uint32_t held;
};

static inline void spin_lock(struct spin *spin)
{
	/* Acquire: what the last holder wrote is seen.  Relaxed look first, so waiting does not
	 * take the cache line away from the holder. */
	for (unsigned attempt = 0;; attempt++) {
		if (atomic_load_explicit(&spin->held, memory_order_relaxed) == 0 &&
		    atomic_exchange_explicit(&spin->held, 1, memory_order_acquire) == 0)
			return;
		spin_backoff(attempt);
	}
}

static inline void spin_unlock(struct spin *spin)
{
	/* Release: our writes are seen by the next holder. */
	atomic_store_explicit(&spin->held, 0, memory_order_release);
}
