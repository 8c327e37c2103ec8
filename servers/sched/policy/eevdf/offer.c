/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * EEVDF: for how long a decision stays right while threads wake (filter) and if the chosen one blocks
 * (successor).  Both say less than they could where saying more would cost a search, and what they say is
 * exact: docs/design/eevdf.md.  Here R runs, S would if it blocked; V_o, V without R, stands still meanwhile.
 */
#include "eevdf.h"

#define SLEEPERS_MAX 4u /* looked at for who leaves together with R */

/* The queue after R blocked. */
struct after {
	int128_t cutoff;              /* of who is eligible */
	struct eevdf_thread *sleeper; /* first in debt that does not leave together with R */
	bool sleepers_leave;          /* some do */
};

/* Nobody sleeps in debt, and the first of all is alone after R, or eligible and V_o not below V. */
static bool first_is_next(const struct eevdf_cpu *cpu, const struct eevdf_thread *running)
{
	const struct eevdf_thread *first = cpu->first[POLICY_CLASS_NORMAL];
	return first != NULL && cpu->first[POLICY_CLASS_BACKGROUND] == NULL &&
	       cpu->first[EEVDF_DELAYED] == NULL &&
	       (cpu->runnable == 2 || (running->v < cpu->vq && eevdf_eligible(cpu, first)));
}

/* False if too many sleepers leave. */
static POLICY_APART bool after_block(const struct eevdf_cpu *cpu,
				     const struct eevdf_thread *running, struct after *after)
{
	after->cutoff = eevdf_cutoff(cpu);
	after->sleeper = cpu->first[EEVDF_DELAYED];
	after->sleepers_leave = false;
	if (!eevdf_eligible(cpu, running))
		return true;
	struct vtime_sums others = vtime_sums_of(&cpu->time);
	vtime_sums_leave(&others, &cpu->time, &running->time);
	for (uint32_t looks = 0; looks <= SLEEPERS_MAX; looks++) {
		after->cutoff = vtime_sums_v(&others, &cpu->time) + VTIME_SLACK;
		struct eevdf_thread *sleeper = after->sleeper;
		if (sleeper == NULL || sleeper->v > after->cutoff)
			return true;
		after->sleepers_leave = true;
		vtime_sums_leave(&others, &cpu->time, &sleeper->time);
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
		return min_i128(units, vtime_units_behind(&cpu->time, &running->time, VTIME_SLACK));
	if (after->sleeper != NULL)
		units = min_i128(units,
				 vtime_units_until(&cpu->time, after->sleeper->v, cpu->weight));
	if (eevdf_earlier_min_v(cpu, next, true, &v))
		units = min_i128(units, vtime_units_until(&cpu->time, v, cpu->weight));
	return units;
}

static POLICY_APART void offer_closely(const struct eevdf_cpu *cpu,
				       const struct eevdf_thread *running, struct policy_pick *pick)
{
	struct after after;
	if (!after_block(cpu, running, &after))
		return;
	struct eevdf_thread *next = eevdf_first_of(
		eevdf_best(cpu, POLICY_CLASS_NORMAL, after.cutoff),
		eevdf_best(cpu, POLICY_CLASS_BACKGROUND, after.cutoff));
	if (next == NULL)
		return;
	const int128_t units = units_valid(cpu, running, &after, next,
					   vtime_left(&running->request));
	eevdf_offer(next, cpu->runnable, eevdf_slice_min(cpu), (uint64_t)(units >> VTIME_FRAC_BITS),
		    pick);
}

void eevdf_offer_successor(const struct eevdf_cpu *cpu, const struct eevdf_thread *running,
			   struct policy_pick *pick)
{
	if (cpu->runnable == 1) {
		pick->successor = (struct policy_successor){.valid_ns = TIME_NEVER,
							    .slice_ns = TIME_NEVER};
		pick->offers |= POLICY_PICK_SUCCESSOR;
	} else if (first_is_next(cpu, running)) {
		eevdf_offer(cpu->first[POLICY_CLASS_NORMAL], cpu->runnable,
			    eevdf_of_node(cpu->tree[POLICY_CLASS_NORMAL].root)->min_slice_ns,
			    (uint64_t)(vtime_left(&running->request) >> VTIME_FRAC_BITS), pick);
	} else {
		offer_closely(cpu, running, pick);
	}
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

/* Whether `thread`, whose fresh request begins at v, comes after `next`. */
static bool comes_after(const struct eevdf_thread *thread, int128_t v,
			const struct eevdf_thread *next)
{
	return thread->class == POLICY_CLASS_NORMAL && thread->slice_ns >= next->slice_ns &&
	       (v + thread->request_v) >> VTIME_SLACK_BITS > next->key_vd;
}

uint32_t eevdf_succeed_past(const struct policy_cpu *policy_cpu, const struct policy_successor *out,
			    const struct policy_thread *const wakes[], uint32_t count)
{
	const struct eevdf_cpu *cpu = eevdf_cpu_const(policy_cpu);
	const struct eevdf_thread *next = eevdf_thread_const(out->thread);
	const struct eevdf_thread *sleeper = cpu->first[EEVDF_DELAYED];
	/* With R, and without: so V, and V_o. */
	struct vtime_sums all = vtime_sums_of(&cpu->time), others = all;
	uint64_t rest;
	vtime_sums_leave(&others, &cpu->time, &cpu->running->time);
	if (next == NULL || cpu->runnable == 2 || next->class != POLICY_CLASS_NORMAL)
		return 0;
	if (sleeper != NULL && sleeper->v <= vtime_sums_v(&others, &cpu->time))
		return 0;
	for (uint32_t i = 0; i < count; i++) {
		const struct eevdf_thread *thread = eevdf_thread_const(wakes[i]);
		if (thread->state == POLICY_DELAYED && comes_after(thread, thread->v, next))
			continue;
		if (thread->state != POLICY_OUT || thread->lag < 0)
			return i;
		const int128_t rel = vtime_joins(thread->weight, thread->lag, all.rel, all.weight);
		const int128_t v = cpu->vq + int128_divide_floor(rel, thread->weight, &rest);
		vtime_sums_add(&all, rel, thread->weight);
		vtime_sums_add(&others, rel, thread->weight);
		if (!comes_after(thread, v, next) || next->v > vtime_sums_v(&others, &cpu->time))
			return i;
	}
	return count;
}
