/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What servers do in user mode: those that stay have two reply objects, and may keep one caller waiting
 * while they receive the next; children have what is in their builder's cells.  See storm.h.
 */
#include "storm.h"

#include <abi/object.h>

#include "../../fuzz/fuzz.h"

#define ANSWER_KEY 0x5a5a5a5a00000000ull
#define NO_REPLY   STORM_REPLIES

static bool is_child(unsigned tag)
{
	return tag >= STORM_CHILD;
}

static cptr_t reply_slot(unsigned tag, unsigned reply)
{
	return is_child(tag) ? STORM_SLOT_CELL(tag - STORM_CHILD, CELL_REPLY)
			     : STORM_SLOT_REPLY(tag - STORM_SERVER, reply);
}

static cptr_t own_endpoint(struct storm_thread *thread, unsigned tag)
{
	if (is_child(tag))
		return STORM_SLOT_CELL(tag - STORM_CHILD, CELL_ENDPOINT);
	thread->target = tag - STORM_SERVER;
	return STORM_SLOT_ENDPOINT(thread->target);
}

/* Sometimes it takes what waits for another server. */
static void receive(struct tcb *tcb, struct storm_thread *thread, unsigned tag, unsigned reply,
		    uint64_t random)
{
	cptr_t endpoint = own_endpoint(thread, tag);
	bool block = (random & 0x1800000) != 0;

	if (!block && !is_child(tag)) {
		thread->target = (unsigned)(random >> 20) % STORM_SERVERS;
		endpoint = STORM_SLOT_ENDPOINT(thread->target);
	}
	thread->op = OP_RECV;
	thread->into = reply;
	storm_go(tcb, block ? SYS_RECV : SYS_NB_RECV, endpoint, 0,
		 reply == NO_REPLY ? CPTR_NULL : reply_slot(tag, reply));
}

static word_t fault_label(uint64_t random)
{
	if ((random & 0x380) == 0)
		return FAULT_REPLY_FORWARD;
	if ((random & 0x7c00) == 0)
		return FAULT_REPLY_STOP;
	return (random & 64) != 0 ? FAULT_REPLY_SKIP : FAULT_REPLY_RESTART;
}

static void answer(struct tcb *tcb, struct storm_thread *thread, unsigned tag, unsigned reply,
		   uint64_t random)
{
	struct storm_asked *asked = &thread->asked[reply];
	uint64_t token = asked->token ^ ANSWER_KEY;
	word_t info = msg_info(asked->faulted ? fault_label(random) : 0, 4, 0);

	tcb->context.x[2] = token;
	tcb->context.x[3] = ~token;
	tcb->context.x[4] = token * 3;
	tcb->context.x[5] = token * 5;
	asked->held = false;
	thread->into = reply;
	thread->op = (random & 0x3000) == 0 ? OP_REPLY : OP_RECV;
	if (thread->op == OP_REPLY)
		storm_go(tcb, SYS_REPLY, reply_slot(tag, reply), info, 0);
	else
		storm_go(tcb, SYS_REPLY_RECV, own_endpoint(thread, tag), info,
			 reply_slot(tag, reply));
}

/* Of its own: to run on its callers' time only, or not. */
static void flags_change(struct tcb *tcb, struct storm_thread *thread, unsigned tag,
			 uint64_t random)
{
	word_t flags = TCB_FLAG_PASSIVE | TCB_FLAG_SERVER;
	word_t set = random >> 8 & flags;

	thread->op = OP_FLAGS;
	storm_invoke(tcb, STORM_SLOT_TCB(tag), METHOD_TCB_SET_FLAGS, set, flags & ~set, 0, 0);
}

/* What comes before messages. */
static bool serve_other(struct tcb *tcb, struct storm_thread *thread, unsigned tag, uint64_t random)
{
	if (thread->received_caps) {
		thread->received_caps = false;
		thread->op = OP_SLOT;
		storm_invoke(tcb, STORM_SLOT_CNODE, METHOD_CNODE_DELETE, STORM_SLOT_SCRATCH(tag, 1),
			     0, 0, 0);
		return true;
	}
	if (thread->op == OP_REPLY && (random & 0x300) == 0 && !is_child(tag)) {
		/* Nobody can have called since: it does not receive. */
		thread->op = OP_REPLY_AGAIN;
		storm_go(tcb, SYS_REPLY, reply_slot(tag, thread->into), msg_info(0, 1, 0), 0);
		return true;
	}
	if ((random & 0x3f000000) == 0 && !is_child(tag)) {
		flags_change(tcb, thread, tag, random);
		return true;
	}
	return false;
}

void storm_serve(struct tcb *tcb, struct storm_thread *thread, unsigned tag, uint64_t random)
{
	unsigned reply = is_child(tag) ? 0 : (unsigned)(random >> 32 & 1);
	const struct storm_asked *asked = thread->asked;

	storm_caps_prepare(tcb, tag, 0);
	if (serve_other(tcb, thread, tag, random))
		return;
	if (!asked[reply].held && asked[!reply].held && (random & 0x600000000) != 0)
		reply = !reply;
	if (!asked[reply].held || (random & 0xf00) == 0) {
		if (!asked[reply].held && (random & 0xf000) == 0)
			reply = NO_REPLY;
		receive(tcb, thread, tag, reply, random);
		return;
	}
	if ((tag == STORM_SERVER + SERVER_FRONT || is_child(tag)) && thread->op != OP_CALL &&
	    (random & 1) == 0) {
		oracle_send(tcb, thread, tag, 4);
		thread->op = OP_CALL;
		storm_go(tcb, SYS_CALL, STORM_SLOT_ENDPOINT(SERVER_BACK), msg_info(0, 4, 0), 0);
		return;
	}
	answer(tcb, thread, tag, reply, random);
}
