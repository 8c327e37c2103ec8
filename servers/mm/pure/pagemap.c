/* SPDX-License-Identifier: BSD-2-Clause */
#include "pagemap.h"

#define FANOUT_BITS 9u
#define FANOUT      512u
#define GROUP       64u /* entries of a node that one flag of its inner entry stands for */

static uint64_t *node_at(const struct pagemap *map, uint64_t ref)
{
	return map->ops->nodes + (size_t)page_frame(ref) * FANOUT;
}

static unsigned level_shift(unsigned level)
{
	return FANOUT_BITS * (2u - level);
}

static uint32_t node_index(uint64_t page, unsigned level)
{
	return (uint32_t)(page >> level_shift(level)) & (FANOUT - 1u);
}

/* The first from `index` to `end`, a multiple of four, that is not 0, or `end`.  Few are: four at once. */
static uint32_t group_next(const uint64_t *entries, uint32_t index, uint32_t end)
{
	for (; index % 4u != 0; index++)
		if (entries[index] != 0)
			return index;
	for (; index < end; index += 4u)
		if ((entries[index] | entries[index + 1] | entries[index + 2] |
		     entries[index + 3]) != 0)
			break;
	while (index < end && entries[index] == 0)
		index++;
	return index;
}

/* The first entry from `index` on that is not 0; FANOUT: none. */
static uint32_t entry_next(uint64_t ref, const uint64_t *entries, uint32_t index)
{
	while (index < FANOUT) {
		const uint32_t end = (index | (GROUP - 1u)) + 1u;

		if ((ref >> (index / GROUP) & 1u) != 0) {
			index = group_next(entries, index, end);
			if (index != end)
				return index;
		}
		index = end;
	}
	return FANOUT;
}

static enum error node_make(struct pagemap *map, uint64_t *ref)
{
	uint32_t node = map->ops->node_new(map->context);

	if (node == 0)
		return ERR_NO_MEMORY;
	*ref |= page_entry(node, 0, 0);
	map->nodes++;
	return ERR_OK;
}

static __attribute__((noinline)) enum error path_make(struct pagemap *map, uint64_t page,
						      struct pagemap_path *path)
{
	uint64_t *ref = &map->root;

	if (page >= PAGEMAP_PAGES)
		return ERR_RANGE;
	for (unsigned level = 0; level < PAGEMAP_LEVELS; level++) {
		const uint32_t index = node_index(page, level);

		if (page_frame(*ref) == 0 && node_make(map, ref) != ERR_OK)
			return ERR_NO_MEMORY;
		*ref |= 1ull << (index / GROUP);
		ref = node_at(map, *ref) + index;
		path->entry[level] = ref;
	}
	return ERR_OK;
}

/* Mostly all of it is there: then nothing is called and nothing written. */
enum error pagemap_make(struct pagemap *map, uint64_t page, struct pagemap_path *path)
{
	uint64_t ref = map->root;

	for (unsigned level = 0; level < PAGEMAP_LEVELS; level++) {
		const uint32_t index = node_index(page, level);

		if ((ref >> (index / GROUP) & 1u) == 0)
			return path_make(map, page, path);
		path->entry[level] = node_at(map, ref) + index;
		ref = *path->entry[level];
	}
	return page < PAGEMAP_PAGES ? ERR_OK : ERR_RANGE;
}

bool pagemap_complete(const struct pagemap *map, uint64_t page)
{
	uint64_t ref = map->root;

	/* The root's table is the space itself. */
	for (unsigned level = 0; level < PAGEMAP_LEVELS; level++) {
		if (page_frame(ref) == 0 || (level != 0 && page_slot(ref) == 0))
			return false;
		ref = node_at(map, ref)[node_index(page, level)];
	}
	return page < PAGEMAP_PAGES;
}

uint64_t *pagemap_next_some(const struct pagemap *map, uint64_t *page, uint64_t end,
			    uint32_t *steps)
{
	if (map->root == 0)
		*page = end;
	for (; *page < end && *steps != 0; (*steps)--) {
		uint64_t ref = map->root;

		for (unsigned level = 0; level < PAGEMAP_LEVELS; level++) {
			uint64_t *entries = node_at(map, ref);
			const uint32_t index = node_index(*page, level);
			const uint32_t next = entry_next(ref, entries, index);

			/* Next may be FANOUT, and then is carried to the level above. */
			if (next != index)
				*page = ((*page >> level_shift(level)) - index + next)
					<< level_shift(level);
			if (next == FANOUT || *page >= end)
				break;
			if (level == PAGEMAP_LEVELS - 1) {
				(*steps)--;
				return &entries[next];
			}
			ref = entries[next];
		}
	}
	return NULL;
}

uint64_t *pagemap_next(const struct pagemap *map, uint64_t *page, uint64_t end)
{
	uint64_t *entry;

	if (map->root == 0)
		return NULL;
	do {
		uint32_t steps = UINT32_MAX;

		entry = pagemap_next_some(map, page, end, &steps);
	} while (entry == NULL && *page < end);
	return entry;
}

static void node_drop(struct pagemap *map, uint64_t *ref)
{
	map->ops->node_free(map->context, page_frame(*ref));
	map->nodes--;
	*ref = 0;
}

/* The node of an inner entry, which holds none any more, and its hardware table. */
static void inner_free(struct pagemap *map, uint64_t *inner,
		       void (*table)(void *context, uint32_t slot), void *context)
{
	const uint32_t slot = page_slot(*inner);

	node_drop(map, inner);
	if (slot != 0)
		table(context, slot);
}

void pagemap_free(struct pagemap *map, void (*table)(void *context, uint32_t slot), void *context)
{
	uint64_t *high;

	if (map->root == 0)
		return;
	high = node_at(map, map->root);
	for (uint32_t i = 0; (i = entry_next(map->root, high, i)) < FANOUT; i++) {
		uint64_t *low = node_at(map, high[i]);

		for (uint32_t j = 0; (j = entry_next(high[i], low, j)) < FANOUT; j++)
			inner_free(map, &low[j], table, context);
		inner_free(map, &high[i], table, context);
	}
	node_drop(map, &map->root);
}
