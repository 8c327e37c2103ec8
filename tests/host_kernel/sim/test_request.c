/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests to dispatchers: delivery, answer, interruption, restart. */
#include "sim.h"

#include <criterion/criterion.h>
#include <kern/fallback.h>
#include <kern/thread.h>

#define LIMIT_NS 1000000u
#define SLICE_NS 1000000u

static struct tcb *a, *b;
static cptr_t sched_cap, fixed_cap;

static void setup(void)
{
	sim_start(2);
	sim_bind(0, LIMIT_NS, 0, NULL);
	sim_bind(1, LIMIT_NS, 0, NULL);
	a = sim_thread_running(1, 0);
	b = sim_thread_running(2, 1);
	sched_cap = sim_cap(OBJ_SCHED, NULL, 0xbad9e);
	fixed_cap = sim_cap(OBJ_SCHED, &cpus[1].core, 0xf1);
	sim_auto_all();
}

TestSuite(request, .init = setup, .fini = sim_end);

static void request(unsigned cpu, struct tcb *tcb, cptr_t cap, word_t label)
{
	sim_syscall(cpu, tcb, SYS_CALL, (struct sim_regs){{cap, msg_info(label, 2, 0), 21, 22}});
}

/* A passive server that waits for calls. */
static struct tcb *server_of(cptr_t ep_cap, cptr_t reply_cap)
{
	struct tcb *s = sim_thread_running(9, 1);

	s->flags |= TCB_FLAG_PASSIVE;
	sim_auto_all();
	while (sim_current(1) != s) {
		sim_advance(2 * SLICE_NS);
		sim_auto_all();
	}
	sim_syscall(1, s, SYS_RECV, (struct sim_regs){{ep_cap, 0, 0, 0, 0, 0, reply_cap}});
	sim_auto_all();
	return s;
}

static enum error answer(unsigned cpu, struct tcb *tcb, word_t error, word_t w1)
{
	const word_t results[3] = {w1, 0, 0};

	sim_as(cpu);
	return tcb_answer(tcb, error, results);
}

Test(request, delivered_at_once_with_the_blocked_record)
{
	request(0, a, sched_cap, 5);
	cr_assert(sim_deciding(0));
	cr_assert_eq(sim_event_of(0, 1)->info & 0xffff, EVENT_BLOCKED | CAUSE_REQUEST << 8);
	cr_assert_not_null(sim_request(0));
	cr_assert_eq(sim_request(0)->badge, 0xbad9e);
	cr_assert_eq(sim_request(0)->payer_tag, 1);
	cr_assert_eq(sim_request(0)->payer_seq, sim_event_of(0, 1)->seq);
	cr_assert_eq(msg_label(sim_request(0)->info), 5);
	cr_assert_eq(sim_request(0)->words[1], 22);
}

Test(request, answer_makes_ready_without_a_record)
{
	word_t seq;

	request(0, a, sched_cap, 5);
	seq = a->seq;
	cr_assert_eq(answer(0, a, ERR_LIMIT, 99), ERR_OK);
	cr_assert_eq(answer(0, a, 0, 0), ERR_STATE, "only once");
	cr_assert_eq(a->seq, seq);
	sim_decide(0, DECISION_RUN, a, SLICE_NS);
	cr_assert_eq(sim_current(0), a);
	cr_assert_eq(sim_x0(a), 0);
	cr_assert_eq(msg_label(a->context.x[1]), ERR_LIMIT);
	cr_assert_eq(a->context.x[2], ERR_LIMIT);
	cr_assert_eq(a->context.x[3], 99);
}

Test(request, to_another_cpus_dispatcher)
{
	request(0, a, fixed_cap, 6);
	sim_auto(0);
	sim_settle();
	cr_assert(sim_deciding(1));
	cr_assert_eq(sim_request(1)->badge, 0xf1);
	cr_assert_eq(answer(1, a, 0, 7), ERR_OK);
	cr_assert_eq(a->sched, SCHED_READY);
	sim_settle();
	cr_assert(sim_deciding(0), "posted at its home, which is another dispatcher's");
	cr_assert_eq(sim_event_of(0, 1)->info & 0xffff, EVENT_READY | CAUSE_WAKE << 8);
	sim_auto_all();
	cr_assert_eq(sim_current(0), a);
	cr_assert_eq(a->context.x[3], 7);
}

/* It comes to the CPU of the dispatcher that answers it: that one has not seen it there yet. */
Test(request, answer_of_one_that_is_just_arriving_goes_into_its_record)
{
	request(0, a, fixed_cap, 6);
	sim_step(1);
	cr_assert_eq(sim_request(1)->badge, 0xf1);
	cr_assert(sim_deciding(0));
	sim_as(0);
	cr_assert_eq(tcb_set_home(a, &cpus[1].core), ERR_OK);
	cr_assert(list_linked(&a->event_link));
	cr_assert_eq(answer(1, a, 0, 7), ERR_OK);
	sim_decide(1, DECISION_IDLE, NULL, 0);
	cr_assert_not_null(sim_event_of(1, 1));
	cr_assert_eq(EVENT_STATE(sim_event_of(1, 1)->info), EVENT_READY);
	sim_check();
}

Test(request, one_per_upcall)
{
	struct tcb *c = sim_thread_running(3, 1);

	sim_auto_all();
	request(0, a, fixed_cap, 6);
	sim_auto(0);
	request(1, sim_current(1), sched_cap, 7);
	cr_assert_not_null(sim_request(1));
	cr_assert_neq(cpus[1].core.dispatcher->context.x[1] & UPCALL_MORE, 0);
	sim_decide(1, DECISION_NONE, NULL, 0);
	cr_assert_not_null(sim_request(1));
	cr_assert_eq(cpus[1].core.dispatcher->context.x[1] & UPCALL_MORE, 0);
	(void)c;
	sim_check();
}

Test(request, signal_interrupts_and_is_taken)
{
	struct notification *n = sim_notification();
	cptr_t cap = sim_cap(OBJ_NOTIFICATION, n, 4);

	cr_assert_eq(notification_bind(n, a), ERR_OK);
	request(0, a, sched_cap, 5 | SCHED_REQUEST_INTERRUPTIBLE);
	sim_auto_all();
	cr_assert_eq(a->state, THREAD_REQUESTING);
	sim_syscall(1, b, SYS_SIGNAL, (struct sim_regs){{cap}});
	sim_step(0);
	cr_assert_eq(sim_event_of(0, 1)->info & 0xffff, EVENT_READY | CAUSE_WAKE << 8);
	sim_auto_all();
	cr_assert_eq(sim_current(0), a);
	cr_assert_eq(msg_label(a->context.x[1]), ERR_CANCELLED);
	cr_assert_eq(a->context.x[3], 4);
	cr_assert_eq(n->word, 0);
	cr_assert(list_empty(&cpus[0].core.requests_delivered));
	sim_as(0);
	notification_signal(n, 2);
	request(0, a, sched_cap, 5 | SCHED_REQUEST_INTERRUPTIBLE);
	cr_assert_eq(sim_current(0), a, "a signal that came before: no blocking");
	cr_assert_eq(a->context.x[3], 2);
	cr_assert_eq(n->word, 0, "taken");
}

Test(request, not_interruptible_without_the_flag)
{
	struct notification *n = sim_notification();

	cr_assert_eq(notification_bind(n, a), ERR_OK);
	request(0, a, sched_cap, 5);
	sim_auto_all();
	sim_as(1);
	notification_signal(n, 4);
	cr_assert_eq(a->state, THREAD_REQUESTING);
	cr_assert_eq(n->word, 4);
}

Test(request, suspend_cancels)
{
	word_t seq;

	request(0, a, sched_cap, 5);
	sim_auto_all();
	sim_as(1);
	seq = a->seq;
	cr_assert(thread_suspend(a));
	cr_assert_eq(a->event_info & 0xffff, EVENT_BLOCKED | CAUSE_STOPPED << 8);
	cr_assert_eq(a->seq, seq + 1, "its dispatcher hears of it");
	cr_assert(list_linked(&a->event_link));
	cr_assert_eq(a->state, THREAD_STOPPED);
	cr_assert_eq(thread_resume(a), ERR_OK);
	sim_auto_all();
	cr_assert_eq(sim_current(0), a);
	cr_assert_eq(sim_x0(a), -ERR_CANCELLED);
	sim_check();
}

Test(request, fallback_answers_all_callers_with_restarted)
{
	request(0, a, fixed_cap, 6);
	sim_auto_all();
	request(1, b, sched_cap, 7);
	cr_assert(sim_deciding(1));
	sim_advance(LIMIT_NS);
	sim_auto_all();
	cr_assert_eq(cpus[1].core.fallback, FALLBACK_DECISION);
	cr_assert_eq(sim_x0(a), -ERR_RESTARTED);
	cr_assert_eq(sim_x0(b), -ERR_RESTARTED);
	cr_assert_eq(sim_current(0), a);
	cr_assert_eq(sim_current(1), b);
}

Test(request, fallback_answers_those_that_were_not_handed_over_too)
{
	struct tcb *c = sim_thread_running(3, 1);

	sim_settle();
	cr_assert(sim_deciding(1));
	request(0, a, fixed_cap, 6);
	sim_auto(0);
	cr_assert_not(list_empty(&cpus[1].core.requests_waiting));
	sim_check();
	sim_advance(LIMIT_NS);
	sim_auto_all();
	cr_assert_eq(cpus[1].core.fallback, FALLBACK_DECISION);
	cr_assert_eq(sim_x0(a), -ERR_RESTARTED);
	cr_assert_eq(sim_current(0), a);
	cr_assert(list_empty(&cpus[1].core.requests_waiting));
	(void)c;
}

Test(request, without_a_dispatcher_is_answered_restarted_at_once)
{
	sim_as(0);
	core_unbind(&cpus[0].core);
	sim_step(0);
	cr_assert_null(cpus[0].core.dispatcher);
	request(0, a, sched_cap, 5);
	cr_assert_eq(sim_current(0), a);
	cr_assert_eq(sim_x0(a), -ERR_RESTARTED);
	cr_assert(list_empty(&cpus[0].core.requests_waiting));
	sim_check();
}

/* The dispatcher that was on the way does not come. */
Test(request, made_for_a_dispatcher_that_is_stopped_before_it_is_bound)
{
	struct tcb *d = sim_thread(8, 1);

	sim_as(0);
	core_unbind(&cpus[1].core);
	sim_settle();
	sim_as(0);
	cr_assert_eq(core_bind(&cpus[1].core, d, LIMIT_NS, 0, NULL), ERR_OK);
	request(0, a, fixed_cap, 6);
	cr_assert_eq(a->state, THREAD_REQUESTING);
	sim_as(0);
	cr_assert(thread_suspend(d));
	sim_auto_all();
	cr_assert_null(cpus[1].core.dispatcher);
	cr_assert_eq(sim_current(0), a);
	cr_assert_eq(sim_x0(a), -ERR_RESTARTED);
	sim_check();
}

Test(request, of_a_passive_server_names_the_payer)
{
	struct endpoint *ep = sim_endpoint();
	struct reply *reply = sim_reply();
	cptr_t ep_cap = sim_cap(OBJ_ENDPOINT, ep, 0), reply_cap = sim_cap(OBJ_REPLY, reply, 0);
	struct tcb *s = server_of(ep_cap, reply_cap);

	sim_syscall(0, a, SYS_CALL, (struct sim_regs){{ep_cap, 0}});
	request(0, s, sched_cap, 5);
	cr_assert(sim_deciding(0));
	cr_assert_eq(sim_request(0)->payer_tag, 1);
	cr_assert_eq(answer(0, s, 0, 0), ERR_PASSIVE);
	cr_assert_eq(answer(0, a, 0, 3), ERR_OK);
	sim_auto_all();
	cr_assert_eq(sim_current(0), s);
	cr_assert_eq(s->context.x[3], 3);
}

/* It never blocks, and there is nothing to answer. */
Test(request, a_yield_is_a_record_of_who_is_ready)
{
	const word_t seq = a->seq;

	request(0, a, sched_cap, SCHED_REQUEST_YIELD | 1);
	cr_assert(sim_deciding(0));
	cr_assert_null(sim_request(0));
	cr_assert_eq(UPCALL_REASONS(cpus[0].core.dispatcher->context.x[1]), 1u << REASON_REQUEST);
	cr_assert_eq(sim_event_of(0, 1)->info, EVENT_READY | CAUSE_YIELD << 8, "it has not slept");
	cr_assert_eq(sim_event_of(0, 1)->seq, seq + 1);
	cr_assert_eq(sim_event_of(0, 1)->first_ready_ns, 0);
	cr_assert_eq(sim_x0(a), 0);
	cr_assert_eq(a->context.x[1], 0, "an answer without words");
	cr_assert_eq(answer(0, a, 0, 0), ERR_STATE);
	sim_decide(0, DECISION_RUN, a, SLICE_NS);
	cr_assert_eq(sim_current(0), a);
}

/* Its own dispatcher is not the one that it asked. */
Test(request, a_yield_to_another_core_is_a_request)
{
	request(0, a, fixed_cap, SCHED_REQUEST_YIELD | 1);
	sim_auto(0);
	sim_step(1);
	cr_assert(sim_deciding(1));
	cr_assert_not_null(sim_request(1));
	cr_assert_eq(msg_label(sim_request(1)->info), SCHED_REQUEST_YIELD | 1);
	cr_assert_eq(answer(1, a, 0, 0), ERR_OK);
	sim_auto_all();
	cr_assert_eq(sim_current(0), a);
}

/* The time is its caller's, whose record would say nothing of it. */
Test(request, a_yield_of_a_server_is_a_request)
{
	struct endpoint *ep = sim_endpoint();
	struct reply *reply = sim_reply();
	cptr_t ep_cap = sim_cap(OBJ_ENDPOINT, ep, 0), reply_cap = sim_cap(OBJ_REPLY, reply, 0);
	struct tcb *s = server_of(ep_cap, reply_cap);

	sim_syscall(0, a, SYS_CALL, (struct sim_regs){{ep_cap, 0}});
	request(0, s, sched_cap, SCHED_REQUEST_YIELD | 1);
	cr_assert(sim_deciding(0));
	cr_assert_eq(sim_event_of(0, 1)->info & 0xffff, EVENT_BLOCKED | CAUSE_REQUEST << 8);
	cr_assert_not_null(sim_request(0));
	cr_assert_eq(answer(0, a, 0, 3), ERR_OK);
	sim_auto_all();
	cr_assert_eq(sim_current(0), s);
}

Test(request, a_yield_in_fallback_returns)
{
	sim_as(0);
	fallback_enter(&cpus[0].core, FALLBACK_UNBOUND);
	sim_settle();
	cr_assert_eq(sim_current(0), a);
	request(0, a, sched_cap, SCHED_REQUEST_YIELD | 1);
	cr_assert_eq(sim_current(0), a);
	cr_assert_eq(sim_x0(a), 0);
	cr_assert_eq(cpus[0].core.reasons, 0);
}

Test(request, needs_the_right)
{
	cptr_t weak = sim_cap_rights(OBJ_SCHED, NULL, 0, RIGHT_READ);

	request(0, a, weak, 5);
	cr_assert_eq(sim_x0(a), -ERR_CAP_RIGHTS);
}
