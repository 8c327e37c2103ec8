/* SPDX-License-Identifier: BSD-2-Clause */
/* Timed requests: a sleep that the successor of a decision follows.  What a timer finds besides a slice. */
#include <kern/trace.h>

/* Its names are short: after the headers. */
#include "successor_world.h"

TestSuite(timed, .init = setup, .fini = sim_end);

static void ask(struct tcb *tcb, word_t flags, const struct core *asked, time_ns_t time_ns)
{
	sim_syscall(0, tcb, SYS_CALL,
		    (struct sim_regs){
			    {sim_cap(OBJ_SCHED, asked, 5), msg_info(2 | flags, 1, 0), time_ns}});
	sim_check();
}

static void sleep_until(struct tcb *tcb, time_ns_t time_ns)
{
	ask(tcb, SCHED_REQUEST_TIMED, core(), time_ns);
}

Test(timed, a_timed_request_is_told_with_the_switch)
{
	const word_t results[3] = {9, 0, 0};
	time_ns_t due;

	run_followed(b, c);
	due = arch_now() + 100000;
	sleep_until(b, due);
	cr_assert_eq(sim_current(0), c);
	cr_assert_eq(core()->stats.successions, 1);
	cr_assert_eq(b->state, THREAD_REQUESTING);
	sim_advance(99999);
	sim_step(0);
	cr_assert_eq(sim_current(0), c);
	sim_advance(1);
	sim_step(0);
	cr_assert(sim_deciding(0));
	cr_assert_eq(UPCALL_REASONS(info()), 1u << REASON_TIMER);
	cr_assert_neq(info() & UPCALL_SWITCHED, 0);
	cr_assert_eq(sim_upcall(0)->switched_sleep_ns, due);
	cr_assert_null(sim_request(0), "it was handed over");
	cr_assert_eq(sim_event(0, 0)->tag, 2);
	cr_assert_eq(sim_event(0, 0)->info & 0xffff, EVENT_BLOCKED | CAUSE_REQUEST << 8);
	sim_as(0);
	cr_assert_eq(tcb_answer(b, ERR_OK, results), ERR_OK);
	run_followed(b, c);
	cr_assert_eq(b->context.x[3], 9);
	block(b);
	block(c);
	cr_assert_neq(info() & UPCALL_SWITCHED, 0);
	cr_assert_eq(sim_upcall(0)->switched_sleep_ns, 0, "no request this time");
}

Test(timed, a_timed_request_waits_for_the_end_of_the_filter)
{
	tcb_set_key(b, KEY);
	run_followed(b, c);
	sleep_until(b, arch_now() + 100000);
	cr_assert_eq(core()->server_timer_ns, core()->filter_until_ns);
	sim_advance(SLICE_NS / 2);
	sim_step(0);
	cr_assert_eq(UPCALL_REASONS(info()), 1u << REASON_SLICE);
	cr_assert_eq(sim_upcall(0)->switched_sleep_ns, arch_now() - SLICE_NS / 2 + 100000);
}

Test(timed, a_timed_request_leaves_the_successor_its_minimum)
{
	run_followed(b, c);
	sleep_until(b, arch_now() + 1);
	cr_assert_eq(sim_current(0), c);
	cr_assert_eq(core()->server_timer_ns, arch_now() + SLICE_MIN_NS);
}

Test(timed, an_idle_cpu_does_not_follow_a_timed_request)
{
	run_followed(b, NULL);
	sleep_until(b, TIME_NEVER);
	cr_assert(sim_deciding(0));
	cr_assert_not_null(sim_request(0));
}

Test(timed, a_request_whose_time_is_over_enters)
{
	run_followed(b, c);
	sleep_until(b, arch_now());
	cr_assert(sim_deciding(0));
	cr_assert_not_null(sim_request(0));
}

Test(timed, a_request_to_another_dispatcher_enters)
{
	run_followed(b, c);
	ask(b, SCHED_REQUEST_TIMED, &cpus[1].core, TIME_NEVER);
	cr_assert(sim_deciding(0));
	sim_step(1);
	cr_assert_not_null(sim_request(1), "and that one is told");
}

Test(timed, a_timed_request_without_a_successor_enters)
{
	run_filtered(b, KEY);
	sleep_until(b, TIME_NEVER);
	cr_assert(sim_deciding(0));
	cr_assert_not_null(sim_request(0));
	cr_assert_eq(sim_request(0)->words[0], TIME_NEVER);
}

Test(timed, a_timed_request_after_the_time_of_the_successor_enters)
{
	run_followed(b, c);
	sim_advance(FILTER_NS);
	sleep_until(b, TIME_NEVER);
	cr_assert(sim_deciding(0));
	cr_assert_not_null(sim_request(0));
	cr_assert_eq(info() & UPCALL_SWITCHED, 0);
	run_followed(c, NULL);
	block(c);
	cr_assert_eq(sim_at(0), SIM_IDLE, "whoever asked before is no matter");
	ring();
	cr_assert_eq(sim_upcall(0)->switched_sleep_ns, 0);
}

Test(timed, a_timed_request_behind_another_enters)
{
	run_followed(b, c);
	sim_syscall(1, waker, SYS_CALL,
		    (struct sim_regs){{sim_cap(OBJ_SCHED, core(), 5), msg_info(1, 0, 0)}});
	sleep_until(b, TIME_NEVER); /* before it took the interrupt */
	cr_assert(sim_deciding(0));
	cr_assert_eq(sim_request(0)->payer_tag, 4);
}

Test(timed, a_signal_ends_a_timed_request)
{
	struct notification *n = sim_notification();
	cptr_t cap = sim_cap(OBJ_NOTIFICATION, n, 4);

	cr_assert_eq(notification_bind(n, b), ERR_OK);
	run_followed(b, c);
	ask(b, SCHED_REQUEST_TIMED | SCHED_REQUEST_INTERRUPTIBLE, core(), TIME_NEVER);
	cr_assert_eq(sim_current(0), c);
	sim_syscall(1, waker, SYS_SIGNAL, (struct sim_regs){{cap}});
	sim_step(0);
	sim_check();
	cr_assert(sim_deciding(0));
	cr_assert_eq(sim_event_of(0, 2)->info,
		     EVENT_READY | CAUSE_WAKE << 8 | EVENT_BLOCKED_SINCE | EVENT_WOKE_SINCE);
	cr_assert_eq(sim_upcall(0)->switched_sleep_ns, TIME_NEVER);
	cr_assert_eq(msg_label(b->context.x[1]), ERR_CANCELLED);
	cr_assert(list_empty(&core()->requests_delivered));
}

Test(timed, a_stop_ends_a_timed_request)
{
	run_followed(b, c);
	sleep_until(b, TIME_NEVER);
	suspend(b);
	sim_step(0);
	sim_check();
	cr_assert(sim_deciding(0));
	cr_assert_eq(sim_event_of(0, 2)->info & 0xffff, EVENT_BLOCKED | CAUSE_STOPPED << 8);
	cr_assert_not(list_linked(&b->request_link));
}

Test(timed, fallback_restarts_a_timed_request)
{
	run_followed(b, c);
	sleep_until(b, TIME_NEVER);
	core_unbind(core());
	sim_settle();
	sim_check();
	cr_assert_eq(sim_x0(b), -ERR_RESTARTED);
	cr_assert_neq(b->sched, SCHED_BLOCKED);
	cr_assert_eq(core()->switched_sleep_ns, 0);
}

/* The timer fires when b's slice is to end; nothing is recorded, as in a release build. */
static void slice_ends_with(void (*also)(void))
{
	const uint32_t mask = trace_mask;

	trace_mask = 0;
	run_filtered(b, 0);
	core()->filter_until_ns = 0;
	also();
	sim_advance(SLICE_NS);
	sim_step(0);
	trace_mask = mask;
	sim_check();
}

static void nothing_else(void)
{
}

static void server_timer(void)
{
	core()->server_timer_ns = core()->slice_end_ns;
}

static void end_of_filter(void)
{
	core()->filter_until_ns = core()->slice_end_ns;
	core()->filtered = true;
}

static void starvation(void)
{
	core()->starvation_limit_ns = 1;
	core()->starvation_end_ns = core()->slice_end_ns;
}

static void moved(void)
{
	core()->slice_end_ns += 5;
}

Test(timed, a_slice_ends_by_itself)
{
	slice_ends_with(nothing_else);
	cr_assert(sim_deciding(0));
	cr_assert_eq(UPCALL_REASONS(info()), 1u << REASON_SLICE);
	cr_assert_eq(core()->slice_end_ns, TIME_NEVER);
	cr_assert_eq(core()->armed_ns, core()->decision_end_ns);
}

Test(timed, a_slice_ends_with_the_server_timer)
{
	slice_ends_with(server_timer);
	cr_assert_eq(UPCALL_REASONS(info()), 1u << REASON_SLICE | 1u << REASON_TIMER);
	cr_assert_eq(core()->slice_end_ns, TIME_NEVER);
	cr_assert_eq(core()->server_timer_ns, TIME_NEVER);
}

Test(timed, a_slice_ends_with_the_filter)
{
	slice_ends_with(end_of_filter);
	cr_assert_eq(UPCALL_REASONS(info()), 1u << REASON_SLICE | 1u << REASON_KICK);
}

Test(timed, a_slice_ends_with_starvation)
{
	slice_ends_with(starvation);
	cr_assert_eq(core()->fallback, FALLBACK_STARVATION);
}

/* Each waits for less than the limit, for longer than it altogether. */
Test(timed, who_is_served_in_time_does_not_starve)
{
	sim_end();
	sim_start(1);
	sim_bind(0, LIMIT_NS, 5 * SLICE_NS, NULL);
	sim_auto_all();
	a = sim_thread_running(1, 0);
	b = sim_thread_running(2, 0);
	sim_step(0);
	for (unsigned i = 0; i < 6; i++) {
		sim_decide(0, DECISION_RUN, i % 2 != 0 ? b : a, 3 * SLICE_NS);
		sim_advance(3 * SLICE_NS);
		sim_step(0);
		cr_assert_eq(cpus[0].core.fallback, FALLBACK_NONE, "turn %u", i);
		cr_assert(sim_deciding(0));
	}
}

Test(timed, a_slice_that_is_longer_now_goes_on)
{
	slice_ends_with(moved);
	cr_assert_eq(sim_current(0), b);
	cr_assert_eq(core()->armed_ns, core()->slice_end_ns);
}

static void filter_ends_later(void)
{
	core()->slice_end_ns += 5;
	core()->filter_until_ns = core()->slice_end_ns;
	core()->filtered = true;
}

/* The timer was set for what has moved since. */
Test(timed, a_filter_that_lasts_longer_now_is_not_over)
{
	slice_ends_with(filter_ends_later);
	cr_assert_eq(sim_current(0), b);
	cr_assert(core()->filtered);
	cr_assert_eq(core()->reasons, 0);
	sim_advance(5);
	sim_step(0);
	cr_assert(sim_deciding(0));
	cr_assert_eq(UPCALL_REASONS(info()), 1u << REASON_SLICE | 1u << REASON_KICK);
}
