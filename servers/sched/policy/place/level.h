/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How loaded each CPU should be where affinity masks bind: the average of all CPUs is then nobody's.  Pure.
 *
 *   W_k, M_k   weight of the runnable threads with the same mask, and that mask
 *   x_kc       part of W_k that is on CPU c in M_k; sum over c is W_k
 *   H_c        level of c: sum over k of x_kc.  A thread on c ideally gets w / H_c of a CPU
 *
 * The weighted max-min fair rates are those of the x for which the sum of the H_c^2 is least: then no thread
 * could go to a CPU of a lower level.  Found by descent: take one class out, pour it over its CPUs as
 * water, which levels them as far as it reaches, go on with the next.  It keeps the x between calls, so
 * a call looks at a few classes only, and what has not changed is exact after some rounds.
 *
 * Nobody can use more than one CPU, so a thread counts as w, but at most as H: what each CPU had of the class
 * when it was poured the last time.  That falls, or grows, to where it is true.  Which threads of a class
 * are heavier is not known, but for those that have a CPU to themselves; of the others no more than their
 * number counts.
 *
 * Bad at: chains of many masks that overlap a little (each round carries weight one step further).
 */
#pragma once

#include <base/cpumask.h>

#define LEVEL_CLASSES_MAX 65u /* the first: those without a mask */
#define LEVEL_STEP_MAX    16u /* classes for each call */
#define LEVEL_SHIFT       4u  /* fraction bits */
#define LEVEL_KNOWN_MAX   (8u * CPUS_MAX)

/* What is now; a snapshot. */
struct level_input {
	uint32_t cpus;
	struct cpumask online;
	uint64_t weight[LEVEL_CLASSES_MAX];
	uint32_t count[LEVEL_CLASSES_MAX];
	struct cpumask mask[LEVEL_CLASSES_MAX]; /* [0] does not matter */
	/* Threads that are known one by one; all counted above. */
	uint32_t known;
	struct level_thread {
		uint32_t weight;
		uint8_t class;
	} thread[LEVEL_KNOWN_MAX];
};

/* Zeroed memory is a good start. */
struct level_state {
	uint32_t next; /* class to look at */
	/* With LEVEL_SHIFT: */
	uint64_t height[LEVEL_CLASSES_MAX]; /* to which a class was poured the last time */
	uint64_t level[CPUS_MAX];
	uint32_t part[LEVEL_CLASSES_MAX][CPUS_MAX];
};

/* Up to LEVEL_STEP_MAX classes nearer to the truth.  O(LEVEL_STEP_MAX * CPUs). */
void level_step(struct level_state *state, const struct level_input *input);

/* H_c in weights, rounded down.  Where there are no more threads than CPUs it means nothing, but is small. */
uint64_t level_of(const struct level_state *state, uint32_t cpu);
