/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a CPU does without a dispatcher: a fixed round robin over its ready ring, threads with
 * TCB_FLAG_FALLBACK_FIRST first.  Also from a bind until the first accepted decision.
 */
#pragma once

#include <kern/core.h>

#define FALLBACK_SLICE_NS 10000000ull

/* The reason in words; also for one that is none. */
const char *fallback_text(unsigned reason);

/* Owner, no lock held.  End the binding of the dispatcher, answer the callers blocked on this Core,
 * tell the supervisor.  The old dispatcher is stopped; if it was parked its park returns UNBOUND. */
void fallback_enter(struct core *core, enum fallback_reason reason) LOCK_EXCLUDES(core->lock);

/* The current thread is the bound dispatcher and wants to block: fallback instead; its system call is
 * started again if it is ever resumed.  True: it was. */
bool fallback_if_dispatcher(struct tcb *tcb);

/* Owner, no lock held: choose, or rotate if the slice ended. */
void fallback_schedule(struct core *core) LOCK_EXCLUDES(core->lock);
