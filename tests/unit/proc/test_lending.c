/* SPDX-License-Identifier: BSD-2-Clause */
/* Who waits for which mutex, and what that lends: against a model that follows every path anew. */
#include <criterion/criterion.h>
#include <string.h>

#include "lending.h"

#define THREADS  40u
#define KEYS     5u
#define STEPS    4000u
#define SEEDS    20u
#define LENT_MAX 80u

static struct lending lending;
static struct lending_thread threads[THREADS];

/* The model. */
static struct model {
	enum lending_state state;
	unsigned holder;
	uint64_t key;
	unsigned since;
	uint32_t base;
} model[THREADS];
static unsigned now;

static uint64_t number;

static uint32_t random_below(uint32_t limit)
{
	number = number * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(number >> 33) % limit;
}

static void setup(void)
{
	lending_init(&lending);
	lending.lent_max = LENT_MAX;
	memset(model, 0, sizeof(model));
	now = 0;
	for (unsigned i = 0; i < THREADS; i++)
		lending_thread_init(&threads[i]);
}

TestSuite(lending, .init = setup);

static unsigned number_of(const struct lending_thread *thread)
{
	return (unsigned)(thread - threads);
}

static void base_set(unsigned i, uint32_t base)
{
	model[i].base = base;
	threads[i].base = base;
}

/* From each that waits along its path; 0: nothing reaches it. */
static uint32_t model_lent(unsigned to)
{
	uint32_t lent = 0;

	for (unsigned from = 0; from < THREADS; from++) {
		unsigned at = from;

		for (unsigned i = 0; i < LENDING_DEPTH_MAX && model[at].state == LENDING_WAITS;
		     i++) {
			at = model[at].holder;
			if (at == to && model[from].base > lent)
				lent = model[from].base;
		}
	}
	return lent < LENT_MAX ? lent : LENT_MAX;
}

static uint32_t model_urgency(unsigned i)
{
	const uint32_t lent = model_lent(i);

	return lent > model[i].base ? lent : model[i].base;
}

static unsigned model_waiters(unsigned of)
{
	unsigned waiters = 0;

	for (unsigned i = 0; i < THREADS; i++)
		waiters += model[i].state == LENDING_WAITS && model[i].holder == of;
	return waiters;
}

static void compare(void)
{
	lending_count(&lending);
	for (unsigned i = 0; i < THREADS; i++) {
		const struct lending_thread *thread = &threads[i];

		cr_assert_eq(thread->state, model[i].state);
		if (thread->state == LENDING_WAITS)
			cr_assert_eq(number_of(thread->holder), model[i].holder);
		if (!list_linked(&thread->link)) {
			cr_assert_eq(model[i].state, LENDING_FREE);
			cr_assert_eq(model_waiters(i), 0);
			continue;
		}
		cr_assert_eq(thread->waiters, model_waiters(i));
		cr_assert_eq(thread->lent, model_lent(i));
		if (lending_idle(thread))
			lending_remove(&threads[i]);
		base_set(i, model[i].base);
	}
}

static void step_wait(unsigned i, unsigned holder, uint64_t key)
{
	struct lending_thread *said = &threads[holder];
	enum error error = ERR_OK;

	for (unsigned owner = 0; owner < THREADS; owner++)
		if (model[owner].state == LENDING_OWNS && model[owner].key == key)
			holder = owner;
	if (model[i].state == LENDING_WAITS)
		error = ERR_STATE;
	else if (holder == i)
		error = ERR_ARG;
	else
		model[i] = (struct model){LENDING_WAITS, holder, key, ++now, model[i].base};
	cr_assert_eq(lending_wait(&lending, &threads[i], said, key), error);
}

static void step_take(unsigned i, uint64_t key, bool leaves)
{
	static const enum error errors[] = {
		[LENDING_FREE] = ERR_STATE,
		[LENDING_WAITS] = ERR_WOULD_BLOCK,
		[LENDING_OWNS] = ERR_OK,
		[LENDING_LEFT] = ERR_NOT_FOUND,
	};

	const bool same = model[i].state != LENDING_FREE && model[i].key == key;

	cr_assert_eq(lending_take(&threads[i], key, leaves),
		     same ? errors[model[i].state] : ERR_STATE);
	if (!same)
		return;
	if (model[i].state == LENDING_LEFT || (model[i].state == LENDING_WAITS && leaves))
		model[i].state = LENDING_FREE;
}

static unsigned model_owner(uint64_t key)
{
	for (unsigned at = 0; at < THREADS; at++)
		if (model[at].state == LENDING_OWNS && model[at].key == key)
			return at;
	return THREADS;
}

static bool model_waits(unsigned at, unsigned holder, uint64_t key)
{
	return model[at].state == LENDING_WAITS && model[at].key == key &&
	       model[at].holder == holder;
}

static void step_pass(unsigned from, uint64_t key)
{
	const unsigned owner = model_owner(key);
	struct lending_thread *next;
	unsigned best = THREADS;

	if (owner != THREADS && owner != from) {
		cr_assert_eq(lending_pass(&lending, &threads[from], key, &next), ERR_OK);
		cr_assert_null(next);
		return;
	}
	for (unsigned at = 0; at < THREADS; at++) {
		if (!model_waits(at, from, key))
			continue;
		if (best == THREADS || model_urgency(at) > model_urgency(best) ||
		    (model_urgency(at) == model_urgency(best) &&
		     model[at].since < model[best].since))
			best = at;
	}
	if (owner != THREADS)
		model[owner].state = LENDING_FREE;
	cr_assert_eq(lending_pass(&lending, &threads[from], key, &next),
		     best == THREADS ? ERR_NOT_FOUND : ERR_OK);
	cr_assert_eq(next == NULL ? THREADS : number_of(next), best);
	if (best == THREADS)
		return;
	model[best].state = LENDING_OWNS;
	for (unsigned at = 0; at < THREADS; at++)
		if (model_waits(at, from, key))
			model[at].holder = best;
}

static void step_end(unsigned i)
{
	struct lending_thread *waiter;

	while ((waiter = lending_leave_one(&lending, &threads[i])) != NULL) {
		cr_assert_eq(model[number_of(waiter)].state, LENDING_WAITS);
		cr_assert_eq(model[number_of(waiter)].holder, i);
		model[number_of(waiter)].state = LENDING_LEFT;
	}
	cr_assert_eq(model_waiters(i), 0);
	lending_remove(&threads[i]);
	model[i] = (struct model){.base = model[i].base};
	base_set(i, model[i].base);
}

static void step(unsigned many)
{
	const unsigned i = random_below(many);
	const uint64_t key = random_below(KEYS);

	switch (random_below(16)) {
	default:
		step_wait(i, random_below(many), key);
		break;
	case 10:
	case 11:
		step_take(i, random_below(4) == 0 ? key : model[i].key, random_below(4) == 0);
		break;
	case 12:
	case 13:
		step_pass(model_owner(key) != THREADS && random_below(4) != 0 ? model_owner(key)
									      : i,
			  key);
		break;
	case 14:
		base_set(i, random_below(100));
		break;
	case 15:
		if (random_below(4) == 0)
			step_end(i);
	}
}

Test(lending, is_as_the_model_says)
{
	for (unsigned seed = 0; seed < SEEDS; seed++) {
		number = seed;
		setup();
		for (unsigned i = 0; i < STEPS; i++) {
			step(seed % 2 == 0 ? 6 : THREADS);
			compare();
		}
	}
}

/* A chain of all: what the last one lends reaches LENDING_DEPTH_MAX of them. */
Test(lending, depth_is_bounded)
{
	for (unsigned i = 0; i + 1 < THREADS; i++)
		step_wait(i, i + 1, i);
	base_set(0, 70);
	compare();
	cr_assert_eq(threads[LENDING_DEPTH_MAX].lent, 70);
	cr_assert_eq(threads[LENDING_DEPTH_MAX + 1].lent, 0);
}

/* A ring lends its greatest to all of it, and nobody waits for ever to find that out. */
Test(lending, ring_of_threads_that_wait_for_each_other)
{
	for (unsigned i = 0; i < 3; i++)
		step_wait(i, (i + 1) % 3, i);
	base_set(1, 30);
	compare();
	for (unsigned i = 0; i < 3; i++)
		cr_assert_eq(threads[i].lent, 30);
	step_take(1, 1, true);
	compare();
	for (unsigned i = 0; i < 3; i++)
		cr_assert_eq(threads[i].lent, 0);
}

/* Whom others see in the word has passed the mutex on already. */
Test(lending, who_comes_after_it_was_passed_on_waits_for_the_owner)
{
	step_wait(1, 0, 7);
	base_set(1, 10);
	base_set(2, 20);
	step_pass(0, 7);
	step_wait(2, 0, 7);
	compare();
	cr_assert_eq(number_of(threads[2].holder), 1);
	cr_assert_eq(threads[1].lent, 20);
	cr_assert_eq(threads[0].lent, 0);
}

Test(lending, no_more_is_lent_than_may_be)
{
	step_wait(1, 0, 7);
	base_set(1, LENT_MAX + 10);
	compare();
	cr_assert_eq(threads[0].lent, LENT_MAX);
}
