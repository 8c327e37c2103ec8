/* SPDX-License-Identifier: BSD-2-Clause */
#include "runner.h"

#include <stdio.h>
#include <stdlib.h>

#include <libsys/clock.h>
#include <libsys/errno.h>

#include "../lib/program.h"

#define START_DELAY_NS (5 * NS_PER_MS)
#define STACK_BYTES    16384u

static void *need_memory(size_t count, size_t bytes)
{
	void *at = calloc(count ? count : 1, bytes);

	if (!at)
		program_fail("preparing the workload", ERR_NO_MEMORY);
	return at;
}

void runner_fail(const struct runner_task *self, const char *what, const char *object)
{
	printf("workload: task %s %s \"%s\", %lu ns after the start\n", self->name, what, object,
	       (unsigned long)(clock_now_ns() - self->runner->start_ns));
	exit(1);
}

/* --- Statistics of one task --- */

static void stats_begin(struct runner_task *at)
{
	program_need("reading a thread's statistics", thread_stats(at->tid, &at->before));
	program_need("reading a thread's statistics", thread_wakes(at->tid, at->wakes_before));
}

static void stats_end(struct runner_task *at)
{
	struct proc_thread_stats after;

	program_need("reading a thread's statistics", thread_stats(at->tid, &after));
	program_need("reading a thread's statistics", thread_wakes(at->tid, at->wakes));
	at->stats = (struct proc_thread_stats){
		.cpu_ns = after.cpu_ns - at->before.cpu_ns,
		.runs = after.runs - at->before.runs,
		.preemptions = after.preemptions - at->before.preemptions,
		.migrations = after.migrations - at->before.migrations,
		.wakes = after.wakes - at->before.wakes,
		.wake_max_ns = after.wake_max_ns,
	};
	for (unsigned b = 0; b < SCHED_HISTOGRAM_BUCKETS; b++)
		at->wakes[b] -= at->wakes_before[b];
}

/* --- One task --- */

static void task_end(struct runner_task *self, time_ns_t cpu_before_ns)
{
	sync_release(self);
	self->cpu_ns = sys_thread_clock().cpu_ns - cpu_before_ns;
	self->ended_ns = clock_now_ns();
}

static int task_main(void *arg)
{
	struct runner_task *self = arg;
	struct runner *runner = self->runner;

	self->error = params_apply(runner, &self->task->params);
	semaphore_post(&runner->ready);
	semaphore_wait(&runner->go);
	if (self->error == ERR_OK) {
		thread_sleep_until(runner->start_ns);
		time_ns_t before = sys_thread_clock().cpu_ns;

		task_run(self);
		task_end(self, before);
	}
	semaphore_post(&runner->done);
	semaphore_wait(&runner->leave);
	return 0;
}

/* A forked task reads its own statistics and goes: there may be many of them, one after another. */
static int forked_main(void *arg)
{
	struct runner_task *self = arg;
	time_ns_t before = sys_thread_clock().cpu_ns;

	if (params_apply(self->runner, &self->task->params) != ERR_OK)
		runner_fail(self, "was refused its scheduling parameters as task",
			    self->task->name);
	task_run(self);
	task_end(self, before);
	self->tid = thread_tid(thrd_current());
	stats_end(self);
	semaphore_post(&self->runner->done);
	return 0;
}

static void task_thread(struct runner_task *at, thrd_start_t *start)
{
	const struct thread_options options = {.name = at->name, .stack_bytes = STACK_BYTES};

	if (thread_create(&at->thread, start, at, &options) != thrd_success)
		program_fail("starting a task's thread", ERR_NO_MEMORY);
}

/* As the simulator calls them: child-0, child-1; and hog, hog-0 where the first started itself. */
static void fork_name(const struct runner *runner, struct runner_task *at)
{
	uint32_t same = 0;

	for (uint32_t i = runner->started_count; i < runner->task_count; i++)
		same += runner->tasks[i]->task == at->task;
	snprintf(at->name, sizeof(at->name), "%s-%u", at->task->name, same);
}

void runner_fork(struct runner *runner, const struct workload_task *task)
{
	struct runner_task *at = need_memory(1, sizeof(*at));

	at->task = task;
	at->runner = runner;
	at->forked = true;
	mtx_lock(&runner->growing);
	if (runner->task_count == runner->started_count + RUNNER_FORKS_MAX)
		program_fail("forking more than 2000 tasks", ERR_LIMIT);
	fork_name(runner, at);
	runner->tasks[runner->task_count++] = at;
	mtx_unlock(&runner->growing);
	task_thread(at, forked_main);
	thrd_detach(at->thread);
}

/* --- All of them --- */

static void cpu_snapshot(struct proc_cpu_info *list, uint32_t cpus)
{
	for (uint32_t i = 0; i < cpus; i++)
		program_need("reading a CPU's statistics", cpu_stats(i, &list[i]));
}

static void tasks_start(struct runner *runner)
{
	const struct workload *workload = runner->workload;

	for (uint32_t i = 0; i < workload->task_count; i++) {
		if (!workload->tasks[i].start)
			continue;
		struct runner_task *at = need_memory(1, sizeof(*at));

		at->task = &workload->tasks[i];
		at->runner = runner;
		snprintf(at->name, sizeof(at->name), "%s", at->task->name);
		runner->tasks[runner->task_count++] = at;
		task_thread(at, task_main);
		at->tid = thread_tid(at->thread);
	}
	runner->started_count = runner->task_count;
	for (uint32_t i = 0; i < runner->started_count; i++)
		semaphore_wait(&runner->ready);
}

static enum error tasks_check(const struct runner *runner)
{
	for (uint32_t i = 0; i < runner->started_count; i++) {
		const struct runner_task *at = runner->tasks[i];

		/* libsys has sent it again and again. */
		if (at->error == ERR_RESTARTED)
			printf("workload: no scheduler server takes the parameters of task %s: it "
			       "failed (see proc's lines) or was not started\n",
			       at->name);
		else if (at->error != ERR_OK)
			printf("workload: task %s: its scheduling parameters were refused: %s\n",
			       at->name, error_text(at->error));
		if (at->error != ERR_OK)
			return at->error;
	}
	return ERR_OK;
}

static uint32_t tasks_count(struct runner *runner)
{
	mtx_lock(&runner->growing);
	uint32_t count = runner->task_count;

	mtx_unlock(&runner->growing);
	return count;
}

/*
 * How many tasks wait for others, and in *@waits how often tasks have begun to: if all that are
 * left wait, and none has begun to for a second, none will go on.
 */
static uint32_t tasks_waiting(struct runner *runner, uint64_t *waits)
{
	uint32_t count = tasks_count(runner);
	uint32_t waiting = 0;

	*waits = 0;
	for (uint32_t i = 0; i < count; i++) {
		struct runner_task *at = runner->tasks[i];

		waiting += atomic_load_explicit(&at->waits, memory_order_relaxed);
		*waits += atomic_load_explicit(&at->waits_count, memory_order_relaxed);
	}
	return waiting;
}

static void standstill_check(struct runner *runner, uint32_t live, uint64_t *waits_before)
{
	uint64_t waits;
	uint32_t waiting = tasks_waiting(runner, &waits);

	if (waiting == live && waits == *waits_before && runner->end_ns == TIME_NEVER) {
		printf("workload: it stands still: %u tasks wait for ever\n", waiting);
		exit(1);
	}
	*waits_before = waits;
}

/*
 * Wait for all ends, showing progress meanwhile.  A fork is counted before its parent ends, so the
 * number of threads is final once as many have ended.
 */
static void tasks_wait(struct runner *runner,
		       void (*progress)(const struct runner *runner, time_ns_t now_ns))
{
	time_ns_t next = runner->start_ns + NS_PER_S;
	uint64_t waits = UINT64_MAX;

	for (uint32_t ended = 0; ended < tasks_count(runner);) {
		if (semaphore_timed_wait(&runner->done, next) == ERR_OK) {
			ended++;
			continue;
		}
		progress(runner, clock_now_ns());
		standstill_check(runner, tasks_count(runner) - ended, &waits);
		next += NS_PER_S;
	}
}

static time_ns_t last_end(const struct runner *runner)
{
	time_ns_t last = runner->start_ns;

	for (uint32_t i = 0; i < runner->task_count; i++)
		if (runner->tasks[i]->ended_ns > last)
			last = runner->tasks[i]->ended_ns;
	return last;
}

enum error runner_run(struct runner *runner, const struct workload *workload, uint32_t cpus,
		      void (*progress)(const struct runner *runner, time_ns_t now_ns))
{
	*runner = (struct runner){.workload = workload, .cpus = cpus};
	runner->tasks = need_memory(workload->task_count + RUNNER_FORKS_MAX,
				    sizeof(struct runner_task *));
	runner->objects = need_memory(workload->object_count, sizeof(*runner->objects));
	runner->cpu_before = need_memory(cpus, sizeof(*runner->cpu_before));
	runner->cpu_after = need_memory(cpus, sizeof(*runner->cpu_after));
	enum error error = groups_create(runner);

	if (error != ERR_OK)
		return error;
	tasks_start(runner);
	error = tasks_check(runner);

	if (error == ERR_OK) {
		for (uint32_t i = 0; i < runner->started_count; i++)
			stats_begin(runner->tasks[i]);
		cpu_snapshot(runner->cpu_before, cpus);
		groups_begin(runner);
	}
	runner->start_ns = clock_now_ns() + START_DELAY_NS;
	runner->end_ns = error == ERR_OK ? time_add_ns(runner->start_ns, workload->duration_ns) : 0;
	for (uint32_t i = 0; i < runner->started_count; i++)
		semaphore_post(&runner->go);
	tasks_wait(runner, progress);
	if (error == ERR_OK) {
		cpu_snapshot(runner->cpu_after, cpus);
		groups_end(runner);
		for (uint32_t i = 0; i < runner->started_count; i++)
			stats_end(runner->tasks[i]);
	}
	runner->wall_ns = last_end(runner) - runner->start_ns;
	for (uint32_t i = 0; i < runner->started_count; i++)
		semaphore_post(&runner->leave);
	for (uint32_t i = 0; i < runner->started_count; i++) {
		thrd_join(runner->tasks[i]->thread, NULL);
		runner->tasks[i]->thread = NULL;
	}
	groups_delete(runner);
	return error;
}
