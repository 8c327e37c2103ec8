/* SPDX-License-Identifier: BSD-2-Clause */
#include "several.h"
#include <base/container.h>
#include <math.h>
#include <string.h>

static struct policy_cpu *cpu_blob(struct several *s, uint32_t cpu)
{
	return (struct policy_cpu *)(void *)s->cpu[cpu].blob;
}

static struct policy_thread *thread_blob(struct several *s, uint32_t tid)
{
	return (struct policy_thread *)(void *)s->thread[tid].blob;
}

static struct place_view view_of(struct several *s, struct place_load *loads)
{
	struct place_view view = {
		.cpus = s->cpus, .online = cpumask_first(s->cpus), .loads = loads};
	for (uint32_t cpu = 0; cpu < s->cpus; cpu++) {
		struct policy_info info;
		policy_eevdf.query(cpu_blob(s, cpu), NULL, &info);
		loads[cpu] = (struct place_load){.weight = info.load,
						 .runnable = info.runnable,
						 .ahead_us = place_ahead_us(info.ahead_ns)};
		if (info.runnable == 0)
			cpumask_set(&view.idle, cpu);
	}
	return view;
}

/* Rates by water filling: min(1, w lambda), summing to min(threads, CPUs). */
static void rates_fill(struct several *s)
{
	double left = fmin(s->cpus, s->threads);
	double weight = 0;
	bool full[SEVERAL_THREADS_MAX] = {false};
	for (uint32_t i = 0; i < s->threads; i++)
		weight += s->thread[i].params.weight;
	for (bool changed = true; changed;) {
		changed = false;
		for (uint32_t i = 0; i < s->threads; i++) {
			if (full[i] || s->thread[i].params.weight * left < weight * (1 - 1e-12))
				continue;
			full[i] = changed = true;
			s->thread[i].rate = 1;
			left -= 1;
			weight -= s->thread[i].params.weight;
			break;
		}
	}
	for (uint32_t i = 0; i < s->threads; i++) {
		if (!full[i])
			s->thread[i].rate = s->thread[i].params.weight * left / weight;
	}
}

static void charge(struct several *s, uint32_t cpu)
{
	struct several_cpu *c = &s->cpu[cpu];
	const uint64_t ran = s->now_ns - c->since_ns;
	c->since_ns = s->now_ns;
	if (c->running == UINT32_MAX || ran == 0)
		return;
	s->thread[c->running].service_ns += ran;
	policy_eevdf.charge(cpu_blob(s, cpu), thread_blob(s, c->running), ran, s->now_ns);
}

static void decide(struct several *s, uint32_t cpu)
{
	struct several_cpu *c = &s->cpu[cpu];
	struct policy_pick pick;
	charge(s, cpu);
	policy_eevdf.pick(cpu_blob(s, cpu), s->now_ns, 0, &pick);
	c->running = UINT32_MAX;
	c->ask_ns = pick.slice_ns == TIME_NEVER ? TIME_NEVER : s->now_ns + pick.slice_ns;
	if (pick.thread != NULL)
		c->running = (uint32_t)(container_of(pick.thread, struct several_thread, blob) -
					s->thread);
}

static void pull(struct several *s, uint32_t puller, uint32_t victim)
{
	struct place_load loads[SEVERAL_CPUS_MAX];
	struct policy_spare spare[BALANCE_CANDIDATES_MAX];
	struct balance_candidate candidates[BALANCE_CANDIDATES_MAX];
	bool take[BALANCE_CANDIDATES_MAX];
	charge(s, victim);
	charge(s, puller);
	const struct place_view view = view_of(s, loads);
	const uint32_t count = policy_eevdf.spare(cpu_blob(s, victim), &s->cpu[victim].cursor,
						  spare, BALANCE_CANDIDATES_MAX);
	for (uint32_t i = 0; i < count; i++) {
		const struct several_thread *t = container_of(spare[i].thread,
							      struct several_thread, blob);
		candidates[i] = (struct balance_candidate){
			.weight = spare[i].weight, .allowed = cpumask_test(&t->affinity, puller)};
	}
	const struct balance_request request = balance_request_make(&view, puller, victim);
	balance_choose(&request, candidates, count, take);
	s->cpu[victim].cursor = 0;
	for (uint32_t i = 0; i < count; i++) {
		struct policy_migration migration;
		if (!take[i])
			continue;
		policy_eevdf.migrate_out(cpu_blob(s, victim), spare[i].thread, &migration,
					 s->now_ns);
		policy_eevdf.migrate_in(cpu_blob(s, puller), spare[i].thread, &migration,
					s->now_ns);
		container_of(spare[i].thread, struct several_thread, blob)->cpu = puller;
		s->migrations++;
	}
	decide(s, victim);
	decide(s, puller);
}

static void balance(struct several *s, uint32_t cpu)
{
	struct place_load loads[SEVERAL_CPUS_MAX];
	bool rounded;
	charge(s, cpu);
	struct place_view view = view_of(s, loads);
	policy_eevdf.set_average(cpu_blob(s, cpu), balance_average(&view, &rounded), s->now_ns);
	view = view_of(s, loads);
	const struct cpumask none = cpumask_none();
	const uint32_t victim = loads[cpu].runnable == 0 ? s->place->on_idle(&view, cpu, &none)
							 : s->place->on_period(&view, cpu);
	if (victim != PLACE_NONE)
		pull(s, cpu, victim);
}

static void errors_note(struct several *s)
{
	for (uint32_t i = 0; i < s->threads; i++) {
		struct several_thread *t = &s->thread[i];
		const uint32_t cpu = t->cpu;
		double service = (double)t->service_ns;
		if (s->cpu[cpu].running == i)
			service += (double)(s->now_ns - s->cpu[cpu].since_ns);
		t->error_max_ns = fmax(t->error_max_ns,
				       fabs(t->rate * (double)s->now_ns - service));
	}
}

static void start(struct several *s, uint32_t cpus, const uint32_t *weights, uint32_t threads)
{
	memset(s, 0, sizeof(*s));
	s->place = &place_least_loaded;
	s->cpus = cpus;
	s->threads = threads;
	for (uint32_t cpu = 0; cpu < cpus; cpu++) {
		policy_eevdf.cpu_init(cpu_blob(s, cpu), cpu);
		s->cpu[cpu].running = UINT32_MAX;
		s->cpu[cpu].period_ns = BALANCE_PERIOD_NS * (cpu + 1) / cpus;
	}
	for (uint32_t i = 0; i < threads; i++) {
		struct place_load loads[SEVERAL_CPUS_MAX];
		struct several_thread *t = &s->thread[i];
		t->params = (struct policy_params){
			.tid = i, .weight = weights[i], .slice_ns = POLICY_SLICE_NS_DEFAULT};
		t->affinity = cpumask_all();
		cr_assert_eq(policy_eevdf.thread_init(thread_blob(s, i), &t->params), ERR_OK);
		const struct place_view view = view_of(s, loads);
		const struct place_thread place = {.affinity = t->affinity, .weight = weights[i]};
		t->cpu = s->place->on_fork(&view, 0, &place);
		policy_eevdf.enqueue(cpu_blob(s, t->cpu), thread_blob(s, i), POLICY_JOIN_NEW, 0);
	}
	rates_fill(s);
}

struct several *several_run(uint32_t cpus, const uint32_t *weights, uint32_t threads,
			    uint64_t duration_ns)
{
	struct several *s = aligned_alloc(POLICY_ALIGN, sizeof(*s));
	cr_assert_not_null(s);
	start(s, cpus, weights, threads);
	for (uint32_t cpu = 0; cpu < cpus; cpu++) {
		decide(s, cpu);
		balance(s, cpu);
	}
	while (s->now_ns < duration_ns) {
		uint64_t next = duration_ns;
		for (uint32_t cpu = 0; cpu < cpus; cpu++) {
			next = s->cpu[cpu].ask_ns < next ? s->cpu[cpu].ask_ns : next;
			next = s->cpu[cpu].period_ns < next ? s->cpu[cpu].period_ns : next;
		}
		s->now_ns = next;
		errors_note(s);
		for (uint32_t cpu = 0; cpu < cpus; cpu++) {
			if (s->cpu[cpu].ask_ns <= next)
				decide(s, cpu);
			if (s->cpu[cpu].period_ns > next)
				continue;
			s->cpu[cpu].period_ns += BALANCE_PERIOD_NS;
			const uint64_t before = s->migrations;
			balance(s, cpu);
			if (next > duration_ns / 2)
				s->migrations_late += s->migrations - before;
		}
	}
	for (uint32_t cpu = 0; cpu < cpus; cpu++) {
		charge(s, cpu);
		cr_assert_eq(policy_eevdf.check(cpu_blob(s, cpu)), 0);
	}
	return s;
}

double several_f1(const struct several *s)
{
	double worst = 0;
	for (uint32_t i = 0; i < s->threads; i++)
		worst = fmax(worst, s->thread[i].error_max_ns);
	return worst;
}

double several_f2(const struct several *s)
{
	double worst = 0;
	for (uint32_t i = 0; i < s->threads; i++) {
		const double ideal = s->thread[i].rate * (double)s->now_ns;
		worst = fmax(worst, fabs((double)s->thread[i].service_ns - ideal) / ideal);
	}
	return worst;
}

double several_f3(const struct several *s)
{
	return (double)s->migrations_late / s->cpus / ((double)s->now_ns / 2e9);
}
