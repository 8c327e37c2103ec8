/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads that have called a passive server go on out of turn. */
#pragma once

#include <sched/server.h>

/* A ready thread runs a server that others wait for, as its record says, which is applied, or because that
 * server has been answered; slept: it waited in between. */
void sched_served_note(struct sched_cpu *cpu, struct sched_thread *thread, bool slept);
/* Such a thread goes before the one picked, which is `running`: true, and the decision names it. */
bool sched_served_decide(struct sched_cpu *cpu, time_ns_t now_ns, struct sched_decision *decision);
