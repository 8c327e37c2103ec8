/* SPDX-License-Identifier: BSD-2-Clause */
/* One group on one CPU: when its entity is in its parent's queue, with which weight and runtime. */
#include "group.h"

enum error group_cpu_attach(struct group_cpu *cpu, struct group_machine *machine,
			    const struct policy_ops *base, struct policy_cpu *root, uint32_t index)
{
	if (base->cpu_bytes > POLICY_CPU_BYTES_MAX - GROUP_TAG_BYTES ||
	    base->thread_bytes > POLICY_THREAD_BYTES_MAX - GROUP_TAG_BYTES)
		return ERR_LIMIT;
	cpu->base = base;
	cpu->machine = machine;
	cpu->root = root;
	cpu->index = index;
	__builtin_memcpy((unsigned char *)(void *)root + POLICY_CPU_BYTES_MAX - GROUP_TAG_BYTES,
			 &cpu, sizeof(cpu));
	return ERR_OK;
}

static struct policy_info queue_info(const struct group_cpu *cpu, uint32_t index)
{
	const struct policy_cpu *queue =
		index == 0 ? cpu->root
			   : (const struct policy_cpu *)(const void *)cpu->node[index].queue;
	struct policy_info info;

	cpu->base->query(queue, NULL, &info);
	return info;
}

uint32_t group_queue_runnable(const struct group_cpu *cpu, uint32_t index, uint64_t *load)
{
	const struct policy_info info = queue_info(cpu, index);

	if (load != NULL)
		*load = info.load;
	return info.runnable;
}

static const struct group_common *common_of(const struct group_cpu *cpu, uint32_t index)
{
	return &cpu->machine->group[index];
}

static struct policy_params entity_params(uint32_t index, uint32_t weight, bool off_centre,
					  uint64_t slice_ns)
{
	return (struct policy_params){
		.tid = GROUP_ENTITY_TID + index,
		.weight = weight,
		.priority = POLICY_PRIORITY_DEFAULT,
		.off_centre = off_centre,
		.slice_ns = slice_ns,
	};
}

/* Where masks bind: what its load here came to in its parent's queue when that was solved, and its part of
 * what came or went since.  A quarter more with a cap, as in fair.c. */
static uint64_t weight_in_block(const struct group_cpu *cpu, uint32_t index,
				const struct group_blocks *blocks, uint64_t parent_full,
				uint64_t full)
{
	const struct group_node *node = &cpu->node[index];
	const struct group_common *common = common_of(cpu, index);
	const uint64_t most = (uint64_t)__atomic_load_n(&common->weight, __ATOMIC_RELAXED)
			      << GROUP_EFFECTIVE_SHIFT;
	const uint64_t all = __atomic_load_n(&common->load, __ATOMIC_RELAXED);
	const uint64_t solved = __atomic_load_n(&blocks->load[index], __ATOMIC_RELAXED);
	uint64_t weight = node->load << GROUP_EFFECTIVE_SHIFT, rest;

	if (__atomic_load_n(&common->bound, __ATOMIC_RELAXED) != 0)
		weight += weight / 4;
	weight = (uint64_t)uint128_divide((uint128_t)weight * parent_full, full, &rest);
	if (solved != 0 && all != 0)
		weight = (uint64_t)uint128_divide((uint128_t)weight * solved, all, &rest);
	return min_u64(weight, most);
}

/* What the group can use of its weight, split over the CPUs as its runnable load is. */
static uint32_t weight_here(const struct group_cpu *cpu, uint32_t index)
{
	const struct group_node *node = &cpu->node[index];
	const uint64_t all = __atomic_load_n(&common_of(cpu, index)->load, __ATOMIC_RELAXED);
	const uint64_t full = group_full_here(cpu, node->parent);
	/* Once each: another CPU may publish another solution, or that there is none, at any time. */
	const struct group_blocks *blocks = group_blocks(cpu->machine);
	const uint64_t own_full = blocks != NULL ? group_full_here(cpu, index) : 0;
	uint64_t weight = __atomic_load_n(&common_of(cpu, index)->effective, __ATOMIC_RELAXED);

	if (weight == 0)
		weight = (uint64_t)__atomic_load_n(&common_of(cpu, index)->weight, __ATOMIC_RELAXED)
			 << GROUP_EFFECTIVE_SHIFT;
	/* load <= 5120 threads of 2^20, so this does not overflow. */
	if (full != 0 && own_full != 0)
		weight = weight_in_block(cpu, index, blocks, full, own_full);
	else if (node->load != 0 && all > node->load)
		weight = weight * node->load / all;
	/* Nobody can use more than this CPU. */
	if (full != 0)
		weight = min_u64(weight, full << (GROUP_EFFECTIVE_SHIFT - GROUP_FULL_SHIFT));
	weight = (weight + (1u << GROUP_EFFECTIVE_SHIFT) / 2) >> GROUP_EFFECTIVE_SHIFT;
	return (uint32_t)min_u64(max_u64(weight, 1), POLICY_WEIGHT_MAX);
}

/* Of all groups below that have somebody, when that changes or what one of them takes in its turn. */
static void below_slice_find(struct group_cpu *cpu, uint32_t parent)
{
	uint64_t slice_ns = 0;

	if (parent == 0)
		return;
	for (uint32_t i = 1; i < GROUP_MAX; i++)
		if (cpu->node[i].id != 0 && cpu->node[i].parent == parent && cpu->node[i].occupied)
			slice_ns = max_u64(slice_ns, cpu->node[i].slice_ns);
	cpu->node[parent].below_slice_ns = slice_ns != 0 ? slice_ns : POLICY_SLICE_NS_DEFAULT;
}

/*
 * With nothing but groups in it whose turns are short it has short ones: long requests of little weight have
 * late deadlines, and the runtime that those below have in a period would pass unused.
 */
static uint64_t slice_here(const struct group_cpu *cpu, uint32_t index, uint32_t runnable)
{
	const struct group_node *node = &cpu->node[index];
	const uint64_t slice_ns = group_part_slice_ns(cpu, index);

	return runnable > node->below_count ? slice_ns : min_u64(slice_ns, node->below_slice_ns);
}

static void entity_update(struct group_cpu *cpu, uint32_t index, uint32_t runnable, bool off_centre,
			  uint64_t now_ns)
{
	struct group_node *node = &cpu->node[index];
	const uint32_t weight = weight_here(cpu, index);
	const uint64_t slice_ns = slice_here(cpu, index, runnable);
	const bool other = slice_ns != node->slice_ns;
	const struct policy_params params = entity_params(index, weight, off_centre, slice_ns);

	if (weight == node->weight && slice_ns == node->slice_ns && off_centre == node->off_centre)
		return;
	if (cpu->base->set_params(group_queue(cpu, node->parent), group_entity(cpu, index), &params,
				  now_ns) != ERR_OK) {
		cpu->misuse++;
		return;
	}
	if (node->inside)
		cpu->node[node->parent].below_weight += (uint64_t)weight - node->weight;
	node->weight = weight;
	node->slice_ns = slice_ns;
	node->off_centre = off_centre;
	if (other)
		below_slice_find(cpu, node->parent);
}

/* The sum is modulo 2^64; each CPU adds differences of its own part only. */
static void part_publish(uint64_t *sum, uint64_t *part, uint64_t now)
{
	if (now != *part)
		__atomic_fetch_add(sum, now - *part, __ATOMIC_RELAXED);
	*part = now;
}

static void own_publish(struct group_cpu *cpu, uint32_t index, uint64_t load, uint32_t runnable)
{
	struct group_node *node = &cpu->node[index];
	struct group_common *common = &cpu->machine->group[index];

	part_publish(&common->own_weight, &node->own_weight, load - node->below_weight);
	part_publish(&common->own_count, &node->own_count, runnable - node->below_count);
}

/* Each thread can use one CPU, and so can what a group below has here. */
static void load_publish(struct group_cpu *cpu, uint32_t index, uint64_t load, uint32_t runnable)
{
	struct group_node *node = &cpu->node[index];
	const uint64_t full = group_full_here(cpu, index);

	if (full != 0)
		load = min_u64(load, (full * runnable + (1u << GROUP_FULL_SHIFT) - 1) >>
					     GROUP_FULL_SHIFT);
	part_publish(&cpu->machine->group[index].load, &node->load, load);
}

static void inside_set(struct group_cpu *cpu, struct group_node *node, bool inside)
{
	struct group_node *above = &cpu->node[node->parent];

	if (inside == node->inside)
		return;
	node->inside = inside;
	above->below_weight += inside ? node->weight : 0 - (uint64_t)node->weight;
	above->below_count += inside ? 1 : UINT32_MAX;
}

/* What this CPU does not need goes back, so that it is not lost to the others. */
static void runtime_give(struct group_cpu *cpu, uint32_t index)
{
	struct group_node *node = &cpu->node[index];

	if (node->runtime_ns <= 0)
		return;
	if (__atomic_load_n(&common_of(cpu, index)->quota_ns, __ATOMIC_RELAXED) != 0)
		group_pool_give(cpu->machine, index, (uint64_t)node->runtime_ns);
	node->allowed_ns += node->runtime_ns;
	node->runtime_ns = 0;
}

void group_node_settle(struct group_cpu *cpu, uint32_t index, uint64_t now_ns)
{
	while (index != 0) {
		struct group_node *node = &cpu->node[index];
		const struct policy_info info = queue_info(cpu, index);
		const bool wanted = info.runnable != 0 && !node->throttled;

		own_publish(cpu, index, info.load, info.runnable);
		load_publish(cpu, index, info.load, info.runnable);
		group_part_count(cpu, index);
		/* An empty queue has no part; the weight stays until it has one again. */
		if (info.runnable != 0)
			entity_update(cpu, index, info.runnable, info.runnable == info.off_centre,
				      now_ns);
		if (node->occupied != (info.runnable != 0)) {
			node->occupied = info.runnable != 0;
			below_slice_find(cpu, node->parent);
		}
		if (wanted && !node->inside) {
			cpu->base->enqueue(group_queue(cpu, node->parent), group_entity(cpu, index),
					   POLICY_JOIN_WAKE, now_ns);
		} else if (!wanted && node->inside) {
			struct group_node *above = &cpu->node[node->parent];

			cpu->base->dequeue(group_queue(cpu, node->parent), group_entity(cpu, index),
					   node->throttled ? POLICY_LEAVE_KEEP : POLICY_LEAVE_SLEEP,
					   now_ns);
			if (above->picked == group_entity(cpu, index))
				above->picked = NULL;
			if (!node->throttled)
				runtime_give(cpu, index);
		}
		inside_set(cpu, node, wanted);
		index = node->parent;
	}

	uint64_t load;
	const uint32_t runnable = group_queue_runnable(cpu, 0, &load);

	own_publish(cpu, 0, load, runnable);
}

/* Entities of groups that lived in this slot, or below it, before: out of the queues. */
static void node_expel(struct group_cpu *cpu, uint32_t index, uint64_t now_ns)
{
	struct group_node *node = &cpu->node[index];

	if (node->id == 0)
		return;
	for (uint32_t i = 1; i < GROUP_MAX; i++)
		if (i != index && cpu->node[i].id != 0 && cpu->node[i].parent == index)
			node_expel(cpu, i, now_ns);
	cpu->base->dequeue(group_queue(cpu, node->parent), group_entity(cpu, index),
			   POLICY_LEAVE_EXIT, now_ns);
	inside_set(cpu, node, false);
	load_publish(cpu, index, 0, 0);
	node->below_weight = 0;
	node->below_count = 0;
	own_publish(cpu, index, 0, 0);
	group_part_count(cpu, index);
	cpu->throttled &= ~(UINT64_C(1) << index);
	node->id = 0;
}

uint32_t group_node_ready(struct group_cpu *cpu, group_id_t id, uint64_t now_ns)
{
	const uint32_t index = group_index(id);
	struct group_node *node = &cpu->node[index];

	if (!group_exists(cpu->machine, id))
		return 0;
	if (node->id == id)
		return index;
	node_expel(cpu, index, now_ns);

	const struct group_common *common = common_of(cpu, index);
	const uint32_t parent = __atomic_load_n(&common->parent, __ATOMIC_RELAXED);
	const uint32_t weight = __atomic_load_n(&common->weight, __ATOMIC_RELAXED);
	const struct policy_params params = entity_params(index, weight, false,
							  POLICY_SLICE_NS_DEFAULT);

	/* A parent is a member's group: it cannot go before its last group did. */
	if (parent != 0)
		(void)group_node_ready(
			cpu, __atomic_load_n(&common_of(cpu, parent)->id, __ATOMIC_RELAXED),
			now_ns);
	*node = (struct group_node){.id = id,
				    .parent = parent,
				    .weight = weight,
				    .slice_ns = POLICY_SLICE_NS_DEFAULT,
				    .below_slice_ns = POLICY_SLICE_NS_DEFAULT};
	if (cpu->base->thread_init(group_entity(cpu, index), &params) != ERR_OK)
		cpu->misuse++;
	cpu->base->cpu_init(group_queue(cpu, index), cpu->index);
	/* Else who comes has its account begun anew. */
	if (group_average(cpu, index) > 1)
		cpu->base->set_average(group_queue(cpu, index), group_average(cpu, index), now_ns);
	return index;
}

static void node_throttle(struct group_cpu *cpu, uint32_t index, uint64_t until_ns, uint64_t now_ns)
{
	struct group_node *node = &cpu->node[index];
	const uint64_t period_ns = __atomic_load_n(&common_of(cpu, index)->period_ns,
						   __ATOMIC_RELAXED);

	struct group_common *common = &cpu->machine->group[index];
	const uint64_t period = now_ns / period_ns;

	node->throttled = true;
	node->throttled_ns = now_ns;
	node->refill_ns = until_ns;
	if (__atomic_exchange_n(&common->throttled_last, period, __ATOMIC_RELAXED) != period)
		__atomic_fetch_add(&cpu->machine->record[index].throttled_periods, 1,
				   __ATOMIC_RELAXED);
	cpu->throttled |= UINT64_C(1) << index;
	group_node_settle(cpu, index, now_ns);
}

void group_node_unthrottle(struct group_cpu *cpu, uint32_t index, uint64_t now_ns)
{
	__atomic_fetch_add(&cpu->machine->record[index].throttled_ns,
			   sub_saturate_u64(now_ns, cpu->node[index].throttled_ns),
			   __ATOMIC_RELAXED);
	cpu->node[index].throttled = false;
	cpu->throttled &= ~(UINT64_C(1) << index);
	group_node_settle(cpu, index, now_ns);
}

/* What a CPU takes at once: all together hold the quota of GROUP_HELD_NS at most, or the least pieces. */
static uint64_t piece_of(const struct group_cpu *cpu, uint32_t index)
{
	const struct group_common *common = common_of(cpu, index);
	const uint64_t period_ns = __atomic_load_n(&common->period_ns, __ATOMIC_RELAXED);
	const uint64_t part_ns = group_time_ns(common, min_u64(GROUP_HELD_NS, period_ns / 4)) /
				 cpu->machine->cpus;

	return min_u64(max_u64(part_ns, GROUP_PIECE_NS_MIN), GROUP_PIECE_NS_MAX);
}

bool group_node_fund(struct group_cpu *cpu, uint32_t index, uint64_t now_ns)
{
	struct group_node *node = &cpu->node[index];
	const uint64_t quota_ns = __atomic_load_n(&common_of(cpu, index)->quota_ns,
						  __ATOMIC_RELAXED);
	uint64_t retry_ns;

	node->capped = quota_ns != 0;
	if (!node->capped) {
		node->runtime_ns = 0;
		return true;
	}
	if (node->runtime_ns > 0)
		return true;
	/* A debt is paid first. */
	node->runtime_ns += (int64_t)group_part_take(cpu, index, piece_of(cpu, index), now_ns,
						     &retry_ns);
	if (node->runtime_ns > 0)
		return true;
	node_throttle(cpu, index, retry_ns, now_ns);
	return false;
}

uint64_t group_refill(struct group_cpu *cpu, uint64_t now_ns)
{
	uint64_t next_ns = TIME_NEVER;

	for (uint64_t left = cpu->throttled; left != 0; left &= left - 1) {
		const uint32_t index = (uint32_t)__builtin_ctzll(left);

		if (cpu->node[index].refill_ns <= now_ns)
			group_node_unthrottle(cpu, index, now_ns);
		else
			next_ns = min_u64(next_ns, cpu->node[index].refill_ns);
	}
	return next_ns;
}

void group_cpu_refresh(struct group_cpu *cpu, uint64_t now_ns)
{
	/* Acquire: with the count comes what was changed. */
	cpu->changes = __atomic_load_n(&cpu->machine->changes, __ATOMIC_ACQUIRE);
	for (uint32_t index = 1; index < GROUP_MAX; index++) {
		if (!group_exists(cpu->machine, cpu->node[index].id))
			continue;
		if (cpu->node[index].throttled &&
		    __atomic_load_n(&common_of(cpu, index)->quota_ns, __ATOMIC_RELAXED) == 0)
			group_node_unthrottle(cpu, index, now_ns);
		group_node_settle(cpu, index, now_ns);
	}
}
