/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linked around lock_take() and lock_give(): a thread takes no lock that it has, and gives only what it has.
 * So one that is left out is seen without another thread that would race with it.
 */
#include <lock.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define HELD_MAX 8u

void __real_lock_take(struct lock *lock);
void __real_lock_give(struct lock *lock);
void __wrap_lock_take(struct lock *lock);
void __wrap_lock_give(struct lock *lock);

static _Thread_local const struct lock *held[HELD_MAX];

/* Where it is among those that this thread has, NULL: a free place. */
static const struct lock **place_of(const struct lock *lock)
{
	for (unsigned i = 0; i < HELD_MAX; i++)
		if (held[i] == lock)
			return &held[i];
	return NULL;
}

static void must(bool good, const struct lock *lock, const char *what)
{
	if (good)
		return;
	printf("Bail out! lock %u is %s\n", lock->number, what);
	exit(1);
}

void __wrap_lock_take(struct lock *lock)
{
	must(place_of(lock) == NULL, lock, "taken twice");
	must(place_of(NULL) != NULL, lock, "one too many");
	__real_lock_take(lock);
	*place_of(NULL) = lock;
}

void __wrap_lock_give(struct lock *lock)
{
	must(place_of(lock) != NULL, lock, "given by who has it not");
	*place_of(lock) = NULL;
	__real_lock_give(lock);
}
