/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads of proc, mm and the scheduler server.  Context: the first thread, or the supervisor. */
#pragma once

#include <abi/types.h>

struct server_thread {
	cptr_t tcb;
	cptr_t cspace; /* 0: proc's */
	cptr_t vspace;
	cptr_t ipc_frame; /* mapped at ipc_vaddr already; the thread block goes there too */
	uint64_t ipc_vaddr;
	uint64_t pc;
	uint64_t sp;
	word_t args[4]; /* x0..x3 */
	word_t tag;
	word_t flags; /* TCB_FLAG_* */
};

/* Everything but a home and the start. */
void server_thread_prepare(const struct server_thread *thread);

/* One of proc's own threads, from nothing, running in `entry` afterwards. */
void own_thread_start(uint32_t tid, void (*entry)(word_t a0, word_t a1, word_t a2, word_t a3),
		      word_t flags);

/* Where new stacks and buffers of proc's own come from. */
struct builder;
extern struct builder own_builder;
