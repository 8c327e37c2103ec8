/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory of the process beyond malloc: thin clients of mm (<mm/protocol.h>). */
#pragma once

#include <mm/protocol.h>

#include <libsys/syscall.h>

/* Zeroed memory, a frame at the first touch.  @bytes is rounded up to pages. */
MUST_CHECK enum error memory_map(size_t bytes, unsigned protection, void **at);

/* As memory_map, anything that <mm/protocol.h> can do; @vaddr 0: anywhere. */
MUST_CHECK enum error memory_map_at(word_t vaddr, size_t bytes, word_t flags, word_t object,
				    word_t offset, void **at);

/* Bytes of the boot archive; @offset may be inside a page, and *@at is then too. */
MUST_CHECK enum error memory_map_file(word_t offset, size_t bytes, unsigned protection, void **at);

/* A stack of at most @bytes (guard page included), growing down from *@at + @bytes. */
MUST_CHECK enum error memory_map_stack(size_t bytes, void **at);

MUST_CHECK enum error memory_unmap(void *at, size_t bytes);
MUST_CHECK enum error memory_protect(void *at, size_t bytes, unsigned protection);

/* Shared memory objects; who may map one knows its number. */
MUST_CHECK enum error shared_new(size_t bytes, word_t *object);
MUST_CHECK enum error shared_allow(word_t object, word_t pid);
MUST_CHECK enum error shared_free(word_t object);
MUST_CHECK enum error shared_map(word_t object, size_t bytes, unsigned protection, void **at);
