/* SPDX-License-Identifier: BSD-2-Clause */
#include <libsys/semaphore.h>

void semaphore_init(struct semaphore *semaphore, uint32_t count)
{
	atomic_init(&semaphore->count, count);
	atomic_init(&semaphore->waiters, 0);
	atomic_init(&semaphore->resets, 0);
	semaphore->limit = 0;
}

static uint32_t limit_of(const struct semaphore *semaphore)
{
	return semaphore->limit != 0 ? semaphore->limit : UINT32_MAX;
}

enum error semaphore_init_limit(struct semaphore *semaphore, uint32_t count, uint32_t limit)
{
	semaphore_init(semaphore, count);
	semaphore->limit = limit;
	return count > limit_of(semaphore) ? ERR_RANGE : ERR_OK;
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
	const uint32_t resets = atomic_load(&semaphore->resets);
	enum error error;

	while ((error = semaphore_try_wait(semaphore)) != ERR_OK) {
		if (atomic_load(&semaphore->resets) != resets)
			return ERR_CANCELLED;
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

enum error semaphore_try_post(struct semaphore *semaphore)
{
	uint32_t count = atomic_load_explicit(&semaphore->count, memory_order_relaxed);

	do
		if (count == limit_of(semaphore))
			return ERR_LIMIT;
	while (!atomic_compare_exchange_weak(&semaphore->count, &count, count + 1));
	if (atomic_load(&semaphore->waiters) != 0)
		sys_futex_wake(&semaphore->count, 1);
	return ERR_OK;
}

void semaphore_post(struct semaphore *semaphore)
{
	(void)!semaphore_try_post(semaphore);
}

void semaphore_reset(struct semaphore *semaphore)
{
	/* The count first: who sees the reset looked at it before, and who waits from now on waits anew. */
	atomic_store(&semaphore->count, 0);
	atomic_fetch_add(&semaphore->resets, 1);
	sys_futex_wake(&semaphore->count, FUTEX_ALL);
}
