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

/* The machine that a row wants; `baton bench` boots it so and says its word. */
enum bench_mode {
	BENCH_USUAL,
	BENCH_ASKED, /* sched.successor=off: every block asks the dispatcher */
	BENCH_FIFO,  /* sched=fifo */
	BENCH_SCALE, /* rows that are measured on machines of 1 to 64 CPUs */
	BENCH_WALL,  /* the clock is the host's */
};

struct bench {
	unsigned cpus;
	bool quick;
	bool long_loads; /* metric.c: for as long as the suite that they follow */
	enum bench_mode mode;
	unsigned runs;        /* of each row */
	time_ns_t started_ns; /* when the program was */
};

extern struct bench bench;

/* One run of few operations: what is compared between machines shows in the second digit. */
static inline bool bench_brief(void)
{
	return bench.quick || bench.mode == BENCH_SCALE;
}

#define BENCH_PARTS_MAX 5u

/*
 * One run of a row: returns the figure, in the row's unit.  *@n: how many operations it averages or
 * samples it orders.  Ends the program if it cannot be measured.
 */
struct bench_row {
	const char *id;
	const char *unit;
	unsigned cpus; /* of the machine that it is measured on; 0: any, and id.CPUS is the row */
	enum bench_mode mode;
	double (*run)(unsigned part, uint64_t *n);
	unsigned parts; /* figures of one run: rows id.names[part]; 0: one, named id */
	const char *names[BENCH_PARTS_MAX];
	const char *note; /* printed with it; NULL: none */
};

extern const struct bench_row bench_ipc_rows[];
extern const struct bench_row bench_interrupt_rows[];
extern const struct bench_row bench_switch_rows[];
extern const struct bench_row bench_process_rows[];
extern const struct bench_row bench_quality_rows[];
extern const struct bench_row bench_latency_rows[];
extern const struct bench_row bench_entries_rows[];
extern const struct bench_row bench_burst_rows[];
extern const struct bench_row bench_scale_rows[];
extern const struct bench_row bench_metric_rows[];

/* What a program that was started with crowd=N at=NS does: N threads that are busy from then on. */
_Noreturn void bench_crowd(unsigned threads, time_ns_t start_ns);

/* With burst=N at=NS in=OBJECT: N threads that are woken together then, and some times more. */
_Noreturn void bench_burst(unsigned threads, time_ns_t start_ns, word_t object);

/* The calling thread's own notification, on which libsys parks it: nobody signals it unasked. */
cptr_t bench_own_notification(void);

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
