/* SPDX-License-Identifier: BSD-2-Clause */
/* Mutexes whose holders inherit, with real threads, under the race detector too: libsys' own part and the
 * pure part of proc.  Priorities are another matter: tests/unit/proc/test_lending.c. */
#include <criterion/criterion.h>
#include <sched.h>

#include <libsys/threads.h>

#include "../../../libsys/src/park.h"
#include "lend_host.h"
#include "park_posix.h"

#define THREADS 6
#define ROUNDS  1500u
#define MS      1000000ull
#define MUTEXES 3u

struct shared {
	struct mtx mutex[MUTEXES];
	uint64_t count[MUTEXES];
	_Atomic unsigned missed;
	_Atomic unsigned seeds;
};

static void shared_init(struct shared *shared, int type)
{
	*shared = (struct shared){.count = {0}};
	for (unsigned i = 0; i < MUTEXES; i++)
		cr_assert_eq(mtx_init(&shared->mutex[i], type | mtx_inherit), thrd_success);
}

static void run(void *(*body)(void *), struct shared *shared)
{
	pthread_t threads[THREADS];

	for (unsigned i = 0; i < THREADS; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, body, shared), 0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (unsigned i = 0; i < MUTEXES; i++)
		cr_assert_eq(atomic_load(&shared->mutex[i].state), 0);
	cr_assert(lend_host_idle());
}

static void *count_up(void *arg)
{
	struct shared *shared = arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		cr_assert_eq(mtx_lock(&shared->mutex[0]), thrd_success);
		if (i % 8 == 0)
			sched_yield();
		shared->count[0]++;
		cr_assert_eq(mtx_unlock(&shared->mutex[0]), thrd_success);
	}
	return NULL;
}

Test(inherit, excludes)
{
	struct shared shared;

	shared_init(&shared, mtx_plain);
	run(count_up, &shared);
	cr_assert_eq(shared.count[0], THREADS * ROUNDS);
}

static void *count_up_nested(void *arg)
{
	struct shared *shared = arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		mtx_lock(&shared->mutex[i % 2]);
		mtx_lock(&shared->mutex[i % 2]);
		shared->count[i % 2]++;
		mtx_lock(&shared->mutex[2]);
		shared->count[2]++;
		mtx_unlock(&shared->mutex[i % 2]);
		if (i % 3 == 0)
			mtx_unlock(&shared->mutex[2]);
		cr_assert_eq(mtx_unlock(&shared->mutex[i % 2]), thrd_success);
		if (i % 3 != 0)
			mtx_unlock(&shared->mutex[2]);
	}
	return NULL;
}

Test(inherit, is_held_twice_and_beside_others)
{
	struct shared shared;

	shared_init(&shared, mtx_recursive);
	run(count_up_nested, &shared);
	cr_assert_eq(shared.count[0] + shared.count[1], THREADS * ROUNDS);
	cr_assert_eq(shared.count[2], THREADS * ROUNDS);
}

/* Times that are over at about when the mutex is free, some at once. */
static void *count_up_or_miss(void *arg)
{
	struct shared *shared = arg;
	unsigned number = atomic_fetch_add(&shared->seeds, 1) + 1;

	for (unsigned i = 0; i < ROUNDS; i++) {
		const time_ns_t now_ns = park_now_ns();
		int result;

		number = number * 1664525u + 1013904223u;
		result = mtx_lock_until(&shared->mutex[0],
					(number >> 30) == 0 ? now_ns : now_ns + (number >> 16));
		if (result == thrd_timedout) {
			atomic_fetch_add(&shared->missed, 1);
			continue;
		}
		cr_assert_eq(result, thrd_success);
		shared->count[0]++;
		mtx_unlock(&shared->mutex[0]);
	}
	return NULL;
}

Test(inherit, times_out_or_not_and_nothing_is_lost)
{
	struct shared shared;

	shared_init(&shared, mtx_timed);
	run(count_up_or_miss, &shared);
	cr_assert_eq(shared.count[0] + atomic_load(&shared.missed), THREADS * ROUNDS);
	run(count_up, &shared);
}

/* Requests that were carried out or not, and have no answer. */
Test(inherit, excludes_with_lost_answers)
{
	struct shared shared;

	atomic_store(&lend_host_loses, true);
	shared_init(&shared, mtx_plain);
	run(count_up, &shared);
	cr_assert_eq(shared.count[0], THREADS * ROUNDS);
	shared_init(&shared, mtx_recursive);
	run(count_up_nested, &shared);
	cr_assert_eq(shared.count[2], THREADS * ROUNDS);
	shared_init(&shared, mtx_timed);
	run(count_up_or_miss, &shared);
	cr_assert_eq(shared.count[0] + atomic_load(&shared.missed), THREADS * ROUNDS);
}

static void *want_what_is_held(void *arg)
{
	struct shared *shared = arg;
	const time_ns_t until = park_now_ns() + 3 * MS;

	cr_assert_eq(mtx_unlock(&shared->mutex[0]), thrd_error);
	cr_assert_eq(mtx_trylock(&shared->mutex[0]), thrd_busy);
	cr_assert_eq(mtx_lock_until(&shared->mutex[0], until), thrd_timedout);
	cr_assert_geq(park_now_ns(), until);
	return NULL;
}

Test(inherit, its_owner_alone_unlocks_it)
{
	struct shared shared;
	pthread_t thread;

	shared_init(&shared, mtx_timed);
	cr_assert_eq(mtx_lock(&shared.mutex[0]), thrd_success);
	cr_assert_eq(mtx_lock(&shared.mutex[0]), thrd_error, "it would wait for itself");
	cr_assert_eq(pthread_create(&thread, NULL, want_what_is_held, &shared), 0);
	pthread_join(thread, NULL);
	cr_assert_eq(mtx_unlock(&shared.mutex[0]), thrd_success);
	cr_assert_eq(atomic_load(&shared.mutex[0].state), 0);
	cr_assert(lend_host_idle());
}

static _Atomic unsigned stage;

static void stage_next(void)
{
	atomic_fetch_add(&stage, 1);
}

static void stage_await(unsigned wanted)
{
	while (atomic_load(&stage) != wanted)
		park_wait(park_now_ns() + MS / 10);
}

static void let_it_be_unlocked(void)
{
	stage_next();
	stage_await(2);
}

static void *want_what_is_just_unlocked(void *arg)
{
	struct shared *shared = arg;

	atomic_store(&lend_host_waits, let_it_be_unlocked);
	cr_assert_eq(mtx_lock_until(&shared->mutex[0], park_now_ns() + 5000 * MS), thrd_success);
	cr_assert_eq(mtx_unlock(&shared->mutex[0]), thrd_success);
	return NULL;
}

/* The holder that was seen is none any more when proc is told of it; nobody would wake who waits. */
Test(inherit, an_unlock_between_look_and_wait_is_seen)
{
	struct shared shared;
	pthread_t thread;

	shared_init(&shared, mtx_timed);
	atomic_store(&stage, 0);
	mtx_lock(&shared.mutex[0]);
	cr_assert_eq(pthread_create(&thread, NULL, want_what_is_just_unlocked, &shared), 0);
	stage_await(1);
	mtx_unlock(&shared.mutex[0]);
	stage_next();
	pthread_join(thread, NULL);
	cr_assert_eq(atomic_load(&shared.mutex[0].state), 0);
	cr_assert(lend_host_idle());
}

static void *want_until_it_is_unlocked(void *arg)
{
	struct shared *shared = arg;

	park_meanwhile = let_it_be_unlocked;
	cr_assert_eq(mtx_lock_until(&shared->mutex[0], 1), thrd_success);
	cr_assert_eq(mtx_unlock(&shared->mutex[0]), thrd_success);
	return NULL;
}

/* It is passed on to who is about to give up: that one has it, and nobody else would unlock it. */
Test(inherit, who_gets_it_as_its_time_ends_has_it)
{
	struct shared shared;
	pthread_t thread;

	shared_init(&shared, mtx_timed);
	atomic_store(&stage, 0);
	mtx_lock(&shared.mutex[0]);
	cr_assert_eq(pthread_create(&thread, NULL, want_until_it_is_unlocked, &shared), 0);
	stage_await(1);
	mtx_unlock(&shared.mutex[0]);
	stage_next();
	pthread_join(thread, NULL);
	cr_assert_eq(atomic_load(&shared.mutex[0].state), 0);
	cr_assert(lend_host_idle());
}

static void *hold_once(void *arg)
{
	struct shared *shared = arg;

	cr_assert_eq(mtx_lock(&shared->mutex[0]), thrd_success);
	cr_assert_eq(mtx_unlock(&shared->mutex[0]), thrd_success);
	stage_next();
	return NULL;
}

static void let_it_be_held_once(void)
{
	stage_await(1);
}

/* Who unlocks passes the mutex on, and finds itself in the word when it wants the mutex again at once. */
Test(inherit, who_passed_it_on_may_want_it_again)
{
	struct shared shared;
	pthread_t thread;

	shared_init(&shared, mtx_timed);
	atomic_store(&stage, 0);
	mtx_lock(&shared.mutex[0]);
	cr_assert_eq(pthread_create(&thread, NULL, hold_once, &shared), 0);
	while (lend_host_waiters() == 0)
		park_wait(park_now_ns() + MS / 10);
	atomic_store(&lend_host_waits, let_it_be_held_once);
	mtx_unlock(&shared.mutex[0]);
	cr_assert_eq(mtx_lock_until(&shared.mutex[0], park_now_ns() + 5000 * MS), thrd_success);
	mtx_unlock(&shared.mutex[0]);
	pthread_join(thread, NULL);
	atomic_store(&lend_host_waits, NULL);
	cr_assert(lend_host_idle());
}

static void *hold_and_end(void *arg)
{
	struct shared *shared = arg;

	mtx_lock(&shared->mutex[0]);
	atomic_store(&shared->seeds, 1);
	while (lend_host_waiters() < 2)
		park_wait(park_now_ns() + MS / 10);
	lend_host_end();
	return NULL;
}

static void *want_in_vain(void *arg)
{
	struct shared *shared = arg;

	while (atomic_load(&shared->seeds) == 0)
		park_wait(park_now_ns() + MS / 10);
	cr_assert_eq(mtx_lock(&shared->mutex[0]), thrd_error);
	return NULL;
}

Test(inherit, who_waits_is_told_that_the_holder_ended)
{
	struct shared shared;
	pthread_t threads[3];

	shared_init(&shared, mtx_plain);
	cr_assert_eq(pthread_create(&threads[0], NULL, hold_and_end, &shared), 0);
	for (unsigned i = 1; i < 3; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, want_in_vain, &shared), 0);
	for (unsigned i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	cr_assert_eq(mtx_lock(&shared.mutex[0]), thrd_error);
	cr_assert(lend_host_idle());
}
