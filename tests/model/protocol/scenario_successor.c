/* SPDX-License-Identifier: BSD-2-Clause */
/* Wake filter, successor and first to run, against all that may change meanwhile. */
#include "scenario.h"

#include <kern/grace.h>

#define FILTER_NS 5000u
#define ALL_TERMS (DECISION_FILTER | DECISION_SUCCESSOR | DECISION_FIRST)

static void terms(word_t flags)
{
	world_terms(flags, FILTER_NS);
	for (unsigned i = 0; i < world_threads_count; i++)
		tcb_set_key(world_threads[i], 1);
	bind_all();
}

/* Both wait on one CPU; each is signalled from elsewhere. */
static void wakes(word_t flags)
{
	struct notification *n = world_notification();
	struct notification *m = world_notification();

	world_thread(0, PROGRAM(WAIT(n)));
	world_thread(0, PROGRAM(WAIT(m)));
	world_thread(1, PROGRAM(SIGNAL(n, 1), SIGNAL(m, 2)));
	terms(flags);
}

/* A third one never blocks. */
static void filter_setup(void)
{
	wakes(DECISION_FILTER);
	world_thread(0, PROGRAM(USER(NULL)));
	world_threads[3]->context.pc += 4;
}

static void successor_setup(void)
{
	wakes(DECISION_SUCCESSOR);
}

static void first_setup(void)
{
	wakes(DECISION_FIRST);
}

/* One wake only: none comes later that would wake the CPU, too. */
static void first_one_setup(void)
{
	struct notification *n = world_notification();

	world_thread(0, PROGRAM(WAIT(n)));
	world_thread(1, PROGRAM(SIGNAL(n, 1)));
	terms(DECISION_FIRST);
}

static void first_one_final(void)
{
	must(world_threads[0]->sched == SCHED_RUNNING);
	must(thread_finished(world_threads[1]));
}

static void all_setup(void)
{
	wakes(ALL_TERMS);
}

static void again_setup(void)
{
	wakes(DECISION_FIRST | DECISION_AGAIN);
}

static void again_successor_setup(void)
{
	wakes(DECISION_SUCCESSOR | DECISION_FIRST | DECISION_AGAIN);
}

/* One thread is woken twice, and waits once more: its CPU idles again in between and afterwards. */
static void again_twice_setup(void)
{
	struct notification *n = world_notification();
	struct notification *m = world_notification();

	world_thread(0, PROGRAM(WAIT(n), SIGNAL(m, 1), WAIT(n)));
	world_thread(1, PROGRAM(SIGNAL(n, 1), WAIT(m), SIGNAL(n, 1)));
	terms(DECISION_FIRST | DECISION_AGAIN);
}

static void again_twice_final(void)
{
	must(thread_finished(world_threads[0]) && thread_finished(world_threads[1]));
}

/* The thread that runs first calls its dispatcher. */
static void again_request_setup(void)
{
	struct notification *n = world_notification();

	world_thread(0, PROGRAM(WAIT(n), REQUEST(CORE(0), 1)));
	world_thread(1, PROGRAM(SIGNAL(n, 1)));
	terms(DECISION_FIRST | DECISION_AGAIN);
}

/* The thread that runs first, or has, is stopped. */
static void again_stop_setup(void)
{
	struct notification *n = world_notification();
	struct tcb *target = world_thread(0, PROGRAM(WAIT(n), WAIT(n)));

	world_thread(1, PROGRAM(SIGNAL(n, 1), SUSPEND(target)));
	terms(DECISION_FIRST | DECISION_AGAIN);
}

static void again_stop_final(void)
{
	must(thread_finished(world_threads[1]));
	must(world_threads[0]->state == THREAD_STOPPED);
}

/* ... or deleted. */
static void again_destroy(struct tcb *tcb)
{
	if (!thread_destroy(world_threads[0])) {
		tcb->context.pc -= 4;
		return;
	}
	grace_wait();
	memory_poison(world_threads[0], sizeof(*world_threads[0]));
}

static void again_delete_setup(void)
{
	struct notification *n = world_notification();

	world_thread(0, PROGRAM(WAIT(n), WAIT(n)));
	world_thread(1, PROGRAM(SIGNAL(n, 1), KERNEL(again_destroy)));
	terms(DECISION_FIRST | DECISION_AGAIN);
}

static void waker_final(void)
{
	must(thread_finished(world_threads[1]));
}

static void again_unbind_setup(void)
{
	struct notification *n = world_notification();

	world_thread(0, PROGRAM(WAIT(n), WAIT(n)));
	world_thread(1, PROGRAM(SIGNAL(n, 1), UNBIND(CORE(0)), SIGNAL(n, 1)));
	terms(DECISION_FIRST | DECISION_AGAIN);
}

/* Nobody was forgotten: each is ready or runs, or has not come to its wait. */
static void woken_final(void)
{
	for (unsigned i = 0; i < 2; i++)
		must(world_threads[i]->sched != SCHED_BLOCKED);
	must(CORE(0)->payer != NULL); /* their CPU does not idle beside them */
	must(thread_finished(world_threads[2]));
}

/* The successor is stopped while the thread before it blocks. */
static void target_forbid(struct tcb *tcb)
{
	must(result(tcb) == ERR_OK);
	must(world_threads[1]->state == THREAD_STOPPED && world_threads[1]->on_cpu == 0);
	world_forbid(world_threads[1], true);
}

static void stop_setup(void)
{
	struct notification *n = world_notification();
	struct tcb *target;

	world_thread(0, PROGRAM(WAIT(n)));
	target = world_thread(0, PROGRAM(WAIT(world_notification())));
	world_thread(1, PROGRAM(SUSPEND(target), USER(target_forbid), SIGNAL(n, 1)));
	terms(ALL_TERMS);
}

static void stop_final(void)
{
	must(world_threads[1]->state == THREAD_STOPPED);
	must(thread_finished(world_threads[0]) && thread_finished(world_threads[2]));
}

/* The successor is moved by its dispatcher, between two decisions. */
static void home_setup(void)
{
	struct notification *n = world_notification();
	struct tcb *moved;

	world_thread(0, PROGRAM(WAIT(n)));
	moved = world_thread(0, PROGRAM(WAIT(n), SIGNAL(n, 1)));
	world_thread(1, PROGRAM(SIGNAL(n, 1)));
	terms(ALL_TERMS);
	world_move(0, moved, 1);
}

static void home_final(void)
{
	must(thread_finished(world_threads[2]));
	must(world_threads[0]->sched != SCHED_BLOCKED || world_threads[1]->sched != SCHED_BLOCKED);
}

/* The successor is deleted. */
static void destroy(struct tcb *tcb)
{
	if (!thread_destroy(world_threads[1])) {
		tcb->context.pc -= 4;
		return;
	}
	grace_wait();
	memory_poison(world_threads[1], sizeof(*world_threads[1]));
}

static void delete_setup(void)
{
	world_thread(0, PROGRAM(WAIT(world_notification())));
	world_thread(0, PROGRAM(WAIT(world_notification())));
	world_thread(1, PROGRAM(KERNEL(destroy)));
	terms(ALL_TERMS);
}

static void delete_final(void)
{
	must(thread_finished(world_threads[2]));
	must(world_threads[0]->state == THREAD_WAITING);
}

/* Whoever is bound next finds nothing left of the decisions before. */
static void unbind_setup(void)
{
	struct notification *n = world_notification();

	world_thread(0, PROGRAM(WAIT(n)));
	world_thread(0, PROGRAM(WAIT(n)));
	world_thread(1, PROGRAM(SIGNAL(n, 1), UNBIND(CORE(0))));
	terms(ALL_TERMS);
}

static void unbind_final(void)
{
	must(thread_finished(world_threads[2]));
	must(world_threads[0]->sched != SCHED_BLOCKED || world_threads[1]->sched != SCHED_BLOCKED);
}

/* A timed request that a successor follows: it comes to an end, and its maker is told once. */
static void timed_wake_setup(void)
{
	struct notification *n = world_notification();

	world_thread(0, PROGRAM(TIMED_REQUEST(NULL, 0)));
	world_thread(0, PROGRAM(WAIT(n)));
	world_thread(1, PROGRAM(SIGNAL(n, 1)));
	terms(ALL_TERMS);
}

static void timed_wake_final(void)
{
	const struct tcb *t = world_threads[0];

	must(thread_finished(t) && t->state == THREAD_READY && result(t) == ERR_OK &&
	     t->context.x[3] == 7);
	must(thread_finished(world_threads[2]) && world_threads[1]->sched != SCHED_BLOCKED);
}

static void timed_signal_setup(void)
{
	struct notification *n = world_notification();
	struct tcb *t = world_thread(0, PROGRAM(TIMED_REQUEST(NULL, SCHED_REQUEST_INTERRUPTIBLE)));

	world_thread(0, PROGRAM(WAIT(world_notification())));
	world_thread(1, PROGRAM(SIGNAL(n, 5)));
	if (notification_bind(n, t) != ERR_OK)
		violation("bind");
	terms(ALL_TERMS);
}

static void timed_signal_final(void)
{
	const struct tcb *t = world_threads[0];

	must(thread_finished(t) && t->state == THREAD_READY && result(t) == ERR_OK);
	must(t->context.x[2] == (t->context.x[3] == 7 ? ERR_OK : ERR_CANCELLED));
}

static void timed_stop_setup(void)
{
	struct tcb *t = world_thread(0, PROGRAM(TIMED_REQUEST(NULL, 0)));

	world_thread(0, PROGRAM(WAIT(world_notification())));
	world_thread(1, PROGRAM(SUSPEND(t)));
	terms(ALL_TERMS);
}

static void timed_stop_final(void)
{
	const struct tcb *t = world_threads[0];

	must(t->state == THREAD_STOPPED && (t->exit_work & EXIT_STOP) == 0);
	must(!list_linked(&t->request_link) && thread_finished(world_threads[2]));
}

static void timed_destroy(struct tcb *tcb)
{
	if (!thread_destroy(world_threads[0])) {
		tcb->context.pc -= 4;
		return;
	}
	grace_wait();
	memory_poison(world_threads[0], sizeof(*world_threads[0]));
}

static void timed_delete_setup(void)
{
	world_thread(0, PROGRAM(TIMED_REQUEST(NULL, 0)));
	world_thread(1, PROGRAM(KERNEL(timed_destroy)));
	terms(DECISION_SUCCESSOR);
}

static void timed_delete_final(void)
{
	must(thread_finished(world_threads[1]));
}

static void timed_unbind_setup(void)
{
	world_thread(0, PROGRAM(TIMED_REQUEST(NULL, 0)));
	world_thread(0, PROGRAM(WAIT(world_notification())));
	world_thread(1, PROGRAM(UNBIND(CORE(0))));
	terms(ALL_TERMS);
}

static void timed_unbind_final(void)
{
	const struct tcb *t = world_threads[0];

	must(thread_finished(t) && t->state == THREAD_READY);
	must(result(t) == ERR_RESTARTED || (result(t) == ERR_OK && t->context.x[3] == 7));
}

const struct scenario scenarios_successor[] = {
	SCENARIO("filter-wake", 2, filter_setup, woken_final),
	SCENARIO("successor-wake", 2, successor_setup, woken_final),
	SCENARIO("first-wake", 2, first_setup, woken_final),
	SCENARIO("first-one", 2, first_one_setup, first_one_final),
	SCENARIO("terms-wake", 2, all_setup, woken_final),
	SCENARIO("again-wake", 2, again_setup, woken_final),
	SCENARIO("again-successor", 2, again_successor_setup, woken_final),
	SCENARIO("again-twice", 2, again_twice_setup, again_twice_final),
	SCENARIO("again-request", 2, again_request_setup, again_twice_final),
	SCENARIO("again-stop", 2, again_stop_setup, again_stop_final),
	SCENARIO("again-delete", 2, again_delete_setup, waker_final),
	SCENARIO("again-unbind", 2, again_unbind_setup, waker_final),
	SCENARIO("successor-stop", 2, stop_setup, stop_final),
	SCENARIO("successor-home", 2, home_setup, home_final),
	SCENARIO("successor-delete", 2, delete_setup, delete_final),
	SCENARIO("terms-unbind", 2, unbind_setup, unbind_final),
	SCENARIO("timed-wake", 2, timed_wake_setup, timed_wake_final),
	SCENARIO("timed-signal", 2, timed_signal_setup, timed_signal_final),
	SCENARIO("timed-stop", 2, timed_stop_setup, timed_stop_final),
	SCENARIO("timed-delete", 2, timed_delete_setup, timed_delete_final),
	SCENARIO("timed-unbind", 2, timed_unbind_setup, timed_unbind_final),
	{.name = NULL},
};
