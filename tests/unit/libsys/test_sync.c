/* SPDX-License-Identifier: BSD-2-Clause */
/* Wait queues, mutexes, conditions and semaphores with real threads, under the race detector too. */
#include <criterion/criterion.h>

#include <libsys/futex.h>
#include <libsys/semaphore.h>
#include <libsys/threads.h>

#include "../../../libsys/src/park.h"
#include "park_posix.h"

#define THREADS 8
#define ROUNDS  2000
#define MS      1000000ull

static void run(unsigned count, void *(*body)(void *), void *arg)
{
	pthread_t threads[THREADS];

	for (unsigned i = 0; i < count; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, body, arg), 0);
	for (unsigned i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
}

Test(futex, M29_futex_returns_at_once_when_the_value_differs)
{
	futex_word word = 1;

	cr_assert_eq(sys_futex_wait(&word, 0, TIME_NEVER), ERR_WOULD_BLOCK);
}

Test(futex, times_out_and_leaves_the_queue)
{
	futex_word word = 0;
	time_ns_t start = park_now_ns();

	cr_assert_eq(sys_futex_wait(&word, 0, start + 5 * MS), ERR_TIMEOUT);
	cr_assert_geq(park_now_ns(), start + 5 * MS);
	cr_assert_eq(sys_futex_wake(&word, FUTEX_ALL), 0, "a timed-out waiter is still queued");
}

Test(futex, M08_futex_deadline_in_the_past_does_not_sleep)
{
	futex_word word = 0;

	cr_assert_eq(sys_futex_wait(&word, 0, 0), ERR_TIMEOUT);
}

static futex_word late;

static void wake_late(void)
{
	cr_assert_eq(sys_futex_wake(&late, 1), 1);
}

/* Whoever woke it has woken nobody else. */
Test(futex, who_is_woken_as_its_time_ends_is_woken)
{
	park_meanwhile = wake_late;
	cr_assert_eq(sys_futex_wait(&late, 0, 1), ERR_OK);
	cr_assert(!park_meanwhile);
	cr_assert_eq(sys_futex_wait(&late, 0, 1), ERR_TIMEOUT);
}

/* More words than there are queues: some share the first one's. */
static futex_word many[256];

static void wake_neighbours(void)
{
	for (unsigned i = 1; i < sizeof(many) / sizeof(many[0]); i++)
		cr_assert_eq(sys_futex_wake(&many[i], 1), 0, "word %u", i);
}

Test(futex, who_waits_for_another_word_is_not_woken)
{
	park_meanwhile = wake_neighbours;
	cr_assert_eq(sys_futex_wait(&many[0], 0, 1), ERR_TIMEOUT);
	cr_assert(!park_meanwhile);
}

struct crowd {
	futex_word word;
	futex_word other;
	_Atomic unsigned waiting;
	_Atomic unsigned woken;
};

static void *crowd_wait(void *arg)
{
	struct crowd *crowd = arg;

	atomic_fetch_add(&crowd->waiting, 1);
	while (atomic_load(&crowd->word) == 0)
		if (sys_futex_wait(&crowd->word, 0, TIME_NEVER) == ERR_OK)
			atomic_fetch_add(&crowd->woken, 1);
	return NULL;
}

Test(futex, wakes_as_many_as_asked_and_only_on_that_word)
{
	struct crowd crowd = {.word = 0};
	pthread_t threads[THREADS];
	unsigned woken = 0;

	for (unsigned i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, crowd_wait, &crowd);
	while (atomic_load(&crowd.waiting) < THREADS)
		spin_backoff(63);
	cr_assert_eq(sys_futex_wake(&crowd.other, FUTEX_ALL), 0);
	/* They enter the queue at their own pace, and enter it again while the word is 0. */
	while (woken < 3)
		woken += sys_futex_wake(&crowd.word, 3 - woken);
	cr_assert_eq(woken, 3);
	atomic_store(&crowd.word, 1);
	sys_futex_wake(&crowd.word, FUTEX_ALL);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	cr_assert_geq(atomic_load(&crowd.woken), 3);
}

struct counted {
	struct mtx mutex;
	uint64_t count;
};

static void *count_up(void *arg)
{
	struct counted *counted = arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		mtx_lock(&counted->mutex);
		counted->count++;
		mtx_unlock(&counted->mutex);
	}
	return NULL;
}

Test(mutex, excludes)
{
	struct counted counted = {.mutex = MTX_INIT};

	run(THREADS, count_up, &counted);
	cr_assert_eq(counted.count, THREADS * ROUNDS);
	cr_assert_eq(atomic_load(&counted.mutex.state), 0);
}

static void *count_up_twice_locked(void *arg)
{
	struct counted *counted = arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		mtx_lock(&counted->mutex);
		mtx_lock(&counted->mutex);
		mtx_unlock(&counted->mutex);
		counted->count++;
		cr_assert_eq(mtx_unlock(&counted->mutex), thrd_success);
	}
	return NULL;
}

Test(mutex, recursive_one_excludes_others_and_admits_its_holder)
{
	struct counted counted = {.count = 0};

	cr_assert_eq(mtx_init(&counted.mutex, 1 << 8), thrd_error);
	cr_assert_eq(mtx_init(&counted.mutex, mtx_recursive), thrd_success);
	run(THREADS, count_up_twice_locked, &counted);
	cr_assert_eq(counted.count, THREADS * ROUNDS);
	cr_assert_eq(mtx_unlock(&counted.mutex), thrd_error, "not the holder");
}

static void *lock_until_timeout(void *arg)
{
	struct counted *counted = arg;
	time_ns_t start = park_now_ns();

	cr_assert_eq(mtx_trylock(&counted->mutex), thrd_busy);
	cr_assert_eq(mtx_lock_until(&counted->mutex, start + 3 * MS), thrd_timedout);
	cr_assert_geq(park_now_ns(), start + 3 * MS);
	return NULL;
}

Test(mutex, timed_lock_gives_up_and_the_mutex_stays_usable)
{
	struct counted counted = {.mutex = MTX_INIT};

	mtx_lock(&counted.mutex);
	run(2, lock_until_timeout, &counted);
	mtx_unlock(&counted.mutex);
	run(THREADS, count_up, &counted);
	cr_assert_eq(counted.count, THREADS * ROUNDS);
}

static void *unlock_foreign(void *arg)
{
	cr_assert_eq(mtx_unlock(arg), thrd_error);
	cr_assert_eq(mtx_trylock(arg), thrd_busy);
	return NULL;
}

Test(mutex, Z32_only_its_owner_unlocks_it)
{
	struct mtx mutex = MTX_INIT;

	cr_assert_eq(mtx_unlock(&mutex), thrd_error, "nobody holds it");
	mtx_lock(&mutex);
	run(2, unlock_foreign, &mutex);
	cr_assert_eq(mtx_lock(&mutex), thrd_error, "it would wait for itself");
	cr_assert_eq(mtx_unlock(&mutex), thrd_success);
	cr_assert_eq(mtx_unlock(&mutex), thrd_error);
}

struct queue {
	struct mtx mutex;
	struct cnd not_empty;
	struct cnd not_full;
	unsigned used;
	uint64_t put;
	uint64_t got;
};

static void *queue_put(void *arg)
{
	struct queue *queue = arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		mtx_lock(&queue->mutex);
		while (queue->used == 4)
			cnd_wait(&queue->not_full, &queue->mutex);
		queue->used++;
		queue->put++;
		cnd_signal(&queue->not_empty);
		mtx_unlock(&queue->mutex);
	}
	return NULL;
}

static void *queue_get(void *arg)
{
	struct queue *queue = arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		mtx_lock(&queue->mutex);
		while (queue->used == 0)
			cnd_wait(&queue->not_empty, &queue->mutex);
		queue->used--;
		queue->got++;
		cnd_signal(&queue->not_full);
		mtx_unlock(&queue->mutex);
	}
	return NULL;
}

static void *queue_both(void *arg)
{
	static _Atomic unsigned turn;

	return atomic_fetch_add(&turn, 1) % 2 ? queue_put(arg) : queue_get(arg);
}

Test(condition, bounded_queue_loses_nothing, .timeout = 60)
{
	struct queue queue = {.mutex = MTX_INIT};

	run(THREADS, queue_both, &queue);
	cr_assert_eq(queue.put, THREADS / 2 * ROUNDS);
	cr_assert_eq(queue.got, queue.put);
	cr_assert_eq(queue.used, 0);
}

/* Who signals looks for waiters only if there may be some. */
Test(condition, who_does_not_hold_the_mutex_does_not_wait)
{
	struct mtx mutex = MTX_INIT;
	struct cnd condition;

	cnd_init(&condition);
	cr_assert_eq(cnd_wait(&condition, &mutex), thrd_error);
	cr_assert_eq(condition.waiters, 0);
}

Test(condition, timed_wait_holds_the_mutex_again)
{
	struct queue queue = {.mutex = MTX_INIT};

	mtx_lock(&queue.mutex);
	cr_assert_eq(cnd_wait_until(&queue.not_empty, &queue.mutex, park_now_ns() + 2 * MS),
		     thrd_timedout);
	cr_assert_eq(mtx_trylock(&queue.mutex), thrd_busy);
	mtx_unlock(&queue.mutex);
}

static struct semaphore to_left;
static struct semaphore to_right;
static uint64_t passes;

static void *player(void *arg)
{
	bool left = arg != NULL;

	for (unsigned i = 0; i < ROUNDS; i++) {
		semaphore_wait(left ? &to_left : &to_right);
		passes++;
		semaphore_post(left ? &to_right : &to_left);
	}
	return NULL;
}

Test(semaphore, passes_back_and_forth, .timeout = 60)
{
	pthread_t left;
	pthread_t right;

	semaphore_init(&to_left, 1);
	semaphore_init(&to_right, 0);
	pthread_create(&left, NULL, player, &to_left);
	pthread_create(&right, NULL, player, NULL);
	pthread_join(left, NULL);
	pthread_join(right, NULL);
	cr_assert_eq(passes, 2 * ROUNDS);
	cr_assert_eq(semaphore_try_wait(&to_left), ERR_OK);
	cr_assert_eq(semaphore_try_wait(&to_left), ERR_WOULD_BLOCK);
	cr_assert_eq(semaphore_timed_wait(&to_left, park_now_ns() + MS), ERR_TIMEOUT);
}

Test(semaphore, Z31_counts_up_to_its_limit)
{
	struct semaphore limited;

	cr_assert_eq(semaphore_init_limit(&limited, 3, 2), ERR_RANGE);
	cr_assert_eq(semaphore_init_limit(&limited, 1, 2), ERR_OK);
	cr_assert_eq(semaphore_try_post(&limited), ERR_OK);
	cr_assert_eq(semaphore_try_post(&limited), ERR_LIMIT);
	cr_assert_eq(atomic_load(&limited.count), 2);
	semaphore_init(&limited, UINT32_MAX);
	cr_assert_eq(semaphore_try_post(&limited), ERR_LIMIT);
}

struct reset {
	struct semaphore semaphore;
	_Atomic unsigned cancelled;
};

static void *wait_for_reset(void *arg)
{
	struct reset *reset = arg;

	if (semaphore_timed_wait(&reset->semaphore, TIME_NEVER) == ERR_CANCELLED)
		atomic_fetch_add(&reset->cancelled, 1);
	return NULL;
}

/* A reset ends every wait that has begun; they begin at their own pace. */
Test(semaphore, Z31_reset_cancels_who_waits, .timeout = 60)
{
	struct reset reset = {.semaphore = SEMAPHORE_INIT(7)};
	pthread_t threads[THREADS];

	semaphore_reset(&reset.semaphore);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, wait_for_reset, &reset);
	while (atomic_load(&reset.cancelled) < THREADS) {
		semaphore_reset(&reset.semaphore);
		spin_backoff(63);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	cr_assert_eq(semaphore_try_wait(&reset.semaphore), ERR_WOULD_BLOCK);
}

static struct once once = ONCE_FLAG_INIT;
static unsigned once_calls;

static void once_body(void)
{
	once_calls++;
}

static void *once_caller(void *arg)
{
	(void)arg;
	call_once(&once, once_body);
	cr_assert_eq(once_calls, 1);
	return NULL;
}

Test(once, runs_once_and_all_see_it)
{
	run(THREADS, once_caller, NULL);
	cr_assert_eq(once_calls, 1);
}

static struct once slow = ONCE_FLAG_INIT;
static pthread_t slow_other;

static void slow_nothing(void)
{
	cr_assert(false, "it is being done already");
}

static void *slow_waits(void *arg)
{
	(void)arg;
	call_once(&slow, slow_nothing);
	return NULL;
}

/* The other one has come by then, and sleeps until it is done. */
static void slow_body(void)
{
	cr_assert_eq(pthread_create(&slow_other, NULL, slow_waits, NULL), 0);
	nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
}

Test(once, who_comes_meanwhile_is_woken, .timeout = 20)
{
	call_once(&slow, slow_body);
	pthread_join(slow_other, NULL);
}

Test(timespec, is_clamped)
{
	cr_assert_eq(timespec_to_ns(&(struct timespec){.tv_sec = 2, .tv_nsec = 5}), 2000000005u);
	cr_assert_eq(timespec_to_ns(&(struct timespec){.tv_sec = -1}), 0);
	cr_assert_eq(timespec_to_ns(&(struct timespec){.tv_sec = INT64_MAX}), TIME_NEVER);
	cr_assert_eq(
		timespec_to_ns(&(struct timespec){.tv_sec = 18446744073, .tv_nsec = 709551616}),
		TIME_NEVER, "the sum wraps, not the product");
}
