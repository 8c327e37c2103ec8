/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Synchronisation between threads on the booted system (the rows are those of docs/acceptance.md).  Who is
 * said to wait is seen to wait, in the list of threads, before anything is done about it.
 */
#include <string.h>

#include <libsys/clock.h>
#include <libsys/process.h>
#include <libsys/sched.h>
#include <libsys/semaphore.h>
#include <libsys/tap.h>
#include <libsys/threads.h>

#include "../src/spin.h"
#include "lib/crew.h"
#include "lib/program.h"
#include "t_sync.h"
#include "t_sync_chain.h"

#define MEMBERS 6u
#define ROUNDS  500u

struct thread *start(thrd_start_t *body, void *arg)
{
	struct thread *thread;

	if (thrd_create(&thread, body, arg) != thrd_success)
		program_fail("starting a thread", ERR_NO_MEMORY);
	return thread;
}

int join(struct thread *thread)
{
	int result = -1;

	tap_equal(thrd_join(thread, &result), thrd_success);
	return result;
}

/* --- Z10: increments --- */

#define COUNTERS   3u
#define INCREMENTS 20000u

static struct mtx mutex = MTX_INIT;
static struct semaphore one_enters = SEMAPHORE_INIT(1);
static struct spin spin;
static uint64_t count;

/* Yields now and then with the increment half done, so that others really wait, and one that enters too is
 * seen. */
static void count_one(unsigned round)
{
	uint64_t before = count;

	if (round % 400 == 0)
		thrd_yield();
	*(volatile uint64_t *)&count = before + 1;
}

static int count_by_mutex(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < INCREMENTS; i++) {
		mtx_lock(&mutex);
		count_one(i);
		mtx_unlock(&mutex);
	}
	return 0;
}

static int count_by_semaphore(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < INCREMENTS; i++) {
		semaphore_wait(&one_enters);
		count_one(i);
		semaphore_post(&one_enters);
	}
	return 0;
}

static int count_by_spin(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < INCREMENTS; i++) {
		spin_lock(&spin);
		count_one(i);
		spin_unlock(&spin);
	}
	return 0;
}

static void count_with(thrd_start_t *body)
{
	struct crew crew;

	count = 0;
	crew_start(&crew, COUNTERS, body, NULL, 0);
	crew_join(&crew);
	tap_equal(count, COUNTERS * INCREMENTS);
}

static void increments_under_a_mutex(void)
{
	count_with(count_by_mutex);
	tap_equal(mtx_trylock(&mutex), thrd_success);
	tap_equal(mtx_unlock(&mutex), thrd_success);
}

static void increments_under_a_semaphore(void)
{
	count_with(count_by_semaphore);
	tap_equal(semaphore_try_wait(&one_enters), ERR_OK);
	tap_equal(semaphore_try_wait(&one_enters), ERR_WOULD_BLOCK);
}

static void increments_under_a_spinlock(void)
{
	count_with(count_by_spin);
	tap_equal(atomic_load(&spin.held), 0);
}

/* --- Z31: semaphores --- */

static struct semaphore ping = SEMAPHORE_INIT(0);
static struct semaphore pong = SEMAPHORE_INIT(0);

static int answer_pings(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < ROUNDS; i++) {
		semaphore_wait(&ping);
		semaphore_post(&pong);
	}
	return 0;
}

static void semaphore_ping_pong(void)
{
	struct crew crew;

	crew_start(&crew, 1, answer_pings, NULL, 0);
	for (unsigned i = 0; i < ROUNDS; i++) {
		semaphore_post(&ping);
		semaphore_wait(&pong);
	}
	crew_join(&crew);
	tap_equal(semaphore_try_wait(&pong), ERR_WOULD_BLOCK);
	tap_equal(semaphore_timed_wait(&pong, clock_now_ns() + NS_PER_MS), ERR_TIMEOUT);
}

/* Timed waits whose signal comes at about the time that they end: none may be lost or doubled. */
static int wait_often_with_timeout(void *arg)
{
	unsigned *got = arg;

	for (unsigned i = 0; i < 60; i++)
		if (semaphore_timed_wait(&ping, clock_now_ns() + 300 * NS_PER_US) == ERR_OK)
			++*got;
	return 0;
}

static void semaphore_timeouts_race(void)
{
	unsigned got[3] = {0, 0, 0};
	unsigned left = 0;
	struct crew crew;

	crew_start(&crew, 3, wait_often_with_timeout, got, sizeof(got[0]));
	for (unsigned i = 0; i < 60; i++) {
		thread_sleep_until(clock_now_ns() + 290 * NS_PER_US);
		semaphore_post(&ping);
	}
	crew_join(&crew);
	while (semaphore_try_wait(&ping) == ERR_OK)
		left++;
	tap_equal(got[0] + got[1] + got[2] + left, 60);
}

static void semaphore_counts_and_limits(void)
{
	struct semaphore s = SEMAPHORE_INIT(3);

	for (unsigned i = 0; i < 3; i++)
		tap_equal(semaphore_try_wait(&s), ERR_OK);
	tap_equal(semaphore_try_wait(&s), ERR_WOULD_BLOCK);
	tap_equal(semaphore_timed_wait(&s, 0), ERR_TIMEOUT);

	tap_equal(semaphore_init_limit(&s, 4, 3), ERR_RANGE);
	tap_equal(semaphore_init_limit(&s, 1, 3), ERR_OK);
	tap_equal(semaphore_try_post(&s), ERR_OK);
	tap_equal(semaphore_try_post(&s), ERR_OK);
	tap_equal(semaphore_try_post(&s), ERR_LIMIT);
	semaphore_post(&s);
	for (unsigned i = 0; i < 3; i++)
		tap_equal(semaphore_try_wait(&s), ERR_OK);
	tap_equal(semaphore_try_wait(&s), ERR_WOULD_BLOCK);

	semaphore_init(&s, UINT32_MAX);
	tap_equal(semaphore_try_post(&s), ERR_LIMIT);
	tap_equal(semaphore_try_wait(&s), ERR_OK);
	tap_equal(semaphore_try_post(&s), ERR_OK);
}

struct turn {
	struct semaphore *door;
	_Atomic unsigned *next;
	unsigned got;
};

static int take_a_turn(void *arg)
{
	struct turn *turn = arg;

	semaphore_wait(turn->door);
	turn->got = atomic_fetch_add(turn->next, 1);
	return 0;
}

/* The longest waiter first. */
static void semaphore_serves_in_order(void)
{
	struct semaphore door = SEMAPHORE_INIT(0);
	_Atomic unsigned next = 0;
	struct turn turns[MEMBERS];
	struct thread *threads[MEMBERS];

	for (unsigned i = 0; i < MEMBERS; i++) {
		turns[i] = (struct turn){.door = &door, .next = &next};
		threads[i] = start(take_a_turn, &turns[i]);
		thread_await_state(threads[i], THREAD_WAITING);
	}
	for (unsigned i = 0; i < MEMBERS; i++) {
		tap_equal(atomic_load(&next), i);
		semaphore_post(&door);
		join(threads[i]);
		tap_equal(turns[i].got, i);
	}
}

struct patient {
	struct semaphore *semaphore;
	time_ns_t until;
};

static int wait_patiently(void *arg)
{
	const struct patient *patient = arg;

	return (int)semaphore_timed_wait(patient->semaphore, patient->until);
}

static int wait_for_one(void *arg)
{
	semaphore_wait(arg);
	return 0;
}

static void semaphore_is_reset(void)
{
	struct semaphore s = SEMAPHORE_INIT(5);
	struct patient patients[2] = {{&s, TIME_NEVER}, {&s, clock_now_ns() + 10000 * NS_PER_S}};
	struct thread *threads[3];
	int result = -1;

	semaphore_reset(&s);
	tap_equal(semaphore_try_wait(&s), ERR_WOULD_BLOCK);
	for (unsigned i = 0; i < 2; i++)
		threads[i] = start(wait_patiently, &patients[i]);
	threads[2] = start(wait_for_one, &s);
	thread_await_state(threads[0], THREAD_WAITING);
	thread_await_state(threads[2], THREAD_WAITING);
	semaphore_reset(&s);
	tap_equal(join(threads[0]), ERR_CANCELLED);
	/* That this one has begun to wait nobody can tell. */
	while (thread_join_until(threads[1], &result, clock_now_ns() + NS_PER_MS) == thrd_timedout)
		semaphore_reset(&s);
	tap_equal(result, ERR_CANCELLED);
	/* This one has none yet, and waits on. */
	thread_await_state(threads[2], THREAD_WAITING);
	semaphore_post(&s);
	join(threads[2]);
	tap_equal(semaphore_try_wait(&s), ERR_WOULD_BLOCK);
}

/* --- Z32: mutexes --- */

static void mutex_recursion(void)
{
	struct mtx recursive;

	tap_equal(mtx_init(&recursive, mtx_recursive | mtx_timed), thrd_success);
	for (unsigned i = 0; i < 3; i++)
		tap_equal(mtx_lock(&recursive), thrd_success);
	tap_equal(mtx_trylock(&recursive), thrd_success);
	for (unsigned i = 0; i < 4; i++)
		tap_equal(mtx_unlock(&recursive), thrd_success);
	tap_equal(mtx_unlock(&recursive), thrd_error);

	/* One that is not says so, instead of waiting for itself. */
	mtx_lock(&mutex);
	tap_equal(mtx_trylock(&mutex), thrd_busy);
	tap_equal(mtx_lock(&mutex), thrd_error);
	tap_equal(mtx_unlock(&mutex), thrd_success);
	tap_equal(mtx_unlock(&mutex), thrd_error);
}

#define TURNS_MAX (30u * CHAIN) /* of 0.1 ms: a slice for each new owner */

static _Atomic unsigned hog_turns;

/* The further, the less it weighs. */
static int own_two(void *arg)
{
	const unsigned nice = 3 * chain_place(arg);
	int wrong = !thread_pin(0);

	wrong += sched_param_set(0, SCHED_PARAM_NICE, nice, 0) != ERR_OK;
	return wrong + chain_own_two(arg, 0);
}

static int hog_in_turns(void *arg)
{
	(void)arg;
	if (!thread_pin(0))
		return 1;
	for (; chain_owners() < CHAIN; atomic_fetch_add(&hog_turns, 1)) {
		program_burn(NS_PER_MS / 10);
		thrd_yield();
		thread_pause(); /* it never sleeps: an emulator that counts instructions would stay here */
	}
	return 0;
}

/* Nobody lends a holder his weight; but each new owner runs, beside one that would take the whole CPU. */
static void mutex_inversion_chain(void)
{
	struct thread *hog;
	struct crew crew;

	chain_start(&crew, mtx_timed, own_two);
	hog = start(hog_in_turns, NULL);
	for (unsigned i = 0; i < CHAIN; i++)
		tap_equal(mtx_lock_until(chain_mutex(i), clock_now_ns() + NS_PER_MS),
			  thrd_timedout);
	tap_equal(chain_owners(), 0);
	atomic_store(&hog_turns, 0);
	chain_open();
	tap_equal(crew_join(&crew), 0);
	tap_equal(join(hog), 0);
	printf("# %u turns of the hog\n", atomic_load(&hog_turns));
	tap_check(atomic_load(&hog_turns) < TURNS_MAX);
}

static int meddle(void *arg)
{
	struct mtx *held = arg;
	const time_ns_t until = clock_now_ns() + 5 * NS_PER_MS;

	tap_equal(mtx_unlock(held), thrd_error);
	tap_equal(mtx_trylock(held), thrd_busy);
	tap_equal(mtx_lock_until(held, until), thrd_timedout);
	tap_check(clock_now_ns() >= until);
	tap_equal(mtx_unlock(held), thrd_error);
	return 0;
}

static void mutex_wrong_owner(void)
{
	static const int types[] = {mtx_plain, mtx_timed, mtx_recursive};
	struct mtx held;

	for (unsigned i = 0; i < 3; i++) {
		tap_equal(mtx_init(&held, types[i]), thrd_success);
		mtx_lock(&held);
		join(start(meddle, &held));
		tap_equal(mtx_unlock(&held), thrd_success);
		tap_equal(mtx_trylock(&held), thrd_success);
		tap_equal(mtx_unlock(&held), thrd_success);
	}
}

/* --- Z33: join --- */

static int say_seven(void *arg)
{
	(void)arg;
	return 7;
}

static void join_self(void)
{
	tap_equal(thrd_join(thrd_current(), NULL), thrd_error);
	tap_equal(thread_join_until(thrd_current(), NULL, 0), thrd_error);
}

struct ring {
	struct semaphore tried;
	struct thread *members[MEMBERS];
	unsigned count;
	_Atomic unsigned refused;
	_Atomic unsigned open;
};

/* Each joins the next one.  Who is refused ends, and the one before it goes on. */
static int join_the_next(void *arg)
{
	struct ring *ring = arg;
	unsigned me = 0;
	int result;

	while (atomic_load(&ring->open) == 0)
		thread_pause();
	while (ring->members[me] != thrd_current())
		me++;
	result = thrd_join(ring->members[(me + 1) % ring->count], NULL);
	if (result == thrd_success)
		return 0;
	tap_equal(result, thrd_error);
	atomic_store(&ring->refused, me);
	semaphore_post(&ring->tried);
	return 1;
}

static void join_mutual(void)
{
	static const unsigned sizes[] = {2, 3, MEMBERS, 2, 2, 2};
	static struct ring ring;

	for (unsigned round = 0; round < sizeof(sizes) / sizeof(sizes[0]); round++) {
		memset(&ring, 0, sizeof(ring));
		ring.count = sizes[round];
		for (unsigned i = 0; i < ring.count; i++)
			ring.members[i] = start(join_the_next, &ring);
		atomic_store(&ring.open, 1);
		semaphore_wait(&ring.tried);
		/* The one that nobody joins any more; it ends last. */
		join(ring.members[(atomic_load(&ring.refused) + 1) % ring.count]);
		tap_equal(semaphore_try_wait(&ring.tried), ERR_WOULD_BLOCK);
	}
}

/* It is on no list any more when it is joined. */
static void join_dead(void)
{
	struct thread *thread = start(say_seven, NULL);
	struct proc_thread_info info = {.tid = thread_tid(thread)};

	while (info.tid == thread_tid(thread) && thread_list(info.tid, &info) == ERR_OK)
		thread_pause();
	tap_equal(join(thread), 7);
	thread = start(say_seven, NULL);
	tap_equal(thread_join_until(thread, NULL, clock_now_ns() + 10000 * NS_PER_S), thrd_success);
}

/* Each of two that look at once may find the other in its way. */
static int join_it(void *arg)
{
	int result = -1;

	while (thrd_join(arg, &result) == thrd_error)
		thread_pause();
	return result;
}

static int wait_then_seven(void *arg)
{
	semaphore_wait(arg);
	return 7;
}

static void join_timeout(void)
{
	struct semaphore door = SEMAPHORE_INIT(0);
	struct thread *thread = start(wait_then_seven, &door);
	struct thread *joiner;
	const time_ns_t until = clock_now_ns() + 5 * NS_PER_MS;
	int result = 0;

	tap_equal(thread_join_until(thread, &result, 0), thrd_timedout);
	tap_equal(thread_join_until(thread, &result, until), thrd_timedout);
	tap_check(clock_now_ns() >= until);
	tap_equal(result, 0);

	/* While another one joins it, it cannot be joined. */
	joiner = start(join_it, thread);
	while ((result = thread_join_until(thread, NULL, 0)) == thrd_timedout)
		thread_pause();
	tap_equal(result, thrd_error);
	semaphore_post(&door);
	tap_equal(join(joiner), 7);
}

/* --- Conditions --- */

static struct cnd changed = CND_INIT;
static unsigned stage;

static int wait_for_stages(void *arg)
{
	(void)arg;
	for (unsigned wanted = 1; wanted <= 20; wanted++) {
		mtx_lock(&mutex);
		while (stage < wanted)
			cnd_wait(&changed, &mutex);
		mtx_unlock(&mutex);
	}
	return 1;
}

static void condition_broadcast(void)
{
	struct crew crew;

	stage = 0;
	crew_start(&crew, MEMBERS, wait_for_stages, NULL, 0);
	for (unsigned i = 0; i < 20; i++) {
		mtx_lock(&mutex);
		stage++;
		cnd_broadcast(&changed);
		mtx_unlock(&mutex);
		thrd_yield();
	}
	tap_equal(crew_join(&crew), MEMBERS);
}

static void condition_times_out(void)
{
	time_ns_t until = clock_now_ns() + 5 * NS_PER_MS;

	mtx_lock(&mutex);
	tap_equal(cnd_wait_until(&changed, &mutex, until), thrd_timedout);
	tap_check(clock_now_ns() >= until);
	tap_equal(mtx_trylock(&mutex), thrd_busy);
	mtx_unlock(&mutex);
}

int main(void)
{
	static const struct tap_case cases[] = {
		{"Z10_increments: under a mutex", increments_under_a_mutex},
		{"Z10_increments_semaphore: under a semaphore", increments_under_a_semaphore},
		{"Z10_increments_spinlock: under a spinlock", increments_under_a_spinlock},
		{"Z31_semaphore: passes back and forth", semaphore_ping_pong},
		{"Z31_semaphore_timeouts: racing with posts, nothing is lost",
		 semaphore_timeouts_race},
		{"Z31_semaphore_counts: exactly, up to a limit", semaphore_counts_and_limits},
		{"Z31_semaphore_order: the longest waiter first", semaphore_serves_in_order},
		{"Z31_semaphore_reset: who waits is told", semaphore_is_reset},
		{"Z32_mutex_recursion", mutex_recursion},
		{"Z32_mutex_wrong_owner: and time limits", mutex_wrong_owner},
		{"Z32_mutex_inversion_chain: the new owner runs", mutex_inversion_chain},
		{"Z32_mutex_inheritance: low holds, high waits, the middle spins",
		 mutex_inheritance},
		{"Z32_mutex_inheritance_timeout: is taken back", mutex_inheritance_timeout},
		{"Z32_mutex_inheritance_chain: of six", mutex_inheritance_chain},
		{"Z32_mutex_inheritance_holder_ends: who waits is told",
		 mutex_inheritance_holder_ends},
		{"Z32_mutex_inheritance_waiter_killed", mutex_inheritance_waiter_killed},
		{"Z32_mutex_inheritance_refusals", mutex_inheritance_refusals},
		{"Z33_join_self", join_self},
		{"Z33_join_mutual: one of each ring is refused", join_mutual},
		{"Z33_join_dead", join_dead},
		{"Z33_join_timeout", join_timeout},
		{"a condition is broadcast", condition_broadcast},
		{"a condition times out", condition_times_out},
	};

	return tap_run(cases, sizeof(cases) / sizeof(cases[0]));
}
