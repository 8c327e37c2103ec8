/* SPDX-License-Identifier: BSD-2-Clause */
/* For tests of decisions: three threads that are stopped, on two CPUs with dispatchers. */
#pragma once

#include "two_cpus.h"

#include <host_arch.h>
#include <kern/decision.h>

static struct tcb *a, *b, *c; /* c on CPU 1 */

/* Nobody is ready; both dispatchers are parked. */
static inline void setup(void)
{
	two_cpus_start();
	a = sim_thread(1, 0);
	b = sim_thread(2, 0);
	c = sim_thread(3, 1);
}

/* Of the last decision there. */
static inline int64_t outcome(unsigned cpu)
{
	return sim_x0(cpus[cpu].core.dispatcher);
}
