/* SPDX-License-Identifier: BSD-2-Clause */
/* A client of the scheduler server that makes groups and joins them. */
#pragma once

#include <abi/ipc.h>
#include <criterion/criterion.h>

#include "bench.h"

#define MS 1000000u

static inline void open_1(void)
{
	bench_open(1, policies[0], places[0]);
}

static inline void open_2(void)
{
	bench_open(2, policies[0], places[0]);
}

static inline void start_on(uint32_t cpu, uint32_t tid)
{
	bench_thread(tid, 1024);
	(void)bench_event(cpu, tid, BENCH_READY(CAUSE_START), 0);
}

static inline word_t badge_of(uint32_t tid)
{
	return sched_badge(bench_shared->params[tid].pid, POLICY_WEIGHT_MAX);
}

/* A request in the thread's own right; returns the answer. */
static inline enum error ask(uint32_t tid, word_t label, word_t w0, word_t w1, word_t w2, word_t w3,
			     word_t *result)
{
	bench_clear_calls();
	(void)bench_request_as(bench_server->threads[tid].home, tid, badge_of(tid), label, w0, w1,
			       w2, w3);
	cr_assert_eq(bench_answers_count, 1);
	if (result != NULL)
		*result = bench_answers[0].w1;
	return bench_answers[0].error;
}

static inline word_t group_new(uint32_t tid, word_t parent, word_t weight, word_t quota_ns,
			       word_t period_ns)
{
	word_t id = 0;

	cr_assert_eq(ask(tid, SCHED_REQ_GROUP_CREATE, parent, weight, quota_ns, period_ns, &id),
		     ERR_OK);
	cr_assert_neq(id, 0);
	return id;
}

static inline enum error join(uint32_t tid, word_t group)
{
	return ask(tid, SCHED_REQ_SET_PARAM, 0, SCHED_PARAM_GROUP, group, 0, NULL);
}

static inline word_t field(word_t group, enum sched_group_field which)
{
	word_t value = 0;

	bench_clear_calls();
	(void)bench_request(0, 5, SCHED_REQ_GROUP_GET, group, which, 0, 0);
	cr_assert_eq(bench_answers[0].error, ERR_OK);
	value = bench_answers[0].w1;
	return value;
}
