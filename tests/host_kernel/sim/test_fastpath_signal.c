/* SPDX-License-Identifier: BSD-2-Clause */
/* Each condition of the fast signal, of a thread and of a device: what is an obstacle to it or is not. */
#include "obstacles.h"

#include <criterion/criterion.h>
#include <host_arch.h>
#include <kern/bind.h>
#include <kern/irq.h>
#include <kern/ready.h>
#include <kern/thread.h>

#include <string.h>

#define LINE  40u
#define OTHER 41u

static void line_set(uint32_t irq, struct cap_slot to)
{
	struct cap_slot *slot = (struct cap_slot *)(uintptr_t)irq_notification(irq);

	*slot = to;
	arch_irq_route(irq, 0);
	arch_irq_unmask(irq);
}

/* Thread 6 waits on CPU 0 for notification 1, which line 40 signals as well; 4 runs there. */
static void start(bool with_fast)
{
	machine_start(with_fast);
	notice_awaited();
	line_set(LINE, (struct cap_slot){
			       .type = OBJ_NOTIFICATION,
			       .rights = RIGHT_ALL,
			       .badge = 128,
			       .object = (uintptr_t)notice[1],
		       });
	line_set(OTHER, (struct cap_slot){.type = OBJ_NULL});
}

static void other_type(void)
{
	asked.x[0] = ep_cap[0];
	line_set(LINE, (struct cap_slot){.type = OBJ_ENDPOINT, .object = (uintptr_t)ep[0]});
}

static void read_only(void)
{
	asked.x[0] = sim_cap_rights(OBJ_NOTIFICATION, notice[1], 1, RIGHT_READ);
}

static void changing(void)
{
	((struct cap_slot *)(uintptr_t)irq_notification(LINE))->version = 1;
}

static void dying(void)
{
	notice[1]->wait.object.dying = 1;
}

/* The signal is one of notification 0. */
static void other_notice(void)
{
	asked.x[0] = notice_cap[0];
	line_set(LINE, (struct cap_slot){.type = OBJ_NOTIFICATION,
					 .badge = 128,
					 .object = (uintptr_t)notice[0]});
}

static void word_is_there(void)
{
	other_notice();
	notice[0]->word = 64;
}

static void bound(void)
{
	other_notice();
	cr_assert_eq(notification_bind(notice[0], thread[6]), ERR_OK);
}

static void stopping(void)
{
	other_notice();
	thread[4]->exit_work = EXIT_STOP;
}

static void two_wait(void)
{
	until_runs(thread[2]);
	sim_syscall(0, thread[2], SYS_WAIT, (struct sim_regs){{notice_cap[1]}});
	sim_auto_all();
	until_runs(thread[4]);
}

/* Thread 5, of CPU 1, waits first. */
static void waits_elsewhere(void)
{
	notice_awaited_elsewhere();
	other_notice();
}

static void without_time(void)
{
	thread[6]->payer = NULL;
}

/* It waits with time that it was given, in the middle of something. */
static void on_other_time(void)
{
	thread[6]->payer = thread[2];
}

static void not_blocked(void)
{
	list_push_back(&cpus[0].core.ready, &thread[6]->ready_link);
	thread[6]->sched = SCHED_READY;
}

static void filter(time_ns_t until_ns, word_t key)
{
	while (!sim_deciding(0)) {
		sim_advance(2000000);
		sim_step(0);
	}
	sim_decide_terms(0, DECISION_RUN | DECISION_FILTER, thread[4], NULL,
			 (struct sim_regs){.x = {[4] = 1000000, [6] = until_ns, [7] = key}});
	cr_assert_eq(sim_current(0), thread[4]);
}

static void filtered(void)
{
	filter(TIME_NEVER - 1, 5);
	thread[6]->key = 5;
}

static void filter_is_over(void)
{
	filter(arch_now() + 1, 5);
	thread[6]->key = 5;
}

static void before_others(void)
{
	filter(TIME_NEVER - 1, 5);
	thread[6]->key = 4;
}

/* Filtered: its record is linked, and nobody was kicked. */
static void another_woken(void)
{
	until_runs(thread[2]);
	sim_syscall(0, thread[2], SYS_WAIT, (struct sim_regs){{notice_cap[0]}});
	filter(TIME_NEVER - 1, 0);
	sim_as(1);
	notification_signal(notice[0], 1);
	cr_assert(cpus[0].core.filtered && cpus[0].core.requests == 0);
	cpus[0].core.filter_until_ns = 0;
}

static void record_linked(const struct tcb *tcb)
{
	list_push_back(&cpus[0].core.events, (struct list_node *)(uintptr_t)&tcb->event_link);
	cpus[0].core.untold = 1;
}

static void own_record(void)
{
	record_linked(thread[6]);
	thread[6]->event_info |= EVENT_BLOCKED_SINCE;
	thread[6]->ran_ns = 99;
	thread[6]->first_ready_ns = 77;
}

static void record_of_payer(void)
{
	record_linked(thread[4]);
}

static void both_records(void)
{
	own_record();
	record_of_payer();
}

static void switched_with_record(void)
{
	own_record();
	switched();
}

static void first_in_fallback(void)
{
	thread[6]->flags |= TCB_FLAG_FALLBACK_FIRST;
}

static void both_first_in_fallback(void)
{
	first_in_fallback();
	thread[4]->flags |= TCB_FLAG_FALLBACK_FIRST;
}

/* Its client pays for a server that waits. */
static void waits_on_donated_time(void)
{
	on_donated_time();
	sim_syscall(0, thread[0], SYS_WAIT, (struct sim_regs){{notice_cap[0]}});
	sim_auto_all();
	until_runs(thread[2]);
	other_notice();
}

static void another_interrupt(void)
{
	host_irq_raise(OTHER);
}

static const struct {
	const char *name;
	bool by_thread, by_device; /* it is no obstacle */
	void (*spoil)(void);
} bails[] = {
	{"signal", true, true, fine},
	{"no capability", false, true, no_cap},
	{"beyond the CNode", false, true, beyond},
	{"another type", false, false, other_type},
	{"read-only", false, true, read_only},
	{"without CNode", false, true, root_gone},
	{"dying notification", false, false, dying},
	{"live floating-point state", false, false, fpu_used},
	{"kick posted", false, false, kick_posted},
	{"nobody waits", true, false, other_notice},
	{"nobody waits, a word is there", true, false, word_is_there},
	{"bound to a thread", false, false, bound},
	{"nobody waits, to stop", false, false, stopping},
	{"two wait", true, true, two_wait},
	{"waiter of another CPU", false, false, waits_elsewhere},
	{"wake that is filtered", false, false, filtered},
	{"filter that is over", true, true, filter_is_over},
	{"wake that is not filtered", true, true, before_others},
	{"another woken", false, false, another_woken},
	{"its own record linked", true, true, own_record},
	{"record of the payer linked", false, false, record_of_payer},
	{"both records linked", false, false, both_records},
	{"record that is gone", true, true, record_gone},
	{"switch not told", true, true, switched_with_record},
	{"successor known", true, true, successor_armed},
	{"rebind unfinished", false, false, rebind_unfinished},
	{"request waiting", false, false, request_waiting},
	{"unbound", false, false, unbound},
	{"dispatcher without buffer", false, false, dispatcher_without_buffer},
	{"dispatcher to stop", false, false, dispatcher_stopping},
	{"dispatcher without address space", false, false, dispatcher_without_space},
	{"decision limit next", true, true, limit_is_next},
	{"first in fallback", true, true, first_in_fallback},
	{"both first in fallback", true, true, both_first_in_fallback},
	{"on donated time", false, false, on_donated_time},
	{"waiter on donated time", false, false, waits_on_donated_time},
	{"another interrupt", true, false, another_interrupt},
};

static void bail_run(unsigned i, bool with_fast, bool device, uint64_t part[PARTS])
{
	bool expect = device ? bails[i].by_device : bails[i].by_thread;
	unsigned before;

	start(with_fast);
	asked = (struct sim_regs){{notice_cap[1]}};
	bails[i].spoil();
	sim_advance(1234);
	before = taken_signals;
	if (device) {
		host_irq_raise(LINE);
		sim_step(0);
	} else {
		sim_syscall(0, sim_current(0), SYS_SIGNAL, asked);
	}
	cr_assert_eq(taken_signals - before, with_fast && expect, "%s%s", bails[i].name,
		     device ? ", device" : "");
	sim_step(0);
	state_take(part);
	sim_end();
}

static void thread_run(unsigned i, bool with_fast, uint64_t part[PARTS])
{
	bail_run(i, with_fast, false, part);
}

static void device_run(unsigned i, bool with_fast, uint64_t part[PARTS])
{
	bail_run(i, with_fast, true, part);
}

Test(fastpath, K_fastpath_signal_gives_up_without_a_trace)
{
	for (unsigned i = 0; i < sizeof(bails) / sizeof(bails[0]); i++) {
		both_ways(thread_run, i, bails[i].name);
		both_ways(device_run, i, bails[i].name);
	}
}

/* Given up by itself, and then nothing at all has changed. */
Test(fastpath, K_fastpath_signal_leaves_what_others_do_alone)
{
	static void (*const spoil[])(void) = {without_time, on_other_time, not_blocked, changing};
	uint64_t before[PARTS], after[PARTS];

	for (unsigned i = 0; i < 4; i++) {
		start(true);
		spoil[i]();
		sim_as(0);
		state_take(before);
		if (spoil[i] != changing)
			cr_assert_null(
				__real_fastpath_signal(notice_cap[1], 0, thread[4], &cpus[0]));
		cr_assert_null(__real_fastpath_irq(LINE, &cpus[0]));
		state_take(after);
		cr_assert_arr_eq(before, after, sizeof(before), "case %u", i);
		sim_end();
	}
}

/* A lock that somebody holds is not waited for; a reason to decide is seen to first; others are no lines. */
Test(fastpath, K_fastpath_signal_does_not_wait_for_locks)
{
	struct spinlock *locks[] = {NULL, NULL};
	uint64_t before[PARTS], after[PARTS];

	start(true);
	locks[0] = &notice[1]->wait.lock;
	locks[1] = &cpus[0].core.lock;
	for (unsigned i = 0; i < 2; i++) {
		state_take(before);
		sim_as(1);
		spin_lock(locks[i]);
		sim_as(0);
		cr_assert_null(__real_fastpath_signal(notice_cap[1], 0, thread[4], &cpus[0]));
		cr_assert_null(__real_fastpath_irq(LINE, &cpus[0]));
		sim_as(1);
		spin_unlock(locks[i]);
		state_take(after);
		cr_assert_arr_eq(before, after, sizeof(before));
	}
	sim_as(0);
	cpus[0].core.reasons = 1u << REASON_TIMER;
	cr_assert_null(__real_fastpath_irq(LINE, &cpus[0]));
	cpus[0].core.reasons = 0;
	state_take(after);
	cr_assert_arr_eq(before, after, sizeof(before));
	cr_assert_eq(__real_fastpath_irq(LINE, &cpus[0]), dispatcher[0]);
	state_take(after);
	cr_assert(memcmp(before, after, sizeof(before)) != 0);
	sim_end();
}
