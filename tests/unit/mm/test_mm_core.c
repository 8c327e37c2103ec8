/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mm's own code over a simulated kernel, its pool threads as real threads: what a space sees after
 * faults, mappings, clones; that every frame comes back; races of CPUs on one page.
 * Compiled with the race detector.  Prints TAP.
 */
#include <abi/fault.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libsys/ipc.h>

#include "fake_kernel.h"
#include "memory.h"
#include "mm.h"
#include "mm_bench.h"
#include "region_pool.h"
#include "shared.h"
#include "space.h"

/* ---- cases ----------------------------------------------------------------------------------- */

static void anonymous_memory_is_zero_and_comes_back(void)
{
	for (unsigned round = 0; round < 3; round++) {
		const uint32_t vspace = space_make(1, 0);

		check(map_of(1, AT, 8 * PAGE_SIZE, ANON_RW, 0, 0, 0) == ERR_OK);
		check(map_of(1, AT + PAGE_SIZE, PAGE_SIZE, ANON_RW, 0, 0, 0) == ERR_EXISTS);
		for (unsigned i = 0; i < 8; i++) {
			check(get(1, vspace, AT + i * PAGE_SIZE + 7) == 0);
			check(put(1, vspace, AT + i * PAGE_SIZE + 7, 0xaa));
		}
		check(why_not(1, vspace, AT + 8 * PAGE_SIZE, FAULT_ACCESS_READ) == ERR_FAULT_ADDR);
		check(why_not(1, vspace, AT, FAULT_ACCESS_EXECUTE) == ERR_PERMISSION);
		check(why_not(1, vspace, AT, FAULT_ACCESS_WRITE | FAULT_ACCESS_EXECUTE) ==
		      ERR_PERMISSION);
		space_end(1, vspace);
		check(frames_lost() == 0);
	}
}

static void unmapping_splits_and_frees(void)
{
	const uint32_t vspace = space_make(2, 0);
	word_t w[4] = {AT + 2 * PAGE_SIZE, 2 * PAGE_SIZE};

	check(map_of(2, AT, 8 * PAGE_SIZE, ANON_RW | MM_MAP_EAGER, 0, 0, 0) == ERR_OK);
	check(request_of(2, MM_REQ_UNMAP, 0, w, 0, 0) == ERR_OK && w[0] == 2);
	check(put(2, vspace, AT + PAGE_SIZE, 1));
	check(why_not(2, vspace, AT + 2 * PAGE_SIZE, FAULT_ACCESS_READ) == ERR_FAULT_ADDR);
	check(put(2, vspace, AT + 4 * PAGE_SIZE, 1));
	w[0] = AT + 1;
	check(request_of(2, MM_REQ_UNMAP, 0, w, 0, 0) == ERR_RANGE);
	space_end(2, vspace);
	check(frames_lost() == 0);
}

static void protection_is_enforced_and_restored(void)
{
	const uint32_t vspace = space_make(3, 0);
	word_t w[4] = {AT + PAGE_SIZE, PAGE_SIZE, MM_PROT_READ};

	check(map_of(3, AT, 4 * PAGE_SIZE, ANON_RW | MM_MAP_EAGER, 0, 0, 0) == ERR_OK);
	check(put(3, vspace, AT + PAGE_SIZE, 9));
	check(request_of(3, MM_REQ_PROTECT, 0, w, 0, 0) == ERR_OK);
	check(why_not(3, vspace, AT + PAGE_SIZE, FAULT_ACCESS_WRITE) == ERR_PERMISSION);
	check(get(3, vspace, AT + PAGE_SIZE) == 9);
	check(put(3, vspace, AT, 1) && put(3, vspace, AT + 2 * PAGE_SIZE, 1));
	w[0] = AT + PAGE_SIZE, w[1] = PAGE_SIZE, w[2] = 0;
	check(request_of(3, MM_REQ_PROTECT, 0, w, 0, 0) == ERR_OK);
	check(why_not(3, vspace, AT + PAGE_SIZE, FAULT_ACCESS_READ) == ERR_PERMISSION);
	w[0] = AT + PAGE_SIZE, w[1] = PAGE_SIZE, w[2] = MM_PROT_READ | MM_PROT_WRITE;
	check(request_of(3, MM_REQ_PROTECT, 0, w, 0, 0) == ERR_OK);
	check(get(3, vspace, AT + PAGE_SIZE) == 9);
	check(put(3, vspace, AT + PAGE_SIZE, 10));
	w[0] = AT, w[1] = 5 * PAGE_SIZE;
	check(request_of(3, MM_REQ_PROTECT, 0, w, 0, 0) == ERR_NOT_MAPPED);
	space_end(3, vspace);
	check(frames_lost() == 0);
}

static void files_are_mapped_in_place_or_copied(void)
{
	const uint32_t vspace = space_make(4, 0);
	const word_t before = mm_stats.pages_archive;

	/* Two and a half pages of the file, then zeroes. */
	check(map_of(4, AT, 4 * PAGE_SIZE, MM_MAP_FLAGS(MM_PROT_READ, MM_KIND_FILE), 0,
		     3 * PAGE_SIZE, 2 * PAGE_SIZE + 2048) == ERR_OK);
	check(get(4, vspace, AT + 2) == 3 && get(4, vspace, AT + PAGE_SIZE + 2) == 4);
	check(mm_stats.pages_archive == before + 2);
	check(get(4, vspace, AT + 2 * PAGE_SIZE + 2046) == 5);
	check(get(4, vspace, AT + 2 * PAGE_SIZE + 2050) == 0);
	check(get(4, vspace, AT + 3 * PAGE_SIZE + 2) == 0);
	check(mm_stats.pages_archive == before + 2);
	check(why_not(4, vspace, AT, FAULT_ACCESS_WRITE) == ERR_PERMISSION);
	/* A private copy where written, from an odd place. */
	check(map_of(4, AT + 0x100010, 100, ANON_RW | MM_KIND_FILE << MM_KIND_SHIFT, 0,
		     PAGE_SIZE + 0x10, 100) == ERR_OK);
	check(put(4, vspace, AT + 0x100012, 77) && get(4, vspace, AT + 0x100016) == 1);
	check(get(4, vspace, AT + 0x100012) == 77);
	check(map_of(4, 0, PAGE_SIZE, MM_MAP_FLAGS(MM_PROT_READ, MM_KIND_FILE), 0,
		     ARCHIVE_PAGES * PAGE_SIZE, 1) == ERR_RANGE);
	space_end(4, vspace);
	check(frames_lost() == 0);
}

static void stacks_grow_to_their_guard(void)
{
	const uint32_t vspace = space_make(5, 0);
	const word_t stack = MM_MAP_FLAGS(MM_PROT_READ | MM_PROT_WRITE, MM_KIND_STACK);

	check(map_of(5, AT, 4 * PAGE_SIZE, stack, 0, 0, 0) == ERR_OK);
	check(put(5, vspace, AT + 4 * PAGE_SIZE - 8, 1) && put(5, vspace, AT + PAGE_SIZE, 1));
	check(why_not(5, vspace, AT + PAGE_SIZE - 8, FAULT_ACCESS_WRITE) == ERR_RANGE);
	check(why_not(5, vspace, AT - 8, FAULT_ACCESS_WRITE) == ERR_FAULT_ADDR);
	space_end(5, vspace);
}

static void limits_hold(void)
{
	const uint32_t vspace = space_make(6, 10); /* 10 pages, tables and nodes included */
	unsigned got = 0;

	check(map_of(6, AT, 64 * PAGE_SIZE, ANON_RW, 0, 0, 0) == ERR_OK);
	while (got < 64 && put(6, vspace, AT + got * PAGE_SIZE, 1))
		got++;
	check(got == 5); /* three nodes, two tables */
	check(why_not(6, vspace, AT + got * PAGE_SIZE, FAULT_ACCESS_WRITE) == ERR_LIMIT);
	check(map_of(6, 2 * AT, 4 * PAGE_SIZE, ANON_RW | MM_MAP_EAGER, 0, 0, 0) == ERR_LIMIT);
	check(map_of(6, 2 * AT, 4 * PAGE_SIZE, ANON_RW, 0, 0, 0) == ERR_OK);
	space_end(6, vspace);
	check(frames_lost() == 0);
}

static void clones_share_until_written(void)
{
	const uint32_t a = space_make(7, 0);
	const uint32_t b = space_make(8, 0);
	const word_t free_before = frames_free();
	word_t shared = 0;

	check(map_of(7, AT, 16 * PAGE_SIZE, ANON_RW, 0, 0, 0) == ERR_OK);
	for (unsigned i = 0; i < 8; i++)
		check(put(7, a, AT + i * PAGE_SIZE, (uint8_t)(i + 1)));
	check(proc_of(MM_REQ_SPACE_CLONE, 8, 7, 0, 0, &shared) == ERR_OK && shared == 8);
	check(get(8, b, AT + 3 * PAGE_SIZE) == 4);
	check(put(7, a, AT, 100) && get(8, b, AT) == 1);
	check(put(8, b, AT + PAGE_SIZE, 101) && get(7, a, AT + PAGE_SIZE) == 2);
	check(put(7, a, AT + 9 * PAGE_SIZE, 5) && get(8, b, AT + 9 * PAGE_SIZE) == 0);
	check(frames_lost() == 0);
	space_end(7, a);
	check(get(8, b, AT + 2 * PAGE_SIZE) == 3 && get(8, b, AT) == 1);
	/* The last one writes in place: no frame is taken for it. */
	const word_t free_now = frames_free();
	check(put(8, b, AT + 4 * PAGE_SIZE, 55) && frames_free() == free_now);
	space_end(8, b);
	check(frames_free() >= free_before);
	check(frames_lost() == 0);
}

static void shared_objects_are_one_memory(void)
{
	const uint32_t a = space_make(9, 0);
	const uint32_t b = space_make(10, 0);
	const word_t flags = MM_MAP_FLAGS(MM_PROT_READ | MM_PROT_WRITE, MM_KIND_SHARED);
	word_t w[4] = {4 * PAGE_SIZE};
	word_t id;

	check(request_of(9, MM_REQ_SHARED_NEW, 0, w, 0, 0) == ERR_OK);
	id = w[0];
	check(map_of(9, AT, 4 * PAGE_SIZE, flags, id, 0, 0) == ERR_OK);
	check(map_of(10, AT, 2 * PAGE_SIZE, flags, id, PAGE_SIZE, 0) == ERR_PERMISSION);
	w[0] = id, w[1] = 10;
	check(request_of(10, MM_REQ_SHARED_ALLOW, 0, w, 0, 0) == ERR_PERMISSION);
	w[0] = id, w[1] = 10;
	check(request_of(9, MM_REQ_SHARED_ALLOW, 0, w, 0, 0) == ERR_OK);
	check(map_of(10, AT, 4 * PAGE_SIZE, flags, id, PAGE_SIZE, 0) == ERR_RANGE);
	check(map_of(10, AT, 2 * PAGE_SIZE, flags, id, PAGE_SIZE, 0) == ERR_OK);
	check(put(9, a, AT + PAGE_SIZE + 5, 42) && get(10, b, AT + 5) == 42);
	check(put(10, b, AT + PAGE_SIZE, 43) && get(9, a, AT + 2 * PAGE_SIZE) == 43);
	w[0] = id;
	check(request_of(9, MM_REQ_SHARED_FREE, 0, w, 0, 0) == ERR_OK);
	space_end(9, a);
	check(get(10, b, AT + 5) == 42);
	check(frames_lost() == 0);
	space_end(10, b);
	check(map_of(9, AT, PAGE_SIZE, flags, id, 0, 0) == ERR_NOT_FOUND);
	check(frames_lost() == 0);
}

static void the_bounce_buffer_reaches_any_byte(void)
{
	const uint32_t vspace = space_make(11, 0);
	uint8_t *bounce = (uint8_t *)MM_BOUNCE_VADDR;

	check(map_of(11, AT, 3 * PAGE_SIZE, ANON_RW, 0, 0, 0) == ERR_OK);
	for (unsigned i = 0; i < 5000; i++)
		bounce[100 + i] = (uint8_t)i;
	check(proc_of(MM_REQ_COPY_IN, 11, AT + 4000, 5000, 100, NULL) == ERR_OK);
	check(get(11, vspace, AT + 4000 + 4999) == (uint8_t)4999);
	check(proc_of(MM_REQ_COPY_OUT, 11, AT + 4001, 4999, 20000, NULL) == ERR_OK);
	check(memcmp(bounce + 101, bounce + 20000, 4999) == 0);
	check(proc_of(MM_REQ_COPY_OUT, 11, AT + 2 * PAGE_SIZE, 2 * PAGE_SIZE, 0, NULL) ==
	      ERR_FAULT_ADDR);
	check(proc_of(MM_REQ_COPY_OUT, 11, AT, 2, MM_BOUNCE_BYTES - 1, NULL) == ERR_RANGE);
	space_end(11, vspace);
}

static void strangers_are_refused(void)
{
	const uint32_t vspace = space_make(12, 0);
	word_t w[4] = {AT, PAGE_SIZE, ANON_RW};

	check(request_of(12, MM_REQ_SPACE_FREE, 12, w, 0, 0) == ERR_PERMISSION);
	check(request_of(12, MM_REQ_COPY_IN, 12, w, 0, 0) == ERR_PERMISSION);
	check(request_of(77, MM_REQ_MAP, 12, w, 0, 0) == ERR_NOT_FOUND);
	check(request_of(12, (enum mm_request)99, 0, w, 0, 0) == ERR_METHOD);
	check(map_of(12, AT, PAGE_SIZE, MM_MAP_FLAGS(MM_PROT_MASK, MM_KIND_ANON), 0, 0, 0) ==
	      ERR_PERMISSION);
	check(map_of(12, 0x1000, PAGE_SIZE, ANON_RW, 0, 0, 0) == ERR_RANGE);
	check(map_of(12, 0x7f00000000, PAGE_SIZE, ANON_RW, 0, 0, 0) == ERR_RANGE);
	check(map_of(12, AT, UINT64_MAX - 100, ANON_RW, 0, 0, 0) == ERR_RANGE);
	check(map_of(12, AT, PAGE_SIZE, MM_MAP_FLAGS(1, 9), 0, 0, 0) == ERR_RANGE);
	check(why_not(500, vspace, AT, FAULT_ACCESS_READ) == ERR_NOT_FOUND);
	space_end(12, vspace);
}

/* ---- many CPUs ------------------------------------------------------------------------------- */

/* What the pages of a storm are; of a file: read where they are, or written, a private copy of each. */
enum storm_kind { STORM_ANONYMOUS, STORM_FILE, STORM_FILE_COPY };

struct storm {
	uint32_t pid;
	uint32_t vspace;
	unsigned pages;
	enum storm_kind kind;
	unsigned wrong;
	pthread_barrier_t *barrier;
	unsigned me;
};

static void *storm_run(void *argument)
{
	struct storm *storm = argument;

	pthread_barrier_wait(storm->barrier);
	for (unsigned i = 0; i < storm->pages; i++) {
		const uint64_t page = AT + (uint64_t)i * PAGE_SIZE;
		const uint64_t own = page + storm->me;
		const uint8_t byte = (uint8_t)(i + storm->me);

		/* Nobody writes the last word; the file has the number of its page in the third byte. */
		if (storm->kind != STORM_ANONYMOUS)
			storm->wrong += get(storm->pid, storm->vspace, page + PAGE_SIZE - 2) !=
					(int)(i % ARCHIVE_PAGES);
		if (storm->kind != STORM_FILE)
			storm->wrong += !put(storm->pid, storm->vspace, own, byte) ||
					get(storm->pid, storm->vspace, own) != byte;
	}
	return NULL;
}

/* All its pages, of a file that is ARCHIVE_PAGES long. */
static void storm_map(uint32_t pid, unsigned pages, enum storm_kind kind)
{
	const word_t prot = MM_PROT_READ | (kind == STORM_FILE ? 0 : MM_PROT_WRITE);

	if (kind == STORM_ANONYMOUS)
		check(map_of(pid, AT, pages * PAGE_SIZE, ANON_RW, 0, 0, 0) == ERR_OK);
	for (unsigned i = 0; kind != STORM_ANONYMOUS && i < pages; i += ARCHIVE_PAGES)
		check(map_of(pid, AT + i * PAGE_SIZE, ARCHIVE_PAGES * PAGE_SIZE,
			     MM_MAP_FLAGS(prot, MM_KIND_FILE), 0, 0,
			     ARCHIVE_PAGES * PAGE_SIZE) == ERR_OK);
}

/* Each thread is a CPU; `same`: all in one space, on the same pages. */
static void storm_of(bool same, unsigned pages, unsigned rounds, enum storm_kind kind)
{
	for (unsigned round = 0; round < rounds; round++) {
		pthread_t thread[THREADS];
		struct storm storm[THREADS];
		uint32_t vspace[THREADS];
		pthread_barrier_t barrier;
		const unsigned spaces = same ? 1 : THREADS;

		pthread_barrier_init(&barrier, NULL, THREADS);
		for (unsigned i = 0; i < spaces; i++) {
			vspace[i] = space_make(20 + i, 0);
			storm_map(20 + i, pages, kind);
		}
		for (unsigned i = 0; i < THREADS; i++) {
			storm[i] = (struct storm){.pid = 20 + (same ? 0 : i),
						  .vspace = vspace[same ? 0 : i],
						  .pages = pages,
						  .kind = kind,
						  .barrier = &barrier,
						  .me = i};
			pthread_create(&thread[i], NULL, storm_run, &storm[i]);
		}
		for (unsigned i = 0; i < THREADS; i++) {
			pthread_join(thread[i], NULL);
			check(storm[i].wrong == 0);
		}
		check(frames_lost() == 0);
		for (unsigned i = 0; i < spaces; i++)
			space_end(20 + i, vspace[i]);
		pthread_barrier_destroy(&barrier);
	}
	check(frames_lost() == 0);
}

/* 10^5 fresh pages of each kind, each touched by every CPU. */
static void M09_same_page_fault_storm(void)
{
	storm_of(true, 1000, 100, STORM_ANONYMOUS);
}

static void M09_same_page_fault_storm_of_a_file(void)
{
	storm_of(true, 63 * ARCHIVE_PAGES, 100, STORM_FILE);
	storm_of(true, 63 * ARCHIVE_PAGES, 100, STORM_FILE_COPY);
}

/* ---- every lock ---- */

static word_t mix_ids[THREADS];

static void *mix_run(void *argument)
{
	struct storm *mix = argument;
	const uint32_t other = mix->pid + THREADS;
	const word_t shared = MM_MAP_FLAGS(MM_PROT_READ | MM_PROT_WRITE, MM_KIND_SHARED);

	pthread_barrier_wait(mix->barrier);
	for (unsigned i = 0; i < 20; i++) {
		word_t w[4] = {2 * PAGE_SIZE}, id, vspace = 0, none[4] = {0};

		mix->wrong += request_of(mix->pid, MM_REQ_SHARED_NEW, 0, w, 0, 0) != ERR_OK;
		id = w[0];
		w[1] = other;
		mix->wrong += request_of(mix->pid, MM_REQ_SHARED_ALLOW, 0, w, 0, 0) != ERR_OK;
		mix->wrong += proc_of(MM_REQ_SPACE_NEW, other, 0, 0, 0, &vspace) != ERR_OK;
		mix->wrong += map_of(other, AT, 2 * PAGE_SIZE, shared, id, 0, 0) != ERR_OK;
		mix->wrong += !put(other, (uint32_t)vspace, AT, 1);
		mix->wrong += map_of(mix->pid, AT, PAGE_SIZE, shared | MM_MAP_EAGER, id, 0, 0) !=
			      ERR_OK;
		(void)request_of(mix->pid, MM_REQ_STATS, 0, none, 0, 0);
		/* Another one's object, which may not be there, or be for others. */
		__atomic_store_n(&mix_ids[mix->me], id, __ATOMIC_RELAXED);
		(void)map_of(other, 2 * AT, PAGE_SIZE, shared,
			     __atomic_load_n(&mix_ids[(mix->me + 1) % THREADS], __ATOMIC_RELAXED),
			     0, 0);
		mix->wrong += proc_of(MM_REQ_SPACE_FREE, other, 0, 0, 0, NULL) != ERR_OK;
		w[0] = AT;
		w[1] = PAGE_SIZE;
		mix->wrong += request_of(mix->pid, MM_REQ_UNMAP, 0, w, 0, 0) != ERR_OK;
		w[0] = id;
		mix->wrong += request_of(mix->pid, MM_REQ_SHARED_FREE, 0, w, 0, 0) != ERR_OK;
		(void)shared_frames_held();
		(void)region_pool_frames();
	}
	return NULL;
}

/* Each thread has spaces of its own; what they have in common is mm's.  The race detector watches. */
static void M09_all_kinds_of_requests_at_once(void)
{
	pthread_t thread[THREADS];
	struct storm mix[THREADS];
	uint32_t vspace[THREADS];
	pthread_barrier_t barrier;

	pthread_barrier_init(&barrier, NULL, THREADS);
	for (unsigned i = 0; i < THREADS; i++) {
		vspace[i] = space_make(40 + i, 0);
		mix[i] = (struct storm){.pid = 40 + i, .barrier = &barrier, .me = i};
		pthread_create(&thread[i], NULL, mix_run, &mix[i]);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		check(mix[i].wrong == 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		space_end(40 + i, vspace[i]);
	check(shared_frames_held() == 0 && frames_lost() == 0);
	pthread_barrier_destroy(&barrier);
}

static void M10_losers_frames_come_back(void)
{
	const word_t zeroed = mm_stats.pages_zeroed;
	word_t free_before;

	storm_of(true, 64, 1, STORM_ANONYMOUS);
	free_before = frames_free();
	storm_of(true, 64, 20, STORM_ANONYMOUS);
	check(mm_stats.pages_zeroed - zeroed == 21 * 64);
	check(frames_free() == free_before);
}

static void spaces_do_not_disturb_each_other(void)
{
	storm_of(false, 64, 20, STORM_ANONYMOUS);
}

struct cow {
	uint32_t pid;
	uint32_t vspace;
	pthread_barrier_t *barrier;
	unsigned wrong;
};

static void *cow_run(void *argument)
{
	struct cow *cow = argument;

	pthread_barrier_wait(cow->barrier);
	for (unsigned i = 0; i < 32; i++) {
		if (get(cow->pid, cow->vspace, AT + i * PAGE_SIZE) != (int)i + 1)
			cow->wrong++;
		if (!put(cow->pid, cow->vspace, AT + i * PAGE_SIZE, (uint8_t)cow->pid) ||
		    get(cow->pid, cow->vspace, AT + i * PAGE_SIZE) != (int)cow->pid)
			cow->wrong++;
	}
	return NULL;
}

static void clones_are_written_by_two_cpus_at_once(void)
{
	for (unsigned round = 0; round < 20; round++) {
		const uint32_t a = space_make(30, 0);
		const uint32_t b = space_make(131, 0);
		pthread_barrier_t barrier;
		struct cow cow[2] = {{30, a, &barrier, 0}, {131, b, &barrier, 0}};
		pthread_t thread;

		pthread_barrier_init(&barrier, NULL, 2);
		check(map_of(30, AT, 32 * PAGE_SIZE, ANON_RW, 0, 0, 0) == ERR_OK);
		for (unsigned i = 0; i < 32; i++)
			check(put(30, a, AT + i * PAGE_SIZE, (uint8_t)(i + 1)));
		check(proc_of(MM_REQ_SPACE_CLONE, 131, 30, 0, 0, NULL) == ERR_OK);
		pthread_create(&thread, NULL, cow_run, &cow[1]);
		cow_run(&cow[0]);
		pthread_join(thread, NULL);
		check(cow[0].wrong == 0 && cow[1].wrong == 0);
		check(frames_lost() == 0);
		space_end(30, a);
		space_end(131, b);
		pthread_barrier_destroy(&barrier);
	}
	check(frames_lost() == 0);
}

static void memory_ends_with_an_error_and_comes_back(void)
{
	const uint64_t pages = (1ull << UNTYPED_BITS) / PAGE_SIZE;
	const uint32_t vspace = space_make(40, 0);
	uint64_t got = 0;

	check(map_of(40, AT, pages * PAGE_SIZE, ANON_RW, 0, 0, 0) == ERR_OK);
	while (got < pages && put(40, vspace, AT + got * PAGE_SIZE, 1))
		got++;
	check(got > pages / 2 && got < pages);
	check(why_not(40, vspace, AT + got * PAGE_SIZE, FAULT_ACCESS_WRITE) == ERR_NO_MEMORY);
	space_end(40, vspace);
	check(frames_lost() == 0);
	anonymous_memory_is_zero_and_comes_back();
}

static void capabilities_do_not_leak(void)
{
	unsigned before;

	clones_share_until_written();
	before = fake_slots_used();
	for (unsigned i = 0; i < 10; i++) {
		clones_share_until_written();
		files_are_mapped_in_place_or_copied();
		shared_objects_are_one_memory();
	}
	check(fake_slots_used() == before);
}

static const struct mm_case all[] = {
	CASE(anonymous_memory_is_zero_and_comes_back),
	CASE(unmapping_splits_and_frees),
	CASE(protection_is_enforced_and_restored),
	CASE(files_are_mapped_in_place_or_copied),
	CASE(stacks_grow_to_their_guard),
	CASE(limits_hold),
	CASE(clones_share_until_written),
	CASE(shared_objects_are_one_memory),
	CASE(the_bounce_buffer_reaches_any_byte),
	CASE(strangers_are_refused),
	CASE(M09_same_page_fault_storm),
	CASE(M09_same_page_fault_storm_of_a_file),
	CASE(M09_all_kinds_of_requests_at_once),
	CASE(M10_losers_frames_come_back),
	CASE(spaces_do_not_disturb_each_other),
	CASE(clones_are_written_by_two_cpus_at_once),
	CASE(capabilities_do_not_leak),
	CASE(memory_ends_with_an_error_and_comes_back),
};

int main(void)
{
	return cases_run(all, sizeof(all) / sizeof(all[0]));
}
