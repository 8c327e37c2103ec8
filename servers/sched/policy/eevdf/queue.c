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
	uint32_t min_ns = thread->slice_ns;
	uint32_t max_ns = min_ns;
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

uint32_t eevdf_slice_max(const struct eevdf_cpu *cpu, const struct eevdf_thread *also)
{
	uint64_t slice = max_u64(also->slice_ns, cpu->running != NULL ? cpu->running->slice_ns : 0);
	for (uint32_t i = 0; i < EEVDF_TREES; i++)
		if (cpu->tree[i].root != NULL)
			slice = max_u64(slice, eevdf_of_node(cpu->tree[i].root)->max_slice_ns);
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

/* A search with a budget, pruned by the summaries. */
struct search {
	struct rb_looks looks;
	int128_t v_max; /* who has more is of no interest */
};
_Static_assert(EEVDF_SEARCH_MAX + EEVDF_CLASSES <= RB_LOOKS_MAX, "room for all");

static void search_push(struct search *search, struct rb_node *node, uint32_t slice_below_ns)
{
	if (node == NULL)
		return;
	const struct eevdf_thread *thread = eevdf_of_node_const(node);
	if (thread->min_slice_ns < slice_below_ns && thread->min_v <= search->v_max)
		search->looks.stack[search->looks.depth++] = node;
}

/* In the trees of this class and those that it may not cut in on. */
static void search_begin(struct search *search, const struct eevdf_cpu *cpu, uint32_t class,
			 uint32_t slice_below_ns, int128_t v_max)
{
	search->looks.depth = 0; /* not zeroed as a whole: this is on the decision path */
	search->looks.left = EEVDF_SEARCH_MAX;
	search->v_max = v_max;
	for (uint32_t c = 0; c <= class; c++)
		search_push(search, cpu->tree[c].root, slice_below_ns);
}

bool eevdf_shorter_min_v(const struct eevdf_cpu *cpu, const struct eevdf_thread *than,
			 uint32_t later_ns, int128_t *min_v)
{
	struct search search;
	struct rb_node *node;
	search_begin(&search, cpu, than->class, than->slice_ns, INT128_MAX);
	while ((node = rb_look(&search.looks)) != NULL) {
		const struct eevdf_thread *thread = eevdf_of_node_const(node);
		const bool earlier = thread->key_vd < than->key_vd;
		/* Behind a later one all are: the very short are looked for. */
		const uint32_t below_ns = earlier ? than->slice_ns : later_ns + 1;
		if (thread->slice_ns < below_ns && thread->v <= search.v_max)
			search.v_max = thread->v - 1;
		search_push(&search, node->right, below_ns);
		search_push(&search, node->left, than->slice_ns);
	}
	for (; search.looks.depth > 0; search.looks.depth--) /* not looked at: a lower bound */
		search.v_max = min_i128(
			search.v_max,
			eevdf_of_node_const(search.looks.stack[search.looks.depth - 1])->min_v - 1);
	if (search.v_max == INT128_MAX)
		return false;
	*min_v = search.v_max + 1;
	return true;
}

struct eevdf_thread *eevdf_short_best(const struct eevdf_cpu *cpu, uint32_t class,
				      uint32_t slice_ns)
{
	struct eevdf_thread *best = NULL;
	struct search search;
	struct rb_node *node;
	search_begin(&search, cpu, class, slice_ns + 1, eevdf_cutoff(cpu));
	while ((node = rb_look(&search.looks)) != NULL) {
		struct eevdf_thread *thread = eevdf_of_node(node);
		const bool before = best == NULL || eevdf_before(thread, best);
		/* What is behind the best so far cannot be better. */
		if (before)
			search_push(&search, node->right, slice_ns + 1);
		search_push(&search, node->left, slice_ns + 1);
		if (before && thread->slice_ns <= slice_ns && thread->v <= search.v_max)
			best = thread;
	}
	return best;
}
