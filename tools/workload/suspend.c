/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Suspensions that share their name with a condition or a mutex.
 *
 * In rt-app a suspend is a wait for the condition of that name under the mutex of that name, and a
 * resume is a broadcast to it; a signal, sync or broad of the same name wakes a suspended thread
 * too.  A name that is only suspended and resumed needs none of that.  Where it is shared, both
 * events become what they are in rt-app:
 *
 *   suspend NAME  ->  lock NAME, wait NAME NAME, unlock NAME
 *   resume NAME   ->  lock NAME, broad NAME, unlock NAME
 */
#include "internal.h"

#include <json-c/linkhash.h>
#include <string.h>

#define PARTS 3u

/* Is @event about a condition or a mutex, by name? */
static bool event_shares(const struct source_event *event)
{
	switch (event->event.kind) {
	case WORKLOAD_LOCK:
	case WORKLOAD_WAIT:
	case WORKLOAD_SIGNAL:
	case WORKLOAD_BROAD:
		return true;
	default:
		return false;
	}
}

static bool event_suspends(const struct source_event *event)
{
	return event->event.kind == WORKLOAD_SUSPEND || event->event.kind == WORKLOAD_RESUME;
}

static bool name_shared(struct lh_table *names, const struct source_event *event)
{
	void *value;

	return event_suspends(event) && lh_table_lookup_ex(names, event->ref, &value);
}

static void names_add(struct lh_table *names, const struct source_phase *phase)
{
	for (uint32_t e = 0; e < phase->event_count; e++) {
		const struct source_event *event = &phase->events[e];
		void *value;

		if (!event_shares(event))
			continue;
		if (!lh_table_lookup_ex(names, event->ref, &value))
			lh_table_insert(names, event->ref, event->ref);
		if (event->mutex != NULL && !lh_table_lookup_ex(names, event->mutex, &value))
			lh_table_insert(names, event->mutex, event->mutex);
	}
}

/* What @event is made of, into @parts. */
static void event_split(const struct source_event *event, struct source_event *parts)
{
	bool suspends = event->event.kind == WORKLOAD_SUSPEND;

	for (uint32_t i = 0; i < PARTS; i++)
		parts[i] = *event;
	parts[0].event.kind = WORKLOAD_LOCK;
	parts[1].event.kind = suspends ? WORKLOAD_WAIT : WORKLOAD_BROAD;
	parts[1].mutex = suspends ? event->ref : NULL;
	parts[2].event.kind = WORKLOAD_UNLOCK;
}

static void phase_split(struct loader *loader, struct lh_table *names, struct source_phase *phase)
{
	struct source_event *events;
	uint32_t shared = 0;
	uint32_t count = 0;

	for (uint32_t e = 0; e < phase->event_count; e++)
		shared += name_shared(names, &phase->events[e]);
	if (shared == 0)
		return;
	events = arena_alloc(loader->arena,
			     sizeof(events[0]) * (phase->event_count + (PARTS - 1) * shared));
	for (uint32_t e = 0; e < phase->event_count; e++) {
		if (name_shared(names, &phase->events[e])) {
			event_split(&phase->events[e], &events[count]);
			count += PARTS;
		} else {
			events[count++] = phase->events[e];
		}
	}
	phase->events = events;
	phase->event_count = count;
}

void suspensions_share(struct loader *loader)
{
	struct lh_table *names = lh_kchar_table_new(64, NULL);

	for (uint32_t t = 0; t < loader->task_count; t++)
		for (uint32_t p = 0; p < loader->tasks[t].phase_count; p++)
			names_add(names, &loader->tasks[t].phases[p]);
	for (uint32_t t = 0; t < loader->task_count; t++)
		for (uint32_t p = 0; p < loader->tasks[t].phase_count; p++)
			phase_split(loader, names, &loader->tasks[t].phases[p]);
	lh_table_free(names);
}
