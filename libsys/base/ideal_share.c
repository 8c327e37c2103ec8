/* SPDX-License-Identifier: BSD-2-Clause */
/* Weighted max-min fair rates under affinity.  See ideal_share.h for the method. */
#include <base/ideal_share.h>
#include <base/nice.h>

/* lambda = num / den, in rate per weight.  w * num < 2^20 * 2^39, so products fit 64 bits. */
struct ratio {
	uint64_t num;
	uint64_t den;
};

struct state {
	struct ideal_task *tasks;
	uint32_t count;
	uint32_t cpus;
	struct ideal_class *classes;
	uint32_t class_count;
	/* Of the search for augmenting paths. */
	uint64_t cpu_free[CPUS_MAX];
	uint32_t cpu_from[CPUS_MAX]; /* class by which the search came here */
	bool cpu_reached[CPUS_MAX];
};

static uint64_t cap_of(const struct ideal_task *task)
{
	return task->cap == 0 ? IDEAL_ONE : task->cap;
}

static enum error classes_make(struct state *state, uint32_t classes_max)
{
	struct cpumask machine = cpumask_first(state->cpus);

	for (uint32_t i = 0; i < state->count; i++) {
		struct ideal_task *task = &state->tasks[i];
		struct cpumask mask = cpumask_and(task->cpus, machine);
		uint32_t c = 0;

		if (task->weight == 0 || task->weight > WEIGHT_LARGEST || task->cap > IDEAL_ONE)
			return ERR_ARG;
		task->rate = 0;
		task->fixed = cpumask_empty(&mask);
		task->class_index = UINT32_MAX;
		if (task->fixed)
			continue;
		while (c < state->class_count && !cpumask_equal(&state->classes[c].cpus, &mask))
			c++;
		if (c == classes_max)
			return ERR_LIMIT;
		if (c == state->class_count)
			state->classes[state->class_count++].cpus = mask;
		task->class_index = c;
	}
	return ERR_OK;
}

/* What each task would have at @lambda; limits do not bind yet, or lambda would be smaller. */
static void demands_set(struct state *state, struct ratio lambda)
{
	for (uint32_t c = 0; c < state->class_count; c++)
		state->classes[c].demand = 0;
	for (uint32_t i = 0; i < state->count; i++) {
		struct ideal_task *task = &state->tasks[i];

		if (task->class_index == UINT32_MAX)
			continue;
		if (!task->fixed)
			task->rate = task->weight * lambda.num / lambda.den;
		state->classes[task->class_index].demand += task->rate;
	}
}

/* Searches from the classes with unmet demand; returns a CPU with room, or CPUS_MAX. */
static uint32_t path_search(struct state *state)
{
	bool changed = true;

	for (uint32_t c = 0; c < state->class_count; c++) {
		state->classes[c].reached = state->classes[c].unmet > 0;
		state->classes[c].from_cpu = CPUS_MAX;
	}
	for (uint32_t cpu = 0; cpu < state->cpus; cpu++)
		state->cpu_reached[cpu] = false;
	while (changed) {
		changed = false;
		for (uint32_t c = 0; c < state->class_count; c++) {
			struct ideal_class *class = &state->classes[c];

			if (!class->reached)
				continue;
			cpumask_for_each(cpu, &class->cpus)
			{
				if (state->cpu_reached[cpu])
					continue;
				state->cpu_reached[cpu] = true;
				state->cpu_from[cpu] = c;
				changed = true;
				if (state->cpu_free[cpu] > 0)
					return cpu;
				for (uint32_t d = 0; d < state->class_count; d++) {
					if (state->classes[d].reached ||
					    state->classes[d].flow[cpu] == 0)
						continue;
					state->classes[d].reached = true;
					state->classes[d].from_cpu = cpu;
				}
			}
		}
	}
	return CPUS_MAX;
}

/* Pushes as much as fits along the path that ends at @cpu. */
static void path_push(struct state *state, uint32_t cpu)
{
	uint64_t amount = state->cpu_free[cpu];
	struct ideal_class *class;

	for (uint32_t at = cpu;;) {
		class = &state->classes[state->cpu_from[at]];
		if (class->from_cpu == CPUS_MAX)
			break;
		at = class->from_cpu;
		if (class->flow[at] < amount)
			amount = class->flow[at];
	}
	if (class->unmet < amount)
		amount = class->unmet;
	class->unmet -= amount;
	state->cpu_free[cpu] -= amount;
	for (uint32_t at = cpu;;) {
		class = &state->classes[state->cpu_from[at]];
		class->flow[at] += amount;
		if (class->from_cpu == CPUS_MAX)
			break;
		at = class->from_cpu;
		class->flow[at] -= amount;
	}
}

/* True if all demands fit; else the classes reached are a set that wants too much. */
static bool demands_fit(struct state *state)
{
	uint32_t cpu;

	for (cpu = 0; cpu < state->cpus; cpu++)
		state->cpu_free[cpu] = IDEAL_ONE;
	for (uint32_t c = 0; c < state->class_count; c++) {
		state->classes[c].unmet = state->classes[c].demand;
		for (cpu = 0; cpu < state->cpus; cpu++)
			state->classes[c].flow[cpu] = 0;
	}
	while ((cpu = path_search(state)) != CPUS_MAX)
		path_push(state, cpu);
	for (uint32_t c = 0; c < state->class_count; c++)
		if (state->classes[c].unmet > 0)
			return false;
	return true;
}

/* The next search overwrites what was reached; the last cut is the one that is full. */
static void cut_keep(struct state *state)
{
	for (uint32_t c = 0; c < state->class_count; c++)
		state->classes[c].in_cut = state->classes[c].reached;
}

/* The lambda at which the set of the cut has exactly the CPUs that it reaches. */
static struct ratio cut_lambda(const struct state *state)
{
	struct ratio lambda = {0, 0};

	for (uint32_t cpu = 0; cpu < state->cpus; cpu++)
		if (state->cpu_reached[cpu])
			lambda.num += IDEAL_ONE;
	for (uint32_t i = 0; i < state->count; i++) {
		const struct ideal_task *task = &state->tasks[i];

		if (task->class_index == UINT32_MAX || !state->classes[task->class_index].reached)
			continue;
		if (task->fixed)
			lambda.num -= task->rate;
		else
			lambda.den += task->weight;
	}
	return lambda;
}

/* The smallest lambda at which a task reaches its limit; den 0 if no task is left. */
static struct ratio cap_lambda(const struct state *state)
{
	struct ratio least = {0, 0};

	for (uint32_t i = 0; i < state->count; i++) {
		const struct ideal_task *task = &state->tasks[i];

		if (task->fixed)
			continue;
		/* cap / weight < least, without division. */
		if (least.den == 0 || cap_of(task) * least.den < least.num * task->weight)
			least = (struct ratio){cap_of(task), task->weight};
	}
	return least;
}

/* Fixes the tasks at their limit, or those of the cut. */
static void tasks_fix(struct state *state, bool by_cap, struct ratio lambda)
{
	for (uint32_t i = 0; i < state->count; i++) {
		struct ideal_task *task = &state->tasks[i];

		if (task->fixed)
			continue;
		if (by_cap)
			task->fixed = cap_of(task) * lambda.den == lambda.num * task->weight;
		else
			task->fixed = state->classes[task->class_index].in_cut;
	}
}

enum error ideal_share(struct ideal_task *tasks, uint32_t count, uint32_t cpus,
		       struct ideal_class *classes, uint32_t classes_max)
{
	struct state state = {.tasks = tasks, .count = count, .cpus = cpus, .classes = classes};
	enum error err;

	if (cpus == 0 || cpus > CPUS_MAX)
		return ERR_ARG;
	err = classes_make(&state, classes_max);
	if (err != ERR_OK)
		return err;
	for (;;) {
		struct ratio lambda = cap_lambda(&state);
		/* Lower lambdas give smaller cuts, one within the other, so there are few. */
		uint32_t cuts_left = state.class_count + 2;
		bool by_cap = true;

		if (lambda.den == 0)
			return ERR_OK;
		demands_set(&state, lambda);
		while (!demands_fit(&state)) {
			by_cap = false;
			cut_keep(&state);
			lambda = cut_lambda(&state);
			if (lambda.den == 0 || cuts_left-- == 0)
				return ERR_INTERNAL;
			demands_set(&state, lambda);
		}
		tasks_fix(&state, by_cap, lambda);
	}
}
