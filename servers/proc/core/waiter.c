/* SPDX-License-Identifier: BSD-2-Clause */
#include <libsys/objects.h>

#include "log.h"
#include "state.h"

static struct waiter waiters[OWN_REPLY_MAX];
static struct list_node waiters_free;
static struct waiter *current;

static cptr_t waiter_slot(const struct waiter *waiter)
{
	return OWN_REPLY_FIRST + (cptr_t)(waiter - waiters);
}

static struct waiter *waiter_take(void)
{
	/* As many as there can be callers, and one: there is always one left. */
	return waiter_of(list_pop_front(&waiters_free));
}

void waiters_init(void)
{
	list_init(&waiters_free);
	for (uint32_t i = 0; i < OWN_REPLY_MAX; i++) {
		list_init(&waiters[i].caller);
		list_push_back(&waiters_free, &waiters[i].link);
	}
	current = waiter_take();
}

cptr_t waiter_current_slot(void)
{
	return waiter_slot(current);
}

struct waiter *waiter_defer(uint32_t pid)
{
	struct waiter *waiter = current;
	struct process *process = process_get(pid);

	list_init(&waiter->link);
	waiter->want = 0;
	if (process != NULL)
		list_push_back(&process->callers, &waiter->caller);
	current = waiter_take();
	return waiter;
}

void waiter_free(struct waiter *waiter)
{
	list_remove(&waiter->link);
	list_remove(&waiter->caller);
	list_push_front(&waiters_free, &waiter->link);
}

enum error waiter_try_answer(struct waiter *waiter, struct msg *m)
{
	enum error error = sys_reply(waiter_slot(waiter), m);

	waiter_free(waiter);
	return error;
}

void waiter_answer(struct waiter *waiter, struct msg *m)
{
	/* NO_REPLY: the caller was ended meanwhile. */
	enum error error = waiter_try_answer(waiter, m);

	(void)error;
}

/* One system call answers it and receives, so that its thread and the one that ended are one event. */
void waiter_answer_next(struct waiter *waiter)
{
	list_remove(&waiter->link);
	list_remove(&waiter->caller);
	waiter_free(current);
	current = waiter;
}

void waiter_fail(struct waiter *waiter, enum error error)
{
	struct msg m = msg_make((word_t)error, 0);

	waiter_answer(waiter, &m);
}

void waiters_silence(struct process *process)
{
	list_for_each (node, &process->callers)
		list_remove(&container_of(node, struct waiter, caller)->link);
}

void waiters_release(struct process *process)
{
	while (!list_empty(&process->callers))
		waiter_free(container_of(list_first(&process->callers), struct waiter, caller));
}
