/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * EEVDF: for how long a decision stays right while threads wake (filter) and if the chosen one blocks
 * (successor).  Both say less than they could where saying more would cost a search.
 * Derivation: docs/design/eevdf.md.
 *
 *   R, S   the thread that runs, and who would run if it blocked
 *   m      the shortest slice among the waiting threads, S included
 *   V_o    V without R: stands still while R runs
 *
 * Filter.  The key is the length of requests.  If nobody waits with shorter ones than R's, and who wakes has
 * no shorter ones, then nobody can cut in (rule c), and R is not displaced before it has run for the shortest
 * slice among the others (rule b), which is no shorter than r_R.  The lags that they bring along move V, but
 * until then that decides nothing.
 *
 * Successor.  If R blocks with lag >= 0 it leaves, V is V_o, and S is the first in order that is
 * eligible at V_o.  If it blocks with lag < 0 it stays as a sleeper in debt, and V, which has passed V_o,
 * goes on: S stays the first until V reaches the v of somebody due earlier, or that of a sleeper.
 * Only an S with the shortest slice is offered: nobody can cut in on it, so it runs its request.  And only
 * for an R that blocked in its request before: to find S costs a third of a decision.
 */
#include "eevdf.h"

#define SLEEPERS_MAX 4u /* looked at for who leaves together with R */

/* Service of `thread`, which has run for ran_ns, until rule b could take the CPU from it; 0: rule c could. */
static uint64_t filter_ns(const struct eevdf_thread *thread, uint64_t slice_min_ns, uint64_t ran_ns,
			  uint64_t left_ns)
{
	if (thread->class != POLICY_CLASS_NORMAL || slice_min_ns < thread->slice_ns)
		return 0;
	return min_u64(sub_saturate_u64(thread->slice_ns, ran_ns), left_ns);
}

/* The queue after R blocked. */
struct after {
	int128_t cutoff;              /* of who is eligible */
	struct eevdf_thread *sleeper; /* first in debt that does not leave together with R */
	bool sleepers_leave;          /* some do */
};

/* False if too many sleepers leave. */
static bool after_block(const struct eevdf_cpu *cpu, const struct eevdf_thread *running,
			struct after *after)
{
	after->cutoff = eevdf_cutoff(cpu);
	after->sleeper = eevdf_delayed_first(cpu);
	after->sleepers_leave = false;
	if (!eevdf_eligible(cpu, running))
		return true;
	int128_t rel = (int128_t)cpu->vrem - vtime_relative(&cpu->time, &running->time);
	uint64_t weight = cpu->weight - running->weight;
	for (uint32_t looks = 0; looks <= SLEEPERS_MAX; looks++) {
		uint64_t rest;
		after->cutoff = eevdf_cutoff(cpu) + int128_divide_floor(rel, weight, &rest);
		struct eevdf_thread *sleeper = after->sleeper;
		if (sleeper == NULL || sleeper->v > after->cutoff)
			return true;
		after->sleepers_leave = true;
		rel -= vtime_relative(&cpu->time, &sleeper->time);
		weight -= sleeper->weight;
		after->sleeper = eevdf_of_link(rb_next(&sleeper->node));
	}
	return false;
}

/* Units of service of R for which `next` is who runs if it blocks; `units` at most. */
static int128_t units_valid(const struct eevdf_cpu *cpu, const struct eevdf_thread *running,
			    const struct after *after, const struct eevdf_thread *next,
			    int128_t units)
{
	int128_t v = 0;
	if (after->sleepers_leave)
		return min_i128(units, eevdf_units_eligible(cpu, running));
	if (after->sleeper != NULL)
		units = min_i128(units, eevdf_units_until(cpu, after->sleeper->v, cpu->weight));
	if (eevdf_earlier_min_v(cpu, next, true, &v))
		units = min_i128(units, eevdf_units_until(cpu, v, cpu->weight));
	return units;
}

static bool successor_find(const struct eevdf_cpu *cpu, const struct eevdf_thread *running,
			   uint32_t slice_min_ns, struct policy_successor *out)
{
	struct after after;
	if (cpu->runnable == 1) {
		*out = (struct policy_successor){.valid_ns = TIME_NEVER, .slice_ns = TIME_NEVER};
		return true;
	}
	if (!after_block(cpu, running, &after))
		return false;
	struct eevdf_thread *next = eevdf_best(cpu, POLICY_CLASS_NORMAL, after.cutoff);
	if (cpu->first[POLICY_CLASS_BACKGROUND] != NULL)
		next = eevdf_first_of(next, eevdf_best(cpu, POLICY_CLASS_BACKGROUND, after.cutoff));
	if (next == NULL || next->slice_ns > slice_min_ns)
		return false;
	const int128_t units = units_valid(cpu, running, &after, next, eevdf_left(running));
	const uint64_t left_ns = min_u64(vtime_ns_ceil(eevdf_left(next), 1), next->slice_ns);
	out->thread = eevdf_handle(next);
	out->valid_ns = (uint64_t)(units >> VTIME_FRAC_BITS);
	out->slice_ns = cpu->runnable == 2 ? TIME_NEVER : left_ns; /* alone: as in pick() */
	out->filter_ns = filter_ns(next, slice_min_ns, 0, left_ns);
	out->filter_key = next->slice_ns;
	return true;
}

void eevdf_offer(const struct eevdf_cpu *cpu, const struct eevdf_thread *chosen, uint32_t flags,
		 struct policy_pick *out)
{
	const uint32_t slice_min_ns = eevdf_slice_min(cpu);
	if ((flags & POLICY_PICK_FILTER) != 0) {
		out->filter_ns = filter_ns(chosen, slice_min_ns, cpu->ran_ns, out->request_ns);
		out->filter_key = chosen->slice_ns;
		out->offers |= out->filter_ns != 0 ? POLICY_PICK_FILTER : 0;
	}
	if ((flags & POLICY_PICK_SUCCESSOR) != 0 && (cpu->runnable == 1 || chosen->blocks) &&
	    successor_find(cpu, chosen, slice_min_ns, &out->successor))
		out->offers |= POLICY_PICK_SUCCESSOR;
}

uint64_t eevdf_key(const struct policy_params *params)
{
	return params->slice_ns;
}

void eevdf_succeed(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
		   uint64_t now_ns)
{
	(void)now_ns;
	struct eevdf_cpu *cpu = eevdf_cpu(policy_cpu);
	struct eevdf_thread *thread = eevdf_thread(policy_thread);
	if (cpu->running != NULL || thread->state != POLICY_QUEUED)
		cpu->misuse++;
	else
		eevdf_run(cpu, thread);
}
