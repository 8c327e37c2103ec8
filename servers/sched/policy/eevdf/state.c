/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * EEVDF: what a thread carries to another CPU, and a queue to another instance of the server.
 *
 * Migration keeps the lag, what is left of the request (vd - v) and what was used of it (v - ve), in
 * units of service.  It is a join of its own: enqueue would start a fresh request.
 *
 * A saved thread is (v, ve, vd) and the weight they refer to.  V is not saved as a fraction but computed
 * again from the threads that came back: if all did, it is the same to the last bit, and if some
 * did not, the sum of lags of the rest is still 0.
 */
#include "eevdf.h"

#define FRAC_MASK ((UINT64_C(1) << EEVDF_FRAC_BITS) - 1)

static void split_units(int128_t units, uint64_t *ns, uint64_t *frac)
{
	*ns = (uint64_t)(units >> EEVDF_FRAC_BITS);
	*frac = (uint64_t)units & FRAC_MASK;
}

static int128_t join_units(uint64_t ns, uint64_t frac)
{
	return eevdf_units(ns) + (int128_t)(frac & FRAC_MASK);
}

static int128_t int128_of_words(uint64_t high, uint64_t low)
{
	return (int128_t)(((uint128_t)high << 64) | low);
}

/* S_i - E_i: service received in the current request. */
static int128_t request_used(const struct eevdf_thread *thread)
{
	return (thread->v - thread->ve) * (int128_t)thread->weight + (int128_t)thread->v_rem -
	       (int128_t)thread->ve_rem;
}

void eevdf_migrate_out(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
		       struct policy_migration *out, uint64_t now_ns)
{
	struct eevdf_cpu *cpu = eevdf_cpu(policy_cpu);
	struct eevdf_thread *thread = eevdf_thread(policy_thread);
	eevdf_account_clock(cpu, now_ns);
	*out = (struct policy_migration){.policy_id = EEVDF_ID, .state = POLICY_OUT};
	if (thread->state != POLICY_OUT) {
		if (thread->state != POLICY_DELAYED)
			out->state = POLICY_QUEUED;
		split_units(eevdf_left(thread), &out->deadline_ns, &out->deadline_frac);
		split_units(request_used(thread), &out->request_ns, &out->request_frac);
		thread->lag = eevdf_expel(cpu, thread);
		eevdf_settle(cpu);
	}
	out->lag_whole = (int64_t)(thread->lag >> 64);
	out->lag_low = (uint64_t)thread->lag;
}

/* Move a point by `units` of service; units may be negative. */
static void point_move(int128_t *whole, uint32_t *rem, uint32_t weight, int128_t units)
{
	uint64_t rest;
	*whole += int128_divide_floor(units + (int128_t)*rem, weight, &rest);
	*rem = (uint32_t)rest;
}

void eevdf_migrate_in(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
		      const struct policy_migration *in, uint64_t now_ns)
{
	struct eevdf_cpu *cpu = eevdf_cpu(policy_cpu);
	struct eevdf_thread *thread = eevdf_thread(policy_thread);
	eevdf_account_clock(cpu, now_ns);
	if (thread->state != POLICY_OUT) {
		cpu->misuse++;
		return;
	}
	const bool same = in->policy_id == EEVDF_ID;
	thread->lag = same ? int128_of_words((uint64_t)in->lag_whole, in->lag_low) : 0;
	if (in->state == POLICY_OUT)
		return;
	const int128_t left = join_units(in->deadline_ns, in->deadline_frac);
	if (!same || left <= 0) {
		policy_eevdf.enqueue(policy_cpu, policy_thread, POLICY_JOIN_WAKE, now_ns);
		return;
	}
	eevdf_join(cpu, thread, thread->lag);
	thread->lag = 0;
	eevdf_request_some(thread, left);
	point_move(&thread->ve, &thread->ve_rem, thread->weight,
		   -join_units(in->request_ns, in->request_frac));
	eevdf_admit(cpu, thread);
	eevdf_settle(cpu);
}

enum {
	WORD_V,
	WORD_VE = 2,
	WORD_VD = 4,
	WORD_LAG = 6,
	WORD_REMS = 8,
	WORD_WEIGHT = 9,
	WORD_STATE = 10
};

static void record_put(struct policy_record *record, uint32_t word, int128_t value)
{
	record->words[word] = (uint64_t)((uint128_t)value >> 64);
	record->words[word + 1] = (uint64_t)value;
}

static int128_t record_get(const struct policy_record *record, uint32_t word)
{
	return int128_of_words(record->words[word], record->words[word + 1]);
}

void eevdf_save(const struct policy_cpu *policy_cpu, const struct policy_thread *policy_thread,
		struct policy_record *out)
{
	const struct eevdf_cpu *cpu = eevdf_cpu_const(policy_cpu);
	*out = (struct policy_record){
		.policy_id = EEVDF_ID,
		.version = (uint16_t)EEVDF_VERSION,
		.kind = policy_thread == NULL ? 1 : 2,
	};
	if (policy_thread == NULL) {
		record_put(out, WORD_V, cpu->vq);
		return;
	}
	const struct eevdf_thread *thread = eevdf_thread_const(policy_thread);
	out->tid = thread->tid;
	record_put(out, WORD_V, thread->v);
	record_put(out, WORD_VE, thread->ve);
	record_put(out, WORD_VD, thread->vd);
	record_put(out, WORD_LAG, thread->lag);
	out->words[WORD_REMS] = (uint64_t)thread->v_rem | (uint64_t)thread->vd_rem << 32;
	out->words[WORD_WEIGHT] = (uint64_t)thread->weight | (uint64_t)thread->ve_rem << 32;
	out->words[WORD_STATE] = thread->state;
}

static bool record_usable(const struct policy_record *record, uint16_t kind)
{
	return record->policy_id == EEVDF_ID && record->version == EEVDF_VERSION &&
	       record->kind == kind;
}

/* Times of the saved thread, in the saved weight; false if they make no sense. */
static bool thread_load(struct eevdf_thread *thread, const struct policy_record *record)
{
	const int128_t request_max = eevdf_units((uint64_t)POLICY_SLICE_NS_MAX *
						 (EEVDF_YIELD_REQUESTS + 1));
	const uint64_t weight = record->words[WORD_WEIGHT] & UINT32_MAX;
	if (weight < POLICY_WEIGHT_MIN || weight > POLICY_WEIGHT_MAX)
		return false;
	eevdf_params_set(thread, (uint32_t)weight, thread->slice_ns);
	thread->v = record_get(record, WORD_V);
	thread->ve = record_get(record, WORD_VE);
	thread->vd = record_get(record, WORD_VD);
	thread->v_rem = (uint32_t)record->words[WORD_REMS];
	thread->vd_rem = (uint32_t)(record->words[WORD_REMS] >> 32);
	thread->ve_rem = (uint32_t)(record->words[WORD_WEIGHT] >> 32);
	if (thread->v_rem >= weight || thread->ve_rem >= weight || thread->vd_rem >= weight)
		return false;
	const int128_t left = eevdf_left(thread);
	return left > 0 && left <= request_max && request_used(thread) >= 0;
}

static bool thread_restore(struct eevdf_cpu *cpu, struct eevdf_thread *thread,
			   const struct policy_record *record, int128_t *rel_sum)
{
	const uint64_t state = record->words[WORD_STATE];
	if (!record_usable(record, 2) || record->tid != thread->tid || state > POLICY_DELAYED)
		return false;
	if (state == POLICY_OUT) {
		thread->lag = record_get(record, WORD_LAG);
		return true;
	}
	if (!thread_load(thread, record))
		return false;
	*rel_sum += (thread->v - cpu->vq) * (int128_t)thread->weight + (int128_t)thread->v_rem;
	cpu->weight += thread->weight;
	eevdf_account_enter(cpu, thread);
	if (state == POLICY_DELAYED) {
		thread->state = POLICY_DELAYED;
		cpu->sleepers++;
		cpu->weight_delayed += thread->weight;
		eevdf_delayed_insert(cpu, thread);
	} else {
		eevdf_admit(cpu, thread);
	}
	return true;
}

enum error eevdf_restore(struct policy_cpu *policy_cpu, const struct policy_record *queue,
			 struct policy_thread *const threads[], const struct policy_record *records,
			 uint32_t count)
{
	struct eevdf_cpu *cpu = eevdf_cpu(policy_cpu);
	if (!record_usable(queue, 1))
		return ERR_FORMAT;
	cpu->vq = record_get(queue, WORD_V);
	int128_t rel_sum = 0;
	for (uint32_t i = 0; i < count; i++) {
		struct eevdf_thread *thread = eevdf_thread(threads[i]);
		const uint32_t weight = thread->weight;
		if (!thread_restore(cpu, thread, &records[i], &rel_sum))
			eevdf_params_set(thread, weight, thread->slice_ns);
	}
	if (cpu->weight != 0)
		cpu->vq += int128_divide_floor(rel_sum, cpu->weight, &cpu->vrem);
	eevdf_settle(cpu);
	return ERR_OK;
}
