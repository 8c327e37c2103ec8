/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reservations (period_us): who asks for one that does not fit is told so, and the simulation ends, as
 * the booted runner does.
 *
 * A task has its parameters from its start, so nobody answers it: the policy decides when the thread
 * joins the queue of its first CPU, and says afterwards what became of it.  A phase asks the scheduler
 * itself, and is answered.
 *
 * Bad at: a thread that loses its reservation later, because it is moved to a CPU without room; neither
 * does the booted system tell it.
 */
#include "sim.h"

#include <string.h>

/* The task's key in the file: its name without the number of its instance, where it has several. */
static int task_key_length(const struct sim *sim, const struct workload_task *task)
{
	const struct workload *workload = sim->config.workload;
	const bool last = task == &workload->tasks[workload->task_count - 1];
	const char *dash = strrchr(task->name, '-');
	const bool numbered = task->instance > 0 || (!last && task[1].instance == 1);

	return (int)(numbered && dash != NULL ? (size_t)(dash - task->name) : strlen(task->name));
}

/* What is promised on that CPU, and to how many, to others than `thread`. */
static double promised(const struct sim *sim, const struct sim_thread *thread, uint32_t *count)
{
	double sum = 0;

	*count = 0;
	for (uint32_t tid = 1; tid <= sim->threads_count; tid++) {
		const struct sched_thread_params *params = &sim->shared->params[tid];
		const struct sim_thread *other = sim->threads[tid];

		if (other == thread || other->home != thread->home || params->period_ns == 0 ||
		    other->state == SIM_STOPPED || other->state == SIM_DEAD ||
		    list_linked(&other->reserving_link))
			continue;
		sum += (double)params->slice_ns / (double)params->period_ns;
		(*count)++;
	}
	return sum;
}

static void refuse(struct sim *sim, const struct sim_thread *thread, const char *phase,
		   uint64_t slice_ns, uint64_t period_ns)
{
	const struct workload_task *task = thread->script.task;
	const int length = task_key_length(sim, task);
	const char *quote = memchr(task->name, '.', (size_t)length) != NULL ? "\"" : "";
	uint32_t others;
	const double sum = promised(sim, thread, &others);

	sim_fail(
		sim,
		"tasks.%s%.*s%s%s%s.period_us: task \"%s\" asks for %.1f of every %.1f us (%.1f %% "
		"of a CPU); CPU %u has promised %.1f %% to %u others, and refused it at %llu ns; "
		"ask for less, or give it another CPU (\"cpus\")",
		quote, length, task->name, quote, phase != NULL ? ".phases." : "",
		phase != NULL ? phase : "", thread->name, (double)slice_ns / 1e3,
		(double)period_ns / 1e3, 100.0 * (double)slice_ns / (double)period_ns, thread->home,
		100 * sum, others, (unsigned long long)sim->now_ns);
}

void sim_admission_ask(struct sim *sim, struct sim_thread *thread)
{
	if (!thread->balancer && sim->shared->params[thread->tid].period_ns != 0)
		list_push_back(&sim->reserving, &thread->reserving_link);
}

void sim_admission_look(struct sim *sim)
{
	for (struct list_node *node = sim->reserving.next, *next; node != &sim->reserving;
	     node = next) {
		struct sim_thread *thread = container_of(node, struct sim_thread, reserving_link);
		const struct sched_thread *view = &sim->server->threads[thread->tid];
		const struct sched_thread_params *params = &sim->shared->params[thread->tid];
		struct policy_info info = {.refused = false};

		next = node->next;
		if (!view->joined)
			continue;
		list_remove(&thread->reserving_link);
		const struct sched_cpu *cpu = &sim->server->cpu[view->home];

		cpu->policy->query((const struct policy_cpu *)(const void *)cpu->policy_blob,
				   (const struct policy_thread *)(const void *)view->policy, &info);
		if (info.refused)
			refuse(sim, thread, NULL, params->slice_ns, params->period_ns);
	}
}

/* The parameters keep what was granted last; which one it was is in the call. */
void sim_admission_refused(struct sim *sim, const struct sim_thread *thread)
{
	const struct sched_thread_params *params = &sim->shared->params[thread->tid];
	const bool period = thread->call.words[1] == SCHED_PARAM_PERIOD_NS;
	const struct workload_task *task = thread->script.task;

	refuse(sim, thread, task->phases[thread->script.phase].name,
	       period ? params->slice_ns : thread->call.words[2],
	       period ? thread->call.words[2] : params->period_ns);
}
