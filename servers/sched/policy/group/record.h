/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Groups as one instance of a server leaves them to the next: in memory that both have.
 *
 * Owners: the dispatcher that creates, changes or deletes the group; every member is atomic, relaxed but for
 * `id`, which is written last on creation (release) and cleared first.  Who replaces the instance believes
 * none of it that a request could not have said (group_machine_restore()).
 *
 * Bad at: a group that the old instance makes on one CPU while the new one makes another on a CPU that it has
 * already: one of them is in no record, and ends with the next replacement.
 */
#pragma once

#include <stdint.h>

#define GROUP_MAX 64u /* the root included */

struct group_record {
	uint64_t id;     /* 0: no group */
	uint64_t parent; /* its id; 0: the root */
	uint64_t weight;
	uint64_t quota_ns; /* as it was asked for */
	uint64_t period_ns;
	/* Figures for people; never less than before. */
	uint64_t used_ns;
	uint64_t throttled_ns;      /* sum over the CPUs, of times that are over */
	uint64_t periods;           /* in which it took runtime */
	uint64_t throttled_periods; /* in which it was throttled on some CPU */
};
