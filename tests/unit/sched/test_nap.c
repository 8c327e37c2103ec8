/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread that slept while its successor ran, told to the policy in one step: all that can be seen of the
 * server is as if the policy knew no such step.
 */
#include <criterion/criterion.h>

#include "bench.h"
#include "core/core.h"

#define MS    1000000u
#define US    1000u
#define STEPS 8000u
#define TIDS  3u /* 5 and 6, and 7, which sleeps by request */

struct seen {
	struct sched_decision decision;
	struct sched_thread_stats stats[TIDS];
	uint64_t debt_ns[TIDS];
	uint32_t payer, state[TIDS];
	struct policy_record record[TIDS];
};

static struct seen seen[2][STEPS];
static uint32_t taken, refused;

static uint32_t nap_counted(struct policy_cpu *cpu, struct policy_thread *thread,
			    struct policy_thread *next, uint64_t ran_ns, uint64_t next_ran_ns,
			    uint64_t now_ns, uint32_t flags, struct policy_pick *out)
{
	const uint32_t napped = policy_eevdf.nap(cpu, thread, next, ran_ns, next_ran_ns, now_ns,
						 flags, out);

	if (napped == 0)
		refused++;
	else
		taken++;
	return napped;
}

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
		now->decision.successor_slice_ns = decision->successor_slice_ns;
		now->decision.successor_until_ns = decision->successor_until_ns;
	}
	for (uint32_t i = 0; i < TIDS; i++) {
		struct sched_thread *thread = &bench_server->threads[5 + i];

		now->stats[i] = bench_shared->stats[5 + i];
		now->debt_ns[i] = thread->debt_ns;
		now->state[i] = thread->state * 8u + thread->in_request * 4u + thread->woke * 2u +
				thread->turn_over;
		cpu->policy->save(policy_cpu_const(cpu), policy_thread(thread), &now->record[i]);
		now->record[i].words[POLICY_RECORD_WORDS - 1] = 0; /* nothing is there */
	}
}

/* What happened to the one that was picked, and to its successor. */
static struct sched_decision followed(uint64_t *seed, uint32_t tid, uint32_t next)
{
	const word_t slept = EVENT_BLOCKED_SINCE | EVENT_WOKE_SINCE;
	const time_ns_t ran_ns = draw(seed, 4) == 0 ? draw(seed, 300 * US)
						    : draw(seed, 9) * draw(seed, 300);
	const time_ns_t at_ns = bench_now + ran_ns;
	const time_ns_t next_ran_ns = draw(seed, 12) * draw(seed, 5) * draw(seed, 80 * US);
	struct sched_event events[2];
	const struct sched_event of_tid = {
		.tag = tid,
		.info = draw(seed, 12) == 0 ? BENCH_BLOCKED(CAUSE_IPC) | EVENT_BLOCKED_SINCE
					    : BENCH_READY(CAUSE_WAKE) | slept,
		.ran_ns = ran_ns,
		.first_ready_ns = draw(seed, 3) == 0 ? 0 : at_ns + next_ran_ns / 2};
	const struct sched_event of_next = {
		.tag = next,
		.info = draw(seed, 12) == 0  ? BENCH_READY(CAUSE_WAKE) | slept
			: draw(seed, 8) == 0 ? BENCH_READY(CAUSE_SLICE)
					     : BENCH_READY(CAUSE_PREEMPTED),
		.ran_ns = next_ran_ns};
	const bool first = draw(seed, 8) != 0;

	events[first ? 0 : 1] = of_tid;
	events[first ? 1 : 0] = of_next;
	if (draw(seed, 10) == 0)
		bench_shared->bill_ns[tid] += draw(seed, 50 * US);
	if (draw(seed, 10) == 0)
		bench_shared->bill_ns[next] += draw(seed, 50 * US);
	bench_now = at_ns + next_ran_ns + draw(seed, 2 * US);
	return bench_switched(0, events, 2, next, at_ns);
}

/* The picked one goes on, sleeps, or is alone; others come. */
static struct sched_decision other(uint64_t *seed, const struct sched_decision *last)
{
	const uint32_t tid = 5 + (uint32_t)draw(seed, 2);

	bench_now += draw(seed, 100 * US);
	if (bench_server->threads[tid].state != SCHED_READY)
		return bench_event(0, tid, BENCH_READY(CAUSE_WAKE), 0);
	if (tid != last->tid)
		return bench_nothing(0, ERR_OK);
	if (draw(seed, 2) == 0)
		return bench_event(0, tid, BENCH_BLOCKED(CAUSE_IPC), draw(seed, 2 * US));
	return bench_event(0, tid, BENCH_READY(CAUSE_SLICE), draw(seed, 2 * US));
}

/* The successor has that weight and asks for that slice. */
static void live(const struct policy_ops *policy, uint32_t weight, uint64_t slice_ns,
		 struct seen *out)
{
	struct sched_decision d;
	uint64_t seed = 1;

	bench_open(1, policy, places[0]);
	bench_server->offers = POLICY_PICK_FILTER | POLICY_PICK_SUCCESSOR;
	for (uint32_t tid = 5; tid < 5 + TIDS; tid++) {
		bench_thread(tid, tid == 5 ? 1024 : weight);
		bench_shared->params[tid].slice_ns = tid == 5   ? 2 * MS / 10
						     : tid == 6 ? slice_ns
								: MS / 10;
	}
	(void)bench_event(0, 5, BENCH_READY(CAUSE_START), 0);
	(void)bench_event(0, 7, BENCH_READY(CAUSE_START), 0);
	(void)bench_request(0, 7, SCHED_REQ_SLEEP, bench_now + MS, 0, 0, 0);
	d = bench_event(0, 6, BENCH_READY(CAUSE_START), 0);
	for (uint32_t step = 0; step < STEPS; step++) {
		if (bench_server->threads[7].state == SCHED_READY)
			d = bench_request(0, 7, SCHED_REQ_SLEEP, bench_now + draw(&seed, 9 * MS), 0,
					  0, 0);
		else if ((d.flags & (DECISION_SUCCESSOR | DECISION_AGAIN)) == DECISION_SUCCESSOR &&
			 d.successor_tid != 0)
			d = followed(&seed, d.tid, d.successor_tid);
		else
			d = other(&seed, &d);
		look(&out[step], &d);
	}
	bench_close();
}

static void compare(uint32_t weight, uint64_t slice_ns)
{
	struct policy_ops counting = policy_eevdf, stepwise = policy_eevdf;

	counting.nap = nap_counted;
	stepwise.nap = NULL;
	taken = 0;
	refused = 0;
	live(&counting, weight, slice_ns, seen[0]);
	live(&stepwise, weight, slice_ns, seen[1]);
	for (uint32_t step = 0; step < STEPS; step++)
		cr_assert_eq(memcmp(&seen[0][step], &seen[1][step], sizeof(seen[0][step])), 0,
			     "step %u", step);
	cr_expect_gt(taken, STEPS / 40, "%u", taken);
	cr_expect_gt(refused, STEPS / 400, "%u", refused);
}

Test(sched_nap, nobody_can_tell)
{
	compare(60, 3 * MS);
}

/* The one that wakes does not always preempt. */
Test(sched_nap, nobody_can_tell_beside_an_equal_one)
{
	compare(1500, 3 * MS / 10);
}
