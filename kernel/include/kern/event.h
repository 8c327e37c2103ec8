/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Event records: the state of each schedulable as its dispatcher is to see it, one record in each
 * TCB, linked at most once on the list of its home Core.  Changes accumulate in the record; linking
 * needs no memory, so nothing is ever lost.  seq counts posted changes; what the dispatcher itself
 * does (dispatch, TCB_ANSWER, TCB_SET_HOME) does not change it.
 * While no dispatcher is bound records accumulate unlinked, and bind reports every thread.
 *
 * core.untold is set with everything that an entry of the dispatcher hands over: a linked record, a
 * request, a walk over the homed threads, a switch without the dispatcher.  It is cleared when an entry
 * leaves nothing of that, and not when a record goes away by itself: only its 0 means something.
 * core.untold_more is set with what is neither a record nor a switch.
 */
#pragma once

#include <kern/core.h>

/* What accumulates in a record until it is taken: EVENT_*_SINCE and EVENT_FIRSTS*. */
#define EVENT_GATHERED (~(word_t)0xffff)

/* Lock of home held.  Does not kick.  What was to run next is not any more (<kern/successor.h>). */
void event_post(struct core *home, struct tcb *tcb, enum event_state state, enum event_cause cause)
	LOCK_REQUIRES(home->lock);

/* Owner, lock held: this thread, just dispatched, was run first.  Its record says how often, and how long
 * it had waited. */
void event_first(struct tcb *tcb, time_ns_t now);

/* Owner, lock held: take what has accumulated, unlink the record. */
void event_take(const struct core *core, struct tcb *tcb, struct sched_event *out)
	LOCK_REQUIRES(core->lock);

/* Owner, lock held: the next record to hand over, a homed thread to report again after a bind, or
 * NULL. */
struct tcb *event_next(struct core *core) LOCK_REQUIRES(core->lock);

/* Owner, lock held: something is there that the dispatcher has not seen. */
bool event_pending(const struct core *core) LOCK_REQUIRES(core->lock);
