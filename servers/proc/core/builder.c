/* SPDX-License-Identifier: BSD-2-Clause */
#include <abi/bootinfo.h>
#include <abi/object.h>

#include "builder.h"

#include <base/bytes.h>
#include <libsys/objects.h>

enum error builder_object(struct builder *builder, enum object_type type, unsigned bits,
			  cptr_t *slot)
{
	if (builder->slot_next == builder->slot_end)
		return ERR_NO_MEMORY;

	enum error error = untyped_retype(builder->untyped, type, bits, 1, 0, builder->slot_next);

	if (error == ERR_OK)
		*slot = builder->slot_next++;
	return error;
}

enum error builder_map(struct builder *builder, cptr_t frame, uint64_t vaddr, unsigned flags)
{
	for (;;) {
		enum error error = frame_map(frame, builder->vspace, vaddr, flags, NULL);
		unsigned level;
		cptr_t table;

		if (error != ERR_NO_TABLE)
			return error;
		error = builder_object(builder, OBJ_PAGE_TABLE, PAGE_BITS, &table);
		if (error == ERR_OK)
			error = page_table_map(table, builder->vspace, vaddr, &level);
		if (error != ERR_OK)
			return error;
	}
}

enum error builder_zero(struct builder *builder, uint64_t vaddr, uint64_t bytes, unsigned flags)
{
	for (uint64_t at = 0; at < bytes; at += PAGE_SIZE) {
		cptr_t frame;
		enum error error = builder_object(builder, OBJ_FRAME, PAGE_BITS, &frame);

		if (error == ERR_OK)
			error = builder_map(builder, frame, vaddr + at, flags);
		if (error != ERR_OK)
			return error;
	}
	return ERR_OK;
}

/* Fill a fresh frame through the window. */
static enum error frame_fill(const struct builder *builder, cptr_t frame, uint64_t at,
			     const void *data, uint64_t bytes)
{
	enum error error = frame_map(frame, BOOT_SLOT_VSPACE, builder->window, MAP_READ | MAP_WRITE,
				     NULL);

	if (error != ERR_OK)
		return error;
	bytes_copy((uint8_t *)(uintptr_t)builder->window + at, data, bytes);
	return frame_unmap(frame);
}

enum error builder_page(struct builder *builder, uint64_t vaddr, uint64_t at, const void *data,
			uint64_t bytes, unsigned flags)
{
	cptr_t frame;
	enum error error = builder_object(builder, OBJ_FRAME, PAGE_BITS, &frame);

	if (error == ERR_OK && bytes != 0)
		error = frame_fill(builder, frame, at, data, bytes);
	if (error == ERR_OK)
		error = builder_map(builder, frame, vaddr, flags);
	return error;
}

static enum error segment_build(struct builder *builder, const struct elf_segment *segment)
{
	const uint64_t start = segment->vaddr & ~(PAGE_SIZE - 1ull);
	const uint64_t end = segment->vaddr + segment->mem_bytes;
	const unsigned flags = (segment->write ? MAP_READ | MAP_WRITE : MAP_READ) |
			       (segment->exec ? MAP_EXECUTE : 0u);
	uint64_t copied = 0;

	for (uint64_t page = start; page < end; page += PAGE_SIZE) {
		const uint64_t at = page == start ? segment->vaddr - start : 0;
		const uint64_t left = segment->file_bytes - copied;
		const uint64_t bytes = left < PAGE_SIZE - at ? left : PAGE_SIZE - at;
		enum error error = builder_page(builder, page, at, segment->data + copied, bytes,
						flags);

		if (error != ERR_OK)
			return error;
		copied += bytes;
	}
	return ERR_OK;
}

enum error builder_elf(struct builder *builder, const struct elf *elf)
{
	struct elf_segment segment;
	enum error error = ERR_OK;

	for (bool more = elf_segment_first(elf, &segment); more && error == ERR_OK;
	     more = elf_segment_next(elf, &segment))
		error = segment_build(builder, &segment);
	return error;
}

uint64_t builder_elf_pages(const struct elf *elf)
{
	struct elf_segment segment;
	uint64_t pages = 0;

	for (bool more = elf_segment_first(elf, &segment); more;
	     more = elf_segment_next(elf, &segment))
		pages += segment.mem_bytes / PAGE_SIZE + 2 + segment.mem_bytes / LARGE_PAGE_SIZE +
			 2;
	return pages;
}
