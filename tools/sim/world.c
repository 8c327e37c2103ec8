/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads and how they begin; the server inside the simulator.
 *
 * A task starts as on the booted system: a supervisor on CPU 0 asks the dispatcher to take the
 * stopped thread over (THREAD_NEW), one after the other, and resumes all whose time has come
 * together.
 */
#include <sched/sys_if.h>

#include "sim.h"

#include <stdlib.h>
#include <string.h>

static _Thread_local struct sim *the_sim; /* sched_sys_* get no more than the server */

static void *zeroed(size_t bytes)
{
	/* The size of a cache line, which the server's structures ask for. */
	size_t rounded = (bytes + 63u) & ~(size_t)63u;
	void *memory = aligned_alloc(64, rounded == 0 ? 64 : rounded);

	if (memory == NULL) {
		fputs("baton-sim: out of memory\n", stderr);
		exit(1);
	}
	memset(memory, 0, rounded);
	return memory;
}

static void thread_params(struct sim *sim, const struct sim_thread *thread, uint32_t cpu)
{
	const struct workload_params *from = &thread->script.task->params;
	struct sched_thread_params *to = &sim->shared->params[thread->tid];

	*to = (struct sched_thread_params){
		.flags = SCHED_THREAD_USED,
		.pid = thread->tid,
		.weight = from->weight,
		.priority = (from->set & WORKLOAD_SET_PRIORITY) != 0 ? from->priority
								     : POLICY_PRIORITY_DEFAULT,
		.class = from->policy == WORKLOAD_POLICY_IDLE ? POLICY_CLASS_BACKGROUND
							      : POLICY_CLASS_NORMAL,
		.cpu = cpu,
		.slice_ns = from->slice_ns != 0 ? from->slice_ns : POLICY_SLICE_NS_DEFAULT,
		.period_ns = from->period_ns,
		.affinity = (from->set & WORKLOAD_SET_CPUS) != 0 ? from->cpus : cpumask_all(),
		.group = sim_group_id(sim, from),
	};
}

group_id_t sim_group_id(const struct sim *sim, const struct workload_params *params)
{
	return params->group == WORKLOAD_GROUP_NONE ? 0 : sim->group_ids[params->group];
}

/* Before anything starts, as the booted runner makes them. */
static void groups_create(struct sim *sim)
{
	const struct workload *workload = sim->config.workload;

	for (uint32_t i = 0; i < workload->group_count; i++) {
		const struct workload_group *group = &workload->groups[i];
		const struct group_config config = {
			.parent = group->parent == WORKLOAD_GROUP_NONE
					  ? 0
					  : sim->group_ids[group->parent],
			.weight = group->weight,
			.quota_ns = group->quota_ns,
			.period_ns = group->period_ns,
		};

		if (group_create(&sim->server->groups, &config, &sim->group_ids[i]) != ERR_OK)
			sim_fail(sim, "group \"%s\" cannot be made", group->name);
	}
}

static struct sim_thread *thread_alloc(struct sim *sim, uint32_t tid)
{
	struct sim_thread *thread = zeroed(sizeof(*thread));

	thread->tid = tid;
	thread->state = SIM_STOPPED;
	thread->home = CPUS_MAX;
	thread->begin_ns = TIME_NEVER;
	list_init(&thread->event_link);
	list_init(&thread->request_link);
	list_init(&thread->wait_link);
	list_init(&thread->waiting_link);
	list_init(&thread->reserving_link);
	sim->threads[tid] = thread;
	return thread;
}

/* A task that is forked may be there many times: child-0, child-1, ... */
static void thread_name(const struct sim *sim, struct sim_thread *thread,
			const struct workload_task *task)
{
	uint32_t same = 0;

	for (uint32_t tid = 1; tid < thread->tid; tid++)
		same += sim->threads[tid]->script.task == task;
	if (task->start && same == 0)
		snprintf(thread->name, sizeof(thread->name), "%s", task->name);
	else
		snprintf(thread->name, sizeof(thread->name), "%s-%u", task->name,
			 task->start ? same - 1 : same);
}

struct sim_thread *sim_thread_create(struct sim *sim, const struct workload_task *task,
				     uint32_t creator_cpu)
{
	if (sim->threads_count + 1 >= SCHED_THREADS_MAX - sim->config.cpus) {
		sim_fail(sim, "more than %u threads, instances and forks together; make fewer",
			 SCHED_THREADS_MAX - sim->config.cpus - 2);
		return NULL;
	}
	struct sim_thread *thread = thread_alloc(sim, ++sim->threads_count);

	sim_script_init(thread, task);
	thread_name(sim, thread, task);
	thread_params(sim, thread, creator_cpu);
	sim->live++;
	return thread;
}

static void balancer_create(struct sim *sim, uint32_t cpu)
{
	struct sim_thread *thread = thread_alloc(sim, SCHED_THREADS_MAX - 1 - cpu);

	thread->balancer = true;
	thread->home = cpu;
	snprintf(thread->name, sizeof(thread->name), "balancer-%u", cpu);
	sim->shared->params[thread->tid] = (struct sched_thread_params){
		.flags = SCHED_THREAD_USED | SCHED_THREAD_BALANCER,
		.weight = POLICY_WEIGHT_NICE_0,
		.slice_ns = POLICY_SLICE_NS_DEFAULT,
		.cpu = cpu,
		.affinity = cpumask_one(cpu),
	};
}

/* Stable, and the list is short: insertion. */
static void starts_sort(struct sim *sim)
{
	const struct workload *workload = sim->config.workload;

	sim->starts = zeroed(workload->task_count * sizeof(*sim->starts));
	for (uint32_t i = 0; i < workload->task_count; i++) {
		uint32_t at = sim->starts_count;

		if (!workload->tasks[i].start)
			continue;
		struct sim_thread *thread = sim_thread_create(sim, &workload->tasks[i], 0);

		if (thread == NULL)
			return;
		while (at > 0 && sim->threads[sim->starts[at - 1]]->script.task->delay_ns >
					 workload->tasks[i].delay_ns) {
			sim->starts[at] = sim->starts[at - 1];
			at--;
		}
		sim->starts[at] = thread->tid;
		sim->starts_count++;
	}
}

struct sim *sim_open(const struct sim_config *config)
{
	struct sim *sim = zeroed(sizeof(*sim));

	sim->config = *config;
	sim->random = config->seed;
	sim->server = zeroed(sizeof(*sim->server));
	sim->shared = zeroed(sizeof(*sim->shared));
	sim->server->shared = sim->shared;
	sim->server->cpus = config->cpus;
	group_machine_start(&sim->server->groups, config->cpus, 0, sim->shared->group);
	sim->server->pick_flags = config->exact ? POLICY_PICK_EXACT : 0;
	sim->server->offers = config->offers;
	sim->server->again = config->again;
	sim->shared->cpus = config->cpus;
	list_init(&sim->waiting);
	list_init(&sim->creating);
	list_init(&sim->created);
	list_init(&sim->reserving);
	sim->objects = zeroed(config->workload->object_count * sizeof(*sim->objects));
	for (uint32_t i = 0; i < config->workload->object_count; i++)
		list_init(&sim->objects[i].waiters);
	the_sim = sim;
	for (uint32_t cpu = 0; cpu < config->cpus; cpu++) {
		sim_cpu_init(sim, cpu);
		sched_cpu_init(sim->server, cpu, config->policy, config->place);
		if (config->cpus > 1)
			balancer_create(sim, cpu);
	}
	groups_create(sim);
	starts_sort(sim);
	return sim;
}

void sim_close(struct sim *sim)
{
	for (uint32_t tid = 0; tid < SCHED_THREADS_MAX; tid++) {
		if (sim->threads[tid] == NULL)
			continue;
		free(sim->threads[tid]->wake_ns.values);
		free(sim->threads[tid]);
	}
	for (uint32_t cpu = 0; cpu < sim->config.cpus; cpu++)
		free(sim->groups[cpu]);
	free(sim->server);
	free(sim->shared);
	free(sim->objects);
	free(sim->queue);
	free(sim->starts);
	free(sim->schedule);
	free(sim->marks);
	free(sim);
}

/* ---- Starts
 * -------------------------------------------------------------------------------------- */

static void supervisor_ask(struct sim *sim)
{
	struct list_node *node = list_pop_front(&sim->creating);

	if (node == NULL)
		return;
	sim->asked = container_of(node, struct sim_thread, request_link);
	sim->asked->call = (struct sim_call){.label = SCHED_REQ_THREAD_NEW,
					     .words = {sim->asked->tid}};
	list_push_back(&sim->cpus[0].requests, &sim->asked->request_link);
	sim_core_kick(sim, &sim->cpus[0], REASON_REQUEST);
}

/* The dispatcher has answered the supervisor: on to the next thread. */
void sim_start_asked(struct sim *sim)
{
	if (sim->asked->home >= sim->config.cpus)
		sim_fail(sim, "the scheduler gave task \"%s\" no home", sim->asked->name);
	list_push_back(&sim->created, &sim->asked->request_link);
	sim->asked = NULL;
	sim_start_due(sim);
}

void sim_start_due(struct sim *sim)
{
	struct list_node *node;
	time_ns_t due_ns = TIME_NEVER;

	sim->acting_cpu = 0;
	for (; sim->starts_next < sim->starts_count; sim->starts_next++) {
		struct sim_thread *thread = sim->threads[sim->starts[sim->starts_next]];

		due_ns = thread->script.task->delay_ns;
		if (due_ns > sim->now_ns)
			break;
		list_push_back(&sim->creating, &thread->request_link);
		due_ns = TIME_NEVER;
	}
	if (due_ns != TIME_NEVER && due_ns != sim->start_armed_ns) {
		sim->start_armed_ns = due_ns;
		sim_post(sim, due_ns, SIM_EVENT_START, 0, 0);
	}
	if (sim->asked == NULL && !list_empty(&sim->creating)) {
		supervisor_ask(sim);
		return;
	}
	while (sim->asked == NULL && (node = list_pop_front(&sim->created)) != NULL)
		sim_thread_resume(sim, container_of(node, struct sim_thread, request_link));
}

/* ---- The server
 * ---------------------------------------------------------------------------------- */

void sim_server_upcall(struct sim *sim, uint32_t cpu, const struct sched_upcall *upcall,
		       struct sched_decision *decision)
{
	the_sim = sim;
	sched_upcall(sim->server, &sim->server->cpu[cpu], upcall, decision);
	sim->decisions++;
	sim_admission_look(sim);
	sim_check_decision(sim, cpu, decision);
	if (sim_check_is_due(sim) && !sim->failed)
		sim_check(sim);
}

enum error sched_sys_answer(struct sched_server *server, uint32_t tid, enum error error, word_t w1,
			    word_t w2)
{
	(void)server;
	return sim_tcb_answer(the_sim, tid, error, w1, w2);
}

enum error sched_sys_set_home(struct sched_server *server, uint32_t tid, uint32_t cpu)
{
	(void)server;
	return sim_tcb_set_home(the_sim, tid, cpu);
}

enum error sched_sys_set_key(struct sched_server *server, uint32_t tid, uint64_t key)
{
	(void)server;
	the_sim->threads[tid]->key = key;
	return ERR_OK;
}

struct group_cpu *sched_sys_group_cpu(struct sched_server *server, uint32_t cpu)
{
	(void)server;
	if (the_sim->groups[cpu] == NULL)
		the_sim->groups[cpu] = zeroed(sizeof(*the_sim->groups[cpu]));
	return the_sim->groups[cpu];
}

void sched_sys_policy_idles(struct sched_server *server, uint32_t cpu, uint32_t runnable)
{
	sim_fail_queue(
		the_sim, cpu,
		"policy %s picked nobody on CPU %u at %llu ns, but %u threads can run; this is a "
		"bug in it",
		server->cpu[cpu].policy->name, cpu, (unsigned long long)the_sim->now_ns, runnable);
}
