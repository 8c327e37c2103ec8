/* SPDX-License-Identifier: BSD-2-Clause */
/* Donation: passive servers, chains of three, and what happens to them when members go away. */
#include "sim.h"

#include <criterion/criterion.h>
#include <kern/thread.h>

#define LEVELS 3u

/* a calls server 0, which calls server 1, ... */
static struct tcb *a, *b;
static struct tcb *server[LEVELS];
static struct endpoint *ep[LEVELS];
static struct reply *reply[LEVELS];
static cptr_t ep_cap[LEVELS], reply_cap[LEVELS];

static void recv(unsigned cpu, unsigned level)
{
	sim_syscall(cpu, server[level], SYS_RECV,
		    (struct sim_regs){{ep_cap[level], 0, 0, 0, 0, 0, reply_cap[level]}});
}

static void call(unsigned cpu, struct tcb *tcb, unsigned level)
{
	sim_syscall(cpu, tcb, SYS_CALL,
		    (struct sim_regs){{ep_cap[level], msg_info(1, 1, 0), tcb->tag}});
}

static void reply_recv(unsigned cpu, unsigned level, word_t result)
{
	sim_syscall(cpu, server[level], SYS_REPLY_RECV,
		    (struct sim_regs){
			    {ep_cap[level], msg_info(0, 1, 0), result, 0, 0, 0, reply_cap[level]}});
}

static void setup(void)
{
	sim_start(2);
	sim_bind(0, 1000000, 0, NULL);
	sim_bind(1, 1000000, 0, NULL);
	sim_auto_all();
	for (unsigned i = 0; i < LEVELS; i++) {
		ep[i] = sim_endpoint();
		reply[i] = sim_reply();
		ep_cap[i] = sim_cap(OBJ_ENDPOINT, ep[i], 70 + i);
		reply_cap[i] = sim_cap(OBJ_REPLY, reply[i], 0);
		server[i] = sim_thread_running(10 + i, 0);
		server[i]->flags |= TCB_FLAG_PASSIVE;
		sim_auto_all();
		cr_assert_eq(sim_current(0), server[i], "active until its first receive");
		recv(0, i);
		sim_auto_all();
		cr_assert_null(server[i]->payer, "passive from its first receive on");
	}
	a = sim_thread_running(1, 0);
	b = sim_thread_running(2, 1);
	sim_auto_all();
}

TestSuite(chain, .init = setup, .fini = sim_end);

/* Build the chain a -> 0 -> ... -> depth - 1 on CPU 0. */
static void build(unsigned depth)
{
	struct tcb *caller = a;

	for (unsigned i = 0; i < depth; i++) {
		call(0, caller, i);
		cr_assert_eq(sim_current(0), server[i]);
		caller = server[i];
	}
	sim_check();
}

Test(chain, K_donation_call_and_reply_make_no_scheduling_event)
{
	word_t entries = 0, dispatches = cpus[0].core.stats.dispatches, seq = a->seq;

	for (unsigned i = 0; i < REASON_COUNT; i++)
		entries += cpus[0].core.stats.entries[i];
	build(LEVELS);
	for (unsigned i = LEVELS; i-- > 0;)
		reply_recv(0, i, 100 + i);
	cr_assert_eq(sim_current(0), a);
	cr_assert_eq(a->context.x[2], 100);
	cr_assert_eq(a->seq, seq);
	cr_assert_eq(cpus[0].core.stats.dispatches, dispatches);
	for (unsigned i = 0; i < REASON_COUNT; i++)
		entries -= cpus[0].core.stats.entries[i];
	cr_assert_eq(entries, 0);
	cr_assert_eq(cpus[0].core.stats.donations, 2 * LEVELS);
	sim_check();
}

Test(chain, a_signal_does_not_wake_a_server_that_has_no_time)
{
	struct notification *n = sim_notification();

	cr_assert_eq(notification_bind(n, server[0]), ERR_OK);
	sim_as(1);
	notification_signal(n, 4);
	cr_assert_eq(server[0]->state, THREAD_RECEIVING);
	cr_assert_eq(n->word, 4, "kept");
	build(1);
}

Test(chain, K_donation_slice_end_preempts_the_payer_and_resumes_the_tail)
{
	build(LEVELS);
	sim_advance(2000000);
	sim_step(0);
	cr_assert(sim_deciding(0));
	cr_assert_eq(sim_event_of(0, 1)->info & 0xffff, EVENT_READY | CAUSE_SLICE << 8);
	cr_assert_eq(sim_event_of(0, 1)->ran_ns, 2000000, "charged to the payer");
	sim_auto_all();
	cr_assert_eq(sim_current(0), server[LEVELS - 1]);
}

Test(chain, K_donation_the_chain_moves_with_its_payer)
{
	build(2);
	sim_advance(2000000);
	sim_step(0);
	sim_as(0);
	cr_assert_eq(tcb_set_home(a, &cpus[1].core), ERR_OK);
	cr_assert_eq(tcb_set_home(server[0], &cpus[1].core), ERR_PASSIVE);
	sim_auto(0);
	sim_settle();
	cr_assert(sim_deciding(1));
	cr_assert_eq(sim_event_of(1, 1)->info & 0xffff, EVENT_READY | CAUSE_ARRIVED << 8);
	sim_decide(1, DECISION_RUN, a, 1000000);
	cr_assert_eq(sim_current(1), server[1]);
	reply_recv(1, 1, 5);
	cr_assert_eq(sim_current(1), server[0]);
	reply_recv(1, 0, 6);
	cr_assert_eq(sim_current(1), a);
	sim_check();
}

Test(chain, K_donation_a_member_that_blocks_blocks_the_payer)
{
	struct notification *n = sim_notification();
	cptr_t cap = sim_cap(OBJ_NOTIFICATION, n, 1);

	build(LEVELS);
	sim_syscall(0, server[2], SYS_WAIT, (struct sim_regs){{cap}});
	cr_assert(sim_deciding(0));
	cr_assert_eq(sim_event_of(0, 1)->info & 0xffff, EVENT_BLOCKED | CAUSE_NOTIFICATION << 8);
	sim_auto_all();
	sim_syscall(1, b, SYS_SIGNAL, (struct sim_regs){{cap}});
	sim_step(0);
	cr_assert_eq(sim_event_of(0, 1)->info & 0xffff, EVENT_READY | CAUSE_WAKE << 8);
	sim_auto_all();
	cr_assert_eq(sim_current(0), server[2]);
}

Test(chain, K_donation_two_callers_on_two_cpus_share_one_passive_server)
{
	unsigned ipis;

	build(1);
	call(1, b, 0);
	cr_assert_eq(b->state, THREAD_SENDING);
	sim_auto_all();
	ipis = sim_ipis();
	reply_recv(0, 0, 5);
	cr_assert_eq(sim_current(0), a, "back to the first caller, no dispatcher in between");
	cr_assert_eq(server[0]->payer, b);
	cr_assert_eq(b->sched, SCHED_READY);
	cr_assert_eq(sim_ipis() - ipis, 1);
	sim_auto_all();
	cr_assert_eq(sim_current(1), server[0]);
	cr_assert_eq(server[0]->context.x[2], 2);
	reply_recv(1, 0, 6);
	cr_assert_eq(sim_current(1), b);
	cr_assert_eq(b->context.x[2], 6);
	sim_check();
}

Test(chain, K_donation_receive_without_answer_blocks_the_first_caller_only)
{
	struct reply *second = sim_reply();
	cptr_t second_cap = sim_cap(OBJ_REPLY, second, 0);

	build(1);
	sim_syscall(0, server[0], SYS_RECV,
		    (struct sim_regs){{ep_cap[0], 0, 0, 0, 0, 0, second_cap}});
	cr_assert(sim_deciding(0));
	cr_assert_eq(sim_event_of(0, 1)->info & 0xffff, EVENT_BLOCKED | CAUSE_IPC << 8);
	sim_auto_all();
	call(1, b, 0);
	cr_assert_eq(sim_current(1), server[0], "runs on the second caller's time");
	sim_syscall(1, server[0], SYS_REPLY, (struct sim_regs){{reply_cap[0], 0}});
	cr_assert_eq(sim_x0(server[0]), 0);
	cr_assert_eq(sim_current(1), server[0]);
	sim_auto_all();
	cr_assert_eq(sim_current(0), a);
	sim_check();
}

Test(chain, K_donation_plain_reply_makes_an_orphan_until_the_next_receive)
{
	build(1);
	tcb_set_key(server[0], 77);
	sim_syscall(0, server[0], SYS_REPLY, (struct sim_regs){{reply_cap[0], msg_info(4, 0, 0)}});
	cr_assert(sim_deciding(0), "the orphan became ready");
	cr_assert_eq(sim_event_of(0, 10)->info & 0xffff, EVENT_READY | CAUSE_WAKE << 8);
	cr_assert_eq(server[0]->payer, server[0]);
	cr_assert_eq(server[0]->key, 0, "nobody has scheduled it yet: no filter holds it back");
	sim_check();
	while (sim_current(0) != server[0]) {
		sim_auto_all();
		sim_advance(2000000);
		sim_step(0);
		sim_auto(0);
	}
	recv(0, 0);
	cr_assert_null(server[0]->payer);
	sim_auto_all();
	cr_assert_eq(sim_current(0), a);
	cr_assert_eq(msg_label(a->context.x[1]), 4);
}

Test(chain, K_donation_payer_stopped_takes_effect_when_unwound)
{
	build(2);
	sim_as(1);
	cr_assert(thread_suspend(a));
	sim_settle();
	cr_assert_eq(sim_current(0), server[1], "the servers go on");
	reply_recv(0, 1, 0);
	cr_assert_eq(sim_current(0), server[0]);
	reply_recv(0, 0, 33);
	cr_assert_neq(sim_current(0), a);
	cr_assert_eq(a->state, THREAD_STOPPED);
	cr_assert_eq(sim_event_of(0, 1)->info & 0xffff, EVENT_BLOCKED | CAUSE_STOPPED << 8);
	sim_auto_all();
	cr_assert_eq(thread_resume(a), ERR_OK);
	sim_auto_all();
	cr_assert_eq(sim_current(0), a);
	cr_assert_eq(a->context.x[2], 33, "its call was answered");
}

/* b's, to a; with no other arguments than zeros. */
static int64_t invoke_a(cptr_t tcb_cap, word_t method, unsigned words)
{
	sim_syscall(1, b, SYS_CALL, (struct sim_regs){{tcb_cap, msg_info(method, words, 0)}});
	return sim_x0(b);
}

/* The answer would come over what is set before it. */
Test(chain, who_is_stopped_in_a_call_is_not_started_anew)
{
	cptr_t tcb_cap = sim_cap(OBJ_TCB, a, 0);
	uint64_t pc;

	build(1);
	pc = a->context.pc;
	cr_assert_eq(invoke_a(tcb_cap, METHOD_TCB_SUSPEND, 0), ERR_OK);
	cr_assert_eq(invoke_a(tcb_cap, METHOD_TCB_START, 4), -ERR_STATE);
	cr_assert_eq(invoke_a(tcb_cap, METHOD_TCB_CONFIGURE, 4), -ERR_STATE);
	cr_assert_eq(invoke_a(tcb_cap, METHOD_TCB_WRITE_REGS, 35), -ERR_STATE);
	cr_assert_eq(invoke_a(tcb_cap, METHOD_TCB_SET_FLAGS, 2), -ERR_STATE);
	cr_assert_eq(a->context.pc, pc);
	reply_recv(0, 0, 33);
	sim_auto_all();
	cr_assert_eq(a->state, THREAD_STOPPED);
	cr_assert_eq(a->context.x[2], 33);
	cr_assert_eq(invoke_a(tcb_cap, METHOD_TCB_START, 4), ERR_OK);
	cr_assert_eq(a->context.pc, 0);
}

/* What a destroying CPU does: call again, letting the others run in between. */
static void destroy(unsigned cpu, struct tcb *tcb)
{
	for (unsigned i = 0; i < 20; i++) {
		sim_as(cpu);
		if (thread_destroy(tcb))
			return;
		sim_auto_all();
	}
	cr_assert_fail("never destroyed");
}

Test(chain, K_donation_payer_killed_leaves_an_orphan)
{
	build(LEVELS);
	destroy(1, a);
	sim_auto_all();
	cr_assert_eq(server[0]->payer, server[0]);
	cr_assert_eq(server[2]->payer, server[0], "the first server's own time carries the rest");
	cr_assert_eq(sim_current(0), server[2]);
	reply_recv(0, 2, 0);
	reply_recv(0, 1, 0);
	cr_assert_eq(sim_current(0), server[0]);
	reply_recv(0, 0, 0);
	cr_assert_null(server[0]->payer, "its caller is gone: it waits for the next");
	sim_auto_all();
	cr_assert_null(sim_current(0));
	call(1, b, 0);
	cr_assert_eq(sim_current(1), server[0]);
}

Test(chain, K_donation_a_chain_that_runs_elsewhere_is_left_alone_until_its_cpu_cuts_it)
{
	unsigned ipis;

	build(2);
	ipis = sim_ipis();
	sim_as(1);
	cr_assert_not(thread_destroy(a));
	cr_assert_eq(sim_ipis() - ipis, 1);
	cr_assert_eq(a->chain_next, server[0]);
	cr_assert_eq(server[1]->payer, a);
	cr_assert_eq(a->sched, SCHED_RUNNING);
	cr_assert_eq(sim_current(0), server[1]);
	sim_check();
	sim_step(0);
	cr_assert_null(a->chain_next, "its own CPU did it");
	cr_assert_eq(server[1]->payer, server[0]);
	sim_check();
}

Test(chain, K_donation_server_in_the_middle_killed)
{
	build(LEVELS);
	destroy(1, server[1]);
	sim_auto_all();
	cr_assert_eq(server[0]->state, THREAD_READY);
	cr_assert_eq(sim_x0(server[0]), -ERR_DELETED);
	cr_assert_eq(server[0]->payer, a);
	cr_assert_eq(server[2]->payer, server[2], "the innermost goes on as an orphan");
	sim_check();
}

Test(chain, K_donation_innermost_server_killed)
{
	build(LEVELS);
	destroy(1, server[2]);
	sim_auto_all();
	cr_assert_eq(sim_current(0), server[1]);
	cr_assert_eq(sim_x0(server[1]), -ERR_DELETED);
	cr_assert_eq(server[1]->payer, a);
	sim_check();
}

Test(chain, K_donation_server_kills_its_own_payer)
{
	build(1);
	destroy(0, a);
	sim_auto_all();
	cr_assert_eq(sim_current(0), server[0]);
	cr_assert_eq(server[0]->payer, server[0]);
	sim_check();
}

Test(chain, K_donation_reply_object_destroyed_under_a_running_chain)
{
	bool done = false;

	build(2);
	for (unsigned i = 0; i < 20 && !done; i++) {
		sim_as(1);
		done = reply_destroy(reply[0]);
		sim_settle();
	}
	cr_assert(done);
	sim_auto_all();
	cr_assert_eq(sim_x0(a), -ERR_DELETED);
	cr_assert_eq(server[0]->payer, server[0]);
	cr_assert_eq(server[1]->payer, server[0]);
	sim_check();
}

/* Between a passive server's answer, which gives its caller's time back, and the next caller. */
Test(chain, K_donation_reply_object_destroyed_while_its_server_takes_the_next_caller)
{
	build(1);
	call(1, b, 0);
	sim_auto_all();
	cr_assert_eq(b->state, THREAD_SENDING);
	sim_as(1);
	spin_lock(&ep[0]->wait.lock);
	reply_recv(0, 0, 5);
	cr_assert_eq(sim_at(0), SIM_SPIN);
	cr_assert_eq(reply[0]->receiver, server[0]);
	sim_as(1);
	cr_assert(reply_destroy(reply[0]));
	spin_unlock(&ep[0]->wait.lock);
	sim_settle();
	sim_auto_all();
	cr_assert_eq(sim_x0(a), 0, "answered before");
	cr_assert_eq(sim_x0(b), -ERR_DELETED);
	cr_assert_eq(b->state, THREAD_READY);
	cr_assert_eq(sim_x0(server[0]), -ERR_DELETED);
	cr_assert_eq(server[0]->payer, server[0], "it goes on, as an orphan");
	cr_assert_eq(server[0]->state, THREAD_READY);
	sim_check();
}

Test(chain, K_donation_blocked_chain_is_cut_too)
{
	struct notification *n = sim_notification();
	cptr_t cap = sim_cap(OBJ_NOTIFICATION, n, 1);

	build(2);
	sim_syscall(0, server[1], SYS_WAIT, (struct sim_regs){{cap}});
	sim_auto_all();
	destroy(1, a);
	cr_assert_eq(server[0]->payer, server[0]);
	cr_assert_eq(server[0]->sched, SCHED_BLOCKED);
	sim_check();
	sim_as(1);
	notification_signal(n, 1);
	sim_auto_all();
	cr_assert_eq(sim_current(0), server[1]);
}

Test(chain, K_donation_plain_send_to_passive_servers_is_refused)
{
	struct sim_regs regs = {{ep_cap[0], 0}};

	sim_syscall(0, a, SYS_SEND, regs);
	cr_assert_eq(sim_x0(a), -ERR_PASSIVE);
	sim_syscall(0, a, SYS_NB_SEND, regs);
	cr_assert_eq(sim_x0(a), -ERR_PASSIVE);
	build(1);
	sim_syscall(1, b, SYS_SEND, regs);
	cr_assert_eq(b->state, THREAD_SENDING);
	sim_auto_all();
	reply_recv(0, 0, 0);
	sim_auto_all();
	cr_assert_eq(sim_current(1), b);
	cr_assert_eq(sim_x0(b), -ERR_PASSIVE);
}

Test(chain, a_plain_send_goes_to_the_first_that_has_time)
{
	struct tcb *c;

	build(2);
	sim_syscall(0, server[1], SYS_RECV, (struct sim_regs){{ep_cap[2]}});
	c = sim_thread_running(3, 0);
	sim_auto_all();
	cr_assert_null(server[1]->payer, "behind the other one");
	sim_syscall(1, b, SYS_RECV, (struct sim_regs){{ep_cap[2]}});
	sim_auto_all();
	cr_assert_eq(sim_current(0), c);
	sim_syscall(0, c, SYS_SEND, (struct sim_regs){{ep_cap[2], msg_info(0, 1, 0), 5}});
	cr_assert_eq(sim_x0(c), 0);
	sim_auto_all();
	cr_assert_eq(sim_current(1), b);
	cr_assert_eq(b->context.x[2], 5);
	cr_assert_eq(server[1]->state, THREAD_RECEIVING);
}

/* Its time went back with the answer. */
Test(chain, a_server_whose_endpoint_is_gone_goes_on_as_an_orphan)
{
	build(1);
	ep[0]->wait.object.dying = 1;
	reply_recv(0, 0, 4);
	cr_assert_eq(a->context.x[2], 4);
	cr_assert_eq(server[0]->payer, server[0]);
	cr_assert_eq(server[0]->sched, SCHED_READY);
	cr_assert_eq(sim_x0(server[0]), -ERR_DELETED);
}

Test(chain, signal_to_a_passive_server_stays_pending)
{
	struct notification *n = sim_notification();
	cptr_t cap = sim_cap(OBJ_NOTIFICATION, n, 2);

	cr_assert_eq(notification_bind(n, server[0]), ERR_OK);
	sim_syscall(0, a, SYS_SIGNAL, (struct sim_regs){{cap}});
	cr_assert_eq(server[0]->state, THREAD_RECEIVING);
	build(1);
	sim_syscall(0, server[0], SYS_POLL, (struct sim_regs){{cap}});
	cr_assert_eq(server[0]->context.x[6], 2);
}

Test(chain, server_stopped_blocks_the_payer_and_resumes)
{
	bool done = false;

	build(1);
	for (unsigned i = 0; i < 20 && !done; i++) {
		sim_as(1);
		done = thread_suspend(server[0]);
		sim_auto_all();
	}
	cr_assert(done);
	cr_assert_eq(server[0]->state, THREAD_STOPPED);
	cr_assert_eq(a->sched, SCHED_BLOCKED);
	sim_as(1);
	cr_assert_eq(thread_resume(server[0]), ERR_OK);
	sim_auto_all();
	cr_assert_eq(sim_current(0), server[0]);
}

Test(chain, K_donation_answer_by_another_thread_is_refused_on_donated_time)
{
	build(1);
	sim_syscall(1, b, SYS_REPLY, (struct sim_regs){{reply_cap[0], 0}});
	cr_assert_eq(sim_x0(b), -ERR_STATE);
	cr_assert_eq(sim_current(0), server[0]);
}

/* A passive server that is at home on CPU 1, at its endpoint. */
static struct tcb *server_of_cpu_1(cptr_t at, cptr_t with)
{
	struct tcb *tcb = sim_thread_running(20, 1);

	tcb->flags |= TCB_FLAG_PASSIVE;
	sim_syscall(1, b, SYS_WAIT,
		    (struct sim_regs){{sim_cap(OBJ_NOTIFICATION, sim_notification(), 1)}});
	sim_auto_all();
	sim_syscall(1, tcb, SYS_RECV, (struct sim_regs){{at, 0, 0, 0, 0, 0, with}});
	sim_auto_all();
	return tcb;
}

/* Its server's own time begins on another CPU: nothing else tells this one that who ran does not. */
Test(chain, K_donation_whose_running_chain_is_cut_is_decided_about)
{
	struct reply *held = sim_reply();
	cptr_t at = sim_cap(OBJ_ENDPOINT, sim_endpoint(), 1);
	struct tcb *other = server_of_cpu_1(at, sim_cap(OBJ_REPLY, held, 0));

	sim_syscall(0, a, SYS_CALL, (struct sim_regs){{at, msg_info(1, 0, 0)}});
	cr_assert_eq(sim_current(0), other);
	sim_as(1);
	cr_assert_not(reply_destroy(held));
	sim_step(0);
	cr_assert_eq(other->payer, other);
	cr_assert_eq(a->exit_work, 0, "no mark is left");
	cr_assert(sim_deciding(0));
	cr_assert_not_null(sim_event_of(0, 1));
	sim_check();
	sim_auto_all();
	cr_assert_eq(sim_current(0), a);
	cr_assert_eq(sim_x0(a), -ERR_DELETED);
	cr_assert_eq(sim_current(1), other);
}
