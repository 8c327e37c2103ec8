/* SPDX-License-Identifier: BSD-2-Clause */
/* See mm_bench.h. */
#include "mm_bench.h"

#include <abi/fault.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <libsys/ipc.h>

#include "fake_kernel.h"
#include "memory.h"
#include "mm.h"
#include "shared.h"
#include "space.h"

struct mm_stats mm_stats;

static bool case_good;

_Noreturn void mm_panic(const char *what, enum error error)
{
	printf("Bail out! mm: %s failed with error %d\n", what, (int)error);
	fflush(stdout);
	abort();
}

void check_at(bool good, int line, const char *text)
{
	if (good)
		return;
	case_good = false;
	printf("# line %d: not true: %s\n", line, text);
}

/* ---- requests of proc and of processes --------------------------------------------------------- */

enum error proc_of(enum mm_request request, uint32_t pid, word_t w0, word_t w1, word_t w2,
		   word_t *result)
{
	word_t w[4] = {w0, w1, w2, 0};
	const enum error error = request_of(MM_BADGE_PROC, (word_t)request, pid, w, 0, 0);

	if (result != NULL)
		*result = w[0];
	return error;
}

enum error map_of(uint32_t pid, uint64_t vaddr, uint64_t bytes, word_t flags, word_t object,
		  word_t offset, word_t file_bytes)
{
	word_t w[4] = {vaddr, bytes, flags, object};

	return request_of(pid, MM_REQ_MAP, 0, w, offset, file_bytes);
}

bool put(uint32_t pid, uint32_t vspace, uint64_t vaddr, uint8_t value)
{
	enum error why;
	uint8_t *byte = touch(pid, vspace, vaddr, FAULT_ACCESS_WRITE, &why);

	if (byte != NULL)
		__atomic_store_n(byte, value, __ATOMIC_RELAXED);
	return byte != NULL;
}

int get(uint32_t pid, uint32_t vspace, uint64_t vaddr)
{
	enum error why;
	const uint8_t *byte = touch(pid, vspace, vaddr, FAULT_ACCESS_READ, &why);

	return byte != NULL ? __atomic_load_n(byte, __ATOMIC_RELAXED) : -1;
}

enum error why_not(uint32_t pid, uint32_t vspace, uint64_t vaddr, uint32_t access)
{
	enum error why = ERR_OK;

	touch(pid, vspace, vaddr, access, &why);
	return why;
}

uint32_t space_make(uint32_t pid, word_t pages_max)
{
	word_t vspace = 0;

	check(proc_of(MM_REQ_SPACE_NEW, pid, pages_max, 0, 0, &vspace) == ERR_OK);
	fake_copy((uint32_t)vspace); /* for the first thread */
	return (uint32_t)vspace;
}

void space_end(uint32_t pid, uint32_t vspace)
{
	check(proc_of(MM_REQ_SPACE_FREE, pid, 0, 0, 0, NULL) == ERR_OK);
	check(fake_mapped(vspace) == 0 && !fake_copied(vspace));
}

word_t shared_new_of(uint32_t pid, uint64_t pages)
{
	word_t w[4] = {pages * PAGE_SIZE};

	check(request_of(pid, MM_REQ_SHARED_NEW, 0, w, 0, 0) == ERR_OK);
	return w[0];
}

enum error shared_of(enum mm_request request, uint32_t pid, word_t id, word_t whom)
{
	word_t w[4] = {id, whom};

	return request_of(pid, request, 0, w, 0, 0);
}

word_t pages_of(uint32_t pid)
{
	word_t w[4] = {0};

	check(request_of(pid, MM_REQ_SPACE_INFO, 0, w, 0, 0) == ERR_OK);
	return w[0];
}

word_t frames_free(void)
{
	struct mm_stats stats;

	memory_stats(&stats);
	return stats.frames_free;
}

word_t frames_lost(void)
{
	word_t lost = 99;

	check(proc_of(MM_REQ_CHECK, 0, 0, 0, 0, &lost) == ERR_OK);
	return lost;
}

/* ---- cases ----------------------------------------------------------------------------------- */

static void start_page_make(void)
{
	struct mm_start *start = mmap((void *)MM_START_VADDR, PAGE_SIZE, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (start == MAP_FAILED ||
	    mmap((void *)MM_BOUNCE_VADDR, MM_BOUNCE_BYTES, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED)
		mm_panic("mapping the start page", ERR_NO_MEMORY);
	start->magic = MM_START_MAGIC;
	start->cpus = THREADS;
	start->pool_threads = THREADS;
	start->cnode_slots = 1u << 17;
	start->archive_pages = ARCHIVE_PAGES;
	start->archive_bytes = ARCHIVE_PAGES * PAGE_SIZE;
	start->untyped_count = 1;
	start->untyped[0].size_bits = UNTYPED_BITS;
	fake_kernel_init(UNTYPED_BITS, ARCHIVE_PAGES, 17);
	memory_init(start);
	spaces_init();
}

int cases_run(const struct mm_case *all, unsigned cases)
{
	unsigned failures = 0;

	start_page_make();
	printf("1..%u\n", cases);
	for (unsigned i = 0; i < cases; i++) {
		case_good = true;
		all[i].run();
		failures += !case_good;
		printf("%s %u - %s\n", case_good ? "ok" : "not ok", i + 1, all[i].name);
		fflush(stdout);
	}
	return failures != 0;
}
