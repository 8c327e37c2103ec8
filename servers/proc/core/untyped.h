/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proc's kernel memory: untyped objects of 2^bits bytes, split by halves.  What is given back must
 * have no children; halves are not joined again.
 * Context: the first thread at boot, then the service thread.
 */
#pragma once

#include <abi/error.h>
#include <abi/types.h>

struct bootinfo;
struct mm_start;

void untyped_init(const struct bootinfo *info);

/* ERR_NO_MEMORY */
__attribute__((warn_unused_result)) enum error untyped_alloc(unsigned bits, cptr_t *slot);
void untyped_free(unsigned bits, cptr_t slot);

/* A slot of proc's CNode that is never given back; panics when there is none. */
cptr_t own_slot_new(void);

/* `count` of them side by side; returns the first. */
cptr_t own_slots_reserve(uint32_t count);

uint64_t untyped_bytes_total(void);
uint64_t untyped_bytes_free(void);

/* The largest untyped objects, until `keep` bytes are left; moved to mm's CNode. */
void untyped_give_to_mm(uint64_t keep, struct mm_start *start);
