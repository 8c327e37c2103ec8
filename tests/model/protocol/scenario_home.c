/* SPDX-License-Identifier: BSD-2-Clause */
/* Moving a home against wake, stop and another move. */
#include "scenario.h"

static struct tcb *waiter_and_signal(unsigned signaller)
{
	struct notification *n = world_notification();
	struct tcb *t = world_thread(0, PROGRAM(WAIT(n)));

	world_thread(signaller, PROGRAM(SIGNAL(n, 1)));
	return t;
}

/* The dispatcher of CPU 0 moves it while it blocks and CPU 2 signals it. */
static void move_wake_setup(void)
{
	world_move(0, waiter_and_signal(2), 1);
	(void)world_dispatcher(0);
	(void)world_dispatcher(1);
}

static void move_wake_final(void)
{
	const struct tcb *t = world_threads[0];

	must(t->sched == SCHED_RUNNING);
	must(thread_finished(t) && result(t) == ERR_OK && t->state == THREAD_READY);
}

/* In fallback anybody may; it fails while the thread runs. */
static void move_fallback_setup(void)
{
	struct tcb *t = waiter_and_signal(2);

	world_thread(1, PROGRAM(SET_HOME(t, CORE(1))));
}

static void move_fallback_final(void)
{
	const struct tcb *t = world_threads[0];
	enum error error = result(world_threads[2]);

	must(t->home == CORE(0) ? error == ERR_STATE : error == ERR_OK);
	must(t->payer->sched != SCHED_BLOCKED);
	must(thread_finished(t) || error == ERR_OK); /* behind one that spins */
}

static void move_stop_from(unsigned cpu)
{
	struct notification *n = world_notification();
	struct tcb *t = world_thread_stopped(0, PROGRAM(WAIT(n)));

	world_thread(cpu, PROGRAM(SIGNAL(n, 1), SUSPEND(t)));
	world_go(t);
	world_move(0, t, 1);
	(void)world_dispatcher(0);
}

static void move_stop_setup(void)
{
	move_stop_from(1);
}

static void move_stop_two_setup(void)
{
	move_stop_from(2);
	(void)world_dispatcher(1);
}

static void move_stop_final(void)
{
	const struct tcb *t = world_threads[0];

	must(t->state == THREAD_STOPPED && (t->exit_work & EXIT_STOP) == 0);
	must(thread_finished(world_threads[1]));
}

static void move_each_setup(void)
{
	struct notification *n = world_notification();
	struct tcb *t = world_thread_stopped(0, PROGRAM(WAIT(n)));

	world_thread(1, PROGRAM(SET_HOME(t, CORE(1))));
	world_thread(2, PROGRAM(SET_HOME(t, CORE(2)), RESUME(t)));
}

static void move_each_final(void)
{
	const struct tcb *t = world_threads[0];

	must(t->home != NULL && t->state != THREAD_STOPPED);
}

/* It has no home yet. */
static void first_each_setup(void)
{
	struct tcb *t = world_thread_stopped(0, PROGRAM(WAIT(world_notification())));

	home_remove(CORE(0), t);
	t->home = NULL;
	t->sched = SCHED_NONE;
	world_thread(0, PROGRAM(SET_HOME(t, CORE(0)), RESUME(t)));
	world_thread(1, PROGRAM(SET_HOME(t, CORE(1)), RESUME(t)));
}

static void first_each_final(void)
{
	const struct tcb *t = world_threads[0];

	must(t->home != NULL && list_linked(&t->home_link) && t->state != THREAD_STOPPED);
	must(result(world_threads[1]) == ERR_OK || result(world_threads[2]) == ERR_OK);
}

const struct scenario scenarios_home[] = {
	SCENARIO("L18_move-wake", 3, move_wake_setup, move_wake_final),
	SCENARIO("move-wake-fallback", 3, move_fallback_setup, move_fallback_final),
	SCENARIO("move-stop", 2, move_stop_setup, move_stop_final),
	LONG_SCENARIO("move-stop-two", 3, move_stop_two_setup, move_stop_final),
	SCENARIO("first-first", 2, first_each_setup, first_each_final),
	SCENARIO("move-move", 3, move_each_setup, move_each_final),
	{.name = NULL},
};
