/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reader of a flattened device tree (Devicetree Specification, chapter 5; version 17).
 *
 * fdt_open() walks the whole blob once and refuses it unless every token, name and value lies
 * inside it, nodes nest, and properties come before subnodes.  All other functions work on an
 * opened tree, never write, never allocate, and check bounds again.
 *
 * A node is the offset of its FDT_BEGIN_NODE token in the structure block; FDT_NONE is no node.
 * Pointers handed out point into the blob and live as long as it does.
 *
 * Bad at: many look-ups in a large tree; there is no index, each search walks from the root.
 */
#pragma once

#include <abi/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FDT_NONE         UINT32_MAX
#define FDT_DEPTH_MAX    64u
#define FDT_HEADER_BYTES 40u

/* X(name, text) */
#define FDT_REASON_LIST(X)                                                                 \
	X(FINE, "no fault")                                                                \
	X(SHORT_HEADER, "fewer bytes than a device tree header has")                       \
	X(BAD_MAGIC, "the magic number is not that of a device tree")                      \
	X(BAD_VERSION, "the device tree is not of version 17 or compatible with it")       \
	X(BAD_TOTAL_SIZE, "the total size in the header does not fit the bytes at hand")   \
	X(BAD_BLOCK, "a block named in the header lies outside the blob or is misaligned") \
	X(RESERVE_END, "the memory reservation block has no end")                          \
	X(BAD_TOKEN, "the structure block holds an unknown token")                         \
	X(SHORT_STRUCT, "the structure block ends in the middle of a node or property")    \
	X(NAME_END, "a node name has no end")                                              \
	X(STRING_END, "a property name lies outside the strings block or has no end")      \
	X(TOO_DEEP, "nodes nest too deeply")                                               \
	X(UNBALANCED, "a node ends that was not begun, or the tree ends inside a node")    \
	X(STRAY_PROPERTY, "a property stands outside a node or after a subnode")           \
	X(ROOT_NAME, "the root node has a name")                                           \
	X(ROOTS, "there is no root node, or more than one")

enum fdt_reason {
#define X(name, text) FDT_##name,
	FDT_REASON_LIST(X)
#undef X
		FDT_REASON_COUNT
};

/* Filled by fdt_open(); read-only afterwards. */
struct fdt {
	const uint8_t *base;
	uint32_t size_bytes;
	uint32_t struct_off;
	uint32_t struct_bytes;
	uint32_t strings_off;
	uint32_t strings_bytes; /* as far as names in it end */
	uint32_t reserve_off;
	uint32_t boot_cpu;
};

struct fdt_prop {
	const char *name;     /* NUL-terminated inside the blob */
	const uint8_t *value; /* @len bytes, any alignment */
	uint32_t len;
	uint32_t next; /* private: offset of the token that follows */
};

const char *fdt_reason_text(enum fdt_reason reason);

/*
 * Checks the blob at @bytes, of which at most @bytes_max may be read, and fills @fdt.
 * Cost: one walk over the blob.  ERR_FORMAT with the cause in *@reason (never null).
 */
__attribute__((warn_unused_result)) enum error fdt_open(struct fdt *fdt, const void *bytes,
							size_t bytes_max, enum fdt_reason *reason);

/* Memory reservation number @index.  ERR_NOT_FOUND after the last. */
__attribute__((warn_unused_result)) enum error
fdt_reserve_get(const struct fdt *fdt, uint32_t index, uint64_t *addr, uint64_t *size_bytes);

/* Nodes.  Each returns FDT_NONE if there is none. */
uint32_t fdt_root(const struct fdt *fdt);
uint32_t fdt_child_first(const struct fdt *fdt, uint32_t node);
uint32_t fdt_sibling_next(const struct fdt *fdt, uint32_t node);
uint32_t fdt_parent(const struct fdt *fdt, uint32_t node);
/* The node after @node in the order of the blob (parents first); *@depth follows along. */
uint32_t fdt_node_next(const struct fdt *fdt, uint32_t node, int *depth);
const char *fdt_node_name(const struct fdt *fdt, uint32_t node);

/*
 * Searches.  A path is absolute ("/soc/uart@9000000") or starts with a name of /aliases; a
 * component without unit address matches the first node of that name.  @path need not end in NUL.
 */
uint32_t fdt_node_by_path(const struct fdt *fdt, const char *path, size_t path_len);
/* First match after @after in blob order; FDT_NONE as @after starts at the root. */
uint32_t fdt_node_by_compatible(const struct fdt *fdt, uint32_t after, const char *compatible);
bool fdt_node_is_compatible(const struct fdt *fdt, uint32_t node, const char *compatible);
/* True unless the node's status property says something else than "okay" or "ok". */
bool fdt_node_enabled(const struct fdt *fdt, uint32_t node);

/* Properties of a node, in order; false at the end. */
bool fdt_prop_first(const struct fdt *fdt, uint32_t node, struct fdt_prop *prop);
bool fdt_prop_next(const struct fdt *fdt, struct fdt_prop *prop);
bool fdt_prop_find(const struct fdt *fdt, uint32_t node, const char *name, struct fdt_prop *prop);

/* Cell number @index of a property value.  False if the value is too short. */
bool fdt_prop_u32(const struct fdt_prop *prop, uint32_t index, uint32_t *value);
/* A value of exactly one or two cells as a number. */
bool fdt_prop_number(const struct fdt_prop *prop, uint64_t *value);
/* String number @index of a string list; null if there is none or it has no end. */
const char *fdt_prop_string(const struct fdt_prop *prop, uint32_t index);
bool fdt_prop_has_string(const struct fdt_prop *prop, const char *string);

/* Cells that @node prescribes for addresses and sizes of its children (default 2 and 1). */
void fdt_cells(const struct fdt *fdt, uint32_t node, uint32_t *address_cells, uint32_t *size_cells);

/*
 * Entry @index of the node's reg property as the node's parent bus sees it.
 * ERR_NOT_FOUND: no reg or no such entry.  ERR_UNSUPPORTED: cells wider than 64 bits.
 * ERR_FORMAT: the length is not a multiple of an entry.
 */
__attribute__((warn_unused_result)) enum error
fdt_reg(const struct fdt *fdt, uint32_t node, uint32_t index, uint64_t *addr, uint64_t *size_bytes);

/*
 * As fdt_reg(), translated through every bus's ranges to a physical address.
 * Further: ERR_NOT_FOUND if a bus above has no ranges or none that covers the region;
 * ERR_RANGE if the region wraps.
 */
__attribute__((warn_unused_result)) enum error fdt_reg_physical(const struct fdt *fdt,
								uint32_t node, uint32_t index,
								uint64_t *addr,
								uint64_t *size_bytes);
