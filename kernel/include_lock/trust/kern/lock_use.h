/* SPDX-License-Identifier: BSD-2-Clause */
/* Locks whose use nobody watches.  Included by <kern/lock.h>. */
#pragma once

static inline void spin_lock(struct spinlock *lock) LOCK_ACQUIRES(*lock) LOCK_UNCHECKED
{
	spin_take(&lock->spin);
}

static inline bool spin_try_lock(struct spinlock *lock) LOCK_TRIES(true, *lock) LOCK_UNCHECKED
{
	return spin_attempt(&lock->spin);
}

static inline void spin_unlock(struct spinlock *lock) LOCK_RELEASES(*lock) LOCK_UNCHECKED
{
	spin_give(&lock->spin);
}

/* Here this CPU leaves the kernel, sleeps, or waits for another CPU. */
static inline void lock_none_held(void)
{
}
