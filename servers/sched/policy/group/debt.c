/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a thread takes along of the lags of the entities above it, when it moves to another CPU.
 *
 * Were there no groups, all that it is owed would be its own lag, and travel.  Here a part lies in the
 * entities: of each level its part by weight.  A light group's thread that leaves it behind has a new turn
 * on each CPU that it comes to (measured: 20 to 50 times its share at 20 migrations a second).
 */
#include "group.h"

/* Far more than lags are: entities have requests of 3 ms. */
#define OWED_NS_MAX ((int64_t)POLICY_SLICE_NS_MAX)
#define OWED_NS_MIN 1000 /* less than that is not worth the moving */

uint32_t group_path_parts(struct group_cpu *cpu, uint32_t index,
			  struct group_part part[GROUP_DEPTH_MAX])
{
	uint32_t count = 0;

	for (; index != 0; index = cpu->node[index].parent) {
		struct policy_info info;

		cpu->base->query(group_queue(cpu, cpu->node[index].parent),
				 group_entity(cpu, index), &info);
		part[count++] = (struct group_part){info.lag_ns.whole, info.weight};
	}
	return count;
}

static int64_t part_of(int64_t owed_ns, uint64_t mine, uint64_t all)
{
	uint64_t rest;

	return all == 0 ? 0
			: int128_to_i64(int128_divide_floor((int128_t)owed_ns * (int128_t)mine, all,
							    &rest));
}

static int64_t own_lag_ns(const struct policy_migration *move)
{
	const int128_t lag = int128_of_words((uint64_t)move->lag_whole, move->lag_low);

	return move->state == POLICY_QUEUED ? int128_to_i64(lag >> POLICY_LAG_BITS) : 0;
}

void group_parts_take(struct group_cpu *cpu, uint32_t index, uint64_t before, uint64_t after,
		      const struct group_part *part, uint32_t count, struct policy_migration *move,
		      uint64_t now_ns)
{
	/* The thread's part of the queue that it left. */
	uint64_t mine = before - after, all = before;
	int64_t owed_ns = own_lag_ns(move);

	for (uint32_t level = 0; level < count; level++) {
		const bool empty = group_queue_runnable(cpu, index, NULL) == 0;
		uint64_t rest;

		owed_ns += empty ? part[level].lag_ns : part_of(part[level].lag_ns, mine, all);
		owed_ns = bound_i64(owed_ns, OWED_NS_MAX);
		move->above_ns[level] = owed_ns;
		group_entity_owe(cpu, index, -owed_ns, now_ns);
		/* Its part of this entity is its part of what this entity is of the queue above. */
		if (all != 0)
			mine = (uint64_t)uint128_divide((uint128_t)mine * cpu->node[index].weight,
							all, &rest);
		all = part[level].weight;
		index = cpu->node[index].parent;
	}
}

void group_entity_owe(struct group_cpu *cpu, uint32_t index, int64_t more_ns, uint64_t now_ns)
{
	struct group_node *node = &cpu->node[index];
	struct policy_thread *entity = group_entity(cpu, index);
	struct policy_cpu *queue = group_queue(cpu, node->parent);
	struct policy_migration move;

	if (more_ns > -OWED_NS_MIN && more_ns < OWED_NS_MIN)
		return;
	cpu->base->migrate_out(queue, entity, &move, now_ns);

	const int128_t lag = int128_of_words((uint64_t)move.lag_whole, move.lag_low) +
			     (int128_t)more_ns * ((int128_t)1 << POLICY_LAG_BITS);

	move.lag_whole = (int64_t)(lag >> 64);
	move.lag_low = (uint64_t)lag;
	/* It is not RUNNING any more for the base, but still what was picked. */
	cpu->base->migrate_in(queue, entity, &move, now_ns);
}
