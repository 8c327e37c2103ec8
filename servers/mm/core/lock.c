/* SPDX-License-Identifier: BSD-2-Clause */
#include "lock.h"

#include <libsys/syscall.h>

#include "mm.h"

#define SPINS 100u

static bool lock_try(struct lock *lock)
{
	uint32_t free = 0;

	/* Acquire: pairs with the release in lock_give, so all that the last holder did is seen. */
	return __atomic_compare_exchange_n(&lock->state, &free, 1, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

void lock_take(struct lock *lock)
{
	for (unsigned i = 0; i < SPINS; i++) {
		if (lock_try(lock))
			return;
		if (__atomic_load_n(&lock->state, __ATOMIC_RELAXED) == 2)
			break;
		__atomic_signal_fence(__ATOMIC_SEQ_CST); /* look again */
	}
	/*
	 * Whoever gets the lock here leaves 2 behind, so its lock_give signals even if nobody waits;
	 * the signal stays in the notification until the next waiter takes it, who then tries again.
	 * A waiter is lost only if the last giver saw 1, but the waiter had stored 2 before it slept.
	 */
	if (__atomic_exchange_n(&lock->state, 2, __ATOMIC_ACQUIRE) == 0)
		return;
	mm_count(&mm_stats.locks_contended);
	do {
		word_t word;
		enum error error = sys_wait(MM_SLOT_LOCK_FIRST + lock->number, &word);

		if (error != ERR_OK)
			mm_panic("waiting for a lock", error);
	} while (__atomic_exchange_n(&lock->state, 2, __ATOMIC_ACQUIRE) != 0);
}

void lock_give(struct lock *lock)
{
	if (__atomic_exchange_n(&lock->state, 0, __ATOMIC_RELEASE) == 2) {
		enum error error = sys_signal(MM_SLOT_LOCK_SIGNAL_FIRST + lock->number);

		if (error != ERR_OK)
			mm_panic("giving a lock", error);
	}
}
