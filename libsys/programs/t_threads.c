/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads that follow each other: what is kept of one for the next, and what must not be. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libsys/clock.h>
#include <libsys/ipc.h>
#include <libsys/process.h>
#include <libsys/sched.h>
#include <libsys/tap.h>
#include <libsys/threads.h>
#include <proc/protocol.h>
#include <proc/slots.h>

#include "lib/program.h"

#define FPCR_ROUND_TO_ZERO (3ull << 22)

static uint64_t fpcr(void)
{
	uint64_t value;

	__asm__ volatile("mrs %0, fpcr" : "=r"(value));
	return value;
}

static struct thread *start(thrd_start_t *body, void *arg)
{
	struct thread *thread = NULL;

	tap_equal(thrd_create(&thread, body, arg), thrd_success);
	return thread;
}

/* Its value; @tid may be NULL. */
static int run(thrd_start_t *body, void *arg, uint32_t *tid)
{
	struct thread *thread = start(body, arg);
	int result = -1;

	if (tid)
		*tid = thread_tid(thread);
	tap_equal(thrd_join(thread, &result), thrd_success);
	return result;
}

static int give_back(void *arg)
{
	return *(int *)arg + 1;
}

static enum error join_by_name(word_t index, word_t tid, word_t generation)
{
	struct msg m = msg_make(PROC_REQ_THREAD_JOIN, 3);

	m.w[0] = index;
	m.w[1] = tid;
	m.w[2] = generation;
	return server_call(PROC_SLOT_PROC, &m);
}

/* One after the other they have the same kernel objects, but not the same name. */
static void ended_threads_are_used_again(void)
{
	uint32_t first = 0;
	uint32_t again = 0;
	uint32_t tid = 0;

	for (int i = 0; i < 50; i++) {
		tap_equal(run(give_back, &i, &tid), i + 1);
		if (i == 0)
			first = tid;
		else
			again += tid == first;
		/* On several CPUs the last one may not have reached its end. */
		thread_sleep_until(clock_now_ns() + NS_PER_MS);
	}
	tap_check(again > 0);
	tap_equal(join_by_name(1, first, 0), ERR_OK);
	tap_equal(join_by_name(1, first, 1), ERR_NOT_FOUND);
	tap_equal(join_by_name(2, first, 0), ERR_NOT_FOUND);
	tap_equal(join_by_name(1, 1, 0), ERR_NOT_FOUND);
}

static _Thread_local int initialised = 17;
static _Thread_local int zero;
static unsigned key;

static int spoil(void *arg)
{
	(void)arg;
	tap_equal(initialised, 17);
	tap_equal(zero, 0);
	tap_check(tss_get(key) == NULL);
	tap_equal(fpcr(), 0);
	initialised = 1;
	zero = 1;
	tss_set(key, &zero);
	__asm__ volatile("msr fpcr, %0" : : "r"(FPCR_ROUND_TO_ZERO));
	return 0;
}

static void nothing_of_the_last_is_seen(void)
{
	tap_equal(tss_create(&key, NULL), thrd_success);
	for (unsigned i = 0; i < 10; i++) {
		tap_equal(run(spoil, NULL, NULL), 0);
		thread_sleep_until(clock_now_ns() + NS_PER_MS);
	}
	tss_delete(key);
}

static int burn(void *arg)
{
	struct timespec used;

	program_burn(*(uint64_t *)arg);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return (int)(used.tv_sec * 1000 + used.tv_nsec / 1000000);
}

static word_t own_cpu_ns(void)
{
	struct process_self self;
	struct proc_process_info info = {0};

	program_need("asking about itself", process_info(&self));
	program_need("asking for CPU time", process_list(self.pid, &info));
	return info.cpu_ns;
}

static void cpu_time_begins_at_zero(void)
{
	uint64_t long_ns = 30 * NS_PER_MS;
	uint64_t short_ns = NS_PER_US;
	const word_t before = own_cpu_ns();

	for (unsigned i = 0; i < 3; i++) {
		tap_check(run(burn, &long_ns, NULL) >= 30);
		thread_sleep_until(clock_now_ns() + NS_PER_MS);
		tap_check(run(burn, &short_ns, NULL) < 30);
	}
	tap_check(own_cpu_ns() - before >= 90 * NS_PER_MS);
}

static int set_own_nice(void *arg)
{
	word_t nice = 99;
	word_t other;

	(void)arg;
	program_need("reading", sched_param_get(SCHED_PARAM_NICE, &nice, &other));
	program_need("setting", sched_param_set(0, SCHED_PARAM_NICE, 7, 0));
	return (int)nice;
}

static void parameters_begin_as_the_process_has_them(void)
{
	for (unsigned i = 0; i < 5; i++) {
		tap_equal(run(set_own_nice, NULL, NULL), 0);
		thread_sleep_until(clock_now_ns() + NS_PER_MS);
	}
}

static _Atomic unsigned done;

static int count_up(void *arg)
{
	(void)arg;
	atomic_fetch_add(&done, 1);
	return 0;
}

static void detached_threads_come_and_go(void)
{
	for (unsigned i = 0; i < 60; i++)
		tap_equal(thrd_detach(start(count_up, NULL)), thrd_success);
	for (unsigned i = 0; atomic_load(&done) < 60 && i < 10000; i++)
		thread_sleep_until(clock_now_ns() + NS_PER_MS);
	tap_equal(atomic_load(&done), 60);
}

/* --- Limits --- */

static futex_word gate;

static int wait_for_gate(void *arg)
{
	(void)arg;
	while (atomic_load(&gate) == 0)
		if (sys_futex_wait(&gate, 0, TIME_NEVER) == ERR_TIMEOUT)
			return 1;
	return 0;
}

/* Nobody ends a sibling by parking it. */
static void a_thread_parks_only_itself(void)
{
	struct msg m = msg_make(PROC_REQ_THREAD_PARK, 2);
	struct thread *thread;
	int result = 1;

	atomic_store(&gate, 0);
	thread = start(wait_for_gate, NULL);
	thread_sleep_until(clock_now_ns() + NS_PER_MS);
	m.w[0] = thread_tid(thread);
	m.w[1] = 5;
	tap_equal(server_call(PROC_SLOT_PROC, &m), ERR_BUSY);
	atomic_store(&gate, 1);
	sys_futex_wake(&gate, FUTEX_ALL);
	tap_equal(thrd_join(thread, &result), thrd_success);
	tap_equal(result, 0);
}

/* As many threads as there may be; how many that was. */
static unsigned fill(void)
{
	static struct thread *threads[PROC_PROCESS_THREADS_MAX];
	static const struct thread_options small = {.stack_bytes = 8192};
	unsigned count = 0;

	atomic_store(&gate, 0);
	while (count < PROC_PROCESS_THREADS_MAX &&
	       thread_create(&threads[count], wait_for_gate, NULL, &small) == thrd_success)
		count++;
	atomic_store(&gate, 1);
	sys_futex_wake(&gate, FUTEX_ALL);
	for (unsigned i = 0; i < count; i++)
		thrd_join(threads[i], NULL);
	return count;
}

/* Started with the number of threads that it may have besides its first. */
static int fill_twice(unsigned expected)
{
	for (unsigned i = 0; i < 2; i++)
		if (fill() != expected)
			return (int)i + 1;
	return 0;
}

static struct wait_result wait_for_self(const char *how, unsigned arg, bool confined, bool kill)
{
	struct spawn_options options = SPAWN_OPTIONS_DEFAULT;
	char number[12];
	char *const argv[] = {(char[]){"t_threads"}, (char *)(uintptr_t)how, number, NULL};
	word_t pid;

	options.confined = confined;
	snprintf(number, sizeof(number), "%u", arg);
	program_need("spawning", process_spawn("t_threads", argv, NULL, &options, &pid));
	if (kill) {
		thread_sleep_until(clock_now_ns() + 20 * NS_PER_MS);
		program_need("killing", process_kill(pid, PROC_SIGKILL, false));
	}
	return program_wait(pid);
}

static void limits_are_exact_with_threads_kept(void)
{
	/* Hundreds of threads that end at once on several CPUs take a loaded host a minute. */
	if (program_cpus() == 1)
		tap_equal(wait_for_self("fill", PROC_PROCESS_THREADS_MAX - 1, false, false).status,
			  0);
	tap_equal(wait_for_self("fill", PROC_REALM_THREADS_MAX - 1, true, false).status, 0);
}

static unsigned threads_seen(void)
{
	struct proc_thread_info info;
	unsigned count = 0;

	for (word_t from = 0; thread_list(from, &info) == ERR_OK; from = info.tid + 1)
		count++;
	return count;
}

/* Kept threads are no threads to anybody, and go with their process. */
static void a_process_takes_its_threads_along(void)
{
	const unsigned before = threads_seen();

	for (unsigned i = 0; i < 3; i++) {
		tap_equal(wait_for_self("keep", 8, false, true).signal, PROC_SIGKILL);
		tap_equal(wait_for_self("leave", 8, false, false).status, 0);
		tap_equal(wait_for_self("last", 8, false, false).status, 0);
	}
	tap_equal(threads_seen(), before);
}

/*
 * More threads than there are tids, ended in more calls that are never answered than proc has reply
 * objects, in more processes than there are entries: whatever one of them kept would run out.
 */
static void nothing_is_left_behind(void)
{
	const unsigned count = program_cpus() == 1 ? 650 : 30;
	struct mm_stats before = {0};
	struct mm_stats after = {0};

	for (unsigned i = 0; i < count; i++) {
		if (i == 10)
			program_need("asking for memory in use", machine_memory(&before));
		tap_equal(wait_for_self("last", 8, false, false).status, 0);
	}
	program_need("asking for memory in use", machine_memory(&after));
	tap_equal(after.frames_user, before.frames_user);
	tap_equal(after.frames_tables, before.frames_tables);
	tap_equal(after.frames_free, before.frames_free);
	tap_equal(after.spaces, before.spaces);
	tap_equal(after.regions, before.regions);
	tap_equal(after.frames_lost, 0);
}

static int child(const char *how, unsigned count)
{
	struct thread *threads[PROC_THREADS_PARKED_MAX];

	if (strcmp(how, "fill") == 0)
		return fill_twice(count);
	for (unsigned i = 0; i < count; i++)
		if (thrd_create(&threads[i], wait_for_gate, NULL) != thrd_success)
			return 1;
	atomic_store(&gate, 1);
	sys_futex_wake(&gate, FUTEX_ALL);
	for (unsigned i = 0; i < count; i++)
		thrd_join(threads[i], NULL);
	if (strcmp(how, "keep") == 0)
		for (;;)
			thread_sleep_until(TIME_NEVER - 1);
	if (strcmp(how, "last") == 0)
		thrd_exit(0);
	return 0;
}

/* --- Registers --- */

#define TURNS 20u

struct registers {
	unsigned char q[32][16];
	uint64_t x[25]; /* x4 to x28 */
	uint64_t fpsr;
	uint64_t fpcr;
	uint64_t nzcv;
};

struct turns {
	atomic_uint mine;
	atomic_uint *others;
	unsigned char seed;
	unsigned changed; /* turns after which a register was another */
};

/* clang-format off */
#define Q(how, a, b, off) how " q" #a ", q" #b ", [x0, #" #off "]\n\t"
#define X(how, a, b, off) how " x" #a ", x" #b ", [x3, #" #off "]\n\t"
#define ALL_Q(how)                                                                    \
	Q(how, 0, 1, 0) Q(how, 2, 3, 32) Q(how, 4, 5, 64) Q(how, 6, 7, 96)            \
	Q(how, 8, 9, 128) Q(how, 10, 11, 160) Q(how, 12, 13, 192) Q(how, 14, 15, 224) \
	Q(how, 16, 17, 256) Q(how, 18, 19, 288) Q(how, 20, 21, 320)                   \
	Q(how, 22, 23, 352) Q(how, 24, 25, 384) Q(how, 26, 27, 416)                   \
	Q(how, 28, 29, 448) Q(how, 30, 31, 480)
#define ALL_X(how)                                                                    \
	X(how, 4, 5, 0) X(how, 6, 7, 16) X(how, 8, 9, 32) X(how, 10, 11, 48)          \
	X(how, 12, 13, 64) X(how, 14, 15, 80) X(how, 16, 17, 96) X(how, 18, 19, 112)  \
	X(how, 20, 21, 128) X(how, 22, 23, 144) X(how, 24, 25, 160)                   \
	X(how, 26, 27, 176)
/* clang-format on */

/* All registers from memory, a turn of whoever counts up, and back into memory. */
static void registers_hold(struct registers *registers, const atomic_uint *count, unsigned until)
{
	register uint64_t x0 __asm__("x0") = (uint64_t)registers;
	register uint64_t x1 __asm__("x1") = (uint64_t)count;
	register uint64_t x2 __asm__("x2") = until;

	/* clang-format off */
	__asm__ volatile("add x3, x0, #512\n\t"
			 "ldp x4, x5, [x3, #200]\n\t"
			 "msr fpsr, x4\n\t"
			 "msr fpcr, x5\n\t"
			 "ldr x28, [x3, #192]\n\t"
			 "ldr x4, [x3, #216]\n\t"
			 "msr nzcv, x4\n\t"
			 ALL_Q("ldp")
			 ALL_X("ldp")
			 "1: ldr w30, [x1]\n\t" /* no flag is touched here */
			 "sub w30, w30, w2\n\t"
			 "tbnz w30, #31, 1b\n\t"
			 ALL_Q("stp")
			 ALL_X("stp")
			 "str x28, [x3, #192]\n\t"
			 "mrs x4, fpsr\n\t"
			 "mrs x5, fpcr\n\t"
			 "stp x4, x5, [x3, #200]\n\t"
			 "mrs x4, nzcv\n\t"
			 "str x4, [x3, #216]\n\t"
			 "msr fpcr, xzr\n\t"
			 : "+r"(x0), "+r"(x1), "+r"(x2)
			 :
			 : "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13",
			   "x14", "x15", "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23",
			   "x24", "x25", "x26", "x27", "x28", "x30", "v0", "v1", "v2", "v3", "v4",
			   "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15",
			   "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25",
			   "v26", "v27", "v28", "v29", "v30", "v31", "cc", "memory");
	/* clang-format on */
}

/* Flags and rounding of the one are not the other's; reserved bits are zero. */
static void registers_fill(struct registers *registers, unsigned char seed)
{
	unsigned char *bytes = (unsigned char *)registers;

	for (size_t i = 0; i < sizeof(*registers); i++)
		bytes[i] = (unsigned char)(seed + i * 7);
	registers->fpsr = seed % 2 != 0 ? 0x08000015 : 0x0000000a;
	registers->fpcr = seed % 2 != 0 ? 1ull << 22 : 2ull << 22;
	registers->nzcv = (seed % 2 != 0 ? 0x5ull : 0xaull) << 28;
}

static int take_turns(void *arg)
{
	struct turns *turns = arg;

	zero = turns->seed;
	for (unsigned turn = 1; turn <= TURNS; turn++) {
		struct registers before;
		struct registers after;

		registers_fill(&before, (unsigned char)(turns->seed + 2 * turn));
		after = before;
		atomic_store(&turns->mine, turn);
		registers_hold(&after, turns->others, turn);
		turns->changed += memcmp(&before, &after, sizeof(before)) != 0 ||
				  zero != turns->seed;
	}
	return 0;
}

/* Each waits for the other in a loop, so that on one CPU it is interrupted there in each turn. */
static void registers_are_kept_over_turns_of_others(void)
{
	struct turns a = {.seed = 1};
	struct turns b = {.seed = 4, .others = &a.mine};
	struct thread *thread;

	a.others = &b.mine;
	thread = start(take_turns, &a);
	tap_equal(run(take_turns, &b, NULL), 0);
	tap_equal(thrd_join(thread, NULL), thrd_success);
	tap_equal(a.changed, 0);
	tap_equal(b.changed, 0);
}

int main(int argc, char **argv)
{
	static const struct tap_case cases[] = {
		{"ended threads are used again, under other names", ended_threads_are_used_again},
		{"nothing of the last one is seen", nothing_of_the_last_is_seen},
		{"CPU time begins at zero", cpu_time_begins_at_zero},
		{"parameters begin as the process has them",
		 parameters_begin_as_the_process_has_them},
		{"registers are kept over turns of others",
		 registers_are_kept_over_turns_of_others},
		{"detached threads come and go", detached_threads_come_and_go},
		{"a thread parks only itself", a_thread_parks_only_itself},
		{"limits are exact with threads kept", limits_are_exact_with_threads_kept},
		{"a process takes its threads along", a_process_takes_its_threads_along},
		{"nothing is left behind", nothing_is_left_behind},
	};

	if (argc == 3)
		return child(argv[1], (unsigned)atoi(argv[2]));
	return tap_run(cases, sizeof(cases) / sizeof(cases[0]));
}
