/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The trees of a queue: who waits, by deadline, and who sleeps in debt, by v.
 * A thread's v, vd, ve, slice and class change only while it is in no tree.
 */
#include "eevdf.h"

struct summary {
	int128_t min_v;
	uint32_t min_slice_ns, max_slice_ns;
};

static inline __attribute__((always_inline)) void summary_add(struct summary *sum,
							      const struct rb_node *node)
{
	if (node == NULL)
		return;
	const struct eevdf_thread *below = eevdf_of_node_const(node);
	sum->min_v = below->min_v < sum->min_v ? below->min_v : sum->min_v;
	if (below->min_slice_ns < sum->min_slice_ns)
		sum->min_slice_ns = below->min_slice_ns;
	if (below->max_slice_ns > sum->max_slice_ns)
		sum->max_slice_ns = below->max_slice_ns;
}

/* This is what most of an insertion or removal consists of. */
bool eevdf_summary_update(struct rb_node *node)
{
	struct eevdf_thread *thread = eevdf_of_node(node);
	struct summary sum = {thread->v, thread->slice_ns, thread->slice_ns};
	summary_add(&sum, node->left);
	summary_add(&sum, node->right);
	if (sum.min_v == thread->min_v && sum.min_slice_ns == thread->min_slice_ns &&
	    sum.max_slice_ns == thread->max_slice_ns)
		return false;
	thread->min_v = sum.min_v;
	thread->min_slice_ns = sum.min_slice_ns;
	thread->max_slice_ns = sum.max_slice_ns;
	return true;
}

/* To the nearest multiple of EEVDF_SLACK, in multiples of it. */
static int128_t key_of(int128_t v)
{
	return (v + EEVDF_SLACK / 2) >> EEVDF_KEY_SHIFT;
}

void eevdf_keys_set(struct eevdf_thread *thread)
{
	thread->key_vd = key_of(thread->vd);
	thread->key_ve = key_of(thread->ve);
}

typedef bool before_fn(const struct eevdf_thread *a, const struct eevdf_thread *b);

static inline __attribute__((always_inline)) void
tree_insert(struct rb_tree *tree, struct eevdf_thread *thread, before_fn *before)
{
	struct rb_node **link = &tree->root;
	struct rb_node *parent = NULL;
	while (*link != NULL) {
		parent = *link;
		link = before(thread, eevdf_of_node(parent)) ? &parent->left : &parent->right;
	}
	rb_insert(tree, &thread->node, parent, link, eevdf_summary_update);
}

static void first_erased(struct eevdf_cpu *cpu, const struct eevdf_thread *thread)
{
	struct rb_node *next = rb_next(&thread->node);
	cpu->first[thread->class] = next == NULL ? NULL : eevdf_of_node(next);
}

bool eevdf_delayed_before(const struct eevdf_thread *a, const struct eevdf_thread *b)
{
	if (a->v != b->v)
		return a->v < b->v;
	/* remainders are fractions of a unit: a_rem / a_w against b_rem / b_w */
	const uint64_t left = (uint64_t)a->v_rem * b->weight;
	const uint64_t right = (uint64_t)b->v_rem * a->weight;
	return left != right ? left < right : a->tid < b->tid;
}

void eevdf_tree_insert(struct eevdf_cpu *cpu, struct eevdf_thread *thread)
{
	if (thread->state != POLICY_DELAYED)
		eevdf_keys_set(thread);
	if (thread->state == POLICY_QUEUED) {
		struct eevdf_thread **first = &cpu->first[thread->class];
		tree_insert(&cpu->waiting[thread->class], thread, eevdf_before);
		if (*first == NULL || eevdf_before(thread, *first))
			*first = thread;
	} else if (thread->state == POLICY_DELAYED) {
		tree_insert(&cpu->delayed, thread, eevdf_delayed_before);
	}
}

void eevdf_tree_erase(struct eevdf_cpu *cpu, struct eevdf_thread *thread)
{
	if (thread->state == POLICY_QUEUED) {
		if (cpu->first[thread->class] == thread)
			first_erased(cpu, thread);
		rb_erase(&cpu->waiting[thread->class], &thread->node, eevdf_summary_update);
	} else if (thread->state == POLICY_DELAYED) {
		rb_erase(&cpu->delayed, &thread->node, eevdf_summary_update);
	}
}

struct eevdf_thread *eevdf_delayed_first(const struct eevdf_cpu *cpu)
{
	struct rb_node *node = rb_first(&cpu->delayed);
	return node == NULL ? NULL : eevdf_of_node(node);
}

struct eevdf_thread *eevdf_best(const struct eevdf_cpu *cpu, uint32_t class, int128_t cutoff)
{
	struct rb_node *node = cpu->waiting[class].root;
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

static const struct eevdf_thread *root_of(const struct rb_tree *tree)
{
	return tree->root == NULL ? NULL : eevdf_of_node_const(tree->root);
}

uint32_t eevdf_slice_min(const struct eevdf_cpu *cpu)
{
	uint32_t slice = UINT32_MAX;
	for (uint32_t c = 0; c < EEVDF_CLASSES; c++) {
		const struct eevdf_thread *root = root_of(&cpu->waiting[c]);
		if (root != NULL && root->min_slice_ns < slice)
			slice = root->min_slice_ns;
	}
	return slice;
}

uint32_t eevdf_slice_max(const struct eevdf_cpu *cpu, const struct eevdf_thread *also)
{
	uint32_t slice = also->slice_ns;
	if (cpu->running != NULL && cpu->running->slice_ns > slice)
		slice = cpu->running->slice_ns;
	const struct rb_tree *const trees[] = {&cpu->waiting[0], &cpu->waiting[1], &cpu->delayed};
	for (uint32_t i = 0; i < 3; i++) {
		const struct eevdf_thread *root = root_of(trees[i]);
		if (root != NULL && root->max_slice_ns > slice)
			slice = root->max_slice_ns;
	}
	return slice;
}

/* One way down each tree: where a node is earlier, so is its whole left subtree. */
bool eevdf_earlier_min_v(const struct eevdf_cpu *cpu, const struct eevdf_thread *than,
			 int128_t *min_v)
{
	bool found = false;
	for (uint32_t c = 0; c < EEVDF_CLASSES; c++) {
		const struct rb_node *node = cpu->waiting[c].root;
		while (node != NULL) {
			const struct eevdf_thread *thread = eevdf_of_node_const(node);
			if (thread->key_vd >= than->key_vd) {
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

/* A search with a budget, pruned by the summaries; see eevdf_shorter_min_v. */
struct search {
	struct rb_node *stack[EEVDF_SEARCH_MAX + 2];
	uint32_t depth;
	uint32_t budget;
	bool found;
	int128_t min_v;
};

static void search_note(struct search *search, int128_t v)
{
	if (!search->found || v < search->min_v)
		search->min_v = v;
	search->found = true;
}

static void search_push(struct search *search, struct rb_node *node, uint32_t slice_ns)
{
	if (node == NULL)
		return;
	const struct eevdf_thread *thread = eevdf_of_node_const(node);
	if (thread->min_slice_ns >= slice_ns)
		return;
	if (search->found && thread->min_v >= search->min_v)
		return;
	search->stack[search->depth++] = node;
}

bool eevdf_shorter_min_v(const struct eevdf_cpu *cpu, const struct eevdf_thread *than,
			 uint32_t later_ns, int128_t *min_v)
{
	struct search search; /* not zeroed as a whole: this is on the decision path */
	search.depth = 0;
	search.budget = EEVDF_SEARCH_MAX;
	search.found = false;
	search.min_v = 0;
	for (uint32_t c = 0; c <= than->class; c++)
		search_push(&search, cpu->waiting[c].root, than->slice_ns);
	/* A step pops one node and pushes at most two, so depth <= 2 + steps: the stack suffices. */
	while (search.depth > 0 && search.budget > 0) {
		search.budget--;
		struct rb_node *node = search.stack[--search.depth];
		const struct eevdf_thread *thread = eevdf_of_node_const(node);
		const bool earlier = thread->key_vd < than->key_vd;
		/* Behind a later one all are: the very short are looked for. */
		const uint32_t below_ns = earlier ? than->slice_ns : later_ns + 1;
		if (thread->slice_ns < below_ns)
			search_note(&search, thread->v);
		search_push(&search, node->right, below_ns);
		search_push(&search, node->left, than->slice_ns);
	}
	while (search.depth > 0)
		search_note(&search, eevdf_of_node_const(search.stack[--search.depth])->min_v);
	*min_v = search.min_v;
	return search.found;
}

static void push_eligible(struct search *search, struct rb_node *node, uint32_t slice_ns,
			  int128_t cutoff)
{
	if (node == NULL)
		return;
	const struct eevdf_thread *thread = eevdf_of_node_const(node);
	if (thread->min_slice_ns <= slice_ns && thread->min_v <= cutoff)
		search->stack[search->depth++] = node;
}

struct eevdf_thread *eevdf_short_best(const struct eevdf_cpu *cpu, uint32_t class,
				      uint32_t slice_ns)
{
	const int128_t cutoff = eevdf_cutoff(cpu);
	struct eevdf_thread *best = NULL;
	struct search search;
	search.depth = 0;
	search.budget = EEVDF_SEARCH_MAX;
	for (uint32_t c = 0; c <= class; c++)
		push_eligible(&search, cpu->waiting[c].root, slice_ns, cutoff);
	while (search.depth > 0 && search.budget > 0) {
		search.budget--;
		struct rb_node *node = search.stack[--search.depth];
		struct eevdf_thread *thread = eevdf_of_node(node);
		const bool before = best == NULL || eevdf_before(thread, best);
		/* What is behind the best so far cannot be better. */
		if (before)
			push_eligible(&search, node->right, slice_ns, cutoff);
		push_eligible(&search, node->left, slice_ns, cutoff);
		if (before && thread->slice_ns <= slice_ns && thread->v <= cutoff)
			best = thread;
	}
	return best;
}
