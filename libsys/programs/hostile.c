/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program that means harm with what every process has.  `hostile HOW` does one thing until it is
 * killed; the ones that ask for what they may not have end by themselves: status 0 if all of it was
 * refused, else the number of the first that was not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <abi/object.h>
#include <libsys/clock.h>
#include <libsys/file.h>
#include <libsys/ipc.h>
#include <libsys/memory.h>
#include <libsys/process.h>
#include <libsys/sched.h>
#include <libsys/threads.h>
#include <proc/slots.h>
#include <sched/protocol.h>

#include "lib/program.h"

#define KERNEL_VADDR  0xffff000000080000ull
#define PIDS          64u
#define FIRST_TURN_NS (1400 * NS_PER_US)
#define LINK_TURN_NS  (1000 * NS_PER_US) /* with what it takes to make the next one */
#define SLOTS         4096u
#define LABELS        128u
#define LONG_SLICE_NS (100 * NS_PER_MS)
#define NICE_CUT_OFF  0xffffffecull /* -20 where only 32 bits are looked at */

static uint64_t seed = 88172645463325252ull;

/* What hurts careless code: ends of ranges, the kernel's addresses, other people's. */
static word_t nasty(void)
{
	static const word_t values[] = {
		0,
		1,
		4095,
		4096,
		0x10000,
		0x7fffffff,
		0xffffffff,
		1ull << 39,
		(1ull << 39) - 4096,
		PROC_IPC_BUFFER_VADDR,
		PROC_STACK_TOP - 4096,
		BOOTINFO_VADDR,
		1ull << 63,
		UINT64_MAX,
		UINT64_MAX - 4095,
		KERNEL_VADDR,
		KERNEL_VADDR + 8,
		0x09000000,
		0x40080000,
	};
	const uint64_t random = program_random(&seed);

	return (random & 3) == 0 ? random >> 32
				 : values[random / 4 % (sizeof(values) / sizeof(values[0]))];
}

static void nasty_message(struct msg *m, word_t label)
{
	*m = (struct msg){.info = msg_info(label, MSG_REGS, 0)};
	for (unsigned i = 0; i < MSG_REGS; i++)
		m->w[i] = nasty();
}

/* ---- Floods ----------------------------------------------------------------------------------- */

_Noreturn static int flood_server(cptr_t server, word_t labels)
{
	for (;;) {
		struct msg m;
		const word_t label = program_random(&seed) % labels;

		/* These would end or stop us by right. */
		if (server == PROC_SLOT_PROC &&
		    (label == PROC_REQ_EXIT || label == PROC_REQ_THREAD_EXIT ||
		     label == PROC_REQ_READ || label == PROC_REQ_WAIT || label == PROC_REQ_KILL ||
		     label == PROC_REQ_THREAD_JOIN || label == PROC_REQ_SCHED_SET))
			continue;
		if (server == PROC_SLOT_SCHED && label == SCHED_REQ_SLEEP)
			continue;
		nasty_message(&m, label);
		(void)!sys_call(server, &m);
	}
}

/* What it asks for may end it; then the next one goes on, with other numbers. */
static _Noreturn int flood(const char *how)
{
	char turn[24];
	char *const argv[] = {(char[]){"hostile"}, (char *)(uintptr_t)how, turn, NULL};

	for (unsigned i = 1;; i++) {
		struct wait_result result;
		word_t pid;

		snprintf(turn, sizeof(turn), "%u", i);
		if (process_spawn("hostile", argv, NULL, NULL, &pid) == ERR_OK)
			(void)!process_wait(pid, false, &result);
	}
}

static int flood_proc(void)
{
	return flood("proc-child");
}

static int flood_mm(void)
{
	return flood("mm-child");
}

static int flood_proc_child(void)
{
	return flood_server(PROC_SLOT_PROC, 50);
}

static int flood_mm_child(void)
{
	return flood_server(PROC_SLOT_MM, 26);
}

_Noreturn static int flood_yields(void)
{
	for (;;) {
		sched_yield_now();
		sched_sleep_until(1);
	}
}

_Noreturn static int flood_faults(void)
{
	for (;;) {
		volatile char *at;
		void *memory;

		if (memory_map(16 * 4096, MM_PROT_READ | MM_PROT_WRITE, &memory) != ERR_OK)
			continue;
		at = memory;
		for (unsigned i = 0; i < 16; i++)
			at[i * 4096] = 1;
		(void)!memory_unmap(memory, 16 * 4096);
	}
}

_Noreturn static int spin(void *arg)
{
	(void)arg;
	for (;;)
		program_burn(NS_PER_S);
}

/* As long as one that is new may run before anybody else: then it ends, and the next one is new. */
static int churn_child(void)
{
	program_burn(FIRST_TURN_NS);
	return 0;
}

static int churn(void)
{
	return flood("churn-child");
}

static int burn_and_end(void *arg)
{
	(void)arg;
	program_burn(FIRST_TURN_NS);
	return 0;
}

_Noreturn static int churn_threads(void)
{
	for (;;) {
		struct thread *thread;
		int value;

		if (thrd_create(&thread, burn_and_end, NULL) == thrd_success)
			(void)!thrd_join(thread, &value);
	}
}

/* Each makes the next one and ends: who made it is gone when it does. */
static void spawn_next(const char *how)
{
	char *const argv[] = {(char[]){"hostile"}, (char *)(uintptr_t)how, NULL};
	word_t pid;

	while (process_spawn("hostile", argv, NULL, NULL, &pid) != ERR_OK)
		sched_yield_now();
}

static int chain(void)
{
	program_burn(LINK_TURN_NS);
	spawn_next("chain");
	return 0;
}

/* With one in between that ends at once. */
static int chain_twice(void)
{
	program_burn(LINK_TURN_NS);
	spawn_next("chain-middle");
	return 0;
}

static int chain_middle(void)
{
	spawn_next("chain-twice");
	return 0;
}

static int burn_and_go_on(void *arg)
{
	struct thread *thread;

	program_burn(LINK_TURN_NS);
	while (thrd_create(&thread, burn_and_go_on, arg) != thrd_success)
		sched_yield_now();
	(void)!thrd_detach(thread);
	return 0;
}

_Noreturn static int sit(void *arg);

static int chain_threads(void)
{
	(void)burn_and_go_on(NULL);
	return sit(NULL);
}

/* ---- Storms on the scheduler -------------------------------------------------------------------- */

_Noreturn static int storm_naps(void)
{
	for (;;)
		sched_sleep_until(clock_now_ns() + NS_PER_US);
}

_Noreturn static int storm_params(void)
{
	for (word_t i = 0;; i++) {
		(void)!sched_param_set(0, SCHED_PARAM_SLICE_NS,
				       i % 2 == 0 ? NS_PER_MS / 10 : 100 * NS_PER_MS, 0);
		(void)!sched_param_set(0, SCHED_PARAM_NICE, i % 2, 0);
	}
}

/* From CPU to CPU, if there are two. */
_Noreturn static int storm_moves(void)
{
	for (word_t i = 0;; i++)
		(void)!sched_param_set(0, SCHED_PARAM_AFFINITY, 1 + i % 2, 0);
}

static int storm_requests(void)
{
	return flood_server(PROC_SLOT_SCHED, 64);
}

#define WAITERS 4u
#define WAKERS  3u

static cptr_t waits[WAITERS];

_Noreturn static int wait_again(void *arg)
{
	word_t word;

	(void)!sched_param_set(0, SCHED_PARAM_SLICE_NS, NS_PER_MS / 10, 0);
	for (;;)
		(void)!sys_wait(*(cptr_t *)arg, &word);
}

_Noreturn static int wake_all(void *arg)
{
	(void)!sched_param_set(0, SCHED_PARAM_AFFINITY, 1ull << (uintptr_t)arg, 0);
	for (unsigned i = 0;; i++)
		(void)!sys_signal(waits[i % WAITERS]);
}

/* Threads that only wait here, and on each of three other CPUs, if there are any, one that wakes
 * them.  With the shortest slice each wake preempts. */
static int storm_wakes(void)
{
	struct thread *thread;

	for (unsigned i = 0; i < WAITERS; i++) {
		program_need("making a notification", object_new(OBJ_NOTIFICATION, &waits[i]));
		if (thrd_create(&thread, wait_again, &waits[i]) != thrd_success)
			return 1;
	}
	for (uintptr_t cpu = 2; cpu <= WAKERS; cpu++)
		if (thrd_create(&thread, wake_all, (void *)cpu) != thrd_success)
			return 1;
	return wake_all((void *)1);
}

static int flood_spin(void)
{
	return spin(NULL);
}

/* ---- Bombs ------------------------------------------------------------------------------------ */

_Noreturn static int sit(void *arg)
{
	static futex_word word;

	(void)arg;
	for (;;)
		(void)!sys_futex_wait(&word, 0, TIME_NEVER);
}

static int bomb_threads(void)
{
	struct thread *thread;

	while (thrd_create(&thread, sit, NULL) == thrd_success)
		;
	return sit(NULL);
}

_Noreturn static int bomb_fork(void)
{
	char *const argv[] = {(char[]){"hostile"}, (char[]){"fork"}, NULL};
	word_t pid;

	for (;;)
		if (process_spawn("hostile", argv, NULL, NULL, &pid) != ERR_OK)
			sched_yield_now();
}

_Noreturn static int bomb_memory(void)
{
	for (;;) {
		void *memory;

		if (memory_map(1u << 20, MM_PROT_READ | MM_PROT_WRITE, &memory) == ERR_OK)
			memset(memory, 1, 1u << 20);
	}
}

static int bomb_pipes(void)
{
	word_t ends[2];

	while (pipe_create(&ends[0], &ends[1]) == ERR_OK)
		;
	return sit(NULL);
}

/* Every slot of its capability space, every method, also those of objects that it does not have. */
static int bomb_capabilities(void)
{
	for (cptr_t slot = SLOTS; slot > PROC_SLOT_FREE_FIRST; slot--)
		for (word_t label = 0; label < LABELS; label++) {
			struct msg m;

			nasty_message(&m, label);
			(void)!sys_call(slot - 1, &m);
		}
	return sit(NULL);
}

/* ---- What it may not have --------------------------------------------------------------------- */

static unsigned asked;
static unsigned got;

static void ask(enum error error)
{
	asked++;
	if (error == ERR_OK && got == 0)
		got = asked;
}

static int ask_machine(void)
{
	struct msg m = msg_make(PROC_REQ_FOREGROUND, 1);

	ask(scheduler_kill());
	ask(machine_power_off(0));
	ask(server_call(PROC_SLOT_PROC, &m));
	m = msg_make(PROC_REQ_KEYS, 0);
	ask(server_call(PROC_SLOT_PROC, &m));
	return (int)got;
}

static int ask_others(void)
{
	struct process_self self;

	program_need("asking about itself", process_info(&self));
	for (word_t pid = 1; pid < PIDS; pid++) {
		if (pid == self.pid)
			continue;
		ask(process_kill(pid, PROC_SIGKILL, false));
		ask(process_kill(pid, PROC_SIGKILL, true));
		ask(process_sched_set(pid, 0, SCHED_PARAM_NICE, 19, 0));
		ask(process_group_set(pid, self.pid));
		if (pid != self.parent)
			continue;
		ask(process_group_set(0, pid));
	}
	return (int)got;
}

/* A thread that ends as it begins. */
static enum error make_thread(word_t nice, word_t slice_ns)
{
	struct msg m = msg_make(PROC_REQ_THREAD_CREATE, 9);

	for (unsigned i = 0; i < 9; i++)
		msg_word_set(&m, i, 0);
	msg_word_set(&m, 5, nice);
	msg_word_set(&m, 8, slice_ns);
	return server_call(PROC_SLOT_PROC, &m);
}

static int ask_weight(void)
{
	struct spawn_options options = SPAWN_OPTIONS_DEFAULT;
	char *const argv[] = {(char[]){"hostile"}, (char[]){"spin"}, NULL};
	word_t pid;

	ask(process_sched_set(0, 0, SCHED_PARAM_NICE, (word_t)-20, 0));
	ask(process_sched_set(0, 0, SCHED_PARAM_WEIGHT, 1u << 20, 0));
	ask(process_sched_set(0, 0, SCHED_PARAM_PRIORITY, 99, 0));
	ask(process_sched_set(0, 0, SCHED_PARAM_PERIOD_NS, 10 * NS_PER_MS, 0));
	ask(sched_param_set(0, SCHED_PARAM_NICE, (word_t)-20, 0));
	ask(sched_param_set(0, SCHED_PARAM_WEIGHT, 1025, 0));
	ask(sched_param_set(0, SCHED_PARAM_PRIORITY, 51, 0));
	ask(sched_param_set(0, SCHED_PARAM_PERIOD_NS, 10 * NS_PER_MS, 0));
	ask(sched_param_set(PROC_THREADS_MAX + 5, SCHED_PARAM_NICE, 19, 0));
	ask(sched_param_set(0, SCHED_PARAM_SLICE_NS, LONG_SLICE_NS, 0));
	ask(process_sched_set(0, 0, SCHED_PARAM_SLICE_NS, LONG_SLICE_NS, 0));
	options.nice = (word_t)-2;
	ask(process_spawn("hostile", argv, NULL, &options, &pid));
	options.nice = NICE_CUT_OFF;
	ask(process_spawn("hostile", argv, NULL, &options, &pid));
	ask(make_thread((word_t)-20, 0));
	ask(make_thread(NICE_CUT_OFF, 0));
	ask(make_thread(0, LONG_SLICE_NS));
	return (int)got;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*body)(void);
	} hows[] = {
		{"spin", flood_spin},
		{"proc", flood_proc},
		{"proc-child", flood_proc_child},
		{"mm", flood_mm},
		{"mm-child", flood_mm_child},
		{"yields", flood_yields},
		{"faults", flood_faults},
		{"churn", churn},
		{"churn-child", churn_child},
		{"churn-threads", churn_threads},
		{"chain", chain},
		{"chain-twice", chain_twice},
		{"chain-middle", chain_middle},
		{"chain-threads", chain_threads},
		{"naps", storm_naps},
		{"params", storm_params},
		{"moves", storm_moves},
		{"requests", storm_requests},
		{"wakes", storm_wakes},
		{"threads", bomb_threads},
		{"fork", bomb_fork},
		{"memory", bomb_memory},
		{"pipes", bomb_pipes},
		{"capabilities", bomb_capabilities},
		{"ask-machine", ask_machine},
		{"ask-others", ask_others},
		{"ask-weight", ask_weight},
	};

	if (argc == 3)
		seed *= 2 * strtoull(argv[2], NULL, 10) + 1;
	for (unsigned i = 0; argc > 1 && i < sizeof(hows) / sizeof(hows[0]); i++)
		if (strcmp(argv[1], hows[i].name) == 0)
			return hows[i].body();
	fprintf(stderr, "usage: hostile HOW; one of:");
	for (unsigned i = 0; i < sizeof(hows) / sizeof(hows[0]); i++)
		fprintf(stderr, " %s", hows[i].name);
	fputc('\n', stderr);
	return 2;
}
