/* SPDX-License-Identifier: BSD-2-Clause */
/* What workers, servers and helpers do in user mode.  See storm.h. */
#include "storm.h"

#include <kern/entry.h>
#include <kern/fastpath.h>

#include "../../fuzz/fuzz.h"

#define ANSWER_KEY   0x5a5a5a5a00000000ull
#define OWN_CPU      STORM_CPUS_MAX
/* Longer than a slice, in fallback too: so nobody has a CPU for long. */
#define TIME_LEAP_NS 12000000u

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
		"nothing", "skip",    "call",    "nb_send", "recv",  "reply",       "reply again",
		"signal",  "wait",    "request", "fault",   "clock", "use of cell", "slot",
		"bind",    "suspend", "resume",  "build",   "core"};

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

/* Capabilities to send: a slot that may be empty by then; where to take them. */
static void caps_prepare(struct tcb *tcb, unsigned tag, cptr_t cap)
{
	struct ipc_buffer *buffer = __atomic_load_n(&tcb->ipc_buffer, __ATOMIC_RELAXED);

	if (buffer == NULL)
		return;
	buffer->caps[0] = cap;
	buffer->recv_slot = STORM_SLOT_SCRATCH(tag, 1);
}

/* ---- Workers --------------------------------------------------------------------------------- */

static void worker_call(struct tcb *tcb, struct storm_thread *thread, unsigned tag, uint64_t random,
			bool call)
{
	unsigned length = (random >> 20 & 3) == 0 ? 1 + (unsigned)(random >> 24) % STORM_CALL_LENGTH
						  : 1 + (unsigned)(random >> 24) % MSG_REGS;
	unsigned caps = (random >> 32 & 3) == 0;
	unsigned server = (unsigned)(random >> 8) % SERVER_EXCEPTION;

	if (__atomic_load_n(&tcb->ipc_buffer, __ATOMIC_RELAXED) == NULL)
		length = 1, caps = 0;
	caps_prepare(tcb, tag, STORM_SLOT_CELL(0, (random >> 34) % (STORM_BUILDERS * STORM_CELLS)));
	oracle_send(tcb, thread, tag, length);
	thread->target = server;
	storm_go(tcb, call ? SYS_CALL : SYS_NB_SEND, STORM_SLOT_ENDPOINT(server),
		 msg_info(0, length, caps), 0);
}

static void worker_fault(struct tcb *tcb, struct storm_thread *thread, unsigned tag,
			 uint64_t random)
{
	uint64_t address = (uint64_t)tag << 32 | ++thread->faults;

	tcb->context.pc = STORM_SVC_PC + 8;
	kernel_fault((random & 64) != 0 ? FAULT_PAGE : FAULT_UNDEFINED, address, FAULT_ACCESS_READ,
		     0);
}

/* Whatever is in the cell: some of these fit it. */
static void worker_cell(struct tcb *tcb, struct storm_thread *thread, unsigned tag, uint64_t random)
{
	static const enum syscall calls[] = {SYS_SIGNAL, SYS_POLL, SYS_WAIT, SYS_NB_SEND,
					     SYS_CALL,   SYS_RECV, SYS_SEND, SYS_REPLY};
	unsigned cell = (unsigned)(random >> 8) % (STORM_BUILDERS * STORM_CELLS);
	enum syscall call = calls[(random >> 16) % (sizeof(calls) / sizeof(calls[0]))];
	cptr_t slot = STORM_SLOT_CELL(0, cell);

	thread->target = cell;
	thread->version = oracle_cell_version(cell);
	if (cell % STORM_CELLS == CELL_TCB && call == SYS_CALL) {
		static const enum method methods[] = {METHOD_TCB_SUSPEND, METHOD_TCB_RESUME,
						      METHOD_TCB_INFO, METHOD_TCB_SUSPEND};

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
		tcb->context.x[2] = arch_now() + (random >> 16) % 50000;
		storm_go(tcb, SYS_CALL,
			 STORM_SLOT_SCHED((random & 1024) != 0 ? OWN_CPU : n % cpus_count),
			 msg_info(((random & 2048) != 0 ? SCHED_REQUEST_INTERRUPTIBLE : 0) |
					  ((random & 4096) != 0 ? SCHED_REQUEST_TIMED : 0) | 1,
				  1, 0),
			 0);
		break;
	default:
		storm_invoke(tcb, STORM_SLOT_TCB(tag),
			     (random & 1024) != 0 ? METHOD_TCB_BIND_NOTIFICATION
						  : METHOD_TCB_UNBIND_NOTIFICATION,
			     STORM_SLOT_SIGNAL(n), 0, 0, 0);
		break;
	}
}

static void user_worker(struct tcb *tcb, struct storm_thread *thread, unsigned tag, uint64_t random)
{
	static const enum storm_op ops[] = {
		OP_CALL,    OP_CALL, OP_CALL, OP_CALL, OP_NB_SEND, OP_SIGNAL, OP_SIGNAL, OP_WAIT,
		OP_REQUEST, OP_CELL, OP_CELL, OP_CELL, OP_SLOT,    OP_FAULT,  OP_BIND,   OP_CLOCK};

	thread->op = ops[random % 16];
	switch (thread->op) {
	case OP_CALL:
	case OP_NB_SEND:
		worker_call(tcb, thread, tag, random, thread->op == OP_CALL);
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
	default:
		worker_signals(tcb, thread, tag, random);
		break;
	}
}

/* ---- Servers --------------------------------------------------------------------------------- */

static void server_answer(struct tcb *tcb, struct storm_thread *thread, uint64_t random)
{
	uint64_t token = thread->asked ^ ANSWER_KEY;
	word_t label = thread->faulted
			       ? ((random & 64) != 0 ? FAULT_REPLY_SKIP : FAULT_REPLY_RESTART)
			       : 0;

	if (thread->faulted && (random & 0xf80) == 0)
		label = FAULT_REPLY_FORWARD;
	tcb->context.x[2] = token;
	tcb->context.x[3] = ~token;
	tcb->context.x[4] = token * 3;
	tcb->context.x[5] = token * 5;
	thread->received = false;
	thread->op = (random & 0x3000) == 0 ? OP_REPLY : OP_RECV;
	storm_go(tcb, thread->op == OP_REPLY ? SYS_REPLY : SYS_REPLY_RECV,
		 thread->op == OP_REPLY ? STORM_SLOT_REPLY(thread->target)
					: STORM_SLOT_ENDPOINT(thread->target),
		 msg_info(label, 4, 0), STORM_SLOT_REPLY(thread->target));
}

static void user_server(struct tcb *tcb, struct storm_thread *thread, unsigned tag, uint64_t random)
{
	unsigned server = tag - STORM_SERVER;
	bool replied = thread->op == OP_REPLY;

	thread->target = server;
	caps_prepare(tcb, tag, 0);
	if (thread->received_caps) {
		thread->received_caps = false;
		thread->op = OP_SLOT;
		storm_invoke(tcb, STORM_SLOT_CNODE, METHOD_CNODE_DELETE, STORM_SLOT_SCRATCH(tag, 1),
			     0, 0, 0);
		return;
	}
	if (replied && (random & 0x300) == 0) {
		/* Nobody can have called since: it does not receive. */
		thread->op = OP_REPLY_AGAIN;
		storm_go(tcb, SYS_REPLY, STORM_SLOT_REPLY(server), msg_info(0, 1, 0), 0);
		return;
	}
	if (!thread->received || (random & 0xf00) == 0) {
		thread->op = OP_RECV;
		storm_go(tcb, SYS_RECV, STORM_SLOT_ENDPOINT(server), 0,
			 !thread->received && (random & 0xf000) == 0 ? 0
								     : STORM_SLOT_REPLY(server));
		return;
	}
	if (server == SERVER_FRONT && thread->op != OP_CALL && (random & 1) == 0) {
		oracle_send(tcb, thread, tag, 4);
		thread->op = OP_CALL;
		storm_go(tcb, SYS_CALL, STORM_SLOT_ENDPOINT(SERVER_BACK), msg_info(0, 4, 0), 0);
		return;
	}
	server_answer(tcb, thread, random);
}

/* ---- Helpers --------------------------------------------------------------------------------- */

/* Suspend somebody; the next time resume him.  Each has targets of its own. */
static void user_helper(struct tcb *tcb, struct storm_thread *thread, unsigned tag, uint64_t random)
{
	bool resume = thread->op == OP_SUSPEND;

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
	if (random >> 59 == 0)
		storm_time_pass(TIME_LEAP_NS);
	if (!storm_engine_allows(tag, thread->nth)) {
		(void)arch_now();
		return;
	}
	thread->pending = true;
	if (tag < STORM_SERVER || tag >= STORM_CHILD)
		user_worker(tcb, thread, tag, random);
	else if (tag < STORM_HELPER)
		user_server(tcb, thread, tag, random);
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
