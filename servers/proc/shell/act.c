/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands that change something. */
#include <stdio.h>
#include <string.h>

#include <base/parse.h>
#include <libsys/errno.h>
#include <libsys/ipc.h>
#include <proc/slots.h>

#include "shell.h"

static enum error proc_request(enum proc_request request, word_t w0)
{
	struct msg m = {.info = msg_info((word_t)request, 1, 0), .w = {w0}};

	return server_call(PROC_SLOT_PROC, &m);
}

void foreground_take(void)
{
	const enum error error = proc_request(PROC_REQ_FOREGROUND, 0);

	if (error != ERR_OK)
		complain("shell", "foreground", error);
}

static void end_report(const struct wait_result *result, bool always)
{
	if (result->signal != 0)
		printf("[%lu] killed by signal %u\n", (unsigned long)result->pid, result->signal);
	else if (always || result->status != 0)
		printf("[%lu] ended with status %d\n", (unsigned long)result->pid, result->status);
}

void children_report(void)
{
	struct wait_result result;

	while (process_wait(PROC_WAIT_ANY, true, &result) == ERR_OK)
		end_report(&result, true);
}

void command_run(int count, char **words)
{
	struct spawn_options options = SPAWN_OPTIONS_DEFAULT;
	const bool background = count > 2 && strcmp(words[count - 1], "&") == 0;
	struct wait_result result;
	word_t pid;

	if (background)
		words[--count] = NULL;
	if (count < 2) {
		printf("%s: which program?  \"ls\" lists the files\n", words[0]);
		return;
	}
	words[count] = NULL;
	options.new_group = true;
	options.confined = strcmp(words[0], "confine") == 0;
	options.foreground = !background;

	enum error error = process_spawn(words[1], words + 1, NULL, &options, &pid);

	if (error != ERR_OK) {
		complain(words[0], words[1], error);
		return;
	}
	if (background) {
		printf("[%lu] started\n", (unsigned long)pid);
		return;
	}
	error = process_wait(pid, false, &result);
	if (error != ERR_OK)
		complain(words[0], "waiting", error);
	else
		end_report(&result, false);
}

void command_kill(int count, char **words)
{
	int64_t signal = PROC_SIGTERM;
	int64_t pid;
	int at = 1;

	if (count > 1 && words[1][0] == '-') {
		if (!number_get("kill", words[1] + 1, &signal))
			return;
		at = 2;
	}
	if (at + 1 != count) {
		printf("kill: usage: kill [-SIGNAL] PID, or kill sched\n");
		return;
	}
	if (strcmp(words[at], "sched") == 0) {
		const enum error error = proc_request(PROC_REQ_SCHED_KILL, 0);

		if (error != ERR_OK)
			complain("kill", "sched", error);
		return;
	}
	if (!number_get("kill", words[at], &pid))
		return;

	const enum error error = process_kill((word_t)pid, (unsigned)signal, false);

	if (error != ERR_OK)
		complain("kill", words[at], error);
}

void command_nice(int count, char **words)
{
	int64_t nice;
	int64_t pid;

	if (count != 3) {
		printf("nice: usage: nice N PID\n");
		return;
	}
	if (!number_get("nice", words[1], &nice) || !number_get("nice", words[2], &pid))
		return;

	const enum error error = process_sched_set((word_t)pid, 0, SCHED_PARAM_NICE, (word_t)nice,
						   0);

	if (error != ERR_OK)
		complain("nice", words[2], error);
}

void command_taskset(int count, char **words)
{
	struct process_self self;
	struct cpumask mask;
	int64_t pid;
	enum error error;

	if (count != 3) {
		printf("taskset: usage: taskset CPULIST PID\n");
		return;
	}
	error = process_info(&self);
	if (error == ERR_OK)
		error = parse_cpu_list(words[1], strlen(words[1]), (uint32_t)self.cpus_online,
				       &mask);
	if (error != ERR_OK) {
		complain("taskset", words[1], error);
		return;
	}
	if (!number_get("taskset", words[2], &pid))
		return;
	error = process_sched_set((word_t)pid, 0, SCHED_PARAM_AFFINITY, mask.bits[0], mask.bits[1]);
	if (error != ERR_OK)
		complain("taskset", words[2], error);
}

void command_poweroff(int count, char **words)
{
	(void)count, (void)words;
	const enum error error = proc_request(PROC_REQ_POWER_OFF, 0);

	complain("poweroff", "the machine", error);
}
