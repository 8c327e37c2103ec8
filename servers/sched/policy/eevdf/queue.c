/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The trees of a queue: who waits, by deadline, and who sleeps in debt, by v.
 * A thread's v, vd, ve, slice and class change only while it is in no tree.
 */
#include "eevdf.h"

bool eevdf_summary_update(struct rb_node *node)
{
	struct eevdf_thread *thread = eevdf_of_node(node);
	const struct rb_node *const below[] = {node->left, node->right};
	int128_t min_v = thread->v;
	uint32_t min_ns = thread->slice_ns, max_ns = min_ns;
	for (uint32_t i = 0; i < 2; i++) {
		if (below[i] == NULL)
			continue;
		const struct eevdf_thread *child = eevdf_of_node_const(below[i]);
		min_v = int128_below(child->min_v, min_v) ? child->min_v : min_v;
		min_ns = child->min_slice_ns < min_ns ? child->min_slice_ns : min_ns;
		max_ns = child->max_slice_ns > max_ns ? child->max_slice_ns : max_ns;
	}
	if (min_v == thread->min_v && min_ns == thread->min_slice_ns &&
	    max_ns == thread->max_slice_ns)
		return false;
	thread->min_v = min_v;
	thread->min_slice_ns = min_ns;
	thread->max_slice_ns = max_ns;
	return true;
}

/* One more below it. */
static inline void summary_add(struct eevdf_thread *up, const struct eevdf_thread *added)
{
	const uint32_t ns = added->slice_ns;
	up->min_v = int128_below(added->v, up->min_v) ? added->v : up->min_v;
	up->min_slice_ns = ns < up->min_slice_ns ? ns : up->min_slice_ns;
	up->max_slice_ns = ns > up->max_slice_ns ? ns : up->max_slice_ns;
}

typedef bool before_fn(const struct eevdf_thread *a, const struct eevdf_thread *b);
static POLICY_STRAIGHT void tree_insert(struct eevdf_cpu *cpu, uint32_t which,
					struct eevdf_thread *thread, before_fn *before)
{
	struct rb_node **link = &cpu->tree[which].root;
	struct rb_node *parent = NULL;
	bool first = true;
	while (*link != NULL) {
		parent = *link;
		const bool left = before(thread, eevdf_of_node(parent));
		summary_add(eevdf_of_node(parent), thread);
		link = left ? &parent->left : &parent->right;
		first = first && left;
	}
	if (first)
		cpu->first[which] = thread;
	thread->min_v = thread->v;
	thread->min_slice_ns = thread->slice_ns;
	thread->max_slice_ns = thread->slice_ns;
	rb_insert_leaf(&cpu->tree[which], &thread->node, parent, link, eevdf_summary_update);
}

bool eevdf_delayed_before(const struct eevdf_thread *a, const struct eevdf_thread *b)
{
	const int difference = vtime_compare(&a->time, &b->time);
	return difference != 0 ? difference < 0 : a->tid < b->tid;
}

void eevdf_tree_insert(struct eevdf_cpu *cpu, struct eevdf_thread *thread)
{
	if (thread->state == POLICY_QUEUED)
		tree_insert(cpu, thread->class, thread, eevdf_before);
	else if (thread->state == POLICY_DELAYED)
		tree_insert(cpu, EEVDF_DELAYED, thread, eevdf_delayed_before);
}

void eevdf_unlink(struct eevdf_cpu *cpu, struct eevdf_thread *thread)
{
	const uint32_t which = thread->state == POLICY_DELAYED ? EEVDF_DELAYED : thread->class;
	cpu->first[which] = eevdf_of_link(rb_erase_any(
		&cpu->tree[which], &thread->node, &cpu->first[which]->node, eevdf_summary_update));
}

static POLICY_APART void run_among(struct eevdf_cpu *cpu, struct eevdf_thread *thread,
				   struct eevdf_thread *before)
{
	eevdf_unlink(cpu, thread);
	if (before != NULL)
		eevdf_tree_insert(cpu, before);
}

void eevdf_run(struct eevdf_cpu *cpu, struct eevdf_thread *thread)
{
	struct rb_tree *tree = &cpu->tree[POLICY_CLASS_NORMAL];
	struct eevdf_thread *before = cpu->running;
	if (before != NULL)
		before->state = POLICY_QUEUED;
	eevdf_running_set(cpu, thread);
	thread->state = POLICY_RUNNING;
	if (tree->root != &thread->node || thread->node.left != NULL) {
		run_among(cpu, thread, before);
		return;
	}
	/* Of two or three threads the first is the root, and nothing else moves. */
	cpu->first[POLICY_CLASS_NORMAL] = eevdf_of_link(rb_erase_first_root(tree));
	if (before != NULL)
		eevdf_tree_insert(cpu, before);
}

struct eevdf_thread *eevdf_best(const struct eevdf_cpu *cpu, uint32_t class, int128_t cutoff)
{
	struct rb_node *node = cpu->tree[class].root;
	if (cpu->first[class] == NULL || cpu->first[class]->v <= cutoff)
		return cpu->first[class];
	while (node != NULL) {
		if (node->left != NULL && eevdf_of_node(node->left)->min_v <= cutoff)
			node = node->left;
		else if (eevdf_of_node(node)->v <= cutoff)
			return eevdf_of_node(node);
		else
			node = node->right;
	}
	return NULL;
}

uint32_t eevdf_slice_min(const struct eevdf_cpu *cpu)
{
	uint64_t slice = UINT32_MAX;
	for (uint32_t c = 0; c < EEVDF_CLASSES; c++)
		if (cpu->tree[c].root != NULL)
			slice = min_u64(slice, eevdf_of_node(cpu->tree[c].root)->min_slice_ns);
	return (uint32_t)slice;
}

/* One way down each tree: where a node is earlier, so is its whole left subtree. */
bool eevdf_earlier_min_v(const struct eevdf_cpu *cpu, const struct eevdf_thread *than, bool ties,
			 int128_t *min_v)
{
	bool found = false;
	for (uint32_t c = 0; c < EEVDF_CLASSES; c++) {
		const struct rb_node *node = cpu->tree[c].root;
		while (node != NULL) {
			const struct eevdf_thread *thread = eevdf_of_node_const(node);
			if (ties ? !eevdf_before(thread, than) : thread->key_vd >= than->key_vd) {
				node = node->left;
				continue;
			}
			int128_t v = thread->v;
			if (node->left != NULL && eevdf_of_node_const(node->left)->min_v < v)
				v = eevdf_of_node_const(node->left)->min_v;
			if (!found || v < *min_v)
				*min_v = v;
			found = true;
			node = node->right;
		}
	}
	return found;
}
