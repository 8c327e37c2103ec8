/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a decision allows without asking the dispatcher again: a wake filter, a successor, and on an
 * idle CPU the first thread that becomes ready, once or again and again (<abi/sched.h>).
 *
 * All of it is in the Core, under its lock, and only while the dispatcher is parked: an entry and
 * fallback take it back.  core.next names a thread and holds no reference.  It stays good memory while
 * it is armed, because a thread that is ready here stops being so only
 *   - by a stop, deletion included, which posts a record (sched_blocked);
 *   - by its dispatcher (dispatch, TCB_SET_HOME), which runs then, or by others in fallback;
 * and every record that is posted here disarms next.  Likewise for core.next.asks: who leaves its request
 * has a record posted, or is answered by the dispatcher, or in fallback.
 *
 * The end of a filter is not lost:
 *
 *   waking CPU, lock of the home Core held          home CPU
 *   W1 filtered = true                              H1 requests &= ~TIMER
 *   W2 requests |= TIMER (IPI if it was 0)          H2 filtered?  the deadline includes the end
 *
 * W2 before H1: H2 sees W1 (release and acquire of requests), and the timer is set.  H1 before W2: the
 * bit is taken before the CPU next leaves the kernel, or interrupts it.
 */
#pragma once

#include <kern/core.h>

/* Lock held.  Relaxed: the owner reads it without the lock as a hint, and again under it. */
static inline void successor_arm(struct core *core, bool armed) LOCK_REQUIRES(core->lock)
{
	__atomic_store_n(&core->next.armed, armed, __ATOMIC_RELAXED);
}

static inline bool successor_armed(const struct core *core)
{
	return __atomic_load_n(&core->next.armed, __ATOMIC_RELAXED);
}

/* Owner, lock held: the dispatcher is asked next. */
static inline void successor_forget(struct core *core) LOCK_REQUIRES(core->lock)
{
	core->filter_until_ns = 0;
	__atomic_store_n(&core->filtered, false, __ATOMIC_RELAXED);
	core->first_slice_ns = 0;
	core->idle_slice_ns = 0;
	core->again_until_ns = 0;
	core->next.asks = NULL;
	successor_arm(core, false);
}

/* Lock held: may this thread be dispatched here now, as the dispatcher last saw it?  DEAD, FOREIGN,
 * NOT_READY or BAD_SEQ. */
enum error must_check dispatch_check(const struct core *core, const struct tcb *payer, word_t seq)
	LOCK_REQUIRES(core->lock);

/* Owner, lock held: whoever becomes ready while this CPU idles is run for slice_ns, and until again_until_ns
 * (0: once) the CPU goes idle under the same terms when it blocks.  It idles now, or when next says so. */
void first_set(struct core *core, time_ns_t slice_ns, time_ns_t again_until_ns)
	LOCK_REQUIRES(core->lock);

/* Owner, lock held, the times of this dispatch being set: what kicks until filter_until_ns. */
static inline void filter_set(struct core *core, time_ns_t until_ns, word_t key)
	LOCK_REQUIRES(core->lock)
{
	core->filter_until_ns = until_ns;
	core->filter_key = key;
	core->filter_arms = until_ns < core->slice_end_ns && until_ns < core->server_timer_ns;
}

/* The same, something being pending that it holds back. */
static inline void filter_pending(struct core *core, time_ns_t until_ns, word_t key)
	LOCK_REQUIRES(core->lock)
{
	filter_set(core, until_ns, key);
	__atomic_store_n(&core->filtered, true, __ATOMIC_RELAXED);
}

/* Lock of home held: whether this wake is one that the dispatcher need not see now. */
bool filter_wake(struct core *home, const struct tcb *payer, time_ns_t now)
	LOCK_REQUIRES(home->lock);

/* Lock of home held: whether a change that somebody makes is one that the dispatcher need not see now. */
bool filter_change(struct core *home) LOCK_REQUIRES(home->lock);

/* Owner, from the timer interrupt: enter the dispatcher for what the filter has held back. */
void filter_expire(struct core *core, time_ns_t now) LOCK_EXCLUDES(core->lock);

/* Lock of home held: whether home idles and runs this thread, which has just become ready, itself. */
bool first_claim(struct core *home, struct tcb *payer) LOCK_REQUIRES(home->lock);

/* Owner, from the request of first_claim(): run that thread. */
void first_run(struct core *core) LOCK_EXCLUDES(core->lock);

/* Owner, nobody runs: run core.next.  False: it may not be run (any more). */
bool successor_run(struct core *core, time_ns_t now) LOCK_EXCLUDES(core->lock);
