/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks whose use is watched, from the first instruction of each CPU on (smp/lock_validate.c): a lock
 * that is taken twice, against the order, with interrupts on, or without a class; given back by who
 * does not hold it; held where a CPU leaves the kernel, sleeps, or waits for another CPU.  Each
 * panics with the names of the locks and the places where they were taken; that takes no lock.
 *
 * Included by <kern/lock.h>.
 */
#pragma once

/* Before the first wait, after it, and before it is given back. */
void lock_taking(const struct spinlock *lock, const char *file, unsigned line);
void lock_taken(struct spinlock *lock, const char *file, unsigned line);
void lock_giving(struct spinlock *lock, const char *file, unsigned line);
void lock_none_held_at(const char *file, unsigned line);

/* How often this CPU has taken a lock. */
uint64_t lock_judged(unsigned cpu);

static inline void spin_lock_at(struct spinlock *lock, const char *file, unsigned line)
	LOCK_ACQUIRES(*lock) LOCK_UNCHECKED
{
	lock_taking(lock, file, line);
	spin_take(&lock->spin);
	lock_taken(lock, file, line);
}

static inline bool spin_try_lock_at(struct spinlock *lock, const char *file, unsigned line)
	LOCK_TRIES(true, *lock) LOCK_UNCHECKED
{
	lock_taking(lock, file, line);
	if (!spin_attempt(&lock->spin))
		return false;
	lock_taken(lock, file, line);
	return true;
}

static inline void spin_unlock_at(struct spinlock *lock, const char *file, unsigned line)
	LOCK_RELEASES(*lock) LOCK_UNCHECKED
{
	lock_giving(lock, file, line);
	spin_give(&lock->spin);
}

#define spin_lock(lock)     spin_lock_at((lock), __FILE_NAME__, __LINE__)
#define spin_try_lock(lock) spin_try_lock_at((lock), __FILE_NAME__, __LINE__)
#define spin_unlock(lock)   spin_unlock_at((lock), __FILE_NAME__, __LINE__)
#define lock_none_held()    lock_none_held_at(__FILE_NAME__, __LINE__)
