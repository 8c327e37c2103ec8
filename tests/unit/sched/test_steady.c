/* SPDX-License-Identifier: BSD-2-Clause */
/* What the load of a CPU has been lately, and where sleepers go: core/steady.c. */
#include <abi/ipc.h>
#include <criterion/criterion.h>

#include "../../../servers/sched/core/balance.h"
#include "../../../servers/sched/core/level.h"
#include "../../../servers/sched/core/place.h"
#include "../../../servers/sched/core/plan.h"
#include "../../../servers/sched/core/steady.h"
#include "bench.h"

#define CPUS   4u
#define PERIOD ((time_ns_t)BALANCE_PERIOD_NS)

static struct sched_cpu *cpu;

/* Thread 5 has lasted on CPU 0 since the period began, and the policy owes somebody something. */
static void open_4(void)
{
	bench_open(CPUS, policies[0], places[0]);
	cpu = &bench_server->cpu[0];
	bench_thread(5, 1024);
	(void)bench_event(0, 5, BENCH_READY(CAUSE_START), 0);
	sched_plan_publish(bench_server, cpu, bench_now);
	cr_assert_eq(cpu->plan_count, 1);
	cpu->plan_owed = true;
	cpu->steady.since_ns = bench_now;
	cpu->steady.closed_ns = bench_now;
}

/* So long passes, of which 5 gets that much. */
static void pass(time_ns_t time_ns, time_ns_t had_ns)
{
	bench_now += time_ns;
	bench_shared->stats[5].cpu_ns += had_ns;
	sched_steady_update(bench_server, cpu, bench_now);
}

TestSuite(steady, .init = open_4, .fini = bench_close);

Test(steady, a_period_counts_a_quarter)
{
	pass(PERIOD, PERIOD / 2);
	cr_assert_eq(cpu->steady.used, STEADY_WHOLE / 8);
	pass(PERIOD, PERIOD / 2);
	cr_assert_eq(cpu->steady.used, STEADY_WHOLE / 8 + 3 * STEADY_WHOLE / 32);
	for (uint32_t i = 0; i < 60; i++)
		pass(PERIOD, PERIOD);
	cr_assert_leq(cpu->steady.used, 4);
}

Test(steady, no_more_than_what_passed)
{
	pass(PERIOD, 2 * PERIOD);
	cr_assert_eq(cpu->steady.used, 0);
}

/* Looks come in between: a period is counted when it is over. */
Test(steady, half_a_period_waits_for_the_rest)
{
	pass(PERIOD / 2 - 1, 0);
	cr_assert_eq(cpu->steady.used, 0);
	pass(PERIOD / 2 + 1, PERIOD);
	cr_assert_eq(cpu->steady.used, 0);
}

/* Nobody looked: what was in between is not known. */
Test(steady, a_cpu_that_was_quiet_begins_anew)
{
	pass(5 * PERIOD, 0);
	cr_assert_eq(cpu->steady.used, 0);
	pass(PERIOD, PERIOD / 2);
	cr_assert_eq(cpu->steady.used, STEADY_WHOLE / 8);
}

/* While nobody lasts there is nothing to say. */
Test(steady, only_time_with_lasting_threads_counts)
{
	cpu->plan_count = 0;
	bench_now += 3 * PERIOD / 4;
	sched_plan_publish(bench_server, cpu, bench_now);
	pass(PERIOD / 4, PERIOD / 8);
	cr_assert_eq(cpu->steady.used, STEADY_WHOLE / 8, "half of a quarter of the period");
}

Test(steady, the_load_that_lasting_threads_meet)
{
	cpu->steady.used = STEADY_WHOLE / 2;
	cr_assert_eq(sched_steady_weight(cpu), 2048);
	cpu->steady.used = STEADY_WHOLE;
	cr_assert_eq(sched_steady_weight(cpu),
		     1024 * STEADY_WHOLE / (STEADY_WHOLE - STEADY_USED_MAX));
}

/* From the third wake of its life on, for two periods. */
Test(steady, who_lasts)
{
	struct sched_thread *thread = &bench_server->threads[5];

	cpu->steady.periods = 1;
	thread->ready_since_ns = bench_now;
	bench_shared->stats[5].wakes = 2;
	cr_assert(sched_thread_lasts(cpu, thread, bench_now));
	bench_shared->stats[5].wakes = 3;
	cr_assert(!sched_thread_lasts(cpu, thread, bench_now));
	cr_assert(!sched_thread_lasts(cpu, thread, bench_now + 2 * PERIOD - 1));
	cr_assert(sched_thread_lasts(cpu, thread, bench_now + 2 * PERIOD));
	cpu->steady.periods = 0;
	cr_assert(sched_thread_lasts(cpu, thread, bench_now), "nobody sleeps");
}

/* A wake anywhere, and the four periods after it. */
Test(steady, it_counts_while_there_are_sleepers)
{
	pass(PERIOD, PERIOD);
	cr_assert(!sched_steady_used(bench_server, cpu));
	bench_server->cpu[3].wakes++;
	for (uint32_t i = 0; i < 4; i++) {
		pass(PERIOD, PERIOD);
		cr_assert(sched_steady_used(bench_server, cpu));
	}
	pass(PERIOD, PERIOD);
	cr_assert(!sched_steady_used(bench_server, cpu));
	bench_server->cpu[1].wakes++;
	pass(PERIOD, PERIOD);
	cr_assert(sched_steady_used(bench_server, cpu));
	cpu->plan_owed = false;
	cr_assert(!sched_steady_used(bench_server, cpu), "the policy keeps no account");
}

/* What follows from the lasting threads says nothing where others have most of the machine. */
Test(steady, sleepers_have_half_of_the_machine_at_most)
{
	for (uint32_t i = 1; i < CPUS; i++) {
		bench_server->cpu[i].plan_count = 1;
		bench_server->cpu[i].steady.used = STEADY_WHOLE * 2 / 3;
	}
	bench_server->cpu[3].wakes++;
	pass(PERIOD, PERIOD);
	cr_assert(cpu->steady.counts);
	bench_server->cpu[3].steady.used += STEADY_WHOLE / 3;
	bench_server->cpu[3].wakes++;
	pass(PERIOD, PERIOD - 1000);
	cr_assert(!cpu->steady.counts);
	/* One on which nobody lasts is theirs, if it is not idle. */
	bench_server->cpu[3].plan_count = 0;
	bench_server->cpu[3].wakes++;
	pass(PERIOD, PERIOD);
	cr_assert(cpu->steady.counts);
	bench_server->cpu[3].load.runnable = 1;
	bench_server->cpu[3].wakes++;
	pass(PERIOD, PERIOD);
	cr_assert(!cpu->steady.counts);
}

static void level_is(uint64_t wanted)
{
	struct place_load loads[CPUS_MAX];
	struct place_view view;

	for (uint32_t i = 0; i < 20; i++) {
		sched_view(bench_server, &view, loads);
		sched_levels_update(bench_server, cpu, &view);
	}
	for (uint32_t i = 0; i < CPUS; i++)
		cr_assert_float_eq((double)bench_server->masks.level[i], (double)wanted, 20, "%lu",
				   bench_server->masks.level[i]);
}

/*
 * H + 4 x 1024 = 4 H: nobody counts more than a CPU, also who shares one.  What sleepers use counts at that
 * level: with half a CPU H + H / 2 + 4 x 1024 = 4 H.
 */
Test(steady, levels_of_the_lasting_threads)
{
	for (uint32_t i = 0; i < CPUS; i++) {
		struct sched_cpu *of = &bench_server->cpu[i];

		of->plan_count = 1;
		of->plan_thread[0] = (struct sched_plan_thread){.tid = 5 + i, .weight = 1024};
		of->load.runnable = 9;
		of->load.weight = 50000;
	}
	cpu->plan_count = 2;
	cpu->plan_thread[1] = (struct sched_plan_thread){.tid = 20, .weight = 4096};
	cpu->steady.counts = true;
	level_is(4096 / 3);
	bench_server->cpu[2].steady.used = STEADY_WHOLE / 2;
	level_is(4096 * 2 / 5);
	cpu->steady.counts = false;
	level_is(50000);
}

/* Lasting threads are owed this here and on the others. */
static void owe(int32_t here_us, int32_t us_1, int32_t us_2, int32_t us_3)
{
	const int32_t owed_us[CPUS] = {here_us, us_1, us_2, us_3};

	for (uint32_t i = 0; i < CPUS; i++) {
		bench_server->cpu[i].steady.owed_us = owed_us[i];
		bench_server->cpu[i].plan_count = 1;
		bench_server->online = cpumask_first(CPUS);
	}
	cpu->way_out = true;
}

static uint32_t target(uint64_t mask)
{
	bench_thread(6, 1024);
	bench_shared->params[6].affinity = (struct cpumask){{mask}};
	cpu->way_out = true;
	return sched_steady_target(bench_server, cpu, &bench_server->threads[6]);
}

Test(steady, a_sleeper_goes_where_threads_have_had_most)
{
	(void)bench_event(0, 6, BENCH_READY(CAUSE_START), 0);
	owe(60000, 15000, -20000, -10000);
	cr_assert_eq(target(0xf), 2);
	cr_assert(!cpu->way_out, "one in each period");
	cr_assert_eq(target(0xb), 3);
	cr_assert_eq(target(0x3), 1);
	owe(60000, 20000, 20000, 20000);
	cr_assert_eq(target(0xf), 0, "as much as that evens out");
	owe(60000, 20000, 20000, 19999);
	cr_assert_eq(target(0xf), 3);
	bench_server->cpu[3].steady.lasting = cpu->steady.lasting + 1;
	cr_assert_eq(target(0xf), 0, "what evens out already is left alone");
	bench_server->cpu[3].steady.lasting = cpu->steady.lasting;
	cr_assert_eq(target(0xf), 3);
	bench_server->cpu[3].plan_count = 0;
	cr_assert_eq(target(0xf), 0, "nobody lasts there, so nothing is known");
	owe(60000, 20000, 20000, 0);
	cpumask_clear(&bench_server->online, 3);
	cr_assert_eq(target(0xf), 0, "not there");
	owe(60000, 20000, 20000, 0);
	cpu->load.runnable = 0;
	cr_assert_eq(target(0xf), 0, "here nobody is disturbed");
}

/* One that should have the CPU alone has no part in what is owed to all, but here it counts while nobody else
 * does, and so it is that sleepers leave it. */
Test(steady, sleepers_know_what_they_cost_a_heavy_thread)
{
	cpu->average_own = false;
	bench_server->masks.level[0] = 500;
	sched_plan_publish(bench_server, cpu, bench_now);
	cr_assert_eq(cpu->steady.owed_us, 0);
	bench_now += 2 * PERIOD;
	bench_shared->stats[5].cpu_ns += PERIOD / 2;
	sched_plan_publish(bench_server, cpu, bench_now);
	cr_assert_eq(cpu->steady.owed_parts, 0);
	cr_assert_eq(cpu->steady.owed_us, cpu->plan_thread[0].owed_us);
	cr_assert_gt(cpu->steady.owed_us, PERIOD / 1000);
	bench_server->masks.level[0] = 2000;
	sched_plan_publish(bench_server, cpu, bench_now);
	cr_assert_eq(cpu->steady.owed_parts, 1024, "light enough to share it");
}

/* The third time; before that it may be about to run for long. */
Test(steady, a_wake_takes_the_way_out)
{
	bench_thread(6, 1024);
	(void)bench_event(0, 6, BENCH_READY(CAUSE_START), 0);
	if (bench_server->threads[6].arriving)
		(void)bench_event(bench_server->threads[6].home, 6, BENCH_READY(CAUSE_ARRIVED), 0);
	const uint32_t home = bench_server->threads[6].home;

	(void)bench_event(home, 6, BENCH_BLOCKED(CAUSE_IPC), 1000);
	for (uint32_t i = 0; i < CPUS; i++) {
		bench_server->cpu[i].steady.owed_us = i == home ? 50000 : i == 3 ? -50000 : 0;
		bench_server->cpu[i].plan_count = 1;
		bench_server->cpu[i].load.runnable = 1;
	}
	__atomic_store_n(&bench_server->idle.bits[0], 0, __ATOMIC_RELAXED);
	bench_clear_calls();
	bench_server->cpu[home].way_out = true;
	(void)bench_event(home, 6, BENCH_READY(CAUSE_WAKE), 0);
	cr_assert_eq(bench_moves_count, 1);
	cr_assert_eq(bench_moves[0].tid, 6);
	cr_assert_eq(bench_moves[0].cpu, 3);
}

/* Two threads run on CPU 0, as much as 1024 for each CPU, and are owed so much: what the average is then. */
static uint64_t average_where_owed(int32_t owed_us)
{
	cpu->load.weight = 1024 * CPUS;
	cpu->load.runnable = 2;
	cpu->plan_count = 2;
	cpu->plan_owed = true;
	cpu->steady.owed_us = owed_us;
	sched_balance_period(bench_server, cpu, bench_now);
	return cpu->average;
}

/* By half of what is owed to all, as a part of 80 ms; less than 20 ms is noise. */
Test(steady, the_average_goes_after_what_is_owed_to_all)
{
	cr_assert_eq(average_where_owed(0), 1024);
	cr_assert_eq(average_where_owed(19999), 1024);
	cr_assert_eq(average_where_owed(-19999), 1024);
	cr_assert_eq(average_where_owed(20000), 1024 + 128);
	cr_assert_eq(average_where_owed(-20000), 1024 - 128);
	cr_assert_eq(average_where_owed(200000), 1024 + 512);
	cr_assert_eq(average_where_owed(-200000), 1024 - 512);
}
