/* SPDX-License-Identifier: BSD-2-Clause */
/* The operations of the interface.  The rules: edf.h. */
#include "edf.h"

static void edf_cpu_init(struct policy_cpu *policy_cpu, uint32_t cpu_index)
{
	struct edf_cpu *cpu = edf_cpu(policy_cpu);
	*cpu = (struct edf_cpu){.index = cpu_index};
	list_init(&cpu->ring);
}

static enum error edf_thread_init(struct policy_thread *policy_thread,
				  const struct policy_params *params)
{
	if (!policy_params_valid(params))
		return ERR_RANGE;
	struct edf_thread *thread = edf_thread(policy_thread);
	*thread = (struct edf_thread){
		.tid = params->tid,
		.slice_ns = params->slice_ns,
		.period_ns = params->period_ns,
		.weight = params->weight,
		.state = POLICY_OUT,
	};
	list_init(&thread->ring);
	return ERR_OK;
}

/* Other promises to a thread, which fit.  What it has used up stays used up: it goes on by the rule of a
 * wake-up, so asking again and again gains nothing. */
static void promise_change(struct edf_cpu *cpu, struct edf_thread *thread, uint64_t now_ns)
{
	const bool linked = thread->state != POLICY_OUT;
	const bool had = thread->bandwidth != 0;
	const uint64_t deadline_ns = thread->deadline_ns;
	const int64_t left_ns = thread->left_ns;
	if (linked)
		edf_unlink(cpu, thread);
	edf_release(cpu, thread);
	if (edf_admit(cpu, thread, now_ns) && had) {
		thread->deadline_ns = deadline_ns;
		thread->left_ns = left_ns < thread->left_ns ? left_ns : thread->left_ns;
		edf_wake(cpu, thread, now_ns);
	}
	if (linked)
		edf_link(cpu, thread);
	if (cpu->running == thread)
		cpu->fresh = thread->in_ready;
}

static enum error edf_set_params(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
				 const struct policy_params *params, uint64_t now_ns)
{
	struct edf_cpu *cpu = edf_cpu(policy_cpu);
	struct edf_thread *thread = edf_thread(policy_thread);
	if (!policy_params_valid(params) || params->tid != thread->tid)
		return ERR_RANGE;
	const bool changes = params->period_ns != thread->period_ns ||
			     (params->period_ns != 0 && params->slice_ns != thread->slice_ns);
	const uint64_t bandwidth = edf_bandwidth(params->slice_ns, params->period_ns);
	if (changes && cpu->bandwidth - thread->bandwidth + bandwidth > UINT64_C(1) << EDF_U_BITS)
		return ERR_LIMIT;
	if (thread->state != POLICY_OUT)
		cpu->weight = cpu->weight - thread->weight + params->weight;
	thread->weight = params->weight;
	thread->slice_ns = params->slice_ns;
	thread->period_ns = params->period_ns;
	if (thread->used_ns >= thread->slice_ns)
		thread->used_ns = 0;
	if (changes)
		promise_change(cpu, thread, now_ns);
	return ERR_OK;
}

static void yields(struct edf_cpu *cpu, struct edf_thread *thread)
{
	edf_unlink(cpu, thread);
	thread->used_ns = 0;
	if (thread->bandwidth != 0 && !thread->throttled) {
		thread->left_ns = 0;
		edf_throttle(cpu, thread);
	}
	edf_link(cpu, thread);
	if (cpu->running == thread)
		cpu->fresh = false;
}

static void edf_enqueue(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
			enum policy_join reason, uint64_t now_ns)
{
	struct edf_cpu *cpu = edf_cpu(policy_cpu);
	struct edf_thread *thread = edf_thread(policy_thread);
	if (reason == POLICY_JOIN_PREEMPTED || reason == POLICY_JOIN_YIELD) {
		if (thread->state == POLICY_OUT)
			cpu->misuse++;
		else if (reason == POLICY_JOIN_YIELD)
			yields(cpu, thread);
		return;
	}
	if (thread->state != POLICY_OUT)
		return;
	if (thread->bandwidth != 0)
		edf_wake(cpu, thread, now_ns);
	else
		(void)edf_admit(cpu, thread, now_ns);
	thread->state = POLICY_QUEUED;
	thread->used_ns = 0;
	cpu->weight += thread->weight;
	cpu->runnable++;
	edf_link(cpu, thread);
}

static void edf_dequeue(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
			enum policy_leave reason, uint64_t now_ns)
{
	(void)now_ns;
	struct edf_cpu *cpu = edf_cpu(policy_cpu);
	struct edf_thread *thread = edf_thread(policy_thread);
	if (thread->state != POLICY_OUT) {
		edf_unlink(cpu, thread);
		if (cpu->running == thread)
			cpu->running = NULL;
		thread->state = POLICY_OUT;
		cpu->weight -= thread->weight;
		cpu->runnable--;
	}
	if (reason == POLICY_LEAVE_EXIT)
		edf_release(cpu, thread);
}

/* Who had the CPU to itself may have run past its deadline with budget left: start it afresh, so that
 * nobody who comes now finds an old deadline before its own. */
static void alone_end(struct edf_cpu *cpu, uint64_t now_ns)
{
	struct edf_thread *thread = cpu->running;
	cpu->alone = false;
	if (thread == NULL || !thread->in_ready || thread->deadline_ns > now_ns)
		return;
	edf_unlink(cpu, thread);
	edf_wake(cpu, thread, now_ns);
	edf_link(cpu, thread);
}

void edf_pick(struct policy_cpu *policy_cpu, uint64_t now_ns, uint32_t flags,
	      struct policy_pick *out)
{
	(void)flags;
	struct edf_cpu *cpu = edf_cpu(policy_cpu);
	*out = (struct policy_pick){.slice_ns = TIME_NEVER, .request_ns = TIME_NEVER};
	if (cpu->alone)
		alone_end(cpu, now_ns);
	edf_replenish(cpu, now_ns);
	struct edf_thread *thread = edf_of_ready(rb_first(&cpu->ready));
	cpu->fresh = thread != NULL;
	if (thread == NULL && !list_empty(&cpu->ring))
		thread = edf_of_ring(list_first(&cpu->ring));
	if (cpu->running != NULL)
		cpu->running->state = POLICY_QUEUED;
	cpu->running = thread;
	if (thread == NULL)
		return;
	thread->state = POLICY_RUNNING;
	out->thread = edf_handle(thread);
	out->request_ns = cpu->fresh ? (uint64_t)thread->left_ns
				     : thread->slice_ns - thread->used_ns;
	cpu->alone = cpu->runnable <= 1;
	if (cpu->alone)
		return;
	out->slice_ns = out->request_ns;
	const struct edf_thread *next = edf_of_throttle(rb_first(&cpu->throttled));
	if (next != NULL)
		out->slice_ns = min_u64(out->slice_ns, next->deadline_ns - now_ns);
}

static bool edf_charge(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
		       uint64_t ran_ns, uint64_t now_ns)
{
	(void)now_ns;
	return edf_serve(edf_cpu(policy_cpu), edf_thread(policy_thread), ran_ns);
}

bool edf_preempts(const struct policy_cpu *policy_cpu, const struct policy_thread *running,
		  const struct policy_thread *woken, uint64_t now_ns)
{
	const struct edf_cpu *cpu = edf_cpu_const(policy_cpu);
	if (running == NULL || cpu->running == NULL)
		return true;
	const struct edf_thread *best = edf_of_ready(rb_first(&cpu->ready));
	uint64_t deadline_ns = best != NULL ? best->deadline_ns : TIME_NEVER;
	struct rb_node *node = rb_first(&cpu->throttled);
	for (; node != NULL && edf_of_throttle(node)->deadline_ns <= now_ns; node = rb_next(node)) {
		const struct edf_thread *due = edf_of_throttle(node);
		const uint64_t next_ns = edf_deadline_next(due, now_ns);
		if (due->state == POLICY_OUT || due->left_ns + (int64_t)due->slice_ns <= 0 ||
		    next_ns > deadline_ns ||
		    (next_ns == deadline_ns && best != NULL && best->tid < due->tid))
			continue;
		best = due;
		deadline_ns = next_ns;
	}
	if (best == NULL && !list_empty(&cpu->ring))
		best = edf_of_ring(list_first(&cpu->ring));
	return best == edf_thread_const(woken);
}

void edf_migrate_out(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
		     struct policy_migration *out, uint64_t now_ns)
{
	struct edf_cpu *cpu = edf_cpu(policy_cpu);
	struct edf_thread *thread = edf_thread(policy_thread);
	*out = (struct policy_migration){
		.policy_id = EDF_ID,
		.state = thread->state == POLICY_OUT ? POLICY_OUT : POLICY_QUEUED,
		.request_ns = thread->left_ns > 0 ? (uint64_t)thread->left_ns : 0,
		.deadline_ns = thread->bandwidth != 0
				       ? sub_saturate_u64(thread->deadline_ns, now_ns)
				       : 0,
	};
	edf_dequeue(policy_cpu, policy_thread, POLICY_LEAVE_EXIT, now_ns);
	edf_release(cpu, thread);
}

/* With the rest of its budget and its deadline, if there is room for it here. */
static void promise_carry(struct edf_cpu *cpu, struct edf_thread *thread,
			  const struct policy_migration *in, uint64_t now_ns)
{
	if (!edf_admit(cpu, thread, now_ns))
		return;
	if (in->policy_id != EDF_ID || in->deadline_ns == 0 ||
	    in->deadline_ns > thread->period_ns || in->request_ns > thread->slice_ns)
		return;
	thread->deadline_ns = now_ns + in->deadline_ns;
	thread->left_ns = (int64_t)in->request_ns;
	if (thread->left_ns == 0)
		edf_throttle(cpu, thread);
}

void edf_migrate_in(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
		    const struct policy_migration *in, uint64_t now_ns)
{
	struct edf_cpu *cpu = edf_cpu(policy_cpu);
	struct edf_thread *thread = edf_thread(policy_thread);
	if (thread->state != POLICY_OUT) {
		cpu->misuse++;
		return;
	}
	promise_carry(cpu, thread, in, now_ns);
	if (in->state == POLICY_OUT)
		return;
	thread->state = POLICY_QUEUED;
	thread->used_ns = 0;
	cpu->weight += thread->weight;
	cpu->runnable++;
	edf_link(cpu, thread);
}

const struct policy_ops policy_edf = {
	.name = "edf",
	.desc = "earliest deadline first: slice_ns in every period_ns is promised; round robin "
		"else",
	POLICY_OPS(edf, EDF_ID, EDF_VERSION),
	.set_average = policy_average_ignore,
	.set_lag = policy_lag_ignore,
};
