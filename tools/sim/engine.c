/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The clock and the queue of events: a binary heap by (time, tie, number).  With seed 0 every tie
 * is 0, so simultaneous events happen in the order in which they were posted; with another seed
 * ties are drawn at random, which explores other interleavings of the CPUs.  Either way the same
 * seed gives the same run.
 */
#include "sim.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define STALLED_EVENTS_MAX 4000000u

void sim_fail(struct sim *sim, const char *format, ...)
{
	va_list arguments;

	if (sim->failed)
		return;
	sim->failed = true;
	va_start(arguments, format);
	vsnprintf(sim->failure, sizeof(sim->failure), format, arguments);
	va_end(arguments);
}

void sim_fail_queue(struct sim *sim, uint32_t cpu, const char *format, ...)
{
	const struct sched_cpu *view = &sim->server->cpu[cpu];
	va_list arguments;

	if (sim->failed)
		return;
	sim->failed = true;
	va_start(arguments, format);
	vsnprintf(sim->failure, sizeof(sim->failure) - POLICY_DUMP_BYTES, format, arguments);
	va_end(arguments);
	size_t length = strlen(sim->failure);

	sim->failure[length++] = '\n';
	length += view->policy->dump((const struct policy_cpu *)(const void *)view->policy_blob,
				     &sim->failure[length], sizeof(sim->failure) - length);
	if (sim->failure[length - 1] == '\n')
		sim->failure[length - 1] = '\0';
}

void *sim_grow(void *array, size_t *capacity, size_t count, size_t element_bytes)
{
	if (count < *capacity)
		return array;
	*capacity = *capacity == 0 ? 64 : *capacity * 2;
	array = realloc(array, *capacity * element_bytes);
	if (array == NULL) {
		fputs("baton-sim: out of memory\n", stderr);
		exit(1);
	}
	return array;
}

/* splitmix64: any seed gives a full-period sequence. */
static uint64_t random_next(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15ull);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static bool event_before(const struct sim_event *a, const struct sim_event *b)
{
	if (a->at_ns != b->at_ns)
		return a->at_ns < b->at_ns;
	if (a->tie != b->tie)
		return a->tie < b->tie;
	return a->number < b->number;
}

void sim_post(struct sim *sim, time_ns_t at_ns, enum sim_event_kind kind, uint32_t cpu,
	      uint64_t generation)
{
	struct sim_event event = {
		.at_ns = at_ns,
		.tie = sim->config.seed == 0 ? 0 : random_next(&sim->random),
		.number = sim->queue_number++,
		.generation = generation,
		.kind = kind,
		.cpu = cpu,
	};

	sim->queue = sim_grow(sim->queue, &sim->queue_capacity, sim->queue_count, sizeof(event));

	size_t at = sim->queue_count++;

	while (at > 0 && event_before(&event, &sim->queue[(at - 1) / 2])) {
		sim->queue[at] = sim->queue[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	sim->queue[at] = event;
}

static struct sim_event queue_pop(struct sim *sim)
{
	struct sim_event first = sim->queue[0];
	struct sim_event last = sim->queue[--sim->queue_count];
	size_t at = 0;

	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= sim->queue_count)
			break;
		if (child + 1 < sim->queue_count &&
		    event_before(&sim->queue[child + 1], &sim->queue[child]))
			child++;
		if (!event_before(&sim->queue[child], &last))
			break;
		sim->queue[at] = sim->queue[child];
		at = child;
	}
	sim->queue[at] = last;
	return first;
}

static void event_handle(struct sim *sim, const struct sim_event *event)
{
	struct sim_cpu *cpu = &sim->cpus[event->cpu];

	switch ((enum sim_event_kind)event->kind) {
	case SIM_EVENT_CPU_TIMER:
		if (event->generation == cpu->generation)
			sim_cpu_timer(sim, cpu);
		break;
	case SIM_EVENT_IPI:
		sim_cpu_ipi(sim, cpu);
		break;
	case SIM_EVENT_DRAIN:
		sim_cpu_drain(sim, cpu);
		break;
	case SIM_EVENT_DELIVER:
		sim_cpu_deliver(sim, cpu);
		break;
	case SIM_EVENT_START:
		sim_start_due(sim);
		break;
	}
}

static void clock_advance(struct sim *sim, time_ns_t to_ns)
{
	if (to_ns > sim->now_ns) {
		sim->now_ns = to_ns;
		sim->stalled = 0;
	} else if (++sim->stalled > STALLED_EVENTS_MAX) {
		sim_fail(sim, "no progress at %llu ns: something goes round without taking time",
			 (unsigned long long)sim->now_ns);
	}
}

/* Handle events until none is left, or none before `end_ns`, or every task has ended. */
static void run_until(struct sim *sim, time_ns_t end_ns, bool tasks)
{
	while (sim->queue_count > 0 && !sim->failed && sim->queue[0].at_ns < end_ns &&
	       (!tasks || sim->live > 0 || sim->starts_next < sim->starts_count)) {
		struct sim_event event = queue_pop(sim);

		clock_advance(sim, event.at_ns);
		event_handle(sim, &event);
	}
}

/* Dispatchers and balancers settle, at time 0 and for nothing, before the workload starts. */
static void boot(struct sim *sim)
{
	struct sim_costs costs = sim->config.costs;

	sim->config.costs = (struct sim_costs){.slice_min_ns = 1};
	for (uint32_t cpu = 0; cpu < sim->config.cpus; cpu++) {
		struct sim_thread *balancer = sim->threads[SCHED_THREADS_MAX - 1 - cpu];

		sim->cpus[cpu].reasons |= 1u << REASON_BIND;
		sim_cpu_enter(sim, &sim->cpus[cpu]);
		if (balancer != NULL)
			sim_thread_resume(sim, balancer);
	}
	run_until(sim, 1, false);
	sim->config.costs = costs;
	for (uint32_t cpu = 0; cpu < sim->config.cpus; cpu++)
		memset(&sim->cpus[cpu].stats, 0, sizeof(sim->cpus[cpu].stats));
}

static uint32_t blocked_count(const struct sim *sim)
{
	uint32_t count = 0;

	for (uint32_t tid = 1; tid <= sim->threads_count; tid++)
		count += sim->threads[tid]->state == SIM_BLOCKED;
	return count;
}

static void stand_still(struct sim *sim)
{
	const uint32_t count = blocked_count(sim);
	char who[400];

	sim_sync_tell(sim, who, sizeof(who));
	sim_fail(sim, "the workload stands still at %llu ns: %u %s for ever: %s",
		 (unsigned long long)sim->now_ns, count, count == 1 ? "task waits" : "tasks wait",
		 who);
}

/* By start, then CPU: no two are equal. */
static int stretch_compare(const void *a, const void *b)
{
	const struct sim_stretch *x = a;
	const struct sim_stretch *y = b;

	if (x->start_ns != y->start_ns)
		return x->start_ns < y->start_ns ? -1 : 1;
	return x->cpu < y->cpu ? -1 : x->cpu > y->cpu;
}

bool sim_run(struct sim *sim)
{
	boot(sim);
	sim_start_due(sim);
	run_until(sim, sim->config.duration_ns, true);
	if (!sim->failed && sim->live > 0 && sim->queue_count == 0 &&
	    (sim->config.duration_ns == TIME_NEVER || sim->config.duration_assumed))
		stand_still(sim);
	if (!sim->failed && sim->config.duration_ns != TIME_NEVER && sim->live > 0)
		sim->now_ns = sim->config.duration_ns;
	if (!sim->failed)
		sim_check(sim);
	for (uint32_t cpu = 0; cpu < sim->config.cpus; cpu++)
		sim_cpu_finish(sim, &sim->cpus[cpu]);
	sim_idle_finish(sim);
	if (sim->schedule_count > 1)
		qsort(sim->schedule, sim->schedule_count, sizeof(*sim->schedule), stretch_compare);
	return !sim->failed;
}
