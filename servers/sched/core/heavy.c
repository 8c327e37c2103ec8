/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The heaviest thread of each CPU.  One that is heavier than the average load has a use for one CPU and no
 * more, so the average that the others should meet leaves it out (policy/place/balance.h), also while it
 * shares a CPU: with it, all others seem to have far too much, and nothing gets better.
 *
 * Bad at: several such threads on one CPU, of which one is known until they have parted.
 */
#include "core.h"

/* One more than policies look at besides who runs: it is owed most, and would be dropped. */
#define CANDIDATES_MAX (BALANCE_CANDIDATES_MAX + 1u)

void sched_heaviest_find(struct sched_cpu *cpu)
{
	struct policy_spare spare[CANDIDATES_MAX];
	uint64_t cursor = 0;
	uint32_t heaviest = 0;
	const uint32_t count = cpu->policy->spare(policy_cpu(cpu), &cursor, spare, CANDIDATES_MAX);

	for (uint32_t i = 0; i < count; i++)
		heaviest = spare[i].weight > heaviest ? spare[i].weight : heaviest;
	__atomic_store_n(&cpu->heaviest, heaviest, __ATOMIC_RELAXED);
}

void sched_heaviest_view(const struct sched_server *server, struct place_view *view,
			 uint32_t *heaviest)
{
	for (uint32_t cpu = 0; cpu < view->cpus; cpu++)
		heaviest[cpu] = __atomic_load_n(&server->cpu[cpu].heaviest, __ATOMIC_RELAXED);
	view->heaviest = heaviest;
}
