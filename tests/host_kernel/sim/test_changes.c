/* SPDX-License-Identifier: BSD-2-Clause */
/* A filter of what others do to threads that wait: FILTER_KEY_CHANGES. */
#include "successor_world.h"

#include <kern/request.h>

TestSuite(changes, .init = setup, .fini = sim_end);

/* And CPU 0 takes what it was sent for that. */
static void stop(struct tcb *tcb)
{
	suspend(tcb);
	sim_step(0);
	sim_check();
}

static void filter_ends(void)
{
	cr_assert_eq(core()->armed_ns, core()->filter_until_ns, "held back, so its end is armed");
	sim_advance(FILTER_NS - 1);
	sim_step(0);
	cr_assert_not(sim_deciding(0));
	sim_advance(1);
	sim_step(0);
	cr_assert(sim_deciding(0));
	cr_assert((UPCALL_REASONS(info()) & 1u << REASON_KICK) != 0);
	sim_check();
}

Test(changes, stops_and_resumes_are_seen_when_the_filter_ends)
{
	run_filtered(b, FILTER_KEY_CHANGES);
	for (unsigned i = 0; i < 3; i++) {
		stop(c);
		cr_assert_eq(sim_current(0), b);
		resume(c);
		sim_step(0);
		cr_assert_eq(sim_current(0), b);
	}
	filter_ends();
	cr_assert_eq(EVENT_CAUSE(sim_event_of(0, 3)->info), CAUSE_START);
	cr_assert_eq(cpus[1].core.stats.filtered_wakes, 0);
}

Test(changes, many_cost_one_interrupt)
{
	unsigned ipis;

	run_filtered(b, FILTER_KEY_CHANGES);
	ipis = sim_ipis();
	for (unsigned i = 0; i < 10; i++) {
		stop(c);
		resume(c);
	}
	cr_assert_eq(sim_ipis() - ipis, 1);
}

Test(changes, those_of_this_CPU_wait_too)
{
	run_filtered(b, FILTER_KEY_CHANGES);
	sim_as(0);
	cr_assert(thread_suspend(c));
	cr_assert_eq(core()->reasons, 0);
	cr_assert_eq(core()->armed_ns, core()->filter_until_ns);
}

Test(changes, a_request_of_another_CPU_waits)
{
	const cptr_t asked = sim_cap(OBJ_SCHED, core(), 9);

	run_filtered(b, FILTER_KEY_CHANGES);
	sim_syscall(1, waker, SYS_CALL, (struct sim_regs){{asked, msg_info(1, 4, 0)}});
	sim_step(0);
	cr_assert_eq(sim_current(0), b);
	filter_ends();
	cr_assert((info() & UPCALL_REQUEST) != 0);
	cr_assert_eq(sim_request(0)->badge, 9);
}

Test(changes, wakes_enter_whatever_the_key)
{
	run_filtered(b, FILTER_KEY_CHANGES);
	ring();
	cr_assert(sim_deciding(0));
}

Test(changes, a_filter_of_wakes_holds_none_back)
{
	run_filtered(b, KEY + 1);
	stop(c);
	cr_assert(sim_deciding(0));
}

Test(changes, after_the_filter_they_enter)
{
	run_filtered(b, FILTER_KEY_CHANGES);
	sim_advance(FILTER_NS);
	stop(c);
	cr_assert(sim_deciding(0));
}

Test(changes, who_blocks_enters_with_all_of_them)
{
	run_filtered(b, FILTER_KEY_CHANGES);
	stop(c);
	block(b);
	cr_assert(sim_deciding(0));
	cr_assert_eq(UPCALL_EVENTS(info()), 2);
	cr_assert_not(core()->filtered);
}

/* It is told once, as always; but those who go on do not get the CPU every SLICE_MIN_NS. */
Test(changes, a_decision_with_something_pending_keeps_its_slice)
{
	run_filtered(b, FILTER_KEY_CHANGES);
	ring();
	stop(c);
	decide_filtered(b, FILTER_KEY_CHANGES);
	cr_assert_eq(outcome(), -ERR_STALE);
	resume(c);
	run_filtered(b, FILTER_KEY_CHANGES);
	cr_assert_eq(core()->slice_end_ns, arch_now() + SLICE_NS);
	filter_ends();
	cr_assert_not_null(sim_event_of(0, 3));
}
