/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests to mm, the pager: a SYS_CALL on a process's MM capability.  The label of the message
 * info is the request, words are arguments; the answer's label is an enum error (positive, 0 = OK)
 * and its words are the results, from w0 on.
 *
 * The badge says for whom: an address space has the number of its process (pid), which is the
 * badge; the badge MM_BADGE_PROC is the process server's, which names the space in w5.
 * Page faults arrive on the same endpoint with the pid of the space as badge.
 */
#pragma once

#include <abi/types.h>

#define MM_BADGE_PROC  (1ull << 63)
#define MM_REGIONS_MAX 4096u /* of one space */
#define MM_OBJECTS_MAX 32u   /* shared ones that a space made or maps */
#define MM_SPACES_MAX  512u /* live address spaces; the number of a space modulo this is its index */

/* Where mm puts mappings that name no address. */
#define MM_AREA_VADDR_MIN 0x0000001000000000ull
#define MM_AREA_VADDR_MAX 0x0000007000000000ull

/* MAP, PROTECT: protection (as MAP_READ, MAP_WRITE, MAP_EXECUTE of <abi/object.h>) and kind. */
#define MM_PROT_READ    1u
#define MM_PROT_WRITE   2u
#define MM_PROT_EXECUTE 4u
#define MM_PROT_MASK    7u
#define MM_KIND_SHIFT   8u
#define MM_MAP_EAGER    (1u << 16) /* give every page its frame now; MM_WORK_MAX pages at most */

/* Pages, tables without any, or regions of one request: it is answered soon, and whoever waits for mm has
 * its turn. */
#define MM_WORK_MAX 64u

/* X(name, value, meaning) */
#define MM_KIND_LIST(X)                                                                       \
	X(ANON, 0, "zeroed memory, a frame at the first touch")                               \
	X(STACK, 1,                                                                           \
	  "as ANON, filled from its top down, with an inaccessible guard page below; "        \
	  "bytes is the limit, guard included")                                               \
	X(FILE, 2, "bytes of the boot archive from offset on; a private copy where writable") \
	X(SHARED, 3, "shared memory object, from offset on")

enum mm_kind {
#define X(name, value, meaning) MM_KIND_##name = value,
	MM_KIND_LIST(X)
#undef X
		MM_KIND_COUNT
};

#define MM_MAP_FLAGS(prot, kind) ((word_t)(prot) | ((word_t)(kind) << MM_KIND_SHIFT))

/* X(name, value, arguments, results, meaning).  All sizes and addresses are multiples of a page
 * unless said otherwise.  w5 is the space, for the process server only. */
#define MM_REQUEST_LIST(X)                                                                         \
	X(MAP, 1, "w0 vaddr or 0, w1 bytes, w2 MM_MAP_FLAGS, w3 object or 0, w4 offset in bytes",  \
	  "w0 vaddr",                                                                              \
	  "make a region; EXISTS if it meets another one, NO_MEMORY, LIMIT.  STACK: the guard "    \
	  "page is the lowest of the region.  FILE: offset and bytes may be inside pages, and w6 " \
	  "= bytes of the file, the rest of the region is zero; vaddr and offset agree within a "  \
	  "page")                                                                                  \
	X(UNMAP, 2, "w0 vaddr, w1 bytes", "w0 pages freed, w1 bytes at the end that are left",     \
	  "remove what lies inside, up to MM_WORK_MAX pages and regions: ask again for the rest; " \
	  "regions are split: LIMIT; NO_MEMORY: the pages may be gone")                            \
	X(PROTECT, 3, "w0 vaddr, w1 bytes, w2 protection, w3 bytes that are done, first 0",        \
	  "w0 bytes that are done",                                                                \
	  "change protection, up to MM_WORK_MAX pages: ask again with what is done; NOT_MAPPED "   \
	  "where the range has a hole; LIMIT, NO_MEMORY")                                          \
	X(STATS, 4, "", "struct mm_stats", "counters of the whole machine")                        \
	X(SPACE_INFO, 5, "", "struct mm_space_info", "memory of one space")                        \
	X(SHARED_NEW, 6, "w0 bytes", "w0 object",                                                  \
	  "create a shared memory object of the caller; it, and each space with a region of the "  \
	  "object, is charged for all of it, once, and for each page that is mapped elsewhere: "   \
	  "LIMIT")                                                                                 \
	X(SHARED_ALLOW, 7, "w0 object, w1 pid or 0 = everybody", "", "let another space map it")   \
	X(SHARED_FREE, 8, "w0 object", "w0 1: ask again, 0: done",                                 \
	  "its memory is freed with the last mapping, or if there is none, up to MM_WORK_MAX "     \
	  "pages of it, and it is to be asked again")                                              \
	X(SPACE_NEW, 16, "w0 limit in pages, w5 pid", "w0 slot of the VSpace in mm's CNode",       \
	  "process server: create a space")                                                        \
	X(SPACE_FREE, 17, "w5 pid", "w0 pages freed",                                              \
	  "process server: its threads are gone, free it all")                                     \
	X(SPACE_CLONE, 18, "w0 from pid, w5 to pid", "w0 pages shared",                            \
	  "process server: copy all regions into an empty space, pages copied at first write")     \
	X(SPACE_TABLES, 19, "w0 vaddr, w5 pid", "",                                                \
	  "process server: all page tables for this address, for frames it maps itself")           \
	X(COPY_OUT, 20, "w0 vaddr, w1 bytes, w2 offset in the bounce buffer, w5 pid", "",          \
	  "process server: from the space to the bounce buffer; any alignment; FAULT_ADDR")        \
	X(COPY_IN, 21, "w0 vaddr, w1 bytes, w2 offset in the bounce buffer, w5 pid", "",           \
	  "process server: from the bounce buffer to the space")                                   \
	X(SPACE_LIMIT, 22, "w0 limit in pages, w5 pid", "", "process server: change a limit")      \
	X(CHECK, 23, "", "w0 frames that are neither free nor accounted for",                      \
	  "process server: walk all spaces; for tests")

enum mm_request {
#define X(name, value, arguments, results, meaning) MM_REQ_##name = value,
	MM_REQUEST_LIST(X)
#undef X
};

/* Results of STATS, one word each. */
struct mm_stats {
	word_t frames_total;  /* 4 KiB each, given to mm so far or still in untyped memory */
	word_t frames_free;   /* of these, unused */
	word_t frames_user;   /* mapped, or held by shared objects */
	word_t frames_tables; /* hardware and software page tables */
	word_t spaces;
	word_t regions;
	word_t faults;          /* page faults answered */
	word_t faults_forward;  /* of these, passed on as errors */
	word_t faults_raced;    /* of these, found the page there already */
	word_t pages_zeroed;    /* demand-zero */
	word_t pages_copied;    /* copy-on-write and private file pages */
	word_t pages_archive;   /* mapped in place from the boot archive */
	word_t locks_contended; /* waits for a space or the frame allocator */
	word_t frames_lost;     /* could not be used for want of a page table; normally 0 */
};

/* Results of SPACE_INFO. */
struct mm_space_info {
	word_t pages;       /* frames charged to the space, tables included */
	word_t pages_limit; /* 0: none */
	word_t pages_peak;
	word_t regions;
	word_t bytes_mapped; /* sum of all regions */
};

/* ------- what proc and mm agree on ------------------------------------------------------------ */

/* mm's own CNode (fixed slots; X(name, slot, meaning)). */
#define MM_SLOT_LIST(X)                                                            \
	X(CNODE, 1, "its CNode")                                                   \
	X(VSPACE, 3, "its address space")                                          \
	X(SYSTEM, 7, "debug output")                                               \
	X(ENDPOINT, 8, "where it receives, all rights")                            \
	X(REPLY_FIRST, 16, "one reply object for each pool thread")                \
	X(LOCK_FIRST, 1024, "one notification for each lock")                      \
	X(UNTYPED_FIRST, 2048, "memory")                                           \
	X(LOCK_SIGNAL_FIRST, 3072, "the same notifications, badge 1, to signal")   \
	X(ARCHIVE_FIRST, 4096, "one read-only frame for each page of the archive") \
	X(FREE_FIRST, 20480, "first free slot; all up to the end of the CNode are free")

enum mm_slot {
#define X(name, slot, meaning) MM_SLOT_##name = slot,
	MM_SLOT_LIST(X)
#undef X
};

#define MM_POOL_MAX          (CPUS_MAX + 8u)
#define MM_LOCKS_MAX         768u
#define MM_UNTYPED_MAX       256u
#define MM_ARCHIVE_PAGES_MAX 16384u

#define MM_START_VADDR   0x0000006000000000ull /* struct mm_start, read-only */
#define MM_BOUNCE_VADDR  0x0000006000100000ull /* bounce buffer, shared with proc */
#define MM_BOUNCE_BYTES  65536u
#define MM_ARCHIVE_VADDR 0x0000006010000000ull /* the boot archive's pages, read-only */
#define MM_WINDOW_VADDR  0x0000004000000000ull /* frame n is at MM_WINDOW_VADDR + n * PAGE_SIZE */
#define MM_FRAMES_VADDR  0x0000005000000000ull /* what mm keeps about each frame */

#define MM_START_MAGIC 0x31304e4f54414d4dull

struct mm_start {
	word_t magic;
	word_t bytes;
	word_t cpus;
	word_t pool_threads;
	word_t cnode_slots; /* in mm's CNode */
	word_t archive_pages;
	word_t archive_start; /* offset of the archive's first byte in its first page */
	word_t archive_bytes;
	word_t untyped_count;
	struct {
		word_t size_bits;
	} untyped[MM_UNTYPED_MAX];
};

_Static_assert(sizeof(struct mm_start) <= PAGE_SIZE, "one page");

/* Pool thread n is entered with x0 = n; thread 0 alone at first, the others once a call of proc was
 * answered. */
