/* SPDX-License-Identifier: BSD-2-Clause */
/* Several threads that do the same, started and joined together. */
#pragma once

#include <abi/object.h>

#include <libsys/threads.h>

#define CREW_MAX 64u

struct crew {
	struct thread *threads[CREW_MAX];
	unsigned count;
};

/* Member i gets args + i * arg_bytes (arg_bytes 0: all get args).  Ends the process on failure. */
void crew_start(struct crew *crew, unsigned count, thrd_start_t *body, void *args,
		size_t arg_bytes);

/* Returns the sum of the results. */
int crew_join(struct crew *crew);

/* Let others run for a short while, also where the emulator's clock stands still while CPU 0 spins. */
void thread_pause(void);

/*
 * Until the thread is in that state.  THREAD_WAITING is a wait without a time limit; THREAD_REQUESTING a
 * sleep or a wait with one, but also the short sleep of who finds a lock of libsys taken, or is just made.
 */
void thread_await_state(struct thread *thread, enum thread_state state);

/* Let the calling thread run on one CPU only; false if that was refused. */
bool thread_pin(unsigned cpu);
