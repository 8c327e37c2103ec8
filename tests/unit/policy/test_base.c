/* SPDX-License-Identifier: BSD-2-Clause */
/* The data structures of libsys/base that policies build on, against naive ones. */
#include "bench.h"
#include <base/cpumask.h>
#include <base/heap.h>
#include <base/list.h>
#include <base/math.h>
#include <base/rbtree.h>
#include <base/text.h>
#include <string.h>

struct item {
	struct rb_node rb;
	struct heap_node heap;
	uint64_t key;
	uint64_t subtree_min;
	bool inside;
};

static struct item *of_rb(struct rb_node *node)
{
	return container_of(node, struct item, rb);
}

static bool min_update(struct rb_node *node)
{
	struct item *item = of_rb(node);
	uint64_t min = item->key;
	if (node->left != NULL)
		min = min_u64(min, of_rb(node->left)->subtree_min);
	if (node->right != NULL)
		min = min_u64(min, of_rb(node->right)->subtree_min);
	const bool changed = min != item->subtree_min;
	item->subtree_min = min;
	return changed;
}

/* In order of address, so that the summary is not simply the leftmost key. */
static void insert(struct rb_tree *tree, struct item *item)
{
	struct rb_node **link = &tree->root;
	struct rb_node *parent = NULL;
	while (*link != NULL) {
		parent = *link;
		link = &item->rb < parent ? &parent->left : &parent->right;
	}
	rb_insert(tree, &item->rb, parent, link, min_update);
}

Test(base, rbtree_against_an_array)
{
	static struct item items[300];
	struct rb_tree tree = {0};
	uint64_t seed = 1;
	for (uint32_t round = 0; round < 20000; round++) {
		struct item *item = &items[bench_random(&seed) % 300];
		if (tree.root != NULL && round % 4 == 0) {
			item = of_rb(rb_first(&tree));
			struct rb_node *second = rb_next(&item->rb);
			cr_assert_eq(rb_erase_first(&tree, &item->rb, min_update), second);
		} else if (item->inside) {
			rb_erase(&tree, &item->rb, min_update);
		} else {
			item->key = bench_random(&seed) % 100000;
			insert(&tree, item);
		}
		item->inside = !item->inside;
		if (round % 16 != 0)
			continue;
		cr_assert(rb_check(&tree));
		struct rb_node *node = rb_first(&tree);
		uint64_t min = UINT64_MAX;
		for (uint32_t i = 0; i < 300; i++) {
			if (!items[i].inside)
				continue;
			cr_assert_eq(node, &items[i].rb);
			min = min_u64(min, items[i].key);
			struct rb_node *next = rb_next(node);
			cr_assert(next == NULL || rb_prev(next) == node);
			cr_assert(!min_update(node));
			node = next;
		}
		cr_assert_null(node);
		if (tree.root != NULL)
			cr_assert_eq(of_rb(tree.root)->subtree_min, min);
	}
}

static bool heap_less(const struct heap_node *a, const struct heap_node *b)
{
	const struct item *x = container_of_const(a, struct item, heap);
	const struct item *y = container_of_const(b, struct item, heap);
	return x->key != y->key ? x->key < y->key : x < y;
}

Test(base, heap_against_an_array)
{
	static struct item items[200];
	struct heap heap;
	uint64_t seed = 2;
	uint32_t count = 0;
	heap_init(&heap);
	for (uint32_t round = 0; round < 30000; round++) {
		struct item *item = &items[bench_random(&seed) % 200];
		cr_assert_eq(heap_inside(&item->heap), item->inside);
		if (item->inside) {
			heap_remove(&heap, &item->heap, heap_less);
			count--;
		} else {
			item->key = bench_random(&seed) % 500;
			heap_push(&heap, &item->heap, heap_less);
			count++;
		}
		item->inside = !item->inside;
		cr_assert_eq(heap.count, count);
		const struct item *best = NULL;
		for (uint32_t i = 0; i < 200; i++) {
			if (items[i].inside &&
			    (best == NULL || heap_less(&items[i].heap, &best->heap)))
				best = &items[i];
		}
		cr_assert_eq(heap_first(&heap), best == NULL ? NULL : &best->heap);
	}
	uint64_t last = 0;
	struct heap_node *node;
	while ((node = heap_pop(&heap, heap_less)) != NULL) {
		cr_assert_geq(container_of(node, struct item, heap)->key, last);
		last = container_of(node, struct item, heap)->key;
	}
	cr_assert_eq(heap.count, 0);
}

Test(base, heap_long_spines)
{
	const uint32_t count = 100000;
	struct item *items = calloc(count, sizeof(*items));
	struct heap heap;
	heap_init(&heap);
	for (uint32_t i = 0; i < count; i++) {
		items[i].key = i % 2 == 0 ? i : count - i;
		heap_push(&heap, &items[i].heap, heap_less);
	}
	for (uint32_t i = 0; i < count; i += 2)
		heap_remove(&heap, &items[i].heap, heap_less);
	cr_assert_eq(heap.count, count / 2);
	free(items);
}

Test(base, division_rounds_down)
{
	uint64_t seed = 3;
	for (uint32_t i = 0; i < 200000; i++) {
		int128_t a = (int128_t)(((uint128_t)bench_random(&seed) << 75) ^
					((uint128_t)bench_random(&seed) << 30) ^
					bench_random(&seed));
		a >>= bench_random(&seed) % 120;
		const uint64_t b = 1 + (bench_random(&seed) << 11 >> (bench_random(&seed) % 63));
		uint64_t rest;
		const int128_t q = int128_divide_floor(a, b, &rest);
		cr_assert_lt(rest, b);
		cr_assert(q * (int128_t)b + (int128_t)rest == a);
	}
	cr_assert_eq(int128_to_i64((int128_t)1 << 70), INT64_MAX);
	cr_assert_eq(int128_to_i64(-((int128_t)1 << 70)), INT64_MIN);
}

Test(base, saturation)
{
	cr_assert_eq(add_saturate_u64(UINT64_MAX, 1), UINT64_MAX);
	cr_assert_eq(sub_saturate_u64(1, 2), 0);
	cr_assert_eq(mul_saturate_u64(UINT64_MAX, 2), UINT64_MAX);
	cr_assert_eq(mul_saturate_u64(3, 4), 12);
}

Test(base, cpumask)
{
	struct cpumask mask = cpumask_none();
	cr_assert(cpumask_empty(&mask));
	cpumask_set(&mask, CPUS_MAX - 1);
	cpumask_set(&mask, 64);
	cpumask_set(&mask, CPUS_MAX);
	cr_assert_eq(cpumask_count(&mask), 2);
	cr_assert_eq(cpumask_next(&mask, 0), 64);
	cr_assert_eq(cpumask_next(&mask, 65), CPUS_MAX - 1);
	cr_assert_eq(cpumask_next(&mask, CPUS_MAX), CPUS_MAX);
	const struct cpumask all = cpumask_all();
	const struct cpumask rest = cpumask_and_not(all, mask);
	cr_assert_eq(cpumask_count(&rest), CPUS_MAX - 2);
	uint32_t sum = 0;
	cpumask_for_each(cpu, &mask) sum += cpu;
	cr_assert_eq(sum, CPUS_MAX - 1 + 64);
	const struct cpumask joined = cpumask_or(rest, mask);
	cr_assert(cpumask_equal(&joined, &all));
}

Test(base, list)
{
	struct list_node head;
	struct list_node other;
	struct list_node nodes[4];
	list_init(&head);
	list_init(&other);
	for (uint32_t i = 0; i < 4; i++) {
		list_init(&nodes[i]);
		list_push_back(i < 2 ? &head : &other, &nodes[i]);
	}
	list_splice_back(&head, &other);
	cr_assert(list_empty(&other));
	uint32_t index = 0;
	list_for_each_safe (node, &head) {
		cr_assert_eq(node, &nodes[index++]);
		list_remove(node);
	}
	cr_assert_eq(index, 4);
	cr_assert(list_empty(&head) && !list_linked(&nodes[0]));
	cr_assert_null(list_pop_front(&head));
}

Test(base, text_is_cut_not_overrun)
{
	char buffer[24];
	struct text text = text_make(buffer, 8);
	text_string(&text, "abc");
	text_i64(&text, INT64_MIN);
	cr_assert_str_eq(buffer, "abc-922");
}
