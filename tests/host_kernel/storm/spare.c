/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What builders do with slots that nobody keeps account of: lines of interrupts, ports, tables and mapped
 * frames, CNodes with copies in them.  They go with the rest, or before it.  See storm.h.
 */
#include "storm.h"

#include <abi/object.h>

#include "../../fuzz/fuzz.h"

#define VADDR 0x40000000ull

/* The line tells the notification of the builder's own number (oracle_signal()). */
static void spare_irq(struct tcb *tcb, unsigned builder, uint64_t random)
{
	cptr_t slot = STORM_SLOT_SPARE(builder, SPARE_IRQ);

	switch (random >> 8 & 7) {
	case 0:
	case 1:
		storm_invoke(tcb, STORM_SLOT_IRQ_CONTROL, METHOD_IRQ_CONTROL_GET,
			     STORM_IRQ_FIRST + builder, 0, slot, (random >> 16) % cpus_count);
		break;
	case 2:
		storm_invoke(tcb, slot, METHOD_IRQ_HANDLER_CLEAR, 0, 0, 0, 0);
		break;
	case 3:
		storm_invoke(tcb, slot, METHOD_IRQ_HANDLER_ACK, 0, 0, 0, 0);
		break;
	default:
		storm_invoke(tcb, slot, METHOD_IRQ_HANDLER_SET_NOTIFICATION,
			     STORM_SLOT_SIGNALLER(builder), 0, 0, 0);
		break;
	}
}

static void spare_frame(struct tcb *tcb, unsigned builder, uint64_t random)
{
	unsigned n = (unsigned)(random >> 16) % 3;
	cptr_t frame = STORM_SLOT_CELL(builder, CELL_FRAME + n);

	switch (random >> 8 & 7) {
	case 0:
		storm_invoke(tcb, frame, METHOD_FRAME_UNMAP, 0, 0, 0, 0);
		break;
	case 1:
		storm_invoke(tcb, frame, METHOD_FRAME_INFO, 0, 0, 0, 0);
		break;
	case 2:
		storm_invoke(tcb, STORM_SLOT_CELL(builder, CELL_VSPACE), METHOD_VSPACE_INFO, 0, 0,
			     0, 0);
		break;
	default:
		storm_invoke(tcb, frame, METHOD_FRAME_MAP, STORM_SLOT_CELL(builder, CELL_VSPACE),
			     VADDR + n * PAGE_SIZE, MAP_READ, 0);
		break;
	}
}

static void spare_table(struct tcb *tcb, unsigned builder, uint64_t random)
{
	cptr_t slot = STORM_SLOT_SPARE(builder, SPARE_TABLE);

	if ((random & 0x300) == 0)
		storm_invoke(tcb, slot, METHOD_PAGE_TABLE_UNMAP, 0, 0, 0, 0);
	else if ((random & 0x300) == 0x100)
		storm_invoke(tcb, STORM_SLOT_UNTYPED(builder), METHOD_UNTYPED_RETYPE,
			     (word_t)OBJ_PAGE_TABLE | 1u << 16, 0, slot, 0);
	else
		storm_invoke(tcb, slot, METHOD_PAGE_TABLE_MAP,
			     STORM_SLOT_CELL(builder, CELL_VSPACE), VADDR, 0, 0);
}

/* Copies of cells in it, a thread's among them, die with it. */
static void spare_cnode(struct tcb *tcb, unsigned builder, uint64_t random)
{
	cptr_t slot = STORM_SLOT_SPARE(builder, SPARE_CNODE);
	word_t dest = random >> 12 & 7;

	if ((random & 0x300) == 0)
		storm_invoke(tcb, STORM_SLOT_UNTYPED(builder), METHOD_UNTYPED_RETYPE,
			     (word_t)OBJ_CNODE | 3u << 8 | 1u << 16, 0, slot, 0);
	else if ((random & 0x300) == 0x100)
		storm_invoke(tcb, slot, METHOD_CNODE_DELETE, dest, 0, 0, 0);
	else
		storm_invoke(tcb, slot, METHOD_CNODE_COPY, dest | 31ull << 32, 0,
			     STORM_SLOT_CELL(builder, (random >> 20) % STORM_CELLS), 0);
}

void storm_spare(struct tcb *tcb, unsigned builder, uint64_t random)
{
	switch (random >> 4 & 7) {
	case 0:
	case 1:
		spare_irq(tcb, builder, random);
		break;
	case 2:
		spare_frame(tcb, builder, random);
		break;
	case 3:
		spare_table(tcb, builder, random);
		break;
	case 4:
		spare_cnode(tcb, builder, random);
		break;
	case 5:
		storm_invoke(tcb, STORM_SLOT_CORE((random >> 8) % cpus_count), METHOD_CORE_PORT, 9,
			     0, STORM_SLOT_SPARE(builder, SPARE_PORT), 0);
		break;
	case 6:
		storm_invoke(tcb, STORM_SLOT_UNTYPED(builder), METHOD_UNTYPED_INFO, 0, 0, 0, 0);
		break;
	default:
		storm_invoke(tcb, STORM_SLOT_CNODE, METHOD_CNODE_DELETE,
			     STORM_SLOT_SPARE(builder, random >> 8 & 3), 0, 0, 0);
		break;
	}
}
