/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Included by force before every file of the kernel that the explorer drives: each lock operation and
 * each atomic operation first tells the explorer.  Locks are not what the kernel has, but one step
 * that lets any waiting CPU go next; what they do themselves is explored in scenario_lock.c.
 * Counters, from which nothing is concluded, are left out.
 */
#pragma once

#include <kern/counter.h>
#include <kern/lock.h>

#include "hook_atomic.h"

void model_lock(struct spinlock *lock, const char *where);
void model_unlock(struct spinlock *lock, const char *where);

#undef spin_lock
#undef spin_try_lock
#undef spin_unlock
#define spin_lock(lock)     model_lock((lock), MODEL_HERE("lock " #lock))
/* Waits: who finds the lock held would go on to take it in the general path. */
#define spin_try_lock(lock) (model_lock((lock), MODEL_HERE("lock " #lock)), true)
#define spin_unlock(lock)   model_unlock((lock), MODEL_HERE("unlock " #lock))
