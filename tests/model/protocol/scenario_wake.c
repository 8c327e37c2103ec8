/* SPDX-License-Identifier: BSD-2-Clause */
/* Block against wake by notifications, park against post, kick against drain. */
#include "scenario.h"

/* The waiter blocks on one CPU while it is signalled from another; all in fallback. */
static void wake_setup(void)
{
	struct notification *n = world_notification();

	world_thread(0, PROGRAM(WAIT(n)));
	world_thread(1, PROGRAM(SIGNAL(n, 4)));
}

static void wake_bound_setup(void)
{
	wake_setup();
	bind_all();
}

static void wake_final(void)
{
	const struct tcb *waiter = world_threads[0];

	must(thread_finished(waiter) && waiter->state == THREAD_READY);
	must(waiter->context.x[0] == 0 && waiter->context.x[6] == 4);
}

/* Two signals from two CPUs, two waits: bits may come together, none is lost. */
static void signals_setup(void)
{
	struct notification *n = world_notification();

	world_thread(0, PROGRAM(WAIT(n), WAIT(n)));
	world_thread(1, PROGRAM(SIGNAL(n, 4)));
	world_thread(2, PROGRAM(SIGNAL(n, 8)));
	(void)world_dispatcher(0);
}

static void signals_final(void)
{
	const struct tcb *waiter = world_threads[0];

	must(thread_finished(waiter));
	if (waiter->state == THREAD_READY)
		must(waiter->context.x[6] == 4 || waiter->context.x[6] == 8);
	else /* both came before the first wait ended */
		must(waiter->state == THREAD_WAITING);
}

/* Two threads of one home are woken from two CPUs while its dispatcher parks, idles, drains. */
static void park_setup(void)
{
	struct notification *n = world_notification();
	struct notification *m = world_notification();

	world_thread(0, PROGRAM(WAIT(n)));
	world_thread(0, PROGRAM(WAIT(m)));
	world_thread(1, PROGRAM(SIGNAL(n, 1)));
	world_thread(2, PROGRAM(SIGNAL(m, 2)));
	(void)world_dispatcher(0);
}

static void park_fallback_setup(void)
{
	park_setup();
	cpu_as(0);
	core_unbind(CORE(0));
}

/* The first is ready in any case; it spins, so the second may wait for the CPU, but is ready. */
static void park_final(void)
{
	for (unsigned i = 0; i < 2; i++)
		must(world_threads[i]->payer->sched != SCHED_BLOCKED ||
		     thread_done(world_threads[i]) == 0);
	must(thread_finished(world_threads[0]) || thread_finished(world_threads[1]));
}

/* Each CPU's thread waits for what the other's signals: both sleep and wake each other. */
static void ping_setup(void)
{
	struct notification *n = world_notification();
	struct notification *m = world_notification();

	world_thread(0, PROGRAM(WAIT(n), SIGNAL(m, 1), WAIT(n)));
	world_thread(1, PROGRAM(SIGNAL(n, 1), WAIT(m), SIGNAL(n, 1)));
}

static void ping_bound_setup(void)
{
	ping_setup();
	bind_all();
}

static void all_finished(void)
{
	for (unsigned i = 0; i < world_threads_count; i++)
		must(thread_finished(world_threads[i]) && world_threads[i]->context.x[0] == 0);
}

const struct scenario scenarios_wake[] = {
	SCENARIO("wake-fallback", 2, wake_setup, wake_final),
	SCENARIO("M20_wake", 2, wake_bound_setup, wake_final),
	SCENARIO("wake-twice", 3, signals_setup, signals_final),
	SCENARIO("M28_park-post", 3, park_setup, park_final),
	SCENARIO("park-post-fallback", 3, park_fallback_setup, park_final),
	SCENARIO("ping-pong-fallback", 2, ping_setup, all_finished),
	SCENARIO("ping-pong", 2, ping_bound_setup, all_finished),
	{.name = NULL},
};
