/* SPDX-License-Identifier: BSD-2-Clause */
/* Request against answer, interrupt, stop and fallback. */
#include "scenario.h"

static struct notification *late;

static void answer_setup(void)
{
	world_thread(0, PROGRAM(REQUEST(NULL, false)));
	(void)world_dispatcher(0);
}

static void remote_setup(void)
{
	world_thread(0, PROGRAM(REQUEST(CORE(1), false)));
	bind_all();
}

static void answered_final(void)
{
	const struct tcb *t = world_threads[0];

	must(thread_finished(t) && t->state == THREAD_READY);
	must(result(t) == ERR_OK && t->context.x[2] == ERR_OK && t->context.x[3] == 7);
}

/* A signal ends it, or was there before, or comes after the answer and is kept. */
static void signal_setup(void)
{
	struct notification *n = world_notification();
	struct tcb *t = world_thread(0, PROGRAM(REQUEST(NULL, true)));

	world_thread(1, PROGRAM(SIGNAL(n, 5)));
	if (notification_bind(n, t) != ERR_OK)
		violation("bind");
	(void)world_dispatcher(0);
}

static void signal_final(void)
{
	const struct tcb *t = world_threads[0];
	const struct notification *n = t->bound_notification;

	must(thread_finished(t) && t->state == THREAD_READY && result(t) == ERR_OK);
	if (t->context.x[2] == ERR_OK)
		must(t->context.x[3] == 7 && n->word == 5);
	else
		must(t->context.x[2] == ERR_CANCELLED && t->context.x[3] == 5 && n->word == 0);
}

/* Bound and signalled while the thread goes into a request that nobody answers. */
static void bind_to_requester(struct tcb *tcb)
{
	(void)tcb;
	if (notification_bind(late, world_threads[0]) != ERR_OK)
		violation("bind");
}

static void bind_signal_setup(void)
{
	late = world_notification();
	world_thread(0, PROGRAM(REQUEST(NULL, true)));
	world_thread(1, PROGRAM(KERNEL(bind_to_requester), SIGNAL(late, 5)));
	(void)world_dispatcher(0);
	world_deaf(0);
}

static void interrupted_final(void)
{
	const struct tcb *t = world_threads[0];

	must(thread_finished(t) && t->state == THREAD_READY && result(t) == ERR_OK);
	must(t->context.x[2] == ERR_CANCELLED && t->context.x[3] == 5 && late->word == 0);
}

static void fallback_setup(void)
{
	world_thread(0, PROGRAM(REQUEST(CORE(1), false)));
	world_thread(1, PROGRAM(UNBIND(CORE(1))));
	bind_all();
}

static void ended_final(void)
{
	const struct tcb *t = world_threads[0];

	must(thread_finished(t) && t->state == THREAD_READY);
	must(result(t) == ERR_RESTARTED || (result(t) == ERR_OK && t->context.x[3] == 7));
}

static void fallback_final(void)
{
	ended_final();
	must(CORE(1)->dispatcher == NULL);
}

/* The dispatcher asked is too slow: its decision limit may end at any time. */
static void limit_setup(void)
{
	remote_setup();
	model_cpus[1].timer_budget = 1;
}

/* The dispatcher asked is on the way, and is stopped before, while or after it comes. */
static void pending_setup(void)
{
	struct tcb *d = world_dispatcher_unbound(1);

	world_thread(0, PROGRAM(BIND(CORE(1), d), REQUEST(CORE(1), false)));
	world_thread(1, PROGRAM(SUSPEND(d)));
}

static void request_stop_setup(void)
{
	struct tcb *t = world_thread(0, PROGRAM(REQUEST(CORE(1), false)));

	world_thread(1, PROGRAM(SUSPEND(t)));
	bind_all();
}

static void request_stop_final(void)
{
	const struct tcb *t = world_threads[0];

	must(t->state == THREAD_STOPPED && (t->exit_work & EXIT_STOP) == 0);
	must(thread_finished(world_threads[1]));
}

const struct scenario scenarios_request[] = {
	SCENARIO("request-answer", 1, answer_setup, answered_final),
	SCENARIO("request-remote", 2, remote_setup, answered_final),
	SCENARIO("request-signal", 2, signal_setup, signal_final),
	SCENARIO("bind-signal-request", 2, bind_signal_setup, interrupted_final),
	SCENARIO("request-fallback", 2, fallback_setup, fallback_final),
	SCENARIO("request-limit", 2, limit_setup, ended_final),
	SCENARIO("request-bind-stop", 2, pending_setup, ended_final),
	SCENARIO("request-stop", 2, request_stop_setup, request_stop_final),
	{.name = NULL},
};
