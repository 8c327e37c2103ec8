/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tree of queues looks like from outside, and whether it is sound. */
#include "../place/plan.h"
#include "group.h"

#define RANK_OWED_NS_MAX (UINT64_C(1000) * PLAN_OWED_US_MAX) /* plans count no more */
#define RANK_OWED_NS_MIN UINT64_C(100000000)

/* Threads that could run, below this queue; throttled groups are not in it. */
static uint32_t runnable_below(const struct group_cpu *cpu, uint32_t index)
{
	uint32_t runnable = group_queue_runnable(cpu, index, NULL);

	for (uint32_t i = 1; i < GROUP_MAX; i++)
		if (cpu->node[i].inside && cpu->node[i].parent == index)
			runnable += runnable_below(cpu, i) - 1;
	return runnable;
}

static uint64_t weight_flat(const struct group_machine *machine, uint32_t index, uint32_t block,
			    uint64_t weight)
{
	const uint64_t one = group_one(machine);
	const uint64_t full = group_full(machine, index, block);

	if (one == full && (full != 0 || index == 0))
		return weight;
	/* Below 2^34 each, so the product is too large for 64 bits. */
	uint64_t rest;
	return full == 0
		       ? 0
		       : (uint64_t)uint128_divide((uint128_t)weight * one + full / 2, full, &rest);
}

uint64_t group_flat_most(const struct group_machine *machine, uint32_t index, uint32_t block,
			 uint64_t weight, uint64_t count)
{
	const uint64_t flat = weight_flat(machine, index, block, weight);
	const uint64_t one = group_one(machine);

	return index == 0 || one == 0 ? flat : min_u64(flat, one * count >> GROUP_FULL_SHIFT);
}

/* What the threads of this CPU weigh on the machine, throttled or not; 0 if that is not known. */
static uint64_t load_flat(const struct group_cpu *cpu)
{
	const uint32_t block = group_block_of_cpu(cpu->machine, cpu->index);
	uint64_t sum = group_flat_most(cpu->machine, 0, block, cpu->node[0].own_weight, 0);

	if (group_average(cpu, 0) == 0)
		return 0;
	for (uint32_t i = 1; i < GROUP_MAX; i++) {
		const struct group_node *node = &cpu->node[i];

		if (node->own_weight != 0)
			sum += group_flat_most(cpu->machine, i, block, node->own_weight,
					       node->own_count);
	}
	return sum;
}

uint32_t group_throttled(const struct policy_cpu *root)
{
	struct group_cpu *cpu = group_cpu_of(root);
	uint32_t count = 0;

	for (uint32_t i = 1; i < GROUP_MAX; i++)
		for (uint32_t at = i; cpu->node[i].own_count != 0 && at != 0;
		     at = cpu->node[at].parent)
			if (cpu->node[at].throttled) {
				count += (uint32_t)cpu->node[i].own_count;
				break;
			}
	return count;
}

void group_query(const struct policy_cpu *root, const struct policy_thread *thread,
		 struct policy_info *out)
{
	struct group_cpu *cpu = group_cpu_of(root);
	struct policy_info info;

	cpu->base->query(root, NULL, out);

	const uint64_t load = load_flat(cpu);

	if (load != 0)
		out->load = load;
	if (thread != NULL) {
		/* Lag and virtual times are those in the thread's own queue. */
		cpu->base->query(group_queue(cpu, group_tag_const(thread)->node), thread, &info);
		info.weight = out->weight;
		info.load = out->load;
		*out = info;
	}
	out->runnable = runnable_below(cpu, 0);
	out->misuse += cpu->misuse;
}

/* The part of the CPU's load that `weight` in the queue of this node stands for. */
static uint32_t weight_seen(const struct group_cpu *cpu, uint32_t index, uint32_t weight)
{
	uint64_t part = weight;

	for (; index != 0; index = cpu->node[index].parent)
		part = part * cpu->node[index].weight / max_u64(1, cpu->node[index].load);
	part = weight_flat(cpu->machine, 0, group_block_of_cpu(cpu->machine, cpu->index), part);
	return (uint32_t)min_u64(max_u64(part, POLICY_WEIGHT_MIN), POLICY_WEIGHT_MAX);
}

static uint32_t spare_of(struct group_cpu *cpu, uint32_t index, uint64_t *cursor, bool running,
			 struct policy_spare *out, uint32_t count)
{
	struct policy_spare found[POLICY_LOOKS];
	const uint64_t start = *cursor;
	uint32_t used = 0;
	uint32_t looked = cpu->base->spare(group_queue(cpu, index), cursor, found,
					   count < POLICY_LOOKS ? count : POLICY_LOOKS);

	for (uint32_t i = 0; i < looked && used < count; i++) {
		const uint32_t child = group_of_entity(cpu, found[i].thread);
		const bool is_picked = found[i].thread == cpu->node[index].picked;
		uint64_t below = start;

		if (child != 0) {
			used += spare_of(cpu, child, &below, running && is_picked, out + used,
					 count - used);
			continue;
		}
		out[used] = found[i];
		out[used].weight = weight_seen(cpu, index, found[i].weight);
		out[used].running = running && is_picked;
		used++;
	}
	return used;
}

/* At most one level of the stack per depth, each with POLICY_LOOKS entries. */
uint32_t group_spare(const struct policy_cpu *root, uint64_t *cursor, struct policy_spare *out,
		     uint32_t count)
{
	return spare_of(group_cpu_of(root), 0, cursor, true, out, count);
}

/* What the entity of a node is owed on this CPU, and its part of what those above are, ns. */
static int64_t owed_above(struct group_cpu *cpu, uint32_t index)
{
	uint32_t path[GROUP_DEPTH_MAX];
	uint32_t length = 0;
	int64_t owed_ns = 0;

	for (uint32_t i = index; i != 0; i = cpu->node[i].parent)
		path[length++] = i;
	while (length-- > 0) {
		const struct group_node *node = &cpu->node[path[length]];
		struct policy_info info;

		cpu->base->query(group_queue(cpu, node->parent), group_entity(cpu, path[length]),
				 &info);
		if (owed_ns != 0)
			owed_ns = owed_ns * (int64_t)node->weight /
				  (int64_t)max_u64(info.weight, node->weight);
		owed_ns += info.lag_ns.whole;
	}
	return owed_ns;
}

/* Who matters most comes first: the heavy, also those who are owed nothing, for they may need a CPU. */
static uint64_t member_rank(const struct group_spare *one)
{
	const int64_t owed_ns = one->spare.owed_ns;
	const uint64_t far_ns = owed_ns < 0 ? 0 - (uint64_t)owed_ns : (uint64_t)owed_ns;

	return one->spare.weight * (min_u64(far_ns, RANK_OWED_NS_MAX) + RANK_OWED_NS_MIN);
}

static uint32_t member_insert(struct group_spare *out, uint32_t used, uint32_t count,
			      struct group_spare one)
{
	const uint64_t rank = member_rank(&one);

	if (used == count && rank <= member_rank(&out[used - 1]))
		return used;
	uint32_t at = used < count ? used : count - 1;
	for (; at > 0 && member_rank(&out[at - 1]) < rank; at--)
		out[at] = out[at - 1];
	out[at] = one;
	return used < count ? used + 1 : used;
}

/* Was it chosen down to this queue? */
static bool is_running(struct group_cpu *cpu, uint32_t index)
{
	for (; index != 0; index = cpu->node[index].parent)
		if (cpu->node[cpu->node[index].parent].picked != group_entity(cpu, index))
			return false;
	return true;
}

static uint32_t members_of(struct group_cpu *cpu, uint32_t index, struct group_spare *out,
			   uint32_t used, uint32_t count)
{
	const uint32_t block = group_block_of_cpu(cpu->machine, cpu->index);
	const uint64_t full = group_full(cpu->machine, index, block);
	const bool running = is_running(cpu, index), bound = group_bound(cpu, index);
	struct policy_spare found[POLICY_LOOKS];
	uint64_t cursor = 0, rest;
	struct policy_info info;
	int64_t ahead_ns = 0;

	if (cpu->node[index].own_count == 0)
		return used;
	cpu->base->query(group_queue(cpu, index), NULL, &info);
	/* Time of a CPU's worth of weight, as the account counts. */
	if (index != 0 && info.weight != 0) {
		const int128_t owed = (int128_t)owed_above(cpu, index) * (int128_t)full;

		ahead_ns = int128_to_i64(
			int128_divide_floor(owed, info.weight << GROUP_FULL_SHIFT, &rest));
	}
	const uint32_t looked = cpu->base->spare(group_queue(cpu, index), &cursor, found,
						 POLICY_LOOKS);

	for (uint32_t i = 0; i < looked; i++) {
		const uint64_t flat = group_flat_most(cpu->machine, index, block, found[i].weight,
						      1);
		struct group_spare one = {found[i], found[i].weight, index, bound};

		if (group_of_entity(cpu, found[i].thread) != 0)
			continue;
		one.spare.owed_ns -= ahead_ns;
		one.spare.weight = (uint32_t)min_u64(max_u64(flat, POLICY_WEIGHT_MIN), UINT32_MAX);
		one.spare.running = running && found[i].thread == cpu->node[index].picked;
		used = member_insert(out, used, count, one);
	}
	return used;
}

uint32_t group_members(const struct policy_cpu *root, struct group_spare *out, uint32_t count)
{
	struct group_cpu *cpu = group_cpu_of(root);
	uint32_t used = 0;

	for (uint32_t i = 0; i < GROUP_MAX; i++)
		if (i == 0 || cpu->node[i].id != 0)
			used = members_of(cpu, i, out, used, count);
	return used;
}

static bool state_is_inside(uint32_t state)
{
	return state == POLICY_QUEUED || state == POLICY_RUNNING;
}

static uint32_t node_check(struct group_cpu *cpu, uint32_t index)
{
	const struct group_node *node = &cpu->node[index];
	const bool throttled = (cpu->throttled >> index & 1) != 0;
	struct policy_info info;
	uint64_t load;
	const uint32_t broken = cpu->base->check(group_queue(cpu, index));
	const uint32_t runnable = group_queue_runnable(cpu, index, &load);

	if (broken != 0)
		return GROUP_RULE_BASE + broken;
	if (node->parent != 0 && cpu->node[node->parent].id == 0)
		return GROUP_RULE_PARENT;
	if (throttled != node->throttled)
		return GROUP_RULE_THROTTLED;
	if (node->load > load || node->own_weight != load - node->below_weight ||
	    node->own_count != runnable - node->below_count)
		return GROUP_RULE_LOAD;
	cpu->base->query(group_queue(cpu, node->parent), group_entity(cpu, index), &info);
	if (node->inside != (runnable != 0 && !throttled) ||
	    node->inside != state_is_inside(info.state))
		return GROUP_RULE_INSIDE;
	return 0;
}

uint32_t group_check(const struct policy_cpu *root)
{
	struct group_cpu *cpu = group_cpu_of(root);
	uint32_t broken = cpu->base->check(root);

	if (broken != 0)
		return GROUP_RULE_BASE + broken;
	for (uint32_t index = 1; index < GROUP_MAX && broken == 0; index++)
		if (cpu->node[index].id != 0)
			broken = node_check(cpu, index);
	return broken != 0 ? broken : cpu->misuse != 0 ? (uint32_t)GROUP_RULE_MISUSE : 0;
}

static void node_dump(const struct group_cpu *cpu, uint32_t index, struct text *text)
{
	const struct group_node *node = &cpu->node[index];

	text_string(text, "group");
	policy_show(text, "index", index);
	policy_show(text, "parent", node->parent);
	policy_show(text, "weight", node->weight);
	policy_show(text, "runnable", group_queue_runnable(cpu, index, NULL));
	policy_show(text, "throttled", node->throttled);
	text_string(text, "\n");
}

size_t group_dump(const struct policy_cpu *root, char *text, size_t bytes)
{
	struct group_cpu *cpu = group_cpu_of(root);
	size_t length = cpu->base->dump(root, text, bytes);
	struct text more;

	if (length + 1 >= bytes)
		return length;
	more = text_make(text + length, bytes - length);
	for (uint32_t index = 1; index < GROUP_MAX; index++)
		if (cpu->node[index].id != 0)
			node_dump(cpu, index, &more);
	return length + more.length;
}
