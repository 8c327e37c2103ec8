/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Depth first over all interleavings.  A state seen before (by its hash) is not followed again.  At
 * the end every state must lead to one where nothing is left to do: otherwise some CPUs wait for each
 * other for ever.
 */
#include "model.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define STATES_MAX  (4u << 20)
#define TABLE_SLOTS (2u * STATES_MAX)
#define EDGES_MAX   (8u << 20)
#define DEPTH_MAX   20000u

struct choice_of {
	uint8_t cpu;
	uint8_t choice;
};

struct level {
	unsigned char *saved;
	uint32_t state;
	uint8_t next;
	uint8_t count;
	struct choice_of choices[MODEL_CPUS * 3];
	struct strand strand[MODEL_CPUS]; /* to tell what was done */
};

struct slot {
	uint64_t hash;
	uint32_t state;
};

struct explorer {
	struct slot *table;
	struct {
		uint32_t from, to;
	} * edges;
	uint64_t edges_count;
	uint8_t *good;
	struct level *levels;
	unsigned depth;
	unsigned cpus;
	bool again;
	bool wrong;
	char text[512];
	uint32_t target; /* a state whose path is wanted; or STATES_MAX */
	struct totals totals;
};

static struct explorer *explorer;

static void *pages(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED) {
		perror("model");
		exit(2);
	}
	return at;
}

void explore_again(void)
{
	explorer->again = true;
}

void violation(const char *format, ...)
{
	va_list arguments;

	explorer->wrong = true;
	va_start(arguments, format);
	vsnprintf(explorer->text, sizeof(explorer->text), format, arguments);
	va_end(arguments);
	cpu_abandon();
}

static void print_strand(unsigned cpu, const struct strand *strand, unsigned choice)
{
	static const char *const names[] = {"", " (interrupt)", " (timer fires)"};

	const char *where = strstr(strand->where, "/kernel/");

	printf("#   CPU %u: %s%s\n", cpu, where != NULL ? where + 1 : strand->where, names[choice]);
}

static void print_path(const struct scenario *scenario)
{
	printf("# %s: %s\n# after:\n", scenario->name, explorer->text);
	for (unsigned i = 0; i < explorer->depth; i++) {
		const struct level *level = &explorer->levels[i];
		const struct choice_of *choice = &level->choices[level->next - 1];

		if (level->next != 0)
			print_strand(choice->cpu, &level->strand[choice->cpu], choice->choice);
	}
	printf("# now:\n");
	for (unsigned i = 0; i < explorer->cpus; i++)
		print_strand(i, strand_of(i), CHOICE_GO);
}

/* True: new. */
static bool state_enter(uint64_t hash, uint32_t *state)
{
	size_t at = (size_t)hash & (TABLE_SLOTS - 1);

	while (explorer->table[at].hash != 0) {
		if (explorer->table[at].hash == hash) {
			*state = explorer->table[at].state;
			return false;
		}
		at = (at + 1) & (TABLE_SLOTS - 1);
	}
	*state = (uint32_t)explorer->totals.states++;
	explorer->table[at] = (struct slot){hash, *state};
	return true;
}

static void level_push(const struct scenario *scenario, uint32_t state)
{
	struct level *level = &explorer->levels[explorer->depth++];

	level->state = state;
	level->next = 0;
	level->count = 0;
	for (unsigned i = 0; i < explorer->cpus; i++) {
		enum choice choices[3];
		unsigned count = choices_of(i, choices);

		level->strand[i] = *strand_of(i);
		for (unsigned n = 0; n < count; n++)
			level->choices[level->count++] = (struct choice_of){(uint8_t)i,
									    (uint8_t)choices[n]};
	}
	if (level->count == 0) {
		explorer->totals.finals++;
		explorer->good[state] = 1;
		cpu_guard(check_final, scenario);
		return;
	}
	if (level->count > 1) {
		level->saved = malloc(memory_bytes());
		level->saved = realloc(level->saved, memory_save(level->saved));
	}
	if (explorer->depth > explorer->totals.depth_max)
		explorer->totals.depth_max = explorer->depth;
}

static void level_pop(void)
{
	struct level *level = &explorer->levels[--explorer->depth];

	free(level->saved);
	level->saved = NULL;
}

/* The next step of the top level.  False: the exploration must end. */
static bool step(const struct scenario *scenario)
{
	struct level *level = &explorer->levels[explorer->depth - 1];
	struct choice_of choice;
	uint32_t state;

	if (level->next == level->count) {
		level_pop();
		return true;
	}
	if (level->next != 0)
		memory_restore(level->saved);
	choice = level->choices[level->next++];
	cpu_run(choice.cpu, (enum choice)choice.choice);
	explorer->totals.transitions++;
	if (!explorer->again && !explorer->wrong)
		cpu_guard(check_state, scenario);
	if (explorer->again || explorer->wrong)
		return false;
	if (explorer->totals.states == STATES_MAX || explorer->edges_count == EDGES_MAX ||
	    explorer->depth == DEPTH_MAX) {
		explorer->wrong = true;
		snprintf(explorer->text, sizeof(explorer->text), "too many states");
		return false;
	}
	if (state_enter(memory_hash(), &state))
		level_push(scenario, state);
	if (state == explorer->target)
		return false;
	explorer->edges[explorer->edges_count].from = level->state;
	explorer->edges[explorer->edges_count++].to = state;
	return !explorer->again && !explorer->wrong;
}

/* Every state leads to an end.  Edges mostly lead to later states: few rounds backwards. */
static uint64_t states_lost(void)
{
	uint64_t lost = 0;

	for (bool more = true; more;) {
		more = false;
		for (uint64_t i = explorer->edges_count; i-- > 0;)
			if (explorer->good[explorer->edges[i].to] &&
			    !explorer->good[explorer->edges[i].from]) {
				explorer->good[explorer->edges[i].from] = 1;
				more = true;
			}
	}
	for (uint64_t i = 0; i < explorer->totals.states; i++)
		lost += !explorer->good[i];
	return lost;
}

/* A state from which there is only to go round: where a long random walk ends. */
static uint32_t lost_state(void)
{
	uint32_t *first = pages((explorer->totals.states + 1) * sizeof(*first));
	uint32_t *next = pages((explorer->edges_count + 1) * sizeof(*next));
	uint32_t state = 0;
	uint64_t random = 1;

	for (uint32_t i = 0; i < explorer->edges_count; i++) {
		next[i + 1] = first[explorer->edges[i].from];
		first[explorer->edges[i].from] = i + 1;
	}
	while (explorer->good[state])
		state++;
	for (unsigned steps = 0; steps < 100000; steps++) {
		uint32_t edge = first[state];

		random = random * 6364136223846793005ull + 1442695040888963407ull;
		for (uint64_t skip = random >> 62; skip > 0 && next[edge] != 0; skip--)
			edge = next[edge];
		state = explorer->edges[edge - 1].to;
	}
	munmap(first, (explorer->totals.states + 1) * sizeof(*first));
	munmap(next, (explorer->edges_count + 1) * sizeof(*next));
	return state;
}

static void explore_once(const struct scenario *scenario)
{
	uint32_t state;

	while (explorer->depth > 0)
		level_pop();
	madvise(explorer->table, TABLE_SLOTS * sizeof(*explorer->table), MADV_DONTNEED);
	madvise(explorer->good, STATES_MAX, MADV_DONTNEED);
	explorer->edges_count = 0;
	explorer->totals = (struct totals){0};
	explorer->again = false;
	memory_reset();
	cpus_start(scenario->cpus);
	(void)state_enter(memory_hash(), &state);
	level_push(scenario, state);
	while (explorer->depth > 0 && step(scenario))
		;
}

static void explorer_make(void)
{
	/* States are saved and thrown away by the million. */
	mallopt(M_MMAP_THRESHOLD, 1 << 30);
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
	explorer = pages(sizeof(*explorer));
	explorer->table = pages(TABLE_SLOTS * sizeof(*explorer->table));
	explorer->edges = pages(EDGES_MAX * sizeof(*explorer->edges));
	explorer->good = pages(STATES_MAX);
	explorer->levels = pages(DEPTH_MAX * sizeof(*explorer->levels));
}

bool explore(const struct scenario *scenario, struct totals *totals)
{
	uint64_t lost;

	if (explorer == NULL)
		explorer_make();
	explorer->wrong = false;
	explorer->target = STATES_MAX;
	explorer->cpus = scenario->cpus;
	cpus_share_nothing();
	world_reset(scenario->cpus);
	scenario->setup();
	world_ready();
	memory_begin();
	world_exclude();
	do {
		explore_once(scenario);
	} while (explorer->again && !explorer->wrong);
	*totals = explorer->totals;
	lost = explorer->wrong ? 0 : states_lost();
	if (lost != 0) {
		explorer->target = lost_state();
		explore_once(scenario);
		explorer->wrong = true;
		snprintf(explorer->text, sizeof(explorer->text),
			 "from %lu states nothing ever ends: CPUs wait for each other",
			 (unsigned long)lost);
	}
	if (explorer->wrong)
		print_path(scenario);
	while (explorer->depth > 0)
		level_pop();
	memory_end();
	return !explorer->wrong;
}
