/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What ends with a debt: whoever made it pays, before it runs again.
 *
 * A thread that is new starts with lag 0 and runs soon.  Were what it owes forgotten when it ends, a
 * program that replaces its threads (or processes) all the time would get more than its share.  So the
 * debt goes to its heir, the thread that made it or another one that proc chose when it ended.  One that
 * is ready on this CPU is charged at once.  Else it has a bill in the shared memory, since it may live on
 * another CPU, whose dispatcher takes it when the heir wakes, as part of the lag that it comes back with, or
 * has had its turn.  So does that of the next thread that the heir makes, whoever is first: an heir may sleep
 * for ever.
 *
 * Why the lag: the debt left the queue together with who ended, and the others lost what they were owed.  A
 * thread that joins with lag -d gives them d; one that joins with 0 and is charged d gives them its own part
 * less, half of it beside one other.  And it waits where it would have run first and been a sleeper in debt
 * afterwards, who competes beside the next one it has made.
 *
 * Bad at: an heir of another CPU pays there, and the others here have lost what they were owed.
 */
#include <base/math.h>

#include "bill.h"
#include "core.h"
#include "debt.h"
#include "thread.h"

/* A thread's own lag, and what it was told to pay for others: bounded, for a maker is no culprit. */
#define INHERITED_NS_MAX POLICY_SLICE_NS_MAX

/* All of a bill.  Relaxed: a sum, nothing else is read by it. */
static uint64_t bill_take(uint64_t *bill_ns)
{
	if (bill_ns == NULL || __atomic_load_n(bill_ns, __ATOMIC_RELAXED) == 0)
		return 0;
	return __atomic_exchange_n(bill_ns, 0, __ATOMIC_RELAXED);
}

void sched_debt_take(struct sched_thread *thread)
{
	thread->debt_ns = (uint32_t)min_u64(thread->debt_ns + bill_take(thread->bill_ns),
					    SCHED_DEBT_NS_MAX);
}

/* One that is still in the queue, as a sleeper in debt, lost its part too when the debt left: it is
 * charged. */
void sched_debt_collect(struct sched_server *server, struct sched_cpu *cpu,
			struct sched_thread *thread, time_ns_t now_ns)
{
	uint64_t owed_ns = bill_take(thread->bill_ns);
	struct policy_info info;

	if (!thread->joined)
		owed_ns += bill_take(sched_bill_of(server->shared, thread->params->heir,
						   thread->params->heir_pid));
	if (owed_ns == 0)
		return;
	owed_ns = min_u64(owed_ns, SCHED_DEBT_NS_MAX);
	cpu->policy->query(policy_cpu(cpu), policy_thread(thread), &info);
	if (info.state == POLICY_OUT) {
		info.lag_ns.whole -= (int64_t)owed_ns;
		cpu->policy->set_lag(policy_thread(thread), info.lag_ns);
	} else {
		(void)cpu->policy->charge(policy_cpu(cpu), policy_thread(thread), owed_ns, now_ns);
	}
}

uint64_t sched_debt_of(struct sched_cpu *cpu, struct sched_thread *thread)
{
	struct policy_info info;
	uint64_t owed_ns;

	sched_debt_take(thread);
	cpu->policy->query(policy_cpu(cpu), policy_thread(thread), &info);
	owed_ns = thread->debt_ns;
	if (info.lag_ns.whole < 0)
		owed_ns += 0 - (uint64_t)info.lag_ns.whole;
	return min_u64(owed_ns, INHERITED_NS_MAX);
}

void sched_debt_bill(struct sched_server *server, struct sched_thread *thread, uint64_t owed_ns)
{
	const uint32_t heir = __atomic_load_n(&thread->params->heir, __ATOMIC_RELAXED);

	if (heir != thread->tid)
		sched_bill(server->shared, heir,
			   __atomic_load_n(&thread->params->heir_pid, __ATOMIC_RELAXED), owed_ns);
}

void sched_debt_pass(struct sched_server *server, struct sched_cpu *cpu,
		     struct sched_thread *thread, uint64_t owed_ns, time_ns_t now_ns)
{
	const uint32_t tid = __atomic_load_n(&thread->params->heir, __ATOMIC_RELAXED);
	const uint32_t pid = __atomic_load_n(&thread->params->heir_pid, __ATOMIC_RELAXED);
	struct sched_thread *heir = sched_thread_find(server, tid);

	if (owed_ns == 0 || heir == NULL || heir == thread)
		return;
	if (sched_thread_settled(cpu, heir) && heir->state == SCHED_READY &&
	    sched_bill_of(server->shared, tid, pid) != NULL)
		(void)cpu->policy->charge(policy_cpu(cpu), policy_thread(heir), owed_ns, now_ns);
	else
		sched_debt_bill(server, thread, owed_ns);
}
