/* SPDX-License-Identifier: BSD-2-Clause */
/* Task and phase objects. */
#include "internal.h"

#include <string.h>

#define INSTANCES_MAX       4096
#define TASK_NAME_BYTES_MAX 37u /* leaves room for "-" and a number */

/* What rt-app has beyond the subset; with or without a number behind it. */
bool key_is_foreign(const char *key)
{
	static const char *const words[] = {
		"mem",          "iorun",      "dl-runtime",        "dl-period",
		"dl-deadline",  "dl-reclaim", "external_workload", "deadline",
		"period",       "util_min",   "util_max",          "numa_nodes_membind",
		"membind_nodes"};
	size_t len = strlen(key);

	while (len > 0 && key[len - 1] >= '0' && key[len - 1] <= '9')
		len--;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i]) == len && strncmp(words[i], key, len) == 0)
			return true;
	return false;
}

/* What Baton has in its place, or nothing. */
static const char *key_instead(const char *key)
{
	static const struct {
		const char *key;
		const char *instead;
	} rows[] = {
		{"dl-", " (but slice_us, and with the policy edf period_us)"},
		{"membind", ""},
		{"mem", " (but run, for the time that it takes)"},
		{"iorun", " (but run and sleep, for the time that it takes)"},
		{"external_workload", " (but run, for the time that it takes)"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strncmp(key, rows[i].key, strlen(rows[i].key)) == 0)
			return rows[i].instead;
	return "";
}

static bool key_unknown(struct loader *loader, const char *path, const char *key, bool in_phase)
{
	return fail(
		loader, path_join(loader->arena, path, key),
		"%s \"%s\"%s; known here: %sloop, policy, priority, weight, slice_us, "
		"period_us, cpus, group, taskgroup, and the events run, runtime, sleep, timer, "
		"yield, lock, unlock, wait, signal, broad, sync, barrier, suspend, resume, fork, "
		"each with or without a number after it",
		key_is_foreign(key) ? "Baton does not do rt-app's" : "unknown key", key,
		key_is_foreign(key) ? key_instead(key) : "",
		in_phase ? "" : "instance, delay, phases, ");
}

/* Keys of a task that are not those of its one unnamed phase. */
static bool key_is_of_task(const char *key)
{
	return strcmp(key, "instance") == 0 || strcmp(key, "delay") == 0 ||
	       strcmp(key, "phases") == 0 || strcmp(key, "loop") == 0 || params_has_key(key);
}

/* The events of @object, in their order, into @phase. */
static bool events_read(struct loader *loader, const char *path, struct json_object *object,
			const char *task_name, bool in_phase, struct source_phase *phase)
{
	phase->events = arena_alloc(loader->arena,
				    sizeof(phase->events[0]) *
					    (2 * (size_t)json_object_object_length(object) + 1));
	json_object_object_foreach(object, key, value)
	{
		enum workload_event_kind kind;

		if (event_kind_of(key, &kind)) {
			if (!event_read(loader, path_join(loader->arena, path, key), task_name,
					kind, value, &phase->events[phase->event_count]))
				return false;
			phase->event_count += kind == SOURCE_SYNC ? 2 : 1;
		} else if (in_phase ? strcmp(key, "loop") != 0 && !params_has_key(key)
				    : !key_is_of_task(key)) {
			return key_unknown(loader, path, key, in_phase);
		}
	}
	if (phase->event_count == 0)
		return fail(loader, path, "has no events, so there is nothing to do");
	return true;
}

static bool phase_read(struct loader *loader, const char *path, const char *name,
		       struct json_object *object, struct source_task *task,
		       struct source_phase *phase)
{
	struct json_object *value;

	if (!json_object_is_type(object, json_type_object))
		return fail(loader, path, "must be an object");
	if (!value_name(loader, path, name, WORKLOAD_NAME_BYTES_MAX))
		return false;
	snprintf(phase->phase.name, sizeof(phase->phase.name), "%s", name);
	phase->phase.loop = 1;
	phase->phase.params = workload_params_default();
	phase->phase.params.policy = task->task.params.policy;
	if (json_object_object_get_ex(object, "loop", &value) &&
	    !value_loop(loader, arena_format(loader->arena, "%s.loop", path), value,
			&phase->phase.loop))
		return false;
	return params_read(loader, path, object, &phase->phase.params) &&
	       events_read(loader, path, object, task->task.name, true, phase);
}

/*
 * As in rt-app, a phase without "cpus" runs on the task's, also after a phase that had its own;
 * other parameters stay as the last phase has set them.
 */
static void phases_inherit_cpus(struct source_task *task)
{
	bool changes = false;

	for (uint32_t p = 0; p < task->phase_count; p++)
		changes = changes || (task->phases[p].phase.params.set & WORKLOAD_SET_CPUS) != 0;
	for (uint32_t p = 0; changes && p < task->phase_count; p++) {
		struct workload_params *params = &task->phases[p].phase.params;

		if ((params->set & WORKLOAD_SET_CPUS) != 0)
			continue;
		params->set |= WORKLOAD_SET_CPUS;
		params->cpus = task->task.params.cpus;
	}
}

static bool phases_read(struct loader *loader, struct json_object *task_object,
			struct json_object *phases, struct source_task *task)
{
	const char *path = arena_format(loader->arena, "%s.phases", task->path);

	json_object_object_foreach(task_object, task_key, task_value)
	{
		enum workload_event_kind kind;

		(void)task_value;
		if (event_kind_of(task_key, &kind))
			return fail(loader, path_join(loader->arena, task->path, task_key),
				    "an event cannot stand beside \"phases\"; put it into a phase");
		if (!key_is_of_task(task_key))
			return key_unknown(loader, task->path, task_key, false);
	}
	if (!json_object_is_type(phases, json_type_object))
		return fail(loader, path, "must be an object");
	if (json_object_object_length(phases) == 0)
		return fail(loader, path, "has no phases");
	task->phases = arena_alloc(
		loader->arena, sizeof(task->phases[0]) * (size_t)json_object_object_length(phases));
	json_object_object_foreach(phases, key, value)
	{
		if (!phase_read(loader, path_join(loader->arena, path, key), key, value, task,
				&task->phases[task->phase_count]))
			return false;
		task->phase_count++;
	}
	phases_inherit_cpus(task);
	return true;
}

static bool task_fields_read(struct loader *loader, struct json_object *object,
			     struct source_task *task)
{
	struct json_object *value;
	int64_t instances = 1;

	if (json_object_object_get_ex(object, "instance", &value) &&
	    !value_integer(loader, arena_format(loader->arena, "%s.instance", task->path), value, 0,
			   INSTANCES_MAX, &instances))
		return false;
	task->instances = (uint32_t)instances;
	if (json_object_object_get_ex(object, "delay", &value) &&
	    !value_time(loader, arena_format(loader->arena, "%s.delay", task->path), value, 1e3,
			&task->task.delay_ns))
		return false;
	if (json_object_object_get_ex(object, "loop", &value) &&
	    !value_loop(loader, arena_format(loader->arena, "%s.loop", task->path), value,
			&task->task.loop))
		return false;
	return params_read(loader, task->path, object, &task->task.params);
}

static bool task_read(struct loader *loader, const char *name, struct json_object *object,
		      struct source_task *task)
{
	struct json_object *phases;

	if (!json_object_is_type(object, json_type_object))
		return fail(loader, task->path, "must be an object");
	if (!value_name(loader, task->path, name, TASK_NAME_BYTES_MAX))
		return false;
	snprintf(task->task.name, sizeof(task->task.name), "%s", name);
	task->task.loop = WORKLOAD_LOOP_FOREVER;
	task->task.params = workload_params_default();
	task->task.params.policy = loader->default_policy;
	if (loader->default_policy != WORKLOAD_POLICY_OTHER)
		task->task.params.set |= WORKLOAD_SET_POLICY;
	if (!task_fields_read(loader, object, task))
		return false;
	if (json_object_object_get_ex(object, "phases", &phases))
		return phases_read(loader, object, phases, task);
	task->phases = arena_alloc(loader->arena, sizeof(task->phases[0]));
	task->phase_count = 1;
	snprintf(task->phases[0].phase.name, sizeof(task->phases[0].phase.name), "main");
	task->phases[0].phase.loop = 1;
	task->phases[0].phase.params = workload_params_default();
	return events_read(loader, task->path, object, task->task.name, false, &task->phases[0]);
}

bool tasks_read(struct loader *loader, struct json_object *tasks)
{
	if (!json_object_is_type(tasks, json_type_object))
		return fail(loader, "tasks", "must be an object");
	if (json_object_object_length(tasks) == 0)
		return fail(loader, "tasks", "is empty");
	loader->tasks = arena_alloc(
		loader->arena, sizeof(loader->tasks[0]) * (size_t)json_object_object_length(tasks));
	json_object_object_foreach(tasks, key, value)
	{
		struct source_task *task = &loader->tasks[loader->task_count];

		task->path = path_join(loader->arena, "tasks", key);
		if (!task_read(loader, key, value, task))
			return false;
		loader->task_count++;
	}
	return true;
}
