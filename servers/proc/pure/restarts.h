/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether a scheduler server that failed is replaced once more: RESTARTS_MAX times in a window, then not
 * until a new window begins.
 *
 *   window = RESTARTS_NS + 2 * RESTARTS_MAX * limit
 *
 * where limit is how long a dispatcher may take for a decision.  Of a policy that never decides again each
 * instance takes the CPUs for a whole limit: in RESTARTS_NS alone there were never RESTARTS_MAX of them, and
 * the machine lived for ever on what is left between.  So what fails for a third of the time, or more, is
 * given up.  Pure: no system calls.
 */
#pragma once

#include <abi/types.h>

#define RESTARTS_MAX 8u
#define RESTARTS_NS  10000000000ull

struct restarts {
	uint64_t window_ns; /* its start; zeroed memory is none yet */
	uint32_t count;
};

/* Counts this failure.  False: give up.  limit_ns: any; too great a one is a window without end. */
__attribute__((warn_unused_result)) bool restarts_allow(struct restarts *restarts, uint64_t now_ns,
							uint64_t limit_ns);
