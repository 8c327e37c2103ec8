/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fast path of call and reply_recv against the general path: the same system calls on two
 * identical machines, one of which is not given the fast path, and all kernel state compared after
 * each.  Memory is the same in both runs, so that pointers compare as they are.
 */
#include "sim.h"

#include <criterion/criterion.h>
#include <kern/donation.h>
#include <kern/fastpath.h>
#include <kern/ipc.h>
#include <kern/ready.h>
#include <kern/reap.h>
#include <kern/thread.h>
#include <kern/waitable.h>

#include <stdlib.h>
#include <string.h>

#define CPUS      2u
#define THREADS   8u
#define ENDPOINTS 3u
#define REPLIES   4u
#define STEPS     600u
#define SEEDS     40u
#define PARTS     (THREADS + CPUS + ENDPOINTS + REPLIES + CPUS)

static bool fast;
static unsigned taken;

/* ---- The machine ----------------------------------------------------------------------------- */

static struct tcb *thread[THREADS], *dispatcher[CPUS];
static struct endpoint *ep[ENDPOINTS];
static struct reply *reply[REPLIES];
/* Capabilities: all rights, and fewer. */
static cptr_t ep_cap[ENDPOINTS], ep_read[ENDPOINTS], ep_write[ENDPOINTS], ep_call[ENDPOINTS];
static cptr_t reply_cap[REPLIES];

/* Linked in front of the kernel's (--wrap). */
struct tcb *__real_fastpath_call(cptr_t cptr, word_t info, struct tcb *tcb, struct cpu *cpu);
struct tcb *__real_fastpath_reply_recv(cptr_t cptr, word_t info, struct tcb *tcb, struct cpu *cpu);
struct tcb *__wrap_fastpath_call(cptr_t cptr, word_t info, struct tcb *tcb, struct cpu *cpu);
struct tcb *__wrap_fastpath_reply_recv(cptr_t cptr, word_t info, struct tcb *tcb, struct cpu *cpu);

/* Its path back to user mode is its own: the CPU must be where kernel_exit() leaves it. */
static struct tcb *taken_by(struct tcb *next, const struct cpu *cpu)
{
	if (next != NULL) {
		taken++;
		cr_assert(next == cpu->current && next == cpu->core.current &&
			  next == cpu->core.loaded && next == cpu->core.held);
	}
	return next;
}

struct tcb *__wrap_fastpath_call(cptr_t cptr, word_t info, struct tcb *tcb, struct cpu *cpu)
{
	return fast ? taken_by(__real_fastpath_call(cptr, info, tcb, cpu), cpu) : NULL;
}

struct tcb *__wrap_fastpath_reply_recv(cptr_t cptr, word_t info, struct tcb *tcb, struct cpu *cpu)
{
	return fast ? taken_by(__real_fastpath_reply_recv(cptr, info, tcb, cpu), cpu) : NULL;
}

static void machine_start(bool with_fast)
{
	fast = with_fast;
	taken = 0;
	sim_start(CPUS);
	for (unsigned i = 0; i < CPUS; i++)
		dispatcher[i] = sim_bind(i, 1000000, 0, NULL);
	for (unsigned i = 0; i < ENDPOINTS; i++) {
		ep[i] = sim_endpoint();
		ep_cap[i] = sim_cap(OBJ_ENDPOINT, ep[i], 70 + i);
		ep_read[i] = sim_cap_rights(OBJ_ENDPOINT, ep[i], 80 + i, RIGHT_READ);
		ep_write[i] = sim_cap_rights(OBJ_ENDPOINT, ep[i], 90 + i, RIGHT_WRITE);
		ep_call[i] = sim_cap_rights(OBJ_ENDPOINT, ep[i], 95 + i,
					    RIGHT_WRITE | RIGHT_GRANT_REPLY);
	}
	for (unsigned i = 0; i < REPLIES; i++) {
		reply[i] = sim_reply();
		reply_cap[i] = sim_cap(OBJ_REPLY, reply[i], 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		thread[i] = sim_thread_running(10 + i, i % CPUS);
		if (i < REPLIES)
			thread[i]->flags |= TCB_FLAG_PASSIVE;
		/* The pager of everybody: faults meet the fast answer. */
		thread[i]->pager = (struct cap_slot){.type = OBJ_ENDPOINT,
						     .rights = RIGHT_ALL,
						     .badge = 60 + i,
						     .object = (uintptr_t)ep[0]};
		thread[i]->exception = thread[i]->pager;
	}
	sim_auto_all();
}

/* ---- Its state ------------------------------------------------------------------------------- */

static uint64_t hash(uint64_t sum, const void *data, size_t bytes)
{
	const unsigned char *at = data;

	for (size_t i = 0; i < bytes; i++)
		sum = (sum ^ at[i]) * 0x100000001b3u;
	return sum;
}

/* Locks are free; what else they remember may differ. */
static void lock_forget(struct spinlock *lock)
{
	cr_assert(!spin_held(lock));
	memset(lock, 0, sizeof(*lock));
}

/* How a thread sends is said only while it does (<kern/tcb.h>). */
static uint64_t hash_thread(const struct tcb *tcb)
{
	struct tcb copy;

	memcpy(&copy, tcb, sizeof(copy));
	if (copy.state != THREAD_SENDING) {
		copy.send_badge = 0;
		copy.send_is_call = false;
		copy.send_can_grant = false;
	}
	return hash(hash(1, &copy, sizeof(copy)), tcb->ipc_buffer, 4096);
}

static void state_take(uint64_t part[PARTS])
{
	static struct cpu cpu;

	for (unsigned i = 0; i < THREADS; i++)
		*part++ = hash_thread(thread[i]);
	for (unsigned i = 0; i < CPUS; i++)
		*part++ = hash_thread(dispatcher[i]);
	for (unsigned i = 0; i < ENDPOINTS; i++) {
		struct endpoint copy;

		memcpy(&copy, ep[i], sizeof(copy));
		lock_forget(&copy.wait.lock);
		*part++ = hash(2, &copy, sizeof(copy));
	}
	for (unsigned i = 0; i < REPLIES; i++) {
		struct reply copy;

		memcpy(&copy, reply[i], sizeof(copy));
		lock_forget(&copy.lock);
		*part++ = hash(3, &copy, sizeof(copy));
	}
	for (unsigned i = 0; i < CPUS; i++) {
		memcpy(&cpu, &cpus[i], sizeof(cpu));
		lock_forget(&cpu.core.lock);
		*part++ = hash(4, &cpu, sizeof(cpu));
	}
}

/* ---- Long random sequences ------------------------------------------------------------------- */

static uint64_t dice_state;

static unsigned dice(unsigned sides)
{
	dice_state = dice_state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(dice_state >> 33) % sides;
}

static cptr_t any_endpoint(void)
{
	unsigned i = dice(ENDPOINTS);

	switch (dice(16)) {
	case 0:
		return ep_read[i];
	case 1:
		return ep_write[i];
	case 2:
	case 3:
		return ep_call[i];
	case 4:
		return (cptr_t[]){CPTR_NULL, 200, 1u << 20, reply_cap[0]}[dice(4)];
	default:
		return ep_cap[i];
	}
}

static word_t any_info(void)
{
	unsigned length = dice(8) == 0 ? MSG_REGS + dice(3) : dice(MSG_REGS + 1);

	return msg_info(dice(4), length, dice(16) == 0) | (dice(16) == 0 ? MSG_FAULTED : 0);
}

/* A server mostly uses its own endpoint and reply object. */
static void random_syscall(unsigned cpu, struct tcb *tcb)
{
	unsigned self = (unsigned)(tcb->tag - 10);
	bool server = self < REPLIES;
	struct sim_regs regs = {{any_endpoint(), any_info(), dice(1000), dice(1000), dice(1000),
				 dice(1000),
				 reply_cap[dice(8) == 0 ? dice(REPLIES) : self % REPLIES]}};
	static const enum syscall rare[] = {SYS_SEND,    SYS_NB_SEND, SYS_RECV,
					    SYS_NB_RECV, SYS_REPLY,   SYS_THREAD_CLOCK};
	enum syscall number = SYS_CALL;

	if (server && dice(3) != 0) {
		number = SYS_REPLY_RECV;
		if (dice(8) != 0)
			regs.x[0] = ep_cap[self % ENDPOINTS];
	}
	if (dice(6) == 0)
		number = rare[dice(6)];
	if (number == SYS_REPLY)
		regs.x[0] = regs.x[6];
	if (server && tcb->payer == tcb && dice(2) == 0) {
		number = SYS_RECV;
		regs.x[0] = ep_cap[self % ENDPOINTS];
	}
	sim_syscall(cpu, tcb, number, regs);
}

/* All wait for each other: one of them gives up. */
static void cancel_one(void)
{
	unsigned first = dice(THREADS);

	sim_as(0);
	for (unsigned i = 0; i < THREADS; i++) {
		struct tcb *tcb = thread[(first + i) % THREADS];
		enum thread_state state = tcb_state(tcb);
		bool owned = false;

		if (state == THREAD_SENDING || state == THREAD_RECEIVING)
			owned = endpoint_cancel(tcb);
		else if (state == THREAD_CALLING)
			owned = reply_cancel(tcb);
		if (owned) {
			ipc_fail(tcb, ERR_CANCELLED);
			thread_wake(tcb);
			return;
		}
	}
}

static void step(void)
{
	unsigned cpu = dice(CPUS);
	struct tcb *tcb;

	sim_auto_all();
	tcb = sim_current(cpu);
	if (tcb == NULL || sim_deciding(cpu)) {
		cpu = 1 - cpu;
		tcb = sim_current(cpu);
	}
	if (tcb == NULL || sim_deciding(cpu)) {
		cancel_one();
		return;
	}
	switch (dice(20)) {
	case 0:
		sim_advance(2000000);
		break;
	case 1:
		cancel_one();
		break;
	case 2:
		sim_fault(cpu, tcb, FAULT_PAGE, 0x1000u * (1 + dice(100)));
		break;
	default:
		random_syscall(cpu, tcb);
	}
}

static uint64_t general[STEPS][PARTS];

Test(fastpath, K_fastpath_random_sequences_leave_the_state_of_the_general_path, .timeout = 50)
{
	unsigned all = 0;

	for (unsigned seed = 0; seed < SEEDS; seed++) {
		for (unsigned run = 0; run < 2; run++) {
			machine_start(run == 1);
			dice_state = seed * 7919u + 1;
			for (unsigned i = 0; i < STEPS; i++) {
				uint64_t part[PARTS];

				step();
				sim_check();
				state_take(run == 0 ? general[i] : part);
				for (unsigned k = 0; run == 1 && k < PARTS; k++)
					cr_assert_eq(part[k], general[i][k],
						     "seed %u, step %u, part %u", seed, i, k);
			}
			all += taken;
			sim_end();
		}
	}
	cr_assert_gt(all, SEEDS * STEPS / 20, "%u of %u steps were fast", all, SEEDS * STEPS);
}

/* ---- One condition after the other ----------------------------------------------------------- */

/* Thread 0 is a passive server of endpoint 0, thread 4 its client. */
static void wait_for_calls(void)
{
	while (sim_current(0) != thread[0]) {
		sim_advance(2000000);
		sim_step(0);
		sim_auto_all();
	}
	sim_syscall(0, thread[0], SYS_RECV,
		    (struct sim_regs){{ep_cap[0], 0, 0, 0, 0, 0, reply_cap[0]}});
	sim_auto_all();
	while (sim_current(0) != thread[4]) {
		sim_advance(2000000);
		sim_step(0);
		sim_auto_all();
	}
}

struct bail {
	const char *name;
	bool answer; /* the condition is one of reply_recv */
	bool expect; /* it is no obstacle */
	void (*spoil)(struct sim_regs *regs);
};

static void fine(struct sim_regs *regs)
{
	(void)regs;
}

static void long_message(struct sim_regs *regs)
{
	regs->x[1] = msg_info(1, MSG_REGS + 1, 0);
}

static void with_cap(struct sim_regs *regs)
{
	regs->x[1] = msg_info(1, 1, 1);
}

static void no_cap(struct sim_regs *regs)
{
	regs->x[0] = CPTR_NULL;
}

static void beyond(struct sim_regs *regs)
{
	regs->x[0] = 1u << 8;
}

static void other_type(struct sim_regs *regs)
{
	regs->x[0] = reply_cap[1];
}

static void read_only(struct sim_regs *regs)
{
	regs->x[0] = ep_read[0];
}

static void write_only(struct sim_regs *regs)
{
	regs->x[0] = ep_write[0];
}

static void root_gone(struct sim_regs *regs)
{
	(void)regs;
	sim_current(0)->cspace.type = OBJ_NULL;
	sim_current(0)->cspace.bits = 0;
}

static void endpoint_dying(struct sim_regs *regs)
{
	(void)regs;
	ep[0]->wait.object.dying = 1;
}

static void reply_dying(struct sim_regs *regs)
{
	(void)regs;
	reply[0]->object.dying = 1;
	/* As reply_destroy(): who waits for a call with it is told first. */
	if (reply[0]->receiver != NULL)
		reply[0]->receiver->reply = NULL;
	reply[0]->receiver = NULL;
}

static void stop_posted(struct sim_regs *regs)
{
	(void)regs;
	sim_as(1);
	cr_assert(!thread_suspend(sim_current(0)));
}

static void server_stopping(struct sim_regs *regs)
{
	(void)regs;
	thread[0]->exit_work = EXIT_STOP;
}

static void caller_stopping(struct sim_regs *regs)
{
	(void)regs;
	thread[4]->exit_work = EXIT_STOP;
}

static void fpu_used(struct sim_regs *regs)
{
	(void)regs;
	sim_current(0)->fpu_live = true;
}

static void server_without_space(struct sim_regs *regs)
{
	(void)regs;
	thread[0]->vspace = NULL;
}

static void caller_without_space(struct sim_regs *regs)
{
	(void)regs;
	thread[4]->vspace = NULL;
}

static void nobody_waits(struct sim_regs *regs)
{
	regs->x[0] = ep_cap[1];
}

static void reply_ended(struct sim_regs *regs)
{
	(void)regs;
	sim_as(1);
	cr_assert(reply_destroy(reply[0]));
}

static void server_active(struct sim_regs *regs)
{
	(void)regs;
	thread[0]->payer = thread[0];
}

static void no_reply_cap(struct sim_regs *regs)
{
	regs->x[6] = CPTR_NULL;
}

static void other_reply_type(struct sim_regs *regs)
{
	regs->x[6] = ep_cap[1];
}

static void no_caller(struct sim_regs *regs)
{
	regs->x[6] = reply_cap[1];
}

/* A queued sender at the endpoint that the server goes on receiving from. */
static void sender_queued(struct sim_regs *regs)
{
	(void)regs;
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
	{"long call", false, false, long_message},
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
	{"long answer", true, false, long_message},
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

static void bail_run(const struct bail *bail, bool with_fast, uint64_t part[PARTS])
{
	struct sim_regs call = {{ep_cap[0], msg_info(7, 2, 0), 11, 12}};
	struct sim_regs answer = {{ep_cap[0], msg_info(8, 3, 0), 21, 22, 23, 0, reply_cap[0]}};
	unsigned before;

	machine_start(with_fast);
	call.x[0] = ep_cap[0];
	answer.x[0] = ep_cap[0];
	answer.x[6] = reply_cap[0];
	wait_for_calls();
	if (bail->answer) {
		sim_syscall(0, thread[4], SYS_CALL, call);
		cr_assert_eq(sim_current(0), thread[0]);
	}
	bail->spoil(bail->answer ? &answer : &call);
	before = taken;
	sim_syscall(0, sim_current(0), bail->answer ? SYS_REPLY_RECV : SYS_CALL,
		    bail->answer ? answer : call);
	cr_assert_eq(taken - before, with_fast && bail->expect, "%s", bail->name);
	state_take(part);
	sim_end();
}

Test(fastpath, K_fastpath_gives_up_without_a_trace)
{
	for (unsigned i = 0; i < sizeof(bails) / sizeof(bails[0]); i++) {
		uint64_t off[PARTS], on[PARTS];

		bail_run(&bails[i], false, off);
		bail_run(&bails[i], true, on);
		for (unsigned k = 0; k < PARTS; k++)
			cr_assert_eq(off[k], on[k], "%s: part %u", bails[i].name, k);
	}
}

/* Given up by itself, and then nothing at all has changed. */
Test(fastpath, K_fastpath_leaves_an_active_receiver_and_a_dispatcher_alone)
{
	uint64_t before[PARTS], after[PARTS];
	struct sim_regs unused = {0};
	word_t info = msg_info(7, 2, 0);

	machine_start(true);
	wait_for_calls();
	thread[4]->context.x[0] = ep_cap[0];
	thread[4]->context.x[1] = info;
	server_active(&unused);
	sim_as(0);
	state_take(before);
	cr_assert_null(__real_fastpath_call(ep_cap[0], info, thread[4], &cpus[0]));
	state_take(after);
	cr_assert_arr_eq(before, after, sizeof(before));
	/* A dispatcher runs on nobody's time. */
	thread[0]->payer = NULL;
	cpus[0].core.payer = NULL;
	state_take(before);
	cr_assert_null(__real_fastpath_call(ep_cap[0], info, thread[4], &cpus[0]));
	state_take(after);
	cr_assert_arr_eq(before, after, sizeof(before));
	cpus[0].core.payer = thread[4];
	cr_assert_eq(__real_fastpath_call(ep_cap[0], info, thread[4], &cpus[0]), thread[0]);
	state_take(after);
	cr_assert(memcmp(before, after, sizeof(before)) != 0);
	sim_end();
}
