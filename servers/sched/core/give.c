/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a CPU gives away: which of its threads go to one that asks, or that is quiet and would ask
 * (policy/place/balance.h).  Only the dispatcher that owns them runs this.
 */
#include <base/math.h>

#include "balance.h"
#include "core.h"
#include "group.h"
#include "heavy.h"
#include "level.h"
#include "mask.h"
#include "place.h"
#include "plan.h"
#include "thread.h"
#include "tilt.h"

/*
 * The policy's order: owed least over the machine first.  Where it keeps no such account all are
 * equal, and who was here longest goes: it had this CPU to itself before the others came.
 */
static void spares_sort(struct policy_spare *spare, uint32_t count)
{
	for (uint32_t i = 1; i < count; i++) {
		struct policy_spare moving = spare[i];
		time_ns_t arrived_ns = policy_thread_owner(moving.thread)->arrived_ns;
		uint32_t at = i;

		for (; at > 0 && spare[at - 1].owed_ns == moving.owed_ns &&
		       policy_thread_owner(spare[at - 1].thread)->arrived_ns > arrived_ns;
		     at--)
			spare[at] = spare[at - 1];
		spare[at] = moving;
	}
}

/* Which of the candidates go.  Where threads are gathered, the first one that may. */
static uint32_t candidates_choose(const struct sched_cpu *cpu,
				  const struct balance_request *request,
				  const struct balance_candidate *candidates, uint32_t count,
				  bool *take)
{
	if (cpu->place->on_turn == NULL)
		return balance_choose(request, candidates, count, take);
	for (uint32_t i = 0; i < count; i++) {
		take[i] = candidates[i].allowed;
		if (take[i])
			return 1;
	}
	return 0;
}

enum give {
	GIVE_ASKED, /* the puller's balancer calls */
	GIVE_QUIET, /* the puller is quiet; who was just picked here stays */
};

/* Nothing is won if an idle CPU whose own threads wait for runtime takes who runs here: those that would run
 * then get what a cap lets them have all the same. */
static bool running_goes(const struct sched_server *server, const struct balance_request *request,
			 enum give why)
{
	return why == GIVE_ASKED &&
	       (request->puller_runnable != 0 || !sched_group_waits(server, request->puller));
}

static uint32_t balance_give(struct sched_server *server, struct sched_cpu *cpu, uint32_t puller,
			     enum give why, time_ns_t now_ns)
{
	struct policy_spare spare[BALANCE_CANDIDATES_MAX];
	struct balance_candidate candidates[BALANCE_CANDIDATES_MAX];
	bool take[BALANCE_CANDIDATES_MAX] = {false};
	struct place_load loads[CPUS_MAX];
	struct place_view view;
	uint64_t levels[CPUS_MAX];
	uint32_t heaviest[CPUS_MAX];
	uint32_t moved = 0;

	sched_load_publish(cpu);
	sched_view(server, &view, loads);
	sched_heaviest_view(server, &view, heaviest);
	sched_levels_view(server, &view, levels);

	struct balance_request request = balance_request_make(&view, puller, cpu->index);
	bool gathers = cpu->place->on_turn != NULL;
	uint64_t first = 0;
	uint32_t count = cpu->policy->spare(policy_cpu(cpu), gathers ? &first : &cpu->spare_cursor,
					    spare, BALANCE_CANDIDATES_MAX);

	/* Its account is as old as its last entry; what it has had alone since then is more. */
	if (why == GIVE_QUIET && request.victim_ahead_us < INT32_MAX - BALANCE_ROTATE_US &&
	    request.puller_ahead_us < request.victim_ahead_us + BALANCE_ROTATE_US)
		request.puller_ahead_us = request.victim_ahead_us + BALANCE_ROTATE_US;
	if (!gathers)
		spares_sort(spare, count);
	for (uint32_t i = 0; i < count; i++) {
		struct sched_thread *thread = policy_thread_owner(spare[i].thread);

		candidates[i] = (struct balance_candidate){
			.weight = sched_weight_own(thread, spare[i].weight),
			.allowed = !thread->in_request &&
				   (!spare[i].running || running_goes(server, &request, why)) &&
				   cpumask_test(sched_thread_mask(server, thread), puller) &&
				   (request.puller_runnable != 0 ||
				    !sched_group_stays(server, cpu, thread, puller)),
		};
	}
	if (candidates_choose(cpu, &request, candidates, count, take) == 0)
		return 0;
	/* It is about to have work: nobody, this CPU included, need push more there. */
	(void)sched_idle_claim(server, puller);
	for (uint32_t i = 0; i < count; i++) {
		struct sched_thread *thread = policy_thread_owner(spare[i].thread);

		if (take[i] && sched_thread_move(server, cpu, thread, puller, now_ns))
			moved++;
	}
	sched_load_publish(cpu);
	return moved;
}

uint32_t sched_balance_give_quiet(struct sched_server *server, struct sched_cpu *cpu,
				  uint32_t puller, time_ns_t now_ns)
{
	return balance_give(server, cpu, puller, GIVE_QUIET, now_ns);
}

/* A CPU that gave its only thread in exchange for one waits so long for that: if it asked others, or they
 * saw it idle, it would be given several. */
#define SWAP_NS_MAX 50000u

uint32_t sched_balance_give(struct sched_server *server, struct sched_cpu *cpu, uint32_t puller,
			    time_ns_t now_ns)
{
	const struct plan *plan = &server->cpu[puller].plan;

	/* The balancer's call comes after the plan of its CPU. */
	if (__atomic_load_n(&plan->from, __ATOMIC_RELAXED) == cpu->index) {
		const bool swap = __atomic_load_n(&plan->push_tid, __ATOMIC_RELAXED) !=
					  PLAN_NOBODY &&
				  __atomic_load_n(&plan->to, __ATOMIC_RELAXED) == cpu->index;
		const bool moved = sched_plan_move(
			server, cpu, __atomic_load_n(&plan->pull_tid, __ATOMIC_RELAXED), puller,
			now_ns);

		if (swap && moved)
			cpu->swap_until_ns = now_ns + SWAP_NS_MAX;
		return moved;
	}
	return balance_give(server, cpu, puller, GIVE_ASKED, now_ns);
}
