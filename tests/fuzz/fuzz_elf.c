/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs: what elf_open() promises a loader. */
#include "fuzz.h"

#include <base/elf.h>

static const struct elf_limits limits = {
	.vaddr_min = 0x10000, .vaddr_end = 0x8000000000, .page_bytes = 4096};

#define PAGE_OF(address) ((address) / limits.page_bytes)

static void check_segment(const struct elf *elf, const struct elf_segment *segment)
{
	struct elf_segment other;

	fuzz_check(segment->mem_bytes > 0 && segment->file_bytes <= segment->mem_bytes);
	fuzz_check(segment->vaddr >= limits.vaddr_min && segment->vaddr >= elf->vaddr_min);
	fuzz_check(segment->vaddr < limits.vaddr_end &&
		   segment->mem_bytes <= limits.vaddr_end - segment->vaddr);
	fuzz_check(segment->vaddr + segment->mem_bytes <= elf->vaddr_end);
	fuzz_check(!(segment->write && segment->exec));
	fuzz_touch(segment->data, (size_t)segment->file_bytes);
	for (bool more = elf_segment_first(elf, &other); more; more = elf_segment_next(elf, &other))
		fuzz_check(other.index == segment->index ||
			   PAGE_OF(other.vaddr) >
				   PAGE_OF(segment->vaddr + segment->mem_bytes - 1) ||
			   PAGE_OF(segment->vaddr) > PAGE_OF(other.vaddr + other.mem_bytes - 1));
}

static void check_tls(const struct elf_segment *tls)
{
	fuzz_check(tls->file_bytes <= tls->mem_bytes);
	fuzz_touch(tls->data, (size_t)tls->file_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum elf_reason reason = ELF_REASON_COUNT;
	struct elf_segment segment;
	struct elf elf;
	enum error error = elf_open(&elf, data, size, &limits, &reason);
	uint32_t segments = 0;
	bool entry_good = false;

	fuzz_check(reason < ELF_REASON_COUNT && (error == ERR_OK) == (reason == ELF_FINE));
	fuzz_touch(elf_reason_text(reason), 1);
	if (error != ERR_OK) {
		fuzz_check(error == ERR_FORMAT);
		return 0;
	}
	for (bool more = elf_segment_first(&elf, &segment); more;
	     more = elf_segment_next(&elf, &segment)) {
		check_segment(&elf, &segment);
		entry_good = entry_good ||
			     (segment.exec && elf.entry - segment.vaddr < segment.file_bytes);
		segments++;
	}
	fuzz_check(segments == elf.segment_count && segments > 0 && entry_good);
	if (elf_tls(&elf, &segment))
		check_tls(&segment);
	return 0;
}
