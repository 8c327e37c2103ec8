/* SPDX-License-Identifier: BSD-2-Clause */
/* Delete and grace against look-up: nobody touches the object after the grace period. */
#include "scenario.h"

#include <kern/derive.h>
#include <kern/grace.h>
#include <kern/upcall.h>

static struct notification *notification;
static struct endpoint *endpoint;
static cptr_t first, second;

static void slot_clear(cptr_t cptr)
{
	static const struct cap nothing;

	cap_store(world_slot(cptr), &nothing);
}

/* As cnode.c and untyped.c do it: unlink, mark dying, no lock held, grace, reuse. */
static void delete_notification(struct tcb *tcb)
{
	(void)tcb;
	derivation_lock();
	slot_clear(first);
	slot_clear(second);
	must(notification_destroy(notification));
	derivation_unlock();
	grace_wait();
	memory_poison(notification, sizeof(*notification));
}

static void delete_endpoint(struct tcb *tcb)
{
	(void)tcb;
	derivation_lock();
	slot_clear(first);
	must(endpoint_destroy(endpoint));
	derivation_unlock();
	grace_wait();
	memory_poison(endpoint, sizeof(*endpoint));
}

static void wait_setup(void)
{
	notification = world_notification();
	first = world_cap(OBJ_NOTIFICATION, notification, 0);
	second = world_cap(OBJ_NOTIFICATION, notification, 1);
	world_thread(0, PROGRAM(SIGNAL(notification, 1), WAIT(notification), WAIT(notification)));
	world_thread(1, PROGRAM(KERNEL(delete_notification)));
}

static void wait_signal_setup(void)
{
	wait_setup();
	world_thread(2, PROGRAM(SIGNAL(notification, 1)));
}

static void deleted_final(void)
{
	for (unsigned i = 0; i < world_threads_count; i++) {
		enum error error = result(world_threads[i]);

		must(thread_finished(world_threads[i]));
		must(world_threads[i]->state == THREAD_READY);
		must(error == ERR_OK || error == ERR_DELETED || error == ERR_CAP_INVALID ||
		     error == ERR_CAP_TYPE);
	}
}

static void send_setup(void)
{
	endpoint = world_endpoint();
	first = world_cap(OBJ_ENDPOINT, endpoint, 0);
	world_thread(0, PROGRAM(RECV(endpoint, (struct reply *)NULL)));
	world_thread(1, PROGRAM(KERNEL(delete_endpoint)));
	bind_all();
}

/* ---- A message buffer that is revoked while it is looked at --------------------------------- */

#define LONG_MESSAGE msg_info(0, MSG_REGS + 4, 0)

static struct ipc_buffer buffers[2];

static void buffer_drop(struct tcb *tcb)
{
	struct cap_work work;

	derivation_lock();
	tcb->buffer_slot.flags = (uint8_t)(CAP_HOLDER_TCB_BUFFER << CAP_HELD_SHIFT);
	must(cap_holder_drop(&tcb->buffer_slot, &work) == CAP_STEP_DONE);
	derivation_unlock();
	grace_wait();
}

static void drop_server(struct tcb *tcb)
{
	(void)tcb;
	buffer_drop(world_threads[0]);
}

static void drop_client(struct tcb *tcb)
{
	(void)tcb;
	buffer_drop(world_threads[1]);
}

static void drop_dispatcher(struct tcb *tcb)
{
	(void)tcb;
	buffer_drop(world_dispatcher_unbound(0));
}

/* A passive server of CPU 0, and a client there; both messages are longer than the registers.  Without a
 * buffer of its own the server's long answer is refused, and it gives a short one. */
static void long_call_setup(void (*drop)(struct tcb *tcb))
{
	struct endpoint *e = world_endpoint();
	struct reply *r = world_reply();
	const struct instruction answer = SYSCALL(SYS_REPLY_RECV, world_cap(OBJ_ENDPOINT, e, 0),
						  LONG_MESSAGE, 0, 0, 0, 0,
						  world_cap(OBJ_REPLY, r, 0));

	world_thread(0, PROGRAM(RECV(e, r), answer, REPLY_RECV(e, r)))->flags |= TCB_FLAG_PASSIVE;
	world_thread(0, PROGRAM(SYSCALL(SYS_CALL, world_cap(OBJ_ENDPOINT, e, 0), LONG_MESSAGE)));
	for (unsigned i = 0; i < 2; i++)
		world_threads[i]->ipc_buffer = &buffers[i];
	world_thread(1, PROGRAM(KERNEL(drop)));
	(void)world_dispatcher(0);
}

static void long_call_server_setup(void)
{
	long_call_setup(drop_server);
}

static void long_call_client_setup(void)
{
	long_call_setup(drop_client);
}

/* Refused, or answered: whole, or without what went with a buffer. */
static void long_call_final(void)
{
	const struct tcb *client = world_threads[1];

	must(thread_finished(client) && thread_finished(world_threads[2]));
	must(result(client) == ERR_OK || result(client) == ERR_TRUNCATED ||
	     result(client) == ERR_ARG);
	must(msg_length(client->context.x[1]) <= MSG_REGS ||
	     msg_length(client->context.x[1]) == MSG_REGS + 4);
}

/* A thread that was followed by its successor is woken, so a switch and two records are to be handed over
 * while the dispatcher loses its buffer. */
static void preempt_setup(void)
{
	struct notification *n = world_notification();

	world_thread(0, PROGRAM(WAIT(n)));
	world_thread(1, PROGRAM(SIGNAL(n, 1), KERNEL(drop_dispatcher)));
	world_thread(0, PROGRAM(USER(NULL)));
	world_threads[2]->context.pc += 4;
	world_terms(DECISION_SUCCESSOR, 5000);
	for (unsigned i = 0; i < world_threads_count; i++)
		tcb_set_key(world_threads[i], 1);
	bind_all();
}

static void preempt_final(void)
{
	must(thread_finished(world_threads[1]));
	must(world_threads[0]->state == THREAD_READY);
}

const struct scenario scenarios_delete[] = {
	SCENARIO("delete-notification", 2, wait_setup, deleted_final),
	LONG_SCENARIO("delete-notification-signal", 3, wait_signal_setup, deleted_final),
	SCENARIO("delete-endpoint", 2, send_setup, deleted_final),
	SCENARIO("revoke-buffer-server", 2, long_call_server_setup, long_call_final),
	SCENARIO("revoke-buffer-client", 2, long_call_client_setup, long_call_final),
	SCENARIO("revoke-buffer-dispatcher", 2, preempt_setup, preempt_final),
	{.name = NULL},
};
