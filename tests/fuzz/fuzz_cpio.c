/* SPDX-License-Identifier: BSD-2-Clause */
/* Boot archives: every entry lies inside, is found again by its name, and is counted. */
#include "fuzz.h"

#include <base/cpio.h>

static void check_entry(const struct cpio *cpio, const struct cpio_entry *entry)
{
	struct cpio_entry found;

	fuzz_check(strlen(entry->name) == entry->name_len);
	fuzz_check((const uint8_t *)entry->name >= cpio->base);
	if (entry->data_bytes != 0)
		fuzz_check(entry->data + entry->data_bytes <= cpio->base + cpio->size_bytes);
	fuzz_touch(entry->data, entry->data_bytes);
	if (!cpio_entry_is_file(entry))
		return;
	fuzz_check(cpio_find(cpio, entry->name, &found) == ERR_OK);
	fuzz_check(found.name_len == entry->name_len &&
		   memcmp(found.name, entry->name, entry->name_len) == 0);
	fuzz_check(found.name <= entry->name && cpio_entry_is_file(&found));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum cpio_reason reason = CPIO_REASON_COUNT;
	struct cpio_entry entry;
	struct cpio cpio;
	size_t entries = 0;
	enum error error = cpio_open(&cpio, data, size, &reason);

	fuzz_check(reason < CPIO_REASON_COUNT && (error == ERR_OK) == (reason == CPIO_FINE));
	fuzz_touch(cpio_reason_text(reason), 1);
	if (error != ERR_OK) {
		fuzz_check(error == ERR_FORMAT && cpio.fault_off <= size);
		return 0;
	}
	for (bool more = cpio_first(&cpio, &entry); more; more = cpio_next(&cpio, &entry)) {
		check_entry(&cpio, &entry);
		entries++;
	}
	fuzz_check(entries == cpio.entries);
	fuzz_check(cpio_find(&cpio, "proc/no such file", &entry) == ERR_NOT_FOUND);
	return 0;
}
