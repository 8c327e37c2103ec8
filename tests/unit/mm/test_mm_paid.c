/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a process pays for, so that it can neither take what others need nor pass its limit.  As
 * test_mm_core.c, on one CPU.
 */
#include <abi/fault.h>

#include "mm.h"
#include "mm_bench.h"
#include "region_pool.h"
#include "shared.h"

#define SPACES 33u

/* Of one space, which made or maps them.  All spaces together may have as many. */
static void objects_are_so_many(void)
{
	const uint32_t vspace = space_make(17, 0), other = space_make(18, 0);
	word_t ids[MM_OBJECTS_MAX], w[4] = {PAGE_SIZE};
	uint32_t vspaces[SPACES];

	for (unsigned i = 0; i < MM_OBJECTS_MAX; i++) {
		ids[i] = shared_new_of(17, 1);
		check(shared_of(MM_REQ_SHARED_ALLOW, 17, ids[i], 0) == ERR_OK);
		check(map_of(17, AT + i * PAGE_SIZE, PAGE_SIZE, SHARED_RW, ids[i], 0, 0) == ERR_OK);
		check(shared_of(MM_REQ_SHARED_FREE, 17, ids[i], 0) == ERR_OK);
	}
	check(request_of(17, MM_REQ_SHARED_NEW, 0, w, 0, 0) == ERR_LIMIT);
	ids[0] = shared_new_of(18, 1);
	check(shared_of(MM_REQ_SHARED_ALLOW, 18, ids[0], 17) == ERR_OK);
	check(map_of(17, 2 * AT, PAGE_SIZE, SHARED_RW, ids[0], 0, 0) == ERR_LIMIT);
	w[0] = AT;
	w[1] = PAGE_SIZE;
	check(request_of(17, MM_REQ_UNMAP, 0, w, 0, 0) == ERR_OK);
	for (unsigned i = 0; i < 2; i++)
		check(map_of(17, (2 + i) * AT, PAGE_SIZE, SHARED_RW, ids[0], 0, 0) == ERR_OK);
	space_end(18, other);
	w[0] = PAGE_SIZE;
	check(request_of(17, MM_REQ_SHARED_NEW, 0, w, 0, 0) == ERR_LIMIT);
	for (uint32_t i = 0; i < SPACES; i++) {
		vspaces[i] = space_make(100 + i, 0);
		for (unsigned made = 0; made < MM_OBJECTS_MAX; made++)
			check(shared_new_of(100 + i, 1) != 0);
	}
	check(frames_lost() == 0);
	for (uint32_t i = 0; i < SPACES; i++)
		space_end(100 + i, vspaces[i]);
	space_end(17, vspace);
	check(shared_frames_held() == 0 && frames_lost() == 0);
}

/* What mm keeps about one is for the next. */
static void places_of_objects_come_back(void)
{
	const uint32_t vspace = space_make(17, 10);
	word_t w[4] = {0};
	uint32_t frames;

	check(shared_of(MM_REQ_SHARED_FREE, 17, shared_new_of(17, 1), 0) == ERR_OK);
	frames = shared_table_frames();
	for (unsigned i = 0; i < 100; i++)
		check(shared_of(MM_REQ_SHARED_FREE, 17, shared_new_of(17, 1), 0) == ERR_OK);
	for (unsigned i = 0; i < 100; i++) {
		w[0] = 10 * PAGE_SIZE;
		check(request_of(17, MM_REQ_SHARED_NEW, 0, w, 0, 0) == ERR_LIMIT);
	}
	check(frames != 0 && shared_table_frames() == frames);
	space_end(17, vspace);
}

/* What a clone does not get it does not pay for. */
static void a_clone_pays_for_what_it_has(void)
{
	const uint32_t a = space_make(30, 0), b = space_make(31, 100);
	const word_t id = shared_new_of(30, 8);
	word_t w[4] = {2 * AT, PAGE_SIZE}, pages;

	check(map_of(30, AT, 8 * PAGE_SIZE, SHARED_RW, id, 0, 0) == ERR_OK);
	check(map_of(31, AT, PAGE_SIZE, ANON_RW, 0, 0, 0) == ERR_OK && pages_of(31) == 0);
	check(proc_of(MM_REQ_SPACE_CLONE, 31, 30, 0, 0, &pages) == ERR_EXISTS);
	check(pages_of(31) == 0);
	w[0] = AT;
	check(request_of(31, MM_REQ_UNMAP, 0, w, 0, 0) == ERR_OK);
	check(proc_of(MM_REQ_SPACE_CLONE, 31, 30, 0, 0, &pages) == ERR_OK && pages_of(31) == 8 + 3);
	space_end(30, a);
	check(put(31, b, AT, 1));
	w[0] = AT;
	w[1] = 8 * PAGE_SIZE;
	check(request_of(31, MM_REQ_UNMAP, 0, w, 0, 0) == ERR_OK && pages_of(31) == 5);
	check(shared_frames_held() == 0 && frames_lost() == 0);
	space_end(31, b);
}

/* Who has all that it may have gets no tables either, wherever it asks for a page. */
static void tables_have_a_limit(void)
{
	const uint32_t vspace = space_make(23, 20);
	word_t got;

	check(map_of(23, AT, 64 * PAGE_SIZE, ANON_RW, 0, 0, 0) == ERR_OK);
	for (unsigned i = 0; i < 64; i++)
		(void)put(23, vspace, AT + i * PAGE_SIZE, 1);
	check(pages_of(23) == 20);
	for (unsigned i = 1; i < 100; i++)
		check(map_of(23, AT + i * (uint64_t)LARGE_PAGE_SIZE, PAGE_SIZE,
			     ANON_RW | MM_MAP_EAGER, 0, 0, 0) == ERR_LIMIT);
	check(map_of(23, 2 * AT, 100 * LARGE_PAGE_SIZE, ANON_RW, 0, 0, 0) == ERR_OK);
	for (unsigned i = 0; i < 100; i++)
		check(proc_of(MM_REQ_COPY_OUT, 23, 2 * AT + i * (uint64_t)LARGE_PAGE_SIZE, 8, 0,
			      &got) == ERR_LIMIT);
	check(pages_of(23) <= 20 + 4);
	check(get(23, vspace, AT) == 1);
	space_end(23, vspace);
	check(frames_lost() == 0);
}

/* They are mm's own memory. */
static void regions_are_paid_for(void)
{
	const uint32_t vspace = space_make(24, 3), more = space_make(25, 0);
	word_t w[4] = {AT, MM_REGIONS_MAX * 2 * PAGE_SIZE};
	unsigned made = 0;

	while (map_of(24, AT + 2 * made * PAGE_SIZE, PAGE_SIZE, ANON_RW, 0, 0, 0) == ERR_OK)
		made++;
	check(made == 4 * REGIONS_PER_PAGE - 1 && pages_of(24) == 3);
	/* Nor can they be had by cutting. */
	w[0] = AT + 2 * PAGE_SIZE;
	w[1] = PAGE_SIZE;
	check(request_of(24, MM_REQ_UNMAP, 0, w, 0, 0) == ERR_OK);
	check(map_of(24, 2 * AT, 4 * PAGE_SIZE, ANON_RW, 0, 0, 0) == ERR_OK);
	w[0] = 2 * AT + PAGE_SIZE;
	w[1] = PAGE_SIZE;
	check(request_of(24, MM_REQ_UNMAP, 0, w, 0, 0) == ERR_LIMIT);
	check(pages_of(24) == 3);
	for (w[0] = AT, w[1] = AT + 4 * PAGE_SIZE; w[1] != 0; w[0] = 2 * AT + 4 * PAGE_SIZE - w[1])
		check(request_of(24, MM_REQ_UNMAP, 0, w, 0, 0) == ERR_OK);
	check(pages_of(24) == 0);
	for (made = 0; made <= MM_REGIONS_MAX; made++)
		if (map_of(25, AT + 2 * made * PAGE_SIZE, PAGE_SIZE, ANON_RW, 0, 0, 0) != ERR_OK)
			break;
	check(made == MM_REGIONS_MAX);
	/* One less, and a cut makes one more for a moment. */
	w[0] = AT;
	w[1] = 3 * PAGE_SIZE;
	check(request_of(25, MM_REQ_UNMAP, 0, w, 0, 0) == ERR_OK);
	check(map_of(25, AT, 3 * PAGE_SIZE, ANON_RW, 0, 0, 0) == ERR_OK);
	w[0] = AT + PAGE_SIZE;
	w[1] = PAGE_SIZE;
	check(request_of(25, MM_REQ_UNMAP, 0, w, 0, 0) == ERR_LIMIT);
	w[0] = AT + 2 * PAGE_SIZE;
	w[1] = PAGE_SIZE;
	check(request_of(25, MM_REQ_UNMAP, 0, w, 0, 0) == ERR_OK);
	space_end(24, vspace);
	space_end(25, more);
}

/* They take capabilities, of which mm has so many. */
static void pages_in_place_are_paid_for(void)
{
	const uint32_t vspace = space_make(26, 40);
	const word_t file = MM_MAP_FLAGS(MM_PROT_READ, MM_KIND_FILE) | MM_MAP_EAGER;
	word_t w[4] = {AT, 4 * ARCHIVE_PAGES * PAGE_SIZE}, before;

	check(map_of(26, AT, ARCHIVE_PAGES * PAGE_SIZE, file, 0, 0, ARCHIVE_PAGES * PAGE_SIZE) ==
	      ERR_OK);
	before = pages_of(26);
	check(map_of(26, AT + ARCHIVE_PAGES * PAGE_SIZE, ARCHIVE_PAGES * PAGE_SIZE, file, 0, 0,
		     ARCHIVE_PAGES * PAGE_SIZE) == ERR_OK);
	check(pages_of(26) == before + ARCHIVE_PAGES);
	check(map_of(26, AT + 2 * ARCHIVE_PAGES * PAGE_SIZE, ARCHIVE_PAGES * PAGE_SIZE, file, 0, 0,
		     ARCHIVE_PAGES * PAGE_SIZE) == ERR_LIMIT);
	check(pages_of(26) == before + ARCHIVE_PAGES && frames_lost() == 0);
	check(request_of(26, MM_REQ_UNMAP, 0, w, 0, 0) == ERR_OK);
	check(pages_of(26) == before - ARCHIVE_PAGES);
	space_end(26, vspace);
}

/* All of it by each who keeps it, whether it is mapped or not: its pages are there until the last lets go. */
static void objects_are_paid_for(void)
{
	const uint32_t a = space_make(27, 100), b = space_make(28, 100), c = space_make(29, 50);
	word_t id = shared_new_of(27, 64);
	word_t w[4] = {64 * PAGE_SIZE};

	check(pages_of(27) == 67);
	check(request_of(27, MM_REQ_SHARED_NEW, 0, w, 0, 0) == ERR_LIMIT && pages_of(27) == 67);
	check(shared_of(MM_REQ_SHARED_ALLOW, 27, id, 0) == ERR_OK);
	check(map_of(27, AT, 16 * PAGE_SIZE, SHARED_RW | MM_MAP_EAGER, id, 0, 0) == ERR_OK);
	check(pages_of(27) == 67 + 5 && frames_lost() == 0);
	for (unsigned i = 0; i < 2; i++)
		check(map_of(28, AT + i * PAGE_SIZE, PAGE_SIZE, SHARED_RW | MM_MAP_EAGER, id, 0,
			     0) == ERR_OK);
	/* And for what it takes to map a page that is mapped already. */
	check(pages_of(28) == 67 + 5 + 2 && frames_lost() == 0);
	check(map_of(29, AT, PAGE_SIZE, SHARED_RW, id, 0, 0) == ERR_LIMIT && pages_of(29) == 0);
	check(shared_of(MM_REQ_SHARED_FREE, 27, id, 0) == ERR_OK && pages_of(27) == 67 + 5);
	w[0] = AT;
	w[1] = PAGE_SIZE;
	check(request_of(28, MM_REQ_UNMAP, 0, w, 0, 0) == ERR_OK && pages_of(28) == 67 + 5 + 1);
	w[0] = AT;
	w[1] = 16 * PAGE_SIZE;
	check(request_of(27, MM_REQ_UNMAP, 0, w, 0, 0) == ERR_OK && pages_of(27) == 5);
	w[0] = AT;
	w[1] = 16 * PAGE_SIZE;
	check(request_of(28, MM_REQ_UNMAP, 0, w, 0, 0) == ERR_OK && pages_of(28) == 5);
	check(shared_frames_held() == 0 && frames_lost() == 0);
	space_end(27, a);
	space_end(28, b);
	space_end(29, c);
}

/* A page of an object can be mapped again and again, and each mapping but the first takes a slot. */
static void mappings_are_paid_for(void)
{
	const uint32_t a = space_make(32, 60), b = space_make(33, 60);
	const word_t id = shared_new_of(32, 16);
	const word_t eager = SHARED_RW | MM_MAP_EAGER;
	word_t w[4] = {AT, PAGE_SIZE};

	check(shared_of(MM_REQ_SHARED_ALLOW, 32, id, 33) == ERR_OK && pages_of(32) == 19);
	check(map_of(32, AT, 16 * PAGE_SIZE, eager, id, 0, 0) == ERR_OK && pages_of(32) == 24);
	check(map_of(32, AT + 16 * PAGE_SIZE, 16 * PAGE_SIZE, eager, id, 0, 0) == ERR_OK);
	check(pages_of(32) == 40);
	check(map_of(32, AT + 32 * PAGE_SIZE, 16 * PAGE_SIZE, eager, id, 0, 0) == ERR_OK);
	check(map_of(32, AT + 48 * PAGE_SIZE, 16 * PAGE_SIZE, eager, id, 0, 0) == ERR_LIMIT);
	check(pages_of(32) == 56 && frames_lost() == 0);
	check(map_of(33, AT, 16 * PAGE_SIZE, eager, id, 0, 0) == ERR_OK);
	check(pages_of(33) == 24 + 16 && get(33, b, AT) == 0);
	/* What is not mapped takes none, and the first mapping is another's then. */
	w[0] = AT;
	w[1] = 32 * PAGE_SIZE;
	check(request_of(32, MM_REQ_PROTECT, 0, w, 0, 0) == ERR_OK && pages_of(32) == 40);
	check(map_of(33, 2 * AT, 4 * PAGE_SIZE, eager, id, 0, 0) == ERR_OK);
	check(pages_of(33) == 40 + 2 && frames_lost() == 0);
	w[0] = AT + 32 * PAGE_SIZE;
	w[1] = 16 * PAGE_SIZE;
	check(request_of(32, MM_REQ_UNMAP, 0, w, 0, 0) == ERR_OK && pages_of(32) == 24);
	space_end(32, a);
	w[0] = AT;
	w[1] = 16 * PAGE_SIZE;
	check(request_of(33, MM_REQ_UNMAP, 0, w, 0, 0) == ERR_OK && pages_of(33) == 24 + 2);
	check(frames_lost() == 0);
	space_end(33, b);
	check(shared_frames_held() == 0 && frames_lost() == 0);
}

static enum error unmap_of(uint32_t pid, uint64_t vaddr, uint64_t bytes)
{
	word_t w[4] = {vaddr, bytes};

	return request_of(pid, MM_REQ_UNMAP, 0, w, 0, 0);
}

/* The rest of a region is a region more, and takes a page now and then. */
static void memory_can_be_given_back_at_the_limit(void)
{
	const uint64_t pages = 600;
	const uint32_t vspace = space_make(34, 300);
	uint64_t there = 0;
	word_t before;

	check(map_of(34, AT, pages * PAGE_SIZE, ANON_RW, 0, 0, 0) == ERR_OK);
	while (there < pages && put(34, vspace, AT + there * PAGE_SIZE, 1))
		there++;
	check(there < pages && pages_of(34) == 300);
	for (uint64_t page = 1; page < there; page += 2) {
		/* It may be lowered below what there is. */
		if (page == (there / 2 | 1))
			check(proc_of(MM_REQ_SPACE_LIMIT, 34, 200, 0, 0, NULL) == ERR_OK);
		before = pages_of(34);
		check(unmap_of(34, AT + page * PAGE_SIZE, PAGE_SIZE) == ERR_OK);
		check(pages_of(34) <= before);
		/* All that came back is used again, somewhere else. */
		for (uint64_t more = there; more < pages; more++)
			(void)put(34, vspace, AT + more * PAGE_SIZE, 1);
	}
	check(get(34, vspace, AT) == 1 && get(34, vspace, AT + PAGE_SIZE) == -1);
	check(pages_of(34) < 300 && frames_lost() == 0);
	space_end(34, vspace);
}

/* What is paid for can be had at the limit, and one page for another. */
static void what_is_paid_for_is_there_at_the_limit(void)
{
	const uint32_t vspace = space_make(35, 40);
	const word_t id = shared_new_of(35, 8);
	const word_t file = MM_MAP_FLAGS(MM_PROT_READ, MM_KIND_FILE) | MM_MAP_EAGER;
	word_t w[4] = {AT + 8 * PAGE_SIZE, PAGE_SIZE, MM_PROT_READ | MM_PROT_WRITE};

	check(map_of(35, AT, 8 * PAGE_SIZE, SHARED_RW, id, 0, 0) == ERR_OK);
	check(map_of(35, AT + 8 * PAGE_SIZE, PAGE_SIZE, file, 0, 0, PAGE_SIZE) == ERR_OK);
	check(map_of(35, AT + 9 * PAGE_SIZE, 64 * PAGE_SIZE, ANON_RW, 0, 0, 0) == ERR_OK);
	for (unsigned i = 9; i < 9 + 64; i++)
		(void)put(35, vspace, AT + i * PAGE_SIZE, 1);
	check(pages_of(35) == 40);
	for (unsigned i = 0; i < 8; i++)
		check(put(35, vspace, AT + i * PAGE_SIZE, 1));
	check(proc_of(MM_REQ_SPACE_LIMIT, 35, 30, 0, 0, NULL) == ERR_OK);
	check(request_of(35, MM_REQ_PROTECT, 0, w, 0, 0) == ERR_OK);
	check(put(35, vspace, AT + 8 * PAGE_SIZE, 1));
	check(pages_of(35) == 40 && frames_lost() == 0);
	/* The same in another place takes tables. */
	check(map_of(35, 2 * AT, PAGE_SIZE, SHARED_RW, id, 0, 0) == ERR_OK);
	check(why_not(35, vspace, 2 * AT, FAULT_ACCESS_READ) == ERR_LIMIT && pages_of(35) == 40);
	space_end(35, vspace);
}

/* Tables, which no page's charge may follow, are part of it. */
static void the_most_is_what_it_was(void)
{
	const uint32_t vspace = space_make(36, 0);
	const word_t id = shared_new_of(36, 8);
	word_t w[4] = {0};

	check(map_of(36, AT, 8 * PAGE_SIZE, SHARED_RW, id, 0, 0) == ERR_OK);
	check(map_of(36, AT + 8 * PAGE_SIZE, PAGE_SIZE, SHARED_RW, id, 0, 0) == ERR_OK);
	check(put(36, vspace, AT, 1));
	check(request_of(36, MM_REQ_SPACE_INFO, 0, w, 0, 0) == ERR_OK);
	check(w[0] == 8 + 3 + 5 && w[2] == w[0]);
	check(unmap_of(36, AT, 9 * PAGE_SIZE) == ERR_OK);
	check(shared_of(MM_REQ_SHARED_FREE, 36, id, 0) == ERR_OK);
	check(request_of(36, MM_REQ_SPACE_INFO, 0, w, 0, 0) == ERR_OK);
	check(w[0] == 5 && w[2] == 8 + 3 + 5);
	space_end(36, vspace);
}

/* ---- Nobody waits for mm for long because of who gives back much ---- */

#define MANY (2 * MM_WORK_MAX + 1)

static void unmap_all(uint32_t pid, uint64_t vaddr, uint64_t bytes)
{
	word_t w[4] = {vaddr, bytes};

	for (word_t left = bytes; left != 0; left = w[1]) {
		w[0] = vaddr + bytes - left;
		w[1] = left;
		check(request_of(pid, MM_REQ_UNMAP, 0, w, 0, 0) == ERR_OK);
	}
}

/* An object of 40 that 41 may map, all of it touched. */
static word_t object_filled(uint32_t vspace)
{
	const word_t id = shared_new_of(40, MANY);

	check(shared_of(MM_REQ_SHARED_ALLOW, 40, id, 41) == ERR_OK);
	check(map_of(40, AT, MANY * PAGE_SIZE, SHARED_RW, id, 0, 0) == ERR_OK);
	for (uint64_t i = 0; i < MANY; i++)
		check(put(40, vspace, AT + i * PAGE_SIZE, 1));
	return id;
}

/* It is paid for until all of it is gone, and nobody finds half of it. */
static void an_object_goes_in_parts(void)
{
	const uint32_t vspace = space_make(40, 0), other = space_make(41, 0);
	const word_t id = object_filled(vspace);
	const uint32_t held = shared_frames_held();
	word_t paid;

	unmap_all(40, AT, MANY * PAGE_SIZE);
	check(shared_frames_held() == held);
	check(shared_of(MM_REQ_SHARED_FREE, 41, id, 0) == ERR_PERMISSION);
	check(shared_frames_held() == held);
	paid = pages_of(40);
	for (uint32_t parts = 1; parts <= 2; parts++) {
		word_t w[4] = {id};

		check(request_of(40, MM_REQ_SHARED_FREE, 0, w, 0, 0) == ERR_OK && w[0] == 1);
		check(shared_frames_held() == held - parts * MM_WORK_MAX && pages_of(40) == paid);
		check(map_of(41, AT, PAGE_SIZE, SHARED_RW, id, 0, 0) == ERR_NOT_FOUND);
	}
	word_t w[4] = {id};

	check(request_of(40, MM_REQ_SHARED_FREE, 0, w, 0, 0) == ERR_OK && w[0] == 0);
	check(shared_frames_held() == 0 && pages_of(40) < paid - MANY && frames_lost() == 0);
	check(shared_of(MM_REQ_SHARED_FREE, 40, id, 0) == ERR_NOT_FOUND);
	space_end(41, other);
	space_end(40, vspace);
}

/* Also with its last region; what is touched meanwhile goes, too, and who ends leaves nothing. */
static void an_object_goes_in_parts_with_its_region(void)
{
	const uint32_t vspace = space_make(40, 0);
	const word_t id = object_filled(vspace);
	const uint32_t held = shared_frames_held();
	word_t left = MANY * PAGE_SIZE;
	unsigned parts = 0;

	check(map_of(40, 2 * AT, MANY * PAGE_SIZE, SHARED_RW, id, 0, 0) == ERR_OK);
	check(shared_of(MM_REQ_SHARED_FREE, 40, id, 0) == ERR_OK);
	unmap_all(40, AT, MANY * PAGE_SIZE);
	check(shared_frames_held() == held);
	for (uint64_t at = 2 * AT; left != 0; parts++) {
		word_t w[4] = {at, left};
		const uint32_t before = shared_frames_held();

		check(request_of(40, MM_REQ_UNMAP, 0, w, 0, 0) == ERR_OK);
		at += left - w[1];
		left = w[1];
		/* And three tables in the end. */
		check(before - shared_frames_held() <= MM_WORK_MAX + 3);
		for (uint64_t i = 0; parts == 1 && i < 2 * MM_WORK_MAX; i++)
			check(put(40, vspace, 2 * AT + i * PAGE_SIZE, 1));
	}
	check(parts > 4 && shared_frames_held() == 0 && frames_lost() == 0);
	(void)object_filled(vspace);
	unmap_all(40, AT, MANY * PAGE_SIZE);
	space_end(40, vspace);
	check(shared_frames_held() == 0 && frames_lost() == 0);
}

/* Tables stay when their pages go: looking through them takes its time, too. */
static void empty_tables_are_passed_in_parts(void)
{
	const uint64_t table = 512 * PAGE_SIZE, bytes = 3 * MM_WORK_MAX * table;
	const uint32_t vspace = space_make(42, 0);
	word_t w[4] = {AT, bytes};

	for (unsigned turn = 0; turn < 2; turn++) {
		check(map_of(42, AT, bytes, ANON_RW, 0, 0, 0) == ERR_OK);
		for (uint64_t at = turn == 0 ? AT : AT + bytes - table; at < AT + bytes;
		     at += table)
			check(put(42, vspace, at, 1));
		if (turn == 0)
			unmap_all(42, AT, bytes);
	}
	check(request_of(42, MM_REQ_UNMAP, 0, w, 0, 0) == ERR_OK);
	check(w[0] == 0 && w[1] >= 2 * MM_WORK_MAX * table);
	const uint64_t left = w[1];
	unsigned parts = 0;

	for (word_t done = 0; done != left; parts++) {
		word_t rest[4] = {AT + bytes - left, left, MM_PROT_READ, done};

		check(request_of(42, MM_REQ_PROTECT, 0, rest, 0, 0) == ERR_OK);
		check(rest[0] > done && rest[0] - done <= (MM_WORK_MAX + 1) * table);
		done = rest[0];
	}
	check(parts > 1 && !put(42, vspace, AT + bytes - table, 2));
	space_end(42, vspace);
}

static const struct mm_case all[] = {
	CASE(places_of_objects_come_back), /* before others have left free ones */
	CASE(objects_are_so_many),
	CASE(a_clone_pays_for_what_it_has),
	CASE(tables_have_a_limit),
	CASE(regions_are_paid_for),
	CASE(pages_in_place_are_paid_for),
	CASE(objects_are_paid_for),
	CASE(mappings_are_paid_for),
	CASE(memory_can_be_given_back_at_the_limit),
	CASE(what_is_paid_for_is_there_at_the_limit),
	CASE(the_most_is_what_it_was),
	CASE(an_object_goes_in_parts),
	CASE(an_object_goes_in_parts_with_its_region),
	CASE(empty_tables_are_passed_in_parts),
};

int main(void)
{
	return cases_run(all, sizeof(all) / sizeof(all[0]));
}
