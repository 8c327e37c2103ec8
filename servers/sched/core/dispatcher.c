/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The dispatcher of one CPU: upcall in, decision out.
 *
 *   1. charge and apply the event records    4. pick, or run the balancer
 *   2. serve the request, if any              5. publish the load, push a surplus
 *   3. wake sleepers that are due             6. decide
 *
 * The time that this takes is charged to the thread that caused the entry, so nobody gets
 * scheduling work for free.
 */
#include "core.h"

#define BALANCER_SLICE_NS 1000000u
#define DEBT_NS_MAX       1000000000u
#define ENTRY_NS_MAX      100000u

void sched_cpu_init(struct sched_server *server, uint32_t index, const struct policy_ops *policy,
		    const struct place_ops *place)
{
	struct sched_cpu *cpu = &server->cpu[index];

	cpu->policy = policy;
	cpu->place = place;
	cpu->index = index;
	cpu->balancer_tid = 0;
	cpu->grouped = false;
	heap_init(&cpu->sleepers);
	policy->cpu_init(policy_cpu(cpu), index);
	/* From the start, so that all threads of the queue have accounts of the same clock. */
	if (server->cpus > 1)
		policy->set_average(policy_cpu(cpu), 0, 0);
	__atomic_store_n(&server->shared->cpu[index].policy_id, policy->id, __ATOMIC_RELAXED);
	__atomic_fetch_or(&server->online.bits[index / 64u], UINT64_C(1) << (index % 64u),
			  __ATOMIC_SEQ_CST);
}

/*
 * The kernel would not run what we chose.  If an event told why, its sequence is newer than what we
 * decided on, and it was applied already; if none did, forget the thread until one does.
 */
static void decision_refused(struct sched_server *server, struct sched_cpu *cpu,
			     const struct sched_upcall *upcall)
{
	struct sched_thread *thread = sched_thread_find(server, cpu->decided_tid);

	if (upcall->status == ERR_OK || upcall->status == ERR_STALE)
		return;
	sched_stat_add(&server->shared->cpu[cpu->index].refusals, 1);
	cpu->running = NULL;
	/* It may be about the successor: once more without one. */
	cpu->offer_refused = cpu->offered_successor;
	if (thread == NULL || cpu->offer_refused)
		return;
	if (cpu->decided_tid == cpu->balancer_tid) {
		if (cpu->balancer_seq == cpu->decided_seq)
			cpu->balancer_ready = false;
	} else if (thread->state == SCHED_READY && thread->seq == cpu->decided_seq &&
		   !thread->arriving &&
		   __atomic_load_n(&thread->home, __ATOMIC_RELAXED) == cpu->index) {
		cpu->policy->dequeue(policy_cpu(cpu), policy_thread(thread), POLICY_LEAVE_KEEP,
				     upcall->now_ns);
		thread->state = SCHED_OUT;
		sched_mask_changed(server, thread);
	}
}

static void upcall_events(struct sched_server *server, struct sched_cpu *cpu,
			  const struct sched_upcall *upcall)
{
	const bool behind = cpu->sleepers_wait && sched_sleep_next(cpu) < upcall->now_ns;
	const word_t events = UPCALL_EVENTS(upcall->info);

	cpu->payer = events == 0 ? NULL : sched_thread_find(server, upcall->first.tag);
	if (behind || (upcall->info & UPCALL_SWITCHED) != 0 ||
	    (events > 1 && sched_filtered_any(server, cpu, upcall)))
		sched_replay(server, cpu, upcall, behind);
	else if (events == 1 && cpu->payer != NULL && sched_thread_settled(cpu, cpu->payer))
		sched_event_settled(server, cpu, cpu->payer, &upcall->first, upcall->now_ns);
	else if (events != 0)
		sched_events_apply(server, cpu, upcall, sched_upcall_count(upcall));
}

static time_ns_t upcall_ran(const struct sched_upcall *upcall)
{
	const uint32_t count = sched_upcall_count(upcall);
	time_ns_t ran_ns = 0;

	for (uint32_t i = 0; i < count; i++)
		ran_ns += sched_upcall_event(upcall, i)->ran_ns;
	return ran_ns;
}

/*
 * What passed since the last entry and no thread ran: that entry, the kernel's part of it and of this
 * one included.  It goes on the bill of the thread that caused it, which pays when it is charged for
 * running the next time: a charge of its own would cost as much as the decision.  A CPU that its host
 * took away for a while is no entry, hence the limit.
 */
static void bill_entry(struct sched_cpu *cpu, const struct sched_upcall *upcall)
{
	const time_ns_t since_ns = sub_saturate_u64(upcall->now_ns, cpu->entered_ns);
	struct sched_thread *payer = cpu->payer;

	cpu->entered_ns = upcall->now_ns;
	/* With an idle successor, most of it was no entry. */
	if ((upcall->info & UPCALL_SWITCHED) != 0 && upcall->buffer->switched_tag == 0)
		return;
	if (payer == NULL || cpu->decided_tid == 0 || !sched_thread_settled(cpu, payer))
		return;

	const time_ns_t cost_ns = min_u64(sub_saturate_u64(since_ns, upcall_ran(upcall)),
					  ENTRY_NS_MAX);

	payer->debt_ns = (uint32_t)min_u64(payer->debt_ns + cost_ns, DEBT_NS_MAX);
}

static void decide_idle(struct sched_server *server, struct sched_cpu *cpu, time_ns_t now_ns,
			struct sched_decision *decision)
{
	sched_balance_idle(server, cpu, now_ns);
	cpu->running = NULL;
	cpu->last_run = NULL;
	decision->kind = DECISION_IDLE;
	decision->slice_ns = TIME_NEVER;
	sched_offer_idle(server, cpu, decision);
	sched_stat_add(&server->shared->cpu[cpu->index].idles, 1);
}

static void decide_balancer(struct sched_cpu *cpu, struct sched_decision *decision)
{
	decision->kind = DECISION_RUN;
	decision->tid = cpu->balancer_tid;
	decision->seq = cpu->balancer_seq;
	decision->slice_ns = BALANCER_SLICE_NS;
	decision->flags = 0;
}

static void decide_thread(struct sched_server *server, struct sched_cpu *cpu,
			  const struct policy_pick *pick, time_ns_t now_ns,
			  struct sched_decision *decision)
{
	struct sched_thread *thread = policy_thread_owner(pick->thread);

	sched_stat_dispatch(server, cpu, thread, now_ns);
	cpu->running = thread;
	thread->turn_over = false;
	__atomic_store_n(&cpu->running_class, thread->mask_class, __ATOMIC_RELAXED);
	decision->kind = DECISION_RUN;
	decision->tid = thread->tid;
	decision->seq = thread->seq;
	decision->slice_ns = sched_slice_after_debt(thread, pick->slice_ns);
}

static void decide(struct sched_server *server, struct sched_cpu *cpu, time_ns_t now_ns,
		   struct sched_decision *decision)
{
	const bool ask = cpu->policy->succeed != NULL && cpu->place->on_turn == NULL &&
			 !cpu->balancer_ready && !cpu->offer_refused;
	const uint32_t offers = ask ? server->offers : 0;
	const uint32_t moves = cpu->moves;
	struct policy_pick pick;

	decision->tid = 0;
	decision->seq = 0;
	decision->flags = 0;
	sched_stat_add(&server->shared->cpu[cpu->index].picks, 1);
	if (cpu->place->on_turn != NULL)
		sched_turn_over(server, cpu, now_ns);
	pick.offers = 0; /* of a policy that makes none */
	cpu->policy->pick(policy_cpu(cpu), now_ns, server->pick_flags | offers, &pick);
	sched_load_publish_pick(server, cpu, &pick);
	if (pick.thread != NULL) {
		sched_idle_clear(server, cpu->index);
		cpu->idle_tried = cpumask_none();
		sched_push_surplus(server, cpu, now_ns);
		sched_balance_period(server, cpu, now_ns);
	}
	if (pick.thread == NULL)
		decide_idle(server, cpu, now_ns, decision);
	else
		decide_thread(server, cpu, &pick, now_ns, decision);
	decision->timer_ns = sched_sleep_next(cpu);
	cpu->sleepers_wait = false;
	if (cpu->balancer_ready)
		decide_balancer(cpu, decision);
	else if (pick.offers != 0 && cpu->moves == moves) /* else they are about another queue */
		sched_offer_thread(server, cpu, &pick, now_ns, decision);
	decision->timer_ns = min_u64(decision->timer_ns,
				     pick.thread != NULL
					     ? sched_balance_period_next(server, cpu, now_ns)
					     : sched_balance_idle_next(cpu));
	/* Whoever is throttled wants to be asked for again. */
	if (pick.thread == NULL && cpu->grouped && pick.slice_ns != TIME_NEVER)
		decision->timer_ns = min_u64(decision->timer_ns, now_ns + pick.slice_ns);
}

void sched_upcall(struct sched_server *server, uint32_t index, const struct sched_upcall *upcall,
		  struct sched_decision *decision)
{
	struct sched_cpu *cpu = &server->cpu[index];

	bill_entry(cpu, upcall);
	upcall_events(server, cpu, upcall);
	decision_refused(server, cpu, upcall);
	if ((upcall->info & UPCALL_REQUEST) != 0)
		sched_request_handle(server, cpu, &upcall->buffer->request, upcall->now_ns);
	if ((upcall->info & UPCALL_MORE) != 0) {
		decision->kind = DECISION_NONE;
		decision->flags = 0;
		return;
	}
	if (cpu->requesting_count != 0)
		sched_requesting_settle(server, cpu, upcall->now_ns);
	if (sched_sleep_next(cpu) <= upcall->now_ns)
		sched_sleep_expire(server, cpu, upcall->now_ns);
	decide(server, cpu, upcall->now_ns, decision);
	cpu->decided_tid = decision->kind == DECISION_RUN ? decision->tid : 0;
	cpu->decided_seq = decision->seq;
	cpu->offered = decision->flags != 0 ? SCHED_OFFERED : SCHED_ASKED;
	cpu->filter_key = (decision->flags & DECISION_FILTER) != 0 ? decision->filter_key
								   : UINT64_MAX;
	cpu->next_filter_key = (decision->flags & DECISION_SUCCESSOR) != 0 &&
					       decision->successor_filter_until_ns != 0
				       ? decision->successor_filter_key
				       : UINT64_MAX;
	cpu->offered_successor = (decision->flags & DECISION_SUCCESSOR) != 0;
	cpu->offer_refused = false;
}
