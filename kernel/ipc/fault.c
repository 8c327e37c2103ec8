/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults as calls to the pager or the exception endpoint, on the time of the faulting thread. */
#include <abi/ipc.h>
#include <kern/entry.h>
#include <kern/fallback.h>
#include <kern/ipc.h>
#include <kern/ready.h>
#include <kern/stop.h>
#include <kern/switch.h>
#include <kern/trace.h>
#include <kern/waitable.h>

struct vspace *fault_first_space;

static const char *fault_name(unsigned kind)
{
	static const char *const names[] = {
#define X(name, value, meaning) [value] = meaning,
		FAULT_LIST(X)
#undef X
	};

	return kind < FAULT_COUNT ? names[kind] : "?";
}

word_t fault_message_info(const struct tcb *tcb)
{
	return msg_info(tcb->send_fault, MSG_REGS, 0) | MSG_FAULTED;
}

static __attribute__((cold, noinline)) void fault_print(const struct tcb *tcb, const char *what)
{
	/* The name ends with what the first word is. */
	kprintf("thread tag %lx %s: %s %lx, pc %lx, access %lx, esr %lx\n", (unsigned long)tcb->tag,
		what, fault_name(tcb->send_fault), (unsigned long)tcb->fault_words[0],
		(unsigned long)tcb->fault_words[1], (unsigned long)tcb->fault_words[2],
		(unsigned long)tcb->fault_words[3]);
}

__attribute__((cold)) void fault_unhandled(struct tcb *tcb)
{
	struct vspace *space = __atomic_load_n(&tcb->vspace, __ATOMIC_RELAXED);

	/* Once: whoever resumes it could fill the console, with interrupts masked. */
	if (!tcb->fault_told)
		fault_print(tcb, "stopped");
	tcb->fault_told = true;
	/* Not by a flag of the thread: whoever has the right to set flags would end the machine. */
	if (space != NULL && space == fault_first_space)
		panic("the first task faulted and nobody handles it");
	stop_current(this_core(), tcb);
}

/* The current thread calls the endpoint in slot; what it says is in send_fault and fault_words. */
static void fault_send(struct tcb *tcb, const struct cap_slot *slot)
{
	struct cap cap;

	cap_read(slot, &cap);
	tcb->send_badge = cap.badge;
	tcb->send_can_grant = false;
	if (cap.type != OBJ_ENDPOINT ||
	    ipc_send(tcb, (struct endpoint *)(uintptr_t)cap.object, IPC_CALL) != ERR_OK)
		fault_unhandled(tcb);
}

void fault_forward(struct tcb *tcb)
{
	fault_send(tcb, &tcb->exception);
}

static bool slot_empty(const struct cap_slot *slot)
{
	return __atomic_load_n(&slot->type, __ATOMIC_RELAXED) == OBJ_NULL;
}

void fault_raise(struct tcb *tcb, enum fault kind, uint64_t address, uint32_t access, uint64_t esr)
{
	struct core *core = this_core();
	bool pager = kind == FAULT_PAGE && !slot_empty(&tcb->pager);

	counter_add(&core->stats.faults, 1);
	trace_record(TRACE_FAULT, kind, address);
	tcb->send_fault = (uint8_t)kind;
	tcb->fault_words[0] = address;
	tcb->fault_words[1] = tcb->context.pc;
	tcb->fault_words[2] = access;
	tcb->fault_words[3] = esr;
	if (core->dispatcher == tcb) {
		fault_print(tcb, "is a dispatcher");
		tcb->send_fault = FAULT_NONE;
		fallback_enter(core, FALLBACK_FAULT);
		return;
	}
	fault_send(tcb, pager ? &tcb->pager : &tcb->exception);
}

/* The caller is owned; what it does next happens when it next leaves the kernel. */
void fault_answer(struct tcb *server, struct tcb *caller)
{
	word_t label = msg_label(server->context.x[1]);

	if (label == FAULT_REPLY_FORWARD) {
		caller->fault_words[3] = msg_length(server->context.x[1]) > 0 ? server->context.x[2]
									      : 0;
		__atomic_fetch_or(&caller->exit_work, EXIT_FORWARD, __ATOMIC_RELAXED);
		return;
	}
	caller->send_fault = FAULT_NONE;
	if (label == FAULT_REPLY_SKIP)
		caller->context.pc += INSTRUCTION_BYTES;
	else if (label != FAULT_REPLY_RESTART)
		__atomic_fetch_or(&caller->exit_work, EXIT_STOP, __ATOMIC_RELAXED);
}

void kernel_fault(enum fault kind, uint64_t address, uint32_t access, uint64_t esr)
{
	fault_raise(this_core()->current, kind, address, access, esr);
	kernel_exit();
}

void kernel_fpu_trap(void)
{
	struct tcb *tcb = this_core()->current;

	if ((tcb_flags(tcb) & TCB_FLAG_NO_FPU) != 0)
		fault_raise(tcb, FAULT_FPU, tcb->context.pc, 0, 0);
	else {
		tcb_flags_set(tcb, tcb_flags(tcb) | TCB_FLAG_FPU_USED);
		arch_fpu_enable(tcb);
	}
	kernel_exit();
}
