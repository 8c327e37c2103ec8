/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tickets: first come, first served.
 *
 * Memory order: acquire on the load that sees our ticket, release on the store that serves the next
 * one; that store is read by nobody but the CPU whose turn it is.
 *
 * Bad at: CPUs that stand still.  If the host has taken the next in line off its processor, the lock
 * is free and nobody may take it; with more virtual CPUs than processors that is the usual case.
 */
#pragma once

#include <abi/types.h>
#include <kern/arch_if.h>

#define SPIN_NAME "ticket"

struct spin {
	uint16_t next;  /* atomic: next ticket to hand out */
	uint16_t owner; /* atomic: ticket being served */
};

_Static_assert(CPUS_MAX < UINT16_MAX, "each CPU has a ticket of its own");

/* One attempt, which may fail although nobody is inside: takes a ticket only if it is served. */
static inline bool spin_attempt(struct spin *spin)
{
	uint16_t owner = __atomic_load_n(&spin->owner, __ATOMIC_ACQUIRE);

	return __atomic_compare_exchange_n(&spin->next, &owner, (uint16_t)(owner + 1), true,
					   __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

static inline void spin_take(struct spin *spin)
{
	uint16_t ticket = __atomic_fetch_add(&spin->next, 1, __ATOMIC_RELAXED);

	while (__atomic_load_n(&spin->owner, __ATOMIC_ACQUIRE) != ticket)
		arch_spin_pause();
}

static inline void spin_give(struct spin *spin)
{
	uint16_t owner = __atomic_load_n(&spin->owner, __ATOMIC_RELAXED);

	__atomic_store_n(&spin->owner, (uint16_t)(owner + 1), __ATOMIC_RELEASE);
}

static inline bool spin_taken(const struct spin *spin)
{
	return __atomic_load_n(&spin->owner, __ATOMIC_RELAXED) !=
	       __atomic_load_n(&spin->next, __ATOMIC_RELAXED);
}
