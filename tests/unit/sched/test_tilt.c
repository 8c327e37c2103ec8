/* SPDX-License-Identifier: BSD-2-Clause */
/* What is owed where masks bind, and the weights that follow from it: core/account.c, core/tilt.c. */
#include <abi/ipc.h>
#include <criterion/criterion.h>
#include <sched/protocol.h>

#include "../../../servers/sched/core/account.h"
#include "../../../servers/sched/core/core.h"
#include "../../../servers/sched/core/owed.h"
#include "../../../servers/sched/core/plan.h"
#include "../../../servers/sched/core/thread.h"
#include "../../../servers/sched/core/tilt.h"
#include "bench.h"

#define MS    ((time_ns_t)1000000)
#define HEAVY 5u
#define LIGHT 6u
#define LEVEL 5120u /* of both CPUs: HEAVY should have one, LIGHT a fifth */

static struct sched_cpu *cpu;
static struct policy_ops owing;

/* As a policy that keeps an account, by which HEAVY is owed most. */
static uint32_t spare_owing(const struct policy_cpu *queue, uint64_t *cursor,
			    struct policy_spare *out, uint32_t count)
{
	const uint32_t found = policy_eevdf.spare(queue, cursor, out, count);

	for (uint32_t i = 0; i < found; i++) {
		const struct policy_spare one = out[i];

		out[i].owed_ns = 1;
		if (policy_thread_owner(one.thread)->tid == HEAVY && i + 1 < found) {
			out[i] = out[i + 1];
			out[i + 1] = one;
		}
	}
	return found;
}

static void start(uint32_t tid, uint32_t weight, struct cpumask mask)
{
	bench_thread(tid, weight);
	bench_shared->params[tid].affinity = mask;
	(void)bench_event(0, tid, BENCH_READY(CAUSE_START), 0);
	bench_server->threads[tid].owed_since_ns = bench_now;
}

static void open_both(struct cpumask of_heavy)
{
	owing = policy_eevdf;
	owing.spare = spare_owing;
	bench_open(2, &owing, places[0]);
	cpu = &bench_server->cpu[0];
	bench_now += MS;
	/* Else it would go to CPU 1. */
	__atomic_store_n(&bench_server->cpu[1].load.weight, 100000, __ATOMIC_RELAXED);
	__atomic_store_n(&bench_server->cpu[1].load.runnable, 1, __ATOMIC_RELAXED);
	start(HEAVY, 8192, of_heavy);
	start(LIGHT, 1024, cpumask_one(0));
	bench_server->masks.level[0] = LEVEL;
	bench_server->masks.level[1] = LEVEL;
	cpu->average_own = false;
	cr_assert_eq(bench_moves_count, 0);
}

static void open_heavy_anywhere(void)
{
	open_both(cpumask_all());
}

TestSuite(tilt, .init = open_heavy_anywhere, .fini = bench_close);

static struct sched_thread *thread_of(uint32_t tid)
{
	return &bench_server->threads[tid];
}

static void owe(time_ns_t heavy_ns)
{
	thread_of(HEAVY)->owed_ns = (int64_t)heavy_ns;
	sched_plan_publish(bench_server, cpu, bench_now);
}

static uint64_t queue_weight(void)
{
	struct policy_info info;

	cpu->policy->query(policy_cpu(cpu), NULL, &info);
	return info.weight;
}

static void assert_told(uint32_t heavy, uint32_t light)
{
	cr_assert_eq(thread_of(HEAVY)->weight_told, heavy);
	cr_assert_eq(thread_of(LIGHT)->weight_told, light);
}

/* It may even need more than all of the next time: the other one has the least that is left to anybody. */
Test(tilt, who_is_owed_weighs_more)
{
	owe(100 * MS);
	assert_told(9216 - 128, 128);
	cr_assert_eq(queue_weight(), 9216, "the load is what it was");
	cr_assert_eq(cpu->plan_thread[0].weight + cpu->plan_thread[1].weight, 9216);
	cr_assert_eq(sched_weight_own(thread_of(LIGHT), 128), 1024);
}

/*
 * 22 ms are owed to one, beside the turn that nobody counts, and nothing to the other.  (22 + 80 - m) +
 * (80 - m) / 5 are 80 ms for m = 31.7: 70.3 and 9.7.
 */
Test(tilt, as_much_is_owed_to_both_in_the_end)
{
	owe(24 * MS);
	assert_told(thread_of(HEAVY)->weight_told, 9216 - thread_of(HEAVY)->weight_told);
	cr_assert_leq(thread_of(HEAVY)->weight_told, 9216 * 704 / 800);
	cr_assert_geq(thread_of(HEAVY)->weight_told, 9216 * 702 / 800);
}

Test(tilt, nothing_much_is_owed)
{
	owe(20 * MS);
	assert_told(0, 0);
	owe(100 * MS);
	owe(20 * MS);
	assert_told(0, 0);
	cr_assert_eq(queue_weight(), 9216);
}

Test(tilt, who_moves_goes_with_its_own)
{
	owe(100 * MS);
	cr_assert(sched_plan_move(bench_server, cpu, HEAVY, 1, bench_now));
	assert_told(0, 0);
	cr_assert_eq(queue_weight(), 1024);
}

Test(tilt, who_sleeps_gets_its_own_back)
{
	owe(100 * MS);
	(void)bench_event(0, HEAVY, BENCH_BLOCKED(CAUSE_IPC), MS);
	sched_plan_publish(bench_server, cpu, bench_now);
	assert_told(0, 0);
}

/* Also where the others go on as they were. */
Test(tilt, who_sleeps_beside_others_gets_its_own_back)
{
	start(LIGHT + 1, 1024, cpumask_one(0));
	owe(100 * MS);
	cr_assert_neq(thread_of(LIGHT + 1)->weight_told, 0);
	(void)bench_event(0, LIGHT + 1, BENCH_BLOCKED(CAUSE_IPC), MS);
	owe(100 * MS);
	cr_assert_neq(thread_of(HEAVY)->weight_told, 0);
	cr_assert_eq(thread_of(LIGHT + 1)->weight_told, 0);
}

/* What it is told there is not this CPU's to take back. */
Test(tilt, who_has_moved_is_the_others)
{
	owe(100 * MS);
	cr_assert(sched_plan_move(bench_server, cpu, HEAVY, 1, bench_now));
	bench_now += MS;
	(void)bench_event(1, HEAVY, BENCH_READY(CAUSE_ARRIVED), 0);
	cr_assert(sched_thread_settled(&bench_server->cpu[1], thread_of(HEAVY)));
	cpu->tilted[0] = HEAVY; /* as it was before it went */
	cpu->tilted_count = 1;
	thread_of(HEAVY)->weight_told = 4096;
	sched_plan_publish(bench_server, cpu, bench_now);
	cr_assert_eq(thread_of(HEAVY)->weight_told, 4096);
}

Test(tilt, a_new_weight_is_its_own)
{
	owe(100 * MS);
	(void)bench_request(0, HEAVY, SCHED_REQ_SET_PARAM, LIGHT, SCHED_PARAM_WEIGHT, 2048, 0);
	cr_assert_eq(bench_answers[0].error, ERR_OK);
	cr_assert_eq(thread_of(LIGHT)->weight_told, 0);
	cr_assert_eq(queue_weight(), 9216 - 128 + 2048);
	sched_plan_publish(bench_server, cpu, bench_now);
	cr_assert_eq(queue_weight(), 8192 + 2048);
}

Test(tilt, without_masks_all_have_their_own)
{
	owe(100 * MS);
	(void)bench_request(0, HEAVY, SCHED_REQ_SET_PARAM, LIGHT, SCHED_PARAM_AFFINITY, UINT64_MAX,
			    UINT64_MAX);
	assert_told(0, 0);
}

/* The successor and the filter that the policy offered are of other weights. */
Test(tilt, what_was_offered_is_not_said)
{
	const uint32_t moves = cpu->moves;

	owe(100 * MS);
	cr_assert_neq(cpu->moves, moves);
}

/* What each has is exactly by weight then. */
Test(tilt, nobody_could_be_elsewhere)
{
	bench_close();
	open_both(cpumask_one(0));
	owe(100 * MS);
	assert_told(0, 0);
}

Test(tilt, more_than_are_published)
{
	for (uint32_t tid = LIGHT + 1; tid < LIGHT + PLAN_THREADS_MAX; tid++)
		start(tid, 1024, cpumask_one(0));
	owe(100 * MS);
	assert_told(0, 0);
	bool published = false;

	for (uint32_t i = 0; i < cpu->plan_count; i++)
		published = published || cpu->plan_thread[i].tid == HEAVY;
	cr_assert(published, "the heaviest always is");
}

static int64_t owed_us(uint32_t rate)
{
	return sched_account_us(cpu, thread_of(LIGHT), rate, bench_now);
}

Test(tilt, a_rate_is_a_part_of_a_cpu)
{
	cr_assert_eq(sched_rate(1024, 4096), SCHED_RATE_WHOLE / 4);
	cr_assert_eq(sched_rate(8192, 4096), SCHED_RATE_WHOLE);
	cr_assert_eq(sched_rate(1024, 0), SCHED_RATE_WHOLE);
	cr_assert_eq(sched_rate(1, UINT32_MAX), 1);
}

Test(tilt, what_is_due_less_what_it_had)
{
	cr_assert_eq(owed_us(SCHED_RATE_WHOLE / 4), 0);
	bench_now += 100 * MS;
	thread_of(LIGHT)->stats->cpu_ns += 5 * MS;
	cr_assert_eq(owed_us(SCHED_RATE_WHOLE / 4), (25000 - 5000 - 2000) * 4, "without a turn");
	thread_of(LIGHT)->stats->cpu_ns += 40 * MS;
	cr_assert_eq(owed_us(SCHED_RATE_WHOLE / 4), (20000 - 40000 + 2000) * 4);
	/* It has a CPU that nobody else wants. */
	bench_now += 100 * MS;
	cpu->average_own = true;
	cr_assert_eq(owed_us(SCHED_RATE_WHOLE / 4), (20000 - 40000 + 2000) * 4);
}

Test(tilt, a_sleeper_forgets_half)
{
	(void)owed_us(SCHED_RATE_WHOLE);
	bench_now += 100 * MS;
	(void)owed_us(SCHED_RATE_WHOLE);
	bench_now += 50 * MS;
	thread_of(LIGHT)->ready_since_ns = bench_now;
	bench_now += 50 * MS;
	cr_assert_eq(owed_us(SCHED_RATE_WHOLE), 50000 - 2000);
}

/* What the last one of its number was owed went with it. */
Test(tilt, a_new_thread_is_owed_nothing)
{
	(void)owed_us(SCHED_RATE_WHOLE / 4);
	bench_now += 100 * MS;
	(void)bench_event(0, LIGHT, EVENT_DEAD, 0);
	bench_now += 100 * MS;
	(void)bench_event(0, LIGHT, BENCH_READY(CAUSE_START), 0);
	cr_assert_eq(owed_us(SCHED_RATE_WHOLE / 4), 0);
}

/* Nobody could give what is owed to one that has a whole CPU. */
Test(tilt, the_mean_is_without_who_has_all_of_a_cpu)
{
	struct sched_cpu *other = &bench_server->cpu[1];

	cpu->plan_count = 2;
	cpu->steady.owed_us = 100;
	cpu->steady.owed_parts = 10;
	other->plan_count = 1;
	other->steady.owed_us = 5000;
	other->steady.owed_parts = 10;
	other->steady.lasting = LEVEL;
	cr_assert_eq(sched_plan_mean_us(bench_server), 100);
	other->steady.lasting = LEVEL - 1;
	cr_assert_eq(sched_plan_mean_us(bench_server), 2550);
	other->plan_count = 0;
	cr_assert_eq(sched_plan_mean_us(bench_server), 100);
}

Test(tilt, what_is_owed_is_bounded)
{
	(void)owed_us(SCHED_RATE_WHOLE);
	bench_now += 100000 * MS;
	cr_assert_eq(owed_us(SCHED_RATE_WHOLE), 1000000 - 2000);
	cr_assert_eq(owed_us(SCHED_RATE_WHOLE / 1024), (50000 - 2000) * 1024);
}

/* With groups the policy keeps the account, by the level of its CPU.  Others may be better. */
Test(tilt, beside_groups_a_lower_level_is_added)
{
	struct sched_thread *thread = thread_of(LIGHT);

	cr_assert_eq(sched_owed_us(cpu, thread, 8192, 1024, 0, bench_now), 0);
	bench_now += 100 * MS;
	cr_assert_eq(sched_owed_us(cpu, thread, 8192, 1024, 0, bench_now), 100000 * 7 / 8);
}
