/* SPDX-License-Identifier: BSD-2-Clause */
/* Moving a home against wake, stop and another move. */
#include "scenario.h"

#include <kern/derive.h>
#include <kern/grace.h>
#include <kern/reap.h>

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
static struct tcb *homeless(void)
{
	struct tcb *t = world_thread_stopped(0, PROGRAM(WAIT(world_notification())));

	home_remove(CORE(0), t);
	t->home = NULL;
	t->sched = SCHED_NONE;
	t->arrived = false;
	return t;
}

static void first_each_setup(void)
{
	struct tcb *t = homeless();

	world_thread(0, PROGRAM(SET_HOME(t, CORE(0)), RESUME(t)));
	world_thread(1, PROGRAM(SET_HOME(t, CORE(1)), RESUME(t)));
}

static void first_each_final(void)
{
	const struct tcb *t = world_threads[0];

	must(t->home != NULL && list_linked(&t->home_link) && t->state != THREAD_STOPPED);
	must(result(world_threads[1]) == ERR_OK || result(world_threads[2]) == ERR_OK);
}

/* Or none any more: its last capability goes away, and then its memory. */
static cptr_t the_cap;

static void delete_homeless(struct tcb *tcb)
{
	struct cap_work work;

	(void)tcb;
	derivation_lock();
	must(cap_delete_step(world_slot(the_cap), &work) == CAP_STEP_DONE);
	derivation_unlock();
}

static void reap_homeless(struct tcb *tcb)
{
	if (!reap_some()) {
		tcb->context.pc -= 4;
		return;
	}
	grace_wait();
	memory_poison(world_threads[0], sizeof(*world_threads[0]));
}

static void first_delete_setup(void)
{
	struct tcb *t = homeless();

	the_cap = world_cap(OBJ_TCB, t, 0);
	t->object.caps = 1;
	world_thread(0, PROGRAM(SET_HOME(t, CORE(0))));
	world_thread(1, PROGRAM(KERNEL(delete_homeless), KERNEL(reap_homeless)));
}

static void first_delete_final(void)
{
	must(thread_finished(world_threads[1]) && thread_finished(world_threads[2]));
	must(!list_linked(&world_threads[0]->home_link));
}

/* Or is to be none: it is bound. */
static void first_bind_setup(void)
{
	struct tcb *d = world_dispatcher_unbound(0);

	world_thread(0, PROGRAM(BIND(CORE(0), d)));
	world_thread(1, PROGRAM(SET_HOME(d, CORE(1))));
}

static void first_bind_final(void)
{
	const struct tcb *d = world_dispatcher_unbound(0);

	must(thread_finished(world_threads[0]) && result(world_threads[0]) == ERR_OK);
	must(thread_finished(world_threads[1]));
	must(CORE(0)->dispatcher == d && d->home == NULL && !list_linked(&d->home_link));
}

const struct scenario scenarios_home[] = {
	SCENARIO("L18_move-wake", 3, move_wake_setup, move_wake_final),
	SCENARIO("move-wake-fallback", 3, move_fallback_setup, move_fallback_final),
	SCENARIO("move-stop", 2, move_stop_setup, move_stop_final),
	LONG_SCENARIO("move-stop-two", 3, move_stop_two_setup, move_stop_final),
	SCENARIO("first-first", 2, first_each_setup, first_each_final),
	SCENARIO("first-delete", 2, first_delete_setup, first_delete_final),
	SCENARIO("first-bind", 2, first_bind_setup, first_bind_final),
	SCENARIO("move-move", 3, move_each_setup, move_each_final),
	{.name = NULL},
};
