/* SPDX-License-Identifier: BSD-2-Clause */
/* Static AArch64 ELF64 reader.  See elf.h. */
#include <base/bytes.h>
#include <base/elf.h>
#include <base/reason.h>

#define EHDR_BYTES 64u
#define PHDR_BYTES 56u

enum { TYPE_EXEC = 2, MACHINE_AARCH64 = 183 };
enum { PT_LOAD = 1, PT_DYNAMIC = 2, PT_INTERP = 3, PT_TLS = 7 };
#define PT_GNU_STACK 0x6474e551u
enum { PF_X = 1, PF_W = 2, PF_R = 4 };

struct header {
	uint32_t type;
	uint32_t flags;
	uint64_t off;
	uint64_t vaddr;
	uint64_t file_bytes;
	uint64_t mem_bytes;
	uint64_t align;
};

const char *elf_reason_text(enum elf_reason reason)
{
	static const char *const texts[] = {ELF_REASON_LIST(REASON_TEXT)};

	return reason_text(texts, ELF_REASON_COUNT, (uint32_t)reason);
}

/* @index is below header_count, so the bytes are inside the file. */
static struct header header_read(const struct elf *elf, uint32_t index)
{
	const uint8_t *at = elf->base + elf->headers_off + (size_t)index * PHDR_BYTES;
	const uint64_t file_bytes = bytes_le64(at + 32);

	return (struct header){
		.type = bytes_le32(at),
		.flags = bytes_le32(at + 4),
		/* Linkers give a segment that has no bytes in the file any offset, also one past its end. */
		.off = file_bytes > 0 ? bytes_le64(at + 8) : 0,
		.vaddr = bytes_le64(at + 16),
		.file_bytes = file_bytes,
		.mem_bytes = bytes_le64(at + 40),
		.align = bytes_le64(at + 48),
	};
}

static enum elf_reason ehdr_check(struct elf *elf)
{
	const uint8_t *h = elf->base;

	if (elf->size_bytes < EHDR_BYTES)
		return ELF_SHORT_HEADER;
	if (!bytes_equal(h, "\177ELF", 4))
		return ELF_BAD_MAGIC;
	if (h[4] != 2)
		return ELF_BAD_CLASS;
	if (h[5] != 1)
		return ELF_BAD_ORDER;
	if (h[6] != 1 || bytes_le32(h + 20) != 1)
		return ELF_BAD_VERSION;
	if (bytes_le16(h + 16) != TYPE_EXEC)
		return ELF_BAD_TYPE;
	if (bytes_le16(h + 18) != MACHINE_AARCH64)
		return ELF_BAD_MACHINE;
	elf->entry = bytes_le64(h + 24);
	elf->headers_off = bytes_le64(h + 32);
	elf->header_count = bytes_le16(h + 56);
	if (elf->header_count == 0)
		return ELF_NO_HEADERS;
	if (elf->header_count > ELF_HEADERS_MAX)
		return ELF_TOO_MANY_HEADERS;
	if (bytes_le16(h + 54) != PHDR_BYTES)
		return ELF_BAD_HEADER_SIZE;
	if (elf->headers_off > elf->size_bytes ||
	    (uint64_t)elf->header_count * PHDR_BYTES > elf->size_bytes - elf->headers_off)
		return ELF_SHORT_HEADERS;
	return ELF_FINE;
}

static bool power_of_two(uint64_t n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

/* What holds for every segment with an image in the file. */
static enum elf_reason image_check(const struct elf *elf, const struct header *header)
{
	if (header->off > elf->size_bytes || header->file_bytes > elf->size_bytes - header->off)
		return ELF_FILE_RANGE;
	if (header->file_bytes > header->mem_bytes)
		return ELF_FILE_SIZE;
	if (header->mem_bytes > UINT64_MAX - header->vaddr)
		return ELF_ADDRESS_WRAP;
	if (header->align > 1 && !power_of_two(header->align))
		return ELF_BAD_ALIGN;
	return ELF_FINE;
}

static enum elf_reason load_check(const struct elf *elf, const struct header *header,
				  const struct elf_limits *limits)
{
	enum elf_reason reason = image_check(elf, header);
	uint64_t modulus = header->align > limits->page_bytes ? header->align : limits->page_bytes;

	if (reason != ELF_FINE)
		return reason;
	if (header->vaddr < limits->vaddr_min || header->vaddr >= limits->vaddr_end ||
	    header->mem_bytes > limits->vaddr_end - header->vaddr)
		return ELF_ADDRESS_RANGE;
	if ((header->flags & PF_W) != 0 && (header->flags & PF_X) != 0)
		return ELF_WRITE_EXEC;
	if (header->file_bytes > 0 && ((header->vaddr ^ header->off) & (modulus - 1)) != 0)
		return ELF_NOT_CONGRUENT;
	return ELF_FINE;
}

/* Compares page numbers, so that rounding up the end cannot wrap. */
static bool headers_overlap(const struct header *a, const struct header *b, uint64_t page_bytes)
{
	uint64_t mask = ~(page_bytes - 1);

	return (a->vaddr & mask) <= ((b->vaddr + b->mem_bytes - 1) & mask) &&
	       (b->vaddr & mask) <= ((a->vaddr + a->mem_bytes - 1) & mask);
}

static bool header_loads(const struct header *header)
{
	return header->type == PT_LOAD && header->mem_bytes > 0;
}

static enum elf_reason loads_check(struct elf *elf, const struct elf_limits *limits)
{
	elf->vaddr_min = UINT64_MAX;
	for (uint32_t i = 0; i < elf->header_count; i++) {
		struct header header = header_read(elf, i);
		enum elf_reason reason;

		if (!header_loads(&header))
			continue;
		reason = load_check(elf, &header, limits);
		if (reason != ELF_FINE)
			return reason;
		for (uint32_t j = 0; j < i; j++) {
			struct header other = header_read(elf, j);

			if (header_loads(&other) &&
			    headers_overlap(&header, &other, limits->page_bytes))
				return ELF_OVERLAP;
		}
		elf->segment_count++;
		if (header.vaddr < elf->vaddr_min)
			elf->vaddr_min = header.vaddr;
		if (header.vaddr + header.mem_bytes > elf->vaddr_end)
			elf->vaddr_end = header.vaddr + header.mem_bytes;
	}
	return elf->segment_count > 0 ? ELF_FINE : ELF_NO_SEGMENTS;
}

/* The image must be in a loaded segment, at the same place in the file as in memory. */
static enum elf_reason tls_check(const struct elf *elf, const struct header *tls)
{
	enum elf_reason reason = image_check(elf, tls);

	if (reason != ELF_FINE || tls->file_bytes == 0)
		return reason;
	for (uint32_t i = 0; i < elf->header_count; i++) {
		struct header load = header_read(elf, i);

		if (header_loads(&load) && tls->vaddr >= load.vaddr &&
		    tls->vaddr - load.vaddr <= load.file_bytes &&
		    tls->file_bytes <= load.file_bytes - (tls->vaddr - load.vaddr) &&
		    tls->off - load.off == tls->vaddr - load.vaddr)
			return ELF_FINE;
	}
	return ELF_BAD_TLS;
}

static enum elf_reason others_check(const struct elf *elf)
{
	enum elf_reason reason = ELF_FINE;
	bool tls_seen = false;

	for (uint32_t i = 0; i < elf->header_count && reason == ELF_FINE; i++) {
		struct header header = header_read(elf, i);

		if (header.type == PT_DYNAMIC || header.type == PT_INTERP)
			return ELF_DYNAMIC;
		if (header.type == PT_GNU_STACK && (header.flags & PF_X) != 0)
			return ELF_EXEC_STACK;
		if (header.type != PT_TLS)
			continue;
		if (tls_seen)
			return ELF_TWO_TLS;
		tls_seen = true;
		reason = tls_check(elf, &header);
	}
	return reason;
}

static enum elf_reason entry_check(const struct elf *elf)
{
	struct elf_segment segment;

	if (elf->entry % 4 != 0)
		return ELF_BAD_ENTRY;
	for (bool more = elf_segment_first(elf, &segment); more;
	     more = elf_segment_next(elf, &segment))
		if (segment.exec && elf->entry >= segment.vaddr &&
		    elf->entry - segment.vaddr < segment.file_bytes)
			return ELF_FINE;
	return ELF_BAD_ENTRY;
}

enum error elf_open(struct elf *elf, const void *bytes, size_t size_bytes,
		    const struct elf_limits *limits, enum elf_reason *reason)
{
	*elf = (struct elf){.base = bytes, .size_bytes = size_bytes};
	*reason = ehdr_check(elf);
	if (*reason == ELF_FINE)
		*reason = loads_check(elf, limits);
	if (*reason == ELF_FINE)
		*reason = others_check(elf);
	if (*reason == ELF_FINE)
		*reason = entry_check(elf);
	return *reason == ELF_FINE ? ERR_OK : ERR_FORMAT;
}

static void segment_fill(const struct elf *elf, const struct header *header, uint32_t index,
			 struct elf_segment *segment)
{
	*segment = (struct elf_segment){
		.vaddr = header->vaddr,
		.mem_bytes = header->mem_bytes,
		.file_bytes = header->file_bytes,
		.data = elf->base + header->off,
		.file_off = header->off,
		.align_bytes = header->align > 1 ? header->align : 1,
		.read = (header->flags & PF_R) != 0,
		.write = (header->flags & PF_W) != 0,
		.exec = (header->flags & PF_X) != 0,
		.index = index,
	};
}

static bool segment_at(const struct elf *elf, uint32_t index, struct elf_segment *segment)
{
	for (; index < elf->header_count; index++) {
		struct header header = header_read(elf, index);

		if (!header_loads(&header))
			continue;
		segment_fill(elf, &header, index, segment);
		return true;
	}
	return false;
}

bool elf_segment_first(const struct elf *elf, struct elf_segment *segment)
{
	return segment_at(elf, 0, segment);
}

bool elf_segment_next(const struct elf *elf, struct elf_segment *segment)
{
	return segment_at(elf, segment->index + 1, segment);
}

bool elf_tls(const struct elf *elf, struct elf_segment *tls)
{
	for (uint32_t i = 0; i < elf->header_count; i++) {
		struct header header = header_read(elf, i);

		if (header.type != PT_TLS)
			continue;
		segment_fill(elf, &header, i, tls);
		return true;
	}
	return false;
}
