/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Device trees: what fdt_open() accepts can be read from end to end, libfdt reads the same nodes and
 * properties in it, and dt_platform_read() keeps its promises.
 */
#include "fuzz.h"

#include <base/dt_device.h>
#include <libfdt.h>

static void check_property(const struct fdt_prop *prop)
{
	uint32_t cell;
	uint64_t number;
	const char *string;

	fuzz_touch(prop->name, strlen(prop->name));
	fuzz_touch(prop->value, prop->len);
	fuzz_check(fdt_prop_u32(prop, 0, &cell) == (prop->len >= 4));
	fuzz_check(!fdt_prop_u32(prop, prop->len / 4, &cell));
	fuzz_check(!fdt_prop_u32(prop, UINT32_MAX, &cell));
	fuzz_check(fdt_prop_number(prop, &number) == (prop->len == 4 || prop->len == 8));
	for (uint32_t i = 0; i < 16 && (string = fdt_prop_string(prop, i)) != NULL; i++) {
		fuzz_check((const uint8_t *)string + strlen(string) < prop->value + prop->len);
		fuzz_check(fdt_prop_has_string(prop, string));
	}
}

static void check_regions(const struct fdt *fdt, uint32_t node)
{
	uint64_t addr, bytes;

	for (uint32_t i = 0; i < 32; i++) {
		if (fdt_reg(fdt, node, i, &addr, &bytes) != ERR_OK)
			break;
		if (fdt_reg_physical(fdt, node, i, &addr, &bytes) == ERR_OK && bytes != 0)
			fuzz_check(addr <= UINT64_MAX - (bytes - 1));
	}
	fuzz_check(fdt_reg(fdt, node, UINT32_MAX, &addr, &bytes) != ERR_OK);
}

/* Its place in the tree agrees from all sides. */
static void check_node(const struct fdt *fdt, uint32_t node, int depth)
{
	uint32_t parent = fdt_parent(fdt, node);
	uint32_t child = fdt_child_first(fdt, node);
	uint32_t address_cells, size_cells;

	fuzz_touch(fdt_node_name(fdt, node), strlen(fdt_node_name(fdt, node)));
	fuzz_check((parent == FDT_NONE) == (depth == 0));
	if (child != FDT_NONE)
		fuzz_check(fdt_parent(fdt, child) == node);
	if (parent != FDT_NONE) {
		uint32_t sibling = fdt_child_first(fdt, parent);

		while (sibling != node && sibling != FDT_NONE)
			sibling = fdt_sibling_next(fdt, sibling);
		fuzz_check(sibling == node);
	}
	fdt_cells(fdt, node, &address_cells, &size_cells);
	(void)fdt_node_enabled(fdt, node);
	check_regions(fdt, node);
}

/* The second opinion: nodes and properties, in order. */
static void compare_node(const struct fdt *fdt, const void *blob, uint32_t node, int theirs)
{
	struct fdt_prop prop;
	int len;
	int at = fdt_first_property_offset(blob, theirs);
	const char *name = fdt_get_name(blob, theirs, &len);

	fuzz_check(name != NULL && strcmp(name, fdt_node_name(fdt, node)) == 0);
	for (bool more = fdt_prop_first(fdt, node, &prop); more; more = fdt_prop_next(fdt, &prop)) {
		const void *value;

		fuzz_check(at >= 0);
		value = fdt_getprop_by_offset(blob, at, &name, &len);
		fuzz_check(value == prop.value && len == (int)prop.len);
		fuzz_check(strcmp(name, prop.name) == 0);
		check_property(&prop);
		at = fdt_next_property_offset(blob, at);
	}
	fuzz_check(at < 0);
}

static void check_tree(const struct fdt *fdt, const void *blob)
{
	int depth = 0;
	int theirs_depth = 0;
	int theirs = fdt_path_offset(blob, "/");
	struct fdt_prop prop;
	uint64_t addr, bytes;
	uint32_t nodes = 0;

	for (uint32_t node = fdt_root(fdt); node != FDT_NONE;
	     node = fdt_node_next(fdt, node, &depth)) {
		fuzz_check(theirs >= 0 && depth == theirs_depth);
		if (nodes++ < 60)
			check_node(fdt, node, depth);
		compare_node(fdt, blob, node, theirs);
		theirs = fdt_next_node(blob, theirs, &theirs_depth);
		if (fdt_prop_find(fdt, node, "compatible", &prop) &&
		    fdt_prop_string(&prop, 0) != NULL)
			fuzz_check(fdt_node_is_compatible(fdt, node, fdt_prop_string(&prop, 0)));
		if (fdt_prop_find(fdt, node, "path", &prop))
			(void)fdt_node_by_path(fdt, (const char *)prop.value, prop.len);
	}
	fuzz_check(theirs < 0 || theirs_depth < 0);
	for (uint32_t i = 0; fdt_reserve_get(fdt, i, &addr, &bytes) == ERR_OK; i++)
		fuzz_check(i < fdt->size_bytes / 16);
	(void)fdt_node_by_path(fdt, "serial0/x", 9);
	(void)fdt_node_by_compatible(fdt, FDT_NONE, "arm,pl011");
}

static void check_platform_cpus(const struct platform *platform)
{
	fuzz_check(platform->cpu_count <= CPUS_MAX && platform->cpu_count <= platform->cpus_found);
	for (uint32_t i = 0; i < platform->cpu_count; i++)
		for (uint32_t j = 0; j < i; j++)
			fuzz_check(platform->cpus[i].mpidr != platform->cpus[j].mpidr);
}

static bool wraps(const struct platform_region *region)
{
	return region->size_bytes != 0 && region->base > UINT64_MAX - (region->size_bytes - 1);
}

/* A device that a program may have is none of the machine's. */
static void check_device(struct platform *platform, const struct fdt *fdt)
{
	static const char *const words[] = {"p:/pl031", "p:/soc/apb", "p:serial0", "p:/memory"};
	const struct platform_region *region = &platform->device.region;

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const enum dt_device_reason reason = dt_device_read(platform, fdt, words[i],
								    strlen(words[i]));

		fuzz_check((reason == DT_DEVICE_FINE) == (platform->device.irq >= 32));
		if (reason != DT_DEVICE_FINE)
			continue;
		fuzz_check(region->base % PAGE_SIZE == 0 && region->size_bytes >= PAGE_SIZE &&
			   region->size_bytes <= DT_DEVICE_BYTES_MAX && !wraps(region));
		for (uint32_t j = 0; j < platform->memory_count; j++)
			fuzz_check(region->base >= platform->memory[j].base +
							   platform->memory[j].size_bytes ||
				   platform->memory[j].base >= region->base + region->size_bytes);
	}
}

static void check_platform(const struct fdt *fdt)
{
	static struct platform platform;
	enum platform_reason reason = PLATFORM_REASON_COUNT;
	enum error error = dt_platform_read(&platform, fdt, &reason);

	fuzz_check(reason < PLATFORM_REASON_COUNT &&
		   (error == ERR_OK) == (reason == PLATFORM_FINE));
	fuzz_check(error == ERR_OK || error == ERR_NOT_FOUND || error == ERR_FORMAT ||
		   error == ERR_LIMIT);
	fuzz_check(platform.memory_count <= PLATFORM_MEMORY_MAX);
	fuzz_check(platform.reserved_count <= PLATFORM_RESERVED_MAX);
	fuzz_check(platform.gic.redist_count <= PLATFORM_REDIST_MAX);
	fuzz_check(platform.rng_seed_bytes <= PLATFORM_RNG_SEED_BYTES_MAX);
	fuzz_check(memchr(platform.bootargs, 0, sizeof(platform.bootargs)) != NULL);
	for (uint32_t i = 0; i < platform.memory_count; i++)
		fuzz_check(platform.memory[i].size_bytes != 0 && !wraps(&platform.memory[i]));
	for (uint32_t i = 0; i < platform.reserved_count; i++)
		fuzz_check(!wraps(&platform.reserved[i]));
	check_device(&platform, fdt);
	if (error != ERR_OK && error != ERR_LIMIT)
		return;
	if (error == ERR_OK) {
		check_platform_cpus(&platform);
		fuzz_check(platform.memory_count > 0 && platform.cpu_count > 0);
		fuzz_check(platform.gic.kind != GIC_KIND_NONE && platform.timer_virtual_irq != 0);
		fuzz_check(platform.initrd_start <= platform.initrd_end);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum fdt_reason reason = FDT_REASON_COUNT;
	struct fdt fdt;
	enum error error = fdt_open(&fdt, data, size, &reason);

	fuzz_check(reason < FDT_REASON_COUNT && (error == ERR_OK) == (reason == FDT_FINE));
	fuzz_touch(fdt_reason_text(reason), 1);
	if (error != ERR_OK) {
		fuzz_check(error == ERR_FORMAT);
		return 0;
	}
	fuzz_check(fdt_check_full(data, size) == 0);
	check_tree(&fdt, data);
	check_platform(&fdt);
	return 0;
}
