/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stopping threads.  Nobody waits inside the kernel for another CPU to stop something: the asking
 * side marks the thread (exit_work), posts STOP to the CPU that runs it and starts its system call
 * again until the thread is stopped.  A marked thread executes no user instruction after its CPU's
 * next kernel exit.
 */
#pragma once

#include <kern/core.h>

/* Owner, no lock held: STOP request. */
void stop_serve(struct core *core);

/* Owner, no lock held: exit_work of the current thread is not zero. */
void stop_exit_work(struct core *core, struct tcb *tcb);

/* The current thread stops now (it is not a dispatcher). */
void stop_current(struct core *core, struct tcb *tcb);
