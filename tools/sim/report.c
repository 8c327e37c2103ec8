/* SPDX-License-Identifier: BSD-2-Clause */
/* Results: ideal shares, percentiles, tables for people. */
#include <base/ideal_workload.h>

#include "sim.h"

#include <stdlib.h>

#define NEVER_RAN_NAMES 8u /* that are told; of the others the number */

static int sample_compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

void sim_samples_sort(struct sim_samples *samples)
{
	if (samples->count > 1)
		qsort(samples->values, samples->count, sizeof(*samples->values), sample_compare);
}

/* The smallest sample that so many of all do not exceed; 0 if there are none. */
uint64_t sim_samples_percentile(const struct sim_samples *samples, uint32_t permille)
{
	if (samples->count == 0)
		return 0;
	size_t rank = (samples->count * permille + 999u) / 1000u;

	return samples->values[rank == 0 ? 0 : rank - 1];
}

/* 1 + index of the workload's group that the thread is in now; 0: none. */
uint32_t report_group(const struct sim *sim, uint32_t tid)
{
	const group_id_t id = sim->shared->params[tid].group;

	for (uint32_t i = 0; id != 0 && i < sim->config.workload->group_count; i++)
		if (sim->group_ids[i] == id)
			return i + 1;
	return 0;
}

void report_ideal(const struct sim *sim, double *ideal)
{
	const struct workload *workload = sim->config.workload;
	struct ideal_group groups[WORKLOAD_GROUPS_MAX];
	uint32_t count = sim->threads_count;
	struct ideal_task *tasks = calloc(count + 1, sizeof(*tasks));
	struct ideal_class *classes = calloc(count + 1, sizeof(*classes));

	if (tasks == NULL || classes == NULL)
		exit(1);
	for (uint32_t i = 0; i < count; i++)
		tasks[i] = workload_ideal_task(sim->threads[i + 1]->script.task, sim->now_ns);
	for (uint32_t i = 0; i < workload->group_count; i++)
		groups[i] = workload_ideal_group(&workload->groups[i]);
	if (count != 0 && ideal_share_groups(tasks, count, groups, workload->group_count,
					     sim->config.cpus, classes, count + 1) != ERR_OK)
		fputs("baton-sim: no ideal shares for this workload\n", stderr);
	for (uint32_t i = 0; i < count; i++)
		ideal[i + 1] = (double)tasks[i].rate / (double)IDEAL_ONE;
	free(tasks);
	free(classes);
}

/* ---- Tables
 * ------------------------------------------------------------------------------------ */

static double part(uint64_t ns, uint64_t of_ns)
{
	return of_ns == 0 ? 0 : (double)ns / (double)of_ns;
}

static double us(uint64_t ns)
{
	return (double)ns / 1e3;
}

static double ms(uint64_t ns)
{
	return (double)ns / 1e6;
}

static void tasks_table(const struct sim_report *report, FILE *out)
{
	const struct sim *sim = report->sim;

	fprintf(out, "%-20s %7s %8s %8s %8s %8s %8s %8s %8s  %s\n", "task", "weight", "share",
		"ideal", "runs", "preempt", "migrate", "wait ms", "wakes", "wake p50/p99/max us");
	for (uint32_t tid = 1; tid <= sim->threads_count; tid++) {
		const struct sim_thread *thread = sim->threads[tid];

		fprintf(out, "%-20s %7u %8.4f %8.4f %8llu %8llu %8llu %8.1f %8llu", thread->name,
			sim->shared->params[tid].weight, part(thread->cpu_ns, report->wall_ns),
			report->ideal[tid], (unsigned long long)thread->runs,
			(unsigned long long)thread->preemptions,
			(unsigned long long)thread->migrations, ms(thread->wait_max_ns),
			(unsigned long long)thread->wakes);
		if (thread->wake_ns.count > 0)
			fprintf(out, "  %.1f / %.1f / %.1f",
				us(sim_samples_percentile(&thread->wake_ns, 500)),
				us(sim_samples_percentile(&thread->wake_ns, 990)),
				us(sim_samples_percentile(&thread->wake_ns, 1000)));
		fputc('\n', out);
	}
}

static void groups_table(const struct sim_report *report, FILE *out)
{
	const struct sim *sim = report->sim;

	if (sim->config.workload->group_count == 0)
		return;
	fprintf(out, "\n%-20s %7s %8s %8s %10s  %s\n", "group", "weight", "share", "cap",
		"throttled", "periods");
	for (uint32_t i = 0; i < sim->config.workload->group_count; i++) {
		const struct workload_group *from = &sim->config.workload->groups[i];
		const struct group_record *group =
			&sim->server->groups.record[group_index(sim->group_ids[i])];

		fprintf(out, "%-20s %7u %8.4f ", from->name, from->weight,
			part(group->used_ns, report->wall_ns));
		if (from->quota_ns != 0)
			fprintf(out, "%8.4f", part(from->quota_ns, from->period_ns));
		else
			fprintf(out, "%8s", "-");
		fprintf(out, " %10.4f  %llu of %llu\n", part(group->throttled_ns, report->wall_ns),
			(unsigned long long)group->throttled_periods,
			(unsigned long long)group->periods);
	}
}

static void cpus_table(const struct sim_report *report, FILE *out)
{
	const struct sim *sim = report->sim;

	fprintf(out, "\n%-4s %8s %8s %8s %10s %10s %8s %8s\n", "cpu", "busy", "idle", "sched",
		"switches", "entries", "ipis", "stale");
	for (uint32_t i = 0; i < sim->config.cpus; i++) {
		const struct core_stats *stats = &sim->cpus[i].stats;
		uint64_t entries = 0;

		for (uint32_t reason = 0; reason < REASON_COUNT; reason++)
			entries += stats->entries[reason];
		fprintf(out, "%-4u %8.4f %8.4f %8.4f %10llu %10llu %8llu %8llu\n", i,
			part(stats->busy_ns, report->wall_ns),
			part(stats->idle_ns, report->wall_ns),
			part(stats->dispatcher_ns, report->wall_ns),
			(unsigned long long)stats->switches, (unsigned long long)entries,
			(unsigned long long)stats->ipis_sent,
			(unsigned long long)stats->stale_decisions);
	}
}

/* A share near 0 does not tell it: who sleeps has that by right. */
static void waits_lines(const struct sim *sim, FILE *out)
{
	const struct sim_thread *longest = sim->threads[1];
	uint32_t never = 0;

	for (uint32_t tid = 1; tid <= sim->threads_count; tid++)
		if (sim->threads[tid]->wait_max_ns > longest->wait_max_ns)
			longest = sim->threads[tid];
	if (longest != NULL)
		fprintf(out, "waited longest while it could run: %s, %.3f ms\n", longest->name,
			ms(longest->wait_max_ns));
	for (uint32_t tid = 1; tid <= sim->threads_count; tid++) {
		const struct sim_thread *thread = sim->threads[tid];

		if (thread->runs != 0 || thread->wait_max_ns == 0 || ++never > NEVER_RAN_NAMES)
			continue;
		fprintf(out, "%s%s", never == 1 ? "never ran, though it could: " : ", ",
			thread->name);
	}
	if (never > NEVER_RAN_NAMES)
		fprintf(out, " and %u more", never - NEVER_RAN_NAMES);
	if (never != 0)
		fputc('\n', out);
	fputc('\n', out);
}

void report_table(const struct sim_report *report, FILE *out)
{
	const struct sim *sim = report->sim;

	fprintf(out, "policy %s, placement %s, %u CPUs, %.6f s simulated, seed %llu\n",
		sim->config.policy->name, sim->config.place->name, sim->config.cpus,
		(double)report->wall_ns / 1e9, (unsigned long long)sim->config.seed);
	fprintf(out,
		"idle beside a waiting thread: %.3f us in all, %.3f us at a stretch; %llu "
		"decisions\n",
		us(sim->unserved_ns), us(sim->unserved_max_ns), (unsigned long long)sim->decisions);
	waits_lines(sim, out);
	tasks_table(report, out);
	groups_table(report, out);
	cpus_table(report, out);
}
