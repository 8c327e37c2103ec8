/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The EEVDF policy against the model: random operations, compared after each.
 *
 *   eevdf-random [SEEDS] [OPERATIONS] [FIRST_SEED [verbose]]
 *
 * Compared: who is picked, whether a request was done, state and lag of every thread, V; and check(), and
 * that pick asked for no more than the time after which its choice could change.  Exit status 1 and
 * one line on the first difference.
 */
#include "model.h"
#include <policy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 14u

struct random {
	uint64_t state;
};

static uint64_t random_next(struct random *random)
{
	random->state ^= random->state << 13;
	random->state ^= random->state >> 7;
	random->state ^= random->state << 17;
	return random->state * UINT64_C(0x2545F4914F6CDD1D);
}

static uint32_t random_below(struct random *random, uint32_t bound)
{
	return (uint32_t)((random_next(random) >> 33) % bound);
}

struct world {
	struct random random;
	const struct policy_ops *ops;
	_Alignas(16) unsigned char cpu_blob[POLICY_CPU_BYTES_MAX];
	_Alignas(16) unsigned char blobs[THREADS][POLICY_THREAD_BYTES_MAX];
	struct policy_params params[THREADS];
	struct model model;
	uint64_t now_ns;
	uint32_t picked;
	uint64_t slice_ns;
	char what[96];
};

static struct policy_cpu *cpu_of(struct world *world)
{
	return (struct policy_cpu *)(void *)world->cpu_blob;
}

static struct policy_thread *thread_of(struct world *world, uint32_t tid)
{
	return (struct policy_thread *)(void *)world->blobs[tid];
}

static const uint32_t weights[] = {88761, 9548, 3121, 1277, 1024, 1024, 1024,
				   820,   335,  110,  15,   3,    2};
static const uint64_t slices[] = {3000000, 3000000, 3000000, 100000, 500000, 1000003, 12000000};

static void params_choose(struct world *world, uint32_t tid)
{
	struct policy_params *params = &world->params[tid];
	params->tid = tid;
	params->class = random_below(&world->random, 6) == 0 ? POLICY_CLASS_BACKGROUND
							     : POLICY_CLASS_NORMAL;
	params->weight = params->class == POLICY_CLASS_BACKGROUND
				 ? POLICY_WEIGHT_BACKGROUND
				 : weights[random_below(&world->random,
							sizeof(weights) / sizeof(weights[0]))];
	params->slice_ns = slices[random_below(&world->random, sizeof(slices) / sizeof(slices[0]))];
}

static bool fail(const struct world *world, const char *why, uint32_t tid)
{
	fprintf(stderr, "after %s: %s (thread %u)\n", world->what, why, tid);
	return false;
}

static real number_real(struct policy_number number)
{
	return (real)number.whole + (real)number.frac / 4294967296.0Q;
}

static bool differ(real a, real b)
{
	const real d = a > b ? a - b : b - a;
	const real size = b > 0 ? b : -b;
	return d > 2e-9Q + size * 1e-18Q;
}

static bool compare(struct world *world)
{
	struct policy_info info;
	const uint32_t rule = world->ops->check(cpu_of(world));
	if (rule != 0)
		return fail(world, "a rule is broken; number follows as thread", rule);
	for (uint32_t tid = 0; tid < THREADS; tid++) {
		world->ops->query(cpu_of(world), thread_of(world, tid), &info);
		if (info.state != (uint32_t)world->model.threads[tid].state)
			return fail(world, "another state", tid);
		if (differ(number_real(info.lag_ns), model_lag(&world->model, tid)))
			return fail(world, "another lag", tid);
	}
	if (info.weight != (uint64_t)model_weight(&world->model))
		return fail(world, "another W", 0);
	if (info.weight != 0 && differ(number_real(info.v), world->model.V))
		return fail(world, "another V", 0);
	return true;
}

static bool op_run(struct world *world)
{
	if (world->picked == MODEL_NONE)
		return true;
	const uint64_t slice = world->slice_ns == TIME_NEVER ? 5000000 : world->slice_ns;
	uint64_t ns = slice;
	switch (random_below(&world->random, 6)) {
	case 0:
		ns = 1 + random_below(&world->random, (uint32_t)slice);
		break;
	case 1:
		ns = 1 + random_below(&world->random, 8000000);
		break;
	case 2:
		ns = slice > 1 ? slice - 1 : slice;
		break;
	default:
		break;
	}
	snprintf(world->what, sizeof(world->what), "run %u ns=%llu", world->picked,
		 (unsigned long long)ns);
	world->now_ns += ns;
	const bool done = world->ops->charge(cpu_of(world), thread_of(world, world->picked), ns,
					     world->now_ns);
	if (done != model_charge(&world->model, world->picked, ns))
		return fail(world, "another end of the request", world->picked);
	/* Before the time that pick asked for, nothing may change. */
	if (ns < world->slice_ns && model_pick(&world->model, false) != world->picked)
		return fail(world, "pick asked to be called again too late", world->picked);
	return true;
}

static void op_params(struct world *world, uint32_t tid)
{
	struct policy_params *params = &world->params[tid];
	if (random_below(&world->random, 2) == 0)
		params_choose(world, tid);
	else
		params->weight =
			weights[random_below(&world->random, sizeof(weights) / sizeof(weights[0]))];
	snprintf(world->what, sizeof(world->what), "params %u weight=%u slice=%llu class=%u", tid,
		 params->weight, (unsigned long long)params->slice_ns, params->class);
	if (world->ops->set_params(cpu_of(world), thread_of(world, tid), params, world->now_ns) !=
	    ERR_OK)
		abort();
	world->model.threads[tid].slice_ns = params->slice_ns;
	world->model.threads[tid].background = params->class == POLICY_CLASS_BACKGROUND;
	if (world->model.running == tid && !world->model.threads[tid].background)
		world->model.normal_woke = false;
	model_reweight(&world->model, tid, params->weight);
}

static void op_migrate(struct world *world, uint32_t tid)
{
	struct policy_migration migration;
	snprintf(world->what, sizeof(world->what), "migrate %u", tid);
	world->ops->migrate_out(cpu_of(world), thread_of(world, tid), &migration, world->now_ns);
	world->ops->migrate_in(cpu_of(world), thread_of(world, tid), &migration, world->now_ns);
	model_migrate(&world->model, tid);
}

static void op_new(struct world *world, uint32_t tid)
{
	snprintf(world->what, sizeof(world->what), "exit and new %u", tid);
	world->ops->dequeue(cpu_of(world), thread_of(world, tid), POLICY_LEAVE_EXIT, world->now_ns);
	model_leave(&world->model, tid);
	params_choose(world, tid);
	const struct policy_params *params = &world->params[tid];
	if (world->ops->thread_init(thread_of(world, tid), params) != ERR_OK)
		abort();
	model_thread_init(&world->model, tid, params->weight, params->slice_ns,
			  params->class == POLICY_CLASS_BACKGROUND);
	world->ops->enqueue(cpu_of(world), thread_of(world, tid), POLICY_JOIN_NEW, world->now_ns);
	model_wake(&world->model, tid, true);
}

static void op_restore(struct world *world)
{
	struct policy_record queue;
	struct policy_record records[THREADS];
	struct policy_thread *threads[THREADS];
	snprintf(world->what, sizeof(world->what), "save and restore");
	world->ops->save(cpu_of(world), NULL, &queue);
	for (uint32_t tid = 0; tid < THREADS; tid++) {
		threads[tid] = thread_of(world, tid);
		world->ops->save(cpu_of(world), threads[tid], &records[tid]);
		if (world->ops->thread_init(threads[tid], &world->params[tid]) != ERR_OK)
			abort();
	}
	world->ops->cpu_init(cpu_of(world), 0);
	if (world->ops->restore(cpu_of(world), &queue, threads, records, THREADS) != ERR_OK)
		abort();
	struct model *model = &world->model;
	if (model->running != MODEL_NONE)
		model->threads[model->running].state = MODEL_QUEUED;
	model->running = MODEL_NONE;
	model->request_done = false;
	model->normal_woke = false;
	model->ran_ns = 0;
}

static bool op_step(struct world *world)
{
	const uint32_t kind = random_below(&world->random, 100);
	const uint32_t tid = random_below(&world->random, THREADS);
	if (kind < 55)
		return op_run(world);
	if (kind < 68) {
		snprintf(world->what, sizeof(world->what), "wake %u", tid);
		world->ops->enqueue(cpu_of(world), thread_of(world, tid), POLICY_JOIN_WAKE,
				    world->now_ns);
		model_wake(&world->model, tid, false);
	} else if (kind < 82) {
		const uint32_t who = world->picked != MODEL_NONE && kind < 78 ? world->picked : tid;
		snprintf(world->what, sizeof(world->what), "sleep %u", who);
		world->ops->dequeue(cpu_of(world), thread_of(world, who), POLICY_LEAVE_SLEEP,
				    world->now_ns);
		model_sleep(&world->model, who);
	} else if (kind < 84) {
		snprintf(world->what, sizeof(world->what), "leave %u", tid);
		world->ops->dequeue(cpu_of(world), thread_of(world, tid), POLICY_LEAVE_KEEP,
				    world->now_ns);
		model_leave(&world->model, tid);
	} else if (kind < 90) {
		op_params(world, tid);
	} else if (kind < 94) {
		op_migrate(world, tid);
	} else if (kind < 97) {
		op_new(world, tid);
	} else if (kind == 97) {
		op_restore(world);
	}
	return true;
}

/* Brute force and the policy must choose alike, and preempts must have foretold it. */
static bool op_pick(struct world *world)
{
	struct policy_pick picked;
	const bool fresh = random_below(&world->random, 20) == 0;
	const uint32_t before = world->model.running;
	bool foretold[THREADS] = {false};
	for (uint32_t tid = 0; before != MODEL_NONE && tid < THREADS; tid++)
		foretold[tid] = world->ops->preempts(cpu_of(world), thread_of(world, before),
						     thread_of(world, tid), world->now_ns);
	const uint32_t want = model_pick(&world->model, fresh);
	world->ops->pick(cpu_of(world), world->now_ns,
			 (fresh ? POLICY_PICK_FRESH : 0) |
				 (world->model.exact ? POLICY_PICK_EXACT : 0),
			 &picked);
	world->picked = MODEL_NONE;
	for (uint32_t tid = 0; tid < THREADS; tid++) {
		if (picked.thread == thread_of(world, tid))
			world->picked = tid;
	}
	world->slice_ns = picked.slice_ns;
	if (world->picked != want) {
		fprintf(stderr, "picked %d, should be %d\n", (int)world->picked, (int)want);
		return fail(world, "another pick", want);
	}
	for (uint32_t tid = 0; !fresh && before != MODEL_NONE && tid < THREADS; tid++) {
		if (tid != before && foretold[tid] != (tid == want))
			return fail(world, "preempts did not foretell the pick", tid);
	}
	return true;
}

static void show(struct world *world, uint32_t operation)
{
	char text[POLICY_DUMP_BYTES];
	world->ops->dump(cpu_of(world), text, sizeof(text));
	printf("operation %u: %s\n%s", operation, world->what, text);
}

static bool run_seed(uint64_t seed, uint32_t operations, bool exact, bool verbose)
{
	static struct world world;
	memset(&world, 0, sizeof(world));
	world.random.state = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
	world.ops = &policy_eevdf;
	world.picked = MODEL_NONE;
	world.ops->cpu_init(cpu_of(&world), 0);
	model_init(&world.model);
	world.model.exact = exact;
	for (uint32_t tid = 0; tid < THREADS; tid++) {
		params_choose(&world, tid);
		const struct policy_params *params = &world.params[tid];
		if (world.ops->thread_init(thread_of(&world, tid), params) != ERR_OK)
			abort();
		model_thread_init(&world.model, tid, params->weight, params->slice_ns,
				  params->class == POLICY_CLASS_BACKGROUND);
	}
	for (uint32_t i = 0; i < operations; i++) {
		bool good = op_step(&world);
		if (verbose)
			show(&world, i);
		good = good && compare(&world) && op_pick(&world) && compare(&world);
		if (good)
			continue;
		fprintf(stderr, "seed %llu, operation %u\n", (unsigned long long)seed, i);
		return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	const uint64_t seeds = argc > 1 ? strtoull(argv[1], NULL, 10) : 20;
	const uint32_t operations = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 3000;
	const uint64_t first = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
	for (uint64_t seed = first; seed < first + seeds; seed++) {
		/* By turns as specified, and with the refinement; or as asked. */
		const bool exact = argc > 4 ? strcmp(argv[4], "exact") == 0 : seed % 2 == 0;

		if (!run_seed(seed, operations, exact, argc > 5))
			return 1;
	}
	printf("%llu seeds of %u operations: same decisions\n", (unsigned long long)seeds,
	       operations);
	return 0;
}
