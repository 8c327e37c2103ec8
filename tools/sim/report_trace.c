/* SPDX-License-Identifier: BSD-2-Clause */
/* A timeline in the trace-event JSON that Perfetto and chrome://tracing open: one track per CPU. */
#include "sim.h"

/* Microseconds with their three decimals, without rounding through a double. */
static void time_us(FILE *out, const char *name, uint64_t ns)
{
	fprintf(out, "\"%s\":%llu.%03llu", name, (unsigned long long)(ns / 1000u),
		(unsigned long long)(ns % 1000u));
}

static void stretch_trace(const struct sim *sim, const struct sim_stretch *stretch, FILE *out)
{
	fputs(",\n{\"ph\":\"X\",\"cat\":\"run\",\"pid\":0,\"name\":", out);
	report_string(out, sim->threads[stretch->tid]->name);
	fprintf(out, ",\"tid\":%u,", stretch->cpu);
	time_us(out, "ts", stretch->start_ns);
	fputc(',', out);
	time_us(out, "dur", stretch->end_ns - stretch->start_ns);
	fputc('}', out);
}

static void mark_trace(const struct sim *sim, const struct sim_mark *mark, FILE *out)
{
	bool migration = mark->kind == SIM_MARK_MIGRATE;

	fprintf(out, ",\n{\"ph\":\"i\",\"s\":\"t\",\"pid\":0,\"tid\":%u,\"cat\":\"%s\",", mark->cpu,
		migration ? "migrate" : "wake");
	time_us(out, "ts", mark->at_ns);
	fputs(",\"name\":", out);
	report_string(out, migration ? "migrate" : "wake");
	fputs(",\"args\":{\"task\":", out);
	report_string(out, sim->threads[mark->tid]->name);
	if (migration)
		fprintf(out, ",\"from\":%u,\"to\":%u", mark->from, mark->cpu);
	fputs("}}", out);
}

void report_trace(const struct sim *sim, FILE *out)
{
	fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n"
	      "{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":0,\"args\":{\"name\":\"baton-sim\"}"
	      "}",
	      out);
	for (uint32_t cpu = 0; cpu < sim->config.cpus; cpu++)
		fprintf(out,
			",\n{\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":0,\"tid\":%u,"
			"\"args\":{\"name\":\"CPU %u\"}}",
			cpu, cpu);
	for (size_t i = 0; i < sim->schedule_count; i++)
		stretch_trace(sim, &sim->schedule[i], out);
	for (size_t i = 0; i < sim->marks_count; i++)
		mark_trace(sim, &sim->marks[i], out);
	fputs("\n]}\n", out);
}
