/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SYS_CORE_REPLY_WAIT: check a decision and carry it out, or refuse it with the next batch.
 * A refusal leaves the dispatcher running; DECISION_REFUSALS_MAX of them in a row end its binding.
 */
#pragma once

#include <kern/core.h>

#define DECISION_REFUSALS_MAX 16u

/* The current thread's system call. */
void decision_syscall(struct tcb *tcb);
