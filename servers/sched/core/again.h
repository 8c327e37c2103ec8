/* SPDX-License-Identifier: BSD-2-Clause */
/* The records of an upcall where the kernel let the CPU idle again and again (DECISION_AGAIN). */
#pragma once

#include <sched/server.h>

__attribute__((noinline)) void sched_replay_again(struct sched_server *server,
						  struct sched_cpu *cpu,
						  const struct sched_upcall *upcall);
