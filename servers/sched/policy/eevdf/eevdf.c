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
	vtime_request_params(&thread->request, params->weight, (uint32_t)params->slice_ns);
	return ERR_OK;
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

/* Another weight, in any state; V, all lags and what is left of the request stay. */
static void weight_set(struct eevdf_cpu *cpu, struct eevdf_thread *thread, uint32_t weight)
{
	const int128_t left = vtime_left(&thread->request);
	const int128_t used = vtime_used(&thread->request);
	if (thread->state != POLICY_OUT) {
		eevdf_tree_erase(cpu, thread);
		if (thread->state == POLICY_DELAYED)
			cpu->weight_delayed = cpu->weight_delayed - thread->weight + weight;
		vtime_reweight(&cpu->time, &thread->time, weight);
		vtime_request_resume(&thread->request, left, used);
	}
	vtime_request_params(&thread->request, weight, thread->slice_ns);
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
		vtime_request_params(&thread->request, thread->weight, (uint32_t)params->slice_ns);
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
	const int128_t left = vtime_left(&thread->request);
	eevdf_tree_erase(cpu, thread);
	if (left <= request * (EEVDF_YIELD_REQUESTS - 1))
		vtime_request_resume(&thread->request, left + request, 0);
	eevdf_tree_insert(cpu, thread);
	if (cpu->running == thread)
		cpu->yielded = true;
}

static void thread_join(struct eevdf_cpu *cpu, struct eevdf_thread *thread, enum policy_join reason)
{
	vtime_join(&cpu->time, &thread->time, thread->lag);
	thread->lag = 0;
	if (reason == POLICY_JOIN_NEW)
		vtime_request_resume(&thread->request, vtime_units(thread->slice_ns) / 2, 0);
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

/* The longest slice in use. */
static uint32_t slice_max(const struct eevdf_cpu *cpu, const struct eevdf_thread *also)
{
	uint64_t slice = max_u64(also->slice_ns, cpu->running != NULL ? cpu->running->slice_ns : 0);
	for (uint32_t i = 0; i < EEVDF_TREES; i++)
		if (cpu->tree[i].root != NULL)
			slice = max_u64(slice, eevdf_of_node(cpu->tree[i].root)->max_slice_ns);
	return (uint32_t)slice;
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
		thread->lag = min_i128(thread->lag, vtime_units(slice_max(cpu, thread)));
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
