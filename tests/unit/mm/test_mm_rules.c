/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules of mm that hold at the edge: what is charged when memory ends, what of an object lives on in
 * whoever has its place next, what may be written in place.  As test_mm_core.c, on one CPU.
 */
#include <abi/bootinfo.h>
#include <abi/fault.h>

#include "fake_kernel.h"
#include "memory.h"
#include "mm.h"
#include "mm_bench.h"
#include "region_pool.h"
#include "shared.h"

#define PAGES_ALL  ((1ull << UNTYPED_BITS) / PAGE_SIZE)
/* More than mm has slots for copies of capabilities. */
#define SLOTS_MORE 17000u

#define SPACES 8u

static uint32_t memory_end(uint32_t pid)
{
	const uint32_t vspace = space_make(pid, 0);
	uint64_t got = 0;

	check(map_of(pid, AT, PAGES_ALL * PAGE_SIZE, ANON_RW, 0, 0, 0) == ERR_OK);
	while (got < PAGES_ALL && put(pid, vspace, AT + got * PAGE_SIZE, 1))
		got++;
	check(got < PAGES_ALL);
	return vspace;
}

/* What was memory for frames once stays that, so spaces have to be made before. */
static void spaces_are_kept(void)
{
	for (uint32_t pid = 1; pid <= SPACES; pid++)
		check(space_make(pid, 0) != 0);
	for (uint32_t pid = 1; pid <= SPACES; pid++)
		check(proc_of(MM_REQ_SPACE_FREE, pid, 0, 0, 0, NULL) == ERR_OK);
}

/* What is refused for want of memory is not paid for, so it can be had later. */
static void refusals_are_not_charged(void)
{
	const uint32_t vspace = space_make(2, 40 + 64 + 3); /* with the object and its nodes */
	word_t id = shared_new_of(2, 64);
	const uint32_t rest = space_make(4, 0);
	uint32_t all;

	check(map_of(4, AT, 400 * PAGE_SIZE, ANON_RW, 0, 0, 0) == ERR_OK && put(4, rest, AT, 1));
	check(map_of(2, AT, 64 * PAGE_SIZE, ANON_RW, 0, 0, 0) == ERR_OK);
	check(map_of(2, AT + 64 * PAGE_SIZE, 64 * PAGE_SIZE, SHARED_RW, id, 0, 0) == ERR_OK);
	check(put(2, vspace, AT, 1) && put(2, vspace, AT + 64 * PAGE_SIZE, 1));
	/* The first ends where it would take a table, the other one has it. */
	all = memory_end(3);
	for (unsigned i = 1; i < 400 && put(4, rest, AT + i * PAGE_SIZE, 1); i++)
		;
	/* What is made in larger pieces may leave one page. */
	check(frames_free() <= 2 * (SPACES - 3) + 1);
	for (unsigned i = 0; i < 50; i++) {
		check(why_not(2, vspace, AT + PAGE_SIZE, FAULT_ACCESS_WRITE) == ERR_NO_MEMORY);
		check(why_not(2, vspace, AT + 65 * PAGE_SIZE, FAULT_ACCESS_WRITE) == ERR_NO_MEMORY);
	}
	space_end(3, all);
	space_end(4, rest);
	check(put(2, vspace, AT + PAGE_SIZE, 1) && put(2, vspace, AT + 65 * PAGE_SIZE, 1));
	space_end(2, vspace);
	check(frames_lost() == 0);
}

/* Nor is who gives memory back refused what it takes to cut a region, where all else is used up. */
static void memory_can_be_given_back_when_there_is_none(void)
{
	const uint32_t rest = space_make(4, 0);
	uint32_t vspace;
	const uint32_t frames = region_pool_frames();
	uint64_t used = 1;

	check(map_of(4, AT, 400 * PAGE_SIZE, ANON_RW, 0, 0, 0) == ERR_OK && put(4, rest, AT, 1));
	vspace = memory_end(2);
	for (unsigned page = 1; page < 3 * REGIONS_PER_PAGE; page++) {
		word_t w[4] = {AT + 2 * page * PAGE_SIZE, PAGE_SIZE};

		while (used < 400 && put(4, rest, AT + used * PAGE_SIZE, 1))
			used++;
		check(request_of(2, MM_REQ_UNMAP, 0, w, 0, 0) == ERR_OK);
	}
	check(used < 400 && frames_lost() == 0 && region_pool_frames() > frames);
	space_end(4, rest);
	space_end(2, vspace);
}

static void slots_of_what_cannot_be_made_come_back(void)
{
	const uint32_t vspace = memory_end(1);
	word_t got;

	for (uint32_t pid = 2; pid <= SPACES; pid++)
		check(space_make(pid, 0) != 0);
	for (unsigned i = 0; i < SLOTS_MORE; i++)
		check(proc_of(MM_REQ_SPACE_NEW, SPACES + 1, 0, 0, 0, &got) == ERR_NO_MEMORY);
	space_end(1, vspace);
	check(map_of(2, AT, PAGE_SIZE, MM_MAP_FLAGS(MM_PROT_READ, MM_KIND_FILE) | MM_MAP_EAGER, 0,
		     0, PAGE_SIZE) == ERR_OK);
	for (uint32_t pid = 2; pid <= SPACES; pid++)
		check(proc_of(MM_REQ_SPACE_FREE, pid, 0, 0, 0, NULL) == ERR_OK);
}

static void slots_of_pages_in_place_come_back(void)
{
	const uint32_t vspace = space_make(4, 0);

	for (unsigned i = 0; i < SLOTS_MORE / ARCHIVE_PAGES; i++) {
		word_t w[4] = {AT, ARCHIVE_PAGES * PAGE_SIZE};

		check(map_of(4, AT, ARCHIVE_PAGES * PAGE_SIZE,
			     MM_MAP_FLAGS(MM_PROT_READ, MM_KIND_FILE) | MM_MAP_EAGER, 0, 0,
			     ARCHIVE_PAGES * PAGE_SIZE) == ERR_OK);
		check(request_of(4, MM_REQ_UNMAP, 0, w, 0, 0) == ERR_OK);
	}
	space_end(4, vspace);
}

static void tables_are_counted_down_too(void)
{
	struct mm_stats before, after;
	uint32_t vspace = space_make(5, 0);

	check(map_of(5, AT, PAGE_SIZE, ANON_RW | MM_MAP_EAGER, 0, 0, 0) == ERR_OK);
	space_end(5, vspace);
	memory_stats(&before);
	for (unsigned i = 0; i < 3; i++) {
		vspace = space_make(5, 0);
		check(map_of(5, AT, PAGE_SIZE, ANON_RW | MM_MAP_EAGER, 0, 0, 0) == ERR_OK);
		space_end(5, vspace);
	}
	memory_stats(&after);
	check(after.frames_tables == before.frames_tables);
}

/* A page of the boot archive is everybody's. */
static void a_page_in_place_is_copied_when_it_may_be_written(void)
{
	const uint32_t vspace = space_make(6, 0);
	word_t w[4] = {AT, PAGE_SIZE, MM_PROT_READ | MM_PROT_WRITE};

	for (unsigned i = 0; i < 2; i++)
		check(map_of(6, AT + i * PAGE_SIZE, PAGE_SIZE,
			     MM_MAP_FLAGS(MM_PROT_READ, MM_KIND_FILE), 0, 3 * PAGE_SIZE,
			     PAGE_SIZE) == ERR_OK);
	check(get(6, vspace, AT + 2) == 3 && get(6, vspace, AT + PAGE_SIZE + 2) == 3);
	check(request_of(6, MM_REQ_PROTECT, 0, w, 0, 0) == ERR_OK);
	check(put(6, vspace, AT + 2, 9));
	check(get(6, vspace, AT + 2) == 9 && get(6, vspace, AT + PAGE_SIZE + 2) == 3);
	space_end(6, vspace);
}

/* Also where it is the last of its region, and not where the file ends before it does. */
static void a_page_that_the_file_fills_is_not_copied(void)
{
	const word_t file = MM_MAP_FLAGS(MM_PROT_READ, MM_KIND_FILE) | MM_MAP_EAGER;
	const word_t copied = mm_stats.pages_copied, archive = mm_stats.pages_archive;
	const uint32_t vspace = space_make(6, 0);

	check(map_of(6, AT, 2 * PAGE_SIZE, file, 0, 3 * PAGE_SIZE, 2 * PAGE_SIZE) == ERR_OK);
	check(mm_stats.pages_archive == archive + 2 && mm_stats.pages_copied == copied);
	check(map_of(6, 2 * AT, PAGE_SIZE, file, 0, 3 * PAGE_SIZE, PAGE_SIZE - 1) == ERR_OK);
	check(mm_stats.pages_archive == archive + 2 && mm_stats.pages_copied == copied + 1);
	check(get(6, vspace, AT + PAGE_SIZE + 2) == get(6, vspace, AT + 2) + 1);
	space_end(6, vspace);
}

/* As the segments of a program do; what is beside it on its pages comes along. */
static void a_file_may_begin_within_a_page(void)
{
	const uint32_t vspace = space_make(6, 0);
	const word_t flags = MM_MAP_FLAGS(MM_PROT_READ | MM_PROT_WRITE, MM_KIND_FILE);
	const uint64_t bytes = PAGE_SIZE, delta = 1024;

	check(map_of(6, AT + delta, 2 * bytes, flags, 0, 3 * PAGE_SIZE + delta, bytes) == ERR_OK);
	check(get(6, vspace, AT + delta + 2) == 3);
	check(get(6, vspace, AT + PAGE_SIZE + delta - 2) == 4);
	check(get(6, vspace, AT + PAGE_SIZE + delta + 2) == 0);
	check(get(6, vspace, AT + 2 * PAGE_SIZE + delta - 1) == 0);
	space_end(6, vspace);
}

static void a_copy_takes_one_fault(void)
{
	const uint32_t a = space_make(7, 0), b = space_make(8, 0);
	const word_t raced = mm_stats.faults_raced;
	word_t shared, before;

	check(map_of(7, AT, PAGE_SIZE, ANON_RW, 0, 0, 0) == ERR_OK && put(7, a, AT, 1));
	check(proc_of(MM_REQ_SPACE_CLONE, 8, 7, 0, 0, &shared) == ERR_OK);
	before = mm_stats.faults;
	check(put(8, b, AT, 2) && mm_stats.faults == before + 1);
	check(put(7, a, AT, 3) && mm_stats.faults == before + 2);
	check(mm_stats.faults_raced == raced);
	space_end(7, a);
	space_end(8, b);
}

static void an_eager_stack_has_its_guard(void)
{
	const uint32_t vspace = space_make(9, 0);
	const word_t stack = MM_MAP_FLAGS(MM_PROT_READ | MM_PROT_WRITE, MM_KIND_STACK);

	check(map_of(9, AT, 4 * PAGE_SIZE, stack | MM_MAP_EAGER, 0, 0, 0) == ERR_OK);
	check(why_not(9, vspace, AT, FAULT_ACCESS_READ) == ERR_RANGE);
	space_end(9, vspace);
}

/* ---- Shared objects ---- */

static void objects_end_with_their_owner(void)
{
	const uint32_t a = space_make(10, 0), b = space_make(11, 0);
	word_t id = shared_new_of(10, 4);

	check(shared_of(MM_REQ_SHARED_ALLOW, 10, id, 11) == ERR_OK);
	check(map_of(10, AT, 4 * PAGE_SIZE, SHARED_RW | MM_MAP_EAGER, id, 0, 0) == ERR_OK);
	space_end(10, a);
	check(shared_frames_held() == 0);
	check(map_of(11, AT, PAGE_SIZE, SHARED_RW, id, 0, 0) == ERR_NOT_FOUND);
	space_end(11, b);
}

static void an_object_lives_for_its_last_mapping(void)
{
	const uint32_t vspace = space_make(12, 0);
	word_t id = shared_new_of(12, 4);
	word_t w[4] = {AT, 4 * PAGE_SIZE};

	check(map_of(12, AT, 4 * PAGE_SIZE, SHARED_RW, id, 0, 0) == ERR_OK);
	check(map_of(12, 2 * AT, 4 * PAGE_SIZE, SHARED_RW, id, 0, 0) == ERR_OK);
	check(put(12, vspace, AT + PAGE_SIZE, 42));
	check(shared_of(MM_REQ_SHARED_FREE, 12, id, 0) == ERR_OK);
	/* Nor is it to be given up twice: what is left of it are its mappings. */
	for (unsigned i = 0; i < 3; i++)
		check(shared_of(MM_REQ_SHARED_FREE, 12, id, 0) == ERR_PERMISSION);
	check(request_of(12, MM_REQ_UNMAP, 0, w, 0, 0) == ERR_OK);
	check(get(12, vspace, 2 * AT + PAGE_SIZE) == 42);
	space_end(12, vspace);
	check(shared_frames_held() == 0 && frames_lost() == 0);
}

static void a_place_of_an_object_forgets_the_one_before(void)
{
	const uint32_t a = space_make(13, 0), b = space_make(14, 0);
	word_t id = shared_new_of(13, 4), next;

	check(shared_of(MM_REQ_SHARED_ALLOW, 13, id, 0) == ERR_OK);
	check(map_of(14, AT, PAGE_SIZE, SHARED_RW, id, 0, 0) == ERR_OK);
	space_end(14, b);
	check(shared_of(MM_REQ_SHARED_FREE, 13, id, 0) == ERR_OK);
	next = shared_new_of(13, 4);
	check(next != id);
	(void)space_make(14, 0);
	check(map_of(14, AT, PAGE_SIZE, SHARED_RW, id, 0, 0) == ERR_NOT_FOUND);
	check(map_of(14, AT, PAGE_SIZE, SHARED_RW, next, 0, 0) == ERR_PERMISSION);
	check(shared_of(MM_REQ_SHARED_FREE, 13, next, 0) == ERR_OK);
	space_end(13, a);
	check(proc_of(MM_REQ_SPACE_FREE, 14, 0, 0, 0, NULL) == ERR_OK);
}

static void bounds_of_an_object(void)
{
	const uint32_t vspace = space_make(15, 0);
	word_t id = shared_new_of(15, 4);

	check(map_of(15, AT, PAGE_SIZE, SHARED_RW, id, 3 * PAGE_SIZE, 0) == ERR_OK);
	check(map_of(15, 2 * AT, PAGE_SIZE, SHARED_RW, id, 4 * PAGE_SIZE, 0) == ERR_RANGE);
	check(map_of(15, 2 * AT, PAGE_SIZE, SHARED_RW, id, 5 * PAGE_SIZE, 0) == ERR_RANGE);
	check(map_of(15, 2 * AT, 2 * PAGE_SIZE, SHARED_RW, id, 3 * PAGE_SIZE, 0) == ERR_RANGE);
	for (unsigned i = 0; i < 8; i++)
		check(shared_of(MM_REQ_SHARED_ALLOW, 15, id, 100 + i) == ERR_OK);
	check(shared_of(MM_REQ_SHARED_ALLOW, 15, id, 108) == ERR_LIMIT);
	check(shared_of(MM_REQ_SHARED_NEW, 15, 0, 0) == ERR_RANGE);
	check(shared_of(MM_REQ_SHARED_NEW, 15, MM_AREA_VADDR_MAX, 0) == ERR_RANGE);
	space_end(15, vspace);
	check(shared_frames_held() == 0);
}

static void what_is_not_mapped_does_not_keep_its_object(void)
{
	const uint32_t vspace = space_make(20, 0);
	const word_t id = shared_new_of(20, 1);
	word_t w[4] = {AT, PAGE_SIZE};

	check(map_of(20, AT, PAGE_SIZE, SHARED_RW | MM_MAP_EAGER, id, 0, 0) == ERR_OK);
	check(map_of(20, AT, PAGE_SIZE, SHARED_RW, id, 0, 0) == ERR_EXISTS);
	check(request_of(20, MM_REQ_UNMAP, 0, w, 0, 0) == ERR_OK);
	check(shared_frames_held() != 0);
	check(shared_of(MM_REQ_SHARED_FREE, 20, id, 0) == ERR_OK);
	check(shared_frames_held() == 0);
	space_end(20, vspace);
}

static void what_cannot_be_mapped(void)
{
	const uint32_t file = MM_MAP_FLAGS(MM_PROT_READ, MM_KIND_FILE);
	const uint32_t vspace = space_make(22, 0);
	const word_t id = shared_new_of(22, 4);

	check(map_of(22, AT, PAGE_SIZE, file, 0, 0, PAGE_SIZE + 1) == ERR_RANGE);
	check(map_of(22, AT, PAGE_SIZE, file, 0, 8, PAGE_SIZE) == ERR_ALIGN);
	check(map_of(22, 0, PAGE_SIZE, file, 0, 8, PAGE_SIZE) == ERR_OK); /* it says where */
	check(map_of(22, AT, PAGE_SIZE, MM_MAP_FLAGS(MM_PROT_READ, MM_KIND_COUNT), 0, 0, 0) ==
	      ERR_RANGE);
	check(map_of(22, AT, PAGE_SIZE, SHARED_RW, id, 8, 0) == ERR_ALIGN);
	check(map_of(22, BOOTINFO_VADDR, PAGE_SIZE, ANON_RW, 0, 0, 0) == ERR_RANGE);
	check(map_of(22, BOOTINFO_VADDR - PAGE_SIZE, PAGE_SIZE, ANON_RW, 0, 0, 0) == ERR_OK);
	space_end(22, vspace);
}

/* All at once or nothing: pages that were there when the limit was met go again. */
static void an_eager_map_leaves_nothing_half_done(void)
{
	const uint32_t vspace = space_make(21, 20);
	word_t w[4] = {AT, 64 * PAGE_SIZE};

	check(map_of(21, AT, 64 * PAGE_SIZE, ANON_RW | MM_MAP_EAGER, 0, 0, 0) == ERR_LIMIT);
	check(map_of(21, AT, 64 * PAGE_SIZE, ANON_RW, 0, 0, 0) == ERR_OK);
	check(request_of(21, MM_REQ_UNMAP, 0, w, 0, 0) == ERR_OK);
	check(w[0] == 0);
	space_end(21, vspace);
}

/* One page's worth, again and again. */
static void regions_come_back(void)
{
	const uint32_t vspace = space_make(16, 0);
	const uint32_t frames = region_pool_frames();

	for (unsigned i = 0; i < 300; i++) {
		word_t w[4] = {AT, 64 * PAGE_SIZE};

		for (unsigned page = 0; page < 20; page++)
			check(map_of(16, AT + 2 * page * PAGE_SIZE, PAGE_SIZE, ANON_RW, 0, 0, 0) ==
			      ERR_OK);
		check(request_of(16, MM_REQ_UNMAP, 0, w, 0, 0) == ERR_OK);
	}
	check(region_pool_frames() <= frames + 1);
	space_end(16, vspace);
}

/* Regions without pages, too. */
static void many_regions_go_in_parts(void)
{
	const uint32_t vspace = space_make(23, 0);
	const uint32_t count = 2 * MM_WORK_MAX;
	word_t w[4] = {AT, 2 * count * PAGE_SIZE};

	for (uint64_t i = 0; i < count; i++)
		check(map_of(23, AT + 2 * i * PAGE_SIZE, PAGE_SIZE, ANON_RW, 0, 0, 0) == ERR_OK);
	check(request_of(23, MM_REQ_UNMAP, 0, w, 0, 0) == ERR_OK);
	check(w[0] == 0 && w[1] == 2 * MM_WORK_MAX * PAGE_SIZE);
	check(get(23, vspace, AT + 2 * (MM_WORK_MAX - 1) * PAGE_SIZE) == -1);
	check(get(23, vspace, AT + 2 * MM_WORK_MAX * PAGE_SIZE) == 0);
	space_end(23, vspace);
}

/* Nobody waits for mm for long because of who asks for much. */
static void what_takes_long_is_done_in_parts(void)
{
	const uint64_t part = MM_WORK_MAX * PAGE_SIZE, all = 3 * part + PAGE_SIZE;
	const uint32_t vspace = space_make(22, 0);
	word_t w[4] = {AT, all, MM_PROT_READ, 0};

	check(map_of(22, AT, all, ANON_RW | MM_MAP_EAGER, 0, 0, 0) == ERR_RANGE);
	check(map_of(22, AT, part, ANON_RW | MM_MAP_EAGER, 0, 0, 0) == ERR_OK);
	check(map_of(22, AT + part, all - part, ANON_RW, 0, 0, 0) == ERR_OK);
	for (uint64_t at = part; at < all; at += PAGE_SIZE)
		check(put(22, vspace, AT + at, 1));
	for (unsigned parts = 1; parts <= 3; parts++) {
		check(request_of(22, MM_REQ_PROTECT, 0, w, 0, 0) == ERR_OK && w[0] == parts * part);
		check(!put(22, vspace, AT + w[0] - PAGE_SIZE, 2));
		w[3] = w[0];
		w[0] = AT;
		w[1] = all;
	}
	check(request_of(22, MM_REQ_PROTECT, 0, w, 0, 0) == ERR_OK && w[0] == all);
	check(!put(22, vspace, AT + all - PAGE_SIZE, 2));
	for (word_t done = 1; done < 3 * all; done += all) {
		word_t wrong[4] = {AT, all, MM_PROT_READ, done};

		check(request_of(22, MM_REQ_PROTECT, 0, wrong, 0, 0) == ERR_RANGE);
	}
	for (uint64_t at = AT; at < AT + 3 * part; at += part) {
		word_t cut[4] = {at, AT + all - at};

		check(get(22, vspace, at) >= 0);
		check(request_of(22, MM_REQ_UNMAP, 0, cut, 0, 0) == ERR_OK);
		check(cut[0] == MM_WORK_MAX && cut[1] == AT + all - at - part);
		check(get(22, vspace, at + part - PAGE_SIZE) == -1 &&
		      get(22, vspace, at + part) == 1);
	}
	space_end(22, vspace);
}

/* A page of a long file is one page, also where it is copied because it may be written: all other frames
 * are in use, so whatever is written past it is somebody's. */
static void a_file_is_copied_page_by_page(void)
{
	const uint32_t vspace = memory_end(18);
	const uint64_t hole = AT + 100 * PAGE_SIZE, hole_pages = 12;
	word_t w[4] = {hole, hole_pages * PAGE_SIZE};

	check(request_of(18, MM_REQ_UNMAP, 0, w, 0, 0) == ERR_OK);
	check(map_of(18, hole, 4 * PAGE_SIZE,
		     MM_MAP_FLAGS(MM_PROT_READ | MM_PROT_WRITE, MM_KIND_FILE), 0, 3 * PAGE_SIZE,
		     2 * PAGE_SIZE + 10) == ERR_OK);
	for (unsigned page = 0; page < 3; page++)
		check(put(18, vspace, hole + page * PAGE_SIZE + 100, 5));
	for (unsigned page = 0; page < 3; page++)
		check(get(18, vspace, hole + page * PAGE_SIZE + 2) == (int)(3 + page));
	check(get(18, vspace, hole + 2 * PAGE_SIZE + 12) == 0);
	for (uint64_t at = AT; at < hole + 500 * PAGE_SIZE; at += PAGE_SIZE)
		check((at >= hole && at < hole + hole_pages * PAGE_SIZE) ||
		      get(18, vspace, at) == 1);
	space_end(18, vspace);
}

/* What a process and the machine are told. */
static void memory_is_told(void)
{
	const uint32_t vspace = space_make(19, 1000);
	word_t w[4] = {0};

	check(map_of(19, AT, 4 * PAGE_SIZE, ANON_RW, 0, 0, 0) == ERR_OK);
	check(put(19, vspace, AT, 1));
	check(request_of(19, MM_REQ_SPACE_INFO, 0, w, 0, 0) == ERR_OK);
	check(w[0] != 0 && w[0] < 20 && w[1] == 1000 && w[2] >= w[0] && w[3] == 1);
	check(request_of(19, MM_REQ_STATS, 0, w, 0, 0) == ERR_OK);
	check(w[0] == PAGES_ALL && w[1] != 0 && w[1] < w[0]);
	space_end(19, vspace);
}

static unsigned frames_of_code(void)
{
	unsigned count = 0;

	for (uint32_t n = 1; n <= memory_frames_seen(); n++)
		count += (frame_at(n)->next & FRAME_CODE) != 0;
	return count;
}

/* What was executable is cleared in another way, when it is next given out: all that nobody writes. */
static void frames_of_code_are_known_until_they_are_cleared(void)
{
	const uint32_t vspace = space_make(20, 0);
	const unsigned kept = 100;
	word_t w[4] = {AT, 2 * PAGE_SIZE, MM_PROT_READ | MM_PROT_EXECUTE};
	unsigned left = 0;

	check(map_of(20, AT, 2 * PAGE_SIZE, ANON_RW, 0, 0, 0) == ERR_OK);
	for (unsigned i = 0; i < 2 * PAGE_SIZE; i++)
		left += put(20, vspace, AT + i, 7);
	check(left == 2 * PAGE_SIZE && frames_of_code() == 0);
	check(request_of(20, MM_REQ_PROTECT, 0, w, 0, 0) == ERR_OK && frames_of_code() == 2);
	w[0] = AT;
	check(request_of(20, MM_REQ_UNMAP, 0, w, 0, 0) == ERR_OK && frames_of_code() == 2);
	check(map_of(20, AT, PAGE_SIZE, MM_MAP_FLAGS(MM_PROT_READ | MM_PROT_WRITE, MM_KIND_FILE), 0,
		     3 * PAGE_SIZE, kept) == ERR_OK);
	check(get(20, vspace, AT + 2) == 3 && frames_of_code() == 1);
	check(map_of(20, AT + PAGE_SIZE, PAGE_SIZE, ANON_RW, 0, 0, 0) == ERR_OK);
	check(get(20, vspace, AT + PAGE_SIZE) == 0 && frames_of_code() == 0);
	left = 0;
	for (unsigned i = kept; i < 2 * PAGE_SIZE; i++)
		left += get(20, vspace, AT + i) != 0;
	check(left == 0);
	space_end(20, vspace);
}

static void what_is_written_is_not_executed(void)
{
	const uint32_t vspace = space_make(6, 0);
	word_t w[4] = {AT, PAGE_SIZE, MM_PROT_READ | MM_PROT_WRITE | MM_PROT_EXECUTE};

	check(map_of(6, AT, PAGE_SIZE, MM_MAP_FLAGS((unsigned)w[2], MM_KIND_ANON), 0, 0, 0) ==
	      ERR_PERMISSION);
	check(map_of(6, AT, PAGE_SIZE, ANON_RW, 0, 0, 0) == ERR_OK && put(6, vspace, AT, 1));
	check(request_of(6, MM_REQ_PROTECT, 0, w, 0, 0) == ERR_PERMISSION);
	check(put(6, vspace, AT, 2));
	check(why_not(6, vspace, AT, FAULT_ACCESS_EXECUTE) == ERR_PERMISSION);
	space_end(6, vspace);
}

/* Of a shared object there is one copy, also for who was cloned. */
static void a_clone_shares_what_is_shared(void)
{
	const uint32_t a = space_make(7, 0), b = space_make(8, 0);
	word_t id = shared_new_of(7, 1), pages;

	check(map_of(7, AT, PAGE_SIZE, SHARED_RW, id, 0, 0) == ERR_OK && put(7, a, AT, 1));
	check(proc_of(MM_REQ_SPACE_CLONE, 8, 7, 0, 0, &pages) == ERR_OK && pages == 0);
	check(put(7, a, AT, 2) && get(8, b, AT) == 2);
	check(put(8, b, AT, 3) && get(7, a, AT) == 3);
	space_end(7, a);
	check(get(8, b, AT) == 3);
	space_end(8, b);
	check(frames_lost() == 0);
}

static void what_only_proc_may_ask(void)
{
	const uint32_t vspace = space_make(6, 0);
	word_t w[4] = {0};

	for (word_t request = MM_REQ_SPACE_NEW; request <= MM_REQ_CHECK; request++)
		check(request_of(6, request, 6, w, 0, 0) == ERR_PERMISSION);
	check(request_of(6, MM_REQ_CHECK + 1, 6, w, 0, 0) == ERR_METHOD);
	space_end(6, vspace);
}

/* Who has ended leaves all of it to the next: frames, tables, and what a space is made of. */
static void what_is_free_is_told(void)
{
	uint32_t vspace = space_make(6, 0);
	word_t before;

	space_end(6, vspace);
	before = frames_free();
	vspace = space_make(6, 0);
	check(frames_free() == before - 2);
	space_end(6, vspace);
	check(frames_free() == before);
}

static const struct mm_case all[] = {
	CASE(spaces_are_kept),
	CASE(refusals_are_not_charged),
	CASE(slots_of_what_cannot_be_made_come_back),
	CASE(slots_of_pages_in_place_come_back),
	CASE(tables_are_counted_down_too),
	CASE(a_page_in_place_is_copied_when_it_may_be_written),
	CASE(a_page_that_the_file_fills_is_not_copied),
	CASE(a_file_may_begin_within_a_page),
	CASE(a_copy_takes_one_fault),
	CASE(an_eager_stack_has_its_guard),
	CASE(objects_end_with_their_owner),
	CASE(an_object_lives_for_its_last_mapping),
	CASE(a_place_of_an_object_forgets_the_one_before),
	CASE(bounds_of_an_object),
	CASE(what_is_not_mapped_does_not_keep_its_object),
	CASE(what_cannot_be_mapped),
	CASE(an_eager_map_leaves_nothing_half_done),
	CASE(what_is_written_is_not_executed),
	CASE(a_clone_shares_what_is_shared),
	CASE(what_only_proc_may_ask),
	CASE(what_is_free_is_told),
	CASE(regions_come_back),
	CASE(many_regions_go_in_parts),
	CASE(what_takes_long_is_done_in_parts),
	CASE(a_file_is_copied_page_by_page),
	CASE(memory_is_told),
	CASE(frames_of_code_are_known_until_they_are_cleared),
	CASE(memory_can_be_given_back_when_there_is_none), /* leaves many free regions */
};

int main(void)
{
	return cases_run(all, sizeof(all) / sizeof(all[0]));
}
