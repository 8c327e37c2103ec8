/* SPDX-License-Identifier: BSD-2-Clause */
/* See <kern/boot_map.h>. */
#include <kern/boot_map.h>
#include <kern/entry.h>
#include <kern/memmap.h>
#include <kern/vspace.h>

/* That a table of the last level maps. */
#define TABLE_BYTES ((uint64_t)ARCH_PT_ENTRIES << PAGE_BITS)

/* Zeroed. */
static paddr_t take(uint64_t bytes, uint64_t align_bytes)
{
	uint64_t base;

	if (memmap_take(&memmap, bytes, align_bytes, &base) != ERR_OK)
		boot_fail("too little memory: no free piece of %lu KiB for the first task; "
			  "give the machine more memory",
			  (unsigned long)(bytes >> 10));
	arch_zero(arch_phys_to_virt(base), bytes);
	return base;
}

paddr_t boot_take(unsigned bits)
{
	uint64_t bytes = bits > PAGE_BITS ? 1ull << bits : PAGE_SIZE;

	return take(bytes, bytes);
}

/* The entry of a page, in a table that is there from now on. */
static uint64_t *page_entry(struct vspace *vspace, uint64_t vaddr)
{
	uint64_t *entry;
	unsigned missing = 0;

	while (vspace_missing_table(vspace, vaddr, &entry) != 0)
		*entry = arch_pte_table(boot_take(PAGE_BITS));
	entry = vspace_entry(vspace, vaddr, ARCH_PT_LAST_LEVEL, &missing);
	kassert(entry != NULL);
	return entry;
}

void boot_map(struct vspace *vspace, uint64_t vaddr, paddr_t paddr, uint64_t bytes, uint32_t flags)
{
	uint64_t *entry = NULL;

	for (uint64_t offset = 0; offset < bytes; offset += PAGE_SIZE) {
		/* Pages that follow each other do so in their table, too. */
		if (offset == 0 || (vaddr + offset) % TABLE_BYTES == 0)
			entry = page_entry(vspace, vaddr + offset);
		else
			entry++;
		kassert(!arch_pte_is_valid(*entry));
		*entry = arch_pte_leaf(paddr + offset, ARCH_PT_LAST_LEVEL, flags);
		vspace->pages_mapped++;
	}
	arch_pte_publish();
}

/* elf_open() has seen to it that a segment has bytes, ends below the stack, and shares no page. */
static void load_segment(struct vspace *vspace, const struct elf_segment *segment)
{
	uint64_t vaddr = segment->vaddr & ~(uint64_t)(PAGE_SIZE - 1);
	uint64_t end = segment->vaddr + segment->mem_bytes;
	uint64_t bytes = ((end + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1)) - vaddr;
	paddr_t paddr = take(bytes, PAGE_SIZE);
	uint8_t *pages = arch_phys_to_virt(paddr);
	uint32_t flags = MAP_READ;

	__builtin_memcpy(pages + (segment->vaddr - vaddr), segment->data, segment->file_bytes);
	if (segment->write)
		flags |= MAP_WRITE;
	if (segment->exec) {
		flags |= MAP_EXECUTE;
		arch_code_publish(pages, bytes);
	}
	boot_map(vspace, vaddr, paddr, bytes, flags);
}

void boot_load(struct vspace *vspace, const struct elf *elf)
{
	struct elf_segment segment;

	for (bool more = elf_segment_first(elf, &segment); more;
	     more = elf_segment_next(elf, &segment))
		load_segment(vspace, &segment);
}
