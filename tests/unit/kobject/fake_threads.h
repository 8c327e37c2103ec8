/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads, IPC and dispatch as capability management sees them (<kern/thread.h>), without any of it:
 * a thread is a state, an endpoint something that takes a number of steps to destroy.
 */
#pragma once

#include <kern/tcb.h>

struct fakes {
	unsigned destroy_steps;        /* of endpoints, notifications, replies made from now on */
	unsigned thread_destroy_waits; /* times that thread_destroy says "not yet", per thread */
	unsigned suspend_waits;        /* times that thread_suspend says "look again" */
	unsigned preempt_every;        /* every n-th question is answered with yes; 0: never */
	void (*on_grace)(void);        /* called in grace_wait, no lock held */
	enum error bind_error;         /* what is wrong with whoever is to be bound */

	/* What happened. */
	unsigned graces;
	unsigned suspends;
	unsigned objects_destroyed;
	unsigned threads_destroyed;
	unsigned signals;
	word_t signal_badge;
	unsigned empty_switches;
	unsigned preempt_asked;
};

extern struct fakes fakes;

void fakes_reset(void);
