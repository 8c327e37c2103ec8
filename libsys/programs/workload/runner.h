/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs a workload: one thread for each task, all started at the same moment. */
#pragma once

#include <base/workload.h>
#include <libsys/process.h>
#include <libsys/semaphore.h>
#include <libsys/threads.h>

struct runner;

/* One task while it runs, and what became of it. */
struct runner_task {
	const struct workload_task *task;
	struct runner *runner;
	struct thread *thread;
	uint32_t tid;
	time_ns_t cpu_ns;   /* between the common start and its end */
	time_ns_t ended_ns; /* 0: still running */
	enum error error;   /* of setting its parameters */
	_Atomic uint32_t ended;

	struct proc_thread_stats before;
	struct proc_thread_stats stats; /* the difference, once it has ended */
	uint32_t wakes_before[SCHED_HISTOGRAM_BUCKETS];
	uint32_t wakes[SCHED_HISTOGRAM_BUCKETS];
};

struct runner_timer {
	struct mtx lock;
	bool started;
	time_ns_t next_ns;
};

struct runner {
	const struct workload *workload;
	struct runner_task *tasks;
	struct runner_timer *timers; /* one for each object; only timers use theirs */
	uint32_t cpus;

	struct semaphore ready; /* posted by each task when its parameters are set */
	struct semaphore go;
	struct semaphore done;  /* posted by each task at its end */
	struct semaphore leave; /* they stay until their statistics were read */
	time_ns_t start_ns;     /* written before `go` */
	time_ns_t end_ns;       /* TIME_NEVER: until all have ended */
	time_ns_t wall_ns;

	struct proc_cpu_info *cpu_before; /* [cpus] */
	struct proc_cpu_info *cpu_after;
};

/*
 * Runs it all, and fills everything above in.  @progress is called once a second.
 * Ends the process if memory or threads are missing; ERR_* if a task's parameters were refused,
 * with the task's name printed.
 */
__attribute__((warn_unused_result)) enum error
runner_run(struct runner *runner, const struct workload *workload, uint32_t cpus,
	   void (*progress)(const struct runner *runner, time_ns_t now_ns));
