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
#include <base/math.h>
#include <sched/sys_if.h>

#include "again.h"
#include "balance.h"
#include "bill.h"
#include "changes.h"
#include "core.h"
#include "event.h"
#include "level.h"
#include "offer.h"
#include "place.h"
#include "replay.h"
#include "request.h"
#include "served.h"
#include "sleep.h"
#include "stats.h"
#include "thread.h"
#include "upcall.h"

#define BALANCER_SLICE_NS 1000000u

struct sched_cpu *sched_cpu_init(struct sched_server *server, uint32_t index,
				 const struct policy_ops *policy, const struct place_ops *place)
{
	struct sched_cpu *cpu = &server->cpu[index];

	cpu->place = place;
	__atomic_store_n(&server->thread, server->threads, __ATOMIC_RELAXED);
	sched_policy_set(cpu, policy);
	cpu->stats = &server->shared->cpu[index];
	cpu->index = index;
	cpu->balancer_tid = 0;
	cpu->grouped = false;
	cpu->changes_ns = TIME_NEVER;
	cpu->several = server->cpus > 1;
	cpu->plan = (struct plan){
		.pull_tid = PLAN_NOBODY, .from = PLAN_NOBODY, .push_tid = PLAN_NOBODY};
	heap_init(&cpu->sleepers);
	policy->cpu_init(policy_cpu(cpu), index);
	/* From the start, so that all threads of the queue have accounts of the same clock. */
	if (server->cpus > 1)
		policy->set_average(policy_cpu(cpu), 0, 0);
	__atomic_store_n(&cpu->stats->policy_id, policy->id, __ATOMIC_RELAXED);
	__atomic_fetch_or(&server->online.bits[index / 64u], UINT64_C(1) << (index % 64u),
			  __ATOMIC_SEQ_CST);
	return cpu;
}

/*
 * The kernel would not run what we chose.  If an event told why, its sequence is newer than what we
 * decided on, and it was applied already; if none did, forget the thread until one does.
 */
static __attribute__((noinline)) void decision_refused(struct sched_server *server,
						       struct sched_cpu *cpu,
						       const struct sched_upcall *upcall)
{
	struct sched_thread *thread = sched_thread_find(server, cpu->decided_tid);

	sched_stat_add(&cpu->stats->refusals, 1);
	cpu->running = NULL;
	/* It may be about the successor: once more without one. */
	cpu->offer_refused = (cpu->decided_flags & DECISION_SUCCESSOR) != 0;
	if (thread == NULL || cpu->offer_refused)
		return;
	if (cpu->decided_tid == cpu->balancer_tid) {
		if (cpu->balancer_seq == cpu->decided_seq)
			cpu->balancer_ready = false;
	} else if (thread->state == SCHED_READY && thread->seq == cpu->decided_seq) {
		/* So it is here: what of this upcall would have sent it away had a newer sequence. */
		cpu->policy->dequeue(policy_cpu(cpu), policy_thread(thread), POLICY_LEAVE_KEEP,
				     upcall->now_ns);
		thread->state = SCHED_OUT;
		sched_mask_changed(server, thread);
	}
}

static time_ns_t upcall_ran(const struct sched_upcall *upcall)
{
	const uint32_t count = sched_upcall_count(upcall);
	time_ns_t ran_ns = 0;

	for (uint32_t i = 0; i < count; i++)
		ran_ns += sched_upcall_event(upcall, i)->ran_ns;
	return ran_ns;
}

/* Not inline: the path of one record is to stay short. */
static __attribute__((noinline)) void
upcall_events(struct sched_server *server, struct sched_cpu *cpu, const struct sched_upcall *upcall)
{
	const bool behind = cpu->sleepers_wait && sched_sleep_next(cpu) < upcall->now_ns;
	const bool switched = (upcall->info & UPCALL_SWITCHED) != 0;
	const bool again = (cpu->decided_flags & DECISION_AGAIN) != 0;
	const word_t events = UPCALL_EVENTS(upcall->info);
	struct sched_thread *first = events == 0 ? NULL
						 : sched_thread_find(server, upcall->first.tag);

	/* If the CPU idled in between, most of it was no entry. */
	if (switched && (again || upcall->buffer->switched_tag == 0))
		cpu->payer = NULL;
	const time_ns_t ran_ns = upcall_ran(upcall);

	sched_changes_charge(cpu, ran_ns, upcall->now_ns);
	sched_entry_bill(cpu, ran_ns, upcall->now_ns);
	if ((UPCALL_REASONS(upcall->info) & (1u << REASON_KICK | 1u << REASON_REFUSED)) != 0)
		sched_changes_look(server, cpu, upcall);
	if (again && switched)
		sched_replay_again(server, cpu, upcall);
	else if (behind || switched || (events > 1 && sched_filtered_any(server, cpu, upcall)))
		sched_replay(server, cpu, upcall, behind);
	else if (events != 0)
		sched_events_apply(server, cpu, upcall, sched_upcall_count(upcall));
	cpu->payer = first != NULL && sched_thread_settled(cpu, first) ? first : NULL;
}

/* One record of a thread that is known and nothing else: nearly every upcall.  False if it is another. */
straight bool upcall_short(struct sched_server *server, struct sched_cpu *cpu,
			   const struct sched_upcall *upcall)
{
	const word_t what = upcall->info &
			    (UPCALL_EVENTS(~0ull) | UPCALL_REQUEST | UPCALL_MORE | UPCALL_SWITCHED);
	struct sched_thread *thread;

	if (what != 1 || upcall->status != ERR_OK || cpu->sleepers_wait)
		return false;
	thread = sched_thread_find(server, upcall->first.tag);
	if (thread == NULL || !sched_thread_settled(cpu, thread))
		return false;
	sched_entry_bill(cpu, upcall->first.ran_ns, upcall->now_ns);
	cpu->payer = thread;
	sched_event_settled(server, cpu, thread, &upcall->first, upcall->now_ns);
	return true;
}

/* policy.h: nobody is picked only if nobody can run, but for whom a cap or one order for all CPUs
 * holds back. */
static void idle_check(struct sched_server *server, const struct sched_cpu *cpu)
{
	const uint32_t runnable = __atomic_load_n(&cpu->load.runnable, __ATOMIC_RELAXED);

	if (runnable != 0 && !cpu->grouped && cpu->place->on_turn == NULL)
		sched_sys_policy_idles(server, cpu->index, runnable);
}

static __attribute__((noinline)) void idle_begin(struct sched_server *server, struct sched_cpu *cpu,
						 time_ns_t now_ns)
{
	idle_check(server, cpu);
	if (cpu->place->on_turn != NULL) /* who waits here may not be allowed to run here */
		sched_push_surplus(server, cpu, now_ns);
	sched_balance_idle(server, cpu, now_ns);
	sched_stat_add(&cpu->stats->idles, 1);
}

straight void decide_idle(struct sched_server *server, struct sched_cpu *cpu, time_ns_t now_ns,
			  struct sched_decision *decision)
{
	idle_begin(server, cpu, now_ns);
	cpu->running = NULL;
	cpu->last_run = NULL;
	decision->kind = DECISION_IDLE;
	decision->slice_ns = TIME_NEVER;
	sched_offer_idle(server, cpu, now_ns, decision);
}

static void decide_balancer(struct sched_cpu *cpu, struct sched_decision *decision)
{
	decision->kind = DECISION_RUN;
	decision->tid = cpu->balancer_tid;
	decision->seq = cpu->balancer_seq;
	decision->slice_ns = BALANCER_SLICE_NS;
	decision->flags = 0;
}

/* Whom the policy is not asked about; it was asked for no offers then (pick_offers()). */
static __attribute__((noinline)) bool decide_out_of_turn(struct sched_cpu *cpu, time_ns_t now_ns,
							 struct sched_decision *decision)
{
	if (cpu->served_count != 0 && sched_served_decide(cpu, now_ns, decision))
		return true;
	if (cpu->balancer_ready)
		decide_balancer(cpu, decision);
	return cpu->balancer_ready;
}

straight void decide_thread(struct sched_cpu *cpu, const struct policy_pick *pick, time_ns_t now_ns,
			    struct sched_decision *decision, bool several)
{
	struct sched_thread *thread = policy_thread_owner(pick->thread);

	sched_stat_dispatch(cpu, thread, now_ns);
	cpu->running = thread;
	thread->turn_over = false;
	if (several)
		__atomic_store_n(&cpu->running_class, thread->mask_class, __ATOMIC_RELAXED);
	decision->kind = DECISION_RUN;
	decision->tid = thread->tid;
	decision->seq = thread->seq;
	decision->slice_ns = sched_slice_after_debt(thread, pick->slice_ns);
}

/* What else the policy is asked for: nothing where its answer would not be given to the kernel. */
static uint32_t pick_offers(const struct sched_server *server, const struct sched_cpu *cpu)
{
	return !cpu->silent && !cpu->balancer_ready && !cpu->offer_refused && cpu->served_count == 0
		       ? server->offers
		       : 0;
}

/* Somebody runs here: what that means for the other CPUs. */
static void busy_among_others(struct sched_server *server, struct sched_cpu *cpu, time_ns_t now_ns,
			      struct policy_pick *pick)
{
	const uint32_t moves = cpu->moves;

	sched_idle_clear(server, cpu->index);
	cpu->idle_tried = cpumask_none();
	sched_push_surplus(server, cpu, now_ns);
	if (now_ns >= cpu->next_balance_ns)
		sched_balance_period(server, cpu, now_ns);
	/* Its offers are about another queue, or the layer of groups is over it now. */
	if (cpu->moves != moves || cpu->silent)
		pick->offers = 0;
}

/* What counts for one decision. */
static void usual_again(struct sched_cpu *cpu)
{
	cpu->offer_refused = false;
	cpu->sleepers_wait = false;
}

/* When to look at the other CPUs again. */
static time_ns_t others_next(struct sched_server *server, struct sched_cpu *cpu,
			     const struct policy_pick *pick, time_ns_t now_ns)
{
	return pick->thread != NULL ? sched_balance_period_next(server, cpu, now_ns)
				    : sched_balance_idle_next(cpu, now_ns);
}

/* `plain`: sched_usual().  `picked`: `pick` is what the policy says now. */
straight void decide(struct sched_server *server, struct sched_cpu *cpu, time_ns_t now_ns,
		     struct sched_decision *decision, const bool plain, struct policy_pick *pick,
		     bool picked)
{
	const bool several = !plain && server->cpus > 1;
	const uint32_t offers = plain ? server->offers : pick_offers(server, cpu);

	decision->tid = 0;
	decision->seq = 0;
	decision->flags = 0;
	sched_stat_add(&cpu->stats->picks, 1);
	if (several && cpu->place->on_turn != NULL)
		sched_turn_over(server, cpu, now_ns);
	if (!picked) {
		pick->offers = 0; /* of a policy that makes none */
		cpu->policy->pick(policy_cpu(cpu), now_ns, server->pick_flags | offers, pick);
	}
	if (!picked) /* else by the same threads as before */
		sched_load_publish_pick(cpu, pick, several);

	const bool idle = pick->thread == NULL;

	if (several && !idle)
		busy_among_others(server, cpu, now_ns, pick);
	if (idle)
		decide_idle(server, cpu, now_ns, decision);
	else
		decide_thread(cpu, pick, now_ns, decision, several);
	if (!plain)
		usual_again(cpu);
	cpu->successor = NULL;
	cpu->filter_key = UINT64_MAX;
	cpu->next_filter_key = UINT64_MAX;
	const bool out_of_turn = !plain && decide_out_of_turn(cpu, now_ns, decision);

	if (idle && !out_of_turn)
		cpu->payer = NULL; /* what passes until the next entry is idle time */
	else if (pick->offers != 0)
		sched_offer_thread(server, cpu, pick, now_ns, decision);
	else if (!plain && !out_of_turn)
		sched_changes_hold(cpu, now_ns, decision);
	if (several)
		decision->timer_ns = min_u64(decision->timer_ns,
					     others_next(server, cpu, pick, now_ns));
	/* Whoever is throttled wants to be asked for again. */
	if (!plain && idle && cpu->grouped && pick->slice_ns != TIME_NEVER)
		decision->timer_ns = min_u64(decision->timer_ns, now_ns + pick->slice_ns);
}

/* All but one record.  False if there are more: then nothing is to be decided. */
static __attribute__((noinline)) bool upcall_long(struct sched_server *server,
						  struct sched_cpu *cpu,
						  const struct sched_upcall *upcall,
						  enum sched_replayed replayed)
{
	if (replayed == SCHED_REPLAY_OTHER)
		upcall_events(server, cpu, upcall);
	if (upcall->status != ERR_OK && upcall->status != ERR_STALE)
		decision_refused(server, cpu, upcall);
	if ((upcall->info & UPCALL_REQUEST) != 0)
		sched_request_handle(server, cpu, &upcall->buffer->request, upcall->now_ns);
	if ((upcall->info & UPCALL_MORE) == 0)
		return true;
	if (cpu->decided_tid == 0) /* it was idle: nobody pays */
		cpu->payer = NULL;
	return false;
}

static __attribute__((noinline)) void decide_closely(struct sched_server *server,
						     struct sched_cpu *cpu, time_ns_t now_ns,
						     struct sched_decision *decision)
{
	struct policy_pick pick;

	if (cpu->requesting_count != 0)
		sched_requesting_settle(server, cpu, now_ns);
	decision->timer_ns = sched_sleep_next(cpu);
	if (decision->timer_ns <= now_ns) {
		/* This entry is theirs, not of whoever ran until then. */
		if (cpu->payer != NULL)
			cpu->payer = sched_sleep_soonest(cpu);
		sched_sleep_expire(server, cpu, now_ns);
		decision->timer_ns = sched_sleep_next(cpu);
	}
	decide(server, cpu, now_ns, decision, false, &pick, false);
}

/* Who is not told the upcall and the decision by their addresses leaves them in registers. */
void sched_upcall(struct sched_server *server, struct sched_cpu *cpu,
		  const struct sched_upcall *upcall, struct sched_decision *decision)
{
	const time_ns_t now_ns = upcall->now_ns;
	bool picked = false;
	struct policy_pick pick;

	if (!upcall_short(server, cpu, upcall)) {
		const struct sched_upcall whole = *upcall;
		const enum sched_replayed replayed = sched_replay_pair(server, cpu, &whole, &pick);

		picked = replayed == SCHED_REPLAY_PICKED;
		if (!picked && !upcall_long(server, cpu, &whole, replayed)) {
			decision->kind = DECISION_NONE;
			decision->tid = 0;
			decision->flags = 0;
			cpu->successor = NULL;
			return;
		}
	}
	decision->timer_ns = sched_sleep_next(cpu);
	if (picked) { /* only what is usual is */
		decide(server, cpu, now_ns, decision, true, &pick, true);
	} else if (sched_usual(cpu) && decision->timer_ns > now_ns) {
		decide(server, cpu, now_ns, decision, true, &pick, false);
	} else {
		struct sched_decision closely;

		decide_closely(server, cpu, now_ns, &closely);
		*decision = closely;
	}
	cpu->decided_tid = decision->tid;
	cpu->decided_seq = decision->seq;
	cpu->decided_flags = decision->flags;
}
