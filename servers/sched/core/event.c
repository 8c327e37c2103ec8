/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From event records to the policy's queue.
 *
 * A record tells a state, not an edge: whatever happened since the last report is folded into it,
 * and seeing one twice is harmless.  So each handler below brings our view to the reported state
 * from whatever it was.
 */
#include <base/math.h>

#include "balance.h"
#include "core.h"
#include "debt.h"
#include "event.h"
#include "group.h"
#include "heavy.h"
#include "level.h"
#include "place.h"
#include "plan.h"
#include "served.h"
#include "sleep.h"
#include "stats.h"
#include "steady.h"
#include "thread.h"
#include "upcall.h"

/* It was, with its debt: whether a request of it is done by that. */
straight void thread_charged(struct sched_thread *thread, time_ns_t ran_ns, bool done)
{
	thread->debt_ns = 0;
	if (done) {
		thread->turn_over = true;
		sched_debt_take(thread);
	}
	sched_stat_add(&thread->stats->cpu_ns, ran_ns);
}

straight void thread_charge(struct sched_cpu *cpu, struct sched_thread *thread, time_ns_t ran_ns,
			    time_ns_t now_ns)
{
	if (ran_ns == 0)
		return;
	/* One charge for both: what it ran, and what its earlier entries cost. */
	thread_charged(thread, ran_ns,
		       cpu->policy->charge(policy_cpu(cpu), policy_thread(thread),
					   ran_ns + thread->debt_ns, now_ns));
}

void sched_thread_charge(struct sched_cpu *cpu, struct sched_thread *thread, time_ns_t ran_ns,
			 time_ns_t now_ns)
{
	thread_charge(cpu, thread, ran_ns, now_ns);
}

/* The thread has come from another CPU with what the policy there gave it for the journey. */
static void thread_arrive(struct sched_server *server, struct sched_cpu *cpu,
			  struct sched_thread *thread, time_ns_t now_ns)
{
	thread->arriving = false;
	thread->arrived_ns = now_ns;
	sched_incoming_remove(server, cpu->index, thread);
	sched_group_admit(server, cpu, thread);
	cpu->policy->migrate_in(policy_cpu(cpu), policy_thread(thread), &thread->migration, now_ns);
	thread->state = thread->migration.state == POLICY_OUT ? SCHED_OUT : SCHED_READY;
	sched_mask_changed(server, thread);
	if (thread->state == SCHED_READY) {
		sched_heaviest_comes(cpu, thread->incoming_weight);
		sched_balance_comes(server, cpu, now_ns);
	}
	sched_plan_publish(server, cpu, now_ns);
}

straight void thread_leave(struct sched_server *server, struct sched_cpu *cpu,
			   struct sched_thread *thread, enum policy_leave reason, time_ns_t now_ns)
{
	if (thread->state != SCHED_READY && reason != POLICY_LEAVE_EXIT) {
		thread->state = SCHED_OUT; /* it may have waited for a mask */
		return;
	}
	cpu->policy->dequeue(policy_cpu(cpu), policy_thread(thread), reason, now_ns);
	thread->state = SCHED_OUT;
	sched_mask_changed(server, thread);
	if (cpu->running == thread)
		cpu->running = NULL;
}

/* The tid's objects serve another thread from now on: nothing of the last one's is kept. */
static __attribute__((noinline)) void thread_renew(struct sched_server *server,
						   struct sched_cpu *cpu,
						   struct sched_thread *thread, time_ns_t now_ns)
{
	const word_t seq = thread->seq;

	__atomic_fetch_and(&thread->params->flags, ~SCHED_THREAD_FRESH, __ATOMIC_RELAXED);
	/* Whoever is made next pays: that is this one, again. */
	sched_debt_bill(server, thread, sched_debt_of(cpu, thread));
	thread_leave(server, cpu, thread, POLICY_LEAVE_EXIT, now_ns);
	*thread->stats = (struct sched_thread_stats){0};
	sched_thread_adopt(server, cpu, thread);
	thread->seq = seq;
}

/* What its record in shared memory says of it, which is seldom anything.  False: it joins no queue. */
static __attribute__((noinline)) bool wake_joins(struct sched_server *server, struct sched_cpu *cpu,
						 struct sched_thread *thread, time_ns_t now_ns)
{
	if ((thread->params->flags & SCHED_THREAD_FRESH) != 0)
		thread_renew(server, cpu, thread, now_ns);
	if ((thread->params->flags & SCHED_THREAD_NOWHERE) == 0)
		return true;
	thread->state = SCHED_NOWHERE;
	return false;
}

static uint32_t wake_target(struct sched_server *server, struct sched_cpu *cpu,
			    struct sched_thread *thread, time_ns_t now_ns)
{
	const uint32_t target = sched_wake_target(server, cpu, thread, now_ns);

	if (cpu->way_out && target == cpu->index)
		return sched_steady_target(server, cpu, thread);
	return target;
}

straight void wake_count(struct sched_thread *thread, time_ns_t ready_ns, time_ns_t now_ns)
{
	sched_stat_add(&thread->stats->wakes, 1);
	thread->woke = true;
	thread->ready_since_ns = ready_ns != 0 ? ready_ns : now_ns;
}

void sched_thread_wake(struct sched_server *server, struct sched_cpu *cpu,
		       struct sched_thread *thread, time_ns_t ready_ns, time_ns_t now_ns)
{
	thread->in_request = false;
	sched_sleep_cancel(cpu, thread);
	if (thread->state == SCHED_READY)
		return;

	/* Acquire: of a fresh thread, what proc wrote before it said so. */
	const uint32_t said = __atomic_load_n(&thread->params->flags, __ATOMIC_ACQUIRE) &
			      (SCHED_THREAD_FRESH | SCHED_THREAD_NOWHERE);
	const bool fresh = (said & SCHED_THREAD_FRESH) != 0;

	if (said != 0 && !wake_joins(server, cpu, thread, now_ns))
		return;
	if (thread->joined) {
		wake_count(thread, ready_ns, now_ns);
		__atomic_store_n(&cpu->wakes, cpu->wakes + 1, __ATOMIC_RELAXED);
	}

	uint32_t target = cpu->index;

	if (fresh)
		target = sched_fork_target(server, cpu, thread, cpu->index);
	else if (server->cpus > 1)
		target = wake_target(server, cpu, thread, now_ns);

	enum policy_join join = thread->joined ? POLICY_JOIN_WAKE : POLICY_JOIN_NEW;

	sched_debt_collect(server, cpu, thread, now_ns);
	thread->joined = true;
	cpu->policy->enqueue(policy_cpu(cpu), policy_thread(thread), join, now_ns);
	thread->state = SCHED_READY;
	sched_mask_changed(server, thread);
	if (target != cpu->index)
		(void)sched_thread_move(server, cpu, thread, target, now_ns);
}

/* A record says so.  Of several records it is the last: whoever else became ready did so before. */
straight void event_yields(struct sched_cpu *cpu, struct sched_thread *thread, bool alone,
			   time_ns_t now_ns)
{
	sched_stat_add(&cpu->stats->requests, 1);
	if (alone || cpu->requesting_count == UPCALL_EVENTS_MAX) {
		sched_thread_yield(cpu, thread, now_ns);
		return;
	}
	thread->in_request = SCHED_YIELDS;
	cpu->requesting[cpu->requesting_count++] = thread;
}

/* alone: it is the only record of its upcall. */
straight void event_ready(struct sched_server *server, struct sched_cpu *cpu,
			  struct sched_thread *thread, word_t info, time_ns_t ready_ns,
			  time_ns_t now_ns, bool alone)
{
	unsigned cause = EVENT_CAUSE(info);
	bool slept = (info & EVENT_BLOCKED_SINCE) != 0 && (info & EVENT_WOKE_SINCE) != 0;

	if (slept && thread->state == SCHED_READY && !thread->in_request)
		thread_leave(server, cpu, thread, POLICY_LEAVE_SLEEP, now_ns);
	if (thread->state == SCHED_READY && (cause == CAUSE_PREEMPTED || cause == CAUSE_SLICE))
		cpu->policy->enqueue(policy_cpu(cpu), policy_thread(thread), POLICY_JOIN_PREEMPTED,
				     now_ns);
	else if (thread->state == SCHED_READY && cause == CAUSE_YIELD)
		event_yields(cpu, thread, alone, now_ns);
	else
		sched_thread_wake(server, cpu, thread, ready_ns, now_ns);
}

static enum policy_leave leave_reason(const struct sched_thread *thread)
{
	return (thread->params->flags & SCHED_THREAD_ENDED) != 0 ? POLICY_LEAVE_EXIT
								 : POLICY_LEAVE_SLEEP;
}

straight void event_blocked(struct sched_server *server, struct sched_cpu *cpu,
			    struct sched_thread *thread, const struct sched_event *event,
			    time_ns_t now_ns)
{
	unsigned cause = EVENT_CAUSE(event->info);

	if (cause == CAUSE_REQUEST && cpu->requesting_count < UPCALL_EVENTS_MAX) {
		/* Probably a request to us, which follows in this upcall: keep its place until
		 * we know. */
		thread->in_request = SCHED_ASKS;
		cpu->requesting[cpu->requesting_count++] = thread;
		return;
	}
	sched_sleep_cancel(cpu, thread);
	thread_leave(server, cpu, thread,
		     cause == CAUSE_STOPPED ? POLICY_LEAVE_KEEP : leave_reason(thread), now_ns);
}

/* The kernel lets the tag be used again when we ask for the next batch, not before. */
static void event_dead(struct sched_server *server, struct sched_cpu *cpu,
		       struct sched_thread *thread, time_ns_t now_ns)
{
	uint64_t owed_ns;

	sched_sleep_cancel(cpu, thread);
	sched_requesting_forget(cpu, thread);
	owed_ns = sched_debt_of(cpu, thread);
	thread_leave(server, cpu, thread, POLICY_LEAVE_EXIT, now_ns);
	sched_debt_pass(server, cpu, thread, owed_ns, now_ns);
	if (cpu->last_run == thread)
		cpu->last_run = NULL;
	if (cpu->payer == thread)
		cpu->payer = NULL;
	sched_mask_forget(server, thread);
	thread->state = SCHED_UNKNOWN;
}

/*
 * After a bind one batch may report a thread twice, once for its own record and once as homed here.
 * If the first made us send it elsewhere, it is its new dispatcher's by now, and the second says
 * nothing.
 */
static bool thread_gone(const struct sched_cpu *cpu, const struct sched_thread *thread,
			const struct sched_event *event)
{
	return thread->state != SCHED_UNKNOWN && EVENT_CAUSE(event->info) != CAUSE_ARRIVED &&
	       __atomic_load_n(&thread->home, __ATOMIC_RELAXED) != cpu->index;
}

void sched_event_charge(struct sched_server *server, struct sched_cpu *cpu,
			const struct sched_event *event, time_ns_t now_ns)
{
	struct sched_thread *thread = sched_thread_find(server, event->tag);

	if (thread != NULL && sched_thread_settled(cpu, thread))
		sched_thread_charge(cpu, thread, event->ran_ns, now_ns);
}

/* Make the thread settled and charge it; false if there is nothing else to do for this record. */
static __attribute__((noinline)) bool
thread_settle(struct sched_server *server, struct sched_cpu *cpu, struct sched_thread *thread,
	      const struct sched_event *event, time_ns_t now_ns)
{
	const bool known = thread->state != SCHED_UNKNOWN;

	if (thread_gone(cpu, thread, event))
		return false;
	if (!known) {
		if (EVENT_STATE(event->info) == EVENT_DEAD)
			return false;
		sched_thread_adopt(server, cpu, thread);
	}
	if (thread->arriving)
		thread_arrive(server, cpu, thread, now_ns);
	if (thread->balancer) {
		sched_balancer_event(cpu, thread, event);
		return false;
	}
	/* What it ran for another instance, or in the kernel's rotation, may be an hour; who was owed it, and
	 * what it was owed itself, is forgotten. */
	if (known)
		sched_thread_charge(cpu, thread, event->ran_ns, now_ns);
	else
		sched_stat_add(&thread->stats->cpu_ns, event->ran_ns);
	return true;
}

/* It lost the CPU and nothing else, and the policy does not mind. */
straight bool only_preempted(const struct sched_cpu *cpu, const struct sched_thread *thread,
			     word_t info)
{
	const unsigned cause = EVENT_CAUSE(info);

	return (cause == CAUSE_PREEMPTED || cause == CAUSE_SLICE) && thread->state == SCHED_READY &&
	       (info & EVENT_BLOCKED_SINCE) == 0 && !cpu->policy->preempted;
}

/* It is gone; or ready, and runs a server on its time.  Not told the record by its address, which would
 * put that into memory. */
static __attribute__((noinline)) void event_seldom(struct sched_server *server,
						   struct sched_cpu *cpu,
						   struct sched_thread *thread, word_t info,
						   time_ns_t ready_ns, time_ns_t now_ns)
{
	if (EVENT_STATE(info) == EVENT_DEAD)
		event_dead(server, cpu, thread, now_ns);
	if (EVENT_STATE(info) != EVENT_READY)
		return;
	if (!only_preempted(cpu, thread, info))
		event_ready(server, cpu, thread, info, ready_ns, now_ns, false);
	sched_served_note(cpu, thread, (info & EVENT_BLOCKED_SINCE) != 0);
}

/* Bring the queue to the reported state. */
straight void event_apply(struct sched_server *server, struct sched_cpu *cpu,
			  struct sched_thread *thread, const struct sched_event *event,
			  time_ns_t now_ns, bool alone)
{
	const unsigned state = sched_event_state(event);

	thread->seq = event->seq;
	if (state == EVENT_READY) {
		if (!only_preempted(cpu, thread, event->info))
			event_ready(server, cpu, thread, event->info, event->first_ready_ns, now_ns,
				    alone);
	} else if (state == EVENT_BLOCKED) {
		event_blocked(server, cpu, thread, event, now_ns);
	} else {
		event_seldom(server, cpu, thread, event->info, event->first_ready_ns, now_ns);
	}
}

void sched_event_settled(struct sched_server *server, struct sched_cpu *cpu,
			 struct sched_thread *thread, const struct sched_event *event,
			 time_ns_t now_ns)
{
	thread_charge(cpu, thread, event->ran_ns, now_ns);
	event_apply(server, cpu, thread, event, now_ns, true);
}

void sched_event_blocked(struct sched_server *server, struct sched_cpu *cpu,
			 struct sched_thread *thread, const struct sched_event *event,
			 time_ns_t now_ns)
{
	thread_charge(cpu, thread, event->ran_ns, now_ns);
	sched_sleep_cancel(cpu, thread);
	thread_leave(server, cpu, thread, leave_reason(thread), now_ns);
}

straight_too bool sched_events_nap(struct sched_server *server, struct sched_cpu *cpu,
				   const struct sched_upcall *upcall, const struct sched_pair *pair,
				   struct policy_pick *pick)
{
	struct sched_thread *before = pair->before, *next = pair->next;
	const struct sched_event *of_before = pair->of_before, *of_next = pair->of_next;
	const time_ns_t now_ns = upcall->now_ns;
	const uint32_t napped = cpu->policy->nap(
		policy_cpu(cpu), policy_thread(before), policy_thread(next),
		of_before->ran_ns + before->debt_ns, of_next->ran_ns + next->debt_ns, now_ns,
		server->pick_flags | server->offers, pick);

	if (napped == 0)
		return false;
	thread_charged(before, of_before->ran_ns, (napped & POLICY_NAP_DONE) != 0);
	before->seq = of_before->seq;
	wake_count(before, of_before->first_ready_ns, now_ns);
	/* Who was dispatched before had left: no preemption. */
	cpu->running = next;
	sched_stat_run(cpu, next, min_u64(upcall->buffer->switched_ns, now_ns));
	thread_charged(next, of_next->ran_ns, (napped & POLICY_NAP_NEXT_DONE) != 0);
	next->seq = of_next->seq;
	return true;
}

void sched_events_pair(struct sched_server *server, struct sched_cpu *cpu,
		       const struct sched_pair *pair, time_ns_t now_ns)
{
	const bool next_first = pair->next_first;
	const struct sched_event *event = next_first ? pair->of_next : pair->of_before;
	struct sched_thread *thread = next_first ? pair->next : pair->before;

	sched_event_blocked(server, cpu, pair->before, pair->of_before, pair->at_ns);
	if (sched_sleep_next(cpu) <= pair->at_ns)
		sched_sleep_expire(server, cpu, pair->at_ns);
	sched_succeed(cpu, pair->next, pair->at_ns);
	thread_charge(cpu, pair->next, pair->of_next->ran_ns, now_ns);
	for (uint32_t i = 0; i < 2; i++) {
		event_apply(server, cpu, thread, event, now_ns, false);
		event = next_first ? pair->of_before : pair->of_next;
		thread = next_first ? pair->before : pair->next;
	}
}

void sched_event_apply(struct sched_server *server, struct sched_cpu *cpu,
		       const struct sched_event *event, time_ns_t now_ns)
{
	struct sched_thread *thread = sched_thread_find(server, event->tag);

	if (thread != NULL && (sched_thread_settled(cpu, thread) ||
			       thread_settle(server, cpu, thread, event, now_ns)))
		event_apply(server, cpu, thread, event, now_ns, false);
}

/* Not inline: the path of one record is to stay short. */
__attribute__((noinline)) void sched_events_apply(struct sched_server *server,
						  struct sched_cpu *cpu,
						  const struct sched_upcall *upcall,
						  uint32_t charged)
{
	const uint32_t count = sched_upcall_count(upcall);

	for (uint32_t i = 0; i < count; i++)
		if (i != charged)
			sched_event_charge(server, cpu, sched_upcall_event(upcall, i),
					   upcall->now_ns);
	for (uint32_t i = 0; i < count; i++)
		sched_event_apply(server, cpu, sched_upcall_event(upcall, i), upcall->now_ns);
}

void sched_requesting_forget(struct sched_cpu *cpu, struct sched_thread *thread)
{
	for (uint32_t i = 0; i < cpu->requesting_count; i++)
		if (cpu->requesting[i] == thread)
			cpu->requesting[i] = NULL;
	thread->in_request = false;
}

void sched_requesting_settle(struct sched_server *server, struct sched_cpu *cpu, time_ns_t now_ns)
{
	for (uint32_t i = 0; i < cpu->requesting_count; i++) {
		struct sched_thread *thread = cpu->requesting[i];
		const uint8_t in_request = thread != NULL ? thread->in_request : SCHED_ASKS_NOT;

		if (in_request == SCHED_ASKS_NOT)
			continue;
		thread->in_request = SCHED_ASKS_NOT;
		if (in_request == SCHED_ASKS)
			thread_leave(server, cpu, thread, POLICY_LEAVE_SLEEP, now_ns);
		else if (thread->state == SCHED_READY)
			sched_thread_yield(cpu, thread, now_ns);
	}
	cpu->requesting_count = 0;
}
