/* SPDX-License-Identifier: BSD-2-Clause */
/* Decisions, events, slices, fallback, bind. */
#include "dispatch_world.h"

#include <kern/fallback.h>

TestSuite(dispatch, .init = setup, .fini = sim_end);

Test(dispatch, wake_from_idle_is_reported_and_run)
{
	resume(a);
	sim_step(0);
	cr_assert(sim_deciding(0));
	cr_assert_neq(UPCALL_REASONS(cpus[0].core.dispatcher->context.x[1]) & 1u << REASON_IDLE, 0);
	cr_assert_eq(UPCALL_EVENTS(cpus[0].core.dispatcher->context.x[1]), 1);
	cr_assert_eq(sim_event(0, 0)->tag, 1);
	cr_assert_eq(EVENT_CAUSE(sim_event(0, 0)->info), CAUSE_ARRIVED,
		     "first start of a moved thread");
	cr_assert_neq(sim_event(0, 0)->first_ready_ns, 0);
	sim_decide(0, DECISION_RUN, a, SLICE_NS);
	cr_assert_eq(sim_current(0), a);
	cr_assert_eq(cpus[0].core.dispatcher->state, THREAD_PARKED);
}

Test(dispatch, registers_carry_event_0)
{
	const uint64_t *x;

	resume(a);
	sim_step(0);
	x = cpus[0].core.dispatcher->context.x;
	cr_assert_eq(x[3], 1);
	cr_assert_eq(x[4], EVENT_READY | CAUSE_ARRIVED << 8 | EVENT_WOKE_SINCE);
	cr_assert_eq(x[5], a->seq);
	cr_assert_eq(x[6], 0);
	cr_assert_neq(x[7], 0);
}

Test(dispatch, slice_end_reports_what_ran)
{
	resume(a);
	sim_step(0);
	sim_decide(0, DECISION_RUN, a, SLICE_NS);
	sim_advance(SLICE_NS);
	sim_step(0);
	cr_assert(sim_deciding(0));
	cr_assert_eq(UPCALL_REASONS(cpus[0].core.dispatcher->context.x[1]), 1u << REASON_SLICE);
	cr_assert_eq(sim_event(0, 0)->info, EVENT_READY | CAUSE_SLICE << 8);
	cr_assert_eq(sim_event(0, 0)->ran_ns, SLICE_NS);
	cr_assert_eq(a->cpu_ns, SLICE_NS);
	sim_decide(0, DECISION_RUN, a, SLICE_NS);
	cr_assert_eq(sim_current(0), a, "the same again");
	sim_advance(SLICE_NS);
	sim_step(0);
	cr_assert_eq(sim_event(0, 0)->ran_ns, SLICE_NS, "since the last report only");
	cr_assert_eq(a->cpu_ns, 2 * SLICE_NS);
}

Test(dispatch, thread_clock)
{
	resume(a);
	sim_step(0);
	sim_decide(0, DECISION_RUN, a, SLICE_NS);
	sim_advance(300);
	sim_syscall(0, a, SYS_THREAD_CLOCK, (struct sim_regs){{0}});
	cr_assert_eq(a->context.x[2], 300);
	cr_assert_eq(a->context.x[3], 0);
	cr_assert_eq(a->context.x[4], arch_now());
}

Test(dispatch, idle_is_never_accepted_with_events_pending)
{
	resume(a);
	sim_step(0);
	for (unsigned i = 0; i < 3; i++) {
		resume(i == 0 ? b : i == 1 ? sim_thread(4, 0) : sim_thread(5, 0));
		sim_decide(0, DECISION_IDLE, NULL, 0);
		cr_assert(sim_deciding(0));
		cr_assert_eq(outcome(0), -ERR_STALE);
	}
	sim_decide(0, DECISION_IDLE, NULL, 0);
	cr_assert_eq(sim_at(0), SIM_IDLE);
}

Test(dispatch, K_core_decisions_of_every_invalid_kind)
{
	struct tcb *dead = sim_thread(9, 0);
	struct tcb *d;
	cptr_t core_cap = sim_cap(OBJ_CORE, &cpus[0].core, 0);
	cptr_t ep = sim_cap(OBJ_ENDPOINT, sim_endpoint(), 0);
	cptr_t weak = sim_cap_rights(OBJ_TCB, a, 0, RIGHT_CONTROL);

	resume(a);
	resume(c);
	sim_settle();
	d = cpus[0].core.dispatcher;
	dead->object.dying = 1;
	sim_decide(0, DECISION_RUN, b, SLICE_NS);
	cr_assert_eq(outcome(0), -ERR_NOT_READY);
	cr_assert_neq(UPCALL_REASONS(d->context.x[1]) & 1u << REASON_REFUSED, 0);
	sim_decide(0, DECISION_RUN, c, SLICE_NS);
	cr_assert_eq(outcome(0), -ERR_FOREIGN);
	sim_decide(0, DECISION_RUN, dead, SLICE_NS);
	cr_assert_eq(outcome(0), -ERR_DEAD);
	sim_decide_seq(0, a, a->seq - 1, SLICE_NS);
	cr_assert_eq(outcome(0), -ERR_BAD_SEQ, "%ld", (long)outcome(0));
	sim_syscall(0, d, SYS_CORE_REPLY_WAIT, (struct sim_regs){{core_cap, 1, 250}});
	cr_assert_eq(outcome(0), -ERR_CAP_INVALID);
	sim_syscall(0, d, SYS_CORE_REPLY_WAIT, (struct sim_regs){{core_cap, 1, ep}});
	cr_assert_eq(outcome(0), -ERR_CAP_TYPE);
	sim_syscall(0, d, SYS_CORE_REPLY_WAIT, (struct sim_regs){{core_cap, 1, weak}});
	cr_assert_eq(outcome(0), -ERR_CAP_RIGHTS);
	sim_syscall(0, d, SYS_CORE_REPLY_WAIT, (struct sim_regs){{core_cap, 7}});
	cr_assert_eq(outcome(0), -ERR_ARG);
	sim_syscall(0, d, SYS_CORE_REPLY_WAIT,
		    (struct sim_regs){{sim_cap(OBJ_CORE, &cpus[1].core, 0), 0}});
	cr_assert_eq(outcome(0), -ERR_UNBOUND);
	cr_assert_eq(cpus[0].core.stats.refused_decisions, 8);
	sim_decide(0, DECISION_RUN, a, SLICE_NS);
	cr_assert_eq(sim_current(0), a);
	sim_check();
}

Test(dispatch, too_many_refusals_end_the_binding)
{
	struct tcb *d = cpus[0].core.dispatcher;

	resume(a);
	sim_step(0);
	for (unsigned i = 0; i <= DECISION_REFUSALS_MAX; i++) {
		cr_assert(sim_deciding(0));
		sim_decide(0, DECISION_RUN, b, SLICE_NS);
	}
	cr_assert_null(cpus[0].core.dispatcher);
	cr_assert_eq(cpus[0].core.fallback, FALLBACK_REFUSED);
	cr_assert_eq(d->state, THREAD_STOPPED);
	cr_assert_eq(sim_current(0), a, "fallback runs what is ready");
}

Test(dispatch, Z36_records_accumulate_and_twice_is_harmless)
{
	struct notification *n = sim_notification();
	cptr_t cap = sim_cap(OBJ_NOTIFICATION, n, 1);
	word_t seq;

	resume(a);
	resume(b);
	sim_step(0);
	sim_decide(0, DECISION_RUN, a, SLICE_NS);
	sim_advance(100);
	sim_syscall(0, a, SYS_WAIT, (struct sim_regs){{cap}});
	cr_assert_eq(sim_event_of(0, 1)->info,
		     (EVENT_BLOCKED | CAUSE_NOTIFICATION << 8 | EVENT_BLOCKED_SINCE));
	cr_assert_eq(sim_event_of(0, 1)->ran_ns, 100);
	seq = sim_event_of(0, 1)->seq;
	/* While the dispatcher runs: woken and stopped. */
	sim_as(1);
	notification_signal(n, 1);
	cr_assert(thread_suspend(a));
	cr_assert_eq(sim_ipis(), 1, "it looks at the records before it parks: no kick");
	sim_decide(0, DECISION_RUN, b, SLICE_NS);
	cr_assert_eq(outcome(0), -ERR_STALE);
	cr_assert_eq(UPCALL_EVENTS(cpus[0].core.dispatcher->context.x[1]), 1, "one record");
	cr_assert_eq(sim_event(0, 0)->info,
		     (EVENT_BLOCKED | CAUSE_STOPPED << 8 | EVENT_BLOCKED_SINCE | EVENT_WOKE_SINCE));
	cr_assert_eq(sim_event(0, 0)->seq, seq + 2);
}

Test(dispatch, M24_batches_of_more_than_32_lose_nothing)
{
	unsigned seen = 0;

	for (unsigned i = 0; i < 40; i++)
		resume(sim_thread(100 + i, 0));
	sim_step(0);
	cr_assert_eq(UPCALL_EVENTS(cpus[0].core.dispatcher->context.x[1]), 32);
	cr_assert_neq(cpus[0].core.dispatcher->context.x[1] & UPCALL_MORE, 0);
	seen += 32;
	sim_decide(0, DECISION_NONE, NULL, 0);
	seen += UPCALL_EVENTS(cpus[0].core.dispatcher->context.x[1]);
	cr_assert_eq(seen, 40);
	cr_assert_eq(cpus[0].core.dispatcher->context.x[1] & UPCALL_MORE, 0);
}

Test(dispatch, M13_an_expired_timer_cannot_livelock)
{
	struct tcb *d;

	resume(a);
	sim_step(0);
	d = cpus[0].core.dispatcher;
	sim_syscall(
		0, d, SYS_CORE_REPLY_WAIT,
		(struct sim_regs){{sim_cap(OBJ_CORE, &cpus[0].core, 0), DECISION_RUN,
				   sim_cap(OBJ_TCB, a, 0), a->seq, TIME_NEVER, arch_now() - 5}});
	cr_assert_eq(sim_current(0), a);
	sim_step(0);
	cr_assert_eq(sim_current(0), a);
	sim_advance(SLICE_MIN_NS);
	sim_step(0);
	cr_assert(sim_deciding(0));
	cr_assert_eq(UPCALL_REASONS(d->context.x[1]), 1u << REASON_TIMER);
}

/* The time that its last decision named passes while it decides again: it is entered for it later. */
Test(dispatch, M06_timer_during_the_dispatcher_is_honoured)
{
	struct tcb *d = cpus[0].core.dispatcher;
	time_ns_t due;

	resume(a);
	sim_step(0);
	due = arch_now() + SLICE_NS / 10;
	sim_advance(SLICE_NS / 5);
	sim_step(0);
	cr_assert_eq(sim_current(0), d, "a timer does not preempt it");
	sim_syscall(0, d, SYS_CORE_REPLY_WAIT,
		    (struct sim_regs){{sim_cap(OBJ_CORE, &cpus[0].core, 0), DECISION_RUN,
				       sim_cap(OBJ_TCB, a, 0), a->seq, TIME_NEVER, due}});
	cr_assert_eq(sim_current(0), a);
	sim_advance(SLICE_MIN_NS);
	sim_step(0);
	cr_assert(sim_deciding(0));
	cr_assert_neq(UPCALL_REASONS(d->context.x[1]) & 1u << REASON_TIMER, 0);
}

/* Two slices end at once; each CPU enters its own dispatcher, when it takes its own interrupt. */
Test(dispatch, M11_each_cpu_ends_its_own_slice)
{
	resume(a);
	sim_as(0);
	cr_assert_eq(thread_resume(c), ERR_OK);
	sim_step(0);
	sim_step(1);
	sim_decide(0, DECISION_RUN, a, SLICE_NS);
	sim_decide(1, DECISION_RUN, c, SLICE_NS);
	sim_advance(SLICE_NS);
	sim_step(0);
	cr_assert(sim_deciding(0));
	cr_assert_eq(sim_current(1), c);
	sim_step(1);
	cr_assert(sim_deciding(1));
	cr_assert_eq(sim_event(0, 0)->tag, 1);
	cr_assert_eq(sim_event(1, 0)->tag, 3);
}

Test(dispatch, M21_same_thread_again_gets_a_new_slice)
{
	resume(a);
	sim_step(0);
	for (unsigned i = 0; i < 3; i++) {
		sim_decide(0, DECISION_RUN, a, SLICE_NS);
		sim_advance(SLICE_NS - 1);
		sim_step(0);
		cr_assert_eq(sim_current(0), a, "round %u", i);
		sim_advance(1);
		sim_step(0);
		cr_assert(sim_deciding(0));
		cr_assert_eq(sim_event_of(0, 1)->ran_ns, SLICE_NS, "round %u", i);
	}
	cr_assert_eq(a->cpu_ns, 3 * SLICE_NS);
}

Test(dispatch, M04_interrupts_do_not_preempt_the_dispatcher)
{
	struct tcb *d = cpus[0].core.dispatcher;

	resume(a);
	sim_step(0);
	resume(b);
	sim_as(1);
	arch_ipi_send(0);
	sim_advance(100);
	sim_step(0);
	cr_assert_eq(sim_current(0), d);
}

Test(dispatch, decision_limit)
{
	struct notification *n = sim_notification();
	struct tcb *d = cpus[0].core.dispatcher;

	core_set_supervisor(&cpus[0].core, n);
	resume(a);
	sim_step(0);
	sim_advance(LIMIT_NS);
	sim_step(0);
	cr_assert_eq(cpus[0].core.fallback, FALLBACK_DECISION);
	cr_assert_eq(sim_current(0), a);
	cr_assert_eq(d->state, THREAD_STOPPED);
	cr_assert_null(d->dispatcher_core);
	cr_assert_eq(n->word, 1, "the supervisor was told");
	cr_assert_eq(cpus[0].core.stats.dispatcher_ns, LIMIT_NS);
}

Test(dispatch, starvation_limit)
{
	struct tcb *d;

	sim_end();
	sim_start(1);
	d = sim_bind(0, LIMIT_NS, 5 * SLICE_NS, NULL);
	sim_auto_all();
	a = sim_thread_running(1, 0);
	b = sim_thread_running(2, 0);
	sim_step(0);
	sim_decide(0, DECISION_RUN, a, TIME_NEVER);
	sim_advance(4 * SLICE_NS);
	sim_step(0);
	cr_assert_eq(sim_current(0), a);
	sim_advance(SLICE_NS);
	sim_step(0);
	cr_assert_eq(cpus[0].core.fallback, FALLBACK_STARVATION);
	cr_assert_eq(d->state, THREAD_STOPPED);
	cr_assert_eq(sim_x0(d), -ERR_UNBOUND, "its park ended");
}

Test(dispatch, a_dispatcher_that_blocks_or_faults_loses_its_core)
{
	struct tcb *d = cpus[0].core.dispatcher;
	cptr_t n = sim_cap(OBJ_NOTIFICATION, sim_notification(), 0);

	resume(a);
	resume(c);
	sim_settle();
	sim_syscall(0, d, SYS_WAIT, (struct sim_regs){{n}});
	cr_assert_eq(cpus[0].core.fallback, FALLBACK_BLOCKED);
	cr_assert_eq(d->state, THREAD_STOPPED);
	sim_fault(1, cpus[1].core.dispatcher, FAULT_PAGE, 0x123);
	cr_assert_eq(cpus[1].core.fallback, FALLBACK_FAULT);
	cr_assert_eq(sim_current(0), a);
	cr_assert_eq(sim_current(1), c);
	sim_check();
}

static void dispatcher_blocks(enum syscall number)
{
	struct tcb *d = cpus[0].core.dispatcher;
	cptr_t ep = sim_cap(OBJ_ENDPOINT, sim_endpoint(), 0);
	struct reply *reply = sim_reply();

	resume(a);
	sim_settle();
	sim_syscall(0, d, number,
		    (struct sim_regs){{ep, 0, 0, 0, 0, 0, sim_cap(OBJ_REPLY, reply, 0)}});
	cr_assert_eq(cpus[0].core.fallback, FALLBACK_BLOCKED);
	cr_assert_eq(d->state, THREAD_STOPPED);
	cr_assert_null(reply->receiver);
	cr_assert_eq(sim_current(0), a);
	sim_check();
}

Test(dispatch, a_dispatcher_that_receives_loses_its_core)
{
	dispatcher_blocks(SYS_RECV);
}

Test(dispatch, a_dispatcher_that_answers_and_receives_loses_its_core)
{
	dispatcher_blocks(SYS_REPLY_RECV);
}

Test(dispatch, a_dispatcher_suspended_from_elsewhere)
{
	struct tcb *d = cpus[0].core.dispatcher;

	resume(a);
	sim_step(0);
	sim_decide(0, DECISION_RUN, a, SLICE_NS);
	sim_as(1);
	cr_assert_not(thread_suspend(d));
	sim_settle();
	cr_assert(thread_suspend(d));
	cr_assert_eq(cpus[0].core.fallback, FALLBACK_STOPPED);
	cr_assert_eq(sim_current(0), a, "the others' state is unchanged");
}

Test(dispatch, fallback_rotates_and_the_supervisor_comes_first)
{
	struct tcb *first = sim_thread(7, 0);

	first->flags |= TCB_FLAG_FALLBACK_FIRST;
	core_unbind(&cpus[0].core);
	sim_settle();
	cr_assert_eq(cpus[0].core.fallback, FALLBACK_UNBOUND);
	resume(a);
	resume(b);
	sim_step(0);
	cr_assert_eq(sim_current(0), a);
	sim_advance(FALLBACK_SLICE_NS);
	sim_step(0);
	cr_assert_eq(sim_current(0), b);
	sim_advance(FALLBACK_SLICE_NS);
	sim_step(0);
	cr_assert_eq(sim_current(0), a);
	resume(first);
	sim_step(0);
	cr_assert_eq(sim_current(0), first);
	sim_check();
}

Test(dispatch, bind_reports_every_homed_thread_and_fallback_goes_on)
{
	struct tcb *fresh;

	resume(a);
	sim_auto_all();
	fresh = sim_bind(0, LIMIT_NS, 0, NULL);
	sim_settle();
	cr_assert(sim_deciding(0));
	cr_assert_eq(sim_current(0), fresh);
	cr_assert_eq(cpus[0].core.fallback, FALLBACK_UNBOUND);
	cr_assert_neq(UPCALL_REASONS(fresh->context.x[1]) & 1u << REASON_BIND, 0);
	cr_assert_eq(EVENT_STATE(sim_event_of(0, 1)->info), EVENT_READY);
	cr_assert_eq(EVENT_STATE(sim_event_of(0, 2)->info), EVENT_BLOCKED);
	cr_assert_eq(EVENT_CAUSE(sim_event_of(0, 2)->info), CAUSE_REBIND);
	sim_decide(0, DECISION_NONE, NULL, 0);
	cr_assert_eq(sim_current(0), a, "fallback goes on until it decides");
	resume(b);
	sim_step(0);
	cr_assert(sim_deciding(0));
	sim_decide(0, DECISION_RUN, b, SLICE_NS);
	cr_assert_eq(sim_current(0), b);
	cr_assert_eq(cpus[0].core.fallback, FALLBACK_NONE);
}

Test(dispatch, K_core_bind_twice_and_bind_of_the_wrong_threads)
{
	struct tcb *d = cpus[0].core.dispatcher;

	resume(a);
	sim_as(0);
	cr_assert_eq(core_bind(&cpus[1].core, d, LIMIT_NS, 0, NULL), ERR_STATE);
	cr_assert_eq(core_bind(&cpus[1].core, a, LIMIT_NS, 0, NULL), ERR_STATE);
	cr_assert_eq(core_bind(&cpus[1].core, b, 0, 0, NULL), ERR_ARG);
	b->object.dying = 1;
	cr_assert_eq(core_bind(&cpus[1].core, b, LIMIT_NS, 0, NULL), ERR_STATE);
	cr_assert_eq(thread_resume(d), ERR_STATE);
}

Test(dispatch, a_thread_bound_gives_up_its_home)
{
	sim_as(1);
	cr_assert_eq(core_bind(&cpus[0].core, b, LIMIT_NS, 0, NULL), ERR_OK);
	cr_assert_null(b->home);
	sim_settle();
	cr_assert_eq(sim_current(0), b);
	cr_assert_eq(cpus[0].core.dispatcher, b);
}

Test(dispatch, set_home_by_the_dispatcher_posts_the_arrival)
{
	unsigned ipis;

	resume(a);
	sim_step(0);
	ipis = sim_ipis();
	sim_as(1);
	cr_assert_eq(tcb_set_home(a, &cpus[1].core), ERR_PERMISSION, "not its dispatcher");
	sim_as(0);
	cr_assert_eq(tcb_set_home(a, &cpus[1].core), ERR_OK);
	cr_assert_eq(sim_ipis() - ipis, 1);
	cr_assert_null(list_first(&cpus[0].core.events));
	sim_decide(0, DECISION_RUN, a, SLICE_NS);
	cr_assert_eq(outcome(0), -ERR_FOREIGN);
	sim_decide(0, DECISION_IDLE, NULL, 0);
	sim_settle();
	cr_assert(sim_deciding(1));
	cr_assert_eq(EVENT_CAUSE(sim_event_of(1, 1)->info), CAUSE_ARRIVED);
	sim_decide(1, DECISION_RUN, a, SLICE_NS);
	cr_assert_eq(sim_current(1), a);
	sim_as(0);
	cr_assert_eq(tcb_set_home(a, &cpus[0].core), ERR_PERMISSION);
}

/* A dispatcher that is bound and has not decided yet has no say: fallback goes on. */
Test(dispatch, set_home_in_fallback_is_for_anybody_with_the_rights)
{
	resume(a);
	sim_auto_all();
	sim_bind(0, LIMIT_NS, 0, NULL);
	sim_settle();
	sim_decide(0, DECISION_NONE, NULL, 0);
	cr_assert_not_null(cpus[0].core.dispatcher);
	cr_assert_eq(cpus[0].core.fallback, FALLBACK_UNBOUND);
	sim_as(1);
	cr_assert_eq(tcb_set_home(b, &cpus[1].core), ERR_OK);
	cr_assert_eq(b->home, &cpus[1].core);
	resume(sim_thread(4, 0));
	sim_step(0);
	sim_decide(0, DECISION_RUN, a, SLICE_NS);
	cr_assert_eq(cpus[0].core.fallback, FALLBACK_NONE);
	sim_as(0);
	cr_assert_eq(tcb_set_home(b, &cpus[0].core), ERR_PERMISSION, "the other CPU's dispatcher");
	sim_as(1);
	cr_assert_eq(tcb_set_home(sim_thread(5, 0), &cpus[1].core), ERR_PERMISSION);
}

Test(dispatch, Z25_not_switched_in_before_it_is_switched_out)
{
	resume(a);
	sim_step(0);
	sim_decide(0, DECISION_RUN, a, SLICE_NS);
	cr_assert_eq(a->on_cpu, 1);
	sim_advance(SLICE_NS);
	sim_step(0);
	cr_assert_eq(a->on_cpu, 0, "the dispatcher is loaded now");
	a->on_cpu = 1; /* as if its switch-out were not finished */
	sim_as(0);
	cr_assert_eq(tcb_set_home(a, &cpus[1].core), ERR_OK);
	sim_step(1);
	sim_decide(1, DECISION_RUN, a, SLICE_NS);
	cr_assert_eq(sim_at(1), SIM_SPIN);
	a->on_cpu = 0;
	sim_step(1);
	cr_assert_eq(sim_current(1), a);
}

Test(dispatch, Z39_what_was_before_its_start_is_no_time_of_a_cpu)
{
	const struct core_stats *stats = &cpus[0].core.stats;

	cr_assert_gt(arch_now(), 0);
	cr_assert_eq(stats->busy_ns + stats->idle_ns + stats->dispatcher_ns, 0);
}

Test(dispatch, Z39_accounting_adds_up)
{
	const struct core_stats *stats = &cpus[0].core.stats;
	time_ns_t begin = cpus[0].core.stretch_ns;
	time_ns_t before = stats->busy_ns + stats->idle_ns + stats->dispatcher_ns;

	sim_advance(500);
	resume(a);
	sim_step(0);
	sim_advance(30);
	sim_decide(0, DECISION_RUN, a, SLICE_NS);
	sim_advance(SLICE_NS);
	sim_step(0);
	cr_assert_eq(stats->idle_ns, before + 500);
	cr_assert_eq(stats->busy_ns, SLICE_NS);
	cr_assert_eq(stats->dispatcher_ns, 30);
	cr_assert_eq(arch_now() - begin, 500 + 30 + SLICE_NS);
	cr_assert_eq(stats->switches, 1);
}
