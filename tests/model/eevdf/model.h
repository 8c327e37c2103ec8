/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * EEVDF for tests: every formula of the specification as it stands, over an array, with 113-bit
 * floating point (error below 1e-20 ns), every decision by looking at everybody.  Shares nothing with the
 * policy: V and each v are stored, not derived.  The rational twin is exact.py.
 *
 * Knows besides the operations: delayed sleepers with split charges, run to parity, the cut-in of
 * short slices, background threads, migration.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

__extension__ typedef __float128 real;

#define MODEL_THREADS 64u
#define MODEL_NONE    UINT32_MAX

enum model_state { MODEL_OUT, MODEL_QUEUED, MODEL_RUNNING, MODEL_DELAYED };

struct model_thread {
	enum model_state state;
	uint32_t weight;
	uint64_t slice_ns;
	bool background;
	real v;
	real ve;
	real vd;
	real lag; /* kept while out */
};

struct model {
	real V;
	struct model_thread threads[MODEL_THREADS]; /* index is the tid */
	uint32_t running;
	bool exact; /* the specification without the refinement */
	uint64_t ran_ns;
	bool request_done;
	bool normal_woke;
};

void model_init(struct model *model);
void model_thread_init(struct model *model, uint32_t tid, uint32_t weight, uint64_t slice_ns,
		       bool background);
void model_wake(struct model *model, uint32_t tid, bool new);
void model_sleep(struct model *model, uint32_t tid);
/* dequeue: leaves at once, lag kept as it is. */
void model_leave(struct model *model, uint32_t tid);
/* Leave and come back with the same lag and the same rest of the request. */
void model_migrate(struct model *model, uint32_t tid);
bool model_charge(struct model *model, uint32_t tid, uint64_t ns);
void model_reweight(struct model *model, uint32_t tid, uint32_t weight);
/* The thread that should run, MODEL_NONE if none; makes it the running one. */
uint32_t model_pick(struct model *model, bool fresh);
real model_weight(const struct model *model);
real model_lag(const struct model *model, uint32_t tid);
