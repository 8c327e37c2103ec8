/* SPDX-License-Identifier: BSD-2-Clause */
/* Run storms; with the race detector any report fails the test.  Argument: rounds, seed. */
#include "storm.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	uint64_t rounds = argc > 1 ? strtoull(argv[1], NULL, 0) : 20000;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;

	setvbuf(stdout, NULL, _IONBF, 0);
	printf("TAP version 13\n1..1\n");
	storm_make(seed);
	storm_run(rounds);
	storm_check();
	for (unsigned i = 0; i < STORM_CPUS; i++) {
		const struct core_stats *stats = &cpus[i].core.stats;

		printf("# CPU %u: %lu decisions, %lu refused, %lu stale, %lu moves, %lu switches, "
		       "%lu donations, %lu IPIs, %lu filtered, %lu successions, %lu first runs\n",
		       i, (unsigned long)storm_cpus[i].decisions,
		       (unsigned long)storm_cpus[i].refusals, (unsigned long)stats->stale_decisions,
		       (unsigned long)storm_cpus[i].moves, (unsigned long)stats->switches,
		       (unsigned long)stats->donations, (unsigned long)stats->ipis_sent,
		       (unsigned long)stats->filtered_wakes, (unsigned long)stats->successions,
		       (unsigned long)stats->first_runs);
	}
	printf("ok 1 - every list agrees with every state\n");
	return 0;
}
