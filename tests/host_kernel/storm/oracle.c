/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The model: what a system call may say, given what was begun and ended before it.  It knows no
 * order of the kernel's own, so it is right on any number of CPUs:
 *
 *   messages       words of one message stay together; each arrives once, at one receiver, with the
 *                  badge of the capability that it was sent with; an answer goes to who asked
 *   signals        a bit is received at most as often as it was signalled
 *   capabilities   a slot that was empty all the time that a call took is never found full, one that
 *                  was full is never found empty
 *   threads        one that was stopped executes nothing until it is resumed
 *
 * Relaxed atomics, so that the race detector sees the kernel's own order only; on the host's own
 * memory (x86) they are ordered as they stand.
 */
#include "storm.h"

#include "../../fuzz/fuzz.h"

#define ANSWER_KEY 0x5a5a5a5a00000000ull

bool storm_planted;

static uint64_t signalled[STORM_SIGNALS]; /* atomic */
static uint64_t received[STORM_SIGNALS];  /* atomic */

void oracle_reset(void)
{
	memset(storm_threads, 0, sizeof(storm_threads));
	memset(storm_cells, 0, sizeof(storm_cells));
	memset(&storm_totals, 0, sizeof(storm_totals));
	memset(signalled, 0, sizeof(signalled));
	memset(received, 0, sizeof(received));
}

enum error storm_error(const struct tcb *tcb)
{
	return (enum error)(-(int64_t)tcb->context.x[0]);
}

/* ---- Messages -------------------------------------------------------------------------------- */

void oracle_send(struct tcb *tcb, struct storm_thread *thread, unsigned tag, unsigned length)
{
	struct ipc_buffer *buffer = __atomic_load_n(&tcb->ipc_buffer, __ATOMIC_RELAXED);

	thread->token = (uint64_t)tag << 32 | ++thread->sent;
	tcb->context.x[2] = thread->token;
	tcb->context.x[3] = ~thread->token;
	tcb->context.x[4] = thread->token * 3;
	tcb->context.x[5] = thread->token * 5;
	if (buffer == NULL)
		return;
	for (unsigned i = MSG_REGS; i < length; i++)
		buffer->msg[i] = thread->token + i;
}

static void words_check(const struct tcb *tcb, uint64_t token, unsigned length)
{
	const struct ipc_buffer *buffer = __atomic_load_n(&tcb->ipc_buffer, __ATOMIC_RELAXED);

	fuzz_check(length < 2 || tcb->context.x[3] == ~token);
	fuzz_check(length < 3 || tcb->context.x[4] == token * 3);
	fuzz_check(length < 4 || tcb->context.x[5] == token * 5);
	for (unsigned i = MSG_REGS; buffer != NULL && i < length; i++)
		fuzz_check(buffer->msg[i] == token + i);
}

static bool badge_right(const struct tcb *tcb, const struct storm_thread *thread)
{
	unsigned builder = (unsigned)tcb->tag - STORM_CHILD;

	if (tcb->tag < STORM_CHILD)
		return tcb->context.x[6] == STORM_BADGE_ENDPOINT(thread->target);
	return tcb->context.x[6] == 0 ||
	       tcb->context.x[6] == STORM_BADGE_CELL(builder, CELL_BADGED_ENDPOINT);
}

/* A server has a message. */
static void message_check(const struct tcb *tcb, struct storm_thread *thread)
{
	uint64_t token = tcb->context.x[2];
	unsigned length = msg_length(tcb->context.x[1]);
	unsigned tag = (unsigned)(token >> 32);
	uint32_t number;

	fuzz_check(badge_right(tcb, thread));
	fuzz_check(tag >= 1 && tag <= STORM_THREADS && length >= 1);
	words_check(tcb, token, length);
	number = (uint32_t)token;
	fuzz_check(__atomic_exchange_n(&storm_threads[tag].seen[number % STORM_SEEN], number,
				       __ATOMIC_RELAXED) != number); /* not twice */
	thread->received_caps = msg_caps(tcb->context.x[1]) != 0;
	if (thread->received_caps)
		__atomic_fetch_add(&storm_totals.transfers, 1, __ATOMIC_RELAXED);
}

static void fault_check(const struct tcb *tcb)
{
	word_t kind = msg_label(tcb->context.x[1]);
	uint64_t tag = tcb->context.x[2] >> 32;
	word_t pc = tcb->context.x[3];

	if (kind == FAULT_FPU) {
		fuzz_check(pc == STORM_SVC_PC + 8 && tcb->context.x[2] == pc);
		return;
	}
	fuzz_check(kind == FAULT_PAGE || kind == FAULT_UNDEFINED || kind == FAULT_SYSCALL);
	fuzz_check(tag >= 1 && tag <= STORM_THREADS);
	fuzz_check(pc == (kind == FAULT_SYSCALL ? STORM_SVC_PC : STORM_SVC_PC + 8));
	/* The thread stands still while it is in the fault, so its own count may be read. */
	fuzz_check((tcb->context.x[2] & 0xffffffffu) != 0);
}

static void notified_check(uint64_t bits)
{
	fuzz_check(bits != 0);
	for (unsigned i = 0; i < STORM_SIGNALS; i++)
		if ((bits & (16u << i) & STORM_SIGNAL_BITS) != 0)
			fuzz_check(__atomic_add_fetch(&received[i], 1, __ATOMIC_RELAXED) <=
				   __atomic_load_n(&signalled[i], __ATOMIC_RELAXED));
}

void oracle_signal(unsigned notification, unsigned bit)
{
	(void)bit;
	__atomic_fetch_add(&signalled[notification], 1, __ATOMIC_RELAXED);
}

static bool is_child(const struct storm_thread *thread)
{
	return thread >= &storm_threads[STORM_CHILD];
}

static void recv_result(const struct tcb *tcb, struct storm_thread *thread)
{
	enum error error = storm_error(tcb);
	bool faulted = (tcb->context.x[1] & MSG_FAULTED) != 0;

	if (error != ERR_OK) {
		/* What a child has may go at any time. */
		fuzz_check(is_child(thread) || error == ERR_CANCELLED || error == ERR_BUSY ||
			   error == ERR_NO_REPLY || error == ERR_DELETED ||
			   error == ERR_WOULD_BLOCK);
		return;
	}
	if ((tcb->context.x[1] & MSG_NOTIFIED) != 0) {
		notified_check(tcb->context.x[6]);
		return;
	}
	if (faulted)
		fault_check(tcb);
	else
		message_check(tcb, thread);
	if (thread->into < STORM_REPLIES)
		thread->asked[thread->into] = (struct storm_asked){
			.held = true, .faulted = faulted, .token = tcb->context.x[2]};
}

/* A child's buffer may be revoked between its own look at it and the kernel's. */
static bool buffer_lost(const struct storm_thread *thread, enum error error)
{
	return (error == ERR_ARG || error == ERR_TRUNCATED) && is_child(thread);
}

static void call_result(const struct tcb *tcb, const struct storm_thread *thread)
{
	enum error error = storm_error(tcb);
	uint32_t number;

	if (error != ERR_OK) {
		fuzz_check(buffer_lost(thread, error) || error == ERR_CANCELLED ||
			   error == ERR_DELETED || error == ERR_NO_REPLY || error == ERR_PASSIVE);
		return;
	}
	fuzz_check(!storm_planted);
	fuzz_check(tcb->context.x[2] == (thread->token ^ ANSWER_KEY));
	words_check(tcb, thread->token ^ ANSWER_KEY, msg_length(tcb->context.x[1]));
	number = (uint32_t)thread->token;
	fuzz_check(__atomic_load_n(&thread->seen[number % STORM_SEEN], __ATOMIC_RELAXED) == number);
}

/* ---- Capabilities ---------------------------------------------------------------------------- */

static struct storm_cell_state *cell_of(unsigned cell)
{
	return &storm_cells[cell / STORM_CELLS][cell % STORM_CELLS];
}

void oracle_cell_begin(unsigned builder, unsigned cell)
{
	__atomic_fetch_add(&storm_cells[builder][cell].version, 1, __ATOMIC_RELAXED);
}

void oracle_cell_end(unsigned builder, unsigned cell, bool live)
{
	__atomic_store_n(&storm_cells[builder][cell].live, live, __ATOMIC_RELAXED);
	__atomic_fetch_add(&storm_cells[builder][cell].version, 1, __ATOMIC_RELAXED);
}

uint32_t oracle_cell_version(unsigned cell)
{
	return __atomic_load_n(&cell_of(cell)->version, __ATOMIC_RELAXED);
}

/* Answered by a child, or by somebody else who found the reply object. */
static bool is_call(const struct tcb *tcb, const struct storm_thread *thread)
{
	unsigned cell = thread->target % STORM_CELLS;

	return tcb->context.x[8] == SYS_CALL &&
	       (cell == CELL_ENDPOINT || cell == CELL_BADGED_ENDPOINT);
}

static void cell_result(const struct tcb *tcb, const struct storm_thread *thread)
{
	enum error error = storm_error(tcb);
	bool live = __atomic_load_n(&cell_of(thread->target)->live, __ATOMIC_RELAXED) != 0;

	fuzz_check(error < ERR_INTERNAL);
	if (error == ERR_OK && is_call(tcb, thread))
		words_check(tcb, tcb->context.x[2], msg_length(tcb->context.x[1]));
	if ((thread->version & 1) != 0 || oracle_cell_version(thread->target) != thread->version)
		return;
	/* The reply object or the server may have gone; a child may delete its own thread's capability. */
	if (live)
		fuzz_check((error != ERR_CAP_INVALID || thread->target % STORM_CELLS == CELL_TCB) &&
			   (error != ERR_DELETED || is_call(tcb, thread)));
	else
		fuzz_check(error == ERR_CAP_INVALID);
}

/* ---- Results --------------------------------------------------------------------------------- */

static void wait_result(const struct tcb *tcb)
{
	if (storm_error(tcb) == ERR_OK)
		notified_check(tcb->context.x[6]);
	else
		fuzz_check(storm_error(tcb) == ERR_CANCELLED ||
			   storm_error(tcb) == ERR_WOULD_BLOCK);
}

static void request_result(const struct tcb *tcb)
{
	enum error error = storm_error(tcb);

	/* A port may be gone. */
	fuzz_check(error == ERR_OK || error == ERR_RESTARTED || error == ERR_CANCELLED ||
		   error == ERR_CAP_INVALID);
	if (error == ERR_OK && msg_label(tcb->context.x[1]) == ERR_CANCELLED)
		notified_check(tcb->context.x[3]);
}

static void stop_result(const struct tcb *tcb, const struct storm_thread *thread)
{
	struct storm_thread *target = &storm_threads[thread->target];

	fuzz_check(storm_error(tcb) == ERR_OK || thread->op == OP_RESUME);
	if (thread->op == OP_SUSPEND)
		__atomic_store_n(&target->forbidden, 1, __ATOMIC_RELAXED);
}

static void reply_result(const struct tcb *tcb, const struct storm_thread *thread)
{
	enum error error = storm_error(tcb);

	if (thread->op == OP_REPLY_AGAIN)
		fuzz_check(error == ERR_NO_REPLY);
	else
		fuzz_check(error == ERR_OK || error == ERR_NO_REPLY || error == ERR_STATE ||
			   is_child(thread));
}

void oracle_result(const struct tcb *tcb, struct storm_thread *thread)
{
	enum error error = storm_error(tcb);

	switch (thread->op) {
	case OP_CALL:
		call_result(tcb, thread);
		break;
	case OP_RECV:
		recv_result(tcb, thread);
		break;
	case OP_REPLY:
	case OP_REPLY_AGAIN:
		reply_result(tcb, thread);
		break;
	case OP_SEND:
	case OP_NB_SEND:
		fuzz_check(error == ERR_OK || error == ERR_PASSIVE || buffer_lost(thread, error) ||
			   error == (thread->op == OP_SEND ? ERR_CANCELLED : ERR_WOULD_BLOCK));
		break;
	case OP_SIGNAL:
	case OP_CLOCK:
	case OP_FLAGS:
		fuzz_check(error == ERR_OK);
		break;
	case OP_DECIDE:
		fuzz_check(error == ERR_UNBOUND);
		break;
	case OP_WAIT:
		wait_result(tcb);
		break;
	case OP_REQUEST:
		request_result(tcb);
		break;
	case OP_CELL:
		cell_result(tcb, thread);
		break;
	case OP_SUSPEND:
	case OP_RESUME:
		stop_result(tcb, thread);
		break;
	case OP_BUILD:
	case OP_CORE:
		storm_build_result(tcb, thread);
		break;
	default:
		break;
	}
	if (thread->op != OP_FAULT && error == ERR_OK)
		__atomic_fetch_add(&storm_totals.done[thread->op], 1, __ATOMIC_RELAXED);
}
