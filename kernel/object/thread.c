/* SPDX-License-Identifier: BSD-2-Clause */
/* A new thread: stopped, without a home, on time of its own. */
#include <kern/thread.h>
#include <kern/waitable.h>

/* The memory is zero otherwise. */
void thread_init(struct tcb *tcb)
{
	list_init(&tcb->ready_link);
	list_init(&tcb->home_link);
	list_init(&tcb->wait_link);
	list_init(&tcb->event_link);
	list_init(&tcb->request_link);
	tcb->payer = tcb;
	tcb->tail = tcb;
	tcb_state_set(tcb, THREAD_STOPPED);
}
