/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ends a host program that runs somebody's policy when that does not return: says so, with exit status 1,
 * after so many seconds of CPU time without progress.  Waiting for input or for another process is no stall.
 */
#pragma once

#include <stdint.h>

#define STALL_SECONDS 10u

/* From now on `*progress` must change.  If it does not for so long, `tell` says where the program is, and it
 * ends.  `tell`
 * runs in a signal handler: what is interrupted is a policy, which calls no library, so it may print. */
void stall_watch(const volatile uint64_t *progress, uint32_t seconds, void (*tell)(void));
/* No longer. */
void stall_unwatch(void);
