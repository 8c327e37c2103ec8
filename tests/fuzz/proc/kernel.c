/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel.h"

#include <libsys/objects.h>
#include <proc/sched_start.h>
#include <proc/slots.h>

#include "../fuzz.h"
#include "own.h"

#define CAPS_MAX    200000u
#define SMALL_BITS  7u
#define TCB_BITS    11u
#define SLOT_MASK   0xffffffffull
#define MM_RADIX    12u
#define SCHED_RADIX 14u

struct ipc_buffer paper_buffer;
bool paper_fpu_used;

static struct paper_cap caps[CAPS_MAX]; /* 0 is none */
static uint32_t caps_free;              /* linked by next */
static uint32_t caps_fresh = 1;
static uint32_t root[1u << BOOT_CNODE_RADIX];

/* ---- Slots ----------------------------------------------------------------------------------- */

static uint32_t cap_new(uint32_t *where)
{
	uint32_t n = caps_free;

	if (n != 0)
		caps_free = caps[n].next;
	else
		n = caps_fresh++;
	fuzz_check(n < CAPS_MAX);
	caps[n] = (struct paper_cap){.where = where};
	*where = n;
	return n;
}

static void cap_link(uint32_t n, uint32_t parent)
{
	caps[n].parent = parent;
	if (parent == 0)
		return;
	caps[n].next = caps[parent].child;
	if (caps[n].next != 0)
		caps[caps[n].next].prev = n;
	caps[parent].child = n;
}

static void cap_unlink(uint32_t n)
{
	struct paper_cap *cap = &caps[n];

	if (cap->prev != 0)
		caps[cap->prev].next = cap->next;
	else if (cap->parent != 0)
		caps[cap->parent].child = cap->next;
	if (cap->next != 0)
		caps[cap->next].prev = cap->prev;
	cap->prev = 0;
	cap->next = 0;
}

static void cap_delete(uint32_t n);

static void revoke(uint32_t n)
{
	while (caps[n].child != 0)
		cap_delete(caps[n].child);
	if (caps[n].type == OBJ_UNTYPED)
		caps[n].used = 0;
}

/* What was derived from it goes too: the object does, in all uses that proc makes of this. */
static void cap_delete(uint32_t n)
{
	struct paper_cap *cap = &caps[n];

	revoke(n);
	if (cap->slots != NULL) {
		for (uint32_t i = 0; i < 1u << cap->bits; i++)
			if (cap->slots[i] != 0)
				cap_delete(cap->slots[i]);
		free(cap->slots);
	}
	if (cap->type == OBJ_TCB && cap->tid != 0)
		paper_thread_gone(cap->tid);
	cap_unlink(n);
	*cap->where = 0;
	*cap = (struct paper_cap){.next = caps_free};
	caps_free = n;
}

struct paper_cap *paper_at(cptr_t slot)
{
	fuzz_check(slot < 1u << BOOT_CNODE_RADIX);
	return root[slot] != 0 ? &caps[root[slot]] : NULL;
}

/* The slot in a CNode that proc names by its own slot, 0: its own. */
static uint32_t *slot_in(cptr_t cnode, word_t slot)
{
	struct paper_cap *cap;

	if (cnode == 0 || cnode == BOOT_SLOT_CNODE) {
		fuzz_check(slot < 1u << BOOT_CNODE_RADIX);
		return &root[slot];
	}
	cap = paper_at(cnode);
	fuzz_check(cap != NULL && cap->slots != NULL && slot < 1u << cap->bits);
	return &cap->slots[slot];
}

/* ---- Making ---------------------------------------------------------------------------------- */

static void cap_fill(uint32_t n, enum object_type type, unsigned bits, word_t badge)
{
	caps[n].type = (uint8_t)type;
	caps[n].bits = (uint8_t)bits;
	caps[n].badge = badge;
	if (type == OBJ_CNODE)
		caps[n].slots = calloc(1u << bits, sizeof(uint32_t));
	if (type == OBJ_TCB && caps[n].where >= root + OWN_THREAD_FIRST &&
	    caps[n].where < root + OWN_PROCESS_FIRST)
		caps[n].tid = (uint32_t)(caps[n].where - root - OWN_THREAD_FIRST) /
			      OWN_THREAD_SLOTS;
}

void paper_put(cptr_t slot, enum object_type type, unsigned bits, word_t badge)
{
	fuzz_check(root[slot] == 0);
	cap_fill(cap_new(&root[slot]), type, bits, badge);
}

void paper_start(void)
{
	paper_put(BOOT_SLOT_SYSTEM, OBJ_SYSTEM, 0, 0);
	paper_put(BOOT_SLOT_VSPACE, OBJ_VSPACE, 0, 0);
	paper_put(BOOT_SLOT_BOOTINFO, OBJ_FRAME, 0, 0);
	paper_put(BOOT_SLOT_SCHED, OBJ_SCHED, 0, 0);
	paper_put(BOOT_SLOT_IRQ_CONTROL, OBJ_IRQ_CONTROL, 0, 0);
	paper_put(BOOT_SLOT_DEVICE, OBJ_UNTYPED, PAGE_BITS + 1, 0);
	paper_put(BOOT_SLOT_TCB, OBJ_TCB, 0, 0);
	paper_put(OWN_ENDPOINT, OBJ_ENDPOINT, 0, 0);
	paper_put(OWN_MM_ENDPOINT, OBJ_ENDPOINT, 0, 0);
	paper_put(OWN_MM_CNODE, OBJ_CNODE, MM_RADIX, 0);
	paper_put(OWN_SCHED_CNODE, OBJ_CNODE, SCHED_RADIX, 0);
	for (unsigned i = 0; i < OWN_REPLY_MAX; i++)
		paper_put(OWN_REPLY_FIRST + i, OBJ_REPLY, 0, 0);
}

static unsigned object_bits(enum object_type type, unsigned bits)
{
	switch (type) {
	case OBJ_UNTYPED:
		return bits;
	case OBJ_CNODE:
		return bits + CNODE_SLOT_BITS;
	case OBJ_FRAME:
	case OBJ_PAGE_TABLE:
		return PAGE_BITS;
	case OBJ_TCB:
		return TCB_BITS;
	default:
		return SMALL_BITS;
	}
}

static enum error retype(uint32_t from, const word_t w[4])
{
	const enum object_type type = (enum object_type)(w[0] & 0xff);
	const unsigned bits = (unsigned)(w[0] >> 8 & 0xff);
	const unsigned count = (unsigned)(w[0] >> 16);
	const uint64_t bytes = (uint64_t)count << object_bits(type, bits);
	const uint64_t align = 1ull << object_bits(type, bits);
	const uint64_t start = (caps[from].used + align - 1) & ~(align - 1);

	fuzz_check(caps[from].type == OBJ_UNTYPED && count >= 1);
	for (unsigned i = 0; i < count; i++)
		if (*slot_in(w[1], w[2] + i) != 0)
			return ERR_SLOT_OCCUPIED;
	if (start + bytes > 1ull << caps[from].bits)
		return ERR_NO_MEMORY;
	caps[from].used = start + bytes;
	for (unsigned i = 0; i < count; i++) {
		uint32_t n = cap_new(slot_in(w[1], w[2] + i));

		cap_fill(n, type, bits, 0);
		cap_link(n, from);
	}
	return ERR_OK;
}

/* ---- CNodes ---------------------------------------------------------------------------------- */

static enum error copy(cptr_t cnode, const word_t w[4], bool mint)
{
	uint32_t *to = slot_in(cnode, w[0] & SLOT_MASK);
	const uint32_t from = *slot_in(w[1], w[2]);
	struct paper_cap source;
	uint32_t n;

	if (from == 0)
		return ERR_CAP_INVALID;
	if (*to != 0)
		return ERR_SLOT_OCCUPIED;
	source = caps[from];
	n = cap_new(to);
	caps[n].type = source.type;
	caps[n].bits = source.bits;
	caps[n].badge = mint ? w[3] : source.badge;
	/* A copy of an object hangs below what it was copied from, as far as proc can tell. */
	cap_link(n, from);
	return ERR_OK;
}

static enum error move(cptr_t cnode, const word_t w[4])
{
	uint32_t *to = slot_in(cnode, w[0]);
	uint32_t *from = slot_in(w[1], w[2]);

	if (*from == 0)
		return ERR_CAP_INVALID;
	if (*to != 0)
		return ERR_SLOT_OCCUPIED;
	*to = *from;
	caps[*to].where = to;
	*from = 0;
	return ERR_OK;
}

static enum error cnode_method(enum method method, cptr_t cnode, const word_t w[4])
{
	uint32_t n;

	switch (method) {
	case METHOD_CNODE_COPY:
		return copy(cnode, w, false);
	case METHOD_CNODE_MINT:
		return copy(cnode, w, true);
	case METHOD_CNODE_MOVE:
		return move(cnode, w);
	case METHOD_CNODE_DELETE:
	case METHOD_CNODE_REVOKE:
		n = *slot_in(cnode, w[0]);
		if (n == 0)
			return ERR_SLOT_EMPTY;
		if (method == METHOD_CNODE_DELETE)
			cap_delete(n);
		else
			revoke(n);
		return ERR_OK;
	default:
		return ERR_METHOD;
	}
}

/* ---- Threads --------------------------------------------------------------------------------- */

static enum error tcb_method(enum method method, struct paper_cap *tcb, struct msg *m)
{
	const struct paper_cap *cnode;

	switch (method) {
	case METHOD_TCB_CONFIGURE:
		cnode = paper_at(m->w[0]);
		fuzz_check(cnode != NULL && cnode->slots != NULL && paper_at(m->w[1]) != NULL);
		tcb->pid = (uint32_t)caps[cnode->slots[PROC_SLOT_PROC]].badge;
		fuzz_check(tcb->pid != 0);
		return ERR_OK;
	case METHOD_TCB_SET_FAULT:
		fuzz_check(paper_at(m->w[0]) != NULL && paper_at(m->w[1]) != NULL);
		return ERR_OK;
	case METHOD_TCB_RESUME:
		fuzz_check(tcb->tid != 0 && tcb->pid != 0);
		paper_thread_runs(tcb->tid, tcb->pid);
		return ERR_OK;
	case METHOD_TCB_INFO:
		m->w[0] = THREAD_CALLING; /* else it could not ask */
		if (paper_fpu_used)
			m->w[0] |= (word_t)TCB_FLAG_FPU_USED << 32;
		m->w[1] = tcb->tid;
		m->w[2] = 1000;
		return ERR_OK;
	default:
		return ERR_OK;
	}
}

/* One handler for each line: there is only one line. */
static enum error irq_get(const word_t w[4])
{
	uint32_t *to = slot_in(w[1], w[2]);

	if (w[3] >= PAPER_CPUS)
		return ERR_RANGE;
	if (*to != 0)
		return ERR_SLOT_OCCUPIED;
	cap_fill(cap_new(to), OBJ_IRQ_HANDLER, 0, 0);
	return ERR_OK;
}

enum error paper_invoke(cptr_t slot, struct msg *m)
{
	const enum method method = (enum method)msg_label(m->info);
	struct paper_cap *cap;

	if (slot == 0 || slot == BOOT_SLOT_CNODE)
		return cnode_method(method, slot, m->w);
	cap = paper_at(slot);
	if (cap == NULL)
		return ERR_CAP_INVALID;
	switch (cap->type) {
	case OBJ_UNTYPED:
		return retype(root[slot], m->w);
	case OBJ_CNODE:
		return cnode_method(method, slot, m->w);
	case OBJ_TCB:
		return tcb_method(method, cap, m);
	case OBJ_IRQ_CONTROL:
		return irq_get(m->w);
	default:
		return ERR_OK;
	}
}

/* ---- mm's side ------------------------------------------------------------------------------- */

enum error paper_space_new(uint32_t pid, word_t *slot)
{
	*slot = 1 + pid % PROC_PROCESSES_MAX;
	fuzz_check(*slot_in(OWN_MM_CNODE, *slot) == 0); /* EXISTS, which proc rules out */
	cap_fill(cap_new(slot_in(OWN_MM_CNODE, *slot)), OBJ_VSPACE, 0, pid);
	return ERR_OK;
}

enum error paper_space_free(uint32_t pid)
{
	const uint32_t n = *slot_in(OWN_MM_CNODE, 1 + pid % PROC_PROCESSES_MAX);

	if (n == 0 || caps[n].badge != pid)
		return ERR_NOT_FOUND;
	cap_delete(n);
	return ERR_OK;
}
