/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mm, the pager, over the simulated kernel of its unit test: processes and proc ask for anything, and
 * touch memory.  What must hold: mm never gives up and never asks the kernel for what it refuses; a
 * page that nobody has written is zero, one that was written keeps its value until it is unmapped, in a
 * clone too; in the end every frame and every mapping comes back.
 *
 * Operations: what (low bits) and whose space (high bits), operands follow.
 */
#include "fuzz.h"

#include <abi/bootinfo.h>
#include <abi/fault.h>
#include <sys/mman.h>

#include "../unit/mm/fake_kernel.h"
#include "../unit/mm/mm_messages.h"
#include "memory.h"
#include "mm.h"
#include "shared.h"
#include "space.h"

#define ARCHIVE_PAGES 4u
#define ARCHIVE_SKIP  40u /* bytes of its first page before it begins */
#define UNTYPED_BITS  22u
#define CNODE_RADIX   16u
#define PIDS          4u /* two of which share an entry of mm's table */
#define OPS_MAX       200u
#define WINDOW        0x10000000ull
#define PAGES         64u
#define UNKNOWN       256u

struct model {
	uint32_t vspace;       /* 0: there is no such space */
	uint16_t value[PAGES]; /* of the first byte of each page of the window, or UNKNOWN */
};

struct mm_stats mm_stats;

static const uint32_t pids[PIDS] = {1, 2, 3, 3 + MM_SPACES_MAX};
static struct model models[PIDS];
static uint32_t objects[4]; /* the last shared objects that were made */
static unsigned objects_made;
static uint8_t stamp;

_Noreturn void mm_panic(const char *what, enum error error)
{
	fprintf(stderr, "broken rule: mm: %s failed with error %d\n", what, (int)error);
	abort();
}

/* ---- Once ------------------------------------------------------------------------------------ */

static void *map_at(uint64_t vaddr, size_t bytes)
{
	void *at = mmap((void *)(uintptr_t)vaddr, bytes, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	fuzz_check(at != MAP_FAILED);
	return at;
}

static void mm_start(void)
{
	struct mm_start *start = map_at(MM_START_VADDR, PAGE_SIZE);

	(void)map_at(MM_BOUNCE_VADDR, MM_BOUNCE_BYTES);
	start->magic = MM_START_MAGIC;
	start->cpus = 1;
	start->pool_threads = 1;
	start->cnode_slots = 1u << CNODE_RADIX;
	start->archive_pages = ARCHIVE_PAGES;
	start->archive_start = ARCHIVE_SKIP;
	start->archive_bytes = ARCHIVE_PAGES * PAGE_SIZE - ARCHIVE_SKIP - 100;
	start->untyped_count = 1;
	start->untyped[0].size_bits = UNTYPED_BITS;
	fake_kernel_init(UNTYPED_BITS, ARCHIVE_PAGES, CNODE_RADIX);
	memory_init(start);
	spaces_init();
}

/* ---- Messages -------------------------------------------------------------------------------- */

static enum error request(word_t badge, word_t label, uint32_t pid, word_t w[4], word_t w4,
			  word_t w6)
{
	const enum error error = request_of(badge, label, pid, w, w4, w6);

	fuzz_check(error < ERR_COUNT && error != ERR_INTERNAL);
	return error;
}

static enum error proc_request(word_t label, uint32_t pid, word_t w0, word_t *result)
{
	word_t w[4] = {w0};
	enum error error = request(MM_BADGE_PROC, label, pid, w, 0, 0);

	*result = w[0];
	return error;
}

/* NULL: mm has forwarded the fault, with a reason. */
static uint8_t *access_byte(unsigned who, uint64_t vaddr, uint32_t access)
{
	enum error why = ERR_OK;
	uint8_t *byte = touch(pids[who], models[who].vspace, vaddr, access, &why);

	fuzz_check(byte != NULL || (why != ERR_OK && why < ERR_COUNT));
	return byte;
}

/* ---- The model ------------------------------------------------------------------------------- */

/* What is in these pages from now on; bytes may be anything. */
static void model_set(unsigned who, uint64_t vaddr, uint64_t bytes, uint16_t value)
{
	for (unsigned i = 0; i < PAGES; i++) {
		uint64_t at = WINDOW + i * PAGE_SIZE;

		if (at + PAGE_SIZE > vaddr && (at < vaddr || at - vaddr < bytes))
			models[who].value[i] = value;
	}
}

static void model_request(unsigned who, word_t label, const word_t w[4], word_t flags)
{
	bool anonymous = (flags >> MM_KIND_SHIFT & 0xff) == MM_KIND_ANON;

	if (label == MM_REQ_MAP)
		model_set(who, w[0], w[1], anonymous ? 0 : UNKNOWN);
	else if (label == MM_REQ_UNMAP)
		model_set(who, w[0], w[1], UNKNOWN);
}

static void op_touch(struct fuzz_input *input, unsigned who)
{
	uint8_t kind = fuzz_u8(input);
	unsigned page = (kind & 63) % PAGES;
	uint16_t *value = &models[who].value[page];
	uint64_t vaddr = WINDOW + page * PAGE_SIZE;
	uint8_t *byte;

	if ((kind & 0xc0) == 0xc0) {
		(void)access_byte(who, fuzz_number(input) % USER_VADDR_MAX, kind & 7);
		return;
	}
	byte = access_byte(who, vaddr, (kind & 64) != 0 ? FAULT_ACCESS_WRITE : FAULT_ACCESS_READ);
	if (byte == NULL)
		return;
	/* Shared memory changes behind the model's back: it stays unknown. */
	if (*value != UNKNOWN) {
		fuzz_check(*byte == *value);
		if ((kind & 64) != 0)
			*value = stamp = (uint8_t)(stamp + 1);
	}
	if ((kind & 64) != 0)
		*byte = stamp;
}

/* ---- Operations ------------------------------------------------------------------------------ */

static word_t address(struct fuzz_input *input)
{
	uint8_t kind = fuzz_u8(input);

	if ((kind & 0xc0) == 0xc0)
		return (kind & 32) != 0 ? fuzz_number(input) : 0;
	return WINDOW + (kind & 63) % PAGES * PAGE_SIZE;
}

static word_t length(struct fuzz_input *input)
{
	uint8_t kind = fuzz_u8(input);

	return (kind & 0x80) != 0 ? fuzz_number(input) : (word_t)(kind & 15) * PAGE_SIZE;
}

static void op_map(struct fuzz_input *input, unsigned who)
{
	uint8_t kind = fuzz_u8(input);
	word_t flags = (kind & 7) | (word_t)(kind >> 3 & 3) << MM_KIND_SHIFT;
	word_t vaddr = address(input);
	word_t bytes = length(input);
	word_t w[4] = {vaddr, bytes};
	word_t w4 = 0, w6 = 0;

	if ((kind & 32) != 0)
		flags |= MM_MAP_EAGER;
	if ((kind & 64) != 0)
		flags ^= fuzz_number(input);
	if (((flags >> MM_KIND_SHIFT) & 0xff) == MM_KIND_FILE) {
		w4 = fuzz_number(input);
		w6 = (kind & 128) != 0 ? fuzz_number(input) : bytes;
		if (w[0] != 0)
			w[0] += (ARCHIVE_SKIP + w4) % PAGE_SIZE;
	} else if ((kind & 128) != 0) {
		w4 = (word_t)fuzz_u8(input) * PAGE_SIZE;
	}
	w[2] = flags;
	w[3] = objects[fuzz_u8(input) % 4];
	if (request(pids[who], MM_REQ_MAP, 0, w, w4, w6) == ERR_OK) {
		const word_t done[4] = {w[0], bytes};

		fuzz_check(w[0] >= USER_VADDR_MIN && w[0] < USER_VADDR_MAX);
		model_request(who, MM_REQ_MAP, done, flags);
	}
}

/* UNMAP and PROTECT; sizes that go round are refused. */
static void op_range(struct fuzz_input *input, unsigned who)
{
	uint8_t kind = fuzz_u8(input);
	word_t label = (kind & 8) != 0 ? MM_REQ_PROTECT : MM_REQ_UNMAP;
	word_t vaddr = address(input);
	word_t bytes = length(input);
	word_t w[4] = {vaddr, bytes, kind & 7};
	const word_t asked[4] = {vaddr, bytes};

	/* Out of memory in the middle of a range leaves some of it as it was; of UNMAP it may be gone. */
	if (request(pids[who], label, 0, w, 0, 0) == ERR_OK || label == MM_REQ_UNMAP)
		model_request(who, label, asked, 0);
}

static void op_shared(struct fuzz_input *input, unsigned who)
{
	uint8_t kind = fuzz_u8(input);
	word_t w[4] = {objects[kind >> 2 & 3]};

	if ((kind & 3) == 0) {
		w[0] = length(input);
		if (request(pids[who], MM_REQ_SHARED_NEW, 0, w, 0, 0) == ERR_OK)
			objects[objects_made++ % 4] = (uint32_t)w[0];
	} else if ((kind & 3) == 1) {
		w[1] = (kind & 64) != 0 ? 0 : pids[kind >> 4 & 3];
		(void)!request(pids[who], MM_REQ_SHARED_ALLOW, 0, w, 0, 0);
	} else {
		(void)!request(pids[who], MM_REQ_SHARED_FREE, 0, w, 0, 0);
	}
}

static void space_free_of(unsigned who)
{
	uint32_t vspace = models[who].vspace;
	word_t pages;
	enum error error = proc_request(MM_REQ_SPACE_FREE, pids[who], 0, &pages);

	fuzz_check(error == (vspace != 0 ? ERR_OK : ERR_NOT_FOUND));
	if (vspace != 0)
		fuzz_check(fake_mapped(vspace) == 0);
	models[who] = (struct model){.vspace = 0};
	model_set(who, WINDOW, PAGES * PAGE_SIZE, UNKNOWN);
}

static bool entry_taken(unsigned who)
{
	for (unsigned i = 0; i < PIDS; i++)
		if (models[i].vspace != 0 && pids[i] % MM_SPACES_MAX == pids[who] % MM_SPACES_MAX)
			return true;
	return false;
}

static void space_new_of(unsigned who, word_t limit)
{
	bool taken = entry_taken(who);
	word_t vspace;
	enum error error = proc_request(MM_REQ_SPACE_NEW, pids[who], limit, &vspace);

	fuzz_check(taken ? error == ERR_EXISTS : error == ERR_OK || error == ERR_NO_MEMORY);
	if (error != ERR_OK)
		return;
	models[who].vspace = (uint32_t)vspace;
	fuzz_check(fake_mapped((uint32_t)vspace) == 0);
}

/* proc clones into a space that it has just made, and frees it when that fails. */
static void space_clone_of(unsigned from, unsigned to)
{
	word_t pages;

	if (models[to].vspace != 0)
		space_free_of(to);
	space_new_of(to, 0);
	if (models[to].vspace == 0 || models[from].vspace == 0)
		return;
	if (proc_request(MM_REQ_SPACE_CLONE, pids[to], pids[from], &pages) == ERR_OK)
		memcpy(models[to].value, models[from].value, sizeof(models[to].value));
	else
		space_free_of(to);
}

static void op_proc(struct fuzz_input *input, unsigned who)
{
	uint8_t kind = fuzz_u8(input);
	word_t w[4];

	switch (kind & 7) {
	case 0:
	case 1:
		space_new_of(who, (kind & 8) != 0 ? fuzz_u8(input) : 0);
		break;
	case 2:
		space_free_of(who);
		break;
	case 3:
		if (pids[who] % MM_SPACES_MAX != pids[kind >> 3 & 3] % MM_SPACES_MAX)
			space_clone_of(who, kind >> 3 & 3);
		break;
	case 4:
		(void)!proc_request(MM_REQ_SPACE_LIMIT, pids[who], fuzz_number(input), &w[0]);
		break;
	case 5:
		(void)!proc_request(MM_REQ_SPACE_TABLES, pids[who], address(input) % USER_VADDR_MAX,
				    &w[0]);
		break;
	default:
		w[0] = address(input);
		w[0] += fuzz_u8(input);
		w[1] = fuzz_number(input);
		w[2] = fuzz_number(input);
		if ((kind & 8) != 0)
			model_set(who, w[0], w[1] > MM_BOUNCE_BYTES ? MM_BOUNCE_BYTES : w[1],
				  UNKNOWN);
		(void)!request(MM_BADGE_PROC, (kind & 8) != 0 ? MM_REQ_COPY_IN : MM_REQ_COPY_OUT,
			       pids[who], w, 0, 0);
		break;
	}
}

/* Any words; what proc alone may ask for is refused. */
static void op_raw(struct fuzz_input *input, unsigned who)
{
	word_t label = fuzz_number(input);
	word_t w[4], w4, w6;
	enum error error;

	if (label == MM_REQ_MAP || label == MM_REQ_UNMAP || label == MM_REQ_PROTECT)
		return; /* the model wants to know: op_map, op_range */
	for (unsigned i = 0; i < 4; i++)
		w[i] = fuzz_number(input);
	w4 = fuzz_number(input);
	w6 = fuzz_number(input);
	error = request(pids[who], label, pids[(who + 1) % PIDS], w, w4, w6);
	if (label >= MM_REQ_SPACE_NEW && label <= MM_REQ_CHECK)
		fuzz_check(error == ERR_PERMISSION);
}

static void check_frames(void)
{
	word_t lost;

	fuzz_check(proc_request(MM_REQ_CHECK, 0, 0, &lost) == ERR_OK && lost == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	static bool started;

	if (!started)
		mm_start();
	started = true;
	objects_made = 0;
	memset(objects, 0, sizeof(objects));
	stamp = 0;
	for (unsigned who = 0; who < PIDS; who++)
		model_set(who, WINDOW, PAGES * PAGE_SIZE, UNKNOWN);
	space_new_of(0, 0);
	space_new_of(1, 0);
	for (unsigned i = 0; i < OPS_MAX && input.left > 0; i++) {
		static void (*const ops[])(struct fuzz_input *, unsigned) = {
			op_touch, op_touch, op_map, op_range, op_shared, op_proc, op_raw, op_touch};
		uint8_t byte = fuzz_u8(&input);

		/* Who has no space any more asks for nothing. */
		if ((byte & 7) == 5 || models[byte >> 3 & 3].vspace != 0)
			ops[byte & 7](&input, byte >> 3 & 3);
	}
	check_frames();
	for (unsigned who = 0; who < PIDS; who++)
		if (models[who].vspace != 0)
			space_free_of(who);
	check_frames();
	return 0;
}
