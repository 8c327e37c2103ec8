/* SPDX-License-Identifier: BSD-2-Clause */
/* Ideal rates of groups on a machine: see fair.h. */
#include "fair.h"

#define EFFECTIVE_DROP (FAIR_RATE_SHIFT + GROUP_FULL_SHIFT - GROUP_EFFECTIVE_SHIFT)
#define ROUNDS_MAX     64u /* each fixes a member at least; more than a few are rare */

static void members_list(struct fair *fair)
{
	for (uint32_t i = 0; i < GROUP_MAX; i++) {
		fair->group[i].first_thread = FAIR_NOBODY;
		fair->group[i].first_group = FAIR_NOBODY;
	}
	for (uint32_t i = 1; i < GROUP_MAX; i++) {
		struct fair_group *group = &fair->group[i];

		if (!group->used)
			continue;
		group->next = fair->group[group->parent].first_group;
		fair->group[group->parent].first_group = i;
	}
	for (uint32_t i = 0; i < fair->threads; i++) {
		struct fair_thread *thread = &fair->thread[i];

		thread->next = fair->group[thread->group].first_thread;
		fair->group[thread->group].first_thread = i;
	}
}

static void limit_find(struct fair *fair, struct fair_group *group)
{
	uint64_t limit = group->rest_count * FAIR_RATE_ONE;

	for (uint32_t i = group->first_thread; i != FAIR_NOBODY; i = fair->thread[i].next)
		limit += FAIR_RATE_ONE;
	for (uint32_t i = group->first_group; i != FAIR_NOBODY; i = fair->group[i].next)
		limit += fair->group[i].limit;
	group->capped = group->cap != 0 && group->cap < limit;
	if (group->capped)
		limit = group->cap;
	group->limit = min_u64(limit, fair->cpus * FAIR_RATE_ONE);
}

/* Among the members that have no rate yet: those at their limit get it. */
struct round {
	uint64_t left;   /* rate to share */
	uint64_t weight; /* of those that share it */
	bool last;       /* nobody is at a limit */
	uint64_t full;   /* where all were: of who came to it last, which is the least */
	struct {
		uint64_t left, weight;
	} next;
};

static void member_share(struct round *round, uint64_t weight, uint64_t limit, bool *fixed,
			 uint64_t *rate)
{
	/* weight < 2^34, left <= 2^30. */
	const uint64_t part = weight * round->left / round->weight;

	if (*fixed)
		return;
	*rate = part;
	if (round->last || part < limit || limit == 0)
		return;
	*rate = limit;
	*fixed = true;
	round->next.left -= min_u64(limit, round->next.left);
	round->next.weight -= weight;
	round->full = (weight << (FAIR_RATE_SHIFT + GROUP_FULL_SHIFT)) / limit;
}

static void members_share(struct fair *fair, struct fair_group *group, struct round *round)
{
	if (group->rest_weight != 0) {
		uint64_t rate;

		member_share(round, group->rest_weight, group->rest_count * FAIR_RATE_ONE,
			     &group->rest_fixed, &rate);
	}
	for (uint32_t i = group->first_thread; i != FAIR_NOBODY; i = fair->thread[i].next) {
		struct fair_thread *thread = &fair->thread[i];

		member_share(round, thread->weight, FAIR_RATE_ONE, &thread->fixed, &thread->rate);
	}
	for (uint32_t i = group->first_group; i != FAIR_NOBODY; i = fair->group[i].next) {
		struct fair_group *child = &fair->group[i];

		if (child->limit != 0)
			member_share(round, child->weight, child->limit, &child->fixed,
				     &child->rate);
	}
}

static uint64_t members_open(struct fair *fair, struct fair_group *group)
{
	uint64_t weight = group->rest_weight;

	group->rest_fixed = false;
	for (uint32_t i = group->first_thread; i != FAIR_NOBODY; i = fair->thread[i].next) {
		fair->thread[i].fixed = false;
		fair->thread[i].rate = 0;
		weight += fair->thread[i].weight;
	}
	for (uint32_t i = group->first_group; i != FAIR_NOBODY; i = fair->group[i].next) {
		fair->group[i].fixed = false;
		fair->group[i].rate = 0;
		if (fair->group[i].limit != 0)
			weight += fair->group[i].weight;
	}
	return weight;
}

static void group_share(struct fair *fair, struct fair_group *group)
{
	struct round round = {
		.left = min_u64(group->rate, group->limit),
		.weight = members_open(fair, group),
		.full = UINT64_MAX,
	};

	group->rate = round.left;
	group->full = 0;
	for (uint32_t i = 0; i < ROUNDS_MAX && round.weight != 0 && round.left != 0; i++) {
		round.next.left = round.left;
		round.next.weight = round.weight;
		members_share(fair, group, &round);
		if (round.next.weight == round.weight)
			break;
		round.left = round.next.left;
		round.weight = round.next.weight;
	}
	if (round.weight != 0 && round.left != 0)
		group->full = (round.weight << (FAIR_RATE_SHIFT + GROUP_FULL_SHIFT)) / round.left;
	else if (round.full != UINT64_MAX)
		group->full = round.full;
	for (uint32_t i = group->first_group; i != FAIR_NOBODY; i = fair->group[i].next) {
		struct fair_group *child = &fair->group[i];
		const uint64_t used = child->rate * group->full >> EFFECTIVE_DROP;

		/* Who is not at its limit has all that its weight says.  With a cap a quarter more than
		 * is used: it is used up by the end of the period, also where a CPU is too full. */
		child->effective = (uint64_t)child->weight << GROUP_EFFECTIVE_SHIFT;
		if (child->fixed && !child->capped)
			child->effective = min_u64(child->effective, used);
		else if (child->fixed)
			child->effective = min_u64(child->effective, used + used / 4);
		child->effective = child->limit == 0 ? 0 : max_u64(child->effective, 1);
	}
}

void fair_solve(struct fair *fair)
{
	members_list(fair);
	for (uint32_t depth = GROUP_DEPTH_MAX + 1; depth-- > 0;)
		for (uint32_t i = 0; i < GROUP_MAX; i++)
			if (fair->group[i].used && fair->group[i].depth == depth)
				limit_find(fair, &fair->group[i]);
	fair->group[0].rate = fair->cpus * FAIR_RATE_ONE;
	for (uint32_t depth = 0; depth <= GROUP_DEPTH_MAX; depth++)
		for (uint32_t i = 0; i < GROUP_MAX; i++)
			if (fair->group[i].used && fair->group[i].depth == depth)
				group_share(fair, &fair->group[i]);
}
