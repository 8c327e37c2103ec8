/* SPDX-License-Identifier: BSD-2-Clause */
/* What a decision does not say is not so, and what counts against a dispatcher ends with one that is good. */
#include "dispatch_world.h"

TestSuite(decision, .init = setup, .fini = sim_end);

static void refuse(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		cr_assert(sim_deciding(0));
		sim_decide(0, DECISION_RUN, b, SLICE_NS);
		cr_assert_eq(outcome(0), -ERR_NOT_READY);
	}
}

Test(decision, refusals_count_until_one_is_accepted)
{
	const struct tcb *d = cpus[0].core.dispatcher;

	resume(a);
	sim_step(0);
	for (unsigned round = 0; round < 3; round++) {
		refuse(DECISION_REFUSALS_MAX);
		sim_decide(0, DECISION_RUN, a, SLICE_NS);
		cr_assert_eq(sim_current(0), a);
		sim_advance(SLICE_NS);
		sim_step(0);
		refuse(DECISION_REFUSALS_MAX);
		sim_decide(0, DECISION_IDLE, NULL, 0);
		cr_assert_eq(sim_at(0), SIM_IDLE);
		resume(sim_thread(20 + round, 0));
		sim_step(0);
	}
	cr_assert_eq(cpus[0].core.dispatcher, d);
	cr_assert_eq(cpus[0].core.fallback, FALLBACK_NONE);
}

/* Whoever else has the capability. */
Test(decision, is_for_the_dispatcher_alone)
{
	const cptr_t cap = sim_cap(OBJ_CORE, &cpus[0].core, 0);

	resume(a);
	sim_step(0);
	sim_decide(0, DECISION_RUN, a, SLICE_NS);
	sim_syscall(0, a, SYS_CORE_REPLY_WAIT, (struct sim_regs){{cap, DECISION_IDLE}});
	cr_assert_eq(sim_x0(a), -ERR_UNBOUND);
	cr_assert_eq(sim_current(0), a);
	cr_assert_eq(a->state, THREAD_READY);
	sim_check();
}

/* The word that says until when is of something else then. */
Test(decision, first_is_once_without_again)
{
	struct notification *n = sim_notification();

	sim_step(0);
	resume(a);
	sim_step(0);
	sim_decide(0, DECISION_RUN, a, SLICE_NS);
	sim_syscall(0, a, SYS_WAIT, (struct sim_regs){{sim_cap(OBJ_NOTIFICATION, n, 1)}});
	sim_decide_terms(0, DECISION_IDLE | DECISION_FIRST, NULL, NULL,
			 (struct sim_regs){.x = {[4] = SLICE_NS, [13] = TIME_NEVER}});
	cr_assert_eq(sim_at(0), SIM_IDLE);
	sim_as(1);
	notification_signal(n, 1);
	sim_step(0);
	cr_assert_eq(sim_current(0), a, "it ran first");
	sim_syscall(0, a, SYS_WAIT, (struct sim_regs){{sim_cap(OBJ_NOTIFICATION, n, 1)}});
	cr_assert(sim_deciding(0));
}

/* Only as successor does nobody mean idle. */
Test(decision, first_is_about_a_cpu_that_idles)
{
	resume(a);
	sim_step(0);
	sim_decide_terms(0, DECISION_RUN | DECISION_FIRST, a, NULL,
			 (struct sim_regs){.x = {[4] = SLICE_NS}});
	cr_assert_eq(outcome(0), -ERR_ARG);
	sim_decide_terms(0, DECISION_RUN | DECISION_FILTER | DECISION_FIRST, a, NULL,
			 (struct sim_regs){.x = {[4] = SLICE_NS}});
	cr_assert_eq(outcome(0), -ERR_ARG);
	cr_assert(sim_deciding(0));
}

/* It is not in force, so it cannot be wrong: else changes from elsewhere would refuse it without end. */
Test(decision, the_successor_of_a_stale_one_is_not_looked_at)
{
	const struct sim_regs terms = {.x = {[4] = SLICE_NS, [11] = SLICE_NS, [12] = TIME_NEVER}};

	resume(a);
	resume(b);
	sim_step(0);
	resume(sim_thread(4, 0));
	sim_decide_terms(0, DECISION_RUN | DECISION_SUCCESSOR, a, b, terms);
	cr_assert_eq(outcome(0), -ERR_STALE);
	suspend(b);
	sim_decide_terms(0, DECISION_RUN | DECISION_SUCCESSOR, a, b, terms);
	cr_assert_eq(sim_current(0), a);
	cr_assert_not(cpus[0].core.next.armed);
	cr_assert_eq(cpus[0].core.stats.refused_decisions, 0);
	sim_check();
}

/* Events and requests: for each batch there is the whole limit. */
Test(decision, a_request_that_is_handed_over_is_new_work)
{
	const cptr_t sched = sim_cap(OBJ_SCHED, &cpus[0].core, 0xf1);

	resume(c);
	sim_auto_all();
	resume(a);
	sim_step(0);
	sim_syscall(1, c, SYS_CALL, (struct sim_regs){{sched, msg_info(5, 0, 0)}});
	sim_advance(LIMIT_NS - 1);
	sim_decide(0, DECISION_NONE, NULL, 0);
	cr_assert_eq(UPCALL_EVENTS(cpus[0].core.dispatcher->context.x[1]), 0);
	cr_assert_neq(cpus[0].core.dispatcher->context.x[1] & UPCALL_REQUEST, 0);
	sim_advance(LIMIT_NS - 1);
	sim_step(0);
	cr_assert(sim_deciding(0));
	sim_advance(1);
	sim_step(0);
	cr_assert_eq(cpus[0].core.fallback, FALLBACK_DECISION);
}
