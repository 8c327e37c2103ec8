/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting, by system calls: see park.h.  Each thread sleeps on the notification bound to it. */
#include <libsys/clock.h>
#include <libsys/sched.h>
#include <libsys/syscall.h>
#include <proc/slots.h>

#include "park.h"
#include "thread.h"

#define SPINS_MAX     100u
#define SPIN_SLEEP_NS 50000u

word_t park_handle(void)
{
	return thread_self()->park;
}

time_ns_t park_now_ns(void)
{
	return clock_now_ns();
}

void park_wait(time_ns_t deadline_ns)
{
	word_t word;

	/* The result does not matter: who waits looks at its own condition again. */
	if (deadline_ns == TIME_NEVER)
		(void)!sys_wait(thread_self()->park, &word);
	else
		(void)!sched_sleep_interruptible(deadline_ns);
}

void park_signal(word_t handle)
{
	sys_signal(handle);
}

void spin_backoff(unsigned attempt)
{
	if (attempt < SPINS_MAX)
		__asm__ volatile("yield");
	else
		sched_sleep_until(time_add_ns(clock_now_ns(), SPIN_SLEEP_NS));
}
