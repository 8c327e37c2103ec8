/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A kernel of paper that keeps its promises to the scheduler server: threads run, block, wake, ask, are
 * moved; every upcall tells what the paper says.  What a decision allows without asking again (filter,
 * successor, first, again) it does, and reports it late.
 *
 * Bad at: two things at once.  What the real kernel sees while it enters a dispatcher happens here between
 * two operations, with the CPU `entering`.
 */
#pragma once

#include <abi/sched.h>
#include <sched/server.h>

#define PAPER_THREADS 12u
#define PAPER_CPUS    4u
#define PAPER_GROUPS  4u

enum paper_state { PAPER_NONE, PAPER_STOPPED, PAPER_READY, PAPER_BLOCKED, PAPER_ASKING };

struct paper_thread {
	enum paper_state state;
	unsigned home, asked; /* CPUs; asked: while ASKING */
	bool delivered; /* the dispatcher asked has its request, or will hear of it when it is over */
	bool pending;   /* a record for the dispatcher of home */
	uint64_t posted; /* among all records */
	word_t seq, info;
	uint64_t key;
	time_ns_t ran_ns, first_ready_ns;
	struct sched_request request;
};

struct paper_cpu {
	unsigned running; /* tid, or 0 */
	bool entering;    /* its dispatcher is to be asked: nobody runs, and it does not idle */
	bool kicked;      /* something came that the decision does not allow to wait */
	time_ns_t timer_ns, slice_end_ns;
	struct sched_decision decision;

	/* What it allows: ahead.c. */
	bool filtered; /* a wake waited */
	uint64_t filter_key;
	time_ns_t filter_until_ns; /* 0: no filter */
	bool armed;                /* `next` follows who blocks, or runs first */
	unsigned next;             /* 0: the CPU idles */
	word_t next_seq;
	time_ns_t next_until_ns;
	bool first, idle_first; /* whoever becomes ready runs; so if it idles once more */
	time_ns_t first_slice_ns, again_until_ns;

	/* What it did, to be reported. */
	bool switched;
	unsigned switched_tag;
	time_ns_t switched_ns, switched_sleep_ns;
};

extern struct sched_server *paper_server;
extern struct paper_thread paper_threads[PAPER_THREADS + 1]; /* index = tid */
extern struct paper_cpu paper_cpus[PAPER_CPUS];
extern group_id_t paper_groups[PAPER_GROUPS]; /* the last ones that were made */
extern time_ns_t paper_now_ns;

/* Everything as it is before the first thread; `server` is empty. */
void paper_start(struct sched_server *server);

/* ---- Threads: kernel.c ----------------------------------------------------------------------- */

void paper_ready(unsigned tid, enum event_cause cause);
/* By itself, if it runs: the decision may say who follows. */
void paper_block(unsigned tid, enum paper_state state, enum event_cause cause);
/* It runs. */
void paper_yield(unsigned tid);
void paper_kill(unsigned tid);
void paper_time_passes(time_ns_t ns);

/* Whether the decision of this CPU ends now at the latest. */
bool paper_due(unsigned cpu);
/* Enters its dispatcher, with at most so many events at once. */
void paper_upcall(unsigned cpu, unsigned events_max);

/* ---- What decisions allow: ahead.c ----------------------------------------------------------- */

/* The decision is carried out from now on; `pending`: something came meanwhile. */
void paper_accept(struct paper_cpu *cpu, const struct sched_decision *decision, bool pending);
/* It is over. */
void paper_forget(struct paper_cpu *cpu);
/* A thread became ready: true if its wake waits. */
bool paper_filters(struct paper_cpu *cpu, const struct paper_thread *thread);
void paper_claim(struct paper_cpu *cpu, unsigned tid);
/* The running thread has blocked: true if somebody follows, or nobody, without an entry. */
bool paper_succeed(unsigned cpu, unsigned blocked);
/* The CPU idled: true if the first that became ready runs. */
bool paper_first(unsigned cpu);
/* The next upcall tells of it, once. */
void paper_report(struct paper_cpu *cpu, word_t *info, struct upcall_buffer *buffer);
