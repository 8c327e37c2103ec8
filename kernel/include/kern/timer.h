/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one deadline of each CPU: the earliest of slice end, server timer, decision limit (while the
 * dispatcher runs), starvation limit, and end of the wake filter if that holds something back.  The
 * hardware is set again only when the deadline moves to before what it is set to; a timer that fires
 * too early for that is set again then, so a thread that never uses up its slice costs no timer
 * access.
 *
 * Starvation: the thread that has waited longest is at the front of the ready ring, and the front
 * only becomes younger.  So the time at which it will have waited too long, once known, stays early
 * enough until it passes; then it is worked out again.
 */
#pragma once

#include <kern/core.h>

/* Owner.  After any of the times above changed. */
void timer_update(struct core *core);

/* Owner, lock held, after the ready ring changed: when the thread that has waited longest will have
 * waited too long. */
void timer_starvation(struct core *core) LOCK_REQUIRES(core->lock);
/* The same where a thread runs: not later than that. */
static inline void timer_starvation_lazy(struct core *core) LOCK_REQUIRES(core->lock)
{
	if (core->starvation_end_ns == TIME_NEVER)
		timer_starvation(core);
}

/* Owner, no lock held, from the timer interrupt: note what is due. */
void timer_expired(struct core *core);

/* Saturating. */
static inline time_ns_t time_after(time_ns_t now, time_ns_t duration)
{
	return duration > TIME_NEVER - now ? TIME_NEVER : now + duration;
}
