/* SPDX-License-Identifier: BSD-2-Clause */
/* Decisions that could not know what has happened meanwhile. */
#include "dispatch_world.h"

TestSuite(stale, .init = setup, .fini = sim_end);

Test(stale, a_decision_that_missed_an_event_comes_back_once)
{
	resume(a);
	sim_step(0);
	resume(b);
	sim_decide(0, DECISION_RUN, a, SLICE_NS);
	cr_assert(sim_deciding(0));
	cr_assert_eq(outcome(0), -ERR_STALE);
	cr_assert_not_null(sim_event_of(0, 2));
	sim_decide(0, DECISION_RUN, a, SLICE_NS);
	cr_assert_eq(sim_current(0), a);
	cr_assert_eq(cpus[0].core.slice_end_ns, arch_now() + SLICE_NS, "nothing more was pending");
	cr_assert_eq(cpus[0].core.stats.stale_decisions, 1);
}

Test(stale, the_second_stale_decision_runs_for_the_minimum)
{
	struct tcb *d = sim_thread(4, 0);

	resume(a);
	sim_step(0);
	resume(b);
	sim_decide(0, DECISION_RUN, a, SLICE_NS);
	cr_assert_eq(outcome(0), -ERR_STALE);
	resume(d);
	sim_decide(0, DECISION_RUN, a, SLICE_NS);
	cr_assert_eq(sim_current(0), a);
	cr_assert_eq(cpus[0].core.slice_end_ns, arch_now() + SLICE_MIN_NS);
	sim_advance(SLICE_MIN_NS);
	sim_step(0);
	cr_assert(sim_deciding(0));
	cr_assert_not_null(sim_event_of(0, 4));
}

/* Each time whom it chose is stopped and resumed elsewhere before it decides: how should it know? */
Test(stale, changes_that_it_was_not_told_end_no_binding)
{
	const struct tcb *d = cpus[0].core.dispatcher;

	resume(a);
	resume(b);
	sim_step(0);
	for (unsigned i = 0; i < 2 * DECISION_REFUSALS_MAX; i++) {
		const word_t seq = a->seq;

		suspend(a);
		resume(a);
		sim_decide_seq(0, a, seq, SLICE_NS);
		cr_assert(sim_deciding(0));
		cr_assert_eq(outcome(0), -ERR_STALE, "%u: %ld", i, (long)outcome(0));
		cr_assert_not_null(sim_event_of(0, 1), "and it is told");
	}
	cr_assert_eq(cpus[0].core.dispatcher, d);
	cr_assert_eq(cpus[0].core.stats.refused_decisions, 0);
	sim_decide(0, DECISION_RUN, b, SLICE_NS);
	cr_assert_eq(sim_current(0), b);
	sim_check();
}
