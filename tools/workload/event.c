/* SPDX-License-Identifier: BSD-2-Clause */
/* Events of a phase. */
#include "internal.h"

#include <string.h>

static bool kind_named(const char *word, size_t len, enum workload_event_kind *kind)
{
	for (unsigned int i = 0; i < WORKLOAD_EVENT_COUNT; i++) {
		const char *known = workload_event_word((enum workload_event_kind)i);

		if (strlen(known) == len && strncmp(known, word, len) == 0) {
			*kind = (enum workload_event_kind)i;
			return true;
		}
	}
	*kind = SOURCE_SYNC;
	return len == 4 && strncmp(word, "sync", len) == 0;
}

/*
 * What may stand behind the word to make its key another one: "run7", "run_first"; and "runend", which is in
 * rt-app's own example.  rt-app takes whatever begins with the word, so it runs a "runn" too.
 */
bool event_kind_of(const char *key, enum workload_event_kind *kind)
{
	size_t len = strcspn(key, "_");

	if (key[len] == '\0')
		while (len > 0 && key[len - 1] >= '0' && key[len - 1] <= '9')
			len--;
	if (kind_named(key, len, kind))
		return true;
	return key[len] == '\0' && len > 3 && strcmp(&key[len - 3], "end") == 0 &&
	       kind_named(key, len - 3, kind);
}

/* Copies the string because JSON values do not outlive the load. */
static bool ref_read(struct loader *loader, const char *path, struct json_object *value,
		     bool may_be_empty, const char **ref)
{
	if (!value_string(loader, path, value, may_be_empty, ref))
		return false;
	if ((*ref)[0] != '\0' && !value_name(loader, path, *ref, WORKLOAD_NAME_BYTES_MAX))
		return false;
	*ref = arena_format(loader->arena, "%s", *ref);
	return true;
}

static bool keys_known(struct loader *loader, const char *path, struct json_object *object,
		       const char *const *known, size_t count)
{
	if (!json_object_is_type(object, json_type_object))
		return fail(loader, path, "must be an object");
	json_object_object_foreach(object, key, value)
	{
		size_t i = 0;

		(void)value;
		while (i < count && strcmp(key, known[i]) != 0)
			i++;
		if (i == count)
			return fail(loader, path_join(loader->arena, path, key),
				    "unknown key \"%s\"", key);
	}
	return true;
}

static bool timer_read(struct loader *loader, const char *path, struct json_object *object,
		       struct source_event *event)
{
	static const char *const known[] = {"ref", "period", "mode"};
	struct json_object *value;
	const char *mode;
	const char *period_path = arena_format(loader->arena, "%s.period", path);

	if (!keys_known(loader, path, object, known, 3))
		return false;
	/* Without a name the timer belongs to the thread, as "unique" says in full. */
	event->ref = "unique";
	if (json_object_object_get_ex(object, "ref", &value) &&
	    !ref_read(loader, arena_format(loader->arena, "%s.ref", path), value, false,
		      &event->ref))
		return false;
	if (!json_object_object_get_ex(object, "period", &value))
		return fail(loader, path, "a timer needs a period");
	if (!value_time(loader, period_path, value, 1e3, &event->event.ns))
		return false;
	if (!json_object_object_get_ex(object, "mode", &value))
		return true;
	path = arena_format(loader->arena, "%s.mode", path);
	if (!value_string(loader, path, value, false, &mode))
		return false;
	event->event.absolute = strcmp(mode, "absolute") == 0;
	if (!event->event.absolute && strcmp(mode, "relative") != 0)
		return fail(loader, path, "must be \"relative\" or \"absolute\"");
	return true;
}

static bool wait_read(struct loader *loader, const char *path, struct json_object *object,
		      struct source_event *event)
{
	static const char *const known[] = {"ref", "mutex"};
	struct json_object *ref;
	struct json_object *mutex;

	if (!keys_known(loader, path, object, known, 2))
		return false;
	if (!json_object_object_get_ex(object, "ref", &ref) ||
	    !json_object_object_get_ex(object, "mutex", &mutex))
		return fail(loader, path, "needs \"ref\" and \"mutex\"");
	return ref_read(loader, arena_format(loader->arena, "%s.ref", path), ref, false,
			&event->ref) &&
	       ref_read(loader, arena_format(loader->arena, "%s.mutex", path), mutex, false,
			&event->mutex);
}

/* rt-app's sync is a signal and then a wait for the same condition: two events. */
static bool sync_read(struct loader *loader, const char *path, struct json_object *object,
		      struct source_event *events)
{
	if (!wait_read(loader, path, object, &events[1]))
		return false;
	events[0].event.kind = WORKLOAD_SIGNAL;
	events[0].ref = events[1].ref;
	events[1].event.kind = WORKLOAD_WAIT;
	events[1].path = path;
	return true;
}

bool event_read(struct loader *loader, const char *path, const char *task_name,
		enum workload_event_kind kind, struct json_object *value,
		struct source_event *event)
{
	event->event.kind = kind;
	event->path = path;
	if (kind == SOURCE_SYNC)
		return sync_read(loader, path, value, event);
	switch (workload_event_operand(kind)) {
	case WORKLOAD_OPERAND_NS:
		return value_time(loader, path, value, 1e3, &event->event.ns);
	case WORKLOAD_OPERAND_TIMER:
		return timer_read(loader, path, value, event);
	case WORKLOAD_OPERAND_WAIT:
		return wait_read(loader, path, value, event);
	case WORKLOAD_OPERAND_NONE:
		/* rt-app wants a string here and ignores it. */
		return json_object_is_type(value, json_type_string) ||
		       fail(loader, path, "must be a string (which may be empty)");
	default:
		if (!ref_read(loader, path, value, kind == WORKLOAD_SUSPEND, &event->ref))
			return false;
		if (event->ref[0] == '\0')
			event->ref = task_name;
		return true;
	}
}
