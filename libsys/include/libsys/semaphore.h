/* SPDX-License-Identifier: BSD-2-Clause */
/* Counting semaphore between the threads of one process. */
#pragma once

#include <libsys/futex.h>

struct semaphore {
	futex_word count;
	_Atomic uint32_t waiters;
};

#define SEMAPHORE_INIT(n)                  \
	{                                  \
		.count = (n), .waiters = 0 \
	}

void semaphore_init(struct semaphore *semaphore, uint32_t count);

/* Take one, waiting for it. */
void semaphore_wait(struct semaphore *semaphore);

/* ERR_WOULD_BLOCK if there is none. */
__attribute__((warn_unused_result)) enum error semaphore_try_wait(struct semaphore *semaphore);

/* ERR_TIMEOUT if none came until @deadline_ns (absolute). */
__attribute__((warn_unused_result)) enum error semaphore_timed_wait(struct semaphore *semaphore,
								    time_ns_t deadline_ns);

/* Give one back, waking a waiter. */
void semaphore_post(struct semaphore *semaphore);
