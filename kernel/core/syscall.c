/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls by number.  Each finds its arguments in the context of the current thread. */
#include <abi/syscall.h>
#include <kern/decision.h>
#include <kern/entry.h>
#include <kern/fastpath.h>
#include <kern/invoke.h>
#include <kern/ipc.h>
#include <kern/notification.h>
#include <kern/ready.h>
#include <kern/request.h>
#include <kern/switch.h>
#include <kern/thread.h>
#include <kern/trace.h>

static void syscall_call(struct tcb *tcb)
{
	cptr_t cptr = tcb->context.x[0];
	struct cap cap;
	enum error error;

	error = cap_lookup(tcb, cptr, &cap);
	if (error == ERR_OK && cap.type == OBJ_NULL)
		error = ERR_CAP_INVALID;
	if (error != ERR_OK) {
		tcb_result_set(tcb, error);
	} else if (cap.type == OBJ_ENDPOINT) {
		ipc_syscall_call(tcb, &cap);
	} else if (cap.type == OBJ_SCHED) {
		request_syscall(tcb, &cap);
	} else if (invoke_object(tcb, cptr, &cap) == INVOKE_RESTART) {
		tcb->context.pc -= INSTRUCTION_BYTES;
	}
}

static void syscall_send(struct tcb *tcb)
{
	ipc_syscall_send(tcb, IPC_SEND);
}

static void syscall_nb_send(struct tcb *tcb)
{
	ipc_syscall_send(tcb, IPC_NB_SEND);
}

static void syscall_recv(struct tcb *tcb)
{
	ipc_syscall_recv(tcb, true);
}

static void syscall_nb_recv(struct tcb *tcb)
{
	ipc_syscall_recv(tcb, false);
}

static void syscall_signal(struct tcb *tcb)
{
	struct cap cap;
	enum error error = cap_lookup_type(tcb, tcb->context.x[0], OBJ_NOTIFICATION, RIGHT_WRITE,
					   &cap);

	tcb_result_set(tcb, error);
	if (error == ERR_OK)
		notification_signal((struct notification *)(uintptr_t)cap.object, cap.badge);
}

/* Once for both. */
static __attribute__((noinline)) void wait_or_poll(struct tcb *tcb, bool block)
{
	struct cap cap;
	enum error error = cap_lookup_type(tcb, tcb->context.x[0], OBJ_NOTIFICATION, RIGHT_READ,
					   &cap);

	if (error == ERR_OK)
		notification_wait((struct notification *)(uintptr_t)cap.object, tcb, block);
	else
		tcb_result_set(tcb, error);
}

static void syscall_wait(struct tcb *tcb)
{
	wait_or_poll(tcb, true);
}

static void syscall_poll(struct tcb *tcb)
{
	wait_or_poll(tcb, false);
}

/* On donated time the clock is that of the payer. */
static void syscall_thread_clock(struct tcb *tcb)
{
	const struct core *core = this_core();
	const struct tcb *payer = core->payer;
	time_ns_t now = arch_now();

	tcb_result_set(tcb, ERR_OK);
	tcb->context.x[2] = payer != NULL ? payer->cpu_ns + (now - core->stretch_ns)
					  : core->stats.dispatcher_ns + (now - core->stretch_ns);
	tcb->context.x[3] = core->index;
	tcb->context.x[4] = now;
}

static void (*const syscalls[SYS_COUNT])(struct tcb *tcb) = {
	[SYS_CALL] = syscall_call,
	[SYS_REPLY_RECV] = ipc_syscall_reply_recv,
	[SYS_SEND] = syscall_send,
	[SYS_NB_SEND] = syscall_nb_send,
	[SYS_RECV] = syscall_recv,
	[SYS_NB_RECV] = syscall_nb_recv,
	[SYS_REPLY] = ipc_syscall_reply,
	[SYS_SIGNAL] = syscall_signal,
	[SYS_WAIT] = syscall_wait,
	[SYS_POLL] = syscall_poll,
	[SYS_CORE_REPLY_WAIT] = decision_syscall,
	[SYS_THREAD_CLOCK] = syscall_thread_clock,
};

void kernel_syscall(void)
{
	struct core *core = this_core();
	struct tcb *tcb = core->current;
	word_t number = tcb->context.x[8];

	counter_add(&core->stats.syscalls, 1);
	trace_record(TRACE_SYSCALL, number, tcb->context.x[0]);
	if (number < SYS_COUNT) {
		syscalls[number](tcb);
	} else {
		tcb->context.pc -= INSTRUCTION_BYTES; /* RESTART tries again, SKIP goes on */
		fault_raise(tcb, FAULT_SYSCALL, number, 0, 0);
	}
	kernel_exit();
}

void kernel_svc(void)
{
	struct cpu *cpu = arch_this_cpu();
	struct tcb *tcb = cpu->core.current;
	const uint64_t *x = tcb->context.x;
	struct tcb *next = NULL;

	if (x[8] == SYS_CALL)
		next = fastpath_call(x[0], x[1], tcb, cpu);
	else if (x[8] == SYS_REPLY_RECV)
		next = fastpath_reply_recv(x[0], x[1], tcb, cpu);
	else if (x[8] == SYS_WAIT)
		next = fastpath_wait(x[0], x[1], tcb, cpu);
	else if (x[8] == SYS_SIGNAL)
		next = fastpath_signal(x[0], x[1], tcb, cpu);
	else if (x[8] == SYS_CORE_REPLY_WAIT)
		next = fastpath_decide(x[0], x[1], tcb, cpu);
	if (next == NULL)
		kernel_syscall();
	else
		lock_none_held();
}
