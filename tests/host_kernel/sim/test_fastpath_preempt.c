/* SPDX-License-Identifier: BSD-2-Clause */
/* Each condition of the fast entry of the dispatcher: what is an obstacle to it, and what is not. */
#include "obstacles.h"

#include <criterion/criterion.h>
#include <kern/bind.h>
#include <kern/thread.h>

/* Thread 4 runs on CPU 0; 6 waits there for notification 1. */
static void start(bool with_fast)
{
	machine_start(with_fast);
	signals_go_slowly = true;
	notice_awaited();
}

/* Its record is linked before the other. */
static void another_woken(void)
{
	until_runs(thread[2]);
	sim_syscall(0, thread[2], SYS_WAIT, (struct sim_regs){{notice_cap[0]}});
	while (!sim_deciding(0))
		sim_step(0);
	sim_decide_terms(0, DECISION_RUN | DECISION_FILTER, thread[4], NULL,
			 (struct sim_regs){.x = {[4] = 1000000, [6] = TIME_NEVER - 1}});
	sim_as(1);
	notification_signal(notice[0], 1);
	cr_assert(cpus[0].core.filtered && cpus[0].core.requests == 0);
	/* Its end is not that of 6. */
	cpus[0].core.filter_until_ns = 0;
}

static void flagged(void)
{
	thread[4]->flags |= TCB_FLAG_FALLBACK_FIRST;
	thread[4]->event_info |= EVENT_WOKE_SINCE;
	thread[4]->first_ready_ns = 77;
}

static void switched_without_buffer(void)
{
	switched();
	dispatcher_without_buffer();
}

static void own_record(void)
{
	list_push_back(&cpus[0].core.events, &thread[4]->event_link);
	cpus[0].core.untold = 1;
}

static const struct {
	const char *name;
	enum { WAKE, SLICE, YIELD } what; /* thread 6 is woken, the slice ends, who runs yields */
	bool expect;                      /* it is no obstacle */
	void (*spoil)(void);
} bails[] = {
	{"wake", WAKE, true, fine},
	{"slice", SLICE, true, fine},
	{"wake, flags and times", WAKE, true, flagged},
	{"slice, flags and times", SLICE, true, flagged},
	{"wake without buffer", WAKE, false, dispatcher_without_buffer},
	{"slice without buffer", SLICE, true, dispatcher_without_buffer},
	{"second wake", WAKE, false, another_woken},
	{"slice after a wake", SLICE, true, another_woken},
	{"live floating-point state", SLICE, false, fpu_used},
	{"slice, switch not told", SLICE, true, switched},
	{"wake, switch not told", WAKE, true, switched},
	{"switch without buffer", SLICE, false, switched_without_buffer},
	{"record that is gone", SLICE, true, record_gone},
	{"rebind unfinished", SLICE, false, rebind_unfinished},
	{"request waiting", SLICE, false, request_waiting},
	{"own record linked", SLICE, false, own_record},
	{"wake, own record linked", WAKE, false, own_record},
	{"slice when unbound", SLICE, false, unbound},
	{"wake when unbound", WAKE, false, unbound},
	{"dispatcher to stop", SLICE, false, dispatcher_stopping},
	{"dispatcher without address space", SLICE, false, dispatcher_without_space},
	{"successor known", SLICE, true, successor_armed},
	{"decision limit next", WAKE, true, limit_is_next},
	{"wake on donated time", WAKE, false, on_donated_time},
	{"slice on donated time", SLICE, false, on_donated_time},
	{"yield", YIELD, true, fine},
	{"yield, flags and times", YIELD, true, flagged},
	{"yield without buffer", YIELD, true, dispatcher_without_buffer},
	{"yield after a wake", YIELD, true, another_woken},
	{"yield, live floating-point state", YIELD, false, fpu_used},
	{"yield, switch not told", YIELD, true, switched},
	{"yield, request waiting", YIELD, false, request_waiting},
	{"yield, own record linked", YIELD, false, own_record},
	{"yield when unbound", YIELD, false, unbound},
	{"yield, successor known", YIELD, true, successor_armed},
	{"yield on donated time", YIELD, false, on_donated_time},
};

static void bail_run(unsigned i, bool with_fast, uint64_t part[PARTS])
{
	unsigned before;

	start(with_fast);
	bails[i].spoil();
	before = taken_preempts;
	sim_advance(bails[i].what == SLICE ? 20000000 : 1234);
	if (bails[i].what == SLICE)
		sim_step(0);
	else if (bails[i].what == WAKE)
		sim_syscall(0, sim_current(0), SYS_SIGNAL, (struct sim_regs){{notice_cap[1]}});
	else
		sim_syscall(0, sim_current(0), SYS_CALL,
			    (struct sim_regs){{sim_cap(OBJ_SCHED, NULL, 5),
					       msg_info(SCHED_REQUEST_YIELD | 1, 0, 0)}});
	cr_assert_eq(taken_preempts - before, with_fast && bails[i].expect, "%s", bails[i].name);
	state_take(part);
	sim_end();
}

Test(fastpath, K_fastpath_preempt_gives_up_without_a_trace)
{
	for (unsigned i = 0; i < sizeof(bails) / sizeof(bails[0]); i++)
		both_ways(bail_run, i, bails[i].name);
}

/* The lock of the Core is not waited for, and a request of another CPU comes first. */
Test(fastpath, K_fastpath_preempt_leaves_what_others_do_alone)
{
	uint64_t before[PARTS], after[PARTS];
	struct core *core = &cpus[0].core;

	start(true);
	core->reasons = 1u << REASON_TIMER;
	state_take(before);
	sim_as(1);
	spin_lock(&core->lock);
	sim_as(0);
	cr_assert_null(__real_fastpath_preempt(&cpus[0]));
	sim_as(1);
	spin_unlock(&core->lock);
	state_take(after);
	cr_assert_arr_eq(before, after, sizeof(before));
	core->requests = CORE_REQUEST_GRACE;
	sim_as(0);
	cr_assert_null(__real_fastpath_preempt(&cpus[0]));
	core->requests = 0;
	core->held = NULL;
	cr_assert_null(__real_fastpath_preempt(&cpus[0]));
	core->held = thread[4];
	cr_assert_eq(__real_fastpath_preempt(&cpus[0]), dispatcher[0]);
	sim_end();
}
