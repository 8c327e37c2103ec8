/* SPDX-License-Identifier: BSD-2-Clause */
/* The boot archive, mapped read-only in proc. Read-only after archive_init. */
#pragma once

#include <abi/error.h>
#include <abi/types.h>
#include <base/cpio.h>
#include <base/elf.h>

struct bootinfo;
struct builder;

/* Map and check the archive; panics loudly if it is damaged. */
void archive_init(const struct bootinfo *info, struct builder *own);

extern struct cpio archive;
uint64_t archive_pages(void);
uint64_t archive_start(void); /* of its first byte in its first page */

/* A regular file.  ERR_NOT_FOUND. */
__attribute__((warn_unused_result)) enum error archive_find(const char *name,
							    struct cpio_entry *entry);

/* A program.  ERR_NOT_FOUND; ERR_FORMAT, with a line on the console. */
__attribute__((warn_unused_result)) enum error archive_program(const char *name, struct elf *elf);
