/* SPDX-License-Identifier: BSD-2-Clause */
/* A CPU that idles, runs the first that becomes ready, and idles again: without the dispatcher. */
#include "successor_world.h"

#define AGAIN_NS 400000u

static cptr_t c_bell_cap; /* c waits for it */

static void wait_for_bell(void)
{
	sim_syscall(0, a, SYS_WAIT, (struct sim_regs){{bell_cap}});
}

/* As there, but that c waits, too: b is the only one that is ready. */
static void both_wait(void)
{
	setup();
	c_bell_cap = sim_cap(OBJ_NOTIFICATION, sim_notification(), 1);
	sim_decide(0, DECISION_RUN, c, SLICE_NS);
	sim_syscall(0, c, SYS_WAIT, (struct sim_regs){{c_bell_cap}});
	cr_assert(sim_deciding(0));
}

TestSuite(again, .init = both_wait, .fini = sim_end);

static time_ns_t again_until;

/* All wait; the CPU idles, and may do so again until again_until. */
static void idle_more(void)
{
	again_until = arch_now() + AGAIN_NS;
	sim_decide_terms(0, DECISION_IDLE | DECISION_FIRST | DECISION_AGAIN, NULL, NULL,
			 (struct sim_regs){.x = {[4] = SLICE_NS / 4, [13] = again_until}});
	cr_assert_eq(sim_at(0), SIM_IDLE);
	sim_check();
}

static void idle_again(void)
{
	sim_decide(0, DECISION_RUN, b, SLICE_NS);
	block(b);
	idle_more();
}

/* a is woken, runs so long, and waits for the bell. */
static void ring_and_wait(time_ns_t ns)
{
	ring();
	cr_assert_eq(sim_current(0), a);
	sim_advance(ns);
	wait_for_bell();
	cr_assert_eq(sim_at(0), SIM_IDLE);
	sim_check();
}

Test(again, an_idle_cpu_runs_one_after_the_other)
{
	struct tcb *second = sim_thread(10, 0);
	time_ns_t woken, last;
	word_t entries;

	idle_again();
	entries = core()->stats.entries[REASON_BLOCK];
	woken = arch_now();
	ring_and_wait(100);
	sim_advance(50);
	sim_syscall(1, waker, SYS_SIGNAL, (struct sim_regs){{c_bell_cap}});
	sim_step(0);
	cr_assert_eq(sim_current(0), c);
	sim_advance(30);
	block(c);
	cr_assert_eq(sim_at(0), SIM_IDLE);
	last = arch_now();
	ring_and_wait(200);
	cr_assert_eq(core()->stats.entries[REASON_BLOCK], entries);
	cr_assert_eq(core()->stats.first_runs, 3);
	cr_assert_eq(core()->stats.successions, 3);
	cr_assert_eq(core()->server_timer_ns, again_until);
	ring();
	sim_advance(70);
	resume(second);
	sim_step(0);
	cr_assert(sim_deciding(0), "the second one enters");
	cr_assert_neq(info() & UPCALL_SWITCHED, 0);
	cr_assert_eq(sim_upcall(0)->switched_tag, 1);
	cr_assert_eq(sim_upcall(0)->switched_ns, last + 200);
	cr_assert_eq(sim_event(0, 0)->tag, 1);
	cr_assert_eq(sim_event(0, 0)->ran_ns, 370);
	cr_assert_eq(sim_event(0, 0)->first_ready_ns, woken);
	cr_assert_eq(EVENT_FIRSTS(sim_event(0, 0)->info), 3);
	cr_assert_eq(sim_event(0, 1)->tag, 3);
	cr_assert_eq(sim_event(0, 1)->ran_ns, 30);
	cr_assert_eq(EVENT_FIRSTS(sim_event(0, 1)->info), 1);
	sim_check();
}

/* One that waits for its CPU to wake up has waited, and says so. */
Test(again, what_ran_first_says_how_long_it_had_waited)
{
	idle_again();
	for (unsigned i = 0; i < 2; i++) {
		sim_syscall(1, waker, SYS_SIGNAL, (struct sim_regs){{bell_cap}});
		sim_advance(1000);
		sim_step(0);
		wait_for_bell();
	}
	sim_advance(AGAIN_NS);
	sim_step(0);
	cr_assert_eq(EVENT_FIRSTS(sim_event(0, 0)->info), 2);
	cr_assert_eq(EVENT_FIRSTS_WAIT_NS(sim_event(0, 0)->info), 2000);
}

Test(again, what_ran_first_is_told_at_the_end)
{
	idle_again();
	sim_advance(100);
	cr_assert_gt(core()->armed_ns, again_until, "nothing is to be told");
	ring_and_wait(100);
	sim_advance(again_until - arch_now() - 1);
	sim_step(0);
	cr_assert_eq(sim_at(0), SIM_IDLE);
	sim_advance(1);
	sim_step(0);
	cr_assert(sim_deciding(0));
	cr_assert_neq(UPCALL_REASONS(info()) & 1u << REASON_TIMER, 0);
	cr_assert_eq(sim_upcall(0)->switched_tag, 0);
	cr_assert_eq(EVENT_FIRSTS(sim_event(0, 0)->info), 1);
}

Test(again, who_blocks_after_the_end_enters)
{
	idle_again();
	sim_advance(AGAIN_NS);
	ring();
	cr_assert_eq(sim_current(0), a);
	wait_for_bell();
	cr_assert(sim_deciding(0));
	idle_more();
	ring();
	core()->server_timer_ns = TIME_NEVER; /* the interrupt is late */
	sim_advance(AGAIN_NS);
	wait_for_bell();
	cr_assert(sim_deciding(0));
	cr_assert_eq(EVENT_FIRSTS(sim_event(0, 0)->info), 1, "since the last report");
}

/* The second one's record is there, though it has blocked meanwhile. */
Test(again, any_record_ends_idling_again)
{
	idle_again();
	ring();
	suspend(c);
	wait_for_bell();
	cr_assert(sim_deciding(0));
	cr_assert_not_null(sim_event_of(0, 3));
	idle_more();
	ring();
	sim_syscall(0, a, SYS_CALL,
		    (struct sim_regs){{sim_cap(OBJ_SCHED, core(), 5), msg_info(1, 0, 0)}});
	cr_assert(sim_deciding(0));
	cr_assert_not_null(sim_request(0));
	sim_check();
}

Test(again, a_stop_after_it_ran_first_enters)
{
	idle_again();
	ring_and_wait(100);
	suspend(a);
	sim_step(0);
	cr_assert(sim_deciding(0));
	cr_assert_eq(EVENT_CAUSE(sim_event_of(0, 1)->info), CAUSE_STOPPED);
	cr_assert_eq(sim_event_of(0, 1)->ran_ns, 100);
	sim_check();
}

/* Who sent it here waits to hear that this CPU idles again. */
Test(again, one_that_starts_or_arrives_runs_first_once)
{
	struct tcb *fresh = sim_thread(9, 0);

	idle_again();
	ring_and_wait(100);
	resume(fresh);
	sim_step(0);
	cr_assert_eq(sim_current(0), fresh);
	block(fresh);
	cr_assert(sim_deciding(0));
	sim_check();
}

/* The terms of an idle successor. */
Test(again, idle_by_itself_runs_the_first)
{
	sim_decide_terms(0, DECISION_RUN | DECISION_SUCCESSOR | DECISION_FIRST | DECISION_AGAIN, b,
			 NULL,
			 (struct sim_regs){.x = {[4] = SLICE_NS,
						 [11] = SLICE_NS / 8,
						 [12] = TIME_NEVER,
						 [13] = arch_now() + AGAIN_NS}});
	sim_advance(500);
	block(b);
	cr_assert_eq(sim_at(0), SIM_IDLE);
	ring_and_wait(100);
	ring();
	cr_assert_eq(core()->slice_end_ns, arch_now() + SLICE_NS / 8);
	sim_advance(SLICE_NS / 8);
	sim_step(0);
	cr_assert(sim_deciding(0));
	cr_assert_eq(sim_event(0, 0)->tag, 2);
	cr_assert_eq(EVENT_FIRSTS(sim_event(0, 0)->info), 0);
	cr_assert_eq(sim_event(0, 0)->ran_ns, 500);
	cr_assert_eq(EVENT_FIRSTS(sim_event(0, 1)->info), 2);
	sim_check();
}

/* Without AGAIN it is one. */
Test(again, idle_by_itself_runs_one)
{
	sim_decide_terms(0, DECISION_RUN | DECISION_SUCCESSOR | DECISION_FIRST, b, NULL,
			 (struct sim_regs){.x = {[4] = SLICE_NS, [12] = TIME_NEVER}});
	block(b);
	ring();
	cr_assert_eq(sim_current(0), a);
	block(a);
	cr_assert(sim_deciding(0));
}

Test(again, fallback_ends_idling_again)
{
	idle_again();
	ring_and_wait(100);
	core_unbind(core());
	sim_settle();
	cr_assert_eq(core()->fallback, FALLBACK_UNBOUND);
	cr_assert_eq(core()->again_until_ns, 0);
	ring();
	cr_assert_eq(sim_current(0), a);
	sim_check();
}
