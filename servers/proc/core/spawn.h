/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes from programs of the boot archive.  Service thread. */
#pragma once

#include "state.h"

void spawn_request(struct process *parent, struct msg *m);

/* The first program, from the boot argument run=PROG[,ARG...]; a line on the console if it cannot
 * be started. */
__attribute__((warn_unused_result)) enum error spawn_first(void);
