/* SPDX-License-Identifier: BSD-2-Clause */
/* See obstacles.h. */
#include "obstacles.h"

#include <criterion/criterion.h>
#include <kern/thread.h>

struct sim_regs asked;

void both_ways(case_run *run, unsigned i, const char *name)
{
	uint64_t off[PARTS], on[PARTS];

	run(i, false, off);
	run(i, true, on);
	for (unsigned k = 0; k < PARTS; k++)
		cr_assert_eq(off[k], on[k], "%s: part %u", name, k);
}

void fine(void)
{
}

void no_cap(void)
{
	asked.x[0] = CPTR_NULL;
}

void beyond(void)
{
	asked.x[0] = 1u << 8;
}

void root_gone(void)
{
	sim_current(0)->cspace.type = OBJ_NULL;
	sim_current(0)->cspace.bits = 0;
}

void fpu_used(void)
{
	cpus[0].core.fpu_live = true;
}

void rebind_unfinished(void)
{
	cpus[0].core.rebind_next = cpus[0].core.homed.prev;
	cpus[0].core.untold = 1;
}

void request_waiting(void)
{
	list_push_back(&cpus[0].core.requests_waiting, &thread[5]->request_link);
	cpus[0].core.untold = 1;
}

void unbound(void)
{
	sim_as(1);
	core_unbind(&cpus[0].core);
	sim_step(0);
	cr_assert_eq(sim_current(0), thread[4]);
}

void dispatcher_stopping(void)
{
	dispatcher[0]->exit_work = EXIT_STOP;
}

void dispatcher_without_space(void)
{
	dispatcher[0]->vspace = NULL;
}

void limit_is_next(void)
{
	cpus[0].core.decision_limit_ns = 1000;
}
