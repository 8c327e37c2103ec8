/* SPDX-License-Identifier: BSD-2-Clause */
/* The archive reader against a writer written from the format's description, and against damage. */
#include <base/cpio.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILES_MAX     12
#define ARCHIVE_BYTES 65536

struct file {
	char name[40];
	uint8_t data[600];
	size_t bytes;
	unsigned int mode;
};

struct archive {
	uint8_t bytes[ARCHIVE_BYTES];
	size_t len;
};

static uint64_t random_next(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dull;
}

/* @name_bytes counts the NULs at the end, which may be many. */
static void archive_add(struct archive *archive, const char *name, size_t name_bytes,
			unsigned int mode, const void *data, size_t bytes)
{
	uint8_t *at = archive->bytes + archive->len;
	size_t data_at = (110 + name_bytes + 3) & ~3ul;

	cr_assert(archive->len + data_at + bytes + 4 <= ARCHIVE_BYTES);
	memset(at, 0, data_at + bytes + 4);
	sprintf((char *)at, "070701%08X%08x%08X%08X%08X%08X%08x%08X%08X%08X%08X%08X%08X", 7u, mode,
		0u, 0u, 1u, 0u, (unsigned int)bytes, 0u, 0u, 0u, 0u, (unsigned int)name_bytes, 0u);
	memset(at + 110, 0, name_bytes);
	memcpy(at + 110, name, strlen(name));
	if (bytes > 0)
		memcpy(at + data_at, data, bytes);
	archive->len += (data_at + bytes + 3) & ~3ul;
}

static void archive_end(struct archive *archive)
{
	archive_add(archive, "TRAILER!!!", 11, 0, NULL, 0);
}

static size_t archive_random(struct archive *archive, struct file *files, uint64_t *seed)
{
	size_t count = random_next(seed) % FILES_MAX;

	archive->len = 0;
	for (size_t i = 0; i < count; i++) {
		struct file *file = &files[i];

		sprintf(file->name, "dir/file%zu-%.*s", i, (int)(random_next(seed) % 9),
			"abcdefghi");
		file->bytes = random_next(seed) % 3 == 0 ? 0 : random_next(seed) % 600;
		file->mode = random_next(seed) % 4 == 0 ? 0040755 : 0100644;
		for (size_t b = 0; b < file->bytes; b++)
			file->data[b] = (uint8_t)random_next(seed);
		archive_add(archive, file->name,
			    strlen(file->name) + 1 + random_next(seed) % 3 * 1021, file->mode,
			    file->data, file->bytes);
	}
	archive_end(archive);
	return count;
}

static struct archive archive;
static struct file files[FILES_MAX];

/* An index says what the archive says, whether it holds all files or has to give up. */
static void check_index(const struct cpio *cpio, const char *name)
{
	static const uint32_t places[] = {1, 2, 5, 16, 256};
	static struct cpio_entry memory[256];
	struct cpio_entry expected = {.data = NULL};
	struct cpio_entry entry = {.data = NULL};
	const enum error error = cpio_find(cpio, name, &expected);

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct cpio_index index;

		cpio_index_make(&index, cpio, memory, places[i]);
		cr_assert_eq(cpio_index_find(&index, name, &entry), error);
		cr_assert(error != ERR_OK || entry.name == expected.name);
		cr_assert(error != ERR_OK || entry.data == expected.data);
	}
}

Test(cpio, reads_what_was_written)
{
	uint64_t seed = 99;

	for (int round = 0; round < 500; round++) {
		size_t count = archive_random(&archive, files, &seed);
		uint8_t *exact = malloc(archive.len);
		enum cpio_reason reason;
		struct cpio_entry entry;
		struct cpio cpio;
		size_t i = 0;

		memcpy(exact, archive.bytes, archive.len);
		cr_assert_eq(cpio_open(&cpio, exact, archive.len, &reason), ERR_OK, "%s",
			     cpio_reason_text(reason));
		cr_assert_eq(cpio.entries, count);
		for (bool more = cpio_first(&cpio, &entry); more; more = cpio_next(&cpio, &entry)) {
			cr_assert_lt(i, count);
			cr_assert_str_eq(entry.name, files[i].name);
			cr_assert_eq(entry.name_len, strlen(files[i].name));
			cr_assert_eq(entry.data_bytes, files[i].bytes);
			cr_assert_eq(entry.mode, files[i].mode);
			if (entry.data_bytes > 0)
				cr_assert(memcmp(entry.data, files[i].data, entry.data_bytes) == 0);
			i++;
		}
		cr_assert_eq(i, count);
		for (i = 0; i < count; i++) {
			enum error err = cpio_find(&cpio, files[i].name, &entry);

			cr_assert_eq(err, files[i].mode == 0100644 ? ERR_OK : ERR_NOT_FOUND);
			cr_assert(err != ERR_OK || entry.data_bytes == files[i].bytes);
			if (round < 50)
				check_index(&cpio, files[i].name);
		}
		cr_assert_eq(cpio_find(&cpio, "dir/file", &entry), ERR_NOT_FOUND);
		free(exact);
	}
}

Test(cpio, finds_names_with_and_without_prefix)
{
	enum cpio_reason reason;
	struct cpio_entry entry;
	struct cpio cpio;

	archive.len = 0;
	archive_add(&archive, ".", 2, 0040755, NULL, 0);
	archive_add(&archive, "./bin/proc", 11, 0100755, "p", 1);
	archive_add(&archive, "/bin/mm", 8, 0100755, "mm", 2);
	archive_end(&archive);
	cr_assert_eq(cpio_open(&cpio, archive.bytes, archive.len, &reason), ERR_OK);
	cr_expect_eq(cpio_find(&cpio, "bin/proc", &entry), ERR_OK);
	cr_expect_eq(entry.data_bytes, 1);
	cr_expect_eq(cpio_find(&cpio, "/bin/proc", &entry), ERR_OK);
	cr_expect_eq(cpio_find(&cpio, "./bin/mm", &entry), ERR_OK);
	cr_expect_eq(entry.data_bytes, 2);
	cr_expect_eq(cpio_find(&cpio, "bin", &entry), ERR_NOT_FOUND);
	cr_expect_eq(cpio_find(&cpio, "TRAILER!!!", &entry), ERR_NOT_FOUND);
}

Test(cpio, an_index_finds_what_a_search_finds)
{
	static const char *const names[] = {"bin/proc", "/bin/proc", "./bin/mm", "bin", "no", ""};
	enum cpio_reason reason;
	struct cpio cpio;

	archive.len = 0;
	archive_add(&archive, "bin", 4, 0040755, NULL, 0);
	archive_add(&archive, "./bin/proc", 11, 0100755, "p", 1);
	archive_add(&archive, "/bin/mm", 8, 0100755, "mm", 2);
	archive_add(&archive, "bin/proc", 9, 0100755, "second", 6);
	archive_end(&archive);
	cr_assert_eq(cpio_open(&cpio, archive.bytes, archive.len, &reason), ERR_OK);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		check_index(&cpio, names[i]);
}

Test(cpio, padded_name_puts_data_on_a_page)
{
	enum cpio_reason reason;
	struct cpio_entry entry;
	struct cpio cpio;

	archive.len = 0;
	archive_add(&archive, "a", 4096 - 110, 0100644, "data", 4);
	archive_end(&archive);
	cr_assert_eq(cpio_open(&cpio, archive.bytes, archive.len, &reason), ERR_OK);
	cr_assert(cpio_first(&cpio, &entry));
	cr_expect_str_eq(entry.name, "a");
	cr_expect_eq((size_t)(entry.data - archive.bytes), 4096);
	cr_expect(memcmp(entry.data, "data", 4) == 0);
}

static enum cpio_reason reason_of(const void *bytes, size_t len)
{
	void *exact = malloc(len > 0 ? len : 1);
	enum cpio_reason reason;
	struct cpio_entry entry;
	struct cpio cpio;
	volatile uint8_t sink = 0;

	memcpy(exact, bytes, len);
	if (cpio_open(&cpio, exact, len, &reason) == ERR_OK) {
		cr_assert_eq(reason, CPIO_FINE);
		for (bool more = cpio_first(&cpio, &entry); more; more = cpio_next(&cpio, &entry)) {
			sink = (uint8_t)strlen(entry.name);
			for (size_t i = 0; i < entry.data_bytes; i++)
				sink = (uint8_t)(sink + entry.data[i]);
		}
	} else {
		cr_assert_neq(reason, CPIO_FINE);
		cr_assert_leq(cpio.fault_off, len);
	}
	free(exact);
	return reason;
}

Test(cpio, refuses_every_truncation)
{
	uint64_t seed = 5;
	size_t trailer_end;

	for (int round = 0; round < 5; round++) {
		archive_random(&archive, files, &seed);
		/* The NUL and one byte of padding after the trailer's name may be missing. */
		trailer_end = archive.len - ((4 - (110 + 11) % 4) % 4);
		for (size_t cut = 0; cut < archive.len; cut++) {
			enum cpio_reason reason = reason_of(archive.bytes, cut);

			cr_assert((reason == CPIO_FINE) == (cut >= trailer_end), "cut %zu of %zu",
				  cut, archive.len);
		}
	}
}

Test(cpio, survives_flipped_bits)
{
	uint64_t seed = 17;
	int fine = 0;

	for (int round = 0; round < 20000; round++) {
		if (round % 50 == 0)
			archive_random(&archive, files, &seed);
		struct archive copy = archive;

		for (uint64_t flips = 1 + random_next(&seed) % 3; flips > 0; flips--)
			copy.bytes[random_next(&seed) % copy.len] ^=
				(uint8_t)(1u << random_next(&seed) % 8);
		fine += reason_of(copy.bytes, copy.len) == CPIO_FINE;
	}
	cr_assert(fine > 100 && fine < 19900, "%d", fine);
}

Test(cpio, names_the_fault)
{
	struct archive good;

	good.len = 0;
	archive_add(&good, "one", 4, 0100644, "1234567", 7);
	archive_end(&good);
#define WITH(off, text)                                                       \
	(archive = good, memcpy(archive.bytes + (off), (text), strlen(text)), \
	 reason_of(archive.bytes, archive.len))

	cr_expect_eq(WITH(0, "070701"), CPIO_FINE);
	cr_expect_eq(WITH(0, "070702"), CPIO_BAD_MAGIC);
	cr_expect_eq(WITH(6, "0000000g"), CPIO_BAD_NUMBER);
	cr_expect_eq(WITH(6 + 11 * 8, "00000000"), CPIO_EMPTY_NAME);
	cr_expect_eq(WITH(6 + 11 * 8, "00000003"), CPIO_NAME_END);
	cr_expect_eq(WITH(6 + 11 * 8, "FFFFFFFF"), CPIO_SHORT_NAME);
	cr_expect_eq(WITH(6 + 6 * 8, "FFFFFFFF"), CPIO_SHORT_DATA);
	cr_expect_eq(WITH(6 + 6 * 8, "00000003"), CPIO_BAD_MAGIC);
	cr_expect_eq(reason_of(good.bytes, 124), CPIO_NO_TRAILER);
	cr_expect_eq(reason_of(good.bytes, 125), CPIO_SHORT_HEADER);
	cr_expect_eq(reason_of(good.bytes, 122), CPIO_SHORT_DATA);
	cr_expect_eq(reason_of("", 0), CPIO_NO_TRAILER);
}
