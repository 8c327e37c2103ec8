/* SPDX-License-Identifier: BSD-2-Clause */
/* Groups on a machine of one or two CPUs: a bench for each, with the layer of policy/group on top. */
#pragma once

#include "bench.h"
#include "group/group.h"

#define MS      UINT64_C(1000000)
#define SECOND  (1000 * MS)
#define THREADS 24u

/* One machine, and a bench for each CPU, with the layer on top from the start. */
struct world {
	struct group_machine machine;
	struct group_record record[GROUP_MAX];
	struct group_cpu *cpu[2];
	struct bench *bench[2];
};

void world_attach(struct world *world, uint32_t cpu, const struct policy_ops *base);
struct world *world_make(const struct policy_ops *base, uint32_t cpus);
void world_free(struct world *world);
group_id_t world_group(struct world *world, group_id_t parent, uint32_t weight, uint64_t quota_ns,
		       uint64_t period_ns);
void world_put(struct bench *bench, uint32_t tid, group_id_t group, uint32_t weight);
void world_run_until(struct bench *bench, uint64_t until_ns);
double world_used(const struct bench *bench, uint32_t tid);
void world_run_both(struct world *world, uint64_t until_ns);
