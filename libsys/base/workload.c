/* SPDX-License-Identifier: BSD-2-Clause */
/* Words and properties of workloads.  See workload.h. */
#include <base/workload.h>

static const struct {
	const char *word;
	enum workload_operand operand;
	enum workload_object_kind object;
} events[] = {
#define X(name, word, operand, object) {word, WORKLOAD_OPERAND_##operand, WORKLOAD_OBJECT_##object},
	WORKLOAD_EVENT_LIST(X)
#undef X
};

const char *workload_event_word(enum workload_event_kind kind)
{
	return (unsigned int)kind < WORKLOAD_EVENT_COUNT ? events[kind].word : NULL;
}

enum workload_operand workload_event_operand(enum workload_event_kind kind)
{
	return events[kind].operand;
}

enum workload_object_kind workload_event_object(enum workload_event_kind kind)
{
	return events[kind].object;
}

const char *workload_object_word(enum workload_object_kind kind)
{
	static const char *const words[] = {NULL,      "mutex", "condition",
					    "barrier", "timer", "suspension"};

	return (unsigned int)kind < WORKLOAD_OBJECT_COUNT ? words[kind] : NULL;
}

const char *workload_policy_word(enum workload_policy policy)
{
	static const char *const words[] = {"other", "batch", "idle", "rr", "fifo"};

	return (unsigned int)policy < WORKLOAD_POLICY_COUNT ? words[policy] : NULL;
}

struct workload_params workload_params_default(void)
{
	return (struct workload_params){
		.weight = nice_weight(0), .group = WORKLOAD_GROUP_NONE, .cpus = cpumask_all()};
}

uint32_t workload_params_weight(const struct workload_params *params)
{
	if ((params->set & WORKLOAD_SET_WEIGHT) != 0)
		return params->weight;
	if (params->policy == WORKLOAD_POLICY_IDLE)
		return WEIGHT_BACKGROUND;
	return nice_weight(params->nice);
}
