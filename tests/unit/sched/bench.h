/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A kernel of paper for the server's core: threads have a home and a state, upcalls are written by
 * hand, and what the server asks for is written down.
 */
#pragma once

#include <sched/protocol.h>
#include <sched/server.h>
#include <sched/sys_if.h>

#define BENCH_CALLS_MAX 64u
#define BENCH_KEYS_MAX  64u

struct bench_answer {
	uint32_t tid;
	enum error error;
	word_t w1, w2;
};

struct bench_move {
	uint32_t tid, cpu;
};

/* What the server asked for since bench_clear_calls(). */
extern struct bench_answer bench_answers[BENCH_CALLS_MAX];
extern uint32_t bench_answers_count;
extern struct bench_move bench_moves[BENCH_CALLS_MAX];
extern uint32_t bench_moves_count;
extern enum error bench_next_answer;        /* what the next TCB_ANSWER returns */
extern enum error bench_move_error;         /* what each TCB_SET_HOME returns */
extern uint64_t bench_keys[BENCH_KEYS_MAX]; /* as set for the wake filter */
extern time_ns_t bench_now;
extern bool bench_groups;           /* there is memory for groups */
extern uint32_t bench_groups_lost;  /* damaged, when the last instance began */
extern uint32_t bench_idled_beside; /* runnable threads, when the policy last picked nobody */

extern struct sched_server *bench_server;
extern struct sched_shared *bench_shared;

/* A fresh server with so many CPUs, all with one policy. */
void bench_open(uint32_t cpus, const struct policy_ops *policy, const struct place_ops *place);
/* Likewise with EEVDF, and decisions offer all that they can say beyond who runs. */
void bench_open_offering(uint32_t cpus);
/* Another instance on the same CPUs, which knows what is in the shared memory. */
void bench_replace(const struct policy_ops *policy, const struct place_ops *place);
void bench_close(void);
void bench_clear_calls(void);

/* Fill in the shared record of a thread, as proc does. */
void bench_thread(uint32_t tid, uint32_t weight);

/* One upcall with at most one event and at most one request. */
struct sched_decision bench_event(uint32_t cpu, uint32_t tid, word_t info, time_ns_t ran_ns);
/* A new thread of weight 1024. */
struct sched_decision bench_start(uint32_t cpu, uint32_t tid);
struct sched_decision bench_request(uint32_t cpu, uint32_t tid, word_t label, word_t w0, word_t w1,
				    word_t w2, word_t w3);
struct sched_decision bench_request_as(uint32_t cpu, uint32_t tid, word_t badge, word_t label,
				       word_t w0, word_t w1, word_t w2, word_t w3);
/* One upcall with several events, as given but for tag and seq. */
struct sched_decision bench_events(uint32_t cpu, const struct sched_event *events, uint32_t count);
/* Likewise, and a kick was the reason. */
struct sched_decision bench_kicked(uint32_t cpu, const struct sched_event *events, uint32_t count);
/* As bench_events(), and there are more to come: no decision yet. */
struct sched_decision bench_more(uint32_t cpu, const struct sched_event *events, uint32_t count);
/* As bench_events(), and the kernel ran `tag` (0: idled) from then on without asking. */
struct sched_decision bench_switched(uint32_t cpu, const struct sched_event *events, uint32_t count,
				     uint32_t tag, time_ns_t at_ns);
/* Likewise, and there are more to come. */
struct sched_decision bench_switched_more(uint32_t cpu, const struct sched_event *events,
					  uint32_t count, uint32_t tag, time_ns_t at_ns);
/* As bench_switched(), and the thread that was over sleeps until then. */
struct sched_decision bench_slept(uint32_t cpu, const struct sched_event *events, uint32_t count,
				  uint32_t tag, time_ns_t at_ns, time_ns_t until_ns);
/* As bench_events(), or bench_switched() if a thread was switched to; and `asks` yields by request, unless it
 * is 0. */
struct sched_decision bench_yield(uint32_t cpu, const struct sched_event *events, uint32_t count,
				  uint32_t asks, uint32_t tag, time_ns_t at_ns);
/* The decision was refused, and one event came with it. */
struct sched_decision bench_refused_event(uint32_t cpu, enum error status, uint32_t tid,
					  word_t info);
struct sched_decision bench_nothing(uint32_t cpu, enum error status);

#define BENCH_READY(cause)   ((word_t)EVENT_READY | ((word_t)(cause) << 8))
#define BENCH_BLOCKED(cause) ((word_t)EVENT_BLOCKED | ((word_t)(cause) << 8))
