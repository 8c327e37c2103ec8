/* SPDX-License-Identifier: BSD-2-Clause */
/* For tests of what a decision allows without the dispatcher: three threads and a waker. */
#pragma once

#include "two_cpus.h"

#include <host_arch.h>

#define FILTER_NS 300000u
#define KEY       7u

static struct tcb *a, *b, *c, *waker;
static struct notification *bell; /* a waits for it */
static cptr_t bell_cap;

/* a waits for its bell; b and c are ready on CPU 0, whose dispatcher decides; waker runs on CPU 1. */
static inline void setup(void)
{
	two_cpus_start();
	bell = sim_notification();
	bell_cap = sim_cap(OBJ_NOTIFICATION, bell, 1);
	a = sim_thread(1, 0);
	b = sim_thread(2, 0);
	c = sim_thread(3, 0);
	waker = sim_thread(4, 1);
	resume(waker);
	sim_auto_all();
	resume(a);
	sim_step(0);
	sim_decide(0, DECISION_RUN, a, SLICE_NS);
	sim_syscall(0, a, SYS_WAIT, (struct sim_regs){{bell_cap}});
	resume(b);
	resume(c);
	sim_decide(0, DECISION_IDLE, NULL, 0);
	cr_assert(sim_deciding(0) && sim_event_of(0, 3) != NULL);
	cr_assert_eq(sim_current(1), waker);
	tcb_set_key(a, KEY);
}

static inline struct core *core(void)
{
	return &cpus[0].core;
}

static inline word_t info(void)
{
	return core()->dispatcher->context.x[1];
}

static inline int64_t outcome(void)
{
	return sim_x0(core()->dispatcher);
}

static inline void decide_filtered(struct tcb *tcb, word_t key)
{
	sim_decide_terms(
		0, DECISION_RUN | DECISION_FILTER, tcb, NULL,
		(struct sim_regs){.x = {[4] = SLICE_NS, [6] = arch_now() + FILTER_NS, [7] = key}});
}

static inline void run_filtered(struct tcb *tcb, word_t key)
{
	decide_filtered(tcb, key);
	cr_assert_eq(sim_current(0), tcb);
}

static inline void run_followed(struct tcb *tcb, struct tcb *successor)
{
	sim_decide_terms(0, DECISION_RUN | DECISION_FILTER | DECISION_SUCCESSOR, tcb, successor,
			 (struct sim_regs){.x = {[4] = SLICE_NS,
						 [6] = arch_now() + FILTER_NS,
						 [7] = KEY,
						 [11] = SLICE_NS / 2,
						 [12] = arch_now() + FILTER_NS,
						 [13] = arch_now() + 2 * FILTER_NS,
						 [14] = KEY}});
	cr_assert_eq(sim_current(0), tcb);
}

static inline void ring(void)
{
	sim_syscall(1, waker, SYS_SIGNAL, (struct sim_regs){{bell_cap}});
	sim_step(0);
	sim_check();
}

static inline void block(struct tcb *tcb)
{
	sim_syscall(0, tcb, SYS_WAIT,
		    (struct sim_regs){{sim_cap(OBJ_NOTIFICATION, sim_notification(), 0)}});
	sim_check();
}
