/* SPDX-License-Identifier: BSD-2-Clause */
#include "pagemap.h"

#define FANOUT_BITS 9u
#define FANOUT      512u

static void *node_at(const struct pagemap *map, uint32_t node)
{
	return map->ops->node_at(map->context, node);
}

static uint32_t node_index(uint64_t page, unsigned level)
{
	return (uint32_t)(page >> (FANOUT_BITS * (2u - level))) & (FANOUT - 1u);
}

struct pagemap_inner *pagemap_inner(const struct pagemap *map, uint64_t page, unsigned level)
{
	uint32_t node = map->root;

	if (page >= PAGEMAP_PAGES)
		return NULL;
	for (unsigned at = 0; node != 0; at++) {
		struct pagemap_inner *inner = node_at(map, node);

		inner += node_index(page, at);
		if (at == level)
			return inner;
		node = inner->node;
	}
	return NULL;
}

uint64_t *pagemap_find(const struct pagemap *map, uint64_t page)
{
	const struct pagemap_inner *inner = pagemap_inner(map, page, 1);

	if (inner == NULL || inner->node == 0)
		return NULL;
	return (uint64_t *)node_at(map, inner->node) + node_index(page, 2);
}

static enum error node_make(struct pagemap *map, uint32_t *node)
{
	if (*node != 0)
		return ERR_OK;
	*node = map->ops->node_new(map->context);
	if (*node == 0)
		return ERR_NO_MEMORY;
	map->nodes++;
	return ERR_OK;
}

enum error pagemap_make(struct pagemap *map, uint64_t page, uint64_t **entry)
{
	uint32_t *node = &map->root;

	if (page >= PAGEMAP_PAGES)
		return ERR_RANGE;
	for (unsigned level = 0;; level++) {
		enum error error = node_make(map, node);

		if (error != ERR_OK)
			return error;
		if (level == 2)
			break;
		node = &((struct pagemap_inner *)node_at(map, *node))[node_index(page, level)].node;
	}
	*entry = (uint64_t *)node_at(map, *node) + node_index(page, 2);
	return ERR_OK;
}

uint64_t *pagemap_next(const struct pagemap *map, uint64_t *page, uint64_t end)
{
	while (*page < end) {
		const struct pagemap_inner *high = pagemap_inner(map, *page, 0);
		const struct pagemap_inner *low;

		if (high == NULL)
			return NULL;
		if (high->node == 0) {
			*page = (*page | (FANOUT * FANOUT - 1u)) + 1u;
			continue;
		}
		low = pagemap_inner(map, *page, 1);
		if (low->node == 0) {
			*page = (*page | (FANOUT - 1u)) + 1u;
			continue;
		}

		uint64_t *leaf = node_at(map, low->node);

		do {
			if (leaf[node_index(*page, 2)] != 0)
				return &leaf[node_index(*page, 2)];
			(*page)++;
		} while (*page < end && node_index(*page, 2) != 0);
	}
	return NULL;
}

static void node_drop(struct pagemap *map, uint32_t *node)
{
	map->ops->node_free(map->context, *node);
	map->nodes--;
	*node = 0;
}

static void inner_free(struct pagemap *map, struct pagemap_inner *inner,
		       void (*table)(void *context, uint32_t slot), void *context)
{
	if (inner->node != 0)
		node_drop(map, &inner->node);
	if (inner->table != 0)
		table(context, inner->table);
	inner->table = 0;
}

void pagemap_free(struct pagemap *map, void (*table)(void *context, uint32_t slot), void *context)
{
	if (map->root == 0)
		return;

	struct pagemap_inner *high = node_at(map, map->root);

	for (uint32_t i = 0; i < FANOUT; i++) {
		if (high[i].node != 0) {
			struct pagemap_inner *low = node_at(map, high[i].node);

			for (uint32_t j = 0; j < FANOUT; j++)
				inner_free(map, &low[j], table, context);
		}
		inner_free(map, &high[i], table, context);
	}
	node_drop(map, &map->root);
}
