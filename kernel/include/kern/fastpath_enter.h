/* SPDX-License-Identifier: BSD-2-Clause */
/* Entering the dispatcher with the record of the payer.  Only fast paths include this. */
#pragma once

#include <kern/core.h>

/* Event 0, laid out as the registers (upcall.c). */
static inline struct sched_event *first_event(struct tcb *dispatcher)
{
	return (struct sched_event *)(void *)&dispatcher->context.x[3];
}

/*
 * Lock of the Core held, and given back (the analysis does not know two names of one lock): what
 * upcall_enter(), upcall_fill() and kernel_exit() do, when the payer's own record is the last that they
 * hand over.  It becomes that event, with that info; sched and the ready ring are seen to.  prev is loaded
 * here, upcall is the dispatcher's x1, cptr that of a wait.  The entry was counted.
 */
struct tcb *must_check fastpath_enter(cptr_t cptr, const struct vspace *space, struct tcb *prev,
				      struct cpu *cpu, struct sched_event *event, word_t info,
				      word_t upcall, time_ns_t now);
