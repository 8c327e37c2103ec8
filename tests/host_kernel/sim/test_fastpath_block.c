/* SPDX-License-Identifier: BSD-2-Clause */
/* Each condition of the fast wait by itself: what is an obstacle to it, and what is not. */
#include "fastpath_world.h"

#include <criterion/criterion.h>
#include <kern/bind.h>
#include <kern/ready.h>
#include <kern/thread.h>

#include <string.h>

/* Thread 4 runs on CPU 0, 6 is ready there. */
static void start(bool with_fast)
{
	machine_start(with_fast);
	while (sim_current(0) != thread[4]) {
		sim_advance(2000000);
		sim_step(0);
		sim_auto_all();
	}
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

static void fine(struct sim_regs *regs)
{
	(void)regs;
}

static void no_cap(struct sim_regs *regs)
{
	regs->x[0] = CPTR_NULL;
}

static void beyond(struct sim_regs *regs)
{
	regs->x[0] = 1u << 8;
}

static void other_type(struct sim_regs *regs)
{
	regs->x[0] = ep_cap[0];
}

static void write_only(struct sim_regs *regs)
{
	regs->x[0] = notice_write[0];
}

static void root_gone(struct sim_regs *regs)
{
	(void)regs;
	thread[4]->cspace.type = OBJ_NULL;
	thread[4]->cspace.bits = 0;
}

static void word_is_there(struct sim_regs *regs)
{
	(void)regs;
	sim_as(1);
	notification_signal(notice[0], 2);
}

static void dying(struct sim_regs *regs)
{
	(void)regs;
	notice[0]->wait.object.dying = 1;
}

static void fpu_used(struct sim_regs *regs)
{
	(void)regs;
	thread[4]->fpu_live = true;
}

static void kick_posted(struct sim_regs *regs)
{
	(void)regs;
	sim_as(1);
	spin_lock(&cpus[0].core.lock);
	core_kick(&cpus[0].core, REASON_KICK);
	spin_unlock(&cpus[0].core.lock);
}

static void reason_noted(struct sim_regs *regs)
{
	(void)regs;
	cpus[0].core.reasons = 1u << REASON_TIMER;
}

/* Its record is linked, and nobody was kicked. */
static void wake_filtered(struct sim_regs *regs)
{
	(void)regs;
	while (sim_current(0) != thread[6]) {
		sim_advance(2000000);
		sim_step(0);
		sim_auto_all();
	}
	sim_syscall(0, thread[6], SYS_WAIT, (struct sim_regs){{notice_cap[1]}});
	decide(DECISION_FILTER, (struct sim_regs){.x = {[6] = TIME_NEVER - 1}});
	sim_as(1);
	notification_signal(notice[1], 1);
	cr_assert(cpus[0].core.filtered && cpus[0].core.requests == 0);
}

static void filter_unused(struct sim_regs *regs)
{
	(void)regs;
	decide(DECISION_FILTER, (struct sim_regs){.x = {[6] = TIME_NEVER - 1}});
}

/* The record went away with its thread. */
static void filter_left(struct sim_regs *regs)
{
	(void)regs;
	filter_unused(regs);
	cpus[0].core.filtered = true;
}

static void successor_known(struct sim_regs *regs)
{
	(void)regs;
	decide(DECISION_SUCCESSOR, (struct sim_regs){.x = {[11] = 1000000, [12] = TIME_NEVER}});
}

/* It would be run, but for what is done to it or around it. */
static void successor_late(struct sim_regs *regs)
{
	successor_known(regs);
	cpus[0].core.next.until_ns = arch_now();
}

static void successor_idle(struct sim_regs *regs)
{
	successor_known(regs);
	cpus[0].core.next.tcb = NULL;
}

static void successor_other_seq(struct sim_regs *regs)
{
	successor_known(regs);
	cpus[0].core.next.seq--;
}

static void successor_stopping(struct sim_regs *regs)
{
	successor_known(regs);
	thread[6]->exit_work = EXIT_STOP;
}

static void successor_without_space(struct sim_regs *regs)
{
	successor_known(regs);
	thread[6]->vspace = NULL;
}

static void successor_and_request(struct sim_regs *regs)
{
	successor_known(regs);
	list_push_back(&cpus[0].core.requests_waiting, &thread[3]->request_link);
}

static void successor_ran(struct sim_regs *regs)
{
	successor_known(regs);
	sim_syscall(0, thread[4], SYS_WAIT, (struct sim_regs){{notice_cap[1]}});
	cr_assert(sim_current(0) == thread[6] && cpus[0].core.switched);
}

/* Nothing is linked, but the switch has not been told. */
static void switched_only(struct sim_regs *regs)
{
	(void)regs;
	cpus[0].core.switched = true;
	cpus[0].core.switched_tag = 7;
	cpus[0].core.switched_ns = 8;
}

static void rebind_unfinished(struct sim_regs *regs)
{
	(void)regs;
	cpus[0].core.rebind_next = cpus[0].core.homed.prev;
}

/* Linked without its kick, which is on the way. */
static void request_waiting(struct sim_regs *regs)
{
	(void)regs;
	list_push_back(&cpus[0].core.requests_waiting, &thread[5]->request_link);
}

static void record_linked(struct sim_regs *regs)
{
	(void)regs;
	list_push_back(&cpus[0].core.events, &thread[6]->event_link);
}

static void unbound(struct sim_regs *regs)
{
	(void)regs;
	sim_as(1);
	core_unbind(&cpus[0].core);
	sim_step(0);
	cr_assert_eq(sim_current(0), thread[4]);
}

static void dispatcher_stopping(struct sim_regs *regs)
{
	(void)regs;
	dispatcher[0]->exit_work = EXIT_STOP;
}

static void dispatcher_without_space(struct sim_regs *regs)
{
	(void)regs;
	dispatcher[0]->vspace = NULL;
}

static void limit_is_next(struct sim_regs *regs)
{
	(void)regs;
	cpus[0].core.decision_limit_ns = 1000;
}

static void limit_is_endless(struct sim_regs *regs)
{
	(void)regs;
	cpus[0].core.decision_limit_ns = TIME_NEVER;
}

static void was_reported(struct sim_regs *regs)
{
	(void)regs;
	thread[4]->event_info |= EVENT_WOKE_SINCE;
	thread[4]->first_ready_ns = 77;
	thread[4]->ran_ns = 88;
}

/* On the time of its client. */
static void passive(struct sim_regs *regs)
{
	(void)regs;
	sim_syscall(0, thread[4], SYS_SIGNAL, (struct sim_regs){{notice_cap[1]}});
	while (sim_current(0) != thread[0]) {
		sim_advance(2000000);
		sim_step(0);
		sim_auto_all();
	}
	sim_syscall(0, thread[0], SYS_RECV,
		    (struct sim_regs){{ep_cap[0], 0, 0, 0, 0, 0, reply_cap[0]}});
	sim_auto_all();
	while (sim_current(0) != thread[4]) {
		sim_advance(2000000);
		sim_step(0);
		sim_auto_all();
	}
	sim_syscall(0, thread[4], SYS_CALL, (struct sim_regs){{ep_cap[0], msg_info(1, 0, 0)}});
	cr_assert_eq(sim_current(0), thread[0]);
}

static void others_wait(struct sim_regs *regs)
{
	(void)regs;
	while (sim_current(1) != thread[5]) {
		sim_advance(2000000);
		sim_step(1);
		sim_auto_all();
	}
	sim_syscall(1, thread[5], SYS_WAIT, (struct sim_regs){{notice_cap[0]}});
	sim_auto_all();
}

static const struct {
	const char *name;
	bool expect; /* it is no obstacle */
	void (*spoil)(struct sim_regs *regs);
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
	{"reason noted", false, reason_noted},
	{"filtered wake", false, wake_filtered},
	{"unused filter", true, filter_unused},
	{"filter whose record is gone", true, filter_left},
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
	{"on donated time", true, passive},
	{"others wait", true, others_wait},
};

static void bail_run(unsigned i, bool with_fast, uint64_t part[PARTS])
{
	struct sim_regs wait = {{0}};
	unsigned before;

	start(with_fast);
	wait.x[0] = notice_cap[0];
	bails[i].spoil(&wait);
	sim_advance(1234);
	before = taken_waits;
	sim_syscall(0, sim_current(0), SYS_WAIT, wait);
	cr_assert_eq(taken_waits - before, with_fast && bails[i].expect, "%s", bails[i].name);
	state_take(part);
	sim_end();
}

Test(fastpath, K_fastpath_wait_gives_up_without_a_trace)
{
	for (unsigned i = 0; i < sizeof(bails) / sizeof(bails[0]); i++) {
		uint64_t off[PARTS], on[PARTS];

		bail_run(i, false, off);
		bail_run(i, true, on);
		for (unsigned k = 0; k < PARTS; k++)
			cr_assert_eq(off[k], on[k], "%s: part %u", bails[i].name, k);
	}
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
