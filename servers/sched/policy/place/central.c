/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The placement of policy central: everybody waits on CPU 0, the centre, and runs elsewhere for a turn at a
 * time. docs/design/central.md.
 *
 *   D[0]   hands the first of its line to a CPU that is idle: on_wake, asked for each thread too many
 *   D[c]   runs what it was handed; at the end of a turn it goes back if somebody waits (on_turn), and what
 *          wakes here goes there unless this CPU has nothing to run; a CPU that goes idle asks the centre
 *          (on_idle)
 *
 * Threads that may not run on the centre wait there, too.
 */
#include "../place.h"
#include "balance.h"

static struct cpumask allowed_of(const struct place_view *view, const struct place_thread *thread)
{
	const struct cpumask allowed = cpumask_and(thread->affinity, view->online);
	return cpumask_and(allowed, cpumask_first(view->cpus));
}

/* Somebody waits at the centre, beside the one that runs there. */
static bool somebody_waits(const struct place_view *view)
{
	return view->loads[PLACE_CENTRE].runnable >
	       (cpumask_test(&view->idle, PLACE_CENTRE) ? 0u : 1u);
}

static uint32_t central_on_fork(const struct place_view *view, uint32_t cpu,
				const struct place_thread *thread)
{
	(void)view;
	(void)cpu;
	(void)thread;
	return PLACE_CENTRE;
}

static uint32_t central_on_wake(const struct place_view *view, uint32_t cpu,
				const struct place_thread *thread)
{
	const struct cpumask allowed = allowed_of(view, thread);
	const struct cpumask idle = cpumask_and(allowed, view->idle);
	if (cpu != PLACE_CENTRE)
		return cpumask_test(&allowed, cpu) && view->loads[cpu].runnable == 0 ? cpu
										     : PLACE_CENTRE;
	const uint32_t free = cpumask_next(&idle, 0);
	return free < view->cpus ? free : PLACE_CENTRE;
}

static uint32_t central_on_idle(const struct place_view *view, uint32_t cpu,
				const struct cpumask *tried)
{
	/* Asked in vain, or given something: its answer is on the way.  Asking others meanwhile would pass
	 * the same thread round and round. */
	if (cpu != PLACE_CENTRE && somebody_waits(view))
		return cpumask_test(tried, PLACE_CENTRE) ? PLACE_NONE : PLACE_CENTRE;
	return balance_victim_idle(view, cpu, tried);
}

static uint32_t central_on_period(const struct place_view *view, uint32_t cpu)
{
	(void)view;
	(void)cpu;
	return PLACE_NONE;
}

static uint32_t central_on_turn(const struct place_view *view, uint32_t cpu,
				const struct place_thread *thread)
{
	(void)thread;
	const bool wanted = somebody_waits(view) || view->loads[cpu].runnable > 1;
	return cpu != PLACE_CENTRE && wanted ? PLACE_CENTRE : PLACE_NONE;
}

const struct place_ops place_central = {
	.name = "central",
	.desc = "everybody waits on CPU 0 and is handed to whichever CPU is idle; goes with policy "
		"central only",
	.on_fork = central_on_fork,
	.on_wake = central_on_wake,
	.on_idle = central_on_idle,
	.on_period = central_on_period,
	.on_turn = central_on_turn,
};

const struct place_ops *place_of_policy(const char *policy_name)
{
	size_t at = 0;
	while (policy_name[at] != '\0' && policy_name[at] == place_central.name[at])
		at++;
	return policy_name[at] == place_central.name[at] ? &place_central : NULL;
}
