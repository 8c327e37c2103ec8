/* SPDX-License-Identifier: BSD-2-Clause */
#include "demand.h"

struct pass {
	uint64_t run_ns;
	uint64_t sleep_ns;
	uint64_t period_ns;
	bool endless; /* a phase that loops for ever: it alone counts */
	bool unknown; /* it waits for others */
};

static uint64_t saturating_add(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t saturating_times(uint64_t a, uint64_t b)
{
	uint64_t product;

	return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

static void pass_add_event(struct pass *pass, const struct workload_event *event, uint64_t times)
{
	uint64_t ns = saturating_times(event->ns, times);

	switch (event->kind) {
	case WORKLOAD_RUN:
	case WORKLOAD_RUNTIME:
		pass->run_ns = saturating_add(pass->run_ns, ns);
		break;
	case WORKLOAD_SLEEP:
		pass->sleep_ns = saturating_add(pass->sleep_ns, ns);
		break;
	case WORKLOAD_TIMER:
		pass->period_ns = saturating_add(pass->period_ns, ns);
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

static struct pass task_pass(const struct workload_task *task)
{
	struct pass pass = {0};

	for (uint32_t p = 0; p < task->phase_count && !pass.endless; p++) {
		const struct workload_phase *phase = &task->phases[p];
		uint64_t times = phase->loop > 0 ? (uint64_t)phase->loop : 1;

		if (phase->loop == WORKLOAD_LOOP_FOREVER)
			pass = (struct pass){.endless = true};
		for (uint32_t e = 0; phase->loop != 0 && e < phase->event_count; e++)
			pass_add_event(&pass, &phase->events[e], times);
	}
	return pass;
}

/* part / whole in units of 2^-32, within 1..IDEAL_ONE. */
static uint64_t fraction(uint64_t part, uint64_t whole)
{
	if (part >= whole)
		return IDEAL_ONE;
	uint64_t result = (uint64_t)(((unsigned __int128)part << 32) / whole);

	return result ? result : 1;
}

uint64_t task_demand(const struct workload_task *task, uint64_t duration_ns)
{
	struct pass pass = task_pass(task);
	uint64_t busy = saturating_add(pass.run_ns, pass.sleep_ns);
	uint64_t pass_ns = busy > pass.period_ns ? busy : pass.period_ns;
	uint64_t demand = pass_ns && !pass.unknown ? fraction(pass.run_ns, pass_ns) : IDEAL_ONE;

	if (duration_ns == TIME_NEVER || duration_ns == 0)
		return demand;
	uint64_t most = task->delay_ns < duration_ns ? duration_ns - task->delay_ns : 0;

	if (!pass.endless && task->loop >= 0) {
		uint64_t all = saturating_times(pass.run_ns, (uint64_t)task->loop);

		most = all < most ? all : most;
	}
	uint64_t limit = fraction(most, duration_ns);

	return limit < demand ? limit : demand;
}

struct ideal_task task_ideal(const struct workload_task *task, uint64_t duration_ns)
{
	return (struct ideal_task){
		.weight = workload_params_weight(&task->params),
		.cap = task_demand(task, duration_ns),
		.cpus = task->params.set & WORKLOAD_SET_CPUS ? task->params.cpus : cpumask_all(),
		/* WORKLOAD_GROUP_NONE is -1. */
		.group = task->params.group + 1,
	};
}

struct ideal_group group_ideal(const struct workload_group *group)
{
	const unsigned __int128 quota = (unsigned __int128)group->quota_ns << 32;

	return (struct ideal_group){
		.parent = group->parent + 1,
		.weight = group->weight,
		.cap = (uint64_t)(quota / group->period_ns),
	};
}
