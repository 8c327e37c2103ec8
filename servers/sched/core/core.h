/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every file of the core uses.  Each other one has a header of its name.
 *
 * Context of all functions of the core, where they do not say otherwise: the dispatcher of `cpu`, which owns
 * it and the threads whose home it is (<sched/server.h>).  There is no lock, so none is held.  Times are
 * nanoseconds of the kernel's clock, `now_ns` is that of the upcall.
 */
#pragma once

#include <sched/server.h>

static inline struct policy_cpu *policy_cpu(struct sched_cpu *cpu)
{
	return (struct policy_cpu *)(void *)cpu->policy_blob;
}

static inline const struct policy_cpu *policy_cpu_const(const struct sched_cpu *cpu)
{
	return (const struct policy_cpu *)(const void *)cpu->policy_blob;
}

static inline struct policy_thread *policy_thread(struct sched_thread *thread)
{
	return (struct policy_thread *)(void *)thread->policy;
}

static inline struct sched_thread *policy_thread_owner(struct policy_thread *thread)
{
	return container_of(thread, struct sched_thread, policy);
}

/* What each upcall does is one straight line of code: the compiler would make calls of it. */
#define straight     static inline __attribute__((always_inline))
/* Likewise of one that is declared here: across files where the server is linked as one. */
#define straight_too inline __attribute__((always_inline))

static inline void sched_policy_set(struct sched_cpu *cpu, const struct policy_ops *policy)
{
	cpu->policy = policy;
	cpu->silent &= (uint8_t) ~(SCHED_SILENT_POLICY | SCHED_SILENT_PLACE);
	if (policy->succeed == NULL)
		cpu->silent |= SCHED_SILENT_POLICY;
	if (cpu->place->on_turn != NULL)
		cpu->silent |= SCHED_SILENT_PLACE;
}

/* Nothing is unusual but that the policy says no more than whom to run. */
static inline bool sched_usual(const struct sched_cpu *cpu)
{
	return (cpu->unusual & ~((uint64_t)SCHED_SILENT_POLICY << SCHED_SILENT_SHIFT)) == 0;
}
