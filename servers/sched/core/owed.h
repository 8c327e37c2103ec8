/* SPDX-License-Identifier: BSD-2-Clause */
/* What the machine owes a thread where CPUs have different levels and there are groups (else account.h). */
#pragma once

#include <sched/server.h>

/* Tell the policy the average (0: the last one that is known), and whether this CPU goes by its own load
 * nevertheless.  O(1). */
void sched_average_set(struct sched_cpu *cpu, uint64_t average, bool own, time_ns_t now_ns);
/* What the machine owes a thread in this CPU's queue: from what its policy says, the level of that, and the
 * least level of the CPUs that it may use.  Counts the time since the last call.  O(1). */
int64_t sched_owed_us(const struct sched_cpu *cpu, struct sched_thread *thread, uint64_t here,
		      uint64_t level, int64_t owed_us, time_ns_t now_ns);
