/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is ahead of a fair share of the whole machine: lag compares a thread with the others of its CPU only.
 * docs/design/eevdf.md.
 *
 *   fair      virtual time of a CPU with the average load A: it grows by dt / A; while A is not known because
 *             nobody waits, with the load that is here: who is served then gets its due, whatever it is
 *   ahead_i   sum over the stays of i in queues of (growth of v_i - growth of fair); inside a queue
 *             that is account_i + v_i - fair, so a charge touches nothing
 *
 * A machine of one CPU keeps no account.  Where it begins with threads in the queue, they begin with what
 * they are ahead there: account_i = 0, fair = V.
 */
#include "vtime.h"

/* A turn of who has a thousandth of a CPU is 3 s of its share.  What is beyond is forgotten, and no more: who
 * has had many times its share would begin anew, and be owed something soon. */
#define AHEAD_MAX_NS 20000000000u

void vtime_account_begin(struct vtime_queue *queue, struct vtime_thread *thread)
{
	thread->account += queue->fair - thread->v;
	queue->account_sum += thread->account * (int128_t)thread->weight;
}

__attribute__((noinline)) void vtime_account_end(struct vtime_queue *queue,
						 struct vtime_thread *thread, bool sleeps)
{
	const int128_t max = vtime_units(AHEAD_MAX_NS);
	queue->account_sum -= thread->account * (int128_t)thread->weight;
	thread->account += thread->v - queue->fair;
	const int128_t ahead = thread->account * (int128_t)queue->average;
	uint64_t rest;
	if (ahead > max || ahead < -max)
		thread->account = int128_divide_floor(ahead > 0 ? max : -max, queue->average,
						      &rest);
	if (sleeps)
		vtime_account_sleep(thread);
}

int64_t vtime_owed_ns(const struct vtime_queue *queue, const struct vtime_thread *thread)
{
	if (queue->average == 0)
		return vtime_number(vtime_lag(queue, thread)).whole;
	const int128_t ahead = thread->account + queue->vq - queue->fair;
	return vtime_number(-ahead * (int128_t)queue->average).whole;
}

int64_t vtime_ahead_ns(const struct vtime_queue *queue)
{
	uint64_t rest;
	if (queue->average == 0 || queue->weight == 0)
		return 0;
	const int128_t mean = queue->vq - queue->fair +
			      int128_divide_floor(queue->account_sum, queue->weight, &rest);
	return vtime_number(mean * (int128_t)queue->average).whole;
}

void vtime_set_average(struct vtime_queue *queue, uint64_t average_weight, uint64_t now_ns)
{
	vtime_clock(queue, now_ns);
	if (average_weight == 1)
		return;
	if (queue->average == 0) {
		queue->fair_ns = now_ns;
		queue->fair = queue->vq;
	}
	if (average_weight != 0)
		queue->average = average_weight;
	else if (queue->average == 0)
		queue->average = POLICY_WEIGHT_NICE_0;
	queue->fair_rate = average_weight != 0 ? UINT64_MAX / average_weight : 0;
}

void vtime_tell_queue(const struct vtime_queue *queue, struct policy_info *out)
{
	out->v = vtime_number(queue->vq);
	out->weight = queue->weight;
	out->ahead_ns = vtime_ahead_ns(queue);
}

void vtime_tell_thread(const struct vtime_queue *queue, const struct vtime_thread *thread,
		       bool outside, struct policy_info *out)
{
	out->lag_ns = vtime_number(outside ? thread->lag : vtime_lag(queue, thread));
	if (!outside)
		out->thread_v = vtime_number(thread->v);
}
