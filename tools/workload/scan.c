/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A second look at the text, for what json-c does not tell: the line of each key, and keys that
 * stand twice in one object (json-c keeps the last and says nothing).  It does not look for syntax
 * errors; it only must not run past the end, whatever the text.
 *
 * Two liberties are those of rt-app's workgen.  Events of one task or phase may share a key: the
 * later ones get the first free number behind it (run, run1, run2).  An event may lack its value,
 * as in "suspend", which is then empty.  Both are put right in a copy, which json-c then reads.
 *
 * Keys are compared as written, so one with an escape is refused: no key and no name needs any.
 */
#include "internal.h"

#include <json-c/linkhash.h>
#include <string.h>

/* How deep the objects lie whose keys may be events: tasks.NAME, tasks.NAME.phases.NAME. */
#define DEPTH_TASK  3u
#define DEPTH_PHASE 5u

#define INSERTED_BYTES_MAX 10u
#define NESTING_MAX        32u /* JSON_TOKENER_DEFAULT_DEPTH */

struct scanner {
	struct loader *loader;
	const char *at;
	const char *end;
	unsigned int line;
	unsigned int depth; /* of objects: 1 is the file's */
	unsigned int nesting;

	/* The copy: the text up to `copied`, with numbers put in; null until there is one. */
	const char *start;
	const char *copied;
	char *copy;
	size_t copy_len;
};

static char look(const struct scanner *scanner)
{
	return scanner->at < scanner->end ? *scanner->at : '\0';
}

static void step(struct scanner *scanner)
{
	if (scanner->at == scanner->end)
		return;
	if (*scanner->at == '\n')
		scanner->line++;
	scanner->at++;
}

static void skip_comment(struct scanner *scanner)
{
	bool block = scanner->at + 1 < scanner->end && scanner->at[1] == '*';

	step(scanner);
	step(scanner);
	while (scanner->at < scanner->end) {
		char c = look(scanner);

		step(scanner);
		if (!block && c == '\n')
			return;
		if (block && c == '*' && look(scanner) == '/') {
			step(scanner);
			return;
		}
	}
}

static void skip_space(struct scanner *scanner)
{
	while (scanner->at < scanner->end) {
		if (look(scanner) == '/')
			skip_comment(scanner);
		else if (strchr(" \t\r\n\f\v", look(scanner)) != NULL)
			step(scanner);
		else
			return;
	}
}

/* A string in either kind of quotes (json-c takes both); returns its inside. */
static void scan_string(struct scanner *scanner, const char **start, size_t *len)
{
	char quote = look(scanner);

	step(scanner);
	*start = scanner->at;
	while (scanner->at < scanner->end && look(scanner) != quote) {
		if (look(scanner) == '\\')
			step(scanner);
		step(scanner);
	}
	*len = (size_t)(scanner->at - *start);
	step(scanner);
}

static bool scan_value(struct scanner *scanner, const char *path);

static struct place *place_find(const struct places *places, const char *path)
{
	void *place = NULL;

	if (places->lines == NULL || !lh_table_lookup_ex(places->lines, path, &place))
		return NULL;
	return place;
}

static bool key_is_event(const struct scanner *scanner, const char *key_path, const char *key)
{
	enum workload_event_kind kind;

	/* Foreign events may be repeated too: what is wrong with them is not that. */
	return (scanner->depth == DEPTH_TASK || scanner->depth == DEPTH_PHASE) &&
	       strncmp(key_path, "tasks.", 6) == 0 &&
	       (event_kind_of(key, &kind) || key_is_foreign(key));
}

static void copy_up_to(struct scanner *scanner, const char *end)
{
	size_t len = (size_t)(end - scanner->copied);

	memcpy(scanner->copy + scanner->copy_len, scanner->copied, len);
	scanner->copy_len += len;
	scanner->copied = end;
}

/*
 * Puts @text into the copy before @at.  A key takes at least the three bytes of "a", and gets at
 * most a number and a value, so ten more for each byte of the text are room enough.
 */
static void copy_insert(struct scanner *scanner, const char *at, const char *text)
{
	size_t bytes = INSERTED_BYTES_MAX * (size_t)(scanner->end - scanner->start) + 1;
	size_t len = strlen(text);

	if (scanner->copy == NULL)
		scanner->copy = arena_alloc(scanner->loader->arena, bytes);
	copy_up_to(scanner, at);
	memcpy(scanner->copy + scanner->copy_len, text, len);
	scanner->copy_len += len;
}

/*
 * The path under which a repeated event goes; its number is put in behind @key_end.  What was taken
 * stays so: the search goes on where that for the last repetition ended.
 */
static const char *event_number(struct scanner *scanner, const char *path, const char *key,
				const char *key_end, struct place *first)
{
	struct arena *arena = scanner->loader->arena;
	const char *key_path;

	do
		key_path = path_join(arena, path,
				     arena_format(arena, "%s%u", key, ++first->number));
	while (place_find(&scanner->loader->places, key_path) != NULL);
	copy_insert(scanner, key_end, arena_format(arena, "%u", first->number));
	return key_path;
}

static bool scan_key(struct scanner *scanner, const char *path)
{
	struct loader *loader = scanner->loader;
	unsigned int line = scanner->line;
	struct place *before;
	struct place *place;
	const char *start;
	const char *key;
	const char *key_path;
	const char *key_end;
	size_t len;

	scan_string(scanner, &start, &len);
	key = arena_format(loader->arena, "%.*s", (int)len, start);
	key_path = path_join(loader->arena, path, key);
	before = place_find(&loader->places, key_path);
	if (before != NULL && key_is_event(scanner, key_path, key)) {
		key_path = event_number(scanner, path, key, start + len, before);
	} else if (before != NULL) {
		loader->fault->line = line;
		return fail(loader, key_path,
			    "the key stands twice in this object (first on line %u); only events "
			    "may be repeated",
			    before->line);
	}
	if (memchr(start, '\\', len) != NULL) {
		loader->fault->line = line;
		return fail(loader, key_path, "a key is written without escapes");
	}
	place = arena_alloc(loader->arena, sizeof(*place));
	place->line = line;
	lh_table_insert(loader->places.lines, key_path, place);
	key_end = scanner->at;
	skip_space(scanner);
	if ((look(scanner) == ',' || look(scanner) == '}') &&
	    key_is_event(scanner, key_path, key)) {
		copy_insert(scanner, key_end, ":\"\"");
		if (loader->bare_line == 0)
			loader->bare_line = line;
		return true;
	}
	if (look(scanner) == ':')
		step(scanner);
	return scan_value(scanner, key_path);
}

static bool scan_object(struct scanner *scanner, const char *path)
{
	step(scanner);
	scanner->depth++;
	for (;;) {
		skip_space(scanner);
		switch (look(scanner)) {
		case '"':
		case '\'':
			if (!scan_key(scanner, path))
				return false;
			break;
		case '}':
		case '\0':
			step(scanner);
			scanner->depth--;
			return true;
		default:
			step(scanner);
			break;
		}
	}
}

static bool scan_array(struct scanner *scanner, const char *path)
{
	unsigned int index = 0;

	step(scanner);
	for (;;) {
		skip_space(scanner);
		if (look(scanner) == ']' || look(scanner) == '\0') {
			step(scanner);
			return true;
		}
		if (look(scanner) == ',') {
			step(scanner);
			continue;
		}
		if (!scan_value(scanner,
				arena_format(scanner->loader->arena, "%s[%u]", path, index++)))
			return false;
	}
}

static bool scan_inside(struct scanner *scanner, const char *path)
{
	const char *start;
	size_t len;

	skip_space(scanner);
	switch (look(scanner)) {
	case '{':
		return scan_object(scanner, path);
	case '[':
		return scan_array(scanner, path);
	case '"':
	case '\'':
		scan_string(scanner, &start, &len);
		return true;
	default:
		/* A number or a word; the first byte is eaten whatever it is, so that this ends. */
		do {
			step(scanner);
		} while (scanner->at < scanner->end &&
			 strchr(",]} \t\r\n/", look(scanner)) == NULL);
		return true;
	}
}

/* json-c reads no deeper than NESTING_MAX, so what is below cannot matter. */
static bool scan_value(struct scanner *scanner, const char *path)
{
	bool good;

	if (scanner->nesting == NESTING_MAX) {
		scanner->at = scanner->end;
		return true;
	}
	scanner->nesting++;
	good = scan_inside(scanner, path);
	scanner->nesting--;
	return good;
}

bool scan_places(struct loader *loader, const char *text, size_t len, const char **right,
		 size_t *right_len)
{
	struct scanner scanner = {.loader = loader,
				  .at = text,
				  .end = text + len,
				  .line = 1,
				  .start = text,
				  .copied = text};

	*right = NULL;
	if (!scan_value(&scanner, ""))
		return false;
	if (scanner.copy != NULL) {
		copy_up_to(&scanner, scanner.end);
		*right = scanner.copy;
		*right_len = scanner.copy_len;
	}
	return true;
}

unsigned int scan_line(const struct places *places, const char *path)
{
	const struct place *place = place_find(places, path);

	return place != NULL ? place->line : 0;
}
