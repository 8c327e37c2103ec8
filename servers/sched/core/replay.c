/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happened while this dispatcher was not asked, in the order in which it happened: the kernel ran the
 * successor (or, on an idle CPU, the first that became ready), and threads woke that could not change the
 * decision.  The queue is taken through the same steps that it would have taken if it had been asked each
 * time: whoever wakes joins at the virtual time of its wake, not at that of now.
 *
 * Bad at: more than UPCALL_EVENTS_MAX records at once: those of the next batch count as later.
 */
#include "core.h"

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

/* Who was picked is in the queue here while it is cpu->running. */
straight bool pair_find(struct sched_server *server, const struct sched_cpu *cpu,
			const struct sched_upcall *upcall, struct sched_pair *pair)
{
	const struct upcall_buffer *buffer = upcall->buffer;
	const struct sched_event *first = &upcall->first, *second = &buffer->events[1];
	struct sched_thread *before = cpu->running;
	struct sched_thread *next = sched_thread_find(server, buffer->switched_tag);

	if (before == NULL || next == NULL || next->state != SCHED_READY ||
	    !sched_thread_settled(cpu, next))
		return false;
	pair->next_first = first->tag != before->tid;
	pair->before = before;
	pair->next = next;
	pair->of_before = pair->next_first ? second : first;
	pair->of_next = pair->next_first ? first : second;
	pair->at_ns = min_u64(buffer->switched_ns, upcall->now_ns);
	return pair->of_before->tag == before->tid && pair->of_next->tag == next->tid &&
	       unfiltered(cpu, before, pair->of_before);
}

enum sched_replayed sched_replay_pair(struct sched_server *server, struct sched_cpu *cpu,
				      const struct sched_upcall *upcall, struct policy_pick *pick)
{
	struct sched_pair pair;
	struct sched_thread *first;

	if (UPCALL_EVENTS(upcall->info) != 2 || (upcall->info & UPCALL_SWITCHED) == 0 ||
	    (cpu->decided_flags & (DECISION_SUCCESSOR | DECISION_AGAIN)) != DECISION_SUCCESSOR ||
	    cpu->sleepers_wait || upcall->buffer->switched_sleep_ns != 0 ||
	    !pair_find(server, cpu, upcall, &pair))
		return SCHED_REPLAY_OTHER;
	first = pair.next_first ? pair.next : pair.before;
	sched_entry_bill(cpu, pair.of_before->ran_ns + pair.of_next->ran_ns, upcall->now_ns);
	if (sched_events_nap(server, cpu, upcall, &pair, pick)) {
		cpu->payer = first;
		return SCHED_REPLAY_PICKED;
	}
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
