/* SPDX-License-Identifier: BSD-2-Clause */
#include "realm.h"

#include <base/nice.h>
#include <sched/protocol.h>

#define WEIGHT_MAX        (1u << 20)
#define PRIORITY_STANDARD 50u
#define PRIORITY_MAX      99u

struct usage {
	uint32_t processes;
	uint32_t threads;
	uint32_t pipe_ends;
	uint64_t memory_bytes; /* limits of all its processes */
};

static bool realm_holds(const struct process *process, uint32_t realm)
{
	for (uint32_t i = 0; i < process->realm_depth; i++)
		if (process->realms[i].id == realm)
			return true;
	return false;
}

static uint32_t pipe_ends_of(const struct process *process)
{
	uint32_t ends = 0;

	for (uint32_t fd = 0; fd < PROC_FDS_MAX; fd++)
		ends += process->files[fd].kind == PROC_FILE_PIPE_READ ||
			process->files[fd].kind == PROC_FILE_PIPE_WRITE;
	return ends;
}

/* Of each realm that the process is in: of all processes in it, those of realms inside it too. */
static void realm_usages(const struct process *process, struct usage usages[REALM_DEPTH_MAX])
{
	if (process->realm_depth == 0)
		return;
	for (uint32_t i = 0; i < process->realm_depth; i++)
		usages[i] = (struct usage){0};
	for (const struct process *at = process_next(1); at != NULL;
	     at = process_next((word_t)at->pid + 1)) {
		if (!realm_holds(at, process->realms[0].id))
			continue;

		const uint32_t pipe_ends = pipe_ends_of(at);

		/* Who is in a realm is in those around it: the same ones, in the same places. */
		for (uint32_t i = 0; i < process->realm_depth && i < at->realm_depth &&
				     at->realms[i].id == process->realms[i].id;
		     i++) {
			usages[i].processes++;
			usages[i].threads += at->thread_count;
			usages[i].pipe_ends += pipe_ends;
			usages[i].memory_bytes += at->memory_bytes;
		}
	}
}

enum error realm_machine(const struct process *caller)
{
	return caller->realm == 0 ? ERR_OK : ERR_PERMISSION;
}

enum error realm_reaches(const struct process *caller, const struct process *target)
{
	if (caller->realm == 0 || realm_holds(target, caller->realm) ||
	    target->parent == caller->pid)
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

uint32_t realm_priority_max(const struct process *process)
{
	return process->realm == 0 ? PRIORITY_MAX : PRIORITY_STANDARD;
}

enum error realm_param(const struct process *caller, enum sched_param param, word_t value)
{
	/* What is lent is never asked for: mutex.c. */
	if (param == SCHED_PARAM_LENT)
		return ERR_PERMISSION;
	if (caller->realm == 0)
		return ERR_OK;
	switch (param) {
	case SCHED_PARAM_NICE:
		return (int64_t)value >= caller->realm_nice ? ERR_OK : ERR_LIMIT;
	case SCHED_PARAM_WEIGHT:
		return value <= nice_weight(caller->realm_nice) ? ERR_OK : ERR_LIMIT;
	case SCHED_PARAM_PRIORITY:
		return value <= realm_priority_max(caller) ? ERR_OK : ERR_LIMIT;
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
	const uint32_t outer = parent != NULL && parent->realm != 0
				       ? nice_weight(parent->realm_nice)
				       : WEIGHT_MAX;
	const uint32_t own = nice_weight(nice);

	return confined && own < outer ? own : outer;
}

enum error realm_thread(const struct process *process)
{
	struct usage usages[REALM_DEPTH_MAX];

	realm_usages(process, usages);
	for (uint32_t i = 0; i < process->realm_depth; i++)
		if (usages[i].threads >= PROC_REALM_THREADS_MAX)
			return ERR_LIMIT;
	return ERR_OK;
}

enum error realm_pipe(const struct process *process)
{
	struct usage usages[REALM_DEPTH_MAX];

	realm_usages(process, usages);
	for (uint32_t i = 0; i < process->realm_depth; i++)
		if (usages[i].pipe_ends + 2 > 2 * PROC_REALM_PIPES_MAX)
			return ERR_LIMIT;
	return ERR_OK;
}

/* A limit below a page would be none at all: mm counts pages. */
static uint64_t page_at_least(uint64_t bytes)
{
	return bytes < PAGE_SIZE ? PAGE_SIZE : bytes;
}

/* Half of a realm's memory is its first process's, the rest is for what that starts. */
static void first_memory(uint64_t *memory_bytes)
{
	if (*memory_bytes == 0 || *memory_bytes > PROC_REALM_BYTES_MAX)
		*memory_bytes = PROC_REALM_BYTES_MAX;
	*memory_bytes = page_at_least(*memory_bytes / 2);
}

static const struct realm *realm_own(const struct process *process)
{
	return &process->realms[process->realm_depth - 1];
}

/* Is there room for it in the realm, and in those around it? */
static enum error realms_take(const struct process *parent, uint64_t memory_bytes)
{
	struct usage usages[REALM_DEPTH_MAX];

	realm_usages(parent, usages);
	for (uint32_t i = 0; i < parent->realm_depth; i++) {
		const struct usage *usage = &usages[i];
		const uint64_t bytes = parent->realms[i].bytes;

		if (usage->processes >= PROC_REALM_PROCESSES_MAX || usage->memory_bytes > bytes ||
		    memory_bytes > bytes - usage->memory_bytes)
			return ERR_LIMIT;
	}
	return ERR_OK;
}

enum error realm_process(const struct process *parent, bool confined, uint64_t *memory_bytes)
{
	enum error error = ERR_OK;

	if (*memory_bytes != 0)
		*memory_bytes = page_at_least(*memory_bytes);
	if (parent != NULL && parent->realm != 0) {
		if (*memory_bytes == 0)
			*memory_bytes = page_at_least(realm_own(parent)->bytes /
						      PROC_REALM_PROCESSES_MAX / 2);
		error = realms_take(parent, *memory_bytes);
		if (error == ERR_OK && confined && parent->realm_depth == REALM_DEPTH_MAX)
			error = ERR_LIMIT;
	}
	if (confined)
		first_memory(memory_bytes);
	return error;
}

void realm_enter(struct process *process, const struct process *parent, bool confined,
		 uint64_t memory_bytes)
{
	process->memory_bytes = memory_bytes;
	if (parent != NULL && parent->realm != 0) {
		process->realm = parent->realm;
		process->realm_depth = parent->realm_depth;
		for (uint32_t i = 0; i < parent->realm_depth; i++)
			process->realms[i] = parent->realms[i];
		process->realm_nice = parent->realm_nice;
		process->realm_group = parent->realm_group;
	}
	if (confined) {
		process->realm = process->pid;
		process->realms[process->realm_depth++] = (struct realm){process->pid,
									 2 * memory_bytes};
		process->realm_nice = process->nice;
		/* Groups are counted below one: from inside each of its own a realm could have them all. */
		process->realm_group = process->realm_depth == 1 ? process->sched_group : 0;
	}
}
