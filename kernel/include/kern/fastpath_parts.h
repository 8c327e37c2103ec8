/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What fast paths have in common (<kern/fastpath.h>): a slot read in place, the conditions of the
 * CPU, the change to the next thread, the end.  Only fast paths include this.
 */
#pragma once

#include <kern/cnode.h>
#include <kern/core.h>
#include <kern/trace.h>

/* What a slot says, if it is not being changed. */
struct slot_view {
	uint64_t small; /* type, rights, and what follows them in struct cap */
	uint64_t badge;
	uint64_t object;
};

#define VIEW_TYPE(view) ((unsigned)(view)->small & 0xffu)

/*
 * cap_read() without its loop: a slot that is being changed is left to the general path.  The order
 * of loads is that of cap_read().
 */
static inline bool slot_read(const struct cap_slot *slot, struct slot_view *out, bool want_badge)
{
	uint64_t version = __atomic_load_n(&slot->version, __ATOMIC_ACQUIRE);

	out->small = __atomic_load_n((const uint64_t *)(const void *)&slot->type, __ATOMIC_RELAXED);
	if (want_badge)
		out->badge = __atomic_load_n(&slot->badge, __ATOMIC_RELAXED);
	out->object = __atomic_load_n(&slot->object, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return (version & 1) == 0 && __atomic_load_n(&slot->version, __ATOMIC_RELAXED) == version;
}

/* Whether cap_lookup() finds a slot there.  Without a root CNode there are no bits (object/cnode.c); slot 0,
 * its header, never has a type (<kern/cnode.h>). */
static inline bool slot_exists(unsigned bits, cptr_t cptr)
{
	return (cptr >> bits) == 0;
}

static inline const struct cap_slot *slot_at(const struct tcb *tcb, cptr_t cptr)
{
	return &((const struct cnode *)(uintptr_t)tcb->cspace.object)->slots[cptr];
}

static inline unsigned cspace_bits(const struct tcb *tcb)
{
	return __atomic_load_n(&tcb->cspace.bits, __ATOMIC_RELAXED);
}

/* ---- The CPU --------------------------------------------------------------------------------- */

/* An owned thread, or one whose queue is locked: it can go on here as soon as it may. */
static inline bool can_run(const struct tcb *next, struct vspace **space)
{
	*space = __atomic_load_n(&next->vspace, __ATOMIC_RELAXED);
	return *space != NULL && tcb_is_free(next);
}

/* As switch_to() in core/switch.c: prev is the thread that is loaded and held here. */
static inline void run_next(struct cpu *cpu, struct tcb *prev, struct tcb *next,
			    const struct vspace *space)
{
	struct core *core = &cpu->core;

	lock_none_held();
	core->current = next;
	core->loaded = next;
	core->held = next;
	arch_switch_short(prev, next, space);
	__atomic_store_n(&prev->on_cpu, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&next->on_cpu, 1, __ATOMIC_RELAXED);
}

/* Written last: the general path writes no other record in between.  In ipc/fastpath.c. */
struct tcb *fastpath_traced(struct tcb *next, enum trace_kind kind, word_t a, word_t b);

static inline struct tcb *done(struct tcb *next, enum trace_kind kind, word_t a, word_t b)
{
	if (__builtin_expect((trace_mask & (1u << kind)) != 0, 0))
		return fastpath_traced(next, kind, a, b);
	return next;
}
