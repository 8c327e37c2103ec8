/* SPDX-License-Identifier: BSD-2-Clause */
#include "shared.h"

#include "lock.h"
#include "memory.h"
#include "mm.h"
#include "nodes.h"

#define OBJECTS_MAX 1024u
#define OWN_MAX     32u /* objects of one owner */
#define ALLOW_MAX   8u

struct object {
	uint32_t users; /* regions, + 1 until it is freed; 0: entry unused */
	uint32_t owner; /* 0: freed */
	uint32_t generation;
	uint32_t allow_count;
	bool allow_all;
	uint32_t allow[ALLOW_MAX];
	uint64_t pages;
	struct pagemap map; /* page of the object -> PAGE_USED | frame */
};

static struct lock shared_lock = {0, LOCK_SHARED};
static struct object objects[OBJECTS_MAX];
static uint32_t objects_used; /* entries in use */

void shared_init(void)
{
	for (uint32_t i = 0; i < OBJECTS_MAX; i++)
		objects[i].map = (struct pagemap){.ops = &nodes_ops};
}

/* An id is the index and a generation, so an old id finds nothing.  0 is no object. */
static struct object *object_find(uint32_t id)
{
	struct object *object = &objects[id % OBJECTS_MAX];

	return object->users != 0 && object->generation == id / OBJECTS_MAX ? object : NULL;
}

/* Lock held. */
static uint32_t owned_by(uint32_t owner)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < OBJECTS_MAX && objects_used != 0; i++)
		count += objects[i].users != 0 && objects[i].owner == owner;
	return count;
}

uint32_t shared_owner(uint32_t id)
{
	const struct object *object;
	uint32_t owner;

	lock_take(&shared_lock);
	object = object_find(id);
	owner = object != NULL ? object->owner : 0;
	lock_give(&shared_lock);
	return owner;
}

uint64_t shared_cost(uint32_t id)
{
	const struct object *object;
	uint64_t cost = 0;

	lock_take(&shared_lock);
	object = object_find(id);
	if (object != NULL)
		cost = object->pages + pagemap_nodes_max(object->pages);
	lock_give(&shared_lock);
	return cost;
}

enum error shared_new(uint32_t owner, uint64_t bytes, uint32_t *id)
{
	enum error error = ERR_NO_MEMORY;

	if (bytes == 0 || bytes > MM_AREA_VADDR_MAX - MM_AREA_VADDR_MIN)
		return ERR_RANGE;
	lock_take(&shared_lock);
	if (owned_by(owner) >= OWN_MAX)
		error = ERR_LIMIT;
	for (uint32_t i = 0; i < OBJECTS_MAX && error == ERR_NO_MEMORY; i++) {
		struct object *object = &objects[i];

		if (object->users != 0)
			continue;
		objects_used++;
		object->users = 1;
		object->owner = owner;
		object->generation = object->generation % 0x3fffffu + 1;
		object->allow_count = 0;
		object->allow_all = false;
		object->pages = (bytes + PAGE_SIZE - 1) / PAGE_SIZE;
		*id = object->generation * OBJECTS_MAX + i;
		error = ERR_OK;
	}
	lock_give(&shared_lock);
	return error;
}

/* Lock held. */
static enum error object_own(uint32_t owner, uint32_t id, struct object **found)
{
	*found = object_find(id);
	if (*found == NULL)
		return ERR_NOT_FOUND;
	return (*found)->owner == owner ? ERR_OK : ERR_PERMISSION;
}

enum error shared_allow(uint32_t owner, uint32_t id, uint32_t pid)
{
	struct object *object;

	lock_take(&shared_lock);

	enum error error = object_own(owner, id, &object);

	if (error == ERR_OK && pid == 0)
		object->allow_all = true;
	else if (error == ERR_OK && object->allow_count == ALLOW_MAX)
		error = ERR_LIMIT;
	else if (error == ERR_OK)
		object->allow[object->allow_count++] = pid;
	lock_give(&shared_lock);
	return error;
}

/* Lock held. */
static void object_put(struct object *object)
{
	uint64_t page = 0;
	uint64_t *entry;

	if (--object->users != 0)
		return;
	objects_used--;
	while ((entry = pagemap_next(&object->map, &page, object->pages)) != NULL) {
		frame_drop(page_frame(*entry));
		*entry = 0;
		page++;
	}
	pagemap_free(&object->map, NULL, NULL);
}

static void object_free(struct object *object)
{
	object->owner = 0;
	object_put(object);
}

enum error shared_free(uint32_t owner, uint32_t id)
{
	struct object *object;

	lock_take(&shared_lock);

	enum error error = object_own(owner, id, &object);

	if (error == ERR_OK)
		object_free(object);
	lock_give(&shared_lock);
	return error;
}

void shared_free_all(uint32_t owner)
{
	lock_take(&shared_lock);
	for (uint32_t i = 0; i < OBJECTS_MAX && objects_used != 0; i++)
		if (objects[i].users != 0 && objects[i].owner == owner)
			object_free(&objects[i]);
	lock_give(&shared_lock);
}

static bool object_allows(const struct object *object, uint32_t pid)
{
	if (object->allow_all || object->owner == pid)
		return true;
	for (uint32_t i = 0; i < object->allow_count; i++)
		if (object->allow[i] == pid)
			return true;
	return false;
}

enum error shared_attach(uint32_t pid, uint32_t id, uint64_t first, uint64_t count)
{
	enum error error = ERR_OK;

	lock_take(&shared_lock);

	struct object *object = object_find(id);

	if (object == NULL)
		error = ERR_NOT_FOUND;
	else if (!object_allows(object, pid))
		error = ERR_PERMISSION;
	else if (first > object->pages || count > object->pages - first)
		error = ERR_RANGE;
	else
		object->users++;
	lock_give(&shared_lock);
	return error;
}

void shared_attach_again(uint32_t id)
{
	lock_take(&shared_lock);
	object_find(id)->users++;
	lock_give(&shared_lock);
}

void shared_detach(uint32_t id)
{
	lock_take(&shared_lock);
	object_put(object_find(id));
	lock_give(&shared_lock);
}

uint32_t shared_frame(uint32_t id, uint64_t page)
{
	uint32_t frame = 0;
	struct pagemap_path path;

	lock_take(&shared_lock);

	struct object *object = object_find(id);

	if (pagemap_make(&object->map, page, &path) == ERR_OK) {
		uint64_t *entry = path.entry[PAGEMAP_LEVELS - 1];

		frame = page_frame(*entry);
		if (frame == 0) {
			frame = frame_new(0);
			if (frame != 0)
				*entry = page_entry(frame, 0, PAGE_USED);
		}
	}
	if (frame != 0)
		frame_ref(frame_at(frame));
	lock_give(&shared_lock);
	return frame;
}

uint32_t shared_frames_held(void)
{
	uint32_t held = 0;

	lock_take(&shared_lock);
	for (uint32_t i = 0; i < OBJECTS_MAX; i++) {
		uint64_t page = 0;

		held += objects[i].map.nodes;
		while (pagemap_next(&objects[i].map, &page, objects[i].pages) != NULL) {
			held++;
			page++;
		}
	}
	lock_give(&shared_lock);
	return held;
}
