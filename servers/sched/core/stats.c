/* SPDX-License-Identifier: BSD-2-Clause */
/* Counters in shared memory.  One writer each (see shared.h), so a relaxed load and store is
 * enough. */
#include <base/histogram.h>
#include <base/math.h>

#include "stats.h"

_Static_assert(HISTOGRAM_BUCKETS == SCHED_HISTOGRAM_BUCKETS, "one histogram shape");

static void stat_max(uint64_t *maximum, uint64_t value)
{
	if (value > __atomic_load_n(maximum, __ATOMIC_RELAXED))
		__atomic_store_n(maximum, value, __ATOMIC_RELAXED);
}

/* That many wakes after which the thread ran so long afterwards. */
static void stat_waits(struct sched_thread_stats *stats, uint32_t wakes, uint64_t wait_ns)
{
	uint32_t *bucket = &stats->wake_histogram[histogram_bucket(wait_ns)];
	uint32_t count = __atomic_load_n(bucket, __ATOMIC_RELAXED);

	__atomic_store_n(bucket, count + wakes, __ATOMIC_RELAXED);
	stat_max(&stats->wake_max_ns, wait_ns);
}

void sched_stat_woken(struct sched_thread *thread, time_ns_t now_ns)
{
	stat_waits(thread->stats, 1, sub_saturate_u64(now_ns, thread->ready_since_ns));
	thread->woke = false;
}

void sched_stat_firsts(struct sched_thread *thread, uint32_t wakes, time_ns_t wait_ns)
{
	if (wakes == 0)
		return;
	sched_stat_add(&thread->stats->wakes, wakes);
	sched_stat_add(&thread->stats->runs, wakes);
	stat_waits(thread->stats, wakes, wait_ns);
}
