/* SPDX-License-Identifier: BSD-2-Clause */
/* What a message carries: 0 to 64 words, and capabilities. */
#include "sim.h"

#include <criterion/criterion.h>
#include <kern/cap.h>
#include <kern/cnode.h>
#include <kern/ipc.h>

#define SLOT_FREE 40u /* and the ones behind it */

static struct tcb *a, *b;
static cptr_t ep_cap, plain_cap, first_cap, second_cap;
static struct notification *first, *second;

static void setup(void)
{
	struct endpoint *endpoint;

	sim_start(2);
	sim_bind(0, 1000000, 0, NULL);
	sim_bind(1, 1000000, 0, NULL);
	sim_auto_all();
	a = sim_thread_running(1, 0);
	b = sim_thread_running(2, 1);
	endpoint = sim_endpoint();
	first = sim_notification();
	second = sim_notification();
	ep_cap = sim_cap(OBJ_ENDPOINT, endpoint, 7);
	plain_cap = sim_cap_rights(OBJ_ENDPOINT, endpoint, 7, RIGHT_WRITE);
	first_cap = sim_cap(OBJ_NOTIFICATION, first, 1);
	second_cap = sim_cap(OBJ_NOTIFICATION, second, 2);
	sim_auto_all();
}

TestSuite(transfer, .init = setup, .fini = sim_end);

/* The slot that a thread's capability pointer names. */
static const struct cap_slot *slot(cptr_t cptr)
{
	return &((const struct cap_slot *)(uintptr_t)a->cspace.object)[cptr];
}

static void offer(cptr_t one, cptr_t two)
{
	a->ipc_buffer->caps[0] = one;
	a->ipc_buffer->caps[1] = two;
	b->ipc_buffer->recv_slot = SLOT_FREE;
}

/* b waits, a sends with so many capabilities. */
static void send(cptr_t endpoint, unsigned length, unsigned caps)
{
	sim_syscall(1, b, SYS_RECV, (struct sim_regs){{ep_cap}});
	sim_auto_all();
	sim_syscall(0, a, SYS_SEND,
		    (struct sim_regs){{endpoint, msg_info(9, length, caps), 10, 11, 12, 13}});
	sim_auto_all();
	cr_assert_eq(sim_current(1), b);
}

Test(transfer, K_ipc_every_length_arrives_whole)
{
	for (unsigned length = 0; length <= MSG_WORDS_MAX; length++) {
		for (unsigned i = MSG_REGS; i < MSG_WORDS_MAX; i++) {
			a->ipc_buffer->msg[i] = 1000 * length + i;
			b->ipc_buffer->msg[i] = 5;
		}
		send(ep_cap, length, 0);
		cr_assert_eq(b->context.x[1], msg_info(9, length, 0));
		for (unsigned i = 0; i < MSG_REGS && i < length; i++)
			cr_assert_eq(b->context.x[2 + i], 10 + i);
		for (unsigned i = MSG_REGS; i < MSG_WORDS_MAX; i++)
			cr_assert_eq(b->ipc_buffer->msg[i], i < length ? 1000 * length + i : 5,
				     "word %u of %u", i, length);
	}
}

Test(transfer, K_rights_capabilities_travel_with_grant)
{
	offer(first_cap, second_cap);
	send(ep_cap, 1, 2);
	cr_assert_eq(msg_caps(b->context.x[1]), 2);
	cr_assert_eq(slot(SLOT_FREE)->type, OBJ_NOTIFICATION);
	cr_assert_eq(slot(SLOT_FREE)->object, (uintptr_t)first);
	cr_assert_eq(slot(SLOT_FREE + 1)->object, (uintptr_t)second);
	cr_assert_eq(slot(SLOT_FREE + 1)->badge, 2);
}

Test(transfer, K_rights_without_grant_the_send_is_refused)
{
	offer(first_cap, second_cap);
	sim_syscall(0, a, SYS_SEND, (struct sim_regs){{plain_cap, msg_info(9, 1, 1), 10}});
	cr_assert_eq(sim_x0(a), -ERR_CAP_RIGHTS);
	cr_assert_eq(slot(SLOT_FREE)->type, OBJ_NULL);
}

/* What the copying itself promises, whoever was to check before. */
Test(transfer, K_rights_no_capability_is_copied_without_grant)
{
	offer(first_cap, second_cap);
	a->context.x[1] = msg_info(9, 1, 2);
	message_copy(a, b, false);
	cr_assert_eq(b->context.x[1], msg_info(9, 1, 0));
	cr_assert_eq(slot(SLOT_FREE)->type, OBJ_NULL);
	message_copy(a, b, true);
	cr_assert_eq(b->context.x[1], msg_info(9, 1, 2));
	cr_assert_eq(slot(SLOT_FREE)->object, (uintptr_t)first);
}

Test(transfer, K_rights_a_receiver_that_takes_none_gets_none)
{
	offer(first_cap, second_cap);
	b->ipc_buffer->recv_slot = CPTR_NULL;
	send(ep_cap, 1, 1);
	cr_assert_eq(b->context.x[1], msg_info(9, 1, 0));
	cr_assert_eq(sim_x0(b), 0, "the words arrive all the same");
	cr_assert_eq(slot(SLOT_FREE)->type, OBJ_NULL);
}

Test(transfer, K_capabilities_the_first_that_fails_ends_it)
{
	offer(first_cap, 63);
	send(ep_cap, 1, 2);
	cr_assert_eq(msg_caps(b->context.x[1]), 1, "an empty slot is nothing to give");
	cr_assert_eq(slot(SLOT_FREE)->object, (uintptr_t)first);
	cr_assert_eq(slot(SLOT_FREE + 1)->type, OBJ_NULL);
	offer(second_cap, first_cap);
	send(ep_cap, 1, 2);
	cr_assert_eq(msg_caps(b->context.x[1]), 0, "the slot is occupied by now");
	cr_assert_eq(slot(SLOT_FREE)->object, (uintptr_t)first, "and what is in it stays");
}

Test(transfer, K_capabilities_outside_the_cnode_are_no_capabilities)
{
	offer(1u << 20, first_cap);
	send(ep_cap, 1, 1);
	cr_assert_eq(msg_caps(b->context.x[1]), 0);
	offer(first_cap, second_cap);
	b->ipc_buffer->recv_slot = 1u << 20;
	send(ep_cap, 1, 1);
	cr_assert_eq(msg_caps(b->context.x[1]), 0);
}
