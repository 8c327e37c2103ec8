/* SPDX-License-Identifier: BSD-2-Clause */
/* The C library's own locks: what it asks of them by its names for them. */
#include <criterion/criterion.h>

#include <libsys/threads.h>

#include "../../../libsys/src/locks.h"
#include "park_posix.h"

/* What another thread gets that tries. */
struct other {
	struct __lock *lock;
	int (*try_acquire)(struct __lock *lock);
	void (*release)(struct __lock *lock);
	int got;
};

static void *other_tries(void *arg)
{
	struct other *other = arg;

	other->got = other->try_acquire(other->lock);
	if (other->got != 0)
		other->release(other->lock);
	return NULL;
}

static int other_gets(struct other other)
{
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, other_tries, &other), 0);
	pthread_join(thread, NULL);
	return other.got;
}

static int plain_is_free(struct __lock *lock)
{
	return other_gets((struct other){.lock = lock,
					 .try_acquire = __retarget_lock_try_acquire,
					 .release = __retarget_lock_release});
}

static int recursive_is_free(struct __lock *lock)
{
	return other_gets((struct other){.lock = lock,
					 .try_acquire = __retarget_lock_try_acquire_recursive,
					 .release = __retarget_lock_release_recursive});
}

Test(locks, one_thread_has_it)
{
	struct __lock *lock;

	__retarget_lock_init(&lock);
	cr_assert_eq(plain_is_free(lock), 1);
	__retarget_lock_acquire(lock);
	cr_assert_eq(plain_is_free(lock), 0);
	cr_assert_eq(__retarget_lock_try_acquire(lock), 0, "it is not recursive");
	__retarget_lock_release(lock);
	cr_assert_eq(__retarget_lock_try_acquire(lock), 1);
	cr_assert_eq(plain_is_free(lock), 0);
	__retarget_lock_release(lock);
	cr_assert_eq(plain_is_free(lock), 1);
	__retarget_lock_close(lock);
}

/* Free when it was released as often as it was taken. */
static void recursive_lock(struct __lock *lock)
{
	cr_assert_eq(recursive_is_free(lock), 1);
	__retarget_lock_acquire_recursive(lock);
	__retarget_lock_acquire_recursive(lock);
	cr_assert_eq(__retarget_lock_try_acquire_recursive(lock), 1);
	for (unsigned left = 3; left > 0; left--) {
		cr_assert_eq(recursive_is_free(lock), 0);
		__retarget_lock_release_recursive(lock);
	}
	cr_assert_eq(recursive_is_free(lock), 1);
}

Test(locks, one_thread_has_it_several_times)
{
	struct __lock *lock;

	__retarget_lock_init_recursive(&lock);
	recursive_lock(lock);
	__retarget_lock_close_recursive(lock);
	recursive_lock(&__lock___libc_recursive_mutex);
}
