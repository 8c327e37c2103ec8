/* SPDX-License-Identifier: BSD-2-Clause */
/* The ELF reader against files put together from the system's <elf.h>, and against damage. */
#include <base/elf.h>
#include <criterion/criterion.h>
/* After ours: the names of enum elf_reason do not clash with <elf.h>'s macros. */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADERS 5

/* A good file: text, data with bss, thread-local image inside data, a stack note. */
struct image {
	Elf64_Ehdr ehdr;
	Elf64_Phdr phdr[HEADERS];
	uint8_t pad[4096 - sizeof(Elf64_Ehdr) - HEADERS * sizeof(Elf64_Phdr)];
	uint8_t text[4096];
	uint8_t data[1000];
};

enum { TEXT, DATA, BSS, TLS, STACK };

static const struct elf_limits limits = {
	.vaddr_min = 0x10000, .vaddr_end = 0x100000000, .page_bytes = 4096};

static void image_good(struct image *image)
{
	memset(image, 0, sizeof(*image));
	memcpy(image->ehdr.e_ident, ELFMAG, SELFMAG);
	image->ehdr.e_ident[EI_CLASS] = ELFCLASS64;
	image->ehdr.e_ident[EI_DATA] = ELFDATA2LSB;
	image->ehdr.e_ident[EI_VERSION] = EV_CURRENT;
	image->ehdr.e_type = ET_EXEC;
	image->ehdr.e_machine = EM_AARCH64;
	image->ehdr.e_version = EV_CURRENT;
	image->ehdr.e_entry = 0x401010;
	image->ehdr.e_phoff = sizeof(Elf64_Ehdr);
	image->ehdr.e_phentsize = sizeof(Elf64_Phdr);
	image->ehdr.e_phnum = HEADERS;
	image->phdr[TEXT] = (Elf64_Phdr){.p_type = PT_LOAD,
					 .p_flags = PF_R | PF_X,
					 .p_offset = 4096,
					 .p_vaddr = 0x401000,
					 .p_filesz = 4096,
					 .p_memsz = 4096,
					 .p_align = 4096};
	image->phdr[DATA] = (Elf64_Phdr){.p_type = PT_LOAD,
					 .p_flags = PF_R | PF_W,
					 .p_offset = 8192 + 16,
					 .p_vaddr = 0x402010,
					 .p_filesz = 984,
					 .p_memsz = 5000,
					 .p_align = 4096};
	image->phdr[BSS] = (Elf64_Phdr){.p_type = PT_LOAD,
					.p_flags = PF_R | PF_W,
					.p_vaddr = 0x500000,
					.p_memsz = 0x3000,
					.p_align = 16};
	image->phdr[TLS] = (Elf64_Phdr){.p_type = PT_TLS,
					.p_flags = PF_R,
					.p_offset = 8192 + 32,
					.p_vaddr = 0x402020,
					.p_filesz = 24,
					.p_memsz = 80,
					.p_align = 16};
	image->phdr[STACK] = (Elf64_Phdr){.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W};
	for (size_t i = 0; i < sizeof(image->data); i++)
		image->data[i] = (uint8_t)i;
}

static enum elf_reason reason_of(const void *bytes, size_t len)
{
	void *exact = malloc(len > 0 ? len : 1);
	enum elf_reason reason;
	struct elf_segment segment;
	struct elf elf;
	volatile uint8_t sink = 0;

	memcpy(exact, bytes, len);
	if (elf_open(&elf, exact, len, &limits, &reason) == ERR_OK) {
		cr_assert_eq(reason, ELF_FINE);
		for (bool more = elf_segment_first(&elf, &segment); more;
		     more = elf_segment_next(&elf, &segment)) {
			cr_assert(!(segment.write && segment.exec));
			cr_assert(segment.vaddr >= limits.vaddr_min &&
				  segment.vaddr + segment.mem_bytes <= limits.vaddr_end);
			cr_assert(segment.file_bytes <= segment.mem_bytes);
			for (size_t i = 0; i < segment.file_bytes; i++)
				sink = (uint8_t)(sink + segment.data[i]);
		}
		if (elf_tls(&elf, &segment))
			for (size_t i = 0; i < segment.file_bytes; i++)
				sink = (uint8_t)(sink + segment.data[i]);
	} else {
		cr_assert_neq(reason, ELF_FINE);
	}
	free(exact);
	return reason;
}

Test(elf, reads_a_good_file)
{
	struct image image;
	enum elf_reason reason;
	struct elf_segment segment;
	struct elf elf;

	image_good(&image);
	cr_assert_eq(elf_open(&elf, &image, sizeof(image), &limits, &reason), ERR_OK, "%s",
		     elf_reason_text(reason));
	cr_expect_eq(elf.entry, 0x401010);
	cr_expect_eq(elf.segment_count, 3);
	cr_expect_eq(elf.vaddr_min, 0x401000);
	cr_expect_eq(elf.vaddr_end, 0x503000);
	cr_assert(elf_segment_first(&elf, &segment));
	cr_expect(segment.read && segment.exec && !segment.write);
	cr_expect_eq((const void *)segment.data, (const void *)image.text);
	cr_assert(elf_segment_next(&elf, &segment));
	cr_expect(segment.vaddr == 0x402010 && segment.file_bytes == 984 &&
		  segment.mem_bytes == 5000 && segment.write);
	cr_assert(elf_segment_next(&elf, &segment));
	cr_expect_eq(segment.file_bytes, 0);
	cr_expect(!elf_segment_next(&elf, &segment));
	cr_assert(elf_tls(&elf, &segment));
	cr_expect(segment.file_bytes == 24 && segment.mem_bytes == 80 && segment.align_bytes == 16);
	cr_expect_eq(segment.data[0], 32);
}

static struct image image;

#define EXPECT(change, reason)                                                      \
	do {                                                                        \
		image_good(&image);                                                 \
		change;                                                             \
		enum elf_reason got = reason_of(&image, sizeof(image));             \
		cr_expect_eq(got, reason, "%s: %s", #change, elf_reason_text(got)); \
	} while (0)

Test(elf, names_the_fault_of_a_header)
{
	EXPECT((void)0, ELF_FINE);
	EXPECT(image.ehdr.e_ident[1] = 'F', ELF_BAD_MAGIC);
	EXPECT(image.ehdr.e_ident[EI_CLASS] = ELFCLASS32, ELF_BAD_CLASS);
	EXPECT(image.ehdr.e_ident[EI_DATA] = ELFDATA2MSB, ELF_BAD_ORDER);
	EXPECT(image.ehdr.e_ident[EI_VERSION] = 0, ELF_BAD_VERSION);
	EXPECT(image.ehdr.e_version = 2, ELF_BAD_VERSION);
	EXPECT(image.ehdr.e_type = ET_DYN, ELF_BAD_TYPE);
	EXPECT(image.ehdr.e_machine = EM_X86_64, ELF_BAD_MACHINE);
	EXPECT(image.ehdr.e_phnum = 0, ELF_NO_HEADERS);
	EXPECT(image.ehdr.e_phnum = ELF_HEADERS_MAX + 1, ELF_TOO_MANY_HEADERS);
	EXPECT(image.ehdr.e_phentsize = 32, ELF_BAD_HEADER_SIZE);
	EXPECT(image.ehdr.e_phoff = UINT64_MAX - 8, ELF_SHORT_HEADERS);
	EXPECT(image.ehdr.e_phoff = sizeof(image) - 4, ELF_SHORT_HEADERS);
	EXPECT(image.ehdr.e_entry = 0x401012, ELF_BAD_ENTRY);
	EXPECT(image.ehdr.e_entry = 0x402010, ELF_BAD_ENTRY);
	EXPECT(image.ehdr.e_entry = 0x402000, ELF_BAD_ENTRY);
	EXPECT(image.ehdr.e_entry = 0x401ffc, ELF_FINE);
	EXPECT(image.ehdr.e_entry = 0x400ffc, ELF_BAD_ENTRY);
}

Test(elf, names_the_fault_of_a_segment)
{
	EXPECT(image.phdr[TEXT].p_flags |= PF_W, ELF_WRITE_EXEC);
	EXPECT(image.phdr[DATA].p_flags |= PF_X, ELF_WRITE_EXEC);
	EXPECT(image.phdr[DATA].p_filesz = 985, ELF_FILE_RANGE);
	EXPECT(image.phdr[DATA].p_offset = UINT64_MAX, ELF_FILE_RANGE);
	EXPECT(image.phdr[DATA].p_memsz = 983, ELF_FILE_SIZE);
	EXPECT(image.phdr[BSS].p_vaddr = UINT64_MAX - 0x2000, ELF_ADDRESS_WRAP);
	EXPECT(image.phdr[BSS].p_memsz = UINT64_MAX, ELF_ADDRESS_WRAP);
	EXPECT(image.phdr[BSS].p_vaddr = 0xffff, ELF_ADDRESS_RANGE);
	EXPECT(image.phdr[BSS].p_vaddr = 0x100000000 - 0x3000, ELF_FINE);
	EXPECT(image.phdr[BSS].p_vaddr = 0x100000000 - 0x2fff, ELF_ADDRESS_RANGE);
	EXPECT(image.phdr[BSS].p_vaddr = 0x100000000, ELF_ADDRESS_RANGE);
	EXPECT(image.phdr[TEXT].p_align = 24, ELF_BAD_ALIGN);
	EXPECT(image.phdr[TEXT].p_align = 0, ELF_FINE);
	EXPECT(image.phdr[TEXT].p_align = 0x800000, ELF_NOT_CONGRUENT);
	EXPECT(image.phdr[DATA].p_vaddr += 8, ELF_NOT_CONGRUENT);
	EXPECT(image.phdr[BSS].p_vaddr = 0x403000, ELF_OVERLAP);
	EXPECT(image.phdr[BSS].p_vaddr = 0x403900, ELF_OVERLAP);
	EXPECT(image.phdr[BSS].p_vaddr = 0x404000, ELF_FINE);
	EXPECT(image.phdr[DATA].p_vaddr = 0x401010, ELF_OVERLAP);
	EXPECT((image.phdr[TEXT].p_type = PT_NULL, image.phdr[DATA].p_type = PT_NULL,
		image.phdr[BSS].p_type = PT_NULL),
	       ELF_NO_SEGMENTS);
	EXPECT(image.phdr[BSS].p_memsz = 0, ELF_FINE);
	EXPECT(image.phdr[BSS].p_offset = UINT64_MAX, ELF_FINE);
}

Test(elf, names_the_fault_of_other_headers)
{
	EXPECT(image.phdr[STACK].p_type = PT_INTERP, ELF_DYNAMIC);
	EXPECT(image.phdr[STACK].p_type = PT_DYNAMIC, ELF_DYNAMIC);
	EXPECT(image.phdr[STACK].p_flags |= PF_X, ELF_EXEC_STACK);
	EXPECT(image.phdr[STACK] = image.phdr[TLS], ELF_TWO_TLS);
	EXPECT(image.phdr[TLS].p_vaddr = 0x402000, ELF_BAD_TLS);
	EXPECT(image.phdr[TLS].p_vaddr = 0x402030, ELF_BAD_TLS);
	EXPECT((image.phdr[TLS].p_filesz = 969, image.phdr[TLS].p_memsz = 969), ELF_FILE_RANGE);
	EXPECT(image.phdr[TLS].p_align = 3, ELF_BAD_ALIGN);
	EXPECT(image.phdr[TLS].p_filesz = 81, ELF_FILE_SIZE);
	EXPECT((image.phdr[TLS].p_filesz = 0, image.phdr[TLS].p_vaddr = 0), ELF_FINE);
}

Test(elf, refuses_every_truncation)
{
	image_good(&image);
	for (size_t cut = 0; cut < sizeof(image); cut += cut < 512 || cut > 9000 ? 1 : 61)
		cr_assert_neq(reason_of(&image, cut), ELF_FINE, "cut %zu", cut);
	cr_assert_eq(reason_of(&image, sizeof(image)), ELF_FINE);
}

Test(elf, survives_flipped_bits)
{
	uint64_t state = 4242;
	int fine = 0;

	for (int round = 0; round < 30000; round++) {
		image_good(&image);
		for (int flips = 1 + round % 4; flips > 0; flips--) {
			size_t range = sizeof(Elf64_Ehdr) + HEADERS * sizeof(Elf64_Phdr);

			state = state * 6364136223846793005u + 1442695040888963407u;
			((uint8_t *)&image)[(state >> 33) % range] ^=
				(uint8_t)(1u << ((state >> 20) & 7));
		}
		fine += reason_of(&image, sizeof(image)) == ELF_FINE;
	}
	cr_assert(fine > 100 && fine < 29900, "%d", fine);
}
