/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Build an address space eagerly: frames and page tables out of one untyped object, capabilities
 * into a row of slots.  For proc itself and for the servers that must never page-fault.
 * Context: one thread at a time for each builder.
 */
#pragma once

#include <abi/error.h>
#include <abi/types.h>
#include <base/elf.h>

struct builder {
	cptr_t untyped;
	cptr_t vspace;
	cptr_t slot_next;
	cptr_t slot_end;
	uint64_t window; /* where proc itself may map one page of it for a moment */
};

/* Pages of frames and tables that an ELF file takes at most. */
uint64_t builder_elf_pages(const struct elf *elf);

/* All: ERR_NO_MEMORY when the untyped object or the slots are used up. */

/* An object that needs no address. */
__attribute__((warn_unused_result)) enum error
builder_object(struct builder *builder, enum object_type type, unsigned bits, cptr_t *slot);
__attribute__((warn_unused_result)) enum error builder_map(struct builder *builder, cptr_t frame,
							   uint64_t vaddr, unsigned flags);
/* Zeroed pages at vaddr. */
__attribute__((warn_unused_result)) enum error builder_zero(struct builder *builder, uint64_t vaddr,
							    uint64_t bytes, unsigned flags);
/* One page that holds `bytes` bytes at offset `at`, zeroes around them. */
__attribute__((warn_unused_result)) enum error builder_page(struct builder *builder, uint64_t vaddr,
							    uint64_t at, const void *data,
							    uint64_t bytes, unsigned flags);
__attribute__((warn_unused_result)) enum error builder_elf(struct builder *builder,
							   const struct elf *elf);
