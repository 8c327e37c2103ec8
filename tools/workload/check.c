/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults that only the whole file shows: references that lead nowhere, fork cycles, idle loops. */
#include "internal.h"

#include <string.h>

static struct source_task *task_by_name(struct loader *loader, const char *name)
{
	for (uint32_t i = 0; i < loader->task_count; i++)
		if (strcmp(loader->tasks[i].task.name, name) == 0)
			return &loader->tasks[i];
	return NULL;
}

/* Is there an event of @kind with that name, in @task (or, if null, in any task)? */
static bool event_exists(const struct loader *loader, const struct source_task *task,
			 enum workload_event_kind kind, const char *ref)
{
	for (uint32_t t = 0; t < loader->task_count; t++) {
		const struct source_task *at = &loader->tasks[t];

		if (task != NULL && at != task)
			continue;
		for (uint32_t p = 0; p < at->phase_count; p++)
			for (uint32_t e = 0; e < at->phases[p].event_count; e++)
				if (at->phases[p].events[e].event.kind == kind &&
				    strcmp(at->phases[p].events[e].ref, ref) == 0)
					return true;
	}
	return false;
}

static bool event_check(struct loader *loader, const struct source_task *task,
			const struct source_event *event)
{
	struct source_task *child;

	switch (event->event.kind) {
	case WORKLOAD_FORK:
		child = task_by_name(loader, event->ref);
		if (child == NULL)
			return fail(loader, event->path, "there is no task \"%s\"", event->ref);
		child->forked = true;
		return true;
	case WORKLOAD_UNLOCK:
		return event_exists(loader, task, WORKLOAD_LOCK, event->ref) ||
		       fail(loader, event->path, "this task never locks \"%s\"", event->ref);
	case WORKLOAD_WAIT:
		return event_exists(loader, task, WORKLOAD_LOCK, event->mutex) ||
		       fail(loader, event->path, "this task never locks the mutex \"%s\"",
			    event->mutex);
	case WORKLOAD_SIGNAL:
	case WORKLOAD_BROAD:
		return event_exists(loader, NULL, WORKLOAD_WAIT, event->ref) ||
		       fail(loader, event->path,
			    "no task waits for \"%s\": name what a wait's \"ref\" names",
			    event->ref);
	case WORKLOAD_RESUME:
		return event_exists(loader, NULL, WORKLOAD_SUSPEND, event->ref) ||
		       fail(loader, event->path, "no task suspends itself as \"%s\"", event->ref);
	default:
		return true;
	}
}

/* A task that loops for ever without using time or waiting would stop the clock of a simulation. */
static bool time_check(struct loader *loader, const struct source_task *task)
{
	bool for_ever = task->task.loop == WORKLOAD_LOOP_FOREVER;

	for (uint32_t p = 0; p < task->phase_count; p++) {
		bool takes_time = false;

		for (uint32_t e = 0; e < task->phases[p].event_count; e++) {
			const struct workload_event *event = &task->phases[p].events[e].event;

			takes_time = takes_time || event->ns > 0 || event->kind == WORKLOAD_WAIT ||
				     event->kind == WORKLOAD_SUSPEND ||
				     event->kind == WORKLOAD_BARRIER;
		}
		if (!takes_time && task->phases[p].phase.loop == WORKLOAD_LOOP_FOREVER)
			return fail(loader, task->path,
				    "loops for ever in phase \"%s\" without taking time",
				    task->phases[p].phase.name);
		for_ever = for_ever && !takes_time;
	}
	if (for_ever)
		return fail(loader, task->path, "loops for ever without taking time");
	return true;
}

/* Depth-first over forks: @state 1 is on the way, 2 is done. */
static bool forks_check(struct loader *loader, struct source_task *task, uint8_t *state)
{
	uint8_t *mine = &state[task - loader->tasks];

	*mine = 1;
	for (uint32_t p = 0; p < task->phase_count; p++) {
		for (uint32_t e = 0; e < task->phases[p].event_count; e++) {
			const struct source_event *event = &task->phases[p].events[e];
			struct source_task *child;

			if (task->forked && event->event.kind == WORKLOAD_BARRIER)
				return fail(loader, event->path,
					    "a task that is forked cannot use a barrier, because "
					    "nobody knows how many of it there will be");
			if (event->event.kind != WORKLOAD_FORK)
				continue;
			child = task_by_name(loader, event->ref);
			if (state[child - loader->tasks] == 1)
				return fail(loader, event->path,
					    "forking \"%s\" here makes a cycle: each of these "
					    "tasks would create the others without end",
					    event->ref);
			if (state[child - loader->tasks] == 0 && !forks_check(loader, child, state))
				return false;
		}
	}
	*mine = 2;
	return true;
}

bool sources_check(struct loader *loader)
{
	uint8_t *state = arena_alloc(loader->arena, loader->task_count);

	for (uint32_t t = 0; t < loader->task_count; t++) {
		struct source_task *task = &loader->tasks[t];

		for (uint32_t p = 0; p < task->phase_count; p++)
			for (uint32_t e = 0; e < task->phases[p].event_count; e++)
				if (!event_check(loader, task, &task->phases[p].events[e]))
					return false;
		if (!time_check(loader, task))
			return false;
	}
	for (uint32_t t = 0; t < loader->task_count; t++)
		if (state[t] == 0 && !forks_check(loader, &loader->tasks[t], state))
			return false;
	return true;
}
