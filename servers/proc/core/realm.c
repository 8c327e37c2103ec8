/* SPDX-License-Identifier: BSD-2-Clause */
#include "realm.h"

#include <base/nice.h>
#include <sched/protocol.h>

#define WEIGHT_MAX        (1u << 20)
#define PRIORITY_STANDARD 50u

struct usage {
	uint32_t processes;
	uint32_t threads;
	uint32_t pipe_ends;
	uint64_t memory_bytes; /* limits of all its processes */
};

static struct usage realm_usage(uint32_t realm)
{
	struct usage usage = {0};

	for (struct process *at = process_next(1); at != NULL;
	     at = process_next((word_t)at->pid + 1)) {
		if (at->realm != realm)
			continue;
		usage.processes++;
		usage.threads += at->thread_count;
		usage.memory_bytes += at->memory_bytes;
		for (uint32_t fd = 0; fd < PROC_FDS_MAX; fd++)
			usage.pipe_ends += at->files[fd].kind == PROC_FILE_PIPE_READ ||
					   at->files[fd].kind == PROC_FILE_PIPE_WRITE;
	}
	return usage;
}

enum error realm_machine(const struct process *caller)
{
	return caller->realm == 0 ? ERR_OK : ERR_PERMISSION;
}

enum error realm_reaches(const struct process *caller, const struct process *target)
{
	if (caller->realm == 0 || caller->realm == target->realm || target->parent == caller->pid)
		return ERR_OK;
	return ERR_PERMISSION;
}

enum error realm_nice(const struct process *caller, word_t nice)
{
	const int64_t wanted = (int64_t)nice;

	if (nice == PROC_NICE_INHERIT)
		return ERR_OK;
	/* What does not fit would be another number further on. */
	if (wanted < NICE_LOWEST || wanted > NICE_HIGHEST)
		return ERR_RANGE;
	return caller->realm == 0 || wanted >= caller->realm_nice ? ERR_OK : ERR_LIMIT;
}

enum error realm_param(const struct process *caller, enum sched_param param, word_t value)
{
	if (caller->realm == 0)
		return ERR_OK;
	switch (param) {
	case SCHED_PARAM_NICE:
		return (int64_t)value >= caller->realm_nice ? ERR_OK : ERR_LIMIT;
	case SCHED_PARAM_WEIGHT:
		return value <= nice_weight(caller->realm_nice) ? ERR_OK : ERR_LIMIT;
	case SCHED_PARAM_PRIORITY:
		return value <= PRIORITY_STANDARD ? ERR_OK : ERR_LIMIT;
	case SCHED_PARAM_GROUP:
		return caller->realm_group != 0 ? ERR_OK : ERR_PERMISSION;
	case SCHED_PARAM_SLICE_NS:
		return value <= SCHED_SLICE_NS_STANDARD ? ERR_OK : ERR_LIMIT;
	case SCHED_PARAM_PERIOD_NS:
		return value == 0 ? ERR_OK : ERR_LIMIT;
	default:
		return ERR_OK;
	}
}

enum error realm_group(const struct process *caller, const struct process *target, word_t group)
{
	if (caller->realm == 0 || group == 0 || group == caller->group || group == target->pid)
		return ERR_OK;
	return ERR_PERMISSION;
}

uint32_t realm_weight_max(const struct process *parent, bool confined, int32_t nice)
{
	if (parent != NULL && parent->realm != 0)
		return nice_weight(parent->realm_nice);
	return confined ? nice_weight(nice) : WEIGHT_MAX;
}

enum error realm_thread(const struct process *process)
{
	if (process->realm == 0 || realm_usage(process->realm).threads < PROC_REALM_THREADS_MAX)
		return ERR_OK;
	return ERR_LIMIT;
}

enum error realm_pipe(const struct process *process)
{
	if (process->realm == 0 ||
	    realm_usage(process->realm).pipe_ends + 2 <= 2 * PROC_REALM_PIPES_MAX)
		return ERR_OK;
	return ERR_LIMIT;
}

/* Half of a realm's memory is its first process's, the rest is for what that starts. */
static void first_memory(uint64_t *memory_bytes)
{
	if (*memory_bytes == 0 || *memory_bytes > PROC_REALM_BYTES_MAX)
		*memory_bytes = PROC_REALM_BYTES_MAX;
	*memory_bytes /= 2;
}

enum error realm_process(const struct process *parent, bool confined, uint64_t *memory_bytes)
{
	struct usage usage;

	if (parent == NULL || parent->realm == 0) {
		if (confined)
			first_memory(memory_bytes);
		return ERR_OK;
	}
	usage = realm_usage(parent->realm);
	if (*memory_bytes == 0)
		*memory_bytes = parent->realm_bytes / PROC_REALM_PROCESSES_MAX / 2;
	if (usage.processes >= PROC_REALM_PROCESSES_MAX ||
	    *memory_bytes > parent->realm_bytes - usage.memory_bytes)
		return ERR_LIMIT;
	if (confined)
		first_memory(memory_bytes);
	return ERR_OK;
}

void realm_enter(struct process *process, const struct process *parent, bool confined,
		 uint64_t memory_bytes)
{
	process->memory_bytes = memory_bytes;
	if (confined) {
		process->realm = process->pid;
		process->realm_bytes = 2 * memory_bytes;
		process->realm_nice = process->nice;
		process->realm_group = process->sched_group;
	} else if (parent != NULL && parent->realm != 0) {
		process->realm = parent->realm;
		process->realm_bytes = parent->realm_bytes;
		process->realm_nice = parent->realm_nice;
		process->realm_group = parent->realm_group;
	}
}
