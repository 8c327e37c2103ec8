/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fast paths against the general path: the same system calls and interrupts on two
 * identical machines, one of which is not given the fast path, and all kernel state compared after
 * each.  Memory is the same in both runs, so that pointers compare as they are.
 */
#pragma once

#include "sim.h"

#include <kern/fastpath.h>

#define CPUS      2u
#define THREADS   8u
#define ENDPOINTS 3u
#define REPLIES   4u
#define NOTICES   2u
#define PARTS     (THREADS + CPUS + ENDPOINTS + REPLIES + NOTICES + CPUS)

/* How often fast paths were, since the start of the machine: of calls and answers, waits, signals
 * with those of interrupts, decisions, entries. */
extern unsigned taken, taken_waits, taken_signals, taken_decisions, taken_preempts;
/* Until the machine starts again: a signal takes the general path, up to the entry behind it. */
extern bool signals_go_slowly;

extern struct tcb *thread[THREADS], *dispatcher[CPUS];
extern struct endpoint *ep[ENDPOINTS];
extern struct reply *reply[REPLIES];
extern struct notification *notice[NOTICES];
/* Capabilities: all rights, and fewer. */
extern cptr_t ep_cap[ENDPOINTS], ep_read[ENDPOINTS], ep_write[ENDPOINTS], ep_call[ENDPOINTS];
extern cptr_t reply_cap[REPLIES];
extern cptr_t notice_cap[NOTICES], notice_write[NOTICES];

/* The kernel's; the names without __real_ are this world's (--wrap). */
struct tcb *__real_fastpath_call(cptr_t cptr, word_t info, struct tcb *tcb, struct cpu *cpu);
struct tcb *__real_fastpath_reply_recv(cptr_t cptr, word_t info, struct tcb *tcb, struct cpu *cpu);
struct tcb *__real_fastpath_wait(cptr_t cptr, word_t info, struct tcb *tcb, struct cpu *cpu);
struct tcb *__real_fastpath_signal(cptr_t cptr, word_t info, struct tcb *tcb, struct cpu *cpu);
struct tcb *__real_fastpath_irq(uint32_t irq, struct cpu *cpu);
struct tcb *__real_fastpath_decide(cptr_t cptr, word_t decision, struct tcb *tcb, struct cpu *cpu);
struct tcb *__real_fastpath_preempt(struct cpu *cpu);

/* All threads run on CPU 0 or 1; the first four are to be servers. */
void machine_start(bool with_fast);
/* Whoever runs on CPU 0 loses it until this one does. */
void until_runs(const struct tcb *tcb);
/* What each object holds, as one word. */
void state_take(uint64_t part[PARTS]);

/* Chance, from dice_state only. */
extern uint64_t dice_state;
unsigned dice(unsigned sides);
/* A thread calls or answers; a server mostly uses its own endpoint and reply object. */
void random_syscall(unsigned cpu, struct tcb *tcb);
/* All wait for each other: one of them gives up. */
void cancel_one(void);
