/* SPDX-License-Identifier: BSD-2-Clause */
#include "apart.h"

#include "mm.h"
#include "region_pool.h"
#include "shared.h"

enum error apart_charge(struct space *space, uint64_t pages)
{
	enum error error = account_charge(&space->account, pages);

	if (error == ERR_OK)
		space->apart += (int64_t)pages;
	return error;
}

void apart_uncharge(struct space *space, uint64_t pages)
{
	account_uncharge(&space->account, pages);
	space->apart -= (int64_t)pages;
}

/* Whether a region more takes a page more.  The first ones of a space are free. */
static bool region_takes_page(const struct space *space)
{
	return (space->regions.count + 1) % REGIONS_PER_PAGE == 0;
}

enum error region_charge(struct space *space)
{
	if (space->regions.count >= MM_REGIONS_MAX)
		return ERR_LIMIT;
	return region_takes_page(space) ? apart_charge(space, 1) : ERR_OK;
}

void region_charge_past(struct space *space)
{
	if (!region_takes_page(space))
		return;
	account_add(&space->account, 1);
	space->apart++;
}

/* One less than are charged. */
void region_uncharge(struct space *space)
{
	if (region_takes_page(space))
		apart_uncharge(space, 1);
}

/* 0: an unused place. */
static struct holding *holding_find(struct space *space, uint32_t id)
{
	for (unsigned i = 0; i < MM_OBJECTS_MAX; i++)
		if (space->holdings[i].id == id)
			return &space->holdings[i];
	return NULL;
}

/* Who made an object, or has a region of it, pays for all of it, once: as long as one of them is there all of
 * it may be. */
static enum error object_hold(struct space *space, uint32_t id)
{
	struct holding *holding = holding_find(space, id);

	if (holding == NULL) {
		holding = holding_find(space, 0);
		if (holding == NULL)
			return ERR_LIMIT;

		enum error error = apart_charge(space, shared_cost(id));

		if (error != ERR_OK)
			return error;
		holding->id = id;
		space->objects++;
	}
	holding->uses++;
	return ERR_OK;
}

/* One use less; `cost` is from before, when it surely existed. */
static void object_release(struct space *space, uint32_t id, uint64_t cost)
{
	struct holding *holding = holding_find(space, id);

	if (--holding->uses != 0)
		return;
	holding->id = 0;
	space->objects--;
	apart_uncharge(space, cost);
}

enum error object_attach_again(struct space *space, uint32_t id)
{
	enum error error = object_hold(space, id);

	if (error == ERR_OK)
		shared_attach_again(id);
	return error;
}

void object_detach(struct space *space, uint32_t id)
{
	const uint64_t cost = shared_cost(id);

	shared_detach(id);
	object_release(space, id, cost);
}

enum error space_shared_new(struct space *space, uint64_t bytes, uint32_t *id)
{
	enum error error = shared_new(space->pid, bytes, id);
	bool more;

	if (error != ERR_OK)
		return error;
	error = object_hold(space, *id);
	if (error != ERR_OK && shared_free(space->pid, *id, UINT32_MAX, &more) != ERR_OK)
		mm_panic("undoing a shared object", ERR_INTERNAL);
	return error;
}

enum error space_shared_free(struct space *space, uint32_t id, uint32_t most, bool *more)
{
	const uint64_t cost = shared_cost(id);
	enum error error = shared_free(space->pid, id, most, more);

	if (error == ERR_OK && !*more)
		object_release(space, id, cost);
	return error;
}

void space_shared_free_all(struct space *space)
{
	bool more;

	/* What is left has been made by it. */
	for (unsigned i = 0; space->objects != 0; i++)
		if (space->holdings[i].id != 0 &&
		    space_shared_free(space, space->holdings[i].id, UINT32_MAX, &more) != ERR_OK)
			mm_panic("freeing a shared object", ERR_INTERNAL);
}

enum error object_attach(struct space *space, const struct region *region)
{
	enum error error = shared_attach(space->pid, region->object, region->object_page,
					 (region->end - region->start) / PAGE_SIZE);

	if (error != ERR_OK)
		return error;
	error = object_hold(space, region->object);
	if (error != ERR_OK)
		shared_detach(region->object);
	return error;
}
