/* SPDX-License-Identifier: BSD-2-Clause */
/* Start of mm, and requests to it.  After the start: service thread and reaper. */
#pragma once

#include <abi/error.h>
#include <abi/types.h>
#include <mm/protocol.h>

/* Make mm's space, CNode and threads, hand it its memory; mm answers when this returns. */
void mm_start(uint32_t cpus);

__attribute__((warn_unused_result)) enum error mm_space_new(uint32_t pid, uint64_t pages_max,
							    cptr_t vspace);
/* The slot `vspace` is empty afterwards. */
__attribute__((warn_unused_result)) enum error mm_space_free(uint32_t pid);
__attribute__((warn_unused_result)) enum error mm_space_tables(uint32_t pid, uint64_t vaddr);

struct mm_map {
	uint64_t vaddr;
	uint64_t bytes;
	word_t flags;
	uint64_t offset;
	uint64_t file_bytes;
};

__attribute__((warn_unused_result)) enum error mm_map(uint32_t pid, const struct mm_map *map);
__attribute__((warn_unused_result)) enum error mm_unmap(uint32_t pid, uint64_t vaddr,
							uint64_t bytes);

/* Between a space and the bounce buffer (service thread only). */
__attribute__((warn_unused_result)) enum error mm_copy_in(uint32_t pid, uint64_t vaddr,
							  uint64_t bytes, uint64_t offset);
__attribute__((warn_unused_result)) enum error mm_copy_out(uint32_t pid, uint64_t vaddr,
							   uint64_t bytes, uint64_t offset);

/* Answers of STATS and SPACE_INFO stay in the message; *words says how many. */
struct msg;
__attribute__((warn_unused_result)) enum error mm_memory(uint32_t pid, struct msg *m,
							 unsigned *words);
