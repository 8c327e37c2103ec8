/* SPDX-License-Identifier: BSD-2-Clause */
/* What others do to threads that wait here has a budget. */
#pragma once

#include <sched/server.h>

/* This entry was for changes: as the records of a kick say, or for another reason. */
void sched_changes_look(struct sched_server *server, struct sched_cpu *cpu,
			const struct sched_upcall *upcall);
void sched_changes_note(struct sched_cpu *cpu);
/* What the last entry cost, if it was for changes: before it is billed. */
void sched_changes_charge(struct sched_cpu *cpu, time_ns_t ran_ns, time_ns_t now_ns);
/* A thread is run: what is to be held back meanwhile. */
void sched_changes_hold(struct sched_cpu *cpu, time_ns_t now_ns, struct sched_decision *decision);
