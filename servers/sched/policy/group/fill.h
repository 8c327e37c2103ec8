/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What groups and threads ideally have where affinity masks bind.  Pure.
 *
 *   w      weight of a member (thread or group) in its group g
 *   t_g    how full g is: who still rises in it has w t_g, in CPUs
 *   r      rate of a thread: w t_g when it stopped
 *
 * Progressive filling down the tree: all rates rise from nothing, each group's as its weight says beside
 * its siblings that still rise.  A thread stops when it has a CPU, a group when it has its cap, and threads
 * when a set of CPUs is full that has all of theirs.  Such a set is a block: on its CPUs all of g stopped at
 * the same t_g, so F_gb = 1 / t_g is what a member of g weighs there that has a whole CPU, as `full` in
 * fair.h is on a machine with one block.  A thread belongs to the last block of its CPUs.
 *
 * With weights r every CPU should have the same load.  So that is what threads weigh for balancing
 * (group_flat_most), and masks say only where they may be.
 *
 * A block is found by descent: rise until all CPUs that are left are full; spread what each mask has over its
 * CPUs (level.h); the CPUs with the highest levels are too full for those that may go nowhere else: from the
 * beginning again, until these are just full.  A few times for each block, as Newton's method does, since the
 * set that is found last is the one that is full first.
 *
 * fill_step() does a bounded part of that: once up to FILL_EVENTS_MAX stops, each O(threads + groups), and
 * FILL_ROUNDS level_step().  A solution takes twice the number of blocks and more, and is of when it began.
 * Bad at: machines with more than GROUP_BLOCKS_MAX blocks (the last is all the rest); levels that have not
 * settled after FILL_TRIES_MAX steps, sets that were not found after FILL_SETS_MAX.
 */
#pragma once

#include "../place/level.h"
#include "fair.h"

#define FILL_EVENTS_MAX 64u
#define FILL_ROUNDS     4u
#define FILL_TRIES_MAX  6u
#define FILL_SETS_MAX   32u
#define FILL_SHIFT      26u /* of t beyond FAIR_RATE_SHIFT */
#define FILL_OPEN       UINT8_MAX

/* A thread, and those of its group that are not listed and may be like it. */
struct fill_item {
	uint64_t weight;
	uint64_t until; /* t_g at which each of them has a CPU */
	uint8_t group;
	uint8_t class; /* of its mask */
};

struct fill_point {
	uint64_t t[GROUP_MAX];
	uint64_t rate[GROUP_MAX];
};

struct fill {
	/* As they were when it began. */
	uint32_t items, groups;
	struct fill_item item[FAIR_THREADS_MAX + GROUP_MAX];
	uint8_t order[GROUP_MAX]; /* groups, the root first, each behind its parent */
	struct {
		uint64_t cap, load;
		uint32_t weight;
		uint8_t parent;
	} group[GROUP_MAX];

	/* What is found so far. */
	uint32_t blocks;
	struct fill_point at[GROUP_BLOCKS_MAX]; /* where each block was full */
	uint8_t class_block[LEVEL_CLASSES_MAX]; /* FILL_OPEN: not yet */
	uint8_t cpu_block[CPUS_MAX];
	struct cpumask left; /* CPUs in no block */

	/* The block that is looked for. */
	struct cpumask set;
	bool checks;    /* levels of `now` are looked at */
	uint32_t sets;  /* that were too full */
	uint32_t tries; /* of these */
	struct fill_point now;
	uint64_t open[GROUP_MAX], inside[GROUP_MAX], speed[GROUP_MAX], next[GROUP_MAX];
};

/* Anew, from the groups and threads of `fair`; and the CPUs and masks of `levels`. */
void fill_begin(struct fill *fill, const struct fair *fair, struct level_input *levels);
/* One step; true: done, and `at`, `class_block` and `cpu_block` are the solution.  `levels` is what
 * fill_begin() was given; the state may be anything that level_step() left. */
bool fill_step(struct fill *fill, struct level_input *levels, struct level_state *state);
/* The solution as all CPUs use it. */
void fill_result(const struct fill *fill, struct group_blocks *out);
/* It is its cap that limits it. */
bool fill_bound(const struct fill *fill, uint32_t group);
