/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which CPU.  Each dispatcher publishes its load and its idle bit; nobody touches another's queue.
 *
 * No idle CPU beside a waiting thread:
 *
 *   CPU c goes idle                               CPU v gets a thread too many
 *   P1  idle |= c            (seq_cst)            Q1  publish its load          (seq_cst)
 *   P2  read the loads       (seq_cst)            Q2  read idle                 (seq_cst)
 *
 * Each side stores, then loads, so at least one sees the other: P2 finds the surplus and pulls, or
 * Q2 finds c, claims its bit by compare-and-swap (so one only sends it work) and moves a thread
 * there.  Acquire and release would allow both to miss.
 */
#include <base/math.h>
#include <sched/sys_if.h>

#include "core.h"
#include "event.h"
#include "group.h"
#include "heavy.h"
#include "level.h"
#include "mask.h"
#include "place.h"
#include "plan.h"
#include "stats.h"
#include "thread.h"
#include "tilt.h"

struct cpumask sched_mask_load(const struct cpumask *mask)
{
	struct cpumask copy;

	for (uint32_t word = 0; word < CPUMASK_WORDS; word++)
		copy.bits[word] = __atomic_load_n(&mask->bits[word], __ATOMIC_SEQ_CST);
	return copy;
}

void sched_view(struct sched_server *server, struct place_view *view, struct place_load *loads)
{
	for (uint32_t i = 0; i < server->cpus; i++) {
		struct sched_cpu *cpu = &server->cpu[i];
		uint32_t incoming = __atomic_load_n(&cpu->incoming, __ATOMIC_RELAXED);

		loads[i].weight = __atomic_load_n(&cpu->load.weight, __ATOMIC_SEQ_CST) +
				  __atomic_load_n(&cpu->incoming_weight, __ATOMIC_RELAXED);
		loads[i].runnable = __atomic_load_n(&cpu->load.runnable, __ATOMIC_SEQ_CST) +
				    incoming;
		loads[i].ahead_us = __atomic_load_n(&cpu->load.ahead_us, __ATOMIC_RELAXED);
	}
	*view = (struct place_view){
		.cpus = server->cpus,
		.online = sched_mask_load(&server->online),
		.idle = sched_mask_load(&server->idle),
		.loads = loads,
	};
}

void sched_load_publish(struct sched_cpu *cpu)
{
	struct sched_cpu_stats *stats = cpu->stats;
	struct policy_info info;

	cpu->policy->query(policy_cpu(cpu), NULL, &info);
	__atomic_store_n(&cpu->load.weight, info.load, __ATOMIC_RELAXED);
	__atomic_store_n(&cpu->load.ahead_us, place_ahead_us(info.ahead_ns), __ATOMIC_RELAXED);
	/* Q1; the weight may be a moment older, it only ranks victims. */
	__atomic_store_n(&cpu->load.runnable, info.runnable, __ATOMIC_SEQ_CST);
	__atomic_store_n(&stats->runnable, info.runnable, __ATOMIC_RELAXED);
	__atomic_store_n(&stats->weight, info.load, __ATOMIC_RELAXED);
	__atomic_store_n(&stats->misuse, info.misuse, __ATOMIC_RELAXED);
}

/* The same with what pick() told already.  Alone on the machine nobody asks how far it is ahead. */
void sched_load_publish_pick(struct sched_cpu *cpu, const struct policy_pick *pick, bool several)
{
	struct sched_cpu_stats *stats = cpu->stats;
	const uint64_t load = pick->load;
	const uint32_t runnable = pick->runnable;

	if (several || runnable == 0) {
		sched_load_publish(cpu);
		return;
	}
	__atomic_store_n(&cpu->load.weight, load, __ATOMIC_RELAXED);
	__atomic_store_n(&cpu->load.runnable, runnable, __ATOMIC_RELAXED);
	__atomic_store_n(&stats->runnable, runnable, __ATOMIC_RELAXED);
	__atomic_store_n(&stats->weight, load, __ATOMIC_RELAXED);
}

void sched_idle_publish(struct sched_server *server, uint32_t cpu)
{
	__atomic_fetch_or(&server->idle.bits[cpu / 64u], cpumask_bit(cpu),
			  __ATOMIC_SEQ_CST); /* P1 */
}

void sched_idle_clear(struct sched_server *server, uint32_t cpu)
{
	if ((__atomic_load_n(&server->idle.bits[cpu / 64u], __ATOMIC_RELAXED) & cpumask_bit(cpu)) !=
	    0)
		__atomic_fetch_and(&server->idle.bits[cpu / 64u], ~cpumask_bit(cpu),
				   __ATOMIC_SEQ_CST);
}

/* True for the one caller that changed the bit from 1 to 0. */
bool sched_idle_claim(struct sched_server *server, uint32_t cpu)
{
	uint64_t before = __atomic_fetch_and(&server->idle.bits[cpu / 64u], ~cpumask_bit(cpu),
					     __ATOMIC_SEQ_CST);

	return (before & cpumask_bit(cpu)) != 0;
}

bool sched_idle_any(const struct sched_server *server, const struct cpumask *among)
{
	uint64_t any = 0;

	for (uint32_t word = 0; word < CPUMASK_WORDS; word++)
		any |= __atomic_load_n(&server->idle.bits[word], __ATOMIC_SEQ_CST) &
		       among->bits[word]; /* Q2 */
	return any != 0;
}

void sched_incoming_add(struct sched_server *server, uint32_t target, struct sched_thread *thread,
			time_ns_t now_ns)
{
	struct sched_cpu *cpu = &server->cpu[target];

	thread->incoming_weight = sched_thread_params(server, thread)->weight;
	__atomic_fetch_add(&cpu->incoming, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&cpu->incoming_weight, thread->incoming_weight, __ATOMIC_RELAXED);
	__atomic_store_n(&cpu->incoming_ns, now_ns, __ATOMIC_RELAXED);
}

void sched_incoming_remove(struct sched_server *server, uint32_t target,
			   const struct sched_thread *thread)
{
	struct sched_cpu *cpu = &server->cpu[target];

	__atomic_fetch_sub(&cpu->incoming, 1, __ATOMIC_RELAXED);
	__atomic_fetch_sub(&cpu->incoming_weight, thread->incoming_weight, __ATOMIC_RELAXED);
}

/* An idle CPU that work was sent to a moment ago is not idle.  Only for a moment: a new thread
 * may never be started. */
#define INCOMING_FRESH_NS 500000u

static void view_forget_expecting(struct sched_server *server, struct place_view *view,
				  time_ns_t now_ns)
{
	for (uint32_t i = 0; i < server->cpus; i++) {
		struct sched_cpu *cpu = &server->cpu[i];
		time_ns_t sent_ns = __atomic_load_n(&cpu->incoming_ns, __ATOMIC_RELAXED);

		if (__atomic_load_n(&cpu->incoming, __ATOMIC_RELAXED) != 0 &&
		    now_ns < sent_ns + INCOMING_FRESH_NS)
			cpumask_clear(&view->idle, i);
	}
}

bool sched_thread_move(struct sched_server *server, struct sched_cpu *cpu,
		       struct sched_thread *thread, uint32_t target, time_ns_t now_ns)
{
	const uint32_t weight = sched_thread_params(server, thread)->weight;

	cpu->moves++;
	sched_tilt_end(cpu, thread, now_ns);
	sched_requesting_forget(cpu, thread);
	cpu->policy->migrate_out(policy_cpu(cpu), policy_thread(thread), &thread->migration,
				 now_ns);
	thread->arriving = true;
	sched_thread_home_set(server, thread, target);
	sched_incoming_add(server, target, thread, now_ns);
	if (cpu->running == thread)
		cpu->running = NULL;
	if (cpu->last_run == thread)
		cpu->last_run = NULL;
	sched_stat_add(&thread->stats->migrations, 1);
	/* From the success of this call on the thread belongs to the other dispatcher. */
	if (sched_sys_set_home(server, thread->tid, target) == ERR_OK) {
		if (cpu->payer == thread)
			cpu->payer = NULL;
		sched_stat_add(&cpu->stats->threads_pushed, 1);
		sched_heaviest_goes(cpu, weight);
		sched_plan_publish(server, cpu, now_ns);
		return true;
	}
	sched_incoming_remove(server, target, thread);
	sched_thread_home_set(server, thread, cpu->index);
	thread->arriving = false;
	cpu->policy->migrate_in(policy_cpu(cpu), policy_thread(thread), &thread->migration, now_ns);
	return false;
}

static struct place_thread place_thread(struct sched_server *server, struct sched_thread *thread)
{
	const struct sched_thread_params *params = sched_thread_params(server, thread);

	return (struct place_thread){
		.affinity = *sched_thread_mask(server, thread),
		.weight = params->weight,
		.home = params->cpu < server->cpus ? params->cpu : 0,
	};
}

static bool gathers_at(const struct sched_cpu *cpu, uint32_t target)
{
	return cpu->place->on_turn != NULL && target == PLACE_CENTRE;
}

/* What placement said, or any legal CPU, or here if there is none: the thread then waits here. */
static uint32_t legal_target(const struct sched_cpu *cpu, const struct place_view *view,
			     const struct place_thread *thread, uint32_t target)
{
	struct cpumask legal = cpumask_and(thread->affinity, view->online);
	const uint32_t here = cpu->index;

	if (target < view->cpus && cpumask_test(&legal, target))
		return target;
	/* To wait, not to run. */
	if (gathers_at(cpu, target) && cpumask_test(&view->online, target))
		return target;
	if (cpumask_test(&legal, here))
		return here;
	target = cpumask_next(&legal, 0);
	return target < view->cpus ? target : here;
}

uint32_t sched_wake_target(struct sched_server *server, struct sched_cpu *cpu,
			   struct sched_thread *thread, time_ns_t now_ns)
{
	const struct cpumask *affinity = sched_thread_mask(server, thread);
	bool allowed_here = cpumask_test(affinity, cpu->index);
	bool busy = __atomic_load_n(&cpu->load.runnable, __ATOMIC_RELAXED) != 0;
	bool gathers = cpu->place->on_turn != NULL;

	/* The local path: no look at other CPUs unless it could lead somewhere. */
	if (allowed_here &&
	    (!busy || server->cpus == 1 || (!gathers && !sched_idle_any(server, affinity))))
		return cpu->index;

	struct place_load loads[CPUS_MAX];
	struct place_view view;
	struct place_thread placed = place_thread(server, thread);

	placed.home = cpu->index;
	sched_view(server, &view, loads);
	view_forget_expecting(server, &view, now_ns);

	uint32_t target = legal_target(cpu, &view, &placed,
				       cpu->place->on_wake(&view, cpu->index, &placed));

	/* Off a CPU where it may be: only to an idle one, and only if nobody else sends work
	 * there; or to where they all wait. */
	if ((allowed_here || gathers_at(cpu, cpu->index)) && target != cpu->index &&
	    !sched_idle_claim(server, target) && !gathers_at(cpu, target))
		return cpu->index;
	return target;
}

uint32_t sched_fork_target(struct sched_server *server, struct sched_cpu *cpu,
			   struct sched_thread *thread, uint32_t creator)
{
	struct place_load loads[CPUS_MAX];
	struct place_view view;
	struct place_thread placed = place_thread(server, thread);

	if (server->cpus == 1)
		return cpu->index;
	sched_view(server, &view, loads);
	placed.home = creator < server->cpus ? creator : cpu->index;
	return legal_target(cpu, &view, &placed, cpu->place->on_fork(&view, placed.home, &placed));
}

uint32_t sched_spread_target(struct sched_server *server, struct sched_cpu *cpu,
			     struct sched_thread *thread)
{
	struct place_load loads[CPUS_MAX];
	struct place_view view;
	struct place_thread placed = place_thread(server, thread);

	if (server->cpus == 1)
		return cpu->index;
	sched_load_publish(cpu);
	sched_view(server, &view, loads);
	placed.home = cpu->index;

	uint32_t target = legal_target(cpu, &view, &placed,
				       cpu->place->on_fork(&view, cpu->index, &placed));
	uint64_t here = loads[cpu->index].weight;

	if (add_saturate_u64(loads[target].weight, placed.weight) >= here)
		return cpu->index;
	(void)sched_idle_claim(server, target);
	return target;
}

/*
 * This CPU is said to be idle before the thread is sent, so whoever takes it in knows of a CPU to fill and
 * need not be asked (P1 and Q2 above, Q being the other one).  If something else is to run here, idle is
 * cleared again.
 */
void sched_turn_over(struct sched_server *server, struct sched_cpu *cpu, time_ns_t now_ns)
{
	struct sched_thread *thread = cpu->running;

	if (server->cpus == 1 || thread == NULL || !thread->turn_over ||
	    thread->state != SCHED_READY || thread->in_request)
		return;

	struct place_load loads[CPUS_MAX];
	struct place_view view;
	struct place_thread placed = place_thread(server, thread);

	sched_load_publish(cpu);
	sched_view(server, &view, loads);

	uint32_t target = cpu->place->on_turn(&view, cpu->index, &placed);

	if (target >= server->cpus || target == cpu->index)
		return;
	sched_idle_publish(server, cpu->index);
	if (sched_thread_move(server, cpu, thread, target, now_ns))
		cpumask_set(&cpu->idle_tried, target);
}

/* Any of them may go anywhere, or else more are looked at: those that are first may all have to stay. */
#define PUSH_CANDIDATES 4u

_Static_assert(PUSH_CANDIDATES <= BALANCE_CANDIDATES_MAX, "spare has room for either");

/* Returns how many went. */
static uint32_t surplus_push(struct sched_server *server, struct sched_cpu *cpu, time_ns_t now_ns)
{
	/* Where they gather, whoever waits may not be allowed to run here. */
	const uint32_t least = gathers_at(cpu, cpu->index) ? 1 : 2;

	if (server->cpus == 1 || __atomic_load_n(&cpu->load.runnable, __ATOMIC_RELAXED) < least ||
	    !sched_idle_any(server, &server->online))
		return 0;

	uint32_t moved = 0;
	struct policy_spare spare[BALANCE_CANDIDATES_MAX];
	uint64_t cursor = 0;
	const bool some_stay = least == 1 || cpu->grouped || sched_masks_used(server);
	uint32_t count = cpu->policy->spare(policy_cpu(cpu), &cursor, spare,
					    some_stay ? BALANCE_CANDIDATES_MAX : PUSH_CANDIDATES);

	for (uint32_t i = 0; i < count; i++) {
		struct sched_thread *thread = policy_thread_owner(spare[i].thread);

		if (spare[i].running)
			continue; /* just picked */

		uint32_t target = sched_wake_target(server, cpu, thread, now_ns);

		if (target == cpu->index)
			continue;
		if (!sched_group_stays(server, cpu, thread, target) &&
		    sched_thread_move(server, cpu, thread, target, now_ns))
			moved++;
		else
			sched_idle_publish(server, target);
	}
	sched_load_publish(cpu);
	return moved;
}

/* A CPU of many fills a few idle ones at a time; where all wait, nobody else would fill the others. */
void sched_push_surplus(struct sched_server *server, struct sched_cpu *cpu, time_ns_t now_ns)
{
	const bool gathers = cpu->place->on_turn != NULL;

	while (surplus_push(server, cpu, now_ns) != 0 && gathers)
		;
}
