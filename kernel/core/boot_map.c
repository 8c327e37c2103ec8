/* SPDX-License-Identifier: BSD-2-Clause */
/* See <kern/boot_map.h>. */
#include <base/bytes.h>
#include <kern/boot_map.h>
#include <kern/entry.h>
#include <kern/memmap.h>
#include <kern/vspace.h>

paddr_t boot_take(unsigned bits)
{
	uint64_t bytes = bits > PAGE_BITS ? 1ull << bits : PAGE_SIZE;
	uint64_t base;

	if (memmap_take(&memmap, bytes, bytes, &base) != ERR_OK)
		boot_fail("too little memory: no free piece of %lu KiB for the first task; "
			  "give the machine more memory",
			  (unsigned long)(bytes >> 10));
	arch_zero(arch_phys_to_virt(base), bytes);
	return base;
}

static void map_page(struct vspace *vspace, uint64_t vaddr, paddr_t paddr, uint32_t flags)
{
	uint64_t *entry;
	unsigned missing = 0;

	while (vspace_missing_table(vspace, vaddr, &entry) != 0)
		*entry = arch_pte_table(boot_take(PAGE_BITS));
	entry = vspace_entry(vspace, vaddr, ARCH_PT_LAST_LEVEL, &missing);
	kassert(entry != NULL && !arch_pte_is_valid(*entry));
	*entry = arch_pte_leaf(paddr, ARCH_PT_LAST_LEVEL, flags);
	vspace->pages_mapped++;
}

void boot_map(struct vspace *vspace, uint64_t vaddr, paddr_t paddr, uint64_t bytes, uint32_t flags)
{
	for (uint64_t offset = 0; offset < bytes; offset += PAGE_SIZE)
		map_page(vspace, vaddr + offset, paddr + offset, flags);
	arch_pte_publish();
}

static void load_page(struct vspace *vspace, const struct elf_segment *segment, uint64_t vaddr)
{
	paddr_t paddr = boot_take(PAGE_BITS);
	uint8_t *page = arch_phys_to_virt(paddr);
	uint64_t from = vaddr > segment->vaddr ? vaddr : segment->vaddr;
	uint64_t file_end = segment->vaddr + segment->file_bytes;
	uint64_t to = vaddr + PAGE_SIZE < file_end ? vaddr + PAGE_SIZE : file_end;
	uint32_t flags = MAP_READ;

	if (from < to)
		bytes_copy(page + (from - vaddr), segment->data + (from - segment->vaddr),
			   (size_t)(to - from));
	if (segment->write)
		flags |= MAP_WRITE;
	if (segment->exec) {
		flags |= MAP_EXECUTE;
		arch_code_publish(page, PAGE_SIZE);
	}
	boot_map(vspace, vaddr, paddr, PAGE_SIZE, flags);
}

void boot_load(struct vspace *vspace, const struct elf *elf)
{
	struct elf_segment segment;

	for (bool more = elf_segment_first(elf, &segment); more;
	     more = elf_segment_next(elf, &segment)) {
		uint64_t end = segment.vaddr + segment.mem_bytes;

		for (uint64_t vaddr = segment.vaddr & ~(uint64_t)(PAGE_SIZE - 1); vaddr < end;
		     vaddr += PAGE_SIZE)
			load_page(vspace, &segment, vaddr);
	}
}
