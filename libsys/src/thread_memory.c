/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where threads live: one mapping for each, from its top down the record, the TLS area with the thread
 * block, and the stack.  Mappings of the standard size are kept for the next thread.
 *
 * A detached thread puts its own mapping among the unused ones while it still stands on it, so who
 * takes one looks for a thread that is gone.
 * Bad at: giving memory back; KEPT_MAX mappings stay with what their threads touched.
 */
#include <string.h>

#include <libsys/memory.h>

#include "thread.h"

#define STACK_BYTES_MIN (8u * 1024u)
#define STACK_BYTES_STD (64u * 1024u)
#define KEPT_MAX        8u

static struct mtx kept_lock = MTX_INIT;
static struct thread *kept; /* kept_lock; linked by `next` */
static unsigned kept_count; /* kept_lock */

/* So that the stack below begins where the ABI wants it. */
static size_t aligned(size_t bytes)
{
	return (bytes + 15u) & ~(size_t)15u;
}

static size_t top_bytes(void)
{
	return aligned(tls_area_bytes()) + aligned(sizeof(struct thread));
}

/* 0: more than there can be. */
static size_t mapping_bytes(size_t stack_bytes)
{
	if (stack_bytes > SIZE_MAX / 2)
		return 0;
	return (stack_bytes + top_bytes() + 2 * PAGE_SIZE - 1) & ~(size_t)(PAGE_SIZE - 1);
}

static struct thread *kept_take(void)
{
	struct thread *thread;

	mtx_lock(&kept_lock);
	for (struct thread **link = &kept; (thread = *link) != NULL; link = &thread->next) {
		/* Acquire: all that the thread did with its stack comes before the next one. */
		if (!atomic_load_explicit(&thread->gone, memory_order_acquire))
			continue;
		*link = thread->next;
		kept_count--;
		break;
	}
	mtx_unlock(&kept_lock);
	return thread;
}

static enum error mapping_new(size_t bytes, struct thread **thread)
{
	void *stack;
	enum error error = memory_map_stack(bytes, &stack);

	if (error == ERR_OK) {
		*thread = (void *)((char *)stack + bytes - aligned(sizeof(**thread)));
		(*thread)->stack_vaddr = (uintptr_t)stack;
	}
	return error;
}

enum error thread_memory_new(size_t stack_bytes, struct thread **thread,
			     struct thread_block **block)
{
	size_t bytes = mapping_bytes(stack_bytes < STACK_BYTES_MIN ? STACK_BYTES_MIN : stack_bytes);
	struct thread *new = bytes == mapping_bytes(STACK_BYTES_STD) ? kept_take() : NULL;

	if (bytes == 0)
		return ERR_NO_MEMORY;
	if (!new) {
		enum error error = mapping_new(bytes, &new);

		if (error != ERR_OK)
			return error;
	}
	uintptr_t stack = new->stack_vaddr;

	memset(new, 0, sizeof(*new));
	new->stack_vaddr = stack;
	new->stack_bytes = bytes;
	*block = tls_area_init((char *)stack + bytes - top_bytes());
	(*block)->self = new;
	*thread = new;
	return ERR_OK;
}

bool thread_memory_keep(struct thread *thread)
{
	bool keep = false;

	if (thread->stack_bytes != mapping_bytes(STACK_BYTES_STD))
		return false;
	mtx_lock(&kept_lock);
	if (kept_count < KEPT_MAX) {
		keep = true;
		thread->next = kept;
		kept = thread;
		kept_count++;
	}
	mtx_unlock(&kept_lock);
	return keep;
}

void thread_memory_free(struct thread *thread)
{
	/* A thread that could not be started never was there. */
	atomic_store_explicit(&thread->gone, 1, memory_order_relaxed);
	if (!thread_memory_keep(thread))
		(void)!memory_unmap((void *)thread->stack_vaddr, thread->stack_bytes);
}
