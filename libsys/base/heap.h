/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Intrusive leftist heap: a priority queue without an array, so its capacity has no bound and no
 * operation allocates.  Smallest first.
 *
 *   rank of a node  length of its shortest way down to a missing child
 *   leftist         rank(left) >= rank(right) everywhere, so the right spine has at most log2(n + 1)
 *                   nodes, and merging walks right spines only
 *
 * push, pop, remove: worst case O(log n); the look at the first: O(1).  Not stable: who needs an order
 * among equals gives `before` a tie break.  Bad at: searching, walking in order.
 *
 * `before(a, b)`: a comes strictly before b.  Keys must not change while the node is inside.
 */
#pragma once

#include <base/container.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_node {
	struct heap_node *parent;
	struct heap_node *left;
	struct heap_node *right;
	uint32_t rank;
	bool inside;
};

struct heap {
	struct heap_node *root;
	uint32_t count;
};

typedef bool heap_before_fn(const struct heap_node *a, const struct heap_node *b);

static inline void heap_init(struct heap *heap)
{
	heap->root = NULL;
	heap->count = 0;
}

static inline void heap_node_init(struct heap_node *node)
{
	*node = (struct heap_node){0};
}

static inline struct heap_node *heap_first(const struct heap *heap)
{
	return heap->root;
}

static inline bool heap_inside(const struct heap_node *node)
{
	return node->inside;
}

static inline uint32_t heap_rank(const struct heap_node *node)
{
	return node == NULL ? 0 : node->rank;
}

/* Put the child of larger rank left; returns whether the node's rank changed. */
static inline bool heap_node_settle(struct heap_node *node)
{
	if (heap_rank(node->left) < heap_rank(node->right)) {
		struct heap_node *left = node->left;
		node->left = node->right;
		node->right = left;
	}
	const uint32_t rank = heap_rank(node->right) + 1;
	const bool changed = rank != node->rank;
	node->rank = rank;
	return changed;
}

/* Merge two heaps given by their roots (parent NULL), without recursion: down the right spines,
 * then settle on the way back up. */
static inline struct heap_node *heap_merge(struct heap_node *a, struct heap_node *b,
					   heap_before_fn *before)
{
	struct heap_node *root = NULL;
	struct heap_node *spine = NULL;
	while (a != NULL || b != NULL) {
		struct heap_node *first = b;
		if (b == NULL || (a != NULL && !before(b, a))) {
			first = a;
			a = b;
		}
		if (spine == NULL)
			root = first;
		else
			spine->right = first;
		first->parent = spine;
		if (a == NULL)
			break; /* the rest of the spine is in order already */
		b = first->right;
		spine = first;
	}
	for (; spine != NULL; spine = spine->parent)
		heap_node_settle(spine);
	return root;
}

static inline void heap_push(struct heap *heap, struct heap_node *node, heap_before_fn *before)
{
	*node = (struct heap_node){.rank = 1, .inside = true};
	heap->root = heap_merge(heap->root, node, before);
	heap->count++;
}

/* Remove a node that is inside this heap. */
static inline void heap_remove(struct heap *heap, struct heap_node *node, heap_before_fn *before)
{
	if (node->left != NULL)
		node->left->parent = NULL;
	if (node->right != NULL)
		node->right->parent = NULL;
	struct heap_node *rest = heap_merge(node->left, node->right, before);
	struct heap_node *parent = node->parent;
	if (rest != NULL)
		rest->parent = parent;
	if (parent == NULL)
		heap->root = rest;
	else if (parent->left == node)
		parent->left = rest;
	else
		parent->right = rest;
	/* Ranks above change along at most log2(n + 1) nodes: each change lowers a right spine. */
	while (parent != NULL && heap_node_settle(parent))
		parent = parent->parent;
	heap_node_init(node);
	heap->count--;
}

static inline struct heap_node *heap_pop(struct heap *heap, heap_before_fn *before)
{
	struct heap_node *first = heap->root;
	if (first != NULL)
		heap_remove(heap, first, before);
	return first;
}
