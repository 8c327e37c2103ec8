/* SPDX-License-Identifier: BSD-2-Clause */
/* For tests of decisions: three threads that are stopped, on two CPUs with dispatchers. */
#pragma once

#include "sim.h"

#include <criterion/criterion.h>
#include <host_arch.h>
#include <kern/decision.h>
#include <kern/thread.h>

#define LIMIT_NS 1000000u
#define SLICE_NS 1000000u

static struct tcb *a, *b, *c; /* c on CPU 1 */

/* Nobody is ready; both dispatchers are parked. */
static inline void setup(void)
{
	sim_start(2);
	sim_bind(0, LIMIT_NS, 0, NULL);
	sim_bind(1, LIMIT_NS, 0, NULL);
	sim_auto_all();
	a = sim_thread(1, 0);
	b = sim_thread(2, 0);
	c = sim_thread(3, 1);
}

static inline void resume(struct tcb *tcb)
{
	sim_as(1);
	cr_assert_eq(thread_resume(tcb), ERR_OK);
}

/* Of the last decision there. */
static inline int64_t outcome(unsigned cpu)
{
	return sim_x0(cpus[cpu].core.dispatcher);
}
