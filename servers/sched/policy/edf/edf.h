/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Earliest deadline first of constant-bandwidth servers (L. Abeni, G. Buttazzo, 1998), hard
 * reservations, one CPU; as Linux's SCHED_DEADLINE.
 *
 *   Q_i  slice_ns: budget           T_i  period_ns; 0: the thread asks for no reservation
 *   U_i  = Q_i / T_i                U    sum of U_i over the admitted threads, sleeping ones included
 *   d_i  deadline (absolute)        c_i  budget left until d_i; negative: overrun, taken off the next
 *
 * Promise: an admitted thread that wants to gets Q_i ns of CPU before each deadline, deadlines T_i
 * apart, because U <= 1 (C. Liu, J. Layland, 1973); late by at most the longest time between decisions.
 *
 *   wakes at t       d <= t, or c > (d - t) Q / T (the old pair would exceed U_i):  d = t + T, c = Q
 *                    else it goes on with (c, d)
 *   budget used up   throttled until d; then c += Q, d += T
 *   yields           gives up the rest of its budget: throttled until d
 *
 * Admission: a CPU admits while U <= 1.  set_params of a thread that would not fit: ERR_NO_TIME, and
 * nothing changed (clients see it as the answer to SET_PARAM).  thread_init knows no CPU, so a thread
 * that arrives with a period (fork, migration, restart) asks when it joins; without room it runs
 * unreserved and asks again at each of its wakes.  EXIT and migration give the room back, sleep
 * does not.
 *
 * Background: threads without a reservation, refused ones and throttled ones share what is left by
 * round robin.  Admitted threads with budget go before all of them, and work in the background is
 * not charged to a budget; so the background takes nothing from the admitted, and the admitted leave it
 * 1 - U.
 *
 * On a line (line.h) whose first thread runs: the key of an admitted thread with budget is its deadline, that
 * of all others EDF_BACKGROUND, behind every deadline; a turn is a turn in the background.
 *
 * Invariants: a throttled thread is in `throttled` (by (d, tid)) as well, also while it sleeps.  U is the
 * sum of the admitted threads' U_i, and at most 1.
 *
 * U_i is rounded down to 2^-36: 2,048 threads may exceed the CPU by 30 ns a second.
 *
 * Bad at: several CPUs.  A reservation holds on one CPU; pin such threads (affinity), or use place=home.
 * Their owners must know their budgets.  preempts() looks at each throttled thread that is due.
 *
 * check() numbers: enum line_rule; LINE_RULE_OWN: budgets, places, the sum of what is promised.
 */
#pragma once

#include "../line/line.h"

#define EDF_ID         6u
#define EDF_VERSION    2u
#define EDF_U_BITS     36u
#define EDF_BACKGROUND ((uint64_t)INT64_MAX)

struct edf_thread {
	struct line_thread line;
	struct rb_node throttle; /* in cpu->throttled */
	uint64_t period_ns;
	uint64_t deadline_ns;
	uint64_t bandwidth; /* U_i, 2^-36; 0: not admitted */
	int64_t left_ns;    /* c */
	bool throttled;
	uint8_t pad[7];
};

struct edf_cpu {
	struct line_cpu line;
	struct rb_tree throttled;
	uint64_t bandwidth; /* U, 2^-36 */
	uint32_t admitted;
	bool fresh; /* the running thread was picked with budget: what it runs is charged to it */
	bool alone; /* ... and without a timer, because nobody else was there */
	uint8_t pad[2];
};

LINE_VIEWS(edf);

static inline struct edf_thread *edf_of_throttle(struct rb_node *node)
{
	return node == NULL ? NULL : container_of(node, struct edf_thread, throttle);
}

/* Whether it competes by its deadline. */
static inline bool edf_reserved(const struct edf_thread *thread)
{
	return thread->bandwidth != 0 && !thread->throttled;
}

static inline uint64_t edf_key(const struct edf_thread *thread)
{
	return edf_reserved(thread) ? thread->deadline_ns : EDF_BACKGROUND;
}

/* ---- server.c: budgets, deadlines, admission ---- */

/* U_i of these parameters. */
uint64_t edf_bandwidth(uint64_t slice_ns, uint64_t period_ns);
/* Admit if there is room: a full budget from now on. */
bool edf_admit(struct edf_cpu *cpu, struct edf_thread *thread, uint64_t now_ns);
/* Give back what was promised. */
void edf_release(struct edf_cpu *cpu, struct edf_thread *thread);
/* The rule of a wake-up for an admitted thread that is not in the line. */
void edf_wake(struct edf_cpu *cpu, struct edf_thread *thread, uint64_t now_ns);
/* No budget until the deadline. */
void edf_throttle(struct edf_cpu *cpu, struct edf_thread *thread);
/* Deadline and budget after the throttled thread's deadline has passed. */
uint64_t edf_deadline_next(const struct edf_thread *thread, uint64_t now_ns);
/* Everybody whose time has come gets a new budget. */
void edf_replenish(struct edf_cpu *cpu, uint64_t now_ns);
/* Service to a thread; returns whether its budget, or its turn in the background, is used up by it. */
bool edf_charge(struct line_cpu *cpu, struct line_thread *thread, uint64_t ran_ns);
bool edf_throttled_before(const struct edf_thread *a, const struct edf_thread *b);

/* ---- records.c: hooks that look at a queue from outside ---- */
void edf_save(const struct line_cpu *cpu, const struct line_thread *thread,
	      uint64_t words[LINE_WORDS_OWN]);
bool edf_load(struct line_cpu *cpu, struct line_thread *thread,
	      const uint64_t words[LINE_WORDS_OWN]);
void edf_tell(const struct line_cpu *cpu, const struct line_thread *thread,
	      struct policy_info *out);
bool edf_right(const struct line_cpu *cpu, const struct line_thread *thread);
void edf_show(const struct line_cpu *cpu, const struct line_thread *thread, struct text *text);
