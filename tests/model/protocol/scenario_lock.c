/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lock that others may claim (include_lock/claim): one CPU inside at a time, everybody gets in, no
 * claim stays behind.  Its limits are as small as can be, so that every way through the wait is taken.
 * That the order of memory suffices is argued in <kern/spin.h>.
 */
#include "hook_atomic.h"

#include "scenario.h"

static struct spin lock;
static unsigned inside; /* atomic, for the explorer: others may look in between */
static unsigned total;

static void enter(unsigned patience, unsigned polite)
{
	uint16_t name = (uint16_t)(cpu_running() + 1);

	if (!spin_attempt(&lock))
		spin_wait_as(&lock, name, patience, polite);
	must(__atomic_fetch_add(&inside, 1, __ATOMIC_RELAXED) == 0);
	total++;
	must(__atomic_fetch_add(&inside, -1u, __ATOMIC_RELAXED) == 1);
	spin_give(&lock);
}

static void enter_impatient(struct tcb *tcb)
{
	(void)tcb;
	enter(0, 1);
}

static void enter_patient(struct tcb *tcb)
{
	(void)tcb;
	enter(1, 1);
}

static void enter_rude(struct tcb *tcb)
{
	(void)tcb;
	enter(1, 0);
}

static void lock_reset(uint16_t claim)
{
	lock = (struct spin){.claim = claim};
	inside = 0;
	total = 0;
}

static void twice_each_setup(void)
{
	lock_reset(0);
	for (unsigned i = 0; i < 2; i++)
		world_thread(i, PROGRAM(KERNEL(enter_impatient), KERNEL(enter_impatient)));
}

static void three_setup(void)
{
	lock_reset(0);
	world_thread(0, PROGRAM(KERNEL(enter_impatient)));
	world_thread(1, PROGRAM(KERNEL(enter_patient)));
	world_thread(2, PROGRAM(KERNEL(enter_rude)));
}

/* Somebody has claimed it and never comes. */
#define STALLED 9u

static void stalled_setup(void)
{
	lock_reset(STALLED);
	world_thread(0, PROGRAM(KERNEL(enter_patient), KERNEL(enter_patient)));
	world_thread(1, PROGRAM(KERNEL(enter_impatient)));
}

static void all_have_been_inside(uint16_t claim)
{
	unsigned wanted = 0;

	for (unsigned i = 0; i < world_threads_count; i++) {
		must(thread_finished(world_threads[i]));
		wanted += thread_done(world_threads[i]);
	}
	must(total == wanted);
	must(lock.held == 0 && lock.claim == claim);
}

static void claims_are_gone(void)
{
	all_have_been_inside(0);
}

static void claim_has_stayed(void)
{
	all_have_been_inside(STALLED);
}

const struct scenario scenarios_lock[] = {
	SCENARIO("lock-claim", 2, twice_each_setup, claims_are_gone),
	SCENARIO("lock-claim-three", 3, three_setup, claims_are_gone),
	SCENARIO("lock-claim-stalled", 2, stalled_setup, claim_has_stayed),
	{.name = NULL},
};
