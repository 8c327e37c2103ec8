/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What entries of the dispatcher cost, and who pays: debt_ns of a thread, which is charged with what it runs
 * next.  What is left when the thread ends is debt.h's.
 */
#pragma once

#include <base/math.h>
#include <sched/server.h>

/* A second and 131 us, as powers of two: one instruction each. */
#define SCHED_DEBT_NS_MAX  (1u << 30)
#define SCHED_ENTRY_NS_MAX (1u << 17)

/* What it owes is part of the request that the policy has in mind: the slice shrinks by it. */
static inline time_ns_t sched_slice_after_debt(const struct sched_thread *thread,
					       time_ns_t slice_ns)
{
	return slice_ns != TIME_NEVER && slice_ns > thread->debt_ns ? slice_ns - thread->debt_ns
								    : slice_ns;
}

/*
 * What passed since the last entry and no thread ran: that entry, the kernel's part of it and of this
 * one included.  A CPU that its host took away for a while is no entry, hence the limit.
 */
static inline time_ns_t sched_entry_cost(const struct sched_cpu *cpu, time_ns_t ran_ns,
					 time_ns_t now_ns)
{
	const time_ns_t cost_ns = now_ns - cpu->entered_ns - ran_ns;

	if (cost_ns > SCHED_ENTRY_NS_MAX) /* or below 0 */
		return (int64_t)cost_ns < 0 ? 0 : SCHED_ENTRY_NS_MAX;
	return cost_ns;
}

/* On the bill of the thread that caused the last entry, which pays when it is charged for running the
 * next time: a charge of its own would cost as much as the decision. */
static inline void sched_entry_bill(struct sched_cpu *cpu, time_ns_t ran_ns, time_ns_t now_ns)
{
	const time_ns_t cost_ns = sched_entry_cost(cpu, ran_ns, now_ns);
	struct sched_thread *payer = cpu->payer;

	cpu->entered_ns = now_ns;
	if (payer == NULL)
		return;
	payer->debt_ns = (uint32_t)min_u64(payer->debt_ns + cost_ns, SCHED_DEBT_NS_MAX);
}
