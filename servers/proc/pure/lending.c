/* SPDX-License-Identifier: BSD-2-Clause */
#include "lending.h"

static struct lending_thread *thread_of(struct list_node *node)
{
	return container_of(node, struct lending_thread, link);
}

static uint32_t larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static bool waits_for_key(const struct lending_thread *thread, uint64_t key)
{
	return thread->state == LENDING_WAITS && thread->key == key;
}

void lending_init(struct lending *lending)
{
	list_init(&lending->threads);
	lending->lent_max = 0;
}

void lending_thread_init(struct lending_thread *thread)
{
	*thread = (struct lending_thread){.state = LENDING_FREE};
	list_init(&thread->link);
}

static struct lending_thread *owner_of(struct lending *lending, uint64_t key)
{
	list_for_each (node, &lending->threads) {
		struct lending_thread *thread = thread_of(node);

		if (thread->state == LENDING_OWNS && thread->key == key)
			return thread;
	}
	return NULL;
}

enum error lending_wait(struct lending *lending, struct lending_thread *thread,
			struct lending_thread *holder, uint64_t key)
{
	struct lending_thread *owner = owner_of(lending, key);

	/* Who was given it may not have been able to say so yet. */
	if (owner != NULL)
		holder = owner;
	if (thread->state == LENDING_WAITS)
		return ERR_STATE;
	if (holder == thread)
		return ERR_ARG;
	thread->state = LENDING_WAITS;
	thread->holder = holder;
	thread->key = key;
	list_remove(&thread->link);
	list_push_back(&lending->threads, &thread->link);
	if (!list_linked(&holder->link))
		list_push_back(&lending->threads, &holder->link);
	return ERR_OK;
}

enum error lending_take(struct lending_thread *thread, uint64_t key, bool leaves)
{
	/* What it owns besides is another one. */
	if (thread->key != key)
		return ERR_STATE;
	switch (thread->state) {
	case LENDING_OWNS:
		return ERR_OK;
	case LENDING_WAITS:
		if (leaves)
			thread->state = LENDING_FREE;
		return ERR_WOULD_BLOCK;
	case LENDING_LEFT:
		thread->state = LENDING_FREE;
		return ERR_NOT_FOUND;
	default:
		return ERR_STATE;
	}
}

static struct lending_thread *next_owner(struct lending *lending, const struct lending_thread *from,
					 uint64_t key)
{
	struct lending_thread *best = NULL;

	list_for_each (node, &lending->threads) {
		struct lending_thread *thread = thread_of(node);

		if (waits_for_key(thread, key) && thread->holder == from &&
		    (best == NULL ||
		     larger(thread->base, thread->lent) > larger(best->base, best->lent)))
			best = thread;
	}
	return best;
}

enum error lending_pass(struct lending *lending, const struct lending_thread *from, uint64_t key,
			struct lending_thread **next)
{
	struct lending_thread *owner = owner_of(lending, key);

	*next = NULL;
	/* It asks once more because the answer was lost, and has passed the mutex on already. */
	if (owner != NULL && owner != from)
		return ERR_OK;
	*next = next_owner(lending, from, key);
	if (owner != NULL)
		owner->state = LENDING_FREE;
	if (*next == NULL)
		return ERR_NOT_FOUND;
	(*next)->state = LENDING_OWNS;
	list_for_each (node, &lending->threads)
		if (waits_for_key(thread_of(node), key) && thread_of(node)->holder == from)
			thread_of(node)->holder = *next;
	return ERR_OK;
}

struct lending_thread *lending_leave_one(struct lending *lending,
					 const struct lending_thread *thread)
{
	list_for_each (node, &lending->threads) {
		struct lending_thread *waiter = thread_of(node);

		if (waiter->state == LENDING_WAITS && waiter->holder == thread) {
			waiter->state = LENDING_LEFT;
			return waiter;
		}
	}
	return NULL;
}

void lending_remove(struct lending_thread *thread)
{
	list_remove(&thread->link);
	lending_thread_init(thread);
}

/* What one that waits lends, to everybody along the chain. */
static void lend(const struct lending *lending, const struct lending_thread *waiter)
{
	const uint32_t priority = waiter->base < lending->lent_max ? waiter->base
								   : lending->lent_max;
	struct lending_thread *to = waiter->holder;

	to->waiters++;
	for (unsigned depth = 0; depth < LENDING_DEPTH_MAX; depth++) {
		to->lent = larger(to->lent, priority);
		if (to->state != LENDING_WAITS)
			return;
		to = to->holder;
	}
}

void lending_count(struct lending *lending)
{
	list_for_each (node, &lending->threads) {
		thread_of(node)->lent = 0;
		thread_of(node)->waiters = 0;
	}
	list_for_each (node, &lending->threads)
		if (thread_of(node)->state == LENDING_WAITS)
			lend(lending, thread_of(node));
}

bool lending_idle(const struct lending_thread *thread)
{
	return thread->state == LENDING_FREE && thread->waiters == 0;
}
