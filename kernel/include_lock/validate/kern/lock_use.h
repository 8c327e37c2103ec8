/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks whose use is watched, from the first instruction of each CPU on (smp/lock_validate.c): a lock
 * that is taken twice, against the order, with interrupts on, or without a class; given back by who
 * does not hold it; held where a CPU leaves the kernel, sleeps, or waits for another CPU.  Each is
 * said in a line with the names of the locks and the places where they were taken, and the machine
 * goes on.  The complaint takes no lock.
 *
 * Included by <kern/lock.h>.
 */
#pragma once

/* Before the first attempt; false: this CPU holds it already, so it must not wait. */
bool lock_taking(struct spinlock *lock, const char *file, unsigned line);
/* After the wait. */
void lock_taken(struct spinlock *lock, const char *file, unsigned line);
/* Before it is given back; false: it is to stay as it is. */
bool lock_giving(struct spinlock *lock, const char *file, unsigned line);
void lock_none_held_at(const char *file, unsigned line);

/* How often a CPU has taken a lock, and how often it misused one. */
uint64_t lock_judged(unsigned cpu);
unsigned lock_misused(unsigned cpu);

static inline void spin_lock_at(struct spinlock *lock, const char *file, unsigned line)
	LOCK_ACQUIRES(*lock) LOCK_UNCHECKED
{
	if (!lock_taking(lock, file, line))
		return;
	spin_take(&lock->spin);
	lock_taken(lock, file, line);
}

static inline bool spin_try_lock_at(struct spinlock *lock, const char *file, unsigned line)
	LOCK_TRIES(true, *lock) LOCK_UNCHECKED
{
	if (!lock_taking(lock, file, line))
		return true;
	if (!spin_attempt(&lock->spin))
		return false;
	lock_taken(lock, file, line);
	return true;
}

static inline void spin_unlock_at(struct spinlock *lock, const char *file, unsigned line)
	LOCK_RELEASES(*lock) LOCK_UNCHECKED
{
	if (lock_giving(lock, file, line))
		spin_give(&lock->spin);
}

#define spin_lock(lock)     spin_lock_at((lock), __FILE_NAME__, __LINE__)
#define spin_try_lock(lock) spin_try_lock_at((lock), __FILE_NAME__, __LINE__)
#define spin_unlock(lock)   spin_unlock_at((lock), __FILE_NAME__, __LINE__)
#define lock_none_held()    lock_none_held_at(__FILE_NAME__, __LINE__)
