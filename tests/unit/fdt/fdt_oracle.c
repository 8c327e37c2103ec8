/* SPDX-License-Identifier: BSD-2-Clause */
#include "fdt_oracle.h"

#include <base/dt_platform.h>
#include <criterion/criterion.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t random_next(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dull;
}

void *tree_load(const char *name, size_t *size)
{
	char path[512];
	FILE *file;
	long end;
	void *blob;

	snprintf(path, sizeof(path), "%s/%s.dtb", DTB_DIR, name);
	file = fopen(path, "rb");
	cr_assert(file != NULL, "cannot open %s", path);
	cr_assert(fseek(file, 0, SEEK_END) == 0);
	end = ftell(file);
	cr_assert(end > 0);
	rewind(file);
	*size = (size_t)end;
	blob = malloc(*size);
	cr_assert(fread(blob, 1, *size, file) == *size);
	fclose(file);
	return blob;
}

void *tree_copy(const void *blob, size_t size)
{
	void *copy = malloc(size > 0 ? size : 1);

	memcpy(copy, blob, size);
	return copy;
}

static const char *const names[] = {"reg",    "compatible", "phandle",     "status", "a",
				    "ranges", "method",     "#size-cells", "cpus"};

static void random_property(void *blob, uint64_t *seed, uint32_t *used)
{
	size_t pick = random_next(seed) % (sizeof(names) / sizeof(names[0]));
	uint8_t value[40];
	size_t len = random_next(seed) % sizeof(value);

	/* libfdt finds the first of two like-named properties, and so do we; keep them apart. */
	if ((*used & (1u << pick)) != 0)
		return;
	*used |= 1u << pick;
	for (size_t i = 0; i < len; i++)
		value[i] = (uint8_t)random_next(seed);
	switch (pick) {
	case 1:
		len = (size_t)snprintf((char *)value, sizeof(value), "dev%d,%d",
				       (int)(random_next(seed) % 3), (int)(random_next(seed) % 3)) +
		      1;
		value[4] = random_next(seed) % 2 != 0 ? ',' : '\0';
		break;
	case 2:
		memset(value, 0, 4);
		value[3] = (uint8_t)(1 + random_next(seed) % 250);
		len = 4;
		break;
	case 7:
		memset(value, 0, 4);
		value[3] = (uint8_t)(random_next(seed) % 4);
		len = 4;
		break;
	default:
		break;
	}
	cr_assert(fdt_property(blob, names[pick], value, (int)len) == 0);
}

static void random_node(void *blob, uint64_t *seed, unsigned int depth, unsigned int *left)
{
	uint32_t used = 0;
	uint64_t children = random_next(seed) % 5;
	char name[32];

	for (uint64_t i = random_next(seed) % 6; i > 0; i--)
		random_property(blob, seed, &used);
	for (uint64_t i = 0; i < children && depth < 12 && *left > 0; i++) {
		(*left)--;
		snprintf(name, sizeof(name), "n%u%s%x", (unsigned int)(random_next(seed) % 3),
			 random_next(seed) % 3 != 0 ? "@" : "", (unsigned int)i);
		cr_assert(fdt_begin_node(blob, name) == 0);
		random_node(blob, seed, depth + 1, left);
		cr_assert(fdt_end_node(blob) == 0);
	}
}

void *tree_random(uint64_t *seed, size_t *size)
{
	void *blob = malloc(TREE_BYTES_MAX);
	unsigned int left = 1 + (unsigned int)(random_next(seed) % 60);
	void *exact;

	cr_assert(fdt_create(blob, (int)TREE_BYTES_MAX) == 0);
	for (uint64_t i = random_next(seed) % 4; i > 0; i--)
		cr_assert(fdt_add_reservemap_entry(blob, random_next(seed),
						   random_next(seed) | 1) == 0);
	cr_assert(fdt_finish_reservemap(blob) == 0);
	cr_assert(fdt_begin_node(blob, "") == 0);
	random_node(blob, seed, 0, &left);
	cr_assert(fdt_end_node(blob) == 0);
	cr_assert(fdt_finish(blob) == 0);
	*size = fdt_totalsize(blob);
	exact = tree_copy(blob, *size);
	free(blob);
	return exact;
}

static int oracle_offset(uint32_t node)
{
	return node == FDT_NONE ? -1 : (int)node;
}

static int oracle(int offset)
{
	return offset < 0 ? -1 : offset;
}

static void compare_properties(const void *blob, const struct fdt *fdt, uint32_t node)
{
	int theirs = fdt_first_property_offset(blob, (int)node);
	struct fdt_prop prop;
	struct fdt_prop found;
	bool more = fdt_prop_first(fdt, node, &prop);

	for (; theirs >= 0; theirs = fdt_next_property_offset(blob, theirs)) {
		const char *name;
		int len;
		const void *value = fdt_getprop_by_offset(blob, theirs, &name, &len);

		cr_assert(more);
		cr_assert_str_eq(prop.name, name);
		cr_assert_eq(prop.len, (uint32_t)len);
		cr_assert(memcmp(prop.value, value, (size_t)len) == 0);
		cr_assert(fdt_prop_find(fdt, node, name, &found) && found.value == prop.value);
		more = fdt_prop_next(fdt, &prop);
	}
	cr_assert(!more);
}

static void compare_searches(const void *blob, const struct fdt *fdt, uint32_t node)
{
	char path[512];
	uint32_t address_cells;
	uint32_t size_cells;
	int len;
	const char *compatible = fdt_getprop(blob, (int)node, "compatible", &len);

	cr_assert_eq(oracle_offset(fdt_parent(fdt, node)),
		     oracle(fdt_parent_offset(blob, (int)node)));
	cr_assert_eq(oracle_offset(fdt_child_first(fdt, node)),
		     oracle(fdt_first_subnode(blob, (int)node)));
	cr_assert_eq(oracle_offset(fdt_sibling_next(fdt, node)),
		     node == 0 ? -1 : oracle(fdt_next_subnode(blob, (int)node)));
	cr_assert(fdt_get_path(blob, (int)node, path, sizeof(path)) == 0);
	cr_assert_eq(oracle_offset(fdt_node_by_path(fdt, path, strlen(path))),
		     oracle(fdt_path_offset(blob, path)), "%s", path);
	if (compatible != NULL && memchr(compatible, 0, (size_t)len) != NULL)
		cr_assert_eq(oracle_offset(fdt_node_by_compatible(fdt, node, compatible)),
			     oracle(fdt_node_offset_by_compatible(blob, (int)node, compatible)));
	fdt_cells(fdt, node, &address_cells, &size_cells);
	if (fdt_address_cells(blob, (int)node) >= 0)
		cr_assert_eq(address_cells, (uint32_t)fdt_address_cells(blob, (int)node));
	if (fdt_size_cells(blob, (int)node) >= 0)
		cr_assert_eq(size_cells, (uint32_t)fdt_size_cells(blob, (int)node));
}

void tree_compare(const void *blob, const struct fdt *fdt)
{
	uint32_t ours = fdt_root(fdt);
	int theirs = 0;
	int our_depth = 0;
	int their_depth = 0;
	int reserved = fdt_num_mem_rsv(blob);
	uint64_t addr[2];
	uint64_t bytes[2];

	for (int i = 0; i < reserved; i++) {
		cr_assert(fdt_get_mem_rsv(blob, i, &addr[0], &bytes[0]) == 0);
		cr_assert_eq(fdt_reserve_get(fdt, (uint32_t)i, &addr[1], &bytes[1]), ERR_OK);
		cr_assert(addr[0] == addr[1] && bytes[0] == bytes[1]);
	}
	cr_assert_eq(fdt_reserve_get(fdt, (uint32_t)reserved, &addr[1], &bytes[1]), ERR_NOT_FOUND);
	while (theirs >= 0 && their_depth >= 0) {
		cr_assert_eq(ours, (uint32_t)theirs);
		cr_assert_eq(our_depth, their_depth);
		cr_assert_str_eq(fdt_node_name(fdt, ours), fdt_get_name(blob, theirs, NULL));
		compare_properties(blob, fdt, ours);
		compare_searches(blob, fdt, ours);
		ours = fdt_node_next(fdt, ours, &our_depth);
		theirs = fdt_next_node(blob, theirs, &their_depth);
	}
	cr_assert_eq(ours, FDT_NONE);
}

void tree_touch(const struct fdt *fdt)
{
	static struct platform platform;
	enum platform_reason reason;
	struct fdt_prop prop;
	uint64_t a;
	uint64_t b;
	volatile uint8_t sink = 0;
	int depth = 0;

	for (uint32_t node = fdt_root(fdt); node != FDT_NONE;
	     node = fdt_node_next(fdt, node, &depth)) {
		sink = (uint8_t)strlen(fdt_node_name(fdt, node));
		for (bool more = fdt_prop_first(fdt, node, &prop); more;
		     more = fdt_prop_next(fdt, &prop))
			for (uint32_t i = 0; i < prop.len; i++)
				sink = (uint8_t)(sink + prop.value[i]);
		for (uint32_t i = 0; i < 3; i++)
			if (fdt_reg_physical(fdt, node, i, &a, &b) == ERR_OK)
				sink = (uint8_t)(sink + a + b);
	}
	if (dt_platform_read(&platform, fdt, &reason) == ERR_OK)
		cr_assert_eq(reason, PLATFORM_FINE);
	else
		cr_assert(platform_reason_text(reason)[0] != '\0');
}
