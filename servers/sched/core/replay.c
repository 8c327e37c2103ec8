/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happened while this dispatcher was not asked, in the order in which it happened: the kernel ran the
 * successor (or, on an idle CPU, the first that became ready), and threads woke that could not change the
 * decision.  The queue is taken through the same steps that it would have taken if it had been asked each
 * time: whoever wakes joins at the virtual time of its wake, not at that of now.
 *
 * Bad at: more than UPCALL_EVENTS_MAX records at once: those of the next batch count as later.
 */
#include <base/math.h>

#include "bill.h"
#include "core.h"
#include "event.h"
#include "replay.h"
#include "sleep.h"
#include "stats.h"
#include "thread.h"
#include "upcall.h"

struct replay {
	struct sched_server *server;
	struct sched_cpu *cpu;
	const struct sched_upcall *upcall;
	uint32_t count;
	uint32_t running_at; /* record of who ran until now, `count` if there is none */
	uint64_t filter_key; /* of the stretch that ends now; no wake with a smaller one waited */
	time_ns_t ran_ns;    /* what it ran and was not charged for yet */
	time_ns_t end_ns;    /* of its stretch */
	uint32_t done;       /* record that says nothing else, likewise */
	time_ns_t time_ns[UPCALL_EVENTS_MAX]; /* of each record, see event_time() */
	uint8_t order[UPCALL_EVENTS_MAX];
};

static const struct sched_event *event_at(const struct replay *replay, uint32_t at)
{
	return sched_upcall_event(replay->upcall, at);
}

static uint32_t event_of(const struct replay *replay, const struct sched_thread *thread)
{
	uint32_t at = 0;

	while (thread != NULL && at < replay->count && event_at(replay, at)->tag != thread->tid)
		at++;
	return thread == NULL ? replay->count : at;
}

/*
 * When this record's wake was, if it was filtered; all else entered the dispatcher, and is now.  So is that
 * of who ran until now: that it blocked made the entry, and what woke it came while the CPU entered.
 */
static time_ns_t event_time(const struct replay *replay, const struct sched_event *event)
{
	const struct sched_thread *thread = sched_thread_find(replay->server, event->tag);
	const bool woke = EVENT_STATE(event->info) == EVENT_READY && event->first_ready_ns != 0 &&
			  (event->info & EVENT_WOKE_SINCE) != 0;
	const bool filtered = woke && thread != NULL && thread != replay->cpu->running &&
			      thread->key >= replay->filter_key;

	return filtered ? min_u64(event->first_ready_ns, replay->upcall->now_ns)
			: replay->upcall->now_ns;
}

/* The running thread ran until the end of its stretch without a pause. */
static void charge_until(struct replay *replay, time_ns_t at_ns)
{
	const time_ns_t after_ns = min_u64(replay->ran_ns, replay->end_ns - at_ns);

	if (replay->running_at == replay->count)
		return;
	sched_thread_charge(replay->cpu, replay->cpu->running, replay->ran_ns - after_ns, at_ns);
	replay->ran_ns = after_ns;
}

/* Record `at` is of who ran until then. */
static void stretch_begin(struct replay *replay, uint32_t at, time_ns_t end_ns)
{
	replay->running_at = at;
	replay->end_ns = end_ns;
	replay->ran_ns = at < replay->count ? event_at(replay, at)->ran_ns : 0;
}

/* Sleepers whose time came, before that one. */
static void sleepers_until(struct replay *replay, time_ns_t at_ns)
{
	time_ns_t due_ns;

	if (!replay->cpu->sleepers_wait)
		return;
	while ((due_ns = sched_sleep_next(replay->cpu)) < at_ns) {
		charge_until(replay, due_ns);
		sched_sleep_expire(replay->server, replay->cpu, due_ns);
	}
}

/* It blocked in a timed request, which is a sleep.  Its record says no more, unless something has happened to
 * it since. */
static void sleeps(struct replay *replay, struct sched_thread *thread, uint32_t at)
{
	const struct sched_event *event = event_at(replay, at);
	struct sched_cpu *cpu = replay->cpu;

	sched_stat_add(&cpu->stats->requests, 1);
	sched_sleep_add(cpu, thread, replay->upcall->buffer->switched_sleep_ns);
	cpu->sleepers_wait = true;
	thread->seq = event->seq;
	if (EVENT_STATE(event->info) == EVENT_BLOCKED && EVENT_CAUSE(event->info) == CAUSE_REQUEST)
		replay->done = at;
}

/* The picked thread blocked, and the kernel ran the successor.  Returns the record of the former, whose
 * time is charged now. */
static uint32_t succeed(struct replay *replay, struct sched_thread *next, time_ns_t at_ns)
{
	struct sched_cpu *cpu = replay->cpu;
	struct sched_thread *before = cpu->running;
	const uint32_t at = event_of(replay, before);

	if (at < replay->count) {
		struct sched_event event = *event_at(replay, at);

		stretch_begin(replay, at, at_ns);
		sleepers_until(replay, at_ns);
		event.ran_ns = replay->ran_ns;
		sched_event_blocked(replay->server, cpu, before, &event, at_ns);
		if (replay->upcall->buffer->switched_sleep_ns != 0)
			sleeps(replay, before, at);
	}
	/* Those that were due at that very moment would have been seen there, too. */
	sched_sleep_expire(replay->server, cpu, at_ns);
	cpu->running = NULL;
	if (next == NULL) {
		cpu->last_run = NULL;
	} else if (next->state == SCHED_READY && sched_thread_settled(cpu, next)) {
		sched_succeed(cpu, next, at_ns);
	}
	return at;
}

/* The CPU idled, and the kernel ran the first that became ready. */
static void run_first(struct replay *replay, struct sched_thread *first, time_ns_t at_ns)
{
	struct sched_cpu *cpu = replay->cpu;
	const uint32_t at = event_of(replay, first);
	struct policy_pick pick;

	if (at == replay->count)
		return;

	struct sched_event woke = *event_at(replay, at);

	woke.info = (word_t)EVENT_READY | (word_t)CAUSE_WAKE << 8;
	woke.ran_ns = 0;
	sched_event_apply(replay->server, cpu, &woke, at_ns);
	if (first->state != SCHED_READY || !sched_thread_settled(cpu, first))
		return; /* a balancer, or sent on to where it may run */
	cpu->policy->pick(policy_cpu(cpu), at_ns, replay->server->pick_flags, &pick);
	if (pick.thread != policy_thread(first))
		return;
	cpu->running = first;
	sched_stat_dispatch(cpu, first, at_ns);
}

/* By time; among equals as they were posted, but `last`, of which the wake is done, is last: of now. */
static void order_make(struct replay *replay, uint32_t last)
{
	for (uint32_t i = 0; i < replay->count; i++) {
		const time_ns_t time_ns = i == last ? replay->upcall->now_ns
						    : event_time(replay, event_at(replay, i));
		uint32_t at = i;

		for (; at > 0 && i != last; at--) {
			const uint32_t other = replay->order[at - 1];

			if (other != last && replay->time_ns[other] <= time_ns)
				break;
			replay->order[at] = replay->order[at - 1];
		}
		replay->order[at] = (uint8_t)i;
		replay->time_ns[i] = time_ns;
	}
}

static void apply_in_order(struct replay *replay, uint32_t first_run)
{
	for (uint32_t i = 0; i < replay->count; i++) {
		const uint32_t at = replay->order[i];
		struct sched_event event = *event_at(replay, at);
		const time_ns_t time_ns = replay->time_ns[at];

		sleepers_until(replay, time_ns);
		charge_until(replay, time_ns);
		if (at == replay->done)
			continue;
		/* Its wake is done: only what came afterwards counts. */
		if (at == first_run)
			event.info &= ~(EVENT_BLOCKED_SINCE | EVENT_WOKE_SINCE);
		sched_event_apply(replay->server, replay->cpu, &event, time_ns);
	}
	sleepers_until(replay, replay->upcall->now_ns);
}

bool sched_filtered_any(struct sched_server *server, const struct sched_cpu *cpu,
			const struct sched_upcall *upcall)
{
	const uint32_t count = sched_upcall_count(upcall);

	for (uint32_t i = 0; cpu->filter_key != UINT64_MAX && i < count; i++) {
		const struct sched_event *event = sched_upcall_event(upcall, i);
		const struct sched_thread *thread = sched_thread_find(server, event->tag);

		if ((event->info & EVENT_WOKE_SINCE) != 0 && thread != NULL &&
		    thread->key >= cpu->filter_key)
			return true;
	}
	return false;
}

/* It did not wait for the filter of the successor.  That one itself cannot: that it blocked was an entry. */
straight bool unfiltered(const struct sched_cpu *cpu, const struct sched_thread *thread,
			 const struct sched_event *event)
{
	return (event->info & EVENT_WOKE_SINCE) == 0 || thread->key < cpu->next_filter_key;
}

/* The records are of the one that was picked and of its successor.  Both are in the queue here, as they were
 * when that was decided. */
straight bool pair_is(const struct sched_cpu *cpu, const struct sched_event *of_before,
		      const struct sched_event *of_next, struct sched_pair *pair)
{
	pair->of_before = of_before;
	pair->of_next = of_next;
	return of_before->tag == pair->before->tid && of_next->tag == pair->next->tid &&
	       unfiltered(cpu, pair->before, of_before);
}

/* Nobody's sleep ends, and that thread is in none. */
straight bool none_sleeps(const struct sched_cpu *cpu, const struct sched_thread *thread,
			  time_ns_t now_ns)
{
	return heap_first(&cpu->sleepers) == NULL ||
	       (sched_sleep_next(cpu) > now_ns && !heap_inside(&thread->sleep_node));
}

/* Nothing else is to be done in this upcall than what the policy's nap() does, one CPU alone. */
straight bool only_napped(const struct sched_cpu *cpu, const struct sched_upcall *upcall,
			  const struct sched_pair *pair)
{
	const struct sched_thread *before = pair->before;
	const struct sched_event *of_before = pair->of_before, *of_next = pair->of_next;
	const uint32_t gone = SCHED_THREAD_FRESH | SCHED_THREAD_ENDED | SCHED_THREAD_NOWHERE;
	const word_t plain = 0xffff | EVENT_BLOCKED_SINCE; /* state and cause */

	return sched_event_state(of_before) == EVENT_READY &&
	       (of_next->info & plain) == (EVENT_READY | CAUSE_PREEMPTED << 8) &&
	       cpu->unusual == 0 && cpu->policy->nap != NULL && upcall->status == ERR_OK &&
	       (upcall->info & (UPCALL_REQUEST | UPCALL_MORE)) == 0 &&
	       none_sleeps(cpu, before, upcall->now_ns) && of_before->ran_ns != 0 &&
	       before->joined && (before->params->flags & gone) == 0 &&
	       __atomic_load_n(before->bill_ns, __ATOMIC_RELAXED) == 0 && of_next->ran_ns != 0;
}

enum sched_replayed sched_replay_pair(struct sched_server *server, struct sched_cpu *cpu,
				      const struct sched_upcall *upcall, struct policy_pick *pick)
{
	const word_t either = UPCALL_REQUEST | UPCALL_MORE;
	const word_t what = upcall->info & (UPCALL_EVENTS(~0ull) | UPCALL_SWITCHED | either);
	const struct upcall_buffer *buffer = upcall->buffer;
	struct sched_pair pair = {.before = cpu->running, .next = cpu->successor};
	struct sched_thread *first;
	bool billed = false;

	if ((what | either) != (2 | UPCALL_SWITCHED | either) || pair.next == NULL ||
	    buffer->switched_tag != pair.next->tid || buffer->switched_sleep_ns != 0)
		return SCHED_REPLAY_OTHER;
	if (pair_is(cpu, &upcall->first, &buffer->events[1], &pair)) {
		billed = only_napped(cpu, upcall, &pair);
		if (billed) {
			sched_entry_bill(cpu, pair.of_before->ran_ns + pair.of_next->ran_ns,
					 upcall->now_ns);
			if (sched_events_nap(server, cpu, upcall, &pair, pick)) {
				cpu->payer = pair.before;
				return SCHED_REPLAY_PICKED;
			}
		}
	} else if (pair_is(cpu, &buffer->events[1], &upcall->first, &pair)) {
		pair.next_first = true;
	} else {
		return SCHED_REPLAY_OTHER;
	}
	if (cpu->sleepers_wait)
		return SCHED_REPLAY_OTHER;
	if (!billed)
		sched_entry_bill(cpu, pair.of_before->ran_ns + pair.of_next->ran_ns,
				 upcall->now_ns);
	pair.at_ns = min_u64(buffer->switched_ns, upcall->now_ns);
	first = pair.next_first ? pair.next : pair.before;
	cpu->filter_key = cpu->next_filter_key;
	sched_events_pair(server, cpu, &pair, upcall->now_ns);
	cpu->payer = sched_thread_settled(cpu, first) ? first : NULL;
	return SCHED_REPLAY_DONE;
}

/* The kernel went on by itself: bring the queue to that moment.  True if the CPU was idle before. */
static bool switch_over(struct replay *replay, uint32_t *at)
{
	struct sched_cpu *cpu = replay->cpu;
	struct sched_thread *next = sched_thread_find(replay->server,
						      replay->upcall->buffer->switched_tag);
	const time_ns_t at_ns = min_u64(replay->upcall->buffer->switched_ns,
					replay->upcall->now_ns);

	cpu->filter_key = cpu->next_filter_key;
	if (cpu->decided_tid != 0) {
		*at = succeed(replay, next, at_ns);
		return false;
	}
	if (next != NULL) {
		*at = event_of(replay, next);
		run_first(replay, next, at_ns);
	}
	return true;
}

void sched_replay(struct sched_server *server, struct sched_cpu *cpu,
		  const struct sched_upcall *upcall, bool behind)
{
	struct replay replay; /* not zeroed as a whole: this is on the decision path */
	uint32_t first_run;   /* its record */
	uint32_t charged;     /* whose time is charged already */

	replay.server = server;
	replay.cpu = cpu;
	replay.upcall = upcall;
	replay.count = sched_upcall_count(upcall);
	first_run = charged = replay.done = replay.count;
	if ((upcall->info & UPCALL_SWITCHED) != 0 && cpu->decided_flags != 0) {
		uint32_t at = replay.count;

		if (switch_over(&replay, &at))
			first_run = at;
		else
			charged = at;
	}
	/* Nothing of it waited, the usual case; without a switch, something did. */
	if (first_run == replay.count && !behind && replay.done == replay.count &&
	    (upcall->info & UPCALL_SWITCHED) != 0 && !sched_filtered_any(server, cpu, upcall)) {
		sched_events_apply(server, cpu, upcall, charged);
		return;
	}
	replay.filter_key = cpu->filter_key;
	stretch_begin(&replay, event_of(&replay, cpu->running), upcall->now_ns);
	for (uint32_t i = 0; i < replay.count; i++)
		if (i != charged && i != replay.running_at)
			sched_event_charge(server, cpu, event_at(&replay, i), upcall->now_ns);
	order_make(&replay, first_run);
	apply_in_order(&replay, first_run);
}
