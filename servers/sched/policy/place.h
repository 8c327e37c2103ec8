/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which CPU: placement of new and waking threads, and from whom to pull.  Chosen separately from
 * the order on one CPU (policy.h), with place=NAME.  Pure like a policy, and without state of its
 * own.
 *
 * What it sees is a snapshot that the caller filled from what the CPUs publish about themselves;
 * every figure may be a little old, so a result is advice: the caller checks affinity and online
 * again where it acts, and nothing breaks if a better CPU existed.
 *
 * Result PLACE_NONE: nowhere.  For on_fork and on_wake this happens only if the affinity mask has
 * no online CPU: the thread then waits until its mask changes.
 *
 * Every operation looks at each CPU at most once: O(CPUs).
 */
#pragma once

#include <abi/types.h>
#include <base/cpumask.h>

#define PLACE_NONE   UINT32_MAX
#define PLACE_CENTRE 0u /* where a placement with on_turn gathers */

/* What one CPU publishes. */
struct place_load {
	uint64_t weight;   /* sum of the weights of its runnable threads (policy_info.load) */
	uint32_t runnable; /* how many, the running one included; delayed sleepers are not */
	int32_t ahead_us;  /* policy_info.ahead_ns / 1000, saturated; 0 if not known */
};

/* For ahead_us. */
static inline int32_t place_ahead_us(int64_t ahead_ns)
{
	const int64_t us = ahead_ns / 1000;
	return us > INT32_MAX ? INT32_MAX : us < INT32_MIN ? INT32_MIN : (int32_t)us;
}

struct place_view {
	uint32_t cpus; /* CPUs 0 .. cpus - 1 exist; loads has that many entries */
	uint32_t pad;
	struct cpumask online; /* takes threads */
	struct cpumask idle;   /* runs nothing now */
	const struct place_load *loads;
	/* Where affinity masks bind: how loaded each CPU should be (place/level.h); else NULL. */
	const uint64_t *levels;
	/* The weight of the heaviest thread of each CPU, 0 where it is not known; or NULL. */
	const uint32_t *heaviest;
};

/* The thread to place. */
struct place_thread {
	struct cpumask affinity;
	uint32_t weight;
	uint32_t home; /* where it is or was last; for a fork, the parent's */
};

struct place_ops {
	const char *name; /* as in place=NAME */
	const char *desc;
	/* A new thread; `cpu` is where its creator runs. */
	uint32_t (*on_fork)(const struct place_view *view, uint32_t cpu,
			    const struct place_thread *thread);
	/* A waking thread, placed by the dispatcher of its home; `cpu` is where the waker runs. */
	uint32_t (*on_wake)(const struct place_view *view, uint32_t cpu,
			    const struct place_thread *thread);
	/* `cpu` has nothing to run: whom should its balancer ask first?  `tried` were asked in
	 * vain. */
	uint32_t (*on_idle)(const struct place_view *view, uint32_t cpu,
			    const struct cpumask *tried);
	/* Every BALANCE_PERIOD_NS, on each CPU: the CPU to pull from, or PLACE_NONE. */
	uint32_t (*on_period)(const struct place_view *view, uint32_t cpu);
	/* Look for moves by what is owed to whom, where the policy tells (place/plan.h). */
	bool plans;
	/* The turn of `thread` on `cpu` is over: where it waits for the next one, or PLACE_NONE: here.  A
	 * placement that has this gathers waiting threads: wakes are its business also where nobody
	 * idles, and an idle CPU that asks is given the one thread that its victim's policy spares first.
	 * NULL: threads wait where they ran. */
	uint32_t (*on_turn)(const struct place_view *view, uint32_t cpu,
			    const struct place_thread *thread);
};

/* place/: the placements that this build knows.  The first one is the default. */
extern const struct place_ops *const places[];
extern const uint32_t places_count;

/* The placement of that name (`length` bytes), or NULL. */
const struct place_ops *place_find(const char *name, size_t length);

extern const struct place_ops place_least_loaded; /* default: the least weight; home if equal */
extern const struct place_ops place_idle_first;   /* home if idle, else an idle one, else home */
extern const struct place_ops place_home;         /* stay where you are; pull when idle only */

/* Not in `places`: the placement that is part of that policy and no use to another, or NULL if the
 * policy goes with any.  O(1). */
const struct place_ops *place_of_policy(const char *policy_name);
extern const struct place_ops place_central;
