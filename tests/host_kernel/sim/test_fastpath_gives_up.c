/* SPDX-License-Identifier: BSD-2-Clause */
/* Each condition of the fast path by itself: what is an obstacle to it, and what is not. */
#include "obstacles.h"

#include <criterion/criterion.h>
#include <kern/donation.h>
#include <kern/ipc.h>
#include <kern/ready.h>
#include <kern/reap.h>
#include <kern/thread.h>
#include <kern/waitable.h>

#include <string.h>

struct bail {
	const char *name;
	bool answer; /* the condition is one of reply_recv */
	bool expect; /* it is no obstacle */
	void (*spoil)(void);
};

static void long_message(void)
{
	asked.x[1] = msg_info(1, MSG_REGS + 7, 0);
	for (unsigned i = MSG_REGS; i < MSG_WORDS_MAX; i++)
		sim_current(0)->ipc_buffer->msg[i] = 100 + i;
}

static void whole_message(void)
{
	long_message();
	asked.x[1] = msg_info(1, MSG_WORDS_MAX, 0);
}

static void too_long_message(void)
{
	long_message();
	asked.x[1] = msg_info(1, MSG_WORDS_MAX + 1, 0);
}

/* Thread 0 is the server, 4 its client. */
static void server_without_buffer(void)
{
	long_message();
	thread[0]->ipc_buffer = NULL;
}

static void client_without_buffer(void)
{
	long_message();
	thread[4]->ipc_buffer = NULL;
}

static void short_without_buffers(void)
{
	thread[0]->ipc_buffer = NULL;
	thread[4]->ipc_buffer = NULL;
}

static void with_cap(void)
{
	asked.x[1] = msg_info(1, 1, 1);
}

static void other_type(void)
{
	asked.x[0] = reply_cap[1];
}

static void read_only(void)
{
	asked.x[0] = ep_read[0];
}

static void write_only(void)
{
	asked.x[0] = ep_write[0];
}

static void endpoint_dying(void)
{
	ep[0]->wait.object.dying = 1;
}

static void reply_dying(void)
{
	reply[0]->object.dying = 1;
	/* As reply_destroy(): who waits for a call with it is told first. */
	if (reply[0]->receiver != NULL)
		reply[0]->receiver->reply = NULL;
	reply[0]->receiver = NULL;
}

static void stop_posted(void)
{
	sim_as(1);
	cr_assert(!thread_suspend(sim_current(0)));
}

static void server_stopping(void)
{
	thread[0]->exit_work = EXIT_STOP;
}

static void caller_stopping(void)
{
	thread[4]->exit_work = EXIT_STOP;
}

static void server_without_space(void)
{
	thread[0]->vspace = NULL;
}

static void caller_without_space(void)
{
	thread[4]->vspace = NULL;
}

static void nobody_waits(void)
{
	asked.x[0] = ep_cap[1];
}

static void reply_ended(void)
{
	sim_as(1);
	cr_assert(reply_destroy(reply[0]));
}

static void server_active(void)
{
	thread[0]->payer = thread[0];
}

static void no_reply_cap(void)
{
	asked.x[6] = CPTR_NULL;
}

static void other_reply_type(void)
{
	asked.x[6] = ep_cap[1];
}

static void no_caller(void)
{
	asked.x[6] = reply_cap[1];
}

/* A queued sender at the endpoint that the server goes on receiving from. */
static void sender_queued(void)
{
	while (sim_current(1) != thread[5]) {
		sim_advance(1000);
		sim_syscall(1, sim_current(1), SYS_RECV,
			    (struct sim_regs){{ep_cap[2], 0, 0, 0, 0, 0, 0}});
		sim_auto_all();
	}
	sim_syscall(1, thread[5], SYS_CALL, (struct sim_regs){{ep_cap[0], msg_info(1, 1, 0), 5}});
	sim_auto_all();
}

static const struct bail bails[] = {
	{"call", false, true, fine},
	{"answer", true, true, fine},
	{"long call", false, true, long_message},
	{"longest call", false, true, whole_message},
	{"call that is too long", false, false, too_long_message},
	{"long call of a server without buffer", false, false, server_without_buffer},
	{"long call without buffer", false, false, client_without_buffer},
	{"call without buffers", false, true, short_without_buffers},
	{"call with a capability", false, false, with_cap},
	{"call without capability", false, false, no_cap},
	{"call beyond the CNode", false, false, beyond},
	{"call of another type", false, false, other_type},
	{"call of a read-only endpoint", false, false, read_only},
	{"call without a right to an answer", false, false, write_only},
	{"call without CNode", false, false, root_gone},
	{"call of a dying endpoint", false, false, endpoint_dying},
	{"call when the reply object dies", false, false, reply_dying},
	{"call when nobody waits", false, false, nobody_waits},
	{"call when the reply object is gone", false, false, reply_ended},
	{"call while its stop is posted", false, false, stop_posted},
	{"call of a server that is to stop", false, false, server_stopping},
	{"call with live floating-point state", false, false, fpu_used},
	{"call of a server without address space", false, false, server_without_space},
	{"answer while its stop is posted", true, false, stop_posted},
	{"answer of a caller that is to stop", true, false, caller_stopping},
	{"answer with live floating-point state", true, false, fpu_used},
	{"answer of a caller without address space", true, false, caller_without_space},
	{"long answer", true, true, long_message},
	{"longest answer", true, true, whole_message},
	{"answer that is too long", true, false, too_long_message},
	{"long answer without buffer", true, false, server_without_buffer},
	{"long answer to a caller without buffer", true, false, client_without_buffer},
	{"answer without buffers", true, true, short_without_buffers},
	{"answer with a capability", true, false, with_cap},
	{"answer without endpoint", true, false, no_cap},
	{"answer, another type", true, false, other_type},
	{"answer, write-only endpoint", true, false, write_only},
	{"answer without CNode", true, false, root_gone},
	{"answer, dying endpoint", true, false, endpoint_dying},
	{"answer, dying reply object", true, false, reply_dying},
	{"answer without reply object", true, false, no_reply_cap},
	{"answer, another type of reply object", true, false, other_reply_type},
	{"answer nobody", true, false, no_caller},
	{"answer, sender queued", true, false, sender_queued},
};

static void bail_run(unsigned i, bool with_fast, uint64_t part[PARTS])
{
	const struct bail *bail = &bails[i];
	unsigned before;

	machine_start(with_fast);
	calls_awaited();
	asked = (struct sim_regs){{ep_cap[0], msg_info(7, 2, 0), 11, 12}};
	if (bail->answer) {
		sim_syscall(0, thread[4], SYS_CALL, asked);
		cr_assert_eq(sim_current(0), thread[0]);
		asked = (struct sim_regs){
			{ep_cap[0], msg_info(8, 3, 0), 21, 22, 23, 0, reply_cap[0]}};
	}
	bail->spoil();
	before = taken;
	sim_syscall(0, sim_current(0), bail->answer ? SYS_REPLY_RECV : SYS_CALL, asked);
	cr_assert_eq(taken - before, with_fast && bail->expect, "%s", bail->name);
	state_take(part);
	sim_end();
}

Test(fastpath, K_fastpath_gives_up_without_a_trace)
{
	for (unsigned i = 0; i < sizeof(bails) / sizeof(bails[0]); i++)
		both_ways(bail_run, i, bails[i].name);
}

/* Given up by itself, and then nothing at all has changed. */
Test(fastpath, K_fastpath_leaves_an_active_receiver_and_a_dispatcher_alone)
{
	uint64_t before[PARTS], after[PARTS];
	word_t info = msg_info(7, 2, 0);

	machine_start(true);
	calls_awaited();
	thread[4]->context.x[0] = ep_cap[0];
	thread[4]->context.x[1] = info;
	server_active();
	sim_as(0);
	state_take(before);
	cr_assert_null(__real_fastpath_call(ep_cap[0], info, thread[4], &cpus[0]));
	state_take(after);
	cr_assert_arr_eq(before, after, sizeof(before));
	/* A dispatcher runs on nobody's time. */
	thread[0]->payer = NULL;
	cpus[0].core.payer = NULL;
	cpus[0].core.dispatcher_running = true;
	state_take(before);
	cr_assert_null(__real_fastpath_call(ep_cap[0], info, thread[4], &cpus[0]));
	state_take(after);
	cr_assert_arr_eq(before, after, sizeof(before));
	cpus[0].core.payer = thread[4];
	cpus[0].core.dispatcher_running = false;
	cr_assert_eq(__real_fastpath_call(ep_cap[0], info, thread[4], &cpus[0]), thread[0]);
	state_take(after);
	cr_assert(memcmp(before, after, sizeof(before)) != 0);
	sim_end();
}
