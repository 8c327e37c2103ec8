/* SPDX-License-Identifier: BSD-2-Clause */
/* Bind and unbind against events and wakes; what the new dispatcher believes is checked at the end. */
#include "scenario.h"

static struct tcb *waiter_and_signal(void)
{
	struct notification *n = world_notification();
	struct tcb *t = world_thread(0, PROGRAM(WAIT(n)));

	world_thread(1, PROGRAM(SIGNAL(n, 1)));
	return t;
}

static void woken(void)
{
	const struct tcb *t = world_threads[0];

	must(thread_finished(t) && t->state == THREAD_READY && result(t) == ERR_OK);
}

static void bind_setup(void)
{
	(void)waiter_and_signal();
	world_thread(2, PROGRAM(BIND(CORE(0), world_dispatcher_unbound(0))));
}

static void bind_final(void)
{
	woken();
	must(result(world_threads[2]) == ERR_OK);
	must(CORE(0)->dispatcher != NULL && CORE(0)->fallback == FALLBACK_NONE);
}

static void unbind_setup(void)
{
	(void)waiter_and_signal();
	world_thread(2, PROGRAM(UNBIND(CORE(0))));
	(void)world_dispatcher(0);
}

static void unbind_final(void)
{
	woken();
	must(CORE(0)->dispatcher == NULL && CORE(0)->fallback != FALLBACK_NONE);
}

/* The old one is still bound when the new one is. */
static void swap_setup(void)
{
	(void)waiter_and_signal();
	world_thread(2, PROGRAM(BIND(CORE(0), world_dispatcher_unbound(1))));
	(void)world_dispatcher(0);
}

static void dispatcher_stop_setup(void)
{
	(void)waiter_and_signal();
	world_thread(2, PROGRAM(SUSPEND(world_dispatcher(0))));
}

const struct scenario scenarios_bind[] = {
	SCENARIO("K_core_bind-event", 3, bind_setup, bind_final),
	SCENARIO("unbind-event", 3, unbind_setup, unbind_final),
	SCENARIO("bind-other", 3, swap_setup, bind_final),
	SCENARIO("stop-dispatcher", 3, dispatcher_stop_setup, unbind_final),
	{.name = NULL},
};
