/* SPDX-License-Identifier: BSD-2-Clause */
#include "memory.h"

#include <base/bytes.h>
#include <libsys/objects.h>

#include "lock.h"
#include "mm.h"

#define EXTRA_MAX   65536u /* slots for copies of frame capabilities, tables, spaces */
#define EXTRA_FIRST ((uint32_t)MM_SLOT_FREE_FIRST)
#define GROW_FRAMES 32u /* the kernel looks at all again for each page that it clears */
#define LINE_BYTES  64u

struct line {
	unsigned __int128 pair[LINE_BYTES / 16]; /* one instruction each */
};

/* Slots kept for reuse, linked by memory.next. */
struct pool {
	uint32_t count;
	uint32_t head; /* 0: none */
};

static struct {
	struct lock lock; /* guards all below */
	struct frames frames;
	uint32_t frames_max; /* as the CNode has slots for */
	uint32_t meta_pages;
	uint32_t untyped_first; /* those before have no page left */
	uint64_t bytes_total;
	uint64_t bytes_left;  /* in untyped memory */
	uint32_t frame_first; /* slot of frame 0 */
	uint32_t slot_fresh;  /* slots from here on were never used */
	uint32_t next[EXTRA_MAX];
	struct pool slots; /* empty ones */
	struct pool tables;
	struct pool vspaces;
	uint32_t tables_used;
} memory; /* .lock is number 0, LOCK_MEMORY */

struct frame *frame_at(uint32_t n)
{
	return &memory.frames.frame[n];
}

void *frame_window(uint32_t n)
{
	return (void *)(uintptr_t)(MM_WINDOW_VADDR + (uint64_t)n * PAGE_SIZE);
}

cptr_t frame_first_slot(uint32_t n)
{
	return memory.frame_first + (cptr_t)n;
}

cptr_t frame_own_slot(uint32_t n)
{
	return memory.frame_first + (cptr_t)memory.frames_max + 1 + n;
}

/* Objects from any untyped object that has room.  Lock held. */
static enum error memory_retype(enum object_type type, unsigned bits, unsigned count, cptr_t slot)
{
	const struct mm_start *start = mm_start_page();

	for (uint32_t i = memory.untyped_first; i < start->untyped_count; i++) {
		enum error error = untyped_retype(MM_SLOT_UNTYPED_FIRST + i, type, bits, count, 0,
						  slot);

		if (error == ERR_OK) {
			memory.bytes_left -= (uint64_t)count << bits;
			return ERR_OK;
		}
		if (error != ERR_NO_MEMORY)
			mm_panic("making objects", error);
		if (bits == PAGE_BITS && count == 1 && i == memory.untyped_first)
			memory.untyped_first++;
	}
	return ERR_NO_MEMORY;
}

/* Lock held.  0: there is none. */
static uint32_t pool_pop(struct pool *pool)
{
	const uint32_t slot = pool->head;

	if (slot == 0)
		return 0;
	pool->head = memory.next[slot - EXTRA_FIRST];
	pool->count--;
	return slot;
}

/* Lock held. */
static void pool_give(struct pool *pool, uint32_t slot)
{
	memory.next[slot - EXTRA_FIRST] = pool->head;
	pool->head = slot;
	pool->count++;
}

static uint32_t slot_new_locked(void)
{
	const uint32_t slot = pool_pop(&memory.slots);

	if (slot != 0)
		return slot;
	if (memory.slot_fresh == memory.frame_first)
		return 0;
	return memory.slot_fresh++;
}

uint32_t slot_new(void)
{
	lock_take(&memory.lock);

	uint32_t slot = slot_new_locked();

	lock_give(&memory.lock);
	return slot;
}

void slot_free(uint32_t slot)
{
	lock_take(&memory.lock);
	pool_give(&memory.slots, slot);
	lock_give(&memory.lock);
}

/* From the pool, or made new.  Lock held. */
static uint32_t pool_take(struct pool *pool, enum object_type type, unsigned bits)
{
	uint32_t slot = pool_pop(pool);

	if (slot != 0)
		return slot;
	slot = slot_new_locked();
	if (slot != 0 && memory_retype(type, bits, 1, slot) != ERR_OK) {
		pool_give(&memory.slots, slot);
		return 0;
	}
	return slot;
}

static uint32_t table_new_locked(void)
{
	uint32_t slot = pool_take(&memory.tables, OBJ_PAGE_TABLE, PAGE_BITS);

	if (slot != 0)
		memory.tables_used++;
	return slot;
}

uint32_t table_new(void)
{
	lock_take(&memory.lock);

	uint32_t slot = table_new_locked();

	lock_give(&memory.lock);
	return slot;
}

void table_free(uint32_t slot)
{
	lock_take(&memory.lock);
	memory.tables_used--;
	pool_give(&memory.tables, slot);
	lock_give(&memory.lock);
}

uint32_t vspace_new(void)
{
	lock_take(&memory.lock);

	uint32_t slot = pool_take(&memory.vspaces, OBJ_VSPACE, PAGE_BITS + 1);

	lock_give(&memory.lock);
	return slot;
}

void vspace_free(uint32_t slot)
{
	lock_take(&memory.lock);
	pool_give(&memory.vspaces, slot);
	lock_give(&memory.lock);
}

/* Map into mm's own space, with the tables that it takes.  Lock held (for the tables). */
static enum error own_map(cptr_t frame, uint64_t vaddr)
{
	for (;;) {
		enum error error = frame_map(frame, MM_SLOT_VSPACE, vaddr, MAP_READ | MAP_WRITE,
					     NULL);
		unsigned level;

		if (error != ERR_NO_TABLE)
			return error;

		uint32_t table = table_new_locked();

		if (table == 0)
			return ERR_NO_MEMORY;
		error = page_table_map(table, MM_SLOT_VSPACE, vaddr, &level);
		if (error != ERR_OK)
			mm_panic("mapping a page table of its own", error);
	}
}

/* Room for the struct frame of frames up to n.  Lock held. */
static enum error meta_grow(uint32_t n)
{
	const uint32_t per_page = PAGE_SIZE / sizeof(struct frame);

	while (n >= memory.meta_pages * per_page) {
		uint32_t slot = slot_new_locked();

		if (slot == 0)
			return ERR_NO_MEMORY;

		enum error error = memory_retype(OBJ_FRAME, PAGE_BITS, 1, slot);

		if (error == ERR_OK)
			error = own_map(slot,
					MM_FRAMES_VADDR + (uint64_t)memory.meta_pages * PAGE_SIZE);
		if (error != ERR_OK)
			return error;
		memory.meta_pages++;
	}
	return ERR_OK;
}

/* More frames; as many as there is room for, at best GROW_FRAMES.  Lock held. */
static enum error frames_grow(void)
{
	const uint32_t first = memory.frames.count + 1;
	const uint32_t room = memory.frames_max - memory.frames.count;
	unsigned count = room < GROW_FRAMES ? room : GROW_FRAMES;

	if (count == 0 || meta_grow(first + count) != ERR_OK)
		return ERR_NO_MEMORY;
	for (; count != 0; count /= 4) {
		if (memory_retype(OBJ_FRAME, PAGE_BITS, count, frame_first_slot(first)) != ERR_OK)
			continue;
		frames_add(&memory.frames, count);
		return ERR_OK;
	}
	return ERR_NO_MEMORY;
}

/* Make the second capability of a fresh frame and map the first.  The frame is the caller's. */
static enum error frame_prepare(uint32_t n)
{
	enum error error = cnode_copy(MM_SLOT_CNODE, frame_own_slot(n), RIGHT_ALL, 0,
				      frame_first_slot(n));

	if (error != ERR_OK)
		mm_panic("copying a frame's capability", error);
	error = frame_map(frame_first_slot(n), MM_SLOT_VSPACE, (word_t)(uintptr_t)frame_window(n),
			  MAP_READ | MAP_WRITE, NULL);
	if (error == ERR_NO_TABLE) {
		lock_take(&memory.lock);
		error = own_map(frame_first_slot(n), (uint64_t)(uintptr_t)frame_window(n));
		lock_give(&memory.lock);
	}
	return error;
}

/* With stores, of which every emulator takes note: QEMU before 8.2 keeps what it translated from all but
 * the first byte of what DC ZVA clears.  That would run again if the frame became executable, and each
 * store to the frame is slow while any is left. */
static void code_clear(uint32_t n, unsigned from)
{
	struct frame *frame = frame_at(n);
	volatile struct line *line = frame_window(n);

	for (unsigned i = from / LINE_BYTES; i < PAGE_SIZE / LINE_BYTES; i++) {
		line[i].pair[0] = 0;
		line[i].pair[1] = 0;
		line[i].pair[2] = 0;
		line[i].pair[3] = 0;
	}
	frame->next &= ~FRAME_CODE;
}

uint32_t frame_new(unsigned from)
{
	lock_take(&memory.lock);

	uint32_t n = frames_take(&memory.frames);

	if (n == 0 && frames_grow() == ERR_OK)
		n = frames_take(&memory.frames);
	lock_give(&memory.lock);
	if (n == 0)
		return 0;

	const uint32_t flags = frame_at(n)->next;

	if ((flags & FRAME_CODE) != 0) {
		code_clear(n, from);
		return n;
	}
	if ((flags & FRAME_DIRTY) != 0) {
		from &= ~(LINE_BYTES - 1);
		__builtin_memset((char *)frame_window(n) + from, 0, PAGE_SIZE - from);
		return n;
	}
	if (frame_prepare(n) != ERR_OK) {
		/* No memory for a table of the window: this frame is of no use before there is. */
		mm_count(&mm_stats.frames_lost);
		return 0;
	}
	return n;
}

void frame_drop(uint32_t n)
{
	if (!frame_unref(frame_at(n)))
		return;
	lock_take(&memory.lock);
	frames_put(&memory.frames, n);
	lock_give(&memory.lock);
}

void memory_stats(struct mm_stats *stats)
{
	lock_take(&memory.lock);
	stats->frames_total = memory.bytes_total / PAGE_SIZE;
	stats->frames_free = memory.frames.free_count + memory.bytes_left / PAGE_SIZE +
			     memory.tables.count + 2 * memory.vspaces.count;
	stats->frames_tables = memory.tables_used + memory.meta_pages;
	lock_give(&memory.lock);
}

uint32_t memory_frames_seen(void)
{
	lock_take(&memory.lock);

	uint32_t seen = memory.frames.fresh - 1;

	lock_give(&memory.lock);
	return seen;
}

/* Small objects of mm itself, in as many pieces as it takes. */
static void own_objects(enum object_type type, unsigned count, cptr_t slot)
{
	for (unsigned made = 0; made < count; made += RETYPE_COUNT_MAX) {
		const unsigned left = count - made;

		if (memory_retype(type, 6, left < RETYPE_COUNT_MAX ? left : RETYPE_COUNT_MAX,
				  slot + made) != ERR_OK)
			mm_panic("making objects of its own", ERR_NO_MEMORY);
	}
}

void memory_init(const struct mm_start *start)
{
	const uint32_t slots = (uint32_t)start->cnode_slots;
	const uint32_t extra = slots / 8 < EXTRA_MAX ? slots / 8 : EXTRA_MAX;

	memory.slot_fresh = EXTRA_FIRST;
	memory.frame_first = EXTRA_FIRST + extra;
	memory.frames_max = (slots - memory.frame_first) / 2 - 1;
	frames_init(&memory.frames, (struct frame *)(uintptr_t)MM_FRAMES_VADDR);
	for (word_t i = 0; i < start->untyped_count; i++)
		memory.bytes_total += 1ull << start->untyped[i].size_bits;
	memory.bytes_left = memory.bytes_total;

	/* Locks have to exist before the second thread; this one is not contended yet. */
	own_objects(OBJ_NOTIFICATION, MM_LOCKS_MAX, MM_SLOT_LOCK_FIRST);
	for (unsigned i = 0; i < MM_LOCKS_MAX; i++) {
		enum error error = cnode_mint(MM_SLOT_CNODE, MM_SLOT_LOCK_SIGNAL_FIRST + i,
					      RIGHT_ALL, 0, MM_SLOT_LOCK_FIRST + i, 1);

		if (error != ERR_OK)
			mm_panic("minting a notification", error);
	}
	own_objects(OBJ_REPLY, (unsigned)start->pool_threads, MM_SLOT_REPLY_FIRST);
}
