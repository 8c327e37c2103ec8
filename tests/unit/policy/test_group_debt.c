/* SPDX-License-Identifier: BSD-2-Clause */
/* What a thread takes along of the lags above it: each level's part, computed here by hand. */
#include "group_world.h"

#define OWED_NS_MAX ((int64_t)POLICY_SLICE_NS_MAX)

/* Threads 0 and 1 in `inner`, 2 beside it in `outer`, 3 in the root; `empty` has nobody. */
struct tree {
	struct world *world;
	struct group_cpu *cpu;
	uint32_t outer, inner, empty;
};

static struct tree tree_make(void)
{
	struct world *world = world_make(&policy_eevdf, 1);
	const group_id_t outer = world_group(world, 0, 1024, 0, 0);
	const group_id_t inner = world_group(world, outer, 2048, 0, 0);
	const group_id_t empty = world_group(world, 0, 1024, 0, 0);
	const struct tree tree = {world, world->cpu[0], group_index(outer), group_index(inner),
				  group_index(empty)};

	world_put(world->bench[0], 0, inner, 1024);
	world_put(world->bench[0], 1, inner, 3072);
	world_put(world->bench[0], 2, outer, 1024);
	world_put(world->bench[0], 3, 0, 1024);
	cr_assert_eq(group_node_ready(world->cpu[0], empty, 0), tree.empty);
	return tree;
}

static struct policy_migration with_lag(enum policy_state state, int64_t lag_ns)
{
	const int128_t lag = (int128_t)lag_ns * ((int128_t)1 << POLICY_LAG_BITS);

	return (struct policy_migration){
		.state = state, .lag_whole = (int64_t)(lag >> 64), .lag_low = (uint64_t)lag};
}

static int64_t entity_lag_ns(const struct tree *tree, uint32_t index)
{
	struct policy_info info;

	tree->cpu->base->query(group_queue(tree->cpu, tree->cpu->node[index].parent),
			       group_entity(tree->cpu, index), &info);
	return info.lag_ns.whole;
}

/* A quarter of the inner group, which is a fifth as heavy as all of the outer one. */
static const struct group_part parts[] = {{4 * (int64_t)MS, 10240}, {50 * (int64_t)MS, 2048}};

static void take(const struct tree *tree, uint32_t index, uint64_t before, uint64_t after,
		 struct policy_migration *move)
{
	group_parts_take(tree->cpu, index, before, after, parts, 2, move, 0);
}

Test(group_debt, each_level_gives_its_part_by_weight)
{
	struct tree tree = tree_make();
	struct policy_migration move = with_lag(POLICY_OUT, 7 * (int64_t)MS);

	take(&tree, tree.inner, 4096, 3072, &move);
	/* A quarter of 4 ms. */
	cr_assert_eq(move.above_ns[0], (int64_t)MS);
	/* And of 50 ms a quarter of 2048/10240. */
	cr_assert_eq(move.above_ns[1], (int64_t)MS + 5 * (int64_t)MS / 2);
	world_free(tree.world);
}

Test(group_debt, who_waits_has_a_lag_of_its_own)
{
	struct tree tree = tree_make();
	struct policy_migration move = with_lag(POLICY_QUEUED, -7 * (int64_t)MS);

	take(&tree, tree.inner, 4096, 3072, &move);
	cr_assert_eq(move.above_ns[0], -6 * (int64_t)MS);
	cr_assert_eq(move.above_ns[1], -6 * (int64_t)MS + 5 * (int64_t)MS / 2);
	world_free(tree.world);
}

Test(group_debt, what_is_left_empty_gives_all)
{
	struct tree tree = tree_make();
	struct policy_migration move = with_lag(POLICY_OUT, 0);

	group_parts_take(tree.cpu, tree.empty, 4096, 3072, parts, 1, &move, 0);
	cr_assert_eq(move.above_ns[0], 4 * (int64_t)MS);
	world_free(tree.world);
}

/* It slept, and so does everybody else of its group: it is no part of anything. */
Test(group_debt, who_weighs_nothing_takes_nothing)
{
	struct tree tree = tree_make();
	struct policy_migration move = with_lag(POLICY_OUT, 0);

	take(&tree, tree.inner, 0, 0, &move);
	cr_assert_eq(move.above_ns[0], 0);
	cr_assert_eq(move.above_ns[1], 0);
	world_free(tree.world);
}

Test(group_debt, nobody_takes_more_than_a_bound)
{
	struct tree tree = tree_make();

	for (int64_t sign = -1; sign <= 1; sign += 2) {
		struct policy_migration move = with_lag(POLICY_QUEUED, sign * 5 * OWED_NS_MAX);

		take(&tree, tree.inner, 4096, 3072, &move);
		cr_assert_eq(move.above_ns[0], sign * OWED_NS_MAX);
	}
	world_free(tree.world);
}

/* What goes with the thread is not there any more. */
Test(group_debt, the_entity_keeps_the_rest)
{
	struct tree tree = tree_make();
	struct policy_migration move = with_lag(POLICY_OUT, 0);
	const int64_t inner_ns = entity_lag_ns(&tree, tree.inner);
	const int64_t outer_ns = entity_lag_ns(&tree, tree.outer);

	take(&tree, tree.inner, 4096, 3072, &move);
	assert_near((double)entity_lag_ns(&tree, tree.inner), (double)(inner_ns - move.above_ns[0]),
		    1.0);
	assert_near((double)entity_lag_ns(&tree, tree.outer), (double)(outer_ns - move.above_ns[1]),
		    1.0);
	cr_assert_eq(group_check(bench_cpu(tree.world->bench[0])), 0);
	world_free(tree.world);
}

/* Below a microsecond it stays, for it is not worth the moving. */
Test(group_debt, what_is_next_to_nothing_stays)
{
	struct tree tree = tree_make();
	const int64_t lag_ns = entity_lag_ns(&tree, tree.outer);

	group_entity_owe(tree.cpu, tree.outer, 999, 0);
	group_entity_owe(tree.cpu, tree.outer, -999, 0);
	group_entity_owe(tree.cpu, tree.outer, -999, 0);
	cr_assert_eq(entity_lag_ns(&tree, tree.outer), lag_ns);
	group_entity_owe(tree.cpu, tree.outer, 1000, 0);
	assert_near((double)entity_lag_ns(&tree, tree.outer), (double)(lag_ns + 1000), 1.0);
	group_entity_owe(tree.cpu, tree.outer, -1000, 0);
	assert_near((double)entity_lag_ns(&tree, tree.outer), (double)lag_ns, 2.0);
	world_free(tree.world);
}
