/* SPDX-License-Identifier: BSD-2-Clause */
#include "space.h"

#include <abi/bootinfo.h>
#include <libsys/objects.h>

#include "apart.h"
#include "memory.h"
#include "mm.h"
#include "nodes.h"
#include "page.h"
#include "region_pool.h"
#include "shared.h"

static struct space spaces[MM_SPACES_MAX];

void spaces_init(void)
{
	for (uint32_t i = 0; i < MM_SPACES_MAX; i++)
		spaces[i].lock.number = LOCK_SPACE_FIRST + i;
}

struct space *space_enter(uint32_t pid)
{
	struct space *space = &spaces[pid % MM_SPACES_MAX];

	lock_take(&space->lock);
	if (pid != 0 && space->pid == pid)
		return space;
	lock_give(&space->lock);
	return NULL;
}

void space_leave(struct space *space)
{
	lock_give(&space->lock);
}

enum error space_new(uint32_t pid, uint64_t limit_pages, uint32_t *vspace)
{
	struct space *space = &spaces[pid % MM_SPACES_MAX];
	enum error error = ERR_OK;

	if (pid == 0)
		return ERR_ARG;
	lock_take(&space->lock);
	if (space->pid != 0) {
		error = ERR_EXISTS;
	} else {
		space->vspace = vspace_new();
		if (space->vspace == 0)
			error = ERR_NO_MEMORY;
	}
	if (error == ERR_OK) {
		/* Atomic: spaces_stats() looks without the lock. */
		__atomic_store_n(&space->pid, pid, __ATOMIC_RELAXED);
		space->regions = (struct region_set){.tree = {NULL}};
		space->map = (struct pagemap){.ops = &nodes_ops};
		space->account = (struct account){.limit = limit_pages};
		space->apart = 0;
		space->tables = 0;
		*vspace = space->vspace;
	}
	lock_give(&space->lock);
	return error;
}

static void region_drop(struct space *space, struct region *region)
{
	region_erase(&space->regions, region);
	region_uncharge(space);
	if (region->kind == MM_KIND_SHARED)
		object_detach(space, region->object);
	region_free(region);
}

/* All used pages of [start, end).  Returns how many there were. */
static uint64_t pages_drop(struct space *space, uint64_t start, uint64_t end)
{
	uint64_t page = start / PAGE_SIZE;
	uint64_t count = 0;
	uint64_t *entry;

	while ((entry = pagemap_next(&space->map, &page, end / PAGE_SIZE)) != NULL) {
		page_drop(space, entry);
		count++;
		page++;
	}
	return count;
}

/* At most so many, or tables without any, that it is soon done; *end is then where the rest begins. */
static uint64_t pages_drop_some(struct space *space, uint64_t start, uint64_t *end)
{
	uint64_t page = start / PAGE_SIZE;
	uint64_t count = 0;
	uint32_t steps = MM_WORK_MAX;
	uint64_t *entry;

	while ((entry = pagemap_next_some(&space->map, &page, *end / PAGE_SIZE, &steps)) != NULL) {
		page_drop(space, entry);
		count++;
		page++;
	}
	if (page < *end / PAGE_SIZE)
		*end = page * PAGE_SIZE;
	return count;
}

static void table_unmap(void *context, uint32_t slot)
{
	enum error error = page_table_unmap(slot);

	(void)context;
	if (error != ERR_OK)
		mm_panic("unmapping a page table", error);
	table_free(slot);
}

enum error space_free(uint32_t pid, uint64_t *pages)
{
	struct space *space = space_enter(pid);

	if (space == NULL)
		return ERR_NOT_FOUND;
	/* The process server's copies of the capability; the space itself is kept for the next. */
	enum error error = cnode_revoke(MM_SLOT_CNODE, space->vspace);

	if (error != ERR_OK)
		mm_panic("revoking a VSpace", error);
	*pages = pages_drop(space, 0, USER_VADDR_MAX);
	for (struct region *region; (region = region_first_from(&space->regions, 0)) != NULL;)
		region_drop(space, region);
	space_shared_free_all(space);
	pagemap_free(&space->map, table_unmap, NULL);
	vspace_free(space->vspace);
	__atomic_store_n(&space->pid, 0, __ATOMIC_RELAXED);
	space_leave(space);
	return ERR_OK;
}

/* The hardware table that `inner` stands for. */
static enum error table_make(struct space *space, uint64_t *inner, uint64_t vaddr)
{
	unsigned level;

	if (page_slot(*inner) != 0)
		return ERR_OK;

	uint32_t table = table_new();

	if (table == 0)
		return ERR_NO_MEMORY;

	enum error error = page_table_map(table, space->vspace, vaddr, &level);

	if (error != ERR_OK)
		mm_panic("mapping a page table", error);
	*inner |= page_entry(0, table, 0);
	space->tables++;
	space->apart++;
	return ERR_OK;
}

/* At the limit no tables are made any more. */
static bool space_full(const struct space *space, uint64_t vaddr)
{
	const struct account *account = &space->account;

	return account->limit != 0 && account->pages >= account->limit &&
	       !pagemap_complete(&space->map, vaddr / PAGE_SIZE);
}

enum error space_tables(struct space *space, uint64_t vaddr, uint64_t **entry)
{
	const uint32_t before = space->map.nodes + space->tables;
	struct pagemap_path path;

	if (space_full(space, vaddr))
		return ERR_LIMIT;

	enum error error = pagemap_make(&space->map, vaddr / PAGE_SIZE, &path);

	for (unsigned level = 0; level < PAGEMAP_LEVELS - 1 && error == ERR_OK; level++)
		error = table_make(space, path.entry[level], vaddr);
	/* They may pass the limit, by what one page needs. */
	account_add(&space->account, space->map.nodes + space->tables - before);
	if (error == ERR_OK)
		*entry = path.entry[PAGEMAP_LEVELS - 1];
	return error;
}

static bool range_good(uint64_t start, uint64_t end)
{
	return start < end && start >= USER_VADDR_MIN && end <= USER_VADDR_MAX &&
	       ((start | end) & (PAGE_SIZE - 1)) == 0;
}

/* A FILE region: vaddr, offset and bytes need not be page multiples. */
static enum error file_region(const struct map_args *args, struct region *region)
{
	const struct mm_start *start = mm_start_page();
	const uint64_t position = start->archive_start + args->offset;
	const uint64_t delta = position % PAGE_SIZE;

	if (args->offset > start->archive_bytes ||
	    args->file_bytes > start->archive_bytes - args->offset ||
	    args->file_bytes > args->bytes)
		return ERR_RANGE;
	if (args->vaddr != 0 && args->vaddr % PAGE_SIZE != delta)
		return ERR_ALIGN;
	region->start = args->vaddr - (args->vaddr != 0 ? delta : 0);
	region->end = region->start + ((args->bytes + delta + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1ull));
	region->file_offset = position - delta;
	region->file_bytes = args->file_bytes + delta;
	return ERR_OK;
}

static enum error region_fill(struct space *space, const struct map_args *args,
			      struct region *region)
{
	const uint32_t kind = (args->flags >> MM_KIND_SHIFT) & 0xffu;
	enum error error = ERR_OK;

	*region = (struct region){.start = args->vaddr,
				  .end = args->vaddr + args->bytes,
				  .kind = kind,
				  .prot = args->flags & MM_PROT_MASK};
	if (args->bytes == 0 || args->bytes > USER_VADDR_MAX || args->vaddr > USER_VADDR_MAX ||
	    kind >= MM_KIND_COUNT)
		return ERR_RANGE;
	if ((args->flags & MM_MAP_EAGER) != 0 && args->bytes > MM_WORK_MAX * PAGE_SIZE)
		return ERR_RANGE;
	if ((region->prot & (MM_PROT_WRITE | MM_PROT_EXECUTE)) == (MM_PROT_WRITE | MM_PROT_EXECUTE))
		return ERR_PERMISSION;
	if (kind == MM_KIND_FILE) {
		error = file_region(args, region);
	} else if (kind == MM_KIND_SHARED) {
		region->object = args->object;
		region->object_page = args->offset / PAGE_SIZE;
		if (args->offset % PAGE_SIZE != 0)
			return ERR_ALIGN;
	} else if (kind == MM_KIND_STACK) {
		region->guard = 1;
	}
	if (error != ERR_OK)
		return error;
	if (args->vaddr == 0) {
		const uint64_t bytes = region->end - region->start;

		region->start = region_gap(&space->regions, bytes, MM_AREA_VADDR_MIN,
					   MM_AREA_VADDR_MAX);
		region->end = region->start + bytes;
		if (region->start == 0)
			return ERR_NO_MEMORY;
	}
	if (!range_good(region->start, region->end) || region->end > BOOTINFO_VADDR)
		return ERR_RANGE;
	return ERR_OK;
}

/* MM_MAP_EAGER. */
static enum error region_populate(struct space *space, const struct region *region)
{
	uint64_t at = region->start + (region->guard != 0 ? PAGE_SIZE : 0);
	enum error error = ERR_OK;

	for (; at < region->end && error == ERR_OK; at += PAGE_SIZE) {
		uint64_t *entry;
		bool raced;

		error = page_resolve(space, at, 0, &entry, &raced);
	}
	return error;
}

/* What it stands for is there, and it is paid for. */
static enum error region_enter(struct space *space, struct region *region)
{
	enum error error = region_charge(space);

	if (error != ERR_OK)
		return error;
	if (region->kind == MM_KIND_SHARED)
		error = object_attach(space, region);
	if (error != ERR_OK) {
		region_uncharge(space);
		return error;
	}
	error = region_insert(&space->regions, region);
	if (error != ERR_OK) {
		region_uncharge(space);
		if (region->kind == MM_KIND_SHARED)
			object_detach(space, region->object);
	}
	return error;
}

enum error space_map(struct space *space, const struct map_args *args, uint64_t *vaddr)
{
	struct region *region = region_new();

	if (region == NULL)
		return ERR_NO_MEMORY;

	enum error error = region_fill(space, args, region);

	if (error == ERR_OK)
		error = region_enter(space, region);
	if (error != ERR_OK) {
		region_free(region);
		return error;
	}
	*vaddr = args->vaddr != 0
			 ? args->vaddr
			 : region->start +
				   (region->kind == MM_KIND_FILE ? args->offset % PAGE_SIZE : 0);
	if ((args->flags & MM_MAP_EAGER) != 0) {
		error = region_populate(space, region);
		if (error != ERR_OK) {
			pages_drop(space, region->start, region->end);
			region_drop(space, region);
		}
	}
	return error;
}

/* The region that has vaddr inside, or NULL. */
static struct region *region_across(const struct space *space, uint64_t vaddr)
{
	struct region *region = region_find(&space->regions, vaddr);

	return region != NULL && region->start != vaddr ? region : NULL;
}

/* Make vaddr a boundary between regions.  `past`: whatever the limit is. */
static enum error region_cut(struct space *space, uint64_t vaddr, bool past)
{
	struct region *region = region_across(space, vaddr);
	struct region *upper;
	enum error error = ERR_OK;

	if (region == NULL)
		return ERR_OK;
	if (past)
		region_charge_past(space);
	else
		error = region_charge(space);
	if (error != ERR_OK)
		return error;
	upper = region_new();
	if (upper == NULL) {
		region_uncharge(space);
		return ERR_NO_MEMORY;
	}
	region_split(&space->regions, region, vaddr, upper);
	if (region->kind == MM_KIND_SHARED && object_attach_again(space, region->object) != ERR_OK)
		mm_panic("cutting a region", ERR_INTERNAL);
	return ERR_OK;
}

/* Those from start to end, which are boundaries, and pages of objects that nobody else has.  Returns where
 * the rest begins: as for pages. */
static uint64_t regions_drop_some(struct space *space, uint64_t start, uint64_t end)
{
	struct region *region = region_first_from(&space->regions, start);
	uint32_t left = MM_WORK_MAX;

	while (region != NULL && region->start < end) {
		struct region *next = region_next(region);

		if (region->kind == MM_KIND_SHARED)
			left -= shared_fade(region->object, left);
		if (left == 0)
			return region->start;
		left--;
		region_drop(space, region);
		region = next;
	}
	return end;
}

enum error space_unmap(struct space *space, uint64_t start, uint64_t *end, uint64_t *pages)
{
	const uint64_t all = *end;
	const uint64_t before = space->account.pages;
	const uint32_t cuts = (region_across(space, start) != NULL ? 1u : 0u) +
			      (region_across(space, all) != NULL ? 1u : 0u);

	if (!range_good(start, all))
		return ERR_RANGE;
	if (space->regions.count + cuts > MM_REGIONS_MAX)
		return ERR_LIMIT;
	/* Who gives memory back is not refused what it takes to keep the rest of a region. */
	*pages = pages_drop_some(space, start, end);

	const bool less = space->account.pages < before;
	enum error error = region_cut(space, start, less);

	/* A region more where the rest begins is only for now: the one before goes. */
	if (error == ERR_OK)
		error = region_cut(space, *end, less || *end != all);
	if (error == ERR_OK)
		*end = regions_drop_some(space, start, *end);
	return error;
}

/* As their regions say, from *done on; at most so many that it is soon done. */
static void pages_protect_some(struct space *space, uint64_t *done, uint64_t end)
{
	uint64_t page = *done / PAGE_SIZE;
	uint32_t steps = MM_WORK_MAX;
	uint64_t *entry;

	while ((entry = pagemap_next_some(&space->map, &page, end / PAGE_SIZE, &steps)) != NULL) {
		page_protect(space, region_find(&space->regions, page * PAGE_SIZE), page, entry);
		page++;
	}
	*done = page * PAGE_SIZE < end ? page * PAGE_SIZE : end;
}

enum error space_protect(struct space *space, uint64_t start, uint64_t end, uint32_t prot,
			 uint64_t *done)
{
	if (!range_good(start, end) || *done < start || *done > end || *done % PAGE_SIZE != 0)
		return ERR_RANGE;
	if ((prot & (MM_PROT_WRITE | MM_PROT_EXECUTE)) == (MM_PROT_WRITE | MM_PROT_EXECUTE))
		return ERR_PERMISSION;
	if (!region_covers(&space->regions, start, end))
		return ERR_NOT_MAPPED;

	enum error error = region_cut(space, start, false);

	if (error == ERR_OK)
		error = region_cut(space, end, false);
	if (error != ERR_OK)
		return error;
	for (struct region *region = region_find(&space->regions, start);
	     region != NULL && region->start < end; region = region_next(region))
		region->prot = prot & MM_PROT_MASK;
	pages_protect_some(space, done, end);
	return ERR_OK;
}

/* The pages of one region, from `from` to `to`; both see them read-only from now on. */
static enum error region_share(struct space *from, struct space *to, const struct region *region,
			       uint64_t *pages)
{
	uint64_t page = region->start / PAGE_SIZE;
	uint64_t *entry;
	uint64_t *copy;

	for (; (entry = pagemap_next(&from->map, &page, region->end / PAGE_SIZE)) != NULL; page++) {
		if ((*entry & (PAGE_ARCHIVE | PAGE_SHARED)) != 0)
			continue;

		enum error error = space_tables(to, page * PAGE_SIZE, &copy);

		if (error == ERR_OK)
			error = account_charge(&to->account, 1);
		if (error != ERR_OK)
			return error;
		*entry |= PAGE_COW;
		page_protect(from, region, page, entry);
		frame_ref(frame_at(page_frame(*entry)));
		*copy = page_entry(page_frame(*entry), 0, PAGE_USED | PAGE_COW);
		(*pages)++;
	}
	return ERR_OK;
}

/* A region of another space, whoever may map its object. */
static enum error region_copy(struct space *space, struct region *region)
{
	const bool shared = region->kind == MM_KIND_SHARED;
	enum error error = region_charge(space);

	if (error != ERR_OK)
		return error;
	if (shared)
		error = object_attach_again(space, region->object);
	if (error == ERR_OK) {
		error = region_insert(&space->regions, region);
		if (error != ERR_OK && shared)
			object_detach(space, region->object);
	}
	if (error != ERR_OK)
		region_uncharge(space);
	return error;
}

static enum error space_copy(struct space *from, struct space *to, uint64_t *pages)
{
	enum error error = ERR_OK;

	for (struct region *region = region_first_from(&from->regions, 0);
	     region != NULL && error == ERR_OK; region = region_next(region)) {
		struct region *copy = region_new();

		if (copy == NULL)
			return ERR_NO_MEMORY;
		*copy = *region;
		error = region_copy(to, copy);
		if (error != ERR_OK) {
			region_free(copy);
			return error;
		}
		error = region_share(from, to, region, pages);
	}
	return error;
}

enum error space_clone(uint32_t from_pid, uint32_t to_pid, uint64_t *pages)
{
	const bool from_first = from_pid % MM_SPACES_MAX < to_pid % MM_SPACES_MAX;

	if (from_pid % MM_SPACES_MAX == to_pid % MM_SPACES_MAX)
		return ERR_ARG;

	struct space *first = space_enter(from_first ? from_pid : to_pid);

	if (first == NULL)
		return ERR_NOT_FOUND;

	struct space *second = space_enter(from_first ? to_pid : from_pid);

	if (second == NULL) {
		space_leave(first);
		return ERR_NOT_FOUND;
	}
	*pages = 0;

	enum error error = space_copy(from_first ? first : second, from_first ? second : first,
				      pages);

	space_leave(second);
	space_leave(first);
	return error;
}

void spaces_stats(struct mm_stats *stats, uint32_t *frame_refs_held)
{
	stats->spaces = 0;
	stats->regions = 0;
	stats->frames_user = 0;
	*frame_refs_held = 0;
	for (uint32_t i = 0; i < MM_SPACES_MAX; i++) {
		struct space *space = &spaces[i];

		/* A look without the lock: 0 stays 0 unless somebody makes it a space just now. */
		if (__atomic_load_n(&space->pid, __ATOMIC_RELAXED) == 0)
			continue;
		lock_take(&space->lock);
		if (space->pid != 0) {
			stats->spaces++;
			stats->regions += space->regions.count;
			const word_t held = space->account.pages - (word_t)space->apart;

			stats->frames_user += held - space->map.nodes;
			*frame_refs_held += (uint32_t)held;
		}
		lock_give(&space->lock);
	}
}
