/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What waiting needs from the system: five functions.  src/park.c makes system calls of them, the
 * host tests make POSIX threads of them, so the wait queues above are the same code in both.
 */
#pragma once

#include <abi/types.h>

/* Names the calling thread to park_signal(); never 0, unique among living threads. */
word_t park_handle(void);

/*
 * Sleep until signalled or until @deadline_ns (TIME_NEVER: none).  May return early for no reason;
 * a signal sent before the call counts.  Never fails.
 */
void park_wait(time_ns_t deadline_ns);

/* Wake a thread.  Harmless if it has ended: the handle then names nobody, or somebody who loops. */
void park_signal(word_t handle);

/*
 * Called between attempts to get a spin lock, with the number of the attempt.  Spins at first, then
 * sleeps for a short while: the holder may have been preempted, and a policy such as fifo would
 * never run it while the waiter spins.
 */
void spin_backoff(unsigned attempt);

time_ns_t park_now_ns(void);
