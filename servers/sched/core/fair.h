/* SPDX-License-Identifier: BSD-2-Clause */
/* What groups ideally have on this machine. */
#pragma once

#include <sched/server.h>

/* What groups ideally have now, for all CPUs; returns the load that each CPU should have, in weights of the
 * root.  Context: who holds masks.busy.  O(groups + CPUs). */
uint64_t sched_fair_update(struct sched_server *server, const struct place_view *view);

/* What a thread of that weight in its group weighs beside threads of the root. */
uint32_t sched_weight_flat(const struct sched_server *server, struct sched_thread *thread,
			   uint32_t weight);
