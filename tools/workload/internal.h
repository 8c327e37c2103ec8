/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of this library share.  Functions that return false have filled the fault. */
#pragma once

#include "workload_file.h"

#include <json-c/json.h>

/* Memory that lives until the workload is freed. */
struct arena {
	struct arena_block *blocks;
};

void *arena_alloc(struct arena *arena, size_t bytes); /* zeroed; exits when memory is exhausted */
char *arena_format(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* @path with @key below it; a key with dots stands in quotes, so that paths stay distinct. */
char *path_join(struct arena *arena, const char *path, const char *key);
void arena_free(struct arena *arena);

/* Where each key stands in the text: path to line. */
struct places {
	struct lh_table *lines; /* path -> struct place; null before the text was scanned */
};

struct place {
	unsigned int line;
	unsigned int number; /* the last that a repetition of this key got behind it */
};

/* One task of the file, before its instances are made. */
struct source_event {
	struct workload_event event;
	const char *ref; /* name of an object or task, or null */
	const char *mutex;
	const char *path;
};

struct source_phase {
	struct workload_phase phase;
	struct source_event *events;
	uint32_t event_count;
};

struct source_task {
	struct workload_task task; /* its name is the key in the file */
	const char *path;
	uint32_t instances;
	uint32_t first; /* index of the first instance in the workload */
	bool forked;
	struct source_phase *phases;
	uint32_t phase_count;
};

struct loader {
	struct arena *arena;
	struct places places;
	const struct workload_options *options;
	struct workload_fault *fault;
	enum workload_policy default_policy;
	struct source_task *tasks;
	uint32_t task_count;
	struct workload *workload;
	/* objects_owner[i]: instance that owns objects[i] alone, or UINT32_MAX */
	uint32_t *objects_owner;
	const char **objects_name;
	unsigned int bare_line; /* of the first event that lacks its value, or 0 */
	const char *ignored;    /* paths of what is accepted and ignored, or null */
};

bool fail(struct loader *loader, const char *path, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void note(struct loader *loader, const char *path, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Remember that the key is accepted and ignored; one note names them all. */
void ignore(struct loader *loader, const char *path);

/*
 * scan.c: fills places; fails on a key that stands twice in one object and is no event.  Of
 * repeated events and of events without a value, *@right is the text put right, else null.
 */
bool scan_places(struct loader *loader, const char *text, size_t len, const char **right,
		 size_t *right_len);
unsigned int scan_line(const struct places *places, const char *path);

/* value.c: typed values with range. */
bool value_integer(struct loader *loader, const char *path, struct json_object *value, int64_t min,
		   int64_t max, int64_t *number);
/* A number in units of @unit_ns, not negative. */
bool value_time(struct loader *loader, const char *path, struct json_object *value, double unit_ns,
		uint64_t *ns);
bool value_string(struct loader *loader, const char *path, struct json_object *value,
		  bool may_be_empty, const char **string);
bool value_name(struct loader *loader, const char *path, const char *name, size_t bytes_max);
bool value_loop(struct loader *loader, const char *path, struct json_object *value, int64_t *loop);

/* params.c: keys that set scheduling parameters. */
bool params_has_key(const char *key);
bool params_read(struct loader *loader, const char *path, struct json_object *object,
		 struct workload_params *params);
bool policy_read(struct loader *loader, const char *path, struct json_object *value,
		 enum workload_policy *policy);

/* group.c: scheduling groups, parents first. */
bool groups_read(struct loader *loader, struct json_object *groups);
/* The index of the group of that name; WORKLOAD_GROUP_NONE: there is none. */
uint32_t group_named(const struct loader *loader, const char *name);
/*
 * The group of a taskgroup's path, "/a/b"; "/" is WORKLOAD_GROUP_NONE.  A group on the way that is
 * not there yet is made, with weight 1024.  Fails at @where.
 */
bool group_of_path(struct loader *loader, const char *where, const char *name, uint32_t *group);

/* event.c: SOURCE_SYNC is a kind of key, of which two events are made, @event[0] and [1]. */
#define SOURCE_SYNC ((enum workload_event_kind)WORKLOAD_EVENT_COUNT)
bool event_kind_of(const char *key, enum workload_event_kind *kind);
bool event_read(struct loader *loader, const char *path, const char *task_name,
		enum workload_event_kind kind, struct json_object *value,
		struct source_event *event);

/* task.c.  A foreign key is one that rt-app has in a task or phase, and Baton has not. */
bool key_is_foreign(const char *key);
bool tasks_read(struct loader *loader, struct json_object *tasks);

/* suspend.c: suspend and resume under the name of a condition or mutex, as rt-app does them. */
void suspensions_share(struct loader *loader);

/* check.c: what only the whole file shows. */
bool sources_check(struct loader *loader);

/* expand.c: instances, objects, references. */
bool sources_expand(struct loader *loader);
