/* SPDX-License-Identifier: BSD-2-Clause */
/* What the load of a CPU has been lately, where threads sleep and wake: from those that hardly do. */
#pragma once

#include <sched/server.h>

/* Before other threads are published: count what those had. */
void sched_steady_close(struct sched_server *server, struct sched_cpu *cpu, time_ns_t now_ns);
/* At the end of a balance period. */
void sched_steady_update(struct sched_server *server, struct sched_cpu *cpu, time_ns_t now_ns);
/* There are sleepers, not too many, and no groups, and the policy keeps an account of who is owed what. */
bool sched_steady_used(const struct sched_server *server, const struct sched_cpu *cpu);
/* The mean weight of its lasting threads, or of all that want to run: no average is below that. */
uint64_t sched_steady_least(const struct sched_cpu *cpu);
/* It hardly sleeps: in the queue for two balance periods, or few wakes. */
bool sched_thread_lasts(const struct sched_cpu *cpu, const struct sched_thread *thread,
			time_ns_t now_ns);
/* The load that the lasting threads of a CPU meet. */
uint64_t sched_steady_weight(const struct sched_cpu *cpu);
/* What sleepers have of another CPU, of STEADY_WHOLE, if that is its load for the others, and not that of the
 * moment; else 0. */
uint32_t sched_steady_part(const struct sched_server *server, const struct sched_cpu *cpu,
			   uint32_t index);
/* The same for all CPUs, in place of the loads of the moment. */
void sched_steady_view(struct sched_server *server, const struct sched_cpu *cpu,
		       struct place_load *loads);
/* Where a thread that wakes here had better go, or here; once a period, while cpu->way_out.  O(CPUs). */
uint32_t sched_steady_target(struct sched_server *server, struct sched_cpu *cpu,
			     const struct sched_thread *thread);
