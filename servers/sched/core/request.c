/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests of clients.  The payer is blocked until it is answered; one that is answered at once
 * never left the queue. A payer of another CPU (a balancer, proc through a port) is not ours: it
 * is only answered.
 */
#include <abi/ipc.h>
#include <sched/protocol.h>
#include <sched/sys_if.h>

#include "balance.h"
#include "changes.h"
#include "core.h"
#include "event.h"
#include "group.h"
#include "level.h"
#include "param.h"
#include "place.h"
#include "request.h"
#include "served.h"
#include "sleep.h"
#include "stats.h"
#include "thread.h"
#include "upcall.h"

static bool badge_privileged(const struct sched_request *request)
{
	return (request->badge & SCHED_BADGE_PRIVILEGED) != 0;
}

/* A server of everybody's asks, on the time of a thread of a process; none of them yields. */
static bool request_served(struct sched_server *server, const struct sched_thread *payer,
			   const struct sched_request *request)
{
	return badge_privileged(request) && msg_label_of(request) != SCHED_REQ_YIELD &&
	       sched_thread_params(server, payer)->pid != (uint32_t)request->badge;
}

static void answer(struct sched_server *server, struct sched_cpu *cpu,
		   const struct sched_request *request, enum error error, word_t w1, word_t w2)
{
	struct sched_thread *payer = sched_thread_find(server, request->payer_tag);

	if (payer == NULL)
		return;
	bool ours = __atomic_load_n(&payer->home, __ATOMIC_RELAXED) == cpu->index;

	/* Refused: killed or stopped meanwhile; its event will say so.  It then leaves the queue
	 * when requests are settled. */
	if (sched_sys_answer(server, payer->tid, error, w1, w2) != ERR_OK || !ours)
		return;
	payer->in_request = false;
	/* The answer makes no record that would say so. */
	if (request_served(server, payer, request))
		sched_served_note(cpu, payer, false);
}

/* Answer a payer of this CPU that stayed in the queue, or put it back if it had left in the
 * meantime. */
static void answer_and_requeue(struct sched_server *server, struct sched_cpu *cpu,
			       const struct sched_request *request, enum error error, word_t w1,
			       word_t w2, time_ns_t now_ns)
{
	struct sched_thread *payer = sched_thread_find(server, request->payer_tag);

	answer(server, cpu, request, error, w1, w2);
	if (payer != NULL && payer->state == SCHED_OUT && !payer->in_request && !payer->arriving &&
	    __atomic_load_n(&payer->home, __ATOMIC_RELAXED) == cpu->index &&
	    !sched_thread_is_balancer(server, payer))
		sched_thread_wake(server, cpu, payer, now_ns, now_ns);
}

static void request_yield(struct sched_server *server, struct sched_cpu *cpu,
			  const struct sched_request *request, time_ns_t now_ns)
{
	struct sched_thread *payer = sched_thread_find(server, request->payer_tag);

	if (payer != NULL && payer->state == SCHED_READY && payer->in_request) {
		sched_thread_yield(cpu, payer, now_ns);
	}
	answer_and_requeue(server, cpu, request, ERR_OK, 0, 0, now_ns);
}

static void request_sleep(struct sched_server *server, struct sched_cpu *cpu,
			  const struct sched_request *request, time_ns_t now_ns)
{
	struct sched_thread *payer = sched_thread_find(server, request->payer_tag);
	bool ours = payer != NULL && payer->state != SCHED_UNKNOWN && !payer->arriving &&
		    __atomic_load_n(&payer->home, __ATOMIC_RELAXED) == cpu->index;

	if (request->words[0] <= now_ns) {
		answer_and_requeue(server, cpu, request, ERR_OK, 0, 0, now_ns);
		return;
	}
	if (!ours) { /* a sleep is for the CPU that the sleeper lives on */
		word_t home = payer == NULL ? 0 : __atomic_load_n(&payer->home, __ATOMIC_RELAXED);

		answer(server, cpu, request, ERR_MOVED, home, 0);
		return;
	}
	/* It stays in_request, so settling takes it out of the queue. */
	sched_sleep_add(cpu, payer, request->words[0]);
}

static void request_param(struct sched_server *server, struct sched_cpu *cpu,
			  const struct sched_request *request, time_ns_t now_ns)
{
	word_t tag = request->words[0] != 0 ? request->words[0] : request->payer_tag;
	struct sched_thread *thread = sched_thread_find(server, tag);
	enum error error = ERR_OK;
	word_t w1 = 0, w2 = 0;

	if (thread == NULL ||
	    (sched_thread_params(server, thread)->flags & SCHED_THREAD_USED) == 0) {
		error = ERR_NOT_FOUND;
	} else if (!badge_privileged(request) &&
		   sched_thread_params(server, thread)->pid != (uint32_t)request->badge) {
		error = ERR_PERMISSION;
	} else if (msg_label_of(request) == SCHED_REQ_GET_PARAM) {
		error = sched_param_get(server, thread, request->words[1], &w1, &w2);
	} else if (__atomic_load_n(&thread->home, __ATOMIC_RELAXED) != cpu->index ||
		   thread->arriving) {
		error = ERR_MOVED;
		w1 = __atomic_load_n(&thread->home, __ATOMIC_RELAXED);
	} else {
		error = sched_param_set(server, cpu, thread, request, now_ns);
	}
	answer_and_requeue(server, cpu, request, error, w1, w2, now_ns);
}

static void request_group(struct sched_server *server, struct sched_cpu *cpu,
			  const struct sched_request *request, time_ns_t now_ns)
{
	enum error error;
	word_t w1;

	sched_group_request(server, cpu, request, &error, &w1);
	answer_and_requeue(server, cpu, request, error, w1, 0, now_ns);
}

/* A stopped thread that has no home yet; it reports itself to its new home when it is resumed. */
static void request_thread_new(struct sched_server *server, struct sched_cpu *cpu,
			       const struct sched_request *request, time_ns_t now_ns)
{
	struct sched_thread *thread = sched_thread_find(server, request->words[0]);
	uint32_t target = cpu->index;
	enum error error = ERR_OK;

	if (!badge_privileged(request)) {
		error = ERR_PERMISSION;
	} else if (thread == NULL ||
		   (sched_thread_params(server, thread)->flags & SCHED_THREAD_USED) == 0) {
		error = ERR_NOT_FOUND;
	} else if (thread->state != SCHED_UNKNOWN) {
		error = ERR_EXISTS;
	} else {
		sched_thread_adopt(server, cpu, thread);
		target = sched_fork_target(server, cpu, thread, (uint32_t)request->words[1]);
		sched_thread_home_set(server, thread, target);
		cpu->policy->migrate_out(policy_cpu(cpu), policy_thread(thread), &thread->migration,
					 now_ns);
		thread->arriving = true;
		sched_incoming_add(server, target, thread, now_ns);
		error = sched_sys_set_home(server, thread->tid, target);
		if (error != ERR_OK) {
			sched_incoming_remove(server, target, thread);
			sched_mask_forget(server, thread);
			thread->state = SCHED_UNKNOWN;
		}
	}
	answer_and_requeue(server, cpu, request, error, target, 0, now_ns);
}

static void request_pull(struct sched_server *server, struct sched_cpu *cpu,
			 const struct sched_request *request, time_ns_t now_ns)
{
	struct sched_thread *payer = sched_thread_find(server, request->payer_tag);

	if (payer == NULL || !sched_thread_is_balancer(server, payer) ||
	    request->words[0] >= server->cpus || request->words[0] == cpu->index) {
		answer(server, cpu, request, ERR_PERMISSION, 0, 0);
		return;
	}
	uint32_t moved = sched_balance_give(server, cpu, (uint32_t)request->words[0], now_ns);

	answer(server, cpu, request, ERR_OK, moved, 0);
}

static void request_park(struct sched_server *server, struct sched_cpu *cpu,
			 const struct sched_request *request, time_ns_t now_ns)
{
	struct sched_thread *payer = sched_thread_find(server, request->payer_tag);

	if (payer == NULL || !sched_thread_is_balancer(server, payer) ||
	    __atomic_load_n(&payer->home, __ATOMIC_RELAXED) != cpu->index)
		answer(server, cpu, request, ERR_PERMISSION, 0, 0);
	else
		sched_balancer_parks(server, cpu, payer, request->words[0], now_ns);
}

/* Of a thread of another CPU, which asks on nobody's time here. */
static bool request_foreign(struct sched_server *server, const struct sched_cpu *cpu,
			    const struct sched_request *request)
{
	const struct sched_thread *payer = sched_thread_find(server, request->payer_tag);

	return payer == NULL || (__atomic_load_n(&payer->home, __ATOMIC_RELAXED) != cpu->index &&
				 !sched_thread_is_balancer(server, payer));
}

/* What the kernel may take for a sleep or a yield is one. */
static bool request_mistaken(const struct sched_request *request)
{
	const word_t flags = msg_label(request->info);
	const word_t label = msg_label_of(request);

	return ((flags & SCHED_REQUEST_TIMED) != 0 && label != SCHED_REQ_SLEEP) ||
	       ((flags & SCHED_REQUEST_YIELD) != 0 && label != SCHED_REQ_YIELD);
}

void sched_request_handle(struct sched_server *server, struct sched_cpu *cpu,
			  const struct sched_request *request, time_ns_t now_ns)
{
	sched_stat_add(&cpu->stats->requests, 1);
	if (request_foreign(server, cpu, request))
		sched_changes_note(cpu);
	if (request_mistaken(request)) {
		answer_and_requeue(server, cpu, request, ERR_ARG, 0, 0, now_ns);
		return;
	}
	switch (msg_label_of(request)) {
	case SCHED_REQ_YIELD:
		request_yield(server, cpu, request, now_ns);
		break;
	case SCHED_REQ_SLEEP:
		request_sleep(server, cpu, request, now_ns);
		break;
	case SCHED_REQ_SET_PARAM:
	case SCHED_REQ_GET_PARAM:
		request_param(server, cpu, request, now_ns);
		break;
	case SCHED_REQ_THREAD_NEW:
		request_thread_new(server, cpu, request, now_ns);
		break;
	case SCHED_REQ_GROUP_CREATE:
	case SCHED_REQ_GROUP_SET:
	case SCHED_REQ_GROUP_DELETE:
	case SCHED_REQ_GROUP_GET:
	case SCHED_REQ_GROUP_NEXT:
		request_group(server, cpu, request, now_ns);
		break;
	case SCHED_REQ_BALANCE_PARK:
		request_park(server, cpu, request, now_ns);
		break;
	case SCHED_REQ_BALANCE_PULL:
		request_pull(server, cpu, request, now_ns);
		break;
	default:
		answer_and_requeue(server, cpu, request, ERR_METHOD, 0, 0, now_ns);
		break;
	}
}
