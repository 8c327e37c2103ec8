/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several CPUs at work on the same things (the rows are those of docs/acceptance.md).  On one CPU the
 * same holds, and the same program runs.  What is about time is bounded by counts: nothing here looks
 * at how long something takes.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <libsys/clock.h>
#include <libsys/objects.h>
#include <libsys/process.h>
#include <libsys/sched.h>
#include <libsys/semaphore.h>
#include <libsys/tap.h>
#include <libsys/threads.h>

#include "lib/program.h"

#define CREW_MAX 24u

static unsigned cpus;
static bool masks_hold;
static atomic_uint counter;
static atomic_bool stop;

static struct thread *start(thrd_start_t *body, uintptr_t argument)
{
	struct thread *thread;

	if (thrd_create(&thread, body, (void *)argument) != thrd_success)
		program_fail("starting a thread", ERR_NO_MEMORY);
	return thread;
}

static unsigned join(struct thread *thread)
{
	int result = -1;

	tap_equal(thrd_join(thread, &result), thrd_success);
	return (unsigned)result;
}

static void crew_run(unsigned count, thrd_start_t *body)
{
	struct thread *crew[CREW_MAX];

	for (unsigned i = 0; i < count; i++)
		crew[i] = start(body, i);
	for (unsigned i = 0; i < count; i++)
		tap_equal(join(crew[i]), 0);
}

static void pin(unsigned cpu)
{
	program_need("pinning", sched_param_set(0, SCHED_PARAM_AFFINITY, 1ull << cpu, 0));
}

static unsigned cpu_now(void)
{
	return (unsigned)sys_thread_clock().cpu;
}

/* ---- M ---------------------------------------------------------------------------------------- */

static int nothing(void *argument)
{
	(void)argument;
	return 0;
}

/* Interrupts for CPU 0 at any instruction: a wake from elsewhere, or the end of a short sleep. */
static struct semaphore storm_door;

static int storm_sleeper(void *argument)
{
	pin(0);
	while (!atomic_load(&stop)) {
		if ((uintptr_t)argument == 0)
			semaphore_wait(&storm_door);
		else
			thread_sleep_until(clock_now_ns() + 1 + atomic_load(&counter) % 5000);
		atomic_fetch_add(&counter, 1);
	}
	return 0;
}

static int storm_waker(void *argument)
{
	pin(cpus - 1 - (cpus > 1 ? (unsigned)(uintptr_t)argument : 0));
	while (!atomic_load(&stop)) {
		semaphore_post(&storm_door);
		if (cpus == 1)
			thrd_yield();
	}
	return 0;
}

/*
 * Each kind of lock of the kernel: capabilities, endpoints and reply objects, notifications, Cores,
 * address spaces.
 */
static void take_every_lock(void)
{
	struct proc_process_info info;
	cptr_t slot;
	void *memory;

	tap_equal(object_new(OBJ_NOTIFICATION, &slot), ERR_OK);
	object_free(slot);
	tap_equal(process_list(0, &info), ERR_OK);
	thrd_yield();
	memory = malloc(1u << 20);
	tap_check(memory != NULL);
	*(volatile char *)memory = 1;
	free(memory);
	thread_sleep_until(clock_now_ns() + 1000);
}

static void a_storm_of_interrupts_inside_the_locks(void)
{
	struct thread *crew[6];

	atomic_store(&stop, false);
	atomic_store(&counter, 0);
	semaphore_init(&storm_door, 0);
	for (unsigned i = 0; i < 6; i++)
		crew[i] = start(i < 4 ? storm_sleeper : storm_waker, i % 2);
	pin(0);
	for (unsigned i = 0; i < 20 || atomic_load(&counter) < 500; i++)
		take_every_lock();
	program_need("being free again",
		     sched_param_set(0, SCHED_PARAM_AFFINITY, UINT64_MAX, UINT64_MAX));
	atomic_store(&stop, true);
	for (unsigned i = 0; i < 4; i++)
		semaphore_post(&storm_door);
	for (unsigned i = 0; i < 6; i++)
		tap_equal(join(crew[i]), 0);
}

static int churn(void *argument)
{
	(void)argument;
	while (!atomic_load(&stop)) {
		join(start(nothing, 0));
		atomic_fetch_add(&counter, 1);
	}
	return 0;
}

static void walk_while_others_come_and_go(void)
{
	struct thread *crew[4];
	unsigned rounds = 0;

	atomic_store(&stop, false);
	atomic_store(&counter, 0);
	for (unsigned i = 0; i < 4; i++)
		crew[i] = start(churn, 0);
	while (rounds < 20 || atomic_load(&counter) < 40) {
		unsigned seen[4] = {0};
		struct proc_thread_info info;

		for (word_t from = 0; thread_list(from, &info) == ERR_OK; from = info.tid + 1)
			for (unsigned i = 0; i < 4; i++)
				seen[i] += info.tid == thread_tid(crew[i]);
		for (unsigned i = 0; i < 4; i++)
			tap_equal(seen[i], 1);
		rounds++;
	}
	atomic_store(&stop, true);
	for (unsigned i = 0; i < 4; i++)
		join(crew[i]);
}

static word_t start_self(const char *how, unsigned cpu)
{
	struct spawn_options options = SPAWN_OPTIONS_DEFAULT;
	char *const argv[] = {(char[]){"t_smp"}, (char *)(uintptr_t)how, NULL};
	word_t pid = 0;

	options.affinity[0] = 1ull << (cpu % cpus);
	program_need("spawning", process_spawn("t_smp", argv, NULL, &options, &pid));
	return pid;
}

/* The parent's CPU has nothing else to do meanwhile, and there is no tick. */
static void child_ends_while_the_parent_sleeps(void)
{
	struct wait_result result;

	pin(0);
	for (unsigned i = 0; i < 20; i++) {
		const word_t pid = start_self("end", 1);

		tap_equal(process_wait(pid, false, &result), ERR_OK);
		tap_equal(result.status, 7);
	}
}

static void eight_threads_end_one_by_one(void)
{
	struct wait_result result;
	const word_t pid = start_self("eight", 1);

	tap_equal(process_wait(pid, false, &result), ERR_OK);
	tap_equal(result.signal, 0);
	tap_equal(result.status, 0);
	tap_equal(process_wait(pid, true, &result), ERR_NOT_FOUND);
}

static int sleep_often(void *argument)
{
	uint64_t seed = 12345 + (uintptr_t)argument;

	for (unsigned i = 0; i < 60; i++) {
		const time_ns_t until = clock_now_ns() + program_random(&seed) % (2 * NS_PER_MS);

		thread_sleep_until(until);
		if (clock_now_ns() < until)
			return 1;
	}
	return 0;
}

static void timers_set_while_timers_fire(void)
{
	crew_run(CREW_MAX, sleep_often);
}

static _Atomic uint64_t progress[2 * 16];

static int alternate(void *argument)
{
	const uintptr_t me = (uintptr_t)argument;

	pin((unsigned)me / 2);
	while (!atomic_load(&stop))
		atomic_fetch_add(&progress[me], 1);
	return 0;
}

static void slices_end_on_every_cpu(void)
{
	struct thread *crew[2 * 16];
	const unsigned count = cpus < 8 ? 2 * cpus : 16;
	unsigned going = 0;

	atomic_store(&stop, false);
	for (unsigned i = 0; i < count; i++)
		atomic_store(&progress[i], 0);
	for (unsigned i = 0; i < count; i++)
		crew[i] = start(alternate, i);
	while (going < count) {
		going = 0;
		for (unsigned i = 0; i < count; i++)
			going += atomic_load(&progress[i]) > 1000;
		thread_sleep_until(clock_now_ns() + NS_PER_MS);
	}
	atomic_store(&stop, true);
	for (unsigned i = 0; i < count; i++)
		tap_equal(join(crew[i]), 0);
}

static struct semaphore ping;
static struct semaphore pong;

static int answer_pings(void *argument)
{
	pin(cpus > 1 ? 1 : 0);
	for (uintptr_t i = 0; i < (uintptr_t)argument; i++) {
		semaphore_wait(&ping);
		semaphore_post(&pong);
	}
	return 0;
}

static void wakes_between_check_and_sleep(void)
{
	const unsigned rounds = 2000;
	struct thread *other;

	pin(0);
	semaphore_init(&ping, 0);
	semaphore_init(&pong, 0);
	other = start(answer_pings, rounds);
	for (unsigned i = 0; i < rounds; i++) {
		semaphore_post(&ping);
		semaphore_wait(&pong);
	}
	tap_equal(join(other), 0);
}

static int move_about(void *argument)
{
	for (unsigned i = 0; i < 100; i++) {
		const unsigned cpu = ((unsigned)(uintptr_t)argument + i) % cpus;

		pin(cpu);
		if (masks_hold && cpu_now() != cpu)
			return 1;
	}
	return 0;
}

static void moved_before_the_next_instruction(void)
{
	crew_run(4, move_about);
}

/* ---- Z ---------------------------------------------------------------------------------------- */

static atomic_uint cpu_seen[16];

/* What a CPU says of itself, to user mode too. */
static unsigned cpu_register(void)
{
	word_t index;

	__asm__ volatile("mrs %0, tpidrro_el0" : "=r"(index));
	return (unsigned)index;
}

static int say_where(void *argument)
{
	const unsigned cpu = (unsigned)(uintptr_t)argument % cpus;

	pin(cpu);
	atomic_fetch_add(&cpu_seen[(masks_hold ? cpu_now() : cpu) % 16], 1);
	return masks_hold && cpu_register() != cpu;
}

static void cpu_numbers_are_distinct(void)
{
	for (unsigned i = 0; i < 16; i++)
		atomic_store(&cpu_seen[i], 0);
	crew_run(cpus < 16 ? cpus : 16, say_where);
	for (unsigned i = 0; i < cpus && i < 16; i++)
		tap_equal(atomic_load(&cpu_seen[i]), 1);
}

static int count_to(void *argument)
{
	(void)argument;
	for (unsigned i = 0; i < 20000; i++)
		atomic_fetch_add(&counter, 1);
	return 0;
}

static void more_workers_than_cpus_all_end(void)
{
	atomic_store(&counter, 0);
	crew_run(3 * cpus < CREW_MAX ? 3 * cpus : CREW_MAX, count_to);
	tap_equal(atomic_load(&counter), 20000 * (3 * cpus < CREW_MAX ? 3 * cpus : CREW_MAX));
}

static struct mtx mutex = MTX_INIT;
static struct cnd condition;
static unsigned generation;
static unsigned arrived;

static int wait_for_kicks(void *argument)
{
	(void)argument;
	for (unsigned round = 1; round <= 100; round++) {
		mtx_lock(&mutex);
		arrived++;
		while (generation < round)
			cnd_wait(&condition, &mutex);
		mtx_unlock(&mutex);
		atomic_fetch_add(&counter, 1);
	}
	return 0;
}

static void a_broadcast_wakes_each_once(void)
{
	struct thread *crew[8];

	generation = arrived = 0;
	atomic_store(&counter, 0);
	cnd_init(&condition);
	for (unsigned i = 0; i < 8; i++)
		crew[i] = start(wait_for_kicks, 0);
	for (unsigned round = 1; round <= 100; round++) {
		for (bool all = false; !all;) {
			mtx_lock(&mutex);
			all = arrived == 8 * round;
			if (all)
				generation = round;
			mtx_unlock(&mutex);
			if (!all)
				sched_yield_now();
		}
		cnd_broadcast(&condition);
	}
	for (unsigned i = 0; i < 8; i++)
		join(crew[i]);
	tap_equal(atomic_load(&counter), 800);
}

static int spin_pinned(void *argument)
{
	pin((unsigned)(uintptr_t)argument);
	while (!atomic_load(&stop))
		atomic_fetch_add(&counter, 1);
	return 0;
}

static void a_worker_runs_while_another_spins(void)
{
	struct thread *spinner;

	atomic_store(&stop, false);
	spinner = start(spin_pinned, cpus - 1);
	crew_run(2, count_to);
	atomic_store(&stop, true);
	tap_equal(join(spinner), 0);
}

static unsigned taken[16];

static int contend(void *argument)
{
	const unsigned cpu = (unsigned)(uintptr_t)argument;

	pin(cpu);
	while (taken[cpu] < 1000) {
		mtx_lock(&mutex);
		taken[cpu]++;
		mtx_unlock(&mutex);
	}
	return 0;
}

static void each_cpu_gets_the_lock(void)
{
	memset(taken, 0, sizeof(taken));
	crew_run(cpus < 16 ? cpus : 16, contend);
	for (unsigned i = 0; i < cpus && i < 16; i++)
		tap_equal(taken[i], 1000);
	tap_equal(mtx_trylock(&mutex), thrd_success);
	tap_equal(mtx_trylock(&mutex), thrd_busy);
	tap_equal(mtx_unlock(&mutex), thrd_success);
}

static void spinners_are_killed_again_and_again(void)
{
	for (unsigned round = 0; round < 4; round++) {
		struct wait_result result;
		word_t pids[3];

		for (unsigned i = 0; i < 3; i++)
			pids[i] = start_self("spin", i + 1);
		for (unsigned i = 0; i < 3; i++) {
			tap_equal(process_kill(pids[i], PROC_SIGKILL, false), ERR_OK);
			tap_equal(process_wait(pids[i], false, &result), ERR_OK);
			tap_equal(result.signal, PROC_SIGKILL);
		}
	}
}

/* ---- What the children do ---------------------------------------------------------------------- */

static int end_soon(void *argument)
{
	thread_sleep_until(clock_now_ns() + (uintptr_t)argument * NS_PER_US);
	return 0;
}

static int child(const char *how)
{
	if (strcmp(how, "end") == 0)
		return 7;
	if (strcmp(how, "spin") == 0)
		for (;;)
			program_burn(NS_PER_S);
	for (unsigned i = 0; i < 8; i++)
		thrd_detach(start(end_soon, 100 * i));
	thrd_exit(0);
}

int main(int argc, char **argv)
{
	static const struct tap_case cases[] = {
		{"M01_walk_while_threads_come_and_go", walk_while_others_come_and_go},
		{"M02_child_ends_while_the_parent_sleeps", child_ends_while_the_parent_sleeps},
		{"M03_interrupts_inside_every_lock", a_storm_of_interrupts_inside_the_locks},
		{"M07_eight_threads_one_exit", eight_threads_end_one_by_one},
		{"M12_timers_set_while_timers_fire", timers_set_while_timers_fire},
		{"M19_slices_end_on_every_cpu", slices_end_on_every_cpu},
		{"M28_wake_between_check_and_sleep", wakes_between_check_and_sleep},
		{"M37_moved_before_the_next_instruction", moved_before_the_next_instruction},
		{"Z02_cpu_numbers_are_distinct", cpu_numbers_are_distinct},
		{"Z04_more_workers_than_cpus_all_end", more_workers_than_cpus_all_end},
		{"Z06_broadcast_wakes_each_once", a_broadcast_wakes_each_once},
		{"Z08_worker_runs_while_another_spins", a_worker_runs_while_another_spins},
		{"Z15_spinners_killed_again_and_again", spinners_are_killed_again_and_again},
		{"Z27_each_cpu_gets_the_lock_1000_times", each_cpu_gets_the_lock},
	};

	cpus = program_cpus();
	if (argc > 1)
		return child(argv[1]);
	masks_hold = program_masks_hold();
	if (!masks_hold)
		printf("# this build does not keep threads inside their masks\n");
	return tap_run(cases, sizeof(cases) / sizeof(cases[0]));
}
