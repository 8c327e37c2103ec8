/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Register-only calls on donated time: call to a passive server that waits, answer and next receive
 * of that server.  What they do is what ipc.c does, with both locks taken once and each capability
 * read in place.
 */
#pragma once

#include <kern/tcb.h>

/*
 * The current thread's system call.  True: done, everything as the general path would have left it.
 * False: nothing has changed, and the general path is to be taken.  No lock held.  Cost: two locks.
 */
bool must_check fastpath_call(struct tcb *tcb);
bool must_check fastpath_reply_recv(struct tcb *tcb);
