/* SPDX-License-Identifier: BSD-2-Clause */
/* What tasks want, and that the standard workload is readable and consistent. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include <base/bwl.h>

#include "../../../libsys/programs/workload/demand.h"

#define MS 1000000ull

static struct workload_event events[4];
static struct workload_phase phase = {.loop = 1, .events = events};
static struct workload_task task = {.loop = -1, .phases = &phase, .phase_count = 1};

static uint64_t demand(uint32_t count, uint64_t duration_ns)
{
	phase.event_count = count;
	return task_demand(&task, duration_ns);
}

Test(demand, of_endless_work_is_a_cpu)
{
	events[0] = (struct workload_event){.kind = WORKLOAD_RUN, .ns = MS};
	cr_assert_eq(demand(1, 1000 * MS), IDEAL_ONE);
	events[1] = (struct workload_event){.kind = WORKLOAD_YIELD};
	cr_assert_eq(demand(2, TIME_NEVER), IDEAL_ONE);
}

Test(demand, of_sleepers_and_timers)
{
	events[0] = (struct workload_event){.kind = WORKLOAD_RUN, .ns = MS};
	events[1] = (struct workload_event){.kind = WORKLOAD_SLEEP, .ns = 3 * MS};
	cr_assert_eq(demand(2, 1000 * MS), IDEAL_ONE / 4);
	events[1] = (struct workload_event){.kind = WORKLOAD_TIMER, .ns = 8 * MS};
	cr_assert_eq(demand(2, 1000 * MS), IDEAL_ONE / 8);
	events[1].ns = MS / 2; /* it cannot keep up */
	cr_assert_eq(demand(2, 1000 * MS), IDEAL_ONE);
}

Test(demand, of_tasks_that_end_or_start_late)
{
	events[0] = (struct workload_event){.kind = WORKLOAD_RUN, .ns = MS};
	task.loop = 250;
	cr_assert_eq(demand(1, 1000 * MS), IDEAL_ONE / 4);
	cr_assert_eq(demand(1, TIME_NEVER), IDEAL_ONE);
	task.loop = -1;
	task.delay_ns = 500 * MS;
	cr_assert_eq(demand(1, 1000 * MS), IDEAL_ONE / 2);
	task.delay_ns = 0;
	events[0].ns = UINT64_MAX;
	events[1] = (struct workload_event){.kind = WORKLOAD_RUN, .ns = UINT64_MAX};
	phase.loop = INT64_MAX;
	cr_assert_eq(demand(2, 1000 * MS), IDEAL_ONE);
	phase.loop = 1;
}

Test(demand, of_tasks_that_wait_for_others)
{
	events[0] = (struct workload_event){.kind = WORKLOAD_RUN, .ns = MS};
	events[1] = (struct workload_event){.kind = WORKLOAD_SLEEP, .ns = MS};
	events[2] = (struct workload_event){.kind = WORKLOAD_BARRIER};
	task.loop = -1;
	task.delay_ns = 0;
	cr_assert_eq(demand(2, TIME_NEVER), IDEAL_ONE / 2);
	cr_assert_eq(demand(3, TIME_NEVER), IDEAL_ONE);
}

Test(standard, is_readable_and_its_shares_fill_the_machine)
{
	static char text[16384];
	static struct workload_task tasks[64];
	static struct workload_phase phases[64];
	static struct workload_event list[128];
	static struct workload_object objects[64];
	static struct ideal_task ideal[64];
	static struct ideal_class classes[8];
	struct bwl_arrays arrays = {tasks, phases, list, objects, NULL, {64, 64, 128, 64, 0}};
	struct bwl_fault fault = {.line = 0};
	struct workload workload;
	FILE *file = fopen(STANDARD_BWL, "r");

	cr_assert(file != NULL);
	size_t bytes = fread(text, 1, sizeof(text), file);

	fclose(file);
	cr_assert_eq(bwl_read(text, bytes, &arrays, &workload, &fault), ERR_OK, "line %u: %s",
		     fault.line, bwl_reason_text(fault.reason));
	for (uint32_t cpus = 1; cpus <= 4; cpus++) {
		uint64_t sum = 0;

		for (uint32_t i = 0; i < workload.task_count; i++)
			ideal[i] = task_ideal(&workload.tasks[i], workload.duration_ns);
		cr_assert_eq(ideal_share(ideal, workload.task_count, cpus, classes, 8), ERR_OK);
		for (uint32_t i = 0; i < workload.task_count; i++)
			sum += ideal[i].rate;
		cr_assert_leq(sum, cpus * IDEAL_ONE);
		cr_assert_gt(sum, cpus * IDEAL_ONE - 64);
	}
}
