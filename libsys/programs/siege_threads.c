/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads of siege.c against each other: in chains of donations, and by stopping and changing TCBs. */
#include <stdatomic.h>
#include <stdlib.h>

#include <abi/fault.h>
#include <abi/object.h>
#include <libsys/clock.h>
#include <libsys/ipc.h>
#include <libsys/objects.h>
#include <libsys/process.h>
#include <libsys/sched.h>
#include <proc/slots.h>

#include "siege.h"

/* ---- A chain of donations, and somebody who breaks it ------------------------------------------- */

static unsigned depth;
static cptr_t ends[SIEGE_CHAIN_MAX];
static cptr_t replies[SIEGE_CHAIN_MAX];
static unsigned act; /* what the last of the chain does */

static void break_one(uint64_t *seed)
{
	const word_t k = siege_pick(seed, depth);
	struct msg m = msg_make(0, 0);

	switch (siege_pick(seed, 8)) {
	case 0:
		(void)!cnode_delete(PROC_SLOT_CNODE, replies[k]);
		break;
	case 1:
		(void)!cnode_delete(PROC_SLOT_CNODE, ends[k]);
		break;
	case 2:
		(void)!tcb_suspend(siege_tcbs[k]);
		break;
	case 3:
		(void)!tcb_suspend(siege_tcbs[k]);
		(void)!tcb_resume(siege_tcbs[k]);
		break;
	case 4:
		(void)!cnode_move(PROC_SLOT_CNODE, SIEGE_SLOT + k, 0, replies[k]);
		break;
	case 5:
		(void)!sys_reply(replies[k], &m);
		break;
	case 6:
		(void)!tcb_suspend(siege_tcbs[k]);
		(void)!tcb_set_flags(siege_tcbs[k], 0, TCB_FLAG_PASSIVE);
		(void)!tcb_resume(siege_tcbs[k]);
		break;
	default:
		m = msg_make(PROC_REQ_OBJECT_NEW, 1);
		m.w[0] = OBJ_NOTIFICATION; /* with it proc lets go of what it offered last */
		(void)!server_call(PROC_SLOT_PROC, &m);
	}
}

static void last_of_chain(uint64_t *seed)
{
	volatile int *volatile nowhere = (int *)0x1234567000ull;

	switch (act) {
	case 0:
		break;
	case 1:
		*nowhere = 1;
		break;
	case 2:
		process_exit(0);
	case 3:
		thread_sleep_until(clock_now_ns() + NS_PER_MS);
		sched_yield_now();
		break;
	case 4:
		(void)!tcb_suspend(thread_reply_slot() + 1);
		break;
	case 5:
		thrd_exit(0);
	default:
		for (unsigned i = 0; i < act; i++)
			break_one(seed);
	}
}

_Noreturn static int serve(void *argument)
{
	const uintptr_t n = (uintptr_t)argument;
	uint64_t seed = siege_seed(n);
	struct msg m;

	siege_tcb_tell((unsigned)n);
	siege_tcbs_await(depth);
	program_need("being passive", thread_passive_set(true));
	for (enum error error = sys_recv(ends[n], replies[n], &m);;) {
		if (error == ERR_OK && n + 1 < depth) {
			m = msg_make(0, 1);
			(void)!sys_call(ends[n + 1], &m);
		} else if (error == ERR_OK) {
			last_of_chain(&seed);
		}
		m = msg_make(0, 0);
		error = sys_reply_recv(ends[n], replies[n], &m);
		if (error != ERR_OK)
			error = sys_recv(ends[n], thread_reply_slot(), &m);
		if (error != ERR_OK)
			sched_yield_now();
	}
}

_Noreturn static int client(void *argument)
{
	(void)argument;
	for (;;) {
		struct msg m = msg_make(0, 1);

		if (sys_call(ends[0], &m) != ERR_OK)
			sched_yield_now();
	}
}

_Noreturn static int saboteur(void *argument)
{
	uint64_t seed = siege_seed(1000 + (uintptr_t)argument);

	for (unsigned i = 0;; i++) {
		break_one(&seed);
		(void)!tcb_resume(siege_tcbs[siege_pick(&seed, depth)]);
		if (i % 4 == 0)
			thread_sleep_until(clock_now_ns() + 50 * NS_PER_US);
	}
}

int siege_chain(void)
{
	uint64_t seed = siege_seed(0);

	depth = 2 +
		(unsigned)siege_pick(&seed, siege_pick(&seed, 3) == 0 ? SIEGE_CHAIN_MAX - 1 : 4);
	act = (unsigned)siege_pick(&seed, 10);
	for (unsigned i = 0; i < depth; i++) {
		program_need("making an endpoint", object_new(OBJ_ENDPOINT, &ends[i]));
		program_need("making a reply object", object_new(OBJ_REPLY, &replies[i]));
	}
	for (unsigned i = 0; i < depth; i++)
		siege_thread(serve, i);
	siege_tcbs_await(depth);
	thread_sleep_until(clock_now_ns() + NS_PER_MS);
	siege_thread(client, 0);
	siege_thread(client, 1);
	if (siege_pick(&seed, 2) == 0) {
		siege_thread(saboteur, 0);
		siege_thread(saboteur, 1);
	}
	siege_rest();
}

/* ---- Threads that stop, start and change each other --------------------------------------------- */

static cptr_t bells[4];
static cptr_t doors[2];

static void trouble(cptr_t tcb, uint64_t *seed)
{
	struct tcb_regs regs;
	struct tcb_info info;

	switch (siege_pick(seed, 11)) {
	case 0:
		(void)!tcb_suspend(tcb);
		break;
	case 1:
	case 2:
		(void)!tcb_suspend(tcb);
		(void)!tcb_resume(tcb);
		break;
	case 3:
		if (tcb_suspend(tcb) == ERR_OK && tcb_read_regs(tcb, &regs) == ERR_OK) {
			regs.pstate = UINT64_MAX;
			(void)!tcb_write_regs(tcb, &regs);
		}
		(void)!tcb_resume(tcb);
		break;
	case 4:
		(void)!tcb_unbind_notification(tcb);
		break;
	case 5:
		(void)!tcb_bind_notification(tcb, bells[siege_pick(seed, 4)]);
		break;
	case 6:
		(void)!tcb_set_fault(tcb, doors[siege_pick(seed, 2)], doors[siege_pick(seed, 2)]);
		break;
	case 7:
		(void)!tcb_set_flags(tcb, siege_pick(seed, 8),
				     siege_pick(seed, 8) & ~TCB_FLAG_NO_FPU);
		break;
	case 8:
		(void)!tcb_info(tcb, &info);
		break;
	case 9:
		(void)!tcb_configure(tcb, PROC_SLOT_CNODE, PROC_SLOT_MM, PROC_SLOT_PROC,
				     siege_pick(seed, UINT64_MAX));
		break;
	default:
		(void)!tcb_resume(tcb);
	}
}

static void be_somewhere(uint64_t *seed)
{
	struct msg m = msg_make(0, (unsigned)siege_pick(seed, MSG_WORDS_MAX + 1));
	struct process_self self;
	word_t word;

	switch (siege_pick(seed, 10)) {
	case 0:
		(void)!process_info(&self);
		break;
	case 1:
		(void)!sys_signal(bells[siege_pick(seed, 4)]);
		break;
	case 2:
		(void)!sys_poll(bells[siege_pick(seed, 4)], &word);
		break;
	case 3:
		(void)!sys_nb_send(doors[siege_pick(seed, 2)], &m);
		break;
	case 4:
		(void)!sys_nb_recv(doors[siege_pick(seed, 2)], thread_reply_slot(), &m);
		break;
	case 5:
		m = msg_make(FAULT_REPLY_SKIP, 0);
		(void)!sys_reply(thread_reply_slot(), &m);
		break;
	case 6:
		(void)!sched_sleep_interruptible(clock_now_ns() + siege_pick(seed, 20000));
		break;
	case 7:
		(void)!sched_param_set(0, SCHED_PARAM_AFFINITY, 1 + siege_pick(seed, 255), 0);
		break;
	case 8:
		(void)!sys_signal(bells[0]);
		(void)!sys_wait(bells[0], &word);
		break;
	default:
		sched_yield_now();
	}
}

_Noreturn static int quarrel(void *argument)
{
	const uintptr_t me = (uintptr_t)argument;
	uint64_t seed = siege_seed(me);

	siege_tcb_tell((unsigned)me);
	siege_tcbs_await(SIEGE_CREW);
	for (;;) {
		trouble(siege_tcbs[siege_pick(&seed, SIEGE_CREW)], &seed);
		be_somewhere(&seed);
	}
}

int siege_quarrels(void)
{
	uint64_t seed = siege_seed(77);

	for (unsigned i = 0; i < 4; i++)
		program_need("making a notification", object_new(OBJ_NOTIFICATION, &bells[i]));
	for (unsigned i = 0; i < 2; i++)
		program_need("making an endpoint", object_new(OBJ_ENDPOINT, &doors[i]));
	for (unsigned i = 0; i < SIEGE_CREW; i++)
		siege_thread(quarrel, i);
	siege_tcbs_await(SIEGE_CREW);
	for (;;) {
		struct msg m = msg_make(FAULT_REPLY_SKIP, 0);

		(void)!tcb_resume(siege_tcbs[siege_pick(&seed, SIEGE_CREW)]);
		if (sys_nb_recv(doors[siege_pick(&seed, 2)], thread_reply_slot(), &m) == ERR_OK) {
			m = msg_make(FAULT_REPLY_SKIP, 0);
			(void)!sys_reply(thread_reply_slot(), &m);
		}
		(void)!sys_signal(bells[0]);
		sched_yield_now();
	}
}
