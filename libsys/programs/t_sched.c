/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler as programs see it.  Bounds on times are wide: the machine may be emulated.
 */
#include <string.h>

#include <libsys/clock.h>
#include <libsys/process.h>
#include <libsys/sched.h>
#include <libsys/semaphore.h>
#include <libsys/tap.h>
#include <libsys/threads.h>

#include "lib/crew.h"
#include "lib/program.h"

static unsigned cpus;
static bool masks_hold;
static struct proc_machine_info machine;

static bool policy_is(const char *name)
{
	return strncmp(machine.policy, name, sizeof(machine.policy)) == 0;
}

static void sleeps_end_in_time(void)
{
	time_ns_t late_max = 0;

	for (unsigned i = 0; i < 30; i++) {
		time_ns_t until = clock_now_ns() + (1 + i % 3) * NS_PER_MS;

		thread_sleep_until(until);
		time_ns_t now = clock_now_ns();

		tap_check(now >= until);
		if (now > until && now - until > late_max)
			late_max = now - until;
	}
	printf("# largest lateness: %lu us\n", (unsigned long)(late_max / NS_PER_US));
	tap_check(late_max < 500 * NS_PER_MS);
	thread_sleep_until(0); /* the past returns at once */
}

struct sleeper {
	struct semaphore bell;
	unsigned cpu;
	time_ns_t woke_ns;
	enum error error;
};

static int sleep_long(void *arg)
{
	struct sleeper *sleeper = arg;

	if (!thread_pin(sleeper->cpu))
		return 1;
	sleeper->error = semaphore_timed_wait(&sleeper->bell, clock_now_ns() + 1000 * NS_PER_S);
	sleeper->woke_ns = clock_now_ns();
	return 0;
}

/* One on each other CPU, each in a sleep of a quarter of an hour. */
static void long_sleepers_are_woken(void)
{
	static struct sleeper sleepers[CREW_MAX];
	const unsigned count = cpus > 1 ? cpus - 1 : 1;
	struct crew crew;
	time_ns_t posted_ns;

	memset(sleepers, 0, sizeof(sleepers));
	for (unsigned i = 0; i < count; i++)
		sleepers[i].cpu = (i + 1) % cpus;
	crew_start(&crew, count, sleep_long, sleepers, sizeof(sleepers[0]));
	for (unsigned i = 0; i < count; i++) {
		while (atomic_load(&sleepers[i].bell.waiters) == 0)
			thread_pause();
		thread_await_state(crew.threads[i], THREAD_REQUESTING);
	}
	posted_ns = clock_now_ns();
	for (unsigned i = 0; i < count; i++)
		semaphore_post(&sleepers[i].bell);
	tap_equal(crew_join(&crew), 0);
	for (unsigned i = 0; i < count; i++) {
		tap_equal(sleepers[i].error, ERR_OK);
		tap_check(sleepers[i].woke_ns - posted_ns < 200 * NS_PER_MS);
	}
}

static uint64_t counter_read(void)
{
	uint64_t ticks;

	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(ticks) : : "memory");
	return ticks;
}

/*
 * The counter's lower half wraps: after a minute, which the emulator of one CPU jumps over.  Several CPUs
 * take turns of 10 us all the while, so there it would take minutes.
 */
static void the_counter_wraps_during_a_sleep(void)
{
	uint64_t before = counter_read();
	uint64_t left = (1ull << 32) - (before & UINT32_MAX);
	time_ns_t until;
	uint64_t hz;

	if (cpus > 1)
		return;
	__asm__("mrs %0, cntfrq_el0" : "=r"(hz));
	until = clock_now_ns() + left * 1000 / hz * NS_PER_MS + 10 * NS_PER_MS;
	thread_sleep_until(until);
	tap_check(clock_now_ns() >= until);
	tap_check(clock_now_ns() - until < 500 * NS_PER_MS);
	tap_equal(counter_read() >> 32, (before >> 32) + 1);
	sleeps_end_in_time();
}

static void sleep_costs_no_cpu_time(void)
{
	time_ns_t before = sys_thread_clock().cpu_ns;

	thread_sleep_until(clock_now_ns() + 50 * NS_PER_MS);
	tap_check(sys_thread_clock().cpu_ns - before < 20 * NS_PER_MS);
}

static void affinity_is_kept(void)
{
	word_t low;
	word_t high;

	for (unsigned cpu = 0; cpu < cpus && masks_hold; cpu++) {
		tap_check(thread_pin(cpu));
		for (unsigned i = 0; i < 5; i++) {
			tap_equal(sys_thread_clock().cpu, cpu);
			thrd_yield();
			program_burn(100 * NS_PER_US);
		}
		tap_equal(sched_param_get(SCHED_PARAM_AFFINITY, &low, &high), ERR_OK);
		tap_equal(low, 1ull << cpu);
	}
	tap_equal(sched_param_set(0, SCHED_PARAM_AFFINITY, UINT64_MAX, UINT64_MAX), ERR_OK);
}

/* --- G03: an empty mask is legal: the thread waits --- */

struct waiter {
	_Atomic uint32_t rounds, over, takes;
};

static int go_round(void *arg)
{
	struct waiter *waiter = arg;

	while (!atomic_load(&waiter->over)) {
		atomic_fetch_add(&waiter->rounds, 1);
		if (atomic_exchange(&waiter->takes, 0) != 0 &&
		    sched_param_set(0, SCHED_PARAM_AFFINITY, 0, 0) != ERR_OK)
			return 1;
		thread_sleep_until(clock_now_ns() + 50 * NS_PER_US);
	}
	return 0;
}

/* It goes on, or it does not, for as long as it would go round many times. */
static bool goes_round(struct waiter *waiter)
{
	const uint32_t before = atomic_load(&waiter->rounds);

	thread_sleep_until(clock_now_ns() + 20 * NS_PER_MS);
	return atomic_load(&waiter->rounds) != before;
}

static void empty_mask_waits(void)
{
	struct waiter waiter = {0};
	struct thread *thread;
	word_t low = 1;
	word_t high = 1;

	if (!masks_hold) {
		printf("# built without masks\n");
		return;
	}
	if (thrd_create(&thread, go_round, &waiter) != thrd_success)
		program_fail("starting a thread", ERR_NO_MEMORY);
	for (unsigned i = 0; i < 3; i++) {
		tap_check(goes_round(&waiter));
		if (i == 1)
			atomic_store(&waiter.takes, 1);
		else
			tap_equal(sched_param_set(thread_tid(thread), SCHED_PARAM_AFFINITY, 0, 0),
				  ERR_OK);
		(void)goes_round(&waiter);
		tap_check(!goes_round(&waiter));
		tap_equal(sched_param_set(thread_tid(thread), SCHED_PARAM_AFFINITY,
					  i == 2 ? 1ull << (cpus - 1) : UINT64_MAX, 0),
			  ERR_OK);
	}
	tap_check(goes_round(&waiter));
	atomic_store(&waiter.over, 1);
	tap_equal(thrd_join(thread, NULL), thrd_success);
	tap_equal(sched_param_get(SCHED_PARAM_AFFINITY, &low, &high), ERR_OK);
	tap_check((low | high) != 0);
}

static void parameters_are_kept_and_checked(void)
{
	word_t value;
	word_t value2;

	tap_equal(sched_param_set(0, SCHED_PARAM_NICE, 5, 0), ERR_OK);
	tap_equal(sched_param_get(SCHED_PARAM_NICE, &value, &value2), ERR_OK);
	tap_equal(value, 5);
	tap_equal(sched_param_get(SCHED_PARAM_WEIGHT, &value, &value2), ERR_OK);
	tap_equal(value, 335);
	tap_equal(sched_param_set(0, SCHED_PARAM_NICE, 0, 0), ERR_OK);
	tap_equal(sched_param_set(0, SCHED_PARAM_SLICE_NS, 2000000, 0), ERR_OK);
	tap_equal(sched_param_get(SCHED_PARAM_SLICE_NS, &value, &value2), ERR_OK);
	tap_equal(value, 2000000);
	tap_check(sched_param_set(0, SCHED_PARAM_SLICE_NS, 1, 0) != ERR_OK);
	tap_check(sched_param_set(0, SCHED_PARAM_NICE, 20, 0) != ERR_OK);
	tap_check(sched_param_set(0, SCHED_PARAM_WEIGHT, 0, 0) != ERR_OK);
	tap_check(sched_param_set(0, (enum sched_param)99, 1, 0) != ERR_OK);
}

/* --- Shares --- */

struct runner {
	int nice;
	_Atomic uint32_t *stop;
	time_ns_t cpu_ns;
};

static int run_until_stopped(void *arg)
{
	struct runner *runner = arg;

	if (!thread_pin(0) ||
	    sched_param_set(0, SCHED_PARAM_NICE, (word_t)(int64_t)runner->nice, 0) != ERR_OK)
		return 1;
	time_ns_t start = sys_thread_clock().cpu_ns;

	while (!atomic_load(runner->stop))
		program_burn(200 * NS_PER_US);
	runner->cpu_ns = sys_thread_clock().cpu_ns - start;
	return 0;
}

static void nice_values_give_shares(void)
{
	_Atomic uint32_t stop = 0;
	struct runner runners[3] = {{0, &stop, 0}, {0, &stop, 0}, {5, &stop, 0}};
	struct crew crew;

	if (!policy_is("eevdf")) {
		printf("# the policy is %.16s: no shares to check\n", machine.policy);
		return;
	}
	if (!masks_hold && cpus > 1) {
		printf("# nobody stays on one CPU: no shares to check\n");
		return;
	}
	crew_start(&crew, 3, run_until_stopped, runners, sizeof(runners[0]));
	/* Sleeping on another CPU, where nothing else runs, to be woken in time. */
	thread_pin(cpus - 1);
	thread_sleep_until(clock_now_ns() + 800 * NS_PER_MS);
	atomic_store(&stop, 1);
	tap_equal(crew_join(&crew), 0);
	tap_equal(sched_param_set(0, SCHED_PARAM_AFFINITY, UINT64_MAX, UINT64_MAX), ERR_OK);

	time_ns_t a = runners[0].cpu_ns;
	time_ns_t b = runners[1].cpu_ns;
	time_ns_t c = runners[2].cpu_ns;

	printf("# cpu time: nice 0 %lu us and %lu us, nice 5 %lu us\n",
	       (unsigned long)(a / NS_PER_US), (unsigned long)(b / NS_PER_US),
	       (unsigned long)(c / NS_PER_US));
	tap_check(a * 100 > b * 85 && b * 100 > a * 85);
	/* 1024 / 335 = 3.06 */
	tap_check(a * 100 > c * 230 && a * 100 < c * 400);
}

struct turns {
	_Atomic unsigned count;
};

static int yield_often(void *arg)
{
	struct turns *turns = arg;

	for (unsigned i = 0; i < 200; i++) {
		atomic_fetch_add(&turns->count, 1);
		thrd_yield();
	}
	return 0;
}

static int pinned_yield_often(void *arg)
{
	return thread_pin(0) ? yield_often(arg) : 1;
}

static void yields_let_others_run(void)
{
	struct turns turns[2] = {{0}, {0}};
	struct crew crew;

	crew_start(&crew, 2, pinned_yield_often, turns, sizeof(turns[0]));
	tap_equal(crew_join(&crew), 0);
	tap_equal(atomic_load(&turns[0].count) + atomic_load(&turns[1].count), 400);
}

/* --- Spreading, statistics --- */

struct seen {
	_Atomic uint64_t cpus;
};

static int burn_and_tell(void *arg)
{
	struct seen *seen = arg;

	for (unsigned i = 0; i < 100; i++) {
		program_burn(NS_PER_MS);
		atomic_fetch_or(&seen->cpus, 1ull << (sys_thread_clock().cpu % 64));
	}
	return 0;
}

static void busy_threads_spread_over_the_cpus(void)
{
	struct seen seen = {0};
	struct crew crew;

	crew_start(&crew, 2 * cpus, burn_and_tell, &seen, 0);
	crew_join(&crew);
	tap_equal((unsigned)__builtin_popcountll(atomic_load(&seen.cpus)), cpus < 64 ? cpus : 64);
}

static void statistics_add_up(void)
{
	struct proc_thread_stats before;
	struct proc_thread_stats after;
	struct proc_cpu_info cpu;
	uint32_t tid = thread_tid(thrd_current());
	time_ns_t own = sys_thread_clock().cpu_ns;

	tap_equal(thread_stats(tid, &before), ERR_OK);
	for (unsigned i = 0; i < 10; i++) {
		program_burn(2 * NS_PER_MS);
		thread_sleep_until(clock_now_ns() + NS_PER_MS);
	}
	own = sys_thread_clock().cpu_ns - own;
	tap_equal(thread_stats(tid, &after), ERR_OK);
	tap_check(after.wakes - before.wakes >= 10);
	tap_check(after.cpu_ns - before.cpu_ns >= own / 2);
	tap_check(after.cpu_ns - before.cpu_ns <= own * 2);
	for (unsigned i = 0; i < cpus; i++) {
		tap_equal(cpu_stats(i, &cpu), ERR_OK);
		tap_check(cpu.core.switches > 0);
	}
	tap_check(cpu_stats(cpus, &cpu) != ERR_OK);
	tap_check(thread_stats(1u << 20, &before) != ERR_OK);
}

/*
 * Without a scheduler server a sleep is a loop, so that case 2 takes an hour.  libsys sends the request often
 * before it says RESTARTED; a takeover takes less.
 */
static const char *nobody_schedules(void)
{
	word_t value;
	word_t value2;

	if (sched_param_get(SCHED_PARAM_WEIGHT, &value, &value2) != ERR_RESTARTED)
		return NULL;
	return "no scheduler server answers: it was given up (see proc's lines) or not "
	       "started; the kernel's rotation runs the threads";
}

int main(void)
{
	static const struct tap_case cases[] = {
		{"sleeps end in time, never early", sleeps_end_in_time},
		{"Z05_sleepers: on each other CPU, woken, all run within 200 ms",
		 long_sleepers_are_woken},
		{"Z38_counter_wraps: during a sleep", the_counter_wraps_during_a_sleep},
		{"sleeping costs no CPU time", sleep_costs_no_cpu_time},
		{"Z29_mask_change: affinity is kept", affinity_is_kept},
		{"G03_empty_mask_waits", empty_mask_waits},
		{"parameters are kept and checked", parameters_are_kept_and_checked},
		{"nice values give shares", nice_values_give_shares},
		{"yield lets others run", yields_let_others_run},
		{"Z01_parallel: busy threads spread over the CPUs",
		 busy_threads_spread_over_the_cpus},
		{"Z39_statistics: they add up", statistics_add_up},
	};

	cpus = program_cpus();
	program_need("asking about the machine", machine_info(&machine));
	/* Without a server nobody could tell. */
	masks_hold = nobody_schedules() || program_masks_hold();
	return tap_run_unless(cases, sizeof(cases) / sizeof(cases[0]), nobody_schedules);
}
