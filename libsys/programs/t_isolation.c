/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A confined process that means harm (hostile.c) beside one that works: the worker gets the share of
 * its CPU that it is entitled to, others can be started, and afterwards nothing is missing.
 *
 * All share CPU 0, where this program, which sleeps most of the time, measures by the virtual clock.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libsys/clock.h>
#include <libsys/process.h>
#include <libsys/sched.h>
#include <libsys/tap.h>
#include <libsys/threads.h>

#include "lib/program.h"

#define MEASURED_NS   (400 * NS_PER_MS)
#define SHARE_PERCENT 95u /* of what it is entitled to, at least */
/* Of a program that puts a new thread in the place of another one all the time, which would be owed its first
 * turn each time.  It has two that compete: who makes and the one made. */
#define CHURN_PERCENT 92u
#define REALM_BYTES   (24ull << 20)

static word_t start(const char *program, const char *how, bool confined)
{
	struct spawn_options options = SPAWN_OPTIONS_DEFAULT;
	char *const argv[] = {(char *)(uintptr_t)program, (char *)(uintptr_t)how, NULL};
	word_t pid = 0;

	options.affinity[0] = 1;
	options.nice = 0;
	options.confined = confined;
	options.new_group = true;
	if (confined)
		options.memory_bytes_max = REALM_BYTES;
	program_need(program, process_spawn(program, argv, NULL, &options, &pid));
	return pid;
}

/* Kill what is left of a realm: its first process's children, then itself. */
static void end_all(word_t first)
{
	struct proc_process_info info;
	struct process_self self;

	program_need("asking about itself", process_info(&self));
	(void)!process_kill(first, PROC_SIGKILL, false);
	for (unsigned round = 0; round < 100; round++) {
		unsigned left = 0;

		for (word_t from = 0; process_list(from, &info) == ERR_OK; from = info.pid + 1) {
			if (info.pid == self.pid || strcmp(info.name, "hostile") != 0)
				continue;
			left++;
			(void)!process_kill(info.pid, PROC_SIGKILL, false);
		}
		if (left == 0 || (left == 1 && round > 2))
			break;
		thread_sleep_until(clock_now_ns() + 5 * NS_PER_MS);
	}
	program_wait(first);
}

/* Beside `rivals` threads that are always ready, a worker gets 1 / (rivals + 1). */
static void worker_gets(const char *how, unsigned rivals, unsigned percent)
{
	const word_t worker = start("hostile", "spin", false);
	const word_t enemy = start("hostile", how, true);
	time_ns_t spent;
	const word_t got = program_cpu_during(worker, MEASURED_NS, &spent);

	printf("# beside %s: %llu of %llu us\n", how, (unsigned long long)(got / NS_PER_US),
	       (unsigned long long)(spent / (rivals + 1) / NS_PER_US));
	tap_check(got * (rivals + 1) * 100 >= spent * percent);
	/* Others can be started, and end. */
	tap_equal(program_wait(start("nothing", NULL, false)).status, 0);
	tap_equal(process_kill(worker, PROC_SIGKILL, false), ERR_OK);
	program_wait(worker);
	end_all(enemy);
}

static void beside_a_spinner(void)
{
	worker_gets("spin", 1, SHARE_PERCENT);
}

static void beside_a_flood_of_requests_to_proc(void)
{
	worker_gets("proc", 1, SHARE_PERCENT);
}

static void beside_a_flood_of_requests_to_mm(void)
{
	worker_gets("mm", 1, SHARE_PERCENT);
}

static void beside_an_event_storm(void)
{
	worker_gets("yields", 1, SHARE_PERCENT);
}

static void beside_a_storm_of_page_faults(void)
{
	worker_gets("faults", 1, SHARE_PERCENT);
}

static void beside_every_method_of_every_slot(void)
{
	worker_gets("capabilities", 1, SHARE_PERCENT);
}

static void beside_a_chain_of_new_processes(void)
{
	worker_gets("churn", 1, CHURN_PERCENT);
}

static void beside_a_chain_of_new_threads(void)
{
	worker_gets("churn-threads", 1, CHURN_PERCENT);
}

static void beside_a_chain_of_dying_makers(void)
{
	worker_gets("chain", 1, CHURN_PERCENT);
}

static void beside_a_chain_with_others_in_between(void)
{
	worker_gets("chain-twice", 1, CHURN_PERCENT);
}

static void beside_a_chain_of_dying_threads(void)
{
	worker_gets("chain-threads", 1, CHURN_PERCENT);
}

static void beside_a_storm_of_naps(void)
{
	worker_gets("naps", 1, SHARE_PERCENT);
}

static void beside_a_storm_of_parameters(void)
{
	worker_gets("params", 1, SHARE_PERCENT);
}

static void beside_a_storm_of_moves(void)
{
	worker_gets("moves", 1, SHARE_PERCENT);
}

static void beside_a_storm_of_bad_requests(void)
{
	worker_gets("requests", 1, SHARE_PERCENT);
}

static void beside_a_storm_of_wakes(void)
{
	/* Four that wait, and on one CPU also the three that wake them. */
	worker_gets("wakes", 4 + 3, SHARE_PERCENT);
}

static void beside_a_thread_bomb(void)
{
	worker_gets("threads", 0, SHARE_PERCENT);
}

static void beside_a_pipe_bomb(void)
{
	worker_gets("pipes", 0, SHARE_PERCENT);
}

/* Not killed either, as by a thread that it should not have been able to make. */
static void refused(const char *how)
{
	const struct wait_result result = program_wait(start("hostile", how, true));

	tap_equal(result.status, 0);
	tap_equal(result.signal, 0);
}

static void what_concerns_the_machine_is_refused(void)
{
	refused("ask-machine");
}

static void other_processes_are_out_of_reach(void)
{
	const word_t worker = start("hostile", "spin", false);

	refused("ask-others");
	struct wait_result result;

	tap_equal(process_wait(worker, true, &result), ERR_WOULD_BLOCK);
	tap_equal(process_kill(worker, PROC_SIGKILL, false), ERR_OK);
	program_wait(worker);
}

static void weight_is_not_for_the_asking(void)
{
	refused("ask-weight");
}

/* What it may not take alone it may not take through children either. */
static void a_fork_bomb_stays_in_its_realm(void)
{
	const word_t enemy = start("hostile", "fork", true);
	struct proc_process_info info;
	unsigned count = 0;

	thread_sleep_until(clock_now_ns() + 200 * NS_PER_MS);
	for (word_t from = 0; process_list(from, &info) == ERR_OK; from = info.pid + 1)
		count += strcmp(info.name, "hostile") == 0;
	printf("# %u processes\n", count);
	tap_check(count > 1);
	tap_check(count <= PROC_REALM_PROCESSES_MAX);
	tap_equal(program_wait(start("nothing", NULL, false)).status, 0);
	end_all(enemy);
}

static void a_memory_bomb_ends_itself(void)
{
	struct mm_stats before;
	struct mm_stats after;

	program_need("asking for memory in use", machine_memory(&before));
	tap_equal(program_wait(start("hostile", "memory", true)).signal, PROC_SIGSEGV);
	program_need("asking for memory in use", machine_memory(&after));
	tap_check(before.frames_user >= after.frames_user);
}

/* The first round may fill what is kept for later; from the second on nothing grows. */
static void nothing_leaks(void)
{
	static void (*const bodies[])(void) = {
		what_concerns_the_machine_is_refused,
		a_memory_bomb_ends_itself,
		a_fork_bomb_stays_in_its_realm,
	};
	struct mm_stats stats[3];

	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
			bodies[i]();
		program_need("asking for memory in use", machine_memory(&stats[round]));
	}
	tap_equal(stats[2].frames_user, stats[1].frames_user);
	tap_equal(stats[2].spaces, stats[1].spaces);
	tap_equal(stats[2].regions, stats[1].regions);
	tap_equal(stats[2].frames_lost, 0);
}

int main(void)
{
	static const struct tap_case cases[] = {
		{"a worker beside a spinner", beside_a_spinner},
		{"a worker beside a flood of requests to proc", beside_a_flood_of_requests_to_proc},
		{"a worker beside a flood of requests to mm", beside_a_flood_of_requests_to_mm},
		{"a worker beside an event storm", beside_an_event_storm},
		{"a worker beside a storm of page faults", beside_a_storm_of_page_faults},
		{"a worker beside every method of every slot", beside_every_method_of_every_slot},
		{"a worker beside a chain of new processes", beside_a_chain_of_new_processes},
		{"a worker beside a chain of new threads", beside_a_chain_of_new_threads},
		{"a worker beside a chain of dying makers", beside_a_chain_of_dying_makers},
		{"a worker beside a chain with others in between",
		 beside_a_chain_with_others_in_between},
		{"a worker beside a chain of dying threads", beside_a_chain_of_dying_threads},
		{"a worker beside a storm of naps", beside_a_storm_of_naps},
		{"a worker beside a storm of parameters", beside_a_storm_of_parameters},
		{"a worker beside a storm of moves", beside_a_storm_of_moves},
		{"a worker beside a storm of bad requests", beside_a_storm_of_bad_requests},
		{"a worker beside a storm of wakes", beside_a_storm_of_wakes},
		{"a worker beside a thread bomb", beside_a_thread_bomb},
		{"a worker beside a pipe bomb", beside_a_pipe_bomb},
		{"what concerns the machine is refused", what_concerns_the_machine_is_refused},
		{"other processes are out of reach", other_processes_are_out_of_reach},
		{"weight is not for the asking", weight_is_not_for_the_asking},
		{"a fork bomb stays in its realm", a_fork_bomb_stays_in_its_realm},
		{"a memory bomb ends itself", a_memory_bomb_ends_itself},
		{"nothing leaks", nothing_leaks},
	};

	/* This program measures: it runs whenever it wants to. */
	program_need("raising the weight",
		     process_sched_set(0, 0, SCHED_PARAM_NICE, (word_t)-20, 0));
	program_need("choosing CPU 0", process_sched_set(0, 0, SCHED_PARAM_AFFINITY, 1, 0));
	return tap_run(cases, sizeof(cases) / sizeof(cases[0]));
}
