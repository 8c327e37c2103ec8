/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs one fuzz target on inputs that are kept, without clang: replay_NAME FILE-OR-FOLDER...
 * A file whose name ends in .hex is text: hexadecimal digits, and lines that begin with '#'.
 * Prints TAP, the name of an input before it is run, so that the last line names a crash.
 */
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#define FILES_MAX 4096u

static const char hex_digits[] = "0123456789abcdef";
static char *names[FILES_MAX];
static unsigned count;

static void add_name(const char *folder, const char *name)
{
	size_t bytes = strlen(folder) + strlen(name) + 2;

	if (count == FILES_MAX) {
		fprintf(stderr, "replay: more than %u inputs\n", FILES_MAX);
		exit(2);
	}
	names[count] = malloc(bytes);
	if (names[count] == NULL)
		exit(2);
	snprintf(names[count++], bytes, "%s%s%s", folder, folder[0] != '\0' ? "/" : "", name);
}

static void add_argument(const char *argument)
{
	DIR *folder = opendir(argument);
	const struct dirent *entry;

	/* A target without kept inputs has no folder of them. */
	if (folder == NULL && errno == ENOENT)
		return;
	if (folder == NULL) {
		add_name("", argument);
		return;
	}
	while ((entry = readdir(folder)) != NULL)
		if (entry->d_name[0] != '.')
			add_name(argument, entry->d_name);
	closedir(folder);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* In place.  A line that begins with '#' says what the input once broke. */
static size_t hex_decode(uint8_t *data, size_t size)
{
	size_t digits = 0;
	bool comment = false;

	for (size_t i = 0; i < size; i++) {
		const char *at = memchr(hex_digits, data[i], 16);
		unsigned value = at != NULL ? (unsigned)(at - hex_digits) : 0;

		if (data[i] == '#')
			comment = true;
		if (data[i] == '\n')
			comment = false;
		if (at == NULL || comment)
			continue;
		data[digits / 2] = (uint8_t)(digits % 2 == 0 ? value << 4
							     : data[digits / 2] | value);
		digits++;
	}
	return digits / 2;
}

static bool is_hex(const char *name)
{
	size_t len = strlen(name);

	return len > 4 && strcmp(name + len - 4, ".hex") == 0;
}

/* Memory of exactly the input's size: the address sanitizer sees each byte read beyond it. */
static bool replay(const char *name)
{
	FILE *file = fopen(name, "rb");
	struct stat status;
	uint8_t *data;
	size_t size;

	if (file == NULL || fstat(fileno(file), &status) != 0) {
		printf("# %s: %s\n", name, strerror(errno));
		return false;
	}
	size = (size_t)status.st_size;
	data = malloc(size > 0 ? size : 1);
	if (data == NULL || fread(data, 1, size, file) != size) {
		printf("# %s: cannot be read\n", name);
		return false;
	}
	fclose(file);
	if (is_hex(name)) {
		uint8_t *text = data;

		size = hex_decode(text, size);
		data = malloc(size > 0 ? size : 1);
		memcpy(data, text, size);
		free(text);
	}
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	return true;
}

int main(int argc, char **argv)
{
	bool good = true;

	setvbuf(stdout, NULL, _IONBF, 0);
	for (int i = 1; i < argc; i++)
		add_argument(argv[i]);
	qsort(names, count, sizeof(names[0]), by_name);
	printf("1..%u\n", count);
	for (unsigned i = 0; i < count; i++) {
		bool fine;

		printf("# %s\n", names[i]);
		fine = replay(names[i]);
		printf("%s %u - %s\n", fine ? "ok" : "not ok", i + 1, names[i]);
		good = good && fine;
		free(names[i]);
	}
	return good && count > 0 ? 0 : 1;
}
