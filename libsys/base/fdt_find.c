/* SPDX-License-Identifier: BSD-2-Clause */
/* Flattened device tree reader: searches, cells, reg and ranges.  See fdt.h. */
#include <base/bytes.h>
#include <base/fdt.h>

/* A path component without '@' matches any unit address. */
static bool name_matches(const char *name, const char *part, size_t part_len)
{
	bool unit = false;

	for (size_t i = 0; i < part_len; i++) {
		if (name[i] == '\0' || name[i] != part[i])
			return false;
		unit = unit || part[i] == '@';
	}
	return name[part_len] == '\0' || (!unit && name[part_len] == '@');
}

static uint32_t child_by_name(const struct fdt *fdt, uint32_t node, const char *part, size_t len)
{
	uint32_t child = fdt_child_first(fdt, node);

	while (child != FDT_NONE && !name_matches(fdt_node_name(fdt, child), part, len))
		child = fdt_sibling_next(fdt, child);
	return child;
}

static uint32_t node_below(const struct fdt *fdt, uint32_t node, const char *path, size_t len)
{
	size_t i = 0;

	while (node != FDT_NONE) {
		size_t start;

		while (i < len && path[i] == '/')
			i++;
		if (i == len)
			break;
		start = i;
		while (i < len && path[i] != '/')
			i++;
		node = child_by_name(fdt, node, path + start, i - start);
	}
	return node;
}

/* The node that the alias @name stands for; an alias must be an absolute path itself. */
static uint32_t alias_node(const struct fdt *fdt, const char *name, size_t len)
{
	uint32_t aliases = child_by_name(fdt, fdt_root(fdt), "aliases", 7);
	struct fdt_prop prop;

	if (aliases == FDT_NONE)
		return FDT_NONE;
	for (bool more = fdt_prop_first(fdt, aliases, &prop); more;
	     more = fdt_prop_next(fdt, &prop)) {
		const char *path = fdt_prop_string(&prop, 0);

		if (path != NULL && path[0] == '/' && str_equal_n(name, len, prop.name))
			return node_below(fdt, fdt_root(fdt), path, str_len_max(path, prop.len));
	}
	return FDT_NONE;
}

uint32_t fdt_node_by_path(const struct fdt *fdt, const char *path, size_t path_len)
{
	size_t alias_len = 0;

	if (path_len == 0)
		return FDT_NONE;
	if (path[0] == '/')
		return node_below(fdt, fdt_root(fdt), path, path_len);
	while (alias_len < path_len && path[alias_len] != '/')
		alias_len++;
	return node_below(fdt, alias_node(fdt, path, alias_len), path + alias_len,
			  path_len - alias_len);
}

bool fdt_node_is_compatible(const struct fdt *fdt, uint32_t node, const char *compatible)
{
	struct fdt_prop prop;

	return fdt_prop_find(fdt, node, "compatible", &prop) &&
	       fdt_prop_has_string(&prop, compatible);
}

uint32_t fdt_node_by_compatible(const struct fdt *fdt, uint32_t after, const char *compatible)
{
	int depth = 0;
	uint32_t node = after == FDT_NONE ? fdt_root(fdt) : fdt_node_next(fdt, after, &depth);

	while (node != FDT_NONE && !fdt_node_is_compatible(fdt, node, compatible))
		node = fdt_node_next(fdt, node, &depth);
	return node;
}

bool fdt_node_enabled(const struct fdt *fdt, uint32_t node)
{
	struct fdt_prop prop;
	const char *status;

	if (!fdt_prop_find(fdt, node, "status", &prop))
		return true;
	status = fdt_prop_string(&prop, 0);
	return status != NULL && (str_equal(status, "okay") || str_equal(status, "ok"));
}

void fdt_cells(const struct fdt *fdt, uint32_t node, uint32_t *address_cells, uint32_t *size_cells)
{
	struct fdt_prop prop;

	*address_cells = 2;
	*size_cells = 1;
	if (fdt_prop_find(fdt, node, "#address-cells", &prop))
		(void)fdt_prop_u32(&prop, 0, address_cells);
	if (fdt_prop_find(fdt, node, "#size-cells", &prop))
		(void)fdt_prop_u32(&prop, 0, size_cells);
}

/* @cells is 0, 1 or 2. */
static uint64_t cells_read(const uint8_t *at, uint32_t cells)
{
	if (cells == 0)
		return 0;
	return cells == 1 ? bytes_be32(at) : bytes_be64(at);
}

/* Reg entry of a node whose parent is @bus. */
static enum error reg_on_bus(const struct fdt *fdt, uint32_t bus, uint32_t node, uint32_t index,
			     uint64_t *addr, uint64_t *size_bytes)
{
	struct fdt_prop prop;
	uint32_t address_cells;
	uint32_t size_cells;
	uint32_t entry_bytes;
	const uint8_t *at;

	if (!fdt_prop_find(fdt, node, "reg", &prop))
		return ERR_NOT_FOUND;
	fdt_cells(fdt, bus, &address_cells, &size_cells);
	if (address_cells == 0 || address_cells > 2 || size_cells > 2)
		return ERR_UNSUPPORTED;
	entry_bytes = 4 * (address_cells + size_cells);
	if (prop.len % entry_bytes != 0)
		return ERR_FORMAT;
	if (index >= prop.len / entry_bytes)
		return ERR_NOT_FOUND;
	at = prop.value + (size_t)index * entry_bytes;
	*addr = cells_read(at, address_cells);
	*size_bytes = cells_read(at + (size_t)4 * address_cells, size_cells);
	return ERR_OK;
}

enum error fdt_reg(const struct fdt *fdt, uint32_t node, uint32_t index, uint64_t *addr,
		   uint64_t *size_bytes)
{
	uint32_t bus = fdt_parent(fdt, node);

	if (bus == FDT_NONE)
		return ERR_NOT_FOUND;
	return reg_on_bus(fdt, bus, node, index, addr, size_bytes);
}

/* Moves *@addr from the address space below @bus to the one that @bus itself lives in. */
static enum error bus_translate(const struct fdt *fdt, uint32_t parent, uint32_t bus,
				uint64_t *addr, uint64_t size_bytes)
{
	struct fdt_prop ranges;
	uint32_t child_cells;
	uint32_t size_cells;
	uint32_t parent_cells;
	uint32_t unused;
	uint32_t entry_bytes;

	if (!fdt_prop_find(fdt, bus, "ranges", &ranges))
		return ERR_NOT_FOUND;
	if (ranges.len == 0)
		return ERR_OK;
	fdt_cells(fdt, bus, &child_cells, &size_cells);
	fdt_cells(fdt, parent, &parent_cells, &unused);
	if (child_cells == 0 || child_cells > 2 || size_cells == 0 || size_cells > 2 ||
	    parent_cells == 0 || parent_cells > 2)
		return ERR_UNSUPPORTED;
	entry_bytes = 4 * (child_cells + parent_cells + size_cells);
	if (ranges.len % entry_bytes != 0)
		return ERR_FORMAT;
	for (uint32_t off = 0; off < ranges.len; off += entry_bytes) {
		const uint8_t *at = ranges.value + off;
		uint64_t from = cells_read(at, child_cells);
		uint64_t to = cells_read(at + (size_t)4 * child_cells, parent_cells);
		uint64_t span = cells_read(at + (size_t)4 * (child_cells + parent_cells),
					   size_cells);

		/* No sum here, so nothing can wrap. */
		if (*addr < from || *addr - from > span || size_bytes > span - (*addr - from))
			continue;
		if (to > UINT64_MAX - (*addr - from))
			return ERR_RANGE;
		*addr = to + (*addr - from);
		return ERR_OK;
	}
	return ERR_NOT_FOUND;
}

enum error fdt_reg_physical(const struct fdt *fdt, uint32_t node, uint32_t index, uint64_t *addr,
			    uint64_t *size_bytes)
{
	uint32_t bus = fdt_parent(fdt, node);
	enum error err;

	if (bus == FDT_NONE)
		return ERR_NOT_FOUND;
	err = reg_on_bus(fdt, bus, node, index, addr, size_bytes);
	while (err == ERR_OK) {
		uint32_t parent = fdt_parent(fdt, bus);

		if (parent == FDT_NONE)
			break;
		err = bus_translate(fdt, parent, bus, addr, *size_bytes);
		bus = parent;
	}
	if (err == ERR_OK && *size_bytes > 0 && *addr > UINT64_MAX - (*size_bytes - 1))
		return ERR_RANGE;
	return err;
}
