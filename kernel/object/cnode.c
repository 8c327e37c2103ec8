/* SPDX-License-Identifier: BSD-2-Clause */
/* CNodes: threads that have one as root, and its methods.  See <kern/cnode.h>. */
#include <kern/cnode.h>
#include <kern/entry.h>
#include <kern/invocation.h>
#include <kern/reap.h>
#include <kern/tcb.h>

void cnode_init(struct cnode *cnode, uint8_t radix)
{
	cnode_header(cnode)->bits = radix;
}

/* ---- Threads with this root ------------------------------------------------------------------ */

static struct tcb *first_thread(const struct cap_slot *header)
{
	return (struct tcb *)(uintptr_t)header->object;
}

static void unlink_thread(struct tcb *tcb)
{
	struct cnode *cnode = (struct cnode *)(uintptr_t)tcb->cspace.object;

	if (tcb->cspace.type != OBJ_CNODE)
		return;
	if (tcb->cspace_next != NULL)
		tcb->cspace_next->cspace_prev = tcb->cspace_prev;
	if (tcb->cspace_prev != NULL)
		tcb->cspace_prev->cspace_next = tcb->cspace_next;
	else
		cnode_header(cnode)->object = (uint64_t)(uintptr_t)tcb->cspace_next;
	tcb->cspace_next = NULL;
	tcb->cspace_prev = NULL;
	/* No bits: no capability address is within it, which is all that the fast path looks at. */
	__atomic_store_n(&tcb->cspace.bits, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&tcb->cspace.type, (uint8_t)OBJ_NULL, __ATOMIC_RELAXED);
}

void cnode_set_root(struct tcb *tcb, const struct cap *cap)
{
	struct cap_slot *header;

	unlink_thread(tcb);
	if (cap == NULL)
		return;
	header = cnode_header((struct cnode *)(uintptr_t)cap->object);
	tcb->cspace = *cap;
	tcb->cspace_next = first_thread(header);
	if (tcb->cspace_next != NULL)
		tcb->cspace_next->cspace_prev = tcb;
	header->object = (uint64_t)(uintptr_t)tcb;
}

bool cnode_release_threads(struct cnode *cnode)
{
	struct cap_slot *header = cnode_header(cnode);

	for (unsigned n = 0; n < DERIVATION_BATCH; n++) {
		struct tcb *tcb = first_thread(header);

		if (tcb == NULL)
			return true;
		unlink_thread(tcb);
	}
	return first_thread(header) == NULL;
}

/* ---- Methods --------------------------------------------------------------------------------- */

/* A slot of the invoked CNode. */
static enum error slot_of_target(struct invocation *inv, uint64_t index, struct cap_slot **slot)
{
	return cap_slot_find(inv->caller, inv->cptr, index, slot);
}

static enum error decode_target_dest(struct invocation *inv, uint64_t index)
{
	enum error error = slot_of_target(inv, index, &inv->dest_slot);

	if (error == ERR_OK && inv->dest_slot->type != OBJ_NULL)
		error = ERR_SLOT_OCCUPIED;
	return error;
}

static enum error decode_copy(struct invocation *inv) LOCK_REQUIRES(derivation_held)
{
	uint64_t rights = inv->args[0] >> 32;
	enum error error;

	if (rights > RIGHT_ALL)
		return ERR_RANGE;
	error = cap_slot_find(inv->caller, inv->args[1], inv->args[2], &inv->src_slot);
	if (error == ERR_OK)
		error = decode_target_dest(inv, inv->args[0] & 0xffffffffu);
	if (error == ERR_OK)
		error = cap_derive(inv->src_slot, (unsigned)rights, &inv->arg_cap);
	return error;
}

static enum error decode_mint(struct invocation *inv) LOCK_REQUIRES(derivation_held)
{
	enum error error = decode_copy(inv);
	struct cap *cap = &inv->arg_cap;

	if (error != ERR_OK)
		return error;
	if (cap->type != OBJ_ENDPOINT && cap->type != OBJ_NOTIFICATION && cap->type != OBJ_SCHED)
		return ERR_CAP_TYPE;
	if (cap->badge != 0)
		return ERR_ARG;
	cap->badge = inv->args[3];
	return ERR_OK;
}

static enum invoke_step invoke_copy(struct invocation *inv) LOCK_REQUIRES(derivation_held)
{
	cap_derive_into(inv->src_slot, &inv->arg_cap, inv->dest_slot);
	return STEP_DONE;
}

static enum error decode_move(struct invocation *inv)
{
	enum error error = cap_slot_find(inv->caller, inv->args[1], inv->args[2], &inv->src_slot);

	if (error == ERR_OK)
		error = decode_target_dest(inv, inv->args[0]);
	if (error == ERR_OK && inv->src_slot->type == OBJ_NULL)
		error = ERR_SLOT_EMPTY;
	if (error == ERR_OK && !cap_children_within(inv->src_slot, MOVE_CHILDREN_MAX))
		error = ERR_LIMIT;
	return error;
}

static enum invoke_step invoke_move(struct invocation *inv) LOCK_REQUIRES(derivation_held)
{
	cap_move(inv->src_slot, inv->dest_slot);
	return STEP_DONE;
}

static enum error decode_slot(struct invocation *inv)
{
	return slot_of_target(inv, inv->args[0], &inv->src_slot);
}

static enum invoke_step step_of(enum cap_step step)
{
	switch (step) {
	case CAP_STEP_WORK:
		return STEP_WORK;
	case CAP_STEP_AGAIN:
		return STEP_AGAIN;
	default:
		return STEP_DONE;
	}
}

/*
 * Idempotent, so that a restart after the slot became empty is harmless.  Then what waits to be
 * destroyed is worked on as long as that leads anywhere; a thread whose last record was not consumed
 * yet is left to whoever wants its memory.
 */
static enum invoke_step invoke_delete(struct invocation *inv) LOCK_REQUIRES(derivation_held)
{
	enum cap_step step = cap_delete_step(inv->src_slot, &inv->work);

	if (step != CAP_STEP_DONE)
		return step_of(step);
	if (reap_idle() || inv->work_stalled)
		return STEP_DONE;
	return step_reap(inv);
}

/* Ends when there are no descendants, objects that are being destroyed included. */
static enum invoke_step invoke_revoke(struct invocation *inv) LOCK_REQUIRES(derivation_held)
{
	bool only_anchors;
	enum cap_step step = cap_revoke_step(inv->src_slot, &inv->work, &only_anchors);

	if (step != CAP_STEP_AGAIN || !only_anchors)
		return step_of(step);
	if (inv->work_stalled || reap_idle())
		return STEP_STALL;
	return step_reap(inv);
}

static const struct method_entry methods[] = {
	{METHOD_CNODE_COPY, RIGHT_CONTROL, METHOD_LOCKED, 3, decode_copy, invoke_copy},
	{METHOD_CNODE_MINT, RIGHT_CONTROL, METHOD_LOCKED, 4, decode_mint, invoke_copy},
	{METHOD_CNODE_MOVE, RIGHT_CONTROL, METHOD_LOCKED, 3, decode_move, invoke_move},
	{METHOD_CNODE_DELETE, RIGHT_CONTROL, METHOD_LOCKED, 1, decode_slot, invoke_delete},
	{METHOD_CNODE_REVOKE, RIGHT_CONTROL, METHOD_LOCKED, 1, decode_slot, invoke_revoke},
};

const struct method_table cnode_methods = {methods, sizeof(methods) / sizeof(methods[0])};
