/* SPDX-License-Identifier: BSD-2-Clause */
/* Entering the dispatcher with the record of the payer.  Only fast paths include this. */
#pragma once

#include <kern/ready.h>
#include <kern/upcall.h>

/* Event 0, laid out as the registers (upcall.c). */
static inline struct sched_event *first_event(struct tcb *dispatcher)
{
	return (struct sched_event *)(void *)&dispatcher->context.x[3];
}

/* Where an entry comes from, besides the capability of a wait or a signal, or the number of an
 * interrupt: for traces that are recorded in its end. */
#define ORIGIN_SIGNAL  ((word_t)1 << 63)
#define ORIGIN_IRQ     ((word_t)1 << 62)
#define ORIGIN_PREEMPT ((word_t)0) /* traced as it entered the kernel */

/* Lock held: what the switch before adds to the upcall; nothing is untold any more. */
static inline word_t untold_clear(struct core *core, struct upcall_buffer *buffer)
	LOCK_REQUIRES(core->lock)
{
	word_t upcall = 0;

	core->untold = 0;
	if (core->switched)
		upcall = upcall_switched(core, buffer);
	core->switched_sleep_ns = 0;
	return upcall;
}

/* Lock held: ready_insert() */
static inline void schedulable_ready(struct core *core, struct tcb *payer, time_ns_t now)
	LOCK_REQUIRES(core->lock)
{
	sched_set(payer, SCHED_READY);
	payer->ready_since_ns = now;
	if ((tcb_flags(payer) & TCB_FLAG_FALLBACK_FIRST) != 0)
		list_push_front(&core->ready, &payer->ready_link);
	else
		list_push_back(&core->ready, &payer->ready_link);
}

/*
 * Lock of the Core held, and given back (the analysis does not know two names of one lock): what
 * upcall_enter(), upcall_fill() and kernel_exit() do, when the payer's own record is the last that they
 * hand over.  It becomes that event, with that info; sched and the ready ring are seen to.  prev is loaded
 * here, upcall is the dispatcher's x1, origin says what to trace.  The entry was counted.
 */
struct tcb *must_check fastpath_enter(word_t origin, const struct vspace *space, struct tcb *prev,
				      struct cpu *cpu, struct sched_event *event, word_t info,
				      word_t upcall, time_ns_t now);
