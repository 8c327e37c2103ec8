/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each task of a workload wants of a CPU, and what ideal_share_groups() has to know of it.  The
 * same for the simulator and the booted runner, so that their `ideal_share` can be compared.  Pure.
 *
 *   demand = R / T     R  CPU time of one pass over the task's phases, alone on a CPU
 *                      T  how long that pass takes; a timer counts from the one before it, in whichever
 *                         phase that was
 *
 * at most 1, and at most all the CPU time that the task has use for within the time that is looked at.
 * Once a task is in a phase that loops for ever, that is its pass.  A task that waits for others (lock,
 * wait, barrier, suspend) may want all of a CPU.
 *
 * Weight, CPUs and group are those at the end of a pass, the phases' changes included.
 *
 * Bad at: tasks whose demand or parameters change between phases (the mean is taken, and the last);
 * tasks that begin late or end early (as if their time were spread over the whole); absolute timers
 * that catch up after a miss.
 */
#pragma once

#include <base/ideal_share.h>
#include <base/workload.h>

/* The demand over @wall_ns (TIME_NEVER, or 0: without end) in units of 2^-32 CPU, 1..IDEAL_ONE. */
uint64_t workload_demand(const struct workload_task *task, uint64_t wall_ns);

/* The parameters in force at the end of a pass. */
struct workload_params workload_params_steady(const struct workload_task *task);

/* What the distribution needs to know about the task; its rate is what ideal_share() fills in. */
struct ideal_task workload_ideal_task(const struct workload_task *task, uint64_t wall_ns);

/* A group of the workload for the same. */
struct ideal_group workload_ideal_group(const struct workload_group *group);
