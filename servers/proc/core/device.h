/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one device that a program drives itself: boot argument device=PROGRAM:NODE.
 *
 * One process of that program has it at a time, from its request to its end.  The service thread's, but
 * for device_init().
 */
#pragma once

#include <abi/bootinfo.h>

#include "state.h"

/* At boot: the pages of what the kernel found. */
void device_init(const struct bootinfo *info);
/* PROC_REQ_DEVICE_OPEN */
void device_request(struct process *process, struct msg *m);
/* The process and its space are gone: its device, if it has it, is free again. */
void device_release(const struct process *process);
