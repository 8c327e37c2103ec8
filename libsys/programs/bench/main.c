/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench [quick | long] [asked | fifo | scale | wall] [only=ID]: measures what can be measured on a machine
 * with this number of CPUs that was booted so (enum bench_mode).
 *
 * Each figure is one line for `baton bench`:
 *     @@BATON-BENCH id unit n min median max note...
 * Bad at: a machine without instruction counting, where the figures are wall time and mean little, except
 * the ratios of `wall`.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libsys/clock.h>
#include <libsys/process.h>
#include <libsys/threads.h>
#include <proc/slots.h>

#include "../lib/program.h"

#define RUNS_MAX 5u

struct bench bench;

static const char *only;

cptr_t bench_own_notification(void)
{
	return thread_reply_slot() - PROC_THREAD_SLOT_REPLY + PROC_THREAD_SLOT_PARK;
}

double bench_ns(uint64_t ticks)
{
	uint64_t hz;

	__asm__("mrs %0, cntfrq_el0" : "=r"(hz));
	return (double)ticks * 1e9 / (double)hz;
}

double bench_loop_ns(uint64_t n)
{
	uint64_t start = bench_ticks();

	for (uint64_t i = 0; i < n; i++)
		__asm__ volatile("" : : : "memory");
	return bench_ns(bench_ticks() - start) / (double)n;
}

static int compare_samples(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a;
	uint32_t right = *(const uint32_t *)b;

	return (left > right) - (left < right);
}

double bench_percentile(uint32_t *samples, size_t count, double percent)
{
	if (count == 0)
		return 0;
	qsort(samples, count, sizeof(*samples), compare_samples);
	return (double)samples[(size_t)((double)(count - 1) * percent / 100)];
}

static int compare_figures(const void *a, const void *b)
{
	double left = *(const double *)a;
	double right = *(const double *)b;

	return (left > right) - (left < right);
}

static void print_figure(const struct bench_row *row, unsigned part, double *figures, uint64_t n)
{
	char id[64];

	qsort(figures, bench.runs, sizeof(*figures), compare_figures);
	if (row->parts)
		snprintf(id, sizeof(id), "%s.%s", row->id, row->names[part]);
	else if (row->cpus == 0)
		snprintf(id, sizeof(id), "%s.%u", row->id, bench.cpus);
	else
		snprintf(id, sizeof(id), "%s", row->id);
	printf("@@BATON-BENCH %s %s %lu %.4f %.4f %.4f %s\n", id, row->unit, (unsigned long)n,
	       figures[0], figures[bench.runs / 2], figures[bench.runs - 1],
	       row->note ? row->note : "");
	fflush(stdout);
}

static void measure(const struct bench_row *row)
{
	double figures[BENCH_PARTS_MAX][RUNS_MAX];
	unsigned parts = row->parts ? row->parts : 1;
	uint64_t n = 0;

	for (unsigned run = 0; run < bench.runs; run++)
		for (unsigned part = 0; part < parts; part++)
			figures[part][run] = row->run(part, &n);
	for (unsigned part = 0; part < parts; part++)
		print_figure(row, part, figures[part], n);
}

static void measure_all(const struct bench_row *rows)
{
	for (; rows->id; rows++)
		if ((rows->cpus == 0 || rows->cpus == bench.cpus) && rows->mode == bench.mode &&
		    (!only || strncmp(rows->id, only, strlen(only)) == 0))
			measure(rows);
}

/* Whether @word is the name of a mode, which is then the program's. */
static bool choose_mode(const char *word)
{
	static const char *const names[] = {
		[BENCH_ASKED] = "asked",
		[BENCH_FIFO] = "fifo",
		[BENCH_SCALE] = "scale",
		[BENCH_WALL] = "wall",
	};

	for (enum bench_mode mode = BENCH_ASKED; mode <= BENCH_WALL; mode++) {
		if (strcmp(word, names[mode]) == 0) {
			bench.mode = mode;
			return true;
		}
	}
	return false;
}

/* Returns if @word is neither crowd=N nor burst=N. */
static void be_many(const char *word, time_ns_t start_ns, word_t object)
{
	if (strncmp(word, "crowd=", 6) == 0)
		bench_crowd((unsigned)strtoul(word + 6, NULL, 10), start_ns);
	if (strncmp(word, "burst=", 6) == 0)
		bench_burst((unsigned)strtoul(word + 6, NULL, 10), start_ns, object);
}

int main(int argc, char **argv)
{
	if (argc == 4 && strncmp(argv[2], "at=", 3) == 0 && strncmp(argv[3], "in=", 3) == 0)
		be_many(argv[1], strtoull(argv[2] + 3, NULL, 10), strtoull(argv[3] + 3, NULL, 10));
	bench.started_ns = clock_now_ns();
	bench.cpus = program_cpus();
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "quick") == 0) {
			bench.quick = true;
		} else if (strcmp(argv[i], "long") == 0) {
			bench.long_loads = true;
		} else if (strncmp(argv[i], "only=", 5) == 0) {
			only = argv[i] + 5;
		} else if (!choose_mode(argv[i])) {
			fprintf(stderr, "usage: bench [quick | long] [asked | fifo | scale | wall] "
					"[only=ID]\n");
			return 2;
		}
	}
	bench.runs = bench_brief() || bench.long_loads ? 1 : RUNS_MAX;
	/* What boot leaves for later, pages to be zeroed, takes some milliseconds: not from the first row. */
	thread_sleep_until(clock_now_ns() + 50u * NS_PER_MS);
	measure_all(bench_process_rows);
	measure_all(bench_ipc_rows);
	measure_all(bench_switch_rows);
	measure_all(bench_interrupt_rows);
	measure_all(bench_latency_rows);
	measure_all(bench_entries_rows);
	measure_all(bench_quality_rows);
	measure_all(bench_burst_rows);
	measure_all(bench_scale_rows);
	measure_all(bench_metric_rows);
	return 0;
}
