/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each group, and each thread of it, ideally has of a machine with several CPUs.  Pure.
 *
 *   w, c   weight of a member (thread or group), and what it can use: a thread one CPU; a group its cap, or
 *          what its members can use, whichever is less
 *   R_g    rate of group g, in CPUs; of the root all of them
 *   F_g    weight of a member that has one CPU: sum over the members of g of min(c, w / F_g) is R_g
 *
 * So a thread of g ideally has min(1, w / F_g) of a CPU, and F_g is to the queues of g what the average load
 * is to those of a machine without groups.  Found by water filling, from what can be used (leaves up) and
 * what there is (root down).  Where all of a group have what they can use, F_g is the largest that says so.
 *
 * Only threads that could use more than a CPU need to be listed one by one; of the others the sum of
 * weights does.
 *
 * Cost: O(members * members at their limit in one group) at most, ROUNDS of each group in all.
 * Bad at: affinity masks, for which there is fill.h.
 */
#pragma once

#include "group.h"

#define FAIR_THREADS_MAX 512u /* listed ones; what is beyond counts with the others */
#define FAIR_RATE_SHIFT  22u  /* of a rate: one CPU */
#define FAIR_RATE_ONE    (UINT64_C(1) << FAIR_RATE_SHIFT)
#define FAIR_NOBODY      UINT32_MAX

struct fair_thread {
	uint32_t weight;
	uint32_t group; /* index */
	uint32_t class; /* of its mask: fill.h */
	uint64_t rate;  /* result */
	uint32_t next;
	bool fixed;
};

struct fair_group {
	/* Set by the caller. */
	bool used;
	uint32_t parent; /* index; unused in the root, [0] */
	uint32_t depth;
	uint32_t weight;
	uint64_t cap;         /* rate; 0: none */
	uint64_t rest_weight; /* of the threads that are not listed */
	uint64_t load;        /* of its queues: fill.h */
	uint32_t rest_count;

	/* Result. */
	uint64_t rate;
	uint64_t full; /* F_g with GROUP_FULL_SHIFT; 0: nobody is in it */
	uint64_t
		effective; /* weight of what it has in its parent, with GROUP_EFFECTIVE_SHIFT; 0: nobody */

	/* Private. */
	uint64_t limit;
	bool capped; /* it is the cap that limits it */
	uint32_t first_thread, first_group, next;
	bool fixed, rest_fixed;
};

struct fair {
	uint32_t cpus;
	uint32_t threads;
	struct fair_thread thread[FAIR_THREADS_MAX];
	struct fair_group group[GROUP_MAX];
};

void fair_solve(struct fair *fair);
