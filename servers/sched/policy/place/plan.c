/* SPDX-License-Identifier: BSD-2-Clause */
/* Moves that need each other: see plan.h. */
#include "plan.h"

#include <base/math.h>

#define RATIO_SHIFT 20u
#define RATIO_MAX   8u /* f / W larger than that counts as that */
#define WORTH       ((int64_t)PLAN_GAIN_US * PLAN_GAIN_US)

static uint64_t bound_weight(const struct plan_thread *thread)
{
	return thread->bound ? thread->weight : 0;
}

/* T f / W of who is not limited by a cap, us. */
static int64_t share_us(uint64_t full, uint64_t weight, uint64_t rate)
{
	return (int64_t)(min_u64(full, weight * RATIO_MAX) * rate >> RATIO_SHIFT);
}

/* What a queue costs without thread number `without` and with `with` beside the others. */
static int64_t queue_cost(const struct plan_queue *queue, uint32_t without,
			  const struct plan_thread *with)
{
	uint64_t weight = queue->weight, bound = queue->bound;
	int64_t cost = 0;

	if (without < queue->count) {
		weight = sub_saturate_u64(weight, queue->thread[without].weight);
		bound = sub_saturate_u64(bound, bound_weight(&queue->thread[without]));
	}
	if (with != NULL) {
		weight += with->weight;
		bound += bound_weight(with);
	}
	if (weight == 0)
		return 0;
	if (queue->used != 0)
		weight = weight * PLAN_USED_WHOLE / (PLAN_USED_WHOLE - queue->used);

	const uint64_t rate = ((uint64_t)PLAN_AHEAD_US << RATIO_SHIFT) / weight;
	const uint64_t free = max_u64(sub_saturate_u64(weight, bound), 1);
	const uint64_t free_rate = ((uint64_t)PLAN_AHEAD_US << RATIO_SHIFT) / free;

	for (uint32_t i = 0; i <= queue->count; i++) {
		const struct plan_thread *thread = i < queue->count ? &queue->thread[i] : with;

		if (i == without || thread == NULL)
			continue;
		const int64_t gets_us = thread->bound
						? share_us(min_u64(thread->full, weight), weight,
							   rate)
						: share_us(sub_saturate_u64(thread->full, bound),
							   free, free_rate);
		const int64_t end_us = thread->owed_us + PLAN_AHEAD_US - gets_us;

		cost += end_us * end_us / PLAN_PARTS * (PLAN_PARTS + thread->extra);
	}
	return cost;
}

/* For a thread of the asking CPU: the two best places to go, and what is gained there. */
struct way_out {
	int64_t gain[2];
	uint32_t to[2];
};

struct search {
	const struct plan_input *input;
	struct plan_queue own, other;
	struct way_out out[PLAN_THREADS_MAX];
	int64_t own_cost;
	int64_t other_cost_max; /* of all others: nothing gains more than what its queues cost now */
	int64_t gain;
	struct plan plan;
};

static void way_out_add(struct way_out *out, uint32_t cpu, int64_t gain)
{
	if (out->to[0] == PLAN_NOBODY || gain > out->gain[0]) {
		out->gain[1] = out->gain[0];
		out->to[1] = out->to[0];
		out->gain[0] = gain;
		out->to[0] = cpu;
	} else if (out->to[1] == PLAN_NOBODY || gain > out->gain[1]) {
		out->gain[1] = gain;
		out->to[1] = cpu;
	}
}

static void better(struct search *search, int64_t gain, struct plan plan)
{
	if (gain <= search->gain)
		return;
	search->gain = gain;
	search->plan = plan;
}

static bool may_go(const struct plan_thread *thread, uint32_t cpu)
{
	return cpumask_test(&thread->allowed, cpu);
}

static void look_for_ways_out(struct search *search, uint32_t cpu)
{
	const int64_t before = queue_cost(&search->other, PLAN_NOBODY, NULL);

	search->other_cost_max = before > search->other_cost_max ? before : search->other_cost_max;
	for (uint32_t i = 0; i < search->own.count; i++) {
		const struct plan_thread *thread = &search->own.thread[i];

		if (may_go(thread, cpu))
			way_out_add(&search->out[i], cpu,
				    before - queue_cost(&search->other, PLAN_NOBODY, thread));
	}
}

static void look_for_push(struct search *search)
{
	for (uint32_t i = 0; i < search->own.count && search->own.runnable > 1; i++) {
		const struct way_out *out = &search->out[i];

		if (out->to[0] != PLAN_NOBODY && !search->own.thread[i].running)
			better(search,
			       out->gain[0] + search->own_cost - queue_cost(&search->own, i, NULL),
			       (struct plan){.pull_tid = PLAN_NOBODY,
					     .push_tid = search->own.thread[i].tid,
					     .to = out->to[0]});
	}
}

/* Thread number `at` of the other CPU comes here. */
static void look_for_pull(struct search *search, uint32_t cpu, uint32_t at, int64_t before)
{
	const struct plan_thread *coming = &search->other.thread[at];
	const int64_t left = before - queue_cost(&search->other, at, NULL);
	const bool relay = search->other.runnable > 1;
	struct plan plan = {.pull_tid = coming->tid, .from = cpu, .push_tid = PLAN_NOBODY};

	if (relay)
		better(search,
		       left + search->own_cost - queue_cost(&search->own, PLAN_NOBODY, coming),
		       plan);
	for (uint32_t i = 0; i < search->own.count; i++) {
		const struct plan_thread *going = &search->own.thread[i];
		const struct way_out *out = &search->out[i];
		const uint32_t way = out->to[0] == cpu ? 1 : 0;
		const int64_t here = search->own_cost - queue_cost(&search->own, i, coming) - WORTH;

		plan.push_tid = going->tid;
		plan.to = cpu;
		if (may_go(going, cpu))
			better(search, here + before - queue_cost(&search->other, at, going), plan);
		plan.to = out->to[way];
		if (relay && plan.to != PLAN_NOBODY)
			better(search, here + left + out->gain[way], plan);
	}
}

static void look_for_pulls(struct search *search, uint32_t cpu)
{
	const int64_t before = queue_cost(&search->other, PLAN_NOBODY, NULL);

	if (search->own_cost + before + search->other_cost_max <= search->gain)
		return;
	for (uint32_t at = 0; at < search->other.count; at++)
		if (may_go(&search->other.thread[at], search->input->cpu))
			look_for_pull(search, cpu, at, before);
}

static void others_each(struct search *search, void (*look)(struct search *, uint32_t))
{
	const struct plan_input *input = search->input;
	uint32_t looked = 0;

	for (uint32_t step = 0; step < input->cpus && looked < PLAN_CPUS_MAX; step++) {
		const uint32_t cpu = (input->start + step) % input->cpus;

		if (cpu == input->cpu || !cpumask_test(&input->online, cpu))
			continue;
		input->queue(input->context, cpu, &search->other);
		look(search, cpu);
		looked++;
	}
}

struct plan plan_make(const struct plan_input *input)
{
	struct search search = {
		.input = input,
		.gain = WORTH,
		.plan = {.pull_tid = PLAN_NOBODY, .push_tid = PLAN_NOBODY},
	};

	for (uint32_t i = 0; i < PLAN_THREADS_MAX; i++)
		search.out[i] = (struct way_out){.to = {PLAN_NOBODY, PLAN_NOBODY}};
	input->queue(input->context, input->cpu, &search.own);
	search.own_cost = queue_cost(&search.own, PLAN_NOBODY, NULL);
	others_each(&search, look_for_ways_out);
	look_for_push(&search);
	others_each(&search, look_for_pulls);
	return search.plan;
}
