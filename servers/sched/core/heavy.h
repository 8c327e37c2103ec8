/* SPDX-License-Identifier: BSD-2-Clause */
/* The heaviest thread of each CPU, which averages leave out. */
#pragma once

#include <sched/server.h>

/* Once in a balance period; without groups, which have averages of their own. */
void sched_heaviest_find(struct sched_cpu *cpu);
/* A thread with that weight has come here, or has gone. */
void sched_heaviest_comes(struct sched_cpu *cpu, uint32_t weight);
void sched_heaviest_goes(struct sched_cpu *cpu, uint32_t weight);
/* Fill in view->heaviest, from an array of server->cpus. */
void sched_heaviest_view(const struct sched_server *server, struct place_view *view,
			 uint32_t *heaviest);
