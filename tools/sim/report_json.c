/* SPDX-License-Identifier: BSD-2-Clause */
/* Results as JSON: the form that the booted system writes too, and with --schedule every stretch
 * of running. */
#include <build_info.h>

#include "sim.h"

void report_string(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20)
			fprintf(out, "\\u%04x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

static void number(FILE *out, const char *name, uint64_t value)
{
	fprintf(out, "\"%s\":%llu", name, (unsigned long long)value);
}

static void next_number(FILE *out, const char *name, uint64_t value)
{
	fputc(',', out);
	number(out, name, value);
}

static void run_json(const struct sim_report *report, FILE *out)
{
	const struct sim *sim = report->sim;
	const struct sim_costs *costs = &sim->config.costs;

	fputs("\"run\":{\"policy\":", out);
	report_string(out, sim->config.policy->name);
	fputs(",\"place\":", out);
	report_string(out, sim->config.place->name);
	next_number(out, "cpus", sim->config.cpus);
	next_number(out, "wall_ns", report->wall_ns);
	next_number(out, "seed", sim->config.seed);
	fputs(",\"commit\":", out);
	report_string(out, BATON_VERSION);
	fputs(",\"board\":\"sim\",\"build\":\"host\"", out);
	next_number(out, "decisions", sim->decisions);
	next_number(out, "unserved_idle_ns", sim->unserved_ns);
	next_number(out, "unserved_idle_max_ns", sim->unserved_max_ns);
	fprintf(out,
		",\"costs\":{\"entry\":%llu,\"decision\":%llu,\"ipi\":%llu,\"switch\":%llu,"
		"\"call\":%llu,\"slice_min\":%llu}},\n",
		(unsigned long long)costs->entry_ns, (unsigned long long)costs->decision_ns,
		(unsigned long long)costs->ipi_ns, (unsigned long long)costs->switch_ns,
		(unsigned long long)costs->call_ns, (unsigned long long)costs->slice_min_ns);
}

static void task_json(const struct sim_report *report, uint32_t tid, FILE *out)
{
	const struct sim_thread *thread = report->sim->threads[tid];
	const struct sim_samples *samples = &thread->wake_ns;
	double wall_ns = report->wall_ns == 0 ? 1 : (double)report->wall_ns;
	const uint32_t group = report_group(report->sim, tid);

	fputs("{\"name\":", out);
	report_string(out, thread->name);
	fprintf(out,
		",\"weight\":%u,\"cpu_ns\":%llu,\"share\":%.9f,\"ideal_share\":%.9f,"
		"\"runs\":%llu,\"preemptions\":%llu,\"migrations\":%llu,\"wait_max_ns\":%llu,"
		"\"wakes\":%llu,"
		"\"wake_ns\":{\"p50\":%llu,\"p99\":%llu,\"max\":%llu}",
		report->sim->shared->params[tid].weight, (unsigned long long)thread->cpu_ns,
		(double)thread->cpu_ns / wall_ns, report->ideal[tid],
		(unsigned long long)thread->runs, (unsigned long long)thread->preemptions,
		(unsigned long long)thread->migrations, (unsigned long long)thread->wait_max_ns,
		(unsigned long long)thread->wakes,
		(unsigned long long)sim_samples_percentile(samples, 500),
		(unsigned long long)sim_samples_percentile(samples, 990),
		(unsigned long long)sim_samples_percentile(samples, 1000));
	if (group != 0) {
		fputs(",\"group\":", out);
		report_string(out, report->sim->config.workload->groups[group - 1].name);
	}
	fputc('}', out);
}

static void group_json(const struct sim_report *report, uint32_t i, FILE *out)
{
	const struct sim *sim = report->sim;
	const struct group_record *group =
		&sim->server->groups.record[group_index(sim->group_ids[i])];

	fputs(i == 0 ? "\n{\"name\":" : ",\n{\"name\":", out);
	report_string(out, sim->config.workload->groups[i].name);
	next_number(out, "cpu_ns", group->used_ns);
	next_number(out, "throttled_ns", group->throttled_ns);
	next_number(out, "periods", group->periods);
	next_number(out, "periods_throttled", group->throttled_periods);
	fputc('}', out);
}

static void groups_json(const struct sim_report *report, FILE *out)
{
	const uint32_t count = report->sim->config.workload->group_count;

	if (count == 0)
		return;
	fputs("\"groups\":[", out);
	for (uint32_t i = 0; i < count; i++)
		group_json(report, i, out);
	fputs("\n],\n", out);
}

static const char *const reason_names[REASON_COUNT] = {
	[REASON_KICK] = "kick",   [REASON_BLOCK] = "block",     [REASON_SLICE] = "slice",
	[REASON_TIMER] = "timer", [REASON_REQUEST] = "request", [REASON_REFUSED] = "refused",
	[REASON_BIND] = "bind",   [REASON_IDLE] = "idle",
};

static void cpu_json(const struct sim *sim, uint32_t cpu, FILE *out)
{
	const struct core_stats *stats = &sim->cpus[cpu].stats;

	fprintf(out,
		"{\"cpu\":%u,\"busy_ns\":%llu,\"idle_ns\":%llu,\"dispatcher_ns\":%llu,"
		"\"switches\":%llu,\"entries\":{",
		cpu, (unsigned long long)stats->busy_ns, (unsigned long long)stats->idle_ns,
		(unsigned long long)stats->dispatcher_ns, (unsigned long long)stats->switches);
	for (uint32_t reason = 0; reason < REASON_COUNT; reason++) {
		fputs(reason == 0 ? "" : ",", out);
		number(out, reason_names[reason], stats->entries[reason]);
	}
	fputs("},", out);
	number(out, "ipis_sent", stats->ipis_sent);
	next_number(out, "stale_decisions", stats->stale_decisions);
	next_number(out, "refused_decisions", stats->refused_decisions);
	next_number(out, "filtered_wakes", stats->filtered_wakes);
	next_number(out, "successions", stats->successions);
	next_number(out, "first_runs", stats->first_runs);
	fputs(",\"fallback_ns\":0}", out);
}

static void schedule_json(const struct sim *sim, FILE *out)
{
	fputs(",\n\"schedule\":[", out);
	for (size_t i = 0; i < sim->schedule_count; i++) {
		const struct sim_stretch *stretch = &sim->schedule[i];

		fprintf(out, "%s\n{\"cpu\":%u,\"start_ns\":%llu,\"end_ns\":%llu,\"task\":",
			i == 0 ? "" : ",", stretch->cpu, (unsigned long long)stretch->start_ns,
			(unsigned long long)stretch->end_ns);
		report_string(out, sim->threads[stretch->tid]->name);
		fputc('}', out);
	}
	fputs("\n]", out);
}

void report_json(const struct sim_report *report, FILE *out)
{
	const struct sim *sim = report->sim;

	fputs("{\"schema\":1,\n", out);
	run_json(report, out);
	fputs("\"tasks\":[", out);
	for (uint32_t tid = 1; tid <= sim->threads_count; tid++) {
		fputs(tid == 1 ? "\n" : ",\n", out);
		task_json(report, tid, out);
	}
	fputs("\n],\n", out);
	groups_json(report, out);
	fputs("\"cpus\":[", out);
	for (uint32_t cpu = 0; cpu < sim->config.cpus; cpu++) {
		fputs(cpu == 0 ? "\n" : ",\n", out);
		cpu_json(sim, cpu, out);
	}
	fputs("\n]", out);
	if (report->schedule)
		schedule_json(sim, out);
	fputs("}\n", out);
}
