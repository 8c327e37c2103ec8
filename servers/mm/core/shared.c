/* SPDX-License-Identifier: BSD-2-Clause */
#include "shared.h"

#include "lock.h"
#include "memory.h"
#include "mm.h"
#include "nodes.h"

#define OBJECTS_MAX      (MM_SPACES_MAX * MM_OBJECTS_MAX) /* each is held by a space */
#define OBJECTS_PER_PAGE ((uint32_t)(PAGE_SIZE / sizeof(struct object)))
#define GENERATION_MAX   (UINT32_MAX / OBJECTS_MAX)
#define ALLOW_MAX        8u

struct object {
	uint32_t users; /* regions, + 1 until it is freed; 0: entry unused */
	/* Of an unused one: the next of them + 1, or 0.  Of one that fades: no page is below. */
	uint32_t next;
	uint32_t owner; /* 0: freed */
	uint32_t generation;
	uint32_t allow_count;
	bool allow_all;
	bool fades; /* nobody may map it any more */
	uint32_t allow[ALLOW_MAX];
	uint64_t pages;
	struct pagemap map; /* page of the object -> PAGE_USED | frame */
};

static struct lock shared_lock = {0, LOCK_SHARED};
/* Frames of entries, made when they are needed and kept. */
static uint32_t table[OBJECTS_MAX / OBJECTS_PER_PAGE + 1];
static uint32_t objects_seen; /* entries that were ever used */
static uint32_t objects_free; /* an unused one of them + 1, or 0 */

static struct object *object_at(uint32_t index)
{
	return (struct object *)frame_window(table[index / OBJECTS_PER_PAGE]) +
	       index % OBJECTS_PER_PAGE;
}

/* An id is the index and a generation, so an old id finds nothing.  0 is no object. */
static struct object *object_find(uint32_t id)
{
	const uint32_t index = id % OBJECTS_MAX;
	struct object *object = index < objects_seen ? object_at(index) : NULL;

	return object != NULL && object->users != 0 && object->generation == id / OBJECTS_MAX
		       ? object
		       : NULL;
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

/* An entry that is not in use.  Lock held. */
static enum error entry_take(uint32_t *index)
{
	uint32_t *frame = &table[objects_seen / OBJECTS_PER_PAGE];

	if (objects_free != 0) {
		*index = objects_free - 1;
		objects_free = object_at(*index)->next;
		return ERR_OK;
	}
	if (objects_seen == OBJECTS_MAX)
		return ERR_NO_MEMORY;
	if (*frame == 0)
		*frame = frame_new(0);
	if (*frame == 0)
		return ERR_NO_MEMORY;
	*index = objects_seen++;
	return ERR_OK;
}

enum error shared_new(uint32_t owner, uint64_t bytes, uint32_t *id)
{
	uint32_t index;

	if (bytes == 0 || bytes > MM_AREA_VADDR_MAX - MM_AREA_VADDR_MIN)
		return ERR_RANGE;
	lock_take(&shared_lock);

	enum error error = entry_take(&index);

	if (error == ERR_OK) {
		struct object *object = object_at(index);
		const uint32_t generation = object->generation % GENERATION_MAX + 1;

		*object = (struct object){.users = 1,
					  .owner = owner,
					  .generation = generation,
					  .pages = (bytes + PAGE_SIZE - 1) / PAGE_SIZE,
					  .map = {.ops = &nodes_ops}};
		*id = generation * OBJECTS_MAX + index;
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

/* Lock held.  So many pages at most, from *page on; how many there were. */
static uint32_t object_pages_drop(struct object *object, uint64_t *page, uint32_t most)
{
	uint32_t count = 0;
	uint64_t *entry;

	while (count < most && (entry = pagemap_next(&object->map, page, object->pages)) != NULL) {
		frame_drop(page_frame(*entry));
		*entry = 0;
		(*page)++;
		count++;
	}
	return count;
}

/* Lock held.  What shared_fade() does. */
static uint32_t object_fade(struct object *object, uint32_t most)
{
	uint64_t page = object->fades ? object->next : 0;
	uint32_t count;

	if (object->users != 1)
		return 0;
	object->fades = true;
	count = object_pages_drop(object, &page, most);
	object->next = (uint32_t)page;
	return count;
}

uint32_t shared_fade(uint32_t id, uint32_t most)
{
	lock_take(&shared_lock);

	const uint32_t count = object_fade(object_find(id), most);

	lock_give(&shared_lock);
	return count;
}

/* Lock held. */
static void object_put(uint32_t id)
{
	struct object *object = object_find(id);
	uint64_t page = 0;

	if (--object->users != 0)
		return;
	(void)object_pages_drop(object, &page, UINT32_MAX);
	pagemap_free(&object->map, NULL, NULL);
	object->next = objects_free;
	objects_free = id % OBJECTS_MAX + 1;
}

enum error shared_free(uint32_t owner, uint32_t id, uint32_t most, bool *more)
{
	struct object *object;

	lock_take(&shared_lock);

	enum error error = object_own(owner, id, &object);

	*more = error == ERR_OK && object_fade(object, most) == most;
	if (error == ERR_OK && !*more) {
		object->owner = 0;
		object_put(id);
	}
	lock_give(&shared_lock);
	return error;
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

	if (object == NULL || object->fades)
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
	object_put(id);
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
	if (object->fades && page < object->next)
		object->next = (uint32_t)page;
	lock_give(&shared_lock);
	return frame;
}

uint32_t shared_frames_held(void)
{
	uint32_t held = 0;

	lock_take(&shared_lock);
	for (uint32_t i = 0; i < objects_seen; i++) {
		const struct object *object = object_at(i);
		uint64_t page = 0;

		held += object->map.nodes;
		while (pagemap_next(&object->map, &page, object->pages) != NULL) {
			held++;
			page++;
		}
	}
	lock_give(&shared_lock);
	return held;
}

uint32_t shared_table_frames(void)
{
	lock_take(&shared_lock);

	const uint32_t frames = (objects_seen + OBJECTS_PER_PAGE - 1) / OBJECTS_PER_PAGE;

	lock_give(&shared_lock);
	return frames;
}
