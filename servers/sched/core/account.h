/* SPDX-License-Identifier: BSD-2-Clause */
/* What the machine owes a thread where affinity masks bind, without groups. */
#pragma once

#include <sched/server.h>

#define SCHED_RATE_SHIFT 24u
#define SCHED_RATE_WHOLE (1u << SCHED_RATE_SHIFT)

/* The part of a CPU that is fair where that is its level; not 0. */
uint32_t sched_rate(uint64_t weight, uint64_t level);
/* What the machine owes a thread in this CPU's queue, which should have had `rate` since the last call. */
int64_t sched_account_us(const struct sched_cpu *cpu, struct sched_thread *thread, uint32_t rate,
			 time_ns_t now_ns);
