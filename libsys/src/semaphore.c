/* SPDX-License-Identifier: BSD-2-Clause */
#include <libsys/semaphore.h>

void semaphore_init(struct semaphore *semaphore, uint32_t count)
{
	atomic_init(&semaphore->count, count);
	atomic_init(&semaphore->waiters, 0);
}

enum error semaphore_try_wait(struct semaphore *semaphore)
{
	uint32_t count = atomic_load_explicit(&semaphore->count, memory_order_relaxed);

	/* Acquire: what was written before the post is seen after the wait. */
	while (count > 0)
		if (atomic_compare_exchange_weak_explicit(&semaphore->count, &count, count - 1,
							  memory_order_acquire,
							  memory_order_relaxed))
			return ERR_OK;
	return ERR_WOULD_BLOCK;
}

enum error semaphore_timed_wait(struct semaphore *semaphore, time_ns_t deadline_ns)
{
	enum error error;

	while ((error = semaphore_try_wait(semaphore)) != ERR_OK) {
		if (error == ERR_WOULD_BLOCK && deadline_ns == 0)
			return ERR_TIMEOUT;
		/* Sequentially consistent, as the post's accesses: either the post sees this
		 * waiter, or the futex sees the count. */
		atomic_fetch_add(&semaphore->waiters, 1);
		error = sys_futex_wait(&semaphore->count, 0, deadline_ns);
		atomic_fetch_sub(&semaphore->waiters, 1);
		if (error == ERR_TIMEOUT)
			return semaphore_try_wait(semaphore) == ERR_OK ? ERR_OK : ERR_TIMEOUT;
	}
	return ERR_OK;
}

void semaphore_wait(struct semaphore *semaphore)
{
	while (semaphore_timed_wait(semaphore, TIME_NEVER) != ERR_OK)
		;
}

void semaphore_post(struct semaphore *semaphore)
{
	atomic_fetch_add(&semaphore->count, 1);
	if (atomic_load(&semaphore->waiters) != 0)
		sys_futex_wake(&semaphore->count, 1);
}
