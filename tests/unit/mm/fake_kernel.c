/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE
#include "fake_kernel.h"

#include <abi/fault.h>
#include <libsys/objects.h>
#include <mm/protocol.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SPACES_MAX  64u
#define PAGES_MAX   8192u /* mapped in one space */
#define ARCHIVE_AT  0ull
#define UNTYPED_AT  (64ull << 20)
#define WAITERS_MAX 4096u

struct slot {
	uint8_t type;
	uint64_t paddr;  /* frame: in the memory file; table: where it is mapped */
	uint32_t vspace; /* frame, table: mapped there, 0: nowhere.  VSpace: number + 1 */
	uint64_t vaddr;
	unsigned level;
	uint32_t parent;
};

struct mapping {
	uint64_t page;
	uint64_t paddr;
	unsigned flags;
	bool used;
};

struct space {
	struct mapping map[PAGES_MAX];
	unsigned count;
	bool copied;
	bool table1[512];
	bool table2[512 * 512];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t signalled = PTHREAD_COND_INITIALIZER;
static struct slot *slots;
static unsigned slots_count;
static unsigned slots_used;
static struct space *spaces[SPACES_MAX];
static unsigned spaces_count;
static uint64_t untyped_next;
static uint64_t untyped_end;
static int memory;
static word_t words[WAITERS_MAX];

_Thread_local struct ipc_buffer fake_buffer;

static _Noreturn void fail(const char *what)
{
	printf("Bail out! broken rule: the kernel refuses: %s\n", what);
	fflush(stdout);
	abort();
}

static struct slot *slot_empty(cptr_t slot)
{
	if (slot == 0 || slot >= slots_count || slots[slot].type != OBJ_NULL)
		fail("a slot that is not empty was to be filled");
	slots_used++;
	return &slots[slot];
}

static struct slot *slot_of(cptr_t slot, enum object_type type)
{
	if (slot >= slots_count || slots[slot].type != type)
		fail("a capability of another type was used");
	return &slots[slot];
}

void fake_kernel_init(unsigned untyped_bits, unsigned archive_pages, unsigned cnode_radix)
{
	const uint64_t bytes = UNTYPED_AT + (1ull << untyped_bits);

	slots_count = 1u << cnode_radix;
	slots = calloc(slots_count, sizeof(*slots));
	memory = memfd_create("memory", 0);
	if (memory < 0 || ftruncate(memory, (off_t)bytes) != 0)
		fail("no memory file");
	untyped_next = UNTYPED_AT;
	untyped_end = bytes;
	slots[MM_SLOT_UNTYPED_FIRST] = (struct slot){.type = OBJ_UNTYPED};
	slots[MM_SLOT_VSPACE] = (struct slot){.type = OBJ_VSPACE, .vspace = ++spaces_count};
	spaces[0] = calloc(1, sizeof(struct space));
	for (unsigned page = 0; page < archive_pages; page++) {
		uint32_t text[PAGE_SIZE / 4];

		for (unsigned i = 0; i < PAGE_SIZE / 4; i++)
			text[i] = page << 16 | i;
		if (pwrite(memory, text, PAGE_SIZE, (off_t)(ARCHIVE_AT + page * PAGE_SIZE)) !=
		    PAGE_SIZE)
			fail("no archive");
		slots[MM_SLOT_ARCHIVE_FIRST + page] = (struct slot){
			.type = OBJ_FRAME, .paddr = ARCHIVE_AT + (uint64_t)page * PAGE_SIZE};
	}
	if (mmap((void *)MM_ARCHIVE_VADDR, archive_pages * PAGE_SIZE, PROT_READ,
		 MAP_SHARED | MAP_FIXED_NOREPLACE, memory, (off_t)ARCHIVE_AT) == MAP_FAILED)
		fail("no archive mapping");
}

enum error untyped_retype(cptr_t untyped, enum object_type type, unsigned size_bits, unsigned count,
			  cptr_t cnode, cptr_t first_slot)
{
	const uint64_t bytes = type == OBJ_NOTIFICATION || type == OBJ_REPLY ? 64
			       : type == OBJ_VSPACE                          ? 8192
									     : 4096;
	enum error error = ERR_OK;

	(void)size_bits, (void)cnode;
	pthread_mutex_lock(&lock);
	slot_of(untyped, OBJ_UNTYPED);
	untyped_next = (untyped_next + bytes - 1) & ~(bytes - 1);
	if (untyped_end - untyped_next < bytes * count) {
		error = ERR_NO_MEMORY;
		count = 0;
	}
	for (unsigned i = 0; i < count; i++) {
		struct slot *slot = slot_empty(first_slot + i);

		*slot = (struct slot){.type = (uint8_t)type, .paddr = untyped_next};
		untyped_next += bytes;
		if (type != OBJ_VSPACE)
			continue;
		if (spaces_count == SPACES_MAX)
			fail("too many address spaces");
		spaces[spaces_count] = calloc(1, sizeof(struct space));
		slot->vspace = ++spaces_count;
	}
	pthread_mutex_unlock(&lock);
	return error;
}

enum error cnode_copy(cptr_t cnode, cptr_t dest, unsigned rights, cptr_t source_cnode,
		      cptr_t source)
{
	(void)cnode, (void)rights, (void)source_cnode;
	pthread_mutex_lock(&lock);

	struct slot *slot = slot_empty(dest);

	if (slots[source].type != OBJ_FRAME && slots[source].type != OBJ_NOTIFICATION)
		fail("a copy of something strange");
	*slot = (struct slot){.type = slots[source].type,
			      .paddr = slots[source].paddr,
			      .parent = (uint32_t)source};
	pthread_mutex_unlock(&lock);
	return ERR_OK;
}

enum error cnode_mint(cptr_t cnode, cptr_t dest, unsigned rights, cptr_t source_cnode,
		      cptr_t source, word_t badge)
{
	(void)badge;
	return cnode_copy(cnode, dest, rights, source_cnode, source);
}

/* mm's own space may lie above what a process can have. */
static bool *table1_of(struct space *space, uint64_t vaddr)
{
	return &space->table1[(vaddr >> 30) % 512];
}

static bool *table2_of(struct space *space, uint64_t vaddr)
{
	return &space->table2[(vaddr >> 21) % (512 * 512)];
}

/* What is unmapped keeps its flags: others may lie behind it, and it is used again. */
static struct mapping *mapping_find(uint32_t vspace, uint64_t page)
{
	struct space *space = spaces[vspace - 1];
	struct mapping *left = NULL;

	for (unsigned i = 0; i < PAGES_MAX; i++) {
		struct mapping *at = &space->map[(page * 31 + i) % PAGES_MAX];

		if (at->used && at->page == page)
			return at;
		if (!at->used && left == NULL)
			left = at;
		if (!at->used && at->flags == 0)
			return left;
	}
	if (left == NULL)
		fail("too many pages in a space");
	return left;
}

enum error frame_map(cptr_t frame, cptr_t vspace, word_t vaddr, unsigned flags, unsigned *missing)
{
	pthread_mutex_lock(&lock);

	struct slot *slot = slot_of(frame, OBJ_FRAME);
	const uint32_t number = slot_of(vspace, OBJ_VSPACE)->vspace;
	struct space *space = spaces[number - 1];
	struct mapping *mapping;
	enum error error = ERR_OK;

	(void)missing;
	if ((flags & MAP_READ) == 0 ||
	    (flags & (MAP_WRITE | MAP_EXECUTE)) == (MAP_WRITE | MAP_EXECUTE))
		fail("impossible rights of a mapping");
	if (!*table1_of(space, vaddr) || !*table2_of(space, vaddr)) {
		error = ERR_NO_TABLE;
		goto out;
	}
	mapping = mapping_find(number, vaddr / PAGE_SIZE);
	if (slot->vspace != 0 && (slot->vspace != number || slot->vaddr != vaddr))
		fail("a frame capability that maps elsewhere was mapped again");
	if (slot->vspace == 0 && mapping->used)
		fail("a page was mapped over another one");
	space->count += !mapping->used;
	*mapping = (struct mapping){
		.page = vaddr / PAGE_SIZE, .paddr = slot->paddr, .flags = flags, .used = true};
	slot->vspace = number;
	slot->vaddr = vaddr;
	if (number == 1 && mmap((void *)vaddr, PAGE_SIZE, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_FIXED, memory, (off_t)slot->paddr) == MAP_FAILED)
		fail("mapping mm's own page");
out:
	pthread_mutex_unlock(&lock);
	return error;
}

static void slot_unmap(struct slot *slot)
{
	struct mapping *mapping;

	if (slot->vspace == 0)
		return;
	mapping = mapping_find(slot->vspace, slot->vaddr / PAGE_SIZE);
	if (!mapping->used || mapping->paddr != slot->paddr)
		fail("a mapping was lost");
	/* flags stay, so that later entries of the probe sequence are found. */
	mapping->used = false;
	spaces[slot->vspace - 1]->count--;
	slot->vspace = 0;
}

enum error frame_unmap(cptr_t frame)
{
	pthread_mutex_lock(&lock);

	struct slot *slot = slot_of(frame, OBJ_FRAME);
	const enum error error = slot->vspace != 0 ? ERR_OK : ERR_NOT_MAPPED;

	slot_unmap(slot);
	pthread_mutex_unlock(&lock);
	return error;
}

enum error cnode_delete(cptr_t cnode, cptr_t slot)
{
	(void)cnode;
	pthread_mutex_lock(&lock);
	if (slots[slot].type != OBJ_FRAME || slots[slot].parent == 0)
		fail("something else than a copy of a frame was deleted");
	slot_unmap(&slots[slot]);
	slots[slot] = (struct slot){.type = OBJ_NULL};
	slots_used--;
	pthread_mutex_unlock(&lock);
	return ERR_OK;
}

enum error cnode_revoke(cptr_t cnode, cptr_t slot)
{
	(void)cnode;
	pthread_mutex_lock(&lock);
	spaces[slot_of(slot, OBJ_VSPACE)->vspace - 1]->copied = false;
	pthread_mutex_unlock(&lock);
	return ERR_OK;
}

enum error page_table_map(cptr_t table, cptr_t vspace, word_t vaddr, unsigned *level)
{
	pthread_mutex_lock(&lock);

	struct slot *slot = slot_of(table, OBJ_PAGE_TABLE);
	const uint32_t number = slot_of(vspace, OBJ_VSPACE)->vspace;
	struct space *space = spaces[number - 1];

	if (slot->vspace != 0)
		fail("a page table was mapped twice");
	if (!*table1_of(space, vaddr)) {
		*table1_of(space, vaddr) = true;
		slot->level = 1;
	} else if (!*table2_of(space, vaddr)) {
		*table2_of(space, vaddr) = true;
		slot->level = 2;
	} else {
		fail("a page table where none is missing");
	}
	slot->vspace = number;
	slot->vaddr = vaddr;
	space->count++;
	*level = slot->level;
	pthread_mutex_unlock(&lock);
	return ERR_OK;
}

enum error page_table_unmap(cptr_t table)
{
	pthread_mutex_lock(&lock);

	struct slot *slot = slot_of(table, OBJ_PAGE_TABLE);
	struct space *space = spaces[slot->vspace - 1];

	if (slot->level == 1)
		*table1_of(space, slot->vaddr) = false;
	else
		*table2_of(space, slot->vaddr) = false;
	if (--space->count == 0)
		memset(space->map, 0, sizeof(space->map));
	slot->vspace = 0;
	pthread_mutex_unlock(&lock);
	return ERR_OK;
}

uint8_t *fake_access(uint32_t vspace, uint64_t vaddr, uint32_t access, bool *present)
{
	uint8_t *byte = NULL;

	pthread_mutex_lock(&lock);

	const uint32_t number = slot_of(vspace, OBJ_VSPACE)->vspace;
	const struct mapping *mapping = mapping_find(number, vaddr / PAGE_SIZE);

	*present = mapping->used;
	if (mapping->used &&
	    ((access & FAULT_ACCESS_WRITE) == 0 || (mapping->flags & MAP_WRITE) != 0) &&
	    ((access & FAULT_ACCESS_EXECUTE) == 0 || (mapping->flags & MAP_EXECUTE) != 0)) {
		static uint8_t *all;

		if (all == NULL)
			all = mmap(NULL, untyped_end, PROT_READ | PROT_WRITE, MAP_SHARED, memory,
				   0);
		byte = all + mapping->paddr + vaddr % PAGE_SIZE;
	}
	pthread_mutex_unlock(&lock);
	return byte;
}

unsigned fake_mapped(uint32_t vspace)
{
	pthread_mutex_lock(&lock);

	const unsigned count = spaces[slot_of(vspace, OBJ_VSPACE)->vspace - 1]->count;

	pthread_mutex_unlock(&lock);
	return count;
}

void fake_copy(uint32_t vspace)
{
	pthread_mutex_lock(&lock);
	spaces[slot_of(vspace, OBJ_VSPACE)->vspace - 1]->copied = true;
	pthread_mutex_unlock(&lock);
}

bool fake_copied(uint32_t vspace)
{
	pthread_mutex_lock(&lock);

	const bool copied = spaces[slot_of(vspace, OBJ_VSPACE)->vspace - 1]->copied;

	pthread_mutex_unlock(&lock);
	return copied;
}

unsigned fake_slots_used(void)
{
	pthread_mutex_lock(&lock);

	const unsigned used = slots_used;

	pthread_mutex_unlock(&lock);
	return used;
}

enum error sys_signal(cptr_t notification)
{
	pthread_mutex_lock(&lock);
	words[notification - MM_SLOT_LOCK_SIGNAL_FIRST] = 1;
	pthread_cond_broadcast(&signalled);
	pthread_mutex_unlock(&lock);
	return ERR_OK;
}

enum error sys_wait(cptr_t notification, word_t *word)
{
	word_t *at = &words[notification - MM_SLOT_LOCK_FIRST];

	pthread_mutex_lock(&lock);
	while (*at == 0)
		pthread_cond_wait(&signalled, &lock);
	*word = *at;
	*at = 0;
	pthread_mutex_unlock(&lock);
	return ERR_OK;
}
