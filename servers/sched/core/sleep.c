/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sleepers of one CPU, in a heap by wake-up time.  A sleeper is blocked in a request to this
 * dispatcher; the kernel's one-shot timer enters the dispatcher at the earliest one.  All that are
 * due wake in one upcall.
 */
#include <base/math.h>
#include <sched/sys_if.h>

#include "event.h"
#include "sleep.h"

static bool sleep_before(const struct heap_node *a, const struct heap_node *b)
{
	const struct sched_thread *first = container_of_const(a, struct sched_thread, sleep_node);
	const struct sched_thread *second = container_of_const(b, struct sched_thread, sleep_node);

	if (first->wake_at_ns != second->wake_at_ns)
		return first->wake_at_ns < second->wake_at_ns;
	return first->tid < second->tid;
}

void sched_sleep_add(struct sched_cpu *cpu, struct sched_thread *thread, time_ns_t wake_at_ns)
{
	sched_sleep_cancel(cpu, thread);
	thread->wake_at_ns = wake_at_ns;
	heap_push(&cpu->sleepers, &thread->sleep_node, sleep_before);
}

void sched_sleep_cancel(struct sched_cpu *cpu, struct sched_thread *thread)
{
	if (heap_inside(&thread->sleep_node))
		heap_remove(&cpu->sleepers, &thread->sleep_node, sleep_before);
}

time_ns_t sched_sleep_next(const struct sched_cpu *cpu)
{
	const struct heap_node *first = heap_first(&cpu->sleepers);

	if (first == NULL)
		return TIME_NEVER;
	return container_of_const(first, struct sched_thread, sleep_node)->wake_at_ns;
}

struct sched_thread *sched_sleep_soonest(const struct sched_cpu *cpu)
{
	return container_of(heap_first(&cpu->sleepers), struct sched_thread, sleep_node);
}

#define SLEEP_LOOKS 12u

time_ns_t sched_sleep_next_below(const struct sched_cpu *cpu, uint64_t key, time_ns_t until_ns)
{
	const struct heap_node *stack[SLEEP_LOOKS + 2];
	time_ns_t next_ns = until_ns;
	uint32_t depth = 0;

	if (heap_first(&cpu->sleepers) != NULL)
		stack[depth++] = heap_first(&cpu->sleepers);
	/* A look pops one node and pushes at most two. */
	for (uint32_t looks = 0; depth > 0; looks++) {
		const struct heap_node *node = stack[--depth];
		const struct sched_thread *thread;

		thread = container_of_const(node, struct sched_thread, sleep_node);
		if (thread->wake_at_ns >= next_ns)
			continue; /* and whoever is below wakes later still */
		if (looks >= SLEEP_LOOKS)
			return sched_sleep_next(cpu);
		if (thread->key < key) {
			next_ns = thread->wake_at_ns;
			continue;
		}
		if (node->left != NULL)
			stack[depth++] = node->left;
		if (node->right != NULL)
			stack[depth++] = node->right;
	}
	return next_ns;
}

#define SLEEP_FIRSTS 8u

uint32_t sched_sleep_first(const struct sched_cpu *cpu, time_ns_t until_ns,
			   const struct sched_thread *sleepers[], uint32_t count)
{
	const struct heap_node *edge[SLEEP_FIRSTS + 1]; /* below those that were taken */
	uint32_t edges = 0, taken = 0;

	if (heap_first(&cpu->sleepers) != NULL)
		edge[edges++] = heap_first(&cpu->sleepers);
	for (count = (uint32_t)min_u64(count, SLEEP_FIRSTS); taken < count && edges > 0;) {
		uint32_t first = 0;

		for (uint32_t i = 1; i < edges; i++)
			if (sleep_before(edge[i], edge[first]))
				first = i;

		const struct heap_node *node = edge[first];

		sleepers[taken] = container_of_const(node, struct sched_thread, sleep_node);
		if (sleepers[taken]->wake_at_ns >= until_ns)
			break;
		taken++;
		/* One goes and at most two come. */
		edge[first] = edge[--edges];
		if (node->left != NULL)
			edge[edges++] = node->left;
		if (node->right != NULL)
			edge[edges++] = node->right;
	}
	return taken;
}

void sched_sleep_expire(struct sched_server *server, struct sched_cpu *cpu, time_ns_t now_ns)
{
	while (sched_sleep_next(cpu) <= now_ns) {
		struct heap_node *node = heap_pop(&cpu->sleepers, sleep_before);
		struct sched_thread *thread = container_of(node, struct sched_thread, sleep_node);

		/* Refused: it was signalled, stopped or killed a moment ago, and its event is on
		 * the way. */
		if (sched_sys_answer(server, thread->tid, ERR_OK, 0, 0) == ERR_OK)
			sched_thread_wake(server, cpu, thread, thread->wake_at_ns, now_ns);
	}
}
