/* SPDX-License-Identifier: BSD-2-Clause */
/* Several threads that do the same, started and joined together. */
#pragma once

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

/* Until the thread is blocked in a wait or a sleep: then it stays so if nobody does anything for it. */
void thread_await_asleep(struct thread *thread);

/* Let the calling thread run on one CPU only; false if that was refused. */
bool thread_pin(unsigned cpu);
