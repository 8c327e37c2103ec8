/* SPDX-License-Identifier: BSD-2-Clause */
/* EEVDF: how threads enter, leave, are charged and changed.  Overview: eevdf.h. */
#include "eevdf.h"

static void eevdf_cpu_init(struct policy_cpu *policy_cpu, uint32_t cpu_index)
{
	*eevdf_cpu(policy_cpu) = (struct eevdf_cpu){.index = cpu_index};
}

static enum error eevdf_thread_init(struct policy_thread *policy_thread,
				    const struct policy_params *params)
{
	if (!policy_params_valid(params))
		return ERR_RANGE;
	struct eevdf_thread *thread = eevdf_thread(policy_thread);
	*thread = (struct eevdf_thread){.tid = params->tid, .class = params->class}; /* OUT */
	eevdf_params_set(thread, params->weight, (uint32_t)params->slice_ns);
	return ERR_OK;
}

void eevdf_params_set(struct eevdf_thread *thread, uint32_t weight, uint32_t slice_ns)
{
	thread->weight = weight;
	thread->slice_ns = slice_ns;
	thread->request_v = 0;
	thread->request_rem = 0;
	fraction_add_32(&thread->request_v, &thread->request_rem, weight, vtime_units(slice_ns));
}

void eevdf_admit(struct eevdf_cpu *cpu, struct eevdf_thread *thread)
{
	thread->state = POLICY_QUEUED;
	cpu->runnable++;
	eevdf_tree_insert(cpu, thread);
	if (thread->class == POLICY_CLASS_NORMAL && cpu->running != NULL &&
	    cpu->running->class == POLICY_CLASS_BACKGROUND)
		cpu->normal_woke = true;
}

/* Each leaves with its true lag, so the others' V is right (docs/design/eevdf.md), and remembers none. */
POLICY_APART bool eevdf_settle_delayed(struct eevdf_cpu *cpu, bool result)
{
	while (eevdf_settles(cpu)) {
		struct eevdf_thread *first = cpu->first[EEVDF_DELAYED];
		eevdf_expel(cpu, first, true);
		first->lag = 0;
	}
	return result;
}

/* Another weight, in any state; V and all lags stay. */
static void weight_set(struct eevdf_cpu *cpu, struct eevdf_thread *thread, uint32_t weight)
{
	int128_t *whole[EEVDF_TIMES];
	uint32_t *rem[EEVDF_TIMES];
	if (thread->state != POLICY_OUT) {
		eevdf_tree_erase(cpu, thread);
		if (thread->state == POLICY_DELAYED)
			cpu->weight_delayed = cpu->weight_delayed - thread->weight + weight;
		eevdf_times(thread, whole, rem);
		vtime_reweight(&cpu->time, &thread->time, weight, whole, rem, EEVDF_TIMES);
		eevdf_keys_set(thread);
	}
	eevdf_params_set(thread, weight, thread->slice_ns);
	eevdf_tree_insert(cpu, thread);
}

static enum error eevdf_set_params(struct policy_cpu *policy_cpu,
				   struct policy_thread *policy_thread,
				   const struct policy_params *params, uint64_t now_ns)
{
	struct eevdf_cpu *cpu = eevdf_cpu(policy_cpu);
	struct eevdf_thread *thread = eevdf_thread(policy_thread);
	vtime_clock(&cpu->time, now_ns);
	if (!policy_params_valid(params) || params->tid != thread->tid)
		return ERR_RANGE;
	if (params->slice_ns != thread->slice_ns || params->class != thread->class) {
		eevdf_tree_erase(cpu, thread);
		eevdf_params_set(thread, thread->weight, (uint32_t)params->slice_ns);
		thread->class = params->class;
		/* Rule d is about a running background thread. */
		if (cpu->running == thread && params->class == POLICY_CLASS_NORMAL)
			cpu->normal_woke = false;
		eevdf_tree_insert(cpu, thread);
	}
	if (params->weight != thread->weight) {
		weight_set(cpu, thread, params->weight);
		eevdf_settle(cpu);
	}
	return ERR_OK;
}

/* The rest of the request is given up for a place one request behind the old deadline, up to
 * EEVDF_YIELD_REQUESTS of them, and whoever else is eligible goes first once.  The lag stays. */
static void thread_yield(struct eevdf_cpu *cpu, struct eevdf_thread *thread)
{
	const int128_t request = vtime_units(thread->slice_ns);
	const int128_t left = eevdf_left(thread);
	eevdf_tree_erase(cpu, thread);
	if (left <= request * (EEVDF_YIELD_REQUESTS - 1))
		eevdf_request_some(thread, left + request);
	eevdf_tree_insert(cpu, thread);
	if (cpu->running == thread)
		cpu->yielded = true;
}

static void thread_join(struct eevdf_cpu *cpu, struct eevdf_thread *thread, enum policy_join reason)
{
	vtime_join(&cpu->time, &thread->time, thread->lag);
	thread->lag = 0;
	if (reason == POLICY_JOIN_NEW)
		eevdf_request_some(thread, vtime_units(thread->slice_ns) / 2);
	else
		eevdf_request(thread);
	eevdf_admit(cpu, thread);
	eevdf_settle(cpu);
}

static void eevdf_enqueue(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
			  enum policy_join reason, uint64_t now_ns)
{
	struct eevdf_cpu *cpu = eevdf_cpu(policy_cpu);
	struct eevdf_thread *thread = eevdf_thread(policy_thread);
	vtime_clock(&cpu->time, now_ns);
	const bool inside = thread->state == POLICY_QUEUED || thread->state == POLICY_RUNNING;
	if (reason == POLICY_JOIN_PREEMPTED || reason == POLICY_JOIN_YIELD) {
		if (!inside)
			cpu->misuse++;
		else if (reason == POLICY_JOIN_YIELD)
			thread_yield(cpu, thread);
	} else if (thread->state == POLICY_OUT) {
		thread_join(cpu, thread, reason);
	} else if (thread->state == POLICY_DELAYED) { /* as if it left and came back, so v stays */
		eevdf_extract(cpu, thread);
		eevdf_request(thread);
		eevdf_admit(cpu, thread);
	}
}

static void eevdf_dequeue(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
			  enum policy_leave reason, uint64_t now_ns)
{
	struct eevdf_cpu *cpu = eevdf_cpu(policy_cpu);
	struct eevdf_thread *thread = eevdf_thread(policy_thread);
	vtime_clock(&cpu->time, now_ns);
	thread->blocks = reason == POLICY_LEAVE_SLEEP;
	if (thread->state == POLICY_OUT ||
	    (thread->state == POLICY_DELAYED && reason == POLICY_LEAVE_SLEEP))
		return;
	if (reason == POLICY_LEAVE_SLEEP && !eevdf_eligible(cpu, thread)) {
		eevdf_extract(cpu, thread);
		eevdf_delay(cpu, thread);
		return; /* V did not change */
	}
	eevdf_expel(cpu, thread, reason == POLICY_LEAVE_SLEEP);
	if (reason == POLICY_LEAVE_SLEEP && thread->lag > vtime_units(thread->slice_ns))
		thread->lag = min_i128(thread->lag, vtime_units(eevdf_slice_max(cpu, thread)));
	eevdf_settle(cpu);
}

/* Returns whether its request is done. */
static POLICY_STRAIGHT bool serve(struct eevdf_cpu *cpu, struct eevdf_thread *thread,
				  uint64_t ran_ns, bool long_too)
{
	const uint64_t left_ns = thread->left_ns;
	thread->left_ns = left_ns - ran_ns;
	vtime_serve(&cpu->time, &thread->time, ran_ns, long_too);
	if (ran_ns < left_ns)
		return false;
	eevdf_request(thread);
	thread->blocks = false;
	return true;
}

/* In any state: it may have run without being picked (as a successor, in fallback, on a donated chain). */
static POLICY_APART bool charge_closely(struct eevdf_cpu *cpu, struct eevdf_thread *thread,
					uint64_t ran_ns)
{
	if (thread->state == POLICY_OUT) {
		vtime_serve_outside(&thread->time, ran_ns, thread->slice_ns);
		return false;
	}
	eevdf_tree_erase(cpu, thread);
	const bool done = serve(cpu, thread, ran_ns, true);
	eevdf_settle(cpu);
	if (thread->state == POLICY_RUNNING) {
		cpu->ran_ns += ran_ns;
		cpu->request_done = cpu->request_done || done;
	}
	eevdf_tree_insert(cpu, thread);
	return done;
}

static bool eevdf_charge(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
			 uint64_t ran_ns, uint64_t now_ns)
{
	struct eevdf_cpu *cpu = eevdf_cpu(policy_cpu);
	struct eevdf_thread *thread = eevdf_thread(policy_thread);
	vtime_clock(&cpu->time, now_ns);
	if (thread->state != POLICY_RUNNING || vtime_serves_long(&cpu->time, ran_ns))
		return charge_closely(cpu, thread, ran_ns);
	const bool done = serve(cpu, thread, ran_ns, false);
	cpu->ran_ns += ran_ns;
	if (done)
		cpu->request_done = true;
	return eevdf_settles(cpu) ? eevdf_settle_delayed(cpu, done) : done;
}

static void eevdf_set_average(struct policy_cpu *cpu, uint64_t average_weight, uint64_t now_ns)
{
	vtime_set_average(&eevdf_cpu(cpu)->time, average_weight, now_ns);
}

static void eevdf_set_lag(struct policy_thread *policy_thread, struct policy_number lag_ns)
{
	struct eevdf_thread *thread = eevdf_thread(policy_thread);
	if (thread->state == POLICY_OUT)
		thread->lag = vtime_of_number(lag_ns);
}

const struct policy_ops policy_eevdf = {
	.name = "eevdf",
	.desc = "earliest eligible virtual deadline first: exact weighted shares, bounded latency",
	POLICY_OPS(eevdf, EEVDF_ID, EEVDF_VERSION),
	.set_average = eevdf_set_average,
	.set_lag = eevdf_set_lag,
	.key = eevdf_key,
	.succeed = eevdf_succeed,
	.succeed_past = eevdf_succeed_past,
	.nap = eevdf_nap,
};
