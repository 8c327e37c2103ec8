/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From event records to the policy's queue.  First everybody is charged for what ran, then the new states are
 * applied, because a thread that becomes ready joins at the virtual time of now.
 */
#pragma once

#include <sched/server.h>

void sched_event_charge(struct sched_server *server, struct sched_cpu *cpu,
			const struct sched_event *event, time_ns_t now_ns);
void sched_event_apply(struct sched_server *server, struct sched_cpu *cpu,
		       const struct sched_event *event, time_ns_t now_ns);
/* All records of an upcall, as of now; the time of number `charged` is charged already (its count: none). */
void sched_events_apply(struct sched_server *server, struct sched_cpu *cpu,
			const struct sched_upcall *upcall, uint32_t charged);
/* Both for the only record of an upcall, of a settled thread. */
void sched_event_settled(struct sched_server *server, struct sched_cpu *cpu,
			 struct sched_thread *thread, const struct sched_event *event,
			 time_ns_t now_ns);
/*
 * The two records of an upcall of settled threads, where the picked one blocked at `at_ns` and its successor,
 * which is READY, ran since; nothing else waited.  Charges and applies both.
 */
struct sched_pair {
	struct sched_thread *before, *next;
	const struct sched_event *of_before, *of_next;
	bool next_first; /* its record is */
	time_ns_t at_ns;
};
/* Both and the decision, where nothing else is to be done and the policy can do all that in one step, for
 * the one that blocked is ready again: `pick` is what pick() says now.  False: nothing was done. */
bool sched_events_nap(struct sched_server *server, struct sched_cpu *cpu,
		      const struct sched_upcall *upcall, const struct sched_pair *pair,
		      struct policy_pick *pick);
void sched_events_pair(struct sched_server *server, struct sched_cpu *cpu,
		       const struct sched_pair *pair, time_ns_t now_ns);
/* The thread of this record blocked then, whatever happened to it since. */
void sched_event_blocked(struct sched_server *server, struct sched_cpu *cpu,
			 struct sched_thread *thread, const struct sched_event *event,
			 time_ns_t now_ns);
/* Of a settled thread. */
void sched_thread_charge(struct sched_cpu *cpu, struct sched_thread *thread, time_ns_t ran_ns,
			 time_ns_t now_ns);
/* Put a thread that became ready into the queue, or on another CPU where placement says so. */
void sched_thread_wake(struct sched_server *server, struct sched_cpu *cpu,
		       struct sched_thread *thread, time_ns_t ready_ns, time_ns_t now_ns);
/* Whoever still waits in a request that nobody here has answered leaves the queue. */
void sched_requesting_settle(struct sched_server *server, struct sched_cpu *cpu, time_ns_t now_ns);
void sched_requesting_forget(struct sched_cpu *cpu, struct sched_thread *thread);
