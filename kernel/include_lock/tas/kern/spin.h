/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Test-and-set, with growing pauses while it is held.
 *
 * Memory order: acquire on the swap that takes it, release on the store that frees it; the swap reads
 * what that store wrote.
 *
 * Bad at: fairness.  Nothing bounds how often others overtake; a CPU near the lock's memory, or one
 * that takes it again at once, may keep it from the rest.
 */
#pragma once

#include <abi/types.h>
#include <kern/arch_if.h>

#define SPIN_NAME      "tas"
#define SPIN_PAUSE_MAX 32u

struct spin {
	uint32_t held; /* atomic */
};

static inline bool spin_try(struct spin *spin)
{
	uint32_t nobody = 0;

	return __atomic_compare_exchange_n(&spin->held, &nobody, 1, true, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

/* One attempt, which may fail although nobody is inside. */
static inline bool spin_attempt(struct spin *spin)
{
	return spin_try(spin);
}

static inline void spin_take(struct spin *spin)
{
	unsigned pauses = 1;

	while (!spin_try(spin)) {
		for (unsigned i = 0; i < pauses; i++)
			arch_spin_pause();
		if (pauses < SPIN_PAUSE_MAX)
			pauses *= 2;
	}
}

static inline void spin_give(struct spin *spin)
{
	__atomic_store_n(&spin->held, 0, __ATOMIC_RELEASE);
}

static inline bool spin_taken(const struct spin *spin)
{
	return __atomic_load_n(&spin->held, __ATOMIC_RELAXED) != 0;
}
