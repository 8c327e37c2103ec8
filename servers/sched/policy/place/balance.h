/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The arithmetic of balancing: how much a busy CPU may give to the CPU that asks, and which of the
 * candidates that its policy offers (policy_ops.spare, owed least first) go.  Pure.
 *
 *   L_v, L_p   load of victim and puller: sum of the weights of their runnable threads
 *   n_v, n_p   number of their runnable threads
 *   A          average load of the online CPUs, by water filling: a CPU's heaviest thread, if it is
 *              heavier than the average, is left out together with a CPU, since it can use no more than
 *              one (core/heavy.c; that of a CPU with a single thread is always known).
 *       Where affinity masks bind: the level of the puller's CPU (level.h)
 *   w          weight of a candidate
 *
 * Rules, and what each protects from:
 *   1. Nothing goes to a puller with L_p >= A, nor from a victim with n_v <= 1.
 *   2. An idle puller may take from any victim with a waiting thread, up to half of the surplus L_v
 *      (L_p is 0), and at least one thread: else it would idle beside a waiting thread.
 *   3. A busy puller takes what makes the worse of the two better: a thread of weight w moves if
 *      L_p + w < L_v, so max(L_v, L_p) falls strictly; one at a time unless L_v > 2 A, so that a CPU
 *      migrates at most one thread a period once things are settled.  Not while the puller's threads
 *      are behind the victim's: then the difference of the loads is just making up for an
 *      earlier one.  (Measured over 288 random mixes: without that, error 8.6 instead of 5.3 % at
 *      the 90th percentile, and twice the migrations.)
 *   4. ... or, when loads differ by what cannot be split (5 equal hogs on 4 CPUs), by rotation of one
 *      thread: L_v > A, and either L_p + w <= L_v, so the two change roles and no load gets larger; or
 *      the puller's threads are ahead of the victim's by BALANCE_AHEAD_US and L_p + w <= 2 A.  What is
 *      compared is service since the threads started, so over time each CPU's threads are ahead as
 *      often as behind, with mixed weights too.
 *   5. Who goes first is who is furthest ahead of a fair share of the machine (policy_ops.spare): the
 *      one left behind gets the faster CPU.  With the lag of one queue instead, rotation can lock in
 *      step with the slices and move the same thread for ever (measured: 12 % error for 7 on 4).
 *   6. Nothing rotates before the puller's threads are ahead by BALANCE_ROTATE_US (if the policy
 *      keeps the account; else every period), when n is a multiple of the CPUs and the weights are
 *      equal (then no load exceeds A), nor when n <= CPUs (n_v is 1 everywhere).
 *   7. All sums saturate; no subtraction goes below zero.
 */
#pragma once

#include "../place.h"
#include "../policy.h"

/* No multiple of a whole millisecond: threads that wake periodically would be looked at in always the same
 * phase, and a CPU with many short sleepers always be taken for a lightly loaded one. */
#define BALANCE_PERIOD_NS      40618034u
#define BALANCE_CANDIDATES_MAX 32u  /* looked at per request */
#define BALANCE_ROTATE_US      6000 /* rotate when so much has built up: a third of the migrations */
#define BALANCE_AHEAD_US       10000 /* smaller differences are noise of the slices */
#define BALANCE_MOVES_MAX      8u /* moved per request: bounds the time in the victim's dispatcher */

/* What a puller asks a victim, and what both know of the loads. */
struct balance_request {
	uint64_t puller_weight;
	uint32_t puller_runnable;
	uint32_t puller; /* CPU */
	uint64_t victim_weight;
	uint32_t victim_runnable;
	uint32_t pad;
	int32_t puller_ahead_us;
	int32_t victim_ahead_us;
	uint64_t average_weight; /* floor of A */
	bool average_rounded;    /* A is larger than average_weight */
};

/* One candidate: from policy_ops.spare, plus what only the dispatcher knows. */
struct balance_candidate {
	uint32_t weight;
	bool allowed; /* affinity has the puller, and nothing else holds it here */
};

/* Floor of the average load of the online CPUs; *rounded tells whether it was cut. */
uint64_t balance_average(const struct place_view *view, bool *rounded);

/* Fill a request from a snapshot. */
struct balance_request balance_request_make(const struct place_view *view, uint32_t puller,
					    uint32_t victim);

/*
 * Which candidates to move: sets take[i], returns how many.  Looks at the first
 * BALANCE_CANDIDATES_MAX only, moves at most BALANCE_MOVES_MAX.
 */
uint32_t balance_choose(const struct balance_request *request,
			const struct balance_candidate *candidates, uint32_t count, bool *take);

/* The victim for a periodic pull by `cpu`: the most loaded online CPU that rule 1, 3 or 4 could
 * take from, or PLACE_NONE. */
uint32_t balance_victim(const struct place_view *view, uint32_t cpu);

/* The victim for an idle puller: the most loaded online CPU with a waiting thread, outside `tried`.
 */
uint32_t balance_victim_idle(const struct place_view *view, uint32_t cpu,
			     const struct cpumask *tried);
