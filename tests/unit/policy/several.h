/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A machine of several CPUs for tests of placement and balancing: hogs only, decisions and moves cost
 * nothing, every CPU has its own policy queue.  The real server is simulated by baton-sim; this one
 * sees nothing but the policy, the placement and the arithmetic of balancing.
 */
#pragma once

#include "bench.h"
#include <place.h>
#include <place/balance.h>

#define SEVERAL_CPUS_MAX    16u
#define SEVERAL_THREADS_MAX 64u

struct several_cpu {
	_Alignas(POLICY_ALIGN) unsigned char blob[POLICY_CPU_BYTES_MAX];
	uint32_t running; /* thread, UINT32_MAX if none */
	uint64_t since_ns;
	uint64_t ask_ns;
	uint64_t period_ns;
	uint64_t cursor;
};

struct several_thread {
	_Alignas(POLICY_ALIGN) unsigned char blob[POLICY_THREAD_BYTES_MAX];
	struct policy_params params;
	struct cpumask affinity;
	uint32_t cpu;
	uint64_t service_ns;
	double rate; /* ideal share, of one CPU */
	double error_max_ns;
};

struct several {
	const struct place_ops *place;
	uint32_t cpus;
	uint32_t threads;
	uint64_t now_ns;
	uint64_t migrations;
	uint64_t migrations_late; /* in the second half */
	struct several_cpu cpu[SEVERAL_CPUS_MAX];
	struct several_thread thread[SEVERAL_THREADS_MAX];
};

/* Threads of these weights, started on CPU 0 and placed by on_fork; runs for so long. */
struct several *several_run(uint32_t cpus, const uint32_t *weights, uint32_t threads,
			    uint64_t duration_ns);
/* F1, in ns; F2, relative; F3, per second and CPU, over the second half. */
double several_f1(const struct several *several);
double several_f2(const struct several *several);
double several_f3(const struct several *several);
