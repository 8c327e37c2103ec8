/* SPDX-License-Identifier: BSD-2-Clause */
#include "group_world.h"

#include <string.h>

void world_attach(struct world *world, uint32_t cpu, const struct policy_ops *base)
{
	world->cpu[cpu] = aligned_alloc(POLICY_ALIGN, sizeof(*world->cpu[cpu]));
	memset(world->cpu[cpu], 0, sizeof(*world->cpu[cpu]));
	cr_assert_eq(group_cpu_attach(world->cpu[cpu], &world->machine, base,
				      bench_cpu(world->bench[cpu]), cpu),
		     ERR_OK);
	world->bench[cpu]->ops = group_policy_of(base);
}

struct world *world_make(const struct policy_ops *base, uint32_t cpus)
{
	struct world *world = calloc(1, sizeof(*world));

	group_machine_start(&world->machine, cpus, 0, world->record);
	for (uint32_t cpu = 0; cpu < cpus; cpu++) {
		world->bench[cpu] = bench_make(base, THREADS);
		memset(world->bench[cpu]->threads, 0,
		       THREADS * sizeof(*world->bench[cpu]->threads));
		world_attach(world, cpu, base);
	}
	return world;
}

void world_free(struct world *world)
{
	for (uint32_t cpu = 0; cpu < world->machine.cpus; cpu++) {
		bench_free(world->bench[cpu]);
		free(world->cpu[cpu]);
	}
	free(world);
}

group_id_t world_group(struct world *world, group_id_t parent, uint32_t weight, uint64_t quota_ns,
		       uint64_t period_ns)
{
	const struct group_config config = {parent, weight, quota_ns, period_ns};
	group_id_t id = 0;

	cr_assert_eq(group_create(&world->machine, &config, &id), ERR_OK);
	return id;
}

void world_put(struct bench *bench, uint32_t tid, group_id_t group, uint32_t weight)
{
	struct bench_thread *thread = &bench->threads[tid];

	*thread = (struct bench_thread){.params = {.tid = tid,
						   .weight = weight,
						   .slice_ns = 3 * MS,
						   .priority = POLICY_PRIORITY_DEFAULT,
						   .group = group}};
	cr_assert_eq(bench->ops->thread_init(bench_thread(bench, tid), &thread->params), ERR_OK);
	bench_enqueue(bench, tid, POLICY_JOIN_WAKE);
}

/* Picks and runs what it got; idles until there is something again. */
void world_run_until(struct bench *bench, uint64_t until_ns)
{
	while (bench->now_ns < until_ns) {
		const uint64_t left_ns = until_ns - bench->now_ns;
		const uint32_t tid = bench_pick(bench);
		const uint64_t ns = bench->picked.slice_ns < left_ns ? bench->picked.slice_ns
								     : left_ns;

		cr_assert_gt(ns, 0);
		if (tid == UINT32_MAX)
			bench->now_ns += ns;
		else
			bench_run(bench, ns);
	}
}

double world_used(const struct bench *bench, uint32_t tid)
{
	return (double)bench->threads[tid].service_ns;
}

void world_run_both(struct world *world, uint64_t until_ns)
{
	for (uint64_t at_ns = 4 * MS; at_ns <= until_ns; at_ns += 4 * MS)
		for (uint32_t cpu = 0; cpu < 2; cpu++) {
			world_run_until(world->bench[cpu], at_ns);
			world->bench[cpu]->ops->set_average(bench_cpu(world->bench[cpu]), 1024,
							    at_ns);
		}
}
