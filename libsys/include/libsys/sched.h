/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests to the scheduler.  A request goes to the dispatcher of the CPU that the caller runs on;
 * answers RESTARTED (the server was replaced) and, about oneself, MOVED are retried here, often but not for
 * ever: who has ERR_RESTARTED from a function below (about another thread
 * ERR_UNSUPPORTED or ERR_BUSY) has no scheduler server.
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
 * process may ask for.  ERR_RANGE: no such value.  ERR_NOT_FOUND: no such thread.  ERR_NO_TIME: a
 * reservation (SCHED_PARAM_PERIOD_NS, or the slice of a thread that has one) that policy edf does not admit:
 * with those of its CPU it would exceed the CPU.  A smaller one may fit, or another CPU
 * (SCHED_PARAM_AFFINITY).
 */
MUST_CHECK enum error sched_param_set(uint32_t tid, enum sched_param param, word_t value,
				      word_t value2);

/*
 * Groups of threads, as cgroup cpu.weight and cpu.max: docs/design/groups.md.  A thread is put into one
 * with sched_param_set(tid, SCHED_PARAM_GROUP, id, 0), a process and what it starts later with
 * process_sched_set(pid, 0, SCHED_PARAM_GROUP, id, 0).  All may return ERR_PERMISSION: a confined process
 * may use groups below the one that it was started in only.
 */
struct sched_group {
	word_t parent;    /* 0: the root */
	word_t weight;    /* beside its siblings, 1..2^20; 1024 = a thread of nice 0 */
	word_t quota_ns;  /* CPU time of all CPUs in each period, 100 us or more; 0: no cap */
	word_t period_ns; /* 1 ms..1 s; counts if there is a quota */
};

/*
 * ERR_RANGE: weight, quota or period.  ERR_NOT_FOUND: no such parent.  ERR_LIMIT: deeper than 4, or more
 * than a confined process may have.  ERR_NO_MEMORY: all 63 are in use, or no memory for groups at all.
 * ERR_UNSUPPORTED: the scheduling policy leaves no room for them.
 */
MUST_CHECK enum error sched_group_create(const struct sched_group *group, word_t *id);
/* Another weight or cap; group->parent is not looked at.  ERR_RANGE, ERR_NOT_FOUND. */
MUST_CHECK enum error sched_group_set(word_t id, const struct sched_group *group);
/* ERR_BUSY: there are threads or groups in it.  ERR_NOT_FOUND. */
MUST_CHECK enum error sched_group_delete(word_t id);
/* One figure of it.  ERR_NOT_FOUND, ERR_ARG. */
MUST_CHECK enum error sched_group_get(word_t id, enum sched_group_field field, word_t *value);
/* The first group with an index (SCHED_GROUP_INDEX) of @index or more; ERR_NOT_FOUND: no more. */
MUST_CHECK enum error sched_group_next(word_t index, word_t *id);

/* The caller's own parameter. */
MUST_CHECK enum error sched_param_get(enum sched_param param, word_t *value, word_t *value2);
