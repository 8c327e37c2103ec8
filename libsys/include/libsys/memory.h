/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory of the process beyond malloc: thin clients of mm (<mm/protocol.h>).  Addresses are multiples of a
 * page; protection is of MM_PROT_READ, WRITE and EXECUTE, the last two not together (ERR_PERMISSION).
 *
 * What maps returns ERR_RANGE (size 0 or too large), ERR_NO_MEMORY (no room between addresses, or for the
 * region), ERR_LIMIT (MM_REGIONS_MAX regions, or the process's memory limit does not admit what is charged
 * at once: regions and shared objects).  Else a limit, and that memory is used up, is noticed at the touch.
 */
#pragma once

#include <mm/protocol.h>

#include <libsys/syscall.h>

/* Zeroed memory, a frame at the first touch.  @bytes is rounded up to pages. */
MUST_CHECK enum error memory_map(size_t bytes, unsigned protection, void **at);

/* As memory_map, anything that <mm/protocol.h> can do; @vaddr 0: anywhere.  ERR_EXISTS: something is there.
 * ERR_ALIGN.  With MM_MAP_EAGER (64 pages at most: ERR_RANGE) frames are charged at once, too. */
MUST_CHECK enum error memory_map_at(word_t vaddr, size_t bytes, word_t flags, word_t object,
				    word_t offset, void **at);

/* Bytes of the boot archive; @offset may be inside a page, and *@at is then too. */
MUST_CHECK enum error memory_map_file(word_t offset, size_t bytes, unsigned protection, void **at);

/* A stack of at most @bytes (guard page included), growing down from *@at + @bytes. */
MUST_CHECK enum error memory_map_stack(size_t bytes, void **at);

/* What lies in the range; holes are no error.  ERR_RANGE; ERR_NO_MEMORY, ERR_LIMIT to split a region where
 * no page is freed. */
MUST_CHECK enum error memory_unmap(void *at, size_t bytes);
/* As memory_unmap; ERR_NOT_MAPPED: there is a hole. */
MUST_CHECK enum error memory_protect(void *at, size_t bytes, unsigned protection);

/*
 * Shared memory objects of zeroes; who may map one knows its number.  The maker allows others (8 of them, or
 * with @pid 0 everybody) and frees it, at its end at the latest; what is mapped stays mapped.  The maker and
 * each process that maps some of it are charged for all of it, once, and with a page for each page that is
 * there and mapped already, here or elsewhere.
 * ERR_NOT_FOUND: no such object.  ERR_PERMISSION: it is another's, or not allowed.  ERR_LIMIT: the process
 * made or maps 32, it is allowed to 8, or the memory limit.
 */
MUST_CHECK enum error shared_new(size_t bytes, word_t *object);
MUST_CHECK enum error shared_allow(word_t object, word_t pid);
MUST_CHECK enum error shared_free(word_t object);
MUST_CHECK enum error shared_map(word_t object, size_t bytes, unsigned protection, void **at);
