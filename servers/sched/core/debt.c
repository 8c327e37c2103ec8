/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What ends with a debt: whoever made it pays.
 *
 * A thread that is new starts with lag 0 and runs soon.  Were what it owes forgotten when it ends, a
 * program that replaces its threads (or processes) all the time would get more than its share.  So the
 * debt goes to its heir, the thread that made it, as a bill in the shared memory: the heir may live on
 * another CPU.  Its dispatcher takes the bill when the heir wakes, or has had its turn, and charges it
 * with what the heir runs next.
 *
 * Bad at: a thread whose maker is gone has no heir.
 */
#include "core.h"

/* A thread's own lag, and what it was told to pay for others: bounded, for a maker is no culprit. */
#define INHERITED_NS_MAX POLICY_SLICE_NS_MAX

void sched_debt_take(struct sched_thread *thread)
{
	if (__atomic_load_n(thread->bill_ns, __ATOMIC_RELAXED) == 0)
		return;
	/* Relaxed: a sum, nothing else is read by it. */
	thread->debt_ns = (uint32_t)min_u64(
		thread->debt_ns + __atomic_exchange_n(thread->bill_ns, 0, __ATOMIC_RELAXED),
		SCHED_DEBT_NS_MAX);
}

void sched_debt_pass(struct sched_server *server, struct sched_cpu *cpu,
		     struct sched_thread *thread)
{
	const struct sched_thread_params *params = thread->params;
	struct policy_info info;
	uint64_t owed_ns;

	sched_debt_take(thread);
	cpu->policy->query(policy_cpu(cpu), policy_thread(thread), &info);
	owed_ns = thread->debt_ns;
	if (info.lag_ns.whole < 0)
		owed_ns += 0 - (uint64_t)info.lag_ns.whole;
	thread->debt_ns = 0;
	if (params->heir != thread->tid)
		sched_bill(server->shared, params->heir, params->heir_pid,
			   min_u64(owed_ns, INHERITED_NS_MAX));
}
