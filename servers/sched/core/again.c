/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happened on a CPU that was idle, and that the kernel let go idle again after each thread that it
 * ran first (DECISION_AGAIN).  Up to the last of these threads, which may run still, each one was alone
 * for all of its stays.  So they need not be told apart: the queue is empty before and after, nobody
 * is owed anything, and one stay as long as all of them leaves everything as they would have.
 *
 *   decided   the thread that the decision ran, if it was not idle; left when it blocked first
 *   stays     of each record, all but the one that the kernel is in: at some time before that one, one
 *             after the other, since the account of the policy goes by the clock
 *   last      who runs since `switched`, if anybody does: wakes then, and is charged with what is left
 *
 * Bad at: more than UPCALL_EVENTS_MAX records at once, as replay.c; a policy's account that is halved with
 * each sleep is halved once.
 */
#include <base/math.h>

#include "again.h"
#include "core.h"
#include "event.h"
#include "stats.h"
#include "thread.h"
#include "upcall.h"

struct again {
	struct sched_server *server;
	struct sched_cpu *cpu;
	const struct sched_upcall *upcall;
	struct sched_thread *last; /* NULL: the CPU idles */
	time_ns_t switched_ns;
	time_ns_t last_ns; /* what it ran since */
	time_ns_t at_ns;   /* the stays are over up to here */
};

/* Stays that are over, of a thread that was run first so often. */
static uint32_t stays_of(const struct again *again, const struct sched_thread *thread,
			 const struct sched_event *event)
{
	const uint32_t firsts = (uint32_t)EVENT_FIRSTS(event->info);

	return thread == again->last && firsts != 0 ? firsts - 1 : firsts;
}

/* What the thread of this record ran before the stay that the kernel is in. */
static time_ns_t ran_before(const struct again *again, const struct sched_thread *thread,
			    const struct sched_event *event)
{
	return event->ran_ns - (thread == again->last ? min_u64(event->ran_ns, again->last_ns) : 0);
}

/* It became ready on the idle CPU, and the kernel ran it.  False: it is not the policy's, or not to be
 * here. */
static bool stay_begin(struct again *again, struct sched_thread *thread,
		       const struct sched_event *event, time_ns_t at_ns)
{
	const uint32_t firsts = (uint32_t)EVENT_FIRSTS(event->info);
	const time_ns_t wait_ns = firsts != 0 ? EVENT_FIRSTS_WAIT_NS(event->info) / firsts : 0;
	struct sched_event woke = *event;

	woke.info = (word_t)EVENT_READY | (word_t)CAUSE_WAKE << 8;
	woke.ran_ns = 0;
	woke.first_ready_ns = sub_saturate_u64(at_ns, wait_ns);
	sched_event_apply(again->server, again->cpu, &woke, at_ns);
	if (thread->state != SCHED_READY || !sched_thread_settled(again->cpu, thread))
		return false;
	again->cpu->last_run = NULL;
	sched_stat_dispatch(again->cpu, thread, at_ns);
	return true;
}

/* All stays of this record that are over, as one. */
static void stays_replay(struct again *again, struct sched_thread *thread,
			 const struct sched_event *event, uint32_t stays)
{
	struct sched_event blocked = *event;

	blocked.ran_ns = ran_before(again, thread, event);
	if (!stay_begin(again, thread, event, again->at_ns))
		return;
	again->at_ns += blocked.ran_ns;
	sched_event_blocked(again->server, again->cpu, thread, &blocked, again->at_ns);
	again->cpu->last_run = NULL;
	sched_stat_firsts(thread, stays - 1,
			  EVENT_FIRSTS_WAIT_NS(event->info) / EVENT_FIRSTS(event->info));
}

/* The thread of the decision blocked.  If it stayed once more since, all that it ran is charged then: what it
 * was owed or owed is forgotten when it comes to the empty queue. */
static void decided_leave(struct again *again, struct sched_thread *thread,
			  const struct sched_event *event, uint32_t stays)
{
	struct sched_event blocked = *event;

	blocked.ran_ns = stays != 0 ? 0 : ran_before(again, thread, event);
	again->at_ns += blocked.ran_ns;
	sched_event_blocked(again->server, again->cpu, thread, &blocked, again->at_ns);
	again->cpu->last_run = NULL;
}

static void last_run(struct again *again, const struct sched_event *event)
{
	struct sched_cpu *cpu = again->cpu;
	struct policy_pick pick;

	if (!stay_begin(again, again->last, event, again->switched_ns))
		return;
	cpu->policy->pick(policy_cpu(cpu), again->switched_ns, again->server->pick_flags, &pick);
	if (pick.thread == policy_thread(again->last))
		cpu->running = again->last;
}

/* What is left of the records is of now.  Everybody is charged first, as in sched_events_apply(). */
static void rest_apply(struct again *again)
{
	const uint32_t count = sched_upcall_count(again->upcall);
	const time_ns_t now_ns = again->upcall->now_ns;
	struct sched_event rest[UPCALL_EVENTS_MAX];

	for (uint32_t i = 0; i < count; i++) {
		const struct sched_event *event = sched_upcall_event(again->upcall, i);
		const struct sched_thread *thread = sched_thread_find(again->server, event->tag);

		rest[i] = *event;
		if (EVENT_FIRSTS(event->info) != 0) {
			rest[i].ran_ns -= ran_before(again, thread, event);
			rest[i].info &= ~(EVENT_BLOCKED_SINCE | EVENT_WOKE_SINCE);
			rest[i].first_ready_ns = 0;
		} else if (event->tag == again->cpu->decided_tid) {
			rest[i].ran_ns = 0;
		}
		sched_event_charge(again->server, again->cpu, &rest[i], now_ns);
	}
	for (uint32_t i = 0; i < count; i++)
		sched_event_apply(again->server, again->cpu, &rest[i], now_ns);
}

void sched_replay_again(struct sched_server *server, struct sched_cpu *cpu,
			const struct sched_upcall *upcall)
{
	const uint32_t count = sched_upcall_count(upcall);
	struct again again = {.server = server, .cpu = cpu, .upcall = upcall};
	const struct sched_event *last = NULL;
	time_ns_t ran_ns = 0;

	again.last = sched_thread_find(server, upcall->buffer->switched_tag);
	again.switched_ns = min_u64(upcall->buffer->switched_ns, upcall->now_ns);
	again.last_ns = upcall->now_ns - again.switched_ns;
	for (uint32_t i = 0; i < count; i++) {
		const struct sched_event *event = sched_upcall_event(upcall, i);

		ran_ns += ran_before(&again, sched_thread_find(server, event->tag), event);
	}
	again.at_ns = sub_saturate_u64(again.switched_ns, ran_ns);
	for (uint32_t i = 0; i < count; i++) {
		const struct sched_event *event = sched_upcall_event(upcall, i);
		struct sched_thread *thread = sched_thread_find(server, event->tag);
		uint32_t stays;

		if (thread == NULL)
			continue;
		stays = stays_of(&again, thread, event);
		if (event->tag == cpu->decided_tid)
			decided_leave(&again, thread, event, stays);
		if (stays != 0)
			stays_replay(&again, thread, event, stays);
		if (thread == again.last)
			last = event;
	}
	if (last != NULL)
		last_run(&again, last);
	rest_apply(&again);
	cpu->filter_key = UINT64_MAX;
}
