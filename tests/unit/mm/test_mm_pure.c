/* SPDX-License-Identifier: BSD-2-Clause */
/* Regions, page maps, frame numbers and accounts against simple models. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "frames.h"
#include "pagemap.h"
#include "region.h"

#define PAGES 64u

static uint32_t seed = 12345;

static uint32_t random_below(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

/* ---- regions --------------------------------------------------------------------------------- */

static struct region *region_make(uint64_t first, uint64_t pages)
{
	struct region *region = calloc(1, sizeof(*region));

	region->start = first * PAGE_SIZE;
	region->end = (first + pages) * PAGE_SIZE;
	return region;
}

/* Insert, split and erase at random; the model is one owner for each page. */
Test(region, random_operations_agree_with_a_page_array)
{
	struct region_set set = {.tree = {NULL}};
	struct region *owner[PAGES] = {NULL};

	for (unsigned round = 0; round < 20000; round++) {
		const uint32_t page = random_below(PAGES);
		struct region *found = region_find(&set, (uint64_t)page * PAGE_SIZE + 5);

		cr_assert_eq(found, owner[page]);
		if (found == NULL) {
			const uint32_t pages = 1 +
					       random_below(PAGES - page < 8 ? PAGES - page : 8);
			struct region *region = region_make(page, pages);
			bool clear = true;

			for (uint32_t i = page; i < page + pages; i++)
				clear = clear && owner[i] == NULL;

			const enum error error = region_insert(&set, region);

			cr_assert_eq(error, clear ? ERR_OK : ERR_EXISTS);
			if (error != ERR_OK) {
				free(region);
				continue;
			}
			for (uint32_t i = page; i < page + pages; i++)
				owner[i] = region;
		} else if (random_below(2) == 0 && found->start < (uint64_t)page * PAGE_SIZE) {
			struct region *upper = malloc(sizeof(*upper));

			region_split(&set, found, (uint64_t)page * PAGE_SIZE, upper);
			for (uint64_t i = page; i < upper->end / PAGE_SIZE; i++)
				owner[i] = upper;
		} else {
			region_erase(&set, found);
			for (uint32_t i = 0; i < PAGES; i++)
				if (owner[i] == found)
					owner[i] = NULL;
			free(found);
		}
		cr_assert(region_check(&set));
	}
	for (struct region *region; (region = region_first_from(&set, 0)) != NULL;) {
		region_erase(&set, region);
		free(region);
	}
	cr_assert_eq(set.bytes, 0);
}

Test(region, a_split_keeps_file_and_object_positions)
{
	struct region_set set = {.tree = {NULL}};
	struct region lower = {.start = 0x10000,
			       .end = 0x18000,
			       .file_offset = 0x5000,
			       .file_bytes = 0x3800,
			       .object_page = 7,
			       .guard = 1};
	struct region upper;

	cr_assert_eq(region_insert(&set, &lower), ERR_OK);
	region_split(&set, &lower, 0x13000, &upper);
	cr_assert_eq(lower.end, 0x13000);
	cr_assert_eq(lower.file_bytes, 0x3000);
	cr_assert_eq(upper.file_offset, 0x8000);
	cr_assert_eq(upper.file_bytes, 0x800);
	cr_assert_eq(upper.object_page, 10);
	cr_assert_eq(upper.guard, 0);
	cr_assert_eq(lower.guard, 1);
	cr_assert(region_check(&set));
}

Test(region, bad_ranges_are_refused)
{
	struct region_set set = {.tree = {NULL}};
	struct region empty = {.start = 0x1000, .end = 0x1000};
	struct region odd = {.start = 0x1001, .end = 0x3000};

	cr_assert_eq(region_insert(&set, &empty), ERR_ARG);
	cr_assert_eq(region_insert(&set, &odd), ERR_ARG);
	cr_assert_eq(set.count, 0);
}

Test(region, gaps_leave_a_page_between_regions)
{
	struct region_set set = {.tree = {NULL}};
	struct region *a = region_make(16, 4);
	struct region *b = region_make(24, 4);

	cr_assert_eq(region_insert(&set, a), ERR_OK);
	cr_assert_eq(region_insert(&set, b), ERR_OK);
	/* Pages 21 and 22 have a free page on either side, three pages have not. */
	cr_assert_eq(region_gap(&set, 2 * PAGE_SIZE, 16 * PAGE_SIZE, 64 * PAGE_SIZE),
		     21 * PAGE_SIZE);
	cr_assert_eq(region_gap(&set, 3 * PAGE_SIZE, 16 * PAGE_SIZE, 64 * PAGE_SIZE),
		     29 * PAGE_SIZE);
	cr_assert_eq(region_gap(&set, 64 * PAGE_SIZE, 16 * PAGE_SIZE, 64 * PAGE_SIZE), 0);
	cr_assert(region_covers(&set, 16 * PAGE_SIZE, 20 * PAGE_SIZE));
	cr_assert_not(region_covers(&set, 16 * PAGE_SIZE, 21 * PAGE_SIZE));
	cr_assert_not(region_covers(&set, 15 * PAGE_SIZE, 17 * PAGE_SIZE));
	free(a);
	free(b);
}

/* ---- page maps ------------------------------------------------------------------------------- */

#define NODES_MAX 64u

static uint64_t nodes[NODES_MAX][PAGE_SIZE / sizeof(uint64_t)];
static bool nodes_used[NODES_MAX];
static uint32_t nodes_allowed;

static uint32_t node_new(void *context)
{
	(void)context;
	for (uint32_t i = 1; i < NODES_MAX && nodes_allowed != 0; i++)
		if (!nodes_used[i]) {
			nodes_used[i] = true;
			memset(nodes[i], 0, PAGE_SIZE);
			nodes_allowed--;
			return i;
		}
	return 0;
}

static void node_free(void *context, uint32_t node)
{
	(void)context;
	cr_assert(nodes_used[node]);
	nodes_used[node] = false;
	memset(nodes[node], 0xff, PAGE_SIZE);
	nodes_allowed++;
}

static const struct pagemap_ops ops = {node_new, node_free, nodes[0]};

static void count_table(void *context, uint32_t slot)
{
	*(uint32_t *)context += slot;
}

static uint64_t *entry_make(struct pagemap *map, uint64_t page)
{
	struct pagemap_path path;

	cr_assert_eq(pagemap_make(map, page, &path), ERR_OK);
	return path.entry[PAGEMAP_LEVELS - 1];
}

Test(pagemap, entries_are_found_again_in_order)
{
	static const uint64_t pages[] = {1,   63,  64,  511,    512,    513,
					 700, 191, 192, 262143, 262144, PAGEMAP_PAGES - 1};
	const unsigned count = sizeof(pages) / sizeof(pages[0]);
	struct pagemap map = {.ops = &ops};
	struct pagemap_path path;
	uint64_t page = 0;
	uint64_t last = 0;
	uint32_t tables = 0;
	uint64_t *entry;

	nodes_allowed = NODES_MAX - 1;
	cr_assert_null(pagemap_next(&map, &page, PAGEMAP_PAGES));
	for (unsigned i = 0; i < count; i++) {
		entry = entry_make(&map, pages[i]);
		cr_assert_eq(*entry, 0);
		*entry = page_entry((uint32_t)pages[i], 99, PAGE_USED);
	}
	for (unsigned i = 0; i < count; i++, page++) {
		entry = pagemap_next(&map, &page, PAGEMAP_PAGES);
		cr_assert_not_null(entry);
		cr_assert(i == 0 || page > last);
		last = page;
		cr_assert_eq(page_frame(*entry), (uint32_t)page);
		cr_assert_eq(page_slot(*entry), 99);
		cr_assert_eq(entry, entry_make(&map, page));
	}
	cr_assert_null(pagemap_next(&map, &page, PAGEMAP_PAGES));
	cr_assert_eq(pagemap_make(&map, 1, &path), ERR_OK);
	*path.entry[0] |= page_entry(0, 3, 0);
	*path.entry[1] |= page_entry(0, 4, 0);
	pagemap_free(&map, count_table, &tables);
	cr_assert_eq(tables, 7);
	cr_assert_eq(map.nodes, 0);
	cr_assert_eq(nodes_allowed, NODES_MAX - 1);
}

/* Any first page and any page in use: every group of entries, and each side of its borders. */
Test(pagemap, a_walk_misses_nothing)
{
	nodes_allowed = NODES_MAX - 1;
	for (uint64_t used = 0; used < 1200; used += 31)
		for (uint64_t first = 0; first < 1200; first += 13) {
			struct pagemap map = {.ops = &ops};
			uint64_t page = first;
			uint64_t *entry = entry_make(&map, used);

			*entry = PAGE_USED;
			cr_assert_eq(pagemap_next(&map, &page, 1200), used < first ? NULL : entry);
			pagemap_free(&map, NULL, NULL);
		}
}

Test(pagemap, the_end_bounds_a_walk)
{
	struct pagemap map = {.ops = &ops};
	uint64_t page = 0;
	uint64_t *entry;

	nodes_allowed = NODES_MAX - 1;
	entry = entry_make(&map, 700);
	*entry = PAGE_USED;
	cr_assert_null(pagemap_next(&map, &page, 700));
	page = 0;
	cr_assert_eq(pagemap_next(&map, &page, 701), entry);
	pagemap_free(&map, NULL, NULL);
}

Test(pagemap, running_out_of_nodes_loses_none)
{
	struct pagemap map = {.ops = &ops};
	struct pagemap_path path;
	uint64_t page = 0;

	nodes_allowed = 2;
	cr_assert_eq(pagemap_make(&map, 5, &path), ERR_NO_MEMORY);
	cr_assert_eq(pagemap_make(&map, PAGEMAP_PAGES, &path), ERR_RANGE);
	cr_assert_null(pagemap_next(&map, &page, PAGEMAP_PAGES));
	pagemap_free(&map, NULL, NULL);
	cr_assert_eq(nodes_allowed, 2);
}

static void table_count(void *context, uint32_t slot)
{
	(void)slot;
	++*(unsigned *)context;
}

Test(pagemap, a_page_is_complete_with_the_last_table_over_it)
{
	unsigned tables = 0;
	struct pagemap map = {.ops = &ops};
	struct pagemap_path path;

	nodes_allowed = NODES_MAX - 1;
	cr_assert_not(pagemap_complete(&map, 700));
	cr_assert_eq(pagemap_make(&map, 700, &path), ERR_OK);
	cr_assert_not(pagemap_complete(&map, 700));
	*path.entry[0] |= page_entry(0, 20, 0);
	cr_assert_not(pagemap_complete(&map, 700));
	*path.entry[1] |= page_entry(0, 21, 0);
	cr_assert(pagemap_complete(&map, 700));
	cr_assert(pagemap_complete(&map, 1023) && !pagemap_complete(&map, 1024));
	cr_assert_not(pagemap_complete(&map, 700 + PAGEMAP_PAGES));
	pagemap_free(&map, table_count, &tables);
	cr_assert_eq(tables, 2);
}

/* ---- frames ---------------------------------------------------------------------------------- */

Test(frames, every_frame_is_given_out_once)
{
	static struct frame memory[101];
	struct frames frames;
	bool used[101] = {false};
	uint32_t free_count = 100;

	frames_init(&frames, memory);
	frames_add(&frames, 60);
	frames_add(&frames, 40);
	for (unsigned round = 0; round < 100000; round++) {
		const uint32_t pick = 1 + random_below(100);

		if (used[pick]) {
			cr_assert(frame_unref(&memory[pick]));
			frames_put(&frames, pick);
			used[pick] = false;
			free_count++;
			continue;
		}

		const uint32_t n = frames_take(&frames);

		cr_assert_eq(n == 0, free_count == 0);
		if (n == 0)
			continue;
		cr_assert_not(used[n]);
		cr_assert_eq(frame_refs(&memory[n]), 1);
		used[n] = true;
		free_count--;
		cr_assert_eq(frames.free_count, free_count);
	}
}

Test(frames, only_used_ones_are_dirty)
{
	static struct frame memory[3];
	struct frames frames;

	frames_init(&frames, memory);
	cr_assert_eq(frames_take(&frames), 0);
	frames_add(&frames, 2);
	cr_assert_eq(frames_take(&frames), 1);
	cr_assert_eq(memory[1].next & FRAME_DIRTY, 0);
	frame_ref(&memory[1]);
	cr_assert_not(frame_unref(&memory[1]));
	cr_assert(frame_unref(&memory[1]));
	frames_put(&frames, 1);
	cr_assert_eq(frames_take(&frames), 1);
	cr_assert_neq(memory[1].next & FRAME_DIRTY, 0);
	cr_assert(frame_own_acquire(&memory[1]));
	cr_assert_not(frame_own_acquire(&memory[1]));
	frame_own_release(&memory[1]);
	cr_assert(frame_own_acquire(&memory[1]));
}

Test(frames, code_is_remembered_while_they_are_free)
{
	static struct frame memory[4];
	struct frames frames;

	frames_init(&frames, memory);
	frames_add(&frames, 3);
	for (uint32_t n = 1; n <= 3; n++)
		cr_assert_eq(frames_take(&frames), n);
	frame_executable(&memory[2]);
	for (uint32_t n = 1; n <= 3; n++)
		frames_put(&frames, n);
	for (uint32_t n = 3; n >= 1; n--) {
		cr_assert_eq(frames_take(&frames), n);
		cr_assert_eq(memory[n].next,
			     FRAME_DIRTY | FRAME_WINDOWED | (n == 2 ? FRAME_CODE : 0));
	}
	cr_assert_eq(frames_take(&frames), 0);
}

Test(account, limits_hold_exactly)
{
	struct account account = {.limit = 10};
	struct account open = {.limit = 0};

	cr_assert_eq(account_charge(&account, 10), ERR_OK);
	cr_assert_eq(account_charge(&account, 1), ERR_LIMIT);
	cr_assert_eq(account.pages, 10);
	account_uncharge(&account, 4);
	cr_assert_eq(account_charge(&account, 5), ERR_LIMIT);
	cr_assert_eq(account_charge(&account, UINT64_MAX), ERR_LIMIT);
	cr_assert_eq(account_charge(&account, 4), ERR_OK);
	cr_assert_eq(account.peak, 10);
	cr_assert_eq(account_charge(&open, 1ull << 40), ERR_OK);
}
