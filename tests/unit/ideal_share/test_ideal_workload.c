/* SPDX-License-Identifier: BSD-2-Clause */
/* What tasks want, and that the standard workload is readable and consistent. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include <base/bwl.h>
#include <base/ideal_workload.h>

#define MS 1000000ull

static struct workload_event events[4];
static struct workload_phase phase = {.loop = 1, .events = events};
static struct workload_task task = {.loop = -1, .phases = &phase, .phase_count = 1};

static uint64_t demand(uint32_t count, uint64_t wall_ns)
{
	phase.event_count = count;
	return workload_demand(&task, wall_ns);
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

Test(demand, of_timers_that_count_over_phases)
{
	static struct workload_event tick = {.kind = WORKLOAD_TIMER, .ns = 120 * MS};
	static struct workload_event work = {.kind = WORKLOAD_RUN, .ns = 90 * MS};
	static struct workload_phase wait_and_work[2] = {
		{.loop = 1, .events = &tick, .event_count = 1},
		{.loop = 1, .events = &work, .event_count = 1}};
	const struct workload_task two = {.loop = 5, .phases = wait_and_work, .phase_count = 2};

	/* The work of one pass is within the period that the next one waits for. */
	cr_assert_eq(workload_demand(&two, TIME_NEVER), 3 * (IDEAL_ONE / 4));
	cr_assert_eq(workload_demand(&two, 900 * MS), IDEAL_ONE / 2);
}

Test(demand, of_phases_that_loop)
{
	static struct workload_event light[2] = {{.kind = WORKLOAD_RUN, .ns = 10 * MS},
						 {.kind = WORKLOAD_TIMER, .ns = 30 * MS}};
	static struct workload_event heavy[2] = {{.kind = WORKLOAD_RUN, .ns = 20 * MS},
						 {.kind = WORKLOAD_TIMER, .ns = 30 * MS}};
	static struct workload_phase both[2] = {{.loop = 10, .events = light, .event_count = 2},
						{.loop = 30, .events = heavy, .event_count = 2}};
	const struct workload_task one = {.loop = 1, .phases = both, .phase_count = 2};

	/* 700 ms of 40 periods. */
	cr_assert_eq(workload_demand(&one, TIME_NEVER), (7 * IDEAL_ONE) / 12);
	/* The phase that goes on for ever is what counts. */
	both[1].loop = WORKLOAD_LOOP_FOREVER;
	cr_assert_eq(workload_demand(&one, 3000 * MS), (2 * IDEAL_ONE) / 3);
	both[1].loop = 30;
}

Test(params, are_those_at_the_end_of_a_pass)
{
	static struct workload_phase phases[3];
	struct workload_task changing = {.phases = phases, .phase_count = 3};
	struct workload_params params;

	changing.params = workload_params_default();
	changing.params.set = WORKLOAD_SET_WEIGHT | WORKLOAD_SET_GROUP;
	changing.params.weight = 500;
	changing.params.group = 3;
	for (unsigned p = 0; p < 3; p++)
		phases[p] = (struct workload_phase){.loop = 2, .params = workload_params_default()};
	cr_assert_eq(workload_ideal_task(&changing, TIME_NEVER).weight, 500);
	phases[0].params.set = WORKLOAD_SET_NICE | WORKLOAD_SET_CPUS;
	phases[0].params.nice = 5;
	phases[0].params.cpus = cpumask_one(2);
	phases[1].params.set = WORKLOAD_SET_GROUP;
	phases[1].params.group = WORKLOAD_GROUP_NONE;
	phases[2].params.set = WORKLOAD_SET_POLICY;
	phases[2].params.policy = WORKLOAD_POLICY_IDLE;
	params = workload_params_steady(&changing);
	cr_assert_eq(params.nice, 5);
	cr_assert(cpumask_test(&params.cpus, 2) && cpumask_count(&params.cpus) == 1);
	cr_assert_eq(workload_ideal_task(&changing, TIME_NEVER).weight, WEIGHT_BACKGROUND);
	cr_assert_eq(workload_ideal_task(&changing, TIME_NEVER).group, 0);
	/* A phase that never ends hides those behind it. */
	phases[0].loop = WORKLOAD_LOOP_FOREVER;
	cr_assert_eq(workload_ideal_task(&changing, TIME_NEVER).weight, nice_weight(5));
	cr_assert_eq(workload_ideal_task(&changing, TIME_NEVER).group, 4);
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
			ideal[i] = workload_ideal_task(&workload.tasks[i], workload.duration_ns);
		cr_assert_eq(ideal_share(ideal, workload.task_count, cpus, classes, 8), ERR_OK);
		for (uint32_t i = 0; i < workload.task_count; i++)
			sum += ideal[i].rate;
		cr_assert_leq(sum, cpus * IDEAL_ONE);
		cr_assert_gt(sum, cpus * IDEAL_ONE - 64);
	}
}
