/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The benchmark program: what its parts share.
 *
 * Under instruction counting one instruction is one nanosecond of virtual time, whichever CPU executes
 * it, so a difference of two readings of the counter is a number of instructions, summed over all CPUs.
 * The counter's grain is 16 of them: average.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <abi/types.h>

struct bench {
	unsigned cpus;
	bool quick;
	bool asked;           /* booted with sched.successor=off: every block asks the dispatcher */
	bool wall;            /* the clock is the host's: only rows of wall time, else all others */
	unsigned runs;        /* of each row */
	time_ns_t started_ns; /* when the program was */
};

extern struct bench bench;

/*
 * One run of a row: returns the figure, in the row's unit.  *@n: how many operations it averages or
 * samples it orders.  Ends the program if it cannot be measured.
 */
struct bench_row {
	const char *id;
	const char *unit;
	unsigned cpus; /* of the machine that it is measured on */
	bool asked;    /* in a boot in which every block asks the dispatcher */
	bool wall;     /* a ratio of two wall times */
	double (*run)(unsigned part, uint64_t *n);
	unsigned parts; /* figures of one run: rows id.names[part]; 0: one, named id */
	const char *names[3];
	const char *note; /* printed with it; NULL: none */
};

#define BENCH_PARTS_MAX 3u

extern const struct bench_row bench_ipc_rows[];
extern const struct bench_row bench_interrupt_rows[];
extern const struct bench_row bench_switch_rows[];
extern const struct bench_row bench_process_rows[];
extern const struct bench_row bench_quality_rows[];
extern const struct bench_row bench_latency_rows[];
extern const struct bench_row bench_entries_rows[];

/* What a program that was started with crowd=N at=NS does: N threads that are busy from then on. */
_Noreturn void bench_crowd(unsigned threads, time_ns_t start_ns);

static inline uint64_t bench_ticks(void)
{
	uint64_t ticks;

	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(ticks) : : "memory");
	return ticks;
}

/*
 * Marks for `baton bench --breakdown`: hints that do nothing.  What is executed from the last
 * bench_begin() to bench_end(), by whichever thread, belongs to the operation.
 */
static inline void bench_begin(void)
{
	__asm__ volatile("hint #80" : : : "memory");
}

static inline void bench_end(void)
{
	__asm__ volatile("hint #81" : : : "memory");
}

/* Costs what a mark costs. */
static inline void bench_no_mark(void)
{
	__asm__ volatile("hint #82" : : : "memory");
}

/* Ticks as instructions (nanoseconds). */
double bench_ns(uint64_t ticks);

/* What one pass of an empty loop of the same shape costs, to be subtracted. */
double bench_loop_ns(uint64_t n);

/* The value that p percent of the samples do not exceed; sorts them. */
double bench_percentile(uint32_t *samples, size_t count, double percent);
