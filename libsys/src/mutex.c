/* SPDX-License-Identifier: BSD-2-Clause */
/* Mutexes, condition variables, call_once: all on the wait queues of futex.c. */
#include <libsys/threads.h>

#include "inherit.h"
#include "lend.h"
#include "park.h"

time_ns_t timespec_to_ns(const struct timespec *time)
{
	uint64_t ns;

	if (time->tv_sec < 0)
		return 0;
	if (__builtin_mul_overflow((uint64_t)time->tv_sec, 1000000000u, &ns) ||
	    __builtin_add_overflow(ns, (uint64_t)time->tv_nsec, &ns))
		return TIME_NEVER;
	return ns;
}

int mtx_init(struct mtx *mutex, int type)
{
	if (type & ~(mtx_recursive | mtx_timed | mtx_inherit))
		return thrd_error;
	atomic_init(&mutex->state, 0);
	atomic_init(&mutex->owner, 0);
	mutex->type = (uint32_t)type;
	mutex->depth = 0;
	return thrd_success;
}

void mtx_destroy(struct mtx *mutex)
{
	(void)mutex;
}

/* Relaxed: only the holder itself can read its own handle here. */
static bool held_by_caller(const struct mtx *mutex)
{
	return atomic_load_explicit(&mutex->owner, memory_order_relaxed) == park_handle();
}

static void own(struct mtx *mutex)
{
	atomic_store_explicit(&mutex->owner, park_handle(), memory_order_relaxed);
	mutex->depth = 1;
}

int mtx_trylock(struct mtx *mutex)
{
	const uint32_t held = mutex->type & mtx_inherit ? lend_self() : 1;
	uint32_t free = 0;

	if ((mutex->type & mtx_recursive) && held_by_caller(mutex)) {
		mutex->depth++;
		return thrd_success;
	}
	if (held == 0)
		return thrd_error;
	/* Acquire: pairs with the release of the last unlock. */
	if (!atomic_compare_exchange_strong_explicit(&mutex->state, &free, held,
						     memory_order_acquire, memory_order_relaxed))
		return thrd_busy;
	own(mutex);
	return thrd_success;
}

int mtx_lock_until(struct mtx *mutex, time_ns_t deadline_ns)
{
	if (mtx_trylock(mutex) == thrd_success)
		return thrd_success;
	if (held_by_caller(mutex))
		return thrd_error;
	if (mutex->type & mtx_inherit) {
		const int result = inherit_lock_until(mutex, deadline_ns);

		if (result == thrd_success)
			own(mutex);
		return result;
	}
	/* Who has waited takes it as 2: it cannot know whether others still wait. */
	while (atomic_exchange_explicit(&mutex->state, 2, memory_order_acquire) != 0)
		if (sys_futex_wait(&mutex->state, 2, deadline_ns) == ERR_TIMEOUT)
			return thrd_timedout;
	own(mutex);
	return thrd_success;
}

int mtx_lock(struct mtx *mutex)
{
	return mtx_lock_until(mutex, TIME_NEVER);
}

int mtx_timedlock(struct mtx *restrict mutex, const struct timespec *restrict deadline)
{
	return mtx_lock_until(mutex, timespec_to_ns(deadline));
}

int mtx_unlock(struct mtx *mutex)
{
	if (!held_by_caller(mutex))
		return thrd_error;
	if (--mutex->depth > 0)
		return thrd_success;
	atomic_store_explicit(&mutex->owner, 0, memory_order_relaxed);
	/* Release: what was done inside is seen by the next holder. */
	if (mutex->type & mtx_inherit)
		inherit_unlock(mutex);
	else if (atomic_exchange_explicit(&mutex->state, 0, memory_order_release) == 2)
		sys_futex_wake(&mutex->state, 1);
	return thrd_success;
}

int cnd_init(struct cnd *condition)
{
	atomic_init(&condition->changes, 0);
	atomic_init(&condition->waiters, 0);
	return thrd_success;
}

void cnd_destroy(struct cnd *condition)
{
	(void)condition;
}

/*
 * The number of changes is read while the mutex is held; a signal after that changes it, so the
 * futex does not sleep.  Waiters are counted to spare signals without waiters the queue's lock:
 * both sides are sequentially consistent, so either the signaller sees the waiter or the waiter
 * sees the change.
 */
int cnd_wait_until(struct cnd *condition, struct mtx *mutex, time_ns_t deadline_ns)
{
	uint32_t seen = atomic_load(&condition->changes);

	atomic_fetch_add(&condition->waiters, 1);
	if (mtx_unlock(mutex) != thrd_success) {
		atomic_fetch_sub(&condition->waiters, 1);
		return thrd_error;
	}
	enum error error = sys_futex_wait(&condition->changes, seen, deadline_ns);

	atomic_fetch_sub(&condition->waiters, 1);
	if (mtx_lock(mutex) != thrd_success)
		return thrd_error;
	return error == ERR_TIMEOUT ? thrd_timedout : thrd_success;
}

int cnd_wait(struct cnd *condition, struct mtx *mutex)
{
	return cnd_wait_until(condition, mutex, TIME_NEVER);
}

int cnd_timedwait(struct cnd *restrict condition, struct mtx *restrict mutex,
		  const struct timespec *restrict deadline)
{
	return cnd_wait_until(condition, mutex, timespec_to_ns(deadline));
}

static int condition_wake(struct cnd *condition, unsigned count)
{
	atomic_fetch_add(&condition->changes, 1);
	if (atomic_load(&condition->waiters) != 0)
		sys_futex_wake(&condition->changes, count);
	return thrd_success;
}

int cnd_signal(struct cnd *condition)
{
	return condition_wake(condition, 1);
}

int cnd_broadcast(struct cnd *condition)
{
	return condition_wake(condition, FUTEX_ALL);
}

void call_once(struct once *once, void (*function)(void))
{
	uint32_t state = 0;

	/* Acquire and release: who sees 2 sees everything that the function did. */
	if (atomic_load_explicit(&once->state, memory_order_acquire) == 2)
		return;
	if (atomic_compare_exchange_strong(&once->state, &state, 1)) {
		function();
		atomic_store_explicit(&once->state, 2, memory_order_release);
		sys_futex_wake(&once->state, FUTEX_ALL);
		return;
	}
	while (atomic_load_explicit(&once->state, memory_order_acquire) != 2)
		if (sys_futex_wait(&once->state, 1, TIME_NEVER) != ERR_OK)
			continue;
}
