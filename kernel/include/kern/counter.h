/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words that one writer at a time changes (its CPU, or under a lock) and any CPU reads without that
 * lock, as a figure or a hint: nothing is concluded from it about other memory, so relaxed is enough.
 * A load and a store, no read-modify-write: bad at two writers.
 */
#pragma once

#include <stdint.h>

static inline void counter_set(uint64_t *counter, uint64_t value)
{
	__atomic_store_n(counter, value, __ATOMIC_RELAXED);
}

static inline void counter_add(uint64_t *counter, uint64_t by)
{
	counter_set(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + by);
}

/* Bytes of the same kind: flags, states. */
static inline uint8_t byte_hint(const uint8_t *byte)
{
	return __atomic_load_n(byte, __ATOMIC_RELAXED);
}

static inline void byte_hint_set(uint8_t *byte, uint8_t value)
{
	__atomic_store_n(byte, value, __ATOMIC_RELAXED);
}
