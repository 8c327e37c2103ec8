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
 * Admission: a CPU admits while U <= 1.  set_params of a thread that would not fit: ERR_LIMIT, and
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
 * Invariants: a QUEUED or RUNNING thread is in exactly one of `ready` (admitted, c > 0; by (d, tid)) and
 * `ring`; a throttled one is in `throttled` (by (d, tid)) as well, also while it sleeps.  U is the sum
 * of the admitted threads' U_i, and at most 1.
 *
 * U_i is rounded down to 2^-36: 2,048 threads may exceed the CPU by 30 ns a second.
 *
 * Bad at: several CPUs.  A reservation holds on one CPU; pin such threads (affinity), or use place=home.
 * Their owners must know their budgets.  preempts() looks at each throttled thread that is due.
 *
 * check() numbers: enum edf_rule.
 */
#pragma once

#include "../common.h"
#include <base/list.h>
#include <base/math.h>
#include <base/rbtree.h>

#define EDF_ID      6u
#define EDF_VERSION 1u
#define EDF_U_BITS  36u

enum edf_rule {
	EDF_RULE_TREE = 1,       /* links and order of ready and throttled */
	EDF_RULE_RING = 2,       /* links of the ring */
	EDF_RULE_COUNT = 3,      /* every runnable thread is in exactly one place */
	EDF_RULE_WEIGHT = 4,     /* sum of the weights */
	EDF_RULE_RUNNING = 5,    /* one RUNNING thread, the one named */
	EDF_RULE_ADMISSION = 6,  /* U <= 1; a thread's U_i follows from its parameters */
	EDF_RULE_BUDGET = 7,     /* ready: 0 < c <= Q; throttled: c <= 0 */
	EDF_RULE_BACKGROUND = 8, /* nobody has used up a background slice and still stands first */
	EDF_RULE_MISUSE = 9,
};

struct edf_thread {
	struct rb_node ready;    /* in cpu->ready */
	struct rb_node throttle; /* in cpu->throttled */
	struct list_node ring;   /* in cpu->ring */
	uint64_t tid;
	uint64_t slice_ns;
	uint64_t period_ns;
	uint64_t deadline_ns;
	uint64_t bandwidth; /* U_i, 2^-36; 0: not admitted */
	int64_t left_ns;    /* c */
	uint64_t used_ns;   /* of a background slice */
	uint32_t weight;
	uint8_t state;
	bool in_ready;
	bool throttled;
	uint8_t pad;
};

struct edf_cpu {
	struct rb_tree ready;
	struct rb_tree throttled;
	struct list_node ring;
	struct edf_thread *running;
	uint64_t bandwidth; /* U, 2^-36 */
	uint64_t weight;
	uint32_t runnable;
	uint32_t misuse;
	uint32_t index;
	uint32_t admitted;
	bool fresh; /* the running thread was picked with budget: what it runs is charged to it */
	bool alone; /* ... and without a timer, because nobody else was there */
	uint8_t pad[6];
};

POLICY_VIEWS(edf);

static inline struct edf_thread *edf_of_ready(struct rb_node *node)
{
	return node == NULL ? NULL : container_of(node, struct edf_thread, ready);
}

static inline struct edf_thread *edf_of_throttle(struct rb_node *node)
{
	return node == NULL ? NULL : container_of(node, struct edf_thread, throttle);
}

static inline struct edf_thread *edf_of_ring(struct list_node *node)
{
	return container_of(node, struct edf_thread, ring);
}

static inline bool edf_before(const struct edf_thread *a, const struct edf_thread *b)
{
	return a->deadline_ns != b->deadline_ns ? a->deadline_ns < b->deadline_ns : a->tid < b->tid;
}

/* ---- server.c: budgets, deadlines, admission; where a thread waits ---- */

/* U_i of these parameters. */
uint64_t edf_bandwidth(uint64_t slice_ns, uint64_t period_ns);
/* Admit if there is room: a full budget from now on. */
bool edf_admit(struct edf_cpu *cpu, struct edf_thread *thread, uint64_t now_ns);
/* Give back what was promised; the thread is not linked anywhere. */
void edf_release(struct edf_cpu *cpu, struct edf_thread *thread);
/* Put a runnable thread where it belongs now, the last in the ring; take it out of everywhere. */
void edf_link(struct edf_cpu *cpu, struct edf_thread *thread);
void edf_unlink(struct edf_cpu *cpu, struct edf_thread *thread);
/* The rule of a wake-up for an admitted thread that is not linked. */
void edf_wake(struct edf_cpu *cpu, struct edf_thread *thread, uint64_t now_ns);
/* No budget until the deadline; the thread is not linked. */
void edf_throttle(struct edf_cpu *cpu, struct edf_thread *thread);
/* Deadline and budget after the throttled thread's deadline has passed. */
uint64_t edf_deadline_next(const struct edf_thread *thread, uint64_t now_ns);
/* Everybody whose time has come gets a new budget. */
void edf_replenish(struct edf_cpu *cpu, uint64_t now_ns);
/* Service to a thread; returns whether its budget, or its turn in the ring, is used up by it. */
bool edf_serve(struct edf_cpu *cpu, struct edf_thread *thread, uint64_t ran_ns);

/* ---- edf.c, inspect.c: operations of the interface ---- */

POLICY_PROTOTYPES(edf);
