/* SPDX-License-Identifier: BSD-2-Clause */
/* What all files of mm share: the start page, the counters, the end. */
#pragma once

#include <abi/error.h>
#include <abi/types.h>
#include <mm/protocol.h>

/* Counters of STATS that are only ever added to; relaxed atomics. */
extern struct mm_stats mm_stats;

static inline const struct mm_start *mm_start_page(void)
{
	return (const struct mm_start *)(uintptr_t)MM_START_VADDR;
}

static inline void mm_count(word_t *counter)
{
	/* Relaxed: only shown to people and tests. */
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

/* mm cannot go on: say why, stop this thread. */
_Noreturn void mm_panic(const char *what, enum error error);

/* main.c's loop calls these.  The message is the request, then the answer. */
struct msg;
void request_handle(struct msg *m);
void fault_handle(struct msg *m);
