/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads.  The stack, the TLS area and the thread block of a thread are one mapping, which proc
 * removes after the thread has ended.  Its record is on the heap of the process: it belongs to who
 * joins it, or to the thread itself once it is detached.
 */
#include <stdlib.h>
#include <string.h>

#include <libsys/clock.h>
#include <libsys/memory.h>
#include <libsys/process.h>
#include <libsys/sched.h>
#include <libsys/threads.h>
#include <proc/protocol.h>
#include <proc/slots.h>

#include "message.h"
#include "park.h"
#include "thread.h"

#define STACK_BYTES_DEFAULT (64u * 1024u)
#define STACK_BYTES_MIN     (8u * 1024u)

static struct thread thread_first;

void thread_first_init(struct thread_block *block, uint32_t tid)
{
	thread_first.park = proc_thread_slot(0, PROC_THREAD_SLOT_PARK);
	thread_first.tid = tid;
	strcpy(thread_first.name, "main");
	atomic_init(&thread_first.ready, 1);
	block->self = &thread_first;
}

/* --- End --- */

_Noreturn static void thread_leave(struct thread *self)
{
	/* The record may be gone before we are: who joins frees it as soon as it sees the end.
	 * Everything below, the heap's lock too, goes by this copy. */
	struct thread last = *self;
	struct msg m = msg_make(PROC_REQ_THREAD_EXIT, 4);
	uint32_t alive = THREAD_ALIVE;

	thread_block_get()->self = &last;
	/* Release: the result is seen by who sees the end. */
	if (atomic_compare_exchange_strong(&self->life, &alive, THREAD_ENDED))
		sys_futex_wake(&self->life, FUTEX_ALL);
	else if (self != &thread_first)
		free(self);
	m.w[0] = last.index;
	m.w[1] = (word_t)last.result;
	m.w[2] = last.stack_vaddr;
	m.w[3] = last.stack_bytes;
	for (;;)
		(void)!sys_call(PROC_SLOT_PROC, &m);
}

_Noreturn void thrd_exit(int result)
{
	struct thread *self = thread_self();

	tss_run_destructors();
	stdio_flush_thread();
	self->result = result;
	thread_leave(self);
}

/* --- Start --- */

_Noreturn static void thread_entry(struct thread *self)
{
	/* The creator fills in what it learns from proc's answer; acquire pairs with its release.
	 * No waiting on a notification yet: which one is ours is part of that. */
	for (unsigned i = 0; !atomic_load_explicit(&self->ready, memory_order_acquire); i++)
		spin_backoff(i);
	thrd_exit(self->start(self->arg));
}

static enum error thread_stack_make(struct thread *thread, size_t stack_bytes,
				    struct thread_block **block)
{
	void *stack;
	size_t area = (tls_area_bytes() + 15u) & ~(size_t)15u;

	if (stack_bytes < STACK_BYTES_MIN)
		stack_bytes = STACK_BYTES_MIN;
	thread->stack_bytes = (stack_bytes + area + 2 * PAGE_SIZE - 1) & ~(size_t)(PAGE_SIZE - 1);
	enum error error = memory_map_stack(thread->stack_bytes, &stack);

	if (error != ERR_OK)
		return error;
	thread->stack_vaddr = (uintptr_t)stack;
	*block = tls_area_init((char *)stack + thread->stack_bytes - area);
	(*block)->self = thread;
	return ERR_OK;
}

static enum error thread_launch(struct thread *thread, struct thread_block *block)
{
	const word_t words[] = {
		(word_t)thread_entry,
		(word_t)block & ~(word_t)15u,
		(word_t)thread,
		(word_t)block,
		0,
		PROC_NICE_INHERIT,
		0,
		0,
		0,
	};
	struct msg m;
	enum error error = server_request(PROC_SLOT_PROC, PROC_REQ_THREAD_CREATE, words, 9, &m);

	if (error != ERR_OK)
		return error;
	thread->index = (uint32_t)m.w[0];
	thread->tid = (uint32_t)m.w[1];
	thread->park = proc_thread_slot(thread->index, PROC_THREAD_SLOT_PARK);
	block->ipc = (struct ipc_buffer *)(uintptr_t)proc_ipc_buffer_vaddr(thread->index);
	atomic_store_explicit(&thread->ready, 1, memory_order_release);
	return ERR_OK;
}

int thread_create(struct thread **thread, thrd_start_t *start, void *arg,
		  const struct thread_options *options)
{
	size_t stack_bytes = options && options->stack_bytes ? options->stack_bytes
							     : STACK_BYTES_DEFAULT;
	struct thread_block *block;
	struct thread *new = calloc(1, sizeof(*new));

	if (!new)
		return thrd_nomem;
	new->start = start;
	new->arg = arg;
	if (options && options->name)
		strncpy(new->name, options->name, sizeof(new->name) - 1);
	enum error error = thread_stack_make(new, stack_bytes, &block);

	if (error == ERR_OK) {
		/* The new thread may run, and end, before the launch returns: *thread first. */
		*thread = new;
		error = thread_launch(new, block);
		if (error != ERR_OK)
			(void)!memory_unmap((void *)new->stack_vaddr, new->stack_bytes);
	}
	if (error != ERR_OK) {
		free(new);
		return error == ERR_NO_MEMORY || error == ERR_LIMIT ? thrd_nomem : thrd_error;
	}
	return thrd_success;
}

int thrd_create(struct thread **thread, thrd_start_t *start, void *arg)
{
	return thread_create(thread, start, arg, NULL);
}

/* --- Join, detach --- */

/*
 * The result comes from the record; proc is asked as well so that the thread's memory is really
 * gone, and it does not matter if proc has forgotten the thread already.
 */
int thrd_join(struct thread *thread, int *result)
{
	while (atomic_load_explicit(&thread->life, memory_order_acquire) != THREAD_ENDED)
		if (sys_futex_wait(&thread->life, THREAD_ALIVE, TIME_NEVER) == ERR_TIMEOUT)
			return thrd_error;
	const word_t words[] = {thread->index, thread->tid};
	struct msg m;

	(void)!server_request(PROC_SLOT_PROC, PROC_REQ_THREAD_JOIN, words, 2, &m);
	if (result)
		*result = thread->result;
	if (thread != &thread_first)
		free(thread);
	return thrd_success;
}

int thrd_detach(struct thread *thread)
{
	uint32_t alive = THREAD_ALIVE;

	if (!atomic_compare_exchange_strong(&thread->life, &alive, THREAD_DETACHED)) {
		if (alive != THREAD_ENDED)
			return thrd_error;
		if (thread != &thread_first)
			free(thread);
	}
	return thrd_success;
}

/* --- The rest --- */

struct thread *thrd_current(void)
{
	return thread_self();
}

int thrd_equal(struct thread *a, struct thread *b)
{
	return a == b;
}

/* proc makes the first thread's stack before it knows the number: look it up. */
static uint32_t first_tid(void)
{
	struct process_self self;
	struct proc_thread_info info;

	if (process_info(&self) != ERR_OK)
		return 0;
	for (word_t from = 1; thread_list(from, &info) == ERR_OK; from = info.tid + 1)
		if (info.pid == self.pid && info.index == 0)
			return (uint32_t)info.tid;
	return 0;
}

uint32_t thread_tid(const struct thread *thread)
{
	if (thread == &thread_first && thread_first.tid == 0)
		thread_first.tid = first_tid();
	return thread->tid;
}

void thread_sleep_until(time_ns_t deadline_ns)
{
	sched_sleep_until(deadline_ns);
}

int thrd_sleep(const struct timespec *duration, struct timespec *remaining)
{
	thread_sleep_until(time_add_ns(clock_now_ns(), timespec_to_ns(duration)));
	if (remaining)
		*remaining = (struct timespec){0};
	return 0;
}

void thrd_yield(void)
{
	sched_yield_now();
}
