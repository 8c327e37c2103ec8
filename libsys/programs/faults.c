/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * faults [ROUNDS]: a storm of page faults on all CPUs.  Every thread maps, fills, checks and unmaps
 * regions of its own, and all touch the pages of one region at the same time.  At the end every frame
 * must be back.
 */
#include <stdio.h>
#include <string.h>

#include <libsys/memory.h>
#include <libsys/process.h>
#include <libsys/threads.h>

#include "lib/program.h"

#define PAGES        64u
#define THREADS_MAX  64u
#define WORDS_A_PAGE (PAGE_SIZE / sizeof(uint64_t))

static _Atomic uint64_t wrong;
static _Atomic uint64_t *shared; /* one counter at the start of each page */
static uint64_t rounds;

static void storm_round(uint64_t seed)
{
	void *at;

	program_need("mapping", memory_map(PAGES * PAGE_SIZE, MM_PROT_READ | MM_PROT_WRITE, &at));
	uint64_t *words = at;

	for (unsigned page = 0; page < PAGES; page++) {
		uint64_t *word = words + page * WORDS_A_PAGE + seed % WORDS_A_PAGE;

		if (*word != 0)
			atomic_fetch_add(&wrong, 1);
		*word = seed ^ page;
	}
	for (unsigned page = 0; page < PAGES; page++)
		if (words[page * WORDS_A_PAGE + seed % WORDS_A_PAGE] != (seed ^ page))
			atomic_fetch_add(&wrong, 1);
	program_need("unmapping", memory_unmap(at, PAGES * PAGE_SIZE));
}

static int storm_main(void *arg)
{
	uint64_t seed = 0x9e3779b97f4a7c15ull * ((uint64_t)(uintptr_t)arg + 1);

	/* Everyone in another order, so that the same page is hit from several CPUs. */
	for (unsigned i = 0; i < PAGES; i++)
		atomic_fetch_add(&shared[(i + seed) % PAGES * WORDS_A_PAGE], 1);
	for (uint64_t i = 0; i < rounds; i++)
		storm_round(program_random(&seed));
	return 0;
}

static void storm(unsigned threads)
{
	struct thread *list[THREADS_MAX];
	void *at;

	program_need("mapping", memory_map(PAGES * PAGE_SIZE, MM_PROT_READ | MM_PROT_WRITE, &at));
	shared = at;
	for (unsigned i = 0; i < threads; i++)
		if (thrd_create(&list[i], storm_main, (void *)(uintptr_t)i) != thrd_success)
			program_fail("starting a thread", ERR_NO_MEMORY);
	for (unsigned i = 0; i < threads; i++)
		thrd_join(list[i], NULL);
	for (unsigned page = 0; page < PAGES; page++)
		if (atomic_load(&shared[page * WORDS_A_PAGE]) != threads)
			atomic_fetch_add(&wrong, 1);
	program_need("unmapping", memory_unmap(at, PAGES * PAGE_SIZE));
}

int main(int argc, char **argv)
{
	unsigned threads = 2 * program_cpus();
	struct mm_stats before;
	struct mm_stats after;

	rounds = program_number(argc, argv, 1, 20, 1, 1000000);
	if (threads > THREADS_MAX)
		threads = THREADS_MAX;
	storm(threads); /* the heap and the tables that stay are there after this */
	program_need("asking mm", machine_memory(&before));
	storm(threads);
	program_need("asking mm", machine_memory(&after));

	bool leak = after.frames_user != before.frames_user;

	printf("faults: %u threads, %lu faults, %lu zeroed, %lu raced; %lu wrong words; "
	       "frames in use %lu before, %lu after%s\n",
	       threads, (unsigned long)(after.faults - before.faults),
	       (unsigned long)(after.pages_zeroed - before.pages_zeroed),
	       (unsigned long)(after.faults_raced - before.faults_raced),
	       (unsigned long)atomic_load(&wrong), (unsigned long)before.frames_user,
	       (unsigned long)after.frames_user, leak ? ": LEAK" : "");
	return atomic_load(&wrong) || leak ? 1 : 0;
}
