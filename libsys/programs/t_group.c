/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Groups as programs see them: shares, caps, nesting, moves, errors.
 *
 * Workers publish their CPU time every 0.2 ms of it, and this program, which sleeps in between, reads it at
 * two instants: what scheduling has not yet charged is in it.  Meant for the virtual clock, on which
 * a worker that is not running uses nothing.
 */
#include <stdlib.h>
#include <string.h>

#include <libsys/clock.h>
#include <libsys/process.h>
#include <libsys/sched.h>
#include <libsys/tap.h>
#include <libsys/threads.h>

#include "lib/program.h"

#define WORKERS_MAX  12u
#define ALL_CPUS     (~0u)
#define WARM_NS      (50 * NS_PER_MS)
/* A thread that ended leaves its group when it blocks for the last time, a little later. */
#define DELETE_TRIES 1000u

struct worker {
	struct thread *thread;
	word_t group;
	word_t group2; /* not 0: it moves between the two after each step */
	time_ns_t step_ns;
	time_ns_t sleep_ns; /* after each step */
	unsigned cpu;
	uint32_t weight;
	_Atomic bool stop;
	_Atomic time_ns_t cpu_ns;
	_Atomic time_ns_t late_ns_max; /* of its sleeps */
	time_ns_t seen_ns;             /* when the measured time began */
};

static struct worker workers[WORKERS_MAX];
static unsigned worker_count;
static unsigned cpus;
static struct proc_machine_info machine;

static bool policy_is(const char *name)
{
	return strncmp(machine.policy, name, sizeof(machine.policy)) == 0;
}

/* ---- Workers --------------------------------------------------------------------------------- */

static void join_group(word_t group)
{
	program_need("joining a group", sched_param_set(0, SCHED_PARAM_GROUP, group, 0));
}

static void nap(struct worker *worker)
{
	const time_ns_t until = clock_now_ns() + worker->sleep_ns;

	thread_sleep_until(until);
	const time_ns_t late = clock_now_ns() - until;

	if (late > atomic_load(&worker->late_ns_max))
		atomic_store(&worker->late_ns_max, late);
}

static int work(void *arg)
{
	struct worker *worker = arg;
	/* The thread may be one that was used before. */
	const time_ns_t before_ns = sys_thread_clock().cpu_ns;
	bool second = false;

	if (worker->cpu != ALL_CPUS)
		program_need("pinning",
			     sched_param_set(0, SCHED_PARAM_AFFINITY, (word_t)1 << worker->cpu, 0));
	program_need("weight", sched_param_set(0, SCHED_PARAM_WEIGHT, worker->weight, 0));
	join_group(worker->group);
	while (!atomic_load(&worker->stop)) {
		program_burn(worker->step_ns);
		atomic_store(&worker->cpu_ns, sys_thread_clock().cpu_ns - before_ns);
		if (worker->sleep_ns != 0)
			nap(worker);
		if (worker->group2 == 0)
			continue;
		second = !second;
		join_group(second ? worker->group2 : worker->group);
	}
	return 0;
}

static struct worker *add(word_t group, unsigned cpu)
{
	struct worker *worker = &workers[worker_count++];

	*worker = (struct worker){
		.group = group, .cpu = cpu, .weight = 1024, .step_ns = 200 * NS_PER_US};
	return worker;
}

static void start(void)
{
	for (unsigned i = 0; i < worker_count; i++)
		if (thrd_create(&workers[i].thread, work, &workers[i]) != thrd_success)
			program_fail("starting a thread", ERR_NO_MEMORY);
	thread_sleep_until(clock_now_ns() + WARM_NS);
}

/* Count from now on. */
static void look(void)
{
	for (unsigned i = 0; i < worker_count; i++)
		workers[i].seen_ns = atomic_load(&workers[i].cpu_ns);
}

static time_ns_t used(const struct worker *worker)
{
	return atomic_load(&worker->cpu_ns) - worker->seen_ns;
}

/* What all have used, for its own check. */
static time_ns_t run_for(time_ns_t ns)
{
	time_ns_t sum = 0;

	look();
	thread_sleep_until(clock_now_ns() + ns);
	for (unsigned i = 0; i < worker_count; i++) {
		/* Taken before stop() lets them go on. */
		workers[i].seen_ns = used(&workers[i]);
		sum += workers[i].seen_ns;
	}
	return sum;
}

static void stop(void)
{
	for (unsigned i = 0; i < worker_count; i++)
		atomic_store(&workers[i].stop, true);
	for (unsigned i = 0; i < worker_count; i++)
		if (thrd_join(workers[i].thread, NULL) != thrd_success)
			program_fail("joining", ERR_STATE);
	worker_count = 0;
}

/* ---- Groups ---------------------------------------------------------------------------------- */

static enum error group_try(word_t parent, word_t weight, word_t quota_ns, word_t period_ns,
			    word_t *id)
{
	const struct sched_group group = {parent, weight, quota_ns, period_ns};

	return sched_group_create(&group, id);
}

static word_t group_new(word_t parent, word_t weight, word_t quota_ns, word_t period_ns)
{
	word_t id = 0;

	program_need("a group", group_try(parent, weight, quota_ns, period_ns, &id));
	return id;
}

static void group_end(word_t id)
{
	enum error error = ERR_BUSY;

	for (unsigned i = 0; i < DELETE_TRIES && error == ERR_BUSY; i++) {
		error = sched_group_delete(id);
		if (error == ERR_BUSY)
			thread_sleep_until(clock_now_ns() + NS_PER_MS);
	}
	tap_equal(error, ERR_OK);
}

static word_t field(word_t id, enum sched_group_field which)
{
	word_t value = 0;

	program_need("asking about a group", sched_group_get(id, which, &value));
	return value;
}

static void near(const char *what, time_ns_t got, time_ns_t wanted, time_ns_t within)
{
	const time_ns_t off = got > wanted ? got - wanted : wanted - got;

	printf("# %s: %lu us, %lu us wanted\n", what, (unsigned long)(got / NS_PER_US),
	       (unsigned long)(wanted / NS_PER_US));
	tap_check(off <= within);
}

/* ---- Shares ---------------------------------------------------------------------------------- */

#define SHARED_NS (3 * NS_PER_S)
#define MOVED_NS  (2300 * NS_PER_US)

/* Members of a group: together what its weight says, however many they are. */
static void shares_are_exact(void)
{
	const word_t heavy = group_new(0, 3072, 0, 0), light = group_new(0, 1024, 0, 0);
	time_ns_t sum;

	if (policy_is("eevdf")) {
		(void)add(light, 0);
		for (unsigned i = 0; i < 3; i++)
			(void)add(heavy, 0);
		start();
		sum = run_for(SHARED_NS);
		near("1 of 4", workers[0].seen_ns, sum / 4, sum / 400);
		for (unsigned i = 1; i <= 3; i++)
			near("a third of 3 of 4", workers[i].seen_ns, sum / 4, sum / 400);
		stop();
	}
	group_end(heavy);
	group_end(light);
}

/* One thread on each level; the weights are such that all get the same. */
static void four_levels_share(void)
{
	static const word_t weights[] = {4096, 3072, 2048, 1024};
	word_t groups[4] = {0}, fifth = 0;
	time_ns_t sum;

	for (unsigned i = 0; i < 4; i++) {
		groups[i] = group_new(i == 0 ? 0 : groups[i - 1], weights[i], 0, 0);
		tap_equal(field(groups[i], SCHED_GROUP_DEPTH), i + 1);
	}
	tap_equal(group_try(groups[3], 1024, 0, 0, &fifth), ERR_LIMIT);
	if (policy_is("eevdf")) {
		(void)add(0, 0);
		for (unsigned i = 0; i < 4; i++)
			(void)add(groups[i], 0);
		start();
		sum = run_for(SHARED_NS);
		for (unsigned i = 0; i < 5; i++)
			near("a fifth", workers[i].seen_ns, sum / 5, sum / 500);
		stop();
	}
	for (unsigned i = 4; i > 0; i--)
		group_end(groups[i - 1]);
}

/* It leaves when it has had more than its part of the group's: a lag left behind would be a gain. */
static void a_move_keeps_the_lag(void)
{
	const word_t a = group_new(0, 1024, 0, 0), b = group_new(0, 1024, 0, 0);
	time_ns_t sum;

	if (policy_is("eevdf")) {
		struct worker *mover = add(a, 0);

		mover->group2 = b;
		mover->step_ns = MOVED_NS;
		for (unsigned i = 0; i < 2; i++) {
			(void)add(a, 0);
			(void)add(b, 0);
		}
		start();
		sum = run_for(SHARED_NS);
		near("a third of a half", mover->seen_ns, sum / 6, sum / 300);
		stop();
	}
	group_end(a);
	group_end(b);
}

/* ---- Caps ------------------------------------------------------------------------------------ */

/* Near the end of a period, when its runtime is used up, charged and nobody runs. */
static void sleep_to_end(word_t period_ns)
{
	thread_sleep_until((clock_now_ns() / period_ns + 2) * period_ns - NS_PER_MS);
}

static void capped_for_a_second(word_t quota_ns, word_t period_ns, unsigned cpu)
{
	const word_t group = group_new(0, 1024, quota_ns, period_ns);
	const time_ns_t wanted = NS_PER_S / period_ns * quota_ns;
	word_t before;

	for (unsigned i = 0; i < 3; i++)
		(void)add(group, cpu);
	start();
	sleep_to_end(period_ns);
	before = field(group, SCHED_GROUP_USED_NS);
	(void)run_for(NS_PER_S);
	near("capped", field(group, SCHED_GROUP_USED_NS) - before, wanted, wanted / 100);
	tap_check(field(group, SCHED_GROUP_PERIODS_THROTTLED) > 0);
	stop();
	group_end(group);
}

static void caps_are_exact(void)
{
	capped_for_a_second(20 * NS_PER_MS, 100 * NS_PER_MS, 0);
	capped_for_a_second(5 * NS_PER_MS, 10 * NS_PER_MS, 0);
	capped_for_a_second(30 * NS_PER_MS, 50 * NS_PER_MS, ALL_CPUS);
}

static void inner_and_outer_cap(bool replace)
{
	const word_t outer = group_new(0, 1024, 40 * NS_PER_MS, 100 * NS_PER_MS);
	const word_t inner = group_new(outer, 1024, 10 * NS_PER_MS, 100 * NS_PER_MS);
	word_t before[2];

	(void)add(inner, 0);
	(void)add(outer, 0);
	start();
	if (replace)
		tap_check(program_scheduler_replace());
	sleep_to_end(100 * NS_PER_MS);
	before[0] = field(outer, SCHED_GROUP_USED_NS);
	before[1] = field(inner, SCHED_GROUP_USED_NS);
	(void)run_for(NS_PER_S);
	near("outer", field(outer, SCHED_GROUP_USED_NS) - before[0], 400 * NS_PER_MS,
	     4 * NS_PER_MS);
	near("inner", field(inner, SCHED_GROUP_USED_NS) - before[1], 100 * NS_PER_MS, NS_PER_MS);
	stop();
	group_end(inner);
	group_end(outer);
}

static void an_inner_cap_holds_in_an_outer_one(void)
{
	inner_and_outer_cap(false);
}

/* Who schedules next knows the groups, by their names, and who is in them. */
static void they_outlive_the_scheduler_server(void)
{
	inner_and_outer_cap(true);
}

/* Latest wake of a thread that naps beside a group of three; quota 0: not capped. */
static time_ns_t late_beside(word_t quota_ns, time_ns_t *sum)
{
	const word_t group = group_new(0, 1024, quota_ns, 50 * NS_PER_MS);
	struct worker *probe = add(0, 0), *hog = add(0, 0);
	time_ns_t late;

	probe->step_ns = 100 * NS_PER_US;
	probe->sleep_ns = 3700 * NS_PER_US;
	for (unsigned i = 0; i < 3; i++)
		(void)add(group, 0);
	start();
	atomic_store(&probe->late_ns_max, 0);
	*sum = run_for(NS_PER_S);
	late = atomic_load(&probe->late_ns_max);
	if (quota_ns != 0)
		near("the rest", hog->seen_ns + probe->seen_ns, *sum * 9 / 10, *sum / 100);
	stop();
	group_end(group);
	return late;
}

static void a_capped_group_delays_nobody(void)
{
	time_ns_t all, free, capped;

	if (!policy_is("eevdf"))
		return;
	free = late_beside(0, &all);
	capped = late_beside(5 * NS_PER_MS, &all);
	printf("# latest wake beside a group: %lu us, capped %lu us\n",
	       (unsigned long)(free / NS_PER_US), (unsigned long)(capped / NS_PER_US));
	tap_check(capped <= free + NS_PER_MS);
	/* The CPU was not left idle while the group had no runtime. */
	tap_check(all >= NS_PER_S * 97 / 100);
}

/* ---- Requests -------------------------------------------------------------------------------- */

static void bad_requests_are_refused(void)
{
	const word_t group = group_new(0, 1024, 0, 0);
	const struct sched_group heavy = {0, (1u << 20) + 1, 0, 0};
	word_t id = 0, value = 0;

	tap_equal(group_try(0, 0, 0, 0, &id), ERR_RANGE);
	tap_equal(group_try(0, (1u << 20) + 1, 0, 0, &id), ERR_RANGE);
	tap_equal(group_try(0, UINT64_MAX, 0, 0, &id), ERR_RANGE);
	tap_equal(group_try(0, 1, 99 * NS_PER_US, 10 * NS_PER_MS, &id), ERR_RANGE);
	tap_equal(group_try(0, 1, NS_PER_MS, NS_PER_MS - 1, &id), ERR_RANGE);
	tap_equal(group_try(0, 1, NS_PER_MS, NS_PER_S + 1, &id), ERR_RANGE);
	tap_equal(group_try(0, 1, UINT64_MAX, UINT64_MAX, &id), ERR_RANGE);
	tap_equal(group_try(12345, 1, 0, 0, &id), ERR_NOT_FOUND);
	tap_equal(sched_group_set(group, &heavy), ERR_RANGE);
	tap_equal(sched_group_set(UINT64_MAX, &heavy), ERR_NOT_FOUND);
	tap_equal(sched_group_get(group, SCHED_GROUP_FIELD_COUNT, &value), ERR_ARG);
	tap_equal(sched_group_get(0, SCHED_GROUP_WEIGHT, &value), ERR_NOT_FOUND);
	tap_equal(sched_param_set(0, SCHED_PARAM_GROUP, 12345, 0), ERR_NOT_FOUND);
	tap_equal(sched_param_set(0, SCHED_PARAM_GROUP, group, 0), ERR_OK);
	tap_equal(field(group, SCHED_GROUP_MEMBERS), 1);
	tap_equal(sched_group_delete(group), ERR_BUSY);
	tap_equal(sched_param_set(0, SCHED_PARAM_GROUP, 0, 0), ERR_OK);
	tap_equal(sched_group_delete(group), ERR_OK);
	tap_equal(sched_group_delete(group), ERR_NOT_FOUND);
	tap_equal(sched_group_get(group, SCHED_GROUP_WEIGHT, &value), ERR_NOT_FOUND);
}

static void there_are_63(void)
{
	word_t ids[64] = {0};
	unsigned count = 0;

	while (count < 64 && group_try(0, 1024, 0, 0, &ids[count]) == ERR_OK)
		count++;
	tap_equal(count, 63);
	tap_equal(group_try(0, 1024, 0, 0, &ids[63]), ERR_NO_MEMORY);
	while (count > 0)
		tap_equal(sched_group_delete(ids[--count]), ERR_OK);
}

/* What a confined process that was started in no group may do: nothing.  Status: what went wrong. */
static int confined_main(word_t theirs)
{
	word_t id = 0;
	unsigned wrong = 0;

	wrong += group_try(0, 1024, 0, 0, &id) != ERR_PERMISSION;
	wrong += group_try(theirs, 1024, 0, 0, &id) != ERR_PERMISSION;
	wrong += sched_group_delete(theirs) != ERR_PERMISSION;
	wrong += sched_param_set(0, SCHED_PARAM_GROUP, theirs, 0) != ERR_PERMISSION;
	return (int)wrong;
}

static void a_confined_process_has_none(void)
{
	const word_t group = group_new(0, 1024, 0, 0);
	struct spawn_options options = SPAWN_OPTIONS_DEFAULT;
	struct wait_result result;
	char id[24];
	char *const argv[] = {(char *)(uintptr_t) "t_group", id, NULL};
	word_t pid = 0;

	snprintf(id, sizeof(id), "%llu", (unsigned long long)group);
	options.confined = true;
	options.new_group = true;
	options.memory_bytes_max = 24ull << 20;
	program_need("starting", process_spawn("t_group", argv, NULL, &options, &pid));
	result = program_wait(pid);
	tap_equal(result.signal, 0);
	tap_equal(result.status, 0);
	group_end(group);
}

int main(int argc, char **argv)
{
	static const struct tap_case cases[] = {
		{"bad requests are refused", bad_requests_are_refused},
		{"there are 63", there_are_63},
		{"a confined process has none", a_confined_process_has_none},
		{"shares are exact to 1 %", shares_are_exact},
		{"four levels share", four_levels_share},
		{"a move keeps the lag", a_move_keeps_the_lag},
		{"caps are exact to 1 % over 1 s", caps_are_exact},
		{"an inner cap holds in an outer one", an_inner_cap_holds_in_an_outer_one},
		{"they outlive the scheduler server", they_outlive_the_scheduler_server},
		{"a capped group delays nobody", a_capped_group_delays_nobody},
	};

	if (argc > 1)
		return confined_main(strtoull(argv[1], NULL, 10));
	cpus = program_cpus();
	program_need("asking about the machine", machine_info(&machine));
	/* Where no worker is, if there is such a CPU. */
	program_need("pinning",
		     sched_param_set(0, SCHED_PARAM_AFFINITY, (word_t)1 << (cpus - 1), 0));
	return tap_run(cases, sizeof(cases) / sizeof(cases[0]));
}
