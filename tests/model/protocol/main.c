/* SPDX-License-Identifier: BSD-2-Clause */
/* usage: protocol [--all] [NAME...]   explore these scenarios (all but the long ones); TAP */
#include "scenario.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const struct scenario *const families[] = {
	scenarios_wake,      scenarios_ipc,  scenarios_stop,     scenarios_home,
	scenarios_request,   scenarios_bind, scenarios_donation, scenarios_delete,
	scenarios_successor, scenarios_lock,
};

#define FAMILIES (sizeof(families) / sizeof(families[0]))

static bool wanted(const struct scenario *scenario, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], scenario->name) == 0 || strcmp(argv[i], "--all") == 0)
			return true;
	return argc == 1 && !scenario->is_long;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool run(const struct scenario *scenario, unsigned number)
{
	double start = seconds();
	struct totals totals;
	bool good = explore(scenario, &totals);

	printf("%s %u - %s: %lu states, %lu transitions, %lu ends, depth %u, %.2f s\n",
	       good ? "ok" : "not ok", number, scenario->name, (unsigned long)totals.states,
	       (unsigned long)totals.transitions, (unsigned long)totals.finals, totals.depth_max,
	       seconds() - start);
	fflush(stdout);
	return good;
}

int main(int argc, char **argv)
{
	unsigned number = 0;
	bool good = true;

	for (unsigned i = 0; i < FAMILIES; i++)
		for (const struct scenario *s = families[i]; s->name != NULL; s++)
			if (wanted(s, argc, argv))
				good &= run(s, ++number);
	printf("1..%u\n", number);
	return good && number != 0 ? 0 : 1;
}
