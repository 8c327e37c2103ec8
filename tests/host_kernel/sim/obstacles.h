/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Conditions of fast paths, one by one: a case makes something the matter with a machine of
 * fastpath_world.h in which thread 4 runs on CPU 0, and says whether the fast path is still taken.
 */
#pragma once

#include "fastpath_world.h"

/* The registers of the system call that is to be made; an obstacle may change them. */
extern struct sim_regs asked;

/* One case on a machine with or without fast paths; its state in the end. */
typedef void case_run(unsigned i, bool with_fast, uint64_t part[PARTS]);
/* The same on both: no part of the state may differ. */
void both_ways(case_run *run, unsigned i, const char *name);

void fine(void);
/* Of the call. */
void no_cap(void);
void beyond(void);
/* Of who runs on CPU 0. */
void root_gone(void);
void fpu_used(void);
/* Of CPU 0 and its dispatcher. */
void rebind_unfinished(void);
void request_waiting(void); /* linked without its kick, which is on the way */
void unbound(void);
void dispatcher_stopping(void);
void dispatcher_without_space(void);
void limit_is_next(void);
