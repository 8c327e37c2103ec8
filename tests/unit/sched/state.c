/* SPDX-License-Identifier: BSD-2-Clause */
#include "core/core.h"
#include "core/thread.h"

#include "state.h"

/* What the records of the threads say of one CPU, or of one class of masks. */
struct counted {
	uint32_t runnable, incoming;
	uint64_t incoming_weight;
	uint32_t users, ready;
	uint64_t weight;
};

static bool queued(const struct sched_thread *thread)
{
	return thread->state == SCHED_READY && !thread->arriving && !thread->balancer;
}

static struct counted count_cpu(const struct sched_server *server, uint32_t tids, uint32_t cpu)
{
	struct counted sum = {0};

	for (uint32_t tid = 1; tid < tids; tid++) {
		const struct sched_thread *thread = &server->threads[tid];

		if (thread->state == SCHED_UNKNOWN || thread->home != cpu)
			continue;
		sum.runnable += queued(thread);
		sum.incoming += thread->arriving;
		sum.incoming_weight += thread->arriving ? thread->incoming_weight : 0;
	}
	return sum;
}

static struct counted count_class(const struct sched_server *server, uint32_t tids, uint32_t class)
{
	struct counted sum = {0};

	for (uint32_t tid = 1; tid < tids; tid++) {
		const struct sched_thread *thread = &server->threads[tid];

		if (thread->mask_class != class)
			continue;
		sum.users++;
		sum.ready += thread->mask_weight != 0;
		sum.weight += thread->mask_weight;
	}
	return sum;
}

static const char *classes_broken(const struct sched_server *server, uint32_t tids)
{
	uint64_t weight = 0;

	for (uint32_t class = 1; class < LEVEL_CLASSES_MAX; class ++) {
		const struct sched_mask_class *mask = &server->masks.class[class];
		const struct counted sum = count_class(server, tids, class);

		if (mask->users != sum.users || mask->count != sum.ready ||
		    mask->weight != sum.weight)
			return "a class of masks has the threads that say so";
		weight += sum.weight;
	}
	return weight != server->masks.weight ? "the masks' weight is that of their classes" : NULL;
}

/* Where threads wait for another's right to run, or for runtime, fewer can be picked. */
static bool counts_all(const struct sched_cpu *cpu)
{
	return !cpu->grouped && cpu->place->on_turn == NULL;
}

static const char *cpu_broken(struct sched_server *server, uint32_t tids, struct sched_cpu *cpu)
{
	const struct counted sum = count_cpu(server, tids, cpu->index);
	struct policy_info info;

	cpu->policy->query(policy_cpu(cpu), NULL, &info);
	if (cpu->policy->check(policy_cpu(cpu)) != 0)
		return "the queue keeps its own rules";
	if (counts_all(cpu) && info.runnable != sum.runnable)
		return "who is ready is in the queue, and nobody else";
	if (cpu->incoming != sum.incoming || cpu->incoming_weight != sum.incoming_weight)
		return "who is on the way is counted where it goes";
	if (cpu->running != NULL &&
	    (!sched_thread_settled(cpu, cpu->running) || cpu->running->state != SCHED_READY))
		return "who runs is in the queue";
	if (cpu->payer != NULL && !sched_thread_settled(cpu, cpu->payer))
		return "who pays is here";
	if (cpu->last_run != NULL && cpu->last_run->state == SCHED_UNKNOWN)
		return "who ran last is known";
	return NULL;
}

static const char *decided_broken(const struct sched_server *server, uint32_t tids,
				  const struct sched_cpu *cpu)
{
	if (cpu->requesting_count != 0)
		return "who asked has been answered or has left";
	struct policy_info info;

	cpu->policy->query(policy_cpu_const(cpu), NULL, &info);
	if (counts_all(cpu) &&
	    (cpu->load.runnable != count_cpu(server, tids, cpu->index).runnable ||
	     cpu->load.weight != info.load))
		return "the load that is published is the one that is";
	for (uint32_t tid = 1; tid < tids; tid++)
		if (server->threads[tid].in_request &&
		    server->threads[tid].state != SCHED_UNKNOWN &&
		    server->threads[tid].home == cpu->index)
			return "nobody keeps its place for a request";
	return NULL;
}

const char *state_broken(struct sched_server *server, uint32_t tids, const struct sched_cpu *cpu,
			 bool decided)
{
	const char *broken = classes_broken(server, tids);

	for (uint32_t at = 0; broken == NULL && at < server->cpus; at++)
		broken = cpu_broken(server, tids, &server->cpu[at]);
	return broken == NULL && decided ? decided_broken(server, tids, cpu) : broken;
}
