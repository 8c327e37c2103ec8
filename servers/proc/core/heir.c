/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who pays for what ends (sched/core/debt.c): a thread that goes on with the work.
 *
 *   of a thread    another live one of its process
 *   of a process   a thread of the one that was made last of those that it stands in for; if there is none,
 *                  of the one that stands in for it
 *
 * A process stands in for those that it made, and for those of each of them that ended: they are its wards.
 * So a chain of processes each of which makes the next one and ends hands its debt on from one to the next,
 * also with others in between; and who has nobody below pays upwards, as a command to its shell.
 *
 * Invariants: a ward is RUNNING and in the list of at most one process, which is RUNNING, too.
 * Bad at: a ward that sleeps for ever keeps what it was left until it ends; then it goes upwards.
 */
#include "register.h"
#include "state.h"

static const struct thread *live_thread(const struct process *process)
{
	list_for_each (node, &process->threads) {
		const struct thread *thread = container_of(node, struct thread, link);

		if (thread->life == THREAD_LIVE)
			return thread;
	}
	return NULL;
}

static struct heir heir_of(const struct thread *thread)
{
	return thread != NULL ? (struct heir){thread_tid(thread), thread->pid} : (struct heir){0};
}

/* Upwards to the first that has a thread. */
struct heir process_payer(const struct process *process)
{
	const struct thread *thread = NULL;

	while (process != NULL && thread == NULL) {
		thread = live_thread(process);
		process = process_get(process->warden);
	}
	return heir_of(thread);
}

static struct heir process_heir(const struct process *process)
{
	for (struct list_node *node = process->wards.prev; node != &process->wards;
	     node = node->prev) {
		const struct thread *thread = live_thread(container_of(node, struct process, ward));

		if (thread != NULL)
			return heir_of(thread);
	}
	return process_payer(process_get(process->warden));
}

void heir_thread_ends(const struct thread *thread)
{
	const struct process *process = process_get(thread->pid);
	const struct thread *heir = live_thread(process); /* it is none any more */

	/* The last one: its process ends, too. */
	register_heir(thread_tid(thread), heir != NULL ? heir_of(heir) : process_heir(process));
}

void heir_ward(struct process *warden, struct process *process)
{
	const bool stands = warden != NULL && warden->state == PROC_STATE_RUNNING;

	list_remove(&process->ward);
	process->warden = stands ? warden->pid : 0;
	if (stands)
		list_push_back(&warden->wards, &process->ward);
}

void heir_process_ends(struct process *process)
{
	struct process *warden = process_get(process->warden);

	process->heir = process_heir(process);
	list_for_each (node, &process->threads)
		register_heir(thread_tid(container_of(node, struct thread, link)), process->heir);
	while (!list_empty(&process->wards))
		heir_ward(warden, container_of(list_first(&process->wards), struct process, ward));
	list_remove(&process->ward);
}
