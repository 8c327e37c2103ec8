/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory that every instance of the scheduler server inherits, and that proc and statistics
 * read.
 *
 * Parameters of a thread: written by proc while the thread is not registered yet, or is parked (it
 * sets FRESH, and the dispatcher of its home clears it at the next wake), else by the dispatcher of
 * its home only.  Statistics: written by the dispatcher of the thread's home (of the
 * CPU), read by proc without a lock; every field is one naturally aligned word, relaxed atomic, and
 * only ever shown to people and tests.
 */
#pragma once

#include <abi/sched.h>
#include <abi/types.h>
#include <base/cpumask.h>

#include "../../policy/group/record.h"

#define SCHED_THREADS_MAX       5120u
#define SCHED_HISTOGRAM_BUCKETS 128u
#define SCHED_SHARED_MAGIC      0x4445524148534354ull

#define SCHED_THREAD_USED     1u /* the record describes a thread */
#define SCHED_THREAD_BALANCER 2u /* balancer of CPU `cpu`: never in a policy's queue */
#define SCHED_THREAD_CONFINED 4u /* may use groups below group_top only */
/* What was known of the thread with this tid is void: the next one has its objects. */
#define SCHED_THREAD_FRESH    8u
/* It ended and is kept: when it blocks, it leaves its scheduling group and what the policy promised it. */
#define SCHED_THREAD_ENDED    16u
#define SCHED_THREAD_NOWHERE \
	32u /* its mask is empty: it waits for another one; see core/nowhere.c */

struct sched_thread_params {
	uint32_t flags;
	uint32_t pid;
	uint32_t weight;
	int32_t nice; /* INT32_MIN: weight was given directly */
	uint32_t priority;
	uint32_t class;
	uint32_t cpu;  /* home, as the server sees it; for a new thread its creator's CPU */
	uint32_t heir; /* thread that pays what this one owes when it ends, 0: nobody */
	uint64_t slice_ns;
	uint64_t period_ns; /* 0: no reservation */
	struct cpumask affinity;
	uint64_t group;     /* scheduling group, 0: none; one that does not exist counts as none */
	uint64_t group_top; /* of a confined thread: in which its realm was started */
	uint32_t heir_pid;  /* the heir's process: another thread may have its number by now */
	uint32_t lent;      /* priority that others lend it, 0: none; the greater of both counts */
};

struct sched_thread_stats {
	uint64_t cpu_ns;      /* CPU time, passive servers included */
	uint64_t runs;        /* dispatches after which another thread had run before */
	uint64_t preemptions; /* lost the CPU while ready */
	uint64_t migrations;
	uint64_t wakes;
	uint64_t wake_max_ns;
	uint32_t wake_histogram[SCHED_HISTOGRAM_BUCKETS]; /* see histogram_bucket() in
							     <base/histogram.h> */
};

struct sched_cpu_stats {
	uint64_t runnable; /* now, delayed sleepers excluded */
	uint64_t weight;
	uint64_t policy_id;
	uint64_t picks;
	uint64_t idles; /* idle decisions */
	uint64_t pulls_asked;
	uint64_t threads_pulled;
	uint64_t threads_pushed;
	uint64_t requests;
	uint64_t sleepers;
	uint64_t misuse;   /* policy calls that did not fit the state: a bug if not 0 */
	uint64_t refusals; /* decisions that the kernel refused */
};

struct sched_shared {
	uint64_t magic;
	uint64_t bytes;
	uint64_t instance; /* counts bound instances */
	uint64_t cpus;
	char policy[16]; /* the names in force */
	char place[16];
	/* Written by proc (release) once every instance has memory for groups, now and later. */
	uint64_t groups_ready;
	struct group_record group[GROUP_MAX];
	struct sched_cpu_stats cpu[CPUS_MAX];
	struct sched_thread_params params[SCHED_THREADS_MAX];
	struct sched_thread_stats stats[SCHED_THREADS_MAX];
	/* What threads have to pay for others; any dispatcher and proc add, the dispatcher of the
	 * thread's home takes all of it.  Atomic. */
	uint64_t bill_ns[SCHED_THREADS_MAX];
};

/* The bill of a thread of this process, or NULL: it is gone. */
static inline uint64_t *sched_bill_of(struct sched_shared *shared, uint32_t tid, uint32_t pid)
{
	const struct sched_thread_params *params = &shared->params[tid];

	if (tid == 0 || tid >= SCHED_THREADS_MAX || (params->flags & SCHED_THREAD_USED) == 0 ||
	    params->pid != pid)
		return NULL;
	return &shared->bill_ns[tid];
}

/* Let a thread pay for something that it caused, unless it is gone. */
static inline void sched_bill(struct sched_shared *shared, uint32_t tid, uint32_t pid, uint64_t ns)
{
	uint64_t *bill_ns = sched_bill_of(shared, tid, pid);

	if (bill_ns != NULL)
		__atomic_fetch_add(bill_ns, ns, __ATOMIC_RELAXED);
}
