/* SPDX-License-Identifier: BSD-2-Clause */
/* What libsys knows about a thread, private to it.  TPIDR_EL0 -> struct thread_block -> self. */
#pragma once

#include <libsys/thread_block.h>
#include <libsys/threads.h>

enum thread_life { THREAD_ALIVE, THREAD_DETACHED, THREAD_ENDED };

struct thread {
	/* Written by the creator before `ready` (release), read by all. */
	cptr_t park; /* the notification it sleeps on */
	uint32_t index;
	uint32_t tid;
	uintptr_t stack_vaddr; /* 0: proc made it (the first thread) */
	size_t stack_bytes;
	thrd_start_t *start;
	void *arg;
	char name[16];

	/* Any thread. */
	_Atomic uint32_t ready;
	futex_word life; /* enum thread_life */

	/* Written by the thread before it ends (release through `life`), read by who joins. */
	int result;

	/* The thread itself. */
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

/* Lay them out in an area that is zeroed; returns the block, not filled in. */
struct thread_block *tls_area_init(void *area);

/* --- src/threads.c --- */

/* Make the record of the first thread. */
void thread_first_init(struct thread_block *block, uint32_t tid);

/* Run the calling thread's tss destructors. */
void tss_run_destructors(void);

/* --- src/stdio.c --- */

/* Send what the calling thread has put on stdout and stderr so far. */
void stdio_flush_thread(void);
