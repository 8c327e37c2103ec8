/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a CPU's load has been lately.  Where threads sleep and wake, the load of a moment says little about
 * that of the next one: who compares those moves threads back and forth, and never sees which CPU has been
 * the worse one for long.  So threads that hardly sleep are told from the others:
 *
 *   P    weight of those that lasted in the queue for two balance periods, or never slept; the published
 *        ones (core/plan.c)
 *   u    the part of the CPU that these did not get, each balance period, in an average over a few of them
 *   L    P / (1 - u): the load that they meet
 *
 * u outlives moves of lasting threads, for what they get is summed up in pieces between which they are the
 * same.  A sleeper goes where it is best for the lasting threads: they cannot share the CPUs any better if
 * there is one for each.
 *
 * The thread of a published record may be of another CPU by now, or over: what is counted then is a little
 * too much or nothing, for one period.
 */
#include <base/math.h>

#include "level.h"
#include "mask.h"
#include "steady.h"

#define STEADY_SHIFT   2u /* a period counts a quarter */
#define STEADY_WAKES   2u /* of a thread's life: it was started */
#define STEADY_PERIODS 4u /* without a wake anywhere: there are no sleepers */
#define STEADY_FEW     (STEADY_WHOLE / 2u)
#define STEADY_OWED_US 40000 /* with less sleepers are sent about, to and fro */

void sched_steady_close(struct sched_server *server, struct sched_cpu *cpu, time_ns_t now_ns)
{
	struct sched_steady *steady = &cpu->steady;

	if (cpu->plan_count != 0)
		steady->seen_ns += now_ns - steady->closed_ns;
	steady->closed_ns = now_ns;
	for (uint32_t i = 0; i < cpu->plan_count; i++) {
		struct sched_plan_thread *published = &cpu->plan_thread[i];
		const struct sched_thread_stats *stats = &server->shared->stats[published->tid];
		const uint64_t cpu_ns = __atomic_load_n(&stats->cpu_ns, __ATOMIC_RELAXED);

		steady->served_ns += sub_saturate_u64(cpu_ns, published->cpu_ns);
		published->cpu_ns = cpu_ns;
	}
}

/* A CPU that looked at nothing for long has been quiet, or idle. */
static void used_update(struct sched_steady *steady, time_ns_t since_ns)
{
	const time_ns_t seen_ns = steady->seen_ns;
	const int64_t old = steady->used;

	if (since_ns > 4u * BALANCE_PERIOD_NS || seen_ns < BALANCE_PERIOD_NS / 4)
		return;

	const int64_t used = (int64_t)(sub_saturate_u64(seen_ns, steady->served_ns) * STEADY_WHOLE /
				       seen_ns);

	__atomic_store_n(&steady->used, (uint32_t)(old + (used - old) / (1 << STEADY_SHIFT)),
			 __ATOMIC_RELAXED);
}

/* What follows from the lasting threads says nothing where others have most of the machine. */
static bool sleepers_few(const struct sched_server *server)
{
	uint64_t used = 0;

	for (uint32_t i = 0; i < server->cpus; i++) {
		const struct sched_cpu *cpu = &server->cpu[i];

		if (__atomic_load_n(&cpu->plan_count, __ATOMIC_RELAXED) != 0)
			used += __atomic_load_n(&cpu->steady.used, __ATOMIC_RELAXED);
		else if (__atomic_load_n(&cpu->load.runnable, __ATOMIC_RELAXED) != 0)
			used += STEADY_WHOLE;
	}
	return used <= (uint64_t)server->cpus * STEADY_FEW;
}

void sched_steady_update(struct sched_server *server, struct sched_cpu *cpu, time_ns_t now_ns)
{
	struct sched_steady *steady = &cpu->steady;
	const time_ns_t since_ns = now_ns - steady->since_ns;
	uint32_t wakes = 0;

	if (since_ns < BALANCE_PERIOD_NS / 2)
		return;
	sched_steady_close(server, cpu, now_ns);
	used_update(steady, since_ns);
	steady->served_ns = 0;
	steady->seen_ns = 0;
	steady->since_ns = now_ns;
	for (uint32_t i = 0; i < server->cpus; i++)
		wakes += __atomic_load_n(&server->cpu[i].wakes, __ATOMIC_RELAXED);
	if (wakes != steady->wakes)
		steady->periods = STEADY_PERIODS;
	else if (steady->periods > 0)
		steady->periods--;
	steady->many = wakes - steady->wakes > server->cpus / 2;
	steady->wakes = wakes;
	steady->counts = steady->periods != 0 && sleepers_few(server);
}

bool sched_steady_used(const struct sched_server *server, const struct sched_cpu *cpu)
{
	return cpu->steady.counts && cpu->plan_owed && !sched_grouped(server);
}

bool sched_thread_lasts(const struct sched_cpu *cpu, const struct sched_thread *thread,
			time_ns_t now_ns)
{
	return cpu->steady.periods == 0 || thread->stats->wakes <= STEADY_WAKES ||
	       now_ns - thread->ready_since_ns >= 2u * BALANCE_PERIOD_NS;
}

uint64_t sched_steady_weight(const struct sched_cpu *cpu)
{
	const uint64_t lasting = __atomic_load_n(&cpu->steady.lasting, __ATOMIC_RELAXED);
	const uint32_t used = __atomic_load_n(&cpu->steady.used, __ATOMIC_RELAXED);

	return lasting * STEADY_WHOLE / (STEADY_WHOLE - min_u64(used, STEADY_USED_MAX));
}

uint64_t sched_steady_least(const struct sched_cpu *cpu)
{
	if (cpu->plan_count != 0)
		return cpu->steady.lasting / cpu->plan_count;
	return cpu->load.weight / max_u64(cpu->load.runnable, 1);
}

uint32_t sched_steady_part(const struct sched_server *server, const struct sched_cpu *cpu,
			   uint32_t index)
{
	const struct sched_cpu *other = &server->cpu[index];
	const uint32_t count = __atomic_load_n(&other->plan_count, __ATOMIC_RELAXED);

	if (!sched_steady_used(server, cpu) || count == 0 || count >= PLAN_THREADS_MAX)
		return 0;
	return (uint32_t)min_u64(__atomic_load_n(&other->steady.used, __ATOMIC_RELAXED),
				 STEADY_USED_MAX);
}

void sched_steady_view(struct sched_server *server, const struct sched_cpu *cpu,
		       struct place_load *loads)
{
	if (!sched_steady_used(server, cpu))
		return;
	for (uint32_t i = 0; i < server->cpus; i++) {
		const struct sched_cpu *other = &server->cpu[i];
		const uint32_t count = __atomic_load_n(&other->plan_count, __ATOMIC_RELAXED);

		if (count == 0 || count >= PLAN_THREADS_MAX)
			continue;
		loads[i].weight = sched_steady_weight(other);
		loads[i].runnable = count;
	}
}

uint32_t sched_steady_target(struct sched_server *server, struct sched_cpu *cpu,
			     const struct sched_thread *thread)
{
	const struct cpumask *mask = sched_thread_mask(server, thread);
	const uint64_t here = sched_steady_weight(cpu);
	int32_t least_us = __atomic_load_n(&cpu->steady.owed_us, __ATOMIC_RELAXED) - STEADY_OWED_US;
	uint32_t target = cpu->index;

	cpu->way_out = false;
	if (__atomic_load_n(&cpu->load.runnable, __ATOMIC_RELAXED) == 0)
		return target;
	for (uint32_t i = 0; i < server->cpus; i++) {
		const struct sched_cpu *other = &server->cpu[i];
		const int32_t owed_us = __atomic_load_n(&other->steady.owed_us, __ATOMIC_RELAXED);

		if (owed_us >= least_us || !cpumask_test(mask, i) ||
		    !cpumask_test(&server->online, i) ||
		    __atomic_load_n(&other->plan_count, __ATOMIC_RELAXED) == 0)
			continue;
		/* Else all would go there until its threads are owed most. */
		if (sched_steady_weight(other) > here)
			continue;
		least_us = owed_us;
		target = i;
	}
	return target;
}
