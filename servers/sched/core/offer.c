/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a decision says beyond who runs: until when which wakes need not enter the dispatcher, who runs if
 * this thread blocks, and whether an idle CPU may run whoever becomes ready.  The policy says what is exact
 * on one CPU; here it is brought together with sleepers, with other CPUs, and with what entries cost.
 *
 *   sleepers     wake by this server's timer, so the filter holds for them, too: one whose key passes it
 *                wakes when the filter or the slice ends, as if it had woken in time.  A
 *                successor stays until one wakes of which the policy does not know that it would not
 *                go first.
 *   other CPUs   a woken thread might go to an idle one, and an idle one looks for CPUs with more than one
 *                thread: a filter only where that is so already and nobody is idle, and
 *                no idle successor, which could not publish that it is idle.
 *   strangers    threads that may not run here any more leave when they wake, so then nothing may happen
 *                without this dispatcher.  For good: whether the last one has left is not known.
 *   debts        are charged with the next run, so the limits shrink by them.
 *   idle again   a CPU where threads run first, one at a time, is idle to all others: its idle bit stays,
 *                so whoever has a surplus sends some of it, which ends that.  What ran is not known here
 *                before the end, so that is bounded.
 */
#include <base/math.h>
#include <sched/sys_if.h>

#include "bill.h"
#include "core.h"
#include "offer.h"
#include "place.h"
#include "sleep.h"

/* An idle CPU among others: until it says that it is not idle any more. */
#define FIRST_SLICE_NS 1000000u
/* How long what ran first is not known here. */
#define AGAIN_NS       10000000u

/* So many sleepers may wake before a successor runs. */
#define WAKES_MAX 8u

/* So much later than the decision was begun a thread is dispatched, or less. */
#define LATE_NS 100000u

static time_ns_t time_until(const struct sched_thread *thread, uint64_t ns, time_ns_t now_ns)
{
	return ns == TIME_NEVER ? TIME_NEVER : now_ns + sub_saturate_u64(ns, thread->debt_ns);
}

static bool filter_allowed(const struct sched_server *server, const struct sched_cpu *cpu)
{
	return !cpu->several ||
	       (!cpu->strangers && __atomic_load_n(&cpu->load.runnable, __ATOMIC_RELAXED) > 1 &&
		!sched_idle_any(server, &server->online));
}

straight void offer_again(const struct sched_server *server, time_ns_t now_ns,
			  struct sched_decision *decision)
{
	if (!server->again)
		return;
	decision->flags |= (uint32_t)(DECISION_FIRST | DECISION_AGAIN);
	decision->again_until_ns = now_ns + AGAIN_NS;
}

straight_too void sched_offer_idle(const struct sched_server *server, const struct sched_cpu *cpu,
				   time_ns_t now_ns, struct sched_decision *decision)
{
	if ((server->offers & POLICY_PICK_SUCCESSOR) == 0 || cpu->silent || cpu->strangers)
		return;
	decision->flags = (uint32_t)DECISION_FIRST;
	decision->slice_ns = server->cpus == 1 ? TIME_NEVER : FIRST_SLICE_NS;
	offer_again(server, now_ns, decision);
}

/* A filter that holds for the whole slice ends with it, whenever that begins: a time would come a little
 * before, and enter this dispatcher twice. */
static time_ns_t filter_until(const struct sched_thread *thread, uint64_t filter_ns,
			      uint64_t slice_ns, time_ns_t now_ns)
{
	if (filter_ns >= slice_ns && slice_ns >= thread->debt_ns + SLICE_MIN_NS)
		return TIME_NEVER;
	return time_until(thread, filter_ns, now_ns);
}

straight void offer_filter(struct sched_cpu *cpu, const struct policy_pick *pick, time_ns_t now_ns,
			   struct sched_decision *decision)
{
	const struct sched_thread *thread = policy_thread_owner(pick->thread);

	decision->filter_until_ns = filter_until(thread, pick->filter_ns, pick->slice_ns, now_ns);
	decision->filter_key = pick->filter_key;
	if (decision->filter_until_ns <= now_ns)
		return;
	decision->flags |= (uint32_t)DECISION_FILTER;
	cpu->filter_key = pick->filter_key;
}

/* The first wake of a sleeper from which on the successor may be another one, or until_ns. */
straight time_ns_t sleepers_succeed(const struct sched_cpu *cpu, const struct policy_pick *pick,
				    const struct sched_decision *decision, time_ns_t until_ns)
{
	const struct sched_thread *sleepers[WAKES_MAX];
	const struct policy_thread *wakes[WAKES_MAX];
	uint32_t filtered = 0;

	if (decision->timer_ns >= until_ns)
		return until_ns;
	if (cpu->policy->succeed_past == NULL || (decision->flags & DECISION_FILTER) == 0)
		return decision->timer_ns;

	until_ns = min_u64(until_ns, decision->filter_until_ns);
	const uint32_t due = sched_sleep_first(cpu, until_ns, sleepers, WAKES_MAX);

	while (filtered < due && sleepers[filtered]->key >= decision->filter_key) {
		wakes[filtered] =
			(const struct policy_thread *)(const void *)sleepers[filtered]->policy;
		filtered++;
	}

	const uint32_t passed = cpu->policy->succeed_past(policy_cpu_const(cpu), &pick->successor,
							  wakes, filtered);

	if (passed < due)
		return sleepers[passed]->wake_at_ns;
	/* Another one may be due then, too. */
	return due == WAKES_MAX ? sleepers[due - 1]->wake_at_ns : until_ns;
}

straight void offer_successor(const struct sched_server *server, struct sched_cpu *cpu,
			      const struct policy_pick *pick, time_ns_t now_ns,
			      struct sched_decision *decision)
{
	const struct policy_successor *next = &pick->successor;
	struct sched_thread *thread = policy_thread_owner(pick->thread);
	const time_ns_t until_ns = sleepers_succeed(cpu, pick, decision,
						    time_until(thread, next->valid_ns, now_ns));

	if (until_ns <= now_ns || (next->thread == NULL && server->cpus > 1))
		return;
	decision->flags |= (uint32_t)DECISION_SUCCESSOR;
	decision->successor_until_ns = until_ns;
	decision->successor_tid = 0;
	decision->successor_seq = 0;
	decision->successor_slice_ns = TIME_NEVER;
	decision->successor_filter_until_ns = 0;
	decision->successor_filter_key = 0;
	if (next->thread == NULL) {
		if (!cpu->strangers)
			offer_again(server, now_ns, decision);
		return;
	}
	thread = policy_thread_owner(next->thread);
	cpu->successor = thread;
	decision->successor_tid = thread->tid;
	decision->successor_seq = thread->seq;
	decision->successor_slice_ns = sched_slice_after_debt(thread, next->slice_ns);
	if (next->filter_ns != 0 && (server->offers & POLICY_PICK_FILTER) != 0 &&
	    filter_allowed(server, cpu)) {
		decision->successor_filter_until_ns = filter_until(thread, next->filter_ns,
								   next->slice_ns, now_ns);
		decision->successor_filter_key = next->filter_key;
		cpu->next_filter_key = next->filter_key;
	}
}

/* Sleepers whose wake decides nothing: their time is when the filter ends, in which of the two runs it ends
 * first.  An idle CPU filters nobody. */
straight void sleepers_defer(struct sched_cpu *cpu, time_ns_t now_ns,
			     struct sched_decision *decision)
{
	/* With slices that end, this dispatcher is entered before. */
	time_ns_t entered_ns = add_saturate_u64(now_ns + LATE_NS, decision->slice_ns);
	time_ns_t until_ns = decision->filter_until_ns;
	uint64_t key = decision->filter_key;

	if ((decision->flags & DECISION_SUCCESSOR) != 0) {
		if (decision->successor_tid == 0)
			return;
		entered_ns = add_saturate_u64(entered_ns, decision->successor_slice_ns);
		until_ns = min_u64(until_ns, decision->successor_filter_until_ns);
		key = max_u64(key, decision->successor_filter_key);
	}
	until_ns = min_u64(until_ns, entered_ns);
	if (decision->timer_ns >= until_ns)
		return;
	decision->timer_ns = sched_sleep_next_below(cpu, key, until_ns);
	cpu->sleepers_wait = true;
}

straight_too void sched_offer_thread(const struct sched_server *server, struct sched_cpu *cpu,
				     const struct policy_pick *pick, time_ns_t now_ns,
				     struct sched_decision *decision)
{
	if ((pick->offers & POLICY_PICK_FILTER) != 0 && filter_allowed(server, cpu))
		offer_filter(cpu, pick, now_ns, decision);
	if ((pick->offers & POLICY_PICK_SUCCESSOR) != 0)
		offer_successor(server, cpu, pick, now_ns, decision);
	if ((decision->flags & DECISION_FILTER) != 0 && decision->timer_ns != TIME_NEVER)
		sleepers_defer(cpu, now_ns, decision);
}

void sched_offer_key(struct sched_server *server, struct sched_cpu *cpu,
		     struct sched_thread *thread, const struct policy_params *params)
{
	const uint64_t key = cpu->policy->key != NULL ? cpu->policy->key(params) : 0;

	if (key != thread->key && sched_sys_set_key(server, thread->tid, key) == ERR_OK)
		thread->key = key;
}
