/* SPDX-License-Identifier: BSD-2-Clause */
/* See obstacles.h. */
#include "obstacles.h"

#include <criterion/criterion.h>
#include <kern/ready.h>
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

void notice_awaited(void)
{
	until_runs(thread[6]);
	sim_syscall(0, thread[6], SYS_WAIT, (struct sim_regs){{notice_cap[1]}});
	sim_auto_all();
	until_runs(thread[4]);
}

void notice_awaited_elsewhere(void)
{
	while (sim_current(1) != thread[5]) {
		sim_advance(2000000);
		sim_step(1);
		sim_auto_all();
	}
	sim_syscall(1, thread[5], SYS_WAIT, (struct sim_regs){{notice_cap[0]}});
	sim_auto_all();
}

void calls_awaited(void)
{
	until_runs(thread[0]);
	sim_syscall(0, thread[0], SYS_RECV,
		    (struct sim_regs){{ep_cap[0], 0, 0, 0, 0, 0, reply_cap[0]}});
	sim_auto_all();
	until_runs(thread[4]);
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
	cpus[0].core.untold_more = 1;
}

void request_waiting(void)
{
	list_push_back(&cpus[0].core.requests_waiting, &thread[5]->request_link);
	cpus[0].core.untold_more = 1;
}

void record_gone(void)
{
	cpus[0].core.untold = 1;
}

void kick_posted(void)
{
	sim_as(1);
	spin_lock(&cpus[0].core.lock);
	core_kick(&cpus[0].core, REASON_KICK);
	spin_unlock(&cpus[0].core.lock);
}

void switched(void)
{
	cpus[0].core.switched = true;
	cpus[0].core.switched_ns = 8;
	cpus[0].core.switched_tag = 7;
	cpus[0].core.switched_sleep_ns = 9;
	cpus[0].core.untold = 1;
}

void successor_armed(void)
{
	cpus[0].core.next.armed = true;
	cpus[0].core.next.tcb = thread[2];
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

void dispatcher_without_buffer(void)
{
	dispatcher[0]->ipc_buffer = NULL;
}

void dispatcher_without_space(void)
{
	dispatcher[0]->vspace = NULL;
}

void limit_is_next(void)
{
	cpus[0].core.decision_limit_ns = 1000;
}

void on_donated_time(void)
{
	calls_awaited();
	sim_syscall(0, thread[4], SYS_CALL, (struct sim_regs){{ep_cap[0], msg_info(1, 0, 0)}});
	cr_assert_eq(sim_current(0), thread[0]);
}
