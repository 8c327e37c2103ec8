/* SPDX-License-Identifier: BSD-2-Clause */
/* How threads come, ask for other promises, take turns and move on.  The rules: edf.h. */
#include "edf.h"

static void edf_thread_init(struct line_thread *thread, const struct policy_params *params)
{
	edf_thread(thread)->period_ns = params->period_ns;
}

/* Other promises to a thread, which fit.  What it has used up stays used up: it goes on by the rule of a
 * wake-up, so asking again and again gains nothing. */
static void promise_change(struct edf_cpu *cpu, struct edf_thread *thread, uint64_t now_ns)
{
	const bool had = thread->bandwidth != 0;
	const uint64_t deadline_ns = thread->deadline_ns;
	const int64_t left_ns = thread->left_ns;
	edf_release(cpu, thread);
	if (edf_admit(cpu, thread, now_ns) && had) {
		thread->deadline_ns = deadline_ns;
		thread->left_ns = left_ns < thread->left_ns ? left_ns : thread->left_ns;
		edf_wake(cpu, thread, now_ns);
	}
	if (cpu->line.running == &thread->line)
		cpu->fresh = edf_reserved(thread);
}

static enum error edf_params(struct line_cpu *line_cpu, struct line_thread *line,
			     const struct policy_params *params, uint64_t now_ns)
{
	struct edf_cpu *cpu = edf_cpu(line_cpu);
	struct edf_thread *thread = edf_thread(line);
	const bool changes = params->period_ns != thread->period_ns ||
			     (params->period_ns != 0 && params->slice_ns != line->slice_ns);
	const uint64_t bandwidth = edf_bandwidth(params->slice_ns, params->period_ns);
	if (changes && cpu->bandwidth - thread->bandwidth + bandwidth > UINT64_C(1) << EDF_U_BITS)
		return ERR_NO_TIME;
	line_params_take(line_cpu, line, params);
	thread->period_ns = params->period_ns;
	if (changes)
		promise_change(cpu, thread, now_ns);
	line->key = edf_key(thread);
	return ERR_OK;
}

/* Who arrives from another CPU goes on with the promise that it brought. */
static void edf_join(struct line_cpu *cpu, struct line_thread *line, enum policy_join reason,
		     uint64_t now_ns)
{
	struct edf_thread *thread = edf_thread(line);
	if (thread->bandwidth == 0)
		(void)edf_admit(edf_cpu(cpu), thread, now_ns);
	else if (reason != POLICY_JOIN_EXACT)
		edf_wake(edf_cpu(cpu), thread, now_ns);
	line->key = edf_key(thread);
}

static void edf_forget(struct line_cpu *cpu, struct line_thread *thread)
{
	edf_release(edf_cpu(cpu), edf_thread(thread));
}

/* A yield gives up the rest of the budget. */
static void edf_behind(struct line_cpu *line_cpu, struct line_thread *line, bool yields)
{
	struct edf_cpu *cpu = edf_cpu(line_cpu);
	struct edf_thread *thread = edf_thread(line);
	if (yields && edf_reserved(thread)) {
		thread->left_ns = 0;
		edf_throttle(cpu, thread);
	}
	if (yields && line_cpu->running == line)
		cpu->fresh = false;
	line->key = edf_key(thread);
}

/* Who had the CPU to itself may have run past its deadline with budget left: start it afresh, so that
 * nobody who comes now finds an old deadline before its own. */
static void alone_end(struct edf_cpu *cpu, uint64_t now_ns)
{
	struct line_thread *running = cpu->line.running;
	cpu->alone = false;
	if (running == NULL || running->key > now_ns) /* also in the background */
		return;
	edf_wake(cpu, edf_thread(running), now_ns);
	line_move(&cpu->line, running, edf_key(edf_thread(running)));
}

static void edf_prepare(struct line_cpu *cpu, uint64_t now_ns)
{
	if (edf_cpu(cpu)->alone)
		alone_end(edf_cpu(cpu), now_ns);
	edf_replenish(edf_cpu(cpu), now_ns);
}

static void edf_picked(struct line_cpu *line_cpu, bool again, uint64_t now_ns,
		       struct policy_pick *out)
{
	(void)again;
	struct edf_cpu *cpu = edf_cpu(line_cpu);
	cpu->fresh = false;
	if (line_cpu->running == NULL)
		return;
	const struct edf_thread *thread = edf_thread_const(line_cpu->running);
	cpu->fresh = edf_reserved(thread);
	if (cpu->fresh)
		out->request_ns = (uint64_t)thread->left_ns;
	cpu->alone = line_cpu->runnable <= 1;
	if (cpu->alone)
		return;
	out->slice_ns = out->request_ns;
	const struct edf_thread *next = edf_of_throttle(rb_first(&cpu->throttled));
	if (next != NULL)
		out->slice_ns = min_u64(out->slice_ns, next->deadline_ns - now_ns);
}

/* Who is throttled and due by now would get a new budget first, and go behind equal deadlines. */
static bool edf_preempts(const struct line_cpu *line_cpu, const struct line_thread *woken,
			 uint64_t now_ns)
{
	const struct edf_cpu *cpu = edf_cpu_const(line_cpu);
	const struct line_thread *best = line_first(line_cpu);
	uint64_t deadline_ns = best != NULL ? best->key : EDF_BACKGROUND;
	struct rb_node *node = rb_first(&cpu->throttled);
	for (; node != NULL && edf_of_throttle(node)->deadline_ns <= now_ns; node = rb_next(node)) {
		const struct edf_thread *due = edf_of_throttle(node);
		const uint64_t next_ns = edf_deadline_next(due, now_ns);
		if (due->line.state == POLICY_OUT || next_ns >= deadline_ns ||
		    due->left_ns + (int64_t)due->line.slice_ns <= 0)
			continue;
		best = &due->line;
		deadline_ns = next_ns;
	}
	return best == woken;
}

static void edf_carry(struct line_cpu *cpu, struct line_thread *line, struct policy_migration *out,
		      uint64_t now_ns)
{
	struct edf_thread *thread = edf_thread(line);
	out->request_ns = thread->left_ns > 0 ? (uint64_t)thread->left_ns : 0;
	out->deadline_ns = thread->bandwidth != 0 ? sub_saturate_u64(thread->deadline_ns, now_ns)
						  : 0;
	edf_release(edf_cpu(cpu), thread);
}

/* With the rest of its budget and its deadline, if there is room for it here. */
static void edf_arrive(struct line_cpu *cpu, struct line_thread *line,
		       const struct policy_migration *in, uint64_t now_ns)
{
	struct edf_thread *thread = edf_thread(line);
	if (!edf_admit(edf_cpu(cpu), thread, now_ns) || in == NULL)
		return;
	if (in->deadline_ns == 0 || in->deadline_ns > thread->period_ns ||
	    in->request_ns > line->slice_ns)
		return;
	thread->deadline_ns = now_ns + in->deadline_ns;
	thread->left_ns = (int64_t)in->request_ns;
	if (thread->left_ns == 0)
		edf_throttle(edf_cpu(cpu), thread);
}

/* Only the background: a reservation was made on this CPU. */
static bool edf_spares(const struct line_thread *thread)
{
	return edf_thread_const(thread)->bandwidth == 0;
}

static const struct line_kind edf_kind = {
	LINE_KIND(edf, EDF_ID, EDF_VERSION),
	.preemptive = true,
	.thread_init = edf_thread_init,
	.join = edf_join,
	.forget = edf_forget,
	.behind = edf_behind,
	.params = edf_params,
	.charge = edf_charge,
	.prepare = edf_prepare,
	.preempts = edf_preempts,
	.picked = edf_picked,
	.carry = edf_carry,
	.arrive = edf_arrive,
	.save = edf_save,
	.load = edf_load,
	.spares = edf_spares,
	.tell = edf_tell,
	.right = edf_right,
	.show = edf_show,
};

LINE_POLICY(edf, EDF_ID, EDF_VERSION,
	    "earliest deadline first: slice_ns in every period_ns is promised; round robin else");
