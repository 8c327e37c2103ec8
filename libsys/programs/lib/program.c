/* SPDX-License-Identifier: BSD-2-Clause */
#include "program.h"

#include <stdio.h>
#include <stdlib.h>

#include <libsys/clock.h>
#include <libsys/errno.h>
#include <libsys/process.h>
#include <libsys/sched.h>
#include <libsys/syscall.h>
#include <libsys/threads.h>

_Noreturn void program_fail(const char *what, enum error error)
{
	fprintf(stderr, "failed: %s: %s\n", what, error_text(error));
	exit(1);
}

void program_need(const char *what, enum error error)
{
	if (error != ERR_OK)
		program_fail(what, error);
}

uint64_t program_number(int argc, char **argv, int index, uint64_t otherwise, uint64_t min,
			uint64_t max)
{
	char *end;

	if (index >= argc)
		return otherwise;
	uint64_t value = strtoull(argv[index], &end, 10);

	if (*argv[index] == '\0' || *end != '\0' || value < min || value > max) {
		fprintf(stderr, "%s: '%s' is not a number from %llu to %llu\n", argv[0],
			argv[index], (unsigned long long)min, (unsigned long long)max);
		exit(2);
	}
	return value;
}

unsigned program_cpus(void)
{
	struct process_self self;

	program_need("asking about the machine", process_info(&self));
	return (unsigned)self.cpus_online;
}

bool program_masks_hold(void)
{
	word_t low = 0;
	word_t high = 0;

	program_need("choosing a CPU", sched_param_set(0, SCHED_PARAM_AFFINITY, 1, 0));
	program_need("asking for the mask", sched_param_get(SCHED_PARAM_AFFINITY, &low, &high));
	program_need("being free again",
		     sched_param_set(0, SCHED_PARAM_AFFINITY, UINT64_MAX, UINT64_MAX));
	return low == 1 && high == 0;
}

struct wait_result program_wait(word_t pid)
{
	struct wait_result result = {0};

	program_need("waiting", process_wait(pid, false, &result));
	return result;
}

static uint64_t scheduler_instance(void)
{
	struct proc_machine_info info;

	program_need("asking about the machine", machine_info(&info));
	return info.sched_instance;
}

bool program_scheduler_replace(void)
{
	const time_ns_t end = clock_now_ns() + 30 * NS_PER_S;
	const uint64_t before = scheduler_instance();

	program_need("stopping the scheduler server", scheduler_kill());
	while (scheduler_instance() == before && clock_now_ns() < end)
		thread_sleep_until(clock_now_ns() + 5 * NS_PER_MS);
	return scheduler_instance() != before;
}

word_t program_cpu_ns(word_t pid)
{
	struct proc_process_info info = {0};

	program_need("asking for CPU time", process_list(pid, &info));
	return info.pid == pid ? info.cpu_ns : 0;
}

word_t program_cpu_during(word_t pid, time_ns_t ns, time_ns_t *spent)
{
	time_ns_t from;
	word_t before;
	word_t got;

	thread_sleep_until(clock_now_ns() + 50 * NS_PER_MS);
	before = program_cpu_ns(pid);
	from = clock_now_ns();
	thread_sleep_until(from + ns);
	got = program_cpu_ns(pid) - before;
	*spent = clock_now_ns() - from;
	return got;
}

/* The kernel's clock is asked rarely: in between, a fixed amount of work that depends on itself. */
void program_burn(time_ns_t ns)
{
	time_ns_t end = sys_thread_clock().cpu_ns + ns;
	volatile uint64_t state = 1;

	while (sys_thread_clock().cpu_ns < end)
		for (unsigned i = 0; i < 200; i++)
			state = state * 6364136223846793005ull + 1442695040888963407ull;
}
