/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler server is stopped while threads sleep, wait, yield, call and run.  A standby takes
 * over; nobody may be lost, wake early or notice more than a delay.
 */
#include <libsys/clock.h>
#include <libsys/process.h>
#include <libsys/sched.h>
#include <libsys/semaphore.h>
#include <libsys/tap.h>
#include <libsys/threads.h>

#include "lib/crew.h"
#include "lib/program.h"

#define KILLS       2u
#define KILL_GAP_NS (700 * NS_PER_MS)

static _Atomic uint32_t stop;

struct player {
	void (*step)(void);
	const char *name;
	uint64_t steps;
};

static void step_sleep(void)
{
	time_ns_t until = clock_now_ns() + 3 * NS_PER_MS;

	thread_sleep_until(until);
	tap_check(clock_now_ns() >= until);
}

static void step_timed_wait(void)
{
	static struct semaphore nothing = SEMAPHORE_INIT(0);
	time_ns_t until = clock_now_ns() + 2 * NS_PER_MS;

	tap_equal(semaphore_timed_wait(&nothing, until), ERR_TIMEOUT);
	tap_check(clock_now_ns() >= until);
}

/* It yields in the end, or under fifo nobody else would ever run on a single CPU. */
static void step_run(void)
{
	program_burn(NS_PER_MS);
	thrd_yield();
}

static void step_yield(void)
{
	program_burn(100 * NS_PER_US);
	thrd_yield();
}

static struct semaphore ping = SEMAPHORE_INIT(0);
static struct semaphore pong = SEMAPHORE_INIT(0);

static void step_ping(void)
{
	semaphore_post(&ping);
	semaphore_wait(&pong);
}

static int answer(void *arg)
{
	(void)arg;
	do {
		semaphore_wait(&ping);
		semaphore_post(&pong);
	} while (atomic_load(&stop) != 2); /* that is, for ever: the other one may still ask */
	return 0;
}

static int play(void *arg)
{
	struct player *player = arg;

	while (!atomic_load(&stop)) {
		player->step();
		player->steps++;
	}
	return 0;
}

static struct player players[] = {
	{step_sleep, "sleep", 0}, {step_timed_wait, "timed wait", 0}, {step_run, "run", 0},
	{step_run, "run", 0},     {step_yield, "yield", 0},           {step_ping, "ping", 0},
};
#define PLAYERS (sizeof(players) / sizeof(players[0]))

static void nobody_is_lost(void)
{
	uint64_t seen[PLAYERS];
	struct thread *other;
	struct crew crew;

	tap_equal(thrd_create(&other, answer, NULL), thrd_success);
	crew_start(&crew, PLAYERS, play, players, sizeof(players[0]));
	for (unsigned i = 0; i < KILLS; i++) {
		thread_sleep_until(clock_now_ns() + KILL_GAP_NS);
		tap_check(program_scheduler_replace());
	}
	for (unsigned i = 0; i < PLAYERS; i++)
		seen[i] = players[i].steps;
	thread_sleep_until(clock_now_ns() + KILL_GAP_NS);
	atomic_store(&stop, 1);
	tap_equal(crew_join(&crew), 0);
	for (unsigned i = 0; i < PLAYERS; i++) {
		printf("# %s: %lu steps, %lu of them at last\n", players[i].name,
		       (unsigned long)players[i].steps,
		       (unsigned long)(players[i].steps - seen[i]));
		tap_check(players[i].steps > seen[i]);
	}
}

static int end_at_once(void *arg)
{
	(void)arg;
	return 1;
}

static void the_new_server_serves(void)
{
	struct crew crew;
	word_t value = 0;
	word_t value2;

	tap_equal(sched_param_set(0, SCHED_PARAM_NICE, 3, 0), ERR_OK);
	tap_equal(sched_param_get(SCHED_PARAM_NICE, &value, &value2), ERR_OK);
	tap_equal(value, 3);
	for (unsigned i = 0; i < 10; i++) {
		crew_start(&crew, 4, end_at_once, NULL, 0);
		tap_equal(crew_join(&crew), 4);
	}
}

int main(void)
{
	static const struct tap_case cases[] = {
		{"nobody is lost when the scheduler server is replaced", nobody_is_lost},
		{"the new server serves", the_new_server_serves},
	};

	program_need("raising the priority", sched_param_set(0, SCHED_PARAM_PRIORITY, 90, 0));
	return tap_run(cases, sizeof(cases) / sizeof(cases[0]));
}
