/* SPDX-License-Identifier: BSD-2-Clause */
/* Sleepers of one CPU, in a heap by wake-up time. */
#pragma once

#include <sched/server.h>

/* A thread blocked until that time; it has one at a time.  O(log sleepers). */
void sched_sleep_add(struct sched_cpu *cpu, struct sched_thread *thread, time_ns_t wake_at_ns);
/* It sleeps no more, if it did.  O(log sleepers). */
void sched_sleep_cancel(struct sched_cpu *cpu, struct sched_thread *thread);
/* Answer and wake all that are due. */
void sched_sleep_expire(struct sched_server *server, struct sched_cpu *cpu, time_ns_t now_ns);
/* When the first one wakes; TIME_NEVER: nobody sleeps. */
time_ns_t sched_sleep_next(const struct sched_cpu *cpu);
/* Whose time that is; there is somebody. */
struct sched_thread *sched_sleep_soonest(const struct sched_cpu *cpu);
/* When the first sleeper with a smaller key wakes, if all with that key or a larger one may wait until then;
 * sched_sleep_next() if that cannot be told with a bounded look. */
time_ns_t sched_sleep_next_below(const struct sched_cpu *cpu, uint64_t key, time_ns_t until_ns);
/* The first ones that wake before that time, in order; returns how many, at most `count` and 8. */
uint32_t sched_sleep_first(const struct sched_cpu *cpu, time_ns_t until_ns,
			   const struct sched_thread *sleepers[], uint32_t count);
