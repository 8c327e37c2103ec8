/* SPDX-License-Identifier: BSD-2-Clause */
/* What libsys knows about a thread, private to it.  TPIDR_EL0 -> struct thread_block -> self. */
#pragma once

#include <libsys/syscall.h>
#include <libsys/thread_block.h>
#include <libsys/threads.h>

enum thread_life { THREAD_ALIVE, THREAD_DETACHED, THREAD_ENDED };

/* At the top of the mapping that has the thread's stack, but for the first thread's. */
struct thread {
	/* Written by the creator before `ready` (release), read by all. */
	cptr_t park; /* the notification it sleeps on */
	uint32_t index;
	uint32_t tid;
	uint32_t generation;
	uintptr_t stack_vaddr; /* 0: proc made it (the first thread) */
	size_t stack_bytes;
	thrd_start_t *start;
	void *arg;
	char name[16];

	/* Any thread. */
	_Atomic uint32_t ready;
	_Atomic uint32_t life; /* enum thread_life */
	/* Not 0: somebody waits for `life` to change. */
	_Atomic uint32_t awaited;
	/* Not 0: nothing of the mapping is used by the thread any more.  Its last store (release). */
	_Atomic uint32_t gone;

	/* Written by the thread before it ends (release through `gone`), read by who joins. */
	int result;

	/* The lock of joins: who joins it, and whom it joins.  What is joined stays until then. */
	struct thread *joiner;
	struct thread *joins;

	/* The lock of the unused mappings. */
	struct thread *next;

	/* The thread itself. */
	bool serves;             /* it may hold callers in its reply object */
	time_ns_t clock_base_ns; /* CPU time of those that had its kernel objects before */
	void *tss[TSS_MAX];
};

/* The calling thread; not for code that may run before the start code has set it. */
static inline struct thread *thread_self(void)
{
	return thread_block_get()->self;
}

/* --- src/tls.c: the layout of TPIDR_EL0's surroundings --- */

/* Bytes to reserve for a thread block and a copy of the TLS segment, and their alignment. */
size_t tls_area_bytes(void);

/* Lay them out; returns the block, not filled in. */
struct thread_block *tls_area_init(void *area);

/* --- src/thread_memory.c --- */

/* A mapping with stack, TLS area and record; all of the record but its place is zero.  Maybe that of a
 * thread that ended: what is on the stack is the process's own. */
MUST_CHECK enum error thread_memory_new(size_t stack_bytes, struct thread **thread,
					struct thread_block **block);

/* Keep the mapping for the next; false: it is not kept.  It is not used before `gone`. */
bool thread_memory_keep(struct thread *thread);

/* Keep or unmap; the thread is gone. */
void thread_memory_free(struct thread *thread);

/* --- src/threads.c --- */

/* Make the record of the first thread. */
void thread_first_init(struct thread_block *block, uint32_t tid);

/* Run the calling thread's tss destructors. */
void tss_run_destructors(void);

/* --- src/stdio.c --- */

/* Send what the calling thread has put on stdout and stderr so far. */
void stdio_flush_thread(void);
