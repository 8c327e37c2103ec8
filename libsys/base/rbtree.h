/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Intrusive red-black tree, optionally augmented: a node may carry a summary of its subtree that the
 * caller's `update` computes from the node and its two children.
 *
 * Invariants (rb_check verifies them):
 *   a red node has no red child; every way from the root to a missing child passes the same number of
 *   black nodes, so the height is at most 2 log2(n + 1); the root is black.
 *
 * The caller walks down by itself to find where a node goes (no comparison call-back on the
 * decision path), then calls rb_insert with the place.  insert, erase: worst case O(log n).
 */
#pragma once

#include <base/container.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rb_node {
	struct rb_node *parent;
	struct rb_node *left;
	struct rb_node *right;
	bool red;
};

struct rb_tree {
	struct rb_node *root;
};

/* Recompute the summary of one node from itself and its children; returns whether it changed. */
typedef bool rb_update_fn(struct rb_node *node);

/* For trees without a summary. */
static inline bool rb_update_none(struct rb_node *node)
{
	(void)node;
	return false;
}

/* From `node` up to the root, as long as summaries change. */
static inline void rb_propagate(struct rb_node *node, rb_update_fn *update)
{
	while (node != NULL && update(node))
		node = node->parent;
}

static inline void rb_replace_child(struct rb_tree *tree, struct rb_node *parent,
				    struct rb_node *old, struct rb_node *new)
{
	if (parent == NULL)
		tree->root = new;
	else if (parent->left == old)
		parent->left = new;
	else
		parent->right = new;
}

/* The right child of `node` takes its place. */
static inline void rb_rotate_left(struct rb_tree *tree, struct rb_node *node, rb_update_fn *update)
{
	struct rb_node *up = node->right;
	node->right = up->left;
	if (up->left != NULL)
		up->left->parent = node;
	up->parent = node->parent;
	rb_replace_child(tree, node->parent, node, up);
	up->left = node;
	node->parent = up;
	update(node);
	update(up);
}

static inline void rb_rotate_right(struct rb_tree *tree, struct rb_node *node, rb_update_fn *update)
{
	struct rb_node *up = node->left;
	node->left = up->right;
	if (up->right != NULL)
		up->right->parent = node;
	up->parent = node->parent;
	rb_replace_child(tree, node->parent, node, up);
	up->right = node;
	node->parent = up;
	update(node);
	update(up);
}

static inline void rb_insert_balance(struct rb_tree *tree, struct rb_node *node,
				     rb_update_fn *update)
{
	struct rb_node *parent;
	while ((parent = node->parent) != NULL && parent->red) {
		struct rb_node *grand = parent->parent; /* exists: a red node is not the root */
		const bool is_left = grand->left == parent;
		struct rb_node *uncle = is_left ? grand->right : grand->left;
		if (uncle != NULL && uncle->red) {
			parent->red = false;
			uncle->red = false;
			grand->red = true;
			node = grand;
			continue;
		}
		if (is_left && parent->right == node) {
			rb_rotate_left(tree, parent, update);
			parent = node;
		} else if (!is_left && parent->left == node) {
			rb_rotate_right(tree, parent, update);
			parent = node;
		}
		parent->red = false;
		grand->red = true;
		if (is_left)
			rb_rotate_right(tree, grand, update);
		else
			rb_rotate_left(tree, grand, update);
		break;
	}
	tree->root->red = false;
}

/* Link `node`, whose summary is that of itself alone and is counted in those above it, as the child `*link`
 * (which is NULL) of `parent` (NULL for the root). */
static inline void rb_insert_leaf(struct rb_tree *tree, struct rb_node *node,
				  struct rb_node *parent, struct rb_node **link,
				  rb_update_fn *update)
{
	node->parent = parent;
	node->left = NULL;
	node->right = NULL;
	node->red = parent != NULL;
	*link = node;
	if (parent != NULL && parent->red)
		rb_insert_balance(tree, node, update);
}

/* The same, with the summaries computed here. */
static inline void rb_insert(struct rb_tree *tree, struct rb_node *node, struct rb_node *parent,
			     struct rb_node **link, rb_update_fn *update)
{
	node->left = NULL;
	node->right = NULL;
	*link = node;
	update(node);
	rb_propagate(parent, update);
	rb_insert_leaf(tree, node, parent, link, update);
}

/* The side of `parent` where `node` (perhaps NULL) hangs has one black node too few. */
static inline void rb_erase_balance(struct rb_tree *tree, struct rb_node *node,
				    struct rb_node *parent, rb_update_fn *update)
{
	while (parent != NULL && (node == NULL || !node->red)) {
		const bool is_left = parent->left == node;
		struct rb_node *other = is_left ? parent->right : parent->left;
		/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): by the black heights there is one */
		if (other->red) {
			other->red = false;
			parent->red = true;
			if (is_left)
				rb_rotate_left(tree, parent, update);
			else
				rb_rotate_right(tree, parent, update);
			other = is_left ? parent->right : parent->left;
		}
		struct rb_node *near = is_left ? other->left : other->right;
		struct rb_node *far = is_left ? other->right : other->left;
		const bool near_red = near != NULL && near->red;
		const bool far_red = far != NULL && far->red;
		if (!near_red && !far_red) {
			other->red = true;
			node = parent;
			parent = node->parent;
			continue;
		}
		if (!far_red) {
			near->red = false;
			other->red = true;
			if (is_left)
				rb_rotate_right(tree, other, update);
			else
				rb_rotate_left(tree, other, update);
			far = other;
			other = near;
		}
		other->red = parent->red;
		parent->red = false;
		far->red = false;
		if (is_left)
			rb_rotate_left(tree, parent, update);
		else
			rb_rotate_right(tree, parent, update);
		return;
	}
	if (node != NULL)
		node->red = false;
}

/* Summaries from `node` to the root, all of them: used where a change below must not be missed. */
static inline void rb_update_path(struct rb_node *node, rb_update_fn *update)
{
	for (; node != NULL; node = node->parent)
		update(node);
}

static inline void rb_erase(struct rb_tree *tree, struct rb_node *node, rb_update_fn *update)
{
	struct rb_node *child;  /* what moves into the gap */
	struct rb_node *parent; /* above the gap */
	bool black_lost;
	if (node->left == NULL || node->right == NULL) {
		child = node->left != NULL ? node->left : node->right;
		parent = node->parent;
		black_lost = !node->red;
		rb_replace_child(tree, parent, node, child);
		if (child != NULL)
			child->parent = parent;
		rb_propagate(parent, update);
	} else {
		struct rb_node *next = node->right;
		while (next->left != NULL)
			next = next->left;
		child = next->right;
		black_lost = !next->red;
		parent = next->parent == node ? next : next->parent;
		if (parent != next) {
			parent->left = child;
			if (child != NULL)
				child->parent = parent;
			next->right = node->right;
			next->right->parent = next;
		}
		next->left = node->left;
		next->left->parent = next;
		next->parent = node->parent;
		next->red = node->red;
		rb_replace_child(tree, node->parent, node, next);
		rb_update_path(parent, update);
	}
	if (child != NULL) /* alone, so a red leaf below a black node */
		child->red = false;
	else if (black_lost && parent != NULL)
		rb_erase_balance(tree, NULL, parent, update);
	node->parent = NULL;
	node->left = NULL;
	node->right = NULL;
}

/*
 * Erase the first node; returns the one after it, which is then the first, or NULL.  Without a left child,
 * the right one can only be a red leaf: it takes the place, and no colour needs repair.
 */
static inline struct rb_node *rb_erase_first(struct rb_tree *tree, struct rb_node *node,
					     rb_update_fn *update)
{
	struct rb_node *child = node->right;
	struct rb_node *parent = node->parent;
	if (parent == NULL)
		tree->root = child;
	else
		parent->left = child;
	if (child != NULL) {
		child->parent = parent;
		child->red = false;
	}
	rb_propagate(parent, update);
	if (child != NULL)
		return child;
	if (!node->red && parent != NULL)
		rb_erase_balance(tree, NULL, parent, update);
	return parent;
}

/* Erase a node of a tree whose first is remembered; returns the first of what is left. */
static inline struct rb_node *rb_erase_any(struct rb_tree *tree, struct rb_node *node,
					   struct rb_node *first, rb_update_fn *update)
{
	if (node == first)
		return rb_erase_first(tree, node, update);
	rb_erase(tree, node, update);
	return first;
}

/* As rb_erase_first() of one that is the root. */
static inline struct rb_node *rb_erase_first_root(struct rb_tree *tree)
{
	struct rb_node *child = tree->root->right;
	tree->root = child;
	if (child != NULL) {
		child->parent = NULL;
		child->red = false;
	}
	return child;
}

/* Nodes to look at, a bounded number of them.  A look takes one off and puts at most two on. */
#define RB_LOOKS_MAX 26u
struct rb_looks {
	struct rb_node *stack[RB_LOOKS_MAX];
	uint32_t depth;
	uint32_t left;
};

/* The next one, NULL if there is none or enough were looked at. */
static inline struct rb_node *rb_look(struct rb_looks *looks)
{
	const bool over = looks->depth == 0 || looks->left-- == 0;
	return over ? NULL : looks->stack[--looks->depth];
}

static inline struct rb_node *rb_first(const struct rb_tree *tree)
{
	struct rb_node *node = tree->root;
	while (node != NULL && node->left != NULL)
		node = node->left;
	return node;
}

static inline struct rb_node *rb_last(const struct rb_tree *tree)
{
	struct rb_node *node = tree->root;
	while (node != NULL && node->right != NULL)
		node = node->right;
	return node;
}

static inline struct rb_node *rb_next(const struct rb_node *node)
{
	if (node->right != NULL) {
		struct rb_node *next = node->right;
		while (next->left != NULL)
			next = next->left;
		return next;
	}
	struct rb_node *parent = node->parent;
	while (parent != NULL && parent->right == node) {
		node = parent;
		parent = parent->parent;
	}
	return parent;
}

static inline struct rb_node *rb_prev(const struct rb_node *node)
{
	if (node->left != NULL) {
		struct rb_node *prev = node->left;
		while (prev->right != NULL)
			prev = prev->right;
		return prev;
	}
	struct rb_node *parent = node->parent;
	while (parent != NULL && parent->left == node) {
		node = parent;
		parent = parent->parent;
	}
	return parent;
}

/* Whether links, colours and black heights are right.  O(n log n), for checks and tests. */
static inline bool rb_check(const struct rb_tree *tree)
{
	if (tree->root != NULL && (tree->root->red || tree->root->parent != NULL))
		return false;
	int64_t black_expected = -1;
	for (const struct rb_node *node = rb_first(tree); node != NULL; node = rb_next(node)) {
		if (node->red && ((node->left != NULL && node->left->red) ||
				  (node->right != NULL && node->right->red)))
			return false;
		if ((node->left != NULL && node->left->parent != node) ||
		    (node->right != NULL && node->right->parent != node))
			return false;
		if (node->left != NULL && node->right != NULL)
			continue;
		int64_t black = 0;
		for (const struct rb_node *up = node; up != NULL; up = up->parent)
			black += up->red ? 0 : 1;
		if (black_expected >= 0 && black != black_expected)
			return false;
		black_expected = black;
	}
	return true;
}
