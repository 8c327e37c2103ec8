/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread that yields is told as a record, or asks for it (as one does whom the kernel must let ask): all
 * that can be seen of the server is the same.
 */
#include <criterion/criterion.h>

#include "bench.h"
#include "core/core.h"

#define MS    1000000u
#define US    1000u
#define STEPS 6000u
#define FIRST 5u
#define TIDS  4u

struct seen {
	struct sched_decision decision;
	struct sched_cpu_stats cpu;
	struct sched_thread_stats stats[TIDS];
	uint64_t debt_ns[TIDS];
	uint32_t payer, state[TIDS];
	struct policy_record record[TIDS];
};

struct setting {
	const struct policy_ops *policy;
	uint32_t cpus, offers;
	bool groups;
};

static struct seen seen[2][STEPS];
static uint32_t yields, crowded;
static bool asks; /* by request */

static uint64_t draw(uint64_t *seed, uint64_t below)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (*seed >> 33) % below;
}

static void look(struct seen *now, const struct sched_decision *decision)
{
	const struct sched_cpu *cpu = &bench_server->cpu[0];

	memset(now, 0, sizeof(*now));
	now->payer = cpu->payer == NULL ? 0 : cpu->payer->tid;
	now->cpu = *cpu->stats;
	now->decision.kind = decision->kind;
	now->decision.tid = decision->tid;
	now->decision.seq = decision->seq;
	now->decision.slice_ns = decision->slice_ns;
	now->decision.timer_ns = decision->timer_ns;
	now->decision.flags = decision->flags;
	if ((decision->flags & DECISION_FILTER) != 0)
		now->decision.filter_until_ns = decision->filter_until_ns;
	if ((decision->flags & DECISION_SUCCESSOR) != 0) {
		now->decision.successor_tid = decision->successor_tid;
		now->decision.successor_seq = decision->successor_seq;
		now->decision.successor_until_ns = decision->successor_until_ns;
	}
	for (uint32_t i = 0; i < TIDS; i++) {
		struct sched_thread *thread = &bench_server->threads[FIRST + i];

		now->stats[i] = bench_shared->stats[FIRST + i];
		now->debt_ns[i] = thread->debt_ns;
		now->state[i] = thread->state * 8u + thread->in_request * 4u + thread->woke * 2u +
				thread->turn_over;
		cpu->policy->save(policy_cpu_const(cpu), policy_thread(thread), &now->record[i]);
	}
}

static struct sched_event of_yield(uint32_t tid, time_ns_t ran_ns)
{
	return (struct sched_event){.tag = tid,
				    .info = asks ? BENCH_BLOCKED(CAUSE_REQUEST) |
							    EVENT_BLOCKED_SINCE
						 : BENCH_READY(CAUSE_YIELD),
				    .ran_ns = ran_ns};
}

static bool sleeps(uint32_t tid)
{
	return bench_server->threads[tid].state == SCHED_OUT;
}

/* Whoever may wake now, into events; returns how many. */
static uint32_t wakes(uint64_t *seed, struct sched_event *events, uint32_t but, time_ns_t ran_ns)
{
	uint32_t count = 0;

	for (uint32_t tid = FIRST; tid < FIRST + TIDS; tid++)
		if (tid != but && sleeps(tid) && draw(seed, 4) == 0)
			events[count++] = (struct sched_event){
				.tag = tid,
				.info = BENCH_READY(CAUSE_WAKE) | EVENT_WOKE_SINCE,
				.first_ready_ns = bench_now - draw(seed, ran_ns + 1)};
	return count;
}

/* The successor of `tid`, which blocked, yields. */
static struct sched_decision next_yields(uint64_t *seed, uint32_t tid, uint32_t next)
{
	const time_ns_t ran_ns = draw(seed, 20 * US), next_ran_ns = draw(seed, 20 * US);
	const time_ns_t at_ns = bench_now + ran_ns;
	struct sched_event events[2] = {{.tag = tid,
					 .info = BENCH_BLOCKED(CAUSE_IPC) | EVENT_BLOCKED_SINCE,
					 .ran_ns = ran_ns},
					of_yield(next, next_ran_ns)};

	bench_now = at_ns + next_ran_ns + draw(seed, US);
	return bench_yield(0, events, 2, asks ? next : 0, next, at_ns);
}

static struct sched_decision one_yields(uint64_t *seed, uint32_t tid)
{
	const time_ns_t ran_ns = draw(seed, 3) == 0 ? draw(seed, 4 * MS) : draw(seed, 4 * US);
	struct sched_event events[TIDS + 1];
	uint32_t count;

	bench_now += ran_ns + draw(seed, US);
	count = wakes(seed, &events[1], tid, ran_ns);
	events[0] = of_yield(tid, ran_ns);
	yields++;
	crowded += count != 0;
	if (count != 0 &&
	    draw(seed, 4) == 0) { /* its own comes first, and the others in the next batch */
		(void)bench_more(0, events, 1);
		return bench_yield(0, &events[1], count, asks ? tid : 0, 0, 0);
	}
	if (draw(seed, 4) != 0) { /* the last one, as it is mostly */
		memmove(&events[0], &events[1], count * sizeof(events[0]));
		events[count] = of_yield(tid, ran_ns);
	}
	return bench_yield(0, events, count + 1, asks ? tid : 0, 0, 0);
}

static struct sched_decision wake_one(uint64_t *seed)
{
	const uint32_t tid = FIRST + (uint32_t)draw(seed, TIDS);

	bench_now += draw(seed, 100 * US);
	return sleeps(tid) ? bench_event(0, tid, BENCH_READY(CAUSE_WAKE), 0)
			   : bench_nothing(0, ERR_OK);
}

static struct sched_decision next(uint64_t *seed, const struct sched_decision *last)
{
	const uint64_t what = draw(seed, 12);

	if (last->kind != DECISION_RUN)
		return wake_one(seed);
	if ((last->flags & DECISION_SUCCESSOR) != 0 && last->successor_tid != 0 && what < 2)
		return next_yields(seed, last->tid, last->successor_tid);
	if (what < 8)
		return one_yields(seed, last->tid);
	bench_now += draw(seed, 2 * MS);
	if (what == 8)
		return bench_event(0, last->tid, BENCH_READY(CAUSE_SLICE), draw(seed, 2 * MS));
	if (what == 9)
		return bench_request(0, last->tid, SCHED_REQ_SLEEP, bench_now + draw(seed, MS), 0,
				     0, 0);
	if (what == 10)
		return bench_event(0, last->tid, BENCH_BLOCKED(CAUSE_IPC), draw(seed, MS));
	return wake_one(seed);
}

static void group_up(void)
{
	word_t group;

	bench_clear_calls();
	(void)bench_request(0, FIRST, SCHED_REQ_GROUP_CREATE, 0, 700, 5 * MS, 10 * MS);
	group = bench_answers[0].w1;
	cr_assert_neq(group, 0);
	for (uint32_t tid = FIRST + 1; tid < FIRST + 3; tid++)
		(void)bench_request(0, tid, SCHED_REQ_SET_PARAM, 0, SCHED_PARAM_GROUP, group, 0);
}

static void live(const struct setting *setting, bool by_request, struct seen *out)
{
	static const uint32_t weights[TIDS] = {1024, 335, 1024, 3121};
	struct sched_decision d = {0};
	uint64_t seed = 1;

	asks = by_request;
	yields = 0;
	crowded = 0;
	bench_open(setting->cpus, setting->policy, places[0]);
	bench_server->offers = setting->offers;
	for (uint32_t i = 0; i < TIDS; i++) {
		bench_thread(FIRST + i, weights[i]);
		bench_shared->params[FIRST + i].affinity = cpumask_first(1);
		bench_shared->params[FIRST + i].slice_ns = i == 3 ? MS / 10 : 3 * MS;
		d = bench_event(0, FIRST + i, BENCH_READY(CAUSE_START), 0);
	}
	if (setting->groups)
		group_up();
	for (uint32_t step = 0; step < STEPS; step++) {
		d = next(&seed, &d);
		look(&out[step], &d);
	}
	bench_close();
}

static void compare(struct setting setting)
{
	live(&setting, false, seen[0]);
	live(&setting, true, seen[1]);
	for (uint32_t step = 0; step < STEPS; step++)
		cr_assert_eq(memcmp(&seen[0][step], &seen[1][step], sizeof(seen[0][step])), 0,
			     "step %u", step);
	cr_expect_gt(yields, STEPS / 4, "%u", yields);
	cr_expect_gt(crowded, STEPS / 50, "%u", crowded);
}

#define OFFERS (POLICY_PICK_FILTER | POLICY_PICK_SUCCESSOR)

Test(sched_yield, every_policy_is_told_the_same)
{
	for (uint32_t i = 0; i < policies_count; i++)
		compare((struct setting){.policy = policies[i], .cpus = 1, .offers = OFFERS});
}

Test(sched_yield, also_where_nothing_is_offered)
{
	compare((struct setting){.policy = policies[0], .cpus = 1});
}

Test(sched_yield, also_on_one_cpu_of_several)
{
	compare((struct setting){.policy = policies[0], .cpus = 2, .offers = OFFERS});
}

Test(sched_yield, also_in_a_group)
{
	compare((struct setting){
		.policy = policies[0], .cpus = 1, .offers = OFFERS, .groups = true});
}
