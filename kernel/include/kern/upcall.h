/* SPDX-License-Identifier: BSD-2-Clause */
/* Entering the dispatcher, and what it is told. */
#pragma once

#include <kern/core.h>

static inline struct upcall_buffer *upcall_buffer(const struct tcb *dispatcher)
{
	return (struct upcall_buffer *)(void *)__atomic_load_n(&dispatcher->ipc_buffer,
							       __ATOMIC_RELAXED);
}

/* Owner, lock held: tell of the switch without the dispatcher.  What that is in the upcall. */
static inline word_t upcall_switched(struct core *core, struct upcall_buffer *buffer)
	LOCK_REQUIRES(core->lock)
{
	/* All loads first: what is stored may be anywhere, for all that the compiler knows. */
	time_ns_t at_ns = core->switched_ns, sleep_ns = core->switched_sleep_ns;
	word_t tag = core->switched_tag;

	buffer->switched_ns = at_ns;
	buffer->switched_tag = tag;
	buffer->switched_sleep_ns = sleep_ns;
	core->switched = false;
	return UPCALL_SWITCHED;
}

/* Owner, no lock held; a dispatcher is bound and does not run.  Preempts what runs. */
void upcall_enter(struct core *core) LOCK_EXCLUDES(core->lock);

/* Owner, lock held; the dispatcher runs: the next batch and the outcome of its last decision. */
void upcall_fill(struct core *core, enum error outcome, time_ns_t now) LOCK_REQUIRES(core->lock);
