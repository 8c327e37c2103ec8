/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * EEVDF: who runs next, and for how long nothing needs to be decided.
 *
 * The running thread keeps the CPU until the earliest of
 *   a. its request is done;
 *   b. it is not eligible any more, an eligible thread has an earlier deadline, and it has run for
 *      the shortest slice among the waiting threads (run to parity: else two threads whose lags
 *      cross would alternate at every entry);
 *   c. a waiting thread with a shorter slice is eligible and has an earlier deadline; or has one of at
 *      most 1 / EEVDF_SHORT_PART, and the running one is late by 1 / EEVDF_LATE_PART of a request at
 *      most (they may cut in, but not a background thread on a normal one: else rule d would be
 *      undone at the next entry);
 *   d. it is a background thread, and a normal thread that woke meanwhile is eligible;
 *   e. it yields.
 * Then the first in order among the eligible, itself included unless (d, e), runs, or, as in c, a
 * shorter request.  The "or" in c is a refinement (docs/design/eevdf.md) and does not count with
 * POLICY_PICK_EXACT.
 */
#include "eevdf.h"

#define SEARCH_MAX 24u /* nodes looked at for a short slice that may cut in */

/* A search with a budget, pruned by the summaries. */
struct search {
	struct rb_looks looks;
	int128_t v_max; /* who has more is of no interest */
};
_Static_assert(SEARCH_MAX + EEVDF_CLASSES <= RB_LOOKS_MAX, "room for all");

static void search_push(struct search *search, struct rb_node *node, uint32_t slice_below_ns)
{
	if (node == NULL)
		return;
	const struct eevdf_thread *thread = eevdf_of_node_const(node);
	if (thread->min_slice_ns < slice_below_ns && thread->min_v <= search->v_max)
		search->looks.stack[search->looks.depth++] = node;
}

/* In the trees of this class and those that it may not cut in on. */
static void search_begin(struct search *search, const struct eevdf_cpu *cpu, uint32_t class,
			 uint32_t slice_below_ns, int128_t v_max)
{
	search->looks.depth = 0; /* not zeroed as a whole: this is on the decision path */
	search->looks.left = SEARCH_MAX;
	search->v_max = v_max;
	for (uint32_t c = 0; c <= class; c++)
		search_push(search, cpu->tree[c].root, slice_below_ns);
}

/* The least v among waiting threads whose slice is shorter and deadline earlier, or whose slice is at most
 * later_ns (0: none), and whose class may cut in.  After SEARCH_MAX nodes *min_v is only a lower bound: never
 * later than the true one. */
static bool shorter_min_v(const struct eevdf_cpu *cpu, const struct eevdf_thread *than,
			  uint32_t later_ns, int128_t *min_v)
{
	struct search search;
	struct rb_node *node;
	search_begin(&search, cpu, than->class, than->slice_ns, INT128_MAX);
	while ((node = rb_look(&search.looks)) != NULL) {
		const struct eevdf_thread *thread = eevdf_of_node_const(node);
		const bool earlier = thread->key_vd < than->key_vd;
		/* Behind a later one all are: the very short are looked for. */
		const uint32_t below_ns = earlier ? than->slice_ns : later_ns + 1;
		if (thread->slice_ns < below_ns && thread->v <= search.v_max)
			search.v_max = thread->v - 1;
		search_push(&search, node->right, below_ns);
		search_push(&search, node->left, than->slice_ns);
	}
	for (; search.looks.depth > 0; search.looks.depth--) /* not looked at: a lower bound */
		search.v_max = min_i128(
			search.v_max,
			eevdf_of_node_const(search.looks.stack[search.looks.depth - 1])->min_v - 1);
	if (search.v_max == INT128_MAX)
		return false;
	*min_v = search.v_max + 1;
	return true;
}

/* The first in order among the eligible of this class or a higher one whose slice is at most slice_ns, or
 * NULL; after SEARCH_MAX nodes, the first of those looked at. */
static struct eevdf_thread *short_best(const struct eevdf_cpu *cpu, uint32_t class,
				       uint32_t slice_ns)
{
	struct eevdf_thread *best = NULL;
	struct search search;
	struct rb_node *node;
	search_begin(&search, cpu, class, slice_ns + 1, eevdf_cutoff(cpu));
	while ((node = rb_look(&search.looks)) != NULL) {
		struct eevdf_thread *thread = eevdf_of_node(node);
		const bool before = best == NULL || eevdf_before(thread, best);
		/* What is behind the best so far cannot be better. */
		if (before)
			search_push(&search, node->right, slice_ns + 1);
		search_push(&search, node->left, slice_ns + 1);
		if (before && thread->slice_ns <= slice_ns && thread->v <= search.v_max)
			best = thread;
	}
	return best;
}

/* Rules b and c; `best` is the first in order among the waiting and eligible, or NULL. */
static bool displaces(const struct eevdf_cpu *cpu, const struct eevdf_thread *running,
		      const struct eevdf_thread *best)
{
	if (best == NULL || best->key_vd >= running->key_vd)
		return false;
	if (best->slice_ns < running->slice_ns && best->class <= running->class)
		return true;
	const uint32_t slice_min = eevdf_slice_min(cpu);
	if (!eevdf_eligible(cpu, running) && cpu->ran_ns >= slice_min)
		return true;
	/* The first in order may not cut in, but one behind it may. */
	int128_t min_v = 0;
	return slice_min < running->slice_ns && shorter_min_v(cpu, running, 0, &min_v) &&
	       min_v <= eevdf_cutoff(cpu);
}

/* May requests that are shorter but due later go before the one of `thread`? */
static bool has_slack(const struct eevdf_cpu *cpu, const struct eevdf_thread *thread)
{
	const int128_t until = (thread->vd - cpu->vq) * (int128_t)cpu->weight;
	const int128_t late = vtime_left(&thread->request) - until;
	/* Exactly half late is common; rounding of vd and V must not decide it. */
	const int128_t slack = (int128_t)VTIME_SLACK * (int128_t)cpu->weight;
	return late <= vtime_units(thread->slice_ns / EEVDF_LATE_PART) + slack;
}

/* `first`, or a much shorter request that goes before it. */
static struct eevdf_thread *shorter_first(const struct eevdf_cpu *cpu, struct eevdf_thread *first)
{
	struct eevdf_thread *running = cpu->running;
	struct eevdf_thread *shorter = NULL;
	const uint32_t slice_ns = eevdf_short_ns(first);
	if (eevdf_slice_min(cpu) <= slice_ns)
		shorter = short_best(cpu, first->class, slice_ns);
	if (running != NULL && !cpu->yielded && running->slice_ns <= slice_ns &&
	    running->class <= first->class && eevdf_eligible(cpu, running))
		shorter = eevdf_first_of(shorter, running);
	return shorter == NULL || !has_slack(cpu, first) ? first : shorter;
}

/* All rules but the second half of c. */
static struct eevdf_thread *choose_by_deadline(const struct eevdf_cpu *cpu, uint32_t flags)
{
	const int128_t cutoff = eevdf_cutoff(cpu);
	struct eevdf_thread *running = cpu->running;
	struct eevdf_thread *normal = eevdf_best(cpu, POLICY_CLASS_NORMAL, cutoff);
	struct eevdf_thread *best = eevdf_first_of(
		normal, eevdf_best(cpu, POLICY_CLASS_BACKGROUND, cutoff));
	const bool fresh = (flags & POLICY_PICK_FRESH) != 0;
	if (running == NULL)
		return best;
	if (!fresh && cpu->normal_woke && normal != NULL)
		return normal;
	if (!fresh && cpu->yielded)
		return best != NULL ? best : running;
	if (fresh || cpu->request_done)
		return eevdf_eligible(cpu, running) || best == NULL ? eevdf_first_of(best, running)
								    : best;
	return displaces(cpu, running, best) ? best : running;
}

/* The thread that should run now; NULL only if no thread is runnable. */
static POLICY_APART struct eevdf_thread *choose(const struct eevdf_cpu *cpu, uint32_t flags)
{
	struct eevdf_thread *first = choose_by_deadline(cpu, flags);
	if (first == NULL || cpu->exact || (flags & POLICY_PICK_FRESH) != 0)
		return first;
	/* Each is shorter than the one before, so this ends. */
	for (struct eevdf_thread *longer = NULL; first != longer;) {
		longer = first;
		first = shorter_first(cpu, first);
	}
	return first;
}

/* Units of service until rule b, c or d could take the CPU from `running`, or `limit` if later, if V
 * moves at 1 / weight. */
static int128_t units_contested(const struct eevdf_cpu *cpu, const struct eevdf_thread *running,
				uint64_t weight, int128_t limit)
{
	int128_t units = limit, v = 0;
	if (cpu->normal_woke && cpu->tree[POLICY_CLASS_NORMAL].root != NULL) {
		v = eevdf_of_node(cpu->tree[POLICY_CLASS_NORMAL].root)->min_v;
		units = min_i128(units, vtime_units_until(&cpu->time, v, weight));
	}
	const uint32_t slice_min = eevdf_slice_min(cpu);
	if (slice_min < running->slice_ns) {
		const bool slack = !cpu->exact && has_slack(cpu, running);
		const uint32_t later_ns = slack ? eevdf_short_ns(running) : 0;
		if (shorter_min_v(cpu, running, later_ns, &v)) {
			int128_t cut = vtime_units_until(&cpu->time, v, weight);
			if (cut == 0) /* only a bound was found: look again after a while */
				cut = vtime_units(slice_min);
			units = cut < units ? cut : units;
		}
	}
	if (!eevdf_earlier_min_v(cpu, running, false, &v))
		return units;
	const int128_t parity = vtime_units(sub_saturate_u64(slice_min, cpu->ran_ns));
	int128_t contest = max_i128(parity, vtime_units_until(&cpu->time, v, weight));
	if (contest < units)
		contest = max_i128(contest,
				   vtime_units_behind(&cpu->time, &running->time, VTIME_SLACK));
	return min_i128(contest, units);
}

static POLICY_APART uint64_t slice_of(const struct eevdf_cpu *cpu,
				      const struct eevdf_thread *running)
{
	int128_t units = units_contested(cpu, running, cpu->weight, vtime_left(&running->request));
	/* When a sleeper leaves, V moves faster: if that could matter, ask again at that point. */
	const struct eevdf_thread *sleeper = cpu->first[EEVDF_DELAYED];
	if (sleeper != NULL) {
		const int128_t leaves = vtime_units_until(&cpu->time, sleeper->v, cpu->weight);
		const uint64_t least = cpu->weight - cpu->weight_delayed;
		const bool no_slack = !cpu->exact &&
				      eevdf_slice_min(cpu) <= eevdf_short_ns(running) &&
				      !has_slack(cpu, running);
		if (leaves < units &&
		    (no_slack || units_contested(cpu, running, least, units) < units))
			units = leaves;
	}
	return vtime_ns_ceil(units, 1);
}

/* Eligible `first` goes before the running thread by rule a, c or e. */
static inline bool plainly_before(const struct eevdf_thread *first,
				  const struct eevdf_thread *running, bool turn_over)
{
	const uint32_t least_ns = first->slice_ns + (turn_over ? 0 : 1);
	return running->slice_ns >= least_ns && int128_below(first->key_vd, running->key_vd);
}

/* The first in order where but for that only rules a, c and e count (docs/design/eevdf.md, "Cost"), or
 * NULL. */
static struct eevdf_thread *plain_first(const struct eevdf_cpu *cpu)
{
	const struct eevdf_thread *running = cpu->running;
	struct eevdf_thread *first = cpu->first[POLICY_CLASS_NORMAL];
	if (first == NULL || cpu->first[POLICY_CLASS_BACKGROUND] != NULL ||
	    !eevdf_eligible(cpu, first) ||
	    eevdf_of_node(cpu->tree[POLICY_CLASS_NORMAL].root)->min_slice_ns < first->slice_ns)
		return NULL;
	return running == NULL || plainly_before(first, running, cpu->request_done || cpu->yielded)
		       ? first
		       : NULL;
}

/* What does not depend on who is chosen. */
static inline void pick_begin(struct eevdf_cpu *cpu, uint32_t runnable, uint32_t flags,
			      struct policy_pick *out)
{
	out->runnable = cpu->misuse == 0 ? runnable : 0;
	out->load = cpu->weight - cpu->weight_delayed;
	out->offers = 0;
	cpu->exact = (flags & POLICY_PICK_EXACT) != 0;
}

/* All but the successor, of such a first one; alone: no decision. */
static inline void pick_plainly(struct eevdf_thread *first, uint32_t runnable, uint32_t flags,
				struct policy_pick *out)
{
	const uint64_t left_ns = first->left_ns, slice_ns = first->slice_ns;
	out->thread = eevdf_handle(first);
	out->request_ns = left_ns;
	out->slice_ns = runnable > 1 ? left_ns : TIME_NEVER;
	if ((flags & POLICY_PICK_FILTER) != 0) {
		out->filter_ns = min_u64(slice_ns, left_ns);
		out->filter_key = slice_ns;
		out->offers = POLICY_PICK_FILTER;
	}
}

static POLICY_APART void pick_closely(struct eevdf_cpu *cpu, uint32_t flags,
				      struct policy_pick *out)
{
	struct eevdf_thread *chosen = choose(cpu, flags);
	if (chosen == NULL) {
		policy_pick_clear(out);
		return;
	}
	if (chosen != cpu->running) {
		eevdf_run(cpu, chosen);
	} else if (cpu->request_done || cpu->yielded) {
		cpu->ran_ns = 0; /* a new dispatch */
		cpu->request_done = false;
		cpu->yielded = false;
	}
	const uint64_t slice_min_ns = eevdf_slice_min(cpu);
	int128_t min_v;
	pick_plainly(chosen, cpu->runnable, flags, out);
	if (cpu->runnable > 1 && (cpu->normal_woke || slice_min_ns < chosen->slice_ns ||
				  eevdf_earlier_min_v(cpu, chosen, false, &min_v)))
		out->slice_ns = slice_of(cpu, chosen);
	out->filter_ns = eevdf_filter_ns(chosen, slice_min_ns, cpu->ran_ns);
	if (out->filter_ns == 0)
		out->offers = 0;
	if ((flags & POLICY_PICK_SUCCESSOR) != 0 && (cpu->runnable == 1 || chosen->blocks))
		eevdf_offer_successor(cpu, chosen, out);
	/* Pure order knows no shorter request that cuts in; the next pick does. */
	if ((flags & POLICY_PICK_FRESH) != 0 && shorter_first(cpu, chosen) != chosen)
		out->slice_ns = 1;
}

static POLICY_APART void run_offering(struct eevdf_cpu *cpu, struct eevdf_thread *thread,
				      struct policy_pick *out)
{
	eevdf_run(cpu, thread);
	eevdf_offer_successor(cpu, thread, out);
}

void eevdf_pick(struct policy_cpu *policy_cpu, uint64_t now_ns, uint32_t flags,
		struct policy_pick *out)
{
	(void)now_ns;
	struct eevdf_cpu *cpu = eevdf_cpu(policy_cpu);
	struct eevdf_thread *first = plain_first(cpu);
	const uint32_t runnable = cpu->runnable;
	pick_begin(cpu, runnable, flags, out);
	if (first == NULL) {
		pick_closely(cpu, flags, out);
		return;
	}
	pick_plainly(first, runnable, flags, out);
	if ((flags & POLICY_PICK_SUCCESSOR) != 0 && (runnable == 1 || first->blocks))
		run_offering(cpu, first, out);
	else
		eevdf_run(cpu, first);
}

/* Of two threads that are all there is: the tree is the one that waits, and stays so if the other goes on. */
uint32_t eevdf_nap(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
		   struct policy_thread *policy_next, uint64_t ran_ns, uint64_t next_ran_ns,
		   uint64_t now_ns, uint32_t flags, struct policy_pick *out)
{
	struct eevdf_cpu *cpu = eevdf_cpu(policy_cpu);
	struct eevdf_thread *thread = eevdf_thread(policy_thread);
	struct eevdf_thread *next = eevdf_thread(policy_next);
	const uint64_t left_ns = next->left_ns;
	const uint32_t slice_ns = thread->slice_ns, next_slice_ns = next->slice_ns;
	const bool done = next_ran_ns >= left_ns;
	const uint32_t taken = POLICY_NAP_TAKEN |
			       (ran_ns >= thread->left_ns ? POLICY_NAP_DONE : 0) |
			       (done ? POLICY_NAP_NEXT_DONE : 0);
	if (cpu->runnable != 2 || cpu->sleepers != 0 || cpu->running != thread ||
	    cpu->first[POLICY_CLASS_NORMAL] != next || thread->class != POLICY_CLASS_NORMAL ||
	    cpu->average != 0 || (ran_ns | next_ran_ns) > UINT32_MAX ||
	    !vtime_nap(&cpu->time, &thread->time, &next->time, ran_ns, next_ran_ns,
		       vtime_units(max_u64(slice_ns, next_slice_ns)), VTIME_SLACK))
		return 0;
	next->left_ns = left_ns - next_ran_ns;
	if (done) {
		eevdf_request(next);
		next->blocks = false;
	}
	next->min_v = next->v;
	eevdf_request(thread);
	thread->blocks = true;
	if (!eevdf_eligible(cpu, thread) || !plainly_before(thread, next, done)) {
		eevdf_run(cpu, next);
		cpu->ran_ns = next_ran_ns;
		cpu->request_done = done;
		eevdf_pick(policy_cpu, now_ns, flags, out);
		return taken;
	}
	eevdf_running_set(cpu, thread);
	pick_begin(cpu, 2, flags, out);
	pick_plainly(thread, 2, flags, out);
	if ((flags & POLICY_PICK_SUCCESSOR) != 0)
		eevdf_offer(next, 2, next_slice_ns, slice_ns, out);
	return taken;
}

bool eevdf_preempts(const struct policy_cpu *policy_cpu, const struct policy_thread *policy_running,
		    const struct policy_thread *policy_woken, uint64_t now_ns)
{
	(void)now_ns;
	const struct eevdf_cpu *cpu = eevdf_cpu_const(policy_cpu);
	if (policy_running == NULL || cpu->running != eevdf_thread_const(policy_running))
		return true;
	return choose(cpu, 0) == eevdf_thread_const(policy_woken);
}
