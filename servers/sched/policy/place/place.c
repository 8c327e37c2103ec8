/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The three placements.  Each first intersects affinity with the online CPUs, so that a decision
 * can never name a forbidden one, and prefers the home among equals: moving costs warmth.
 */
#include "../place.h"
#include "balance.h"

static bool usable(const struct place_view *view, const struct cpumask *allowed, uint32_t cpu)
{
	return cpu < view->cpus && cpumask_test(allowed, cpu);
}

static struct cpumask allowed_of(const struct place_view *view, const struct place_thread *thread)
{
	struct cpumask allowed = cpumask_and(thread->affinity, view->online);
	return cpumask_and(allowed, cpumask_first(view->cpus));
}

/* Whether a is the better target than b: less weight, then fewer threads. */
static bool lighter(const struct place_view *view, uint32_t a, uint32_t b)
{
	const struct place_load *x = &view->loads[a];
	const struct place_load *y = &view->loads[b];
	if (x->weight != y->weight)
		return x->weight < y->weight;
	return x->runnable < y->runnable;
}

/* The lightest CPU in the mask; `prefer` wins against equals, then the lower number. */
static uint32_t lightest(const struct place_view *view, const struct cpumask *mask, uint32_t prefer)
{
	uint32_t best = usable(view, mask, prefer) ? prefer : PLACE_NONE;
	cpumask_for_each(cpu, mask)
	{
		if (best == PLACE_NONE || lighter(view, cpu, best))
			best = cpu;
	}
	return best;
}

/* An idle CPU in the mask, `prefer` first, or PLACE_NONE. */
static uint32_t idle_one(const struct place_view *view, const struct cpumask *mask, uint32_t prefer)
{
	const struct cpumask idle = cpumask_and(*mask, view->idle);
	if (usable(view, &idle, prefer))
		return prefer;
	const uint32_t cpu = cpumask_next(&idle, 0);
	return cpu < CPUS_MAX ? cpu : PLACE_NONE;
}

static uint32_t least_loaded_on_fork(const struct place_view *view, uint32_t cpu,
				     const struct place_thread *thread)
{
	(void)cpu;
	const struct cpumask allowed = allowed_of(view, thread);
	return lightest(view, &allowed, thread->home);
}

/* Home if it is idle; else an idle CPU; else stay: the balancer repairs what lasts. */
static uint32_t idle_else_home(const struct place_view *view, uint32_t cpu,
			       const struct place_thread *thread)
{
	(void)cpu;
	const struct cpumask allowed = allowed_of(view, thread);
	const uint32_t idle = idle_one(view, &allowed, thread->home);
	if (idle != PLACE_NONE)
		return idle;
	if (usable(view, &allowed, thread->home))
		return thread->home;
	return lightest(view, &allowed, thread->home);
}

/* As above, but a home that is busier than another CPU by more than the thread itself is left. */
static uint32_t least_loaded_on_wake(const struct place_view *view, uint32_t cpu,
				     const struct place_thread *thread)
{
	const uint32_t first = idle_else_home(view, cpu, thread);
	if (first == PLACE_NONE || first != thread->home || cpumask_test(&view->idle, first))
		return first;
	const struct cpumask allowed = allowed_of(view, thread);
	const uint32_t best = lightest(view, &allowed, thread->home);
	const uint64_t there = view->loads[best].weight;
	const uint64_t here = view->loads[thread->home].weight;
	return here > there && here - there > thread->weight ? best : thread->home;
}

/* Idle CPUs for forks too, then the home. */
static uint32_t idle_first_on_fork(const struct place_view *view, uint32_t cpu,
				   const struct place_thread *thread)
{
	return idle_else_home(view, cpu, thread);
}

static uint32_t home_stay(const struct place_view *view, uint32_t cpu,
			  const struct place_thread *thread)
{
	(void)cpu;
	const struct cpumask allowed = allowed_of(view, thread);
	if (usable(view, &allowed, thread->home))
		return thread->home;
	return lightest(view, &allowed, thread->home);
}

static uint32_t home_on_period(const struct place_view *view, uint32_t cpu)
{
	(void)view;
	(void)cpu;
	return PLACE_NONE;
}

const struct place_ops place_least_loaded = {
	.name = "least_loaded",
	.desc = "new threads to the CPU of least weight, wakers to an idle one; balanced every 40 "
		"ms",
	.on_fork = least_loaded_on_fork,
	.on_wake = least_loaded_on_wake,
	.on_idle = balance_victim_idle,
	.on_period = balance_victim,
	.plans = true,
};

const struct place_ops place_idle_first = {
	.name = "idle_first",
	.desc = "an idle CPU if there is one, else home; balanced every 40 ms",
	.on_fork = idle_first_on_fork,
	.on_wake = idle_else_home,
	.on_idle = balance_victim_idle,
	.on_period = balance_victim,
	.plans = true,
};

const struct place_ops place_home = {
	.name = "home",
	.desc = "threads stay where they are; only an idle CPU pulls",
	.on_fork = home_stay,
	.on_wake = home_stay,
	.on_idle = balance_victim_idle,
	.on_period = home_on_period,
};

const struct place_ops *const places[] = {&place_least_loaded, &place_idle_first, &place_home};
const uint32_t places_count = sizeof(places) / sizeof(places[0]);

const struct place_ops *place_find(const char *name, size_t length)
{
	for (uint32_t i = 0; i < places_count; i++) {
		size_t at = 0;
		while (at < length && places[i]->name[at] != '\0' &&
		       places[i]->name[at] == name[at])
			at++;
		if (at == length && places[i]->name[at] == '\0')
			return places[i];
	}
	return NULL;
}
