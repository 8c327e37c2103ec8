/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtual time of a queue of weighted threads, exactly; what EEVDF and stride scheduling stand on.
 *
 *   w_i   weight of thread i; W the sum over the queue
 *   v_i   virtual time of i: service received / w_i       V = sum(w_i v_i) / W, that of the queue
 *   lag_i w_i (V - v_i): service that a fluid share still owes i; negative: i still owes it
 *
 * Service counts in units of 2^-52 ns.  S_i = w_i v_i and S = sum(S_i) are whole units, stored as v and v_rem
 * with S_i = w_i v + v_rem, 0 <= v_rem < w_i, and vq and vrem with S = W vq + vrem: so charges are exact,
 * however they are split, sum(lag_i) = W V - S = 0 always, and only joining or a new weight rounds, by a
 * unit of one thread's lag.  Derivations and number of bits: docs/design/eevdf.md.
 *
 * The account (account.c) says beside it who is ahead of a fair share of the whole machine; lag compares a
 * thread with the others of its CPU only.
 *
 * Owned, as the queue, by the CPU's dispatcher.  Pure; O(1).
 */
#pragma once

#include "../common.h"

#define VTIME_FRAC_BITS  POLICY_LAG_BITS /* fraction bits of service units and of v */
#define VTIME_FRAC_MASK  ((UINT64_C(1) << VTIME_FRAC_BITS) - 1)
/* Exact times are often equal, and a unit more or less must not decide (docs/design/eevdf.md): within so many
 * virtual units two times count as equal. */
#define VTIME_SLACK      256
#define VTIME_SLACK_BITS 8u
#define VTIME_SHORT_NS   (UINT64_C(1) << (64u - VTIME_FRAC_BITS))

#define VTIME_QUEUE_MEMBERS                                                                    \
	int128_t vq;                                                                           \
	uint64_t vrem;                                                                         \
	uint64_t weight;      /* W */                                                          \
	int128_t fair;        /* virtual time of a CPU with the average load, until fair_ns */ \
	int128_t account_sum; /* sum of w_i account_i over the queue */                        \
	uint64_t fair_ns;                                                                      \
	uint64_t fair_rate; /* 2^64 / average; 0: 2^64 / weight */                             \
	uint64_t average;   /* 0: no account is kept */
#define VTIME_THREAD_MEMBERS                             \
	int128_t v; /* in a queue */                     \
	uint32_t v_rem;                                  \
	uint32_t weight;                                 \
	int128_t lag;     /* kept while OUT, in units */ \
	int128_t account; /* OUT: how far ahead; inside, that is account + v - fair */

struct vtime_queue {
	VTIME_QUEUE_MEMBERS
};

struct vtime_thread {
	VTIME_THREAD_MEMBERS
};

/* A member `name` of these, whose own members are the surrounding struct's, too. */
#define VTIME_QUEUE(name)                   \
	union {                             \
		struct vtime_queue name;    \
		struct {                    \
			VTIME_QUEUE_MEMBERS \
		};                          \
	}
#define VTIME_THREAD(name)                   \
	union {                              \
		struct vtime_thread name;    \
		struct {                     \
			VTIME_THREAD_MEMBERS \
		};                           \
	}

static inline int128_t vtime_units(uint64_t ns)
{
	return (int128_t)ns << VTIME_FRAC_BITS;
}

/* Units to ns, rounded up, at least `least`. */
static inline uint64_t vtime_ns_ceil(int128_t units, uint64_t least)
{
	if (units <= 0)
		return least;
	const int128_t ns = (units + ((int128_t)1 << VTIME_FRAC_BITS) - 1) >> VTIME_FRAC_BITS;
	return max_u64(ns > INT64_MAX ? (uint64_t)INT64_MAX : (uint64_t)ns, least);
}

static inline struct policy_number vtime_number(int128_t units)
{
	return policy_number_of(units, VTIME_FRAC_BITS);
}

static inline int128_t vtime_of_number(struct policy_number ns)
{
	return (int128_t)ns.whole * ((int128_t)1 << VTIME_FRAC_BITS) +
	       ((int128_t)ns.frac << (VTIME_FRAC_BITS - 32));
}

/* Units as whole ns and the rest of them, and back. */
static inline void vtime_split(int128_t units, uint64_t *ns, uint64_t *frac)
{
	*ns = (uint64_t)(units >> VTIME_FRAC_BITS);
	*frac = (uint64_t)units & VTIME_FRAC_MASK;
}

static inline int128_t vtime_of_parts(uint64_t ns, uint64_t frac)
{
	return vtime_units(ns) + (int128_t)(frac & VTIME_FRAC_MASK);
}

/* The lag that an OUT thread keeps, as it travels. */
static inline void vtime_lag_give(const struct vtime_thread *thread, struct policy_migration *out)
{
	out->lag_whole = (int64_t)(thread->lag >> 64);
	out->lag_low = (uint64_t)thread->lag;
}

static inline int128_t vtime_lag_given(const struct policy_migration *in)
{
	return int128_of_words((uint64_t)in->lag_whole, in->lag_low);
}

/* Units of service that lie between two virtual times of a thread. */
static inline int128_t vtime_between(const struct vtime_thread *thread, int128_t from,
				     uint32_t from_rem, int128_t to, uint32_t to_rem)
{
	return (to - from) * (int128_t)thread->weight + (int128_t)to_rem - (int128_t)from_rem;
}

/* vtime.c: as vtime_serve(), of any length. */
void vtime_serve_long(struct vtime_queue *queue, struct vtime_thread *thread, uint64_t ns);

/* S_i - w_i vq; the sum over the queue is vrem. */
static inline int128_t vtime_relative(const struct vtime_queue *queue,
				      const struct vtime_thread *thread)
{
	return (thread->v - queue->vq) * (int128_t)thread->weight + (int128_t)thread->v_rem;
}

/* Sums over threads of a queue, all of them or some: their V may be asked for without changing the queue. */
struct vtime_sums {
	int128_t rel; /* of S_i - w_i vq */
	uint64_t weight;
};

static inline struct vtime_sums vtime_sums_of(const struct vtime_queue *queue)
{
	return (struct vtime_sums){.rel = (int128_t)queue->vrem, .weight = queue->weight};
}

static inline void vtime_sums_add(struct vtime_sums *sums, int128_t rel, uint32_t weight)
{
	sums->rel += rel;
	sums->weight += weight;
}

static inline void vtime_sums_leave(struct vtime_sums *sums, const struct vtime_queue *queue,
				    const struct vtime_thread *thread)
{
	sums->rel -= vtime_relative(queue, thread);
	sums->weight -= thread->weight;
}

/* The whole part of V of these threads. */
static inline int128_t vtime_sums_v(const struct vtime_sums *sums, const struct vtime_queue *queue)
{
	uint64_t rest;
	return queue->vq + int128_divide_floor(sums->rel, sums->weight, &rest);
}

/* What a thread that joins with this lag has relative to vq, floored; the others' sum is `rel`, their weight
 * `all`. */
static inline int128_t vtime_joins(uint32_t weight, int128_t lag, int128_t rel, uint64_t all)
{
	uint64_t rest;
	return int128_divide_floor((rel - lag) * (int128_t)weight, all, &rest) - lag;
}

/* It ran so long, below VTIME_SHORT_NS, where the units of service are a number of 64 bits (remainders are
 * far below 2^52): one division each. */
static inline void vtime_serve_short(struct vtime_queue *queue, struct vtime_thread *thread,
				     uint64_t ns)
{
	const uint32_t weight = thread->weight;
	const uint64_t sum = queue->weight;
	const uint64_t mine = (ns << VTIME_FRAC_BITS) + thread->v_rem;
	const uint64_t all = (ns << VTIME_FRAC_BITS) + queue->vrem;
	thread->v += mine / weight;
	thread->v_rem = (uint32_t)(mine % weight);
	queue->vq += all / sum;
	queue->vrem = all % sum;
}

/* *v + *rem / weight += ns 2^52 / weight, exactly, as long division: 32 fraction bits, then 20.  Both numbers
 * below 2^32. */
static inline void vtime_advance(int128_t *v, uint64_t *rem, uint64_t weight, uint64_t ns)
{
	const uint64_t upper = ns << 32;
	const uint64_t lower = ((upper % weight) << 20) + *rem;
	*v += ((int128_t)(upper / weight) << 20) + (int128_t)(lower / weight);
	*rem = lower % weight;
}

static inline bool vtime_serves_long(const struct vtime_queue *queue, uint64_t ns)
{
	return ns >= VTIME_SHORT_NS && ((ns | queue->weight) >> 32) != 0;
}

/* It ran for so long, v and V move on.  Without long_too not for one that is. */
static POLICY_STRAIGHT void vtime_serve(struct vtime_queue *queue, struct vtime_thread *thread,
					uint64_t ns, bool long_too)
{
	uint64_t rem = thread->v_rem;
	if (ns < VTIME_SHORT_NS) {
		vtime_serve_short(queue, thread, ns);
	} else if (long_too && vtime_serves_long(queue, ns)) {
		vtime_serve_long(queue, thread, ns);
	} else {
		vtime_advance(&thread->v, &rem, thread->weight, ns);
		thread->v_rem = (uint32_t)rem;
		vtime_advance(&queue->vq, &queue->vrem, queue->weight, ns);
	}
}

/* It ran while it was in no queue: that lowers the lag that it has kept, to one slice of debt at most. */
static inline void vtime_serve_outside(struct vtime_thread *thread, uint64_t ns, uint32_t slice_ns)
{
	const int128_t lag_min = -vtime_units(slice_ns);
	const int128_t lag = thread->lag - vtime_units(ns);
	if (thread->lag > lag_min)
		thread->lag = lag > lag_min ? lag : lag_min;
}

/* Below, equal or above 0, as v_a is to v_b; the remainders are fractions of a unit. */
static inline int vtime_compare(const struct vtime_thread *a, const struct vtime_thread *b)
{
	const uint64_t left = (uint64_t)a->v_rem * b->weight;
	const uint64_t right = (uint64_t)b->v_rem * a->weight;
	if (a->v != b->v)
		return a->v < b->v ? -1 : 1;
	return left == right ? 0 : left < right ? -1 : 1;
}

/* Units of service of the queue until the whole part of V reaches v but for the slack, if it moves at
 * 1 / weight; 0 if it has. */
static inline int128_t vtime_units_until(const struct vtime_queue *queue, int128_t v,
					 uint64_t weight)
{
	const int128_t way = v - VTIME_SLACK - queue->vq;
	if (way <= 0)
		return 0;
	const int128_t units = way * (int128_t)weight - (int128_t)queue->vrem;
	return units > 0 ? units : 0;
}

/* ---- vtime.c ---- */
/* Units of service of the thread until V is behind v by more than this: its lag falls at 1 - w / W, so that
 * takes lag W / (W - w), and a little more to be past it.  0 if it is so already, or for a lone thread. */
int128_t vtime_units_behind(const struct vtime_queue *queue, const struct vtime_thread *thread,
			    int128_t slack);
/* lag in units, rounded to minus infinity.  The thread is in the queue. */
int128_t vtime_lag(const struct vtime_queue *queue, const struct vtime_thread *thread);
/* Put v where the thread has this lag (0 if the queue is empty) and count it in V and W. */
void vtime_join(struct vtime_queue *queue, struct vtime_thread *thread, int128_t lag);
/* Another weight; V and all lags stay. */
void vtime_reweight(struct vtime_queue *queue, struct vtime_thread *thread, uint32_t weight);
/* Rebuild a queue: vq is that of the record; enter each thread with its saved v, then end with the sum.  V is
 * computed from those that came back, so that their lags add up to 0. */
void vtime_restore(struct vtime_queue *queue, struct vtime_thread *thread, int128_t *rel_sum);
void vtime_restore_end(struct vtime_queue *queue, int128_t rel_sum);

/* ---- account.c ---- */
/* Bring `fair` to now; before any change of who is in the queue. */
static inline void vtime_clock(struct vtime_queue *queue, uint64_t now_ns)
{
	if (queue->average == 0 || now_ns <= queue->fair_ns)
		return;
	uint64_t rate = queue->fair_rate;
	if (rate == 0 && queue->weight != 0)
		rate = UINT64_MAX / queue->weight;
	const uint128_t grown = (uint128_t)(now_ns - queue->fair_ns) * rate;
	queue->fair += (int128_t)(grown >> (64u - VTIME_FRAC_BITS));
	queue->fair_ns = now_ns;
}
void vtime_account_begin(struct vtime_queue *queue, struct vtime_thread *thread);
void vtime_account_end(struct vtime_queue *queue, struct vtime_thread *thread, bool sleeps);
/* After v was set by a join, before it is left. */
static inline void vtime_account_enter(struct vtime_queue *queue, struct vtime_thread *thread)
{
	if (queue->average == 0)
		thread->account = 0;
	else
		vtime_account_begin(queue, thread);
}
static inline void vtime_account_leave(struct vtime_queue *queue, struct vtime_thread *thread,
				       bool sleeps)
{
	if (queue->average != 0)
		vtime_account_end(queue, thread, sleeps);
}
/* Half of it is forgotten by who sleeps: the average is as old as the last look, and a sleeper's stays are
 * short, so its account is mostly error, which would be paid back for seconds by a thread that stops
 * sleeping. */
static inline void vtime_account_sleep(struct vtime_thread *thread)
{
	thread->account /= 2;
}
/* What the machine owes a queued thread, ns; its lag if no account is kept. */
int64_t vtime_owed_ns(const struct vtime_queue *queue, const struct vtime_thread *thread);
/* How far the queue's threads are ahead in the mean, ns. */
int64_t vtime_ahead_ns(const struct vtime_queue *queue);
/* Their part of query(). */
void vtime_tell_queue(const struct vtime_queue *queue, struct policy_info *out);
void vtime_tell_thread(const struct vtime_queue *queue, const struct vtime_thread *thread,
		       bool outside, struct policy_info *out);
/* policy_ops.set_average. */
void vtime_set_average(struct vtime_queue *queue, uint64_t average_weight, uint64_t now_ns);

/* ---- the leave, here for the sake of the decision path ---- */
/* floor(w vrem / W).  Below w, so one machine division does unless the product overflows. */
static inline int128_t vtime_rest_share(const struct vtime_queue *queue,
					const struct vtime_thread *thread)
{
	uint64_t rest;
	if (queue->weight <= UINT32_MAX)
		return (int128_t)(queue->vrem * thread->weight / queue->weight);
	return (int128_t)uint128_divide((uint128_t)queue->vrem * thread->weight, queue->weight,
					&rest);
}

/* Change S and W by what a thread brings or takes: V := (W vq + vrem + rel) / weight. */
static inline void vtime_mean(struct vtime_queue *queue, int128_t rel, uint64_t weight)
{
	const int128_t sum = (int128_t)queue->vrem + rel;
	queue->weight = weight;
	if (sum == (int128_t)(uint64_t)sum) {
		queue->vq += (uint64_t)sum / weight;
		queue->vrem = (uint64_t)sum % weight;
	} else {
		queue->vq += int128_divide_floor(sum, weight, &queue->vrem);
	}
}

/* Take it out of V and W; its lag is kept. */
static inline void vtime_leave(struct vtime_queue *queue, struct vtime_thread *thread, bool sleeps)
{
	const int128_t rel = vtime_relative(queue, thread);
	const uint64_t weight = queue->weight - thread->weight;
	if (queue->weight <= thread->weight) {
		/* V of a lone thread is its v, so it has no lag; an empty queue keeps the whole part. */
		thread->lag = 0;
		queue->vq = thread->v;
		queue->vrem = 0;
		queue->weight = 0;
	} else {
		thread->lag = vtime_rest_share(queue, thread) - rel;
		vtime_mean(queue, -rel, weight);
	}
	vtime_account_leave(queue, thread, sleeps);
}

/* As vtime_join() with that lag, of the second of two threads, V being v and rem: numbers below 2^101. */
static POLICY_STRAIGHT void vtime_join_one(struct vtime_queue *queue, struct vtime_thread *thread,
					   const struct vtime_thread *other, int128_t lag)
{
	const uint32_t weight = thread->weight;
	const uint64_t all = other->weight + weight;
	uint64_t rest;
	const int128_t rel = int128_divide_floor_short(((int128_t)other->v_rem - lag) *
							       (int128_t)weight,
						       other->weight, &rest) -
			     lag;
	thread->v = other->v + int128_divide_floor_short(rel, weight, &rest);
	thread->v_rem = (uint32_t)rest;
	queue->vq = other->v +
		    int128_divide_floor_short((int128_t)other->v_rem + rel, all, &queue->vrem);
}

/* The same with lag 0: both are at V but for the fractions, and one division is left. */
static inline void vtime_join_even(struct vtime_queue *queue, struct vtime_thread *thread,
				   const struct vtime_thread *other)
{
	const uint64_t rem = other->v_rem, mine = rem * thread->weight / other->weight;
	thread->v = other->v;
	thread->v_rem = (uint32_t)mine;
	queue->vq = other->v;
	queue->vrem = rem + mine;
}

/* Of two threads `thread` is served for ran_ns and sleeps, the other one is served for other_ns, and the
 * first one wakes: as these steps, without an account.  It leaves with its lag, lag_max at most; if it is
 * beyond V by more than `slack`, with none when V comes up to that; false, and nothing is done, if V does
 * not.  Times below 2^32, weights as of a policy, and lag_max below 2^80. */
static POLICY_STRAIGHT bool vtime_nap(struct vtime_queue *queue, struct vtime_thread *thread,
				      struct vtime_thread *other, uint64_t ran_ns,
				      uint64_t other_ns, int128_t lag_max, int128_t slack)
{
	struct vtime_queue all = {.vq = queue->vq, .vrem = queue->vrem, .weight = queue->weight};
	struct vtime_thread mine = {
		.v = thread->v, .v_rem = thread->v_rem, .weight = thread->weight};
	uint64_t rem = other->v_rem;
	vtime_serve(&all, &mine, ran_ns, false);
	const bool debt = int128_below(all.vq + slack, mine.v);
	const int128_t lag = (int128_t)(all.vrem * mine.weight / all.weight) -
			     vtime_relative(&all, &mine);
	if (debt) {
		vtime_advance(&all.vq, &all.vrem, all.weight, other_ns);
		if (int128_below(all.vq + slack, mine.v))
			return false;
	}
	vtime_advance(&other->v, &rem, other->weight, other_ns);
	other->v_rem = (uint32_t)rem;
	if (debt)
		vtime_join_even(queue, thread, other);
	else
		vtime_join_one(queue, thread, other, min_i128(lag, lag_max));
	return true;
}
