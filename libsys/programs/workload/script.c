/* SPDX-License-Identifier: BSD-2-Clause */
/* What a task does: its phases and their events, in rt-app's meaning (docs/design/bwl.md). */
#include <libsys/clock.h>
#include <libsys/sched.h>

#include "../lib/program.h"
#include "runner.h"

#define RUN_CHUNK 100u

static enum error param(enum sched_param which, word_t value, word_t value2)
{
	return sched_param_set(0, which, value, value2);
}

static enum error affinity_apply(const struct workload_params *params, uint32_t cpus)
{
	struct cpumask mask = cpumask_and(cpumask_first(cpus), params->cpus);

	return cpumask_empty(&mask) ? ERR_RANGE
				    : param(SCHED_PARAM_AFFINITY, mask.bits[0], mask.bits[1]);
}

static enum error group_apply(const struct runner *runner, const struct workload_params *params)
{
	return param(SCHED_PARAM_GROUP,
		     params->group == WORKLOAD_GROUP_NONE ? 0 : runner->group_ids[params->group],
		     0);
}

enum error params_apply(const struct runner *runner, const struct workload_params *params)
{
	const bool background = params->policy == WORKLOAD_POLICY_IDLE;
	const uint32_t set = params->set;
	enum error error = ERR_OK;

	if (set & WORKLOAD_SET_WEIGHT)
		error = param(SCHED_PARAM_WEIGHT, params->weight, 0);
	else if (set & WORKLOAD_SET_NICE)
		error = param(SCHED_PARAM_NICE, (word_t)(int64_t)params->nice, 0);
	if (error == ERR_OK && (set & WORKLOAD_SET_POLICY))
		error = param(SCHED_PARAM_CLASS, background, 0);
	if (error == ERR_OK && (set & WORKLOAD_SET_PRIORITY))
		error = param(SCHED_PARAM_PRIORITY, params->priority, 0);
	if (error == ERR_OK && (set & WORKLOAD_SET_SLICE))
		error = param(SCHED_PARAM_SLICE_NS, params->slice_ns, 0);
	if (error == ERR_OK && (set & WORKLOAD_SET_PERIOD))
		error = param(SCHED_PARAM_PERIOD_NS, params->period_ns, 0);
	if (error == ERR_OK && (set & WORKLOAD_SET_CPUS))
		error = affinity_apply(params, runner->cpus);
	if (error == ERR_OK && (set & WORKLOAD_SET_GROUP))
		error = group_apply(runner, params);
	return error;
}

/* Work until so much CPU time was had (@cpu), or so much time has passed. */
static void run_for(const struct runner *runner, time_ns_t ns, bool cpu)
{
	struct thread_clock clock = sys_thread_clock();
	time_ns_t until = time_add_ns(cpu ? clock.cpu_ns : clock.now_ns, ns);
	volatile uint64_t state = 1;

	while ((cpu ? clock.cpu_ns : clock.now_ns) < until && clock.now_ns < runner->end_ns) {
		for (unsigned i = 0; i < RUN_CHUNK; i++)
			state = state * 6364136223846793005ull + 1442695040888963407ull;
		clock = sys_thread_clock();
	}
}

static void sleep_until(const struct runner *runner, time_ns_t until)
{
	thread_sleep_until(until < runner->end_ns ? until : runner->end_ns);
}

/* The next point of the timer's grid, which began with the task's first event. */
static void timer_wait(struct runner_task *self, const struct workload_event *event)
{
	struct runner_object *timer = &self->runner->objects[event->ref];
	time_ns_t now = clock_now_ns();

	mtx_lock(&timer->mutex);
	if (!timer->started) {
		timer->started = true;
		timer->next_ns = self->first_ns;
	}
	timer->next_ns = time_add_ns(timer->next_ns, event->ns);
	time_ns_t next = timer->next_ns;

	if (next <= now && !event->absolute)
		timer->next_ns = now;
	mtx_unlock(&timer->mutex);
	if (next > now)
		sleep_until(self->runner, next);
}

/* Events that concern other tasks; false if the workload ended meanwhile. */
static bool event_sync(struct runner_task *self, const struct workload_event *event)
{
	switch (event->kind) {
	case WORKLOAD_LOCK:
		return sync_lock(self, event->ref);
	case WORKLOAD_UNLOCK:
		sync_unlock(self, event->ref);
		return true;
	case WORKLOAD_WAIT:
		return sync_wait(self, event->ref, event->mutex);
	case WORKLOAD_SIGNAL:
	case WORKLOAD_BROAD:
		sync_wake(self, event->ref, event->kind == WORKLOAD_BROAD);
		return true;
	case WORKLOAD_BARRIER:
		return sync_barrier(self, event->ref);
	case WORKLOAD_SUSPEND:
		return sync_suspend(self, event->ref);
	case WORKLOAD_RESUME:
		sync_resume(self, event->ref);
		return true;
	case WORKLOAD_FORK:
		runner_fork(self->runner, &self->runner->workload->tasks[event->ref]);
		return true;
	default:
		return true;
	}
}

static bool event_run(struct runner_task *self, const struct workload_event *event)
{
	struct runner *runner = self->runner;
	bool goes_on = true;

	switch (event->kind) {
	case WORKLOAD_RUN:
	case WORKLOAD_RUNTIME:
		run_for(runner, event->ns, event->kind == WORKLOAD_RUN);
		break;
	case WORKLOAD_SLEEP:
		sleep_until(runner, time_add_ns(clock_now_ns(), event->ns));
		break;
	case WORKLOAD_TIMER:
		timer_wait(self, event);
		break;
	case WORKLOAD_YIELD:
		thrd_yield();
		break;
	default:
		goes_on = event_sync(self, event);
		break;
	}
	return goes_on && clock_now_ns() < runner->end_ns;
}

static bool phase_run(struct runner_task *self, const struct workload_phase *phase)
{
	if (phase->params.set != 0 && params_apply(self->runner, &phase->params) != ERR_OK)
		runner_fail(self, "was refused the scheduling parameters of phase", phase->name);
	for (int64_t i = 0; phase->loop < 0 || i < phase->loop; i++)
		for (uint32_t e = 0; e < phase->event_count; e++)
			if (!event_run(self, &phase->events[e]))
				return false;
	return true;
}

void task_run(struct runner_task *self)
{
	const struct workload_task *task = self->task;
	time_ns_t begin_ns = self->forked ? clock_now_ns() : self->runner->start_ns;

	if (task->delay_ns)
		sleep_until(self->runner, time_add_ns(begin_ns, task->delay_ns));
	self->first_ns = clock_now_ns();
	for (int64_t i = 0; task->loop < 0 || i < task->loop; i++)
		for (uint32_t p = 0; p < task->phase_count; p++)
			if (!phase_run(self, &task->phases[p]))
				return;
}
