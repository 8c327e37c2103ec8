/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Running a ready thread from a fast path (<kern/fastpath.h>): may it be, it does, the timer.  Only fast
 * paths include this.
 */
#pragma once

#include <kern/ready.h>
#include <kern/timer.h>

/* Lock held: dispatch_check().  Relaxed: it is compared with the Core that is locked. */
static inline bool may_dispatch(const struct core *core, const struct tcb *payer, word_t seq)
{
	return byte_hint(&payer->object.dying) == 0 &&
	       __atomic_load_n(&payer->home, __ATOMIC_RELAXED) == core &&
	       payer->sched == SCHED_READY && payer->seq == seq;
}

/* Lock held: core_dispatch() */
static inline void payer_dispatch(struct core *core, struct tcb *payer) LOCK_REQUIRES(core->lock)
{
	list_remove(&payer->ready_link);
	sched_set(payer, SCHED_RUNNING);
	core->payer = payer;
	counter_add(&core->stats.dispatches, 1);
	if (core->last_payer != payer) {
		core->last_payer = payer;
		counter_add(&core->stats.switches, 1);
	}
}

/* Lock held: whether the longest waiting thread is known, as after timer_starvation_lazy(). */
static inline bool starvation_known(const struct core *core) LOCK_REQUIRES(core->lock)
{
	return core->starvation_end_ns != TIME_NEVER || list_empty(&core->ready) ||
	       core->starvation_limit_ns == 0;
}

/* timer_update() where the deadline has moved.  In dispatch/fastpath_decision.c. */
struct tcb *fastpath_timer_set(struct tcb *next, struct core *core, time_ns_t deadline);

/* The last step: timer_update() with this deadline, or that of starvation if it comes first. */
static inline struct tcb *run_until(struct tcb *next, struct core *core, time_ns_t deadline)
{
	time_ns_t starvation = core->starvation_end_ns;

	if (starvation < deadline)
		deadline = starvation;
	if (__builtin_expect(deadline < core->armed_ns, 0))
		return fastpath_timer_set(next, core, deadline);
	return next;
}
