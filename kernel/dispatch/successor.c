/* SPDX-License-Identifier: BSD-2-Clause */
/* Wake filter, successor, first to run.  See <kern/successor.h>. */
#include <kern/event.h>
#include <kern/ipi.h>
#include <kern/ready.h>
#include <kern/request.h>
#include <kern/successor.h>
#include <kern/timer.h>

enum error dispatch_check(const struct core *core, const struct tcb *payer, word_t seq)
{
	if (byte_hint(&payer->object.dying) != 0)
		return ERR_DEAD;
	if (tcb_home(payer) != core)
		return ERR_FOREIGN;
	if (payer->sched != SCHED_READY)
		return ERR_NOT_READY;
	if (payer->seq != seq)
		return ERR_BAD_SEQ;
	return ERR_OK;
}

/* Lock of home held: the filter's end is to enter the dispatcher. */
static void filter_note(struct core *home) LOCK_REQUIRES(home->lock)
{
	if (__atomic_load_n(&home->filtered, __ATOMIC_RELAXED))
		return;
	/* Relaxed: the request orders it for another CPU. */
	__atomic_store_n(&home->filtered, true, __ATOMIC_RELAXED);
	if (home == this_core())
		timer_update(home);
	else if (home->filter_arms)
		core_post(home, CORE_REQUEST_TIMER);
}

bool filter_wake(struct core *home, const struct tcb *payer, time_ns_t now)
{
	if (now >= home->filter_until_ns ||
	    __atomic_load_n(&payer->key, __ATOMIC_RELAXED) < home->filter_key)
		return false;
	counter_add(&this_core()->stats.filtered_wakes, 1);
	filter_note(home);
	return true;
}

bool filter_change(struct core *home)
{
	if (home->filter_until_ns == 0 || home->filter_key != FILTER_KEY_CHANGES)
		return false;
	filter_note(home); /* if it is over, that enters at once */
	return true;
}

void filter_expire(struct core *core, time_ns_t now)
{
	if (!__atomic_load_n(&core->filtered, __ATOMIC_RELAXED))
		return;
	spin_lock(&core->lock);
	if (core->filter_until_ns <= now) {
		core->filter_until_ns = 0;
		__atomic_store_n(&core->filtered, false, __ATOMIC_RELAXED);
		core->reasons |= 1u << REASON_KICK;
	}
	spin_unlock(&core->lock);
}

void first_set(struct core *core, time_ns_t slice_ns, time_ns_t again_until_ns)
{
	core->idle_slice_ns = slice_ns;
	core->again_until_ns = again_until_ns;
}

bool first_claim(struct core *home, struct tcb *payer)
{
	if (home->first_slice_ns == 0)
		return false;
	home->next.tcb = payer;
	home->next.seq = payer->seq;
	home->next.slice_ns = home->first_slice_ns;
	home->next.until_ns = TIME_NEVER;
	home->next.filter_until_ns = 0;
	home->first_slice_ns = 0;
	successor_arm(home, true);
	core_post(home, CORE_REQUEST_FIRST);
	return true;
}

/* Lock held: nobody asks anything, but for who has just blocked. */
static bool requests_may_wait(const struct core *core) LOCK_REQUIRES(core->lock)
{
	const struct list_node *waiting = &core->requests_waiting;

	if (core->next.asks == NULL)
		return list_empty(waiting);
	return waiting->next == &core->next.asks->request_link && waiting->prev == waiting->next;
}

/* Lock held. */
static bool successor_good(const struct core *core, time_ns_t now) LOCK_REQUIRES(core->lock)
{
	const struct core_next *next = &core->next;

	return successor_armed(core) && now < next->until_ns && requests_may_wait(core) &&
	       (next->tcb == NULL || dispatch_check(core, next->tcb, next->seq) == ERR_OK);
}

/*
 * Lock held: the dispatcher is told of the timed request with the switch, and enters for it at its time at
 * the latest; or, as for a thread that the filter holds back, when that ends.
 */
static void successor_sleep(struct core *core, struct tcb *asks, time_ns_t now)
	LOCK_REQUIRES(core->lock)
{
	const struct core_next *next = &core->next;
	time_ns_t enter_ns = asks->request_words[0];
	time_ns_t soonest = time_after(now, SLICE_MIN_NS);

	request_put_off(core, asks);
	core->switched_sleep_ns = enter_ns;
	if (enter_ns < next->filter_until_ns &&
	    __atomic_load_n(&asks->key, __ATOMIC_RELAXED) >= next->filter_key)
		enter_ns = next->filter_until_ns;
	if (enter_ns < soonest)
		enter_ns = soonest;
	if (enter_ns < core->server_timer_ns)
		core->server_timer_ns = enter_ns;
}

/* Lock held. */
static void successor_dispatch(struct core *core, time_ns_t now) LOCK_REQUIRES(core->lock)
{
	struct tcb *tcb = core->next.tcb;

	core->reasons = 0;
	core->switched = true;
	core->untold = 1;
	core->switched_ns = now;
	core->switched_tag = 0;
	core->filter_until_ns = 0;
	core->slice_end_ns = TIME_NEVER;
	if (core->next.asks != NULL)
		successor_sleep(core, core->next.asks, now);
	core->next.asks = NULL;
	if (tcb == NULL) {
		core->first_slice_ns = core->idle_slice_ns;
		return;
	}
	core->switched_tag = __atomic_load_n(&tcb->tag, __ATOMIC_RELAXED);
	core->slice_end_ns = time_after(now, core->next.slice_ns);
	filter_set(core, core->next.filter_until_ns, core->next.filter_key);
	core_dispatch(core, tcb, now);
}

/* Lock held: the thread just dispatched was run first.  Idle follows it, as a successor; what it leaves
 * behind is told at the end of the terms at the latest. */
static void first_follow(struct core *core, time_ns_t now) LOCK_REQUIRES(core->lock)
{
	event_first(core->payer, now);
	/* Who arrives or starts was sent here by somebody who waits to hear that this CPU idles again. */
	if (EVENT_CAUSE(core->payer->event_info) != CAUSE_WAKE)
		return;
	if (now >= core->again_until_ns)
		return;
	core->next.tcb = NULL;
	core->next.until_ns = core->again_until_ns;
	successor_arm(core, true);
	if (core->server_timer_ns > core->again_until_ns)
		core->server_timer_ns = core->again_until_ns;
}

static bool successor_next(struct core *core, time_ns_t now, bool first)
{
	bool good;

	spin_lock(&core->lock);
	good = successor_good(core, now);
	successor_arm(core, false);
	if (good) {
		successor_dispatch(core, now);
		if (first)
			first_follow(core, now);
		timer_starvation_lazy(core);
	}
	spin_unlock(&core->lock);
	if (good)
		timer_update(core);
	return good;
}

bool successor_run(struct core *core, time_ns_t now)
{
	return successor_next(core, now, false);
}

/*
 * The bit may be an old one: the dispatcher was entered for something else, and has decided.  On a
 * bound CPU that has nothing to do and no reason to do anything, only first_claim() arms next; whoever
 * disarmed it has kicked, or took the decision back.
 */
void first_run(struct core *core)
{
	time_ns_t now;

	if (core->current != NULL || core->reasons != 0)
		return;
	now = arch_now();
	if (successor_next(core, now, true))
		counter_add(&core->stats.first_runs, 1);
}
