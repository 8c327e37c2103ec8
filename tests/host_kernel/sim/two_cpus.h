/* SPDX-License-Identifier: BSD-2-Clause */
/* For the worlds of two CPUs with dispatchers: what CPU 1 does to threads of CPU 0. */
#pragma once

#include "sim.h"

#include <criterion/criterion.h>
#include <kern/thread.h>

#define LIMIT_NS 1000000u
#define SLICE_NS 1000000u

static inline void resume(struct tcb *tcb)
{
	sim_as(1);
	cr_assert_eq(thread_resume(tcb), ERR_OK);
}

/* It does not run: that would be asked for, not done. */
static inline void suspend(struct tcb *tcb)
{
	sim_as(1);
	cr_assert(thread_suspend(tcb));
}

/* Both dispatchers are parked. */
static inline void two_cpus_start(void)
{
	sim_start(2);
	sim_bind(0, LIMIT_NS, 0, NULL);
	sim_bind(1, LIMIT_NS, 0, NULL);
	sim_auto_all();
}
