/* SPDX-License-Identifier: BSD-2-Clause */
/* How mm comes to life: everything it ever touches is mapped before its first instruction. */
#include <base/bytes.h>
#include <libsys/objects.h>

#include "archive.h"
#include "builder.h"
#include "log.h"
#include "mm_client.h"
#include "own.h"
#include "register.h"
#include "server_thread.h"
#include "untyped.h"

#define MM_STACK_VADDR   0x0000006080000000ull
#define MM_STACK_STRIDE  0x10000ull
#define MM_STACK_BYTES   0x4000ull
#define MM_SPARE_THREADS 4u
#define MM_RADIX_MIN     17u
#define SLACK_PAGES      64u
#define KEEP_BYTES_MIN   (24ull << 20)
#define KEEP_SHARE       8u /* of all memory stays with proc: one part in this many */

/* Slots for all frames of `bytes` bytes, two each, see servers/mm. */
static unsigned cnode_radix(uint64_t bytes)
{
	unsigned radix = MM_RADIX_MIN;

	while (radix < CNODE_RADIX_MAX &&
	       ((7ull << radix) / 8 - MM_SLOT_FREE_FIRST) / 2 < bytes / PAGE_SIZE / 8 * 7)
		radix++;
	return radix;
}

static uint64_t keep_bytes(void)
{
	const uint64_t share = untyped_bytes_total() / KEEP_SHARE;

	return share > KEEP_BYTES_MIN ? share : KEEP_BYTES_MIN;
}

static void cnode_make(unsigned radix)
{
	cptr_t untyped;

	must(untyped_alloc(radix + CNODE_SLOT_BITS, &untyped), "memory for mm's CNode");
	must(untyped_retype(untyped, OBJ_CNODE, radix, 1, 0, OWN_MM_CNODE), "making mm's CNode");
	must(cnode_copy(OWN_MM_CNODE, MM_SLOT_CNODE, RIGHT_ALL, 0, OWN_MM_CNODE),
	     "filling mm's CNode");
	must(cnode_copy(OWN_MM_CNODE, MM_SLOT_SYSTEM, RIGHT_ALL, 0, BOOT_SLOT_SYSTEM),
	     "filling mm's CNode");
	must(cnode_copy(OWN_MM_CNODE, MM_SLOT_ENDPOINT, RIGHT_ALL, 0, OWN_MM_ENDPOINT),
	     "filling mm's CNode");
	for (uint64_t page = 0; page < archive_pages(); page++)
		must(cnode_copy(OWN_MM_CNODE, MM_SLOT_ARCHIVE_FIRST + page,
				RIGHT_READ | RIGHT_EXECUTE, 0, OWN_ARCHIVE_FIRST + page),
		     "filling mm's CNode");
}

/* Frames of which proc has one mapping and mm another one. */
static void bounce_make(struct builder *builder)
{
	for (uint64_t at = 0; at < MM_BOUNCE_BYTES; at += PAGE_SIZE) {
		const cptr_t copy = own_slot_new();
		cptr_t frame;

		must(builder_object(builder, OBJ_FRAME, PAGE_BITS, &frame), "making a buffer");
		must(cnode_copy(BOOT_SLOT_CNODE, copy, RIGHT_ALL, 0, frame), "making a buffer");
		must(builder_map(builder, frame, MM_BOUNCE_VADDR + at, MAP_READ | MAP_WRITE),
		     "mapping a buffer");
		must(builder_map(&own_builder, copy, OWN_BOUNCE_VADDR + at, MAP_READ | MAP_WRITE),
		     "mapping a buffer");
	}
}

/* mm's view of the archive, through copies of its own capabilities. */
static void archive_map(struct builder *builder)
{
	for (uint64_t page = 0; page < archive_pages(); page++) {
		const cptr_t copy = own_slot_new();

		must(cnode_copy(BOOT_SLOT_CNODE, copy, RIGHT_READ, 0, OWN_ARCHIVE_FIRST + page),
		     "copying a frame of the archive");
		must(builder_map(builder, copy, MM_ARCHIVE_VADDR + page * PAGE_SIZE, MAP_READ),
		     "mapping the archive for mm");
	}
}

static void thread_make(struct builder *builder, uint32_t n, uint64_t entry)
{
	const uint32_t tid = TID_MM_FIRST + n;
	struct server_thread thread = {
		.tcb = own_thread_slot(tid, THREAD_TCB),
		.cspace = OWN_MM_CNODE,
		.vspace = builder->vspace,
		.ipc_frame = own_thread_slot(tid, THREAD_IPC_FRAME),
		.ipc_vaddr = BOOT_IPC_BUFFER_VADDR + (uint64_t)n * PAGE_SIZE,
		.pc = entry,
		.sp = MM_STACK_VADDR + n * MM_STACK_STRIDE + MM_STACK_BYTES,
		.args = {n},
		.tag = tid,
		.flags = TCB_FLAG_PASSIVE | TCB_FLAG_NO_FPU | TCB_FLAG_SERVER,
	};

	must(builder_zero(builder, thread.sp - MM_STACK_BYTES, MM_STACK_BYTES,
			  MAP_READ | MAP_WRITE),
	     "making a stack of mm");
	must(untyped_retype(builder->untyped, OBJ_FRAME, PAGE_BITS, 1, 0, thread.ipc_frame),
	     "making an IPC buffer of mm");
	must(builder_map(builder, thread.ipc_frame, thread.ipc_vaddr, MAP_READ | MAP_WRITE),
	     "mapping an IPC buffer of mm");
	must(untyped_retype(builder->untyped, OBJ_TCB, 0, 1, 0, thread.tcb),
	     "making a thread of mm");
	server_thread_prepare(&thread);
	register_server(tid, thread.tcb);
}

static struct builder builder_make(const struct elf *elf, uint32_t threads)
{
	const uint64_t pages = builder_elf_pages(elf) + SLACK_PAGES +
			       threads * (MM_STACK_BYTES / PAGE_SIZE + 3) +
			       MM_BOUNCE_BYTES / PAGE_SIZE + archive_pages() / 512;
	struct builder builder = {.vspace = OWN_MM_VSPACE, .window = OWN_LOAD_VADDR};
	unsigned bits = PAGE_BITS;

	while ((1ull << bits) < pages * PAGE_SIZE)
		bits++;
	must(untyped_alloc(bits, &builder.untyped), "memory for mm");
	/* Slots of the free range: nothing else takes any while mm is built but the copies above,
	 * which come out of the same counter, so reserve them together. */
	builder.slot_next = own_slots_reserve((uint32_t)pages);
	builder.slot_end = builder.slot_next + pages;
	return builder;
}

void mm_start(uint32_t cpus)
{
	static struct mm_start start;
	const uint32_t threads = cpus + MM_SPARE_THREADS;
	const unsigned radix = cnode_radix(untyped_bytes_total());
	struct builder builder;
	struct elf elf;
	struct msg m = {.w = {0}};
	unsigned words;

	must(archive_program("mm", &elf), "looking for mm in the boot archive");
	builder = builder_make(&elf, threads);
	cnode_make(radix);
	must(untyped_retype(builder.untyped, OBJ_VSPACE, 0, 1, 0, builder.vspace),
	     "making mm's address space");
	must(cnode_copy(OWN_MM_CNODE, MM_SLOT_VSPACE, RIGHT_ALL, 0, OWN_MM_VSPACE),
	     "filling mm's CNode");
	must(builder_elf(&builder, &elf), "loading mm");
	bounce_make(&builder);
	archive_map(&builder);
	for (uint32_t n = 0; n < threads; n++)
		thread_make(&builder, n, elf.entry);

	start.magic = MM_START_MAGIC;
	start.bytes = sizeof(start);
	start.cpus = cpus;
	start.pool_threads = threads;
	start.cnode_slots = 1ull << radix;
	start.archive_pages = archive_pages();
	start.archive_start = archive_start();
	start.archive_bytes = archive.size_bytes;
	untyped_give_to_mm(keep_bytes(), &start);
	if (start.untyped_count == 0)
		proc_panic("memory for programs", ERR_NO_MEMORY);
	must(builder_page(&builder, MM_START_VADDR, 0, &start, sizeof(start), MAP_READ),
	     "making mm's start page");

	must(tcb_resume(own_thread_slot(TID_MM_FIRST, THREAD_TCB)), "starting mm");
	must(mm_memory(0, &m, &words), "waiting for mm");
	for (uint32_t n = 1; n < threads; n++)
		must(tcb_resume(own_thread_slot(TID_MM_FIRST + n, THREAD_TCB)),
		     "starting a thread of mm");
	log_line(LOG_INFO, "mm: %u threads, %lu MiB in %lu pages", (unsigned)threads,
		 (unsigned long)(m.w[0] * PAGE_SIZE >> 20), (unsigned long)m.w[0]);
}
