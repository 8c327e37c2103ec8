/* SPDX-License-Identifier: BSD-2-Clause */
#include "report.h"

#include <stdio.h>
#include <string.h>

#include <base/histogram.h>

#include "../lib/program.h"

static double share_of(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : 0.0;
}

static double ideal_of(const struct report *report, uint32_t i)
{
	return (double)report->ideal[i].rate / (double)IDEAL_ONE;
}

static uint32_t weight_of(const struct runner_task *at)
{
	const struct workload_params params = workload_params_steady(at->task);

	return workload_params_weight(&params);
}

/* The largest wake-up latency since the start: the record's if it fits the last bucket in use. */
static uint64_t wake_max_ns(const struct runner_task *at)
{
	for (unsigned b = SCHED_HISTOGRAM_BUCKETS; b-- > 0;) {
		if (at->wakes[b] == 0)
			continue;
		uint64_t top = histogram_bucket_max(b);

		return at->stats.wake_max_ns < top ? at->stats.wake_max_ns : top;
	}
	return 0;
}

static uint64_t wake_at(const struct runner_task *at, uint32_t permille)
{
	uint64_t value = histogram_percentile(at->wakes, permille);
	uint64_t max = wake_max_ns(at);

	return value < max ? value : max;
}

/* Durations with three significant digits: 850ns 12.3us 4.56ms 1.20s */
static const char *short_time(char *text, size_t bytes, uint64_t ns)
{
	if (ns < 1000)
		snprintf(text, bytes, "%uns", (unsigned)ns);
	else if (ns < 1000000)
		snprintf(text, bytes, "%.3gus", (double)ns / 1e3);
	else if (ns < 1000000000)
		snprintf(text, bytes, "%.3gms", (double)ns / 1e6);
	else
		snprintf(text, bytes, "%.3gs", (double)ns / 1e9);
	return text;
}

static void task_row(const struct report *report, uint32_t i)
{
	const struct runner_task *at = report->runner->tasks[i];
	char cpu[16];
	char p50[16];
	char p99[16];
	char max[16];

	printf("  %-14.14s %5u %6u %8s %6.1f%% %6.1f%% %6lu %6lu %5lu %6lu %8s %8s %8s\n", at->name,
	       at->tid, weight_of(at), short_time(cpu, sizeof(cpu), at->cpu_ns),
	       100 * share_of(at->cpu_ns, report->runner->wall_ns), 100 * ideal_of(report, i),
	       (unsigned long)at->stats.runs, (unsigned long)at->stats.preemptions,
	       (unsigned long)at->stats.migrations, (unsigned long)at->stats.wakes,
	       short_time(p50, sizeof(p50), wake_at(at, 500)),
	       short_time(p99, sizeof(p99), wake_at(at, 990)),
	       short_time(max, sizeof(max), wake_max_ns(at)));
}

/* What CPU i did while the workload ran. */
static struct core_stats cpu_difference(const struct runner *runner, uint32_t i)
{
	const word_t *before = (const word_t *)&runner->cpu_before[i].core;
	const word_t *after = (const word_t *)&runner->cpu_after[i].core;
	struct core_stats result;

	for (unsigned w = 0; w < sizeof(result) / sizeof(word_t); w++)
		((word_t *)&result)[w] = after[w] - before[w];
	return result;
}

static const char *const reasons[] = {
#define X(name, value, meaning) [value] = #name,
	REASON_LIST(X)
#undef X
};

static void cpu_row(const struct report *report, uint32_t i)
{
	struct core_stats cpu = cpu_difference(report->runner, i);
	uint64_t all = cpu.busy_ns + cpu.idle_ns + cpu.dispatcher_ns;
	char fallback[16];

	printf("  %3u %6.1f%% %6.1f%% %6.1f%% %8lu", i, 100 * share_of(cpu.busy_ns, all),
	       100 * share_of(cpu.idle_ns, all), 100 * share_of(cpu.dispatcher_ns, all),
	       (unsigned long)cpu.switches);
	for (unsigned r = 0; r < REASON_COUNT; r++)
		printf(" %7lu", (unsigned long)cpu.entries[r]);
	printf(" %6lu %6lu %8s\n", (unsigned long)cpu.ipis_sent, (unsigned long)cpu.stale_decisions,
	       short_time(fallback, sizeof(fallback), cpu.fallback_ns));
}

static void groups_table(const struct runner *runner)
{
	const struct workload *workload = runner->workload;

	if (workload->group_count == 0)
		return;
	printf("\n  %-14s %7s %7s %7s %9s %8s\n", "group", "weight", "share", "cap", "throttled",
	       "periods");
	for (uint32_t i = 0; i < workload->group_count; i++) {
		const struct workload_group *from = &workload->groups[i];
		const struct runner_group *group = &runner->groups[i];
		char cap[16] = "-";

		if (from->quota_ns != 0)
			snprintf(cap, sizeof(cap), "%.1f%%",
				 100 * share_of(from->quota_ns, from->period_ns));
		printf("  %-14.14s %7u %6.1f%% %7s %8.1f%% %lu of %lu\n", from->name, from->weight,
		       100 * share_of(group->used_ns, runner->wall_ns), cap,
		       100 * share_of(group->throttled_ns, runner->wall_ns),
		       (unsigned long)group->periods_throttled, (unsigned long)group->periods);
	}
}

void report_tables(const struct report *report)
{
	const struct runner *runner = report->runner;

	printf("\n  %-14s %5s %6s %8s %7s %7s %6s %6s %5s %6s %8s %8s %8s\n", "task", "tid",
	       "weight", "cpu", "share", "ideal", "runs", "preem", "migr", "wakes", "wake p50",
	       "p99", "max");
	for (uint32_t i = 0; i < runner->task_count; i++)
		task_row(report, i);
	groups_table(runner);
	printf("\n  %3s %7s %7s %7s %8s", "cpu", "busy", "idle", "sched", "switches");
	for (unsigned r = 0; r < REASON_COUNT; r++)
		printf(" %7s", reasons[r]);
	printf(" %6s %6s %8s\n", "ipis", "stale", "fallback");
	for (uint32_t i = 0; i < runner->cpus; i++)
		cpu_row(report, i);
	printf("\n");
}

/* --- JSON --- */

/* Names come from files: quotes, backslashes and control characters must not break the text. */
static const char *json_text(char *to, size_t bytes, const char *from)
{
	size_t at = 0;

	for (; *from != '\0' && at + 7 < bytes; from++) {
		unsigned char c = (unsigned char)*from;

		if (c == '"' || c == '\\')
			to[at++] = '\\';
		if (c < 0x20)
			at += (size_t)snprintf(to + at, bytes - at, "\\u%04x", c);
		else
			to[at++] = (char)c;
	}
	to[at] = '\0';
	return to;
}

static void json_run(const struct report *report)
{
	const struct runner *runner = report->runner;
	char policy[sizeof(report->machine->policy) + 1] = {0};
	char place[sizeof(report->machine->place) + 1] = {0};
	char text[64];

	memcpy(policy, report->machine->policy, sizeof(report->machine->policy));
	memcpy(place, report->machine->place, sizeof(report->machine->place));
	printf("\"run\":{\"policy\":\"%s\"", json_text(text, sizeof(text), policy));
	printf(",\"place\":\"%s\",\"cpus\":%u,\"wall_ns\":%lu,\"seed\":0",
	       json_text(text, sizeof(text), place), runner->cpus, (unsigned long)runner->wall_ns);
	if (report->rpc)
		printf(",\"rpc\":{\"calls\":%lu,\"wrong\":%lu,\"ns_per_call\":%lu}",
		       (unsigned long)report->rpc->calls, (unsigned long)report->rpc->wrong,
		       (unsigned long)report->rpc->ns_per_call);
	if (report->hash)
		printf(",\"hash\":{\"files\":%u,\"bytes\":%lu,\"workers\":%u,\"ns\":%lu}",
		       report->hash->count, (unsigned long)report->hash->bytes,
		       report->hash->workers, (unsigned long)report->hash->ns);
	printf("},\n");
}

static void json_task(const struct report *report, uint32_t i)
{
	const struct runner_task *at = report->runner->tasks[i];
	const uint32_t group = workload_params_steady(at->task).group;
	char name[2 * RUNNER_NAME_BYTES_MAX];

	printf("%s{\"name\":\"%s\",\"tid\":%u,\"weight\":%u,\"cpu_ns\":%lu,\"share\":%.6f,"
	       "\"ideal_share\":%.6f,\n",
	       i ? "," : "", json_text(name, sizeof(name), at->name), at->tid, weight_of(at),
	       (unsigned long)at->cpu_ns, share_of(at->cpu_ns, report->runner->wall_ns),
	       ideal_of(report, i));
	if (group != WORKLOAD_GROUP_NONE)
		printf("\"group\":\"%s\",",
		       json_text(name, sizeof(name), report->runner->workload->groups[group].name));
	printf("\"runs\":%lu,\"preemptions\":%lu,\"migrations\":%lu,\"wakes\":%lu,"
	       "\"wake_ns\":{\"p50\":%lu,\"p99\":%lu,\"max\":%lu}}\n",
	       (unsigned long)at->stats.runs, (unsigned long)at->stats.preemptions,
	       (unsigned long)at->stats.migrations, (unsigned long)at->stats.wakes,
	       (unsigned long)wake_at(at, 500), (unsigned long)wake_at(at, 990),
	       (unsigned long)wake_max_ns(at));
}

static void json_groups(const struct runner *runner)
{
	char name[2 * RUNNER_NAME_BYTES_MAX];

	if (runner->workload->group_count == 0)
		return;
	printf("\"groups\":[\n");
	for (uint32_t i = 0; i < runner->workload->group_count; i++) {
		const struct runner_group *group = &runner->groups[i];

		printf("%s{\"name\":\"%s\",\"cpu_ns\":%lu,\"throttled_ns\":%lu,\"periods\":%lu,"
		       "\"periods_throttled\":%lu}\n",
		       i ? "," : "",
		       json_text(name, sizeof(name), runner->workload->groups[i].name),
		       (unsigned long)group->used_ns, (unsigned long)group->throttled_ns,
		       (unsigned long)group->periods, (unsigned long)group->periods_throttled);
	}
	printf("],\n");
}

static void lower_case(char *to, const char *from)
{
	do
		*to++ = *from >= 'A' && *from <= 'Z' ? (char)(*from + 32) : *from;
	while (*from++ != '\0');
}

static void json_cpu(const struct report *report, uint32_t i)
{
	struct core_stats cpu = cpu_difference(report->runner, i);
	char name[16];

	printf("%s{\"cpu\":%u,\"busy_ns\":%lu,\"idle_ns\":%lu,\"dispatcher_ns\":%lu,"
	       "\"switches\":%lu,\"entries\":{",
	       i ? "," : "", i, (unsigned long)cpu.busy_ns, (unsigned long)cpu.idle_ns,
	       (unsigned long)cpu.dispatcher_ns, (unsigned long)cpu.switches);
	for (unsigned r = 0; r < REASON_COUNT; r++) {
		lower_case(name, reasons[r]);
		printf("%s\"%s\":%lu", r ? "," : "", name, (unsigned long)cpu.entries[r]);
	}
	printf("},\n\"ipis_sent\":%lu,\"stale_decisions\":%lu,\"fallback_ns\":%lu}\n",
	       (unsigned long)cpu.ipis_sent, (unsigned long)cpu.stale_decisions,
	       (unsigned long)cpu.fallback_ns);
}

void report_json(const struct report *report)
{
	printf("@@BATON-JSON-BEGIN\n{\"schema\":1,\n");
	json_run(report);
	printf("\"tasks\":[\n");
	for (uint32_t i = 0; i < report->runner->task_count; i++)
		json_task(report, i);
	printf("],\n");
	json_groups(report->runner);
	printf("\"cpus\":[\n");
	for (uint32_t i = 0; i < report->runner->cpus; i++)
		json_cpu(report, i);
	printf("]}\n@@BATON-JSON-END\n");
}

/* --- Names for traces --- */

static bool is_task(const struct report *report, uint32_t tid)
{
	for (uint32_t i = 0; i < report->runner->task_count; i++)
		if (report->runner->tasks[i]->tid == tid)
			return true;
	return false;
}

void report_threads(const struct report *report)
{
	struct proc_thread_info thread;
	struct proc_process_info process;

	for (uint32_t i = 0; i < report->runner->task_count; i++)
		printf("@@BATON-THREAD %u %s\n", report->runner->tasks[i]->tid,
		       report->runner->tasks[i]->name);
	for (word_t tid = 0; thread_list(tid, &thread) == ERR_OK; tid = thread.tid + 1)
		if (!is_task(report, (uint32_t)thread.tid) &&
		    process_list(thread.pid, &process) == ERR_OK)
			printf("@@BATON-THREAD %lu %.32s/%lu\n", (unsigned long)thread.tid,
			       process.name, (unsigned long)thread.index);
}
