/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Groups of threads with a weight and a cap, over any policy.  A layer that is a policy itself:
 * on one CPU each group is a queue of the base policy, and an entity (a thread blob of the base) in
 * its parent's queue.  Every operation works on the thread's queue and then walks up.  Design, figures
 * and limits: docs/design/groups.md.
 *
 * The root's queue is the base policy's own blob, and threads of the root are as the base left
 * them: the layer can take over a CPU in use (group_cpu_attach), and costs nothing before that.  It
 * keeps its words behind the base's in the blobs, so a base that needs all bytes is refused.
 *
 * Invariants (group_check): an entity is in its parent's queue if and only if its queue has a
 * runnable thread and it is not throttled; runtime of all CPUs comes from one pool per group, so over
 * N periods a group uses at most N quotas, what was carried into the first and what the CPUs hold, one piece
 * each.
 *
 * Owners: struct group_cpu, its CPU's dispatcher.  struct group_machine: all, atomic.
 *
 * Bad at: weights below 100 split over many CPUs (an entity's weight is a whole number); figures of
 * query() cost O(groups active on the CPU).
 */
#pragma once

#include "../common.h"
#include "../place/level.h"
#include "record.h"

#define GROUP_DEPTH_MAX       POLICY_ABOVE_MAX
#define GROUP_TAG_BYTES       16u
#define GROUP_PERIOD_NS_MIN   1000000u
#define GROUP_PERIOD_NS_MAX   1000000000u
#define GROUP_PIECE_NS_MIN    100000u
#define GROUP_PIECE_NS_MAX    1000000u
/* Both are times, of which the group's quota counts: together 1 % of the second over which a cap is exact. */
#define GROUP_CARRY_NS        8000000u /* into the next period, of what others did not let it use */
#define GROUP_HELD_NS         2000000u /* by all CPUs, for threads that have begun a turn */
#define GROUP_TAKEN_BITS      40u
#define GROUP_FULL_SHIFT      6u /* fraction bits */
#define GROUP_EFFECTIVE_SHIFT 8u
#define GROUP_BLOCKS_MAX      16u
#define GROUP_ENTITY_TID      (UINT64_C(1) << 62) /* no thread's */

/* Which group: epoch of the machine << 48 | generation << 16 | index, so that a stale one is known; 0 is
 * the root. */
typedef uint64_t group_id_t;

#define GROUP_EPOCH_SHIFT       48u
#define GROUP_GENERATION_SHIFT  16u
#define GROUP_INDEX_MASK        0xffffu
#define GROUP_PERIOD_NS_DEFAULT 100000000u
/* How long a thread of a group may run before its CPU looks whether the group was changed. */
#define GROUP_LOOK_NS           100000000u

struct group_config {
	group_id_t parent;
	uint32_t weight;
	uint64_t quota_ns; /* CPU time of all CPUs in each period; 0: no cap */
	uint64_t period_ns;
};

/* One group as all CPUs see it; every member is atomic. */
struct group_common {
	group_id_t id; /* 0: free.  Written last on creation, first on deletion */
	uint32_t generation;
	uint32_t weight;
	uint32_t parent; /* index */
	uint32_t depth;  /* 1: below the root */
	uint64_t quota_ns;
	uint64_t period_ns;
	uint64_t members; /* threads and groups; MEMBERS_CLOSED: being deleted */
	uint64_t load;    /* runnable weight in its queues, all CPUs, as far as it can be used */
	/* Of its runnable threads, without those of groups below. */
	uint64_t own_weight;
	uint64_t own_count;
	/* As of the last balance period (fair.h); 0: not known. */
	uint64_t full;
	uint64_t effective;
	uint32_t bound;  /* it is its cap that limits it */
	uint32_t behind; /* much was carried into the period: at the moment it is not its cap */
	uint64_t pool;   /* number of the period << GROUP_TAKEN_BITS | ns taken; machine.c */
	uint64_t due;    /* of all CPUs (part.c) */
	uint64_t throttled_last; /* period in which it was last throttled on some CPU */
};

/* What groups ideally have where affinity masks bind (fill.h); every member is atomic. */
struct group_blocks {
	uint64_t full[GROUP_BLOCKS_MAX][GROUP_MAX]; /* as in group_common, on the CPUs of a block */
	/* What a thread that ideally has a CPU counts as for balancing, with GROUP_FULL_SHIFT. */
	uint64_t one;
	uint64_t load[GROUP_MAX];         /* as in group_common, when it was solved */
	uint8_t class[LEVEL_CLASSES_MAX]; /* block of the threads with a mask */
	uint8_t cpu[CPUS_MAX];
};

struct group_machine {
	uint32_t cpus;
	uint32_t epoch;   /* in all its ids */
	uint32_t changes; /* counts group_set() */
	/* Masks bind: 1 + which of blocks[] is valid; the other is the next one. */
	uint32_t blocked;
	struct group_blocks blocks[2];
	struct group_record *record; /* GROUP_MAX of them */
	struct group_common group[GROUP_MAX];
};

/* One group on one CPU. */
struct group_node {
	_Alignas(POLICY_ALIGN) unsigned char entity[POLICY_THREAD_BYTES_MAX];
	_Alignas(POLICY_ALIGN) unsigned char queue[POLICY_CPU_BYTES_MAX];
	group_id_t id;
	uint32_t parent;
	uint32_t weight; /* of the entity now */
	uint64_t slice_ns;
	uint64_t below_slice_ns; /* the longest of a group in its queue that has somebody */
	bool off_centre;         /* of the entity: everybody in its queue is */
	bool inside;             /* QUEUED or RUNNING in its parent's queue */
	bool occupied;           /* somebody is runnable in its queue */
	bool throttled;
	bool capped;           /* when it was last asked for */
	int64_t runtime_ns;    /* left of what was taken from the pool; negative: to be paid back */
	uint64_t refill_ns;    /* while throttled */
	uint64_t throttled_ns; /* since when */
	uint64_t load;         /* as counted in the machine's */
	uint64_t own_weight, own_count; /* likewise */
	uint64_t below_weight;          /* of the entities in its queue */
	uint32_t below_count;
	/* Its part of the pool (part.c). */
	uint64_t due, due_below; /* the latter of groups below, in the former */
	uint64_t period;         /* of which part_ns is the part that the CPU may take */
	int64_t part_ns;
	int64_t allowed_ns;           /* what is left of it */
	struct policy_thread *picked; /* last answer of pick() on this queue, while it is in it */
};

struct group_cpu {
	const struct policy_ops *base;
	struct group_machine *machine;
	struct policy_cpu *root;
	uint64_t throttled; /* bits: nodes */
	uint32_t index;
	uint32_t misuse;
	uint32_t changes;                  /* as of the last refresh */
	struct group_node node[GROUP_MAX]; /* [0]: the root, of which only `picked` is used */
};

/* What check() finds beyond the rules of the base, which it reports as GROUP_RULE_BASE + rule. */
enum group_rule {
	GROUP_RULE_INSIDE = 1000,    /* an entity is not where its queue says */
	GROUP_RULE_THROTTLED = 1001, /* the bits of throttled nodes */
	GROUP_RULE_LOAD = 1002,      /* the published load */
	GROUP_RULE_PARENT = 1003,    /* a node is below one that does not exist */
	GROUP_RULE_MISUSE = 1004,
	GROUP_RULE_BASE = 2000,
};

/* ---- machine.c: any CPU, no lock ---- */
/* `record`: GROUP_MAX, zeroed or of the instance before.  Memory is zeroed, and every thread of a server may
 * say the same. */
void group_machine_start(struct group_machine *machine, uint32_t cpus, uint32_t epoch,
			 struct group_record *record);
/* The groups of the instance before, with their ids, without members; returns how many records were of no use
 * and are gone.  Context: once, before any other use. */
uint32_t group_machine_restore(struct group_machine *machine);
/* ERR_RANGE: weight, quota or period out of bounds.  ERR_LIMIT: deeper than GROUP_DEPTH_MAX.
 * ERR_NOT_FOUND: no such parent.  ERR_NO_MEMORY: all groups are in use. */
enum error group_create(struct group_machine *machine, const struct group_config *config,
			group_id_t *id) __attribute__((warn_unused_result));
/* Another weight or cap; the parent stays.  A CPU sees it at its next pick.  ERR_RANGE, ERR_NOT_FOUND as
 * above. */
enum error group_set(struct group_machine *machine, group_id_t id,
		     const struct group_config *config) __attribute__((warn_unused_result));
/* ERR_BUSY: it has threads or groups; ERR_NOT_FOUND. */
enum error group_delete(struct group_machine *machine, group_id_t id)
	__attribute__((warn_unused_result));
bool group_exists(const struct group_machine *machine, group_id_t id);
/* Is it `above`, or below that?  All are below the root. */
bool group_within(const struct group_machine *machine, group_id_t id, group_id_t above);
/* The group after index - 1 in the table; 0: there are no more. */
group_id_t group_next(const struct group_machine *machine, uint64_t index);
/* One member more, unless it does not exist any more; one less. */
bool group_member_add(struct group_machine *machine, group_id_t id);
void group_member_remove(struct group_machine *machine, group_id_t id);
/* The quota of so much time, at most of a period. */
uint64_t group_time_ns(const struct group_common *group, uint64_t time_ns);
/* Of the quota of this period; less than 0 if some of the last one may be used in it, too. */
int64_t group_pool_taken(const struct group_machine *machine, uint32_t index, uint64_t now_ns);
/* Up to `wanted` of the quota of the period of now_ns; returns what was left of it. */
uint64_t group_pool_take(struct group_machine *machine, uint32_t index, uint64_t wanted_ns,
			 uint64_t now_ns);
void group_pool_give(struct group_machine *machine, uint32_t index, uint64_t unused_ns);

/* Not more than all of it. */
static inline uint64_t group_part_of(uint64_t whole, uint64_t mine, uint64_t all)
{
	uint64_t rest;

	return mine >= all ? whole : (uint64_t)uint128_divide((uint128_t)whole * mine, all, &rest);
}

static inline uint32_t group_index(group_id_t id)
{
	return (uint32_t)id % GROUP_MAX;
}

/* ---- node.c: the CPU's dispatcher ---- */
/* Take over a queue of `base`.  From then on group_policy_of(base) is its policy.  `cpu` is zeroed memory.
 * ERR_LIMIT: the base leaves no room in its blobs. */
enum error group_cpu_attach(struct group_cpu *cpu, struct group_machine *machine,
			    const struct policy_ops *base, struct policy_cpu *root, uint32_t index)
	__attribute__((warn_unused_result));
/* Read weights and caps again, about every BALANCE_PERIOD_NS (set_average does it). */
void group_cpu_refresh(struct group_cpu *cpu, uint64_t now_ns);
/* The node of a group on this CPU, made if need be; 0 if there is no such group. */
uint32_t group_node_ready(struct group_cpu *cpu, group_id_t id, uint64_t now_ns);
/* After a change of the node's queue: its entity and those above enter or leave. */
void group_node_settle(struct group_cpu *cpu, uint32_t index, uint64_t now_ns);
/* May it run now?  Takes runtime; throttles it if there is none. */
bool group_node_fund(struct group_cpu *cpu, uint32_t index, uint64_t now_ns);
void group_node_unthrottle(struct group_cpu *cpu, uint32_t index, uint64_t now_ns);
/* What entities from this node up are owed, and their part in their queues, before a thread leaves; returns
 * how many there are. */
struct group_part {
	int64_t lag_ns;
	uint64_t weight; /* of the queue that it is in */
};
uint32_t group_path_parts(struct group_cpu *cpu, uint32_t index,
			  struct group_part part[GROUP_DEPTH_MAX]);
/* A thread has left the queue of this node, whose weight was `before`: its part of each goes with it. */
void group_parts_take(struct group_cpu *cpu, uint32_t index, uint64_t before, uint64_t after,
		      const struct group_part *part, uint32_t count, struct policy_migration *move,
		      uint64_t now_ns);
/* An entity is owed so much more, in whatever state it is. */
void group_entity_owe(struct group_cpu *cpu, uint32_t index, int64_t more_ns, uint64_t now_ns);
/* Those whose time has come come back; when the next one does, TIME_NEVER if none. */
uint64_t group_refill(struct group_cpu *cpu, uint64_t now_ns);

/* ---- part.c: the CPU's dispatcher ---- */
/* What is due to the threads of a node has changed, of it or of one below. */
void group_part_count(struct group_cpu *cpu, uint32_t index);
/* Runtime for a node that has none left, beside what it has to pay back; 0: not before *retry_ns. */
uint64_t group_part_take(struct group_cpu *cpu, uint32_t index, uint64_t piece_ns, uint64_t now_ns,
			 uint64_t *retry_ns);
/* Request length of its entity. */
uint64_t group_part_slice_ns(const struct group_cpu *cpu, uint32_t index);
/* Is it a cap that limits what threads of the node get? */
bool group_bound(const struct group_cpu *cpu, uint32_t index);
/* Would a thread of the node wait on an idle CPU where those are throttled, or one for another? */
bool group_would_wait(const struct group_cpu *cpu, uint32_t index, uint64_t throttled);
/* A bit for each group that is throttled here. */
uint64_t group_waits(const struct policy_cpu *root);

static inline struct policy_cpu *group_queue(struct group_cpu *cpu, uint32_t index)
{
	return index == 0 ? cpu->root : (struct policy_cpu *)(void *)cpu->node[index].queue;
}

static inline struct policy_thread *group_entity(struct group_cpu *cpu, uint32_t index)
{
	return (struct policy_thread *)(void *)cpu->node[index].entity;
}

/* Affinity masks bind. */
static inline bool group_blocked(const struct group_machine *machine)
{
	return __atomic_load_n(&machine->blocked, __ATOMIC_RELAXED) != 0;
}

/* NULL: none does. */
static inline const struct group_blocks *group_blocks(const struct group_machine *machine)
{
	const uint32_t blocked = __atomic_load_n(&machine->blocked, __ATOMIC_ACQUIRE);

	return blocked == 0 ? NULL : &machine->blocks[blocked - 1];
}

static inline uint32_t group_block_of_cpu(const struct group_machine *machine, uint32_t cpu)
{
	const struct group_blocks *blocks = group_blocks(machine);

	return blocks == NULL ? 0 : __atomic_load_n(&blocks->cpu[cpu], __ATOMIC_RELAXED);
}

static inline uint32_t group_block_of_class(const struct group_machine *machine, uint32_t class)
{
	const struct group_blocks *blocks = group_blocks(machine);

	return blocks == NULL ? 0 : __atomic_load_n(&blocks->class[class], __ATOMIC_RELAXED);
}

/* What a thread of the group weighs that ideally has a CPU of that block, with GROUP_FULL_SHIFT; 0: not
 * known. */
static inline uint64_t group_full(const struct group_machine *machine, uint32_t index,
				  uint32_t block)
{
	const struct group_blocks *blocks = group_blocks(machine);

	return __atomic_load_n(blocks == NULL ? &machine->group[index].full
					      : &blocks->full[block][index],
			       __ATOMIC_RELAXED);
}

/* The same on this CPU. */
static inline uint64_t group_full_here(const struct group_cpu *cpu, uint32_t index)
{
	return group_full(cpu->machine, index, group_block_of_cpu(cpu->machine, cpu->index));
}

static inline uint64_t group_average(const struct group_cpu *cpu, uint32_t index)
{
	return group_full_here(cpu, index) >> GROUP_FULL_SHIFT;
}

/* What a thread that ideally has a CPU counts as for balancing, with GROUP_FULL_SHIFT; 0: not known. */
static inline uint64_t group_one(const struct group_machine *machine)
{
	const struct group_blocks *blocks = group_blocks(machine);

	return __atomic_load_n(blocks == NULL ? &machine->group[0].full : &blocks->one,
			       __ATOMIC_RELAXED);
}

/* The node whose entity this is; 0: a thread. */
static inline uint32_t group_of_entity(const struct group_cpu *cpu,
				       const struct policy_thread *thread)
{
	const uintptr_t at = (uintptr_t)thread, first = (uintptr_t)&cpu->node[0];
	return at < first || at >= first + sizeof(cpu->node)
		       ? 0
		       : (uint32_t)((at - first) / sizeof(cpu->node[0]));
}

uint32_t group_queue_runnable(const struct group_cpu *cpu, uint32_t index, uint64_t *load);

/* ---- ops.c, inspect.c ---- */
/* The layer over that policy, or NULL if it is not in the registry.  It has the same name; id and
 * version are 0, because migrations and records carry the base's. */
const struct policy_ops *group_policy_of(const struct policy_ops *base);

/* At the end of a CPU's blob: who took it over. */
static inline struct group_cpu *group_cpu_of(const struct policy_cpu *cpu)
{
	struct group_cpu *group;
	__builtin_memcpy(&group,
			 (const unsigned char *)(const void *)cpu + POLICY_CPU_BYTES_MAX -
				 GROUP_TAG_BYTES,
			 sizeof(group));
	return group;
}

/* At the end of a thread's blob; zero where the layer never saw it: the root, not counted. */
struct group_tag {
	group_id_t id;
	uint32_t node;   /* whose queue keeps it on its CPU */
	uint32_t member; /* it is counted in the group's members */
};
_Static_assert(sizeof(struct group_tag) <= GROUP_TAG_BYTES, "tag");

static inline struct group_tag *group_tag(struct policy_thread *thread)
{
	return (struct group_tag *)(void *)((unsigned char *)(void *)thread +
					    POLICY_THREAD_BYTES_MAX - GROUP_TAG_BYTES);
}

static inline const struct group_tag *group_tag_const(const struct policy_thread *thread)
{
	return (const struct group_tag *)(const void *)((const unsigned char *)(const void *)
								thread +
							POLICY_THREAD_BYTES_MAX - GROUP_TAG_BYTES);
}

/* What that weight of so many of a group's threads counts as for balancing: without masks, beside threads of
 * the root.  Each can use one CPU at most.  `block`: theirs.  0 if it is not known yet. */
uint64_t group_flat_most(const struct group_machine *machine, uint32_t index, uint32_t block,
			 uint64_t weight, uint64_t count);

/* A thread as the plans of all CPUs see it (policy/place/plan.h). */
struct group_spare {
	struct policy_spare spare; /* weight: beside threads of the root */
	uint32_t weight;           /* its own */
	uint32_t node;
	bool bound; /* a cap limits what it gets */
};

/* As policy_ops.spare, of all groups, throttled ones too: up to POLICY_LOOKS of each queue, those owed least.
 * What is owed leaves out what the groups' entities are owed on this CPU, as it does the threads' lags. */
uint32_t group_members(const struct policy_cpu *cpu, struct group_spare *out, uint32_t count);
/* Threads of this CPU that could run, but for throttled groups. */
uint32_t group_throttled(const struct policy_cpu *cpu);

uint32_t group_spare(const struct policy_cpu *cpu, uint64_t *cursor, struct policy_spare *out,
		     uint32_t count);
void group_query(const struct policy_cpu *cpu, const struct policy_thread *thread,
		 struct policy_info *out);
uint32_t group_check(const struct policy_cpu *cpu);
size_t group_dump(const struct policy_cpu *cpu, char *text, size_t bytes);
