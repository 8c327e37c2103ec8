/* SPDX-License-Identifier: BSD-2-Clause */
/* A dispatcher goes: fallback begins with a turn for who runs, and nothing of it is left to the next one. */
#include "dispatch_world.h"

#include <kern/bind.h>
#include <kern/fallback.h>

TestSuite(fallback, .init = setup, .fini = sim_end);

static void unbind(void)
{
	sim_as(1);
	core_unbind(&cpus[0].core);
	sim_settle();
	cr_assert_eq(cpus[0].core.fallback, FALLBACK_UNBOUND);
	sim_check();
}

static void bind_next(time_ns_t starvation_limit_ns)
{
	sim_bind(0, LIMIT_NS, starvation_limit_ns, NULL);
	sim_settle();
	cr_assert(sim_deciding(0));
}

/* a runs for as long as it wants. */
static void run_a(void)
{
	resume(a);
	sim_step(0);
	sim_decide(0, DECISION_RUN, a, TIME_NEVER);
	cr_assert_eq(sim_current(0), a);
}

Test(fallback, who_runs_goes_on_for_one_turn)
{
	resume(b);
	run_a();
	unbind();
	cr_assert_eq(sim_current(0), a);
	sim_advance(FALLBACK_SLICE_NS - 1);
	sim_step(0);
	cr_assert_eq(sim_current(0), a);
	sim_advance(1);
	sim_step(0);
	cr_assert_eq(sim_current(0), b);
}

Test(fallback, a_dispatcher_may_do_what_does_not_block)
{
	struct tcb *d = cpus[0].core.dispatcher;
	const cptr_t ep = sim_cap(OBJ_ENDPOINT, sim_endpoint(), 0);
	const cptr_t n = sim_cap(OBJ_NOTIFICATION, sim_notification(), 0);

	resume(a);
	sim_step(0);
	sim_syscall(0, d, SYS_NB_RECV, (struct sim_regs){{ep}});
	cr_assert_eq(sim_x0(d), -ERR_WOULD_BLOCK);
	sim_syscall(0, d, SYS_NB_SEND, (struct sim_regs){{ep}});
	cr_assert_eq(sim_x0(d), -ERR_WOULD_BLOCK);
	sim_syscall(0, d, SYS_POLL, (struct sim_regs){{n}});
	cr_assert_eq(sim_x0(d), -ERR_WOULD_BLOCK);
	cr_assert(sim_deciding(0));
}

/* It was ready before, so no wake tells of it. */
Test(fallback, who_comes_first_in_fallback_runs_at_once)
{
	b->flags |= TCB_FLAG_FALLBACK_FIRST;
	resume(b);
	run_a();
	unbind();
	cr_assert_eq(sim_current(0), b);
}

Test(fallback, the_next_dispatcher_may_be_refused_as_often)
{
	resume(a);
	sim_step(0);
	for (unsigned i = 0; i <= DECISION_REFUSALS_MAX; i++)
		sim_decide(0, DECISION_RUN, b, SLICE_NS);
	cr_assert_eq(cpus[0].core.fallback, FALLBACK_REFUSED);
	bind_next(0);
	for (unsigned i = 0; i < DECISION_REFUSALS_MAX; i++) {
		sim_decide(0, DECISION_RUN, b, SLICE_NS);
		cr_assert(sim_deciding(0), "after %u", i);
	}
}

/* That the last one was told so once does not count. */
Test(fallback, the_next_dispatcher_hears_that_its_decision_is_stale)
{
	resume(a);
	sim_step(0);
	resume(b);
	sim_decide(0, DECISION_RUN, a, SLICE_NS);
	cr_assert_eq(outcome(0), -ERR_STALE);
	unbind();
	bind_next(0);
	resume(sim_thread(4, 0));
	sim_decide(0, DECISION_RUN, a, SLICE_NS);
	cr_assert(sim_deciding(0));
	cr_assert_eq(outcome(0), -ERR_STALE);
}

/* When who waits longest would have starved is worked out again, with the limit of the next one. */
Test(fallback, the_next_dispatcher_has_a_starvation_limit_of_its_own)
{
	unbind();
	bind_next(1000 * SLICE_NS);
	sim_decide(0, DECISION_IDLE, NULL, 0);
	resume(b);
	run_a();
	unbind();
	bind_next(5 * SLICE_NS);
	sim_decide(0, DECISION_RUN, a, TIME_NEVER);
	cr_assert_eq(sim_current(0), a);
	sim_advance(5 * SLICE_NS);
	sim_step(0);
	cr_assert_eq(cpus[0].core.fallback, FALLBACK_STARVATION);
}

/* Not for another one who does, too: that would come after it again. */
Test(fallback, who_comes_first_is_not_taken_off)
{
	word_t dispatches;

	a->flags |= TCB_FLAG_FALLBACK_FIRST;
	b->flags |= TCB_FLAG_FALLBACK_FIRST;
	resume(b);
	run_a();
	dispatches = cpus[0].core.stats.dispatches;
	unbind();
	cr_assert_eq(sim_current(0), a);
	cr_assert_eq(cpus[0].core.stats.dispatches, dispatches);
}

/* One notification may be that of all CPUs: each has a bit. */
Test(fallback, the_supervisor_hears_of_which_cpu)
{
	struct notification *n = sim_notification();

	core_set_supervisor(&cpus[0].core, n);
	core_set_supervisor(&cpus[1].core, n);
	sim_as(0);
	cr_assert_eq(thread_resume(c), ERR_OK);
	sim_step(1);
	cr_assert(sim_deciding(1));
	sim_advance(LIMIT_NS);
	sim_step(1);
	cr_assert_eq(cpus[1].core.fallback, FALLBACK_DECISION);
	cr_assert_eq(n->word, 1u << 1);
}

/* With it goes whoever could have used the tag of a dead thread; the next one never heard of it. */
Test(fallback, what_the_last_one_was_handed_is_dealt_with)
{
	resume(a);
	sim_step(0);
	suspend(b);
	sim_as(1);
	cr_assert_not(thread_destroy(b));
	sim_decide(0, DECISION_NONE, NULL, 0);
	cr_assert(sim_deciding(0));
	cr_assert_eq(EVENT_STATE(sim_event_of(0, 2)->info), EVENT_DEAD);
	sim_as(1);
	cr_assert_not(thread_destroy(b), "it may still look at that");
	unbind();
	cr_assert_eq(core_bind(&cpus[0].core, sim_thread(9, 1), LIMIT_NS, 0, NULL), ERR_OK);
	sim_step(0);
	cr_assert(sim_deciding(0), "and has asked for nothing yet");
	sim_as(1);
	cr_assert(thread_destroy(b));
	sim_check();
}
