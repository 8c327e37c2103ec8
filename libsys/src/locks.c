/* SPDX-License-Identifier: BSD-2-Clause */
/* The C library's own locks (heap, environment, atexit), made of ours.  Defining all of these in one
 * file keeps the library's empty versions out of the program. */
#include "locks.h"

#include <stdlib.h>

struct __lock __lock___libc_recursive_mutex = {.mutex = {.type = mtx_recursive}};

static void lock_new(struct __lock **lock, int type)
{
	*lock = malloc(sizeof(**lock));
	if (!*lock)
		abort();
	mtx_init(&(*lock)->mutex, type);
}

void __retarget_lock_init(struct __lock **lock)
{
	lock_new(lock, mtx_plain);
}

void __retarget_lock_init_recursive(struct __lock **lock)
{
	lock_new(lock, mtx_recursive);
}

void __retarget_lock_close(struct __lock *lock)
{
	free(lock);
}

void __retarget_lock_close_recursive(struct __lock *lock)
{
	free(lock);
}

void __retarget_lock_acquire(struct __lock *lock)
{
	mtx_lock(&lock->mutex);
}

void __retarget_lock_acquire_recursive(struct __lock *lock)
{
	mtx_lock(&lock->mutex);
}

int __retarget_lock_try_acquire(struct __lock *lock)
{
	return mtx_trylock(&lock->mutex) == thrd_success;
}

int __retarget_lock_try_acquire_recursive(struct __lock *lock)
{
	return mtx_trylock(&lock->mutex) == thrd_success;
}

void __retarget_lock_release(struct __lock *lock)
{
	mtx_unlock(&lock->mutex);
}

void __retarget_lock_release_recursive(struct __lock *lock)
{
	mtx_unlock(&lock->mutex);
}
