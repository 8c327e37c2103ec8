/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is left when the scheduler server was replaced, several times and under load: weights, places
 * and statistics; and what is left when it fails too often for another one.
 *
 * The last case ends with the kernel's rotation in charge for good, so nothing comes after it.
 */
#include <string.h>

#include <libsys/clock.h>
#include <libsys/process.h>
#include <libsys/sched.h>
#include <libsys/tap.h>
#include <libsys/threads.h>

#include "lib/crew.h"
#include "lib/program.h"

#define KILLS          3u
#define KILLS_TOO_MANY 30u
#define RUN_NS         (2000 * NS_PER_MS)
#define PATIENCE_NS    (60 * NS_PER_S)
#define MEASUREMENTS   5u

static unsigned cpus;
static bool masks_hold;
static struct proc_machine_info machine;
static _Atomic uint32_t stop;

static uint64_t restarts(void)
{
	struct proc_machine_info info;

	program_need("asking about the machine", machine_info(&info));
	return info.sched_restarts;
}

/* CPUs of which the kernel's rotation is in charge; those with flag @unless do not count. */
static unsigned in_fallback(unsigned unless)
{
	unsigned count = 0;

	for (unsigned i = 0; i < cpus; i++) {
		struct proc_cpu_info cpu;

		program_need("asking about a CPU", cpu_stats(i, &cpu));
		if ((cpu.core_flags & (CORE_FALLBACK | unless)) == CORE_FALLBACK)
			count++;
	}
	return count;
}

static void pause(time_ns_t ns)
{
	thread_sleep_until(clock_now_ns() + ns);
}

/* Stop the server, wait for its successor.  False: there is none after a long time. */
static bool replace(void)
{
	const uint64_t before = restarts();

	program_need("stopping the scheduler server", scheduler_kill());
	for (time_ns_t end = clock_now_ns() + PATIENCE_NS; clock_now_ns() < end;) {
		if (restarts() > before && in_fallback(0) == 0)
			return true;
		pause(2 * NS_PER_MS);
	}
	return false;
}

/* --- Load --- */

struct worker {
	unsigned cpu;
	int nice;
	_Atomic uint64_t rounds;
	_Atomic time_ns_t cpu_ns;
	uint32_t tid;
	bool kept; /* at the end its parameters are what it set */
};

static bool parameters_are(const struct worker *worker)
{
	word_t nice;
	word_t slice;
	word_t low;
	word_t high;
	word_t other;

	return sched_param_get(SCHED_PARAM_NICE, &nice, &other) == ERR_OK &&
	       sched_param_get(SCHED_PARAM_SLICE_NS, &slice, &other) == ERR_OK &&
	       sched_param_get(SCHED_PARAM_AFFINITY, &low, &high) == ERR_OK &&
	       (int)nice == worker->nice && slice == 2 * NS_PER_MS &&
	       (!masks_hold ||
		(low == 1ull << worker->cpu && sys_thread_clock().cpu == worker->cpu));
}

/* Yields and is counted; every fourth round it sleeps for a moment. */
static int work(void *arg)
{
	struct worker *worker = arg;

	worker->tid = thread_tid(thrd_current());
	if (!thread_pin(worker->cpu) ||
	    sched_param_set(0, SCHED_PARAM_NICE, (word_t)(int64_t)worker->nice, 0) != ERR_OK ||
	    sched_param_set(0, SCHED_PARAM_SLICE_NS, 2 * NS_PER_MS, 0) != ERR_OK)
		return 1;
	while (!atomic_load(&stop)) {
		program_burn(300 * NS_PER_US);
		atomic_store(&worker->cpu_ns, sys_thread_clock().cpu_ns);
		/* Under fifo nobody else would ever run on this CPU. */
		if (strncmp(machine.policy, "fifo", sizeof(machine.policy)) == 0)
			pause(NS_PER_MS);
		atomic_fetch_add(&worker->rounds, 1);
	}
	worker->kept = parameters_are(worker);
	return 0;
}

static struct worker workers[] = {{.nice = 0}, {.nice = 0}, {.nice = 5}, {.nice = 3}, {.nice = -3}};
#define WORKERS (sizeof(workers) / sizeof(workers[0]))

static bool all_progress(void)
{
	uint64_t before[WORKERS];

	for (unsigned i = 0; i < WORKERS; i++)
		before[i] = atomic_load(&workers[i].rounds);
	for (time_ns_t end = clock_now_ns() + PATIENCE_NS; clock_now_ns() < end;) {
		unsigned on = 0;

		pause(5 * NS_PER_MS);
		for (unsigned i = 0; i < WORKERS; i++)
			on += atomic_load(&workers[i].rounds) > before[i] + 1;
		if (on == WORKERS)
			return true;
	}
	return false;
}

/* 1024 / 335 = 3.06; with equal weights it would be 1. */
static bool about_three_times(time_ns_t nice_0, time_ns_t nice_5)
{
	return nice_0 * 10 > nice_5 * 17 && nice_0 * 10 < nice_5 * 60;
}

/* The first three share CPU 0: until they have run for long. */
static bool share_as_weights_say(void)
{
	time_ns_t start[3];
	time_ns_t ran[3];
	time_ns_t sum = 0;

	for (unsigned i = 0; i < 3; i++)
		start[i] = atomic_load(&workers[i].cpu_ns);
	for (time_ns_t end = clock_now_ns() + PATIENCE_NS; sum < RUN_NS && clock_now_ns() < end;) {
		pause(20 * NS_PER_MS);
		sum = 0;
		for (unsigned i = 0; i < 3; i++) {
			ran[i] = atomic_load(&workers[i].cpu_ns) - start[i];
			sum += ran[i];
		}
	}
	printf("# cpu time: nice 0 %lu us and %lu us, nice 5 %lu us\n",
	       (unsigned long)(ran[0] / NS_PER_US), (unsigned long)(ran[1] / NS_PER_US),
	       (unsigned long)(ran[2] / NS_PER_US));
	return about_three_times(ran[0], ran[2]) && about_three_times(ran[1], ran[2]);
}

/*
 * After the last change of servers.  An emulated CPU that its host stops charges that time to whoever runs,
 * which pays for it afterwards: 200 ms of one with nice 5 are a whole measurement.  So with the host's clock
 * there are several, and a scheduler that is wrong is so in all of them.
 */
static void shares_are_right(void)
{
	bool right = false;

	for (unsigned i = 0; !right && i < MEASUREMENTS; i++)
		right = share_as_weights_say();
	tap_check(right);
}

static void workers_keep_what_they_have(void)
{
	struct crew crew;

	for (unsigned i = 0; i < WORKERS; i++)
		workers[i].cpu = i < 3 ? 0 : (i - 2) % cpus;
	crew_start(&crew, WORKERS, work, workers, sizeof(workers[0]));
	tap_check(all_progress());
	for (unsigned i = 0; i < KILLS; i++) {
		tap_check(replace());
		tap_check(all_progress());
	}
	if (strncmp(machine.policy, "eevdf", sizeof(machine.policy)) == 0 && cpus > 2 && masks_hold)
		shares_are_right();
	atomic_store(&stop, 1);
	tap_equal(crew_join(&crew), 0);
	for (unsigned i = 0; i < WORKERS; i++)
		tap_check(workers[i].kept);
}

/* --- Sleeps --- */

static int sleep_until(void *arg)
{
	const time_ns_t *deadline = arg;

	thread_sleep_until(*deadline);
	return clock_now_ns() >= *deadline ? 0 : 1;
}

static void sleeps_end_and_not_early(void)
{
	time_ns_t deadlines[8];
	struct crew crew;

	for (unsigned i = 0; i < 8; i++)
		deadlines[i] = clock_now_ns() + (i + 1) * 60 * NS_PER_MS;
	crew_start(&crew, 8, sleep_until, deadlines, sizeof(deadlines[0]));
	pause(20 * NS_PER_MS);
	tap_check(replace());
	tap_equal(crew_join(&crew), 0);
}

/* --- Statistics --- */

static void statistics_tell(void)
{
	struct proc_machine_info after;
	struct proc_thread_stats thread;
	time_ns_t fallback_ns = 0;

	tap_equal(machine_info(&after), ERR_OK);
	tap_check(after.sched_instance >= machine.sched_instance + KILLS + 1);
	tap_check(after.sched_restarts >= machine.sched_restarts + KILLS + 1);
	tap_check(memcmp(after.policy, machine.policy, sizeof(after.policy)) == 0);
	tap_check(memcmp(after.place, machine.place, sizeof(after.place)) == 0);
	for (unsigned i = 0; i < cpus; i++) {
		struct proc_cpu_info cpu;

		tap_equal(cpu_stats(i, &cpu), ERR_OK);
		tap_check(cpu.fallback_entries >= KILLS + 1);
		tap_check((cpu.core_flags & CORE_FALLBACK) == 0);
		fallback_ns += cpu.core.fallback_ns;
	}
	printf("# instance %lu, %lu restarts, %lu us in fallback\n",
	       (unsigned long)after.sched_instance, (unsigned long)after.sched_restarts,
	       (unsigned long)(fallback_ns / NS_PER_US));
	tap_check(fallback_ns > 0);
	/* Of a thread that lived through all of it. */
	tap_equal(thread_stats(thread_tid(thrd_current()), &thread), ERR_OK);
	tap_check(thread.wakes >= 2 * (KILLS + 1));
}

/* --- No successor any more --- */

/* Stop the server.  True: nobody has taken its place for a while, and the kernel's rotation runs. */
static bool stop_for_good(void)
{
	const uint64_t before = restarts();
	unsigned seen = 0;

	program_need("stopping the scheduler server", scheduler_kill());
	while (seen < 20 && restarts() == before) {
		seen = in_fallback(CORE_BOUND) == cpus ? seen + 1 : 0;
		pause(10 * NS_PER_MS);
	}
	return seen == 20;
}

static int burn_a_while(void *arg)
{
	(void)arg;
	program_burn(20 * NS_PER_MS);
	thrd_yield();
	pause(5 * NS_PER_MS);
	return 1;
}

static void rotation_goes_on(void)
{
	struct crew crew;
	bool good = false;

	for (unsigned i = 0; i < KILLS_TOO_MANY && !good; i++)
		good = stop_for_good();
	if (!good)
		printf("# the host is too slow to stop the server often in a short time\n");
	crew_start(&crew, 2 * cpus, burn_a_while, NULL, 0);
	tap_equal(crew_join(&crew), (int)(2 * cpus));
}

int main(void)
{
	static const struct tap_case cases[] = {
		{"workers keep going, their weights, slices and CPUs", workers_keep_what_they_have},
		{"sleeps end, and not early", sleeps_end_and_not_early},
		{"statistics tell what happened", statistics_tell},
		{"a server that fails too often is given up, nothing else", rotation_goes_on},
	};

	cpus = program_cpus();
	program_need("asking about the machine", machine_info(&machine));
	program_need("raising the priority", sched_param_set(0, SCHED_PARAM_PRIORITY, 90, 0));
	masks_hold = program_masks_hold();
	return tap_run(cases, sizeof(cases) / sizeof(cases[0]));
}
