/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counting semaphore between the threads of one process.  A post wakes who waits longest; one that does not
 * wait may be quicker to take what it left, which spares a switch where a semaphore is used as a lock.
 */
#pragma once

#include <libsys/futex.h>

struct semaphore {
	futex_word count;
	_Atomic uint32_t waiters;
	_Atomic uint32_t resets;
	uint32_t limit; /* 0: UINT32_MAX */
};

#define SEMAPHORE_INIT(n)                  \
	{                                  \
		.count = (n), .waiters = 0 \
	}

void semaphore_init(struct semaphore *semaphore, uint32_t count);

/* It never counts more than @limit (0: UINT32_MAX).  ERR_RANGE: @count is more already. */
__attribute__((warn_unused_result)) enum error semaphore_init_limit(struct semaphore *semaphore,
								    uint32_t count, uint32_t limit);

/* Take one, waiting for it, also through a reset. */
void semaphore_wait(struct semaphore *semaphore);

/* ERR_WOULD_BLOCK if there is none. */
__attribute__((warn_unused_result)) enum error semaphore_try_wait(struct semaphore *semaphore);

/* ERR_TIMEOUT if none came until @deadline_ns (absolute; TIME_NEVER: none).  ERR_CANCELLED: it was reset. */
__attribute__((warn_unused_result)) enum error semaphore_timed_wait(struct semaphore *semaphore,
								    time_ns_t deadline_ns);

/* Give one back, waking a waiter.  One above the limit is dropped. */
void semaphore_post(struct semaphore *semaphore);

/* Likewise; ERR_LIMIT if it was dropped. */
__attribute__((warn_unused_result)) enum error semaphore_try_post(struct semaphore *semaphore);

/* Count from 0 again; who waits with a time limit, be it TIME_NEVER, gets ERR_CANCELLED. */
void semaphore_reset(struct semaphore *semaphore);
