/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs a workload: one thread for each task, all started at the same moment, and one for each fork.
 *
 *   runner.c  threads and their statistics     script.c  what a task does: phases and events
 *   sync.c    what tasks wait for
 *
 * Bad at: ending a thread from outside; each looks at the clock between its events, and whatever
 * it waits for ends with the workload.
 */
#pragma once

#include <base/workload.h>
#include <libsys/process.h>
#include <libsys/semaphore.h>
#include <libsys/threads.h>

#define RUNNER_FORKS_MAX      2000u
#define RUNNER_NAME_BYTES_MAX (WORKLOAD_NAME_BYTES_MAX + 12u)

struct runner;

/* One task while it runs, and what became of it. */
struct runner_task {
	const struct workload_task *task;
	struct runner *runner;
	char name[RUNNER_NAME_BYTES_MAX];
	struct thread *thread; /* null for a forked one, which nobody waits for */
	uint32_t tid;
	bool forked;
	time_ns_t first_ns; /* the grid of its timers begins here */
	time_ns_t cpu_ns;   /* between the common start, or its fork, and its end */
	time_ns_t ended_ns; /* 0: still running */
	enum error error;   /* of setting its parameters */

	/* Written by itself, read by whoever looks for a standstill. */
	_Atomic bool waits; /* for another task, without a limit of time */
	_Atomic uint32_t waits_count;

	struct proc_thread_stats before;
	struct proc_thread_stats stats; /* the difference, once it has ended */
	uint32_t wakes_before[SCHED_HISTOGRAM_BUCKETS];
	uint32_t wakes[SCHED_HISTOGRAM_BUCKETS];
};

/* What tasks share, by kind. */
struct runner_object {
	struct mtx mutex;                     /* mutex; timer: guards its grid */
	_Atomic(struct runner_task *) holder; /* mutex */
	struct cnd condition;                 /* condition */
	_Atomic uint32_t arrived;             /* barrier */
	futex_word rounds;                    /* barrier, suspension: how often it was opened */
	bool started;                         /* timer */
	time_ns_t next_ns;                    /* timer */
};

/* What a group had. */
struct runner_group {
	word_t used_ns;
	word_t throttled_ns;
	word_t periods;
	word_t periods_throttled;
};

struct runner {
	const struct workload *workload;
	struct runner_object *objects;
	uint32_t cpus;

	/* Threads, those that start by themselves first.  Under `growing` once they run. */
	struct runner_task **tasks;
	uint32_t started_count;
	uint32_t task_count;
	struct mtx growing;

	struct semaphore ready; /* posted by each task when its parameters are set */
	struct semaphore go;
	struct semaphore done;  /* posted by each task at its end */
	struct semaphore leave; /* they stay until their statistics were read */
	time_ns_t start_ns;     /* written before `go` */
	time_ns_t end_ns;       /* TIME_NEVER: until all have ended */
	time_ns_t wall_ns;

	/* The workload's groups: made before its threads, deleted after them. */
	word_t group_ids[WORKLOAD_GROUPS_MAX];
	struct runner_group groups[WORKLOAD_GROUPS_MAX]; /* while it ran */

	struct proc_cpu_info *cpu_before; /* [cpus] */
	struct proc_cpu_info *cpu_after;
};

/*
 * Runs it all, and fills everything above in.  @progress is called once a second.
 * Ends the process if memory or threads are missing, if a task breaks a rule (unlocks what it does
 * not hold) or if all tasks wait for each other; ERR_* if a task's parameters were refused, with
 * the task's name printed.
 */
__attribute__((warn_unused_result)) enum error
runner_run(struct runner *runner, const struct workload *workload, uint32_t cpus,
	   void (*progress)(const struct runner *runner, time_ns_t now_ns));

/* Start another thread like @task, which runs at once. */
void runner_fork(struct runner *runner, const struct workload_task *task);

/* Say what a task did wrong and end the process with status 1. */
_Noreturn void runner_fail(const struct runner_task *self, const char *what, const char *object);

/* script.c */

/* Asks the scheduler for what is set.  The first error of a request. */
__attribute__((warn_unused_result)) enum error params_apply(const struct runner *runner,
							    const struct workload_params *params);
/* All that the task does from now on, until it ends or the workload does. */
void task_run(struct runner_task *self);

/* groups.c */
/* Make the workload's groups.  The first error, with the group's name printed. */
__attribute__((warn_unused_result)) enum error groups_create(struct runner *runner);
void groups_begin(struct runner *runner); /* what they had before the start does not count */
void groups_end(struct runner *runner);
void groups_delete(struct runner *runner);

/* sync.c: false if the workload ended while it waited. */
bool sync_lock(struct runner_task *self, uint32_t index);
void sync_unlock(struct runner_task *self, uint32_t index);
bool sync_wait(struct runner_task *self, uint32_t index, uint32_t mutex);
void sync_wake(struct runner_task *self, uint32_t index, bool all);
bool sync_barrier(struct runner_task *self, uint32_t index);
bool sync_suspend(struct runner_task *self, uint32_t index);
void sync_resume(struct runner_task *self, uint32_t index);
/* Mutexes that a thread that ends still holds. */
void sync_release(struct runner_task *self);
