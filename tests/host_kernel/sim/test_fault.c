/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults as calls: to a passive pager on the same time, to an active one, every answer, no handler. */
#include "sim.h"

#include <criterion/criterion.h>
#include <host_arch.h>
#include <kern/fallback.h>
#include <kern/ready.h>
#include <kern/thread.h>
#include <string.h>

static struct tcb *a, *pager, *other;
static struct endpoint *pager_ep, *exception_ep;
static cptr_t pager_cap, exception_cap, pager_reply, other_reply;

static void slot_set(struct cap_slot *slot, struct endpoint *endpoint, word_t badge)
{
	slot->type = OBJ_ENDPOINT;
	slot->rights = RIGHT_ALL;
	slot->badge = badge;
	slot->object = (uintptr_t)endpoint;
}

static void setup(void)
{
	struct tcb *boot;

	sim_start(2);
	sim_bind(0, 1000000, 0, NULL);
	sim_bind(1, 1000000, 0, NULL);
	boot = sim_thread_running(99, 1);
	boot->vspace = NULL;
	pager = sim_thread_running(8, 0);
	other = sim_thread_running(9, 1);
	pager_ep = sim_endpoint();
	exception_ep = sim_endpoint();
	pager_cap = sim_cap(OBJ_ENDPOINT, pager_ep, 0);
	exception_cap = sim_cap(OBJ_ENDPOINT, exception_ep, 0);
	pager_reply = sim_cap(OBJ_REPLY, sim_reply(), 0);
	other_reply = sim_cap(OBJ_REPLY, sim_reply(), 0);
	pager->flags |= TCB_FLAG_PASSIVE;
	sim_auto_all();
	cr_assert_eq(sim_current(0), pager);
	sim_syscall(0, pager, SYS_RECV, (struct sim_regs){{pager_cap, 0, 0, 0, 0, 0, pager_reply}});
	sim_auto_all();
	a = sim_thread_running(1, 0);
	slot_set(&a->pager, pager_ep, 55);
	slot_set(&a->exception, exception_ep, 66);
	sim_auto_all();
	cr_assert_eq(sim_current(0), a);
}

TestSuite(fault, .init = setup, .fini = sim_end);

static void pager_answers(word_t label, word_t w0)
{
	sim_syscall(
		0, pager, SYS_REPLY_RECV,
		(struct sim_regs){{pager_cap, msg_info(label, 1, 0), w0, 0, 0, 0, pager_reply}});
}

static void other_receives(void)
{
	while (sim_current(1) != other) {
		sim_advance(2000000);
		sim_auto_all();
	}
	sim_syscall(1, other, SYS_RECV,
		    (struct sim_regs){{exception_cap, 0, 0, 0, 0, 0, other_reply}});
	sim_auto_all();
}

Test(fault, K_faults_page_fault_is_handled_on_the_same_time)
{
	word_t seq = a->seq;
	uint64_t pc = a->context.pc;
	struct user_context before;

	a->context.x[0] = 123;
	a->context.x[1] = 124;
	before = a->context;
	sim_fault(0, a, FAULT_PAGE, 0xabc000);
	cr_assert_eq(sim_current(0), pager);
	cr_assert_eq(pager->context.x[1], msg_info(FAULT_PAGE, 4, 0) | MSG_FAULTED);
	cr_assert_eq(pager->context.x[2], 0xabc000);
	cr_assert_eq(pager->context.x[3], pc);
	cr_assert_eq(pager->context.x[4], FAULT_ACCESS_READ);
	cr_assert_eq(pager->context.x[6], 55);
	pager_answers(FAULT_REPLY_RESTART, 0);
	cr_assert_eq(sim_current(0), a);
	cr_assert_eq(a->seq, seq, "no scheduling event");
	cr_assert_eq(memcmp(&before, &a->context, sizeof(before)), 0, "no register changed");
}

Test(fault, skip)
{
	uint64_t pc = a->context.pc;

	sim_fault(0, a, FAULT_PAGE, 0xabc000);
	pager_answers(FAULT_REPLY_SKIP, 0);
	cr_assert_eq(sim_current(0), a);
	cr_assert_eq(a->context.pc, pc + 4);
}

/* An answer across CPUs has no fast path. */
Test(fault, skip_said_on_another_cpu)
{
	uint64_t pc = a->context.pc;

	other_receives();
	sim_fault(0, a, FAULT_UNDEFINED, 0x10000);
	sim_auto_all();
	sim_syscall(1, other, SYS_REPLY,
		    (struct sim_regs){{other_reply, msg_info(FAULT_REPLY_SKIP, 0, 0)}});
	sim_auto_all();
	cr_assert_eq(sim_current(0), a);
	cr_assert_eq(a->context.pc, pc + 4);
}

Test(fault, stop)
{
	sim_fault(0, a, FAULT_PAGE, 0xabc000);
	pager_answers(FAULT_REPLY_STOP, 0);
	cr_assert_eq(a->state, THREAD_STOPPED);
	cr_assert(sim_deciding(0));
}

Test(fault, K_faults_forward_goes_to_the_exception_endpoint_with_the_reason)
{
	other_receives();
	sim_fault(0, a, FAULT_PAGE, 0xabc000);
	pager_answers(FAULT_REPLY_FORWARD, ERR_IO);
	sim_auto_all();
	while (sim_current(1) != other) {
		sim_advance(2000000);
		sim_auto_all();
	}
	cr_assert_eq(other->context.x[1], msg_info(FAULT_PAGE, 4, 0) | MSG_FAULTED);
	cr_assert_eq(other->context.x[2], 0xabc000);
	cr_assert_eq(other->context.x[5], ERR_IO);
	cr_assert_eq(other->context.x[6], 66);
	cr_assert_eq(a->state, THREAD_CALLING);
}

Test(fault, K_faults_other_faults_go_to_the_exception_endpoint)
{
	other_receives();
	sim_fault(0, a, FAULT_UNDEFINED, 0x10000);
	cr_assert(sim_deciding(0));
	cr_assert_eq(sim_event_of(0, 1)->info & 0xffff, EVENT_BLOCKED | CAUSE_FAULT << 8);
	sim_auto_all();
	cr_assert_eq(a->state, THREAD_CALLING);
}

Test(fault, bad_system_call_number)
{
	static const enum syscall numbers[] = {SYS_COUNT, (enum syscall)1000};
	uint64_t pc = a->context.pc;

	for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		sim_syscall(0, a, numbers[i], (struct sim_regs){{0}});
		cr_assert_eq(a->state, THREAD_SENDING);
		cr_assert_eq(a->send_fault, FAULT_SYSCALL);
		cr_assert_eq(a->fault_words[0], numbers[i]);
		cr_assert_eq(a->context.pc, pc, "restart would execute it again");
		sim_auto_all();
		sim_as(1);
		cr_assert(thread_suspend(a));
		cr_assert_eq(thread_resume(a), ERR_OK);
		sim_auto_all();
	}
}

Test(fault, K_faults_without_a_handler_the_thread_stops_with_a_line)
{
	a->exception.type = OBJ_NULL;
	a->vspace = (struct vspace *)(void *)pager; /* not the first task's */
	sim_fault(0, a, FAULT_UNDEFINED, 0x10000);
	cr_assert_eq(a->state, THREAD_STOPPED);
	cr_assert_not_null(strstr(host_console, "thread tag 1 stopped"));
	sim_auto_all();
	sim_check();
}

/* What it does next is no fault: how that ended is told. */
Test(fault, one_that_is_resumed_goes_on_without_a_fault)
{
	memset(&a->exception, 0, sizeof(a->exception));
	a->vspace = (struct vspace *)(void *)pager; /* not the first task's */
	sim_fault(0, a, FAULT_UNDEFINED, 0x10000);
	cr_assert_eq(a->state, THREAD_STOPPED);
	cr_assert_eq(thread_resume(a), ERR_OK);
	sim_auto_all();
	sim_syscall(0, a, SYS_RECV, (struct sim_regs){{exception_cap}});
	sim_auto_all();
	sim_as(1);
	cr_assert(thread_suspend(a));
	cr_assert_eq(sim_x0(a), -ERR_CANCELLED);
}

Test(fault, a_dispatcher_that_faulted_goes_on_as_a_thread)
{
	struct tcb *d = cpus[0].core.dispatcher;

	sim_as(0);
	core_kick(&cpus[0].core, REASON_KICK);
	sim_step(0);
	cr_assert(sim_deciding(0));
	sim_fault(0, d, FAULT_PAGE, 0);
	cr_assert_eq(cpus[0].core.fallback, FALLBACK_FAULT);
	sim_as(1);
	cr_assert_eq(tcb_set_home(d, &cpus[0].core), ERR_OK);
	cr_assert_eq(thread_resume(d), ERR_OK);
	sim_settle();
	while (sim_current(0) != d) {
		sim_advance(FALLBACK_SLICE_NS);
		sim_settle();
	}
	sim_syscall(0, d, SYS_RECV, (struct sim_regs){{exception_cap}});
	cr_assert_eq(d->state, THREAD_RECEIVING);
	sim_as(1);
	cr_assert(thread_suspend(d));
	cr_assert_eq(sim_x0(d), -ERR_CANCELLED);
}

Test(fault, K_faults_page_fault_without_a_pager_goes_to_the_exception_endpoint)
{
	memset(&a->pager, 0, sizeof(a->pager));
	other_receives();
	sim_fault(0, a, FAULT_PAGE, 0x1000);
	sim_auto_all();
	cr_assert_eq(sim_current(1), other);
	cr_assert_eq(other->context.x[6], 66);
	cr_assert_eq(msg_label(other->context.x[1]), FAULT_PAGE);
}

Test(fault, one_that_is_resumed_to_fault_again_has_one_line)
{
	const char *first;

	a->exception.type = OBJ_NULL;
	a->vspace = (struct vspace *)(void *)pager;
	for (unsigned i = 0; i < 3; i++) {
		sim_fault(0, a, FAULT_UNDEFINED, 0x10000 + i);
		cr_assert_eq(a->state, THREAD_STOPPED);
		sim_as(1);
		cr_assert_eq(thread_resume(a), ERR_OK);
		sim_auto_all();
		cr_assert_eq(sim_current(0), a);
	}
	first = strstr(host_console, "w0 = pc 10000,");
	cr_assert_not_null(first);
	cr_assert_null(strstr(first + 1, "thread tag 1 stopped"));
}

Test(fault, K_faults_handler_deleted_while_it_handles)
{
	bool done = false;

	a->vspace = (struct vspace *)(void *)pager;
	sim_fault(0, a, FAULT_PAGE, 0xabc000);
	cr_assert_eq(sim_current(0), pager);
	for (unsigned i = 0; i < 20 && !done; i++) {
		sim_as(1);
		done = thread_destroy(pager);
		sim_auto_all();
	}
	cr_assert(done);
	cr_assert_eq(sim_current(0), a, "it will fault again");
	cr_assert_eq(a->send_fault, FAULT_NONE);
}

Test(fault, K_faults_suspended_in_a_fault_repeats_it)
{
	uint64_t pc = a->context.pc;

	a->context.x[0] = 77;
	sim_fault(0, a, FAULT_UNDEFINED, 0x10000);
	sim_auto_all();
	sim_as(1);
	cr_assert(thread_suspend(a));
	cr_assert_eq(thread_resume(a), ERR_OK);
	sim_auto_all();
	cr_assert_eq(sim_current(0), a);
	cr_assert_eq(a->context.x[0], 77);
	cr_assert_eq(a->context.pc, pc);
}

/* The first floating-point instruction: the registers are this thread's from then on. */
Test(fault, floating_point_is_enabled_at_first_use)
{
	uint64_t pc = a->context.pc;

	sim_fpu_trap(0, a);
	cr_assert_eq(sim_current(0), a);
	cr_assert(cpus[0].core.fpu_live);
	cr_assert_eq(a->flags & TCB_FLAG_FPU_USED, TCB_FLAG_FPU_USED);
	cr_assert_eq(a->context.pc, pc, "the instruction is executed again");
	cr_assert_eq(cpus[0].core.stats.faults, 0);
}

Test(fault, floating_point_of_a_thread_without_is_a_fault)
{
	a->flags |= TCB_FLAG_NO_FPU;
	other_receives();
	sim_fpu_trap(0, a);
	cr_assert_not(cpus[0].core.fpu_live);
	cr_assert_eq(a->flags & TCB_FLAG_FPU_USED, 0);
	sim_auto_all();
	cr_assert_eq(a->state, THREAD_CALLING);
	cr_assert_eq(other->context.x[1], msg_info(FAULT_FPU, 4, 0) | MSG_FAULTED);
	cr_assert_eq(other->context.x[2], a->context.pc);
	cr_assert_eq(other->context.x[4], 0);
	cr_assert_eq(other->context.x[5], 0);
	cr_assert_eq(cpus[0].core.stats.faults, 1);
}

Test(fault, an_answer_that_there_is_not_stops)
{
	sim_fault(0, a, FAULT_PAGE, 0xabc000);
	pager_answers(FAULT_REPLY_STOP + 1, 0);
	cr_assert_eq(a->state, THREAD_STOPPED);
	cr_assert_eq(a->send_fault, FAULT_NONE);
}

Test(fault, forwarded_without_a_reason)
{
	sim_fault(0, a, FAULT_PAGE, 0xabc000);
	sim_syscall(0, pager, SYS_REPLY_RECV,
		    (struct sim_regs){{pager_cap, msg_info(FAULT_REPLY_FORWARD, 0, 0), ERR_IO, 0, 0,
				       0, pager_reply}});
	cr_assert_eq(a->state, THREAD_SENDING);
	cr_assert_eq(a->fault_words[3], 0);
}

/* It repeats it, and the pager says again what it is to be. */
Test(fault, forwarded_to_a_thread_that_is_stopped_by_then)
{
	sim_fault(0, a, FAULT_PAGE, 0xabc000);
	sim_as(1);
	cr_assert(thread_suspend(a), "it stops when it has its answer");
	pager_answers(FAULT_REPLY_FORWARD, ERR_IO);
	cr_assert_eq(a->state, THREAD_STOPPED);
	cr_assert_eq(a->exit_work, 0);
	cr_assert_eq(a->send_fault, FAULT_NONE);
	sim_as(1);
	cr_assert_eq(thread_resume(a), ERR_OK);
	sim_auto_all();
	cr_assert_eq(sim_current(0), a, "a thread that was started anew would go on there");
	cr_assert(list_empty(&exception_ep->wait.queue));
}

/* Likewise where it was on its way to the CPU when it was stopped. */
Test(fault, forwarded_to_a_thread_that_is_stopped_before_it_runs)
{
	/* An active pager, on CPU 1. */
	slot_set(&a->pager, exception_ep, 77);
	other_receives();
	sim_fault(0, a, FAULT_PAGE, 0xabc000);
	sim_auto_all();
	while (sim_current(1) != other) {
		sim_advance(2000000);
		sim_auto_all();
	}
	sim_syscall(1, other, SYS_REPLY,
		    (struct sim_regs){{other_reply, msg_info(FAULT_REPLY_FORWARD, 0, 0)}});
	cr_assert_eq(a->state, THREAD_READY);
	cr_assert_eq(a->exit_work, EXIT_FORWARD, "nothing was done about it yet");
	sim_as(1);
	cr_assert(thread_suspend(a));
	cr_assert_eq(a->exit_work, 0);
	cr_assert_eq(thread_resume(a), ERR_OK);
	sim_auto_all();
	cr_assert_eq(sim_current(0), a);
	cr_assert(list_empty(&exception_ep->wait.queue));
}

/* The dispatcher is not to block in a fault. */
Test(fault, forwarded_and_then_made_a_dispatcher)
{
	core_unbind(&cpus[0].core);
	sim_settle();
	other_receives();
	sim_fault(0, a, FAULT_PAGE, 0xabc000);
	cr_assert_eq(sim_current(0), pager);
	a->exit_work = EXIT_STOP;
	pager_answers(FAULT_REPLY_FORWARD, ERR_IO);
	cr_assert_eq(a->state, THREAD_STOPPED);
	sim_as(1);
	cr_assert_eq(core_bind(&cpus[0].core, a, 1000000, 0, NULL), ERR_OK);
	sim_settle();
	cr_assert(sim_deciding(0));
	cr_assert_eq(cpus[0].core.dispatcher, a);
	cr_assert_eq(a->exit_work, 0);
	cr_assert_eq(a->state, THREAD_READY);
}
