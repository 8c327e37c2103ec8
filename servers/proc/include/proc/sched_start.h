/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How proc starts an instance of the scheduler server.
 *
 * Every instance has an address space of its own, mapped and pinned before its first instruction:
 * its segments, and for each thread a stack and an IPC buffer.  All instances have the same CNode,
 * whose fixed slots proc fills, so a standby inherits the capabilities of the threads that exist.
 *
 * An instance has 2 * cpus threads; thread n is entered at the ELF entry point with
 *   x0 = SCHED_START_VADDR (struct sched_start, read-only)
 *   x1 = enum sched_role, x2 = cpu, x3 = n (dispatcher of CPU c: n = c, balancer: n = cpus + c)
 *   sp = end of its stack, tpidr_el0 = THREAD_BLOCK_IN_PAGE(its IPC buffer) (<libsys/thread_block.h>),
 *        in a zeroed page
 * Dispatchers are bound with CORE_BIND and start then; balancers are resumed when their CPU's
 * dispatcher is bound, with their home there, and have the tid sched_start.balancer_tid_first + cpu,
 * whose record in sched_shared has SCHED_THREAD_BALANCER set.
 *
 * A dispatcher that was answered UNBOUND, and a balancer that was answered DELETED or CANCELLED,
 * belong to a replaced instance: they wait to be deleted.
 */
#pragma once

#include <abi/bootinfo.h>
#include <abi/types.h>
#include <sched/shared.h>

#define SCHED_START_MAGIC   0x3130545241545353ull
#define SCHED_START_VERSION 1u

#define SCHED_START_VADDR   0x0000006000000000ull /* struct sched_start, read-only */
#define SCHED_SHARED_VADDR  0x0000006000200000ull /* struct sched_shared, read and write */
#define SCHED_THREADS_VADDR 0x0000006001000000ull /* SCHED_THREAD_BYTES for each thread */
#define SCHED_GROUPS_VADDR  0x0000006004000000ull /* SCHED_GROUP_CPU_BYTES for each CPU, on demand */
#define SCHED_THREAD_BYTES  0x10000u
#define SCHED_STACK_BYTES   0x8000u /* the end of these; the pages below are not mapped */

#define SCHED_IPC_BUFFER_VADDR BOOT_IPC_BUFFER_VADDR /* thread n: + n * PAGE_SIZE */
/* What scheduling groups need on each CPU; mapped when groups are asked for (sched_shared.groups_ready) */
#define SCHED_GROUP_CPU_BYTES  0xf000u

static inline uint64_t sched_thread_stack_top(uint64_t n)
{
	return SCHED_THREADS_VADDR + (n + 1) * SCHED_THREAD_BYTES;
}

static inline uint64_t sched_thread_ipc_buffer(uint64_t n)
{
	return SCHED_IPC_BUFFER_VADDR + n * PAGE_SIZE;
}

/* Slots of the CNode.  X(name, slot, meaning) */
#define SCHED_SLOT_LIST(X)                                                            \
	X(CNODE, 1, "the CNode itself")                                               \
	X(SYSTEM, 7, "debug output")                                                  \
	X(LOCAL, 8, "request port of the caller's CPU, badge SCHED_BADGE_PRIVILEGED") \
	X(CORE_FIRST, 256, "Core c")                                                  \
	X(PORT_FIRST, 512, "request port of CPU c, badge SCHED_BADGE_PRIVILEGED")     \
	X(TCB_FIRST, 1024, "TCB of the thread with tid t, SCHEDULE right only; empty: no thread")

enum sched_slot {
#define X(name, slot, meaning) SCHED_SLOT_##name = slot,
	SCHED_SLOT_LIST(X)
#undef X
};

#define SCHED_CNODE_RADIX 13u

/* Tids of balancers: two sets, an instance and its standby never use the same. */
#define SCHED_TID_BALANCER_FIRST(set) (SCHED_THREADS_MAX - 2u * CPUS_MAX + ((set)&1u) * CPUS_MAX)
#define SCHED_TID_USER_MAX            (SCHED_THREADS_MAX - 2u * CPUS_MAX) /* other tids are below this */

_Static_assert(SCHED_SLOT_TCB_FIRST + SCHED_THREADS_MAX <= 1u << SCHED_CNODE_RADIX, "slots fit");

enum sched_role { SCHED_ROLE_DISPATCHER = 0, SCHED_ROLE_BALANCER = 1 };

struct sched_start {
	uint64_t magic;
	uint64_t version;
	uint64_t bytes;
	uint64_t instance; /* 1, 2, ... */
	uint64_t cpus;
	uint64_t threads_max; /* tids are below this */
	uint64_t balancer_tid_first;
	uint64_t shared_vaddr; /* struct sched_shared */
	uint64_t shared_bytes;
	uint64_t decision_limit_ns; /* as given to CORE_BIND */
	uint64_t starvation_limit_ns;
	uint64_t log_level;
	uint64_t exact;     /* sched.exact: the policy as specified, without refinements */
	uint64_t filter;    /* sched.filter: decisions may carry a wake filter */
	uint64_t successor; /* sched.successor: they may name a successor, and FIRST */
	uint64_t again;     /* sched.again: and AGAIN */
	char policy
		[16];   /* sched=, as in the boot arguments; the server names unknown ones loudly */
	char place[16]; /* place= */
};

_Static_assert(sizeof(struct sched_start) <= PAGE_SIZE, "one page");
_Static_assert(SCHED_THREADS_VADDR + 2ull * CPUS_MAX * SCHED_THREAD_BYTES <= SCHED_GROUPS_VADDR,
	       "the addresses do not overlap");
