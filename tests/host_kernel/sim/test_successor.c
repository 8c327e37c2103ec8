/* SPDX-License-Identifier: BSD-2-Clause */
/* Wake filter, successor and first to run: what a decision allows without the dispatcher. */
#include "successor_world.h"

TestSuite(successor, .init = setup, .fini = sim_end);

/* ---- Filter ---------------------------------------------------------------------------------- */

Test(successor, a_filtered_wake_is_seen_when_the_filter_ends)
{
	time_ns_t woken;

	run_filtered(b, KEY);
	cr_assert_gt(core()->armed_ns, core()->filter_until_ns, "only what is held back arms");
	sim_advance(1000);
	woken = arch_now();
	ring();
	cr_assert_eq(sim_current(0), b);
	cr_assert_eq(a->sched, SCHED_READY);
	cr_assert_eq(cpus[1].core.stats.filtered_wakes, 1);
	cr_assert_eq(core()->armed_ns, core()->filter_until_ns);
	sim_advance(FILTER_NS - 1001);
	sim_step(0);
	cr_assert_eq(sim_current(0), b);
	sim_advance(1);
	sim_step(0);
	cr_assert(sim_deciding(0));
	cr_assert_eq(UPCALL_REASONS(info()), 1u << REASON_KICK);
	cr_assert_eq(sim_event_of(0, 1)->first_ready_ns, woken);
	cr_assert_eq(info() & UPCALL_SWITCHED, 0);
	sim_check();
}

Test(successor, a_filter_that_held_nothing_back_interrupts_nobody)
{
	word_t interrupts = core()->stats.timer_interrupts;

	run_filtered(b, KEY);
	sim_advance(FILTER_NS + 1);
	sim_step(0);
	cr_assert_eq(core()->stats.timer_interrupts, interrupts);
	ring();
	cr_assert(sim_deciding(0), "after its end every wake kicks");
}

Test(successor, a_smaller_key_enters)
{
	run_filtered(b, KEY + 1);
	ring();
	cr_assert(sim_deciding(0));
	cr_assert_eq(cpus[1].core.stats.filtered_wakes, 0);
}

Test(successor, a_key_that_nobody_set_is_never_filtered)
{
	tcb_set_key(a, 0);
	run_filtered(b, 1);
	ring();
	cr_assert(sim_deciding(0));
}

/* The second wake needs no interrupt: the end of the filter is armed. */
Test(successor, M28_many_filtered_wakes_cost_one_interrupt)
{
	unsigned ipis;

	run_filtered(c, KEY);
	sim_syscall(0, c, SYS_WAIT, (struct sim_regs){{bell_cap}});
	cr_assert(sim_deciding(0));
	tcb_set_key(c, KEY);
	run_filtered(b, KEY);
	ipis = sim_ipis();
	ring();
	ring();
	cr_assert_eq(sim_current(0), b);
	cr_assert_eq(sim_ipis() - ipis, 1);
	cr_assert_eq(cpus[1].core.stats.filtered_wakes, 2);
	sim_advance(FILTER_NS);
	sim_step(0);
	cr_assert_eq(UPCALL_EVENTS(info()), 3);
}

Test(successor, a_wake_from_the_same_cpu_is_filtered_too)
{
	run_filtered(b, KEY);
	sim_syscall(0, b, SYS_SIGNAL, (struct sim_regs){{bell_cap}});
	cr_assert_eq(sim_current(0), b);
	cr_assert_eq(core()->armed_ns, core()->filter_until_ns);
	sim_check();
}

Test(successor, starts_arrivals_and_stops_are_not_filtered)
{
	struct tcb *fresh = sim_thread(9, 0);

	tcb_set_key(fresh, KEY);
	run_filtered(b, KEY);
	resume(fresh);
	sim_step(0);
	cr_assert(sim_deciding(0));
	run_filtered(b, KEY);
	suspend(a);
	sim_step(0);
	cr_assert(sim_deciding(0));
	run_filtered(b, KEY);
	resume(a);
	sim_step(0);
	cr_assert(sim_deciding(0));
}

Test(successor, a_record_tells_of_the_first_wake_since_the_last)
{
	time_ns_t woken;

	run_filtered(b, KEY);
	sim_advance(1000);
	woken = arch_now();
	ring();
	cr_assert_eq(sim_current(0), b);
	suspend(a);
	sim_advance(1000);
	resume(a);
	sim_step(0);
	cr_assert_eq(EVENT_STATE(sim_event_of(0, 1)->info), EVENT_READY);
	cr_assert_eq(sim_event_of(0, 1)->first_ready_ns, woken);
}

Test(successor, a_request_is_not_filtered)
{
	run_filtered(b, KEY);
	sim_syscall(1, waker, SYS_CALL,
		    (struct sim_regs){{sim_cap(OBJ_SCHED, core(), 5), msg_info(1, 0, 0)}});
	sim_step(0);
	cr_assert(sim_deciding(0));
	cr_assert_not_null(sim_request(0));
}

/* ---- Successor ------------------------------------------------------------------------------- */

Test(successor, runs_when_the_thread_blocks)
{
	word_t entries = core()->stats.entries[REASON_BLOCK];
	time_ns_t begin, over;

	run_followed(b, c);
	begin = arch_now();
	sim_advance(1000);
	over = arch_now();
	block(b);
	cr_assert_eq(sim_current(0), c);
	cr_assert_eq(core()->stats.entries[REASON_BLOCK], entries);
	cr_assert_eq(core()->stats.successions, 1);
	cr_assert_eq(core()->slice_end_ns, over + SLICE_NS / 2);
	cr_assert_eq(core()->filter_until_ns, begin + 2 * FILTER_NS);
	ring();
	cr_assert_eq(sim_current(0), c, "its own filter");
	sim_advance(SLICE_NS / 2);
	sim_step(0);
	cr_assert(sim_deciding(0));
	cr_assert_eq(UPCALL_EVENTS(info()), 3);
	cr_assert_neq(info() & UPCALL_SWITCHED, 0);
	cr_assert_eq(sim_upcall(0)->switched_ns, over);
	cr_assert_eq(sim_upcall(0)->switched_tag, 3);
	cr_assert_eq(sim_event(0, 0)->tag, 2, "in the order of what happened");
	cr_assert_eq(sim_event(0, 0)->ran_ns, 1000);
	cr_assert_eq(sim_event(0, 1)->tag, 1);
	cr_assert_eq(sim_event(0, 2)->tag, 3);
	cr_assert_eq(sim_event(0, 2)->ran_ns, SLICE_NS / 2);
	sim_decide(0, DECISION_RUN, a, SLICE_NS);
	block(a);
	cr_assert_eq(info() & UPCALL_SWITCHED, 0, "said once");
}

Test(successor, there_is_one_in_a_decision)
{
	run_followed(b, c);
	block(b);
	block(c);
	cr_assert(sim_deciding(0));
	cr_assert_eq(UPCALL_EVENTS(info()), 2);
	cr_assert_eq(core()->stats.successions, 1);
}

Test(successor, any_record_drops_it)
{
	run_followed(b, c);
	ring();
	cr_assert_eq(sim_current(0), b, "filtered");
	block(b);
	cr_assert(sim_deciding(0));
	cr_assert_eq(core()->stats.successions, 0);
}

Test(successor, not_after_its_time)
{
	run_followed(b, c);
	sim_advance(FILTER_NS);
	block(b);
	cr_assert(sim_deciding(0));
}

Test(successor, a_stop_of_the_successor_drops_it)
{
	run_followed(b, c);
	suspend(c);
	cr_assert_not(core()->next.armed);
	block(b);
	cr_assert(sim_deciding(0));
	sim_check();
}

Test(successor, requests_and_stops_enter)
{
	run_followed(b, c);
	sim_syscall(0, b, SYS_CALL,
		    (struct sim_regs){{sim_cap(OBJ_SCHED, core(), 5), msg_info(1, 0, 0)}});
	cr_assert(sim_deciding(0));
	cr_assert_not_null(sim_request(0));
	run_followed(c, NULL);
	sim_as(1);
	cr_assert_not(thread_suspend(c));
	sim_step(0);
	cr_assert(sim_deciding(0));
}

Test(successor, a_request_that_waits_is_served_first)
{
	run_followed(b, c);
	sim_syscall(1, waker, SYS_CALL,
		    (struct sim_regs){{sim_cap(OBJ_SCHED, core(), 5), msg_info(1, 0, 0)}});
	block(b); /* before it took the interrupt */
	cr_assert(sim_deciding(0));
	cr_assert_not_null(sim_request(0));
}

Test(successor, idle_is_one)
{
	run_followed(b, NULL);
	sim_advance(500);
	block(b);
	cr_assert_eq(sim_at(0), SIM_IDLE);
	cr_assert_eq(core()->stats.successions, 1);
	ring();
	cr_assert(sim_deciding(0), "no filter holds back what would be idle time");
	cr_assert_neq(info() & UPCALL_SWITCHED, 0);
	cr_assert_eq(sim_upcall(0)->switched_tag, 0);
	cr_assert_eq(UPCALL_EVENTS(info()), 2);
}

Test(successor, follows_a_call_to_nobody)
{
	run_followed(b, c);
	sim_syscall(0, b, SYS_CALL, (struct sim_regs){{sim_cap(OBJ_ENDPOINT, sim_endpoint(), 0)}});
	cr_assert_eq(b->sched, SCHED_BLOCKED);
	cr_assert_eq(sim_current(0), c);
	sim_check();
}

Test(successor, must_be_what_the_dispatcher_saw)
{
	struct tcb *stranger = sim_thread(9, 1);

	sim_decide_terms(0, DECISION_RUN | DECISION_SUCCESSOR, b, a,
			 (struct sim_regs){.x = {[12] = TIME_NEVER}});
	cr_assert_eq(outcome(), -ERR_NOT_READY);
	sim_decide_terms(0, DECISION_RUN | DECISION_SUCCESSOR, b, stranger,
			 (struct sim_regs){.x = {[12] = TIME_NEVER}});
	cr_assert_eq(outcome(), -ERR_FOREIGN);
	sim_decide_terms(0, DECISION_RUN | DECISION_SUCCESSOR, b, NULL,
			 (struct sim_regs){.x = {[9] = 250, [12] = TIME_NEVER}});
	cr_assert_eq(outcome(), -ERR_CAP_INVALID);
	c->seq++;
	run_followed(b, NULL);
	sim_advance(SLICE_NS);
	sim_step(0);
	c->seq--;
	c->object.dying = 1;
	sim_decide_terms(0, DECISION_RUN | DECISION_SUCCESSOR, b, c,
			 (struct sim_regs){.x = {[12] = TIME_NEVER}});
	cr_assert_eq(outcome(), -ERR_DEAD);
	c->object.dying = 0;
	cr_assert(sim_deciding(0));
	sim_check();
}

Test(successor, K_core_flags_that_do_not_go_together)
{
	static const word_t wrong[] = {
		DECISION_RUN | DECISION_FIRST,
		DECISION_IDLE | DECISION_FILTER,
		DECISION_IDLE | DECISION_SUCCESSOR,
		DECISION_NONE | DECISION_FIRST,
		DECISION_RUN | DECISION_SUCCESSOR | DECISION_AGAIN,
		DECISION_RUN | DECISION_SUCCESSOR | DECISION_FIRST | DECISION_AGAIN,
		DECISION_IDLE | DECISION_AGAIN,
		DECISION_IDLE | DECISION_ANSWER,
		DECISION_RUN | 1u << 13,
	};

	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		sim_decide_terms(0, wrong[i], b, c, (struct sim_regs){{0}});
		cr_assert_eq(outcome(), -ERR_ARG, "%u", i);
		cr_assert(sim_deciding(0));
	}
}

/* Accepted although a record is pending that it has not seen: no terms. */
Test(successor, a_stale_decision_carries_none)
{
	run_filtered(b, KEY);
	block(b);
	ring();
	sim_decide_terms(0, DECISION_RUN | DECISION_FILTER | DECISION_SUCCESSOR, c, NULL,
			 (struct sim_regs){.x = {[6] = TIME_NEVER, [7] = 0, [12] = TIME_NEVER}});
	cr_assert_eq(outcome(), -ERR_STALE);
	resume(sim_thread(9, 0));
	sim_decide_terms(0, DECISION_RUN | DECISION_FILTER | DECISION_SUCCESSOR, c, NULL,
			 (struct sim_regs){.x = {[6] = TIME_NEVER, [7] = 0, [12] = TIME_NEVER}});
	cr_assert_eq(sim_current(0), c);
	cr_assert_eq(core()->filter_until_ns, 0);
	cr_assert_not(core()->next.armed);
	sim_check();
}

Test(successor, fallback_takes_everything_back)
{
	run_followed(b, c);
	ring();
	core_unbind(core());
	sim_settle();
	cr_assert_eq(core()->fallback, FALLBACK_UNBOUND);
	cr_assert_not(core()->filtered);
	sim_check();
}

/* The next dispatcher has decided nothing that somebody could have followed. */
Test(successor, a_new_dispatcher_is_not_told_who_followed)
{
	run_followed(b, c);
	block(b);
	cr_assert_eq(sim_current(0), c);
	sim_bind(0, LIMIT_NS, 0, NULL);
	cr_assert(sim_deciding(0));
	cr_assert_neq(UPCALL_EVENTS(info()), 0);
	cr_assert_eq(info() & UPCALL_SWITCHED, 0);
	sim_check();
}

/* ---- First ----------------------------------------------------------------------------------- */

static void idle_first(void)
{
	run_filtered(b, KEY);
	block(b);
	run_filtered(c, KEY);
	block(c);
	sim_decide_terms(0, DECISION_IDLE | DECISION_FIRST, NULL, NULL,
			 (struct sim_regs){.x = {[4] = SLICE_NS / 4}});
	cr_assert_eq(sim_at(0), SIM_IDLE);
	sim_check();
}

Test(successor, the_first_that_becomes_ready_runs_on_the_idle_cpu)
{
	time_ns_t woken;

	idle_first();
	sim_advance(700);
	woken = arch_now();
	ring();
	cr_assert_eq(sim_current(0), a);
	cr_assert_eq(core()->stats.first_runs, 1);
	cr_assert_eq(core()->slice_end_ns, woken + SLICE_NS / 4);
	cr_assert_eq(core()->filter_until_ns, 0);
	sim_advance(100);
	block(a);
	cr_assert(sim_deciding(0));
	cr_assert_eq(UPCALL_EVENTS(info()), 1);
	cr_assert_eq(sim_event(0, 0)->first_ready_ns, woken);
	cr_assert_eq(sim_event(0, 0)->ran_ns, 100);
	cr_assert_eq(EVENT_STATE(sim_event(0, 0)->info), EVENT_BLOCKED);
	cr_assert_neq(sim_event(0, 0)->info & EVENT_WOKE_SINCE, 0);
	cr_assert_neq(info() & UPCALL_SWITCHED, 0);
	cr_assert_eq(sim_upcall(0)->switched_tag, 1);
	cr_assert_eq(sim_upcall(0)->switched_ns, woken);
}

Test(successor, the_second_enters)
{
	idle_first();
	ring();
	cr_assert_eq(sim_current(0), a);
	resume(sim_thread(9, 0));
	sim_step(0);
	cr_assert(sim_deciding(0));
	cr_assert_eq(UPCALL_EVENTS(info()), 2);
	cr_assert_eq(EVENT_CAUSE(sim_event_of(0, 1)->info), CAUSE_PREEMPTED);
}

/* Both before the CPU has woken up: the dispatcher chooses. */
Test(successor, two_at_once_enter)
{
	idle_first();
	sim_syscall(1, waker, SYS_SIGNAL, (struct sim_regs){{bell_cap}});
	resume(sim_thread(9, 0));
	sim_step(0);
	cr_assert(sim_deciding(0));
	cr_assert_eq(core()->stats.first_runs, 0);
	cr_assert_eq(info() & UPCALL_SWITCHED, 0);
	cr_assert_eq(a->sched, SCHED_READY);
	sim_check();
}

Test(successor, an_arrival_is_a_first)
{
	struct tcb *fresh = sim_thread(9, 0);

	idle_first();
	resume(fresh);
	sim_step(0);
	cr_assert_eq(sim_current(0), fresh);
}

Test(successor, one_that_is_stopped_before_it_ran_does_not)
{
	idle_first();
	sim_syscall(1, waker, SYS_SIGNAL, (struct sim_regs){{bell_cap}});
	suspend(a);
	sim_step(0);
	cr_assert(sim_deciding(0));
	cr_assert_eq(EVENT_CAUSE(sim_event_of(0, 1)->info), CAUSE_STOPPED);
	sim_check();
}

/* No filter of an earlier decision holds back whom else it wakes. */
Test(successor, the_first_to_run_has_no_filter)
{
	run_followed(b, c);
	block(b);
	cr_assert_eq(sim_current(0), c);
	cr_assert_neq(core()->filter_until_ns, 0);
	block(c);
	sim_decide_terms(0, DECISION_IDLE | DECISION_FIRST, NULL, NULL,
			 (struct sim_regs){.x = {[4] = SLICE_NS / 4}});
	ring();
	cr_assert_eq(sim_current(0), a);
	cr_assert_eq(core()->filter_until_ns, 0);
}

/* More than a record has room for. */
Test(successor, the_first_to_run_says_that_it_waited_long)
{
	idle_first();
	sim_syscall(1, waker, SYS_SIGNAL, (struct sim_regs){{bell_cap}});
	sim_advance(EVENT_FIRSTS_WAIT_MAX + 2000);
	sim_step(0);
	cr_assert_eq(sim_current(0), a);
	block(a);
	cr_assert(sim_deciding(0));
	cr_assert_eq(EVENT_FIRSTS(sim_event(0, 0)->info), 1);
	cr_assert_eq(EVENT_FIRSTS_WAIT_NS(sim_event(0, 0)->info), EVENT_FIRSTS_WAIT_MAX);
}

/* An old request bit finds a decision that came after it. */
Test(successor, an_old_request_runs_nobody)
{
	run_followed(b, c);
	sim_as(1);
	__atomic_fetch_or(&core()->requests, CORE_REQUEST_FIRST, __ATOMIC_SEQ_CST);
	arch_ipi_send(0);
	sim_step(0);
	cr_assert_eq(sim_current(0), b);
	cr_assert(core()->next.armed);
}
