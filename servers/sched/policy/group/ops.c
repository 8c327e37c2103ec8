/* SPDX-License-Identifier: BSD-2-Clause */
/* The operations of a policy, on a tree of queues. */
#include "group.h"

static struct policy_cpu *queue_of(struct group_cpu *cpu, const struct policy_thread *thread)
{
	return group_queue(cpu, group_tag_const(thread)->node);
}

/* Count it in its group, or make it one of the root's if there is no such group (any more). */
static void thread_bind(struct group_cpu *cpu, struct policy_thread *thread, uint64_t now_ns)
{
	struct group_tag *tag = group_tag(thread);

	if (tag->id == 0 || tag->member != 0)
		return;
	tag->node = 0;
	if (group_member_add(cpu->machine, tag->id)) {
		tag->member = 1;
		tag->node = group_node_ready(cpu, tag->id, now_ns);
	} else {
		tag->id = 0;
	}
}

static void thread_unbind(struct group_cpu *cpu, struct policy_thread *thread)
{
	struct group_tag *tag = group_tag(thread);

	if (tag->member != 0)
		group_member_remove(cpu->machine, tag->id);
	tag->member = 0;
	tag->node = 0;
}

static void picked_forget(struct group_cpu *cpu, const struct policy_thread *thread)
{
	struct group_node *node = &cpu->node[group_tag_const(thread)->node];

	if (node->picked == thread)
		node->picked = NULL;
}

static void group_cpu_init(struct policy_cpu *root, uint32_t cpu_index)
{
	struct group_cpu *cpu = group_cpu_of(root);

	cpu->base->cpu_init(root, cpu_index);
	__builtin_memset(cpu->node, 0, sizeof(cpu->node));
	cpu->throttled = 0;
}

static void group_enqueue(struct policy_cpu *root, struct policy_thread *thread,
			  enum policy_join reason, uint64_t now_ns)
{
	struct group_cpu *cpu = group_cpu_of(root);

	thread_bind(cpu, thread, now_ns);
	cpu->base->enqueue(queue_of(cpu, thread), thread, reason, now_ns);
	/* Who yields asks for the others of all groups to go first, so its groups yield with it. */
	for (uint32_t i = group_tag(thread)->node; reason == POLICY_JOIN_YIELD && i != 0;
	     i = cpu->node[i].parent)
		if (cpu->node[i].inside && group_queue_runnable(cpu, i, NULL) == 1)
			cpu->base->enqueue(group_queue(cpu, cpu->node[i].parent),
					   group_entity(cpu, i), reason, now_ns);
		else
			break;
	group_node_settle(cpu, group_tag(thread)->node, now_ns);
}

static void group_dequeue(struct policy_cpu *root, struct policy_thread *thread,
			  enum policy_leave reason, uint64_t now_ns)
{
	struct group_cpu *cpu = group_cpu_of(root);
	const uint32_t index = group_tag(thread)->node;

	picked_forget(cpu, thread);
	cpu->base->dequeue(group_queue(cpu, index), thread, reason, now_ns);
	group_node_settle(cpu, index, now_ns);
	if (reason == POLICY_LEAVE_EXIT)
		thread_unbind(cpu, thread);
}

/* Down to a thread; false if a group on the way had no runtime left and was throttled. */
static bool descend(struct group_cpu *cpu, uint64_t now_ns, uint32_t flags, struct policy_pick *out)
{
	uint64_t slice_ns = TIME_NEVER;
	uint32_t index = 0;

	for (;;) {
		/* What holds in one queue of the tree does not hold for the CPU. */
		cpu->base->pick(group_queue(cpu, index), now_ns,
				flags & ~(POLICY_PICK_FILTER | POLICY_PICK_SUCCESSOR), out);
		cpu->node[index].picked = out->thread;
		slice_ns = min_u64(slice_ns, out->slice_ns);
		index = group_of_entity(cpu, out->thread);
		if (index == 0)
			break;
		if (!group_node_fund(cpu, index, now_ns))
			return false;
		/* A cap may be set while it runs alone. */
		slice_ns = min_u64(slice_ns, GROUP_LOOK_NS);
		if (cpu->node[index].runtime_ns > 0)
			slice_ns = min_u64(slice_ns, (uint64_t)cpu->node[index].runtime_ns);
	}
	out->slice_ns = slice_ns;
	return true;
}

static void group_pick(struct policy_cpu *root, uint64_t now_ns, uint32_t flags,
		       struct policy_pick *out)
{
	struct group_cpu *cpu = group_cpu_of(root);

	if (__atomic_load_n(&cpu->machine->changes, __ATOMIC_RELAXED) != cpu->changes)
		group_cpu_refresh(cpu, now_ns);
	(void)group_refill(cpu, now_ns);
	/* Each failure throttles one group, so this ends after GROUP_MAX of them. */
	while (!descend(cpu, now_ns, flags, out))
		;
	const uint64_t next_ns = group_refill(cpu, now_ns);

	/* Also of an idle CPU: then it is when to ask again. */
	if (next_ns != TIME_NEVER)
		out->slice_ns = min_u64(out->slice_ns, next_ns - now_ns);
	/* What the base says of one queue is not true of the tree. */
	out->runnable = 0;
}

static bool group_charge(struct policy_cpu *root, struct policy_thread *thread, uint64_t ran_ns,
			 uint64_t now_ns)
{
	struct group_cpu *cpu = group_cpu_of(root);
	uint32_t index = group_tag(thread)->node;
	bool done = cpu->base->charge(group_queue(cpu, index), thread, ran_ns, now_ns);

	for (; index != 0; index = cpu->node[index].parent) {
		if (cpu->node[index].capped)
			cpu->node[index].runtime_ns -= (int64_t)ran_ns;
		__atomic_fetch_add(&cpu->machine->record[index].used_ns, ran_ns, __ATOMIC_RELAXED);
		if (cpu->base->charge(group_queue(cpu, cpu->node[index].parent),
				      group_entity(cpu, index), ran_ns, now_ns))
			done = true;
	}
	return done;
}

static void queue_leave(struct group_cpu *cpu, struct policy_thread *thread,
			struct policy_migration *out, uint64_t now_ns)
{
	picked_forget(cpu, thread);
	cpu->base->migrate_out(queue_of(cpu, thread), thread, out, now_ns);
	group_node_settle(cpu, group_tag(thread)->node, now_ns);
	thread_unbind(cpu, thread);
}

static uint64_t weight_of(struct group_cpu *cpu, uint32_t index)
{
	struct policy_info info;

	cpu->base->query(group_queue(cpu, index), NULL, &info);
	return info.weight;
}

/*
 * It takes along its part of what the entities above it are owed, or owe: by weight, and all of it from a
 * queue that it leaves empty.  Else who is alone in its group on both CPUs would have a new turn on each.
 */
static void group_migrate_out(struct policy_cpu *root, struct policy_thread *thread,
			      struct policy_migration *out, uint64_t now_ns)
{
	struct group_cpu *cpu = group_cpu_of(root);
	const uint32_t node = group_tag(thread)->node;
	struct group_part part[GROUP_DEPTH_MAX];

	if (node == 0) {
		queue_leave(cpu, thread, out, now_ns);
		return;
	}

	const uint64_t before = weight_of(cpu, node);
	const uint32_t count = group_path_parts(cpu, node, part);

	queue_leave(cpu, thread, out, now_ns);
	group_parts_take(cpu, node, before, weight_of(cpu, node), part, count, out, now_ns);
}

static void queue_join(struct group_cpu *cpu, struct policy_thread *thread,
		       const struct policy_migration *in, uint64_t now_ns)
{
	thread_bind(cpu, thread, now_ns);
	cpu->base->migrate_in(queue_of(cpu, thread), thread, in, now_ns);
	group_node_settle(cpu, group_tag(thread)->node, now_ns);
}

static void group_migrate_in(struct policy_cpu *root, struct policy_thread *thread,
			     const struct policy_migration *in, uint64_t now_ns)
{
	struct group_cpu *cpu = group_cpu_of(root);
	uint32_t level = 0;

	queue_join(cpu, thread, in, now_ns);
	for (uint32_t i = group_tag(thread)->node; i != 0 && level < POLICY_ABOVE_MAX;
	     i = cpu->node[i].parent)
		group_entity_owe(cpu, i, in->above_ns[level++], now_ns);
}

/* To another group: a migration to another queue of the same CPU, so lag and request travel. */
static void thread_regroup(struct group_cpu *cpu, struct policy_thread *thread, group_id_t id,
			   uint64_t now_ns)
{
	struct policy_migration migration;

	queue_leave(cpu, thread, &migration, now_ns);
	group_tag(thread)->id = id;
	queue_join(cpu, thread, &migration, now_ns);
}

static enum error group_set_params(struct policy_cpu *root, struct policy_thread *thread,
				   const struct policy_params *params, uint64_t now_ns)
{
	struct group_cpu *cpu = group_cpu_of(root);
	enum error error;

	if (params->group != 0 && !group_exists(cpu->machine, params->group))
		return ERR_NOT_FOUND;
	error = cpu->base->set_params(queue_of(cpu, thread), thread, params, now_ns);
	if (error != ERR_OK)
		return error;
	if (params->group != group_tag(thread)->id)
		thread_regroup(cpu, thread, params->group, now_ns);
	else
		group_node_settle(cpu, group_tag(thread)->node, now_ns);
	return ERR_OK;
}

/* Path of nodes from below the root down to the thread's; returns its length. */
static uint32_t path_of(const struct group_cpu *cpu, const struct policy_thread *thread,
			uint32_t path[GROUP_DEPTH_MAX])
{
	uint32_t length = 0;

	for (uint32_t i = group_tag_const(thread)->node; i != 0; i = cpu->node[i].parent)
		length++;
	uint32_t at = length;
	for (uint32_t i = group_tag_const(thread)->node; i != 0; i = cpu->node[i].parent)
		path[--at] = i;
	return length;
}

/* On each queue of the path the next step is what pick() has chosen there, or would choose. */
static bool group_preempts(const struct policy_cpu *root, const struct policy_thread *running,
			   const struct policy_thread *woken, uint64_t now_ns)
{
	struct group_cpu *cpu = group_cpu_of(root);
	uint32_t path[GROUP_DEPTH_MAX];
	const uint32_t length = path_of(cpu, woken, path);
	uint32_t index = 0;

	if (running == NULL)
		return true;
	for (uint32_t step = 0; step <= length; step++) {
		const struct policy_thread *next = step < length ? group_entity(cpu, path[step])
								 : woken;
		const struct policy_thread *picked = cpu->node[index].picked;

		if (step < length && !cpu->node[path[step]].inside)
			return false; /* throttled */
		/* With nobody picked below, who is alone there is chosen, and one of several may be. */
		if (picked != next && picked != NULL &&
		    !cpu->base->preempts(group_queue(cpu, index), picked, next, now_ns))
			return false;
		if (step < length)
			index = path[step];
	}
	return true;
}

static void group_save(const struct policy_cpu *root, const struct policy_thread *thread,
		       struct policy_record *out)
{
	struct group_cpu *cpu = group_cpu_of(root);

	cpu->base->save(thread == NULL ? root : queue_of(cpu, thread), thread, out);
}

/*
 * A batch for each queue: threads of one group stand together, as they do if sorted by group; a second
 * batch for the same queue joins as threads that woke.  Entities come back with lag 0.
 */
static enum error group_restore(struct policy_cpu *root, const struct policy_record *queue,
				struct policy_thread *const threads[],
				const struct policy_record *records, uint32_t count)
{
	struct group_cpu *cpu = group_cpu_of(root);
	enum error error = count == 0 ? cpu->base->restore(root, queue, threads, records, 0)
				      : ERR_OK;
	uint64_t seen = 0;

	for (uint32_t first = 0, end = 0; first < count && error == ERR_OK; first = end) {
		const group_id_t id = group_tag(threads[first])->id;

		for (; end < count && group_tag(threads[end])->id == id; end++)
			thread_bind(cpu, threads[end], 0);
		const uint32_t index = group_tag(threads[first])->node;

		if ((seen >> index & 1) != 0) {
			for (uint32_t i = first; i < end; i++)
				cpu->base->enqueue(group_queue(cpu, index), threads[i],
						   POLICY_JOIN_WAKE, 0);
		} else {
			error = cpu->base->restore(group_queue(cpu, index), queue, threads + first,
						   records + first, end - first);
		}
		seen |= UINT64_C(1) << index;
	}
	/* Not before: a queue must be fresh, without entities, when its batch comes. */
	for (; seen != 0; seen &= seen - 1)
		group_node_settle(cpu, (uint32_t)__builtin_ctzll(seen), 0);
	return error;
}

/* What stands still (average 0) is the account of who has the CPU: in the other queues time goes on. */
static void group_set_average(struct policy_cpu *root, uint64_t average_weight, uint64_t now_ns)
{
	struct group_cpu *cpu = group_cpu_of(root);
	const bool blocked = group_blocked(cpu->machine);

	cpu->base->set_average(root,
			       average_weight == 0 && cpu->node[0].own_count != 0 ? 0
			       : average_weight == 0 || blocked ? group_average(cpu, 0)
								: average_weight,
			       now_ns);
	for (uint32_t index = 1; index < GROUP_MAX; index++) {
		uint64_t average = group_average(cpu, index);

		if (average_weight != 0 && !blocked && group_average(cpu, 0) != 0)
			average = average * average_weight / group_average(cpu, 0);
		if (cpu->node[index].id != 0 && average > 1)
			cpu->base->set_average(
				group_queue(cpu, index),
				average_weight == 0 && cpu->node[index].own_count != 0 ? 0
										       : average,
				now_ns);
	}
	group_cpu_refresh(cpu, now_ns);
}

/* Two operations have no CPU as an argument, so they know the base by their own code. */
#define BASE(base_)                                                                             \
	static enum error group_thread_init_##base_(struct policy_thread *thread,               \
						    const struct policy_params *params)         \
	{                                                                                       \
		*group_tag(thread) = (struct group_tag){.id = params->group};                   \
		return policy_##base_.thread_init(thread, params);                              \
	}                                                                                       \
	static void group_set_lag_##base_(struct policy_thread *thread, struct policy_number n) \
	{                                                                                       \
		policy_##base_.set_lag(thread, n);                                              \
	}                                                                                       \
	static const struct policy_ops group_over_##base_ = {                                   \
		.name = #base_,                                                                 \
		.desc = "groups with weights and caps over " #base_,                            \
		.preempted = true,                                                              \
		.cpu_bytes = POLICY_CPU_BYTES_MAX,                                              \
		.thread_bytes = POLICY_THREAD_BYTES_MAX,                                        \
		.cpu_init = group_cpu_init,                                                     \
		.thread_init = group_thread_init_##base_,                                       \
		.set_params = group_set_params,                                                 \
		.enqueue = group_enqueue,                                                       \
		.dequeue = group_dequeue,                                                       \
		.pick = group_pick,                                                             \
		.charge = group_charge,                                                         \
		.preempts = group_preempts,                                                     \
		.migrate_out = group_migrate_out,                                               \
		.migrate_in = group_migrate_in,                                                 \
		.save = group_save,                                                             \
		.restore = group_restore,                                                       \
		.spare = group_spare,                                                           \
		.query = group_query,                                                           \
		.set_average = group_set_average,                                               \
		.set_lag = group_set_lag_##base_,                                               \
		.check = group_check,                                                           \
		.dump = group_dump,                                                             \
	};
POLICY_LIST(BASE)
#undef BASE

#define X(name) {&policy_##name, &group_over_##name},
static const struct {
	const struct policy_ops *base;
	const struct policy_ops *over;
} layers[] = {POLICY_LIST(X)};
#undef X

const struct policy_ops *group_policy_of(const struct policy_ops *base)
{
	for (size_t i = 0; i < sizeof(layers) / sizeof(layers[0]); i++)
		if (layers[i].base == base)
			return layers[i].over;
	return NULL;
}
