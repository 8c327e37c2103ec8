/* SPDX-License-Identifier: BSD-2-Clause */
/* What threads and dispatchers of a storm do in user mode.  See storm.h. */
#include "storm.h"

#include <abi/ipc.h>
#include <kern/entry.h>

#define SVC_PC 0x1000u /* a restarted system call has its pc here */

static void syscall_go(struct tcb *tcb, enum syscall number, cptr_t cap, word_t info, cptr_t reply)
{
	tcb->context.x[0] = cap;
	tcb->context.x[1] = info;
	tcb->context.x[6] = reply;
	tcb->context.x[8] = number;
	tcb->context.pc = SVC_PC + 4;
	kernel_syscall();
}

/* Results are looked at when the thread is next seen in user mode: here only what it does next. */
static void user_worker(struct storm_cpu *cpu, struct tcb *tcb)
{
	uint64_t random = storm_random(cpu);
	unsigned server = (unsigned)(random >> 8) % (STORM_PASSIVE + STORM_ACTIVE);
	unsigned n = (unsigned)(random >> 12) % STORM_SIGNALS;

	for (unsigned i = 0; i < 4; i++)
		tcb->context.x[2 + i] = tcb->tag;
	switch (random % 10) {
	case 0:
		syscall_go(tcb, SYS_SIGNAL, storm_slot_signal(n), 0, 0);
		break;
	case 1:
		syscall_go(tcb, SYS_WAIT, storm_slot_signal(n), 0, 0);
		break;
	case 2:
		syscall_go(tcb, SYS_CALL, storm_slot_sched(STORM_CPUS),
			   msg_info(SCHED_REQUEST_INTERRUPTIBLE | 1, 1, 0), 0);
		break;
	case 3:
		syscall_go(tcb, SYS_CALL, storm_slot_sched(n % STORM_CPUS), msg_info(1, 1, 0), 0);
		break;
	case 4:
		syscall_go(tcb, SYS_NB_SEND, storm_slot_endpoint(server), msg_info(0, 4, 0), 0);
		break;
	case 5:
		syscall_go(tcb, SYS_THREAD_CLOCK, 0, 0, 0);
		break;
	default:
		syscall_go(tcb, SYS_CALL, storm_slot_endpoint(server), msg_info(0, 4, 0), 0);
		break;
	}
}

/* With a message: perhaps call the next server, then answer; otherwise receive. */
static void user_server(struct storm_cpu *cpu, struct storm_thread *thread)
{
	struct tcb *tcb = &thread->tcb;
	bool was_call = tcb->context.x[8] == SYS_CALL;

	if (!was_call)
		thread->received = (tcb->context.x[8] == SYS_RECV ||
				    tcb->context.x[8] == SYS_REPLY_RECV) &&
				   tcb->context.x[0] == 0;
	if (thread->received && !was_call && thread->server + 1 < STORM_PASSIVE &&
	    storm_random(cpu) % 2 == 0) {
		syscall_go(tcb, SYS_CALL, storm_slot_endpoint(thread->server + 1),
			   msg_info(0, 2, 0), 0);
		return;
	}
	syscall_go(tcb, thread->received ? SYS_REPLY_RECV : SYS_RECV,
		   storm_slot_endpoint(thread->server), msg_info(0, 4, 0),
		   storm_slot_reply(thread->server));
}

/* Suspend somebody; the next time resume him. */
static void user_helper(struct storm_cpu *cpu, struct storm_thread *thread)
{
	struct tcb *tcb = &thread->tcb;

	thread->called = !thread->called;
	if (thread->called)
		thread->server = 1 + (unsigned)(storm_random(cpu) %
						(STORM_WORKERS + STORM_PASSIVE + STORM_ACTIVE));
	syscall_go(tcb, SYS_CALL, storm_slot_tcb(thread->server),
		   msg_info(thread->called ? METHOD_TCB_SUSPEND : METHOD_TCB_RESUME, 0, 0), 0);
}

void storm_user(struct storm_cpu *cpu, struct storm_thread *thread)
{
	struct tcb *tcb = &thread->tcb;

	if (tcb->context.pc == SVC_PC) {
		tcb->context.pc = SVC_PC + 4;
		kernel_syscall();
		return;
	}
	switch (thread->kind) {
	case STORM_WORKER:
		user_worker(cpu, tcb);
		break;
	case STORM_SERVER:
		user_server(cpu, thread);
		break;
	case STORM_HELPER:
		user_helper(cpu, thread);
		break;
	}
}

/* ---- Dispatcher ------------------------------------------------------------------------------ */

static void view_event(struct storm_cpu *cpu, const struct sched_event *event)
{
	if (event->tag == 0 || event->tag > STORM_THREADS)
		return;
	cpu->view[event->tag].ready = EVENT_STATE(event->info) == EVENT_READY;
	cpu->view[event->tag].asking = false;
	cpu->view[event->tag].seq = event->seq;
}

static void view_upcall(struct storm_cpu *cpu, const struct tcb *tcb)
{
	const struct upcall_buffer *buffer = (const struct upcall_buffer *)(const void *)
						     cpu->dispatcher.buffer;
	word_t info = tcb->context.x[1];

	const struct sched_event first = {
		.tag = tcb->context.x[3], .info = tcb->context.x[4], .seq = tcb->context.x[5]};

	for (unsigned i = 0; i < UPCALL_EVENTS(info); i++)
		view_event(cpu, i == 0 ? &first : &buffer->events[i]);
	if ((info & UPCALL_REQUEST) != 0)
		cpu->view[buffer->request.payer_tag].asking = true;
}

static unsigned view_find(struct storm_cpu *cpu, bool asking)
{
	for (unsigned i = 0; i < STORM_THREADS; i++) {
		unsigned tag = 1 + (cpu->next + i) % STORM_THREADS;

		if (asking ? cpu->view[tag].asking : cpu->view[tag].ready) {
			cpu->next = tag;
			return tag;
		}
	}
	return 0;
}

/* An invocation of the dispatcher; it goes on in user mode at once. */
static int64_t dispatcher_invoke(struct tcb *tcb, unsigned tag, enum method method, word_t w0)
{
	tcb->context.x[2] = w0;
	tcb->context.x[3] = tag;
	tcb->context.x[4] = 0;
	tcb->context.x[5] = 0;
	syscall_go(tcb, SYS_CALL, storm_slot_tcb(tag), msg_info(method, 4, 0), 0);
	while (tcb->context.pc == SVC_PC) {
		tcb->context.pc = SVC_PC + 4;
		kernel_syscall();
	}
	return (int64_t)tcb->context.x[0];
}

static void dispatcher_answer(struct storm_cpu *cpu, struct tcb *tcb)
{
	unsigned tag = view_find(cpu, true);
	const struct core *core = &cpus[cpu - storm_cpus].core;

	if (tag == 0)
		return;
	cpu->view[tag].asking = false;
	if (dispatcher_invoke(tcb, tag, METHOD_TCB_ANSWER, 0) == 0 &&
	    __atomic_load_n(&storm_threads[tag].tcb.home, __ATOMIC_ACQUIRE) == core)
		cpu->view[tag].ready = true;
}

static void dispatcher_move(struct storm_cpu *cpu, struct tcb *tcb)
{
	unsigned tag = view_find(cpu, false);

	if (tag == 0 || storm_random(cpu) % 8 != 0)
		return;
	if (dispatcher_invoke(tcb, tag, METHOD_TCB_SET_HOME,
			      storm_slot_core((unsigned)(storm_random(cpu) % STORM_CPUS))) != 0)
		return;
	cpu->view[tag].ready = __atomic_load_n(&storm_threads[tag].tcb.home, __ATOMIC_ACQUIRE) ==
			       &cpus[cpu - storm_cpus].core;
	cpu->moves++;
}

/* A filter, and another ready thread or idle as successor, each in some of the decisions. */
static word_t decision_terms(struct storm_cpu *cpu, struct tcb *tcb, unsigned tag)
{
	uint64_t random = storm_random(cpu);
	word_t *x = tcb->context.x;
	unsigned next = 1 + (unsigned)(random >> 8) % STORM_THREADS;
	word_t flags = 0;

	if (tag == 0)
		return random % 2 != 0 ? DECISION_IDLE | DECISION_FIRST : DECISION_IDLE;
	if (random % 2 != 0) {
		flags |= DECISION_FILTER;
		x[6] = arch_now() + (random >> 16) % 20000;
		x[7] = (random >> 32) % (STORM_THREADS + 1);
	}
	if ((random & 2) != 0 && next != tag) {
		flags |= DECISION_SUCCESSOR;
		x[9] = cpu->view[next].ready ? storm_slot_tcb(next) : CPTR_NULL;
		x[10] = cpu->view[next].seq;
		x[11] = 20000 + (random >> 16) % 30000;
		x[12] = arch_now() + (random >> 16) % 40000;
		x[13] = arch_now() + (random >> 16) % 40000;
		x[14] = (random >> 40) % (STORM_THREADS + 1);
	}
	return DECISION_RUN | flags;
}

static void dispatcher_decide(struct storm_cpu *cpu, struct tcb *tcb)
{
	unsigned tag = view_find(cpu, false);
	word_t decision = decision_terms(cpu, tcb, tag);

	tcb->context.x[2] = storm_slot_tcb(tag);
	tcb->context.x[3] = cpu->view[tag].seq;
	tcb->context.x[4] = 20000 + storm_random(cpu) % 30000;
	tcb->context.x[5] = arch_now() + 50000;
	cpu->decisions++;
	syscall_go(tcb, SYS_CORE_REPLY_WAIT, storm_slot_core((unsigned)(cpu - storm_cpus)),
		   decision, tcb->context.x[6]);
}

/* From one upcall to the next decision. */
void storm_dispatcher(struct storm_cpu *cpu)
{
	struct tcb *tcb = &cpu->dispatcher.tcb;
	bool upcall = tcb->context.x[8] == SYS_CORE_REPLY_WAIT;
	bool refused = upcall && tcb->context.x[0] != 0 &&
		       tcb->context.x[0] != (uint64_t) - (int64_t)ERR_STALE;
	bool more = upcall && (tcb->context.x[1] & UPCALL_MORE) != 0;

	if (upcall)
		view_upcall(cpu, tcb);
	if (refused) {
		cpu->refusals++;
		cpu->view[cpu->next].ready = false; /* an event will tell */
	}
	if (!upcall || more) {
		syscall_go(tcb, SYS_CORE_REPLY_WAIT, storm_slot_core((unsigned)(cpu - storm_cpus)),
			   DECISION_NONE, 0);
		return;
	}
	dispatcher_answer(cpu, tcb);
	dispatcher_move(cpu, tcb);
	syscall_go(tcb, SYS_SIGNAL, storm_slot_signal((unsigned)storm_random(cpu) % STORM_SIGNALS),
		   0, 0);
	dispatcher_decide(cpu, tcb);
}
