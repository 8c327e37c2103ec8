/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads stay inside their masks (build option core_masks). */
#include "mask.h"
#include "thread.h"

const struct cpumask *sched_thread_mask(struct sched_server *server,
					const struct sched_thread *thread)
{
	return &sched_thread_params(server, thread)->affinity;
}
