/* SPDX-License-Identifier: BSD-2-Clause */
/* Delete and grace against look-up: nobody touches the object after the grace period. */
#include "scenario.h"

#include <kern/derive.h>

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

const struct scenario scenarios_delete[] = {
	SCENARIO("delete-notification", 2, wait_setup, deleted_final),
	LONG_SCENARIO("delete-notification-signal", 3, wait_signal_setup, deleted_final),
	SCENARIO("delete-endpoint", 2, send_setup, deleted_final),
	{.name = NULL},
};
