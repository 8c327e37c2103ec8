/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What most policies share: typed views of the blobs, the bounds of parameters, members of
 * policy_ops that do nothing, parts of a dump.  Everything inline: a policy stays one file.
 */
#pragma once

#include "policy.h"
#include <base/math.h>
#include <base/rbtree.h>
#include <base/text.h>

/* Not inline: what comes rarely, or much of it at once, makes the usual way longer. */
#define POLICY_APART    __attribute__((noinline))
#define POLICY_STRAIGHT inline __attribute__((always_inline))
#define POLICY_SHOWN    24u /* threads in a dump */
#define POLICY_LOOKS    32u /* threads looked at by spare() */

/*
 * For `struct name_cpu` and `struct name_thread`: name_cpu(), name_thread() and their _const forms
 * turn the caller's blobs into them, name_handle() goes back; and both fit into their blobs.
 */
#define POLICY_VIEWS(name)                                                                    \
	static inline struct name##_cpu *name##_cpu(struct policy_cpu *cpu)                   \
	{                                                                                     \
		return (struct name##_cpu *)(void *)cpu;                                      \
	}                                                                                     \
	static inline const struct name##_cpu *name##_cpu_const(const struct policy_cpu *cpu) \
	{                                                                                     \
		return (const struct name##_cpu *)(const void *)cpu;                          \
	}                                                                                     \
	static inline struct name##_thread *name##_thread(struct policy_thread *thread)       \
	{                                                                                     \
		return (struct name##_thread *)(void *)thread;                                \
	}                                                                                     \
	static inline const struct name##_thread *name##_thread_const(                        \
		const struct policy_thread *thread)                                           \
	{                                                                                     \
		return (const struct name##_thread *)(const void *)thread;                    \
	}                                                                                     \
	static inline struct policy_thread *name##_handle(struct name##_thread *thread)       \
	{                                                                                     \
		return (struct policy_thread *)(void *)thread;                                \
	}                                                                                     \
	_Static_assert(sizeof(struct name##_cpu) <= POLICY_CPU_BYTES_MAX, "CPU blob");        \
	_Static_assert(sizeof(struct name##_thread) <= POLICY_THREAD_BYTES_MAX, "thread blob")

/* For `struct name_thread` with a `struct rb_node node`: name_of_node() and its _const form, and
 * name_of_link(), which maps NULL to NULL. */
#define POLICY_NODES(name)                                                                         \
	static inline struct name##_thread *name##_of_node(struct rb_node *node)                   \
	{                                                                                          \
		return container_of(node, struct name##_thread, node);                             \
	}                                                                                          \
	static inline const struct name##_thread *name##_of_node_const(const struct rb_node *node) \
	{                                                                                          \
		return container_of_const(node, struct name##_thread, node);                       \
	}                                                                                          \
	static inline struct name##_thread *name##_of_link(struct rb_node *node)                   \
	{                                                                                          \
		return node == NULL ? NULL : name##_of_node(node);                                 \
	}                                                                                          \
	_Static_assert(sizeof(((struct name##_thread *)0)->node) == sizeof(struct rb_node), "nod"  \
											    "e")

/* Field by field: the whole at once would be a call of memset, in every decision. */
static inline void policy_pick_clear(struct policy_pick *out)
{
	out->thread = NULL;
	out->slice_ns = TIME_NEVER;
	out->request_ns = TIME_NEVER;
	out->runnable = 0;
	out->offers = 0;
}

static inline void policy_info_clear(struct policy_info *out)
{
	const struct policy_number none = {0};
	out->v = none;
	out->delayed = 0;
	out->state = 0;
	out->ahead_ns = 0;
	out->thread_v = none;
	out->thread_ve = none;
	out->thread_vd = none;
	out->lag_ns = none;
	out->left_ns = 0;
	out->slice_ns = 0;
}

/* The members of policy_ops that are functions called name_MEMBER, and what depends on the blobs; all but
 * name, desc, set_average and set_lag. */
#define POLICY_OPS(prefix, id_, version_)                                                \
	.version = version_, .id = id_, .cpu_bytes = sizeof(struct prefix##_cpu),        \
	.thread_bytes = sizeof(struct prefix##_thread), .cpu_init = prefix##_cpu_init,   \
	.thread_init = prefix##_thread_init, .set_params = prefix##_set_params,          \
	.enqueue = prefix##_enqueue, .dequeue = prefix##_dequeue, .pick = prefix##_pick, \
	.charge = prefix##_charge, .preempts = prefix##_preempts,                        \
	.migrate_out = prefix##_migrate_out, .migrate_in = prefix##_migrate_in,          \
	.save = prefix##_save, .restore = prefix##_restore, .spare = prefix##_spare,     \
	.query = prefix##_query, .check = prefix##_check, .dump = prefix##_dump

/* For a policy of several files: its operations that are not in the file of its policy_ops. */
#define POLICY_PROTOTYPES(prefix)                                                                 \
	void prefix##_pick(struct policy_cpu *cpu, uint64_t now_ns, uint32_t flags,               \
			   struct policy_pick *out);                                              \
	bool prefix##_preempts(const struct policy_cpu *cpu, const struct policy_thread *running, \
			       const struct policy_thread *woken, uint64_t now_ns);               \
	void prefix##_migrate_out(struct policy_cpu *cpu, struct policy_thread *thread,           \
				  struct policy_migration *out, uint64_t now_ns);                 \
	void prefix##_migrate_in(struct policy_cpu *cpu, struct policy_thread *thread,            \
				 const struct policy_migration *in, uint64_t now_ns);             \
	void prefix##_save(const struct policy_cpu *cpu, const struct policy_thread *thread,      \
			   struct policy_record *out);                                            \
	enum error prefix##_restore(struct policy_cpu *cpu, const struct policy_record *queue,    \
				    struct policy_thread *const threads[],                        \
				    const struct policy_record *records, uint32_t count)          \
		__attribute__((warn_unused_result));                                              \
	uint32_t prefix##_spare(const struct policy_cpu *cpu, uint64_t *cursor,                   \
				struct policy_spare *out, uint32_t count);                        \
	void prefix##_query(const struct policy_cpu *cpu, const struct policy_thread *thread,     \
			    struct policy_info *out);                                             \
	uint32_t prefix##_check(const struct policy_cpu *cpu);                                    \
	size_t prefix##_dump(const struct policy_cpu *cpu, char *text, size_t bytes)

static inline struct policy_spare policy_spare_of(struct policy_thread *thread, int64_t owed_ns,
						  uint32_t weight, bool running)
{
	return (struct policy_spare){
		.thread = thread, .owed_ns = owed_ns, .weight = weight, .running = running};
}

/* Into spare()'s answer by what is owed, least first, at most count long.  Returns its length. */
static inline uint32_t policy_spare_insert(struct policy_spare *out, uint32_t used, uint32_t count,
					   struct policy_spare one)
{
	if (used == count && one.owed_ns >= out[used - 1].owed_ns)
		return used;
	uint32_t at = used < count ? used : count - 1;
	for (; at > 0 && out[at - 1].owed_ns > one.owed_ns; at--)
		out[at] = out[at - 1];
	out[at] = one;
	return used < count ? used + 1 : used;
}

static inline bool policy_weight_valid(uint32_t weight)
{
	return weight >= POLICY_WEIGHT_MIN && weight <= POLICY_WEIGHT_MAX;
}

static inline bool policy_slice_valid(uint64_t slice_ns)
{
	return slice_ns >= POLICY_SLICE_NS_MIN && slice_ns <= POLICY_SLICE_NS_MAX;
}

static inline bool policy_params_valid(const struct policy_params *params)
{
	return policy_weight_valid(params->weight) && policy_slice_valid(params->slice_ns) &&
	       params->class <= POLICY_CLASS_BACKGROUND &&
	       params->priority <= POLICY_PRIORITY_MAX &&
	       (params->period_ns == 0 || (params->period_ns >= params->slice_ns &&
					   params->period_ns <= POLICY_PERIOD_NS_MAX));
}

/* The record is one that this policy saved, of the queue (kind 1) or of thread `tid` (kind 2). */
static inline bool policy_record_fits(const struct policy_record *record, uint32_t id,
				      uint32_t version, uint32_t kind, uint64_t tid)
{
	return record->policy_id == id && record->version == version && record->kind == kind &&
	       (kind == 1 || record->tid == tid);
}

/* An empty record of the queue. */
static inline struct policy_record policy_record_of(uint32_t id, uint32_t version)
{
	return (struct policy_record){.policy_id = id, .version = (uint16_t)version, .kind = 1};
}

/* Where spare() begins to look backwards: at the last in order for cursor 0, else by the cursor's bits down
 * the tree, so that a queue full of pinned threads is searched over several balance periods. */
static inline struct rb_node *policy_spare_start(const struct rb_tree *tree, uint64_t cursor)
{
	if (cursor == 0)
		return rb_last(tree);
	uint64_t bits = cursor * UINT64_C(0x9E3779B97F4A7C15);
	struct rb_node *node = tree->root;
	while (node != NULL) {
		struct rb_node *child = (bits >> 63) != 0 ? node->right : node->left;
		if (child == NULL)
			break;
		node = child;
		bits <<= 1;
	}
	return node;
}

/* A number of units of 2^-frac_bits; 1 <= frac_bits. */
static inline struct policy_number policy_number_of(int128_t units, uint32_t frac_bits)
{
	const int128_t fine = frac_bits > 32 ? units >> (frac_bits - 32)
					     : units * ((int128_t)1 << (32 - frac_bits));
	return (struct policy_number){.whole = int128_to_i64(units >> frac_bits),
				      .frac = (uint32_t)fine};
}

/* " name=value" in a dump. */
static inline void policy_show_signed(struct text *text, const char *name, int64_t value)
{
	text_name(text, name);
	text_i64(text, value);
}

static inline void policy_show(struct text *text, const char *name, uint64_t value)
{
	text_name(text, name);
	text_u64(text, value);
}

/* How a dump begins. */
static inline void policy_show_queue(struct text *text, const char *name, uint32_t cpu_index,
				     uint32_t runnable, uint32_t rule)
{
	text_string(text, name);
	policy_show(text, "cpu", cpu_index);
	policy_show(text, "runnable", runnable);
	policy_show(text, "rule", rule);
}

/* A line for each thread of a tree in a dump, as many as it may have, the first ones first. */
static inline void policy_show_tree(struct text *text, const struct rb_tree *tree,
				    const struct policy_cpu *cpu,
				    void (*show)(struct text *text, const struct policy_cpu *cpu,
						 struct rb_node *node))
{
	uint32_t left = POLICY_SHOWN;
	struct rb_node *node = rb_first(tree);
	for (; node != NULL && left > 0; node = rb_next(node), left--)
		show(text, cpu, node);
	if (node != NULL)
		text_string(text, "  ...\n");
}
