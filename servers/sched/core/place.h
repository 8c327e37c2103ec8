/* SPDX-License-Identifier: BSD-2-Clause */
/* Which CPU: loads, idle bits, and moving a thread. */
#pragma once

#include <sched/server.h>

/* What all CPUs have published and what is on its way to them, in an array of server->cpus: no two words need
 * be of the same moment.  O(CPUs). */
void sched_view(struct sched_server *server, struct place_view *view, struct place_load *loads);
/* A mask whose words others change. */
struct cpumask sched_mask_load(const struct cpumask *mask);
/* This CPU's load: as the policy says when asked, or as pick() has just told it. */
void sched_load_publish(struct sched_cpu *cpu);
void sched_load_publish_pick(struct sched_cpu *cpu, const struct policy_pick *pick, bool several);
/* The idle bit of a CPU: the order against loads is proved in place.c.  Who claims one is the only one to
 * send it work. */
void sched_idle_publish(struct sched_server *server, uint32_t cpu);
void sched_idle_clear(struct sched_server *server, uint32_t cpu);
bool sched_idle_claim(struct sched_server *server, uint32_t cpu);
bool sched_idle_any(const struct sched_server *server, const struct cpumask *among);
/* Move a thread to another CPU, from any state; false (and nothing changed) if the kernel
 * refuses. */
bool sched_thread_move(struct sched_server *server, struct sched_cpu *cpu,
		       struct sched_thread *thread, uint32_t target, time_ns_t now_ns);
/* A thread was sent to `target`, which has not seen it yet; it has now, or does not come. */
void sched_incoming_add(struct sched_server *server, uint32_t target, struct sched_thread *thread,
			time_ns_t now_ns);
void sched_incoming_remove(struct sched_server *server, uint32_t target,
			   const struct sched_thread *thread);
/* Where a thread that wakes or may not stay here should go; this CPU if here. */
uint32_t sched_wake_target(struct sched_server *server, struct sched_cpu *cpu,
			   struct sched_thread *thread, time_ns_t now_ns);
/* Where a queued thread of this CPU would go as a new one, if max(load here, load there) falls by that;
 * else this CPU. */
uint32_t sched_spread_target(struct sched_server *server, struct sched_cpu *cpu,
			     struct sched_thread *thread);
/* Where a new thread should go that was made on the CPU `creator`. */
uint32_t sched_fork_target(struct sched_server *server, struct sched_cpu *cpu,
			   struct sched_thread *thread, uint32_t creator);
/* The turn of the thread that ran may be over: move it to where placement wants it to wait. */
void sched_turn_over(struct sched_server *server, struct sched_cpu *cpu, time_ns_t now_ns);
/* A queued thread too many and an idle CPU: bring them together. */
void sched_push_surplus(struct sched_server *server, struct sched_cpu *cpu, time_ns_t now_ns);
