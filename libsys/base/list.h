/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Intrusive doubly linked ring.  The head is a node of its own; an unlinked node points to itself, so
 * list_remove is harmless twice.  All O(1).  Not atomic.
 */
#pragma once

#include <base/container.h>
#include <stdbool.h>

struct list_node {
	struct list_node *next;
	struct list_node *prev;
};

static inline void list_init(struct list_node *node)
{
	node->next = node;
	node->prev = node;
}

static inline bool list_empty(const struct list_node *head)
{
	return head->next == head;
}

/* Whether a node (not a head) is on some list. */
static inline bool list_linked(const struct list_node *node)
{
	return node->next != node;
}

static inline void list_insert_between(struct list_node *node, struct list_node *prev,
				       struct list_node *next)
{
	node->prev = prev;
	node->next = next;
	prev->next = node;
	next->prev = node;
}

static inline void list_push_back(struct list_node *head, struct list_node *node)
{
	list_insert_between(node, head->prev, head);
}

static inline void list_push_front(struct list_node *head, struct list_node *node)
{
	list_insert_between(node, head, head->next);
}

static inline void list_remove(struct list_node *node)
{
	struct list_node *next = node->next;
	struct list_node *prev = node->prev;

	prev->next = next;
	next->prev = prev;
	list_init(node);
}

/* The first node, or NULL. */
static inline struct list_node *list_first(const struct list_node *head)
{
	return head->next == head ? NULL : head->next;
}

static inline struct list_node *list_pop_front(struct list_node *head)
{
	struct list_node *node = list_first(head);
	if (node != NULL)
		list_remove(node);
	return node;
}

/* Move all of `from` to the end of `to`; `from` is empty afterwards. */
static inline void list_splice_back(struct list_node *to, struct list_node *from)
{
	if (list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

#define list_for_each(node, head) \
	for (struct list_node *node = (head)->next; node != (head); node = node->next)

/* The body may remove `node`. */
#define list_for_each_safe(node, head)                                                         \
	for (struct list_node *node = (head)->next, *node##_next = node->next; node != (head); \
	     node = node##_next, node##_next = node->next)
