/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel against its users: threads on two CPUs make arbitrary system calls on real capabilities,
 * fault, and are interrupted; dispatchers decide anything.
 *
 * First byte: which CPUs have a dispatcher (bits 0, 1), and whether thread 3 is passive (bit 2).
 * Then operations: a byte says what (low bits) and on which CPU (bit 7), operands follow.
 * programs.py writes the seeds.
 */
#include "fuzz.h"
#include "kernel/machine.h"

#include <kern/thread.h>

#define OPERATIONS_MAX 200u
#define SLOTS          48u

static const struct {
	enum object_type type;
	enum method method;
} methods[] = {
#define X(object, name, number, arguments, result, meaning) \
	{OBJ_##object, METHOD_##object##_##name},
	METHOD_LIST(X)
#undef X
};
#define METHODS (sizeof(methods) / sizeof(methods[0]))

static uint64_t slot_of_type(struct fuzz_input *input, const struct tcb *tcb, enum object_type type)
{
	uint8_t start = fuzz_u8(input);
	struct cap cap;

	for (unsigned i = 0; i < SLOTS; i++) {
		cptr_t slot = (start + i) % SLOTS;

		if (cap_lookup(tcb, slot, &cap) == ERR_OK && cap.type == type)
			return slot;
	}
	return start;
}

static void buffer_fill(struct fuzz_input *input, struct tcb *tcb, unsigned length)
{
	struct ipc_buffer *buffer = machine_buffer(tcb);

	if (buffer == NULL)
		return;
	for (unsigned i = MSG_REGS; i < length && i < MSG_WORDS_MAX; i++)
		buffer->msg[i] = fuzz_number(input);
	buffer->caps[0] = fuzz_u8(input);
	buffer->caps[1] = fuzz_u8(input);
	buffer->recv_slot = fuzz_u8(input);
}

/* Any registers at all. */
static void op_raw(struct fuzz_input *input, unsigned cpu)
{
	uint64_t x[9];

	for (unsigned i = 0; i < 9; i++)
		x[i] = fuzz_number(input);
	machine_syscall(cpu, x);
}

static void op_invoke(struct fuzz_input *input, unsigned cpu, struct tcb *tcb)
{
	unsigned n = fuzz_u8(input) % METHODS;
	uint64_t x[9] = {[8] = SYS_CALL};
	unsigned length = 4;

	x[0] = slot_of_type(input, tcb, methods[n].type);
	for (unsigned i = 0; i < MSG_REGS; i++)
		x[2 + i] = fuzz_number(input);
	if (methods[n].method == METHOD_TCB_WRITE_REGS ||
	    methods[n].method == METHOD_SYSTEM_DEBUG_WRITE)
		length = 40;
	x[1] = msg_info(methods[n].method, length, 0);
	if (length > MSG_REGS)
		buffer_fill(input, tcb, length);
	machine_syscall(cpu, x);
}

/* Memory into objects of each kind, which random words seldom are. */
static void op_retype(struct fuzz_input *input, unsigned cpu, struct tcb *tcb)
{
	uint64_t type = fuzz_u8(input) % OBJ_COUNT;
	uint64_t bits = fuzz_u8(input) % 24;
	uint64_t count = fuzz_u8(input) % 8;
	uint64_t x[9] = {slot_of_type(input, tcb, OBJ_UNTYPED),
			 msg_info(METHOD_UNTYPED_RETYPE, 3, 0),
			 type | bits << 8 | count << 16,
			 0,
			 fuzz_u8(input) & 127,
			 0,
			 0,
			 0,
			 SYS_CALL};

	machine_syscall(cpu, x);
}

static void op_copy(struct fuzz_input *input, unsigned cpu)
{
	static const uint64_t labels[] = {METHOD_CNODE_COPY, METHOD_CNODE_MINT, METHOD_CNODE_MOVE,
					  METHOD_CNODE_COPY};
	uint8_t kind = fuzz_u8(input);
	uint64_t rights = (kind & 4) != 0 ? RIGHT_ALL : fuzz_u8(input);
	uint64_t x[9] = {SLOT_CNODE,
			 msg_info(labels[kind & 3], 4, 0),
			 fuzz_u8(input) | rights << 32,
			 0,
			 fuzz_u8(input),
			 fuzz_u8(input),
			 0,
			 0,
			 SYS_CALL};

	machine_syscall(cpu, x);
}

/* Messages: few endpoints, so that they meet. */
static void op_ipc(struct fuzz_input *input, unsigned cpu, struct tcb *tcb)
{
	static const enum syscall calls[] = {SYS_CALL, SYS_REPLY_RECV, SYS_SEND,  SYS_NB_SEND,
					     SYS_RECV, SYS_NB_RECV,    SYS_REPLY, SYS_SIGNAL,
					     SYS_WAIT, SYS_POLL,       SYS_CALL,  SYS_THREAD_CLOCK};
	uint8_t kind = fuzz_u8(input);
	uint8_t target = fuzz_u8(input);
	enum syscall call = calls[kind % (sizeof(calls) / sizeof(calls[0]))];
	unsigned length = fuzz_u8(input) & 127;
	uint64_t label = (target & 32) != 0 ? SCHED_REQUEST_INTERRUPTIBLE | 1 : target & 3;
	uint64_t x[9] = {SLOT_ENDPOINT + (target & 3), msg_info(label, length, target >> 6)};

	if (call == SYS_REPLY)
		x[0] = SLOT_REPLY + (target & 1);
	if (call == SYS_SIGNAL || call == SYS_WAIT || call == SYS_POLL)
		x[0] = SLOT_NOTIFICATION + target % 3;
	if (kind % 12 == 10)
		x[0] = SLOT_SCHED;
	x[2] = target;
	x[6] = (kind & 0x80) != 0 ? SLOT_REPLY + (target >> 2 & 1) : 0;
	x[8] = call;
	if (length > MSG_REGS || (target >> 6) != 0)
		buffer_fill(input, tcb, length < 12 ? length : 12);
	machine_syscall(cpu, x);
}

/* Frames and tables where they can be; then the CPU touches the place. */
static void op_map(struct fuzz_input *input, unsigned cpu, struct tcb *tcb)
{
	static const struct {
		enum object_type type;
		enum method method;
	} kinds[] = {{OBJ_FRAME, METHOD_FRAME_MAP},
		     {OBJ_PAGE_TABLE, METHOD_PAGE_TABLE_MAP},
		     {OBJ_FRAME, METHOD_FRAME_UNMAP},
		     {OBJ_PAGE_TABLE, METHOD_PAGE_TABLE_UNMAP}};
	uint8_t kind = fuzz_u8(input);
	uint8_t place = fuzz_u8(input);
	uint64_t vaddr = (uint64_t)(place & 3) << 30 | (uint64_t)(place >> 2 & 3) << 21 |
			 (uint64_t)(16 + (place >> 4)) << 12;
	uint64_t x[9] = {slot_of_type(input, tcb, kinds[kind & 3].type),
			 msg_info(kinds[kind & 3].method, 3, 0),
			 SLOT_VSPACE,
			 vaddr,
			 kind >> 2 & 15,
			 0,
			 0,
			 0,
			 SYS_CALL};

	machine_syscall(cpu, x);
	machine_touch(cpu, vaddr);
}

/* What a dispatcher does before it decides: answer, move, signal. */
static void op_manage(struct fuzz_input *input, unsigned cpu)
{
	uint8_t kind = fuzz_u8(input);
	uint64_t tcb = WORLD_THREAD(kind % WORLD_THREADS);
	uint64_t x[9] = {tcb,     msg_info(METHOD_TCB_ANSWER, 4, 0), fuzz_u8(input), 1, 2, 3, 0, 0,
			 SYS_CALL};

	if ((kind & 64) != 0) {
		x[1] = msg_info(METHOD_TCB_SET_HOME, 1, 0);
		x[2] = SLOT_CORE0 + (kind >> 7);
	}
	machine_syscall(cpu, x);
}

/* What runs is the dispatcher of this CPU: decide well, or in any way. */
static void op_decide(struct fuzz_input *input, unsigned cpu)
{
	uint8_t kind = fuzz_u8(input);
	const struct list_node *node = list_first(&cpus[cpu].core.ready);
	uint64_t x[9] = {SLOT_CORE0 + cpu,   DECISION_IDLE, 0, 0, 0, TIME_NEVER, 0, 0,
			 SYS_CORE_REPLY_WAIT};

	if ((kind & 0x30) == 0x30) {
		op_manage(input, cpu);
		return;
	}
	if ((kind & 3) == 3) {
		for (unsigned i = 1; i < 6; i++)
			x[i] = fuzz_number(input);
	} else if ((kind & 3) == 2) {
		x[1] = DECISION_NONE;
	} else if (node != NULL) {
		const struct tcb *ready = container_of_const(node, struct tcb, ready_link);

		/* Tags of a world's threads are their numbers from 1 on. */
		x[1] = DECISION_RUN;
		x[2] = WORLD_THREAD(ready->tag - 1);
		x[3] = ready->seq + ((kind & 4) != 0);
		x[4] = 1000000;
		x[5] = (kind & 8) != 0 ? arch_now() + 50000 : TIME_NEVER;
	}
	machine_syscall(cpu, x);
}

static void op_user(struct fuzz_input *input, unsigned cpu, unsigned op)
{
	struct tcb *tcb = machine_current(cpu);

	/* A dispatcher that does anything else soon is none. */
	if (tcb == cpus[cpu].core.dispatcher && op < 10) {
		op_decide(input, cpu);
		return;
	}
	switch (op) {
	case 0:
		op_raw(input, cpu);
		break;
	case 1:
	case 2:
	case 3:
		op_invoke(input, cpu, tcb);
		break;
	case 4:
		op_retype(input, cpu, tcb);
		break;
	case 5:
		op_copy(input, cpu);
		break;
	case 6:
		op_map(input, cpu, tcb);
		break;
	case 10:
		op_invoke(input, cpu, tcb);
		break;
	case 11:
		machine_fault(cpu, (enum fault)(1 + fuzz_u8(input) % (FAULT_COUNT - 1)),
			      fuzz_number(input), fuzz_u8(input));
		break;
	case 12:
		machine_fpu_trap(cpu);
		break;
	default:
		op_ipc(input, cpu, tcb);
		break;
	}
}

static void operation(struct fuzz_input *input)
{
	uint8_t byte = fuzz_u8(input);
	unsigned cpu = byte >> 7;
	unsigned op = byte & 15;

	if (op == 13)
		machine_advance(1000ull * fuzz_u16(input));
	else if (op == 14)
		machine_irq(32 + (fuzz_u8(input) & 15));
	else if (op == 15)
		machine_interrupt(cpu);
	else if (machine_at(cpu) == AT_USER)
		op_user(input, cpu, op);
	/* Bit 6: the next operation comes before the other CPU has seen this one. */
	if ((byte & 64) == 0)
		machine_settle();
	else if (machine_at(cpu) != AT_USER)
		(void)machine_step();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};

	world_make(fuzz_u8(&input));
	for (unsigned i = 0; i < OPERATIONS_MAX && input.left > 0; i++)
		operation(&input);
	machine_settle();
	machine_check();
	world_end();
	return 0;
}
