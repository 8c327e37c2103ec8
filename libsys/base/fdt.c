/* SPDX-License-Identifier: BSD-2-Clause */
/* Flattened device tree reader: header, tokens, nodes, properties.  See fdt.h. */
#include <base/bytes.h>
#include <base/fdt.h>
#include <base/reason.h>

#define FDT_MAGIC   0xd00dfeedu
#define FDT_VERSION 17u

enum token_kind {
	TOKEN_BEGIN = 1,
	TOKEN_END_NODE = 2,
	TOKEN_PROP = 3,
	TOKEN_NOP = 4,
	TOKEN_END = 9
};

struct token {
	uint32_t kind;
	uint32_t next; /* offset of the token that follows */
	const char *name;
	const uint8_t *value;
	uint32_t value_len;
};

const char *fdt_reason_text(enum fdt_reason reason)
{
	static const char *const texts[] = {FDT_REASON_LIST(REASON_TEXT)};

	return reason_text(texts, FDT_REASON_COUNT, (uint32_t)reason);
}

static enum fdt_reason token_read_prop(const struct fdt *fdt, uint32_t off, struct token *token)
{
	const uint8_t *at = fdt->base + fdt->struct_off + off;
	uint32_t room = fdt->struct_bytes - off;
	uint32_t name_off;
	uint32_t len;

	if (room < 12)
		return FDT_SHORT_STRUCT;
	len = bytes_be32(at + 4);
	name_off = bytes_be32(at + 8);
	/* Rounding up cannot wrap: len is at most room - 12 when it is used. */
	if (len > room - 12 || ((len + 3) & ~3u) > room - 12)
		return FDT_SHORT_STRUCT;
	if (name_off >= fdt->strings_bytes)
		return FDT_STRING_END;
	token->name = (const char *)fdt->base + fdt->strings_off + name_off;
	token->value = at + 12;
	token->value_len = len;
	token->next = off + 12 + ((len + 3) & ~3u);
	return FDT_FINE;
}

/* Reads the token at @off; nothing outside the structure block is touched. */
static enum fdt_reason token_read(const struct fdt *fdt, uint32_t off, struct token *token)
{
	const uint8_t *at;
	uint32_t room;
	size_t len;

	if (off > fdt->struct_bytes || fdt->struct_bytes - off < 4)
		return FDT_SHORT_STRUCT;
	at = fdt->base + fdt->struct_off + off;
	room = fdt->struct_bytes - off;
	token->kind = bytes_be32(at);
	token->next = off + 4;
	switch (token->kind) {
	case TOKEN_END_NODE:
	case TOKEN_NOP:
	case TOKEN_END:
		return FDT_FINE;
	case TOKEN_PROP:
		return token_read_prop(fdt, off, token);
	case TOKEN_BEGIN:
		token->name = (const char *)at + 4;
		len = str_len_max(token->name, room - 4);
		if (len == room - 4)
			return FDT_NAME_END;
		/* Name, NUL, padding; the block's size is a multiple of 4, so this stays inside. */
		token->next = off + 4 + (((uint32_t)len + 4) & ~3u);
		return FDT_FINE;
	default:
		return FDT_BAD_TOKEN;
	}
}

static enum fdt_reason struct_check(const struct fdt *fdt)
{
	struct token token;
	enum fdt_reason reason;
	uint32_t off = 0;
	uint32_t depth = 0;
	bool root_seen = false;
	bool props_allowed = false;

	for (;; off = token.next) {
		reason = token_read(fdt, off, &token);
		if (reason != FDT_FINE)
			return reason;
		switch (token.kind) {
		case TOKEN_BEGIN:
			if (depth == 0 && root_seen)
				return FDT_ROOTS;
			if (depth == 0 && token.name[0] != '\0')
				return FDT_ROOT_NAME;
			if (depth == FDT_DEPTH_MAX)
				return FDT_TOO_DEEP;
			root_seen = true;
			props_allowed = true;
			depth++;
			break;
		case TOKEN_END_NODE:
			if (depth == 0)
				return FDT_UNBALANCED;
			props_allowed = false;
			depth--;
			break;
		case TOKEN_PROP:
			if (!props_allowed)
				return FDT_STRAY_PROPERTY;
			break;
		case TOKEN_END:
			if (depth != 0)
				return FDT_UNBALANCED;
			return root_seen ? FDT_FINE : FDT_ROOTS;
		default:
			break;
		}
	}
}

static bool block_fits(const struct fdt *fdt, uint32_t off, uint32_t bytes, uint32_t align)
{
	return off >= FDT_HEADER_BYTES && off <= fdt->size_bytes &&
	       bytes <= fdt->size_bytes - off && off % align == 0 && bytes % align == 0;
}

/* What is behind the last NUL of the strings block has no end, and all before it has one. */
static void strings_trim(struct fdt *fdt)
{
	const uint8_t *strings = fdt->base + fdt->strings_off;

	while (fdt->strings_bytes > 0 && strings[fdt->strings_bytes - 1] != '\0')
		fdt->strings_bytes--;
}

static enum fdt_reason header_check(struct fdt *fdt, size_t bytes_max)
{
	const uint8_t *h = fdt->base;
	uint64_t addr;
	uint64_t size;

	if (bytes_max < FDT_HEADER_BYTES)
		return FDT_SHORT_HEADER;
	if (bytes_be32(h) != FDT_MAGIC)
		return FDT_BAD_MAGIC;
	if (bytes_be32(h + 20) < FDT_VERSION || bytes_be32(h + 24) > FDT_VERSION)
		return FDT_BAD_VERSION;
	fdt->size_bytes = bytes_be32(h + 4);
	if (fdt->size_bytes < FDT_HEADER_BYTES || fdt->size_bytes > bytes_max ||
	    fdt->size_bytes > INT32_MAX)
		return FDT_BAD_TOTAL_SIZE;
	fdt->struct_off = bytes_be32(h + 8);
	fdt->strings_off = bytes_be32(h + 12);
	fdt->reserve_off = bytes_be32(h + 16);
	fdt->boot_cpu = bytes_be32(h + 28);
	fdt->strings_bytes = bytes_be32(h + 32);
	fdt->struct_bytes = bytes_be32(h + 36);
	if (!block_fits(fdt, fdt->struct_off, fdt->struct_bytes, 4) ||
	    !block_fits(fdt, fdt->strings_off, fdt->strings_bytes, 1) ||
	    !block_fits(fdt, fdt->reserve_off, 0, 8))
		return FDT_BAD_BLOCK;
	strings_trim(fdt);
	for (uint32_t i = 0;; i++) {
		if ((uint64_t)fdt->reserve_off + 16 * ((uint64_t)i + 1) > fdt->size_bytes)
			return FDT_RESERVE_END;
		if (fdt_reserve_get(fdt, i, &addr, &size) != ERR_OK)
			return FDT_FINE;
	}
}

enum error fdt_open(struct fdt *fdt, const void *bytes, size_t bytes_max, enum fdt_reason *reason)
{
	*fdt = (struct fdt){.base = bytes};
	*reason = header_check(fdt, bytes_max);
	if (*reason == FDT_FINE)
		*reason = struct_check(fdt);
	return *reason == FDT_FINE ? ERR_OK : ERR_FORMAT;
}

enum error fdt_reserve_get(const struct fdt *fdt, uint32_t index, uint64_t *addr,
			   uint64_t *size_bytes)
{
	uint64_t off = (uint64_t)fdt->reserve_off + 16 * (uint64_t)index;

	if (off + 16 > fdt->size_bytes)
		return ERR_NOT_FOUND;
	*addr = bytes_be64(fdt->base + off);
	*size_bytes = bytes_be64(fdt->base + off + 8);
	return *addr == 0 && *size_bytes == 0 ? ERR_NOT_FOUND : ERR_OK;
}

uint32_t fdt_root(const struct fdt *fdt)
{
	struct token token;
	uint32_t off = 0;

	while (token_read(fdt, off, &token) == FDT_FINE) {
		if (token.kind == TOKEN_BEGIN)
			return off;
		if (token.kind != TOKEN_NOP)
			break;
		off = token.next;
	}
	return FDT_NONE;
}

uint32_t fdt_node_next(const struct fdt *fdt, uint32_t node, int *depth)
{
	struct token token;
	uint32_t off;

	if (token_read(fdt, node, &token) != FDT_FINE || token.kind != TOKEN_BEGIN)
		return FDT_NONE;
	off = token.next;
	while (token_read(fdt, off, &token) == FDT_FINE && token.kind != TOKEN_END) {
		if (token.kind == TOKEN_BEGIN) {
			(*depth)++;
			return off;
		}
		if (token.kind == TOKEN_END_NODE)
			(*depth)--;
		off = token.next;
	}
	return FDT_NONE;
}

uint32_t fdt_child_first(const struct fdt *fdt, uint32_t node)
{
	int depth = 0;
	uint32_t next = fdt_node_next(fdt, node, &depth);

	return depth == 1 ? next : FDT_NONE;
}

uint32_t fdt_sibling_next(const struct fdt *fdt, uint32_t node)
{
	int depth = 0;

	do {
		node = fdt_node_next(fdt, node, &depth);
	} while (node != FDT_NONE && depth > 0);
	return depth == 0 ? node : FDT_NONE;
}

uint32_t fdt_parent(const struct fdt *fdt, uint32_t node)
{
	uint32_t path[FDT_DEPTH_MAX];
	uint32_t at = fdt_root(fdt);
	int depth = 0;

	while (at != FDT_NONE && depth >= 0 && depth < (int)FDT_DEPTH_MAX) {
		if (at == node)
			return depth > 0 ? path[depth - 1] : FDT_NONE;
		path[depth] = at;
		at = fdt_node_next(fdt, at, &depth);
	}
	return FDT_NONE;
}

const char *fdt_node_name(const struct fdt *fdt, uint32_t node)
{
	struct token token = {0};

	if (token_read(fdt, node, &token) != FDT_FINE || token.kind != TOKEN_BEGIN)
		return "";
	return token.name;
}

/* Finds the property token at or after @off within the same node. */
static bool prop_at(const struct fdt *fdt, uint32_t off, struct fdt_prop *prop)
{
	struct token token = {0};

	while (token_read(fdt, off, &token) == FDT_FINE) {
		if (token.kind == TOKEN_PROP) {
			*prop = (struct fdt_prop){.name = token.name,
						  .value = token.value,
						  .len = token.value_len,
						  .next = token.next};
			return true;
		}
		if (token.kind != TOKEN_NOP)
			break;
		off = token.next;
	}
	return false;
}

bool fdt_prop_first(const struct fdt *fdt, uint32_t node, struct fdt_prop *prop)
{
	struct token token;

	if (token_read(fdt, node, &token) != FDT_FINE || token.kind != TOKEN_BEGIN)
		return false;
	return prop_at(fdt, token.next, prop);
}

bool fdt_prop_next(const struct fdt *fdt, struct fdt_prop *prop)
{
	return prop_at(fdt, prop->next, prop);
}

bool fdt_prop_find(const struct fdt *fdt, uint32_t node, const char *name, struct fdt_prop *prop)
{
	for (bool more = fdt_prop_first(fdt, node, prop); more; more = fdt_prop_next(fdt, prop))
		if (str_equal(prop->name, name))
			return true;
	return false;
}

bool fdt_prop_u32(const struct fdt_prop *prop, uint32_t index, uint32_t *value)
{
	if (index >= prop->len / 4)
		return false;
	*value = bytes_be32(prop->value + (size_t)index * 4);
	return true;
}

bool fdt_prop_number(const struct fdt_prop *prop, uint64_t *value)
{
	if (prop->len == 4)
		*value = bytes_be32(prop->value);
	else if (prop->len == 8)
		*value = bytes_be64(prop->value);
	else
		return false;
	return true;
}

const char *fdt_prop_string(const struct fdt_prop *prop, uint32_t index)
{
	const char *s = (const char *)prop->value;
	size_t room = prop->len;
	size_t len;

	while (room > 0) {
		len = str_len_max(s, room);
		if (len == room)
			break;
		if (index == 0)
			return s;
		index--;
		s += len + 1;
		room -= len + 1;
	}
	return NULL;
}

bool fdt_prop_has_string(const struct fdt_prop *prop, const char *string)
{
	const char *s;

	for (uint32_t i = 0; (s = fdt_prop_string(prop, i)) != NULL; i++)
		if (str_equal(s, string))
			return true;
	return false;
}
