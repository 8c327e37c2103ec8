/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the scheduler server must know of a thread: its capability in the server's CNode, its record
 * in the memory that all instances share, its home.
 */
#pragma once

#include <abi/error.h>
#include <abi/types.h>
#include <sched/protocol.h>
#include <sched/shared.h>

static inline struct sched_shared *register_shared(void);

/* Make the shared memory; the first thread, at boot. */
void register_init(uint32_t cpus);
uint64_t register_shared_pages(void);

/* Who pays what a thread owes when it ends (heir.c).  Not the thread itself: by the time of the bill its
 * tid may be another's, which its process then tells. */
struct heir {
	uint32_t tid; /* 0: nobody */
	uint32_t pid;
};

struct register_params {
	uint32_t pid;
	int32_t nice; /* INT32_MIN: take weight */
	uint32_t weight;
	uint64_t slice_ns; /* 0: the standard one */
	struct cpumask affinity;
	uint64_t group; /* scheduling group, 0: none */
	bool confined;
	uint64_t group_top; /* below which a confined thread may use groups */
	struct heir heir;
};

/* Record and capability of a stopped thread.  ERR_SLOT_OCCUPIED: the number is in use. */
__attribute__((warn_unused_result)) enum error
register_thread(uint32_t tid, cptr_t tcb, const struct register_params *params);

/* The thread that has the number already begins anew, when it next becomes ready. */
void register_again(uint32_t tid, cptr_t tcb, const struct register_params *params);

/* Another one pays what the thread owes when it ends. */
void register_heir(uint32_t tid, struct heir heir);

/* The thread ended and is kept: it is in no group any more as soon as it blocks. */
void register_ended(uint32_t tid);

/* Ask the server for a home; without one, choose one in turn.  Service thread. */
__attribute__((warn_unused_result)) enum error register_home(uint32_t tid, cptr_t tcb);

/* A thread of proc or mm, at boot: weight of nice 0, all CPUs, home CPU 0. */
void register_server(uint32_t tid, cptr_t tcb);

/* Change a parameter of any thread, wherever it lives.  Service thread. */
__attribute__((warn_unused_result)) enum error
register_param_set(uint32_t tid, enum sched_param param, word_t value, word_t value2);

/* A server runs and answers. */
extern bool register_served;

#include "own.h"

static inline struct sched_shared *register_shared(void)
{
	return (struct sched_shared *)(uintptr_t)OWN_SHARED_VADDR;
}
