/* SPDX-License-Identifier: BSD-2-Clause */
/* Groups of threads: requests, and the layer of policy/group over a CPU's policy. */
#pragma once

#include <sched/server.h>

/* SCHED_GROUP_*: `w1` is what it returns, `error` as <sched/protocol.h> says of each. */
void sched_group_request(struct sched_server *server, struct sched_cpu *cpu,
			 const struct sched_request *request, enum error *error, word_t *w1);
/* May the client put a thread there?  ERR_PERMISSION, ERR_NOT_FOUND. */
enum error sched_group_allowed(struct sched_server *server, const struct sched_request *request,
			       group_id_t group);
/* Make this CPU fit for groups.  ERR_STATE: no memory for them; ERR_UNSUPPORTED: not over its policy. */
enum error sched_group_attach(struct sched_server *server, struct sched_cpu *cpu);
/* A thread comes to this CPU: the one whose group is gone, or who cannot be in one here, is the root's. */
void sched_group_admit(struct sched_server *server, struct sched_cpu *cpu,
		       struct sched_thread *thread);
/* This CPU goes idle: tell which of its groups are throttled. */
void sched_group_idle(struct sched_cpu *cpu);
/* Were some, when that CPU last went idle? */
bool sched_group_waits(const struct sched_server *server, uint32_t cpu);
/* Nothing is won if this thread goes to that idle CPU: its group has no runtime there, or a cap limits it, as
 * it does those that are there. */
bool sched_group_stays(const struct sched_server *server, struct sched_cpu *cpu,
		       struct sched_thread *thread, uint32_t target);
/* The group in its parameters as it is: a group may have gone while its thread was on the way. */
void sched_group_sync(struct sched_server *server, struct sched_thread *thread);
