/* SPDX-License-Identifier: BSD-2-Clause */
/* Who of a capped group gets its runtime. */
#include "group_world.h"

Test(group_caps, cap_over_two_cpus)
{
	struct world *world = world_make(&policy_eevdf, 2);
	const group_id_t group = world_group(world, 0, 1024, 60 * MS, 100 * MS);

	for (uint32_t cpu = 0; cpu < 2; cpu++) {
		world_put(world->bench[cpu], 0, group, 1024);
		world_put(world->bench[cpu], 1, 0, 1024);
	}
	world_run_both(world, SECOND);
	assert_near(world_used(world->bench[0], 0) + world_used(world->bench[1], 0), 600.0 * MS,
		    6.0 * MS);
	world_free(world);
}

/* One thread on each CPU, alone but for `hogs` of the root on the first: who comes first gets no more than
 * its part. */
static void share_a_cap(uint32_t hogs, uint64_t period_ns, double heavy, double light)
{
	struct world *world = world_make(&policy_eevdf, 2);
	const group_id_t group = world_group(world, 0, 1024, period_ns, period_ns);

	world_put(world->bench[0], 0, group, 3072);
	world_put(world->bench[1], 1, group, 1024);
	for (uint32_t i = 0; i < hogs; i++)
		world_put(world->bench[0], 2 + i, 0, 1024);
	group_cpu_refresh(world->cpu[0], 0);
	for (uint64_t at_ns = MS / 4; at_ns <= 2 * SECOND; at_ns += MS / 4)
		for (uint32_t cpu = 0; cpu < 2; cpu++)
			world_run_until(world->bench[cpu], at_ns);
	assert_near(world_used(world->bench[0], 0), heavy * 2e9, 0.01 * 2e9);
	assert_near(world_used(world->bench[1], 1), light * 2e9, 0.01 * 2e9);
	world_free(world);
}

Test(group_caps, a_cap_is_shared_by_weight_over_cpus)
{
	share_a_cap(0, 10 * MS, 0.75, 0.25);
	share_a_cap(0, 100 * MS, 0.75, 0.25);
}

/* The group weighs 768 beside three hogs on the first CPU, so it gets a fifth of it. */
Test(group_caps, what_one_cpu_cannot_use_of_a_cap_another_does)
{
	share_a_cap(3, 100 * MS, 0.2, 0.8);
}

/* 8 % of a CPU by weight, in turns of 3 ms every 36 ms; 5 % by its cap, in each period. */
Test(group_caps, a_small_cap_has_its_turn_in_each_period)
{
	struct world *world = world_make(&policy_eevdf, 1);

	world_put(world->bench[0], 0, world_group(world, 0, 1024, 500000, 10 * MS), 1024);
	for (uint32_t tid = 1; tid < 12; tid++)
		world_put(world->bench[0], tid, 0, 1024);
	world_run_until(world->bench[0], SECOND);
	assert_near(world_used(world->bench[0], 0), 50.0 * MS, 0.5 * MS);
	world_free(world);
}
