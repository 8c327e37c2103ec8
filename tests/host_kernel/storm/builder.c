/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Builders make objects of their untyped memory, use them for a while and revoke it all, while
 * others use the same slots; the memory is used again at once, as something else.  The supervisor
 * replaces dispatchers and moves homes.  See storm.h.
 */
#include "storm.h"

#include <abi/object.h>

#include "../../fuzz/fuzz.h"

#define ALL_CELLS   100u
#define NO_CELL     101u
#define LIFE_STEPS  12u
#define FRAMES      3u
#define CHILD_STEPS 8u

/* ---- Builders -------------------------------------------------------------------------------- */

static unsigned cell_count(unsigned cell)
{
	return cell == CELL_FRAME ? FRAMES : 1;
}

static bool cell_live(unsigned builder, unsigned cell)
{
	return __atomic_load_n(&storm_cells[builder][cell].live, __ATOMIC_RELAXED) != 0;
}

static void cells_begin(struct storm_thread *thread, unsigned builder, unsigned cell)
{
	thread->target = cell;
	if (cell == ALL_CELLS) {
		for (unsigned i = 0; i < STORM_CELLS; i++)
			oracle_cell_begin(builder, i);
	} else if (cell != NO_CELL) {
		for (unsigned i = 0; i < cell_count(cell); i++)
			oracle_cell_begin(builder, cell + i);
	}
}

/* There is something afterwards if it says so, or nothing was done and there was. */
static void cells_end(const struct storm_thread *thread, unsigned builder, bool done, bool live)
{
	unsigned first = thread->target == ALL_CELLS ? 0 : thread->target;
	unsigned count = thread->target == ALL_CELLS ? STORM_CELLS : cell_count(first);

	if (thread->target == NO_CELL)
		return;
	for (unsigned i = first; i < first + count; i++)
		oracle_cell_end(builder, i, done ? live : cell_live(builder, i));
}

static void make(struct tcb *tcb, struct storm_thread *thread, unsigned builder, unsigned cell)
{
	static const enum object_type types[STORM_CELLS] = {
		[CELL_ENDPOINT] = OBJ_ENDPOINT, [CELL_NOTIFICATION] = OBJ_NOTIFICATION,
		[CELL_REPLY] = OBJ_REPLY,       [CELL_TCB] = OBJ_TCB,
		[CELL_BUFFER] = OBJ_FRAME,      [CELL_VSPACE] = OBJ_VSPACE,
		[CELL_TABLE] = OBJ_PAGE_TABLE,  [CELL_FRAME] = OBJ_FRAME,
	};

	cells_begin(thread, builder, cell);
	/* From then on workers may resume it. */
	if (cell == CELL_TCB) {
		storm_threads[STORM_CHILD + builder].pending = false;
		storm_threads[STORM_CHILD + builder].serves = (thread->nth & 1) != 0;
		memset(storm_threads[STORM_CHILD + builder].asked, 0,
		       sizeof(storm_threads[STORM_CHILD + builder].asked));
		__atomic_store_n(&storm_threads[STORM_CHILD + builder].forbidden, 0,
				 __ATOMIC_RELAXED);
	}
	if (cell == CELL_BADGED_ENDPOINT || cell == CELL_BADGED_NOTIFICATION)
		storm_invoke(tcb, STORM_SLOT_CNODE, METHOD_CNODE_MINT,
			     STORM_SLOT_CELL(builder, cell) | 31ull << 32, 0,
			     STORM_SLOT_CELL(builder, cell - CELL_BADGED_ENDPOINT),
			     STORM_BADGE_CELL(builder, cell));
	else
		storm_invoke(tcb, STORM_SLOT_UNTYPED(builder), METHOD_UNTYPED_RETYPE,
			     (word_t)types[cell] | (word_t)cell_count(cell) << 16, 0,
			     STORM_SLOT_CELL(builder, cell), 0);
}

/* The child, as long as its cell has not been taken away. */
static void child_prepare(struct tcb *tcb, struct storm_thread *thread, unsigned builder,
			  unsigned step, uint64_t random)
{
	cptr_t cell = STORM_SLOT_CELL(builder, 0);
	cptr_t child = cell + CELL_TCB;
	unsigned tag = STORM_CHILD + builder;

	cells_begin(thread, builder, NO_CELL);
	switch (step) {
	case 0:
		storm_invoke(tcb, child, METHOD_TCB_CONFIGURE, STORM_SLOT_CNODE, cell + CELL_VSPACE,
			     cell + CELL_BUFFER, 0x10000);
		break;
	case 1:
		storm_invoke(tcb, child, METHOD_TCB_SET_FAULT, STORM_SLOT_ENDPOINT(SERVER_PAGER),
			     (random & 256) != 0 ? 0 : STORM_SLOT_ENDPOINT(SERVER_EXCEPTION), 0, 0);
		break;
	case 2:
		storm_invoke(tcb, child, METHOD_TCB_SET_TAG, tag, 0, 0, 0);
		break;
	case 3:
		storm_invoke(tcb, child, METHOD_TCB_SET_HOME,
			     STORM_SLOT_CORE((random >> 8) % cpus_count), 0, 0, 0);
		break;
	case 4:
		storm_invoke(tcb, child, METHOD_TCB_BIND_NOTIFICATION,
			     (random & 256) != 0 ? cell + CELL_NOTIFICATION : STORM_SLOT_SIGNAL(0),
			     0, 0, 0);
		break;
	case 5:
		storm_invoke(tcb, child, METHOD_TCB_SET_FLAGS,
			     (random & 256) != 0 ? TCB_FLAG_PASSIVE : 0, 0, 0, 0);
		break;
	case 6:
		storm_invoke(tcb, child, METHOD_TCB_START, STORM_SVC_PC + 4, STORM_SP_STARTED, 0,
			     0);
		break;
	default:
		storm_invoke(tcb, child, METHOD_TCB_RESUME, 0, 0, 0, 0);
		break;
	}
}

/* Memory that was handed out as zero, and that nobody has: something that was there before is still
 * in use if it changes. */
static void frames_check(unsigned builder)
{
	for (unsigned i = CELL_FRAME; i < CELL_FRAME + FRAMES; i++) {
		const unsigned char *bytes = storm_frame(builder, i);

		for (unsigned n = 0; bytes != NULL && n < PAGE_SIZE; n++)
			fuzz_check(__atomic_load_n(&bytes[n], __ATOMIC_RELAXED) == 0);
	}
}

static void life(struct tcb *tcb, struct storm_thread *thread, unsigned builder, uint64_t random)
{
	static const enum method methods[] = {METHOD_TCB_SUSPEND, METHOD_TCB_RESUME,
					      METHOD_TCB_SET_HOME, METHOD_TCB_READ_REGS,
					      METHOD_TCB_UNBIND_NOTIFICATION};
	cptr_t cell = STORM_SLOT_CELL(builder, 0);
	unsigned n = (unsigned)(random >> 8) % STORM_CELLS;

	frames_check(builder);
	cells_begin(thread, builder, NO_CELL);
	switch (random % 16) {
	case 0:
		storm_go(tcb, SYS_SIGNAL, cell + CELL_BADGED_NOTIFICATION, 0, 0);
		break;
	case 1:
		oracle_send(tcb, thread, STORM_BUILDER + builder, 1);
		storm_go(tcb, SYS_NB_SEND, cell + CELL_BADGED_ENDPOINT, msg_info(0, 1, 0), 0);
		break;
	case 2:
		cells_begin(thread, builder, n < CELL_FRAME ? n : CELL_TABLE);
		storm_invoke(tcb, STORM_SLOT_CNODE, METHOD_CNODE_DELETE, cell + thread->target, 0,
			     0, 0);
		break;
	case 3:
		/* Of an empty slot: what was derived before it was emptied stays. */
		cells_begin(thread, builder,
			    cell_live(builder, n & 1) ? CELL_BADGED_ENDPOINT + (n & 1) : NO_CELL);
		storm_invoke(tcb, STORM_SLOT_CNODE, METHOD_CNODE_REVOKE, cell + (n & 1), 0, 0, 0);
		break;
	case 4:
		storm_invoke(tcb, cell + CELL_TABLE, METHOD_PAGE_TABLE_MAP, cell + CELL_VSPACE,
			     0x40000000, 0, 0);
		break;
	case 5:
	case 6:
	case 7:
	case 8:
	case 9:
	case 10:
		storm_spare(tcb, builder, random);
		break;
	default:
		storm_invoke(tcb, cell + CELL_TCB, methods[(random >> 16) % 5],
			     STORM_SLOT_CORE((random >> 24) % cpus_count), 0, 0, 0);
		break;
	}
}

void storm_build(struct tcb *tcb, struct storm_thread *thread, uint64_t random)
{
	unsigned builder = (unsigned)(thread - &storm_threads[STORM_BUILDER]);
	unsigned stage = thread->stage;

	thread->op = OP_BUILD;
	/* Sometimes not everything is made. */
	if (stage <= CELL_FRAME) {
		make(tcb, thread, builder, stage);
	} else if (stage <= CELL_FRAME + CHILD_STEPS) {
		child_prepare(tcb, thread, builder, stage - CELL_FRAME - 1, random);
	} else if (stage < CELL_FRAME + CHILD_STEPS + LIFE_STEPS) {
		life(tcb, thread, builder, random);
	} else {
		frames_check(builder);
		cells_begin(thread, builder, ALL_CELLS);
		storm_invoke(tcb, STORM_SLOT_CNODE, METHOD_CNODE_REVOKE,
			     STORM_SLOT_UNTYPED(builder), 0, 0, 0);
	}
}

static void built(const struct tcb *tcb, struct storm_thread *thread, unsigned builder)
{
	enum error error = storm_error(tcb);
	bool ok = error == ERR_OK;
	bool made = thread->stage <= CELL_FRAME;

	fuzz_check(error < ERR_INTERNAL);
	cells_end(thread, builder, ok, made);
	/* What it made is there, and nobody else takes it away; so is the memory. */
	if (made)
		fuzz_check(ok || (thread->stage == CELL_VSPACE && error == ERR_NO_ASID));
	if (thread->target == ALL_CELLS) {
		fuzz_check(ok);
		__atomic_store_n(&storm_threads[STORM_CHILD + builder].forbidden, 1,
				 __ATOMIC_RELAXED);
		__atomic_fetch_add(&storm_totals.revokes, 1, __ATOMIC_RELAXED);
		thread->stage = 0;
		return;
	}
	if (made)
		frames_check(builder);
	__atomic_fetch_add(&storm_totals.builds, 1, __ATOMIC_RELAXED);
	thread->stage++;
}

/* ---- Supervisor ------------------------------------------------------------------------------ */

enum supervise {
	SUPERVISE_OTHER,
	SUPERVISE_LOOK,
	SUPERVISE_STOP,
	SUPERVISE_START,
	SUPERVISE_HOME, /* it is a thread like others before */
	SUPERVISE_BIND
};

/* target is cpu * STORM_STANDBYS + which of its dispatchers. */
static void rebind(struct tcb *tcb, const struct storm_thread *thread, uint64_t random)
{
	unsigned cpu = thread->target / STORM_STANDBYS;
	cptr_t standby = STORM_SLOT_STANDBY(0, thread->target);

	if (thread->stage == SUPERVISE_STOP)
		storm_invoke(tcb, standby, METHOD_TCB_SUSPEND, 0, 0, 0, 0);
	else if (thread->stage == SUPERVISE_START)
		storm_invoke(tcb, standby, METHOD_TCB_START, STORM_SVC_PC + 8, 0, 0, 0);
	else if (thread->stage == SUPERVISE_HOME)
		storm_invoke(tcb, standby, METHOD_TCB_SET_HOME,
			     STORM_SLOT_CORE((random >> 8) % cpus_count), 0, 0, 0);
	else
		storm_invoke(tcb, STORM_SLOT_CORE(cpu), METHOD_CORE_BIND, standby,
			     (random & 0x1f00) != 0 ? 1000000000 : 20000,
			     (random & 0xe000) != 0 ? 0 : 200000000,
			     (random & 0x10000) != 0 ? STORM_SLOT_SIGNAL(1) : 0);
}

void storm_supervise(struct tcb *tcb, struct storm_thread *thread, uint64_t random)
{
	unsigned cpu = (unsigned)(random >> 8) % cpus_count;

	thread->op = OP_CORE;
	if (thread->stage >= SUPERVISE_STOP) {
		rebind(tcb, thread, random);
		return;
	}
	thread->stage = SUPERVISE_OTHER;
	switch (random % 16) {
	case 0:
		storm_invoke(tcb, STORM_SLOT_CORE(cpu),
			     (random & 0x70000) == 0 ? METHOD_CORE_UNBIND : METHOD_CORE_STATS, 0, 0,
			     0, 0);
		break;
	case 1:
		thread->stage = SUPERVISE_STOP;
		thread->target = cpu * STORM_STANDBYS + (random >> 16) % STORM_STANDBYS;
		rebind(tcb, thread, random);
		break;
	case 2:
	case 3:
		storm_invoke(tcb, STORM_SLOT_TCB(1 + (random >> 16) % (STORM_CHILD - 1)),
			     METHOD_TCB_SET_HOME, STORM_SLOT_CORE(cpu), 0, 0, 0);
		break;
	case 4:
	case 5:
	case 6:
	case 7:
		thread->op = OP_REQUEST;
		storm_request(tcb, cpu, random);
		break;
	default:
		thread->stage = SUPERVISE_LOOK;
		thread->target = cpu * STORM_STANDBYS + (random >> 16) % STORM_STANDBYS;
		storm_invoke(tcb, STORM_SLOT_CORE(cpu), METHOD_CORE_INFO, 0, 0, 0, 0);
		break;
	}
}

static void supervised(const struct tcb *tcb, struct storm_thread *thread)
{
	fuzz_check(storm_error(tcb) < ERR_INTERNAL);
	if (thread->stage == SUPERVISE_OTHER)
		return;
	/* A dispatcher that was stopped is stopped, and may be bound. */
	fuzz_check(storm_error(tcb) == ERR_OK || thread->stage == SUPERVISE_HOME);
	if (thread->stage == SUPERVISE_LOOK) {
		bool bound = (tcb->context.x[3] & CORE_BOUND) != 0;

		thread->stage = bound ? SUPERVISE_OTHER : SUPERVISE_STOP;
	} else if (thread->stage == SUPERVISE_BIND) {
		thread->stage = SUPERVISE_OTHER;
		__atomic_fetch_add(&storm_totals.binds, 1, __ATOMIC_RELAXED);
	} else {
		thread->stage++;
	}
}

void storm_build_result(const struct tcb *tcb, struct storm_thread *thread)
{
	if (thread->op == OP_CORE)
		supervised(tcb, thread);
	else
		built(tcb, thread, (unsigned)(thread - &storm_threads[STORM_BUILDER]));
}
