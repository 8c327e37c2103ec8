/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Engine of storms that run freely: each CPU is a thread of the host, interleavings are the host's.
 * Arguments: rounds, seed, CPUs (0: 1 to 8 by the seed).  What fails here may be tried with the same
 * seed and CPUs in test_storm_seeded, which can repeat it.
 */
#include "storm.h"

#include <host_arch.h>
#include <kern/entry.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../fuzz/fuzz.h"

void storm_engine_pause(void)
{
	if (storm_phase() == PHASE_OVER)
		pthread_exit(NULL);
	sched_yield();
}

bool storm_engine_allows(unsigned tag, uint32_t nth)
{
	(void)tag;
	(void)nth;
	return true;
}

void storm_engine_about(unsigned tag, uint32_t nth, enum storm_op op, unsigned target)
{
	(void)tag;
	(void)nth;
	(void)op;
	(void)target;
}

static void *cpu_main(void *argument)
{
	unsigned cpu = (unsigned)(uintptr_t)argument;

	host_cpu_enter(cpu);
	kernel_exit();
	while (storm_phase() != PHASE_OVER)
		storm_cpu_step(cpu);
	return NULL;
}

static void storm(uint64_t rounds)
{
	pthread_t threads[STORM_CPUS_MAX];

	storm_cpus_reset(rounds);
	for (unsigned i = 0; i < cpus_count; i++)
		pthread_create(&threads[i], NULL, cpu_main, (void *)(uintptr_t)i);
	while (!storm_rounds_over())
		sched_yield();
	storm_phase_set(PHASE_DRAIN);
	while (!storm_all_quiet())
		sched_yield();
	storm_world_check();
	storm_janitor_start();
	storm_phase_set(PHASE_END);
	for (unsigned i = 0; i < cpus_count; i++)
		pthread_join(threads[i], NULL);
	storm_world_check_end();
}

static void totals_print(void)
{
	const struct storm_totals *t = &storm_totals;

	for (unsigned op = OP_SKIP + 1; op < OP_COUNT; op++)
		printf("# %s: %lu\n", storm_op_name((enum storm_op)op), (unsigned long)t->done[op]);
	printf("# decisions %lu (refused %lu), moves %lu, binds %lu, builds %lu, revokes %lu, "
	       "transfers %lu\n",
	       (unsigned long)t->decisions, (unsigned long)t->refusals, (unsigned long)t->moves,
	       (unsigned long)t->binds, (unsigned long)t->builds, (unsigned long)t->revokes,
	       (unsigned long)t->transfers);
	for (unsigned i = 0; i < cpus_count; i++) {
		const struct core_stats *stats = &cpus[i].core.stats;

		printf("# CPU %u: %lu stale, %lu switches, %lu donations, %lu IPIs, %lu filtered, "
		       "%lu successions, %lu first runs, %lu fallbacks\n",
		       i, (unsigned long)stats->stale_decisions, (unsigned long)stats->switches,
		       (unsigned long)stats->donations, (unsigned long)stats->ipis_sent,
		       (unsigned long)stats->filtered_wakes, (unsigned long)stats->successions,
		       (unsigned long)stats->first_runs, (unsigned long)stats->fallback_entries);
	}
}

int main(int argc, char **argv)
{
	uint64_t rounds = argc > 1 ? strtoull(argv[1], NULL, 0) : 20000;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	unsigned count = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 0) : 0;

	if (count == 0 || count > STORM_CPUS_MAX)
		count = 1 + (unsigned)(seed % STORM_CPUS_MAX);
	setvbuf(stdout, NULL, _IONBF, 0);
	printf("TAP version 13\n1..1\n# seed %lu, %u CPUs, %lu rounds\n", (unsigned long)seed,
	       count, (unsigned long)rounds);
	storm_world_make(seed, count);
	storm(rounds);
	totals_print();
	printf("ok 1 - every list agrees with every state, and everything comes back\n");
	return 0;
}
