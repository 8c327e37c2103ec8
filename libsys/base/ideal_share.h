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
