/* SPDX-License-Identifier: BSD-2-Clause */
/* What workers and helpers do in user mode.  See storm.h. */
#include "storm.h"

#include <abi/object.h>
#include <kern/entry.h>
#include <kern/fastpath.h>

#include "../../fuzz/fuzz.h"

#define OWN_CPU      STORM_CPUS_MAX
/* Longer than a slice, in fallback too: so nobody has a CPU for long. */
#define TIME_LEAP_NS 12000000u
/* Of a step in user mode: so who never blocks does not do most of what is done. */
#define TIME_STEP_NS 8000u

uint64_t storm_random(unsigned tag, uint32_t nth)
{
	uint64_t x = storm_seed * 0x9e3779b97f4a7c15ull + ((uint64_t)tag << 32 | nth);

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

const char *storm_op_name(enum storm_op op)
{
	static const char *const names[OP_COUNT] = {
		"nothing", "skip",        "call",    "send",   "nb_send", "recv",
		"reply",   "reply again", "signal",  "wait",   "request", "fault",
		"clock",   "use of cell", "slot",    "bind",   "handler", "flags",
		"irq",     "decide",      "suspend", "resume", "build",   "core"};

	return op < OP_COUNT ? names[op] : "?";
}

void storm_go(struct tcb *tcb, enum syscall number, cptr_t cap, word_t info, cptr_t reply)
{
	tcb->context.x[0] = cap;
	tcb->context.x[1] = info;
	tcb->context.x[6] = reply;
	tcb->context.x[8] = number;
	tcb->context.pc = STORM_SVC_PC + 4;
	kernel_svc();
}

void storm_invoke(struct tcb *tcb, cptr_t cap, enum method method, word_t w0, word_t w1, word_t w2,
		  word_t w3)
{
	tcb->context.x[2] = w0;
	tcb->context.x[3] = w1;
	tcb->context.x[4] = w2;
	tcb->context.x[5] = w3;
	storm_go(tcb, SYS_CALL, cap, msg_info((word_t)method, 4, 0), 0);
}

void storm_caps_prepare(struct tcb *tcb, unsigned tag, cptr_t cap)
{
	struct ipc_buffer *buffer = __atomic_load_n(&tcb->ipc_buffer, __ATOMIC_RELAXED);

	if (buffer == NULL)
		return;
	buffer->caps[0] = cap;
	buffer->recv_slot = STORM_SLOT_SCRATCH(tag, 1);
}

/* ---- Workers --------------------------------------------------------------------------------- */

static void worker_call(struct tcb *tcb, struct storm_thread *thread, unsigned tag, uint64_t random)
{
	enum syscall number = thread->op == OP_CALL   ? SYS_CALL
			      : thread->op == OP_SEND ? SYS_SEND
						      : SYS_NB_SEND;
	unsigned length = (random >> 20 & 3) == 0 ? 1 + (unsigned)(random >> 24) % STORM_CALL_LENGTH
						  : 1 + (unsigned)(random >> 24) % MSG_REGS;
	unsigned caps = (random >> 32 & 3) == 0;
	unsigned server = (unsigned)(random >> 8) % SERVER_EXCEPTION;

	if (__atomic_load_n(&tcb->ipc_buffer, __ATOMIC_RELAXED) == NULL)
		length = 1, caps = 0;
	storm_caps_prepare(tcb, tag,
			   STORM_SLOT_CELL(0, (random >> 34) % (STORM_BUILDERS * STORM_CELLS)));
	oracle_send(tcb, thread, tag, length);
	thread->target = server;
	storm_go(tcb, number, STORM_SLOT_ENDPOINT(server), msg_info(0, length, caps), 0);
}

static void worker_fault(struct tcb *tcb, struct storm_thread *thread, unsigned tag,
			 uint64_t random)
{
	/* A number that no system call has. */
	uint64_t address = (uint64_t)tag << 32 | ++thread->faults;

	tcb->context.pc = STORM_SVC_PC + 8;
	switch (random >> 6 & 3) {
	case 0:
		/* No fault, unless it may not use FP/SIMD. */
		kernel_fpu_trap();
		break;
	case 1:
		tcb->context.pc = STORM_SVC_PC + 4;
		tcb->context.x[8] = address;
		kernel_svc();
		break;
	default:
		kernel_fault((random & 64) != 0 ? FAULT_PAGE : FAULT_UNDEFINED, address,
			     FAULT_ACCESS_READ, 0);
		break;
	}
}

/* A server that stays, somebody who comes and goes, or nobody. */
static void worker_handler(struct tcb *tcb, unsigned tag, uint64_t random)
{
	unsigned builder = (unsigned)(random >> 16) % STORM_BUILDERS;
	cptr_t pager = STORM_SLOT_ENDPOINT(SERVER_PAGER);
	cptr_t other = STORM_SLOT_ENDPOINT(SERVER_EXCEPTION);

	if ((random >> 8 & 3) == 0)
		pager = (random & 0x1c00) == 0 ? 0 : STORM_SLOT_CELL(builder, CELL_BADGED_ENDPOINT);
	if ((random >> 20 & 3) == 0)
		other = (random & 0x1c00) == 0 ? 0 : STORM_SLOT_CELL(builder, CELL_ENDPOINT);
	storm_invoke(tcb, STORM_SLOT_TCB(tag), METHOD_TCB_SET_FAULT, pager, other, 0, 0);
}

static void worker_flags(struct tcb *tcb, unsigned tag, uint64_t random)
{
	word_t flags = TCB_FLAG_NO_FPU | TCB_FLAG_SERVER;
	word_t set = random >> 8 & flags;

	storm_invoke(tcb, STORM_SLOT_TCB(tag), METHOD_TCB_SET_FLAGS, set, flags & ~set, 0, 0);
}

static void worker_device(struct tcb *tcb, uint64_t random)
{
	unsigned device = (unsigned)(random >> 8) % STORM_IRQS;

	oracle_signal(device, 0);
	storm_device_raise(device);
	storm_invoke(tcb, STORM_SLOT_SPARE(device, SPARE_IRQ), METHOD_IRQ_HANDLER_ACK, 0, 0, 0, 0);
}

/* Whatever is in the cell: some of these fit it. */
static void worker_cell(struct tcb *tcb, struct storm_thread *thread, unsigned tag, uint64_t random)
{
	static const enum syscall calls[] = {SYS_SIGNAL, SYS_POLL, SYS_WAIT, SYS_NB_SEND,
					     SYS_CALL,   SYS_RECV, SYS_SEND, SYS_REPLY,
					     SYS_CALL,   SYS_CALL};
	unsigned cell = (unsigned)(random >> 8) % (STORM_BUILDERS * STORM_CELLS);
	enum syscall call = calls[(random >> 16) % (sizeof(calls) / sizeof(calls[0]))];
	cptr_t slot = STORM_SLOT_CELL(0, cell);

	thread->target = cell;
	thread->version = oracle_cell_version(cell);
	if (cell % STORM_CELLS == CELL_TCB && call == SYS_CALL) {
		static const enum method methods[] = {METHOD_TCB_SUSPEND, METHOD_TCB_RESUME,
						      METHOD_TCB_INFO, METHOD_TCB_SUSPEND};

		if (tag >= STORM_CHILD && (random >> 24 & 7) == 0) {
			thread->version = ORACLE_NOT_JUDGED; /* it goes on if there is a copy */
			storm_invoke(tcb, STORM_SLOT_CNODE, METHOD_CNODE_DELETE,
				     STORM_SLOT_CELL(tag - STORM_CHILD, CELL_TCB), 0, 0, 0);
			return;
		}
		storm_invoke(tcb, slot, methods[(random >> 20) % 4], 0, 0, 0, 0);
		return;
	}
	oracle_send(tcb, thread, tag, MSG_REGS);
	storm_go(tcb, call, slot, msg_info(0x7f, 4, 0), 0);
}

/* Copies that are taken away with what they were copied from. */
static void worker_slot(struct tcb *tcb, unsigned tag, uint64_t random)
{
	static const enum method methods[] = {METHOD_CNODE_COPY,   METHOD_CNODE_DELETE,
					      METHOD_CNODE_MINT,   METHOD_CNODE_MOVE,
					      METHOD_CNODE_REVOKE, METHOD_CNODE_COPY};
	enum method method = methods[(random >> 8) % 6];
	cptr_t own = STORM_SLOT_SCRATCH(tag, (random >> 12) % STORM_SCRATCH);
	cptr_t cell = STORM_SLOT_CELL(0, (random >> 20) % (STORM_BUILDERS * STORM_CELLS));
	cptr_t other = STORM_SLOT_SCRATCH(1 + (random >> 28) % STORM_WORKERS, 0);
	word_t rights = (word_t)((random >> 40 & 1) != 0 ? 31 : 1) << 32;

	if (method == METHOD_CNODE_DELETE || method == METHOD_CNODE_REVOKE)
		storm_invoke(tcb, STORM_SLOT_CNODE, method, (random >> 41 & 1) != 0 ? own : other,
			     0, 0, 0);
	else if (method == METHOD_CNODE_MOVE)
		storm_invoke(tcb, STORM_SLOT_CNODE, method, own, 0, other, 0);
	else
		storm_invoke(tcb, STORM_SLOT_CNODE, method, own | rights, 0,
			     (random >> 42 & 3) == 0 ? other : cell, 0x333);
}

/* A timed one may be put off; cpu: whose dispatcher, if it is not that of the own CPU. */
void storm_request(struct tcb *tcb, unsigned cpu, uint64_t random)
{
	word_t label = ((random & 2048) != 0 ? SCHED_REQUEST_INTERRUPTIBLE : 0) |
		       ((random & 4096) != 0 ? SCHED_REQUEST_TIMED : 0) |
		       ((random & 0x38000) == 0 ? SCHED_REQUEST_YIELD : 0) | 1;
	cptr_t slot = STORM_SLOT_SCHED((random & 1024) != 0 ? OWN_CPU : cpu);

	/* It may not be there. */
	if ((random & 0x6000) == 0)
		slot = STORM_SLOT_SPARE((random >> 32) % STORM_BUILDERS, SPARE_PORT);
	tcb->context.x[2] = arch_now() + (random >> 16) % 50000;
	storm_go(tcb, SYS_CALL, slot, msg_info(label, 1, 0), 0);
}

static void worker_signals(struct tcb *tcb, struct storm_thread *thread, unsigned tag,
			   uint64_t random)
{
	unsigned n = (unsigned)(random >> 12) % STORM_SIGNALS;

	/* The dispatchers' answers to children would need their capabilities. */
	if (tag >= STORM_CHILD && thread->op != OP_SIGNAL && thread->op != OP_WAIT)
		thread->op = OP_CLOCK;
	switch (thread->op) {
	case OP_CLOCK:
		storm_go(tcb, SYS_THREAD_CLOCK, 0, 0, 0);
		break;
	case OP_SIGNAL:
		oracle_signal(n, n);
		storm_go(tcb, SYS_SIGNAL, STORM_SLOT_SIGNALLER(n), 0, 0);
		break;
	case OP_WAIT:
		storm_go(tcb, (random & 1024) != 0 ? SYS_WAIT : SYS_POLL, STORM_SLOT_SIGNAL(n), 0,
			 0);
		break;
	case OP_REQUEST:
		storm_request(tcb, n % cpus_count, random);
		break;
	default:
		storm_invoke(tcb, STORM_SLOT_TCB(tag),
			     (random & 1024) != 0 ? METHOD_TCB_BIND_NOTIFICATION
						  : METHOD_TCB_UNBIND_NOTIFICATION,
			     STORM_SLOT_SIGNAL(n), 0, 0, 0);
		break;
	}
}

/* What only one that stays does to itself. */
static void worker_own(struct tcb *tcb, struct storm_thread *thread, unsigned tag, uint64_t random)
{
	if (tag < STORM_CHILD && thread->op == OP_HANDLER)
		worker_handler(tcb, tag, random);
	else if (tag < STORM_CHILD && thread->op == OP_FLAGS)
		worker_flags(tcb, tag, random);
	else
		worker_signals(tcb, thread, tag, random);
}

static void user_worker(struct tcb *tcb, struct storm_thread *thread, unsigned tag, uint64_t random)
{
	static const enum storm_op ops[] = {
		OP_CALL,    OP_CALL,    OP_CALL,    OP_CALL,   OP_CALL,   OP_CALL,   OP_CALL,
		OP_SEND,    OP_NB_SEND, OP_NB_SEND, OP_SIGNAL, OP_SIGNAL, OP_SIGNAL, OP_WAIT,
		OP_WAIT,    OP_REQUEST, OP_REQUEST, OP_CELL,   OP_CELL,   OP_CELL,   OP_CELL,
		OP_CELL,    OP_SLOT,    OP_SLOT,    OP_FAULT,  OP_CALL,   OP_BIND,   OP_CLOCK,
		OP_HANDLER, OP_FLAGS,   OP_IRQ,     OP_DECIDE};

	thread->op = ops[random % 32];
	switch (thread->op) {
	case OP_CALL:
	case OP_SEND:
	case OP_NB_SEND:
		worker_call(tcb, thread, tag, random);
		break;
	case OP_CELL:
		worker_cell(tcb, thread, tag, random);
		break;
	case OP_SLOT:
		worker_slot(tcb, tag, random);
		break;
	case OP_FAULT:
		worker_fault(tcb, thread, tag, random);
		break;
	case OP_CLOCK:
		storm_go(tcb, SYS_THREAD_CLOCK, 0, 0, 0);
		break;
	case OP_IRQ:
		worker_device(tcb, random);
		break;
	case OP_DECIDE:
		storm_go(tcb, SYS_CORE_REPLY_WAIT, STORM_SLOT_CORE((random >> 8) % cpus_count),
			 DECISION_NONE, 0);
		break;
	default:
		worker_own(tcb, thread, tag, random);
		break;
	}
}

/* ---- Helpers --------------------------------------------------------------------------------- */

/* Suspend somebody; the next time resume him; mostly wait for a dispatcher then, or helpers would do most of
 * what is done.  Each has targets of its own. */
static void user_helper(struct tcb *tcb, struct storm_thread *thread, unsigned tag, uint64_t random)
{
	bool resume = thread->op == OP_SUSPEND;

	if (!resume && thread->op != OP_REQUEST && (random & 7) != 0) {
		thread->op = OP_REQUEST;
		storm_request(tcb, 0, random);
		return;
	}
	if (!resume) {
		unsigned n = (unsigned)(random >> 8) % (STORM_WORKERS + STORM_SERVERS);

		thread->target = 1 + n - (n + tag) % STORM_HELPERS;
		if (thread->target == 0)
			thread->target = STORM_HELPERS;
	}
	thread->op = resume ? OP_RESUME : OP_SUSPEND;
	if (resume)
		__atomic_store_n(&storm_threads[thread->target].forbidden, 0, __ATOMIC_RELAXED);
	storm_invoke(tcb, STORM_SLOT_TCB(thread->target),
		     resume ? METHOD_TCB_RESUME : METHOD_TCB_SUSPEND, 0, 0, 0, 0);
}

/* ---- All ------------------------------------------------------------------------------------- */

static void user_next(struct tcb *tcb, struct storm_thread *thread, unsigned tag)
{
	uint64_t random = storm_random(tag, ++thread->nth);

	storm_engine_about(tag, thread->nth, thread->op, thread->target);
	storm_time_pass(random >> 59 == 0 ? TIME_LEAP_NS : (random >> 44) % TIME_STEP_NS);
	if (!storm_engine_allows(tag, thread->nth)) {
		(void)arch_now();
		return;
	}
	thread->pending = true;
	if (tag < STORM_SERVER || (tag >= STORM_CHILD && !thread->serves))
		user_worker(tcb, thread, tag, random);
	else if (tag < STORM_HELPER || tag >= STORM_CHILD)
		storm_serve(tcb, thread, tag, random);
	else if (tag < STORM_BUILDER)
		user_helper(tcb, thread, tag, random);
	else if (tag < STORM_SUPERVISOR)
		storm_build(tcb, thread, random);
	else
		storm_supervise(tcb, thread, random);
}

void storm_user(struct tcb *tcb)
{
	unsigned tag = (unsigned)tcb->tag;
	struct storm_thread *thread;

	fuzz_check(tag >= 1 && tag <= STORM_THREADS);
	thread = &storm_threads[tag];
	fuzz_check(__atomic_load_n(&thread->forbidden, __ATOMIC_RELAXED) == 0);
	if (tcb->context.sp == STORM_SP_STARTED) {
		tcb->context.sp = 0;
		thread->pending = false;
	}
	/* Nobody may be there to skip it. */
	if (tcb->context.pc == STORM_SVC_PC && thread->op == OP_FAULT && ++thread->faults % 4 == 0)
		tcb->context.pc = STORM_SVC_PC + 4;
	if (tcb->context.pc == STORM_SVC_PC) {
		storm_engine_about(tag, thread->nth, thread->op, thread->target);
		tcb->context.pc = STORM_SVC_PC + 4;
		kernel_svc();
		return;
	}
	if (thread->pending) {
		thread->pending = false;
		oracle_result(tcb, thread);
	}
	user_next(tcb, thread, tag);
}
