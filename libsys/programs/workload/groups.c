/* SPDX-License-Identifier: BSD-2-Clause */
/* The workload's scheduling groups on the booted system. */
#include "runner.h"

#include <stdio.h>

#include <libsys/errno.h>
#include <libsys/sched.h>

#include "../lib/program.h"

enum error groups_create(struct runner *runner)
{
	const struct workload *workload = runner->workload;

	for (uint32_t i = 0; i < workload->group_count; i++) {
		const struct workload_group *from = &workload->groups[i];
		const struct sched_group group = {
			.parent = from->parent == WORKLOAD_GROUP_NONE
					  ? 0
					  : runner->group_ids[from->parent],
			.weight = from->weight,
			.quota_ns = from->quota_ns,
			.period_ns = from->period_ns,
		};
		enum error error = sched_group_create(&group, &runner->group_ids[i]);

		if (error != ERR_OK) {
			printf("workload: group %s cannot be made: %s\n", from->name,
			       error_text(error));
			return error;
		}
	}
	return ERR_OK;
}

static word_t figure(const struct runner *runner, uint32_t i, enum sched_group_field field)
{
	word_t value = 0;

	program_need("reading a group's figures",
		     sched_group_get(runner->group_ids[i], field, &value));
	return value;
}

static struct runner_group figures(const struct runner *runner, uint32_t i)
{
	return (struct runner_group){
		.used_ns = figure(runner, i, SCHED_GROUP_USED_NS),
		.throttled_ns = figure(runner, i, SCHED_GROUP_THROTTLED_NS),
		.periods = figure(runner, i, SCHED_GROUP_PERIODS),
		.periods_throttled = figure(runner, i, SCHED_GROUP_PERIODS_THROTTLED),
	};
}

void groups_begin(struct runner *runner)
{
	for (uint32_t i = 0; i < runner->workload->group_count; i++)
		runner->groups[i] = figures(runner, i);
}

void groups_end(struct runner *runner)
{
	for (uint32_t i = 0; i < runner->workload->group_count; i++) {
		const struct runner_group now = figures(runner, i);
		struct runner_group *group = &runner->groups[i];

		group->used_ns = now.used_ns - group->used_ns;
		group->throttled_ns = now.throttled_ns - group->throttled_ns;
		group->periods = now.periods - group->periods;
		group->periods_throttled = now.periods_throttled - group->periods_throttled;
	}
}

/* Children first.  A thread that is joined may not be gone yet, and then its group stays. */
void groups_delete(struct runner *runner)
{
	for (uint32_t i = runner->workload->group_count; i-- > 0;)
		(void)!sched_group_delete(runner->group_ids[i]);
}
