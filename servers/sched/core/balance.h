/* SPDX-License-Identifier: BSD-2-Clause */
/* Balancing: what the balancers ask for, and what dispatchers give. */
#pragma once

#include <sched/server.h>

/* What happened to a balancer; it is in no queue. */
void sched_balancer_event(struct sched_cpu *cpu, struct sched_thread *thread,
			  const struct sched_event *event);
/* It waits for orders, and brought so many threads from its last way: who is to go in exchange goes. */
void sched_balancer_parks(struct sched_server *server, struct sched_cpu *cpu,
			  struct sched_thread *thread, word_t pulled, time_ns_t now_ns);
/* This CPU has nothing to run: show the idle bit, then look whom to ask.  O(CPUs). */
void sched_balance_idle(struct sched_server *server, struct sched_cpu *cpu, time_ns_t now_ns);
/* When an idle CPU looks again for work that it could not get; TIME_NEVER: there is none. */
time_ns_t sched_balance_idle_next(const struct sched_cpu *cpu, time_ns_t now_ns);
/* The period is over. */
void sched_balance_period(struct sched_server *server, struct sched_cpu *cpu, time_ns_t now_ns);
/* A thread that is ready has come from another CPU: who has had this one alone is not alone any more, and
 * the accounts go on before the next period. */
void sched_balance_comes(const struct sched_server *server, struct sched_cpu *cpu,
			 time_ns_t now_ns);
/* When the next period begins; TIME_NEVER: there is nothing to balance.  Of several CPUs. */
time_ns_t sched_balance_period_next(struct sched_server *server, struct sched_cpu *cpu,
				    time_ns_t now_ns);
/* "You own your queue: which threads can you spare?"  Returns how many went to the puller. */
uint32_t sched_balance_give(struct sched_server *server, struct sched_cpu *cpu, uint32_t puller,
			    time_ns_t now_ns);
/* The same to a CPU that is quiet and does not ask; who was just picked here stays. */
uint32_t sched_balance_give_quiet(struct sched_server *server, struct sched_cpu *cpu,
				  uint32_t puller, time_ns_t now_ns);
