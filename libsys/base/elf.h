/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reader of a static AArch64 ELF64 executable.
 *
 * elf_open() checks everything that a loader relies on: after it, segments neither overlap nor
 * share a page, none is both writable and executable, all lie inside the caller's limits and the
 * file, and the entry point is inside an executable segment.  Section headers are never looked at.
 *
 * Bad at: position-independent executables and anything that needs a dynamic linker; refused.
 */
#pragma once

#include <abi/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_HEADERS_MAX 64u

/* X(name, text) */
#define ELF_REASON_LIST(X)                                                                 \
	X(FINE, "no fault")                                                                \
	X(SHORT_HEADER, "fewer bytes than an ELF header has")                              \
	X(BAD_MAGIC, "the file does not begin like an ELF file")                           \
	X(BAD_CLASS, "the file is not 64-bit")                                             \
	X(BAD_ORDER, "the file is not little-endian")                                      \
	X(BAD_VERSION, "the ELF version is not 1")                                         \
	X(BAD_TYPE, "the file is not an executable with fixed addresses (ET_EXEC)")        \
	X(BAD_MACHINE, "the file is not for AArch64")                                      \
	X(BAD_HEADER_SIZE, "program headers have an unknown size")                         \
	X(NO_HEADERS, "there are no program headers")                                      \
	X(TOO_MANY_HEADERS, "there are more program headers than this build supports")     \
	X(SHORT_HEADERS, "the program headers lie outside the file")                       \
	X(DYNAMIC, "the file needs a dynamic linker")                                      \
	X(NO_SEGMENTS, "there is nothing to load")                                         \
	X(FILE_RANGE, "a segment's bytes lie outside the file")                            \
	X(FILE_SIZE, "a segment has more bytes in the file than in memory")                \
	X(ADDRESS_WRAP, "a segment passes the end of the address space")                   \
	X(ADDRESS_RANGE, "a segment lies outside the addresses allowed")                   \
	X(WRITE_EXEC, "a segment is both writable and executable")                         \
	X(BAD_ALIGN, "a segment's alignment is not a power of two")                        \
	X(NOT_CONGRUENT, "a segment's address and file offset differ within a page")       \
	X(OVERLAP, "two segments overlap or share a page")                                 \
	X(BAD_ENTRY, "the entry point is not inside an executable segment or not aligned") \
	X(TWO_TLS, "there is more than one thread-local segment")                          \
	X(BAD_TLS, "the thread-local segment's image is not inside a loaded segment")      \
	X(EXEC_STACK, "the file asks for an executable stack")

enum elf_reason {
#define X(name, text) ELF_##name,
	ELF_REASON_LIST(X)
#undef X
		ELF_REASON_COUNT
};

/* What the caller allows. */
struct elf_limits {
	uint64_t vaddr_min;
	uint64_t vaddr_end;  /* first address that is not allowed */
	uint64_t page_bytes; /* power of two; segments must not share one */
};

/* Filled by elf_open(); read-only afterwards. */
struct elf {
	const uint8_t *base;
	size_t size_bytes;
	uint64_t entry;
	uint64_t headers_off;
	uint32_t header_count;
	uint32_t segment_count; /* PT_LOAD with bytes in memory */
	uint64_t vaddr_min;     /* over all segments */
	uint64_t vaddr_end;
};

struct elf_segment {
	uint64_t vaddr;
	uint64_t mem_bytes; /* bytes after file_bytes are zero */
	uint64_t file_bytes;
	const uint8_t *data; /* file_bytes of them */
	uint64_t file_off;
	uint64_t align_bytes;
	bool read;
	bool write;
	bool exec;
	uint32_t index; /* private: number of the program header */
};

const char *elf_reason_text(enum elf_reason reason);

/* ERR_FORMAT, with the cause in *@reason (never null).  Cost: square of the program headers. */
__attribute__((warn_unused_result)) enum error elf_open(struct elf *elf, const void *bytes,
							size_t size_bytes,
							const struct elf_limits *limits,
							enum elf_reason *reason);

/* Segments to load, in the file's order; false at the end. */
bool elf_segment_first(const struct elf *elf, struct elf_segment *segment);
bool elf_segment_next(const struct elf *elf, struct elf_segment *segment);

/* The thread-local image (PT_TLS); false if there is none. */
bool elf_tls(const struct elf *elf, struct elf_segment *tls);
