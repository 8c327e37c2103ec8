/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the seeded engine and what makes its runs small.
 *
 * A run is: a seed, how many CPUs, how many rounds, which operations are allowed, and where a CPU is
 * held in the kernel so that another gets on.  Such a place is named by whose operation it is in and
 * how many atomic operations of the kernel that has made, so that it stays where it is when others
 * are left out.  Everything else is the same every time: CPUs take turns at each return to user mode
 * and wherever one waits.
 */
#pragma once

#include "storm.h"

#define RUN_ITEMS_MAX 60000u

/* An operation that was made, or a place where another CPU got on. */
struct run_item {
	uint16_t tag;
	uint16_t to; /* RUN_OPERATION, or a CPU */
	uint32_t nth;
	uint32_t step; /* of the kernel within the operation */
	uint16_t op, target;
};
#define RUN_OPERATION 0xffffu

struct run {
	uint64_t seed;
	uint64_t rounds;
	unsigned cpus;
	bool planted;  /* see storm.h */
	bool replayed; /* only what is in items is done; otherwise items says what was done */
	unsigned count;
	bool full;
	struct run_item items[RUN_ITEMS_MAX];
};

/* In this process, once: it ends it if a rule is broken.  Adds what is done to *run. */
void seeded_run(struct run *run);
enum run_result { RUN_FINE, RUN_BROKEN, RUN_ENDLESS };
/* In a process of its own; done: what it did (shared memory). */
enum run_result run_try(const struct run *run, struct run *done, bool quiet);
/* Leave out what can be left out so that it still fails in that way. */
void run_minimise(struct run *run, enum run_result how);
void run_write(const struct run *run, const char *name);
bool run_read(struct run *run, const char *name);
struct run *run_new(void);
