/* SPDX-License-Identifier: BSD-2-Clause */
#include "region.h"

static struct region *region_of(struct rb_node *node)
{
	return node == NULL ? NULL : container_of(node, struct region, node);
}

struct region *region_first_from(const struct region_set *set, uint64_t vaddr)
{
	struct region *best = NULL;
	struct rb_node *node = set->tree.root;

	while (node != NULL) {
		struct region *region = region_of(node);

		if (region->end > vaddr) {
			best = region;
			node = node->left;
		} else {
			node = node->right;
		}
	}
	return best;
}

struct region *region_find(const struct region_set *set, uint64_t vaddr)
{
	struct region *region = region_first_from(set, vaddr);

	return region != NULL && region->start <= vaddr ? region : NULL;
}

struct region *region_next(const struct region *region)
{
	return region_of(rb_next(&region->node));
}

static void region_link(struct region_set *set, struct region *region)
{
	struct rb_node **link = &set->tree.root;
	struct rb_node *parent = NULL;

	while (*link != NULL) {
		parent = *link;
		link = region->start < region_of(parent)->start ? &parent->left : &parent->right;
	}
	rb_insert(&set->tree, &region->node, parent, link, rb_update_none);
	set->count++;
}

enum error region_insert(struct region_set *set, struct region *region)
{
	const uint64_t mask = PAGE_SIZE - 1;

	if (region->start >= region->end || ((region->start | region->end) & mask) != 0)
		return ERR_ARG;

	const struct region *other = region_first_from(set, region->start);

	if (other != NULL && other->start < region->end)
		return ERR_EXISTS;
	region_link(set, region);
	set->bytes += region->end - region->start;
	return ERR_OK;
}

void region_erase(struct region_set *set, struct region *region)
{
	rb_erase(&set->tree, &region->node, rb_update_none);
	set->count--;
	set->bytes -= region->end - region->start;
}

void region_split(struct region_set *set, struct region *region, uint64_t vaddr,
		  struct region *upper)
{
	const uint64_t below = vaddr - region->start;

	*upper = *region;
	upper->start = vaddr;
	upper->guard = 0;
	upper->file_offset += below;
	upper->file_bytes = region->file_bytes > below ? region->file_bytes - below : 0;
	upper->object_page += below / PAGE_SIZE;
	if (region->file_bytes > below)
		region->file_bytes = below;
	region->end = vaddr;
	region_link(set, upper);
}

uint64_t region_gap(const struct region_set *set, uint64_t bytes, uint64_t min, uint64_t max)
{
	uint64_t at = min;
	const struct region *region = region_first_from(set, min);

	while (at <= max && max - at >= bytes) {
		if (region == NULL || (region->start >= at && region->start - at > bytes))
			return at;
		at = region->end + PAGE_SIZE;
		region = region_next(region);
	}
	return 0;
}

bool region_covers(const struct region_set *set, uint64_t start, uint64_t end)
{
	const struct region *region = region_find(set, start);

	while (region != NULL && region->start <= start) {
		if (region->end >= end)
			return true;
		start = region->end;
		region = region_next(region);
	}
	return false;
}

bool region_check(const struct region_set *set)
{
	uint64_t last = 0;
	uint64_t bytes = 0;
	uint32_t count = 0;

	for (struct rb_node *node = rb_first(&set->tree); node != NULL; node = rb_next(node)) {
		const struct region *region = region_of(node);

		if (region->start < last || region->start >= region->end)
			return false;
		last = region->end;
		bytes += region->end - region->start;
		count++;
	}
	return rb_check(&set->tree) && bytes == set->bytes && count == set->count;
}
