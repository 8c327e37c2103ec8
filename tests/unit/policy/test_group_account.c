/* SPDX-License-Identifier: BSD-2-Clause */
/* What the accounts of the queues of groups count by, and what plans see of them. */
#include "group_world.h"

#define NOT_TOLD UINT64_MAX

/* The base, but for the average that each queue was told last. */
static struct policy_ops told_base;
static struct group_cpu *told_cpu;
static uint64_t told[GROUP_MAX];

static void average_told(struct policy_cpu *queue, uint64_t average, uint64_t now_ns)
{
	for (uint32_t i = 0; i < GROUP_MAX; i++)
		if (queue == group_queue(told_cpu, i))
			told[i] = average;
	policy_eevdf.set_average(queue, average, now_ns);
}

static void tell(struct world *world, uint64_t average)
{
	for (uint32_t i = 0; i < GROUP_MAX; i++)
		told[i] = NOT_TOLD;
	told_cpu = world->cpu[0];
	told_base = policy_eevdf;
	told_base.set_average = average_told;
	told_cpu->base = &told_base;
	world->bench[0]->ops->set_average(bench_cpu(world->bench[0]), average, 0);
}

static void full_set(struct world *world, uint32_t index, uint64_t full)
{
	world->machine.group[index].full = full << GROUP_FULL_SHIFT;
}

/* Group 1 has a thread here, group 2 none. */
static struct world *two_groups(void)
{
	struct world *world = world_make(&policy_eevdf, 1);
	const group_id_t one = world_group(world, 0, 1024, 0, 0);
	const group_id_t two = world_group(world, 0, 1024, 0, 0);

	world_put(world->bench[0], 0, one, 1024);
	cr_assert_eq(group_node_ready(world->cpu[0], two, 0), 2);
	full_set(world, 0, 2000);
	full_set(world, 1, 600);
	full_set(world, 2, 400);
	return world;
}

/* Whose CPU it is stands still; who is elsewhere has time go on. */
Test(group_account, average_of_a_cpu_that_nobody_shares)
{
	struct world *world = two_groups();

	tell(world, 0);
	cr_assert_eq(told[0], 2000, "none of the root's own is here");
	cr_assert_eq(told[1], 0);
	cr_assert_eq(told[2], 400);
	cr_assert_eq(told[3], NOT_TOLD);
	world_put(world->bench[0], 1, 0, 1024);
	tell(world, 0);
	cr_assert_eq(told[0], 0);
	world_free(world);
}

/* The root's is the one that is told, and the others are as that is to what was solved. */
Test(group_account, average_of_a_shared_cpu)
{
	struct world *world = two_groups();

	tell(world, 1000);
	cr_assert_eq(told[0], 1000);
	cr_assert_eq(told[1], 300);
	cr_assert_eq(told[2], 200);
	full_set(world, 0, 0);
	tell(world, 1000);
	cr_assert_eq(told[1], 600, "not known in what proportion");
	world_free(world);
}

/* Each block of CPUs has its own. */
Test(group_account, average_where_masks_bind)
{
	struct world *world = two_groups();

	world->machine.blocked = 1;
	world->machine.blocks[0].full[0][0] = 1600 << GROUP_FULL_SHIFT;
	world->machine.blocks[0].full[0][1] = 500 << GROUP_FULL_SHIFT;
	tell(world, 1000);
	cr_assert_eq(told[0], 1600);
	cr_assert_eq(told[1], 500);
	cr_assert_eq(told[2], NOT_TOLD, "not known");
	world_free(world);
}

static struct policy_info info_of(struct group_cpu *cpu, uint32_t index)
{
	struct policy_info info;

	cpu->base->query(group_queue(cpu, cpu->node[index].parent), group_entity(cpu, index),
			 &info);
	return info;
}

static int64_t member_owed_ns(const struct world *world, const struct policy_thread *thread)
{
	struct group_spare out[8];
	const uint32_t count = group_members(bench_cpu(world->bench[0]), out, 8);

	for (uint32_t i = 0; i < count; i++)
		if (out[i].spare.thread == thread)
			return out[i].spare.owed_ns;
	cr_assert(false, "not listed");
	return 0;
}

/* What the entities above a thread are owed is no debt of the machine's: each level's part by weight. */
Test(group_account, what_is_owed_leaves_out_the_lags_above)
{
	struct world *world = world_make(&policy_eevdf, 1);
	struct group_cpu *cpu = world->cpu[0];
	const group_id_t outer = world_group(world, 0, 1024, 0, 0);
	const group_id_t inner = world_group(world, outer, 2048, 0, 0);

	world_put(world->bench[0], 0, inner, 1024);
	world_put(world->bench[0], 1, outer, 1024);
	world_put(world->bench[0], 2, 0, 1024);

	const struct policy_thread *thread = bench_thread(world->bench[0], 0);

	full_set(world, group_index(inner), 512);

	const int64_t before_ns = member_owed_ns(world, thread);

	group_entity_owe(cpu, group_index(outer), 9 * (int64_t)MS, 0);
	group_entity_owe(cpu, group_index(inner), 3 * (int64_t)MS, 0);

	const struct policy_info above = info_of(cpu, group_index(outer));
	const struct policy_info here = info_of(cpu, group_index(inner));
	const int64_t owed_ns = above.lag_ns.whole * cpu->node[group_index(inner)].weight /
					(int64_t)here.weight +
				here.lag_ns.whole;

	cr_assert_gt(above.lag_ns.whole, (int64_t)MS);
	cr_assert_gt(here.weight, cpu->node[group_index(inner)].weight,
		     "another one is in the queue");
	cr_assert_leq(llabs(member_owed_ns(world, thread) - (before_ns - owed_ns * 512 / 1024)), 1);
	world_free(world);
}
