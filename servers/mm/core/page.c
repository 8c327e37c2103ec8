/* SPDX-License-Identifier: BSD-2-Clause */
#include "page.h"

#include <abi/fault.h>
#include <libsys/objects.h>

#include "apart.h"
#include "memory.h"
#include "mm.h"
#include "shared.h"

void *page_window(uint64_t entry)
{
	if ((entry & PAGE_ARCHIVE) != 0)
		return (void *)(uintptr_t)(MM_ARCHIVE_VADDR +
					   (uint64_t)page_frame(entry) * PAGE_SIZE);
	return frame_window(page_frame(entry));
}

/* mm's capability slots are everybody's.  Of a page that is charged itself the slot is part of that; one of
 * a shared object is not, and may be mapped any number of times. */
static enum error slot_charge(struct space *space, uint64_t entry)
{
	return (entry & PAGE_SHARED) != 0 ? apart_charge(space, 1) : ERR_OK;
}

static void slot_uncharge(struct space *space, uint64_t entry)
{
	if ((entry & PAGE_SHARED) != 0)
		apart_uncharge(space, 1);
}

/* The capability through which to map an entry that is not mapped. */
static enum error page_cap(struct space *space, uint64_t *entry)
{
	const uint32_t frame = page_frame(*entry);
	const uint64_t flags = *entry & PAGE_FLAGS;
	const bool archive = (flags & PAGE_ARCHIVE) != 0;

	if (!archive && frame_own_acquire(frame_at(frame))) {
		*entry = page_entry(frame, 0, flags | PAGE_OWN_SLOT);
		return ERR_OK;
	}

	const cptr_t source = archive ? MM_SLOT_ARCHIVE_FIRST + (cptr_t)frame
				      : frame_first_slot(frame);
	enum error error = slot_charge(space, *entry);

	if (error != ERR_OK)
		return error;

	const uint32_t slot = slot_new();

	if (slot == 0) {
		slot_uncharge(space, *entry);
		return ERR_NO_MEMORY;
	}
	error = cnode_copy(MM_SLOT_CNODE, slot, RIGHT_ALL, 0, source);

	if (error != ERR_OK)
		mm_panic("copying a frame's capability", error);
	*entry = page_entry(frame, slot, flags);
	return ERR_OK;
}

static cptr_t page_cptr(uint64_t entry)
{
	return (entry & PAGE_OWN_SLOT) != 0 ? frame_own_slot(page_frame(entry)) : page_slot(entry);
}

/* Not mapped any more; give the capability back. */
static void page_unmap(struct space *space, uint64_t *entry)
{
	const uint32_t slot = page_slot(*entry);

	if ((*entry & PAGE_MAPPED) == 0)
		return;

	enum error error = frame_unmap(page_cptr(*entry));

	if (error != ERR_OK)
		mm_panic("unmapping", error);
	if ((*entry & PAGE_OWN_SLOT) != 0) {
		frame_own_release(frame_at(page_frame(*entry)));
	} else {
		error = cnode_delete(MM_SLOT_CNODE, slot);
		if (error != ERR_OK)
			mm_panic("deleting a capability", error);
		slot_free(slot);
		slot_uncharge(space, *entry);
	}
	*entry = page_entry(page_frame(*entry), 0,
			    *entry & (PAGE_USED | PAGE_COW | PAGE_ARCHIVE | PAGE_SHARED));
}

void page_drop(struct space *space, uint64_t *entry)
{
	page_unmap(space, entry);
	if ((*entry & PAGE_ARCHIVE) == 0)
		frame_drop(page_frame(*entry));
	/* A page of a shared object is paid for as long as the object is. */
	if ((*entry & PAGE_SHARED) == 0)
		account_uncharge(&space->account, 1);
	space->apart += (*entry & PAGE_SHARED) != 0 ? 1 : (*entry & PAGE_ARCHIVE) != 0 ? -1 : 0;
	*entry = 0;
}

/* What the hardware may allow: MAP_* flags. */
static unsigned page_rights(const struct region *region, uint64_t entry)
{
	unsigned rights = 0;

	if ((region->prot & MM_PROT_MASK) == 0)
		return 0;
	rights = MAP_READ;
	if ((region->prot & MM_PROT_WRITE) != 0 && (entry & (PAGE_COW | PAGE_ARCHIVE)) == 0)
		rights |= MAP_WRITE;
	if ((region->prot & MM_PROT_EXECUTE) != 0)
		rights |= MAP_EXECUTE;
	return rights;
}

/* Map, or change the rights of a mapping. */
static enum error page_map(struct space *space, const struct region *region, uint64_t page,
			   uint64_t *entry)
{
	const unsigned rights = page_rights(region, *entry);
	enum error error = ERR_OK;

	if (rights == 0) {
		page_unmap(space, entry);
		return ERR_OK;
	}
	if ((*entry & PAGE_MAPPED) == 0) {
		error = page_cap(space, entry);
		if (error != ERR_OK)
			return error;
	}
	error = frame_map(page_cptr(*entry), space->vspace, page * PAGE_SIZE, rights, NULL);
	if (error != ERR_OK)
		mm_panic("mapping a page", error);
	if ((rights & MAP_EXECUTE) != 0 && (*entry & PAGE_ARCHIVE) == 0)
		frame_executable(frame_at(page_frame(*entry)));
	*entry |= PAGE_MAPPED;
	if ((rights & MAP_WRITE) != 0)
		*entry |= PAGE_WRITE;
	else
		*entry &= ~PAGE_WRITE;
	return ERR_OK;
}

void page_protect(struct space *space, const struct region *region, uint64_t page, uint64_t *entry)
{
	/* Cannot fail: a page that is mapped has its capability. */
	if ((*entry & PAGE_MAPPED) != 0 && page_map(space, region, page, entry) != ERR_OK)
		mm_panic("changing a page's protection", ERR_INTERNAL);
}

/* A frame charged to the space, zeroed from byte `from` on. */
static enum error page_frame_new(struct space *space, unsigned from, uint32_t *frame)
{
	enum error error = account_charge(&space->account, 1);

	if (error != ERR_OK)
		return error;
	*frame = frame_new(from);
	if (*frame == 0) {
		account_uncharge(&space->account, 1);
		return ERR_NO_MEMORY;
	}
	return ERR_OK;
}

static enum error fill_zero(struct space *space, uint64_t *entry)
{
	uint32_t frame;
	enum error error = page_frame_new(space, 0, &frame);

	if (error == ERR_OK) {
		*entry = page_entry(frame, 0, PAGE_USED);
		mm_count(&mm_stats.pages_zeroed);
	}
	return error;
}

/* A whole page of the file that nobody writes is mapped in place; others are copied. */
static enum error fill_file(struct space *space, const struct region *region, uint64_t page,
			    uint64_t *entry)
{
	const uint64_t at = page * PAGE_SIZE - region->start;
	const uint64_t position = region->file_offset + at;
	uint64_t bytes = region->file_bytes > at ? region->file_bytes - at : 0;
	enum error error;
	uint32_t frame;

	if (bytes == 0)
		return fill_zero(space, entry);
	if (bytes >= PAGE_SIZE && (region->prot & MM_PROT_WRITE) == 0) {
		/* For what it takes of mm's capability slots, which all share. */
		error = apart_charge(space, 1);
		if (error != ERR_OK)
			return error;
		*entry = page_entry((uint32_t)(position / PAGE_SIZE), 0, PAGE_USED | PAGE_ARCHIVE);
		mm_count(&mm_stats.pages_archive);
		return ERR_OK;
	}
	if (bytes > PAGE_SIZE)
		bytes = PAGE_SIZE;
	error = page_frame_new(space, (unsigned)bytes, &frame);

	if (error != ERR_OK)
		return error;
	__builtin_memcpy(frame_window(frame),
			 (const void *)(uintptr_t)(MM_ARCHIVE_VADDR + position), bytes);
	*entry = page_entry(frame, 0, PAGE_USED);
	mm_count(&mm_stats.pages_copied);
	return ERR_OK;
}

static enum error fill_shared(struct space *space, const struct region *region, uint64_t page,
			      uint64_t *entry)
{
	const uint32_t frame = shared_frame(region->object,
					    region->object_page + page - region->start / PAGE_SIZE);

	if (frame == 0)
		return ERR_NO_MEMORY;
	space->apart--;
	*entry = page_entry(frame, 0, PAGE_USED | PAGE_SHARED);
	return ERR_OK;
}

static enum error page_fill(struct space *space, const struct region *region, uint64_t page,
			    uint64_t *entry)
{
	switch (region->kind) {
	case MM_KIND_FILE:
		return fill_file(space, region, page, entry);
	case MM_KIND_SHARED:
		return fill_shared(space, region, page, entry);
	default:
		return fill_zero(space, entry);
	}
}

/* A frame of its own for a page that others may see. */
static enum error page_unshare(struct space *space, uint64_t *entry)
{
	uint32_t frame;

	if ((*entry & PAGE_ARCHIVE) == 0 && frame_refs(frame_at(page_frame(*entry))) == 1) {
		/* The others are gone, and a new one could only come under this space's lock. */
		*entry &= ~PAGE_COW;
		return ERR_OK;
	}

	frame = frame_new(PAGE_SIZE);
	if (frame == 0)
		return ERR_NO_MEMORY;
	__builtin_memcpy(frame_window(frame), page_window(*entry), PAGE_SIZE);
	page_drop(space, entry);
	/* In the place of the other page, also where the limit is met. */
	account_add(&space->account, 1);
	*entry = page_entry(frame, 0, PAGE_USED);
	mm_count(&mm_stats.pages_copied);
	return ERR_OK;
}

static enum error region_allows(const struct region *region, uint64_t vaddr, uint32_t access)
{
	uint32_t need = 0;

	if (region == NULL)
		return ERR_FAULT_ADDR;
	if (region->guard != 0 && vaddr - region->start < PAGE_SIZE)
		return ERR_RANGE;
	/* All of it: what is allowed in part only would fault again for ever. */
	if ((access & FAULT_ACCESS_WRITE) != 0)
		need |= MM_PROT_WRITE;
	if ((access & FAULT_ACCESS_EXECUTE) != 0)
		need |= MM_PROT_EXECUTE;
	if (need == 0)
		return region->prot != 0 ? ERR_OK : ERR_PERMISSION;
	return (region->prot & need) == need ? ERR_OK : ERR_PERMISSION;
}

enum error page_resolve(struct space *space, uint64_t vaddr, uint32_t access, uint64_t **found,
			bool *raced)
{
	const struct region *region = region_find(&space->regions, vaddr);
	const uint64_t page = vaddr / PAGE_SIZE;
	const bool write = (access & FAULT_ACCESS_WRITE) != 0;
	enum error error = region_allows(region, vaddr, access);

	*raced = false;
	if (error == ERR_OK)
		error = space_tables(space, vaddr, found);
	if (error != ERR_OK)
		return error;

	uint64_t *entry = *found;

	if (*entry == 0) {
		error = page_fill(space, region, page, entry);
	} else if (write && (*entry & (PAGE_COW | PAGE_ARCHIVE)) != 0) {
		error = page_unshare(space, entry);
	} else if ((*entry & PAGE_MAPPED) != 0 && (!write || (*entry & PAGE_WRITE) != 0)) {
		*raced = true;
		return ERR_OK;
	}
	return error == ERR_OK ? page_map(space, region, page, entry) : error;
}
