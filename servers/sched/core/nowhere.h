/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads with an empty affinity mask wait. */
#pragma once

#include <sched/server.h>

/* Its shared record says what its mask is, which an instance before this one may have set. */
void sched_nowhere_adopt(struct sched_server *server, struct sched_cpu *cpu,
			 struct sched_thread *thread);
/* Its mask changed: true if it is empty, or was while the thread was ready; there is nothing else to do. */
bool sched_nowhere_follow(struct sched_server *server, struct sched_cpu *cpu,
			  struct sched_thread *thread, time_ns_t now_ns);
