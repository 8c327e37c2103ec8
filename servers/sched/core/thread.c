/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads as the server knows them. */
#include "thread.h"
#include "core.h"
#include "group.h"
#include "level.h"
#include "nowhere.h"
#include "offer.h"

struct sched_thread_params *sched_thread_params(struct sched_server *server,
						const struct sched_thread *thread)
{
	return &server->shared->params[thread - server->threads];
}

bool sched_thread_is_balancer(struct sched_server *server, const struct sched_thread *thread)
{
	return (sched_thread_params(server, thread)->flags & SCHED_THREAD_BALANCER) != 0;
}

static uint64_t clamp_u64(uint64_t value, uint64_t min, uint64_t max)
{
	if (value < min)
		return min;
	return value > max ? max : value;
}

/* Shared memory is read by a policy only through this: whatever it holds, the policy gets legal
 * values. */
void sched_thread_policy_params(const struct sched_thread_params *from, uint32_t tid,
				struct policy_params *to)
{
	bool background = from->class == POLICY_CLASS_BACKGROUND;
	uint32_t priority = from->lent > from->priority ? from->lent : from->priority;
	uint32_t weight = (uint32_t)clamp_u64(from->weight, POLICY_WEIGHT_MIN, POLICY_WEIGHT_MAX);
	*to = (struct policy_params){
		.tid = tid,
		.weight = background ? POLICY_WEIGHT_BACKGROUND : weight,
		.class = background ? POLICY_CLASS_BACKGROUND : POLICY_CLASS_NORMAL,
		.off_centre = !cpumask_test(&from->affinity, PLACE_CENTRE),
		.priority = (uint8_t)clamp_u64(priority, 0, POLICY_PRIORITY_MAX),
		.slice_ns = clamp_u64(from->slice_ns, POLICY_SLICE_NS_MIN, POLICY_SLICE_NS_MAX),
	};
	to->group = from->group;
	if (from->period_ns != 0)
		to->period_ns = clamp_u64(from->period_ns, to->slice_ns, POLICY_PERIOD_NS_MAX);
}

void sched_thread_home_set(struct sched_server *server, struct sched_thread *thread, uint32_t cpu)
{
	__atomic_store_n(&thread->home, cpu, __ATOMIC_RELAXED);
	__atomic_store_n(&sched_thread_params(server, thread)->cpu, cpu, __ATOMIC_RELAXED);
}

void sched_thread_adopt(struct sched_server *server, struct sched_cpu *cpu,
			struct sched_thread *thread)
{
	struct policy_params params;
	uint32_t tid = (uint32_t)(thread - server->threads);

	thread->params = sched_thread_params(server, thread);
	thread->stats = &server->shared->stats[tid];
	thread->bill_ns = &server->shared->bill_ns[tid];
	sched_thread_policy_params(thread->params, tid, &params);
	heap_node_init(&thread->sleep_node);
	thread->tid = tid;
	thread->seq = 0;
	thread->served_seq = 0;
	sched_mask_forget(server, thread);
	thread->debt_ns = 0;
	thread->owed_more = 0;
	thread->owed_ns = 0;
	thread->owed_since_ns = 0;
	thread->weight_told = 0;
	thread->balancer = sched_thread_is_balancer(server, thread);
	thread->woke = false;
	thread->arriving = false;
	thread->in_request = false;
	thread->joined = false;
	thread->turn_over = false;
	thread->state = SCHED_OUT;
	sched_thread_home_set(server, thread, cpu->index);
	/* The parameters were made legal above, so this cannot fail. */
	if (cpu->policy->thread_init(policy_thread(thread), &params) != ERR_OK)
		thread->state = SCHED_UNKNOWN;
	/* The base does not write it. */
	*group_tag(policy_thread(thread)) = (struct group_tag){.id = params.group};
	sched_group_admit(server, cpu, thread);
	/* Whatever an earlier instance set. */
	thread->key = UINT64_MAX;
	if (server->offers != 0)
		sched_offer_key(server, cpu, thread, &params);
	if (thread->key == UINT64_MAX)
		thread->key = 0;
	sched_mask_set(server, thread);
	sched_nowhere_adopt(server, cpu, thread);
}
