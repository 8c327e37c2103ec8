/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Z32: mutexes whose holders inherit.  What is lent is seen in the list of threads under every policy; that
 * it helps shows only with fixed priorities (fifo).
 */
#include <string.h>

#include <libsys/clock.h>
#include <libsys/process.h>
#include <libsys/sched.h>
#include <libsys/semaphore.h>
#include <libsys/tap.h>
#include <libsys/threads.h>
#include <proc/slots.h>

#include "../src/message.h"
#include "lib/crew.h"
#include "lib/program.h"
#include "t_sync.h"
#include "t_sync_chain.h"

/* What spins does so on one CPU, the last: where there are several, an emulator that counts instructions
 * runs the others when CPU 0 sleeps. */
static unsigned arena;

#define SPIN_MAX  (2 * NS_PER_S)
#define SOON      (30 * NS_PER_MS) /* to get a mutex that is held for a few */
#define HELD_FOR  (2 * NS_PER_MS)
#define LOW       10u
#define MIDDLE    40u
#define HIGH      60u
#define CONDUCTOR 70u

struct player {
	struct mtx *mutex;
	unsigned priority;
	unsigned lower_to; /* of itself, while it holds the mutex; 0: not */
	time_ns_t until;   /* to wait for the mutex */
	struct semaphore held;
	struct semaphore go;
	_Atomic unsigned passed;
	time_ns_t got_ns;
	int result;
	struct thread *thread;
};

static _Atomic unsigned spinner_stops;
static _Atomic unsigned spinner_spins;
static time_ns_t spinner_ns; /* it spins for, at most */

static void play(struct player *player, thrd_start_t *body)
{
	semaphore_init(&player->held, 0);
	semaphore_init(&player->go, 0);
	player->thread = start(body, player);
}

static void take_place(unsigned priority)
{
	tap_check(thread_pin(arena));
	tap_equal(sched_param_set(0, SCHED_PARAM_PRIORITY, priority, 0), ERR_OK);
}

/* Holds the mutex until it may go on, and works a little before it gives it back. */
static int hold(void *arg)
{
	struct player *me = arg;

	take_place(me->priority);
	tap_equal(mtx_lock(me->mutex), thrd_success);
	semaphore_post(&me->held);
	semaphore_wait(&me->go);
	if (me->lower_to != 0)
		tap_equal(sched_param_set(0, SCHED_PARAM_PRIORITY, me->lower_to, 0), ERR_OK);
	program_burn(HELD_FOR);
	atomic_store(&me->passed, 1);
	tap_equal(mtx_unlock(me->mutex), thrd_success);
	atomic_store(&me->passed, 2);
	return 0;
}

static int want(void *arg)
{
	struct player *me = arg;

	take_place(me->priority);
	me->result = mtx_lock_until(me->mutex, me->until);
	me->got_ns = clock_now_ns();
	if (me->result == thrd_success)
		tap_equal(mtx_unlock(me->mutex), thrd_success);
	atomic_store(&spinner_stops, 1);
	semaphore_post(&me->held);
	return 0;
}

/* Between the two, and never sleeps, but not for ever. */
static int spin_between(void *arg)
{
	time_ns_t until;

	(void)arg;
	take_place(MIDDLE);
	until = clock_now_ns() + spinner_ns;
	atomic_store(&spinner_spins, 1);
	while (atomic_load(&spinner_stops) == 0 && clock_now_ns() < until)
		;
	atomic_store(&spinner_spins, 0);
	return atomic_load(&spinner_stops) != 0;
}

static struct thread *spinner_start(time_ns_t for_ns)
{
	struct thread *spinner;

	atomic_store(&spinner_stops, 0);
	atomic_store(&spinner_spins, 0);
	spinner_ns = for_ns;
	spinner = start(spin_between, NULL);
	while (atomic_load(&spinner_spins) == 0)
		thread_pause();
	return spinner;
}

static struct proc_thread_info info_of(const struct thread *thread)
{
	struct proc_thread_info info = {0};

	program_need("asking for a thread", thread_list(thread_tid(thread), &info));
	return info;
}

/* Until the other one lends it that, as it does before it sleeps. */
static void await_lent(const struct thread *thread, word_t lent)
{
	while (info_of(thread).lent != lent)
		thread_pause();
}

static bool fifo_decides(void)
{
	struct proc_machine_info info;

	program_need("asking for the machine", machine_info(&info));
	return strcmp(info.policy, "fifo") == 0;
}

static void conduct(void)
{
	arena = program_cpus() - 1;
	tap_check(arena == 0 || thread_pin(0));
	tap_equal(sched_param_set(0, SCHED_PARAM_PRIORITY, CONDUCTOR, 0), ERR_OK);
}

static void conducted(void)
{
	tap_equal(sched_param_set(0, SCHED_PARAM_PRIORITY, 50, 0), ERR_OK);
	tap_check(sched_param_set(0, SCHED_PARAM_AFFINITY, ~0ull, ~0ull) == ERR_OK);
}

/* Low holds, high waits, the middle spins.  Own priorities change meanwhile. */
void mutex_inheritance(void)
{
	struct mtx inherits;
	struct player low = {.mutex = &inherits, .priority = LOW, .lower_to = LOW - 5};
	struct player high = {.mutex = &inherits, .priority = HIGH, .until = TIME_NEVER};
	struct thread *spinner;
	time_ns_t from;

	conduct();
	tap_equal(mtx_init(&inherits, mtx_inherit), thrd_success);
	play(&low, hold);
	semaphore_wait(&low.held);
	tap_equal(info_of(low.thread).lent, 0);
	play(&high, want);
	await_lent(low.thread, HIGH);
	tap_equal(sched_param_set(thread_tid(high.thread), SCHED_PARAM_PRIORITY, HIGH + 1, 0),
		  ERR_OK);
	tap_equal(info_of(low.thread).lent, HIGH + 1);
	tap_equal(sched_param_set(thread_tid(low.thread), SCHED_PARAM_PRIORITY, LOW + 1, 0),
		  ERR_OK);
	tap_equal(info_of(low.thread).lent, HIGH + 1);
	tap_equal(info_of(low.thread).priority, LOW + 1);
	thread_await_state(high.thread, THREAD_WAITING);

	spinner = spinner_start(SPIN_MAX);
	from = clock_now_ns();
	semaphore_post(&low.go);
	tap_equal(join(spinner), 1);
	join(high.thread);
	tap_equal(high.result, thrd_success);
	tap_check(!fifo_decides() || high.got_ns - from < SOON);
	join(low.thread);
	conducted();
}

/* The time of who waits is over: what was lent is taken back, and the middle one spins to its end. */
void mutex_inheritance_timeout(void)
{
	struct mtx inherits;
	struct player low = {.mutex = &inherits, .priority = LOW};
	struct player high = {
		.mutex = &inherits, .priority = HIGH, .until = clock_now_ns() + 20 * NS_PER_MS};
	struct thread *spinner;

	conduct();
	tap_equal(mtx_init(&inherits, mtx_inherit | mtx_timed), thrd_success);
	play(&low, hold);
	semaphore_wait(&low.held);
	play(&high, want);
	await_lent(low.thread, HIGH);
	semaphore_wait(&high.held);
	tap_equal(high.result, thrd_timedout);
	tap_check(high.got_ns >= high.until);
	tap_equal(info_of(low.thread).lent, 0);
	join(high.thread);

	spinner = spinner_start(20 * NS_PER_MS);
	semaphore_post(&low.go);
	while (atomic_load(&spinner_spins) != 0)
		thread_pause();
	if (fifo_decides())
		tap_equal(atomic_load(&low.passed), 0);
	join(spinner);
	join(low.thread);
	conducted();
}

/* With priorities that rise towards who wants the first mutex. */
static int own_two_and_inherit(void *arg)
{
	take_place(LOW + CHAIN - chain_place(arg));
	return chain_own_two(arg, HELD_FOR / 4);
}

/* Six hold one each and wait for the next, and the middle one spins: each new owner runs, with the priority
 * of who waits at the end. */
void mutex_inheritance_chain(void)
{
	struct player high = {.mutex = chain_mutex(0), .priority = HIGH, .until = TIME_NEVER};
	struct thread *spinner;
	struct crew crew;
	time_ns_t from;

	conduct();
	chain_start(&crew, mtx_inherit, own_two_and_inherit);
	play(&high, want);
	await_lent(crew.threads[CHAIN - 1], HIGH);
	for (unsigned i = 0; i < CHAIN; i++)
		tap_equal(info_of(crew.threads[i]).lent, HIGH);

	spinner = spinner_start(SPIN_MAX);
	tap_equal(chain_owners(), 0);
	from = clock_now_ns();
	chain_open();
	tap_equal(join(spinner), 1);
	join(high.thread);
	tap_equal(high.result, thrd_success);
	tap_check(!fifo_decides() || high.got_ns - from < SOON);
	tap_equal(crew_join(&crew), 0);
	conducted();
}

static int hold_and_end(void *arg)
{
	struct player *me = arg;

	take_place(me->priority);
	tap_equal(mtx_lock(me->mutex), thrd_success);
	semaphore_post(&me->held);
	semaphore_wait(&me->go);
	return 0;
}

/* Nobody will ever get the mutex: who waits is told. */
void mutex_inheritance_holder_ends(void)
{
	struct mtx inherits;
	struct player low = {.mutex = &inherits, .priority = LOW};
	struct player high = {.mutex = &inherits, .priority = HIGH, .until = TIME_NEVER};

	conduct();
	tap_equal(mtx_init(&inherits, mtx_inherit), thrd_success);
	play(&low, hold_and_end);
	semaphore_wait(&low.held);
	play(&high, want);
	await_lent(low.thread, HIGH);
	semaphore_post(&low.go);
	join(high.thread);
	tap_equal(high.result, thrd_error);
	join(low.thread);
	tap_equal(mtx_lock(&inherits), thrd_error);
	conducted();
}

/* Somebody ends who waits, which nobody joins then; the next one gets the mutex. */
void mutex_inheritance_waiter_killed(void)
{
	struct mtx inherits;
	static struct player high;
	struct player low = {.mutex = &inherits, .priority = LOW};
	struct player other = {.mutex = &inherits, .priority = LOW + 5, .until = TIME_NEVER};
	struct msg m;

	high = (struct player){.mutex = &inherits, .priority = HIGH, .until = TIME_NEVER};
	conduct();
	tap_equal(mtx_init(&inherits, mtx_inherit), thrd_success);
	play(&low, hold);
	semaphore_wait(&low.held);
	play(&other, want);
	await_lent(low.thread, LOW + 5);
	play(&high, want);
	await_lent(low.thread, HIGH);
	thread_await_state(high.thread, THREAD_WAITING);
	/* Answered when it is gone: it named another one. */
	tap_equal(server_request(PROC_SLOT_PROC, PROC_REQ_THREAD_EXIT,
				 (const word_t[]){info_of(high.thread).index, 0, 0, 0}, 4, &m),
		  ERR_ARG);
	tap_equal(info_of(low.thread).lent, LOW + 5);
	semaphore_post(&low.go);
	join(other.thread);
	tap_equal(other.result, thrd_success);
	join(low.thread);
	conducted();
}

/* What is asked of proc itself is its own business only. */
void mutex_inheritance_refusals(void)
{
	const uint32_t self = thread_tid(thrd_current());
	const struct {
		word_t label;
		word_t words[3];
		enum error error;
	} requests[] = {
		{PROC_REQ_MUTEX_WAIT, {self, self, 8}, ERR_ARG},
		{PROC_REQ_MUTEX_WAIT, {self, 1, 8}, ERR_NOT_FOUND},
		{PROC_REQ_MUTEX_WAIT, {1, self, 8}, ERR_NOT_FOUND},
		{PROC_REQ_MUTEX_WAIT, {self, ~0ull, 8}, ERR_NOT_FOUND},
		{PROC_REQ_MUTEX_TAKE, {self, 1, 0}, ERR_STATE},
		{PROC_REQ_MUTEX_TAKE, {1, 1, 0}, ERR_STATE},
		{PROC_REQ_MUTEX_PASS, {8, 0, 0}, ERR_NOT_FOUND},
	};
	struct mtx none;
	struct msg m;

	for (unsigned i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		tap_equal(
			server_request(PROC_SLOT_PROC, requests[i].label, requests[i].words, 3, &m),
			requests[i].error);
	tap_equal(sched_param_set(0, SCHED_PARAM_LENT, 60, 0), ERR_PERMISSION);
	tap_equal(process_sched_set(0, self, SCHED_PARAM_LENT, 60, 0), ERR_PERMISSION);
	tap_equal(mtx_init(&none, 8), thrd_error);
}
