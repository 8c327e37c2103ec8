/* SPDX-License-Identifier: BSD-2-Clause */
/* Ideal shares with groups: water filling from the root down.  See ideal_share.h. */
#include <base/ideal_share.h>
#include <base/math.h>
#include <base/nice.h>

struct tree {
	struct ideal_task *tasks;
	uint32_t count;
	struct ideal_group *groups;
	uint32_t group_count;
	struct cpumask machine;
	bool masked; /* some mask excludes a CPU of the machine */
};

static enum error tree_check(struct tree *tree)
{
	for (uint32_t i = 0; i < tree->group_count; i++) {
		const struct ideal_group *group = &tree->groups[i];

		if (group->parent > i || group->weight == 0 || group->weight > WEIGHT_LARGEST)
			return ERR_ARG;
	}
	for (uint32_t i = 0; i < tree->count; i++) {
		const struct ideal_task *task = &tree->tasks[i];
		struct cpumask mask = cpumask_and(task->cpus, tree->machine);

		if (task->group > tree->group_count || task->weight == 0 ||
		    task->weight > WEIGHT_LARGEST || task->cap > IDEAL_ONE)
			return ERR_ARG;
		tree->masked = tree->masked || !cpumask_equal(&mask, &tree->machine);
	}
	return ERR_OK;
}

static uint64_t task_limit(const struct tree *tree, const struct ideal_task *task)
{
	struct cpumask mask = cpumask_and(task->cpus, tree->machine);

	if (cpumask_empty(&mask))
		return 0;
	return task->cap == 0 ? IDEAL_ONE : task->cap;
}

/* From the leaves up: what each group can use. */
static void limits_set(struct tree *tree)
{
	for (uint32_t i = 0; i < tree->group_count; i++)
		tree->groups[i].limit = 0;
	for (uint32_t i = 0; i < tree->count; i++)
		if (tree->tasks[i].group != 0)
			tree->groups[tree->tasks[i].group - 1].limit += task_limit(tree,
										   &tree->tasks[i]);
	for (uint32_t i = tree->group_count; i-- > 0;) {
		struct ideal_group *group = &tree->groups[i];

		if (group->cap != 0)
			group->limit = min_u64(group->limit, group->cap);
		if (group->parent != 0)
			tree->groups[group->parent - 1].limit += group->limit;
	}
}

/* One round among the members of `parent` that are not fixed: those at their limit are fixed, or all. */
struct round {
	uint64_t left;   /* rate to share */
	uint64_t weight; /* of those that share it */
	bool full;       /* nobody is at a limit any more */
};

static void member_share(struct round *round, uint32_t weight, uint64_t limit, bool *fixed,
			 uint64_t *rate, struct round *next)
{
	/* weight <= 2^20, left <= 2^40. */
	const uint64_t part = weight * round->left / round->weight;

	if (*fixed)
		return;
	if (!round->full && part < limit) {
		next->weight += weight;
		return;
	}
	*rate = min_u64(part, limit);
	*fixed = true;
	next->left -= *rate;
}

static void members_share(struct tree *tree, uint32_t parent, uint64_t rate)
{
	struct round round = {.left = rate};

	for (uint32_t i = 0; i < tree->group_count; i++)
		if (tree->groups[i].parent == parent)
			round.weight += tree->groups[i].weight;
	for (uint32_t i = 0; i < tree->count; i++)
		if (tree->tasks[i].group == parent)
			round.weight += tree->tasks[i].weight;
	while (round.weight != 0) {
		struct round next = {.left = round.left};

		for (uint32_t i = 0; i < tree->group_count; i++)
			if (tree->groups[i].parent == parent)
				member_share(&round, tree->groups[i].weight, tree->groups[i].limit,
					     &tree->groups[i].fixed, &tree->groups[i].rate, &next);
		for (uint32_t i = 0; i < tree->count; i++)
			if (tree->tasks[i].group == parent)
				member_share(&round, tree->tasks[i].weight,
					     task_limit(tree, &tree->tasks[i]),
					     &tree->tasks[i].fixed, &tree->tasks[i].rate, &next);
		/* Nobody was held back by a limit: what they have now is it. */
		next.full = next.weight == round.weight;
		if (round.full)
			return;
		round = next;
	}
}

static bool capped(const struct tree *tree, uint32_t group)
{
	for (; group != 0; group = tree->groups[group - 1].parent)
		if (tree->groups[group - 1].cap != 0)
			return true;
	return false;
}

/* Rates of a machine without masks become weights of one with masks. */
static enum error masks_share(struct tree *tree, uint32_t cpus, struct ideal_class *classes,
			      uint32_t classes_max)
{
	for (uint32_t i = 0; i < tree->count; i++) {
		struct ideal_task *task = &tree->tasks[i];
		const uint64_t rate = max_u64(task->rate, 1);

		/* 2^20, the largest weight, for a whole CPU. */
		task->weight = (uint32_t)max_u64(1, rate >> 12);
		if (capped(tree, task->group))
			task->cap = rate;
	}
	return ideal_share(tree->tasks, tree->count, cpus, classes, classes_max);
}

enum error ideal_share_groups(struct ideal_task *tasks, uint32_t count, struct ideal_group *groups,
			      uint32_t group_count, uint32_t cpus, struct ideal_class *classes,
			      uint32_t classes_max)
{
	struct tree tree = {
		.tasks = tasks, .count = count, .groups = groups, .group_count = group_count};
	enum error error;
	uint64_t rate = 0;

	if (group_count == 0)
		return ideal_share(tasks, count, cpus, classes, classes_max);
	if (cpus == 0 || cpus > CPUS_MAX)
		return ERR_ARG;
	tree.machine = cpumask_first(cpus);
	error = tree_check(&tree);
	if (error != ERR_OK)
		return error;
	limits_set(&tree);
	for (uint32_t i = 0; i < count; i++)
		tasks[i].fixed = false;
	for (uint32_t i = 0; i < group_count; i++)
		groups[i].fixed = false;
	members_share(&tree, 0, (uint64_t)cpus * IDEAL_ONE);
	for (uint32_t i = 0; i < group_count; i++)
		members_share(&tree, i + 1, groups[i].rate);
	if (tree.masked)
		error = masks_share(&tree, cpus, classes, classes_max);
	/* What its members have in the end. */
	for (uint32_t i = 0; i < group_count; i++)
		groups[i].rate = 0;
	for (uint32_t i = 0; i < count; i++)
		if (tasks[i].group != 0)
			groups[tasks[i].group - 1].rate += tasks[i].rate;
	for (uint32_t i = group_count; i-- > 0;) {
		rate = groups[i].rate;
		if (groups[i].parent != 0)
			groups[groups[i].parent - 1].rate += rate;
	}
	return error;
}
