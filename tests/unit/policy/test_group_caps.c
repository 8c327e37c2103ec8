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

/* The same in a group that could have more, whose turn it takes; and with half of it. */
Test(group_caps, a_small_cap_has_its_turn_below_another_group)
{
	struct world *world = world_make(&policy_eevdf, 1);
	const group_id_t upper = world_group(world, 0, 1024, 0, 0);
	const group_id_t lower = world_group(world, upper, 1024, 500000, 10 * MS);
	const struct group_config half = {upper, 1024, 250000, 10 * MS};
	const struct group_node *node = &world->cpu[0]->node[group_index(upper)];

	world_put(world->bench[0], 0, lower, 1024);
	for (uint32_t tid = 1; tid < 12; tid++)
		world_put(world->bench[0], tid, 0, 1024);
	world_run_until(world->bench[0], SECOND);
	assert_near(world_used(world->bench[0], 0), 50.0 * MS, 0.5 * MS);
	cr_assert_leq(node->slice_ns, 500000);
	cr_assert_eq(group_set(&world->machine, lower, &half), ERR_OK);
	world_run_until(world->bench[0], 2 * SECOND);
	assert_near(world_used(world->bench[0], 0), 75.0 * MS, 1.0 * MS);
	cr_assert_leq(node->slice_ns, 250000);
	/* A thread of its own has turns as elsewhere. */
	world_put(world->bench[0], 20, upper, 1024);
	cr_assert_eq(node->slice_ns, POLICY_SLICE_NS_DEFAULT);
	world_free(world);
}

/* Pool of a group on a machine without CPUs: what one after another takes. */
static struct group_machine *pool_make(uint64_t quota_ns, uint64_t period_ns)
{
	const struct group_config config = {0, 1024, quota_ns, period_ns};
	static struct group_record record[GROUP_MAX];
	struct group_machine *machine = calloc(1, sizeof(*machine));
	group_id_t id = 0;

	group_machine_start(machine, 4, 0, record);
	cr_assert_eq(group_create(machine, &config, &id), ERR_OK);
	cr_assert_eq(group_index(id), 1);
	return machine;
}

static uint64_t pool_take(struct group_machine *machine, uint64_t at_ns)
{
	return group_pool_take(machine, 1, SECOND, at_ns);
}

Test(group_caps, what_is_left_of_a_period_is_carried_into_the_next)
{
	struct group_machine *machine = pool_make(20 * MS, 40 * MS);

	/* None before the first; of 8 ms at most, which is 4. */
	cr_assert_eq(group_pool_taken(machine, 1, 0), 0);
	cr_assert_eq(group_pool_take(machine, 1, 17 * MS, 0), 17 * MS);
	cr_assert_eq(group_pool_taken(machine, 1, 0), 17 * (int64_t)MS);
	cr_assert_eq(group_pool_taken(machine, 1, 40 * MS), -3 * (int64_t)MS);
	cr_assert_eq(group_pool_take(machine, 1, 10 * MS, 40 * MS), 10 * MS);
	cr_assert_eq(group_pool_taken(machine, 1, 80 * MS), -4 * (int64_t)MS);
	cr_assert_eq(pool_take(machine, 80 * MS), 24 * MS);
	cr_assert_eq(pool_take(machine, 80 * MS), 0);
	cr_assert_eq(pool_take(machine, 120 * MS), 20 * MS);
	/* Nobody took anything for a whole period. */
	cr_assert_eq(pool_take(machine, 240 * MS), 20 * MS);
	free(machine);
}

Test(group_caps, no_more_than_a_period_is_carried)
{
	struct group_machine *machine = pool_make(MS, 2 * MS);

	for (uint64_t at_ns = 0; at_ns < 20 * MS; at_ns += 2 * MS)
		cr_assert_eq(group_pool_take(machine, 1, MS / 10, at_ns), MS / 10);
	cr_assert_eq(pool_take(machine, 20 * MS), 2 * MS);
	free(machine);
}

Test(group_caps, what_a_cpu_gives_back_late_is_carried)
{
	struct group_machine *machine = pool_make(20 * MS, 40 * MS);

	cr_assert_eq(pool_take(machine, 0), 20 * MS);
	group_pool_give(machine, 1, 2 * MS);
	cr_assert_eq(pool_take(machine, 40 * MS), 22 * MS);
	group_pool_give(machine, 1, MS);
	cr_assert_eq(pool_take(machine, 40 * MS), MS);
	free(machine);
}

Test(group_caps, a_smaller_quota_is_not_paid_for_with_that_of_later)
{
	struct group_machine *machine = pool_make(20 * MS, 40 * MS);
	const struct group_config config = {0, 1024, MS, 40 * MS};

	cr_assert_eq(pool_take(machine, 0), 20 * MS);
	cr_assert_eq(group_set(machine, machine->group[1].id, &config), ERR_OK);
	cr_assert_eq(pool_take(machine, 40 * MS), MS);
	free(machine);
}

/* A thread of a group that has something to catch up on gets more where there is more. */
Test(group_caps, who_is_behind_is_not_limited_by_its_cap)
{
	struct world *world = world_make(&policy_eevdf, 2);
	const uint32_t index = group_index(world_group(world, 0, 1024, 20 * MS, 40 * MS));

	world->machine.group[index].bound = 1;
	cr_assert_eq(group_pool_take(&world->machine, index, 19 * MS, 0), 19 * MS);
	cr_assert(group_bound(world->cpu[0], index));
	/* 1 of at most 4 ms is carried; then 3. */
	cr_assert_eq(group_pool_take(&world->machine, index, 18 * MS, 40 * MS), 18 * MS);
	cr_assert(group_bound(world->cpu[0], index));
	cr_assert_eq(group_pool_take(&world->machine, index, 23 * MS, 80 * MS), 23 * MS);
	cr_assert_eq(group_bound(world->cpu[0], index), false);
	cr_assert_eq(group_pool_take(&world->machine, index, 20 * MS, 120 * MS), 20 * MS);
	cr_assert(group_bound(world->cpu[0], index));
	world_free(world);
}

/* Half of 20 ms each, half of that at once: a quota is no reason to come again in the same period. */
static struct world *take_two_cpus(void)
{
	struct world *world = world_make(&policy_eevdf, 2);
	const group_id_t group = world_group(world, 0, 1024, 20 * MS, 40 * MS);

	for (uint32_t cpu = 0; cpu < 2; cpu++)
		world_put(world->bench[cpu], 0, group, 1024);
	return world;
}

static uint64_t take(struct world *world, uint64_t at_ns)
{
	uint64_t retry_ns = 0;
	const uint64_t got_ns = group_part_take(world->cpu[0], 1, 10 * MS, at_ns, &retry_ns);

	cr_assert_gt(retry_ns, at_ns);
	return got_ns;
}

Test(group_caps, a_part_of_a_period_is_there_once)
{
	struct world *world = take_two_cpus();

	cr_assert_eq(take(world, 40 * MS), 5 * MS);
	cr_assert_eq(take(world, 40 * MS), 0);
	/* A quarter more of its part by now; and so on in the next period. */
	cr_assert_eq(take(world, 60 * MS), 5 * MS / 2);
	cr_assert_eq(take(world, 80 * MS), 15 * MS / 2, "a quarter of a part is carried");
	world_free(world);
}

/* More than its part to pay a debt: a quarter of a part of that is paid for in the next period. */
Test(group_caps, who_took_more_than_its_part_has_a_little_less_in_the_next)
{
	struct world *world = take_two_cpus();

	world->cpu[0]->node[1].runtime_ns = -(int64_t)(11 * MS);
	cr_assert_eq(take(world, 40 * MS), 16 * MS);
	world->cpu[0]->node[1].runtime_ns = 0;
	cr_assert_eq(take(world, 80 * MS), 5 * MS / 2);
	world_free(world);
}
