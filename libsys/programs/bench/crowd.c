/* SPDX-License-Identifier: BSD-2-Clause */
#include "crowd.h"

#include <stdio.h>

#include <libsys/clock.h>
#include <libsys/process.h>

#include "../lib/program.h"

time_ns_t crowd_start(struct crowd *crowd, const char *word, unsigned threads, word_t object)
{
	const time_ns_t start_ns = clock_now_ns() + (5 + threads / 10) * NS_PER_MS;
	struct spawn_options options = SPAWN_OPTIONS_DEFAULT;

	options.nice = 19;
	for (unsigned i = 0; i < CROWD_PROCESSES; i++) {
		const unsigned rest = CROWD_PROCESSES - i;
		const unsigned count = (threads + rest - 1) / rest;
		char name[] = "bench", number[32], when[32], where[32];
		char *const arguments[] = {name, number, when, where, NULL};

		crowd->pid[i] = 0;
		if (count == 0)
			continue;
		snprintf(number, sizeof(number), "%s=%u", word, count);
		snprintf(when, sizeof(when), "at=%llu", (unsigned long long)start_ns);
		snprintf(where, sizeof(where), "in=%llu", (unsigned long long)object);
		program_need("starting a program",
			     process_spawn(name, arguments, NULL, &options, &crowd->pid[i]));
		threads -= count;
	}
	return start_ns;
}

static struct wait_result wait_for(word_t pid)
{
	struct wait_result result = {0};

	program_need("waiting for a program", process_wait(pid, false, &result));
	return result;
}

void crowd_kill(struct crowd *crowd)
{
	for (unsigned i = 0; i < CROWD_PROCESSES; i++) {
		if (crowd->pid[i] == 0)
			continue;
		program_need("ending a program", process_kill(crowd->pid[i], PROC_SIGKILL, false));
		(void)wait_for(crowd->pid[i]);
	}
}

void crowd_join(struct crowd *crowd)
{
	for (unsigned i = 0; i < CROWD_PROCESSES; i++) {
		if (crowd->pid[i] == 0)
			continue;
		const struct wait_result result = wait_for(crowd->pid[i]);

		if (result.signal != 0 || result.status != 0)
			program_fail("a program of many failed", ERR_STATE);
	}
}
