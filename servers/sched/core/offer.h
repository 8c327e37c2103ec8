/* SPDX-License-Identifier: BSD-2-Clause */
/* What else a decision says, so that the kernel need not ask. */
#pragma once

#include <sched/server.h>

void sched_offer_idle(const struct sched_server *server, const struct sched_cpu *cpu,
		      time_ns_t now_ns, struct sched_decision *decision);
void sched_offer_thread(const struct sched_server *server, struct sched_cpu *cpu,
			const struct policy_pick *pick, time_ns_t now_ns,
			struct sched_decision *decision);
/* The key of a thread as its parameters ask for; in the kernel, too. */
void sched_offer_key(struct sched_server *server, struct sched_cpu *cpu,
		     struct sched_thread *thread, const struct policy_params *params);
