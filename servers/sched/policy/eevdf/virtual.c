/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The arithmetic of virtual time.  Symbols, units and what is exact: eevdf.h.
 *
 * Everything is computed relative to the whole part vq of V, so that the numbers stay as small as lags:
 *
 *   rel_i = S_i - w_i vq = w_i (v - vq) + v_rem          sum of rel_i = vrem = S - W vq
 */
#include "eevdf.h"

/* floor(w vrem / W).  Below w, so one machine division does unless the product overflows. */
static inline int128_t share_of_rest(const struct eevdf_cpu *cpu, const struct eevdf_thread *thread)
{
	uint64_t rest;
	if (cpu->weight <= UINT32_MAX)
		return (int128_t)(cpu->vrem * thread->weight / cpu->weight);
	return (int128_t)uint128_divide((uint128_t)cpu->vrem * thread->weight, cpu->weight, &rest);
}

int128_t eevdf_lag(const struct eevdf_cpu *cpu, const struct eevdf_thread *thread)
{
	/* w V = w vq + w vrem / W; vrem < W, so the last term is below w. */
	return share_of_rest(cpu, thread) - eevdf_relative(cpu, thread);
}

/* Change S and W by what a thread brings or takes: V := (W vq + vrem + rel) / weight. */
static void queue_mean(struct eevdf_cpu *cpu, int128_t rel, uint64_t weight)
{
	cpu->vq += int128_divide_floor((int128_t)cpu->vrem + rel, weight, &cpu->vrem);
	cpu->weight = weight;
}

/* S_i = w V - l w / W - l for a lag l (docs/design/eevdf.md), floored once: v is at most the exact value, so
 * a thread that is placed at V is eligible. */
void eevdf_join(struct eevdf_cpu *cpu, struct eevdf_thread *thread, int128_t lag)
{
	const uint32_t weight = thread->weight;
	if (cpu->weight == 0) {
		cpu->vrem = 0;
		cpu->weight = weight;
		thread->v = cpu->vq;
		thread->v_rem = 0;
		eevdf_account_enter(cpu, thread);
		return;
	}
	uint64_t rest;
	int128_t rel = ((int128_t)cpu->vrem - lag) * (int128_t)weight;
	rel = int128_divide_floor(rel, cpu->weight, &rest) - lag;
	thread->v = cpu->vq + int128_divide_floor(rel, weight, &rest);
	thread->v_rem = (uint32_t)rest;
	queue_mean(cpu, rel, cpu->weight + weight);
	eevdf_account_enter(cpu, thread);
}

int128_t eevdf_leave(struct eevdf_cpu *cpu, struct eevdf_thread *thread)
{
	const int128_t rel = eevdf_relative(cpu, thread);
	const int128_t lag = share_of_rest(cpu, thread) - rel;
	const uint64_t weight = cpu->weight - thread->weight;
	eevdf_account_leave(cpu, thread);
	if (weight == 0) {
		/* V of a lone thread is its v; an empty queue keeps the whole part. */
		cpu->vq = thread->v;
		cpu->vrem = 0;
		cpu->weight = 0;
	} else {
		queue_mean(cpu, -rel, weight);
	}
	return lag;
}

void eevdf_request_some(struct eevdf_thread *thread, int128_t units)
{
	thread->ve = thread->v;
	thread->ve_rem = thread->v_rem;
	thread->vd = thread->v;
	thread->vd_rem = thread->v_rem;
	fraction_add_32(&thread->vd, &thread->vd_rem, thread->weight, units);
}

void eevdf_params_set(struct eevdf_thread *thread, uint32_t weight, uint32_t slice_ns)
{
	thread->weight = weight;
	thread->slice_ns = slice_ns;
	thread->request_v = 0;
	thread->request_rem = 0;
	fraction_add_32(&thread->request_v, &thread->request_rem, weight, eevdf_units(slice_ns));
}

/* Each leaves with its true lag, so that the others' V is right, and remembers none. */
void eevdf_settle_delayed(struct eevdf_cpu *cpu)
{
	struct eevdf_thread *first;
	while ((first = eevdf_delayed_first(cpu)) != NULL && eevdf_eligible(cpu, first)) {
		(void)eevdf_expel(cpu, first);
		eevdf_account_sleep(first);
		first->lag = 0;
	}
}

/* *v + *rem / weight += ns 2^52 / weight, exactly, as long division by a weight below 2^32: whole ns, then
 * 32, then 20 fraction bits. */
static inline void advance(int128_t *v, uint64_t *rem, uint64_t weight, uint64_t ns)
{
	if (weight > UINT32_MAX) {
		fraction_add(v, rem, weight, eevdf_units(ns));
		return;
	}
	const uint64_t upper = (ns % weight) << 32;
	const uint64_t lower = ((upper % weight) << 20) + *rem;
	*v += eevdf_units(ns / weight) + (int128_t)(((upper / weight) << 20) + lower / weight);
	*rem = lower % weight;
}

/* V may pass sleepers on the way; they leave with their true lag, so moving V first and settling
 * afterwards is exact (docs/design/eevdf.md). */
void eevdf_serve(struct eevdf_cpu *cpu, struct eevdf_thread *thread, uint64_t ns)
{
	uint64_t rem = thread->v_rem;
	advance(&thread->v, &rem, thread->weight, ns);
	thread->v_rem = (uint32_t)rem;
	advance(&cpu->vq, &cpu->vrem, cpu->weight, ns);
	eevdf_settle(cpu);
}

/* x := V + (x - V) w / w' for x = v, ve, vd: adds floor((w' - w) V) = (w' - w) vq + k to S_i, E_i and D_i, so
 * what is left of the request stays exactly (docs/design/eevdf.md). */
void eevdf_reweight(struct eevdf_cpu *cpu, struct eevdf_thread *thread, uint32_t weight)
{
	uint64_t rest;
	const int128_t change = (int128_t)weight - (int128_t)thread->weight;
	const int128_t k = int128_divide_floor(change * (int128_t)cpu->vrem, cpu->weight, &rest);
	eevdf_account_leave(cpu, thread);
	int128_t *const whole[] = {&thread->v, &thread->ve, &thread->vd};
	uint32_t *const rem[] = {&thread->v_rem, &thread->ve_rem, &thread->vd_rem};
	for (uint32_t i = 0; i < 3; i++) {
		const int128_t rel = (*whole[i] - cpu->vq) * (int128_t)thread->weight +
				     (int128_t)*rem[i] + k;
		*whole[i] = cpu->vq + int128_divide_floor(rel, weight, &rest);
		*rem[i] = (uint32_t)rest;
	}
	/* vrem + k = floor(vrem W' / W), so it is in [0, W') and vq stays. */
	cpu->vrem = (uint64_t)((int128_t)cpu->vrem + k);
	cpu->weight = cpu->weight - thread->weight + weight;
	eevdf_params_set(thread, weight, thread->slice_ns);
	eevdf_account_enter(cpu, thread);
}
