/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program that turns what every process has against the kernel: `siege HOW SEED` does one thing, in
 * an order that the seed decides, until it ends by its own doing or is killed (t_siege.c).
 *
 * What it attacks are its own threads, capabilities and memory, at moments at which others are in the
 * middle of something with them: in a chain of donations, in a request, in a fault, in a server.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <abi/fault.h>
#include <abi/object.h>
#include <libsys/clock.h>
#include <libsys/ipc.h>
#include <libsys/memory.h>
#include <libsys/objects.h>
#include <libsys/process.h>
#include <libsys/sched.h>
#include <proc/slots.h>

#include "siege.h"

#define SLOT_COUNT 200u

cptr_t siege_tcbs[SIEGE_CHAIN_MAX];
static _Atomic unsigned tcbs_known;
static uint64_t main_seed;
static _Alignas(16) char spare_stack[8192];

uint64_t siege_seed(uintptr_t n)
{
	return (main_seed + n + 1) * 0x9e3779b97f4a7c15ull | 1;
}

void siege_thread(thrd_start_t *body, uintptr_t argument)
{
	static const struct thread_options small = {.stack_bytes = 16384};
	struct thread *thread;

	if (thread_create(&thread, body, (void *)argument, &small) != thrd_success)
		exit(3);
}

/* Its TCB is in the slot behind its reply object's. */
void siege_tcb_tell(unsigned n)
{
	siege_tcbs[n] = thread_reply_slot() + 1;
	atomic_fetch_add(&tcbs_known, 1);
}

void siege_tcbs_await(unsigned count)
{
	while (atomic_load(&tcbs_known) < count)
		sched_yield_now();
}

_Noreturn void siege_rest(void)
{
	for (;;)
		thread_sleep_until(TIME_NEVER - 1);
}

/* ---- One capability space, many hands ----------------------------------------------------------- */

static cptr_t any_slot(uint64_t *seed)
{
	return SIEGE_SLOT + siege_pick(seed, SLOT_COUNT);
}

static void capability_play(uint64_t *seed)
{
	struct msg m = {.info = msg_info(0, 5, (unsigned)siege_pick(seed, 4)),
			.w = {any_slot(seed)}};
	const unsigned rights = (unsigned)siege_pick(seed, 256);
	word_t word;

	switch (siege_pick(seed, 14)) {
	case 0:
		(void)!cnode_copy(PROC_SLOT_CNODE, any_slot(seed), rights, 0,
				  siege_pick(seed, 8) == 0 ? siege_pick(seed, 9) : any_slot(seed));
		break;
	case 1:
	case 2:
		(void)!cnode_copy(PROC_SLOT_CNODE, any_slot(seed), RIGHT_ALL, 0, any_slot(seed));
		break;
	case 3:
		(void)!cnode_mint(PROC_SLOT_CNODE, any_slot(seed), RIGHT_ALL, 0, any_slot(seed),
				  program_random(seed));
		break;
	case 4:
	case 5:
		(void)!cnode_move(PROC_SLOT_CNODE, any_slot(seed), 0, any_slot(seed));
		break;
	case 6:
		(void)!cnode_delete(PROC_SLOT_CNODE, any_slot(seed));
		break;
	case 7:
		(void)!cnode_revoke_once(PROC_SLOT_CNODE, any_slot(seed));
		break;
	case 8:
		(void)!sys_nb_send(any_slot(seed), &m);
		break;
	case 9:
		(void)!sys_nb_recv(any_slot(seed), any_slot(seed), &m);
		break;
	case 10:
		(void)!sys_signal(any_slot(seed));
		break;
	case 11:
		(void)!sys_poll(any_slot(seed), &word);
		break;
	case 12:
		/* From what may be its root too, or no CNode at all. */
		(void)!cnode_copy(PROC_SLOT_CNODE, any_slot(seed), RIGHT_ALL, any_slot(seed),
				  any_slot(seed));
		break;
	default:
		m = msg_make(PROC_REQ_OBJECT_NEW, 1);
		m.w[0] = OBJ_ENDPOINT + siege_pick(seed, 3);
		msg_receive_slot_set(any_slot(seed));
		(void)!server_call(PROC_SLOT_PROC, &m);
	}
}

_Noreturn static int play(void *argument)
{
	uint64_t seed = siege_seed((uintptr_t)argument);

	for (;;)
		capability_play(&seed);
}

/* All that it can reach is derived from all that it can reach: wide, deep, and taken back again. */
static int capabilities(void)
{
	for (unsigned i = 0; i < SIEGE_CREW; i++)
		(void)!cnode_copy(PROC_SLOT_CNODE, SIEGE_SLOT + i, RIGHT_ALL, 0,
				  i % 2 == 0 ? PROC_SLOT_CNODE : PROC_SLOT_SCHED);
	for (unsigned i = 1; i < SIEGE_CREW; i++)
		siege_thread(play, i);
	return play(NULL);
}

/* ---- Memory that goes while it is used ---------------------------------------------------------- */

#define PAGES 8u

static char *_Atomic ground;

_Noreturn static int pull_away(void *argument)
{
	uint64_t seed = siege_seed((uintptr_t)argument);

	for (;;) {
		char *at = atomic_load(&ground) + siege_pick(&seed, PAGES) * PAGE_SIZE;
		const word_t how = siege_pick(&seed, 4);
		void *again;

		if (how == 0)
			(void)!memory_unmap(at, PAGE_SIZE);
		else if (how == 1)
			(void)!memory_protect(at, PAGE_SIZE, MM_PROT_READ);
		else
			(void)!memory_map_at(
				(word_t)at, PAGE_SIZE,
				MM_MAP_FLAGS(MM_PROT_READ | MM_PROT_WRITE, MM_KIND_ANON), 0, 0,
				&again);
	}
}

/* Servers are given what may be gone when they look. */
_Noreturn static int give_away(void *argument)
{
	uint64_t seed = siege_seed((uintptr_t)argument);

	for (;;) {
		char *at = atomic_load(&ground) + siege_pick(&seed, PAGES * PAGE_SIZE);
		struct msg m = {.w = {(word_t)at, 1 + siege_pick(&seed, PAGES * PAGE_SIZE),
				      siege_pick(&seed, 5), siege_pick(&seed, 5)}};

		m.info = msg_info(PROC_REQ_SPAWN, 12, 0);
		for (unsigned i = 4; i < 12; i++)
			msg_word_set(&m, i, i == 9 ? PROC_NICE_INHERIT : 0);
		if (server_call(PROC_SLOT_PROC, &m) == ERR_OK)
			exit(4);
	}
}

_Noreturn static int memory(void)
{
	void *at;

	program_need("mapping", memory_map(PAGES * PAGE_SIZE, MM_PROT_READ | MM_PROT_WRITE, &at));
	atomic_store(&ground, at);
	for (unsigned i = 0; i < 2; i++)
		siege_thread(pull_away, i);
	for (unsigned i = 2; i < 4; i++)
		siege_thread(give_away, i);
	siege_rest();
}

_Noreturn static int stand_there(void *argument)
{
	for (;;)
		program_burn((uintptr_t)argument + 1000);
}

/* Its own code, or the stacks of the others. */
_Noreturn static int carpet(void)
{
	uint64_t seed = siege_seed(3);
	const word_t at = siege_pick(&seed, 2) == 0 ? (word_t)stand_there : (word_t)&seed;

	for (unsigned i = 0; i < 4; i++)
		siege_thread(stand_there, i);
	thread_sleep_until(clock_now_ns() + NS_PER_MS);
	(void)!memory_unmap((void *)(at & ~(word_t)(PAGE_SIZE - 1)), PAGE_SIZE);
	siege_rest();
}

/* ---- Numbers at the ends of their ranges -------------------------------------------------------- */

static word_t extreme(uint64_t *seed)
{
	static const word_t values[] = {
		0,        1,          2,          99,         1000,
		99999,    100000,     100000001,  1ull << 20, (1ull << 20) + 1,
		1u << 31, 1ull << 32, 1ull << 62, 1ull << 63, (1ull << 63) - 1,
		-20ull,   -21ull,     UINT64_MAX, TIME_NEVER, TIME_NEVER - 1,
	};

	return values[siege_pick(seed, sizeof(values) / sizeof(values[0]))];
}

_Noreturn static int extremes_of(void *argument)
{
	uint64_t seed = siege_seed((uintptr_t)argument);

	for (;;) {
		const word_t a = extreme(&seed);
		const word_t b = extreme(&seed);
		const struct sched_group group = {
			.weight = a, .quota_ns = b, .period_ns = extreme(&seed)};
		struct msg m = {.w = {a, b, extreme(&seed), extreme(&seed)}};
		word_t id = 0;

		switch (siege_pick(&seed, 6)) {
		case 0:
			(void)!sched_param_set((uint32_t)siege_pick(&seed, 3),
					       siege_pick(&seed, 10), a, b);
			break;
		case 1:
			(void)!process_sched_set(0, siege_pick(&seed, 2), siege_pick(&seed, 10), a,
						 b);
			break;
		case 2:
			if (a > clock_now_ns())
				(void)!sys_signal(proc_thread_slot(0, PROC_THREAD_SLOT_PARK));
			if (a <= clock_now_ns())
				(void)!sched_sleep_interruptible(a);
			break;
		case 3:
			(void)!sched_group_create(&group, &id);
			(void)!sched_param_set(0, SCHED_PARAM_GROUP, id, 0);
			break;
		case 4:
			m.info = msg_info(PROC_REQ_THREAD_CREATE, 9, 0);
			for (unsigned i = 4; i < 9; i++)
				msg_word_set(&m, i, extreme(&seed));
			m.w[0] = (word_t)stand_there;
			m.w[1] = (word_t)(spare_stack + sizeof(spare_stack));
			(void)!server_call(PROC_SLOT_PROC, &m);
			break;
		default:
			(void)!sched_group_delete(a & 0xffff);
		}
	}
}

static int extremes(void)
{
	for (unsigned i = 1; i < 4; i++)
		siege_thread(extremes_of, i);
	return extremes_of(NULL);
}

/* ---- Threads that are to have ended ------------------------------------------------------------- */

static int end_at_once(void *argument)
{
	(void)argument;
	return 0;
}

/* Stop a kept thread in the call that ended it, and run it somewhere else; proc may use it again, or
 * be asked to, at any time. */
_Noreturn static int ghosts(void)
{
	uint64_t seed = siege_seed(5);

	for (;;) {
		struct thread *thread;
		cptr_t tcb = proc_thread_slot((uint32_t)siege_pick(&seed, 9) + 1,
					      PROC_THREAD_SLOT_TCB);

		for (unsigned i = 0; i < 4; i++)
			if (thrd_create(&thread, end_at_once, NULL) == thrd_success)
				(void)!thrd_detach(thread);
		if (siege_pick(&seed, 2) == 0)
			thread_sleep_until(clock_now_ns() + 100 * NS_PER_US);
		(void)!tcb_suspend(tcb);
		if (siege_pick(&seed, 2) == 0)
			(void)!tcb_start(tcb, (word_t)stand_there,
					 (word_t)(spare_stack + sizeof(spare_stack)), 0, 0);
		(void)!tcb_resume(tcb);
	}
}

/* ---- Who holds a server and does not run -------------------------------------------------------- */

#define CROWD 50u

/* Its turns are short and far apart, and end in the middle of a request. */
_Noreturn static int holder(void)
{
	char *const argv[] = {(char[]){"nothing"}, NULL};
	const bool maps = siege_seed(0) % 3 == 1;
	const bool spawns = siege_seed(0) % 3 == 2;

	program_need("the least weight", sched_param_set(0, SCHED_PARAM_NICE, 19, 0));
	program_need("the shortest slice",
		     sched_param_set(0, SCHED_PARAM_SLICE_NS, NS_PER_MS / 10, 0));
	for (word_t from = 0;; from++) {
		struct proc_thread_info info;
		word_t pid;
		void *at;

		if (spawns)
			(void)!process_spawn("nothing", argv, NULL, NULL, &pid);
		else if (!maps)
			(void)!thread_list(from % CROWD, &info);
		else if (memory_map(PAGES * PAGE_SIZE, MM_PROT_READ, &at) == ERR_OK)
			(void)!memory_unmap(at, PAGES * PAGE_SIZE);
	}
}

_Noreturn static int holders(void)
{
	for (unsigned i = 0; i < CROWD; i++)
		siege_thread(stand_there, 0);
	holder();
}

/* ---- Faults that nobody handles, or who raised them --------------------------------------------- */

static atomic_bool nobody_listens;

_Noreturn static int fault_again(void *argument)
{
	(void)argument;
	siege_tcb_tell(0);
	while (!atomic_load(&nobody_listens))
		sched_yield_now();
	for (;;)
		__asm__ volatile("udf #1");
}

_Noreturn static int unhandled(void)
{
	siege_thread(fault_again, 0);
	siege_tcbs_await(1);
	(void)!tcb_suspend(siege_tcbs[0]);
	program_need("leaving faults to nobody", tcb_set_fault(siege_tcbs[0], 0, 0));
	atomic_store(&nobody_listens, true);
	for (;;) {
		(void)!tcb_resume(siege_tcbs[0]);
		sched_yield_now();
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*body)(void);
	} hows[] = {
		{"chain", siege_chain},
		{"quarrels", siege_quarrels},
		{"capabilities", capabilities},
		{"memory", memory},
		{"carpet", carpet},
		{"extremes", extremes},
		{"ghosts", ghosts},
		{"holder", holder},
		{"holders", holders},
		{"impostor", siege_impostor},
		{"impostors", siege_impostors},
		{"maskless", siege_maskless},
		{"moves", siege_moves},
		{"much", siege_much},
		{"nices", siege_nices},
		{"stops", siege_stops},
		{"unhandled", unhandled},
	};

	main_seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	for (unsigned i = 0; argc > 1 && i < sizeof(hows) / sizeof(hows[0]); i++)
		if (strcmp(argv[1], hows[i].name) == 0)
			return hows[i].body();
	fprintf(stderr, "usage: siege HOW SEED; one of:");
	for (unsigned i = 0; i < sizeof(hows) / sizeof(hows[0]); i++)
		fprintf(stderr, " %s", hows[i].name);
	fputc('\n', stderr);
	return 2;
}
