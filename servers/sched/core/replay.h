/* SPDX-License-Identifier: BSD-2-Clause */
/* The records of an upcall in the order of time, where the kernel did more than one decision said. */
#pragma once

#include <sched/server.h>

/* All records, one step after the other.  O(records * (log threads + sleepers that were due)). */
__attribute__((noinline)) void sched_replay(struct sched_server *server, struct sched_cpu *cpu,
					    const struct sched_upcall *upcall,
					    bool behind /* a sleeper is due since before */);
/* The same for the usual one, of the two threads that it is about and nothing that waited. */
enum sched_replayed {
	SCHED_REPLAY_OTHER,  /* it was another one, and nothing was done */
	SCHED_REPLAY_DONE,   /* the records are applied */
	SCHED_REPLAY_PICKED, /* and that is all there is: `pick` is valid */
};
__attribute__((noinline)) enum sched_replayed sched_replay_pair(struct sched_server *server,
								struct sched_cpu *cpu,
								const struct sched_upcall *upcall,
								struct policy_pick *pick);
/* Whether a record may be of a wake that did not enter. */
bool sched_filtered_any(struct sched_server *server, const struct sched_cpu *cpu,
			const struct sched_upcall *upcall);
