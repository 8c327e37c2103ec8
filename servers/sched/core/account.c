/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the machine owes a thread where affinity masks bind.  Policies compare with the average load of their
 * CPU (policy_ops.set_average), and a CPU may have another level than those where the thread might be; and a
 * weight is not always what the thread counts (tilt.c).  So it is counted here:
 *
 *   f       the least level (level.c) of the CPUs that the thread may use
 *   r       min(1, w / f): the part of a CPU that it ideally has
 *   o       sum of r dt, less the time that it had
 *   o / r   what plans want: time at its fair rate (policy/place/plan.h)
 *
 * A turn is seconds of the share of a light thread: what is less than ACCOUNT_TURN_NS is not owed.  And o is
 * bounded, since some shares cannot be had: a debt that grows for ever would make the plans blind for all
 * others.
 *
 * A thread that slept begins anew, with half of it: what it had before the sleep is not known.
 *
 * Bad at: threads beyond the PLAN_THREADS_MAX that a CPU publishes, which are looked at when their turn
 * comes, with the rate of that moment.
 */
#include <base/math.h>

#include "account.h"

#define ACCOUNT_TURN_NS  2000000
#define ACCOUNT_NS_MAX   1000000000 /* times the thread's rate, but not below the next */
#define ACCOUNT_NS_LEAST 50000000

uint32_t sched_rate(uint64_t weight, uint64_t level)
{
	if (weight >= level)
		return SCHED_RATE_WHOLE;
	return (uint32_t)max_u64(weight * SCHED_RATE_WHOLE / level, 1);
}

/* At most an hour at a time. */
static int64_t due_ns(uint32_t rate, time_ns_t since_ns)
{
	return (int64_t)(min_u64(since_ns, UINT64_C(1) << 36) * rate >> SCHED_RATE_SHIFT);
}

int64_t sched_account_us(const struct sched_cpu *cpu, struct sched_thread *thread, uint32_t rate,
			 time_ns_t now_ns)
{
	const uint64_t cpu_ns = thread->stats->cpu_ns;
	const uint64_t most = max_u64((uint64_t)due_ns(rate, ACCOUNT_NS_MAX), ACCOUNT_NS_LEAST);

	if (thread->ready_since_ns > thread->owed_since_ns)
		thread->owed_ns /= 2;
	else if (thread->owed_since_ns != 0 && !cpu->average_own)
		thread->owed_ns += due_ns(rate, now_ns - thread->owed_since_ns) -
				   (int64_t)(cpu_ns - thread->owed_cpu_ns);
	thread->owed_ns = bound_i64(thread->owed_ns, (int64_t)most);
	thread->owed_since_ns = now_ns;
	thread->owed_cpu_ns = cpu_ns;

	const int64_t turn_ns = bound_i64(thread->owed_ns, ACCOUNT_TURN_NS);

	return (thread->owed_ns - turn_ns) / 1000 * SCHED_RATE_WHOLE / rate;
}
