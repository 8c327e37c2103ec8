/* SPDX-License-Identifier: BSD-2-Clause */
/* Block against wake by endpoints. */
#include "scenario.h"

static void all_finished(void)
{
	for (unsigned i = 0; i < world_threads_count; i++)
		must(thread_finished(world_threads[i]) && result(world_threads[i]) == ERR_OK);
}

static void send_setup(void)
{
	struct endpoint *e = world_endpoint();

	world_thread(0, PROGRAM(RECV(e, (struct reply *)NULL)));
	world_thread(1, PROGRAM(SEND(e)));
	bind_all();
}

/* One receives twice, two send. */
static void send_two_setup(void)
{
	struct endpoint *e = world_endpoint();

	world_thread(0, PROGRAM(RECV(e, (struct reply *)NULL), RECV(e, (struct reply *)NULL)));
	world_thread(1, PROGRAM(SEND(e)));
	world_thread(2, PROGRAM(SEND(e)));
}

/* Call to an active server of another CPU. */
static void call_setup(void)
{
	struct endpoint *e = world_endpoint();
	struct reply *r = world_reply();

	world_thread(0, PROGRAM(RECV(e, r), REPLY(r)));
	world_thread(1, PROGRAM(CALL(e)));
	bind_all();
}

/* A bound notification is signalled while its thread goes into a receive and out of it. */
static void bound_setup(void)
{
	struct endpoint *e = world_endpoint();
	struct notification *n = world_notification();
	struct tcb *t = world_thread(
		0, PROGRAM(RECV(e, (struct reply *)NULL), RECV(e, (struct reply *)NULL)));

	world_thread(1, PROGRAM(SIGNAL(n, 1)));
	world_thread(2, PROGRAM(SEND(e)));
	if (notification_bind(n, t) != ERR_OK)
		violation("bind");
}

const struct scenario scenarios_ipc[] = {
	SCENARIO("send-receive", 2, send_setup, all_finished),
	SCENARIO("send-two", 3, send_two_setup, all_finished),
	SCENARIO("call-active", 2, call_setup, all_finished),
	SCENARIO("bound-notification", 3, bound_setup, all_finished),
	{.name = NULL},
};
