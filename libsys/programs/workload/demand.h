/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How much of a CPU each task of a workload wants, and what it ideally gets.  Pure.
 *
 *   R, S  CPU time and sleep of one pass over the task's phases      P  sum of its timer periods
 *   demand = R / max(R + S, P), at most 1; and, for a task that ends, at most all its CPU time by
 *   the duration of the workload
 *
 * A task that waits for others (lock, wait, barrier, suspend) may want all of a CPU.
 *
 * Bad at: tasks whose demand changes between phases (the mean is taken), and absolute timers that
 * catch up after a miss.
 */
#pragma once

#include <base/ideal_share.h>
#include <base/workload.h>

/* The demand in units of 2^-32 CPU, 1..IDEAL_ONE. */
uint64_t task_demand(const struct workload_task *task, uint64_t duration_ns);

/* What the distribution needs to know about the task; its rate is what ideal_share() fills in. */
struct ideal_task task_ideal(const struct workload_task *task, uint64_t duration_ns);

/* A group of the workload for the same. */
struct ideal_group group_ideal(const struct workload_group *group);
