/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where affinity masks bind some shares cannot be had by sharing CPUs by weight, wherever the threads are.
 * A heavy thread that should have a whole CPU, half of each of two, has company on both; it gets what its
 * weight is beside that of the others, always less than all of it.  So there the policy is told other
 * weights than the threads' own, in each balance period and after each move, from what is owed (account.c):
 *
 *   T      PLAN_AHEAD_US: how far we look ahead
 *   s_i    time in T for thread i: r_i (e_i + T - m), at least 0, at most T, with the m for which the s_i
 *          of the CPU add up to T.  Then as much is owed to one as to the other, in time at its fair rate
 *   w_i    s_i / T of the sum of their weights, which stays: loads are what they are without
 *
 * The policy is as exact as ever, for these weights.  They go down to an eighth, so that nobody waits for
 * long if the account is wrong.  All have their own where that gives what is fair: where nobody could be on
 * another CPU, or nobody is owed much more than another one.
 *
 * A thread that moves goes with its own weight.  Sleepers keep theirs, and so do the threads of a CPU that
 * has more than it publishes.
 */
#include <base/math.h>

#include "account.h"
#include "core.h"
#include "level.h"
#include "thread.h"
#include "tilt.h"

#define TIME_SHIFT 10u /* fraction bits of times, us */
#define TIME_ALL   ((int64_t)PLAN_AHEAD_US << TIME_SHIFT)
#define DOWN_TO    8u
#define UNEVEN_US  20000

static bool published(const struct sched_cpu *cpu, uint32_t tid)
{
	for (uint32_t i = 0; i < cpu->plan_count; i++)
		if (cpu->plan_thread[i].tid == tid)
			return true;
	return false;
}

static bool uneven(const struct sched_server *server, const struct sched_cpu *cpu)
{
	int32_t least_us = INT32_MAX, most_us = INT32_MIN;
	bool bound = true;

	for (uint32_t i = 0; i < cpu->plan_count; i++) {
		const struct sched_plan_thread *thread = &cpu->plan_thread[i];
		const struct cpumask mask = sched_class_mask(server, thread->class);

		if (thread->rate == 0)
			return false;
		least_us = thread->owed_us < least_us ? thread->owed_us : least_us;
		most_us = thread->owed_us > most_us ? thread->owed_us : most_us;
		bound = bound && cpumask_count(&mask) == 1;
	}
	return !bound && most_us - least_us > UNEVEN_US;
}

static void weight_tell(struct sched_cpu *cpu, struct sched_thread *thread, uint32_t weight,
			time_ns_t now_ns)
{
	struct policy_params params;

	sched_thread_policy_params(thread->params, thread->tid, &params);
	params.group = group_tag(policy_thread(thread))->id;

	const uint32_t own = params.weight;

	if (weight == 0)
		weight = own;
	if (weight == (thread->weight_told != 0 ? thread->weight_told : own))
		return;
	params.weight = (uint32_t)min_u64(weight, POLICY_WEIGHT_MAX);
	if (cpu->policy->set_params(policy_cpu(cpu), policy_thread(thread), &params, now_ns) !=
	    ERR_OK)
		return;
	thread->weight_told = weight == own ? 0 : params.weight;
	cpu->moves++;
}

uint32_t sched_weight_own(const struct sched_thread *thread, uint32_t told)
{
	struct policy_params params;

	if (thread->weight_told == 0)
		return told;
	sched_thread_policy_params(thread->params, thread->tid, &params);
	return params.weight;
}

void sched_tilt_end(struct sched_cpu *cpu, struct sched_thread *thread, time_ns_t now_ns)
{
	if (thread->weight_told != 0)
		weight_tell(cpu, thread, 0, now_ns);
}

static int64_t time_of(const struct sched_plan_thread *thread, int64_t even_us)
{
	const int64_t time = (int64_t)thread->rate * (thread->owed_us + PLAN_AHEAD_US - even_us) >>
			     (SCHED_RATE_SHIFT - TIME_SHIFT);

	return time < 0 ? 0 : bound_i64(time, TIME_ALL);
}

/* What is owed to each in the end, if their times add up. */
static int64_t even_find(const struct sched_cpu *cpu)
{
	int64_t low = -2 * PLAN_OWED_ANY_US, high = 2 * PLAN_OWED_ANY_US;

	while (high - low > 1) {
		const int64_t even_us = low + (high - low) / 2;
		int64_t sum = 0;

		for (uint32_t i = 0; i < cpu->plan_count; i++)
			sum += time_of(&cpu->plan_thread[i], even_us);
		if (sum > TIME_ALL)
			low = even_us;
		else
			high = even_us;
	}
	return high;
}

/* Who gets most has what is left. */
static void weights_find(const struct sched_cpu *cpu, uint32_t *weight)
{
	const int64_t even_us = even_find(cpu);
	uint64_t all = 0, others = 0;
	uint32_t most = 0;

	for (uint32_t i = 0; i < cpu->plan_count; i++)
		all += cpu->plan_thread[i].weight;
	for (uint32_t i = 0; i < cpu->plan_count; i++) {
		const uint64_t time = (uint64_t)time_of(&cpu->plan_thread[i], even_us);

		weight[i] = (uint32_t)max_u64(
			all * time / TIME_ALL,
			max_u64(cpu->plan_thread[i].weight / DOWN_TO, POLICY_WEIGHT_MIN));
		others += weight[i];
		if (weight[i] > weight[most])
			most = i;
	}
	others -= weight[most];
	weight[most] = (uint32_t)max_u64(sub_saturate_u64(all, others), POLICY_WEIGHT_MIN);
}

void sched_tilt(struct sched_server *server, struct sched_cpu *cpu, bool all, time_ns_t now_ns)
{
	const bool wanted = all && cpu->plan_owed && uneven(server, cpu);
	uint32_t weight[PLAN_THREADS_MAX] = {0};

	for (uint32_t i = 0; i < cpu->tilted_count; i++) {
		struct sched_thread *thread = &server->thread[cpu->tilted[i]];

		if ((!wanted || !published(cpu, thread->tid)) && sched_thread_settled(cpu, thread))
			sched_tilt_end(cpu, thread, now_ns);
	}
	cpu->tilted_count = 0;
	if (!wanted)
		return;
	weights_find(cpu, weight);
	for (uint32_t i = 0; i < cpu->plan_count; i++) {
		const uint32_t tid = cpu->plan_thread[i].tid;

		weight_tell(cpu, &server->thread[tid], weight[i], now_ns);
		cpu->tilted[cpu->tilted_count++] = tid;
	}
}
