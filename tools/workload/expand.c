/* SPDX-License-Identifier: BSD-2-Clause */
/* From the tasks of the file to one task per thread, with objects by index. */
#include "internal.h"

#include <string.h>

#define TASKS_MAX    65536u
#define OWNER_SHARED UINT32_MAX

static uint32_t object_find(struct loader *loader, enum workload_object_kind kind, uint32_t owner,
			    const char *name)
{
	struct workload *workload = loader->workload;
	struct workload_object *object;
	uint32_t i = 0;

	while (i < workload->object_count &&
	       (workload->objects[i].kind != kind || loader->objects_owner[i] != owner ||
		strcmp(loader->objects_name[i], name) != 0))
		i++;
	if (i < workload->object_count)
		return i;
	object = &workload->objects[i];
	object->kind = kind;
	loader->objects_owner[i] = owner;
	loader->objects_name[i] = name;
	if (owner == OWNER_SHARED)
		snprintf(object->name, sizeof(object->name), "%s", name);
	else
		/* Only for people; a long pair of names may be cut. */
		snprintf(object->name, sizeof(object->name), "%.40s/%.6s",
			 workload->tasks[owner].name, name);
	workload->object_count++;
	return i;
}

static struct source_task *task_named(struct loader *loader, const char *name)
{
	uint32_t i = 0;

	while (strcmp(loader->tasks[i].task.name, name) != 0)
		i++;
	return &loader->tasks[i];
}

static void event_expand(struct loader *loader, const struct source_task *source, uint32_t instance,
			 const struct source_event *from, struct workload_event *to)
{
	enum workload_object_kind kind = workload_event_object(from->event.kind);
	uint32_t owner = OWNER_SHARED;

	*to = from->event;
	if (from->event.kind == WORKLOAD_FORK)
		to->ref = task_named(loader, from->ref)->first;
	if (kind == WORKLOAD_OBJECT_NONE)
		return;
	/* rt-app: a timer whose name begins with "unique" is each thread's own. */
	if (kind == WORKLOAD_OBJECT_TIMER && strncmp(from->ref, "unique", 6) == 0)
		owner = instance;
	to->ref = object_find(loader, kind, owner, from->ref);
	if (from->mutex != NULL)
		to->mutex = object_find(loader, WORKLOAD_OBJECT_MUTEX, OWNER_SHARED, from->mutex);
	if (kind == WORKLOAD_OBJECT_BARRIER && source->instances > 0)
		loader->workload->objects[to->ref].users++;
}

static void instance_expand(struct loader *loader, const struct source_task *source, uint32_t index)
{
	struct workload_task *task = &loader->workload->tasks[index];

	task->phases = arena_alloc(loader->arena, sizeof(task->phases[0]) * source->phase_count);
	task->phase_count = source->phase_count;
	for (uint32_t p = 0; p < source->phase_count; p++) {
		const struct source_phase *from = &source->phases[p];
		struct workload_phase *phase = &task->phases[p];

		*phase = from->phase;
		phase->event_count = from->event_count;
		phase->events = arena_alloc(loader->arena,
					    sizeof(phase->events[0]) * from->event_count);
		for (uint32_t e = 0; e < from->event_count; e++)
			event_expand(loader, source, index, &from->events[e], &phase->events[e]);
	}
}

static uint32_t places_of(const struct source_task *source)
{
	/* A task that starts only when forked still has one description. */
	return source->instances == 0 && source->forked ? 1 : source->instances;
}

static bool names_make(struct loader *loader)
{
	struct workload *workload = loader->workload;
	uint32_t index = 0;

	for (uint32_t t = 0; t < loader->task_count; t++) {
		struct source_task *source = &loader->tasks[t];

		source->first = index;
		if (places_of(source) == 0)
			note(loader, source->path,
			     "has no instance and is never forked; it does not run");
		for (uint32_t i = 0; i < places_of(source); i++) {
			struct workload_task *task = &workload->tasks[index++];

			*task = source->task;
			task->instance = i;
			task->start = source->instances > 0;
			if (source->instances > 1)
				snprintf(task->name, sizeof(task->name), "%.36s-%u",
					 source->task.name, i);
		}
	}
	workload->task_count = index;
	return true;
}

/* "hog" with two instances and a task called "hog-1" would be the same name twice. */
static bool names_check(struct loader *loader)
{
	const struct workload *workload = loader->workload;
	struct lh_table *names = lh_kchar_table_new((int)workload->task_count + 1, NULL);
	bool good = true;

	for (uint32_t i = 0; i < workload->task_count && good; i++) {
		void *before;

		if (lh_table_lookup_ex(names, workload->tasks[i].name, &before))
			good = fail(loader, "tasks", "two threads would be called \"%s\"",
				    workload->tasks[i].name);
		else
			lh_table_insert(names, workload->tasks[i].name, workload->tasks[i].name);
	}
	lh_table_free(names);
	return good;
}

static size_t events_of(const struct source_task *source)
{
	size_t events = 0;

	for (uint32_t p = 0; p < source->phase_count; p++)
		events += source->phases[p].event_count;
	return events;
}

bool sources_expand(struct loader *loader)
{
	struct workload *workload = loader->workload;
	size_t tasks = 0;
	size_t events = 0;

	for (uint32_t t = 0; t < loader->task_count; t++) {
		tasks += places_of(&loader->tasks[t]);
		events += places_of(&loader->tasks[t]) * events_of(&loader->tasks[t]);
	}
	if (tasks == 0 || tasks > TASKS_MAX)
		return fail(loader, "tasks",
			    tasks == 0 ? "no task has an instance"
				       : "more than 65536 threads in all");
	workload->tasks = arena_alloc(loader->arena, sizeof(workload->tasks[0]) * tasks);
	/* An event names at most two objects. */
	workload->objects = arena_alloc(loader->arena, sizeof(workload->objects[0]) * 2 * events);
	loader->objects_owner = arena_alloc(loader->arena, sizeof(uint32_t) * 2 * events);
	loader->objects_name = arena_alloc(loader->arena, sizeof(char *) * 2 * events);
	if (!names_make(loader) || !names_check(loader))
		return false;
	for (uint32_t t = 0; t < loader->task_count; t++)
		for (uint32_t i = 0; i < places_of(&loader->tasks[t]); i++)
			instance_expand(loader, &loader->tasks[t], loader->tasks[t].first + i);
	return true;
}
