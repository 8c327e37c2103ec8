/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads that could run and do not: how long each waits at a stretch.  And W1 and W2: how long a CPU
 * idles while a ready thread that may run there waits somewhere; in sum over the CPUs, and the longest
 * time at a stretch.  Threads under a cap do not count there.
 */
#include <base/math.h>

#include "sim.h"

static void served(struct sim *sim, uint32_t cpu)
{
	uint64_t ns = sim->now_ns - sim->unserved_since_ns[cpu];

	sim->unserved_ns += ns;
	if (ns > sim->unserved_max_ns)
		sim->unserved_max_ns = ns;
	cpumask_clear(&sim->unserved, cpu);
}

bool sim_capped(const struct sim *sim, const struct sim_thread *thread)
{
	const struct workload_group *groups = sim->config.workload->groups;
	uint32_t i = report_group(sim, thread->tid) - 1;

	for (; i != WORKLOAD_GROUP_NONE; i = groups[i].parent)
		if (groups[i].quota_ns != 0)
			return true;
	return false;
}

static void unserved_update(struct sim *sim)
{
	struct cpumask wanted = cpumask_none();

	if (sim->waiting_count > 0 && !cpumask_empty(&sim->idle)) {
		list_for_each (node, &sim->waiting) {
			struct sim_thread *thread = container_of(node, struct sim_thread,
								 waiting_link);

			if (sim->config.workload->group_count != 0 && sim_capped(sim, thread))
				continue;
			wanted = cpumask_or(wanted, sim->shared->params[thread->tid].affinity);
		}
		wanted = cpumask_and(wanted, sim->idle);
	}
	if (cpumask_equal(&wanted, &sim->unserved))
		return;
	for (uint32_t cpu = 0; cpu < sim->config.cpus; cpu++) {
		bool now = cpumask_test(&wanted, cpu);

		if (now == cpumask_test(&sim->unserved, cpu))
			continue;
		if (!now) {
			served(sim, cpu);
			continue;
		}
		cpumask_set(&sim->unserved, cpu);
		sim->unserved_since_ns[cpu] = sim->now_ns;
	}
}

void sim_idle_changed(struct sim *sim, uint32_t cpu, bool idle)
{
	if (idle)
		cpumask_set(&sim->idle, cpu);
	else
		cpumask_clear(&sim->idle, cpu);
	unserved_update(sim);
}

static void waited(const struct sim *sim, struct sim_thread *thread)
{
	thread->wait_max_ns = max_u64(thread->wait_max_ns, sim->now_ns - thread->waiting_since_ns);
}

void sim_waiting_changed(struct sim *sim, struct sim_thread *thread)
{
	bool waits = thread->state == SIM_READY && !thread->balancer;

	if (waits == list_linked(&thread->waiting_link))
		return;
	if (waits) {
		list_push_back(&sim->waiting, &thread->waiting_link);
		sim->waiting_count++;
		/* A sleeper from when it was due; the server may have looked later. */
		thread->waiting_since_ns = thread->woke ? thread->woke_ns : sim->now_ns;
	} else {
		list_remove(&thread->waiting_link);
		sim->waiting_count--;
		waited(sim, thread);
	}
	unserved_update(sim);
}

void sim_idle_finish(struct sim *sim)
{
	for (uint32_t cpu = 0; cpu < sim->config.cpus; cpu++)
		if (cpumask_test(&sim->unserved, cpu))
			served(sim, cpu);
	list_for_each (node, &sim->waiting)
		waited(sim, container_of(node, struct sim_thread, waiting_link));
}
