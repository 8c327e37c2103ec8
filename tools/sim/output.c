/* SPDX-License-Identifier: BSD-2-Clause */
#include "output.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENDING ".part"

/* A path without links, whether the file is there or not; false: its folder is not, see errno. */
static bool place_find(const char *path, char place[PATH_MAX])
{
	char folder[PATH_MAX];
	char name[PATH_MAX];

	if (realpath(path, place) != NULL)
		return true;
	snprintf(folder, sizeof(folder), "%s", path);
	snprintf(name, sizeof(name), "%s", path);
	if (realpath(dirname(folder), place) == NULL)
		return false;
	const size_t len = strlen(place);
	const int more = snprintf(place + len, PATH_MAX - len, "/%s", basename(name));

	errno = ENAMETOOLONG;
	return more > 0 && (size_t)more + sizeof(ENDING) < PATH_MAX - len;
}

static bool is_stdout(const char *path)
{
	return strcmp(path, "-") == 0;
}

/* Is there something that is no plain file? */
static bool is_special(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && !S_ISREG(status.st_mode);
}

const char *output_refused(const char *path)
{
	struct stat status;
	char place[PATH_MAX];

	if (is_stdout(path))
		return NULL;
	if (path[0] == '\0')
		return "the name of the file is empty";
	if (stat(path, &status) == 0) {
		if (S_ISDIR(status.st_mode))
			return strerror(EISDIR);
		if (access(path, W_OK) != 0)
			return strerror(errno);
		if (!S_ISREG(status.st_mode))
			return NULL;
	}
	if (!place_find(path, place) || access(dirname(place), W_OK) != 0)
		return strerror(errno);
	return NULL;
}

bool output_same(const char *a, const char *b)
{
	char place_a[PATH_MAX];
	char place_b[PATH_MAX];

	if (a == NULL || b == NULL || is_stdout(a) || is_stdout(b))
		return a != NULL && b != NULL && is_stdout(a) && is_stdout(b);
	return !is_special(a) && place_find(a, place_a) && place_find(b, place_b) &&
	       strcmp(place_a, place_b) == 0;
}

static _Noreturn void give_up(const char *path)
{
	fprintf(stderr, "baton-sim: %s: %s\n", path, strerror(errno));
	exit(1);
}

/* Where the text goes until it is whole. */
static void part_of(const char *path, char place[PATH_MAX], char part[PATH_MAX + sizeof(ENDING)])
{
	if (!place_find(path, place))
		give_up(path);
	snprintf(part, PATH_MAX + sizeof(ENDING), "%s" ENDING, place);
}

FILE *output_open(const char *path)
{
	char place[PATH_MAX];
	char part[PATH_MAX + sizeof(ENDING)];
	FILE *out;

	if (is_stdout(path))
		return stdout;
	if (is_special(path)) {
		out = fopen(path, "w");
	} else {
		part_of(path, place, part);
		out = fopen(part, "w");
	}
	if (out == NULL)
		give_up(path);
	return out;
}

void output_close(FILE *out, const char *path)
{
	char place[PATH_MAX];
	char part[PATH_MAX + sizeof(ENDING)];
	bool good = fflush(out) == 0 && !ferror(out);
	int error = errno;

	if (good && out != stdout) {
		good = fclose(out) == 0;
		error = errno;
	}
	if (out != stdout && !is_special(path)) {
		part_of(path, place, part);
		if (good) {
			good = rename(part, place) == 0;
			error = errno;
		}
		if (!good)
			unlink(part);
	}
	if (good)
		return;
	errno = error;
	give_up(path);
}
