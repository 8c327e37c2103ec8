/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * workload [FILE.bwl]: runs a workload and reports what every thread and CPU got.
 *
 * Without an argument it is workload.bwl of the boot archive, which `baton run --workload` puts
 * there; without that, standard.bwl, followed by two more parts: remote calls through passive
 * servers, and the SHA-256 of all files of the archive on all CPUs.  They come after the measured
 * part, so that its shares can be compared with the ideal ones.
 *
 * Exit status: 0 if everything went as it should, 1 if not, 2 if the workload cannot be run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/bwl.h>
#include <libsys/clock.h>
#include <libsys/errno.h>
#include <libsys/file.h>

#include "../lib/program.h"
#include "report.h"

#define MASKS_MAX      32u
#define RPC_CALLS      2000u
#define PROGRESS_CPUS  16u
#define PROGRESS_CELLS 20u

#define FILE_USER     "workload.bwl"
#define FILE_STANDARD "standard.bwl"

static void *need_memory(size_t count, size_t bytes)
{
	void *at = calloc(count ? count : 1, bytes);

	if (!at)
		program_fail("preparing the workload", ERR_NO_MEMORY);
	return at;
}

/* --- Reading --- */

static _Noreturn void refuse(const char *file, const char *what)
{
	printf("workload: %s: %s\n", file, what);
	exit(2);
}

static void load(const char *file, struct workload *workload)
{
	struct bwl_arrays arrays;
	struct bwl_fault fault;
	const void *text;
	size_t bytes;
	enum error error = file_map(file, &text, &bytes);

	if (error != ERR_OK)
		refuse(file, error_text(error));
	error = bwl_count(text, bytes, &arrays.max, &fault);
	if (error == ERR_OK) {
		arrays.tasks = need_memory(arrays.max.tasks, sizeof(*arrays.tasks));
		arrays.phases = need_memory(arrays.max.phases, sizeof(*arrays.phases));
		arrays.events = need_memory(arrays.max.events, sizeof(*arrays.events));
		arrays.objects = need_memory(arrays.max.objects, sizeof(*arrays.objects));
		arrays.groups = need_memory(arrays.max.groups, sizeof(*arrays.groups));
		error = bwl_read(text, bytes, &arrays, workload, &fault);
	}
	if (error != ERR_OK) {
		printf("workload: %s:%u: %s\n", file, fault.line, bwl_reason_text(fault.reason));
		exit(2);
	}
	program_need("unmapping the workload", file_unmap(text, bytes));
}

static bool file_exists(const char *name)
{
	word_t fd;

	if (file_open(name, &fd, NULL) != ERR_OK)
		return false;
	(void)!file_close(fd);
	return true;
}

/* --- Progress --- */

static struct proc_cpu_info progress_last[PROGRESS_CPUS];

static unsigned busy_percent(unsigned cpu)
{
	struct proc_cpu_info now;

	if (cpu_stats(cpu, &now) != ERR_OK)
		return 0;
	struct proc_cpu_info *last = &progress_last[cpu];
	uint64_t busy = now.core.busy_ns - last->core.busy_ns;
	uint64_t all = busy + now.core.idle_ns - last->core.idle_ns + now.core.dispatcher_ns -
		       last->core.dispatcher_ns;

	*last = now;
	return all ? (unsigned)((100 * busy + all / 2) / all) : 0;
}

static void progress(const struct runner *runner, time_ns_t now_ns)
{
	uint64_t duration = runner->workload->duration_ns;
	time_ns_t passed = now_ns - runner->start_ns;
	unsigned shown = runner->cpus < PROGRESS_CPUS ? runner->cpus : PROGRESS_CPUS;
	char bar[PROGRESS_CELLS + 1];
	char line[256];
	int at;

	memset(bar, '.', PROGRESS_CELLS);
	bar[PROGRESS_CELLS] = '\0';
	if (duration != TIME_NEVER) {
		uint64_t cells = duration ? passed * PROGRESS_CELLS / duration : PROGRESS_CELLS;

		memset(bar, '#', cells < PROGRESS_CELLS ? cells : PROGRESS_CELLS);
	}
	at = snprintf(line, sizeof(line), "  [%s] %2lu s  CPUs busy:", bar,
		      (unsigned long)(passed / NS_PER_S));
	for (unsigned i = 0; i < shown && at < (int)sizeof(line) - 8; i++)
		at += snprintf(line + at, sizeof(line) - (size_t)at, " %3u%%", busy_percent(i));
	puts(line);
}

static void progress_start(uint32_t cpus)
{
	for (unsigned i = 0; i < cpus && i < PROGRESS_CPUS; i++)
		busy_percent(i);
}

/* --- The parts --- */

static void announce(const char *file, const struct workload *workload,
		     const struct proc_machine_info *machine)
{
	uint32_t started = 0;

	for (uint32_t i = 0; i < workload->task_count; i++)
		started += workload->tasks[i].start;
	printf("workload %s: %u tasks on %lu CPUs, policy %.16s, place %.16s", file, started,
	       (unsigned long)machine->cpus_online, machine->policy, machine->place);
	if (workload->duration_ns == TIME_NEVER)
		printf(", until all have ended\n");
	else
		printf(", for %.3g s\n", (double)workload->duration_ns / 1e9);
}

/* Of all threads that there were. */
static struct ideal_task *ideal_shares(const struct runner *runner)
{
	struct ideal_task *tasks = need_memory(runner->task_count, sizeof(*tasks));
	struct ideal_class *classes = need_memory(MASKS_MAX, sizeof(*classes));

	struct ideal_group groups[WORKLOAD_GROUPS_MAX];

	for (uint32_t i = 0; i < runner->task_count; i++)
		tasks[i] = workload_ideal_task(runner->tasks[i]->task, runner->wall_ns);
	for (uint32_t i = 0; i < runner->workload->group_count; i++)
		groups[i] = workload_ideal_group(&runner->workload->groups[i]);
	program_need("calculating ideal shares",
		     ideal_share_groups(tasks, runner->task_count, groups,
					runner->workload->group_count, runner->cpus, classes,
					MASKS_MAX));
	free(classes);
	return tasks;
}

static bool standard_parts(uint32_t cpus, struct rpc_result *rpc, struct hash_job *hash)
{
	*rpc = rpc_run(cpus < 16 ? cpus : 16, RPC_CALLS);
	printf("remote calls: %lu round trips through passive servers, %lu ns each, %lu wrong\n",
	       (unsigned long)rpc->calls, (unsigned long)rpc->ns_per_call,
	       (unsigned long)rpc->wrong);
	hash_job_all(hash);
	unsigned failed = hash_job_run(hash, cpus);

	printf("SHA-256: %u files, %lu bytes on %u CPUs in %lu ms, %u failed\n", hash->count,
	       (unsigned long)hash->bytes, hash->workers, (unsigned long)(hash->ns / NS_PER_MS),
	       failed);
	hash_job_print(hash);
	return rpc->wrong == 0 && failed == 0 && hash->count > 0;
}

int main(int argc, char **argv)
{
	static struct proc_machine_info machine;
	static struct workload workload;
	static struct runner runner;
	static struct rpc_result rpc;
	static struct hash_job hash;
	const char *file = argc > 1 ? argv[1] : file_exists(FILE_USER) ? FILE_USER : FILE_STANDARD;
	bool standard = strcmp(file, FILE_STANDARD) == 0;

	program_need("asking about the machine", machine_info(&machine));
	load(file, &workload);
	uint32_t cpus = (uint32_t)machine.cpus_online;

	announce(file, &workload, &machine);
	progress_start(cpus);
	if (runner_run(&runner, &workload, cpus, progress) != ERR_OK)
		return 2;
	struct report report = {
		.runner = &runner, .ideal = ideal_shares(&runner), .machine = &machine};

	report_tables(&report);
	report_threads(&report);
	bool right = true;

	if (standard) {
		right = standard_parts(cpus, &rpc, &hash);
		report.rpc = &rpc;
		report.hash = &hash;
	}
	report_json(&report);
	printf("workload: %s\n", right ? "all went well" : "FAILED, see above");
	return right ? 0 : 1;
}
