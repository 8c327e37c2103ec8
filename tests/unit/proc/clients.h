/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads of processes that ask proc's service, one request after the other.  The service runs in a host
 * thread of its own, which stands in its receive whenever the test runs; kernel, mm and the
 * scheduler server are of paper (tests/fuzz/proc/kernel.h).
 */
#pragma once

#include <abi/error.h>
#include <abi/fault.h>
#include <abi/types.h>
#include <proc/protocol.h>
#include <stdbool.h>

/* proc as it is when its first program runs, whose thread is `client_newest`. */
void clients_start(void);

extern uint32_t client_newest; /* tid of the thread that was resumed last */
extern bool reaper_woken;      /* since the last reap() */
extern bool sched_refuses;     /* the scheduler server has no room for a thread */

extern unsigned priorities_told; /* requests about priorities to the scheduler server */
extern uint32_t woken;           /* tid of the last thread whose notification proc signalled */

extern unsigned mm_mapped;    /* regions that mm was asked for */
extern word_t mm_pages_max;   /* limit of the last space */
extern word_t mm_unmapped[2]; /* where, and how many bytes, the last time */

#define WAITS (-1)

/* A request of a thread that is not in one: an enum error, or WAITS. */
#define ask(tid, request, ...)                                    \
	client_ask(tid, request, (const word_t[12]){__VA_ARGS__}, \
		   sizeof((const word_t[]){__VA_ARGS__}) / sizeof(word_t))
int client_ask(uint32_t tid, enum proc_request request, const word_t *words, unsigned count);
/* The same for one that waits: what it was answered since. */
int client_answer(uint32_t tid);
/* Word of the last answer. */
word_t client_word(uint32_t tid, unsigned index);
/* Whether its kernel objects exist. */
bool client_lives(uint32_t tid);
/* Somebody stopped it in its call, which nobody can answer any more. */
void client_stop(uint32_t tid);

/* SPAWN of a program with the caller's descriptors. */
int client_spawn(uint32_t tid, word_t flags, word_t memory_bytes);
/* THREAD_CREATE */
int client_thread(uint32_t tid);
/* THREAD_EXIT of itself, which is not answered. */
void client_exit(uint32_t tid, word_t value);

/* Capabilities in its last answer, and the first one's slot in proc's CNode. */
unsigned client_caps(uint32_t tid);
cptr_t client_cap(uint32_t tid);

/* A fault of it that nobody resolved. */
void client_fault(uint32_t tid, enum fault kind, word_t w0, word_t w1, word_t w2, word_t w3);
/* Its process has chosen its own way to proc for that. */
void client_fault_own(uint32_t tid, enum fault kind);
/* Typed at the console, up to PROC_IO_BYTES_MAX. */
void console_type(const char *text);

/* The reaper, until it has nothing to do. */
void reap(void);
/* If it is set: after each of its jobs. */
extern void (*reap_between)(void);
