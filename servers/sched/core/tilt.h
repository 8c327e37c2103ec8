/* SPDX-License-Identifier: BSD-2-Clause */
/* Weights that follow what is owed, where masks bind. */
#pragma once

#include <sched/server.h>

/* New weights for the published threads, where that helps; `all`: there are no others but sleepers.
 * At most 2 PLAN_THREADS_MAX changes of a weight. */
void sched_tilt(struct sched_server *server, struct sched_cpu *cpu, bool all, time_ns_t now_ns);
/* It has its own again. */
void sched_tilt_end(struct sched_cpu *cpu, struct sched_thread *thread, time_ns_t now_ns);
/* Of a thread with which the policy counts that weight. */
uint32_t sched_weight_own(const struct sched_thread *thread, uint32_t told);
