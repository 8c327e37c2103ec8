/* SPDX-License-Identifier: BSD-2-Clause */
/* Send, receive, call, reply between threads with time of their own; notifications. */
#include "sim.h"

#include <criterion/criterion.h>
#include <kern/thread.h>

static struct tcb *a, *b;
static struct endpoint *ep;
static struct reply *reply;
static cptr_t ep_cap, reply_cap;

static void setup(void)
{
	sim_start(2);
	sim_bind(0, 1000000, 0, NULL);
	sim_bind(1, 1000000, 0, NULL);
	sim_auto_all();
	a = sim_thread_running(1, 0);
	b = sim_thread_running(2, 1);
	ep = sim_endpoint();
	reply = sim_reply();
	ep_cap = sim_cap(OBJ_ENDPOINT, ep, 77);
	reply_cap = sim_cap(OBJ_REPLY, reply, 0);
	sim_auto_all();
	cr_assert_eq(sim_current(0), a);
	cr_assert_eq(sim_current(1), b);
}

TestSuite(ipc, .init = setup, .fini = sim_end);

#define RECV(reply) ((struct sim_regs){{ep_cap, 0, 0, 0, 0, 0, (reply)}})

Test(ipc, send_waits_for_receiver_on_another_cpu)
{
	sim_syscall(0, a, SYS_SEND, (struct sim_regs){{ep_cap, msg_info(5, 2, 0), 11, 12}});
	cr_assert_eq(a->state, THREAD_SENDING);
	sim_auto_all();
	cr_assert_null(sim_current(0));
	sim_syscall(1, b, SYS_RECV, RECV(0));
	cr_assert_eq(sim_current(1), b);
	cr_assert_eq(sim_x0(b), 0);
	cr_assert_eq(b->context.x[1], msg_info(5, 2, 0));
	cr_assert_eq(b->context.x[2], 11);
	cr_assert_eq(b->context.x[3], 12);
	cr_assert_eq(b->context.x[4], 0, "words beyond the length do not travel");
	cr_assert_eq(b->context.x[6], 77);
	sim_auto_all();
	cr_assert_eq(sim_current(0), a);
	cr_assert_eq(sim_x0(a), 0);
}

Test(ipc, receive_waits_for_sender)
{
	sim_syscall(1, b, SYS_RECV, RECV(0));
	sim_auto_all();
	cr_assert_null(sim_current(1));
	sim_syscall(0, a, SYS_SEND, (struct sim_regs){{ep_cap, msg_info(5, 1, 0), 11}});
	cr_assert_eq(sim_x0(a), 0);
	cr_assert_eq(sim_current(0), a, "sending does not stop the sender");
	sim_auto_all();
	cr_assert_eq(sim_current(1), b);
	cr_assert_eq(b->context.x[2], 11);
}

Test(ipc, call_and_reply_across_cpus)
{
	sim_syscall(1, b, SYS_RECV, RECV(reply_cap));
	sim_auto_all();
	sim_syscall(0, a, SYS_CALL, (struct sim_regs){{ep_cap, msg_info(9, 4, 0), 1, 2, 3, 4}});
	cr_assert_eq(a->state, THREAD_CALLING);
	sim_auto_all();
	cr_assert_eq(sim_current(1), b);
	cr_assert_eq(b->context.x[5], 4);
	sim_syscall(1, b, SYS_REPLY_RECV,
		    (struct sim_regs){{ep_cap, msg_info(0, 1, 0), 42, 0, 0, 0, reply_cap}});
	sim_auto_all();
	cr_assert_eq(sim_current(0), a);
	cr_assert_eq(sim_x0(a), 0);
	cr_assert_eq(a->context.x[2], 42);
	cr_assert_eq(b->state, THREAD_RECEIVING);
	cr_assert_null(sim_current(1));
}

Test(ipc, caller_queues_until_received)
{
	sim_syscall(0, a, SYS_CALL, (struct sim_regs){{ep_cap, msg_info(9, 1, 0), 1}});
	cr_assert_eq(a->state, THREAD_SENDING);
	sim_auto_all();
	sim_syscall(1, b, SYS_RECV, RECV(reply_cap));
	cr_assert_eq(sim_current(1), b);
	cr_assert_eq(a->state, THREAD_CALLING);
	sim_syscall(1, b, SYS_REPLY, (struct sim_regs){{reply_cap, msg_info(3, 0, 0)}});
	cr_assert_eq(sim_x0(b), 0);
	sim_auto_all();
	cr_assert_eq(sim_current(0), a);
	cr_assert_eq(msg_label(a->context.x[1]), 3);
	sim_syscall(1, b, SYS_REPLY, (struct sim_regs){{reply_cap, msg_info(3, 0, 0)}});
	cr_assert_eq(sim_x0(b), -ERR_NO_REPLY);
}

Test(ipc, K_ipc_long_messages_go_through_the_buffers)
{
	for (unsigned i = 4; i < 64; i++)
		a->ipc_buffer->msg[i] = 100 + i;
	sim_syscall(1, b, SYS_RECV, RECV(0));
	sim_auto_all();
	sim_syscall(0, a, SYS_SEND, (struct sim_regs){{ep_cap, msg_info(0, 64, 0), 1, 2, 3, 4}});
	sim_auto_all();
	cr_assert_eq(msg_length(b->context.x[1]), 64);
	for (unsigned i = 4; i < 64; i++)
		cr_assert_eq(b->ipc_buffer->msg[i], 100 + i);
}

Test(ipc, errors_of_sends)
{
	cptr_t read_only = sim_cap_rights(OBJ_ENDPOINT, ep, 0, RIGHT_READ);
	cptr_t no_grant = sim_cap_rights(OBJ_ENDPOINT, ep, 0, RIGHT_WRITE);
	cptr_t no_write = sim_cap_rights(OBJ_ENDPOINT, ep, 0, RIGHT_ALL & ~RIGHT_WRITE);
	const struct {
		enum syscall number;
		cptr_t cap;
		word_t info;
		enum error error;
	} cases[] = {
		{SYS_NB_SEND, ep_cap, 0, ERR_WOULD_BLOCK},
		{SYS_SEND, read_only, 0, ERR_CAP_RIGHTS},
		{SYS_CALL, no_grant, 0, ERR_CAP_RIGHTS},
		{SYS_CALL, no_write, 0, ERR_CAP_RIGHTS},
		{SYS_RECV, no_grant, 0, ERR_CAP_RIGHTS},
		{SYS_SEND, no_grant, msg_info(0, 0, 1), ERR_CAP_RIGHTS},
		{SYS_SEND, ep_cap, msg_info(0, 65, 0), ERR_ARG},
		{SYS_SEND, reply_cap, 0, ERR_CAP_TYPE},
		{SYS_SEND, 200, 0, ERR_CAP_INVALID},
		{SYS_CALL, 200, 0, ERR_CAP_INVALID},
		{SYS_NB_RECV, ep_cap, 0, ERR_WOULD_BLOCK},
		{SYS_POLL, ep_cap, 0, ERR_CAP_TYPE},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		sim_syscall(0, a, cases[i].number,
			    (struct sim_regs){{cases[i].cap, cases[i].info}});
		cr_assert_eq(sim_x0(a), -(int64_t)cases[i].error, "case %u: %ld", i,
			     (long)sim_x0(a));
		cr_assert_eq(sim_current(0), a);
	}
	sim_check();
}

Test(ipc, a_call_needs_no_more_than_the_right_to_be_answered)
{
	cptr_t cap = sim_cap_rights(OBJ_ENDPOINT, ep, 0, RIGHT_WRITE | RIGHT_GRANT_REPLY);

	sim_syscall(0, a, SYS_CALL, (struct sim_regs){{cap, 0}});
	cr_assert_eq(a->state, THREAD_SENDING);
}

Test(ipc, K_ipc_who_has_no_buffer_gets_and_gives_registers_only)
{
	const word_t longer = msg_info(0, MSG_REGS + 1, 0);
	struct ipc_buffer *const buffer = a->ipc_buffer;

	a->ipc_buffer = NULL;
	sim_syscall(0, a, SYS_SEND, (struct sim_regs){{ep_cap, msg_info(0, 0, 1)}});
	cr_assert_eq(sim_x0(a), -ERR_ARG);
	sim_syscall(0, a, SYS_CALL, (struct sim_regs){{ep_cap, 0}});
	sim_syscall(1, b, SYS_RECV, RECV(reply_cap));
	sim_syscall(1, b, SYS_REPLY, (struct sim_regs){{reply_cap, longer}});
	sim_auto_all();
	cr_assert_eq(sim_current(0), a);
	cr_assert_eq(sim_x0(a), -ERR_TRUNCATED, "of an answer");
	a->ipc_buffer = buffer;
	b->ipc_buffer = NULL;
	sim_syscall(0, a, SYS_SEND, (struct sim_regs){{ep_cap, longer}});
	sim_syscall(1, b, SYS_RECV, RECV(0));
	sim_auto_all();
	cr_assert_eq(sim_current(0), a);
	cr_assert_eq(sim_x0(a), -ERR_TRUNCATED, "of a message that waited");
	cr_assert_eq(b->state, THREAD_RECEIVING, "it never came");
}

Test(ipc, K_ipc_a_reply_object_is_of_one_receiver)
{
	sim_syscall(1, b, SYS_RECV, RECV(reply_cap));
	sim_auto_all();
	sim_syscall(0, a, SYS_RECV, RECV(reply_cap));
	cr_assert_eq(sim_x0(a), -ERR_BUSY);
	cr_assert(reply_destroy(reply));
	cr_assert_null(b->reply);
	cr_assert_null(reply->receiver);
	sim_syscall(0, a, SYS_CALL, (struct sim_regs){{ep_cap, 0}});
	cr_assert_eq(sim_x0(a), -ERR_NO_REPLY);
	sim_syscall(0, a, SYS_RECV, RECV(reply_cap));
	cr_assert_eq(sim_x0(a), -ERR_DELETED);
	cr_assert_null(a->reply);
}

Test(ipc, call_to_receiver_without_reply_object)
{
	sim_syscall(1, b, SYS_RECV, RECV(0));
	sim_auto_all();
	sim_syscall(0, a, SYS_CALL, (struct sim_regs){{ep_cap, 0}});
	cr_assert_eq(sim_x0(a), -ERR_NO_REPLY);
	cr_assert_eq(b->state, THREAD_RECEIVING);
}

Test(ipc, K_ipc_endpoint_destroyed_wakes_with_deleted)
{
	sim_syscall(1, b, SYS_RECV, RECV(reply_cap));
	sim_auto_all();
	cr_assert(endpoint_destroy(ep));
	sim_auto_all();
	cr_assert_eq(sim_current(1), b);
	cr_assert_eq(sim_x0(b), -ERR_DELETED);
	cr_assert_null(reply->receiver, "the claim on the reply object ended");
	sim_syscall(0, a, SYS_SEND, (struct sim_regs){{ep_cap, 0}});
	cr_assert_eq(sim_x0(a), -ERR_DELETED);
}

Test(ipc, reply_object_destroyed_wakes_caller)
{
	sim_syscall(1, b, SYS_RECV, RECV(reply_cap));
	sim_auto_all();
	sim_syscall(0, a, SYS_CALL, (struct sim_regs){{ep_cap, 0}});
	sim_auto_all();
	sim_as(1);
	cr_assert(reply_destroy(reply));
	sim_auto_all();
	cr_assert_eq(sim_current(0), a);
	cr_assert_eq(sim_x0(a), -ERR_DELETED);
}

Test(ipc, K_ipc_signal_wait_poll)
{
	struct notification *n = sim_notification();
	cptr_t cap = sim_cap(OBJ_NOTIFICATION, n, 4);

	sim_syscall(0, a, SYS_SIGNAL, (struct sim_regs){{cap}});
	sim_syscall(0, a, SYS_POLL, (struct sim_regs){{cap}});
	cr_assert_eq(sim_x0(a), 0);
	cr_assert_eq(a->context.x[6], 4);
	sim_syscall(0, a, SYS_POLL, (struct sim_regs){{cap}});
	cr_assert_eq(sim_x0(a), -ERR_WOULD_BLOCK);
	sim_syscall(0, a, SYS_WAIT, (struct sim_regs){{cap}});
	sim_auto_all();
	cr_assert_null(sim_current(0));
	sim_syscall(1, b, SYS_SIGNAL, (struct sim_regs){{cap}});
	sim_auto_all();
	cr_assert_eq(sim_current(0), a);
	cr_assert_eq(a->context.x[6], 4);
	cr_assert_eq(n->word, 0);
}

Test(ipc, K_ipc_signals_add_up)
{
	struct notification *n = sim_notification();
	cptr_t four = sim_cap(OBJ_NOTIFICATION, n, 4);
	cptr_t one = sim_cap(OBJ_NOTIFICATION, n, 1);

	sim_syscall(0, a, SYS_SIGNAL, (struct sim_regs){{four}});
	sim_syscall(0, a, SYS_SIGNAL, (struct sim_regs){{one}});
	sim_syscall(0, a, SYS_POLL, (struct sim_regs){{one}});
	cr_assert_eq(sim_x0(a), 0);
	cr_assert_eq(a->context.x[6], 5);
}

/* As those of devices, which come by no system call. */
Test(ipc, K_ipc_signals_of_the_kernel_add_up)
{
	struct notification *n = sim_notification();
	cptr_t cap = sim_cap(OBJ_NOTIFICATION, n, 1);

	notification_signal(n, 4);
	notification_signal(n, 1);
	sim_syscall(0, a, SYS_POLL, (struct sim_regs){{cap}});
	cr_assert_eq(sim_x0(a), 0);
	cr_assert_eq(a->context.x[6], 5);
}

/* Its receiver may be bound to another one afterwards, and it to another receiver. */
Test(ipc, K_ipc_what_is_unbound_can_be_bound_again)
{
	struct notification *n = sim_notification();
	cptr_t cap = sim_cap(OBJ_NOTIFICATION, n, 8);

	cr_assert_eq(notification_bind(n, a), ERR_OK);
	cr_assert_eq(notification_bind(n, b), ERR_STATE);
	notification_unbind(a);
	cr_assert_eq(notification_bind(n, b), ERR_OK);
	sim_syscall(0, a, SYS_SIGNAL, (struct sim_regs){{cap}});
	sim_syscall(1, b, SYS_RECV, RECV(reply_cap));
	cr_assert_eq(sim_current(1), b);
	cr_assert_eq(b->context.x[1], MSG_NOTIFIED);
	cr_assert_eq(b->context.x[6], 8);
	cr_assert_eq(n->word, 0);
	notification_unbind(b);
	cr_assert(notification_destroy(n));
	cr_assert_eq(notification_bind(n, b), ERR_STATE, "it is going");
}

Test(ipc, K_ipc_bound_notification_wakes_a_receive_in_both_orders)
{
	struct notification *n = sim_notification();
	cptr_t cap = sim_cap(OBJ_NOTIFICATION, n, 8);

	cr_assert_eq(notification_bind(n, b), ERR_OK);
	sim_syscall(1, b, SYS_RECV, RECV(reply_cap));
	sim_auto_all();
	sim_syscall(0, a, SYS_SIGNAL, (struct sim_regs){{cap}});
	sim_auto_all();
	cr_assert_eq(sim_current(1), b);
	cr_assert_eq(b->context.x[1], MSG_NOTIFIED);
	cr_assert_eq(b->context.x[6], 8);
	cr_assert_null(reply->receiver);
	sim_syscall(0, a, SYS_SIGNAL, (struct sim_regs){{cap}});
	sim_syscall(1, b, SYS_RECV, RECV(reply_cap));
	cr_assert_eq(sim_current(1), b, "a signal that came before is received at once");
	cr_assert_eq(b->context.x[1], MSG_NOTIFIED);
	cr_assert_null(reply->receiver);
	cr_assert_null(b->reply);
}

Test(ipc, Z20_remote_wake_sends_one_ipi)
{
	struct notification *n = sim_notification();
	cptr_t cap = sim_cap(OBJ_NOTIFICATION, n, 1);
	struct tcb *c = sim_thread_running(3, 1);
	unsigned before;

	sim_auto_all();
	for (unsigned i = 0; i < 2; i++) {
		struct tcb *now = sim_current(1);

		sim_syscall(1, now, SYS_WAIT, (struct sim_regs){{cap}});
		sim_auto_all();
	}
	cr_assert_null(sim_current(1));
	cr_assert_eq(c->state, THREAD_WAITING);
	before = sim_ipis();
	sim_syscall(0, a, SYS_SIGNAL, (struct sim_regs){{cap}});
	sim_syscall(0, a, SYS_SIGNAL, (struct sim_regs){{cap}});
	cr_assert_eq(sim_ipis() - before, 1, "two wakes before the IPI is taken: one IPI");
	cr_assert_eq(sim_current(0), a, "the waker goes on");
	sim_step(1);
	cr_assert(sim_deciding(1));
	cr_assert_not_null(sim_event_of(1, 2));
	cr_assert_not_null(sim_event_of(1, 3));
	sim_auto_all();
}

/* Some of the threads with tags from 2 on are woken, CPU 1 now and then stepped in between. */
static unsigned wake_some(const cptr_t *caps, unsigned count, unsigned *seed)
{
	unsigned wakes = 0;

	for (unsigned i = 0; i < count; i++) {
		*seed = *seed * 1103515245u + 12345u;
		if ((*seed >> 16) % 3 == 0)
			continue;
		sim_syscall(0, a, SYS_SIGNAL, (struct sim_regs){{caps[i]}});
		wakes++;
		if ((*seed >> 20) % 4 == 0)
			sim_step(1);
	}
	return wakes;
}

/* Each that runs on CPU 1 waits (again) for its own notification; returns how many did. */
static unsigned all_wait(const cptr_t *caps)
{
	unsigned woken = 0;

	sim_auto_all();
	for (struct tcb *tcb = sim_current(1); tcb; tcb = sim_current(1)) {
		sim_syscall(1, tcb, SYS_WAIT, (struct sim_regs){{caps[tcb->tag - 2]}});
		sim_auto_all();
		woken++;
	}
	return woken;
}

Test(ipc, M18_thousand_wakes_to_one_cpu)
{
	cptr_t caps[8];
	unsigned wakes = 0;
	unsigned seed = 1;
	unsigned before;

	for (unsigned i = 0; i < 8; i++) {
		caps[i] = sim_cap(OBJ_NOTIFICATION, sim_notification(), 1);
		if (i > 0)
			(void)sim_thread_running(2 + i, 1);
	}
	cr_assert_eq(all_wait(caps), 8);
	before = sim_ipis();
	while (wakes < 1000) {
		unsigned ipis = sim_ipis();
		unsigned some = wake_some(caps, 8, &seed);

		cr_assert_leq(sim_ipis() - ipis, some > 0, "CPU 1 looks before it parks");
		cr_assert_eq(all_wait(caps), some, "after %u wakes", wakes);
		wakes += some;
		sim_check();
	}
	cr_assert_leq(sim_ipis() - before, wakes);
}

Test(ipc, Z21_local_wake_sends_no_ipi)
{
	struct notification *n = sim_notification();
	cptr_t cap = sim_cap(OBJ_NOTIFICATION, n, 1);
	struct tcb *c = sim_thread_running(3, 0);
	struct tcb *waiter, *other;
	unsigned before;

	sim_auto_all();
	waiter = sim_current(0);
	other = waiter == a ? c : a;
	sim_syscall(0, waiter, SYS_WAIT, (struct sim_regs){{cap}});
	sim_auto_all();
	before = sim_ipis();
	sim_syscall(0, other, SYS_SIGNAL, (struct sim_regs){{cap}});
	cr_assert(sim_deciding(0), "the wake entered the dispatcher");
	cr_assert_eq(sim_event_of(0, other->tag)->info & 0xffff,
		     EVENT_READY | CAUSE_PREEMPTED << 8);
	sim_auto_all();
	cr_assert_eq(sim_ipis(), before);
}

/* The queue is empty, though it has last held senders. */
Test(ipc, a_receiver_is_found_after_the_senders_have_given_up)
{
	sim_syscall(0, a, SYS_SEND, (struct sim_regs){{ep_cap, msg_info(5, 1, 0), 11}});
	sim_auto_all();
	sim_as(1);
	cr_assert(thread_suspend(a));
	sim_syscall(1, b, SYS_RECV, RECV(0));
	sim_auto_all();
	sim_as(1);
	cr_assert_eq(thread_resume(a), ERR_OK);
	sim_auto_all();
	sim_syscall(0, a, SYS_SEND, (struct sim_regs){{ep_cap, msg_info(5, 1, 0), 12}});
	cr_assert_eq(sim_current(0), a);
	cr_assert_eq(sim_x0(a), 0);
	sim_auto_all();
	cr_assert_eq(sim_current(1), b);
	cr_assert_eq(b->context.x[2], 12);
}

Test(ipc, a_receive_that_would_block_claims_nothing)
{
	sim_syscall(1, b, SYS_NB_RECV, RECV(reply_cap));
	cr_assert_eq(sim_x0(b), -ERR_WOULD_BLOCK);
	cr_assert_null(reply->receiver);
	cr_assert_null(b->reply);
}

Test(ipc, a_reply_object_that_holds_a_caller_takes_no_other)
{
	sim_syscall(0, a, SYS_CALL, (struct sim_regs){{ep_cap, 0}});
	sim_auto_all();
	sim_syscall(1, b, SYS_RECV, RECV(reply_cap));
	cr_assert_eq(sim_x0(b), 0);
	cr_assert_eq(reply->caller, a);
	cr_assert_null(b->reply, "it waits for nobody with it any more");
	sim_syscall(1, b, SYS_RECV, RECV(reply_cap));
	cr_assert_eq(sim_current(1), b);
	cr_assert_eq(sim_x0(b), -ERR_BUSY);
	cr_assert_eq(reply->caller, a);
}

/* From the moment in which it begins to go nobody would wake who waits. */
Test(ipc, nobody_waits_for_a_notification_that_goes)
{
	struct notification *n = sim_notification();
	cptr_t cap = sim_cap(OBJ_NOTIFICATION, n, 4);

	n->wait.object.dying = 1;
	sim_syscall(0, a, SYS_WAIT, (struct sim_regs){{cap}});
	cr_assert_eq(sim_current(0), a);
	cr_assert_eq(sim_x0(a), -ERR_DELETED);
	sim_syscall(0, a, SYS_SIGNAL, (struct sim_regs){{cap}});
	cr_assert_eq(n->word, 0);
	cr_assert_eq(notification_bind(n, a), ERR_STATE);
	cr_assert_null(a->bound_notification);
}

/* The same of the reply object with which somebody waits for calls. */
Test(ipc, nobody_calls_by_a_reply_object_that_goes)
{
	sim_syscall(1, b, SYS_RECV, RECV(reply_cap));
	sim_auto_all();
	reply->object.dying = 1;
	sim_syscall(0, a, SYS_CALL, (struct sim_regs){{ep_cap, 0}});
	cr_assert_eq(sim_current(0), a);
	cr_assert_eq(sim_x0(a), -ERR_NO_REPLY);
	cr_assert_null(reply->caller);
	sim_auto_all();
	cr_assert_eq(sim_current(1), b);
	cr_assert_eq(sim_x0(b), -ERR_DELETED);
	cr_assert_null(b->reply);
}

Test(ipc, a_thread_has_one_bound_notification)
{
	struct notification *first = sim_notification();
	struct notification *second = sim_notification();

	cr_assert_eq(notification_bind(first, a), ERR_OK);
	cr_assert_eq(notification_bind(second, a), ERR_STATE);
	cr_assert_eq(notification_bind(first, b), ERR_STATE);
	cr_assert_eq(a->bound_notification, first);
	cr_assert_null(second->bound);
	cr_assert_null(b->bound_notification);
}
