/* SPDX-License-Identifier: BSD-2-Clause */
/* Progressive filling down the tree, under affinity masks: see fill.h. */
#include "fill.h"

#define RATE_SHIFT  (FAIR_RATE_SHIFT + FILL_SHIFT)
#define SPEED_SHIFT 31u
#define NEAR_SHIFT  12u /* so near to where it stops, it stopped */
#define LEVEL_DROP  6u  /* of a rate, for level.h */
#define LEVEL_ONE   (FAIR_RATE_ONE >> LEVEL_DROP)
#define LEVEL_SLACK (LEVEL_ONE / 512u) /* less too much is none */
#define CLASS_MANY  UINT32_MAX         /* no thread is limited here: their sums are */
#define FULL_MAX    ((uint64_t)POLICY_WEIGHT_MAX << GROUP_FULL_SHIFT)

static uint64_t scale(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t rest;
	const uint128_t result = uint128_divide((uint128_t)a * b, c, &rest);

	return result > UINT64_MAX ? UINT64_MAX : (uint64_t)result;
}

/* ---- From the machine ------------------------------------------------------------------------ */

static void item_add(struct fill *fill, uint64_t weight, uint64_t one, uint32_t group,
		     uint32_t class)
{
	if (weight == 0 || one == 0)
		return;
	fill->item[fill->items++] = (struct fill_item){
		.weight = weight,
		.until = (UINT64_C(1) << RATE_SHIFT) / one,
		.group = (uint8_t)group,
		.class = (uint8_t) class,
	};
}

/* Threads that are not listed are taken for such as those of their group that are. */
static void items_take(struct fill *fill, const struct fair *fair)
{
	uint64_t listed[GROUP_MAX] = {0};

	fill->items = 0;
	for (uint32_t i = 0; i < fair->threads; i++)
		listed[fair->thread[i].group] += fair->thread[i].weight;
	for (uint32_t i = 0; i < fair->threads; i++) {
		const struct fair_thread *from = &fair->thread[i];
		const uint64_t rest = fair->group[from->group].rest_weight;

		item_add(fill, from->weight + scale(rest, from->weight, listed[from->group]),
			 from->weight, from->group, from->class);
	}
	for (uint32_t i = 0; i < GROUP_MAX; i++) {
		const struct fair_group *group = &fair->group[i];

		if (group->used && listed[i] == 0 && group->rest_count != 0)
			item_add(fill, group->rest_weight, group->rest_weight / group->rest_count,
				 i, 0);
	}
}

static void groups_take(struct fill *fill, const struct fair *fair)
{
	fill->groups = 0;
	for (uint32_t depth = 0; depth <= GROUP_DEPTH_MAX; depth++)
		for (uint32_t i = 0; i < GROUP_MAX; i++) {
			const struct fair_group *from = &fair->group[i];

			if (!from->used || from->depth != depth)
				continue;
			fill->order[fill->groups++] = (uint8_t)i;
			fill->group[i].cap = from->cap;
			fill->group[i].load = from->load;
			fill->group[i].weight = from->weight;
			fill->group[i].parent = (uint8_t)from->parent;
		}
}

static void block_begin(struct fill *fill)
{
	fill->set = fill->left;
	fill->checks = false;
	fill->sets = 0;
}

void fill_begin(struct fill *fill, const struct fair *fair, struct level_input *levels)
{
	items_take(fill, fair);
	groups_take(fill, fair);
	fill->blocks = 0;
	fill->left = cpumask_and(levels->online, cpumask_first(levels->cpus));
	for (uint32_t i = 0; i < LEVEL_CLASSES_MAX; i++)
		fill->class_block[i] = FILL_OPEN;
	for (uint32_t i = 0; i < CPUS_MAX; i++)
		fill->cpu_block[i] = 0;
	levels->known = 0;
	levels->mask[0] = fill->left;
	block_begin(fill);
}

/* ---- Rising ---------------------------------------------------------------------------------- */

static bool near(uint64_t now, uint64_t end)
{
	return now + (end >> NEAR_SHIFT) >= end;
}

static bool group_stopped(const struct fill *fill, uint32_t index)
{
	const uint64_t cap = fill->group[index].cap;

	return cap != 0 && near(fill->now.rate[index], cap);
}

static bool item_rises(const struct fill *fill, const struct fill_item *item)
{
	return fill->class_block[item->class] == FILL_OPEN &&
	       !near(fill->now.t[item->group], item->until);
}

static uint64_t item_rate(const struct fill *fill, const struct fill_item *item)
{
	const uint32_t block = fill->class_block[item->class];
	const struct fill_point *at = block == FILL_OPEN ? &fill->now : &fill->at[block];

	return item->weight * min_u64(at->t[item->group], item->until) >> FILL_SHIFT;
}

/* Has it all of its CPUs in the set, of those that are left? */
static bool class_inside(const struct fill *fill, const struct level_input *levels, uint32_t class,
			 const struct cpumask *set)
{
	const struct cpumask out = cpumask_and_not(cpumask_and(levels->mask[class], fill->left),
						   *set);

	return cpumask_empty(&out);
}

static void classes_inside(const struct fill *fill, const struct level_input *levels,
			   bool inside[LEVEL_CLASSES_MAX])
{
	for (uint32_t class = 0; class < LEVEL_CLASSES_MAX; class ++)
		inside[class] = fill->class_block[class] == FILL_OPEN &&
				levels->count[class] != 0 &&
				class_inside(fill, levels, class, &fill->set);
}

/* What rises in each group, and where the first of its threads stops.  Returns the rate of those in the
 * set. */
static uint64_t weights_open(struct fill *fill, const bool inside[LEVEL_CLASSES_MAX])
{
	uint64_t rate = 0;

	for (uint32_t i = 0; i < GROUP_MAX; i++) {
		fill->open[i] = 0;
		fill->inside[i] = 0;
		fill->next[i] = UINT64_MAX;
	}
	for (uint32_t i = 0; i < fill->items; i++) {
		const struct fill_item *item = &fill->item[i];

		if (inside[item->class])
			rate += item_rate(fill, item);
		if (!item_rises(fill, item))
			continue;
		fill->open[item->group] += item->weight;
		fill->inside[item->group] += inside[item->class] ? item->weight : 0;
		fill->next[item->group] = min_u64(fill->next[item->group], item->until);
	}
	for (uint32_t i = fill->groups; i-- > 1;) {
		const uint32_t index = fill->order[i];

		if (fill->open[index] != 0 && !group_stopped(fill, index))
			fill->open[fill->group[index].parent] += fill->group[index].weight;
	}
	return rate;
}

/* Of all groups, and of the threads in the set. */
static uint64_t speeds_set(struct fill *fill)
{
	uint64_t set = 0;

	fill->speed[0] = fill->open[0] != 0 ? UINT64_C(1) << SPEED_SHIFT : 0;
	for (uint32_t i = 0; i < fill->groups; i++) {
		const uint32_t index = fill->order[i];
		const uint32_t parent = fill->group[index].parent;

		if (i != 0)
			fill->speed[index] = fill->open[index] == 0 || group_stopped(fill, index)
						     ? 0
						     : fill->speed[parent] *
							       fill->group[index].weight /
							       fill->open[parent];
		if (fill->speed[index] != 0)
			set += scale(fill->speed[index], fill->inside[index], fill->open[index]);
	}
	return set;
}

/* The root's rate by which `rate` more is there at that speed. */
static uint64_t step_of(uint64_t rate, uint64_t speed)
{
	return scale(rate, UINT64_C(1) << SPEED_SHIFT, speed);
}

static uint64_t thread_step(const struct fill *fill, uint32_t index)
{
	const uint64_t more = fill->next[index] - fill->now.t[index];

	/* Nobody has more than the machine. */
	return fill->next[index] == UINT64_MAX
		       ? UINT64_MAX
		       : step_of(min_u64(scale(more, fill->open[index], UINT64_C(1) << FILL_SHIFT),
					 CPUS_MAX * FAIR_RATE_ONE),
				 fill->speed[index]);
}

static uint64_t next_step(const struct fill *fill)
{
	uint64_t step = UINT64_MAX;

	for (uint32_t i = 0; i < fill->groups; i++) {
		const uint32_t index = fill->order[i];
		const uint64_t cap = fill->group[index].cap;

		if (fill->speed[index] == 0)
			continue;
		step = min_u64(step, thread_step(fill, index));
		if (cap != 0)
			step = min_u64(step,
				       step_of(cap - fill->now.rate[index], fill->speed[index]));
	}
	return step;
}

static void rise(struct fill *fill, uint64_t step)
{
	for (uint32_t i = 0; i < fill->groups; i++) {
		const uint32_t index = fill->order[i];
		uint64_t *t = &fill->now.t[index];

		/* Too slow to be seen is not nobody. */
		if (*t == 0 && fill->open[index] != 0)
			*t = 1;
		if (fill->speed[index] == 0)
			continue;

		const uint64_t more = scale(fill->speed[index], step, UINT64_C(1) << SPEED_SHIFT);

		fill->now.rate[index] += more;
		*t += (more << FILL_SHIFT) / fill->open[index];
	}
}

/* From the last block until the set is full, or nobody rises. */
static void set_fill(struct fill *fill, const struct level_input *levels)
{
	const uint64_t room = cpumask_count(&fill->set) * FAIR_RATE_ONE;
	bool inside[LEVEL_CLASSES_MAX];

	if (fill->blocks == 0)
		fill->now = (struct fill_point){0};
	else
		fill->now = fill->at[fill->blocks - 1];
	classes_inside(fill, levels, inside);
	for (uint32_t event = 0; event < FILL_EVENTS_MAX; event++) {
		const uint64_t left = sub_saturate_u64(room, weights_open(fill, inside));
		const uint64_t speed = speeds_set(fill);

		if (speed == 0 || left == 0)
			return;

		const uint64_t full = step_of(left, speed);
		const uint64_t step = min_u64(next_step(fill), full);

		rise(fill, step);
		if (step == full)
			return;
	}
}

/* ---- Which set is full first ----------------------------------------------------------------- */

static void levels_set(struct fill *fill, struct level_input *levels)
{
	levels->online = fill->left;
	for (uint32_t class = 0; class < LEVEL_CLASSES_MAX; class ++) {
		levels->weight[class] = 0;
		levels->count[class] = 0;
	}
	for (uint32_t i = 0; i < fill->items; i++) {
		const struct fill_item *item = &fill->item[i];

		if (fill->class_block[item->class] != FILL_OPEN)
			continue;
		levels->weight[item->class] += item_rate(fill, item) >> LEVEL_DROP;
		levels->count[item->class] = CLASS_MANY;
	}
}

/* CPUs by level, the highest first. */
static uint32_t cpus_sort(const struct fill *fill, const struct level_state *state,
			  uint8_t order[CPUS_MAX])
{
	uint32_t count = 0;

	cpumask_for_each(cpu, &fill->left)
	{
		uint32_t at = count++;

		for (; at > 0 && state->level[order[at - 1]] < state->level[cpu]; at--)
			order[at] = order[at - 1];
		order[at] = (uint8_t)cpu;
	}
	return count;
}

/* Of the sets of CPUs with the highest levels the one that is too full by most; false: none is. */
static bool set_too_full(const struct fill *fill, const struct level_input *levels,
			 const struct level_state *state, struct cpumask *set)
{
	uint64_t ends[CPUS_MAX] = {0}, sum = 0, worst = LEVEL_ONE + LEVEL_SLACK;
	uint8_t order[CPUS_MAX], place[CPUS_MAX];
	const uint32_t count = cpus_sort(fill, state, order);
	uint32_t found = 0;

	for (uint32_t i = 0; i < count; i++)
		place[order[i]] = (uint8_t)i;
	for (uint32_t class = 0; class < LEVEL_CLASSES_MAX; class ++) {
		const struct cpumask here = cpumask_and(levels->mask[class], fill->left);
		uint32_t last = 0;

		if (levels->weight[class] == 0)
			continue;
		cpumask_for_each(cpu, &here) last = place[cpu] > last ? place[cpu] : last;
		ends[last] += levels->weight[class];
	}
	for (uint32_t i = 0; i < count; i++) {
		sum += ends[i];
		if (sum / (i + 1) <= worst)
			continue;
		worst = sum / (i + 1);
		found = i + 1;
	}
	*set = cpumask_none();
	for (uint32_t i = 0; i < found; i++)
		cpumask_set(set, order[i]);
	return found != 0;
}

static bool levels_settled(const struct fill *fill, const struct level_state *state)
{
	cpumask_for_each(cpu, &fill->left)
	{
		if (state->level[cpu] > (LEVEL_ONE + LEVEL_SLACK) << LEVEL_SHIFT)
			return false;
	}
	return true;
}

/* The set is a block.  True: it was the last. */
static bool block_end(struct fill *fill, const struct level_input *levels)
{
	const uint32_t block = fill->blocks++;
	bool inside[LEVEL_CLASSES_MAX];
	bool open = false;

	classes_inside(fill, levels, inside);
	fill->at[block] = fill->now;
	for (uint32_t class = 0; class < LEVEL_CLASSES_MAX; class ++) {
		if (inside[class])
			fill->class_block[class] = (uint8_t)block;
		else if (levels->count[class] != 0 && fill->class_block[class] == FILL_OPEN)
			open = true;
	}
	cpumask_for_each(cpu, &fill->set) fill->cpu_block[cpu] = (uint8_t)block;
	fill->left = cpumask_and_not(fill->left, fill->set);
	if (!open)
		/* Nobody fills these; who may go there has all it can use. */
		cpumask_for_each(cpu, &fill->left) fill->cpu_block[cpu] = (uint8_t)block;
	block_begin(fill);
	return !open || cpumask_empty(&fill->left);
}

bool fill_step(struct fill *fill, struct level_input *levels, struct level_state *state)
{
	struct cpumask set;

	if (!fill->checks) {
		/* Which classes there are is counted here. */
		levels_set(fill, levels);
		set_fill(fill, levels);
		levels_set(fill, levels);
		fill->checks = true;
		fill->tries = 0;
	}
	for (uint32_t round = 0; round < FILL_ROUNDS; round++)
		level_step(state, levels);
	if (fill->blocks + 1 < GROUP_BLOCKS_MAX) {
		if (fill->sets < FILL_SETS_MAX && set_too_full(fill, levels, state, &set)) {
			fill->sets++;
			fill->set = set;
			fill->checks = false;
			return false;
		}
		if (!levels_settled(fill, state) && ++fill->tries < FILL_TRIES_MAX)
			return false;
	}
	return block_end(fill, levels);
}

/* ---- To the machine -------------------------------------------------------------------------- */

void fill_result(const struct fill *fill, struct group_blocks *out)
{
	for (uint32_t i = 0; i < GROUP_MAX; i++)
		__atomic_store_n(&out->load[i], fill->group[i].load, __ATOMIC_RELAXED);
	for (uint32_t block = 0; block < fill->blocks; block++)
		for (uint32_t i = 0; i < GROUP_MAX; i++) {
			const uint64_t t = fill->at[block].t[i];

			__atomic_store_n(
				&out->full[block][i],
				t == 0 ? 0 : (UINT64_C(1) << (RATE_SHIFT + GROUP_FULL_SHIFT)) / t,
				__ATOMIC_RELAXED);
		}
	for (uint32_t i = 0; i < LEVEL_CLASSES_MAX; i++) {
		const uint32_t block = fill->class_block[i];
		const uint32_t known = block == FILL_OPEN ? fill->blocks - 1 : block;

		__atomic_store_n(&out->class[i], (uint8_t)known, __ATOMIC_RELAXED);
	}
	for (uint32_t cpu = 0; cpu < CPUS_MAX; cpu++)
		__atomic_store_n(&out->cpu[cpu], fill->cpu_block[cpu], __ATOMIC_RELAXED);
	__atomic_store_n(&out->one, min_u64(out->full[0][0], FULL_MAX), __ATOMIC_RELAXED);
}

bool fill_bound(const struct fill *fill, uint32_t group)
{
	const uint64_t cap = fill->group[group].cap;

	return cap != 0 && near(fill->at[fill->blocks - 1].rate[group], cap);
}
