/* SPDX-License-Identifier: BSD-2-Clause */
/* The capabilities that a thread holds, and the methods that set them up. */
#include <abi/bootinfo.h>
#include <kern/cnode.h>
#include <kern/entry.h>
#include <kern/frame.h>
#include <kern/invocation.h>
#include <kern/tcb.h>
#include <kern/tcb_methods.h>
#include <kern/tcb_object.h>
#include <kern/thread.h>
#include <kern/vspace.h>

bool tcb_release_caps(struct tcb *tcb)
{
	struct cap_slot *const slots[] = {&tcb->notification_slot, &tcb->buffer_slot, &tcb->pager,
					  &tcb->exception, &tcb->vspace_slot};

	cnode_set_root(tcb, NULL);
	for (unsigned i = 0; i < sizeof(slots) / sizeof(slots[0]); i++)
		if (!cap_release(slots[i]))
			return false;
	return true;
}

/* Held slots never have children, so this fails only when the object still has waiters. */
static bool replace(struct cap_slot *held, struct cap_slot *src, enum cap_holder holder)
	LOCK_REQUIRES(derivation_held)
{
	enum error error;

	if (!cap_release(held))
		return false;
	if (src == NULL)
		return true;
	error = cap_hold(held, src, holder);
	kassert(error == ERR_OK);
	return true;
}

/* ---- CONFIGURE ------------------------------------------------------------------------------- */

static enum error decode_cspace(struct invocation *inv)
{
	if (inv->args[0] != CPTR_NULL)
		return cap_lookup_type(inv->caller, inv->args[0], OBJ_CNODE, RIGHT_CONTROL,
				       &inv->arg_cap);
	inv->arg_cap = inv->caller->cspace;
	return inv->arg_cap.type == OBJ_CNODE ? ERR_OK : ERR_CAP_INVALID;
}

static enum error decode_buffer(struct invocation *inv) LOCK_REQUIRES(derivation_held)
{
	enum error error;

	inv->dest_slot = NULL;
	if (inv->args[2] == CPTR_NULL)
		return ERR_OK;
	error = decode_source(inv, inv->args[2], OBJ_FRAME, RIGHT_READ | RIGHT_WRITE,
			      &inv->dest_slot);
	if (error != ERR_OK)
		return error;
	kassert(inv->dest_slot != NULL);
	if ((inv->dest_slot->flags & FRAME_CAP_DEVICE) != 0)
		return ERR_ARG;
	if ((inv->args[3] & (PAGE_SIZE - 1)) != 0)
		return ERR_ALIGN;
	return vspace_range_ok(inv->args[3], PAGE_SIZE) ? ERR_OK : ERR_RANGE;
}

static enum error decode_configure(struct invocation *inv) LOCK_REQUIRES(derivation_held)
{
	enum error error = decode_stopped(inv);

	if (error == ERR_OK)
		error = decode_cspace(inv);
	if (error == ERR_OK)
		error = decode_source(inv, inv->args[1], OBJ_VSPACE, RIGHT_CONTROL, &inv->src_slot);
	if (error == ERR_OK)
		error = decode_buffer(inv);
	return error;
}

static enum invoke_step invoke_configure(struct invocation *inv) LOCK_REQUIRES(derivation_held)
{
	struct tcb *tcb = (struct tcb *)(uintptr_t)inv->cap.object;
	struct ipc_buffer *buffer = NULL;

	if (!replace(&tcb->vspace_slot, inv->src_slot, CAP_HOLDER_TCB_VSPACE) ||
	    !replace(&tcb->buffer_slot, inv->dest_slot, CAP_HOLDER_TCB_BUFFER))
		return STEP_AGAIN;
	cnode_set_root(tcb, &inv->arg_cap);
	if (inv->dest_slot != NULL)
		buffer = arch_phys_to_virt(tcb->buffer_slot.object);
	tcb->ipc_buffer_vaddr = inv->args[3];
	__atomic_store_n(&tcb->ipc_buffer, buffer, __ATOMIC_RELEASE);
	__atomic_store_n(&tcb->vspace, (struct vspace *)(uintptr_t)tcb->vspace_slot.object,
			 __ATOMIC_RELEASE);
	return STEP_DONE;
}

/* ---- Faults, notification -------------------------------------------------------------------- */

static enum error decode_handler(const struct invocation *inv, cptr_t cptr, struct cap_slot **slot)
	LOCK_REQUIRES(derivation_held)
{
	enum error error;

	*slot = NULL;
	if (cptr == CPTR_NULL)
		return ERR_OK;
	error = decode_source(inv, cptr, OBJ_ENDPOINT, RIGHT_WRITE, slot);
	if (error != ERR_OK)
		return error;
	kassert(*slot != NULL);
	return ((*slot)->rights & (RIGHT_GRANT | RIGHT_GRANT_REPLY)) != 0 ? ERR_OK : ERR_CAP_RIGHTS;
}

static enum error decode_set_fault(struct invocation *inv) LOCK_REQUIRES(derivation_held)
{
	enum error error = decode_handler(inv, inv->args[0], &inv->src_slot);

	return error == ERR_OK ? decode_handler(inv, inv->args[1], &inv->dest_slot) : error;
}

static enum invoke_step invoke_set_fault(struct invocation *inv) LOCK_REQUIRES(derivation_held)
{
	struct tcb *tcb = (struct tcb *)(uintptr_t)inv->cap.object;

	if (!replace(&tcb->pager, inv->src_slot, CAP_HOLDER_TCB_PAGER) ||
	    !replace(&tcb->exception, inv->dest_slot, CAP_HOLDER_TCB_EXCEPTION))
		return STEP_AGAIN;
	return STEP_DONE;
}

static enum error decode_bind_notification(struct invocation *inv) LOCK_REQUIRES(derivation_held)
{
	const struct tcb *tcb = (const struct tcb *)(uintptr_t)inv->cap.object;

	if (tcb->notification_slot.type != OBJ_NULL)
		return ERR_STATE;
	return decode_source(inv, inv->args[0], OBJ_NOTIFICATION, RIGHT_READ, &inv->src_slot);
}

static enum invoke_step invoke_bind_notification(struct invocation *inv)
	LOCK_REQUIRES(derivation_held)
{
	struct tcb *tcb = (struct tcb *)(uintptr_t)inv->cap.object;
	struct notification *notification = (struct notification *)(uintptr_t)inv->src_slot->object;

	inv->error = notification_bind(notification, tcb);
	if (inv->error == ERR_OK &&
	    !replace(&tcb->notification_slot, inv->src_slot, CAP_HOLDER_TCB_NOTIFICATION))
		panic("the empty slot of a bound notification is not empty");
	return STEP_DONE;
}

static enum invoke_step invoke_unbind_notification(struct invocation *inv)
	LOCK_REQUIRES(derivation_held)
{
	struct tcb *tcb = (struct tcb *)(uintptr_t)inv->cap.object;

	return cap_release(&tcb->notification_slot) ? STEP_DONE : STEP_AGAIN;
}

static const struct method_entry methods[] = {
	{METHOD_TCB_CONFIGURE, RIGHT_CONTROL, METHOD_LOCKED, 4, decode_configure, invoke_configure},
	{METHOD_TCB_SET_FAULT, RIGHT_CONTROL, METHOD_LOCKED, 2, decode_set_fault, invoke_set_fault},
	{METHOD_TCB_START, RIGHT_CONTROL, METHOD_LOCKED, 4, decode_stopped, invoke_start},
	{METHOD_TCB_WRITE_REGS, RIGHT_CONTROL, METHOD_LOCKED, TCB_REGS_WORDS, decode_stopped,
	 invoke_write_regs},
	{METHOD_TCB_READ_REGS, RIGHT_CONTROL, METHOD_LOCKED, 0, decode_read_regs, invoke_read_regs},
	{METHOD_TCB_RESUME, RIGHT_CONTROL, METHOD_LOCKED, 0, decode_nothing, invoke_resume},
	{METHOD_TCB_SUSPEND, RIGHT_CONTROL, 0, 0, decode_nothing, invoke_suspend},
	{METHOD_TCB_BIND_NOTIFICATION, RIGHT_CONTROL, METHOD_LOCKED, 1, decode_bind_notification,
	 invoke_bind_notification},
	{METHOD_TCB_UNBIND_NOTIFICATION, RIGHT_CONTROL, METHOD_LOCKED, 0, decode_nothing,
	 invoke_unbind_notification},
	{METHOD_TCB_SET_FLAGS, RIGHT_CONTROL, METHOD_LOCKED, 2, decode_set_flags, invoke_set_flags},
	{METHOD_TCB_INFO, 0, 0, 0, decode_nothing, invoke_tcb_info},
	{METHOD_TCB_SET_TAG, RIGHT_SCHEDULE, 0, 1, decode_nothing, invoke_set_tag},
	{METHOD_TCB_SET_KEY, RIGHT_SCHEDULE, 0, 1, decode_nothing, invoke_set_key},
	{METHOD_TCB_SET_HOME, RIGHT_SCHEDULE, 0, 1, decode_set_home, invoke_set_home},
	{METHOD_TCB_ANSWER, RIGHT_SCHEDULE, 0, 1, decode_nothing, invoke_answer},
};

const struct method_table tcb_methods = {methods, sizeof(methods) / sizeof(methods[0])};
