/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ideal share of each thread on a machine with several CPUs: what a fluid scheduler would give.
 *
 *   w_i  weight             c_i  limit of thread i, at most one CPU
 *   r_i  rate: CPUs' worth of time per time            A_i  CPUs that i may use
 *
 * The rates are weighted max-min fair: r_i = min(c_i, w_i * lambda), where lambda is the same for
 * all threads that compete with each other.  A set S of threads can have at most as much as the
 * CPUs that any of them may use: sum r(S) <= |A(S)|.  That is also enough: rates that meet this for
 * every S can be scheduled without any thread being on two CPUs at once.
 *
 * Method (water filling): raise lambda for all until something is full, which is a thread at its
 * limit or a set S that has all of A(S); fix those rates; go on with the others.  The first set to
 * fill is found from above: try a lambda, look for a set that wants too much (the cut of a maximum
 * flow from threads to CPUs), lower lambda to what that set can have, until all fits.
 * Threads with the same A are one node of the flow.
 *
 * Fixed point: rates count 2^-32 CPU and are rounded down.  No allocation, no floating point.
 * Bad at: very many different affinity masks; cost grows with their cube.
 */
#pragma once

#include <abi/error.h>
#include <abi/types.h>
#include <base/cpumask.h>

#define IDEAL_ONE ((uint64_t)1 << 32) /* the rate of one whole CPU */

struct ideal_task {
	/* Set by the caller. */
	uint32_t weight;     /* 1 .. 2^20 */
	uint64_t cap;        /* largest rate, 1..IDEAL_ONE; 0 means IDEAL_ONE */
	struct cpumask cpus; /* CPUs at or above the machine's count do not matter */
	uint32_t group;      /* 1 + index of its group, 0: none (ideal_share_groups) */

	/* Result. */
	uint64_t rate;

	/* Private. */
	uint32_t class_index;
	bool fixed;
};

/* Threads with one affinity mask. */
struct ideal_class {
	struct cpumask cpus;
	uint64_t demand;
	uint64_t unmet;
	uint64_t flow[CPUS_MAX];
	uint32_t from_cpu; /* by which CPU the search came here */
	bool reached;
	bool in_cut;
};

/*
 * Fills the rate of each task.  A task without any CPU gets 0.
 * @classes is room for @classes_max different affinity masks (one is enough without affinity).
 * ERR_ARG: a weight or limit out of range, no CPU or more than CPUS_MAX.
 * ERR_LIMIT: more different masks than @classes_max.  ERR_INTERNAL: a bug here; never a loop
 * without end.
 */
__attribute__((warn_unused_result)) enum error ideal_share(struct ideal_task *tasks, uint32_t count,
							   uint32_t cpus,
							   struct ideal_class *classes,
							   uint32_t classes_max);

/* A group of threads and groups. */
struct ideal_group {
	/* Set by the caller. */
	uint32_t parent; /* 1 + index of its parent, a smaller one than its own; 0: none */
	uint32_t weight; /* beside its siblings, 1 .. 2^20 */
	uint64_t cap;    /* largest rate of all its threads together, in CPUs; 0: none */

	/* Result. */
	uint64_t rate;

	/* Private. */
	uint64_t limit;
	bool fixed;
};

/*
 * The same with groups: what a group has is shared among its members in the same way, by weight up to
 * what each can use, and it can use no more than its members and its cap.  Exact where no affinity mask
 * excludes a CPU.  Where one does, each thread competes with the weight that its rate would have had without
 * masks, and one that a cap may hold back gets no more than that rate: then a group below which masks
 * bind may have less than it could.
 * The tasks' weights and caps may be overwritten.
 * Errors as ideal_share; ERR_ARG also for a parent that does not come before.
 */
__attribute__((warn_unused_result)) enum error
ideal_share_groups(struct ideal_task *tasks, uint32_t count, struct ideal_group *groups,
		   uint32_t group_count, uint32_t cpus, struct ideal_class *classes,
		   uint32_t classes_max);
