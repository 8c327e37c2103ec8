/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a task does next: the events of its phases, in rt-app's meaning.
 *
 *   run      so much CPU time
 *   runtime  until so much time has passed since it began
 *   sleep    from now
 *   timer    until the next point of a grid that begins with the thread; after a miss the grid
 *            moves, unless it is absolute
 *   suspend  until a resume that comes later; an earlier one is lost
 *
 * An event counts as done when it begins: whoever blocks in it goes on behind it.
 */
#include <base/math.h>

#include "sim.h"

#define STEPS_MAX 1000000u /* without time passing: the workload would hang the machine */

static void phase_enter(struct sim_script *script, uint32_t phase)
{
	script->phase = phase;
	script->event = 0;
	script->phases_left = script->task->phases[phase].loop;
	script->params_todo = script->task->phases[phase].params.set;
}

void sim_script_init(struct sim_thread *thread, const struct workload_task *task)
{
	struct sim_script *script = &thread->script;

	*script = (struct sim_script){.task = task, .loops_left = task->loop};
	phase_enter(script, 0);
}

void sim_script_ran(struct sim_thread *thread, uint64_t ns)
{
	thread->script.left_ns = sub_saturate_u64(thread->script.left_ns, ns);
}

time_ns_t sim_script_next_ns(const struct sim_thread *thread, time_ns_t from_ns)
{
	const struct sim_script *script = &thread->script;

	if (script->left_ns != 0)
		return add_saturate_u64(from_ns, script->left_ns);
	return max_u64(from_ns, script->until_ns);
}

/* A request to the dispatcher of the CPU that the thread runs on. */
static enum sim_step request(struct sim *sim, struct sim_thread *thread, word_t label, word_t w0,
			     word_t w1, word_t w2, word_t w3)
{
	struct sim_call call = {.label = label, .words = {w0, w1, w2, w3}, .core = thread->home};

	sim_thread_request(sim, thread, &call);
	return SIM_STEP_BLOCKS;
}

static enum sim_step param_request(struct sim *sim, struct sim_thread *thread,
				   enum sched_param param, word_t value, word_t second)
{
	return request(sim, thread, SCHED_REQ_SET_PARAM, 0, param, value, second);
}

/* The next of the phase's parameters that is still to be asked for. */
static enum sim_step params_step(struct sim *sim, struct sim_thread *thread)
{
	struct sim_script *script = &thread->script;
	const struct workload_params *params = &script->task->phases[script->phase].params;
	uint32_t bit = script->params_todo & -script->params_todo;
	bool background = params->policy == WORKLOAD_POLICY_IDLE;

	script->params_todo &= ~bit;
	switch (bit) {
	case WORKLOAD_SET_NICE:
		return param_request(sim, thread, SCHED_PARAM_NICE, (word_t)(int64_t)params->nice,
				     0);
	case WORKLOAD_SET_WEIGHT:
		return param_request(sim, thread, SCHED_PARAM_WEIGHT, params->weight, 0);
	case WORKLOAD_SET_SLICE:
		return param_request(sim, thread, SCHED_PARAM_SLICE_NS, params->slice_ns, 0);
	case WORKLOAD_SET_PERIOD:
		return param_request(sim, thread, SCHED_PARAM_PERIOD_NS, params->period_ns, 0);
	case WORKLOAD_SET_CPUS:
		return param_request(sim, thread, SCHED_PARAM_AFFINITY, params->cpus.bits[0],
				     params->cpus.bits[1]);
	case WORKLOAD_SET_GROUP:
		return param_request(sim, thread, SCHED_PARAM_GROUP, sim_group_id(sim, params), 0);
	case WORKLOAD_SET_POLICY:
		return param_request(sim, thread, SCHED_PARAM_CLASS,
				     background ? POLICY_CLASS_BACKGROUND : POLICY_CLASS_NORMAL, 0);
	default:
		return param_request(sim, thread, SCHED_PARAM_PRIORITY, params->priority, 0);
	}
}

static enum sim_step timer_event(struct sim *sim, struct sim_thread *thread,
				 const struct workload_event *event)
{
	struct sim_object *timer = &sim->objects[event->ref];

	if (!timer->begun) {
		timer->begun = true;
		timer->next_ns = thread->script.started_ns;
	}
	timer->next_ns = add_saturate_u64(timer->next_ns, event->ns);
	if (timer->next_ns > sim->now_ns)
		return request(sim, thread, SCHED_REQ_SLEEP, timer->next_ns, 0, 0, 0);
	if (!event->absolute)
		timer->next_ns = sim->now_ns;
	return SIM_STEP_RUNS;
}

static enum sim_step fork_event(struct sim *sim, struct sim_thread *thread,
				const struct workload_event *event)
{
	struct sim_thread *child = sim_thread_create(sim, &sim->config.workload->tasks[event->ref],
						     thread->home);

	if (child == NULL)
		return SIM_STEP_RUNS;
	thread->script.child = child->tid;
	child->script.delay_ns = child->script.task->delay_ns;
	return request(sim, thread, SCHED_REQ_THREAD_NEW, child->tid, thread->home, 0, 0);
}

static enum sim_step event_step(struct sim *sim, struct sim_thread *thread,
				const struct workload_event *event)
{
	struct sim_script *script = &thread->script;
	bool runs = true;

	switch (event->kind) {
	case WORKLOAD_RUN:
		script->left_ns = event->ns;
		break;
	case WORKLOAD_RUNTIME:
		script->until_ns = add_saturate_u64(sim->now_ns, event->ns);
		break;
	case WORKLOAD_SLEEP:
		return request(sim, thread, SCHED_REQ_SLEEP,
			       add_saturate_u64(sim->now_ns, event->ns), 0, 0, 0);
	case WORKLOAD_TIMER:
		return timer_event(sim, thread, event);
	case WORKLOAD_YIELD:
		sim_thread_yield(sim, thread);
		return SIM_STEP_BLOCKS;
	case WORKLOAD_LOCK:
		runs = sim_mutex_lock(sim, thread, event->ref);
		break;
	case WORKLOAD_UNLOCK:
		sim_mutex_unlock(sim, thread, event->ref);
		break;
	case WORKLOAD_WAIT:
		runs = sim_condition_wait(sim, thread, event->ref, event->mutex);
		break;
	case WORKLOAD_SIGNAL:
	case WORKLOAD_BROAD:
		sim_condition_wake(sim, event->ref, event->kind == WORKLOAD_BROAD);
		break;
	case WORKLOAD_BARRIER:
		runs = sim_barrier_arrive(sim, thread, event->ref);
		break;
	case WORKLOAD_SUSPEND:
		sim_suspension_wait(sim, thread, event->ref);
		return SIM_STEP_BLOCKS;
	case WORKLOAD_RESUME:
		sim_suspension_end(sim, event->ref);
		break;
	case WORKLOAD_FORK:
		return fork_event(sim, thread, event);
	case WORKLOAD_EVENT_COUNT:
		break;
	}
	return runs ? SIM_STEP_RUNS : SIM_STEP_BLOCKS;
}

/* Does it call the kernel or the scheduler server?  A mutex that is free does not. */
static bool event_calls(const struct workload_event *event)
{
	switch (event->kind) {
	case WORKLOAD_RUN:
	case WORKLOAD_RUNTIME:
	case WORKLOAD_LOCK:
	case WORKLOAD_UNLOCK:
	case WORKLOAD_EVENT_COUNT:
		return false;
	default:
		return true;
	}
}

/* The present event, before which the thread runs for as long as the call takes it. */
static enum sim_step event_next(struct sim *sim, struct sim_thread *thread,
				const struct workload_phase *phase)
{
	struct sim_script *script = &thread->script;
	const struct workload_event *event = &phase->events[script->event];

	if (sim->config.costs.call_ns != 0 && !script->called && event_calls(event)) {
		script->called = true;
		script->left_ns = sim->config.costs.call_ns;
		return SIM_STEP_RUNS;
	}
	script->called = false;
	script->event++;
	return event_step(sim, thread, event);
}

/* Behind the last event of a phase: repeat it, go to the next, repeat all, or end. */
static enum sim_step phase_end(struct sim *sim, struct sim_thread *thread)
{
	struct sim_script *script = &thread->script;

	if (script->phases_left == WORKLOAD_LOOP_FOREVER || --script->phases_left > 0) {
		script->event = 0;
		return SIM_STEP_RUNS;
	}
	if (script->phase + 1 < script->task->phase_count) {
		phase_enter(script, script->phase + 1);
		return SIM_STEP_RUNS;
	}
	if (script->loops_left == WORKLOAD_LOOP_FOREVER || --script->loops_left > 0) {
		phase_enter(script, 0);
		return SIM_STEP_RUNS;
	}
	sim_thread_exit(sim, thread);
	return SIM_STEP_BLOCKS;
}

static const char *error_text(enum error error)
{
	static const char *const texts[ERR_COUNT] = {
#define X(name, value, meaning) [value] = #name ": " meaning,
		ERROR_LIST(X)
#undef X
	};

	return (unsigned)error < ERR_COUNT ? texts[error] : "unknown error";
}

/* What the last request brought. */
static void answer_take(struct sim *sim, struct sim_thread *thread)
{
	struct sim_script *script = &thread->script;

	if (thread->answer == ERR_NO_TIME)
		sim_admission_refused(sim, thread);
	else if (thread->answer != ERR_OK)
		sim_fail(sim, "task \"%s\": request %llu was refused at %llu ns: %s", thread->name,
			 (unsigned long long)thread->call.label, (unsigned long long)sim->now_ns,
			 error_text(thread->answer));
	thread->answer = ERR_OK;
	if (script->child != 0 && !sim->failed)
		sim_thread_resume(sim, sim->threads[script->child]);
	script->child = 0;
}

/* A thread that was forked sleeps through its delay itself. */
static enum sim_step delay_step(struct sim *sim, struct sim_thread *thread)
{
	struct sim_script *script = &thread->script;
	const time_ns_t until_ns = add_saturate_u64(sim->now_ns, script->delay_ns);

	script->delay_ns = 0;
	return request(sim, thread, SCHED_REQ_SLEEP, until_ns, 0, 0, 0);
}

enum sim_step sim_script_advance(struct sim *sim, struct sim_thread *thread)
{
	struct sim_script *script = &thread->script;

	answer_take(sim, thread);
	script->until_ns = 0;
	if (!sim_mutex_again(sim, thread))
		return SIM_STEP_BLOCKS;
	if (script->delay_ns != 0)
		return delay_step(sim, thread);
	if (!script->begun) {
		script->begun = true;
		script->started_ns = sim->now_ns;
	}
	for (uint32_t step = 0; step < STEPS_MAX && !sim->failed; step++) {
		const struct workload_phase *phase = &script->task->phases[script->phase];
		enum sim_step result;

		if (script->params_todo != 0)
			result = params_step(sim, thread);
		else if (script->event < phase->event_count)
			result = event_next(sim, thread, phase);
		else
			result = phase_end(sim, thread);
		if (result == SIM_STEP_BLOCKS)
			return result;
		if (script->left_ns != 0 || script->until_ns > sim->now_ns)
			return SIM_STEP_RUNS;
	}
	sim_fail(sim, "task \"%s\" goes round without taking time at %llu ns", thread->name,
		 (unsigned long long)sim->now_ns);
	return SIM_STEP_RUNS;
}

/* Park in a request, carry out the order that answers it, report. */
enum sim_step sim_balancer_advance(struct sim *sim, struct sim_thread *thread)
{
	bool ordered = thread->call.label == SCHED_REQ_BALANCE_PARK && thread->answer == ERR_OK &&
		       thread->answer_w1 < sim->config.cpus;
	struct sim_call call = {.label = SCHED_REQ_BALANCE_PARK, .core = thread->home};

	if (ordered) {
		call = (struct sim_call){.label = SCHED_REQ_BALANCE_PULL,
					 .core = (uint32_t)thread->answer_w1,
					 .words = {thread->home, thread->answer_w2}};
	} else if (thread->call.label == SCHED_REQ_BALANCE_PULL && thread->answer == ERR_OK) {
		call.words[0] = thread->answer_w1;
	}
	sim_thread_request(sim, thread, &call);
	return SIM_STEP_BLOCKS;
}
