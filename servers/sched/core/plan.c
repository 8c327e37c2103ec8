/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Balancing by what is owed to whom: each CPU publishes a few of its threads, and in its period looks
 * for moves that help (policy/place/plan.h).  What comes here is called for by the balancer, as
 * ever; what goes from here to make room for it goes when the balancer reports that it came.
 *
 * The published threads are written by their dispatcher and read by others without a lock: what is torn
 * or old makes a poor plan, and the dispatcher that owns a thread looks again before it lets it go.
 */
#include <base/math.h>

#include "account.h"
#include "core.h"
#include "level.h"
#include "mask.h"
#include "owed.h"
#include "place.h"
#include "plan.h"
#include "steady.h"
#include "thread.h"
#include "tilt.h"

/* The least of the CPUs in a mask. */
static uint64_t mask_level(const struct sched_server *server, const struct cpumask *mask)
{
	uint64_t least = UINT64_MAX;

	cpumask_for_each(cpu, mask)
	{
		if (cpu < server->cpus)
			least = min_u64(least, __atomic_load_n(&server->masks.level[cpu],
							       __ATOMIC_RELAXED));
	}
	return least == UINT64_MAX ? 0 : least;
}

static int64_t owed_us_of(const struct sched_server *server, const struct sched_cpu *cpu,
			  const struct group_spare *member, time_ns_t now_ns)
{
	struct sched_thread *thread = policy_thread_owner(member->spare.thread);
	const int64_t owed_us = member->spare.owed_ns / 1000;

	if (group_blocked(&server->groups)) {
		const uint32_t block = group_block_of_class(&server->groups, thread->mask_class);
		const uint32_t here = group_block_of_cpu(&server->groups, cpu->index);

		return sched_owed_us(
			cpu, thread,
			group_full(&server->groups, member->node, here) >> GROUP_FULL_SHIFT,
			group_full(&server->groups, member->node, block) >> GROUP_FULL_SHIFT,
			owed_us, now_ns);
	}
	if (member->node != 0)
		return owed_us;
	const uint64_t level = __atomic_load_n(&server->masks.level[cpu->index], __ATOMIC_RELAXED);
	const bool heavy = !cpu->grouped && level != 0 && member->spare.weight > level;
	if (!sched_masks_used(server)) {
		/* The policy's account is against more than the one CPU that it could use. */
		if (heavy)
			return sched_account_us(cpu, thread, SCHED_RATE_WHOLE, now_ns);
		thread->owed_since_ns = 0;
		return owed_us;
	}

	const struct cpumask mask = sched_class_mask(server, thread->mask_class);

	return sched_owed_us(cpu, thread, cpu->average, mask_level(server, &mask), owed_us, now_ns);
}

/* The part of a CPU that is fair, where masks bind and there are no groups; else 0. */
static uint32_t rate_of(const struct sched_server *server, const struct sched_cpu *cpu,
			const struct group_spare *member)
{
	const struct sched_thread *thread = policy_thread_owner(member->spare.thread);
	const struct cpumask mask = sched_class_mask(server, thread->mask_class);

	if (sched_grouped(server) || cpu->grouped || !sched_masks_used(server))
		return 0;
	return sched_rate(member->weight, mask_level(server, &mask));
}

/* Where masks bind, on the CPUs where it should be. */
static uint32_t weight_of(const struct sched_server *server, const struct group_spare *member)
{
	const struct sched_thread *thread = policy_thread_owner(member->spare.thread);
	const uint32_t block = group_block_of_class(&server->groups, thread->mask_class);

	if (!group_blocked(&server->groups))
		return member->spare.weight;
	return (uint32_t)min_u64(
		max_u64(group_flat_most(&server->groups, member->node, block, member->weight, 1),
			POLICY_WEIGHT_MIN),
		UINT32_MAX);
}

static void publish_one(struct sched_server *server, struct sched_plan_thread *to,
			const struct sched_cpu *cpu, const struct group_spare *member,
			time_ns_t now_ns)
{
	const struct policy_spare *spare = &member->spare;
	struct sched_thread *thread = policy_thread_owner(spare->thread);

	/* What it weighs on the machine may have changed. */
	if (cpu->grouped)
		sched_mask_changed(server, thread);
	to->rate = rate_of(server, cpu, member);

	const int64_t owed_us = to->rate != 0 ? sched_account_us(cpu, thread, to->rate, now_ns)
					      : owed_us_of(server, cpu, member, now_ns);

	__atomic_store_n(&to->tid, thread->tid, __ATOMIC_RELAXED);
	__atomic_store_n(&to->weight, weight_of(server, member), __ATOMIC_RELAXED);
	__atomic_store_n(&to->owed_us, (int32_t)bound_i64(owed_us, PLAN_OWED_ANY_US),
			 __ATOMIC_RELAXED);
	__atomic_store_n(&to->class, thread->mask_class, __ATOMIC_RELAXED);
	__atomic_store_n(&to->running, spare->running, __ATOMIC_RELAXED);
	__atomic_store_n(&to->bound, member->bound, __ATOMIC_RELAXED);
	__atomic_store_n(&to->group, (uint8_t)member->node, __ATOMIC_RELAXED);
	__atomic_store_n(&to->group_weight, member->weight, __ATOMIC_RELAXED);
	to->cpu_ns = thread->stats->cpu_ns;
}

/* Of those in its queue: who weighs most may be among them. */
#define LOOKED_AT_MAX 24u

/* The levels hang on who could use more than a CPU, and who is owed most is the last one. */
static void heaviest_keep(struct policy_spare *spare, uint32_t count)
{
	const uint32_t last = PLAN_THREADS_MAX - 1;

	for (uint32_t i = PLAN_THREADS_MAX; i < count; i++)
		if (spare[i].weight > spare[last].weight)
			spare[last] = spare[i];
}

static uint32_t members_of(const struct sched_server *server, struct sched_cpu *cpu,
			   struct group_spare *member)
{
	struct policy_spare spare[LOOKED_AT_MAX];
	uint64_t cursor = 0;

	if (cpu->grouped)
		return group_members(policy_cpu(cpu), member, PLAN_THREADS_MAX);

	const uint32_t found = cpu->policy->spare(policy_cpu(cpu), &cursor, spare,
						  sched_masks_used(server) ? LOOKED_AT_MAX
									   : PLAN_THREADS_MAX);
	const uint32_t count = (uint32_t)min_u64(found, PLAN_THREADS_MAX);

	for (uint32_t i = 0; i < found; i++)
		spare[i].weight = sched_weight_own(policy_thread_owner(spare[i].thread),
						   spare[i].weight);
	heaviest_keep(spare, found);
	for (uint32_t i = 0; i < count; i++)
		member[i] = (struct group_spare){spare[i], spare[i].weight, 0, false};
	return count;
}

/*
 * What a thread counts in the mean of what is owed: its weight, so that the mean is 0 if the average is
 * right, whoever has what.  All alike, it is that of the lightest: one turn of theirs is seconds of their
 * share.  One heavier than the average has no part in it.  Where masks bind it is the part of a CPU that is
 * fair, in 1024ths, or all count alike if there are groups, since those that ask for what cannot be had
 * (owed.c) are heavy.
 */
static uint32_t mean_part(const struct sched_server *server, const struct sched_cpu *cpu,
			  const struct sched_plan_thread *thread)
{
	const uint32_t weight = thread->weight;
	const uint64_t level = __atomic_load_n(&server->masks.level[cpu->index], __ATOMIC_RELAXED);

	if (thread->rate != 0)
		return thread->rate >> (SCHED_RATE_SHIFT - 10u);
	if (sched_masks_used(server))
		return 1;
	return level != 0 && weight > level ? 0 : weight;
}

struct owed_sum {
	uint64_t parts;
	int64_t owed;   /* by parts */
	int64_t wholes; /* of those without a part */
	uint32_t count; /* of these */
};

static void owed_add(struct owed_sum *sum, int32_t owed_us, uint32_t part)
{
	sum->parts += part;
	sum->owed += (int64_t)part * owed_us;
	if (part != 0)
		return;
	sum->wholes += owed_us;
	sum->count++;
}

/* Who should have the CPU alone counts where nobody else does: by that sleepers know that they had better
 * go. */
static int32_t owed_mean_us(const struct owed_sum *sum)
{
	if (sum->parts != 0)
		return (int32_t)(sum->owed / (int64_t)sum->parts);
	return sum->count == 0 ? 0 : (int32_t)(sum->wholes / sum->count);
}

void sched_plan_publish(struct sched_server *server, struct sched_cpu *cpu, time_ns_t now_ns)
{
	struct group_spare member[PLAN_THREADS_MAX];
	uint64_t lasting = 0;
	struct owed_sum sum = {0};
	uint32_t used = 0;

	if (!cpu->place->plans && !cpu->grouped)
		return;
	sched_steady_close(server, cpu, now_ns);

	const uint32_t count = members_of(server, cpu, member);

	cpu->plan_owed = false;
	for (uint32_t i = 0; i < count; i++) {
		const struct policy_spare *spare = &member[i].spare;

		cpu->plan_owed = cpu->plan_owed || spare->owed_ns != 0;
		if (!cpu->grouped &&
		    !sched_thread_lasts(cpu, policy_thread_owner(spare->thread), now_ns))
			continue;
		publish_one(server, &cpu->plan_thread[used], cpu, &member[i], now_ns);
		lasting += cpu->plan_thread[used].weight;
		owed_add(&sum, cpu->plan_thread[used].owed_us,
			 mean_part(server, cpu, &cpu->plan_thread[used]));
		used++;
	}
	__atomic_store_n(&cpu->plan_throttled, cpu->grouped ? group_throttled(policy_cpu(cpu)) : 0,
			 __ATOMIC_RELAXED);
	__atomic_store_n(&cpu->plan_count, used, __ATOMIC_RELAXED);
	__atomic_store_n(&cpu->steady.lasting, lasting, __ATOMIC_RELAXED);
	__atomic_store_n(&cpu->steady.owed_us, owed_mean_us(&sum), __ATOMIC_RELAXED);
	__atomic_store_n(&cpu->steady.owed_parts, sum.parts, __ATOMIC_RELAXED);
	sched_tilt(server, cpu, count < PLAN_THREADS_MAX, now_ns);
}

int32_t sched_plan_mean_us(const struct sched_server *server)
{
	int64_t sum = 0, parts = 0;

	for (uint32_t i = 0; i < server->cpus; i++) {
		const struct sched_cpu *cpu = &server->cpu[i];
		const uint32_t here = __atomic_load_n(&cpu->plan_count, __ATOMIC_RELAXED);

		/* One that has a whole CPU and cannot use more has an account of its own. */
		if (here == 0 ||
		    (here == 1 &&
		     __atomic_load_n(&cpu->steady.lasting, __ATOMIC_RELAXED) >=
			     __atomic_load_n(&server->masks.level[i], __ATOMIC_RELAXED)))
			continue;
		const int64_t part = (int64_t)__atomic_load_n(&cpu->steady.owed_parts,
							      __ATOMIC_RELAXED);

		sum += part * __atomic_load_n(&cpu->steady.owed_us, __ATOMIC_RELAXED);
		parts += part;
	}
	return parts == 0 ? 0 : (int32_t)(sum / parts);
}

/* The levels are those of now: what was published may be from before a mask changed. */
struct look {
	struct sched_server *server;
	const struct sched_cpu *asks;
	const struct place_view *view;
	uint64_t *least; /* level of the CPUs of each class; UINT64_MAX: not looked at yet */
	int32_t mean_us; /* what is owed to all, in the mean */
};

static uint64_t least_level(const struct look *look, uint32_t class, const struct cpumask *mask)
{
	if (look->least[class] == UINT64_MAX)
		look->least[class] = mask_level(look->server, mask);
	return look->least[class];
}

/*
 * Who has a use for a whole CPU counts so much more: what it misses can never be made good, for nobody gets
 * more than one.  Where masks bind such a share often cannot be had at all.
 *
 * With groups, threads with less than 1 / LIGHT of a CPU count in proportion to that, but 1 / LIGHT_PARTS at
 * least: one turn of theirs is as much of their share as seconds of a heavy one's, and what is owed to a
 * dozen of them would send heavy ones to and fro.
 */
#define WHOLE_TIMES        16
#define WHOLE_TIMES_MASKED 4
#define LIGHT              40u
#define LIGHT_PARTS        8u

static int32_t extra_of(const struct sched_server *server, uint64_t weight, uint64_t full)
{
	const uint64_t heavy = LIGHT * weight;

	if (full <= weight)
		return ((sched_masks_used(server) ? WHOLE_TIMES_MASKED : WHOLE_TIMES) - 1) *
		       PLAN_PARTS;
	if (!sched_grouped(server) || heavy >= full)
		return 0;
	return (int32_t)max_u64(PLAN_PARTS * heavy / full, PLAN_PARTS / LIGHT_PARTS) - PLAN_PARTS;
}

/*
 * What a cap limits gets what is due to it by the parts of its group's runtime (policy/group/part.c),
 * wherever it is.  What it has had of a period early is no debt.
 */
static int32_t owed_us_of_bound(int32_t owed_us)
{
	return owed_us > 0 ? owed_us : 0;
}

static void queue_look(const void *context, uint32_t index, struct plan_queue *out)
{
	const struct look *look = context;
	const struct sched_cpu *cpu = &look->server->cpu[index];
	uint64_t known = 0;

	out->runnable = look->view->loads[index].runnable;
	out->count = (uint32_t)min_u64(
		__atomic_load_n(&cpu->plan_count, __ATOMIC_RELAXED),
		out->runnable + __atomic_load_n(&cpu->plan_throttled, __ATOMIC_RELAXED));
	out->bound = 0;
	for (uint32_t i = 0; i < out->count; i++) {
		const struct sched_plan_thread *from = &cpu->plan_thread[i];
		const uint32_t class = __atomic_load_n(&from->class, __ATOMIC_RELAXED);
		const uint32_t weight = __atomic_load_n(&from->weight, __ATOMIC_RELAXED);
		const struct cpumask allowed = sched_class_mask(look->server, class);
		/* Nobody can use more than one CPU. */
		const uint64_t full = max_u64(least_level(look, class, &allowed), weight);
		const bool bound = __atomic_load_n(&from->bound, __ATOMIC_RELAXED);
		const int32_t owed_us = (int32_t)bound_i64(
			(int64_t)__atomic_load_n(&from->owed_us, __ATOMIC_RELAXED) - look->mean_us,
			PLAN_OWED_US_MAX);

		out->thread[i] = (struct plan_thread){
			.tid = __atomic_load_n(&from->tid, __ATOMIC_RELAXED),
			.weight = weight,
			.full = full,
			.owed_us = bound ? owed_us_of_bound(owed_us) : owed_us,
			.extra = extra_of(look->server, weight, full),
			.bound = bound,
			.running = __atomic_load_n(&from->running, __ATOMIC_RELAXED),
			.allowed = allowed,
		};
		out->bound += out->thread[i].bound ? weight : 0;
		known += weight;
	}
	/* One that weighs less than 1 on the machine is published with 1, and a queue without weight would
	 * cost nothing, whoever has it to itself. */
	out->weight = max_u64(look->view->loads[index].weight, known);
	_Static_assert(PLAN_USED_WHOLE == STEADY_WHOLE, "the same parts");
	out->used = sched_steady_part(look->server, look->asks, index);
	if (out->used != 0)
		out->weight = known;
}

bool sched_plan_make(struct sched_server *server, struct sched_cpu *cpu,
		     const struct place_view *view, struct plan *plan)
{
	uint64_t least[LEVEL_CLASSES_MAX];
	const struct look look = {.server = server,
				  .asks = cpu,
				  .view = view,
				  .least = least,
				  .mean_us = sched_grouped(server) ? 0
								   : sched_plan_mean_us(server)};
	const struct plan_input input = {
		.cpu = cpu->index,
		.cpus = server->cpus,
		.start = (uint32_t)(cpu->plan_start++ * PLAN_CPUS_MAX % server->cpus),
		.online = view->online,
		.queue = queue_look,
		.context = &look,
	};

	for (uint32_t class = 0; class < LEVEL_CLASSES_MAX; class ++)
		least[class] = UINT64_MAX;
	*plan = plan_make(&input);
	return plan->pull_tid != PLAN_NOBODY || plan->push_tid != PLAN_NOBODY;
}

/* Let it go, if it is here and may. */
bool sched_plan_move(struct sched_server *server, struct sched_cpu *cpu, uint32_t tid,
		     uint32_t target, time_ns_t now_ns)
{
	struct sched_thread *thread = sched_thread_find(server, tid);

	if (thread == NULL || target >= server->cpus || !sched_thread_settled(cpu, thread) ||
	    thread->state != SCHED_READY || thread->in_request ||
	    !cpumask_test(sched_thread_mask(server, thread), target))
		return false;

	const bool claimed = sched_idle_claim(server, target);

	if (sched_thread_move(server, cpu, thread, target, now_ns)) {
		sched_load_publish(cpu);
		return true;
	}
	if (claimed)
		sched_idle_publish(server, target);
	return false;
}
