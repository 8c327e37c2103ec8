/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which CPU may take how much of a capped group's runtime.  Were it who comes first, a light thread on a
 * quiet CPU would use up what is due to the heavy ones on the others.
 *
 *   d_c   what the group's threads on CPU c are due, in CPUs: own ones w / F_g (fair.h), and what is due to
 *         those of the groups below, throttled or not
 *   Q, P  quota and period
 *
 * In each period c may take Q * d_c / (sum over all CPUs of d), half of it at once and the rest as the period
 * passes: a group below whose period is shorter finds something in each.  What others do not use is for
 * whoever can: the pool has a schedule, which is a little late, more so early in the period, and while less
 * than that was taken nobody is held back.
 *
 * On its CPU the group's entity has requests no longer than its part, so that it has its turn in each period,
 * and so have those above it that have nothing else to run (node.c).
 *
 * The pool alone is what holds the cap.  All here is about who gets it, and may be a moment old.
 */
#include "group.h"

#define RATE_SHIFT      22u  /* of a due rate: one CPU */
#define WEIGHT_SHIFT    12u  /* rate of a weight while F is not known */
#define LATER_PARTS     2u   /* of a part, not at once */
#define CARRY_PARTS     4u   /* of a part, into the next period */
#define LATE_PARTS      8u   /* of what is left of the period, by which the schedule is late */
#define LATE_PARTS_LAST 256u /* of the quota, at the end */
#define RETRY_PARTS     256u /* of the period: who waits for others looks again, at the earliest */
#define RETRY_PARTS_OWN 16u  /* who waits for more of its own part does */

static uint64_t get(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static uint64_t rate_of(const struct group_cpu *cpu, uint32_t index, uint64_t weight,
			uint64_t count)
{
	const uint64_t full = group_full_here(cpu, index);

	/* weight < 2^33. */
	if (full == 0)
		return weight << WEIGHT_SHIFT;
	return min_u64((weight << (RATE_SHIFT + GROUP_FULL_SHIFT)) / full, count << RATE_SHIFT);
}

void group_part_count(struct group_cpu *cpu, uint32_t index)
{
	struct group_node *node = &cpu->node[index];
	const uint64_t due = node->due_below +
			     rate_of(cpu, index, node->own_weight, node->own_count);

	if (due == node->due)
		return;
	if (node->parent != 0)
		cpu->node[node->parent].due_below += due - node->due;
	__atomic_fetch_add(&cpu->machine->group[index].due, due - node->due, __ATOMIC_RELAXED);
	node->due = due;
}

/*
 * No more than its part, so that it has its turn in each period.  In steps, because each change is a new
 * request.
 */
uint64_t group_part_slice_ns(const struct group_cpu *cpu, uint32_t index)
{
	const struct group_common *common = &cpu->machine->group[index];
	const uint64_t quota_ns = get(&common->quota_ns);
	uint64_t slice_ns = POLICY_SLICE_NS_DEFAULT;

	if (quota_ns == 0)
		return slice_ns;
	const uint64_t part_ns = group_part_of(quota_ns, cpu->node[index].due, get(&common->due));

	while (slice_ns > part_ns && slice_ns / 2 >= POLICY_SLICE_NS_MIN)
		slice_ns /= 2;
	return slice_ns;
}

/* The part of now, and what it is in the rest of the period if it has changed. */
static void part_update(struct group_cpu *cpu, uint32_t index, uint64_t now_ns)
{
	struct group_node *node = &cpu->node[index];
	const struct group_common *common = &cpu->machine->group[index];
	const uint64_t period_ns = get(&common->period_ns);
	const uint64_t period = now_ns / period_ns;
	const int64_t part_ns = (int64_t)group_part_of(get(&common->quota_ns), node->due,
						       get(&common->due));
	const int64_t carry_ns = part_ns / (int64_t)CARRY_PARTS;

	if (period == node->period) {
		const int64_t left_ns = (int64_t)(period_ns - now_ns % period_ns);
		const int128_t more = (int128_t)(part_ns - node->part_ns) * left_ns;
		uint64_t rest;

		if (part_ns != node->part_ns)
			node->allowed_ns += int128_to_i64(
				int128_divide_floor(more, period_ns, &rest));
	} else {
		if (node->allowed_ns > carry_ns)
			node->allowed_ns = carry_ns;
		if (node->allowed_ns < -carry_ns)
			node->allowed_ns = -carry_ns;
		node->allowed_ns += part_ns;
	}
	node->period = period;
	node->part_ns = part_ns;
}

/* By how much less is taken than Q e / P - Q (P - e) / (LATE_PARTS P) - Q / LATE_PARTS_LAST, e into the
 * period? */
static int64_t behind_ns(const struct group_common *common, int64_t taken_ns, uint64_t left_ns)
{
	const uint64_t quota_ns = get(&common->quota_ns);
	const uint64_t left_part_ns = group_part_of(quota_ns + quota_ns / LATE_PARTS, left_ns,
						    get(&common->period_ns));

	return (int64_t)(quota_ns - left_part_ns - quota_ns / LATE_PARTS_LAST) - taken_ns;
}

/* How long until it is behind, if nobody takes anything, or more of the node's part is there. */
static uint64_t wait_ns(const struct group_common *common, const struct group_node *node,
			uint64_t ahead_ns, uint64_t left_ns)
{
	const uint64_t quota_ns = get(&common->quota_ns);
	const uint64_t period_ns = get(&common->period_ns);
	const uint64_t until_ns = group_part_of(period_ns, ahead_ns,
						quota_ns + quota_ns / LATE_PARTS);

	return min_u64(min_u64(left_ns, max_u64(until_ns, period_ns / RETRY_PARTS)),
		       node->allowed_ns > 0 ? period_ns / RETRY_PARTS_OWN : UINT64_MAX);
}

/* What it may take now.  Alone on the machine it shares with nobody. */
static int64_t may_take_ns(const struct group_node *node, uint64_t left_ns, uint64_t period_ns,
			   bool alone)
{
	uint64_t later_ns = 0;

	if (!alone && node->part_ns > 0)
		later_ns = group_part_of((uint64_t)node->part_ns / LATER_PARTS, left_ns, period_ns);
	return node->allowed_ns - (int64_t)later_ns;
}

uint64_t group_part_take(struct group_cpu *cpu, uint32_t index, uint64_t piece_ns, uint64_t now_ns,
			 uint64_t *retry_ns)
{
	struct group_node *node = &cpu->node[index];
	const struct group_common *common = &cpu->machine->group[index];
	const uint64_t period_ns = get(&common->period_ns);
	const uint64_t left_ns = period_ns - now_ns % period_ns;
	const uint64_t debt_ns = (uint64_t)-node->runtime_ns;
	const bool alone = node->due >= get(&common->due);

	part_update(cpu, index, now_ns);
	*retry_ns = now_ns + left_ns;

	const int64_t may_ns = may_take_ns(node, left_ns, period_ns, alone);

	if (may_ns > 0) {
		piece_ns = min_u64(piece_ns, max_u64((uint64_t)may_ns, GROUP_PIECE_NS_MIN / 2));
	} else if (!alone) {
		const int64_t taken_ns = group_pool_taken(cpu->machine, index, now_ns);
		const int64_t late_ns = behind_ns(common, taken_ns, left_ns);

		if (late_ns <= 0 && taken_ns < (int64_t)get(&common->quota_ns)) {
			*retry_ns = now_ns + wait_ns(common, node, (uint64_t)-late_ns, left_ns);
			return 0;
		}
		piece_ns = late_ns > 0 ? max_u64(piece_ns, (uint64_t)late_ns) : piece_ns;
	}
	const uint64_t got_ns = group_pool_take(cpu->machine, index, piece_ns + debt_ns, now_ns);

	/* What nobody else would use is given beside its part. */
	if (may_ns > 0)
		node->allowed_ns -= (int64_t)got_ns;
	return got_ns;
}

bool group_bound(const struct group_cpu *cpu, uint32_t index)
{
	while (index != 0 &&
	       (__atomic_load_n(&cpu->machine->group[index].bound, __ATOMIC_RELAXED) == 0 ||
		__atomic_load_n(&cpu->machine->group[index].behind, __ATOMIC_RELAXED) != 0))
		index = cpu->node[index].parent;
	return index != 0;
}

bool group_would_wait(const struct group_cpu *cpu, uint32_t index, uint64_t throttled)
{
	for (uint32_t i = index; i != 0; i = cpu->node[i].parent)
		if ((throttled >> i & 1) != 0)
			return true;
	return group_bound(cpu, index);
}

uint64_t group_waits(const struct policy_cpu *root)
{
	return group_cpu_of(root)->throttled;
}
