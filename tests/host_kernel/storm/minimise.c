/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs of the seeded engine: many seeds; a failing one made small and written as a trace that can be
 * run again.
 *
 *   test_storm_seeded --seeds FIRST LAST [--cpus N] [--rounds N] [--trace FILE]
 *   test_storm_seeded --replay FILE
 *
 * --plant: with a rule that does not hold (storm.h), for test_minimise.py.
 *
 * Smaller is found as in "delta debugging" (Zeller): leave out halves, quarters, ... of what was done,
 * and keep what still fails; places where a CPU is held first, then operations.  Each try is a
 * process of its own.
 */
#include "seeded.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRIES_MAX    400u
#define TRY_SECONDS  10
#define ROUNDS_USUAL 300u
#define TRACE_USUAL  "storm.trace"

static unsigned tries;
static enum run_result wanted_result;

struct run *run_new(void)
{
	struct run *run = mmap(NULL, sizeof(*run), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (run == MAP_FAILED) {
		perror("storm");
		exit(2);
	}
	return run;
}

enum run_result run_try(const struct run *run, struct run *done, bool quiet)
{
	/* Of CPU time: nothing in there waits, and the host may be busy. */
	const struct itimerval limit = {.it_value.tv_sec = TRY_SECONDS};
	int status = 0;
	pid_t child;

	fflush(NULL);
	child = fork();
	if (child < 0) {
		perror("storm");
		exit(2);
	}
	if (child == 0) {
		(void)setitimer(ITIMER_PROF, &limit, NULL);
		if (quiet && freopen("/dev/null", "w", stderr) == NULL)
			_exit(0);
		memcpy(done, run, sizeof(*run));
		seeded_run(done);
		_exit(0);
	}
	if (waitpid(child, &status, 0) != child)
		return RUN_FINE;
	if (WIFEXITED(status) && WEXITSTATUS(status) == RUN_ENDLESS)
		return RUN_ENDLESS;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? RUN_FINE : RUN_BROKEN;
}

static bool run_fails(const struct run *run, struct run *done)
{
	return run_try(run, done, true) == wanted_result;
}

/* ---- Making it small ------------------------------------------------------------------------- */

static bool is_hold(const struct run_item *item)
{
	return item->to != RUN_OPERATION;
}

/* Without those of a kind whose number among their kind is in [from, to). */
static void without(const struct run *run, bool holds, unsigned from, unsigned to, struct run *out)
{
	unsigned n = 0;

	out->seed = run->seed;
	out->rounds = run->rounds;
	out->cpus = run->cpus;
	out->planted = run->planted;
	out->replayed = true;
	out->count = 0;
	for (unsigned i = 0; i < run->count; i++) {
		bool of_kind = is_hold(&run->items[i]) == holds;

		if (!of_kind || n < from || n >= to)
			out->items[out->count++] = run->items[i];
		n += of_kind;
	}
}

static unsigned count_kind(const struct run *run, bool holds)
{
	unsigned count = 0;

	for (unsigned i = 0; i < run->count; i++)
		count += is_hold(&run->items[i]) == holds;
	return count;
}

static bool leave_out(struct run *run, bool holds, unsigned pieces, struct run *trial,
		      struct run *done)
{
	unsigned count = count_kind(run, holds);
	unsigned size = (count + pieces - 1) / pieces;
	bool less = false;

	for (unsigned from = 0; from < count && tries < TRIES_MAX;) {
		tries++;
		without(run, holds, from, from + size, trial);
		if (run_fails(trial, done)) {
			*run = *trial;
			count = count_kind(run, holds);
			less = true;
		} else {
			from += size;
		}
	}
	return less;
}

static void minimise_kind(struct run *run, bool holds, struct run *trial, struct run *done)
{
	for (unsigned pieces = 1; pieces <= count_kind(run, holds) && tries < TRIES_MAX;
	     pieces *= 2)
		(void)leave_out(run, holds, pieces, trial, done);
	if (tries < TRIES_MAX)
		(void)leave_out(run, holds, count_kind(run, holds) + 1, trial, done);
}

/* Fewer rounds, as long as the rest is the same. */
static void minimise_rounds(struct run *run, struct run *trial, struct run *done)
{
	for (uint64_t rounds = run->rounds / 2; rounds > 0; rounds /= 2) {
		*trial = *run;
		trial->rounds = rounds;
		if (!run_fails(trial, done))
			return;
		run->rounds = rounds;
	}
}

void run_minimise(struct run *run, enum run_result how)
{
	struct run *trial = run_new();
	struct run *done = run_new();

	tries = 0;
	wanted_result = how;
	minimise_rounds(run, trial, done);
	for (unsigned round = 0; round < 2; round++) {
		minimise_kind(run, true, trial, done);
		minimise_kind(run, false, trial, done);
	}
	/* What was allowed and never done is nothing. */
	if (run_fails(run, done) && !done->full) {
		*trial = *done;
		trial->replayed = true;
		if (run_fails(trial, done))
			*run = *trial;
	}
}

/* ---- Traces ---------------------------------------------------------------------------------- */

void run_write(const struct run *run, const char *name)
{
	FILE *file = fopen(name, "w");

	if (file == NULL) {
		perror(name);
		exit(2);
	}
	fprintf(file, "storm 1\nseed %lu\ncpus %u\nrounds %lu\n", (unsigned long)run->seed,
		run->cpus, (unsigned long)run->rounds);
	if (run->planted)
		fprintf(file, "planted\n");
	for (unsigned i = 0; i < run->count; i++) {
		const struct run_item *item = &run->items[i];

		if (is_hold(item))
			fprintf(file, "hold %u %u %u %u\n", item->tag, item->nth, item->step,
				item->to);
		else
			fprintf(file, "do %u %u\n", item->tag, item->nth);
	}
	fclose(file);
}

static bool line_read(struct run *run, const char *line)
{
	struct run_item *item = &run->items[run->count];
	unsigned long number;
	unsigned tag, nth, step, to;

	if (run->count == RUN_ITEMS_MAX)
		return false;
	if (sscanf(line, "seed %lu", &number) == 1) {
		run->seed = number;
	} else if (sscanf(line, "rounds %lu", &number) == 1) {
		run->rounds = number;
	} else if (sscanf(line, "cpus %lu", &number) == 1 && number >= 1 &&
		   number <= STORM_CPUS_MAX) {
		run->cpus = (unsigned)number;
	} else if (sscanf(line, "do %u %u", &tag, &nth) == 2) {
		*item = (struct run_item){.tag = (uint16_t)tag, .nth = nth, .to = RUN_OPERATION};
		run->count++;
	} else if (sscanf(line, "hold %u %u %u %u", &tag, &nth, &step, &to) == 4) {
		*item = (struct run_item){
			.tag = (uint16_t)tag, .nth = nth, .step = step, .to = (uint16_t)to};
		run->count++;
	} else if (strcmp(line, "planted\n") == 0) {
		run->planted = true;
	} else {
		return line[0] == '#' || strcmp(line, "storm 1\n") == 0;
	}
	return true;
}

bool run_read(struct run *run, const char *name)
{
	FILE *file = fopen(name, "r");
	char line[128];
	bool good = file != NULL;

	run->replayed = true;
	while (good && fgets(line, sizeof(line), file) != NULL)
		good = line_read(run, line);
	if (file != NULL)
		fclose(file);
	if (!good || run->cpus == 0)
		fprintf(stderr, "%s: no trace of a storm\n", name);
	return good && run->cpus != 0;
}

/* ---- Program --------------------------------------------------------------------------------- */

static void trace_print(const char *name)
{
	FILE *file = fopen(name, "r");
	char line[128];
	unsigned lines = 0;

	while (file != NULL && fgets(line, sizeof(line), file) != NULL && lines++ < 40)
		printf("#   %s", line);
	if (file != NULL)
		fclose(file);
}

static bool seed_passes(struct run *run, struct run *done, const char *trace, const char *self)
{
	enum run_result result;

	run->replayed = false;
	run->count = 0;
	printf("# seed %lu, %u CPUs, %lu rounds\n", (unsigned long)run->seed, run->cpus,
	       (unsigned long)run->rounds);
	result = run_try(run, done, false);
	if (result == RUN_FINE)
		return true;
	printf("# fails; %u operations and %u holds; making it small\n", count_kind(done, false),
	       count_kind(done, true));
	*run = *done;
	run->replayed = true;
	if (!run->full && run_try(run, done, true) == result)
		run_minimise(run, result);
	else
		printf("# (not repeatable by its operations: the whole seed is needed)\n");
	run_write(run, trace);
	printf("# %u operations and %u holds are enough; once more:\n#   %s --replay %s\n",
	       count_kind(run, false), count_kind(run, true), self, trace);
	trace_print(trace);
	return false;
}

static int replay(const char *name)
{
	struct run *run = run_new();
	struct run *done = run_new();
	bool fails;

	if (!run_read(run, name))
		return 2;
	printf("1..1\n");
	fails = run_try(run, done, false) != RUN_FINE;
	printf("%s 1 - %s\n", fails ? "not ok" : "ok", name);
	return fails;
}

static unsigned long number_of(int argc, char **argv, int at)
{
	if (at < argc)
		return strtoul(argv[at], NULL, 0);
	fprintf(stderr, "storm: a number is missing after %s\n", argv[argc - 1]);
	exit(2);
}

int main(int argc, char **argv)
{
	unsigned long first = 1, last = 1, rounds = ROUNDS_USUAL, count = 0;
	const char *trace = TRACE_USUAL;
	struct run *run = run_new();
	struct run *done = run_new();
	bool good = true;

	setvbuf(stdout, NULL, _IONBF, 0);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--replay") == 0 && i + 1 < argc)
			return replay(argv[i + 1]);
		if (strcmp(argv[i], "--seeds") == 0) {
			first = number_of(argc, argv, ++i);
			last = number_of(argc, argv, ++i);
		} else if (strcmp(argv[i], "--cpus") == 0) {
			count = number_of(argc, argv, ++i);
		} else if (strcmp(argv[i], "--rounds") == 0) {
			rounds = number_of(argc, argv, ++i);
		} else if (strcmp(argv[i], "--plant") == 0) {
			run->planted = true;
		} else if (strcmp(argv[i], "--trace") == 0 && i + 1 < argc) {
			trace = argv[++i];
		} else {
			fprintf(stderr,
				"usage: %s --seeds FIRST LAST [--cpus N] [--rounds N] "
				"[--trace FILE] | --replay FILE\n",
				argv[0]);
			return 2;
		}
	}
	printf("TAP version 13\n1..%lu\n", last - first + 1);
	for (unsigned long seed = first; good && seed <= last; seed++) {
		run->seed = seed;
		run->rounds = rounds;
		run->cpus = count >= 1 && count <= STORM_CPUS_MAX
				    ? (unsigned)count
				    : 1 + (unsigned)(seed % STORM_CPUS_MAX);
		good = seed_passes(run, done, trace, argv[0]);
		printf("%s %lu - seed %lu\n", good ? "ok" : "not ok", seed - first + 1, seed);
	}
	return good ? 0 : 1;
}
