/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What groups ideally have on this machine (policy/group/fair.h), from what the CPUs publish: sums of each
 * group's threads, and the threads that plans know of one by one, since some could use more than a CPU.
 *
 * Results are read by all CPUs at any time, one word each: a group may be seen as of now beside another as of
 * a period ago, and what is owed to their threads evens that out.
 */
#include <base/math.h>

#include "core.h"
#include "fair.h"
#include "level.h"

#define BLOCK_STEPS 64u /* in a period of all CPUs; each of them one at least */

static uint64_t load(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static void group_fill(const struct group_machine *machine, uint32_t index, struct fair_group *out)
{
	const struct group_common *group = &machine->group[index];
	const uint64_t quota_ns = load(&group->quota_ns);

	*out = (struct fair_group){
		.used = index == 0 || __atomic_load_n(&group->id, __ATOMIC_ACQUIRE) != 0,
		.parent = __atomic_load_n(&group->parent, __ATOMIC_RELAXED),
		.depth = __atomic_load_n(&group->depth, __ATOMIC_RELAXED),
		.weight = __atomic_load_n(&group->weight, __ATOMIC_RELAXED),
		.rest_weight = load(&group->own_weight),
		.load = load(&group->load),
		.rest_count = (uint32_t)load(&group->own_count),
	};
	/* At most a period of 1 s of 256 CPUs: below 2^38. */
	if (quota_ns != 0)
		out->cap = max_u64(1, (quota_ns << FAIR_RATE_SHIFT) / load(&group->period_ns));
}

/* From the rest to those that are listed, if there is such a thread among the rest. */
static void thread_list(struct fair *fair, const struct sched_plan_thread *from)
{
	const uint32_t weight = __atomic_load_n(&from->group_weight, __ATOMIC_RELAXED);
	const uint32_t index = __atomic_load_n(&from->group, __ATOMIC_RELAXED) % GROUP_MAX;
	struct fair_group *group = &fair->group[index];

	if (!group->used || group->rest_count == 0 || group->rest_weight < weight || weight == 0)
		return;
	group->rest_count--;
	group->rest_weight -= weight;
	fair->thread[fair->threads++] = (struct fair_thread){
		.weight = weight,
		.group = index,
		.class = __atomic_load_n(&from->class, __ATOMIC_RELAXED) % LEVEL_CLASSES_MAX,
	};
}

static void fair_fill(const struct sched_server *server, const struct place_view *view,
		      struct fair *fair)
{
	fair->cpus = cpumask_count(&view->online);
	fair->threads = 0;
	for (uint32_t i = 0; i < GROUP_MAX; i++)
		group_fill(&server->groups, i, &fair->group[i]);
	cpumask_for_each(cpu, &view->online)
	{
		const struct sched_cpu *from = &server->cpu[cpu];

		if (cpu >= server->cpus || __atomic_load_n(&from->grouped, __ATOMIC_RELAXED))
			continue;
		fair->group[0].rest_weight += view->loads[cpu].weight;
		fair->group[0].rest_count += view->loads[cpu].runnable;
	}
	cpumask_for_each(cpu, &view->online)
	{
		const struct sched_cpu *from = &server->cpu[cpu];
		const uint32_t count = cpu < server->cpus ? __atomic_load_n(&from->plan_count,
									    __ATOMIC_RELAXED)
							  : 0;
		const uint64_t most = view->loads[cpu].runnable +
				      __atomic_load_n(&from->plan_throttled, __ATOMIC_RELAXED);

		for (uint32_t i = 0; i < min_u64(count, most) && fair->threads < FAIR_THREADS_MAX;
		     i++)
			thread_list(fair, &from->plan_thread[i]);
	}
	/* A sum and its number are read one after the other. */
	for (uint32_t i = 0; i < GROUP_MAX; i++) {
		if (fair->group[i].rest_count == 0 || fair->group[i].rest_weight == 0) {
			fair->group[i].rest_count = 0;
			fair->group[i].rest_weight = 0;
		}
	}
}

/* The solution that is not in use is written, then it is the one in use. */
static void blocks_publish(struct sched_server *server, const struct fill *fill)
{
	struct group_machine *machine = &server->groups;
	const uint32_t next = machine->blocked == 1 ? 2 : 1;

	fill_result(fill, &machine->blocks[next - 1]);
	for (uint32_t i = 0; i < GROUP_MAX; i++)
		__atomic_store_n(&machine->group[i].bound, fill_bound(fill, i), __ATOMIC_RELAXED);
	__atomic_store_n(&machine->blocked, server->masks.fill_masked ? next : 0, __ATOMIC_RELEASE);
}

static void blocks_begin(struct sched_server *server, const struct place_view *view)
{
	struct sched_masks *masks = &server->masks;

	fair_fill(server, view, &masks->fair);
	masks->fill_masked = false;
	for (uint32_t i = 0; i < masks->fair.threads; i++)
		masks->fill_masked = masks->fill_masked || masks->fair.thread[i].class != 0;
	masks->input.cpus = view->cpus;
	masks->input.online = view->online;
	for (uint32_t i = 1; i < LEVEL_CLASSES_MAX; i++)
		if (__atomic_load_n(&masks->class[i].users, __ATOMIC_RELAXED) != 0)
			masks->input.mask[i] = sched_class_mask(server, i);
	fill_begin(&masks->fill, &masks->fair, &masks->input);
}

/* Some steps, until there is a solution: then the next one. */
static void blocks_update(struct sched_server *server, const struct place_view *view)
{
	struct sched_masks *masks = &server->masks;

	if (!masks->filling)
		blocks_begin(server, view);
	masks->filling = true;
	for (uint32_t step = 0; step <= BLOCK_STEPS / view->cpus && masks->filling; step++)
		if (fill_step(&masks->fill, &masks->input, &masks->state)) {
			blocks_publish(server, &masks->fill);
			masks->filling = false;
		}
}

uint64_t sched_fair_update(struct sched_server *server, const struct place_view *view)
{
	struct fair *fair = &server->masks.fair;

	if (sched_masks_used(server) || group_blocked(&server->groups))
		blocks_update(server, view);
	if (group_blocked(&server->groups))
		return group_one(&server->groups) >> GROUP_FULL_SHIFT;
	fair_fill(server, view, fair);
	fair_solve(fair);
	for (uint32_t i = 0; i < GROUP_MAX; i++) {
		struct group_common *group = &server->groups.group[i];

		__atomic_store_n(&group->full, fair->group[i].used ? fair->group[i].full : 0,
				 __ATOMIC_RELAXED);
		__atomic_store_n(&group->bound, fair->group[i].capped && fair->group[i].fixed,
				 __ATOMIC_RELAXED);
		__atomic_store_n(&group->effective,
				 fair->group[i].used ? fair->group[i].effective : 0,
				 __ATOMIC_RELAXED);
	}
	return fair->group[0].full >> GROUP_FULL_SHIFT;
}

uint32_t sched_weight_flat(const struct sched_server *server, struct sched_thread *thread,
			   uint32_t weight)
{
	const uint32_t index = group_tag(policy_thread(thread))->node;
	const uint32_t block = group_block_of_class(&server->groups, thread->mask_class);
	const uint64_t flat = group_flat_most(&server->groups, index, block, weight, 1);

	return flat == 0 ? weight : (uint32_t)min_u64(flat, POLICY_WEIGHT_MAX);
}
