/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads as the server knows them. */
#pragma once

#include "core.h"

/* The tag of an event is the index of the record. */
static inline struct sched_thread *sched_thread_find(struct sched_server *server, word_t tag)
{
	struct sched_thread *threads = __atomic_load_n(&server->thread, __ATOMIC_RELAXED);

	return tag == 0 || tag >= SCHED_THREADS_MAX ? NULL : &threads[tag];
}

/* Known, here, and the policy's: its queue may be touched for it. */
static inline bool sched_thread_settled(const struct sched_cpu *cpu,
					const struct sched_thread *thread)
{
	return thread->state != SCHED_UNKNOWN && !thread->arriving && !thread->balancer &&
	       __atomic_load_n(&thread->home, __ATOMIC_RELAXED) == cpu->index;
}

/* A READY thread wants others to go first. */
static inline void sched_thread_yield(struct sched_cpu *cpu, struct sched_thread *thread,
				      time_ns_t now_ns)
{
	cpu->policy->enqueue(policy_cpu(cpu), policy_thread(thread), POLICY_JOIN_YIELD, now_ns);
	thread->turn_over = true;
}

/* Its parameters in shared memory, also of a thread that is not known yet; later they are thread->params. */
struct sched_thread_params *sched_thread_params(struct sched_server *server,
						const struct sched_thread *thread);
/* What a policy is told of them: legal values, whatever shared memory holds. */
void sched_thread_policy_params(const struct sched_thread_params *from, uint32_t tid,
				struct policy_params *to);
bool sched_thread_is_balancer(struct sched_server *server, const struct sched_thread *thread);
/* The server's view of a thread's home, also for proc, which asks there. */
void sched_thread_home_set(struct sched_server *server, struct sched_thread *thread, uint32_t cpu);
/* Make a thread known to this instance, OUT, at home here; params out of range are clamped. */
void sched_thread_adopt(struct sched_server *server, struct sched_cpu *cpu,
			struct sched_thread *thread);
