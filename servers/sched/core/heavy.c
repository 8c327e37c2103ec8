/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The heaviest thread of each CPU.  One that is heavier than the average load has a use for one CPU and no
 * more, so the average that the others should meet leaves it out (policy/place/balance.h), also while it
 * shares a CPU: with it, all others seem to have far too much, and nothing gets better.
 *
 * Each dispatcher looks in its balance periods, and follows moves at once: an average that misses such a
 * thread until the next period is far too high, and what is owed by it is remembered for long.
 *
 * Bad at: several such threads on one CPU, of which one is known until they have parted.
 */
#include "heavy.h"
#include "core.h"
#include "tilt.h"

/* One more than policies look at besides who runs: it is owed most, and would be dropped. */
#define CANDIDATES_MAX (BALANCE_CANDIDATES_MAX + 1u)

static uint32_t heaviest_of(const struct sched_cpu *cpu)
{
	return __atomic_load_n(&cpu->heaviest, __ATOMIC_RELAXED);
}

static void heaviest_set(struct sched_cpu *cpu, uint32_t weight)
{
	__atomic_store_n(&cpu->heaviest, weight, __ATOMIC_RELAXED);
}

void sched_heaviest_comes(struct sched_cpu *cpu, uint32_t weight)
{
	if (weight > heaviest_of(cpu))
		heaviest_set(cpu, weight);
}

void sched_heaviest_find(struct sched_cpu *cpu)
{
	struct policy_spare spare[CANDIDATES_MAX];
	uint64_t cursor = 0;
	uint32_t heaviest = 0;
	const uint32_t count = cpu->policy->spare(policy_cpu(cpu), &cursor, spare, CANDIDATES_MAX);

	for (uint32_t i = 0; i < count; i++) {
		const uint32_t weight = sched_weight_own(policy_thread_owner(spare[i].thread),
							 spare[i].weight);

		heaviest = weight > heaviest ? weight : heaviest;
	}
	heaviest_set(cpu, heaviest);
}

/* One more look, in bounds; what groups count as is not found by it. */
void sched_heaviest_goes(struct sched_cpu *cpu, uint32_t weight)
{
	if (weight < heaviest_of(cpu))
		return;
	if (cpu->grouped)
		heaviest_set(cpu, 0);
	else
		sched_heaviest_find(cpu);
}

void sched_heaviest_view(const struct sched_server *server, struct place_view *view,
			 uint32_t *heaviest)
{
	for (uint32_t cpu = 0; cpu < view->cpus; cpu++)
		heaviest[cpu] = heaviest_of(&server->cpu[cpu]);
	view->heaviest = heaviest;
}
