/* SPDX-License-Identifier: BSD-2-Clause */
/* How much goes from a busy CPU to one that asks, and which threads.  The rules: balance.h. */
#include "balance.h"
#include <base/math.h>

#define AVERAGE_ROUNDS_MAX 8u

static struct cpumask present(const struct place_view *view)
{
	return cpumask_and(view->online, cpumask_first(view->cpus));
}

/* Weight of a CPU's heaviest thread, 0 if not known.  What was told may be older than the load, and gone. */
static uint64_t heaviest_thread(const struct place_view *view, uint32_t cpu)
{
	const struct place_load *load = &view->loads[cpu];
	if (load->runnable <= 1)
		return load->weight;
	if (view->heaviest == NULL || view->heaviest[cpu] > load->weight)
		return 0;
	return view->heaviest[cpu];
}

/*
 * Water filling: a thread heavier than the average keeps a whole CPU and cannot use more, so neither it nor a
 * CPU for it counts, wherever it is; that lowers the average of the rest, which may put another one above it.
 */
uint64_t balance_average(const struct place_view *view, bool *rounded)
{
	struct cpumask counted = present(view);
	uint32_t count = cpumask_count(&counted);
	uint128_t sum = 0;
	uint64_t average = 0;
	uint64_t rest = 0;
	cpumask_for_each(cpu, &counted) sum += view->loads[cpu].weight;
	for (uint32_t round = 0; round < AVERAGE_ROUNDS_MAX && count != 0; round++) {
		const uint32_t before = count;
		average = (uint64_t)uint128_divide(sum, count, &rest);
		cpumask_for_each(cpu, &counted)
		{
			const uint64_t weight = heaviest_thread(view, cpu);
			if (weight <= average)
				continue;
			cpumask_clear(&counted, cpu);
			sum -= weight;
			count--;
		}
		if (count == before)
			break;
	}
	*rounded = rest != 0;
	return average;
}

struct balance_request balance_request_make(const struct place_view *view, uint32_t puller,
					    uint32_t victim)
{
	bool rounded = true;
	const uint64_t average = view->levels != NULL ? view->levels[puller]
						      : balance_average(view, &rounded);
	return (struct balance_request){
		.puller_weight = view->loads[puller].weight,
		.puller_runnable = view->loads[puller].runnable,
		.puller = puller,
		.victim_weight = view->loads[victim].weight,
		.victim_runnable = view->loads[victim].runnable,
		.puller_ahead_us = view->loads[puller].ahead_us,
		.victim_ahead_us = view->loads[victim].ahead_us,
		.average_weight = average,
		.average_rounded = rounded,
	};
}

/* L < A, with A = average_weight or a little more. */
static bool below_average(const struct balance_request *request, uint64_t weight)
{
	return weight < request->average_weight ||
	       (weight == request->average_weight && request->average_rounded);
}

/* What has moved so far. */
struct progress {
	uint64_t puller_weight;
	uint64_t victim_weight;
	uint32_t victim_runnable;
	uint32_t moves;
};

static void move_one(struct progress *now, const struct balance_candidate *candidate, bool *take)
{
	*take = true;
	now->puller_weight = add_saturate_u64(now->puller_weight, candidate->weight);
	now->victim_weight = sub_saturate_u64(now->victim_weight, candidate->weight);
	now->victim_runnable--;
	now->moves++;
}

static void choose_idle(const struct balance_request *request,
			const struct balance_candidate *candidates, uint32_t count, bool *take,
			struct progress *now)
{
	const uint64_t half = request->victim_weight / 2;
	for (uint32_t i = 0; i < count && now->moves < BALANCE_MOVES_MAX; i++) {
		if (now->victim_runnable <= 1)
			return;
		if (candidates[i].allowed &&
		    add_saturate_u64(now->puller_weight, candidates[i].weight) <= half)
			move_one(now, &candidates[i], &take[i]);
	}
	for (uint32_t i = 0; i < count && now->moves == 0; i++) {
		if (candidates[i].allowed && now->victim_runnable > 1)
			move_one(now, &candidates[i], &take[i]);
	}
}

static void choose_busy(const struct balance_request *request,
			const struct balance_candidate *candidates, uint32_t count, bool *take,
			struct progress *now)
{
	const int64_t ahead = (int64_t)request->puller_ahead_us - request->victim_ahead_us;
	const uint64_t twice = mul_saturate_u64(request->average_weight, 2);
	if (ahead < 0 && request->victim_weight <= twice)
		return;
	for (uint32_t i = 0; i < count && now->moves < BALANCE_MOVES_MAX; i++) {
		if (now->victim_runnable <= 1 || !below_average(request, now->puller_weight) ||
		    (now->moves != 0 && now->victim_weight <= twice))
			return;
		if (candidates[i].allowed &&
		    add_saturate_u64(now->puller_weight, candidates[i].weight) < now->victim_weight)
			move_one(now, &candidates[i], &take[i]);
	}
	const bool known = request->puller_ahead_us != 0 || request->victim_ahead_us != 0;
	if (now->moves != 0 || request->victim_weight <= request->average_weight ||
	    (known && ahead < BALANCE_ROTATE_US))
		return;
	const uint64_t limit = ahead > BALANCE_AHEAD_US ? max_u64(twice, request->victim_weight)
							: request->victim_weight;
	for (uint32_t i = 0; i < count && now->moves == 0; i++) {
		if (candidates[i].allowed &&
		    add_saturate_u64(now->puller_weight, candidates[i].weight) <= limit)
			move_one(now, &candidates[i], &take[i]);
	}
}

uint32_t balance_choose(const struct balance_request *request,
			const struct balance_candidate *candidates, uint32_t count, bool *take)
{
	struct progress now = {
		.puller_weight = request->puller_weight,
		.victim_weight = request->victim_weight,
		.victim_runnable = request->victim_runnable,
	};
	for (uint32_t i = 0; i < count; i++)
		take[i] = false;
	if (count > BALANCE_CANDIDATES_MAX)
		count = BALANCE_CANDIDATES_MAX;
	if (request->victim_runnable <= 1)
		return 0;
	if (request->puller_runnable == 0)
		choose_idle(request, candidates, count, take, &now);
	else if (below_average(request, request->puller_weight))
		choose_busy(request, candidates, count, take, &now);
	return now.moves;
}

/* The heaviest CPU of the mask with a thread to spare; among equals the next one round from `cpu`,
 * so that rotation visits every CPU. */
static uint32_t heaviest(const struct place_view *view, const struct cpumask *mask, uint32_t cpu)
{
	uint32_t best = PLACE_NONE;
	for (uint32_t step = 1; step < view->cpus; step++) {
		const uint32_t other = (cpu + step) % view->cpus;
		if (!cpumask_test(mask, other) || view->loads[other].runnable <= 1)
			continue;
		if (best == PLACE_NONE || view->loads[other].weight > view->loads[best].weight)
			best = other;
	}
	return best;
}

uint32_t balance_victim(const struct place_view *view, uint32_t cpu)
{
	const struct cpumask mask = present(view);
	if (!cpumask_test(&mask, cpu))
		return PLACE_NONE;
	const uint32_t victim = heaviest(view, &mask, cpu);
	if (victim == PLACE_NONE || view->loads[cpu].runnable == 0)
		return victim;
	const struct balance_request request = balance_request_make(view, cpu, victim);
	if (!below_average(&request, request.puller_weight) ||
	    request.victim_weight <= request.puller_weight)
		return PLACE_NONE;
	return victim;
}

uint32_t balance_victim_idle(const struct place_view *view, uint32_t cpu,
			     const struct cpumask *tried)
{
	const struct cpumask mask = cpumask_and_not(present(view), *tried);
	return heaviest(view, &mask, cpu);
}
