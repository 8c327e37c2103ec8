/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Test-and-set with a claim.  Who finds the lock free takes it, so a CPU that stands still (its host
 * gave the time to somebody else) delays nobody but itself while it does not hold the lock.  Who has
 * waited for long writes its name into `claim`, and the others step back from a lock that is free but
 * claimed: the claimant is next.  They step back a bounded number of times only, because the
 * claimant may be what stands still.
 *
 *   fair       while CPUs run: nobody but those that wait already overtakes a claimant, each once
 *   bounded    a claimant that stands still costs the others SPIN_POLITE polls, once per acquisition
 *   cheap      nobody waits: a compare-and-swap of both, a store
 *
 * Memory order.  `held` alone excludes:
 *
 *   holder                               next holder
 *   H1 reads and writes what it guards   N1 held: 0 -> 1    (acquire)
 *   H2 held = 0          (release)       N2 reads and writes what it guards
 *
 * N1 is the same swap whether it is the first try, the last one of a wait, or one past a claimant that
 * stands still: the reads of `held` and `claim` before it choose when to swap, and order nothing.
 * An exploration of interleavings is sequentially consistent and cannot tell a relaxed N1 from this one;
 * the race detector does (tests/host_kernel/lock/contend.c hands the lock to a CPU that waits).
 *
 * N1 reads what H2 wrote (only a holder writes 0, only a swap of 0 writes 1), so H1 comes before N2.
 * `claim` is relaxed everywhere: it says who should go first, and nothing that is guarded depends on
 * it.  Whoever reads an old value steps back once too often, or once too seldom.  It is cleared by
 * who set it, so no claim stays without somebody who waits or has just taken the lock.
 *
 * Bad at: order.  Among CPUs that have waited for long, the claim goes to whoever swaps first.
 */
#pragma once

#include <abi/types.h>
#include <kern/arch_if.h>

#define SPIN_NAME "claim"

/* Polls of a lock that is held, after which a CPU wants the claim. */
#define SPIN_PATIENCE 64u
/* Polls in a row of a lock that is free and claimed, after which it is taken all the same. */
#define SPIN_POLITE   32u

struct spin {
	union {
		uint32_t both; /* atomic: 0 if nobody is inside and nobody claims */
		struct {
			uint16_t held;  /* atomic: 1 while somebody is inside */
			uint16_t claim; /* atomic: 1 + index of the CPU that goes next, or 0 */
		};
	};
};

#define SPIN_BOTH_HELD 1u /* little-endian: held is the lower half */

_Static_assert(offsetof(struct spin, held) == 0 && offsetof(struct spin, claim) == 2, "halves");
_Static_assert(CPUS_MAX + 1u <= UINT16_MAX, "a claim names any CPU");

static inline bool spin_try(struct spin *spin)
{
	uint16_t nobody = 0;

	return __atomic_compare_exchange_n(&spin->held, &nobody, 1, true, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

static inline bool spin_claim(struct spin *spin, uint16_t name)
{
	uint16_t nobody = 0;

	return __atomic_compare_exchange_n(&spin->claim, &nobody, name, false, __ATOMIC_RELAXED,
					   __ATOMIC_RELAXED);
}

/* Wait for it and take it, as the CPU of that name.  Counters stop at their limits. */
static inline void spin_wait_as(struct spin *spin, uint16_t name, unsigned patience,
				unsigned polite)
{
	unsigned waited = 0;
	unsigned stepped_back = 0;
	bool claimed = false;

	for (;;) {
		if (__atomic_load_n(&spin->held, __ATOMIC_RELAXED) != 0) {
			stepped_back = 0;
			if (waited < patience)
				waited++;
			else if (!claimed)
				claimed = spin_claim(spin, name);
		} else if (claimed || stepped_back == polite ||
			   __atomic_load_n(&spin->claim, __ATOMIC_RELAXED) == 0) {
			if (spin_try(spin))
				break;
		} else {
			stepped_back++;
		}
		arch_spin_pause();
	}
	if (claimed)
		__atomic_store_n(&spin->claim, 0, __ATOMIC_RELAXED);
}

/* The same as this CPU, with the limits above (smp/spin_claim.c). */
void spin_wait(struct spin *spin);

/* One attempt, which may fail although nobody is inside: never ahead of a claimant. */
static inline bool spin_attempt(struct spin *spin)
{
	uint32_t neither = 0;

	return __atomic_compare_exchange_n(&spin->both, &neither, SPIN_BOTH_HELD, true,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline void spin_take(struct spin *spin)
{
	if (!spin_attempt(spin))
		spin_wait(spin);
}

static inline void spin_give(struct spin *spin)
{
	__atomic_store_n(&spin->held, 0, __ATOMIC_RELEASE);
}

static inline bool spin_taken(const struct spin *spin)
{
	return __atomic_load_n(&spin->held, __ATOMIC_RELAXED) != 0;
}
