/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Balancing by synchronous IPC.  A dispatcher calls nobody; its balancer thread does.  The
 * balancer of CPU c is parked in a request to D[c]; when c goes idle or a period has passed and
 * placement names a victim v, D[c] answers it and runs it; it calls D[v], which picks what it can
 * spare and moves it; then it parks again.  Only balancers call and only dispatchers answer, so no
 * two can wait for each other.  A lost answer loses nothing: the records say where each thread is.
 */
#include <base/math.h>
#include <sched/protocol.h>
#include <sched/sys_if.h>

#include "balance.h"
#include "core.h"
#include "group.h"
#include "heavy.h"
#include "level.h"
#include "owed.h"
#include "place.h"
#include "plan.h"
#include "stats.h"
#include "steady.h"

void sched_balancer_event(struct sched_cpu *cpu, struct sched_thread *thread,
			  const struct sched_event *event)
{
	if (EVENT_STATE(event->info) == EVENT_DEAD) {
		thread->state = SCHED_UNKNOWN;
		cpu->balancer_ready = false;
		cpu->balancer_parked = false;
		if (cpu->balancer_tid == thread->tid)
			cpu->balancer_tid = 0;
		return;
	}
	cpu->balancer_tid = thread->tid;
	cpu->balancer_seq = event->seq;
	cpu->balancer_ready = EVENT_STATE(event->info) == EVENT_READY;
	if (cpu->balancer_ready || EVENT_CAUSE(event->info) != CAUSE_REQUEST)
		cpu->balancer_parked = false;
}

void sched_balancer_parks(struct sched_server *server, struct sched_cpu *cpu,
			  struct sched_thread *thread, word_t pulled, time_ns_t now_ns)
{
	cpu->balancer_tid = thread->tid;
	cpu->balancer_parked = true;
	cpu->balancer_ready = false;
	if (pulled != 0)
		cpu->busy_tried = cpumask_none();
	sched_stat_add(&cpu->stats->threads_pulled, pulled);
	__atomic_store_n(&cpu->plan.from, PLAN_NOBODY, __ATOMIC_RELAXED);
	if (pulled != 0 && cpu->plan.push_tid != PLAN_NOBODY)
		(void)sched_plan_move(server, cpu, cpu->plan.push_tid, cpu->plan.to, now_ns);
	__atomic_store_n(&cpu->plan.push_tid, PLAN_NOBODY, __ATOMIC_RELAXED);
}

/* Send the balancer to a victim. */
static void balancer_order(struct sched_server *server, struct sched_cpu *cpu, uint32_t victim,
			   enum balance_mode mode)
{
	cpu->balancer_parked = false;
	if (sched_sys_answer(server, cpu->balancer_tid, ERR_OK, victim, mode) == ERR_OK) {
		cpu->balancer_ready = true;
		sched_stat_add(&cpu->stats->pulls_asked, 1);
	}
}

/*
 * The periods of the CPUs are spread evenly over BALANCE_PERIOD_NS, on one grid for ever.  All at
 * once, the same CPU would win the surplus thread in each round and the others never; one after
 * the other, it visits all.
 */
static time_ns_t slot_next(const struct sched_server *server, uint32_t cpu, time_ns_t now_ns)
{
	time_ns_t offset_ns = (uint64_t)BALANCE_PERIOD_NS * cpu / server->cpus;

	if (now_ns < offset_ns)
		return offset_ns;
	return now_ns - (now_ns - offset_ns) % BALANCE_PERIOD_NS + BALANCE_PERIOD_NS;
}

static bool is_quiet(const struct sched_server *server, uint32_t cpu)
{
	return (__atomic_load_n(&server->quiet.bits[cpu / 64u], __ATOMIC_RELAXED) >> (cpu % 64u) &
		1u) != 0;
}

/*
 * A CPU whose next ones on the grid are quiet looks in their places, too: what it just took would pass them
 * by for ever otherwise, since whoever comes after them asks before it looks again.
 */
static void balance_next(const struct sched_server *server, struct sched_cpu *cpu, time_ns_t now_ns)
{
	cpu->slot_ns = slot_next(server, cpu->index, now_ns);
	cpu->next_balance_ns = cpu->slot_ns;
	for (uint32_t step = 1; step < server->cpus; step++) {
		uint32_t other = (cpu->index + step) % server->cpus;

		if (!is_quiet(server, other))
			return;
		cpu->next_balance_ns = min_u64(cpu->next_balance_ns,
					       slot_next(server, other, now_ns));
	}
}

/*
 * P1 and P2 of place.c: say that this CPU is idle, then look for work elsewhere.  Whoever had
 * nothing to spare (its threads are pinned, say) is not asked again at once, but in the next
 * period.
 */
void sched_balance_idle(struct sched_server *server, struct sched_cpu *cpu, time_ns_t now_ns)
{
	struct place_load loads[CPUS_MAX];
	struct place_view view;

	if (server->cpus == 1 || now_ns < cpu->swap_until_ns)
		return;
	sched_group_idle(cpu);
	sched_idle_publish(server, cpu->index);
	if (!cpu->balancer_parked)
		return;
	if (cpumask_empty(&cpu->idle_tried) || now_ns >= cpu->slot_ns) {
		cpu->idle_tried = cpumask_none();
		balance_next(server, cpu, now_ns);
	}
	sched_view(server, &view, loads);

	uint32_t victim = cpu->place->on_idle(&view, cpu->index, &cpu->idle_tried);

	if (victim < server->cpus && victim != cpu->index) {
		cpumask_set(&cpu->idle_tried, victim);
		balancer_order(server, cpu, victim, BALANCE_IDLE);
	}
}

time_ns_t sched_balance_idle_next(const struct sched_cpu *cpu, time_ns_t now_ns)
{
	if (now_ns < cpu->swap_until_ns)
		return cpu->swap_until_ns;
	return cpumask_empty(&cpu->idle_tried) ? TIME_NEVER : cpu->slot_ns;
}

static bool surplus_anywhere(const struct place_view *view)
{
	cpumask_for_each(cpu, &view->online)
	{
		if (cpu < view->cpus && view->loads[cpu].runnable > 1)
			return true;
	}
	return false;
}

static void quiet_set(struct sched_server *server, uint32_t cpu, bool quiet)
{
	const uint64_t bit = cpumask_bit(cpu);

	if (quiet == is_quiet(server, cpu))
		return;
	if (quiet)
		__atomic_fetch_or(&server->quiet.bits[cpu / 64u], bit, __ATOMIC_RELAXED);
	else
		__atomic_fetch_and(&server->quiet.bits[cpu / 64u], ~bit, __ATOMIC_RELAXED);
}

#define MEAN_NOISE_US    20000
#define MEAN_MAX_US      80000
#define QUIET_SERVED_MAX 4u /* in one period: bounds the time that it takes */

/*
 * Quiet CPUs do not ask, so those with a surplus give, where the other one would ask for it.
 * Nobody but this dispatcher gives away threads of this CPU, to quiet or to asking ones.
 */
static void quiet_serve(struct sched_server *server, struct sched_cpu *cpu, time_ns_t now_ns)
{
	struct place_load loads[CPUS_MAX];
	struct place_view view;
	uint32_t heaviest[CPUS_MAX];
	uint32_t served = 0;

	for (uint32_t step = 1; step < server->cpus && served < QUIET_SERVED_MAX; step++) {
		uint32_t other = (cpu->index + step) % server->cpus;

		if (!is_quiet(server, other))
			continue;
		sched_view(server, &view, loads);
		sched_heaviest_view(server, &view, heaviest);
		if (loads[other].runnable != 1 || cpu->place->on_period(&view, other) != cpu->index)
			continue;
		(void)sched_balance_give_quiet(server, cpu, other, now_ns);
		served++;
	}
}

/* Where masks bind the fullest CPU may have nobody who may come here: another one is asked the next time. */
static void balance_busy(struct sched_server *server, struct sched_cpu *cpu,
			 struct place_view *view)
{
	uint32_t victim;

	if (view->levels != NULL)
		view->online = cpumask_and_not(view->online, cpu->busy_tried);
	victim = cpu->place->on_period(view, cpu->index);
	if (victim >= server->cpus || victim == cpu->index) {
		cpu->busy_tried = cpumask_none();
		return;
	}
	cpumask_set(&cpu->busy_tried, victim);
	balancer_order(server, cpu, victim, BALANCE_PERIOD);
}

/* What the published threads of a CPU weigh beyond the average, each of them: nobody can use more. */
static uint64_t load_beyond(const struct sched_cpu *cpu, uint64_t average)
{
	const uint32_t count = __atomic_load_n(&cpu->plan_count, __ATOMIC_RELAXED);
	uint64_t beyond = 0;

	for (uint32_t i = 0; i < count; i++)
		beyond += sub_saturate_u64(
			__atomic_load_n(&cpu->plan_thread[i].weight, __ATOMIC_RELAXED), average);
	return beyond;
}

/* Times the average; plans are good at more where groups' threads are many and light. */
#define CROWD_LOADS        2u
#define CROWD_LOADS_GROUPS 3u

/* So much on one CPU that more than one thread a period should come here.  A heavy thread is no crowd: plans
 * send light ones that have had too much to its CPU. */
static bool crowd_anywhere(const struct sched_server *server, const struct sched_cpu *cpu,
			   const struct place_view *view)
{
	bool rounded;
	const uint64_t average = balance_average(view, &rounded);
	const uint64_t most = mul_saturate_u64(average, sched_grouped(server) ? CROWD_LOADS_GROUPS
									      : CROWD_LOADS);

	if (view->loads[cpu->index].weight >= average)
		return false;
	cpumask_for_each(other, &view->online)
	{
		if (other >= view->cpus || view->loads[other].runnable <= 2)
			continue;
		const uint64_t weight = sub_saturate_u64(view->loads[other].weight,
							 load_beyond(&server->cpu[other], average));

		if (weight > most)
			return true;
	}
	return false;
}

static bool balance_plans(struct sched_server *server, struct sched_cpu *cpu,
			  const struct place_view *view)
{
	/* What is owed to whom says more than the loads, where the policy keeps an account of it. */
	if (!cpu->place->plans || !cpu->plan_owed)
		return false;
	if (sched_grouped(server) && cpu->steady.many)
		return sched_masks_used(server);
	return sched_masks_used(server) || !crowd_anywhere(server, cpu, view);
}

static void balance_plan(struct sched_server *server, struct sched_cpu *cpu,
			 const struct place_view *view, time_ns_t now_ns)
{
	struct plan plan;

	if (!sched_plan_make(server, cpu, view, &plan))
		return;
	if (plan.pull_tid == PLAN_NOBODY) {
		(void)sched_plan_move(server, cpu, plan.push_tid, plan.to, now_ns);
		return;
	}
	__atomic_store_n(&cpu->plan.push_tid, plan.push_tid, __ATOMIC_RELAXED);
	__atomic_store_n(&cpu->plan.to, plan.to, __ATOMIC_RELAXED);
	__atomic_store_n(&cpu->plan.pull_tid, plan.pull_tid, __ATOMIC_RELAXED);
	__atomic_store_n(&cpu->plan.from, plan.from, __ATOMIC_RELAXED);
	balancer_order(server, cpu, plan.from, BALANCE_PERIOD);
}

/* A thread of a group that has a CPU weighs the average, rounded somehow. */
static bool lone_is_full(const struct sched_cpu *cpu, uint64_t weight, uint64_t average)
{
	if (!cpu->grouped)
		return weight > average;
	return weight + weight / 256u >= average && cpu->plan_throttled == 0;
}

/*
 * The average is a guess where threads sleep.  With one that is too low all are owed more and more, and the
 * differences get lost in that; so it goes after the mean, as far as that is more than noise.
 */
static uint64_t average_corrected(const struct sched_server *server, uint64_t average)
{
	const int64_t owed_us = bound_i64(sched_plan_mean_us(server), MEAN_MAX_US);

	if (owed_us > -MEAN_NOISE_US && owed_us < MEAN_NOISE_US)
		return average;
	return average + (uint64_t)((int64_t)average * owed_us / (2 * MEAN_MAX_US));
}

/* Tell the policy the average load.  A CPU whose thread has it alone and cannot use more goes by its own;
 * what is owed to others that come is counted in the machine's all the same. */
static void average_tell(const struct sched_server *server, struct sched_cpu *cpu,
			 const struct place_view *view, time_ns_t now_ns)
{
	const struct place_load *load = &view->loads[cpu->index];
	const bool steady = sched_steady_used(server, cpu);
	bool rounded;
	uint64_t average = view->levels != NULL ? view->levels[cpu->index]
						: balance_average(view, &rounded);
	const bool full = load->runnable <= 1 && lone_is_full(cpu, load->weight, average);

	/* Nobody is owed more than a CPU; what sleepers take of it is owed. */
	if (steady)
		average = max_u64(average, sched_steady_least(cpu));
	if (!full && (steady || (!sched_grouped(server) && cpu->plan_owed)))
		average = average_corrected(server, average);
	sched_average_set(cpu, average, average == 0 || (full && !steady), now_ns);
}

void sched_balance_comes(const struct sched_server *server, struct sched_cpu *cpu, time_ns_t now_ns)
{
	if (cpu->average_own && cpu->running != NULL && cpu->average != 0 &&
	    !is_quiet(server, cpu->index))
		sched_average_set(cpu, cpu->average, false, now_ns);
}

/*
 * Only while something runs here: an idle CPU needs no period, it is found by its bit.  Nor does a CPU
 * with a single thread while no other has more than one, and nobody sleeps and wakes: it goes quiet, and
 * who has more later takes care of it in its own periods.  No order is needed between the two: whoever has a
 * surplus looks again in each.
 */
void sched_balance_period(struct sched_server *server, struct sched_cpu *cpu, time_ns_t now_ns)
{
	const bool own = now_ns >= cpu->slot_ns;
	struct place_load loads[CPUS_MAX];
	struct place_view view;
	uint64_t levels[CPUS_MAX];
	uint32_t heaviest[CPUS_MAX];

	balance_next(server, cpu, now_ns);
	/* What threads count as is known to the layer alone, and what they should have is found from what is
	 * published: that of this CPU is of now. */
	if (sched_grouped(server) && sched_masks_used(server)) {
		(void)sched_group_attach(server, cpu);
		sched_plan_publish(server, cpu, now_ns);
	}
	sched_steady_update(server, cpu, now_ns);
	if (!cpu->grouped)
		sched_heaviest_find(cpu);
	sched_view(server, &view, loads);
	sched_heaviest_view(server, &view, heaviest);

	const bool quiet = !sched_steady_used(server, cpu) && !surplus_anywhere(&view);

	sched_steady_view(server, cpu, loads);
	sched_levels_update(server, cpu, &view);
	sched_levels_view(server, &view, levels);
	if (quiet) {
		sched_average_set(cpu, 0, true, now_ns);
		/* Others may be at balancing while it is quiet, and must know who has this CPU. */
		sched_plan_publish(server, cpu, now_ns);
		__atomic_store_n(&cpu->steady.used, 0, __ATOMIC_RELAXED);
		quiet_set(server, cpu->index, true);
		return;
	}
	average_tell(server, cpu, &view, now_ns);
	/* A surplus that began a moment ago may be gone in the next: look in the coming period. */
	if (is_quiet(server, cpu->index)) {
		quiet_set(server, cpu->index, false);
		return;
	}
	if (loads[cpu->index].runnable > 1)
		quiet_serve(server, cpu, now_ns);
	sched_plan_publish(server, cpu, now_ns);
	cpu->way_out = sched_steady_used(server, cpu) && cpu->plan_count != 0;
	if (!own || !cpu->balancer_parked)
		return;
	if (balance_plans(server, cpu, &view))
		balance_plan(server, cpu, &view, now_ns);
	else
		balance_busy(server, cpu, &view);
}

time_ns_t sched_balance_period_next(struct sched_server *server, struct sched_cpu *cpu,
				    time_ns_t now_ns)
{
	if (is_quiet(server, cpu->index)) {
		if (__atomic_load_n(&cpu->load.runnable, __ATOMIC_RELAXED) <= 1)
			return TIME_NEVER;
		quiet_set(server, cpu->index, false);
		balance_next(server, cpu, now_ns);
	}
	return cpu->next_balance_ns;
}
