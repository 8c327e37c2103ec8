/* SPDX-License-Identifier: BSD-2-Clause */
/* Scheduling parameters of a thread: checked against the badge, stored in shared memory, told to
 * the policy. */
#include <base/nice.h>
#include <sched/protocol.h>

#include "core.h"
#include "group.h"
#include "level.h"
#include "mask.h"
#include "nowhere.h"
#include "offer.h"
#include "param.h"
#include "place.h"
#include "plan.h"
#include "thread.h"

_Static_assert(SCHED_SLICE_NS_STANDARD == POLICY_SLICE_NS_DEFAULT, "<sched/protocol.h> says 3 ms");

/* Who may ask for any weight may also ask for a higher priority, a reservation or a longer slice. */
static bool param_free(const struct sched_request *request)
{
	uint64_t limit = (request->badge >> SCHED_BADGE_WEIGHT_SHIFT) & SCHED_BADGE_WEIGHT_MASK;

	return limit >= POLICY_WEIGHT_MAX || (request->badge & SCHED_BADGE_PRIVILEGED) != 0;
}

static enum error param_weight(struct sched_thread_params *params, uint64_t weight, int32_t nice,
			       const struct sched_request *request)
{
	uint64_t limit = (request->badge >> SCHED_BADGE_WEIGHT_SHIFT) & SCHED_BADGE_WEIGHT_MASK;

	if (weight < POLICY_WEIGHT_MIN || weight > POLICY_WEIGHT_MAX)
		return ERR_RANGE;
	if (weight > limit && (request->badge & SCHED_BADGE_PRIVILEGED) == 0)
		return ERR_LIMIT;
	params->weight = (uint32_t)weight;
	params->nice = nice;
	return ERR_OK;
}

static enum error param_nice(struct sched_thread_params *params,
			     const struct sched_request *request)
{
	int64_t nice = (int64_t)request->words[2];

	if (nice < NICE_LOWEST || nice > NICE_HIGHEST)
		return ERR_RANGE;
	return param_weight(params, policy_weight_of_nice((int)nice), (int32_t)nice, request);
}

/* Of policies whose turns have the length of a slice (rr) a longer one is a larger share. */
static enum error param_slice(struct sched_thread_params *params, uint64_t slice_ns,
			      const struct sched_request *request)
{
	if (slice_ns < POLICY_SLICE_NS_MIN || slice_ns > POLICY_SLICE_NS_MAX)
		return ERR_RANGE;
	if (params->period_ns != 0 && slice_ns > params->period_ns)
		return ERR_RANGE;
	if (slice_ns > SCHED_SLICE_NS_STANDARD && !param_free(request))
		return ERR_LIMIT;
	params->slice_ns = slice_ns;
	return ERR_OK;
}

/* A reservation is for those who may ask for any weight; whether it fits, the policy says. */
static enum error param_period(struct sched_thread_params *params, uint64_t period_ns,
			       const struct sched_request *request)
{
	if (period_ns != 0 && (period_ns < params->slice_ns || period_ns > POLICY_PERIOD_NS_MAX))
		return ERR_RANGE;
	if (period_ns != 0 && !param_free(request))
		return ERR_LIMIT;
	params->period_ns = period_ns;
	return ERR_OK;
}

/* Whoever holds something that others wait for may run like them, whatever its process may ask for; that
 * they wait, proc knows. */
static enum error param_lent(struct sched_thread_params *params, uint64_t priority,
			     const struct sched_request *request)
{
	if ((request->badge & SCHED_BADGE_PRIVILEGED) == 0)
		return ERR_PERMISSION;
	if (priority > POLICY_PRIORITY_MAX)
		return ERR_RANGE;
	params->lent = (uint32_t)priority;
	return ERR_OK;
}

static enum error param_affinity(struct sched_server *server, struct sched_thread_params *params,
				 const struct sched_request *request)
{
	const struct cpumask wanted = {{request->words[2], request->words[3]}};
	const struct cpumask all = cpumask_and(wanted, cpumask_first(server->cpus));
	const struct cpumask online = cpumask_and(wanted, sched_mask_load(&server->online));

	if (cpumask_empty(&all) && !cpumask_empty(&wanted))
		return ERR_RANGE;
	/* This instance is just taking over, and is on none of these CPUs yet. */
	if (cpumask_empty(&online) && !cpumask_empty(&wanted))
		return ERR_RESTARTED;
	params->affinity = wanted;
	return ERR_OK;
}

static enum error param_change(struct sched_server *server, struct sched_thread_params *params,
			       const struct sched_request *request)
{
	word_t value = request->words[2];

	switch (request->words[1]) {
	case SCHED_PARAM_NICE:
		return param_nice(params, request);
	case SCHED_PARAM_WEIGHT:
		return param_weight(params, value, INT32_MIN, request);
	case SCHED_PARAM_SLICE_NS:
		return param_slice(params, value, request);
	case SCHED_PARAM_PERIOD_NS:
		return param_period(params, value, request);
	case SCHED_PARAM_AFFINITY:
		return param_affinity(server, params, request);
	case SCHED_PARAM_PRIORITY:
		if (value > POLICY_PRIORITY_MAX)
			return ERR_RANGE;
		if (value > params->priority && !param_free(request))
			return ERR_LIMIT;
		params->priority = (uint32_t)value;
		return ERR_OK;
	case SCHED_PARAM_CLASS:
		if (value > POLICY_CLASS_BACKGROUND)
			return ERR_RANGE;
		params->class = (uint32_t)value;
		return ERR_OK;
	case SCHED_PARAM_GROUP:
		params->group = value;
		return sched_group_allowed(server, request, value);
	case SCHED_PARAM_LENT:
		return param_lent(params, value, request);
	default:
		return ERR_ARG;
	}
}

/*
 * Off this CPU before its next user instruction, if it may not be here any more; a sleeping thread is
 * placed when it wakes.  With a wider mask it spreads at once if that evens out the loads: the balancer
 * would take a period for each thread.
 */
static void affinity_follow(struct sched_server *server, struct sched_cpu *cpu,
			    struct sched_thread *thread, time_ns_t now_ns)
{
	const bool allowed_here = cpumask_test(sched_thread_mask(server, thread), cpu->index);
	const uint32_t target = allowed_here ? sched_spread_target(server, cpu, thread)
					     : sched_wake_target(server, cpu, thread, now_ns);

	/* What others see of it has the old mask. */
	if (target == cpu->index)
		sched_plan_publish(server, cpu, now_ns);
	else if (sched_thread_move(server, cpu, thread, target, now_ns))
		sched_load_publish(cpu);
}

static void affinity_changed(struct sched_server *server, struct sched_cpu *cpu,
			     struct sched_thread *thread, time_ns_t now_ns)
{
	sched_mask_set(server, thread);
	if (sched_nowhere_follow(server, cpu, thread, now_ns))
		return;
	if (thread->state == SCHED_READY)
		affinity_follow(server, cpu, thread, now_ns);
	else if (!cpumask_test(&thread->params->affinity, cpu->index))
		cpu->strangers = true;
}

/* The rest is not for clients to change, and proc writes some of it meanwhile. */
static void params_store(struct sched_thread_params *to, const struct sched_thread_params *from)
{
	to->weight = from->weight;
	to->nice = from->nice;
	to->priority = from->priority;
	to->class = from->class;
	to->slice_ns = from->slice_ns;
	to->period_ns = from->period_ns;
	to->affinity = from->affinity;
	to->group = from->group;
	to->lent = from->lent;
}

enum error sched_param_set(struct sched_server *server, struct sched_cpu *cpu,
			   struct sched_thread *thread, const struct sched_request *request,
			   time_ns_t now_ns)
{
	struct sched_thread_params *params = sched_thread_params(server, thread);
	struct sched_thread_params changed = *params;
	struct policy_params policy_params;
	enum error error = param_change(server, &changed, request);

	if (error != ERR_OK || thread->state == SCHED_UNKNOWN) {
		if (error == ERR_OK)
			params_store(params, &changed);
		return error;
	}
	/* Another parameter changes: of a group that is gone it was told when it joined the root. */
	if (request->words[1] != SCHED_PARAM_GROUP)
		changed.group = group_tag(policy_thread(thread))->id;
	else if (changed.group != 0)
		error = sched_group_attach(server, cpu);
	if (error != ERR_OK)
		return error;
	sched_thread_policy_params(&changed, thread->tid, &policy_params);
	error = cpu->policy->set_params(policy_cpu(cpu), policy_thread(thread), &policy_params,
					now_ns);
	if (error != ERR_OK)
		return error;
	thread->weight_told = 0;
	params_store(params, &changed);
	sched_offer_key(server, cpu, thread, &policy_params);
	if (request->words[1] == SCHED_PARAM_AFFINITY)
		affinity_changed(server, cpu, thread, now_ns);
	else
		sched_mask_changed(server, thread);
	return ERR_OK;
}

enum error sched_param_get(struct sched_server *server, const struct sched_thread *thread,
			   word_t param, word_t *w1, word_t *w2)
{
	const struct sched_thread_params *params = sched_thread_params(server, thread);

	switch (param) {
	case SCHED_PARAM_NICE:
		*w1 = (word_t)(int64_t)params->nice;
		return ERR_OK;
	case SCHED_PARAM_WEIGHT:
		*w1 = params->weight;
		return ERR_OK;
	case SCHED_PARAM_SLICE_NS:
		*w1 = params->slice_ns;
		return ERR_OK;
	case SCHED_PARAM_PERIOD_NS:
		*w1 = params->period_ns;
		return ERR_OK;
	case SCHED_PARAM_AFFINITY:
		*w1 = sched_thread_mask(server, thread)->bits[0];
		*w2 = sched_thread_mask(server, thread)->bits[1];
		return ERR_OK;
	case SCHED_PARAM_PRIORITY:
		*w1 = params->priority;
		return ERR_OK;
	case SCHED_PARAM_CLASS:
		*w1 = params->class;
		return ERR_OK;
	case SCHED_PARAM_GROUP:
		*w1 = params->group;
		return ERR_OK;
	case SCHED_PARAM_LENT:
		*w1 = params->lent;
		return ERR_OK;
	default:
		return ERR_ARG;
	}
}
