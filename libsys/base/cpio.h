/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reader of a cpio archive in the "newc" format (070701), as used for boot archives.
 *
 * cpio_open() walks the archive once, up to its trailer, and refuses it unless each entry lies
 * inside the bytes at hand.  Entries point into the archive and live as long as it does.
 * The stored length of a name may exceed the name: NULs after it are padding, with which a writer
 * puts the data on a page boundary.  Bytes after the trailer are ignored.
 *
 * Bad at: finding files in a large archive (each search is a walk); the checksum variant (070702).
 */
#pragma once

#include <abi/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(name, text) */
#define CPIO_REASON_LIST(X)                                                                    \
	X(FINE, "no fault")                                                                    \
	X(SHORT_HEADER, "the archive ends in the middle of an entry's header")                 \
	X(BAD_MAGIC, "an entry does not begin with 070701, the magic number of newc archives") \
	X(BAD_NUMBER, "a field of an entry's header is not a hexadecimal number")              \
	X(EMPTY_NAME, "an entry has no name")                                                  \
	X(NAME_END, "an entry's name has no NUL at its end")                                   \
	X(SHORT_NAME, "the archive ends in the middle of an entry's name")                     \
	X(SHORT_DATA, "the archive ends in the middle of an entry's data")                     \
	X(NO_TRAILER, "the archive ends without its trailer entry")

enum cpio_reason {
#define X(name, text) CPIO_##name,
	CPIO_REASON_LIST(X)
#undef X
		CPIO_REASON_COUNT
};

/* Filled by cpio_open(); read-only afterwards. */
struct cpio {
	const uint8_t *base;
	size_t size_bytes;
	size_t entries;   /* without the trailer */
	size_t fault_off; /* where cpio_open() stopped when it failed */
};

struct cpio_entry {
	const char *name; /* NUL-terminated inside the archive; without leading "./" or "/" */
	size_t name_len;
	const uint8_t *data;
	size_t data_bytes;
	uint32_t mode;   /* as in POSIX: type and permissions */
	size_t next_off; /* private */
};

const char *cpio_reason_text(enum cpio_reason reason);

/* ERR_FORMAT with the cause in *@reason (never null) and the place in @cpio->fault_off. */
__attribute__((warn_unused_result)) enum error
cpio_open(struct cpio *cpio, const void *bytes, size_t size_bytes, enum cpio_reason *reason);

/* Entries in order, the trailer excluded; false at the end. */
bool cpio_first(const struct cpio *cpio, struct cpio_entry *entry);
bool cpio_next(const struct cpio *cpio, struct cpio_entry *entry);

/* The first regular file named @name (compared without leading "./" or "/").  ERR_NOT_FOUND. */
__attribute__((warn_unused_result)) enum error cpio_find(const struct cpio *cpio, const char *name,
							 struct cpio_entry *entry);
bool cpio_entry_is_file(const struct cpio_entry *entry);

/* The regular files by name, in memory of the caller: looking one up does not read the archive. */
struct cpio_index {
	const struct cpio *cpio;
	struct cpio_entry *entry; /* name NULL: a free place */
	uint32_t places;          /* 0: too many files for it, the archive is read each time */
};

/* @memory holds @places entries, at best four times as many as there are files.  @cpio was opened. */
void cpio_index_make(struct cpio_index *index, const struct cpio *cpio, struct cpio_entry *memory,
		     uint32_t places);

/* As cpio_find(). */
__attribute__((warn_unused_result)) enum error
cpio_index_find(const struct cpio_index *index, const char *name, struct cpio_entry *entry);
