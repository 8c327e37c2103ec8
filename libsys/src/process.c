/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libsys/process.h>
#include <proc/slots.h>

#include "message.h"
#include "thread.h"

static enum error proc_request(word_t label, const word_t *words, unsigned length, struct msg *m)
{
	return server_request(PROC_SLOT_PROC, label, words, length, m);
}

/* --- Spawn --- */

static size_t strings_bytes(char *const *strings, word_t *count)
{
	size_t bytes = 0;

	for (*count = 0; strings && strings[*count]; ++*count)
		bytes += strlen(strings[*count]) + 1;
	return bytes;
}

static char *strings_copy(char *to, char *const *strings)
{
	for (; strings && *strings; strings++)
		to = stpcpy(to, *strings) + 1;
	return to;
}

enum error process_spawn(const char *path, char *const argv[], char *const envp[],
			 const struct spawn_options *options, word_t *pid)
{
	static const struct spawn_options defaults = SPAWN_OPTIONS_DEFAULT;
	word_t argc;
	word_t envc;

	if (!options)
		options = &defaults;
	if (!envp)
		envp = environ;
	size_t bytes = strlen(path) + 1 + strings_bytes(argv, &argc) + strings_bytes(envp, &envc);

	if (bytes > PROC_ARGS_MAX)
		return ERR_LIMIT;
	char *block = malloc(bytes);

	if (!block)
		return ERR_NO_MEMORY;
	strings_copy(strings_copy(stpcpy(block, path) + 1, argv), envp);

	const word_t words[] = {
		(word_t)block,
		bytes,
		argc,
		envc,
		(options->new_group ? PROC_SPAWN_NEW_GROUP : 0u) |
			(options->confined ? PROC_SPAWN_CONFINED : 0u) |
			(options->foreground ? PROC_SPAWN_FOREGROUND : 0u),
		options->files[0],
		options->files[1],
		options->files[2],
		options->memory_bytes_max,
		options->nice,
		options->affinity[0],
		options->affinity[1],
	};
	struct msg m;
	enum error error = proc_request(PROC_REQ_SPAWN, words, sizeof(words) / sizeof(words[0]),
					&m);

	free(block);
	if (error == ERR_OK)
		*pid = m.w[0];
	return error;
}

/* --- Wait, kill, exit, groups --- */

enum error process_wait(word_t pid, bool no_hang, struct wait_result *result)
{
	const word_t words[] = {pid, no_hang ? PROC_WAIT_NO_HANG : 0};
	struct msg m;
	enum error error = proc_request(PROC_REQ_WAIT, words, 2, &m);

	if (error == ERR_OK)
		*result = (struct wait_result){
			.pid = m.w[0], .status = (int)m.w[1], .signal = (unsigned)m.w[2]};
	return error;
}

enum error process_kill(word_t pid, unsigned signal, bool whole_group)
{
	const word_t words[] = {pid, signal, whole_group};
	struct msg m;

	return proc_request(PROC_REQ_KILL, words, 3, &m);
}

_Noreturn void process_exit(int status)
{
	const word_t words[] = {(word_t)(status & 0xff)};
	struct msg m;

	for (;;)
		(void)!proc_request(PROC_REQ_EXIT, words, 1, &m);
}

enum error process_info(struct process_self *info)
{
	return server_query(PROC_SLOT_PROC, PROC_REQ_INFO, NULL, 0, info, sizeof(*info));
}

enum error process_group_set(word_t pid, word_t group)
{
	const word_t words[] = {pid, group};
	struct msg m;

	return proc_request(PROC_REQ_GROUP_SET, words, 2, &m);
}

/* --- Lists and statistics --- */

enum error process_list(word_t from, struct proc_process_info *info)
{
	return server_query(PROC_SLOT_PROC, PROC_REQ_PROCESS_LIST, &from, 1, info, sizeof(*info));
}

enum error thread_list(word_t from, struct proc_thread_info *info)
{
	return server_query(PROC_SLOT_PROC, PROC_REQ_THREAD_LIST, &from, 1, info, sizeof(*info));
}

enum error process_sched_set(word_t pid, word_t tid, enum sched_param param, word_t value,
			     word_t value2)
{
	struct msg m;

	if (pid == 0) {
		struct process_self self;
		enum error error = process_info(&self);

		if (error != ERR_OK)
			return error;
		pid = self.pid;
	}
	const word_t words[] = {pid, tid, param, value, value2};

	return proc_request(PROC_REQ_SCHED_SET, words, 5, &m);
}

enum error thread_stats(word_t tid, struct proc_thread_stats *stats)
{
	return server_query(PROC_SLOT_PROC, PROC_REQ_THREAD_STATS, &tid, 1, stats, sizeof(*stats));
}

enum error thread_wakes(word_t tid, uint32_t *counts)
{
	return server_query(PROC_SLOT_PROC, PROC_REQ_THREAD_WAKES, &tid, 1, counts,
			    SCHED_HISTOGRAM_BUCKETS * sizeof(*counts));
}

enum error cpu_stats(word_t cpu, struct proc_cpu_info *info)
{
	return server_query(PROC_SLOT_PROC, PROC_REQ_CPU_STATS, &cpu, 1, info, sizeof(*info));
}

enum error machine_info(struct proc_machine_info *info)
{
	return server_query(PROC_SLOT_PROC, PROC_REQ_MACHINE, NULL, 0, info, sizeof(*info));
}

enum error machine_power_off(word_t status)
{
	struct msg m;

	return proc_request(PROC_REQ_POWER_OFF, &status, 1, &m);
}

enum error scheduler_kill(void)
{
	struct msg m;

	return proc_request(PROC_REQ_SCHED_KILL, NULL, 0, &m);
}

enum error machine_memory(struct mm_stats *stats)
{
	return server_query(PROC_SLOT_MM, MM_REQ_STATS, NULL, 0, stats, sizeof(*stats));
}

enum error process_memory(word_t pid, struct mm_space_info *info)
{
	if (pid == 0)
		return server_query(PROC_SLOT_MM, MM_REQ_SPACE_INFO, NULL, 0, info, sizeof(*info));
	return server_query(PROC_SLOT_PROC, PROC_REQ_MEMORY, &pid, 1, info, sizeof(*info));
}
