/* SPDX-License-Identifier: BSD-2-Clause */
/* The file as a whole: read, parse, global object, then tasks. */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct workload_file {
	struct arena arena;
	struct workload workload;
};

const struct workload *workload_of(const struct workload_file *file)
{
	return &file->workload;
}

void workload_file_free(struct workload_file *file)
{
	if (file == NULL)
		return;
	arena_free(&file->arena);
	free(file);
}

/* What rt-app has and Baton has no use for. */
static bool key_is_ignored(const char *key)
{
	static const char *const keys[] = {
		"calibration", "pi_enabled", "lock_pages",      "logdir",          "log_basename",
		"log_size",    "ftrace",     "gnuplot",         "io_device",       "frag",
		"spacing",     "fragment",   "mem_buffer_size", "cumulative_slack"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(key, keys[i]) == 0)
			return true;
	return false;
}

static bool duration_read(struct loader *loader, struct json_object *value)
{
	uint64_t *ns = &loader->workload->duration_ns;

	if (json_object_is_type(value, json_type_int) && json_object_get_int64(value) == -1)
		return true;
	if (!value_time(loader, "global.duration", value, 1e9, ns))
		return false;
	return *ns > 0 || fail(loader, "global.duration", "must be -1 (no limit) or more than 0");
}

static bool global_read(struct loader *loader, struct json_object *global)
{
	if (!json_object_is_type(global, json_type_object))
		return fail(loader, "global", "must be an object");
	json_object_object_foreach(global, key, value)
	{
		const char *path = path_join(loader->arena, "global", key);

		if (strcmp(key, "duration") == 0) {
			if (!duration_read(loader, value))
				return false;
		} else if (strcmp(key, "default_policy") == 0) {
			if (!policy_read(loader, path, value, &loader->default_policy))
				return false;
		} else if (key_is_ignored(key)) {
			ignore(loader, path);
		} else {
			return fail(loader, path,
				    "unknown key \"%s\"; known here: duration, default_policy, "
				    "and, ignored, rt-app's calibration, pi_enabled, lock_pages, "
				    "logdir, log_basename, log_size, ftrace, gnuplot, io_device, "
				    "mem_buffer_size, cumulative_slack, spacing, frag, fragment",
				    key);
		}
	}
	return true;
}

static bool root_read(struct loader *loader, struct json_object *root)
{
	struct json_object *global;
	struct json_object *groups;
	struct json_object *tasks;

	loader->workload->groups = arena_alloc(loader->arena, sizeof(loader->workload->groups[0]) *
								      WORKLOAD_GROUPS_MAX);
	if (!json_object_is_type(root, json_type_object))
		return fail(loader, "", "the file must hold one JSON object");
	json_object_object_foreach(root, key, value)
	{
		(void)value;
		if (strcmp(key, "resources") == 0)
			ignore(loader, key); /* objects are made when they are named */
		else if (strcmp(key, "tasks") != 0 && strcmp(key, "global") != 0 &&
			 strcmp(key, "groups") != 0)
			return fail(
				loader, key,
				"unknown key \"%s\"; known here: tasks, groups, global, resources",
				key);
	}
	if (json_object_object_get_ex(root, "global", &global) && !global_read(loader, global))
		return false;
	if (json_object_object_get_ex(root, "groups", &groups) && !groups_read(loader, groups))
		return false;
	if (!json_object_object_get_ex(root, "tasks", &tasks))
		return fail(loader, "", "there is no \"tasks\" object");
	if (loader->ignored != NULL)
		note(loader, loader->ignored, "accepted and ignored, without meaning here");
	if (!tasks_read(loader, tasks))
		return false;
	suspensions_share(loader);
	return sources_check(loader) && sources_expand(loader);
}

static unsigned int line_of(const char *text, size_t off)
{
	unsigned int line = 1;

	for (size_t i = 0; i < off; i++)
		line += text[i] == '\n';
	return line;
}

static bool rest_is_blank(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (strchr(" \t\r\n", text[i]) == NULL)
			return false;
	return true;
}

/* Null after a syntax error, which is then told with its line. */
static struct json_object *json_read(struct loader *loader, const char *text, size_t len)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *root = json_tokener_parse_ex(tokener, text, (int)len);
	enum json_tokener_error error = json_tokener_get_error(tokener);
	size_t end = json_tokener_get_parse_end(tokener);

	json_tokener_free(tokener);
	if (error == json_tokener_continue && rest_is_blank(text, len)) {
		fail(loader, "", "the file is empty");
	} else if (error == json_tokener_continue) {
		loader->fault->line = line_of(text, len);
		fail(loader, "", "not JSON: the text ends inside a value");
	} else if (error != json_tokener_success) {
		loader->fault->line = line_of(text, end);
		fail(loader, "", "not JSON: %s", json_tokener_error_desc(error));
	} else if (!rest_is_blank(text + end, len - end)) {
		loader->fault->line = line_of(text, end);
		fail(loader, "", "not JSON: there is more after the end of the object");
	} else {
		return root;
	}
	json_object_put(root);
	return NULL;
}

/* What comes before JSON: how the text is encoded.  A byte order mark of UTF-8 is passed over. */
static bool encoding_check(struct loader *loader, const char **text, size_t *len)
{
	static const char mark[] = "\xef\xbb\xbf";
	const char *zero;

	if (*len >= 2 && (memcmp(*text, "\xff\xfe", 2) == 0 || memcmp(*text, "\xfe\xff", 2) == 0))
		return fail(loader, "", "the file is UTF-16; save it as UTF-8");
	if (*len >= sizeof(mark) - 1 && memcmp(*text, mark, sizeof(mark) - 1) == 0) {
		*text += sizeof(mark) - 1;
		*len -= sizeof(mark) - 1;
	}
	zero = memchr(*text, '\0', *len);
	if (zero == NULL)
		return true;
	loader->fault->line = line_of(*text, (size_t)(zero - *text));
	return fail(loader, "", "not JSON: the file holds a byte 0");
}

/* As it stands, or put right by scan_places(), which has the last word on repeated keys. */
static struct json_object *text_read(struct loader *loader, const char *text, size_t len)
{
	struct json_object *root = json_read(loader, text, len);
	struct workload_fault fault = *loader->fault;
	const char *right;
	size_t right_len;
	bool scanned;

	memset(loader->fault, 0, sizeof(*loader->fault));
	scanned = scan_places(loader, text, len, &right, &right_len);
	if (scanned && right != NULL) {
		json_object_put(root);
		return json_read(loader, right, right_len);
	}
	/* What json-c says of an event without its value, or of what is behind it, is no fault. */
	if (root == NULL && (loader->bare_line == 0 || fault.line < loader->bare_line))
		*loader->fault = fault;
	if (scanned)
		return root;
	json_object_put(root);
	return NULL;
}

struct workload_file *workload_text_load(const char *text, size_t len,
					 const struct workload_options *options,
					 struct workload_fault *fault)
{
	struct workload_file *file = calloc(1, sizeof(*file));
	struct loader loader = {.arena = &file->arena,
				.options = options,
				.fault = fault,
				.workload = &file->workload};
	struct json_object *root = NULL;
	bool good;

	memset(fault, 0, sizeof(*fault));
	file->workload.duration_ns = TIME_NEVER;
	loader.places.lines = lh_kchar_table_new(1024, NULL);
	if (len > INT32_MAX)
		fail(&loader, "", "the file is larger than 2 GiB");
	else if (encoding_check(&loader, &text, &len))
		root = text_read(&loader, text, len);
	good = root != NULL && root_read(&loader, root);
	json_object_put(root);
	lh_table_free(loader.places.lines);
	if (good)
		return file;
	workload_file_free(file);
	return NULL;
}

static char *file_read(const char *path, size_t *len)
{
	FILE *in = fopen(path, "rb");
	size_t room = 1 << 16;
	char *text = malloc(room);

	*len = 0;
	while (in != NULL && text != NULL) {
		size_t got = fread(text + *len, 1, room - *len - 1, in);

		*len += got;
		if (got == 0)
			break;
		if (room - *len < 2) {
			char *longer = realloc(text, 2 * room);

			if (longer == NULL)
				free(text);
			text = longer;
			room *= 2;
		}
	}
	if (in == NULL || text == NULL || ferror(in)) {
		free(text);
		text = NULL;
	} else {
		text[*len] = '\0';
	}
	if (in != NULL)
		fclose(in);
	return text;
}

struct workload_file *workload_file_load(const char *path, const struct workload_options *options,
					 struct workload_fault *fault)
{
	struct workload_file *file;
	size_t len;
	char *text;

	errno = 0;
	text = file_read(path, &len);
	if (text == NULL) {
		memset(fault, 0, sizeof(*fault));
		fault->io = true;
		snprintf(fault->text, sizeof(fault->text), "cannot read the file: %s",
			 strerror(errno));
		return NULL;
	}
	file = workload_text_load(text, len, options, fault);
	free(text);
	return file;
}
