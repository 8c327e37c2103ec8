/* SPDX-License-Identifier: BSD-2-Clause */
/* Which threads should change places, by what is owed to whom. */
#pragma once

#include <sched/server.h>

/* What is owed in the mean to those who share CPUs.  O(CPUs). */
int32_t sched_plan_mean_us(const struct sched_server *server);
/* Tell the others whom this CPU has. */
void sched_plan_publish(struct sched_server *server, struct sched_cpu *cpu, time_ns_t now_ns);
/* What to move, from what is published; false: nothing. */
bool sched_plan_make(struct sched_server *server, struct sched_cpu *cpu,
		     const struct place_view *view, struct plan *plan);
/* Part of a plan, a moment later: false if the thread is not here any more, or may not go. */
bool sched_plan_move(struct sched_server *server, struct sched_cpu *cpu, uint32_t tid,
		     uint32_t target, time_ns_t now_ns);
