/* SPDX-License-Identifier: BSD-2-Clause */
/* The text form of workloads: what is accepted is written and read again alike. */
#include "fuzz.h"

#include <base/bwl.h>
#include <workload_file.h>

#define MANY 64u

/* As large as the text says and no larger, so that overruns are seen. */
static bool arrays_make(struct bwl_arrays *arrays, const char *text, size_t len)
{
	struct bwl_counts *max = &arrays->max;
	struct bwl_fault fault = {.reason = BWL_REASON_COUNT};
	enum error error = bwl_count(text, len, max, &fault);

	fuzz_check(fault.reason < BWL_REASON_COUNT &&
		   (error == ERR_OK) == (fault.reason == BWL_FINE));
	if (error != ERR_OK)
		return false;
	if (max->tasks > MANY || max->phases > MANY || max->events > MANY || max->objects > MANY)
		*max = (struct bwl_counts){2, 2, 2, 2, 2};
	arrays->tasks = malloc(sizeof(arrays->tasks[0]) * max->tasks);
	arrays->phases = malloc(sizeof(arrays->phases[0]) * max->phases);
	arrays->events = malloc(sizeof(arrays->events[0]) * max->events);
	arrays->objects = malloc(sizeof(arrays->objects[0]) * max->objects);
	arrays->groups = malloc(sizeof(arrays->groups[0]) * max->groups);
	return true;
}

static void arrays_free(struct bwl_arrays *arrays)
{
	free(arrays->tasks);
	free(arrays->phases);
	free(arrays->events);
	free(arrays->objects);
	free(arrays->groups);
}

static void check_event(const struct workload *workload, const struct workload_event *event)
{
	enum workload_object_kind kind = workload_event_object(event->kind);

	fuzz_check(event->kind < WORKLOAD_EVENT_COUNT);
	if (kind != WORKLOAD_OBJECT_NONE)
		fuzz_check(event->ref < workload->object_count &&
			   workload->objects[event->ref].kind == kind);
	if (event->kind == WORKLOAD_FORK)
		fuzz_check(event->ref < workload->task_count);
	if (event->kind == WORKLOAD_WAIT)
		fuzz_check(event->mutex < workload->object_count &&
			   workload->objects[event->mutex].kind == WORKLOAD_OBJECT_MUTEX);
}

static void check_workload(const struct workload *workload)
{
	for (uint32_t t = 0; t < workload->task_count; t++) {
		const struct workload_task *at = &workload->tasks[t];

		fuzz_check(strnlen(at->name, sizeof(at->name)) < sizeof(at->name));
		fuzz_check(at->phase_count > 0 && at->params.weight > 0);
		for (uint32_t p = 0; p < at->phase_count; p++) {
			fuzz_check(at->phases[p].event_count > 0);
			for (uint32_t e = 0; e < at->phases[p].event_count; e++)
				check_event(workload, &at->phases[p].events[e]);
		}
	}
}

static char *written(const struct workload *workload, size_t *len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, len);

	fuzz_check(out != NULL && workload_write_bwl(workload, out));
	fclose(out);
	return text;
}

/* What is written of what was read is a fixed point. */
static void check_again(const struct workload *workload)
{
	struct bwl_arrays arrays;
	struct workload again;
	struct bwl_fault fault;
	size_t len, again_len;
	char *text = written(workload, &len);
	char *again_text;

	fuzz_check(arrays_make(&arrays, text, len));
	fuzz_check(bwl_read(text, len, &arrays, &again, &fault) == ERR_OK);
	again_text = written(&again, &again_len);
	fuzz_check(len == again_len && memcmp(text, again_text, len) == 0);
	arrays_free(&arrays);
	free(again_text);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct bwl_fault fault = {.reason = BWL_REASON_COUNT};
	struct bwl_arrays arrays;
	struct workload workload;
	enum error error;

	if (!arrays_make(&arrays, text, size))
		return 0;
	error = bwl_read(text, size, &arrays, &workload, &fault);
	fuzz_check(fault.reason < BWL_REASON_COUNT &&
		   (error == ERR_OK) == (fault.reason == BWL_FINE));
	fuzz_touch(bwl_reason_text(fault.reason), 1);
	if (error == ERR_OK) {
		check_workload(&workload);
		check_again(&workload);
	}
	arrays_free(&arrays);
	return 0;
}
