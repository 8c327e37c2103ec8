/* SPDX-License-Identifier: BSD-2-Clause */
/* One run queue for unit tests: threads by index (the tid), a clock, and check() after each step. */
#pragma once

#include <criterion/criterion.h>
#include <policy.h>
#include <stdlib.h>

struct bench_thread {
	struct policy_params params;
	uint64_t service_ns; /* counted here, not by the policy */
	_Alignas(POLICY_ALIGN) unsigned char blob[POLICY_THREAD_BYTES_MAX];
};

struct bench {
	const struct policy_ops *ops;
	struct bench_thread *threads;
	uint32_t count;
	uint64_t now_ns;
	struct policy_pick picked;
	uint32_t tid;    /* of the picked thread, UINT32_MAX if none */
	bool unchecked;  /* large queues: no check() after each step */
	uint32_t flags;  /* of every pick */
	uint32_t steps;  /* that were checked */
	uint64_t digest; /* of every pick: who, and for how long */
	_Alignas(POLICY_ALIGN) unsigned char cpu[POLICY_CPU_BYTES_MAX];
};

struct bench *bench_make(const struct policy_ops *ops, uint32_t threads);
void bench_free(struct bench *bench);
/* check(), whatever `unchecked` says: a broken rule fails the test with its number and the dump. */
void bench_check(struct bench *bench);
struct policy_cpu *bench_cpu(struct bench *bench);
struct policy_thread *bench_thread(struct bench *bench, uint32_t tid);
/* thread_init with these values. */
void bench_thread_make(struct bench *bench, uint32_t tid, uint32_t weight, uint64_t slice_ns);
/* Make and enqueue as after a sleep with lag 0: a whole request. */
void bench_add(struct bench *bench, uint32_t tid, uint32_t weight, uint64_t slice_ns);
void bench_add_class(struct bench *bench, uint32_t tid, uint32_t weight, uint64_t slice_ns,
		     enum policy_class class);
void bench_enqueue(struct bench *bench, uint32_t tid, enum policy_join reason);
void bench_dequeue(struct bench *bench, uint32_t tid, enum policy_leave reason);
void bench_params(struct bench *bench, uint32_t tid, uint32_t weight, uint64_t slice_ns);
/* Pick; returns the tid. */
uint32_t bench_pick(struct bench *bench);
/* The picked thread runs for so long; returns whether its request was done. */
bool bench_run(struct bench *bench, uint64_t ns);
/* That thread, in any state, ran for so long: elsewhere, or before this was heard of. */
void bench_charge(struct bench *bench, uint32_t tid, uint64_t ns);
/* pick, run the whole slice given (or lone_ns), until `until_ns`. */
void bench_run_until(struct bench *bench, uint64_t until_ns, uint64_t lone_ns);
struct policy_info bench_info(struct bench *bench, uint32_t tid);
double bench_number(struct policy_number number);
double bench_lag(struct bench *bench, uint32_t tid);
double bench_v(struct bench *bench);
void bench_set_lag(struct bench *bench, uint32_t tid, int64_t lag_ns);
/* A small generator, so that a seed means the same everywhere. */
uint64_t bench_random(uint64_t *state);

#define assert_near(actual, expected, tolerance)                                            \
	cr_assert_float_eq((actual), (expected), (tolerance), "%s is %.9f, should be %.9f", \
			   #actual, (double)(actual), (double)(expected))
