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
		vtime_split(vtime_left(&thread->request), &out->deadline_ns, &out->deadline_frac);
		vtime_split(vtime_used(&thread->request), &out->request_ns, &out->request_frac);
		eevdf_expel(cpu, thread, false);
		eevdf_settle(cpu);
	}
	vtime_lag_give(&thread->time, out);
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
	thread->lag = same ? vtime_lag_given(in) : 0;
	if (in->state == POLICY_OUT)
		return;
	const int128_t left = vtime_of_parts(in->deadline_ns, in->deadline_frac);
	if (!same || left <= 0) {
		policy_eevdf.enqueue(policy_cpu, policy_thread, POLICY_JOIN_WAKE, now_ns);
		return;
	}
	vtime_join(&cpu->time, &thread->time, thread->lag);
	thread->lag = 0;
	vtime_request_resume(&thread->request, left,
			     vtime_of_parts(in->request_ns, in->request_frac));
	eevdf_admit(cpu, thread);
	eevdf_settle(cpu);
}

/* What the words of a record hold. */
struct image {
	int128_t v;          /* of a queue: V */
	int128_t left, used; /* of its request */
	int128_t lag;
	uint32_t v_rem;
	uint32_t weight; /* that v refers to */
	uint64_t state;
};
_Static_assert(sizeof(struct image) <= sizeof(((struct policy_record *)0)->words), "record");

void eevdf_save(const struct policy_cpu *policy_cpu, const struct policy_thread *policy_thread,
		struct policy_record *out)
{
	struct image image = {.v = eevdf_cpu_const(policy_cpu)->vq};
	*out = policy_record_of(EEVDF_ID, EEVDF_VERSION);
	if (policy_thread != NULL) {
		const struct eevdf_thread *thread = eevdf_thread_const(policy_thread);
		out->kind = 2;
		out->tid = thread->tid;
		image = (struct image){.v = thread->v,
				       .lag = thread->lag,
				       .left = vtime_left(&thread->request),
				       .used = vtime_used(&thread->request),
				       .v_rem = thread->v_rem,
				       .weight = thread->weight,
				       .state = thread->state};
	}
	__builtin_memcpy(out->words, &image, sizeof(image));
}

/* In the saved weight, which its times refer to.  It stays OUT if the record makes no sense. */
static void thread_restore(struct eevdf_cpu *cpu, struct eevdf_thread *thread,
			   const struct policy_record *record, int128_t *rel_sum)
{
	struct image image;
	__builtin_memcpy(&image, record->words, sizeof(image));
	if (!policy_record_fits(record, EEVDF_ID, EEVDF_VERSION, 2, thread->tid))
		return;
	if (image.state == POLICY_OUT)
		thread->lag = image.lag;
	if (image.state == POLICY_OUT || image.state > POLICY_DELAYED ||
	    !policy_weight_valid(image.weight) || image.v_rem >= image.weight ||
	    !eevdf_request_valid(image.left, image.used))
		return;
	vtime_request_params(&thread->request, image.weight, thread->slice_ns);
	thread->v = image.v;
	thread->v_rem = image.v_rem;
	vtime_request_resume(&thread->request, image.left, image.used);
	vtime_restore(&cpu->time, &thread->time, rel_sum);
	if (image.state == POLICY_DELAYED)
		eevdf_delay(cpu, thread);
	else
		eevdf_admit(cpu, thread);
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
	for (uint32_t i = 0; i < count; i++)
		thread_restore(cpu, eevdf_thread(threads[i]), &records[i], &rel_sum);
	vtime_restore_end(&cpu->time, rel_sum);
	eevdf_settle(cpu);
	return ERR_OK;
}
