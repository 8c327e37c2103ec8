/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks of the kernel.  Interrupts are masked in all kernel code, so a lock is never taken by a handler
 * on top of its holder.  While it waits, a CPU does NOT serve requests of others: no lock may be held
 * while waiting for another CPU.  The order of the classes: docs/locking.md, and lock_validate.c,
 * which watches it in debug builds.
 *
 * How CPUs wait for each other is <kern/spin.h>, one of include_lock/{claim,ticket,tas} (build
 * option `spinlock`).  What spin_lock() and spin_unlock() look at besides is <kern/lock_use.h>, one of
 * include_lock/{validate,trust} (build option `spinlock_validate`).
 */
#pragma once

#include <abi/types.h>
#include <kern/lock_check.h>
#include <kern/spin.h>

/* What a lock guards.  Which class may be taken inside which: lock_validate.c. */
enum lock_class {
	LOCK_NONE, /* spin_init() was forgotten */
	LOCK_DERIVATION,
	LOCK_NOTIFICATION,
	LOCK_ENDPOINT,
	LOCK_REPLY,
	LOCK_VSPACE,
	LOCK_CORE, /* two of them in order of their addresses, which is that of the index */
	LOCK_CONSOLE,
	LOCK_CLASSES
};

struct LOCK_TYPE spinlock {
	struct spin spin;
	uint16_t class; /* enum lock_class; constant */
	uint16_t owner; /* lock_owner_name() of the holder, or 0; only in builds that validate */
};

/* In memory that is zero. */
static inline void spin_init(struct spinlock *lock, enum lock_class class)
{
	lock->class = (uint16_t) class;
}

/* The tag by which a lock names a CPU: never 0, and no two CPUs have the same. */
static inline uint16_t lock_owner_name(unsigned cpu)
{
	return (uint16_t)(cpu + 1);
}

static inline unsigned lock_owner_cpu(uint16_t name)
{
	return name - 1u;
}

_Static_assert(CPUS_MAX + 1u <= UINT16_MAX, "an owner's name holds any CPU");

/* Tests only: is anybody inside? */
static inline bool spin_held(const struct spinlock *lock)
{
	return spin_taken(&lock->spin);
}

/* Says to the analysis, and to nobody else, what a function that returned a locked object has done. */
static inline void spin_assume(const struct spinlock *lock) LOCK_ASSERTS(*lock)
{
	(void)lock;
}

#include <kern/lock_use.h>
