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

/* Thread 6 waits on CPU 0 for notification 1; thread 5 on CPU 1 for notification 0. */
void notice_awaited(void);
void notice_awaited_elsewhere(void);
/* Thread 0 is a passive server of endpoint 0, on CPU 0. */
void calls_awaited(void);

void fine(void);
/* Of the call. */
void no_cap(void);
void beyond(void);
/* Of who runs on CPU 0. */
void root_gone(void);
void fpu_used(void);
void on_donated_time(void); /* a server, on that of thread 4 */
/* Of CPU 0 and its dispatcher. */
void rebind_unfinished(void);
void request_waiting(void); /* linked without its kick, which is on the way */
void record_gone(void);     /* it went away with its thread; that there was one stays noted */
void kick_posted(void);
void switched(void); /* to a successor, and nobody was told */
void successor_armed(void);
void unbound(void);
void dispatcher_stopping(void);
void dispatcher_without_buffer(void);
void dispatcher_without_space(void);
void limit_is_next(void);
