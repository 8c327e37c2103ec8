/* SPDX-License-Identifier: BSD-2-Clause */
/* EEVDF: what a thread carries to another CPU, and a queue to another instance of the server. */
#include "eevdf.h"

void eevdf_migrate_out(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
		       struct policy_migration *out, uint64_t now_ns)
{
	struct eevdf_cpu *cpu = eevdf_cpu(policy_cpu);
	struct eevdf_thread *thread = eevdf_thread(policy_thread);
	vtime_clock(&cpu->time, now_ns);
	*out = (struct policy_migration){.policy_id = EEVDF_ID, .state = POLICY_OUT};
	if (thread->state != POLICY_OUT) {
		out->state = thread->state == POLICY_DELAYED ? POLICY_OUT : POLICY_QUEUED;
		vtime_split(eevdf_left(thread), &out->deadline_ns, &out->deadline_frac);
		vtime_split(eevdf_used(thread), &out->request_ns, &out->request_frac);
		eevdf_expel(cpu, thread, false);
		eevdf_settle(cpu);
	}
	out->lag_whole = (int64_t)(thread->lag >> 64);
	out->lag_low = (uint64_t)thread->lag;
}

void eevdf_migrate_in(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
		      const struct policy_migration *in, uint64_t now_ns)
{
	struct eevdf_cpu *cpu = eevdf_cpu(policy_cpu);
	struct eevdf_thread *thread = eevdf_thread(policy_thread);
	vtime_clock(&cpu->time, now_ns);
	if (thread->state != POLICY_OUT) {
		cpu->misuse++;
		return;
	}
	const bool same = in->policy_id == EEVDF_ID;
	thread->lag = same ? int128_of_words((uint64_t)in->lag_whole, in->lag_low) : 0;
	if (in->state == POLICY_OUT)
		return;
	const int128_t left = vtime_of_parts(in->deadline_ns, in->deadline_frac);
	if (!same || left <= 0) {
		policy_eevdf.enqueue(policy_cpu, policy_thread, POLICY_JOIN_WAKE, now_ns);
		return;
	}
	vtime_join(&cpu->time, &thread->time, thread->lag);
	thread->lag = 0;
	eevdf_request_some(thread, left);
	fraction_add_32(&thread->ve, &thread->ve_rem, thread->weight,
			-vtime_of_parts(in->request_ns, in->request_frac));
	eevdf_keys_set(thread);
	eevdf_admit(cpu, thread);
	eevdf_settle(cpu);
}

/* What the words of a record hold. */
struct image {
	int128_t whole[EEVDF_TIMES]; /* v, ve, vd; of a queue the first is V */
	int128_t lag;
	uint32_t rem[EEVDF_TIMES];
	uint32_t weight; /* that v, ve, vd refer to */
	uint64_t state;
};
_Static_assert(sizeof(struct image) <= sizeof(((struct policy_record *)0)->words), "record");

void eevdf_save(const struct policy_cpu *policy_cpu, const struct policy_thread *policy_thread,
		struct policy_record *out)
{
	struct image image = {.whole = {eevdf_cpu_const(policy_cpu)->vq}};
	*out = policy_record_of(EEVDF_ID, EEVDF_VERSION);
	if (policy_thread != NULL) {
		const struct eevdf_thread *thread = eevdf_thread_const(policy_thread);
		out->kind = 2;
		out->tid = thread->tid;
		image = (struct image){.whole = {thread->v, thread->ve, thread->vd},
				       .lag = thread->lag,
				       .rem = {thread->v_rem, thread->ve_rem, thread->vd_rem},
				       .weight = thread->weight,
				       .state = thread->state};
	}
	__builtin_memcpy(out->words, &image, sizeof(image));
}

/* Times of the saved thread, in the saved weight; false if they make no sense. */
static bool thread_load(struct eevdf_thread *thread, const struct image *image)
{
	const int128_t request_max = vtime_units((uint64_t)POLICY_SLICE_NS_MAX *
						 (EEVDF_YIELD_REQUESTS + 1));
	const uint32_t weight = image->weight;
	int128_t *whole[EEVDF_TIMES];
	uint32_t *rem[EEVDF_TIMES];
	if (!policy_weight_valid(weight))
		return false;
	eevdf_params_set(thread, weight, thread->slice_ns);
	eevdf_times(thread, whole, rem);
	for (uint32_t i = 0; i < EEVDF_TIMES; i++) {
		*whole[i] = image->whole[i];
		*rem[i] = image->rem[i];
		if (*rem[i] >= weight)
			return false;
	}
	const int128_t left = eevdf_left(thread);
	eevdf_keys_set(thread);
	thread->left_ns = vtime_ns_ceil(left, 0);
	return left > 0 && left <= request_max && eevdf_used(thread) >= 0;
}

static bool thread_restore(struct eevdf_cpu *cpu, struct eevdf_thread *thread,
			   const struct policy_record *record, int128_t *rel_sum)
{
	struct image image;
	__builtin_memcpy(&image, record->words, sizeof(image));
	if (!policy_record_fits(record, EEVDF_ID, EEVDF_VERSION, 2, thread->tid) ||
	    image.state > POLICY_DELAYED)
		return false;
	if (image.state == POLICY_OUT) {
		thread->lag = image.lag;
		return true;
	}
	if (!thread_load(thread, &image))
		return false;
	vtime_restore(&cpu->time, &thread->time, rel_sum);
	if (image.state == POLICY_DELAYED)
		eevdf_delay(cpu, thread);
	else
		eevdf_admit(cpu, thread);
	return true;
}

enum error eevdf_restore(struct policy_cpu *policy_cpu, const struct policy_record *queue,
			 struct policy_thread *const threads[], const struct policy_record *records,
			 uint32_t count)
{
	struct eevdf_cpu *cpu = eevdf_cpu(policy_cpu);
	if (!policy_record_fits(queue, EEVDF_ID, EEVDF_VERSION, 1, 0))
		return ERR_FORMAT;
	__builtin_memcpy(&cpu->vq, queue->words, sizeof(cpu->vq)); /* the first of the image */
	int128_t rel_sum = 0;
	for (uint32_t i = 0; i < count; i++) {
		struct eevdf_thread *thread = eevdf_thread(threads[i]);
		const uint32_t weight = thread->weight;
		if (!thread_restore(cpu, thread, &records[i], &rel_sum))
			eevdf_params_set(thread, weight, thread->slice_ns);
	}
	vtime_restore_end(&cpu->time, rel_sum);
	eevdf_settle(cpu);
	return ERR_OK;
}
