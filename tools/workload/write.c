/* SPDX-License-Identifier: BSD-2-Clause */
/* The text form for the guest.  docs/design/bwl.md is its definition. */
#include "workload_file.h"

#include <base/parse.h>
#include <inttypes.h>

static void write_params(const struct workload_params *params, FILE *out)
{
	char cpus[CPU_LIST_BYTES_MAX];

	/* The policy first: the weight that follows from nice depends on it. */
	if ((params->set & WORKLOAD_SET_POLICY) != 0)
		fprintf(out, "policy %s\n", workload_policy_word(params->policy));
	if ((params->set & WORKLOAD_SET_NICE) != 0)
		fprintf(out, "nice %" PRId32 "\n", params->nice);
	if ((params->set & WORKLOAD_SET_PRIORITY) != 0)
		fprintf(out, "priority %" PRIu32 "\n", params->priority);
	if ((params->set & WORKLOAD_SET_WEIGHT) != 0)
		fprintf(out, "weight %" PRIu32 "\n", params->weight);
	if ((params->set & WORKLOAD_SET_SLICE) != 0)
		fprintf(out, "slice_ns %" PRIu64 "\n", params->slice_ns);
	if ((params->set & WORKLOAD_SET_PERIOD) != 0)
		fprintf(out, "period_ns %" PRIu64 "\n", params->period_ns);
	if ((params->set & WORKLOAD_SET_CPUS) != 0) {
		format_cpu_list(&params->cpus, cpus);
		fprintf(out, "cpus %s\n", cpus);
	}
	if ((params->set & WORKLOAD_SET_GROUP) != 0) {
		if (params->group == WORKLOAD_GROUP_NONE)
			fputs("in none\n", out);
		else
			fprintf(out, "in %" PRIu32 "\n", params->group);
	}
}

static void write_event(const struct workload_event *event, FILE *out)
{
	fputs(workload_event_word(event->kind), out);
	switch (workload_event_operand(event->kind)) {
	case WORKLOAD_OPERAND_NS:
		fprintf(out, " %" PRIu64, event->ns);
		break;
	case WORKLOAD_OPERAND_TIMER:
		fprintf(out, " %" PRIu64 " %" PRIu32 " %s", event->ns, event->ref,
			event->absolute ? "absolute" : "relative");
		break;
	case WORKLOAD_OPERAND_OBJECT:
	case WORKLOAD_OPERAND_TASK:
		fprintf(out, " %" PRIu32, event->ref);
		break;
	case WORKLOAD_OPERAND_WAIT:
		fprintf(out, " %" PRIu32 " %" PRIu32, event->ref, event->mutex);
		break;
	default:
		break;
	}
	fputc('\n', out);
}

static void write_groups(const struct workload *workload, FILE *out)
{
	for (uint32_t i = 0; i < workload->group_count; i++) {
		const struct workload_group *group = &workload->groups[i];

		fprintf(out, "group %s ", group->name);
		if (group->parent == WORKLOAD_GROUP_NONE)
			fputs("none", out);
		else
			fprintf(out, "%" PRIu32, group->parent);
		fprintf(out, " %" PRIu32 " %" PRIu64 " %" PRIu64 "\n", group->weight,
			group->quota_ns, group->period_ns);
	}
}

static void write_task(const struct workload_task *task, FILE *out)
{
	fprintf(out, "task %s\n", task->name);
	if (task->instance != 0)
		fprintf(out, "instance %" PRIu32 "\n", task->instance);
	if (!task->start)
		fputs("start 0\n", out);
	if (task->delay_ns != 0)
		fprintf(out, "delay_ns %" PRIu64 "\n", task->delay_ns);
	fprintf(out, "loop %" PRId64 "\n", task->loop);
	write_params(&task->params, out);
	for (uint32_t p = 0; p < task->phase_count; p++) {
		const struct workload_phase *phase = &task->phases[p];

		fprintf(out, "phase %s %" PRId64 "\n", phase->name, phase->loop);
		write_params(&phase->params, out);
		for (uint32_t e = 0; e < phase->event_count; e++)
			write_event(&phase->events[e], out);
	}
}

bool workload_write_bwl(const struct workload *workload, FILE *out)
{
	uint32_t phases = 0;
	uint32_t events = 0;

	for (uint32_t i = 0; i < workload->task_count; i++) {
		phases += workload->tasks[i].phase_count;
		for (uint32_t p = 0; p < workload->tasks[i].phase_count; p++)
			events += workload->tasks[i].phases[p].event_count;
	}
	fprintf(out, "bwl 1\ncounts %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32,
		workload->task_count, phases, events, workload->object_count);
	/* A file without groups is as it was before there were any. */
	if (workload->group_count != 0)
		fprintf(out, " %" PRIu32, workload->group_count);
	fputc('\n', out);
	if (workload->duration_ns == TIME_NEVER)
		fputs("duration_ns never\n", out);
	else
		fprintf(out, "duration_ns %" PRIu64 "\n", workload->duration_ns);
	for (uint32_t i = 0; i < workload->object_count; i++)
		fprintf(out, "object %s %s %" PRIu32 "\n",
			workload_object_word(workload->objects[i].kind), workload->objects[i].name,
			workload->objects[i].users);
	write_groups(workload, out);
	for (uint32_t i = 0; i < workload->task_count; i++)
		write_task(&workload->tasks[i], out);
	fputs("end\n", out);
	return fflush(out) == 0 && !ferror(out);
}
