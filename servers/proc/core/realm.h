/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Realms: what a process that is not trusted may touch, and how much it may take.
 *
 * A process that is started with PROC_SPAWN_CONFINED is the first of a realm; what it starts is in it,
 * too.  Who is in a realm acts on processes in it (realms inside it too) and its own children only, is never
 * scheduled with more weight than the realm began with, does nothing that concerns the whole machine,
 * and shares one budget of processes, threads, pipes and memory with the rest of its realm.
 * A realm inside a realm has a budget of its own, and what it uses counts in all those around it.
 *
 * The service thread's, like all state.  Bad at: many processes; each count is a walk over the table.
 */
#pragma once

#include <sched/protocol.h>

#include "state.h"

/* What concerns the machine: ERR_PERMISSION inside a realm. */
__attribute__((warn_unused_result)) enum error realm_machine(const struct process *caller);

/* May the caller act on it?  ERR_PERMISSION. */
__attribute__((warn_unused_result)) enum error realm_reaches(const struct process *caller,
							     const struct process *target);

/* May the caller's threads, or those of its realm, be given this?  ERR_LIMIT, ERR_RANGE (no nice value).
 * ERR_PERMISSION: what is lent; a scheduling group, and the realm was started in none; else the scheduler
 * server looks where it is. */
__attribute__((warn_unused_result)) enum error realm_param(const struct process *caller,
							   enum sched_param param, word_t value);
__attribute__((warn_unused_result)) enum error realm_nice(const struct process *caller,
							  word_t nice);

/* The highest priority that the process may ask for, and its threads lend each other. */
uint32_t realm_priority_max(const struct process *process);

/* May the target be moved to that group (0: one of its own)?  ERR_PERMISSION. */
__attribute__((warn_unused_result)) enum error
realm_group(const struct process *caller, const struct process *target, word_t group);

/* The heaviest weight that its threads may ask for themselves. */
uint32_t realm_weight_max(const struct process *parent, bool confined, int32_t nice);

/* One more thread, one more pipe: ERR_LIMIT. */
__attribute__((warn_unused_result)) enum error realm_thread(const struct process *process);
__attribute__((warn_unused_result)) enum error realm_pipe(const struct process *process);

/*
 * One more process, child of parent (may be NULL): ERR_LIMIT.  *memory_bytes is what was asked for (0:
 * nothing in particular), then the limit of the new process.
 */
__attribute__((warn_unused_result)) enum error realm_process(const struct process *parent,
							     bool confined, uint64_t *memory_bytes);

/* The new process is in its parent's realm, or the first of its own. */
void realm_enter(struct process *process, const struct process *parent, bool confined,
		 uint64_t memory_bytes);
