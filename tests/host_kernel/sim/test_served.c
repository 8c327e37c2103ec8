/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads that have called a server that others wait for: what their records say, and when the dispatcher is
 * told that it has answered. */
#include "sim.h"

#include <criterion/criterion.h>
#include <kern/thread.h>

#define SLICE_NS 1000000u
#define SERVED   (EVENT_READY | EVENT_SERVED)

/* a and c on CPU 0, b on CPU 1; a server, and what it waits for. */
static struct tcb *a, *b, *c, *server;
static struct notification *notice;
static cptr_t ep_cap, reply_cap, notice_cap;

static void recv(void)
{
	sim_syscall(0, server, SYS_RECV, (struct sim_regs){{ep_cap, 0, 0, 0, 0, 0, reply_cap}});
}

static void call(unsigned cpu, struct tcb *tcb)
{
	sim_syscall(cpu, tcb, SYS_CALL, (struct sim_regs){{ep_cap, msg_info(1, 1, 0)}});
}

static void reply_recv(unsigned cpu)
{
	sim_syscall(cpu, server, SYS_REPLY_RECV,
		    (struct sim_regs){{ep_cap, msg_info(0, 1, 0), 7, 0, 0, 0, reply_cap}});
}

static void until_runs(const struct tcb *tcb)
{
	while (sim_current(0) != tcb) {
		sim_advance(2 * SLICE_NS);
		sim_step(0);
		sim_auto_all();
	}
}

static void setup(void)
{
	sim_start(2);
	sim_bind(0, SLICE_NS, 0, NULL);
	sim_bind(1, SLICE_NS, 0, NULL);
	sim_auto_all();
	ep_cap = sim_cap(OBJ_ENDPOINT, sim_endpoint(), 70);
	reply_cap = sim_cap(OBJ_REPLY, sim_reply(), 0);
	notice = sim_notification();
	notice_cap = sim_cap(OBJ_NOTIFICATION, notice, 1);
	server = sim_thread_running(10, 0);
	server->flags |= TCB_FLAG_PASSIVE | TCB_FLAG_SERVER;
	sim_auto_all();
	recv();
	sim_auto_all();
	a = sim_thread_running(1, 0);
	b = sim_thread_running(2, 1);
	c = sim_thread_running(3, 0);
	sim_auto_all();
	until_runs(a);
}

TestSuite(served, .init = setup, .fini = sim_end);

static void slice_ends(void)
{
	sim_advance(2 * SLICE_NS);
	sim_step(0);
	cr_assert(sim_deciding(0));
}

/* State and cause of the record with this tag. */
static word_t said(unsigned cpu, word_t tag)
{
	return sim_event_of(cpu, tag)->info & 0xffff;
}

/* Whatever happens on CPU 0 for a millisecond, of threads with this key or a higher one, is held back. */
static void decide_filtered(const struct tcb *tcb)
{
	sim_decide_terms(
		0, DECISION_RUN | DECISION_FILTER, tcb, NULL,
		(struct sim_regs){.x = {[4] = SLICE_NS, [6] = arch_now() + SLICE_NS, [7] = 0}});
}

Test(served, a_slice_that_ends_in_the_server_says_so)
{
	slice_ends();
	cr_assert_eq(said(0, 1), EVENT_READY | CAUSE_SLICE << 8, "it has called nobody");
	sim_auto_all();
	until_runs(a);
	call(0, a);
	slice_ends();
	cr_assert_eq(said(0, 1), SERVED | CAUSE_SLICE << 8);
	sim_auto_all();
	until_runs(server);
	reply_recv(0);
	slice_ends();
	cr_assert_eq(said(0, 1), EVENT_READY | CAUSE_SLICE << 8, "it was answered");
}

Test(served, of_a_server_without_the_flag_nothing_is_said)
{
	server->flags &= ~TCB_FLAG_SERVER;
	call(0, a);
	slice_ends();
	cr_assert_eq(said(0, 1), EVENT_READY | CAUSE_SLICE << 8);
}

Test(served, who_blocks_there_is_blocked)
{
	call(0, a);
	sim_syscall(0, server, SYS_WAIT, (struct sim_regs){{notice_cap}});
	cr_assert_eq(said(0, 1), EVENT_BLOCKED | CAUSE_NOTIFICATION << 8);
}

/* Who else calls it waits for this thread, so no filter holds it back. */
Test(served, a_server_that_wakes_says_so_at_once)
{
	call(0, a);
	sim_syscall(0, server, SYS_WAIT, (struct sim_regs){{notice_cap}});
	cr_assert(sim_deciding(0));
	decide_filtered(c);
	sim_as(1);
	notification_signal(notice, 1);
	sim_step(0);
	cr_assert(sim_deciding(0));
	cr_assert_eq(said(0, 1), SERVED | CAUSE_WAKE << 8);
	cr_assert_eq(said(0, 3), EVENT_READY | CAUSE_PREEMPTED << 8);
}

Test(served, others_that_wake_are_held_back)
{
	sim_syscall(0, a, SYS_WAIT, (struct sim_regs){{notice_cap}});
	cr_assert(sim_deciding(0));
	decide_filtered(c);
	sim_as(1);
	notification_signal(notice, 1);
	sim_step(0);
	cr_assert_eq(sim_current(0), c);
}

Test(served, whom_the_server_goes_over_to_says_so_at_once)
{
	until_runs(c);
	call(0, c);
	slice_ends();
	sim_decide(0, DECISION_RUN, a, SLICE_NS);
	call(0, a);
	cr_assert_eq(a->state, THREAD_SENDING);
	sim_decide(0, DECISION_RUN, c, SLICE_NS);
	reply_recv(0);
	cr_assert(sim_deciding(0));
	cr_assert_eq(said(0, 1), SERVED | CAUSE_WAKE << 8);
	cr_assert_eq(said(0, 3), EVENT_READY | CAUSE_PREEMPTED << 8);
}

Test(served, and_on_another_cpu)
{
	call(0, a);
	call(1, b);
	cr_assert_eq(b->state, THREAD_SENDING);
	sim_auto_all();
	reply_recv(0);
	cr_assert_eq(sim_current(0), a);
	sim_step(1);
	cr_assert(sim_deciding(1));
	cr_assert_eq(said(1, 2), SERVED | CAUSE_WAKE << 8);
}

Test(served, the_next_home_is_told_too)
{
	call(0, a);
	slice_ends();
	sim_as(0);
	cr_assert_eq(tcb_set_home(a, &cpus[1].core), ERR_OK);
	sim_step(1);
	cr_assert(sim_deciding(1));
	cr_assert_eq(said(1, 1), SERVED | CAUSE_ARRIVED << 8);
}

static void preempted_in_server(void)
{
	call(0, a);
	slice_ends();
}

static void decide_answer(const struct tcb *tcb)
{
	sim_decide_terms(0, DECISION_RUN | DECISION_ANSWER, tcb, NULL,
			 (struct sim_regs){.x = {[4] = SLICE_NS}});
}

Test(served, the_answer_enters_the_dispatcher)
{
	word_t entries = cpus[0].core.stats.entries[REASON_KICK];

	preempted_in_server();
	decide_answer(a);
	cr_assert_eq(sim_current(0), server);
	reply_recv(0);
	cr_assert(sim_deciding(0));
	cr_assert_eq(cpus[0].core.stats.entries[REASON_KICK], entries + 1);
	cr_assert_eq(said(0, 1), EVENT_READY | CAUSE_PREEMPTED << 8);
	cr_assert_eq(a->exit_work, 0);
	cr_assert_eq(a->context.x[2], 7);
	sim_decide(0, DECISION_RUN, a, SLICE_NS);
	call(0, a);
	reply_recv(0);
	cr_assert_eq(sim_current(0), a, "once");
	sim_check();
}

Test(served, other_answers_do_not)
{
	preempted_in_server();
	sim_decide(0, DECISION_RUN, a, SLICE_NS);
	reply_recv(0);
	cr_assert_eq(sim_current(0), a);
}

/* It is told of a chain that has been cut, and of one that was answered after its slice, too. */
Test(served, the_end_of_the_call_enters_the_dispatcher_however_late)
{
	preempted_in_server();
	decide_answer(a);
	slice_ends();
	cr_assert_eq(said(0, 1), SERVED | CAUSE_SLICE << 8);
	sim_decide(0, DECISION_RUN, a, SLICE_NS);
	reply_recv(0);
	cr_assert(sim_deciding(0));
	cr_assert_eq(said(0, 1), EVENT_READY | CAUSE_PREEMPTED << 8);
}

Test(served, who_is_stopped_meanwhile_stops)
{
	preempted_in_server();
	decide_answer(a);
	sim_as(1);
	cr_assert(thread_suspend(a));
	sim_settle();
	cr_assert_eq(sim_current(0), server);
	reply_recv(0);
	cr_assert(sim_deciding(0));
	cr_assert_eq(a->state, THREAD_STOPPED);
	cr_assert_eq(said(0, 1), EVENT_BLOCKED | CAUSE_STOPPED << 8);
}

Test(served, a_thread_without_a_server_just_runs)
{
	slice_ends();
	decide_answer(a);
	cr_assert_eq(sim_current(0), a);
	cr_assert_eq(a->exit_work, 0);
	sim_check();
}

Test(served, answers_go_with_run_only)
{
	slice_ends();
	sim_decide_terms(0, DECISION_IDLE | DECISION_ANSWER, NULL, NULL,
			 (struct sim_regs){.x = {[4] = SLICE_NS}});
	cr_assert(sim_deciding(0));
	cr_assert_eq(sim_x0(cpus[0].core.dispatcher), -ERR_ARG);
}

/* Who takes over hears it, as of one that it found in the middle of its slice. */
Test(served, another_dispatcher_is_told)
{
	call(0, a);
	slice_ends();
	cr_assert_eq(said(0, 1), SERVED | CAUSE_SLICE << 8);
	sim_decide(0, DECISION_RUN, c, SLICE_NS);
	(void)sim_bind(0, SLICE_NS, 0, NULL);
	sim_settle();
	cr_assert(sim_deciding(0));
	cr_assert_eq(said(0, 1), SERVED | CAUSE_REBIND << 8);
	cr_assert_eq(EVENT_STATE(said(0, 3)), EVENT_READY);
	cr_assert_eq(said(0, 3) & EVENT_SERVED, 0);
}
