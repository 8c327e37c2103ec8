/* SPDX-License-Identifier: BSD-2-Clause */
/* Levels of CPUs under affinity masks: see level.h. */
#include "level.h"

#include <base/math.h>

/* From nothing it grows by a part with each round. */
#define HEIGHT_MIN (UINT64_C(64) << LEVEL_SHIFT)

static struct cpumask class_cpus(const struct level_input *input, uint32_t class)
{
	const struct cpumask here = cpumask_and(input->online, cpumask_first(input->cpus));
	return class == 0 ? here : cpumask_and(input->mask[class], here);
}

static void class_take_out(struct level_state *state, uint32_t class, uint32_t cpus)
{
	for (uint32_t cpu = 0; cpu < cpus; cpu++) {
		state->level[cpu] -= state->part[class][cpu];
		state->part[class][cpu] = 0;
	}
}

/* The height to which that much water rises over the CPUs, rounded up.  Those above it stay dry. */
static uint64_t height_of(const struct level_state *state, struct cpumask *cpus, uint64_t water)
{
	uint64_t height = 0;
	bool changed = true;
	while (changed) {
		uint64_t sum = water;
		const uint32_t count = cpumask_count(cpus);
		if (count == 0)
			return 0;
		cpumask_for_each(cpu, cpus) sum += state->level[cpu];
		height = (sum + count - 1) / count;
		changed = false;
		cpumask_for_each(cpu, cpus)
		{
			if (state->level[cpu] < height)
				continue;
			cpumask_clear(cpus, cpu);
			changed = true;
		}
		/* What stood at the height exactly needs no water. */
		if (changed && cpumask_empty(cpus))
			return height;
	}
	return height;
}

static void class_pour(struct level_state *state, const struct level_input *input, uint32_t class,
		       uint64_t water)
{
	struct cpumask cpus = class_cpus(input, class);
	const uint64_t height = height_of(state, &cpus, water);
	state->height[class] = input->weight[class] != 0 ? height : 0;
	cpumask_for_each(cpu, &cpus)
	{
		const uint64_t part = min_u64(min_u64(water, UINT32_MAX),
					      height - state->level[cpu]);
		state->part[class][cpu] = (uint32_t)part;
		state->level[cpu] += part;
		water -= part;
	}
}

/* Nobody counts more than a CPU, which is what there was for each CPU of the class the last time. */
static uint64_t class_water(const struct level_state *state, const struct level_input *input,
			    uint32_t class)
{
	const uint64_t last = state->height[class];
	const uint64_t cpu_most = last == 0 ? UINT64_MAX >> 32 : max_u64(last, HEIGHT_MIN);
	uint64_t rest = input->weight[class] << LEVEL_SHIFT;
	uint32_t count = input->count[class];
	uint64_t water = 0;
	for (uint32_t i = 0; i < input->known && count != 0; i++) {
		const uint64_t weight = (uint64_t)input->thread[i].weight << LEVEL_SHIFT;
		if (input->thread[i].class != class)
			continue;
		water += min_u64(weight, cpu_most);
		rest = sub_saturate_u64(rest, weight);
		count--;
	}
	return water + min_u64(rest, count * cpu_most);
}

static bool class_empty(const struct level_state *state, const struct level_input *input,
			uint32_t class)
{
	if (input->weight[class] != 0)
		return false;
	for (uint32_t cpu = 0; cpu < input->cpus; cpu++)
		if (state->part[class][cpu] != 0)
			return false;
	return true;
}

void level_step(struct level_state *state, const struct level_input *input)
{
	uint32_t looked = 0;
	for (uint32_t i = 0; i < LEVEL_CLASSES_MAX && looked < LEVEL_STEP_MAX; i++) {
		const uint32_t class = state->next;
		state->next = (class + 1) % LEVEL_CLASSES_MAX;
		if (class_empty(state, input, class))
			continue;
		class_take_out(state, class, input->cpus);
		class_pour(state, input, class, class_water(state, input, class));
		looked++;
	}
}

uint64_t level_of(const struct level_state *state, uint32_t cpu)
{
	return state->level[cpu] >> LEVEL_SHIFT;
}
