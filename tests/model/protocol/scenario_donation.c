/* SPDX-License-Identifier: BSD-2-Clause */
/* Donation against slice end, stop, a caller of another CPU, and deletion of each party. */
#include "scenario.h"

static struct reply *the_reply;
static struct endpoint *the_endpoint;

/* A passive server of CPU 0, and a client there. */
static struct endpoint *server_setup(void)
{
	struct endpoint *e = world_endpoint();
	struct tcb *server;

	the_endpoint = e;
	the_reply = world_reply();
	server = world_thread(
		0, PROGRAM(RECV(e, the_reply), REPLY_RECV(e, the_reply), REPLY_RECV(e, the_reply)));
	server->flags |= TCB_FLAG_PASSIVE;
	world_thread(0, PROGRAM(CALL(e)));
	return e;
}

static bool waits(const struct tcb *server)
{
	return server->state == THREAD_RECEIVING && server->payer == NULL;
}

static void served_final(void)
{
	must(waits(world_threads[0]));
	for (unsigned i = 1; i < world_threads_count; i++)
		must(thread_finished(world_threads[i]) && result(world_threads[i]) == ERR_OK &&
		     world_threads[i]->state == THREAD_READY);
}

/* Another client calls from CPU 1. */
static void two_setup(void)
{
	world_thread(1, PROGRAM(CALL(server_setup())));
	(void)world_dispatcher(0);
}

static void two_fallback_setup(void)
{
	world_thread(1, PROGRAM(CALL(server_setup())));
}

static void slice_setup(void)
{
	(void)server_setup();
	(void)world_dispatcher(0);
	world_slice(500000);
	model_cpus[0].timer_budget = 1;
}

static void slice_two_setup(void)
{
	slice_setup();
	world_thread(1, PROGRAM(CALL(the_endpoint)));
}

static void stop_client_setup(void)
{
	(void)server_setup();
	world_thread(1, PROGRAM(SUSPEND(world_threads[1])));
	(void)world_dispatcher(0);
}

static void stop_client_final(void)
{
	const struct tcb *client = world_threads[1];

	must(client->state == THREAD_STOPPED && (client->exit_work & EXIT_STOP) == 0);
	must(waits(world_threads[0]));
	must(thread_finished(world_threads[2]));
}

/* A stop that waits for the server's answer is taken back: who is told so goes on. */
static void stop_resume_setup(void)
{
	(void)server_setup();
	world_thread(1, PROGRAM(SUSPEND(world_threads[1]), RESUME(world_threads[1])));
}

static void stop_resume_final(void)
{
	const struct tcb *client = world_threads[1];

	must(waits(world_threads[0]));
	must(thread_finished(world_threads[2]) && result(world_threads[2]) == ERR_OK);
	must(thread_finished(client) && client->state == THREAD_READY);
	must(result(client) == ERR_OK || result(client) == ERR_CANCELLED);
}

/* Its slice ends in the server, and the dispatcher wants to know of the answer, which is one more mark of the
 * client: none is lost, and the dispatcher is told no more than once. */
static void stop_served_setup(void)
{
	slice_setup();
	world_threads[0]->flags |= TCB_FLAG_SERVER;
	world_terms(DECISION_ANSWER, 0);
	world_thread(1, PROGRAM(SUSPEND(world_threads[1])));
}

static void stop_server_setup(void)
{
	(void)server_setup();
	world_thread(1, PROGRAM(SUSPEND(world_threads[0])));
	(void)world_dispatcher(0);
}

static void stop_server_final(void)
{
	must(world_threads[0]->state == THREAD_STOPPED);
	must(thread_finished(world_threads[2]));
}

static void destroy(struct tcb *self, struct tcb *tcb)
{
	if (!thread_destroy(tcb)) {
		self->context.pc -= 4;
		return;
	}
	grace_wait(); /* as before memory is used again */
	memory_poison(tcb, sizeof(*tcb));
}

static void destroy_server(struct tcb *tcb)
{
	destroy(tcb, world_threads[0]);
}

static void destroy_client(struct tcb *tcb)
{
	destroy(tcb, world_threads[1]);
}

static void destroy_reply(struct tcb *tcb)
{
	if (!reply_destroy(the_reply))
		tcb->context.pc -= 4;
}

static void delete_server_setup(void)
{
	(void)server_setup();
	world_thread(1, PROGRAM(KERNEL(destroy_server)));
}

static void delete_server_bound_setup(void)
{
	delete_server_setup();
	(void)world_dispatcher(0);
}

static void delete_server_final(void)
{
	const struct tcb *server = world_threads[0];
	const struct tcb *client = world_threads[1];

	must(thread_finished(world_threads[2]));
	must(server->state == THREAD_STOPPED && server->chain_prev == NULL);
	must(!list_linked(&server->home_link) && !list_linked(&server->event_link));
	must(thread_finished(client));
	must(client->state == THREAD_SENDING || client->state == THREAD_READY);
}

static void delete_client_setup(void)
{
	(void)server_setup();
	world_thread(1, PROGRAM(KERNEL(destroy_client)));
}

static void delete_client_bound_setup(void)
{
	delete_client_setup();
	(void)world_dispatcher(0);
}

static void delete_client_final(void)
{
	const struct tcb *client = world_threads[1];

	must(thread_finished(world_threads[2]));
	must(client->state == THREAD_STOPPED && client->chain_next == NULL);
	must(!list_linked(&client->home_link) && !list_linked(&client->event_link));
	must(waits(world_threads[0]));
}

/*
 * The server blocks in turn while its client is deleted: it gets time of its own in the middle of that,
 * and waits all the same.
 */
static void nested_setup(struct instruction blocks)
{
	struct endpoint *e = world_endpoint();
	struct reply *r = world_reply();

	world_thread(0, PROGRAM(RECV(e, r), blocks))->flags |= TCB_FLAG_PASSIVE;
	world_thread(0, PROGRAM(CALL(e)));
}

static void nested_send_setup(void)
{
	nested_setup(CALL(world_endpoint()));
	world_thread(1, PROGRAM(KERNEL(destroy_client)));
}

static void nested_wait_setup(void)
{
	nested_setup(WAIT(world_notification()));
	world_thread(1, PROGRAM(KERNEL(destroy_client)));
}

/* Whom it calls has time of its own, and does not answer. */
static void nested_call_setup(void)
{
	struct endpoint *e = world_endpoint();

	nested_setup(CALL(e));
	world_thread(1, PROGRAM(RECV(e, world_reply()), WAIT(world_notification())));
	world_thread(1, PROGRAM(KERNEL(destroy_client)));
}

static void nested_final(void)
{
	const struct tcb *server = world_threads[0];
	const struct tcb *client = world_threads[1];

	must(thread_finished(world_threads[world_threads_count - 1]));
	must(client->state == THREAD_STOPPED && client->chain_next == NULL);
	if (thread_done(client) == 0) {
		must(waits(server));
		return;
	}
	must(thread_finished(server) && server->sched != SCHED_READY &&
	     server->sched != SCHED_RUNNING);
	must(server->state == THREAD_SENDING || server->state == THREAD_WAITING ||
	     server->state == THREAD_CALLING || waits(server));
}

static void delete_reply_setup(void)
{
	(void)server_setup();
	world_thread(1, PROGRAM(KERNEL(destroy_reply)));
	(void)world_dispatcher(0);
}

static void delete_reply_final(void)
{
	const struct tcb *client = world_threads[1];

	must(thread_finished(world_threads[2]) && the_reply->caller == NULL);
	if (!thread_finished(client)) /* the server's receive failed, and it spins */
		must(client->sched == SCHED_READY && thread_finished(world_threads[0]));
	else
		must(client->state == THREAD_READY || client->state == THREAD_SENDING);
}

/*
 * The client calls a second server when the first one is taken from it: that call is answered, although the
 * CPU that deletes has seen it in the first one.
 */
static void delete_server_then_setup(void)
{
	struct endpoint *first = world_endpoint();
	struct endpoint *second = world_endpoint();
	struct reply *r = world_reply();

	the_reply = world_reply();
	world_thread(0, PROGRAM(RECV(first, the_reply), REPLY_RECV(first, the_reply)))->flags |=
		TCB_FLAG_PASSIVE;
	world_thread(0, PROGRAM(RECV(second, r), REPLY_RECV(second, r)))->flags |= TCB_FLAG_PASSIVE;
	world_thread(0, PROGRAM(CALL(first), CALL(second)));
	world_thread(1, PROGRAM(KERNEL(destroy_server)));
}

/* The same when the reply object is taken: here the second call is to the same server, by another one. */
static void delete_reply_then_setup(void)
{
	struct endpoint *first = world_endpoint();
	struct endpoint *second = world_endpoint();
	struct reply *r = world_reply();

	the_reply = world_reply();
	world_thread(0, PROGRAM(RECV(first, the_reply), REPLY(the_reply), RECV(second, r),
				REPLY_RECV(second, r)))
		->flags |= TCB_FLAG_PASSIVE;
	world_thread(0, PROGRAM(CALL(first), CALL(second)));
	world_thread(1, PROGRAM(KERNEL(destroy_reply)));
}

static void then_final(void)
{
	const struct tcb *client = world_threads[world_threads_count - 2];

	must(thread_finished(world_threads[world_threads_count - 1]));
	if (thread_finished(client) && client->state != THREAD_SENDING)
		must(client->state == THREAD_READY && result(client) == ERR_OK);
}

/*
 * The server waits in turn, and the dispatcher has said who follows, which never blocks.  The reply
 * object goes away when the server is about to wait: it gets time of its own in the middle of that, and
 * waits all the same.
 */
static void delete_reply_followed_setup(void)
{
	struct notification *n = world_notification();
	struct endpoint *e = world_endpoint();

	the_reply = world_reply();
	world_thread(0, PROGRAM(CALL(e)));
	world_thread(0, PROGRAM(RECV(e, the_reply), SIGNAL(n, 1), WAIT(world_notification())))
		->flags |= TCB_FLAG_PASSIVE;
	world_thread(0, PROGRAM(USER(NULL)))->context.pc += 4;
	world_thread(1, PROGRAM(WAIT(n), KERNEL(destroy_reply)));
	world_terms(DECISION_SUCCESSOR, 0);
	(void)world_dispatcher(0);
}

static void delete_reply_followed_final(void)
{
	const struct tcb *client = world_threads[0];
	const struct tcb *server = world_threads[1];

	must(thread_finished(world_threads[3]) && the_reply->caller == NULL);
	must(thread_finished(client) && result(client) == ERR_DELETED);
	must(server->state != THREAD_WAITING || server->sched == SCHED_BLOCKED);
}

const struct scenario scenarios_donation[] = {
	SCENARIO("donate-two-fallback", 2, two_fallback_setup, served_final),
	SCENARIO("K_donation_two", 2, two_setup, served_final),
	SCENARIO("donate-slice", 1, slice_setup, served_final),
	LONG_SCENARIO("donate-slice-two", 2, slice_two_setup, served_final),
	SCENARIO("donate-stop-client", 2, stop_client_setup, stop_client_final),
	SCENARIO("donate-stop-resume", 2, stop_resume_setup, stop_resume_final),
	SCENARIO("donate-stop-served", 2, stop_served_setup, stop_client_final),
	SCENARIO("donate-stop-server", 2, stop_server_setup, stop_server_final),
	SCENARIO("donate-delete-server", 2, delete_server_setup, delete_server_final),
	SCENARIO("donate-delete-client", 2, delete_client_setup, delete_client_final),
	LONG_SCENARIO("donate-delete-server-bound", 2, delete_server_bound_setup,
		      delete_server_final),
	LONG_SCENARIO("donate-delete-client-bound", 2, delete_client_bound_setup,
		      delete_client_final),
	SCENARIO("donate-delete-reply", 2, delete_reply_setup, delete_reply_final),
	SCENARIO("donate-delete-reply-followed", 2, delete_reply_followed_setup,
		 delete_reply_followed_final),
	SCENARIO("donate-delete-server-then", 2, delete_server_then_setup, then_final),
	SCENARIO("donate-delete-reply-then", 2, delete_reply_then_setup, then_final),
	SCENARIO("donate-nested-send", 2, nested_send_setup, nested_final),
	SCENARIO("donate-nested-wait", 2, nested_wait_setup, nested_final),
	SCENARIO("donate-nested-call", 2, nested_call_setup, nested_final),
	{.name = NULL},
};
