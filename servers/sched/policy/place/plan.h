/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which threads should change CPUs, so that all get what is fair: one comes here, one goes, or both, if a
 * thread can come only when another makes room for it.  Rules that compare the loads of two CPUs do not see
 * such moves (balance.h).  Pure.
 *
 *   Q_c, W_c  threads of CPU c, and its load: the sum of their weights, over the part of the CPU that
 *             sleepers leave to them, which stays when these move
 *   f_i       load of a CPU on which thread i gets its fair share: the least level (level.h) of those that it
 *             may use, but not less than its weight, since nobody can use more than one CPU
 *   e_i       what the machine owes thread i (policy_spare.owed_ns): time at its fair rate.  On CPU c
 *             it grows by 1 - f_i / W_c for each unit of time
 *   T         PLAN_AHEAD_US: how far we look ahead
 *
 * Who is limited by a cap gets no more where W_c < f_i; the others have what is left: for them f_i / W_c is
 * (f_i - B_c) / (W_c - B_c).
 *
 *   cost(c) = sum over i in Q_c of p_i (e_i + T - T f_i / W_c)^2: what is owed in the end if nobody moves.
 *             p_i is 1, less for light threads, more for one whose loss can't be made good
 *
 * The CPU that asks, c, looks for whatever makes the sum of the costs least: a thread j of another CPU a
 * comes here (pull), one of its own, i, goes to b (push), both (relay; a swap where a is b).  Nobody leaves
 * a CPU idle.  Since e grows as long as a thread gets too little, it becomes worth any move that helps.  Two
 * moves must be worth twice as much as one.
 *
 * Cost: O(n m + n_c n) costs of a queue, for n_c threads here and n on the PLAN_CPUS_MAX others that are
 * looked at.
 * Bad at: chains over more than three CPUs, which take one period after the other; queues of more than
 * PLAN_THREADS_MAX, of which only those count that are furthest ahead.
 */
#pragma once

#include <base/cpumask.h>

#define PLAN_THREADS_MAX 8u
#define PLAN_CPUS_MAX    32u
#define PLAN_NOBODY      UINT32_MAX
#define PLAN_AHEAD_US    80000      /* two periods; with one, or four, more is left over */
#define PLAN_OWED_US_MAX 250000     /* more counts as that */
#define PLAN_OWED_ANY_US 1000000000 /* nobody is owed more, in 32 bits */
/* A move is worth it from the square of that on.  With 20 ms the errors are the same, and there are
 * twice as many moves. */
#define PLAN_GAIN_US     40000

#define PLAN_PARTS      256    /* what a thread counts, p = 1 */
#define PLAN_USED_WHOLE 65536u /* a CPU */

struct plan_thread {
	uint32_t tid;
	uint32_t weight;
	uint64_t full;   /* f */
	int32_t owed_us; /* e */
	int32_t extra;   /* so many of PLAN_PARTS it counts more, or less if negative */
	bool bound;      /* a cap limits it: it gets no more where there is more */
	bool running; /* of the CPU that asks: it is about to run, and goes only later, for another */
	struct cpumask allowed;
};

struct plan_queue {
	uint64_t weight;   /* of all its threads; W is weight / (1 - used) */
	uint32_t used;     /* by sleepers, of PLAN_USED_WHOLE; less than that */
	uint64_t bound;    /* B, of those that a cap limits */
	uint32_t runnable; /* how many, also those beyond PLAN_THREADS_MAX */
	uint32_t count;
	struct plan_thread thread[PLAN_THREADS_MAX];
};

/* Who goes where; PLAN_NOBODY: nobody. */
struct plan {
	uint32_t pull_tid;
	uint32_t from; /* CPU */
	uint32_t push_tid;
	uint32_t to; /* CPU */
};

struct plan_input {
	uint32_t cpu; /* that asks */
	uint32_t cpus;
	uint32_t start; /* where to begin with the others, if there are many */
	struct cpumask online;
	/* Fill in the queue of `cpu`. */
	void (*queue)(const void *context, uint32_t cpu, struct plan_queue *out);
	const void *context;
};

/* The best plan; both PLAN_NOBODY if nothing is worth it. */
struct plan plan_make(const struct plan_input *input);
