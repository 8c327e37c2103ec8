/* SPDX-License-Identifier: BSD-2-Clause */
/* Scheduling parameters of a task or phase: policy, priority, weight, slice_us, period_us, cpus, groups. */
#include "internal.h"

#include <string.h>

#define SLICE_US_MIN     100.0
#define SLICE_US_MAX     100000.0
#define PERIOD_US_MAX    10000000.0
#define SLICE_NS_DEFAULT 3000000u /* where none is given */

bool params_has_key(const char *key)
{
	static const char *const keys[] = {"policy",    "priority", "weight", "slice_us",
					   "period_us", "cpus",     "group",  "taskgroup"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(keys[i], key) == 0)
			return true;
	return false;
}

bool policy_read(struct loader *loader, const char *path, struct json_object *value,
		 enum workload_policy *policy)
{
	static const char *const names[] = {"SCHED_OTHER", "SCHED_BATCH", "SCHED_IDLE", "SCHED_RR",
					    "SCHED_FIFO"};
	const char *name;
	bool deadline;

	if (!value_string(loader, path, value, false, &name))
		return false;
	deadline = strcmp(name, "SCHED_DEADLINE") == 0;
	for (unsigned int i = 0; i < WORKLOAD_POLICY_COUNT; i++) {
		if (strcmp(name, names[i]) == 0) {
			*policy = (enum workload_policy)i;
			return true;
		}
	}
	return fail(loader, path,
		    "%s \"%s\"%s; known: SCHED_OTHER, SCHED_BATCH, SCHED_IDLE, SCHED_RR, "
		    "SCHED_FIFO",
		    deadline ? "Baton does not do rt-app's" : "unknown policy", name,
		    deadline ? " (but slice_us and period_us under the policy edf)" : "");
}

static bool priority_read(struct loader *loader, const char *path, struct json_object *value,
			  struct workload_params *params)
{
	int64_t number;

	if (params->policy == WORKLOAD_POLICY_RR || params->policy == WORKLOAD_POLICY_FIFO) {
		if (!value_integer(loader, path, value, 1, 99, &number))
			return false;
		params->priority = (uint32_t)number;
		params->set |= WORKLOAD_SET_PRIORITY;
		return true;
	}
	if (!value_integer(loader, path, value, NICE_LOWEST, NICE_HIGHEST, &number))
		return false;
	params->nice = (int32_t)number;
	params->set |= WORKLOAD_SET_NICE;
	return true;
}

static bool weight_read(struct loader *loader, const char *path, struct json_object *value,
			struct workload_params *params)
{
	int64_t number;

	if (!value_integer(loader, path, value, 1, WEIGHT_LARGEST, &number))
		return false;
	if ((params->set & (WORKLOAD_SET_NICE | WORKLOAD_SET_PRIORITY)) != 0)
		return fail(loader, path, "weight and priority cannot both be given");
	params->weight = (uint32_t)number;
	params->set |= WORKLOAD_SET_WEIGHT;
	return true;
}

static bool slice_read(struct loader *loader, const char *path, struct json_object *value,
		       struct workload_params *params)
{
	if (!value_time(loader, path, value, 1e3, &params->slice_ns))
		return false;
	if ((double)params->slice_ns < SLICE_US_MIN * 1e3 ||
	    (double)params->slice_ns > SLICE_US_MAX * 1e3)
		return fail(loader, path, "must be from %.0f to %.0f", SLICE_US_MIN, SLICE_US_MAX);
	params->set |= WORKLOAD_SET_SLICE;
	return true;
}

/* A period belongs to a slice: one slice of service in each. */
static bool period_read(struct loader *loader, const char *path, struct json_object *value,
			struct workload_params *params)
{
	const uint64_t slice_ns = params->slice_ns != 0 ? params->slice_ns : SLICE_NS_DEFAULT;

	if (!value_time(loader, path, value, 1e3, &params->period_ns))
		return false;
	if (params->period_ns < slice_ns || (double)params->period_ns > PERIOD_US_MAX * 1e3)
		return fail(loader, path, "must be from the slice (%.0f) to %.0f",
			    (double)slice_ns / 1e3, PERIOD_US_MAX);
	params->set |= WORKLOAD_SET_PERIOD;
	return true;
}

static bool cpus_read(struct loader *loader, const char *path, struct json_object *value,
		      struct workload_params *params)
{
	uint32_t cpus = loader->options->cpus > 0 ? loader->options->cpus : CPUS_MAX;
	size_t count;

	if (!json_object_is_type(value, json_type_array))
		return fail(loader, path, "must be an array of CPU numbers");
	count = json_object_array_length(value);
	if (count == 0)
		return fail(loader, path, "is an empty set of CPUs, on which nothing can run");
	params->cpus = cpumask_none();
	for (size_t i = 0; i < count; i++) {
		int64_t cpu;

		if (!value_integer(loader, path, json_object_array_get_idx(value, i), 0, INT32_MAX,
				   &cpu))
			return false;
		if (cpu >= cpus)
			return fail(loader, path, "CPU %lld does not exist; there are %u",
				    (long long)cpu, cpus);
		cpumask_set(&params->cpus, (uint32_t)cpu);
	}
	params->set |= WORKLOAD_SET_CPUS;
	return true;
}

/* An empty name is no group: for a phase after one in a group. */
static bool group_read(struct loader *loader, const char *path, struct json_object *value,
		       struct workload_params *params)
{
	const char *name;

	if (!value_string(loader, path, value, true, &name))
		return false;
	params->set |= WORKLOAD_SET_GROUP;
	params->group = group_named(loader, name);
	return name[0] == '\0' || params->group != WORKLOAD_GROUP_NONE ||
	       fail(loader, path, "there is no group \"%s\" in \"groups\"", name);
}

/* As in rt-app, "/" is no group and an empty path says nothing. */
static bool taskgroup_read(struct loader *loader, const char *path, struct json_object *value,
			   struct workload_params *params)
{
	const char *name;

	if (!value_string(loader, path, value, true, &name))
		return false;
	if (name[0] == '\0')
		return true;
	if ((params->set & WORKLOAD_SET_GROUP) != 0)
		return fail(loader, path, "group and taskgroup cannot both be given");
	params->set |= WORKLOAD_SET_GROUP;
	return group_of_path(loader, path, name, &params->group);
}

/* In this order whatever the file's, because priority means what the policy says. */
bool params_read(struct loader *loader, const char *path, struct json_object *object,
		 struct workload_params *params)
{
	static const struct {
		const char *key;
		bool (*read)(struct loader *loader, const char *path, struct json_object *value,
			     struct workload_params *params);
	} readers[] = {{"priority", priority_read},  {"weight", weight_read},
		       {"slice_us", slice_read},     {"period_us", period_read},
		       {"cpus", cpus_read},          {"group", group_read},
		       {"taskgroup", taskgroup_read}};
	struct json_object *value;

	if (json_object_object_get_ex(object, "policy", &value)) {
		if (!policy_read(loader, arena_format(loader->arena, "%s.policy", path), value,
				 &params->policy))
			return false;
		params->set |= WORKLOAD_SET_POLICY;
	}
	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
		if (json_object_object_get_ex(object, readers[i].key, &value) &&
		    !readers[i].read(loader, path_join(loader->arena, path, readers[i].key), value,
				     params))
			return false;
	params->weight = workload_params_weight(params);
	return true;
}
