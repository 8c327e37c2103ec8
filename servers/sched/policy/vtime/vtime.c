/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The arithmetic of virtual time.  Symbols, units and what is exact: vtime.h.
 *
 * Everything is computed relative to the whole part vq of V, so that the numbers stay as small as lags:
 *
 *   rel_i = S_i - w_i vq = w_i (v - vq) + v_rem          sum of rel_i = vrem = S - W vq
 */
#include "vtime.h"

int128_t vtime_lag(const struct vtime_queue *queue, const struct vtime_thread *thread)
{
	/* w V = w vq + w vrem / W; vrem < W, so the last term is below w. */
	return vtime_rest_share(queue, thread) - vtime_relative(queue, thread);
}

int128_t vtime_units_behind(const struct vtime_queue *queue, const struct vtime_thread *thread,
			    int128_t slack)
{
	const int128_t lag = vtime_lag(queue, thread) + slack * thread->weight;
	uint64_t rest;
	if (lag < 0 || queue->weight == thread->weight)
		return 0;
	return int128_divide_floor(lag * (int128_t)queue->weight, queue->weight - thread->weight,
				   &rest) +
	       1;
}

__attribute__((noinline)) void vtime_serve_long(struct vtime_queue *queue,
						struct vtime_thread *thread, uint64_t ns)
{
	uint64_t rem = thread->v_rem;
	fraction_add(&thread->v, &rem, thread->weight, vtime_units(ns));
	thread->v_rem = (uint32_t)rem;
	fraction_add(&queue->vq, &queue->vrem, queue->weight, vtime_units(ns));
}

/* S_i = w V - l w / W - l for a lag l (docs/design/eevdf.md), floored once: v is at most the exact value, so
 * a thread that is placed at V is eligible. */
void vtime_join(struct vtime_queue *queue, struct vtime_thread *thread, int128_t lag)
{
	const uint32_t weight = thread->weight;
	if (queue->weight == 0) {
		queue->vrem = 0;
		queue->weight = weight;
		thread->v = queue->vq;
		thread->v_rem = 0;
		vtime_account_enter(queue, thread);
		return;
	}
	uint64_t rest;
	const int128_t rel = vtime_joins(weight, lag, queue->vrem, queue->weight);
	thread->v = queue->vq + int128_divide_floor(rel, weight, &rest);
	thread->v_rem = (uint32_t)rest;
	vtime_mean(queue, rel, queue->weight + weight);
	vtime_account_enter(queue, thread);
}

/* v := V + (v - V) w / w': adds floor((w' - w) V) = (w' - w) vq + k to S_i (docs/design/eevdf.md). */
void vtime_reweight(struct vtime_queue *queue, struct vtime_thread *thread, uint32_t weight)
{
	uint64_t rest;
	const int128_t change = (int128_t)weight - (int128_t)thread->weight;
	const int128_t k = int128_divide_floor(change * (int128_t)queue->vrem, queue->weight,
					       &rest);
	const int128_t rel = vtime_relative(queue, thread) + k;
	vtime_account_leave(queue, thread, false);
	thread->v = queue->vq + int128_divide_floor(rel, weight, &rest);
	thread->v_rem = (uint32_t)rest;
	/* vrem + k = floor(vrem W' / W), so it is in [0, W') and vq stays. */
	queue->vrem = (uint64_t)((int128_t)queue->vrem + k);
	queue->weight = queue->weight - thread->weight + weight;
	thread->weight = weight;
	vtime_account_enter(queue, thread);
}

void vtime_restore(struct vtime_queue *queue, struct vtime_thread *thread, int128_t *rel_sum)
{
	*rel_sum += vtime_relative(queue, thread);
	queue->weight += thread->weight;
	vtime_account_enter(queue, thread);
}

void vtime_restore_end(struct vtime_queue *queue, int128_t rel_sum)
{
	if (queue->weight != 0)
		queue->vq += int128_divide_floor(rel_sum, queue->weight, &queue->vrem);
}
