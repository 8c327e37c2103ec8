/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Engine of storms that a seed decides: each CPU is a coroutine that may be held before each atomic
 * operation of the kernel (../../model/protocol/hook.h).  One CPU at a time runs, so memory is
 * sequentially consistent: what only weaker memory shows is for free.c and the race detector.
 */
#include "seeded.h"

#include <coroutine.h>
#include <host_arch.h>
#include <kern/entry.h>
#include <unistd.h>

#include "../../fuzz/fuzz.h"
#include "../../model/protocol/hook.h"

#define STACK_BYTES (256u * 1024u)
#define HOLD_ONE_IN 48u
#define TURNS_MAX   200000ull /* without an end: somebody waits for ever */
#define INDEX_SIZE  (1u << 17)
#define SETUP       STORM_CPUS_MAX

struct lane {
	struct coroutine coroutine;
	uint16_t tag; /* what it does is part of this operation */
	uint32_t nth, step;
	_Alignas(64) unsigned char stack[STACK_BYTES];
};

static struct lane lanes[STORM_CPUS_MAX];
static unsigned running = SETUP;
static unsigned wanted; /* who goes on next, or SETUP: whose turn it is */
static struct run *run_now;
static const struct run *run_allowed;  /* NULL: everything */
static uint32_t run_index[INDEX_SIZE]; /* number of an allowed item + 1 */

void __wrap_arch_spin_pause(void);
bool __real_preempt_pending(void);
bool __wrap_preempt_pending(void);

/* ---- What is done ---------------------------------------------------------------------------- */

static unsigned place_of(const struct run_item *item)
{
	uint64_t key = ((uint64_t)item->tag << 52 ^ (uint64_t)item->nth << 20 ^ item->step) * 2 +
		       (item->to == RUN_OPERATION);

	return (unsigned)(key * 0x9e3779b97f4a7c15ull >> 40) % INDEX_SIZE;
}

static bool is_same(const struct run_item *a, const struct run_item *b)
{
	return a->tag == b->tag && a->nth == b->nth && a->step == b->step &&
	       (a->to == RUN_OPERATION) == (b->to == RUN_OPERATION);
}

/* The slot of the index for an item: its own, or an empty one. */
static uint32_t *index_slot(const struct run_item *item)
{
	unsigned at = place_of(item);

	while (run_index[at] != 0 && !is_same(&run_allowed->items[run_index[at] - 1], item))
		at = (at + 1) % INDEX_SIZE;
	return &run_index[at];
}

static void index_make(void)
{
	for (unsigned i = 0; i < run_allowed->count; i++)
		*index_slot(&run_allowed->items[i]) = i + 1;
}

static bool is_allowed(unsigned tag, uint32_t nth, uint32_t step, uint16_t to)
{
	const struct run_item item = {.tag = (uint16_t)tag, .nth = nth, .step = step, .to = to};

	return run_allowed == NULL || *index_slot(&item) != 0;
}

static void note(const struct run_item *item)
{
	if (run_now->count == RUN_ITEMS_MAX) {
		run_now->full = true;
		return;
	}
	run_now->items[run_now->count++] = *item;
}

bool storm_engine_allows(unsigned tag, uint32_t nth)
{
	if (!is_allowed(tag, nth, 0, RUN_OPERATION))
		return false;
	note(&(struct run_item){.tag = (uint16_t)tag, .nth = nth, .to = RUN_OPERATION});
	return true;
}

void storm_engine_about(unsigned tag, uint32_t nth, enum storm_op op, unsigned target)
{
	struct lane *lane = &lanes[host_cpu_index()];

	(void)op;
	(void)target;
	if (lane->tag != tag || lane->nth != nth)
		lane->step = 0;
	lane->tag = (uint16_t)tag;
	lane->nth = nth;
}

/* ---- Coroutines ------------------------------------------------------------------------------ */

static void hold(unsigned next)
{
	wanted = next;
	coroutine_back(&lanes[running].coroutine);
}

static void go(unsigned cpu)
{
	running = cpu;
	wanted = SETUP;
	host_cpu_enter(cpu);
	coroutine_go(&lanes[cpu].coroutine);
	running = SETUP;
}

static void lane_main(void)
{
	unsigned cpu = running;

	coroutine_begin();
	kernel_exit();
	for (;;) {
		storm_cpu_step(cpu);
		hold(SETUP);
	}
}

void storm_engine_pause(void)
{
	hold(SETUP);
}

void __wrap_arch_spin_pause(void)
{
	if (running != SETUP)
		hold(SETUP);
}

/* A long operation that waits for another CPU asks this in its loop: let the other one get on. */
bool __wrap_preempt_pending(void)
{
	static unsigned asked;

	(void)arch_now();
	if (++asked % 8 == 0 && running != SETUP)
		hold(SETUP);
	return __real_preempt_pending();
}

/* ---- What the kernel calls before each atomic operation (hook.h) ------------------------------ */

/* Whom to let go on here, or SETUP. */
static unsigned choice(const struct lane *lane)
{
	uint64_t random = storm_random(lane->tag + 1000u + lane->step * 1000u, lane->nth);
	unsigned next = (unsigned)(random >> 8) % cpus_count;

	if (random % HOLD_ONE_IN != 0 || next == running || storm_phase() != PHASE_RUN ||
	    !is_allowed(lane->tag, lane->nth, lane->step, 0))
		return SETUP;
	return next;
}

void model_at(enum model_op op, const volatile void *at, unsigned bytes, const char *where)
{
	struct lane *lane = &lanes[running % STORM_CPUS_MAX];
	unsigned next;

	(void)op;
	(void)at;
	(void)bytes;
	(void)where;
	if (running == SETUP)
		return;
	lane->step++;
	next = choice(lane);
	if (next == SETUP)
		return;
	note(&(struct run_item){
		.tag = lane->tag, .nth = lane->nth, .step = lane->step, .to = (uint16_t)next});
	hold(next);
}

void model_after_or(const volatile void *at, uint64_t old)
{
	(void)at;
	(void)old;
}

void model_lock(struct spinlock *lock, const char *where)
{
	uint16_t self = lock_owner_name(running);

	model_at(MODEL_RMW, lock, sizeof(*lock), where);
	if (lock->owner == self) {
		fprintf(stderr, "broken rule: taken twice: %s\n", where);
		abort();
	}
	while (lock->owner != 0) {
		fuzz_check(running != SETUP);
		hold(SETUP);
	}
	lock->owner = self;
}

void model_unlock(struct spinlock *lock, const char *where)
{
	if (lock->owner != lock_owner_name(running)) {
		fprintf(stderr, "broken rule: not held: %s\n", where);
		abort();
	}
	lock->owner = 0;
	model_at(MODEL_STORE, lock, sizeof(*lock), where);
}

/* ---- A run ----------------------------------------------------------------------------------- */

static void turns(bool (*until)(void))
{
	uint64_t count = 0;
	unsigned turn = 0;

	while (!until()) {
		unsigned next = wanted != SETUP ? wanted : turn++ % cpus_count;

		if (++count > TURNS_MAX + 100 * run_now->rounds * cpus_count) {
			fprintf(stderr, "broken rule: no end (phase %u)\n", storm_phase());
			_exit(RUN_ENDLESS);
		}
		go(next);
	}
}

static bool is_over(void)
{
	return storm_phase() == PHASE_OVER;
}

void seeded_run(struct run *run)
{
	static struct run *given;

	if (run->replayed) {
		given = run_new();
		*given = *run;
		run_allowed = given;
		index_make();
	}
	run_now = run;
	storm_planted = run->planted;
	run->count = 0;
	storm_world_make(run->seed, run->cpus);
	storm_cpus_reset(run->rounds);
	for (unsigned i = 0; i < run->cpus; i++) {
		lanes[i].tag = (uint16_t)(200 + i);
		coroutine_make(&lanes[i].coroutine, lanes[i].stack, STACK_BYTES, lane_main);
	}
	turns(storm_rounds_over);
	storm_phase_set(PHASE_DRAIN);
	turns(storm_all_quiet);
	storm_world_check();
	storm_janitor_start();
	storm_phase_set(PHASE_END);
	turns(is_over);
	storm_world_check_end();
}
