/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tree of queues looks like from outside, and whether it is sound. */
#include "group.h"

/* Threads that could run, below this queue; throttled groups are not in it. */
static uint32_t runnable_below(const struct group_cpu *cpu, uint32_t index)
{
	uint32_t runnable = group_queue_runnable(cpu, index, NULL);

	for (uint32_t i = 1; i < GROUP_MAX; i++)
		if (cpu->node[i].inside && cpu->node[i].parent == index)
			runnable += runnable_below(cpu, i) - 1;
	return runnable;
}

void group_query(const struct policy_cpu *root, const struct policy_thread *thread,
		 struct policy_info *out)
{
	struct group_cpu *cpu = group_cpu_of(root);
	struct policy_info info;

	cpu->base->query(root, NULL, out);
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
		uint64_t below = start;

		if (child != 0) {
			used += spare_of(cpu, child, &below, running && found[i].running,
					 out + used, count - used);
			continue;
		}
		out[used] = found[i];
		out[used].weight = weight_seen(cpu, index, found[i].weight);
		out[used].running = running && found[i].running;
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
	const bool runnable = group_queue_runnable(cpu, index, &load) != 0;

	if (broken != 0)
		return GROUP_RULE_BASE + broken;
	if (node->parent != 0 && cpu->node[node->parent].id == 0)
		return GROUP_RULE_PARENT;
	if (throttled != node->throttled)
		return GROUP_RULE_THROTTLED;
	if (node->load != load)
		return GROUP_RULE_LOAD;
	cpu->base->query(group_queue(cpu, node->parent), group_entity(cpu, index), &info);
	if (node->inside != (runnable && !throttled) || node->inside != state_is_inside(info.state))
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
