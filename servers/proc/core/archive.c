/* SPDX-License-Identifier: BSD-2-Clause */
#include <abi/bootinfo.h>

#include "archive.h"

#include <libsys/objects.h>

#include "builder.h"
#include "log.h"
#include "own.h"

#define INDEX_PLACES 512u

struct cpio archive;
static struct cpio_index by_name;
static struct cpio_entry by_name_memory[INDEX_PLACES];
static uint64_t pages;
static uint64_t start;

uint64_t archive_pages(void)
{
	return pages;
}

uint64_t archive_start(void)
{
	return start;
}

void archive_init(const struct bootinfo *info, struct builder *own)
{
	enum cpio_reason reason;

	if (info->archive_bytes == 0)
		proc_panic("looking for the boot archive (initrd)", ERR_NOT_FOUND);
	start = info->archive_paddr - info->archive_page_paddr;
	pages = (start + info->archive_bytes + PAGE_SIZE - 1) / PAGE_SIZE;
	if (pages > MM_ARCHIVE_PAGES_MAX)
		proc_panic("mapping the boot archive", ERR_LIMIT);
	for (uint64_t page = 0; page < pages; page += RETYPE_COUNT_MAX) {
		const uint64_t left = pages - page;

		must(untyped_retype(BOOT_SLOT_ARCHIVE, OBJ_FRAME, PAGE_BITS,
				    left < RETYPE_COUNT_MAX ? (unsigned)left : RETYPE_COUNT_MAX, 0,
				    OWN_ARCHIVE_FIRST + page),
		     "making frames of the boot archive");
	}
	for (uint64_t page = 0; page < pages; page++)
		must(builder_map(own, OWN_ARCHIVE_FIRST + page,
				 OWN_ARCHIVE_VADDR + page * PAGE_SIZE, MAP_READ),
		     "mapping the boot archive");
	if (cpio_open(&archive, (const void *)(uintptr_t)(OWN_ARCHIVE_VADDR + start),
		      info->archive_bytes, &reason) != ERR_OK) {
		log_line(LOG_ERROR, "the boot archive is damaged at byte %lu: %s",
			 (unsigned long)archive.fault_off, cpio_reason_text(reason));
		proc_panic("reading the boot archive", ERR_FORMAT);
	}
	cpio_index_make(&by_name, &archive, by_name_memory, INDEX_PLACES);
}

enum error archive_find(const char *name, struct cpio_entry *entry)
{
	return cpio_index_find(&by_name, name, entry);
}

enum error archive_program(const char *name, struct elf *elf)
{
	static const struct elf_limits limits = {USER_VADDR_MIN, MM_AREA_VADDR_MIN, PAGE_SIZE};
	struct cpio_entry entry;
	enum elf_reason reason;
	enum error error = archive_find(name, &entry);

	if (error != ERR_OK)
		return error;
	error = elf_open(elf, entry.data, entry.data_bytes, &limits, &reason);
	if (error != ERR_OK)
		log_line(LOG_ERROR, "\"%s\" is not a program for this machine: %s", name,
			 elf_reason_text(reason));
	return error;
}
