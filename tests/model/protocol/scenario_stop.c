/* SPDX-License-Identifier: BSD-2-Clause */
/* Stop against block, wake and resume; stop, grace and wake of one CPU at once. */
#include "scenario.h"

static void target_forbid(struct tcb *tcb)
{
	must(result(tcb) == ERR_OK);
	must(world_threads[0]->state == THREAD_STOPPED && world_threads[0]->on_cpu == 0);
	world_forbid(world_threads[0], true);
}

static void target_allow(struct tcb *tcb)
{
	(void)tcb;
	world_forbid(world_threads[0], false);
}

static void stopped_final(void)
{
	must(world_threads[0]->state == THREAD_STOPPED);
	must((world_threads[0]->exit_work & EXIT_STOP) == 0);
	must(thread_finished(world_threads[1]));
}

/* It blocks while it is stopped, and is signalled at the same time. */
static void stop_wait_setup(void)
{
	struct notification *n = world_notification();
	struct tcb *t = world_thread(0, PROGRAM(WAIT(n), WAIT(n)));

	world_thread(1, PROGRAM(SUSPEND(t), USER(target_forbid)));
	world_thread(2, PROGRAM(SIGNAL(n, 1)));
}

static void stop_block_setup(void)
{
	struct notification *n = world_notification();
	struct tcb *t = world_thread(0, PROGRAM(WAIT(n)));

	world_thread(1, PROGRAM(SUSPEND(t), USER(target_forbid)));
	bind_all();
}

/* It runs in user mode and never enters the kernel by itself. */
static void stop_spin_setup(void)
{
	struct tcb *t = world_thread(0, PROGRAM(WAIT(world_notification())));

	t->context.pc += 4; /* nothing to do */
	world_thread(1, PROGRAM(SUSPEND(t), USER(target_forbid)));
	bind_all();
}

static void stop_send_setup(void)
{
	struct endpoint *e = world_endpoint();
	struct tcb *t = world_thread(0, PROGRAM(SEND(e), SEND(e)));

	world_thread(1, PROGRAM(SUSPEND(t), USER(target_forbid)));
	world_thread(2, PROGRAM(RECV(e, (struct reply *)NULL)));
}

static void stop_call_setup(void)
{
	struct endpoint *e = world_endpoint();
	struct reply *r = world_reply();
	struct tcb *t = world_thread(0, PROGRAM(CALL(e)));

	world_thread(1, PROGRAM(SUSPEND(t), USER(target_forbid)));
	world_thread(2, PROGRAM(RECV(e, r), REPLY(r)));
}

/* Stopped and resumed: goes on, and the wait is cancelled or begins later. */
static void stop_resume_setup(void)
{
	struct notification *n = world_notification();
	struct tcb *t = world_thread(0, PROGRAM(WAIT(n)));

	world_thread(1, PROGRAM(SUSPEND(t), USER(target_forbid), USER(target_allow), RESUME(t)));
	bind_all();
}

/* Again and again while the dispatcher decides about it. */
static void stop_again_setup(void)
{
	struct tcb *t = world_thread(0, PROGRAM(WAIT(NULL)));

	t->context.pc += 4; /* nothing to do */
	world_thread(1, PROGRAM(SUSPEND(t), RESUME(t), SUSPEND(t), RESUME(t)));
	(void)world_dispatcher(0);
}

static void stop_again_final(void)
{
	must(thread_finished(world_threads[1]) && world_threads[0]->sched == SCHED_RUNNING);
}

/* A record that leaves nothing to run, and then a wake, while the dispatcher wants to idle. */
static void stop_park_setup(void)
{
	struct notification *n = world_notification();
	struct notification *m = world_notification();

	world_thread(0, PROGRAM(WAIT(n)));
	world_thread(1, PROGRAM(SUSPEND(world_thread(0, PROGRAM(WAIT(m)))), SIGNAL(n, 1)));
	(void)world_dispatcher(0);
}

static void stop_park_final(void)
{
	must(thread_finished(world_threads[0]) && world_threads[0]->state == THREAD_READY);
	must(world_threads[1]->state == THREAD_STOPPED);
}

static void stop_resume_final(void)
{
	const struct tcb *t = world_threads[0];

	must(thread_finished(world_threads[1]) && result(world_threads[1]) == ERR_OK);
	must(thread_finished(t));
	must(t->state == THREAD_WAITING ||
	     (t->state == THREAD_READY && result(t) == ERR_CANCELLED));
}

/* Each stops the other. */
static void stop_mutual_setup(void)
{
	struct tcb *s = world_thread_stopped(1, PROGRAM(SUSPEND(world_next(1))));
	struct tcb *t = world_thread_stopped(0, PROGRAM(SUSPEND(s)));

	world_go(s);
	world_go(t);
}

static void stop_mutual_final(void)
{
	const struct tcb *s = world_threads[0];
	const struct tcb *t = world_threads[1];

	must(s->state == THREAD_STOPPED || t->state == THREAD_STOPPED);
	must(s->state == THREAD_STOPPED || thread_finished(s));
	must(t->state == THREAD_STOPPED || thread_finished(t));
}

/* Each stops the next one, and the last the first. */
static void stop_cycle_setup(void)
{
	struct tcb *s = world_thread_stopped(1, PROGRAM(SUSPEND(world_next(1))));
	struct tcb *t = world_thread_stopped(2, PROGRAM(SUSPEND(world_next(2))));
	struct tcb *u = world_thread_stopped(0, PROGRAM(SUSPEND(s)));

	world_go(s);
	world_go(t);
	world_go(u);
}

/* Who got through has stopped the next one; one of them did. */
static void stop_cycle_final(void)
{
	bool any = false;

	for (unsigned i = 0; i < 3; i++) {
		const struct tcb *tcb = world_threads[i];
		const struct tcb *next = world_threads[(i + 1) % 3];

		must(tcb->state == THREAD_STOPPED || thread_finished(tcb));
		must(tcb->state == THREAD_STOPPED || next->state == THREAD_STOPPED);
		any = any || tcb->state == THREAD_STOPPED;
	}
	must(any);
}

/* Grace in both directions, and a wake and a stop into the middle of it. */
static void do_grace(struct tcb *tcb)
{
	(void)tcb;
	grace_wait();
}

/* Two wait for each other. */
static void grace_setup(void)
{
	world_thread(0, PROGRAM(KERNEL(do_grace)));
	world_thread(1, PROGRAM(KERNEL(do_grace)));
}

/* A CPU that was idle is woken meanwhile, and stays in user mode. */
static void grace_idle_setup(void)
{
	struct notification *n = world_notification();

	world_thread(0, PROGRAM(WAIT(n)));
	world_thread(1, PROGRAM(KERNEL(do_grace)));
	world_thread(2, PROGRAM(SIGNAL(n, 1)));
}

/* The dispatcher takes a kick that came late, and must leave the rest of the requests. */
static void grace_kick_setup(void)
{
	struct notification *n = world_notification();

	world_thread(0, PROGRAM(WAIT(n)));
	world_thread(1, PROGRAM(SIGNAL(n, 1), KERNEL(do_grace)));
	(void)world_dispatcher(0);
}

/* A stop and a grace period of the same CPU. */
static void grace_stop_setup(void)
{
	struct tcb *t = world_thread(0, PROGRAM(WAIT(NULL)));

	t->context.pc += 4; /* nothing to do */
	world_thread(1, PROGRAM(KERNEL(do_grace), SUSPEND(t), USER(target_forbid)));
}

static void grace_stop_final(void)
{
	stopped_final();
}

static void grace_final(void)
{
	for (unsigned i = 0; i < world_threads_count; i++)
		must(thread_finished(world_threads[i]));
}

const struct scenario scenarios_stop[] = {
	SCENARIO("stop-block", 2, stop_block_setup, stopped_final),
	SCENARIO("Z15_stop-spin", 2, stop_spin_setup, stopped_final),
	SCENARIO("stop-wait-signal", 3, stop_wait_setup, stopped_final),
	SCENARIO("stop-send", 3, stop_send_setup, stopped_final),
	SCENARIO("Z16_stop-call", 3, stop_call_setup, stopped_final),
	SCENARIO("stop-resume", 2, stop_resume_setup, stop_resume_final),
	SCENARIO("stop-again", 2, stop_again_setup, stop_again_final),
	SCENARIO("stop-park", 2, stop_park_setup, stop_park_final),
	SCENARIO("Z14_Z17_stop-each-other", 2, stop_mutual_setup, stop_mutual_final),
	LONG_SCENARIO("Z14_stop-cycle", 3, stop_cycle_setup, stop_cycle_final),
	SCENARIO("grace-each-other", 2, grace_setup, grace_final),
	SCENARIO("grace-idle", 3, grace_idle_setup, grace_final),
	SCENARIO("M23_grace-kick", 2, grace_kick_setup, grace_final),
	SCENARIO("grace-stop", 2, grace_stop_setup, grace_stop_final),
	{.name = NULL},
};
