/* SPDX-License-Identifier: BSD-2-Clause */
/* Where threads may run: mask.c, or mask_off.c in a build without core_masks. */
#pragma once

#include <sched/server.h>

/* Its mask, or every CPU in a build without core_masks. */
const struct cpumask *sched_thread_mask(struct sched_server *server,
					const struct sched_thread *thread);
