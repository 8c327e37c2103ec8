/* SPDX-License-Identifier: BSD-2-Clause */
/* Groups over every policy: shares and caps against what they should be, computed here. */
#include "group_world.h"

#include <math.h>
#include <string.h>

static void regroup(struct bench *bench, uint32_t tid, group_id_t group)
{
	bench->threads[tid].params.group = group;
	bench_params(bench, tid, bench->threads[tid].params.weight, 3 * MS);
}

/* A random tree of up to 12 groups and depth 4; a thread's share is the product over its path. */
Test(group, random_trees_share_by_weight)
{
	uint64_t seed = 7;

	for (uint32_t round = 0; round < 20; round++) {
		struct world *world = world_make(&policy_eevdf, 1);
		group_id_t ids[13] = {0};
		uint32_t parent[13] = {0}, depth[13] = {0}, weight[13] = {0}, in[THREADS];
		uint64_t sum[13] = {0};
		bool busy[13] = {true};

		for (uint32_t g = 1; g < 13; g++) {
			do
				parent[g] = (uint32_t)(bench_random(&seed) % g);
			while (depth[parent[g]] == GROUP_DEPTH_MAX);
			depth[g] = depth[parent[g]] + 1;
			weight[g] = 100 + (uint32_t)(bench_random(&seed) % 3000);
			ids[g] = world_group(world, ids[parent[g]], weight[g], 0, 0);
		}
		for (uint32_t tid = 0; tid < THREADS; tid++) {
			const uint32_t own = 200 + (uint32_t)(bench_random(&seed) % 2000);

			in[tid] = (uint32_t)(bench_random(&seed) % 13);
			world_put(world->bench[0], tid, ids[in[tid]], own);
			sum[in[tid]] += own;
			for (uint32_t g = in[tid]; !busy[g]; g = parent[g]) {
				busy[g] = true;
				sum[parent[g]] += weight[g];
			}
		}
		world_run_until(world->bench[0], 100 * SECOND);
		for (uint32_t tid = 0; tid < THREADS; tid++) {
			double share = (double)world->bench[0]->threads[tid].params.weight /
				       (double)sum[in[tid]];

			for (uint32_t g = in[tid]; g != 0; g = parent[g])
				share *= (double)weight[g] / (double)sum[parent[g]];
			const double ideal = share * 100e9;

			cr_assert_lt(fabs(world_used(world->bench[0], tid) - ideal),
				     fmax(0.01 * ideal, 15.0 * MS), "round %u thread %u", round,
				     tid);
		}
		world_free(world);
	}
}

Test(group, cap_holds_over_each_second_and_others_get_the_rest)
{
	struct world *world = world_make(&policy_eevdf, 1);
	struct bench *bench = world->bench[0];
	const group_id_t capped = world_group(world, 0, 10240, 20 * MS, 100 * MS);
	const group_id_t inner = world_group(world, capped, 1024, 8 * MS, 100 * MS);

	world_put(bench, 0, capped, 1024);
	world_put(bench, 1, inner, 1024);
	world_put(bench, 2, 0, 1024);
	for (uint32_t second = 1; second <= 10; second++) {
		for (uint32_t tid = 0; tid < 3; tid++)
			bench->threads[tid].service_ns = 0;
		world_run_until(bench, second * SECOND);
		assert_near(world_used(bench, 0) + world_used(bench, 1), 200.0 * MS, 2.0 * MS);
		assert_near(world_used(bench, 1), 80.0 * MS, 0.8 * MS);
		assert_near(world_used(bench, 2), 800.0 * MS, 2.0 * MS);
	}
	world_free(world);
}

/* Nothing else is there: the CPU idles, and comes back by the time that pick() named. */
Test(group, cap_of_all_there_is)
{
	struct world *world = world_make(&policy_eevdf, 1);
	struct bench *bench = world->bench[0];

	world_put(bench, 0, world_group(world, 0, 1024, 30 * MS, 100 * MS), 1024);
	world_run_until(bench, SECOND);
	assert_near(world_used(bench, 0), 300.0 * MS, 0.5 * MS);
	world_free(world);
}

/* Each nap gives back what is left of the piece: the group gets all that it asks for. */
Test(group, naps_lose_no_runtime)
{
	struct world *world = world_make(&policy_eevdf, 1);
	struct bench *bench = world->bench[0];

	world_put(bench, 0, world_group(world, 0, 1024, 25 * MS, 100 * MS), 1024);
	for (uint32_t i = 0; i < 2000; i++) {
		world_run_until(bench, bench->now_ns + MS / 10);
		bench_dequeue(bench, 0, POLICY_LEAVE_SLEEP);
		bench->now_ns += 4 * MS / 10;
		bench_enqueue(bench, 0, POLICY_JOIN_WAKE);
	}
	assert_near(world_used(bench, 0), 200.0 * MS, 1.0 * MS);
	world_free(world);
}

/* A timer that comes late: what ran too much is paid back. */
Test(group, overrun_is_paid_back)
{
	struct world *world = world_make(&policy_eevdf, 1);
	struct bench *bench = world->bench[0];

	world_put(bench, 0, world_group(world, 0, 1024, 10 * MS, 100 * MS), 1024);
	world_put(bench, 1, 0, 1024);
	while (bench->now_ns < 10 * SECOND) {
		cr_assert_neq(bench_pick(bench), UINT32_MAX);
		bench_run(bench,
			  (bench->picked.slice_ns > 5 * MS ? 5 * MS : bench->picked.slice_ns) +
				  2 * MS);
	}
	assert_near(world_used(bench, 0), 1000.0 * MS, 10.0 * MS);
	world_free(world);
}

static double wake_worst_ns(uint64_t quota_ns)
{
	struct world *world = world_make(&policy_eevdf, 1);
	struct bench *bench = world->bench[0];
	const group_id_t group = world_group(world, 0, 1024, quota_ns, 100 * MS);
	double worst_ns = 0;

	for (uint32_t tid = 0; tid < 8; tid++)
		world_put(bench, tid, group, 1024);
	world_put(bench, 8, 0, 1024);
	world_put(bench, 9, 0, 1024);
	for (uint32_t i = 1; i <= 500; i++) {
		bench_dequeue(bench, 9, POLICY_LEAVE_SLEEP);
		world_run_until(bench, bench->now_ns + 13 * MS);
		bench_enqueue(bench, 9, POLICY_JOIN_WAKE);
		const uint64_t woke_ns = bench->now_ns;

		while (bench_pick(bench) != 9)
			bench_run(bench, bench->picked.slice_ns);
		worst_ns = fmax(worst_ns, (double)(bench->now_ns - woke_ns));
		bench_run(bench, 200000);
	}
	world_free(world);
	return worst_ns;
}

Test(group, a_cap_delays_nobody_else)
{
	cr_assert_leq(wake_worst_ns(10 * MS), wake_worst_ns(0) + 0.1 * MS);
}

Test(group, moving_keeps_the_lag)
{
	struct world *world = world_make(&policy_eevdf, 1);
	struct bench *bench = world->bench[0];
	const group_id_t a = world_group(world, 0, 1024, 0, 0),
			 b = world_group(world, a, 300, 0, 0);
	uint64_t seed = 3;

	for (uint32_t tid = 0; tid < 9; tid++)
		world_put(bench, tid, tid % 3 == 0 ? 0 : tid % 3 == 1 ? a : b, 500 + 100 * tid);
	for (uint32_t i = 0; i < 2000; i++) {
		const group_id_t to[] = {0, a, b};
		/* 0..2 stay, so that no queue is empty. */
		const uint32_t tid = 3 + (uint32_t)(bench_random(&seed) % 6);

		bench_pick(bench);
		bench_run(bench, 1 + bench_random(&seed) % (2 * MS));
		const double before = bench_lag(bench, tid);

		regroup(bench, tid, to[bench_random(&seed) % 3]);
		assert_near(bench_lag(bench, tid), before, 2000);
	}
	world_free(world);
}

/* Everything that can happen to a thread or group that waits for runtime. */
Test(group, throttled)
{
	struct world *world = world_make(&policy_eevdf, 1);
	struct bench *bench = world->bench[0];
	const struct group_config wider = {0, 512, 0, 0};
	const group_id_t group = world_group(world, 0, 1024, MS, 1000 * MS);

	for (uint32_t tid = 0; tid < 5; tid++)
		world_put(bench, tid, group, 1024);
	world_run_until(bench, 100 * MS);
	cr_assert_eq(bench_pick(bench), UINT32_MAX);
	cr_assert_eq(bench_info(bench, 0).runnable, 0, "nobody could run elsewhere");
	bench_dequeue(bench, 0, POLICY_LEAVE_EXIT);
	bench_dequeue(bench, 1, POLICY_LEAVE_SLEEP);
	bench_enqueue(bench, 1, POLICY_JOIN_WAKE);
	bench_params(bench, 2, 77, 3 * MS);
	cr_assert_eq(bench_pick(bench), UINT32_MAX, "still no runtime");
	regroup(bench, 3, 0);
	cr_assert_eq(bench_pick(bench), 3, "it left the group");

	struct policy_migration migration;

	bench->ops->migrate_out(bench_cpu(bench), bench_thread(bench, 4), &migration, 0);
	cr_assert_eq(migration.state, (uint32_t)POLICY_QUEUED);
	cr_assert_eq(group_delete(&world->machine, group), ERR_BUSY);
	bench->ops->migrate_in(bench_cpu(bench), bench_thread(bench, 4), &migration, bench->now_ns);
	cr_assert_eq(bench_pick(bench), 3);
	cr_assert_eq(group_set(&world->machine, group, &wider), ERR_OK);
	bench->ops->set_average(bench_cpu(bench), 1024, bench->now_ns);
	cr_assert_eq(bench_info(bench, 3).runnable, 4, "the cap is gone, at once");
	for (uint32_t tid = 1; tid < 5; tid++)
		if (tid != 3)
			bench_dequeue(bench, tid, POLICY_LEAVE_EXIT);
	cr_assert_eq(group_delete(&world->machine, group), ERR_OK);
	cr_assert_eq(group_delete(&world->machine, group), ERR_NOT_FOUND);
	/* The slot is used again, the old name is not. */
	const group_id_t next = world_group(world, 0, 1024, 0, 0);

	cr_assert_eq(group_index(next), group_index(group));
	world_put(bench, 5, group, 1024);
	world_put(bench, 6, next, 1024);
	world_run_until(bench, bench->now_ns + 3 * SECOND);
	assert_near(world_used(bench, 6), 1000.0 * MS, 10.0 * MS);
	world_free(world);
}

/* Threads sorted by group; lags in a queue without groups in it stay as they were. */
Test(group, save_and_restore)
{
	struct world *world = world_make(&policy_eevdf, 1);
	struct bench *bench = world->bench[0];
	const group_id_t a = world_group(world, 0, 1024, 0, 0);
	const group_id_t ids[] = {a, world_group(world, a, 700, 0, 0), 0};
	struct policy_record queue, records[9];
	struct policy_thread *threads[9];
	double lag[9];

	for (uint32_t tid = 0; tid < 9; tid++)
		world_put(bench, tid, ids[tid / 3], 300 + 100 * tid);
	world_run_until(bench, 1234 * MS);
	bench->ops->save(bench_cpu(bench), NULL, &queue);
	for (uint32_t tid = 0; tid < 9; tid++) {
		bench->ops->save(bench_cpu(bench), bench_thread(bench, tid), &records[tid]);
		lag[tid] = bench_lag(bench, tid);
		threads[tid] = bench_thread(bench, tid);
	}
	bench->ops->cpu_init(bench_cpu(bench), 0);
	for (uint32_t tid = 0; tid < 9; tid++)
		cr_assert_eq(bench->ops->thread_init(threads[tid], &bench->threads[tid].params),
			     ERR_OK);
	cr_assert_eq(bench->ops->restore(bench_cpu(bench), &queue, threads, records, 9), ERR_OK);
	cr_assert_eq(bench->ops->check(bench_cpu(bench)), 0);
	for (uint32_t tid = 3; tid < 6; tid++)
		assert_near(bench_lag(bench, tid), lag[tid], 10);
	cr_assert_eq(bench_info(bench, 0).runnable, 9);
	world_run_until(bench, 1300 * MS);
	world_free(world);
}

/* preempts() says what pick() then does, for threads of any group; spare() offers all of them. */
Test(group, preempts_and_spare)
{
	struct world *world = world_make(&policy_eevdf, 1);
	struct bench *bench = world->bench[0];
	const group_id_t a = world_group(world, 0, 1024, 0, 0);
	const group_id_t ids[] = {0, a, world_group(world, a, 700, 0, 0)};
	struct policy_spare spare[16];
	uint64_t seed = 5, cursor = 0, seen = 0;
	uint32_t taken = 0;

	for (uint32_t tid = 0; tid < 9; tid++)
		world_put(bench, tid, ids[tid % 3], 300 + 100 * tid);
	for (uint32_t i = 0; i < 3000; i++) {
		const uint32_t running = bench_pick(bench);
		const uint32_t woken = (running + 1 + (uint32_t)(bench_random(&seed) % 8)) % 9;

		bench_run(bench, 1 + bench_random(&seed) % (4 * MS));
		const bool says = bench->ops->preempts(bench_cpu(bench),
						       bench_thread(bench, running),
						       bench_thread(bench, woken), bench->now_ns);

		if (bench_pick(bench) == woken) {
			cr_assert(says, "step %u", i);
			taken++;
		}
	}
	cr_assert_gt(taken, 100);
	const uint32_t count = bench->ops->spare(bench_cpu(bench), &cursor, spare, 16);

	cr_assert_eq(count, 9);
	for (uint32_t i = 0; i < count; i++)
		for (uint32_t tid = 0; tid < 9; tid++)
			if (spare[i].thread == bench_thread(bench, tid))
				seen |= 1u << tid;
	cr_assert_eq(seen, 0x1ff);
	world_free(world);
}

/* Three threads here and one there: weight is split as load is. */
Test(group, weight_over_two_cpus)
{
	struct world *world = world_make(&policy_eevdf, 2);
	const group_id_t group = world_group(world, 0, 1024, 0, 0);

	for (uint32_t tid = 0; tid < 3; tid++)
		world_put(world->bench[0], tid, group, 1024);
	world_put(world->bench[0], 4, 0, 1024);
	world_put(world->bench[1], 3, group, 1024);
	world_put(world->bench[1], 5, 0, 1024);
	world_run_both(world, 20 * SECOND);
	assert_near(world_used(world->bench[0], 4), 20e9 * 1024 / (1024 + 768), 0.01 * 20e9);
	assert_near(world_used(world->bench[1], 5), 20e9 * 1024 / (1024 + 256), 0.01 * 20e9);
	world_free(world);
}

/* As the server moves it; the blob travels with it. */
static void send(struct world *world, uint32_t from, uint32_t tid)
{
	struct bench *source = world->bench[from], *target = world->bench[1 - from];
	struct policy_migration migration;

	source->ops->migrate_out(bench_cpu(source), bench_thread(source, tid), &migration,
				 source->now_ns);
	target->threads[tid] = source->threads[tid];
	source->threads[tid] = (struct bench_thread){0};
	target->ops->migrate_in(bench_cpu(target), bench_thread(target, tid), &migration,
				target->now_ns);
	cr_assert_eq(source->ops->check(bench_cpu(source)), 0);
	cr_assert_eq(target->ops->check(bench_cpu(target)), 0);
}

/* Who moves whenever it has had a turn, beside a hog on each CPU: alone in its group, or with a thread
 * of it on each CPU, or two levels deep. */
static void move_after_each_turn(uint32_t others, bool deep)
{
	struct world *world = world_make(&policy_eevdf, 2);
	const group_id_t top = world_group(world, 0, 50, 0, 0);
	const group_id_t group = deep ? world_group(world, top, 700, 0, 0) : top;
	uint32_t at = 0;
	double last = 0;

	world_put(world->bench[0], 0, group, 1024);
	for (uint32_t cpu = 0; cpu < 2; cpu++) {
		world_put(world->bench[cpu], 1, 0, 1024);
		for (uint32_t i = 0; i < others; i++)
			world_put(world->bench[cpu], 2 + cpu * others + i, group, 1024);
	}
	for (uint64_t at_ns = MS; at_ns <= 40 * SECOND; at_ns += MS) {
		world_run_until(world->bench[0], at_ns);
		world_run_until(world->bench[1], at_ns);
		if (world_used(world->bench[at], 0) < last + 2.9 * MS)
			continue;
		last = world_used(world->bench[at], 0);
		send(world, at, 0);
		at = 1 - at;
		for (uint32_t cpu = 0; cpu < 2; cpu++)
			group_cpu_refresh(world->cpu[cpu], world->bench[cpu]->now_ns);
	}

	/* 50 of 1074 on the CPU where all of it is; if it is split, up to twice 25 of 1049. */
	double group_ns = last;

	for (uint32_t cpu = 0; cpu < 2; cpu++)
		for (uint32_t tid = 2; tid < 2 + 2 * others; tid++)
			group_ns += world_used(world->bench[cpu], tid);
	cr_assert_lt(group_ns, 1.03 * 40e9 * 50 / (50 + 1024), "%u %d %f s", others, deep,
		     group_ns / 1e9);
	cr_assert_gt(group_ns, 0.97 * 40e9 * 50 / (50 + 1024), "%u %d %f s", others, deep,
		     group_ns / 1e9);
	world_free(world);
}

Test(group, a_debt_of_its_group_goes_along_to_another_cpu)
{
	move_after_each_turn(0, false);
	move_after_each_turn(0, true);
	move_after_each_turn(1, false);
	move_after_each_turn(2, true);
}

Test(group, takes_over_a_queue_in_use)
{
	struct world *world = calloc(1, sizeof(*world));

	group_machine_start(&world->machine, 1, 0, world->record);
	world->bench[0] = bench_make(&policy_eevdf, THREADS);
	memset(world->bench[0]->threads, 0, THREADS * sizeof(*world->bench[0]->threads));
	for (uint32_t tid = 0; tid < 4; tid++)
		bench_add(world->bench[0], tid, 512 << tid, 3 * MS);
	world_run_until(world->bench[0], 77 * MS);
	const double lag = bench_lag(world->bench[0], 2);

	world_attach(world, 0, &policy_eevdf);
	cr_assert_eq(bench_lag(world->bench[0], 2), lag);
	world_put(world->bench[0], 4, world_group(world, 0, 512 * 15, 0, 0), 1);
	world_run_until(world->bench[0], 77 * MS + 10 * SECOND);
	assert_near(world_used(world->bench[0], 4), 5.0 * SECOND, 0.01 * SECOND);
	world_free(world);
}

Test(group, refusals)
{
	struct world *world = world_make(&policy_eevdf, 1);
	struct group_config config = {.weight = 0};
	group_id_t id, parent = 0;

	cr_assert_eq(group_create(&world->machine, &config, &id), ERR_RANGE);
	config = (struct group_config){.weight = 1, .quota_ns = 1, .period_ns = MS};
	cr_assert_eq(group_create(&world->machine, &config, &id), ERR_RANGE);
	config = (struct group_config){.weight = 1, .parent = 5};
	cr_assert_eq(group_create(&world->machine, &config, &id), ERR_NOT_FOUND);
	for (uint32_t depth = 0; depth < GROUP_DEPTH_MAX; depth++)
		parent = world_group(world, parent, 1, 0, 0);
	config.parent = parent;
	cr_assert_eq(group_create(&world->machine, &config, &id), ERR_LIMIT);
	for (uint32_t i = GROUP_DEPTH_MAX + 1; i < GROUP_MAX; i++)
		(void)world_group(world, 0, 1, 0, 0);
	config.parent = 0;
	cr_assert_eq(group_create(&world->machine, &config, &id), ERR_NO_MEMORY);
	world_free(world);
}

/* Any order of operations, over any policy: check() holds after each (bench.c). */
Test(group, random_operations_over_every_policy)
{
	for (uint32_t p = 0; p < policies_count; p++) {
		struct world *world = world_make(policies[p], 1);
		struct bench *bench = world->bench[0];
		const group_id_t a = world_group(world, 0, 1024, 0, 0);
		const group_id_t b = world_group(world, a, 300, 10 * MS, 50 * MS);
		const group_id_t ids[] = {0, a, b, world_group(world, b, 5000, 2 * MS, 20 * MS)};
		uint64_t seed = p + 1;

		for (uint32_t tid = 0; tid < THREADS; tid++)
			world_put(bench, tid, ids[tid % 4],
				  1 + (uint32_t)(bench_random(&seed) % 9000));
		for (uint32_t i = 0; i < 20000; i++) {
			const uint32_t tid = (uint32_t)(bench_random(&seed) % THREADS);
			struct policy_migration migration;

			switch (bench_random(&seed) % 8) {
			case 0:
				bench_dequeue(bench, tid, POLICY_LEAVE_SLEEP);
				break;
			case 1:
				bench_dequeue(bench, tid, POLICY_LEAVE_KEEP);
				break;
			case 2:
			case 3:
				bench_enqueue(bench, tid, POLICY_JOIN_WAKE);
				break;
			case 4:
				regroup(bench, tid, ids[bench_random(&seed) % 4]);
				break;
			case 5:
				bench->ops->migrate_out(bench_cpu(bench), bench_thread(bench, tid),
							&migration, bench->now_ns);
				bench->ops->migrate_in(bench_cpu(bench), bench_thread(bench, tid),
						       &migration, bench->now_ns);
				break;
			default:
				if (bench_pick(bench) != UINT32_MAX)
					bench_run(bench, 1 + bench_random(&seed) % (3 * MS));
				else
					bench->now_ns += MS;
			}
		}
		world_free(world);
	}
}
