/* SPDX-License-Identifier: BSD-2-Clause */
/* Boot, threads, processes. */
#include "bench.h"

#include <libsys/clock.h>
#include <libsys/process.h>
#include <libsys/threads.h>

#include "../lib/program.h"

static double boot_first_task(unsigned part, uint64_t *n)
{
	struct proc_machine_info machine;

	(void)part;
	*n = 1;
	program_need("asking about the machine", machine_info(&machine));
	return (double)machine.boot_ns;
}

/* The clock began at power-on, and this is the first program. */
static double boot_prompt(unsigned part, uint64_t *n)
{
	(void)part;
	*n = 1;
	return (double)bench.started_ns / 1e6;
}

static int end_at_once(void *arg)
{
	(void)arg;
	return 0;
}

static double thread_create_join(unsigned part, uint64_t *n)
{
	uint64_t start;

	(void)part;
	*n = bench.quick ? 50 : 500;
	start = bench_ticks();
	bench_begin();
	for (uint64_t i = 0; i < *n; i++) {
		struct thread *thread;

		if (thrd_create(&thread, end_at_once, NULL) != thrd_success)
			program_fail("starting a thread", ERR_NO_MEMORY);
		thrd_join(thread, NULL);
	}
	bench_end();
	return bench_ns(bench_ticks() - start) / (double)*n;
}

static double process_spawn_wait(unsigned part, uint64_t *n)
{
	static char name[] = "nothing";
	char *const arguments[] = {name, NULL};
	uint64_t start;

	(void)part;
	*n = bench.quick ? 10 : 100;
	start = bench_ticks();
	bench_begin();
	for (uint64_t i = 0; i < *n; i++) {
		struct wait_result result;
		word_t pid;

		program_need("starting a process",
			     process_spawn(name, arguments, NULL, NULL, &pid));
		program_need("waiting for a process", process_wait(pid, false, &result));
	}
	bench_end();
	return bench_ns(bench_ticks() - start) / (double)*n;
}

const struct bench_row bench_process_rows[] = {
	{.id = "boot_prompt_4",
	 .unit = "ms",
	 .cpus = 4,
	 .run = boot_prompt,
	 .note = "(to the start of the first program)"},
	{.id = "boot_first_task", .unit = "insns", .cpus = 1, .run = boot_first_task},
	{.id = "thread_create_join", .unit = "insns", .cpus = 1, .run = thread_create_join},
	{.id = "process_spawn_wait", .unit = "insns", .cpus = 1, .run = process_spawn_wait},
	{.id = NULL},
};
