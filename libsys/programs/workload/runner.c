/* SPDX-License-Identifier: BSD-2-Clause */
#include "runner.h"

#include <stdio.h>
#include <stdlib.h>

#include <libsys/clock.h>
#include <libsys/errno.h>
#include <libsys/sched.h>

#include "../lib/program.h"

#define START_DELAY_NS (5 * NS_PER_MS)
#define RUN_CHUNK      100u

static void *need_memory(size_t count, size_t bytes)
{
	void *at = calloc(count ? count : 1, bytes);

	if (!at)
		program_fail("preparing the workload", ERR_NO_MEMORY);
	return at;
}

/* --- One task --- */

static enum error param(enum sched_param which, word_t value, word_t value2)
{
	return sched_param_set(0, which, value, value2);
}

static enum error params_apply(const struct workload_params *params, uint32_t cpus)
{
	enum error error = ERR_OK;

	if (params->set & WORKLOAD_SET_WEIGHT)
		error = param(SCHED_PARAM_WEIGHT, params->weight, 0);
	else if (params->set & WORKLOAD_SET_NICE)
		error = param(SCHED_PARAM_NICE, (word_t)(int64_t)params->nice, 0);
	if (error == ERR_OK && params->policy == WORKLOAD_POLICY_IDLE)
		error = param(SCHED_PARAM_CLASS, 1, 0);
	if (error == ERR_OK && (params->set & WORKLOAD_SET_PRIORITY))
		error = param(SCHED_PARAM_PRIORITY, params->priority, 0);
	if (error == ERR_OK && (params->set & WORKLOAD_SET_SLICE))
		error = param(SCHED_PARAM_SLICE_NS, params->slice_ns, 0);
	if (error == ERR_OK && (params->set & WORKLOAD_SET_PERIOD))
		error = param(SCHED_PARAM_PERIOD_NS, params->period_ns, 0);
	if (error == ERR_OK && (params->set & WORKLOAD_SET_CPUS)) {
		struct cpumask mask = cpumask_first(cpus);

		mask = cpumask_and(mask, params->cpus);
		error = cpumask_empty(&mask)
				? ERR_RANGE
				: param(SCHED_PARAM_AFFINITY, mask.bits[0], mask.bits[1]);
	}
	return error;
}

/* True as long as there is time left. */
static bool run_for(const struct runner *runner, time_ns_t ns)
{
	struct thread_clock clock = sys_thread_clock();
	time_ns_t until = time_add_ns(clock.cpu_ns, ns);
	volatile uint64_t state = 1;

	while (clock.cpu_ns < until && clock.now_ns < runner->end_ns) {
		for (unsigned i = 0; i < RUN_CHUNK; i++)
			state = state * 6364136223846793005ull + 1442695040888963407ull;
		clock = sys_thread_clock();
	}
	return clock.now_ns < runner->end_ns;
}

static void sleep_until(const struct runner *runner, time_ns_t until)
{
	thread_sleep_until(until < runner->end_ns ? until : runner->end_ns);
}

/* The next point of the timer's grid, which began with the task's first event. */
static void timer_wait(struct runner *runner, const struct workload_event *event,
		       time_ns_t first_ns)
{
	struct runner_timer *timer = &runner->timers[event->ref];
	time_ns_t now = clock_now_ns();

	mtx_lock(&timer->lock);
	if (!timer->started) {
		timer->started = true;
		timer->next_ns = first_ns;
	}
	timer->next_ns = time_add_ns(timer->next_ns, event->ns);
	time_ns_t next = timer->next_ns;

	if (next <= now && !event->absolute)
		timer->next_ns = now;
	mtx_unlock(&timer->lock);
	if (next > now)
		sleep_until(runner, next);
}

static bool event_run(struct runner *runner, const struct workload_event *event, time_ns_t first_ns)
{
	switch (event->kind) {
	case WORKLOAD_RUN:
	case WORKLOAD_RUNTIME:
		return run_for(runner, event->ns);
	case WORKLOAD_SLEEP:
		sleep_until(runner, time_add_ns(clock_now_ns(), event->ns));
		break;
	case WORKLOAD_TIMER:
		timer_wait(runner, event, first_ns);
		break;
	case WORKLOAD_YIELD:
		thrd_yield();
		break;
	default: /* refused before: workload_needs_later() */
		return false;
	}
	return clock_now_ns() < runner->end_ns;
}

static bool phase_run(struct runner *runner, const struct workload_phase *phase, time_ns_t first_ns)
{
	for (int64_t i = 0; phase->loop < 0 || i < phase->loop; i++)
		for (uint32_t e = 0; e < phase->event_count; e++)
			if (!event_run(runner, &phase->events[e], first_ns))
				return false;
	return true;
}

static void task_run(struct runner *runner, const struct workload_task *task)
{
	if (task->delay_ns)
		sleep_until(runner, time_add_ns(runner->start_ns, task->delay_ns));
	time_ns_t first_ns = clock_now_ns();

	for (int64_t i = 0; task->loop < 0 || i < task->loop; i++)
		for (uint32_t p = 0; p < task->phase_count; p++)
			if (!phase_run(runner, &task->phases[p], first_ns))
				return;
}

static int task_main(void *arg)
{
	struct runner_task *self = arg;
	struct runner *runner = self->runner;

	self->error = params_apply(&self->task->params, runner->cpus);
	semaphore_post(&runner->ready);
	semaphore_wait(&runner->go);
	if (self->error == ERR_OK && self->task->start) {
		thread_sleep_until(runner->start_ns);
		time_ns_t before = sys_thread_clock().cpu_ns;

		task_run(runner, self->task);
		self->cpu_ns = sys_thread_clock().cpu_ns - before;
	}
	self->ended_ns = clock_now_ns();
	/* Release: who sees the end sees the numbers. */
	atomic_store_explicit(&self->ended, 1, memory_order_release);
	semaphore_post(&runner->done);
	semaphore_wait(&runner->leave);
	return 0;
}

/* --- All of them --- */

static void cpu_snapshot(struct proc_cpu_info *list, uint32_t cpus)
{
	for (uint32_t i = 0; i < cpus; i++)
		program_need("reading a CPU's statistics", cpu_stats(i, &list[i]));
}

static void tasks_start(struct runner *runner)
{
	for (uint32_t i = 0; i < runner->workload->task_count; i++) {
		struct runner_task *at = &runner->tasks[i];
		struct thread_options options = {.name = runner->workload->tasks[i].name,
						 .stack_bytes = 16384};

		at->task = &runner->workload->tasks[i];
		at->runner = runner;
		if (thread_create(&at->thread, task_main, at, &options) != thrd_success)
			program_fail("starting a task's thread", ERR_NO_MEMORY);
		at->tid = thread_tid(at->thread);
	}
	for (uint32_t i = 0; i < runner->workload->task_count; i++)
		semaphore_wait(&runner->ready);
}

static enum error tasks_check(const struct runner *runner)
{
	for (uint32_t i = 0; i < runner->workload->task_count; i++) {
		const struct runner_task *at = &runner->tasks[i];

		if (at->error != ERR_OK) {
			printf("workload: task %s: its scheduling parameters were refused: %s\n",
			       at->task->name, error_text(at->error));
			return at->error;
		}
	}
	return ERR_OK;
}

static void tasks_snapshot(struct runner *runner)
{
	for (uint32_t i = 0; i < runner->workload->task_count; i++) {
		struct runner_task *at = &runner->tasks[i];

		program_need("reading a thread's statistics", thread_stats(at->tid, &at->before));
		program_need("reading a thread's statistics",
			     thread_wakes(at->tid, at->wakes_before));
	}
}

/* Wait for all ends, showing progress meanwhile. */
static void tasks_wait(struct runner *runner,
		       void (*progress)(const struct runner *runner, time_ns_t now_ns))
{
	time_ns_t next = runner->start_ns + NS_PER_S;

	for (uint32_t ended = 0; ended < runner->workload->task_count;) {
		if (semaphore_timed_wait(&runner->done, next) == ERR_OK) {
			ended++;
			continue;
		}
		progress(runner, clock_now_ns());
		next += NS_PER_S;
	}
}

static void tasks_collect(struct runner *runner)
{
	for (uint32_t i = 0; i < runner->workload->task_count; i++) {
		struct runner_task *at = &runner->tasks[i];
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
			.wait_max_ns = after.wait_max_ns,
		};
		for (unsigned b = 0; b < SCHED_HISTOGRAM_BUCKETS; b++)
			at->wakes[b] -= at->wakes_before[b];
	}
}

static time_ns_t last_end(const struct runner *runner)
{
	time_ns_t last = 0;

	for (uint32_t i = 0; i < runner->workload->task_count; i++)
		if (runner->tasks[i].ended_ns > last)
			last = runner->tasks[i].ended_ns;
	return last;
}

enum error runner_run(struct runner *runner, const struct workload *workload, uint32_t cpus,
		      void (*progress)(const struct runner *runner, time_ns_t now_ns))
{
	*runner = (struct runner){.workload = workload, .cpus = cpus};
	runner->tasks = need_memory(workload->task_count, sizeof(*runner->tasks));
	runner->timers = need_memory(workload->object_count, sizeof(*runner->timers));
	runner->cpu_before = need_memory(cpus, sizeof(*runner->cpu_before));
	runner->cpu_after = need_memory(cpus, sizeof(*runner->cpu_after));
	tasks_start(runner);
	enum error error = tasks_check(runner);

	if (error == ERR_OK) {
		tasks_snapshot(runner);
		cpu_snapshot(runner->cpu_before, cpus);
	}
	runner->start_ns = clock_now_ns() + START_DELAY_NS;
	runner->end_ns = error == ERR_OK ? time_add_ns(runner->start_ns, workload->duration_ns) : 0;
	for (uint32_t i = 0; i < workload->task_count; i++)
		semaphore_post(&runner->go);
	tasks_wait(runner, progress);
	if (error == ERR_OK) {
		cpu_snapshot(runner->cpu_after, cpus);
		tasks_collect(runner);
	}
	runner->wall_ns = last_end(runner) - runner->start_ns;
	for (uint32_t i = 0; i < workload->task_count; i++)
		semaphore_post(&runner->leave);
	for (uint32_t i = 0; i < workload->task_count; i++) {
		thrd_join(runner->tasks[i].thread, NULL);
		runner->tasks[i].thread = NULL;
	}
	return error;
}
