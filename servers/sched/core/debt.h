/* SPDX-License-Identifier: BSD-2-Clause */
/* What a thread owes when it ends, and who pays it. */
#pragma once

#include <sched/server.h>

/* Take what others left it to pay; of a thread that was adopted. */
void sched_debt_take(struct sched_thread *thread);
/* Likewise, of one that comes to the queue next: it comes with that much less lag. */
void sched_debt_collect(struct sched_server *server, struct sched_cpu *cpu,
			struct sched_thread *thread, time_ns_t now_ns);
/* What it owes, its bill included, before it leaves the queue at its end and is forgotten. */
uint64_t sched_debt_of(struct sched_cpu *cpu, struct sched_thread *thread);
/* Its heir pays that, after it has left: later; at once, if it is in the queue here. */
void sched_debt_bill(struct sched_server *server, struct sched_thread *thread, uint64_t owed_ns);
void sched_debt_pass(struct sched_server *server, struct sched_cpu *cpu,
		     struct sched_thread *thread, uint64_t owed_ns, time_ns_t now_ns);
