/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slots inside kernel objects: what their holders must do before such a slot goes away because what
 * it was derived from is revoked.  Derivation lock.
 */
#include <base/container.h>
#include <kern/core.h>
#include <kern/core_object.h>
#include <kern/derive.h>
#include <kern/irq.h>
#include <kern/tcb.h>
#include <kern/thread.h>

static bool suspend(void *object)
{
	return thread_suspend(object);
}

/*
 * The pointer goes first: a CPU that dispatches the thread from now on gets the empty address space.
 * Who has it loaded already is running the thread, and is stopped.  thread_resume refuses a thread
 * without address space, so it stays stopped until the slot is empty.
 */
static enum cap_step drop_vspace(struct tcb *tcb, struct cap_work *work)
{
	__atomic_store_n(&tcb->vspace, (struct vspace *)NULL, __ATOMIC_RELEASE);
	if (!thread_is_stopped(tcb)) {
		work->run = suspend;
		work->object = tcb;
		return CAP_STEP_WORK;
	}
	if (arch_this_cpu()->core.current == tcb || arch_this_cpu()->core.loaded == tcb)
		switch_to_empty_space();
	return CAP_STEP_DONE;
}

enum cap_step cap_holder_drop(struct cap_slot *slot, struct cap_work *work)
{
	struct tcb *tcb;

	switch ((enum cap_holder)((slot->flags & CAP_HELD_MASK) >> CAP_HELD_SHIFT)) {
	case CAP_HOLDER_TCB_VSPACE:
		return drop_vspace(container_of(slot, struct tcb, vspace_slot), work);
	case CAP_HOLDER_TCB_BUFFER:
		tcb = container_of(slot, struct tcb, buffer_slot);
		__atomic_store_n(&tcb->ipc_buffer, (struct ipc_buffer *)NULL, __ATOMIC_RELEASE);
		break;
	case CAP_HOLDER_TCB_NOTIFICATION:
		notification_unbind(container_of(slot, struct tcb, notification_slot));
		break;
	case CAP_HOLDER_IRQ:
		irq_notification_drop(slot);
		break;
	case CAP_HOLDER_CORE:
		core_supervisor_drop(slot);
		break;
	default:
		break;
	}
	return CAP_STEP_DONE;
}
