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

/* timer_starvation_lazy(), timer_update(): whether there is something for them to do. */
static inline bool timer_moves(const struct core *core, time_ns_t deadline)
{
	time_ns_t starvation = core->starvation_end_ns;

	if (starvation == TIME_NEVER)
		return deadline < core->armed_ns ||
		       (!list_empty(&core->ready) && core->starvation_limit_ns != 0);
	return (starvation < deadline ? starvation : deadline) < core->armed_ns;
}
