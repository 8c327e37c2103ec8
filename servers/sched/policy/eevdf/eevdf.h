/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Earliest Eligible Virtual Deadline First (I. Stoica, H. Abdel-Wahab, 1995): the order of one CPU.
 * Owned by that CPU's dispatcher; nobody else may touch it, so it has no lock.
 * Derivations, number of bits, and why equality needs slack: docs/design/eevdf.md.
 *
 * w_i, W, v_i, V, lag_i and how they are kept exact: vtime/vtime.h; r_i, ve_i, vd_i: vtime/request.h.  Here W
 * counts the running thread and the delayed sleepers, too.
 *
 * tree[class]: QUEUED threads by (vd, ve, tid), each node with the least v and the shortest and longest slice
 * below it; tree[EEVDF_DELAYED]: DELAYED sleepers by (v, tid), likewise; running: in no tree, but in W.
 *
 * Bounds (q: longest time between decisions)
 *   lag            -r_k < lag_k < max(r_k, q)          wake to run      L < (W / w_k - 1) r_k + q
 *   request done before its deadline + q               starvation       wait < (W/w)(r + r_max) + r_max
 *
 * Bad at: nothing is said about cache warmth; a thread that yields in a loop asks for up to
 * EEVDF_YIELD_REQUESTS requests at once and waits accordingly.
 */
#pragma once

#include "../vtime/request.h"

#define EEVDF_ID             1u
#define EEVDF_VERSION        2u
#define EEVDF_SHORT_PART     8u /* a request of 1/8 may go before a longer one that is due earlier */
#define EEVDF_LATE_PART      2u /* ... while that is late by half a request at most */
#define EEVDF_YIELD_REQUESTS 4  /* a yielding thread's deadline is at most so many requests away */
#define EEVDF_CLASSES        2u
#define EEVDF_DELAYED        EEVDF_CLASSES /* tree of the sleepers; the others are those of the classes */
#define EEVDF_TREES          3u

struct eevdf_thread {
	/* links; valid in QUEUED and DELAYED */
	struct rb_node node;
	/* summary of the subtree below and including this node */
	int128_t min_v;
	uint32_t min_slice_ns, max_slice_ns;
	uint8_t class;
	uint8_t state;  /* enum policy_state */
	uint8_t blocks; /* it blocked since its last request was done */
	/* v, parameters, and the request, which is valid in QUEUED, RUNNING, DELAYED */
	VTIME_REQUEST(request);
};

struct eevdf_cpu {
	VTIME_QUEUE(time);
	uint64_t weight_delayed; /* of W, sleepers' */
	struct rb_tree tree[EEVDF_TREES];
	struct eevdf_thread *first[EEVDF_TREES]; /* of each tree, or NULL */
	struct eevdf_thread *running;
	uint64_t ran_ns;   /* service of the running thread since it was picked */
	uint32_t runnable; /* QUEUED and RUNNING */
	uint32_t sleepers; /* DELAYED */
	bool request_done; /* the running thread's request was done since the last pick */
	bool yielded;      /* the running thread yielded since the last pick */
	bool normal_woke;  /* a normal thread became ready while a background one runs */
	bool exact;        /* the last pick had POLICY_PICK_EXACT */
	uint32_t misuse;
	uint32_t index;
};

POLICY_VIEWS(eevdf);
POLICY_NODES(eevdf);

/* What check() verifies. */
enum eevdf_rule {
	EEVDF_RULE_NONE = 0,
	EEVDF_RULE_TREE = 1,       /* links, colours, order by (vd, ve, tid) */
	EEVDF_RULE_SUMMARY = 2,    /* least v, shortest and longest slice of each subtree */
	EEVDF_RULE_WEIGHT = 3,     /* W is the sum of the weights, sleepers' part likewise */
	EEVDF_RULE_LAG = 4,        /* the sum of all lags is exactly 0 */
	EEVDF_RULE_COUNT = 5,      /* counts match the trees */
	EEVDF_RULE_RUNNING = 6,    /* the running thread is in no tree; states match places */
	EEVDF_RULE_ELIGIBLE = 7,   /* a runnable thread is eligible if there is one */
	EEVDF_RULE_DELAYED = 8,    /* no delayed sleeper is eligible; they are ordered by v */
	EEVDF_RULE_REQUEST = 9,    /* ve <= v < vd, and the request is of a legal length */
	EEVDF_RULE_PARAMS = 10,    /* weight, slice, class in their bounds */
	EEVDF_RULE_REMAINDER = 11, /* 0 <= v_rem < w, 0 <= vrem < W */
	EEVDF_RULE_MISUSE = 12,    /* the caller passed a thread in a state that did not fit */
};

/* The largest v (whole part) that counts as eligible. */
static inline int128_t eevdf_cutoff(const struct eevdf_cpu *cpu)
{
	return cpu->vq + VTIME_SLACK;
}

static inline bool eevdf_eligible(const struct eevdf_cpu *cpu, const struct eevdf_thread *thread)
{
	return !int128_below(eevdf_cutoff(cpu), thread->v);
}

/* Begin a request of a slice now: as vtime_request_resume() with all of it left, without a division. */
static inline void eevdf_request(struct eevdf_thread *thread)
{
	const uint32_t rem = thread->v_rem + thread->request_rem;
	const bool carry = rem >= thread->weight;
	thread->ve = thread->v;
	thread->ve_rem = thread->v_rem;
	thread->vd = thread->v + thread->request_v + (carry ? 1 : 0);
	thread->vd_rem = carry ? rem - thread->weight : rem;
	thread->key_vd = vtime_grid(thread->vd);
	thread->key_ve = vtime_grid(thread->ve);
	thread->left_ns = thread->slice_ns;
}

/* Whether it is of a legal length; `left` and `used` units of one. */
static inline bool eevdf_request_valid(int128_t left, int128_t used)
{
	const uint64_t max_ns = (uint64_t)POLICY_SLICE_NS_MAX * (EEVDF_YIELD_REQUESTS + 1);
	return left > 0 && left <= vtime_units(max_ns) && used >= 0;
}

/* ---- eevdf.c: who leaves when V has moved ---- */
/* After any change of V: delayed sleepers that owe nothing leave.  Returns `result`. */
bool eevdf_settle_delayed(struct eevdf_cpu *cpu, bool result);
static inline bool eevdf_settles(const struct eevdf_cpu *cpu)
{
	return cpu->first[EEVDF_DELAYED] != NULL && eevdf_eligible(cpu, cpu->first[EEVDF_DELAYED]);
}
static inline void eevdf_settle(struct eevdf_cpu *cpu)
{
	if (eevdf_settles(cpu))
		(void)eevdf_settle_delayed(cpu, true);
}

/* ---- queue.c: the trees ---- */
/* Whether a comes before b among eligible threads. */
static inline bool eevdf_before(const struct eevdf_thread *a, const struct eevdf_thread *b)
{
	if (a->key_vd != b->key_vd)
		return a->key_vd < b->key_vd;
	if (a->key_ve != b->key_ve)
		return a->key_ve < b->key_ve;
	return a->tid < b->tid;
}

rb_update_fn eevdf_summary_update;
/* Into and out of the tree of the thread's state: waiting, delayed, or none. */
void eevdf_tree_insert(struct eevdf_cpu *cpu, struct eevdf_thread *thread);
/* Of one that is in a tree. */
void eevdf_unlink(struct eevdf_cpu *cpu, struct eevdf_thread *thread);
/* A QUEUED thread becomes RUNNING, and who was is QUEUED. */
void eevdf_run(struct eevdf_cpu *cpu, struct eevdf_thread *thread);
static inline void eevdf_tree_erase(struct eevdf_cpu *cpu, struct eevdf_thread *thread)
{
	if (thread->state == POLICY_QUEUED || thread->state == POLICY_DELAYED)
		eevdf_unlink(cpu, thread);
}
bool eevdf_delayed_before(const struct eevdf_thread *a, const struct eevdf_thread *b);
/* The first in order among those of one class that are eligible, v <= cutoff, or NULL. */
struct eevdf_thread *eevdf_best(const struct eevdf_cpu *cpu, uint32_t class, int128_t cutoff);
/* The shortest slice among the waiting, UINT32_MAX if none waits. */
uint32_t eevdf_slice_min(const struct eevdf_cpu *cpu);
/* The least v among waiting threads with an earlier deadline than `than`, with ties those that come before
 * it with the same one; false if none. */
bool eevdf_earlier_min_v(const struct eevdf_cpu *cpu, const struct eevdf_thread *than, bool ties,
			 int128_t *min_v);

/* ---- pick.c ---- */
static inline struct eevdf_thread *eevdf_first_of(struct eevdf_thread *a, struct eevdf_thread *b)
{
	if (a == NULL || b == NULL)
		return a == NULL ? b : a;
	return eevdf_before(b, a) ? b : a;
}
/* The longest slice that may go before `thread` although it is due later. */
static inline uint32_t eevdf_short_ns(const struct eevdf_thread *thread)
{
	return thread->slice_ns / EEVDF_SHORT_PART;
}

/* ---- offer.c: for how long the decision to run `chosen` stays right while others wake or it blocks ---- */
/* Service of `thread`, which has run for ran_ns, until rule b could take the CPU from it; 0: rule c could. */
static inline uint64_t eevdf_filter_ns(const struct eevdf_thread *thread, uint64_t slice_min_ns,
				       uint64_t ran_ns)
{
	const uint64_t slice_ns = thread->slice_ns;
	if (thread->class != POLICY_CLASS_NORMAL || slice_min_ns < slice_ns)
		return 0;
	return min_u64(sub_saturate_u64(slice_ns, ran_ns), thread->left_ns);
}
/* `next` follows a thread that blocks within valid_ns; not if one with a shorter slice waits, too. */
static inline void eevdf_offer(struct eevdf_thread *next, uint32_t runnable, uint32_t slice_min_ns,
			       uint64_t valid_ns, struct policy_pick *pick)
{
	struct policy_successor *out = &pick->successor;
	const uint64_t slice_ns = next->slice_ns, left_ns = min_u64(next->left_ns, slice_ns);
	if (slice_ns > slice_min_ns)
		return;
	out->thread = eevdf_handle(next);
	out->valid_ns = valid_ns;
	out->slice_ns = runnable == 2 ? TIME_NEVER : left_ns; /* alone: as in pick() */
	out->filter_ns = next->class == POLICY_CLASS_NORMAL ? left_ns : 0;
	out->filter_key = slice_ns;
	pick->offers |= POLICY_PICK_SUCCESSOR;
}
void eevdf_offer_successor(const struct eevdf_cpu *cpu, const struct eevdf_thread *running,
			   struct policy_pick *pick);
uint64_t eevdf_key(const struct policy_params *params);
void eevdf_succeed(struct policy_cpu *cpu, struct policy_thread *thread, uint64_t now_ns);
uint32_t eevdf_succeed_past(const struct policy_cpu *cpu, const struct policy_successor *next,
			    const struct policy_thread *const wakes[], uint32_t count);

/* ---- pick.c, state.c, inspect.c: operations of the interface ---- */
uint32_t eevdf_nap(struct policy_cpu *cpu, struct policy_thread *thread, struct policy_thread *next,
		   uint64_t ran_ns, uint64_t next_ran_ns, uint64_t now_ns, uint32_t flags,
		   struct policy_pick *out);
POLICY_PROTOTYPES(eevdf);

/* ---- eevdf.c: shared by the operations ---- */
/* A thread with v and vd set becomes QUEUED. */
void eevdf_admit(struct eevdf_cpu *cpu, struct eevdf_thread *thread);
/* Nothing has happened to it since it was picked; NULL: nobody is. */
static inline void eevdf_running_set(struct eevdf_cpu *cpu, struct eevdf_thread *thread)
{
	cpu->running = thread;
	cpu->ran_ns = 0;
	cpu->request_done = false;
	cpu->yielded = false;
	cpu->normal_woke = false;
}
/* A QUEUED, RUNNING or DELAYED thread is in no tree and in no count but W. */
static inline void eevdf_extract(struct eevdf_cpu *cpu, struct eevdf_thread *thread)
{
	const uint32_t state = thread->state;
	if (state == POLICY_RUNNING)
		eevdf_running_set(cpu, NULL);
	else
		eevdf_unlink(cpu, thread);
	if (state == POLICY_DELAYED) {
		cpu->sleepers--;
		cpu->weight_delayed -= thread->weight;
	} else {
		cpu->runnable--;
	}
}
/* It becomes DELAYED, in W already. */
static inline void eevdf_delay(struct eevdf_cpu *cpu, struct eevdf_thread *thread)
{
	cpu->sleepers++;
	cpu->weight_delayed += thread->weight;
	thread->state = POLICY_DELAYED;
	eevdf_tree_insert(cpu, thread);
}
/* As eevdf_extract(), and it becomes OUT, with its lag kept. */
static inline void eevdf_expel(struct eevdf_cpu *cpu, struct eevdf_thread *thread, bool sleeps)
{
	eevdf_extract(cpu, thread);
	thread->state = POLICY_OUT;
	vtime_leave(&cpu->time, &thread->time, sleeps);
}
