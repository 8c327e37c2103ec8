/* SPDX-License-Identifier: BSD-2-Clause */
/* What the programs of the boot archive have in common. */
#pragma once

#include <abi/error.h>
#include <abi/types.h>

#define NS_PER_US 1000ull
#define NS_PER_MS 1000000ull
#define NS_PER_S  1000000000ull

/* Say what went wrong on stderr and end the process with status 1. */
_Noreturn void program_fail(const char *what, enum error error);

/* program_fail() unless ERR_OK. */
void program_need(const char *what, enum error error);

/* A decimal argument within bounds, or the default where argv ends; else ends with status 2. */
uint64_t program_number(int argc, char **argv, int index, uint64_t otherwise, uint64_t min,
			uint64_t max);

/* CPUs that run Baton. */
unsigned program_cpus(void);

/* Whether threads stay inside their masks: not in a build without core_masks, where any thread runs on
 * any CPU.  The calling thread may run anywhere afterwards. */
bool program_masks_hold(void);

/* A small pseudo-random generator (xorshift64*); @state is not 0. */
static inline uint64_t program_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dull;
}

struct wait_result; /* libsys/process.h */

/* Wait for the end of a process. */
struct wait_result program_wait(word_t pid);

/* CPU time of a process until now, 0 if there is none. */
word_t program_cpu_ns(word_t pid);

/* What a process has of the next @ns, and how long it was in truth.  First 50 ms in which all begin. */
word_t program_cpu_during(word_t pid, time_ns_t ns, time_ns_t *spent);

/* Stop the scheduler server, and wait until its standby is in charge.  False: it is not after 30 s. */
bool program_scheduler_replace(void);

/* Use @ns of this thread's CPU time. */
void program_burn(time_ns_t ns);
