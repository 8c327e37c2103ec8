/* SPDX-License-Identifier: BSD-2-Clause */
/* See ideal_workload.h. */
#include <base/ideal_workload.h>
#include <base/math.h>

/* What a task does alone on a CPU.  Sums stop at their limit. */
struct pass {
	uint64_t run_ns;
	uint64_t total_ns; /* up to the last timer */
	uint64_t since_ns; /* behind it */
	bool endless;      /* a phase that loops for ever: it alone counts */
	bool unknown;      /* it waits for others */
};

static void pass_add_event(struct pass *pass, const struct workload_event *event)
{
	switch (event->kind) {
	case WORKLOAD_RUN:
	case WORKLOAD_RUNTIME:
		pass->run_ns = add_saturate_u64(pass->run_ns, event->ns);
		pass->since_ns = add_saturate_u64(pass->since_ns, event->ns);
		break;
	case WORKLOAD_SLEEP:
		pass->since_ns = add_saturate_u64(pass->since_ns, event->ns);
		break;
	case WORKLOAD_TIMER:
		pass->total_ns = add_saturate_u64(pass->total_ns,
						  max_u64(pass->since_ns, event->ns));
		pass->since_ns = 0;
		break;
	case WORKLOAD_LOCK:
	case WORKLOAD_WAIT:
	case WORKLOAD_BARRIER:
	case WORKLOAD_SUSPEND:
		pass->unknown = true;
		break;
	default: /* takes no time of its own */
		break;
	}
}

static void pass_add_once(struct pass *pass, const struct workload_phase *phase)
{
	for (uint32_t e = 0; e < phase->event_count; e++)
		pass_add_event(pass, &phase->events[e]);
}

static uint64_t again(uint64_t sum, uint64_t before, uint64_t times)
{
	return add_saturate_u64(sum, mul_saturate_u64(sum - before, times));
}

/* From the second time on each is like the one before. */
static void pass_add_phase(struct pass *pass, const struct workload_phase *phase)
{
	struct pass once;
	uint64_t more;

	pass_add_once(pass, phase);
	if (phase->loop < 2)
		return;
	once = *pass;
	more = (uint64_t)phase->loop - 2;
	pass_add_once(pass, phase);
	pass->run_ns = again(pass->run_ns, once.run_ns, more);
	pass->total_ns = again(pass->total_ns, once.total_ns, more);
	pass->since_ns = again(pass->since_ns, once.since_ns, more);
}

/* Goes on from what @pass has. */
static void pass_add_task(struct pass *pass, const struct workload_task *task)
{
	for (uint32_t p = 0; p < task->phase_count; p++) {
		if (task->phases[p].loop != WORKLOAD_LOOP_FOREVER)
			continue;
		pass->endless = true;
		pass_add_once(pass, &task->phases[p]);
		return;
	}
	for (uint32_t p = 0; p < task->phase_count; p++)
		pass_add_phase(pass, &task->phases[p]);
}

/* part / whole in units of 2^-32, within 1..IDEAL_ONE. */
static uint64_t fraction(uint64_t part, uint64_t whole)
{
	uint64_t rest;

	if (part >= whole)
		return IDEAL_ONE;
	return max_u64((uint64_t)uint128_divide((uint128_t)part << 32, whole, &rest), 1);
}

uint64_t workload_demand(const struct workload_task *task, uint64_t wall_ns)
{
	struct pass first = {0};
	struct pass both;
	uint64_t demand = IDEAL_ONE;
	uint64_t most;

	pass_add_task(&first, task);
	/* In the second pass timers count from the first. */
	both = first;
	pass_add_task(&both, task);
	if (!first.unknown)
		demand = fraction(both.run_ns - first.run_ns,
				  both.total_ns - first.total_ns + both.since_ns - first.since_ns);
	if (wall_ns == TIME_NEVER || wall_ns == 0)
		return demand;
	most = sub_saturate_u64(wall_ns, task->delay_ns);
	if (!first.endless && task->loop >= 0)
		most = min_u64(most, mul_saturate_u64(first.run_ns, (uint64_t)task->loop));
	return min_u64(demand, fraction(most, wall_ns));
}

/* What decides about shares: weight, class, CPUs, group. */
static void params_change(struct workload_params *params, const struct workload_params *change)
{
	const uint32_t weight = WORKLOAD_SET_NICE | WORKLOAD_SET_WEIGHT;

	if ((change->set & weight) != 0) {
		params->set &= ~weight;
		params->nice = change->nice;
		params->weight = change->weight;
	}
	if ((change->set & WORKLOAD_SET_POLICY) != 0)
		params->policy = change->policy;
	if ((change->set & WORKLOAD_SET_CPUS) != 0)
		params->cpus = change->cpus;
	if ((change->set & WORKLOAD_SET_GROUP) != 0)
		params->group = change->group;
	params->set |= change->set;
}

struct workload_params workload_params_steady(const struct workload_task *task)
{
	struct workload_params params = task->params;

	for (uint32_t p = 0; p < task->phase_count; p++) {
		params_change(&params, &task->phases[p].params);
		if (task->phases[p].loop == WORKLOAD_LOOP_FOREVER)
			break;
	}
	return params;
}

struct ideal_task workload_ideal_task(const struct workload_task *task, uint64_t wall_ns)
{
	const struct workload_params params = workload_params_steady(task);

	return (struct ideal_task){
		.weight = workload_params_weight(&params),
		.cap = workload_demand(task, wall_ns),
		.cpus = params.set & WORKLOAD_SET_CPUS ? params.cpus : cpumask_all(),
		/* WORKLOAD_GROUP_NONE is -1. */
		.group = params.group + 1,
	};
}

struct ideal_group workload_ideal_group(const struct workload_group *group)
{
	uint64_t rest;

	return (struct ideal_group){
		.parent = group->parent + 1,
		.weight = group->weight,
		.cap = (uint64_t)uint128_divide((uint128_t)group->quota_ns << 32, group->period_ns,
						&rest),
	};
}
