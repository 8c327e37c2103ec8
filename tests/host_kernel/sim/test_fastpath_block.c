/* SPDX-License-Identifier: BSD-2-Clause */
/* Each condition of the fast wait by itself: what is an obstacle to it, and what is not. */
#include "obstacles.h"

#include <criterion/criterion.h>
#include <kern/bind.h>
#include <kern/ready.h>
#include <kern/thread.h>

#include <string.h>

/* Thread 4 runs on CPU 0, 6 is ready there. */
static void start(bool with_fast)
{
	machine_start(with_fast);
	until_runs(thread[4]);
}

/* The same, and decided so. */
static void decide(word_t flags, struct sim_regs terms)
{
	while (!sim_deciding(0)) {
		sim_advance(2000000);
		sim_step(0);
	}
	terms.x[4] = 1000000;
	sim_decide_terms(0, DECISION_RUN | flags, thread[4],
			 (flags & DECISION_SUCCESSOR) != 0 ? thread[6] : NULL, terms);
	cr_assert_eq(sim_current(0), thread[4]);
}

static void other_type(void)
{
	asked.x[0] = ep_cap[0];
}

static void write_only(void)
{
	asked.x[0] = notice_write[0];
}

static void word_is_there(void)
{
	sim_as(1);
	notification_signal(notice[0], 2);
}

static void dying(void)
{
	notice[0]->wait.object.dying = 1;
}

/* Its record is linked, and nobody was kicked. */
static void wake_filtered(void)
{
	until_runs(thread[6]);
	sim_syscall(0, thread[6], SYS_WAIT, (struct sim_regs){{notice_cap[1]}});
	decide(DECISION_FILTER, (struct sim_regs){.x = {[6] = TIME_NEVER - 1}});
	sim_as(1);
	notification_signal(notice[1], 1);
	cr_assert(cpus[0].core.filtered && cpus[0].core.requests == 0);
}

static void filter_unused(void)
{
	decide(DECISION_FILTER, (struct sim_regs){.x = {[6] = TIME_NEVER - 1}});
}

static void filtered_record_gone(void)
{
	filter_unused();
	record_gone();
}

static void successor_known(void)
{
	decide(DECISION_SUCCESSOR, (struct sim_regs){.x = {[11] = 1000000, [12] = TIME_NEVER}});
}

/* It would be run, but for what is done to it or around it. */
static void successor_late(void)
{
	successor_known();
	cpus[0].core.next.until_ns = arch_now();
}

static void successor_idle(void)
{
	successor_known();
	cpus[0].core.next.tcb = NULL;
}

static void successor_other_seq(void)
{
	successor_known();
	cpus[0].core.next.seq--;
}

static void successor_stopping(void)
{
	successor_known();
	thread[6]->exit_work = EXIT_STOP;
}

static void successor_without_space(void)
{
	successor_known();
	thread[6]->vspace = NULL;
}

static void successor_and_request(void)
{
	successor_known();
	list_push_back(&cpus[0].core.requests_waiting, &thread[3]->request_link);
	cpus[0].core.untold_more = 1;
}

static void successor_ran(void)
{
	successor_known();
	sim_syscall(0, thread[4], SYS_WAIT, (struct sim_regs){{notice_cap[1]}});
	cr_assert(sim_current(0) == thread[6] && cpus[0].core.switched);
}

/* Nothing is linked, but the switch has not been told. */
static void switched_only(void)
{
	cpus[0].core.switched = true;
	cpus[0].core.untold = 1;
	cpus[0].core.switched_tag = 7;
	cpus[0].core.switched_ns = 8;
}

static void record_linked(void)
{
	list_push_back(&cpus[0].core.events, &thread[6]->event_link);
	cpus[0].core.untold = 1;
}

static void limit_is_endless(void)
{
	cpus[0].core.decision_limit_ns = TIME_NEVER;
}

static void was_reported(void)
{
	thread[4]->event_info |= EVENT_WOKE_SINCE;
	thread[4]->first_ready_ns = 77;
	thread[4]->ran_ns = 88;
}

static void successor_and_more_to_report(void)
{
	successor_known();
	was_reported();
}

/* On the time of its client. */
static void passive(void)
{
	sim_syscall(0, thread[4], SYS_SIGNAL, (struct sim_regs){{notice_cap[1]}});
	on_donated_time();
}

static const struct {
	const char *name;
	bool expect; /* it is no obstacle */
	void (*spoil)(void);
} bails[] = {
	{"wait", true, fine},
	{"no capability", false, no_cap},
	{"beyond the CNode", false, beyond},
	{"another type", false, other_type},
	{"write-only", false, write_only},
	{"without CNode", false, root_gone},
	{"a word that is there", false, word_is_there},
	{"dying notification", false, dying},
	{"live floating-point state", false, fpu_used},
	{"kick posted", false, kick_posted},
	{"filtered wake", false, wake_filtered},
	{"unused filter", true, filter_unused},
	{"record that is gone", false, filtered_record_gone},
	{"successor known", true, successor_known},
	{"successor too late", false, successor_late},
	{"idle is next", false, successor_idle},
	{"successor that has changed", false, successor_other_seq},
	{"successor to stop", false, successor_stopping},
	{"successor without address space", false, successor_without_space},
	{"successor and a request", false, successor_and_request},
	{"successor ran", false, successor_ran},
	{"switch not told", false, switched_only},
	{"rebind unfinished", false, rebind_unfinished},
	{"request waiting", false, request_waiting},
	{"record linked", false, record_linked},
	{"unbound", false, unbound},
	{"dispatcher to stop", false, dispatcher_stopping},
	{"dispatcher without address space", false, dispatcher_without_space},
	{"decision limit next", true, limit_is_next},
	{"no decision limit", true, limit_is_endless},
	{"flags and times to report", true, was_reported},
	{"successor, and more to report", true, successor_and_more_to_report},
	{"on donated time", true, passive},
	{"others wait", true, notice_awaited_elsewhere},
};

static void bail_run(unsigned i, bool with_fast, uint64_t part[PARTS])
{
	unsigned before;

	start(with_fast);
	asked = (struct sim_regs){{notice_cap[0]}};
	bails[i].spoil();
	sim_advance(1234);
	before = taken_waits;
	sim_syscall(0, sim_current(0), SYS_WAIT, asked);
	cr_assert_eq(taken_waits - before, with_fast && bails[i].expect, "%s", bails[i].name);
	state_take(part);
	sim_end();
}

Test(fastpath, K_fastpath_wait_gives_up_without_a_trace)
{
	for (unsigned i = 0; i < sizeof(bails) / sizeof(bails[0]); i++)
		both_ways(bail_run, i, bails[i].name);
}

/* A lock that somebody holds is not waited for, and nothing at all has changed. */
Test(fastpath, K_fastpath_wait_does_not_wait_for_locks)
{
	struct spinlock *locks[] = {NULL, NULL};
	uint64_t before[PARTS], after[PARTS];

	start(true);
	locks[0] = &notice[0]->wait.lock;
	locks[1] = &cpus[0].core.lock;
	for (unsigned i = 0; i < 2; i++) {
		state_take(before);
		sim_as(1);
		spin_lock(locks[i]);
		sim_as(0);
		cr_assert_null(__real_fastpath_wait(notice_cap[0], 0, thread[4], &cpus[0]));
		sim_as(1);
		spin_unlock(locks[i]);
		state_take(after);
		cr_assert_arr_eq(before, after, sizeof(before));
	}
	sim_as(0);
	cr_assert_eq(__real_fastpath_wait(notice_cap[0], 0, thread[4], &cpus[0]), dispatcher[0]);
	state_take(after);
	cr_assert(memcmp(before, after, sizeof(before)) != 0);
	sim_end();
}
