/* SPDX-License-Identifier: BSD-2-Clause */
/* What holds whenever no CPU is inside the kernel. */
#include "world.h"

#include "../fuzz.h"
#include "machine.h"

#include <kern/cnode.h>
#include <kern/endpoint.h>
#include <kern/notification.h>
#include <kern/reap.h>
#include <kern/reply.h>
#include <kern/thread.h>
#include <kern/waitable.h>

static void check_chain(const struct tcb *payer)
{
	for (const struct tcb *m = payer; m != NULL; m = m->chain_next) {
		fuzz_check(m->payer == payer);
		fuzz_check((m->chain_next == NULL) == (m == payer->tail));
		fuzz_check(m->chain_next == NULL || m->chain_next->chain_prev == m);
		fuzz_check(m->chain_next == NULL || m->state == THREAD_CALLING);
	}
}

/* A schedulable is where its state says, once. */
static void check_schedulable(const struct core *core, const struct tcb *tcb)
{
	fuzz_check(tcb->home == core && tcb->payer == tcb && tcb->sched != SCHED_NONE);
	fuzz_check((tcb->sched == SCHED_READY) == list_linked(&tcb->ready_link));
	fuzz_check((tcb->sched == SCHED_RUNNING) == (core->payer == tcb));
	fuzz_check((tcb->sched == SCHED_BLOCKED) == (tcb->tail->state != THREAD_READY));
	check_chain(tcb);
}

static void check_core(const struct core *core)
{
	unsigned ready = 0;

	fuzz_check(!spin_held(&core->lock));
	if (core->payer != NULL)
		fuzz_check(core->payer->sched == SCHED_RUNNING && core->payer->home == core &&
			   core->current == core->payer->tail);
	else
		fuzz_check(core->current == NULL || core->dispatcher_running);
	if (core->dispatcher_running)
		fuzz_check(core->dispatcher != NULL && core->current == core->dispatcher);
	if (core->dispatcher != NULL)
		fuzz_check(core->dispatcher->dispatcher_core == core);
	list_for_each (node, &core->homed) {
		const struct tcb *tcb = container_of_const(node, struct tcb, home_link);

		check_schedulable(core, tcb);
		ready += tcb->sched == SCHED_READY;
	}
	list_for_each (node, &core->ready)
		fuzz_check(ready-- > 0);
	fuzz_check(ready == 0);
}

static void check_thread(const struct tcb *tcb)
{
	bool queued = tcb->state == THREAD_SENDING || tcb->state == THREAD_RECEIVING ||
		      tcb->state == THREAD_WAITING;

	fuzz_check(queued == list_linked(&tcb->wait_link));
	fuzz_check(queued == (tcb->blocked_on != NULL));
	fuzz_check((tcb->state == THREAD_CALLING) == (tcb->caller_reply != NULL));
	fuzz_check(tcb->caller_reply == NULL || tcb->caller_reply->caller == tcb);
	fuzz_check((tcb->state == THREAD_REQUESTING) == list_linked(&tcb->request_link));
	if (tcb->bound_notification != NULL)
		fuzz_check(tcb->notification_slot.type == OBJ_NOTIFICATION);
	if (tcb->vspace != NULL)
		fuzz_check(tcb->vspace_slot.type == OBJ_VSPACE || tcb == janitor);
	if (tcb->ipc_buffer != NULL)
		fuzz_check(tcb->buffer_slot.type == OBJ_FRAME || tcb == janitor);
}

static void check_waitable(const struct waitable *waitable)
{
	fuzz_check(!spin_held(&waitable->lock));
	list_for_each (node, &waitable->queue) {
		const struct tcb *tcb = container_of_const(node, struct tcb, wait_link);

		fuzz_check(tcb->blocked_on == waitable);
	}
}

static void check_reply(const struct reply *reply)
{
	fuzz_check(!spin_held(&reply->lock));
	if (reply->caller != NULL)
		fuzz_check(reply->caller->caller_reply == reply &&
			   reply->caller->state == THREAD_CALLING);
	if (reply->receiver != NULL)
		fuzz_check(reply->receiver->reply == reply);
}

static void check_object(const struct cap_slot *slot)
{
	const struct object *object = (const struct object *)(uintptr_t)slot->object;

	switch (slot->type) {
	case OBJ_TCB:
		fuzz_check(object->type == OBJ_TCB && object->caps > 0);
		check_thread((const struct tcb *)(const void *)object);
		break;
	case OBJ_ENDPOINT:
	case OBJ_NOTIFICATION:
		fuzz_check(object->type == slot->type && object->caps > 0);
		check_waitable((const struct waitable *)(const void *)object);
		break;
	case OBJ_REPLY:
		fuzz_check(object->type == OBJ_REPLY && object->caps > 0);
		check_reply((const struct reply *)(const void *)object);
		break;
	case OBJ_VSPACE:
		fuzz_check(object->type == OBJ_VSPACE && object->caps > 0);
		break;
	default:
		break;
	}
}

/* A child is inside its parent, and has no more rights. */
static void check_child(const struct cap_slot *parent, const struct cap_slot *child)
{
	if (parent->type == OBJ_UNTYPED && child->type == OBJ_UNTYPED)
		fuzz_check(child->bits <= parent->bits && child->object >= parent->object &&
			   child->object - parent->object < 1ull << parent->bits);
	if (child->type == parent->type && child->type != OBJ_UNTYPED)
		fuzz_check((child->rights & ~parent->rights) == 0 &&
			   child->object == parent->object);
}

static void check_links(const struct cap_slot *slot)
{
	const struct cap_slot *before = NULL;

	fuzz_check((slot->version & 1) == 0 || cap_is_anchor(slot));
	for (const struct cap_slot *child = slot->child; child != NULL; child = child->next) {
		fuzz_check(child->parent == slot && child->prev == before);
		if (!cap_is_anchor(child)) {
			fuzz_check(child->type != OBJ_NULL);
			check_child(slot, child);
		}
		before = child;
	}
}

/* Depth first, without recursion: a slot knows its parent. */
void tree_check(const struct cap_slot *root)
{
	const struct cap_slot *at = root;
	unsigned slots = 0;

	while (at != NULL) {
		fuzz_check(slots++ < 100000);
		check_links(at);
		if (!cap_is_anchor(at))
			check_object(at);
		if (at->child != NULL) {
			at = at->child;
			continue;
		}
		while (at != root && at->next == NULL)
			at = at->parent;
		at = at == root ? NULL : at->next;
	}
}

void machine_check(void)
{
	for (unsigned i = 0; i < cpus_count; i++)
		check_core(&cpus[i].core);
	check_thread(janitor);
	world_check();
}
