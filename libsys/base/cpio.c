/* SPDX-License-Identifier: BSD-2-Clause */
/* cpio "newc" reader.  See cpio.h. */
#include <base/bytes.h>
#include <base/cpio.h>
#include <base/reason.h>

#define HEADER_BYTES 110u
#define TRAILER      "TRAILER!!!"
#define MODE_TYPE    0170000u
#define MODE_FILE    0100000u

/* Header fields, each eight hexadecimal digits after the magic number. */
enum field { FIELD_MODE = 1, FIELD_FILE_BYTES = 6, FIELD_NAME_BYTES = 11, FIELD_COUNT = 13 };

const char *cpio_reason_text(enum cpio_reason reason)
{
	static const char *const texts[] = {CPIO_REASON_LIST(REASON_TEXT)};

	return reason_text(texts, CPIO_REASON_COUNT, (uint32_t)reason);
}

static bool hex_read(const uint8_t *at, uint32_t *value)
{
	*value = 0;
	for (unsigned int i = 0; i < 8; i++) {
		uint32_t digit;

		if (at[i] >= '0' && at[i] <= '9')
			digit = at[i] - (uint32_t)'0';
		else if (at[i] >= 'a' && at[i] <= 'f')
			digit = at[i] - (uint32_t)'a' + 10;
		else if (at[i] >= 'A' && at[i] <= 'F')
			digit = at[i] - (uint32_t)'A' + 10;
		else
			return false;
		*value = *value << 4 | digit;
	}
	return true;
}

static const char *name_strip(const char *name)
{
	while (name[0] == '/' || (name[0] == '.' && name[1] == '/'))
		name += name[0] == '/' ? 1 : 2;
	return name;
}

static size_t round_up_4(size_t off)
{
	return (off + 3) & ~(size_t)3;
}

/* Reads the entry at @off.  All sums stay far below SIZE_MAX: each part was checked to fit. */
static enum cpio_reason entry_read(const struct cpio *cpio, size_t off, struct cpio_entry *entry)
{
	uint32_t fields[FIELD_COUNT];
	const uint8_t *at = cpio->base + off;
	size_t room = cpio->size_bytes - off;
	size_t name_bytes;
	size_t data_at;

	if (room < HEADER_BYTES)
		return room == 0 ? CPIO_NO_TRAILER : CPIO_SHORT_HEADER;
	if (!bytes_equal(at, "070701", 6))
		return CPIO_BAD_MAGIC;
	for (size_t i = 0; i < FIELD_COUNT; i++)
		if (!hex_read(at + 6 + 8 * i, &fields[i]))
			return CPIO_BAD_NUMBER;
	name_bytes = fields[FIELD_NAME_BYTES];
	if (name_bytes < 2)
		return CPIO_EMPTY_NAME;
	if (name_bytes > room - HEADER_BYTES)
		return CPIO_SHORT_NAME;
	entry->name = (const char *)at + HEADER_BYTES;
	if (entry->name[name_bytes - 1] != '\0')
		return CPIO_NAME_END;
	if (entry->name[0] == '\0')
		return CPIO_EMPTY_NAME;
	entry->name = name_strip(entry->name);
	entry->name_len = str_len_max(entry->name, name_bytes);
	data_at = round_up_4(HEADER_BYTES + name_bytes);
	entry->data_bytes = fields[FIELD_FILE_BYTES];
	if (entry->data_bytes > 0 && (data_at > room || entry->data_bytes > room - data_at))
		return CPIO_SHORT_DATA;
	entry->data = entry->data_bytes > 0 ? at + data_at : NULL;
	entry->mode = fields[FIELD_MODE];
	entry->next_off = off + round_up_4(data_at + entry->data_bytes);
	/* The last entry's padding may be cut off; what follows must then be empty. */
	if (entry->next_off > cpio->size_bytes)
		entry->next_off = cpio->size_bytes;
	return CPIO_FINE;
}

static bool entry_is_trailer(const struct cpio_entry *entry)
{
	return entry->data_bytes == 0 && str_equal(entry->name, TRAILER);
}

enum error cpio_open(struct cpio *cpio, const void *bytes, size_t size_bytes,
		     enum cpio_reason *reason)
{
	struct cpio_entry entry;

	*cpio = (struct cpio){.base = bytes, .size_bytes = size_bytes};
	for (;;) {
		*reason = entry_read(cpio, cpio->fault_off, &entry);
		if (*reason != CPIO_FINE)
			return ERR_FORMAT;
		if (entry_is_trailer(&entry))
			break;
		cpio->entries++;
		cpio->fault_off = entry.next_off;
	}
	cpio->fault_off = 0;
	return ERR_OK;
}

static bool entry_at(const struct cpio *cpio, size_t off, struct cpio_entry *entry)
{
	return entry_read(cpio, off, entry) == CPIO_FINE && !entry_is_trailer(entry);
}

bool cpio_first(const struct cpio *cpio, struct cpio_entry *entry)
{
	return entry_at(cpio, 0, entry);
}

bool cpio_next(const struct cpio *cpio, struct cpio_entry *entry)
{
	return entry_at(cpio, entry->next_off, entry);
}

bool cpio_entry_is_file(const struct cpio_entry *entry)
{
	return (entry->mode & MODE_TYPE) == MODE_FILE;
}

enum error cpio_find(const struct cpio *cpio, const char *name, struct cpio_entry *entry)
{
	name = name_strip(name);
	for (bool more = cpio_first(cpio, entry); more; more = cpio_next(cpio, entry))
		if (cpio_entry_is_file(entry) && str_equal(entry->name, name))
			return ERR_OK;
	return ERR_NOT_FOUND;
}

/* FNV-1a, as good as any for names. */
static uint32_t name_place(const struct cpio_index *index, const char *name)
{
	uint32_t hash = 2166136261u;

	for (; *name != '\0'; name++)
		hash = (hash ^ (uint8_t)*name) * 16777619u;
	return hash % index->places;
}

void cpio_index_make(struct cpio_index *index, const struct cpio *cpio, struct cpio_entry *memory,
		     uint32_t places)
{
	struct cpio_entry entry;
	uint32_t used = 0;

	*index = (struct cpio_index){.cpio = cpio, .entry = memory, .places = places};
	for (uint32_t i = 0; i < places; i++)
		memory[i] = (struct cpio_entry){.name = NULL};
	for (bool more = cpio_first(cpio, &entry); more; more = cpio_next(cpio, &entry)) {
		uint32_t at;

		if (!cpio_entry_is_file(&entry))
			continue;
		if (++used > places / 2) {
			index->places = 0;
			return;
		}
		for (at = name_place(index, entry.name); memory[at].name != NULL;)
			at = (at + 1) % places;
		memory[at] = entry;
	}
}

enum error cpio_index_find(const struct cpio_index *index, const char *name,
			   struct cpio_entry *entry)
{
	if (index->places == 0)
		return cpio_find(index->cpio, name, entry);
	name = name_strip(name);
	for (uint32_t at = name_place(index, name); index->entry[at].name != NULL;
	     at = (at + 1) % index->places)
		if (str_equal(index->entry[at].name, name)) {
			*entry = index->entry[at];
			return ERR_OK;
		}
	return ERR_NOT_FOUND;
}
