/* SPDX-License-Identifier: BSD-2-Clause */
/* Stop, resume and destroy of threads in every state, from the same and from another CPU; grace. */
#include "sim.h"

#include <criterion/criterion.h>
#include <host_arch.h>
#include <kern/grace.h>
#include <kern/ipi.h>
#include <kern/thread.h>

#define LIMIT_NS 1000000u

static struct tcb *a, *b;
static struct endpoint *ep;
static struct reply *reply;
static struct notification *n;
static cptr_t ep_cap, reply_cap, n_cap;

static void setup(void)
{
	sim_start(2);
	sim_bind(0, LIMIT_NS, 0, NULL);
	sim_bind(1, LIMIT_NS, 0, NULL);
	a = sim_thread_running(1, 0);
	b = sim_thread_running(2, 1);
	ep = sim_endpoint();
	reply = sim_reply();
	n = sim_notification();
	ep_cap = sim_cap(OBJ_ENDPOINT, ep, 0);
	reply_cap = sim_cap(OBJ_REPLY, reply, 0);
	n_cap = sim_cap(OBJ_NOTIFICATION, n, 1);
	sim_auto_all();
}

TestSuite(stop, .init = setup, .fini = sim_end);

Test(stop, Z19_stop_of_one_running_elsewhere_is_synchronous)
{
	uint64_t pc = a->context.pc;

	sim_as(1);
	cr_assert_not(thread_suspend(a), "it runs: asked for, not done");
	cr_assert_not(thread_is_stopped(a));
	sim_settle();
	cr_assert(thread_suspend(a));
	cr_assert_eq(a->state, THREAD_STOPPED);
	cr_assert_neq(sim_current(0), a);
	cr_assert_eq(a->context.pc, pc);
	sim_auto_all();
	cr_assert_eq(a->exit_work, 0);
	cr_assert_eq(thread_resume(a), ERR_OK);
	cr_assert_eq(thread_resume(a), ERR_STATE);
	sim_auto_all();
	cr_assert_eq(sim_current(0), a);
}

Test(stop, M05_not_stopped_while_its_state_is_live)
{
	sim_as(1);
	cr_assert_not(thread_suspend(a));
	sim_settle();
	a->on_cpu = 1;
	sim_as(1);
	cr_assert_not(thread_suspend(a));
	cr_assert_not(thread_is_stopped(a));
	a->on_cpu = 0;
	cr_assert(thread_suspend(a));
	cr_assert(thread_is_stopped(a));
}

Test(stop, Z16_each_blocked_state_is_cancelled)
{
	const struct {
		enum syscall number;
		cptr_t *cap;
		enum thread_state state;
	} cases[] = {
		{SYS_SEND, &ep_cap, THREAD_SENDING},
		{SYS_CALL, &ep_cap, THREAD_SENDING},
		{SYS_RECV, &ep_cap, THREAD_RECEIVING},
		{SYS_WAIT, &n_cap, THREAD_WAITING},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		sim_syscall(0, a, cases[i].number,
			    (struct sim_regs){{*cases[i].cap, 0, 0, 0, 0, 0, reply_cap}});
		cr_assert_eq(a->state, cases[i].state);
		sim_auto_all();
		sim_as(1);
		cr_assert(thread_suspend(a));
		cr_assert(list_empty(&ep->wait.queue));
		cr_assert(list_empty(&n->wait.queue));
		cr_assert_null(reply->receiver);
		cr_assert_eq(thread_resume(a), ERR_OK);
		sim_auto_all();
		cr_assert_eq(sim_current(0), a);
		cr_assert_eq(sim_x0(a), -ERR_CANCELLED);
	}
}

Test(stop, K_ipc_suspended_in_mid_call)
{
	sim_syscall(1, b, SYS_RECV, (struct sim_regs){{ep_cap, 0, 0, 0, 0, 0, reply_cap}});
	sim_auto_all();
	sim_syscall(0, a, SYS_CALL, (struct sim_regs){{ep_cap, 0}});
	sim_auto_all();
	sim_as(1);
	cr_assert(thread_suspend(a));
	cr_assert_null(reply->caller);
	sim_syscall(1, b, SYS_REPLY, (struct sim_regs){{reply_cap, 0}});
	cr_assert_eq(sim_x0(b), -ERR_NO_REPLY);
	cr_assert_eq(thread_resume(a), ERR_OK);
	sim_auto_all();
	cr_assert_eq(sim_x0(a), -ERR_CANCELLED);
}

Test(stop, itself)
{
	/* As the invocation of its own TCB does it, then the way out of the kernel. */
	sim_as(0);
	cr_assert(thread_suspend(a));
	cr_assert(thread_is_stopped(a));
	sim_syscall(0, a, SYS_THREAD_CLOCK, (struct sim_regs){{0}});
	cr_assert_eq(a->state, THREAD_STOPPED);
	cr_assert_eq(sim_x0(a), 0, "the system call completed");
	cr_assert(sim_deciding(0));
}

Test(stop, M26_destroyed_thread_is_reported_dead_before_its_memory_is_free)
{
	sim_as(1);
	cr_assert_not(thread_destroy(a));
	sim_settle();
	cr_assert(sim_deciding(0));
	sim_as(1);
	cr_assert_not(thread_destroy(a), "stopped, but the record is not consumed");
	sim_as(0);
	cr_assert_eq(tcb_set_home(a, &cpus[1].core), ERR_DEAD);
	sim_decide(0, DECISION_IDLE, NULL, 0);
	cr_assert_eq(sim_x0(cpus[0].core.dispatcher), -ERR_STALE);
	cr_assert_eq(EVENT_STATE(sim_event_of(0, 1)->info), EVENT_DEAD);
	sim_as(1);
	cr_assert_not(thread_destroy(a), "the dispatcher is still working on that batch");
	sim_decide(0, DECISION_IDLE, NULL, 0);
	cr_assert_eq(sim_at(0), SIM_IDLE);
	sim_as(1);
	cr_assert(thread_destroy(a));
	cr_assert(list_empty(&cpus[0].core.homed));
	cr_assert_eq(thread_resume(a), ERR_STATE);
}

Test(stop, destroy_needs_no_consumer_in_fallback)
{
	core_unbind(&cpus[0].core);
	sim_settle();
	cr_assert_eq(sim_current(0), a);
	sim_as(1);
	cr_assert_not(thread_destroy(a));
	sim_settle();
	sim_as(1);
	a->on_cpu = 1;
	cr_assert_not(thread_destroy(a), "its state is live elsewhere");
	a->on_cpu = 0;
	cr_assert(thread_destroy(a));
	sim_check();
}

/* What its dispatcher was not told stays linked when that goes, and nobody will take it. */
Test(stop, destroy_takes_a_record_that_nobody_consumes)
{
	struct tcb *c = sim_thread(3, 0);

	sim_as(1);
	cr_assert_eq(thread_resume(c), ERR_OK);
	cr_assert(thread_suspend(c));
	core_unbind(&cpus[0].core);
	sim_settle();
	cr_assert(list_linked(&c->event_link));
	sim_as(1);
	cr_assert(thread_destroy(c));
	cr_assert_not(list_linked(&c->event_link));
	sim_check();
}

Test(stop, the_dispatcher_of_this_cpu)
{
	struct tcb *d = cpus[0].core.dispatcher;

	sim_as(0);
	cr_assert(thread_suspend(d));
	cr_assert_eq(cpus[0].core.fallback, FALLBACK_STOPPED);
	cr_assert_null(cpus[0].core.dispatcher);
	cr_assert_eq(d->state, THREAD_STOPPED);
	sim_settle();
	cr_assert_eq(sim_current(0), a);
}

Test(stop, destroy_of_a_thread_with_a_pending_bind)
{
	struct tcb *d = sim_thread(8, 0);

	sim_as(1);
	cr_assert_eq(core_bind(&cpus[0].core, d, LIMIT_NS, 0, NULL), ERR_OK);
	cr_assert(thread_destroy(d));
	cr_assert_null(cpus[0].core.bind_next);
	sim_settle();
	cr_assert_null(cpus[0].core.dispatcher);
	cr_assert_eq(sim_current(0), a);
}

Test(stop, a_thread_whose_pending_bind_was_stopped_is_like_any_other)
{
	struct tcb *d = sim_thread(8, 0);

	sim_as(1);
	cr_assert_eq(core_bind(&cpus[0].core, d, LIMIT_NS, 0, NULL), ERR_OK);
	cr_assert_eq(thread_resume(d), ERR_STATE);
	cr_assert_not(thread_is_stopped(d), "it is entered as soon as its CPU gets to it");
	cr_assert(thread_suspend(d));
	cr_assert(thread_is_stopped(d));
	cr_assert_null(cpus[0].core.bind_next);
	cr_assert_eq(d->exit_work, 0, "no mark is left for whoever resumes or binds it");
	cr_assert_eq(core_bind(&cpus[0].core, d, LIMIT_NS, 0, NULL), ERR_OK);
	cr_assert_eq(core_bind(&cpus[0].core, sim_thread(9, 0), LIMIT_NS, 0, NULL), ERR_OK);
	cr_assert_null(d->dispatcher_core, "another one is to be bound instead");
	sim_settle();
	sim_as(1);
	cr_assert_eq(tcb_set_home(d, &cpus[1].core), ERR_OK);
	cr_assert_eq(thread_resume(d), ERR_OK);
	cr_assert_eq(d->sched, SCHED_READY);
	sim_check();
}

/* Whoever looks may take "linked nowhere" for granted. */
Test(stop, a_new_thread_is_stopped_and_in_no_list)
{
	struct tcb tcb = {.home = NULL};

	thread_init(&tcb);
	cr_assert_eq(tcb.state, THREAD_STOPPED);
	cr_assert_eq(tcb.payer, &tcb);
	cr_assert_not(list_linked(&tcb.ready_link) || list_linked(&tcb.home_link) ||
		      list_linked(&tcb.wait_link) || list_linked(&tcb.event_link) ||
		      list_linked(&tcb.request_link));
}

/* All are asked at once; two that wait for each other both get on. */
Test(stop, M27_grace_waits_for_those_that_run)
{
	const uint64_t seen = cpus[1].core.grace_seen;

	sim_end();
	sim_start(3);
	for (unsigned i = 0; i < 3; i++)
		sim_thread_running(1 + i, i);
	sim_settle();
	sim_kernel(0, grace_wait);
	cr_assert_eq(sim_at(0), SIM_SPIN);
	cr_assert_neq(cpus[1].core.requests & CORE_REQUEST_GRACE, 0);
	cr_assert_neq(cpus[2].core.requests & CORE_REQUEST_GRACE, 0);
	sim_kernel(1, grace_wait);
	cr_assert_eq(sim_at(1), SIM_SPIN);
	sim_settle();
	for (unsigned i = 0; i < 3; i++)
		cr_assert_eq(sim_at(i), SIM_USER);
	cr_assert_gt(cpus[1].core.grace_seen, seen);
}

Test(stop, M27_grace_passes_idle_cpus)
{
	uint64_t seen = cpus[1].core.grace_seen;

	sim_syscall(1, b, SYS_WAIT, (struct sim_regs){{n_cap}});
	sim_auto_all();
	cr_assert_eq(sim_at(1), SIM_IDLE);
	sim_as(0);
	grace_wait();
	cr_assert_eq(cpus[1].core.grace_seen, seen, "idle: not even asked");
}

/* Who acknowledges has let go of the address space that it had loaded, too, whose tables may be used again;
 * a thread that runs on gets it back. */
Test(stop, grace_leaves_the_address_space)
{
	cr_assert_eq(sim_current(1), b);
	cr_assert_eq(host_cpu_vspace(1), b->vspace);
	sim_as(0);
	core_post(&cpus[1].core, CORE_REQUEST_GRACE);
	sim_as(1);
	core_serve_grace(&cpus[1].core);
	cr_assert_null(host_cpu_vspace(1));
	cr_assert_null(cpus[1].core.loaded);
	sim_step(1);
	cr_assert_eq(sim_current(1), b);
	cr_assert_eq(host_cpu_vspace(1), b->vspace);
}

/* A long operation stops for what this CPU has to do next, but not for what waits for its dispatcher. */
Test(stop, what_preempts_a_long_operation)
{
	struct core *core = &cpus[0].core;

	sim_as(0);
	cr_assert_not(preempt_pending());
	core->reasons = 1u << REASON_SLICE;
	cr_assert(preempt_pending());
	core->dispatcher_running = true;
	cr_assert_not(preempt_pending());
	core->dispatcher_running = false;
	core->reasons = 0;
	core->requests = CORE_REQUEST_STOP;
	cr_assert(preempt_pending());
	core->requests = 0;
}

Test(stop, wake_between_dequeue_and_stop_is_not_lost)
{
	/* Owned by a sender that is just copying: stop must fail and leave it alone. */
	sim_syscall(0, a, SYS_RECV, (struct sim_regs){{ep_cap}});
	sim_auto_all();
	sim_as(1);
	cr_assert(wait_cancel(a, false));
	cr_assert_not(thread_suspend(a));
	cr_assert_eq(a->state, THREAD_RECEIVING);
	cr_assert(a->exit_work & EXIT_STOP);
}

/* Another CPU has panicked. */
Test(stop, who_is_told_to_halts_for_good)
{
	sim_as(0);
	core_post(&cpus[1].core, CORE_REQUEST_HALT | CORE_REQUEST_KICK);
	sim_step(1);
	cr_assert_eq(sim_at(1), SIM_HALTED);
	cr_assert_eq(sim_current(0), a);
}

/* It would wait for the one that panicked for ever. */
Test(stop, who_waits_for_a_grace_period_halts_too)
{
	sim_kernel(0, grace_wait);
	cr_assert_eq(sim_at(0), SIM_SPIN);
	sim_as(1);
	core_post(&cpus[0].core, CORE_REQUEST_HALT);
	sim_step(0);
	cr_assert_eq(sim_at(0), SIM_HALTED);
}
