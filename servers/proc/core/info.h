/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests that only look: lists, statistics, the machine.  Service thread. */
#pragma once

#include "state.h"

void info_self(const struct process *process, struct msg *m);
void info_process(struct msg *m);
void info_thread(struct msg *m);
void info_thread_stats(struct msg *m);
void info_thread_wakes(struct msg *m);
void info_cpu(struct msg *m);
void info_machine(struct msg *m);
void info_memory(struct msg *m);
