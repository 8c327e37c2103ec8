/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the machine owes a thread where affinity masks bind and there are groups (else: account.c).
 *
 * The policy's account compares with the load that its own CPU ideally has, its level A.  A thread that might
 * as well be on a CPU of a lower level f should get more than that, w / f: on a CPU full of pinned
 * heavy ones it would look well served for ever.  So here is added what the policy left out:
 *
 *   e   what the policy says is owed: A (time / A - growth of v)
 *   X   sum over its stays of time (1 / f - 1 / A)
 *   f (e / A + X) is what it is owed against a CPU of level f
 *
 * What is owed is bounded.  Some shares cannot be had by sharing CPUs by weight, and a debt that grows for
 * ever would make the plans (policy/place/plan.h) blind for all others.
 *
 * Nothing is added for a thread that is heavier than its CPU's level: measured, it made the plans worse.
 * Bad at: threads beyond the PLAN_THREADS_MAX that a CPU publishes, which are looked at when their
 * turn comes.
 */
#include <base/math.h>

#include "core.h"
#include "owed.h"

#define OWED_SHIFT         20u
#define OWED_US_MAX        300000
#define OWED_POLICY_US_MAX INT64_C(20000000)

void sched_average_set(struct sched_cpu *cpu, uint64_t average, bool own, time_ns_t now_ns)
{
	if (average != 0) {
		cpu->policy->set_average(policy_cpu(cpu), average, now_ns);
		cpu->average = average;
	}
	cpu->average_own = own;
	if (own)
		cpu->policy->set_average(policy_cpu(cpu), 0, now_ns);
}

int64_t sched_owed_us(const struct sched_cpu *cpu, struct sched_thread *thread, uint64_t here,
		      uint64_t level, int64_t owed_us, time_ns_t now_ns)
{
	const time_ns_t stay_ns = max_u64(thread->arrived_ns, thread->ready_since_ns);
	const time_ns_t from_ns = max_u64(thread->owed_since_ns, stay_ns);
	const int64_t since = (int64_t)(sub_saturate_u64(now_ns, from_ns) / 1000) << OWED_SHIFT;

	if (here == 0 || level == 0)
		return owed_us;

	const int64_t average = (int64_t)here;
	const int64_t full = (int64_t)min_u64(level, here);

	/* A sleeper forgets half of it, as of the policy's account. */
	if (thread->ready_since_ns > thread->owed_since_ns)
		thread->owed_more /= 2;
	if (!cpu->average_own && thread->owed_since_ns != 0)
		thread->owed_more += since / full - since / average;
	thread->owed_since_ns = now_ns;

	const int64_t all_us = bound_i64(owed_us, OWED_POLICY_US_MAX) * full / average +
			       (thread->owed_more * full >> OWED_SHIFT);
	const int64_t kept_us = bound_i64(all_us, OWED_US_MAX);

	thread->owed_more -= ((all_us - kept_us) * (1 << OWED_SHIFT)) / full;
	return kept_us;
}
