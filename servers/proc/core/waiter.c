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

/* A reply object that holds a caller cannot be received with; and nobody sends there. */
static bool waiter_abandoned(const struct waiter *waiter)
{
	struct msg m;

	return sys_nb_recv(OWN_NOBODY, waiter_slot(waiter), &m) == ERR_WOULD_BLOCK;
}

void waiter_look(struct waiter *waiter)
{
	if (waiter != NULL && waiter_abandoned(waiter))
		waiter_free(waiter);
}

static __attribute__((noinline)) void waiters_sweep(struct process *process)
{
	struct list_node *node = list_first(&process->callers);

	while (node != NULL) {
		struct waiter *waiter = container_of(node, struct waiter, caller);

		node = node->next == &process->callers ? NULL : node->next;
		waiter_look(waiter);
	}
}

struct waiter *waiter_defer(struct process *process)
{
	struct waiter *waiter = current;

	list_init(&waiter->link);
	waiter->want = 0;
	waiter->holder = NULL;
	waiter->process = process;
	if (process != NULL) {
		/* A thread has one call at a time: nobody waits in some of them.  Before this one is among
		 * them, with which is still received: its caller may be deleted by now. */
		if (process->caller_count >= process->thread_count + process->parked_count)
			waiters_sweep(process);
		list_push_back(&process->callers, &waiter->caller);
		process->caller_count++;
	}
	current = waiter_take();
	return waiter;
}

void waiter_hold(struct waiter **holder, struct waiter *waiter)
{
	*holder = waiter;
	waiter->holder = holder;
}

void waiter_let_go(struct waiter **holder)
{
	if (*holder != NULL)
		(*holder)->holder = NULL;
	*holder = NULL;
}

/* It is nobody's any more. */
static void waiter_unlink(struct waiter *waiter)
{
	list_remove(&waiter->link);
	list_remove(&waiter->caller);
	if (waiter->process != NULL)
		waiter->process->caller_count--;
	if (waiter->holder != NULL)
		*waiter->holder = NULL;
	waiter->process = NULL;
	waiter->holder = NULL;
}

void waiter_free(struct waiter *waiter)
{
	waiter_unlink(waiter);
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
	waiter_unlink(waiter);
	list_push_front(&waiters_free, &current->link);
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
