/* SPDX-License-Identifier: BSD-2-Clause */
/* Who leaves a home, for another one or to be a dispatcher, leaves nothing there. */
#include "dispatch_world.h"

#include <kern/bind.h>
#include <kern/ipi.h>

TestSuite(home, .init = setup, .fini = sim_end);

/* CPU 0's dispatcher decides; a is stopped, which it has not been told. */
static void a_stops_untold(void)
{
	resume(a);
	sim_step(0);
	cr_assert(sim_deciding(0));
	suspend(a);
	cr_assert(list_linked(&a->event_link));
}

Test(home, what_its_dispatcher_was_not_told_goes_along)
{
	a_stops_untold();
	resume(a);
	sim_as(0);
	cr_assert_eq(tcb_set_home(a, &cpus[1].core), ERR_OK);
	cr_assert(list_empty(&cpus[0].core.events));
	sim_settle();
	cr_assert_not_null(sim_event_of(1, 1), "the next one is told");
	cr_assert_eq(sim_event_of(1, 1)->info & 0xffff, EVENT_READY | CAUSE_ARRIVED << 8);
	sim_decide(0, DECISION_IDLE, NULL, 0);
	cr_assert_eq(sim_at(0), SIM_IDLE, "nothing is left to be told there");
	sim_check();
}

/* A stopped one is nobody's business before it starts. */
Test(home, a_stopped_thread_arrives_when_it_is_resumed)
{
	unsigned ipis;

	a_stops_untold();
	ipis = sim_ipis();
	sim_as(0);
	cr_assert_eq(tcb_set_home(a, &cpus[1].core), ERR_OK);
	cr_assert(list_empty(&cpus[0].core.events));
	cr_assert(list_empty(&cpus[1].core.events));
	cr_assert_eq(sim_ipis(), ipis);
	sim_decide(0, DECISION_IDLE, NULL, 0);
	cr_assert_eq(sim_at(0), SIM_IDLE);
	sim_as(0);
	cr_assert_eq(thread_resume(a), ERR_OK);
	sim_settle();
	cr_assert_eq(EVENT_CAUSE(sim_event_of(1, 1)->info), CAUSE_ARRIVED);
}

Test(home, where_it_is_already_nothing_happens)
{
	const word_t seq = a->seq;

	sim_as(1);
	cr_assert_eq(tcb_set_home(a, &cpus[0].core), ERR_OK, "also for who could not move it");
	cr_assert_eq(a->seq, seq);
	cr_assert(list_empty(&cpus[0].core.events));
}

/* Not one that is bound, and not one that is to be. */
Test(home, a_dispatcher_gets_none)
{
	struct tcb *d = cpus[1].core.dispatcher;

	sim_as(0);
	cr_assert_eq(tcb_set_home(d, &cpus[0].core), ERR_STATE);
	cr_assert_eq(tcb_set_home(d, &cpus[1].core), ERR_STATE);
	cr_assert_eq(core_bind(&cpus[1].core, a, LIMIT_NS, 0, NULL), ERR_OK);
	cr_assert_eq(tcb_set_home(a, &cpus[0].core), ERR_STATE);
	cr_assert_null(a->home);
	cr_assert_eq(a->sched, SCHED_NONE);
	cr_assert_not(list_linked(&a->home_link));
}

Test(home, what_a_new_dispatcher_s_own_was_not_told_is_dropped)
{
	a_stops_untold();
	sim_as(1);
	cr_assert_eq(core_bind(&cpus[1].core, a, LIMIT_NS, 0, NULL), ERR_OK);
	cr_assert(list_empty(&cpus[0].core.events));
	sim_decide(0, DECISION_IDLE, NULL, 0);
	cr_assert_eq(sim_at(0), SIM_IDLE);
	sim_settle();
	cr_assert_eq(sim_current(1), a);
	sim_check();
}

/* It could not be dispatched, or not be handed what it is to decide about. */
Test(home, a_dispatcher_has_time_a_buffer_and_an_address_space)
{
	struct vspace *const space = a->vspace;
	struct tcb *const payer = a->payer;
	struct ipc_buffer *const buffer = a->ipc_buffer;

	sim_as(0);
	a->ipc_buffer = NULL;
	cr_assert_eq(core_bind(&cpus[1].core, a, LIMIT_NS, 0, NULL), ERR_STATE);
	a->ipc_buffer = buffer;
	a->vspace = NULL;
	cr_assert_eq(core_bind(&cpus[1].core, a, LIMIT_NS, 0, NULL), ERR_STATE);
	a->vspace = space;
	a->payer = NULL;
	cr_assert_eq(core_bind(&cpus[1].core, a, LIMIT_NS, 0, NULL), ERR_STATE);
	a->payer = payer;
	cr_assert_null(a->dispatcher_core);
	cr_assert_eq(core_bind(&cpus[1].core, a, LIMIT_NS, 0, NULL), ERR_OK);
}

Test(home, a_core_that_is_not_online_has_neither)
{
	struct core *core = &cpus[1].core;

	core->online = 0;
	sim_as(0);
	cr_assert_eq(tcb_set_home(a, core), ERR_STATE);
	cr_assert_eq(core_bind(core, a, LIMIT_NS, 0, NULL), ERR_STATE);
	cr_assert_eq(a->home, &cpus[0].core);
	core_unbind(core);
	cr_assert_not(core->bind_noted, "nobody would serve it");
	core->online = 1;
}

/* Only the first start is an arrival. */
Test(home, it_arrives_once)
{
	sim_as(0);
	cr_assert_eq(tcb_set_home(a, &cpus[1].core), ERR_PERMISSION);
	a_stops_untold();
	sim_as(0);
	cr_assert_eq(tcb_set_home(a, &cpus[1].core), ERR_OK);
	sim_as(0);
	cr_assert_eq(thread_resume(a), ERR_OK);
	sim_step(1);
	cr_assert_eq(EVENT_CAUSE(sim_event_of(1, 1)->info), CAUSE_ARRIVED);
	sim_as(0);
	cr_assert(thread_suspend(a));
	cr_assert_eq(thread_resume(a), ERR_OK);
	sim_decide(1, DECISION_NONE, NULL, 0);
	cr_assert_eq(EVENT_CAUSE(sim_event_of(1, 1)->info), CAUSE_START);
}

/* The walk over the homed threads after a bind stands at the last one, which goes. */
Test(home, who_is_to_be_reported_next_leaves)
{
	struct tcb *d = sim_thread(9, 1);

	sim_as(1);
	cr_assert_eq(core_bind(&cpus[0].core, d, LIMIT_NS, 0, NULL), ERR_OK);
	sim_settle();
	cr_assert_eq(sim_current(0), d, "it has not asked yet");
	cr_assert_eq(cpus[0].core.rebind_next, &a->home_link);
	sim_as(1);
	cr_assert_eq(tcb_set_home(a, &cpus[1].core), ERR_OK);
	cr_assert_eq(cpus[0].core.rebind_next, &b->home_link);
	cr_assert_eq(tcb_set_home(b, &cpus[1].core), ERR_OK);
	cr_assert_null(cpus[0].core.rebind_next);
	sim_check();
}

/* Asked for while an earlier one was served, which did both. */
Test(home, a_bind_is_served_once)
{
	struct tcb *d;
	uint64_t entries;

	sim_as(1);
	cr_assert_eq(core_bind(&cpus[0].core, b, LIMIT_NS, 0, NULL), ERR_OK);
	sim_settle();
	d = cpus[0].core.dispatcher;
	cr_assert_eq(d, b);
	entries = cpus[0].core.stats.fallback_entries;
	core_post(&cpus[0].core, CORE_REQUEST_BIND);
	sim_settle();
	cr_assert_eq(cpus[0].core.dispatcher, d);
	cr_assert_eq(cpus[0].core.stats.fallback_entries, entries);
	cr_assert_eq(sim_current(0), d);
}
