/* SPDX-License-Identifier: BSD-2-Clause */
/* Block against wake. */
#include "scenario.h"

static struct instruction waits[1], signals[1];

/* In fallback: the waiter blocks on one CPU while it is signalled from another. */
static void wake_setup(void)
{
	struct notification *n = world_notification();

	waits[0] = SYSCALL(SYS_WAIT, world_cap(OBJ_NOTIFICATION, n, 0));
	signals[0] = SYSCALL(SYS_SIGNAL, world_cap(OBJ_NOTIFICATION, n, 4));
	world_thread(0, waits, 1);
	world_thread(1, signals, 1);
}

static void wake_bound_setup(void)
{
	wake_setup();
	world_dispatcher(0);
}

static void wake_final(void)
{
	const struct tcb *waiter = world_threads[0];

	must(thread_finished(waiter) && waiter->state == THREAD_READY);
	must(waiter->context.x[0] == 0 && waiter->context.x[6] == 4);
}

const struct scenario scenario_wake = {"wake-notification-fallback", 2, wake_setup, wake_final,
				       NULL};
const struct scenario scenario_wake_bound = {"wake-notification", 2, wake_bound_setup, wake_final,
					     NULL};
