/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ticket spinlock.  Interrupts are masked in all kernel code, so a lock is never taken by a handler
 * on top of its holder.  Order: derivation, then object, then Core (two Cores in index order); see
 * docs/locking.md. While it waits, a CPU does NOT serve requests of others: no lock may be held
 * while waiting for another CPU.
 *
 * Memory order: acquire on the load that sees our ticket, release on the store that serves the next
 * one.
 */
#pragma once

#include <abi/types.h>
#include <kern/arch_if.h>
#include <kern/lock_check.h>

struct LOCK_TYPE spinlock {
	uint32_t next;  /* atomic: next ticket to hand out */
	uint32_t owner; /* atomic: ticket being served */
};

static inline void spin_lock(struct spinlock *lock) LOCK_ACQUIRES(*lock) LOCK_UNCHECKED
{
	uint32_t ticket = __atomic_fetch_add(&lock->next, 1, __ATOMIC_RELAXED);
	while (__atomic_load_n(&lock->owner, __ATOMIC_ACQUIRE) != ticket)
		arch_spin_pause();
}

static inline void spin_unlock(struct spinlock *lock) LOCK_RELEASES(*lock) LOCK_UNCHECKED
{
	uint32_t owner = __atomic_load_n(&lock->owner, __ATOMIC_RELAXED);
	__atomic_store_n(&lock->owner, owner + 1, __ATOMIC_RELEASE);
}

static inline bool spin_held(const struct spinlock *lock)
{
	return __atomic_load_n(&lock->owner, __ATOMIC_RELAXED) !=
	       __atomic_load_n(&lock->next, __ATOMIC_RELAXED);
}

/* Says to the analysis, and to nobody else, what a function that returned a locked object has done. */
static inline void spin_assume(const struct spinlock *lock) LOCK_ASSERTS(*lock)
{
	(void)lock;
}
