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

/* The receive that the signal finds is over, and the thread waits for something else: that it does, signalled
 * or not. */
static struct notification *the_notification, *another;

static void bound_goes_on_setup(struct instruction next)
{
	struct endpoint *e = world_endpoint();
	struct tcb *t = world_thread(0, PROGRAM(RECV(e, (struct reply *)NULL), next));

	the_notification = world_notification();
	world_thread(1, PROGRAM(SIGNAL(the_notification, 1)));
	world_thread(2, PROGRAM(SEND(e)));
	if (notification_bind(the_notification, t) != ERR_OK)
		violation("bind");
}

static void bound_sends_setup(void)
{
	bound_goes_on_setup(SEND(world_endpoint()));
}

static void bound_waits_setup(void)
{
	another = world_notification();
	bound_goes_on_setup(WAIT(another));
}

/* Two signals that took both locks in two orders would wait for each other. */
static void bound_waits_always(void)
{
	must(another->wait.lock.owner == 0 ||
	     another->wait.lock.owner != the_notification->wait.lock.owner);
}

static void bound_goes_on_final(void)
{
	const struct tcb *t = world_threads[0];

	must(thread_done(t) == 2 && (t->state == THREAD_SENDING || t->state == THREAD_WAITING));
	must(thread_finished(world_threads[1]) && result(world_threads[1]) == ERR_OK);
	must((world_threads[2]->state == THREAD_SENDING) == (the_notification->word == 0));
}

/* ---- A notification that is bound while its thread goes into a receive ----------------------- */

static struct notification *old_one, *new_one;

static void bind_new(struct tcb *tcb)
{
	(void)tcb;
	if (notification_bind(new_one, world_threads[0]) != ERR_OK)
		violation("bind");
}

static void unbind(struct tcb *tcb)
{
	(void)tcb;
	notification_unbind(world_threads[0]);
}

static void receiver_setup(void)
{
	old_one = world_notification();
	new_one = world_notification();
	world_thread(0, PROGRAM(RECV(world_endpoint(), (struct reply *)NULL)));
}

static void bind_signal_setup(void)
{
	receiver_setup();
	world_thread(1, PROGRAM(KERNEL(bind_new), SIGNAL(new_one, 1)));
}

/* The signal may come before the bind. */
static void bind_against_signal_setup(void)
{
	receiver_setup();
	world_thread(1, PROGRAM(KERNEL(bind_new)));
	world_thread(2, PROGRAM(SIGNAL(new_one, 1)));
}

/* Its old one is signalled when it is bound no more, and keeps its word. */
static void bind_another_setup(void)
{
	receiver_setup();
	if (notification_bind(old_one, world_threads[0]) != ERR_OK)
		violation("bind");
	world_thread(1, PROGRAM(KERNEL(unbind), SIGNAL(old_one, 8), KERNEL(bind_new),
				SIGNAL(new_one, 1)));
}

static void notified_final(void)
{
	const struct tcb *t = world_threads[0];

	all_finished();
	must(t->context.x[1] == MSG_NOTIFIED && t->context.x[6] == 1);
	must(new_one->word == 0 && (old_one->word == 0 || old_one->word == 8));
}

static void another_final(void)
{
	notified_final();
	must(old_one->word == 8);
}

const struct scenario scenarios_ipc[] = {
	SCENARIO("send-receive", 2, send_setup, all_finished),
	SCENARIO("send-two", 3, send_two_setup, all_finished),
	SCENARIO("call-active", 2, call_setup, all_finished),
	SCENARIO("bound-notification", 3, bound_setup, all_finished),
	SCENARIO("bound-sends", 3, bound_sends_setup, bound_goes_on_final),
	{
		.name = "bound-waits",
		.cpus = 3,
		.setup = bound_waits_setup,
		.final = bound_goes_on_final,
		.always = bound_waits_always,
	},
	SCENARIO("bind-signal-receive", 2, bind_signal_setup, notified_final),
	SCENARIO("bind-against-signal", 3, bind_against_signal_setup, notified_final),
	SCENARIO("bind-another-receive", 2, bind_another_setup, another_final),
	{.name = NULL},
};
