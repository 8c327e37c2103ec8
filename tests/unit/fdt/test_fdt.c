/* SPDX-License-Identifier: BSD-2-Clause */
/* The device tree reader against libfdt, and against bytes that are no device tree. */
#include "fdt_oracle.h"

#include <criterion/criterion.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

static const char *const files[] = {"virt-gicv2-cpus1", "virt-gicv3-cpus4", "virt-gicv2-cpus8",
				    "soc"};
#define FILE_COUNT (sizeof(files) / sizeof(files[0]))

Test(fdt, agrees_with_libfdt_on_machine_trees)
{
	for (size_t i = 0; i < FILE_COUNT; i++) {
		size_t size;
		void *blob = tree_load(files[i], &size);
		enum fdt_reason reason;
		struct fdt fdt;

		cr_assert_eq(fdt_open(&fdt, blob, size, &reason), ERR_OK, "%s",
			     fdt_reason_text(reason));
		tree_compare(blob, &fdt);
		free(blob);
	}
}

Test(fdt, agrees_with_libfdt_on_random_trees)
{
	uint64_t seed = 0x1234567;

	for (int round = 0; round < 400; round++) {
		size_t size;
		void *blob = tree_random(&seed, &size);
		enum fdt_reason reason;
		struct fdt fdt;

		cr_assert_eq(fdt_open(&fdt, blob, size, &reason), ERR_OK, "%s",
			     fdt_reason_text(reason));
		tree_compare(blob, &fdt);
		tree_touch(&fdt);
		free(blob);
	}
}

Test(fdt, refuses_every_truncation)
{
	for (size_t i = 0; i < FILE_COUNT; i++) {
		size_t size;
		uint8_t *blob = tree_load(files[i], &size);

		for (size_t cut = 0; cut < size; cut += cut < 128 || cut + 128 > size ? 1 : 37) {
			uint8_t *copy = tree_copy(blob, cut);
			enum fdt_reason reason;
			struct fdt fdt;

			cr_assert_eq(fdt_open(&fdt, copy, cut, &reason), ERR_FORMAT);
			cr_assert(reason == FDT_SHORT_HEADER || reason == FDT_BAD_TOTAL_SIZE);
			/* Now the header tells the lie: its size is that of the truncated copy. */
			if (cut >= FDT_HEADER_BYTES) {
				fdt_set_totalsize(copy, (uint32_t)cut);
				if (fdt_open(&fdt, copy, cut, &reason) == ERR_OK)
					tree_touch(&fdt);
			}
			free(copy);
		}
		free(blob);
	}
}

/* Whatever is flipped, nothing outside is read; and what we accept, libfdt accepts and reads alike.
 */
Test(fdt, survives_flipped_bits, .timeout = 300)
{
	uint64_t seed = 0xfeed;
	int accepted = 0;

	for (int round = 0; round < 6000; round++) {
		size_t size;
		uint8_t *blob = round % 8 == 0 ? tree_load(files[round / 8 % 4], &size)
					       : tree_random(&seed, &size);
		enum fdt_reason reason;
		struct fdt fdt;

		for (uint64_t flips = 1 + random_next(&seed) % 4; flips > 0; flips--) {
			size_t range = random_next(&seed) % 3 == 0 ? FDT_HEADER_BYTES : size;

			blob[random_next(&seed) % range] ^= (uint8_t)(1u
								      << (random_next(&seed) % 8));
		}
		if (fdt_open(&fdt, blob, size, &reason) == ERR_OK) {
			accepted++;
			tree_touch(&fdt);
			cr_assert_eq(fdt_check_full(blob, size), 0, "round %d: %s", round,
				     fdt_strerror(fdt_check_full(blob, size)));
		} else {
			cr_assert(reason != FDT_FINE);
		}
		free(blob);
	}
	cr_assert(accepted > 1000 && accepted < 5900, "accepted %d", accepted);
}

static enum fdt_reason open_patched(const uint8_t *blob, size_t size, size_t at, uint32_t value)
{
	uint8_t *copy = tree_copy(blob, size);
	fdt32_t big_endian = cpu_to_fdt32(value);
	enum fdt_reason reason;
	struct fdt fdt;

	memcpy(copy + at, &big_endian, 4);
	cr_assert((fdt_open(&fdt, copy, size, &reason) == ERR_OK) == (reason == FDT_FINE));
	free(copy);
	return reason;
}

Test(fdt, names_the_fault)
{
	size_t size;
	uint8_t *blob = tree_load("soc", &size);
	uint32_t structure = fdt_off_dt_struct(blob);
	uint32_t end = structure + fdt_size_dt_struct(blob);

	cr_expect_eq(open_patched(blob, size, 0, 0xd00dfeee), FDT_BAD_MAGIC);
	cr_expect_eq(open_patched(blob, size, 4, (uint32_t)size + 1), FDT_BAD_TOTAL_SIZE);
	cr_expect_eq(open_patched(blob, size, 4, 39), FDT_BAD_TOTAL_SIZE);
	cr_expect_eq(open_patched(blob, size, 8, (uint32_t)size), FDT_BAD_BLOCK);
	cr_expect_eq(open_patched(blob, size, 8, structure + 1), FDT_BAD_BLOCK);
	cr_expect_eq(open_patched(blob, size, 12, UINT32_MAX), FDT_BAD_BLOCK);
	cr_expect_eq(open_patched(blob, size, 16, ((uint32_t)size - 8) & ~7u), FDT_RESERVE_END);
	cr_expect_eq(open_patched(blob, size, 20, 16), FDT_BAD_VERSION);
	cr_expect_eq(open_patched(blob, size, 24, 18), FDT_BAD_VERSION);
	cr_expect_eq(open_patched(blob, size, 32, 3), FDT_STRING_END);
	/* Without its last byte the last name begins in the block, and has no end there. */
	cr_expect_eq(open_patched(blob, size, 32, fdt_size_dt_strings(blob) - 1), FDT_STRING_END);
	cr_expect_eq(open_patched(blob, size, 36, 4), FDT_NAME_END);
	cr_expect_eq(open_patched(blob, size, structure, 7), FDT_BAD_TOKEN);
	cr_expect_eq(open_patched(blob, size, structure, 9), FDT_ROOTS);
	cr_expect_eq(open_patched(blob, size, structure, 2), FDT_UNBALANCED);
	cr_expect_eq(open_patched(blob, size, structure, 3), FDT_STRAY_PROPERTY);
	/* Lengths of the first property; rounded up to whole cells, the first one wraps to 0. */
	cr_expect_eq(open_patched(blob, size, structure + 12, 0xfffffffd), FDT_SHORT_STRUCT);
	cr_expect_eq(open_patched(blob, size, structure + 12, end - structure), FDT_SHORT_STRUCT);
	cr_expect_eq(open_patched(blob, size, end - 4, 4), FDT_SHORT_STRUCT);
	cr_expect_eq(open_patched(blob, size, end - 8, 4), FDT_UNBALANCED);
	cr_expect_eq(open_patched(blob, size, structure + 4, 0), FDT_FINE);
	cr_expect_eq(open_patched(blob, size, structure + 4, 0x61000000), FDT_ROOT_NAME);
	free(blob);
}

Test(fdt, refuses_too_deep_and_misplaced)
{
	uint8_t *blob = malloc(TREE_BYTES_MAX);
	enum fdt_reason reason;
	struct fdt fdt;
	fdt32_t property_after_node[] = {cpu_to_fdt32(1),
					 0,
					 cpu_to_fdt32(1),
					 0,
					 cpu_to_fdt32(2),
					 cpu_to_fdt32(3),
					 0,
					 0,
					 cpu_to_fdt32(2),
					 cpu_to_fdt32(9)};

	for (int depth = 63; depth <= 65; depth++) {
		cr_assert(fdt_create(blob, (int)TREE_BYTES_MAX) == 0);
		cr_assert(fdt_finish_reservemap(blob) == 0);
		for (int i = 0; i < depth; i++)
			cr_assert(fdt_begin_node(blob, i == 0 ? "" : "d") == 0);
		cr_assert(fdt_property_u32(blob, "x", 1) == 0);
		for (int i = 0; i < depth; i++)
			cr_assert(fdt_end_node(blob) == 0);
		cr_assert(fdt_finish(blob) == 0);
		cr_expect_eq(fdt_open(&fdt, blob, TREE_BYTES_MAX, &reason),
			     depth <= 64 ? ERR_OK : ERR_FORMAT);
		cr_expect_eq(reason, depth <= 64 ? FDT_FINE : FDT_TOO_DEEP);
	}
	/* The last tree's structure block is larger than this one. */
	memcpy(blob + fdt_off_dt_struct(blob), property_after_node, sizeof(property_after_node));
	cr_expect_eq(fdt_open(&fdt, blob, TREE_BYTES_MAX, &reason), ERR_FORMAT);
	cr_expect_eq(reason, FDT_STRAY_PROPERTY);
	free(blob);
}

Test(fdt, translates_through_buses)
{
	size_t size;
	void *blob = tree_load("soc", &size);
	enum fdt_reason reason;
	struct fdt fdt;
	uint64_t addr;
	uint64_t bytes;
#define NODE(path) fdt_node_by_path(&fdt, path, strlen(path))

	cr_assert_eq(fdt_open(&fdt, blob, size, &reason), ERR_OK);
	cr_assert_eq(fdt_reg_physical(&fdt, NODE("serial0"), 0, &addr, &bytes), ERR_OK);
	cr_expect(addr == 0x100201000 && bytes == 0x1000);
	cr_assert_eq(fdt_reg(&fdt, NODE("serial0"), 0, &addr, &bytes), ERR_OK);
	cr_expect(addr == 0x1000 && bytes == 0x1000);
	cr_assert_eq(fdt_reg_physical(&fdt, NODE("/soc/interrupt-controller"), 2, &addr, &bytes),
		     ERR_OK);
	cr_expect(addr == 0x70040000 && bytes == 0x40000);
	cr_expect_eq(fdt_reg_physical(&fdt, NODE("serial0"), 1, &addr, &bytes), ERR_NOT_FOUND);
	cr_expect_eq(fdt_reg_physical(&fdt, NODE("/soc/apb/beyond"), 0, &addr, &bytes),
		     ERR_NOT_FOUND, "passes the end of the bus window");
	cr_expect_eq(fdt_reg_physical(&fdt, NODE("/soc/closed/device@0"), 0, &addr, &bytes),
		     ERR_NOT_FOUND, "a bus without ranges");
	cr_expect_eq(NODE("/soc/apb/serial"), NODE("/soc/apb/serial@0"));
	cr_expect_eq(NODE("loop"), FDT_NONE);
	cr_expect_eq(NODE("/soc/ap"), FDT_NONE, "only the beginning of a name");
	cr_expect_eq(NODE("/soc/apb/serial@2000"), FDT_NONE);
	cr_expect_eq(NODE(""), FDT_NONE);
	cr_expect_eq(NODE("/"), fdt_root(&fdt));
	free(blob);
}
