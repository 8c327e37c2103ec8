/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every policy through every scenario, with check() after each step (bench.c); those that offer a wake
 * filter and a successor a second time with both asked for, which must change no schedule.  Prints a line
 * before each and one after it, from which conformance.py makes the table:
 *
 *   play POLICY SCENARIO [offers]
 *   cell POLICY SCENARIO STEPS DIGEST [offers]
 */
#include "../../../tools/stall/stall.h"
#include "bench.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MS      UINT64_C(1000000)
#define THREADS 10u
#define STALL_AFTER \
	2u /* s of CPU time: all scenarios may stall, and Meson waits 120 s for all of them */

typedef void scenario_fn(struct bench *bench);

static void empty(struct bench *bench)
{
	cr_assert_eq(bench_pick(bench), UINT32_MAX);
	cr_assert_eq(bench->picked.slice_ns, TIME_NEVER);
	cr_assert_eq(bench_info(bench, 0).runnable, 0);
}

static void come_and_go(struct bench *bench)
{
	for (uint32_t tid = 0; tid < THREADS; tid++) {
		bench_enqueue(bench, tid, POLICY_JOIN_NEW);
		cr_assert_eq(bench_info(bench, tid).runnable, tid + 1);
		cr_assert_eq(bench_info(bench, tid).load, (tid + 1) * 1024);
	}
	uint32_t seen = 0;
	for (uint32_t left = THREADS; left > 0; left--) {
		const uint32_t tid = bench_pick(bench);
		cr_assert_neq(tid, UINT32_MAX);
		cr_assert_eq(bench_info(bench, tid).state, POLICY_RUNNING);
		seen |= 1u << tid;
		bench_run(bench, 1000);
		bench_dequeue(bench, tid, POLICY_LEAVE_EXIT);
		cr_assert_eq(bench_info(bench, tid).state, POLICY_OUT);
	}
	cr_assert_eq(seen, (1u << THREADS) - 1);
	empty(bench);
}

/* A record seen twice is harmless: so must the operations be. */
static void everything_twice(struct bench *bench)
{
	bench_enqueue(bench, 0, POLICY_JOIN_NEW);
	bench_enqueue(bench, 0, POLICY_JOIN_WAKE);
	bench_enqueue(bench, 1, POLICY_JOIN_WAKE);
	bench_enqueue(bench, 1, POLICY_JOIN_WAKE);
	cr_assert_eq(bench_info(bench, 0).runnable, 2);
	const uint32_t first = bench_pick(bench);
	cr_assert_eq(bench_pick(bench), first);
	bench_enqueue(bench, first, POLICY_JOIN_WAKE);
	bench_enqueue(bench, first, POLICY_JOIN_PREEMPTED);
	cr_assert_eq(bench_pick(bench), first);
	bench_dequeue(bench, first, POLICY_LEAVE_SLEEP);
	bench_dequeue(bench, first, POLICY_LEAVE_SLEEP);
	cr_assert_eq(bench_pick(bench), 1 - first);
	bench_dequeue(bench, 1 - first, POLICY_LEAVE_KEEP);
	bench_dequeue(bench, 1 - first, POLICY_LEAVE_SLEEP);
	cr_assert_eq(bench_pick(bench), UINT32_MAX);
}

/* The server also charges who was not picked (it ran in fallback, or pays for another) and who has left. */
static void charged_in_every_state(struct bench *bench)
{
	for (uint32_t tid = 0; tid < 3; tid++)
		bench_enqueue(bench, tid, POLICY_JOIN_NEW);
	const uint32_t first = bench_pick(bench);
	const uint32_t second = (first + 1) % 3;

	bench_charge(bench, second, MS / 2);
	bench_charge(bench, second, 0);
	bench_dequeue(bench, first, POLICY_LEAVE_SLEEP);
	bench_charge(bench, first, MS);
	bench_dequeue(bench, second, POLICY_LEAVE_KEEP);
	bench_charge(bench, second, MS);
	bench_charge(bench, second, 100 * MS);
	cr_assert_eq(bench_info(bench, second).state, POLICY_OUT);
	cr_assert_eq(bench_info(bench, second).runnable, 1);
	bench_enqueue(bench, second, POLICY_JOIN_WAKE);
	bench_enqueue(bench, first, POLICY_JOIN_WAKE);
	cr_assert_eq(bench_info(bench, first).runnable, 3);
	bench_run_until(bench, bench->now_ns + 100 * MS, MS);
	cr_assert_eq(bench_info(bench, first).runnable, 3);
}

static void yields_rotate(struct bench *bench)
{
	uint32_t turns[4] = {0};
	for (uint32_t tid = 0; tid < 4; tid++)
		bench_enqueue(bench, tid, POLICY_JOIN_WAKE);
	uint32_t last = UINT32_MAX;
	for (uint32_t i = 0; i < 400; i++) {
		const uint32_t tid = bench_pick(bench);
		cr_assert_neq(tid, last, "the one that yielded runs again");
		turns[tid]++;
		last = tid;
		bench_run(bench, 1000);
		bench_enqueue(bench, tid, POLICY_JOIN_YIELD);
	}
	for (uint32_t tid = 0; tid < 4; tid++)
		cr_assert(turns[tid] >= 80 && turns[tid] <= 120, "%u turns of %u", turns[tid], tid);
}

static void yield_alone(struct bench *bench)
{
	bench_enqueue(bench, 3, POLICY_JOIN_WAKE);
	for (uint32_t i = 0; i < 20; i++) {
		cr_assert_eq(bench_pick(bench), 3);
		bench_run(bench, 1000);
		bench_enqueue(bench, 3, POLICY_JOIN_YIELD);
	}
}

static void migrates(struct bench *bench)
{
	struct policy_migration migration;
	for (uint32_t tid = 0; tid < 4; tid++)
		bench_enqueue(bench, tid, POLICY_JOIN_WAKE);
	for (uint32_t i = 0; i < 200; i++) {
		bench_pick(bench);
		bench_run(bench, 700000);
		const uint32_t tid = i % 4;
		bench->ops->migrate_out(bench_cpu(bench), bench_thread(bench, tid), &migration, 0);
		cr_assert_eq(bench_info(bench, tid).state, POLICY_OUT);
		cr_assert_eq(bench_info(bench, tid).runnable, 3);
		bench->ops->migrate_in(bench_cpu(bench), bench_thread(bench, tid), &migration, 0);
		cr_assert_eq(bench_info(bench, tid).state, POLICY_QUEUED);
		bench_check(bench);
	}
}

/* From every policy to every other: the thread arrives, whatever it carried. */
static void crosses_policies(struct bench *bench)
{
	struct policy_migration migration;
	for (uint32_t i = 0; i < policies_count; i++) {
		struct bench *there = bench_make(policies[i], 2);
		bench_add(there, 0, 1024, 3 * MS);
		bench_thread_make(bench, 1, 1024, 3 * MS);
		bench_enqueue(bench, 0, POLICY_JOIN_WAKE);
		bench_enqueue(bench, 1, POLICY_JOIN_WAKE);
		bench_pick(bench);
		bench_run(bench, MS);
		bench->ops->migrate_out(bench_cpu(bench), bench_thread(bench, 1), &migration, 0);
		bench_thread_make(there, 1, 1024, 3 * MS);
		there->ops->migrate_in(bench_cpu(there), bench_thread(there, 1), &migration, 0);
		cr_assert_eq(bench_info(there, 1).state, POLICY_QUEUED);
		bench_check(there);
		bench_free(there);
	}
	bench->digest = 0; /* as long as the list of policies: no schedule to write down */
}

/* A stretch of a schedule: threads wake, run and sleep by `seed`; the queue is where bench->now_ns is. */
static void stretch(struct bench *bench, uint64_t *seed)
{
	bench_enqueue(bench, (uint32_t)(bench_random(seed) % THREADS), POLICY_JOIN_WAKE);
	const uint32_t tid = bench_pick(bench);
	cr_assert_neq(tid, UINT32_MAX);
	bench_run(bench, 1 + bench_random(seed) % (2 * MS));
	if (bench_random(seed) % 3 == 0)
		bench_dequeue(bench, tid, POLICY_LEAVE_SLEEP);
}

/* The queues of two CPUs share nothing: each decides what it decides alone.  (No global, no static.) */
static void two_queues(struct bench *bench)
{
	uint64_t digest = 0;
	for (uint32_t round = 0; round < 2; round++) {
		struct bench *here = bench_make(bench->ops, THREADS);
		struct bench *there = bench_make(bench->ops, THREADS);
		uint64_t seed = 5;
		uint64_t seed_there = 6;
		here->flags = bench->flags;
		there->ops->cpu_init(bench_cpu(there), 1);
		for (uint32_t tid = 0; tid < THREADS; tid++) {
			bench_thread_make(here, tid, 1024, 3 * MS);
			bench_thread_make(there, tid, 1024, 3 * MS);
		}
		for (uint32_t i = 0; i < 500; i++) {
			stretch(here, &seed);
			if (round != 0)
				stretch(there, &seed_there);
		}
		cr_assert(round == 0 || here->digest == digest,
			  "%s decides otherwise on a CPU because another one has threads, too: is "
			  "there a global or a static?",
			  bench->ops->name);
		digest = here->digest;
		bench->steps += here->steps;
		bench_free(here);
		bench_free(there);
	}
	bench->digest = digest;
}

static void restores(struct bench *bench)
{
	struct policy_record queue;
	struct policy_record records[THREADS];
	struct policy_thread *threads[THREADS];
	for (uint32_t tid = 0; tid < THREADS; tid++)
		bench_enqueue(bench, tid, POLICY_JOIN_WAKE);
	bench_run_until(bench, 25 * MS, MS);
	bench_dequeue(bench, 4, POLICY_LEAVE_KEEP);
	const struct policy_info before = bench_info(bench, 5);
	const struct policy_info out = bench_info(bench, 4);
	bench->ops->save(bench_cpu(bench), NULL, &queue);
	for (uint32_t tid = 0; tid < THREADS; tid++) {
		threads[tid] = bench_thread(bench, tid);
		bench->ops->save(bench_cpu(bench), threads[tid], &records[tid]);
		bench_thread_make(bench, tid, 1024, 3 * MS);
	}
	bench->ops->cpu_init(bench_cpu(bench), 0);
	cr_assert_eq(bench->ops->restore(bench_cpu(bench), &queue, threads, records, THREADS),
		     ERR_OK);
	bench_check(bench);
	const struct policy_info after = bench_info(bench, 5);
	cr_assert_eq(after.runnable, THREADS - 1);
	cr_assert_eq(memcmp(&after.lag_ns, &before.lag_ns, sizeof(after.lag_ns)), 0);
	cr_assert_eq(memcmp(&after.v, &before.v, sizeof(after.v)), 0);
	cr_assert_eq(bench_info(bench, 4).lag_ns.whole, out.lag_ns.whole);
	bench_run_until(bench, bench->now_ns + 50 * MS, MS);
}

static void restore_refuses(struct bench *bench)
{
	struct policy_record queue = {0};
	struct policy_record records[2] = {{0}, {.words = {UINT64_MAX, 1, 2, 3, 4, 5}}};
	struct policy_thread *threads[2] = {bench_thread(bench, 0), bench_thread(bench, 1)};
	cr_assert_eq(bench->ops->restore(bench_cpu(bench), &queue, threads, records, 2),
		     ERR_FORMAT);
	bench->ops->save(bench_cpu(bench), NULL, &queue);
	records[1].policy_id = bench->ops->id;
	records[1].version = (uint16_t)bench->ops->version;
	records[1].kind = 2;
	records[1].tid = 1;
	cr_assert_eq(bench->ops->restore(bench_cpu(bench), &queue, threads, records, 2), ERR_OK);
	bench_check(bench);
	cr_assert_eq(bench_info(bench, 0).state, POLICY_OUT);
	cr_assert_eq(bench_info(bench, 1).state, POLICY_OUT);
	come_and_go(bench);
}

static void spares(struct bench *bench)
{
	struct policy_spare out[THREADS];
	uint64_t cursor = 0;
	cr_assert_eq(bench->ops->spare(bench_cpu(bench), &cursor, out, THREADS), 0);
	for (uint32_t tid = 0; tid < THREADS; tid++)
		bench_enqueue(bench, tid, POLICY_JOIN_WAKE);
	bench_pick(bench);
	cursor = 0;
	const uint32_t count = bench->ops->spare(bench_cpu(bench), &cursor, out, THREADS);
	cr_assert_geq(count, THREADS - 1);
	for (uint32_t i = 0; i < count; i++) {
		for (uint32_t j = 0; j < i; j++)
			cr_assert_neq(out[i].thread, out[j].thread);
		cr_assert(i == 0 || out[i - 1].owed_ns <= out[i].owed_ns);
		cr_assert_eq(out[i].running, out[i].thread == bench->picked.thread);
	}
	cr_assert_eq(bench->ops->spare(bench_cpu(bench), &cursor, out, 2), 2);
	cr_assert_eq(bench->ops->spare(bench_cpu(bench), &cursor, out, 0), 0);
}

static void dumps(struct bench *bench)
{
	char text[POLICY_DUMP_BYTES];
	for (uint32_t tid = 0; tid < THREADS; tid++)
		bench_enqueue(bench, tid, POLICY_JOIN_WAKE);
	bench_pick(bench);
	const size_t length = bench->ops->dump(bench_cpu(bench), text, sizeof(text));
	cr_assert_eq(length, strlen(text));
	cr_assert_not_null(strstr(text, bench->ops->name));
	memset(text, 'x', sizeof(text));
	cr_assert_eq(bench->ops->dump(bench_cpu(bench), text, 10), 9);
	cr_assert_eq(text[9], '\0');
	cr_assert_eq(text[10], 'x');
	cr_assert_eq(bench->ops->dump(bench_cpu(bench), text, 0), 0);
}

static void misuse_is_counted(struct bench *bench)
{
	bench->ops->enqueue(bench_cpu(bench), bench_thread(bench, 0), POLICY_JOIN_YIELD, 0);
	cr_assert_eq(bench_info(bench, 0).misuse, 1);
	cr_assert_neq(bench->ops->check(bench_cpu(bench)), 0);
}

static void parameters_in_every_state(struct bench *bench)
{
	uint64_t seed = 5;
	for (uint32_t i = 0; i < 2000; i++) {
		const uint32_t tid = (uint32_t)(bench_random(&seed) % THREADS);
		bench->threads[tid].params.priority = (uint8_t)(bench_random(&seed) % 100);
		bench_params(bench, tid, 1 + (uint32_t)(bench_random(&seed) % 90000),
			     POLICY_SLICE_NS_MIN + bench_random(&seed) % (9 * MS));
		if (i % 3 == 0)
			bench_enqueue(bench, tid, POLICY_JOIN_WAKE);
		if (i % 7 == 0)
			bench_dequeue(bench, tid, POLICY_LEAVE_SLEEP);
		if (bench_pick(bench) != UINT32_MAX)
			bench_run(bench, bench_random(&seed) % (4 * MS));
	}
	struct policy_params params = bench->threads[0].params;
	params.weight = 0;
	cr_assert_eq(bench->ops->set_params(bench_cpu(bench), bench_thread(bench, 0), &params, 0),
		     ERR_RANGE);
	params = bench->threads[0].params;
	params.priority = 100;
	cr_assert_eq(bench->ops->set_params(bench_cpu(bench), bench_thread(bench, 0), &params, 0),
		     ERR_RANGE);
}

/* Weights, sleeps and slices of all sizes for half a second: the schedule that review sees. */
static void mixed_load(struct bench *bench)
{
	static const uint32_t weights[] = {1024, 335, 3121, 15, 88761, 1024, 820, 110, 9548, 1024};
	uint64_t seed = 77;
	for (uint32_t tid = 0; tid < THREADS; tid++) {
		bench_thread_make(bench, tid, weights[tid], POLICY_SLICE_NS_MIN << (tid % 6));
		bench_enqueue(bench, tid, POLICY_JOIN_NEW);
	}
	while (bench->now_ns < 500 * MS) {
		const uint32_t waker = (uint32_t)(bench_random(&seed) % THREADS);
		if (bench_random(&seed) % 4 == 0)
			bench_enqueue(bench, waker, POLICY_JOIN_WAKE);
		const uint32_t tid = bench_pick(bench);
		if (tid == UINT32_MAX) {
			bench_enqueue(bench, waker, POLICY_JOIN_WAKE);
			continue;
		}
		const uint64_t most = bench->picked.slice_ns < 5 * MS ? bench->picked.slice_ns
								      : 5 * MS;
		if (bench_random(&seed) % 3 != 0) {
			bench_run(bench, most);
			continue;
		}
		bench_run(bench, 1 + bench_random(&seed) % most);
		bench_dequeue(bench, tid, POLICY_LEAVE_SLEEP);
	}
}

static void random_operations(struct bench *bench)
{
	uint64_t seed = 123;
	for (uint32_t i = 0; i < 20000; i++) {
		const uint32_t tid = (uint32_t)(bench_random(&seed) % THREADS);
		struct policy_migration migration;
		switch (bench_random(&seed) % 7) {
		case 0:
			bench_enqueue(bench, tid, POLICY_JOIN_WAKE);
			break;
		case 1:
			bench_dequeue(bench, tid, (enum policy_leave)(bench_random(&seed) % 2));
			break;
		case 2:
			if (bench_info(bench, tid).state == POLICY_QUEUED)
				bench_enqueue(bench, tid, POLICY_JOIN_YIELD);
			break;
		case 3:
			bench->ops->migrate_out(bench_cpu(bench), bench_thread(bench, tid),
						&migration, 0);
			bench->ops->migrate_in(bench_cpu(bench), bench_thread(bench, tid),
					       &migration, 0);
			break;
		default:
			if (bench_pick(bench) != UINT32_MAX)
				bench_run(bench, bench_random(&seed) % (4 * MS));
			break;
		}
		const bool idle = bench_pick(bench) == UINT32_MAX;
		cr_assert_eq(idle, bench_info(bench, 0).runnable == 0);
		for (uint32_t j = 0; !idle && j < THREADS; j++) {
			if (j != bench->tid && bench_info(bench, j).state == POLICY_QUEUED)
				cr_assert_not(bench->ops->preempts(bench_cpu(bench),
								   bench->picked.thread,
								   bench_thread(bench, j), 0));
		}
	}
}

/* What is going on, NULL: nothing. */
static const char *played;
static const char *played_by;

static void stalled(void)
{
	fprintf(stderr, "%s does not return, or gets nowhere, in scenario %s\n", played_by, played);
}

/* After a scenario that did not get to its end: a failed assertion says what, not of which policy. */
static void blame(void)
{
	if (played != NULL)
		fprintf(stderr, "policy %s fails in scenario %s\n", played_by, played);
}

static uint64_t play(const struct policy_ops *ops, const char *name, scenario_fn *scenario,
		     uint32_t flags)
{
	struct bench *bench = bench_make(ops, THREADS);
	bench->flags = flags;
	played = name;
	played_by = ops->name;
	printf("play %s %s%s\n", ops->name, name, flags != 0 ? " offers" : "");
	fflush(stdout); /* what is still here is lost if the policy crashes */
	stall_watch(&bench->now_ns, STALL_AFTER, stalled);
	for (uint32_t tid = 0; tid < THREADS; tid++)
		bench_thread_make(bench, tid, 1024, 3 * MS);
	scenario(bench);
	stall_unwatch();
	played = NULL;
	const uint64_t digest = bench->digest;
	printf("cell %s %s %u %016" PRIx64 "%s\n", ops->name, name, bench->steps, digest,
	       flags != 0 ? " offers" : "");
	bench_free(bench);
	return digest;
}

static void everywhere(const char *name, scenario_fn *scenario)
{
	for (uint32_t i = 0; i < policies_count; i++) {
		const uint64_t digest = play(policies[i], name, scenario, 0);
		if (policies[i]->key == NULL)
			continue;
		const uint32_t offers = POLICY_PICK_FILTER | POLICY_PICK_SUCCESSOR;
		cr_assert_eq(play(policies[i], name, scenario, offers), digest,
			     "%s decides otherwise when offers are asked for", policies[i]->name);
	}
	fflush(stdout);
}

#define SCENARIO(name)                         \
	Test(conformance, name, .fini = blame) \
	{                                      \
		everywhere(#name, name);       \
	}

SCENARIO(empty)
SCENARIO(come_and_go)
SCENARIO(everything_twice)
SCENARIO(charged_in_every_state)
SCENARIO(yields_rotate)
SCENARIO(yield_alone)
SCENARIO(migrates)
SCENARIO(crosses_policies)
SCENARIO(two_queues)
SCENARIO(restores)
SCENARIO(restore_refuses)
SCENARIO(spares)
SCENARIO(dumps)
SCENARIO(misuse_is_counted)
SCENARIO(parameters_in_every_state)
SCENARIO(mixed_load)
SCENARIO(random_operations)

Test(policies, who_is_here_does_not_arrive)
{
	for (uint32_t i = 0; i < policies_count; i++) {
		struct bench *bench = bench_make(policies[i], 1);
		const struct policy_migration in = {.policy_id = policies[i]->id,
						    .state = POLICY_QUEUED};
		bench_thread_make(bench, 0, 1024, 3 * MS);
		bench_enqueue(bench, 0, POLICY_JOIN_WAKE);
		bench->ops->migrate_in(bench_cpu(bench), bench_thread(bench, 0), &in, 0);
		cr_assert_eq(bench_info(bench, 0).misuse, 1, "%s", policies[i]->name);
		cr_assert_eq(bench_info(bench, 0).runnable, 1, "%s", policies[i]->name);
		bench_free(bench);
	}
}

/* What comes from another CPU may be spoilt: numbers that are no turn are not taken for one. */
Test(line, a_turn_that_arrives_is_one)
{
	const struct {
		uint64_t used_ns, left_ns, expected_ns;
	} turns[] = {
		{MS, MS, MS},
		{MS, 0, 3 * MS},
		{0, POLICY_SLICE_NS_MAX, POLICY_SLICE_NS_MAX},
		{0, POLICY_SLICE_NS_MAX + 1, 3 * MS},
		{POLICY_SLICE_NS_MAX - MS, MS, MS},
		{POLICY_SLICE_NS_MAX - MS + 1, MS, 3 * MS},
		{UINT64_MAX, MS, 3 * MS},
	};
	struct bench *bench = bench_make(&policy_rr, 1);
	for (size_t i = 0; i < sizeof(turns) / sizeof(turns[0]); i++) {
		const struct policy_migration in = {.policy_id = policy_rr.id,
						    .state = POLICY_QUEUED,
						    .request_ns = turns[i].used_ns,
						    .deadline_ns = turns[i].left_ns};
		bench_thread_make(bench, 0, 1024, 3 * MS);
		policy_rr.migrate_in(bench_cpu(bench), bench_thread(bench, 0), &in, 0);
		cr_assert_eq(policy_rr.check(bench_cpu(bench)), 0, "case %zu", i);
		cr_assert_eq(bench_info(bench, 0).left_ns, turns[i].expected_ns, "case %zu", i);
		bench_dequeue(bench, 0, POLICY_LEAVE_EXIT);
	}
	bench_free(bench);
}

Test(rr, each_runs_its_own_slice)
{
	struct bench *bench = bench_make(&policy_rr, 3);
	for (uint32_t tid = 0; tid < 3; tid++)
		bench_add(bench, tid, 1024, (tid + 1) * MS);
	for (uint32_t i = 0; i < 30; i++) {
		cr_assert_eq(bench_pick(bench), i % 3);
		cr_assert_eq(bench->picked.slice_ns, (i % 3 + 1) * MS);
		cr_assert_not(bench_run(bench, 400000));
		cr_assert_eq(bench_pick(bench), i % 3);
		cr_assert(bench_run(bench, bench->picked.slice_ns));
	}
	bench_free(bench);
}

Test(fifo, runs_to_block_and_priority_preempts)
{
	struct bench *bench = bench_make(&policy_fifo, 4);
	for (uint32_t tid = 0; tid < 3; tid++)
		bench_add(bench, tid, 1024, 3 * MS);
	cr_assert_eq(bench_pick(bench), 0);
	cr_assert_eq(bench->picked.slice_ns, TIME_NEVER);
	bench_run(bench, 1000 * MS);
	cr_assert_eq(bench_pick(bench), 0);
	bench_thread_make(bench, 3, 1024, 3 * MS);
	bench->threads[3].params.priority = 51;
	bench_params(bench, 3, 1024, 3 * MS);
	bench_enqueue(bench, 3, POLICY_JOIN_WAKE);
	cr_assert(bench->ops->preempts(bench_cpu(bench), bench_thread(bench, 0),
				       bench_thread(bench, 3), 0));
	cr_assert_eq(bench_pick(bench), 3);
	bench_dequeue(bench, 3, POLICY_LEAVE_SLEEP);
	cr_assert_eq(bench_pick(bench), 0, "a preempted thread stays first of its priority");
	bench_dequeue(bench, 0, POLICY_LEAVE_SLEEP);
	bench_enqueue(bench, 0, POLICY_JOIN_WAKE);
	cr_assert_eq(bench_pick(bench), 1);
	bench_enqueue(bench, 1, POLICY_JOIN_YIELD);
	cr_assert_eq(bench_pick(bench), 2);
	bench_free(bench);
}
