/* SPDX-License-Identifier: BSD-2-Clause */
/* Retype: make objects from untyped memory.  See <kern/untyped.h>. */
#include <kern/cnode.h>
#include <kern/invocation.h>
#include <kern/reap.h>
#include <kern/tcb.h>
#include <kern/thread.h>
#include <kern/untyped.h>
#include <kern/vspace.h>

unsigned untyped_object_bits(enum object_type type, unsigned bits)
{
	static const uint8_t fixed[OBJ_COUNT] = {
#define X(name, value, size_bits, meaning) [value] = size_bits,
		OBJECT_LIST(X)
#undef X
	};

	if (type == OBJ_UNTYPED)
		return bits >= UNTYPED_BITS_MIN && bits <= UNTYPED_BITS_MAX ? bits : 0;
	if (type == OBJ_CNODE)
		return bits >= 1 && bits <= CNODE_RADIX_MAX ? bits + CNODE_SLOT_BITS : 0;
	return type < OBJ_COUNT ? fixed[type] : 0;
}

/*
 * A thread's event sequence must never repeat values that an earlier thread in the same memory had.
 * It is counted up by far less than one a nanosecond, so the time now is above all of them.
 */
static void make_thread(struct tcb *tcb)
{
	thread_init(tcb);
	tcb->seq = arch_now();
}

void untyped_make_object(enum object_type type, unsigned bits, uint8_t untyped_flags, paddr_t paddr,
			 struct cap *out)
{
	void *memory;

	*out = (struct cap){.type = (uint8_t)type, .rights = RIGHT_ALL, .object = paddr};
	switch (type) {
	case OBJ_UNTYPED:
		out->bits = (uint8_t)bits;
		out->flags = untyped_flags;
		return;
	case OBJ_FRAME:
	case OBJ_LARGE_FRAME:
		out->flags = (untyped_flags & UNTYPED_DEVICE) != 0 ? FRAME_CAP_DEVICE : 0;
		return;
	default:
		break;
	}
	memory = arch_phys_to_virt(paddr);
	out->object = (uint64_t)(uintptr_t)memory;
	if (type == OBJ_CNODE) {
		out->bits = (uint8_t)bits;
		cnode_init(memory, (uint8_t)bits);
		return;
	}
	if (type == OBJ_PAGE_TABLE)
		return;
	((struct object *)memory)->type = (uint8_t)type;
	if (type == OBJ_TCB)
		make_thread(memory);
	else if (type == OBJ_ENDPOINT)
		endpoint_init(memory);
	else if (type == OBJ_NOTIFICATION)
		notification_init(memory);
	else if (type == OBJ_REPLY)
		reply_init(memory);
	else
		vspace_init(memory);
}

/* ---- RETYPE ---------------------------------------------------------------------------------- */

/* All that is left below are objects that are being destroyed; looks at a bounded number. */
static bool only_anchors(const struct cap_slot *slot)
{
	unsigned seen = 0;

	for (const struct cap_slot *child = slot->child; child != NULL; child = child->next)
		if (!cap_is_anchor(child) || ++seen > UNTYPED_ANCHOR_MAX)
			return false;
	return slot->child != NULL;
}

static enum error decode_destinations(struct invocation *inv)
{
	for (unsigned i = 0; i < inv->count; i++) {
		const enum error error = decode_dest(inv, inv->args[1], inv->args[2] + i);

		if (error != ERR_OK)
			return error;
		if (i == 0)
			inv->src_slot = inv->dest_slot;
	}
	inv->dest_slot = inv->src_slot;
	return ERR_OK;
}

/*
 * offset: of the first object.  With no children the memory starts again from 0.  Alignment is that
 * of the address, since a preserved untyped need not begin at a multiple of its size.
 */
static enum error decode_place(struct invocation *inv)
{
	const struct cap_slot *slot = inv->slot;
	uint64_t size = 1ull << slot->bits;
	uint64_t object = 1ull << inv->size_bytes;
	uint64_t start = slot->object + (slot->child == NULL ? 0 : slot->badge);

	inv->offset = ((start + object - 1) & ~(object - 1)) - slot->object;
	inv->size_bytes = object;
	if (inv->offset > size || (size - inv->offset) / object < inv->count)
		return ERR_NO_MEMORY;
	return ERR_OK;
}

static enum error decode_retype(struct invocation *inv) LOCK_REQUIRES(derivation_held)
{
	unsigned type = inv->args[0] & 0xff;
	uint64_t count = inv->args[0] >> 16;
	enum error error;

	inv->wait_for_reap = false;
	inv->type = (enum object_type)type;
	inv->bits = (unsigned)(inv->args[0] >> 8) & 0xff;
	if (type >= OBJ_COUNT)
		return ERR_ARG;
	if (count == 0 || count > RETYPE_COUNT_MAX)
		return ERR_RANGE;
	inv->count = (unsigned)count;
	inv->size_bytes = untyped_object_bits(inv->type, inv->bits);
	if (inv->size_bytes == 0)
		return type == OBJ_UNTYPED || type == OBJ_CNODE ? ERR_RANGE : ERR_ARG;
	if ((inv->slot->flags & UNTYPED_FLAGS) != 0 && type != OBJ_UNTYPED && type != OBJ_FRAME &&
	    type != OBJ_LARGE_FRAME)
		return ERR_ARG;
	if (type == OBJ_VSPACE && vspace_asids_free() < inv->count)
		return ERR_NO_ASID;
	error = cap_depth_check(inv->slot);
	if (error == ERR_OK)
		error = decode_destinations(inv);
	if (error != ERR_OK)
		return error;
	error = decode_place(inv);
	if (error == ERR_NO_MEMORY && only_anchors(inv->slot)) {
		/* Will fit, or fail, when they are gone. */
		inv->wait_for_reap = true;
		return ERR_OK;
	}
	return error;
}

static bool work_grace(void *object)
{
	(void)object;
	grace_wait();
	return true;
}

static void set_progress(struct cap_slot *slot, uint64_t watermark, uint64_t zero_end)
	LOCK_REQUIRES(derivation_held)
{
	struct cap cap;

	cap_read(slot, &cap);
	cap.badge = watermark;
	cap.aux = (uint32_t)(zero_end >> PAGE_BITS);
	cap_store(slot, &cap);
}

/*
 * Whether the memory may be used again from the start.  The version of the slot tells whether
 * anything was made of it since the grace period: making anything changes it, and a version is never
 * seen twice.
 */
static bool reset_step(struct invocation *inv) LOCK_REQUIRES(derivation_held)
{
	struct cap_slot *slot = inv->slot;

	if (slot->child != NULL || slot->badge == 0)
		return true;
	if (inv->grace_version != slot->version) {
		inv->grace_version = slot->version;
		inv->work.run = work_grace;
		inv->keep_going = true;
		return false;
	}
	set_progress(slot, 0, 0);
	return true;
}

static bool needs_zero(const struct invocation *inv)
{
	return inv->type != OBJ_UNTYPED && (inv->slot->flags & UNTYPED_FLAGS) == 0;
}

/*
 * Clear a piece of [watermark, end); true when all is clear.  It begins at the watermark, not at the
 * first object, so that "known to be zero" is one number.
 */
static bool zero_step(struct cap_slot *slot, uint64_t end) LOCK_REQUIRES(derivation_held)
{
	uint64_t known = (uint64_t)slot->aux << PAGE_BITS;
	uint64_t from = known > slot->badge ? known : slot->badge;
	uint64_t bytes;

	if (from >= end)
		return true;
	bytes = end - from < ZERO_BYTES_MAX ? end - from : ZERO_BYTES_MAX;
	arch_zero(arch_phys_to_virt(slot->object + from), bytes);
	if (from + bytes >= end)
		return true;
	set_progress(slot, slot->badge, from + bytes);
	return false;
}

static void make_objects(struct invocation *inv) LOCK_REQUIRES(derivation_held)
{
	struct cap_slot *slot = inv->slot;
	uint64_t end = inv->offset + inv->count * inv->size_bytes;

	for (unsigned i = 0; i < inv->count; i++) {
		struct cap cap;

		untyped_make_object(inv->type, inv->bits, slot->flags & UNTYPED_FLAGS,
				    slot->object + inv->offset + i * inv->size_bytes, &cap);
		cap_insert(&inv->dest_slot[i], &cap, slot);
	}
	set_progress(slot, end, (uint64_t)slot->aux << PAGE_BITS);
}

static enum invoke_step invoke_retype(struct invocation *inv) LOCK_REQUIRES(derivation_held)
{
	if (inv->wait_for_reap) {
		if (inv->work_stalled || reap_idle())
			return STEP_STALL;
		return step_reap(inv);
	}
	if (!reset_step(inv))
		return STEP_WORK;
	if (needs_zero(inv) && !zero_step(inv->slot, inv->offset + inv->count * inv->size_bytes))
		return STEP_AGAIN;
	make_objects(inv);
	return STEP_DONE;
}

static enum invoke_step invoke_info(struct invocation *inv)
{
	const struct cap_slot *slot = inv->slot;
	uint64_t used = slot->child == NULL ? 0 : slot->badge;

	inv->results[0] = slot->object;
	inv->results[1] = slot->bits | (word_t)(slot->flags & UNTYPED_FLAGS) << 8;
	inv->results[2] = (1ull << slot->bits) - used;
	inv->result_words = 3;
	return STEP_DONE;
}

static const struct method_entry methods[] = {
	{METHOD_UNTYPED_RETYPE, RIGHT_CONTROL, METHOD_LOCKED, 3, decode_retype, invoke_retype},
	{METHOD_UNTYPED_INFO, 0, METHOD_LOCKED, 0, decode_nothing, invoke_info},
};

const struct method_table untyped_methods = {methods, sizeof(methods) / sizeof(methods[0])};
