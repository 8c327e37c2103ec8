/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests to the scheduler.  A request goes to the dispatcher of the CPU that the caller runs on;
 * answers RESTARTED (the server was replaced) and, about oneself, MOVED are retried here.
 */
#pragma once

#include <libsys/ipc.h>
#include <sched/protocol.h>

/* Sleep until an absolute time; past times return at once. */
void sched_sleep_until(time_ns_t deadline_ns);

/* As sched_sleep_until, ERR_CANCELLED if the thread's notification was signalled (and taken). */
MUST_CHECK enum error sched_sleep_interruptible(time_ns_t deadline_ns);

/* Let others that may run go first. */
void sched_yield_now(void);

/*
 * Change one parameter of a thread of this process, @tid 0 = the caller.  ERR_LIMIT: more than this
 * process may ask for.  ERR_RANGE: no such value.  ERR_NOT_FOUND: no such thread.
 */
MUST_CHECK enum error sched_param_set(uint32_t tid, enum sched_param param, word_t value,
				      word_t value2);

/* The caller's own parameter. */
MUST_CHECK enum error sched_param_get(enum sched_param param, word_t *value, word_t *value2);
