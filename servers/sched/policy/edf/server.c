/* SPDX-License-Identifier: BSD-2-Clause */
/* The constant-bandwidth servers: budgets, deadlines, admission.  The rules: edf.h. */
#include "edf.h"

#define U_ONE (UINT64_C(1) << EDF_U_BITS)

uint64_t edf_bandwidth(uint64_t slice_ns, uint64_t period_ns)
{
	return period_ns == 0 ? 0 : (slice_ns << EDF_U_BITS) / period_ns; /* slice_ns < 2^27 */
}

bool edf_admit(struct edf_cpu *cpu, struct edf_thread *thread, uint64_t now_ns)
{
	const uint64_t bandwidth = edf_bandwidth(thread->line.slice_ns, thread->period_ns);
	if (bandwidth == 0 || cpu->bandwidth + bandwidth > U_ONE)
		return false;
	cpu->bandwidth += bandwidth;
	cpu->admitted++;
	thread->bandwidth = bandwidth;
	thread->deadline_ns = now_ns + thread->period_ns;
	thread->left_ns = (int64_t)thread->line.slice_ns;
	return true;
}

static void throttle_end(struct edf_cpu *cpu, struct edf_thread *thread)
{
	if (thread->throttled)
		rb_erase(&cpu->throttled, &thread->throttle, rb_update_none);
	thread->throttled = false;
}

void edf_release(struct edf_cpu *cpu, struct edf_thread *thread)
{
	throttle_end(cpu, thread);
	if (thread->bandwidth == 0)
		return;
	cpu->bandwidth -= thread->bandwidth;
	cpu->admitted--;
	thread->bandwidth = 0;
}

bool edf_throttled_before(const struct edf_thread *a, const struct edf_thread *b)
{
	return a->deadline_ns != b->deadline_ns ? a->deadline_ns < b->deadline_ns
						: a->line.tid < b->line.tid;
}

void edf_throttle(struct edf_cpu *cpu, struct edf_thread *thread)
{
	struct rb_node **link = &cpu->throttled.root;
	struct rb_node *parent = NULL;
	if (thread->throttled)
		return;
	while (*link != NULL) {
		parent = *link;
		link = edf_throttled_before(thread, edf_of_throttle(parent)) ? &parent->left
									     : &parent->right;
	}
	rb_insert(&cpu->throttled, &thread->throttle, parent, link, rb_update_none);
	thread->throttled = true;
}

void edf_wake(struct edf_cpu *cpu, struct edf_thread *thread, uint64_t now_ns)
{
	if (thread->deadline_ns > now_ns && thread->left_ns <= 0) {
		edf_throttle(cpu, thread);
		return;
	}
	throttle_end(cpu, thread);
	if (thread->deadline_ns > now_ns) {
		const uint128_t left = (uint128_t)(uint64_t)thread->left_ns * thread->period_ns;
		const uint64_t rest_ns = thread->deadline_ns - now_ns;
		if (left <= (uint128_t)rest_ns * thread->line.slice_ns)
			return;
	}
	thread->deadline_ns = now_ns + thread->period_ns;
	thread->left_ns = (int64_t)thread->line.slice_ns;
}

/* One period on; from now on if that has passed too (the thread was not looked at for so long). */
uint64_t edf_deadline_next(const struct edf_thread *thread, uint64_t now_ns)
{
	const uint64_t next_ns = thread->deadline_ns + thread->period_ns;
	return next_ns > now_ns ? next_ns : now_ns + thread->period_ns;
}

void edf_replenish(struct edf_cpu *cpu, uint64_t now_ns)
{
	for (;;) {
		struct edf_thread *thread = edf_of_throttle(rb_first(&cpu->throttled));
		if (thread == NULL || thread->deadline_ns > now_ns)
			return;
		throttle_end(cpu, thread);
		thread->deadline_ns = edf_deadline_next(thread, now_ns);
		thread->left_ns += (int64_t)thread->line.slice_ns;
		/* An overrun is at most one budget, so this may leave nothing once. */
		if (thread->left_ns <= 0) {
			edf_throttle(cpu, thread);
		} else if (thread->line.state != POLICY_OUT) {
			line_move(&cpu->line, &thread->line, edf_key(thread));
		}
	}
}

bool edf_charge(struct line_cpu *line_cpu, struct line_thread *line, uint64_t ran_ns)
{
	struct edf_cpu *cpu = edf_cpu(line_cpu);
	struct edf_thread *thread = edf_thread(line);
	const bool overrun = thread->throttled && cpu->fresh && line_cpu->running == line;
	if (!edf_reserved(thread) && !overrun)
		return line_charge_turn(line_cpu, line, ran_ns);
	/* An overrun is paid from the next budget, unless nobody else could have used the time. */
	const int64_t least = line_cpu->runnable <= 1 ? 0 : -(int64_t)line->slice_ns;
	const int64_t left = thread->left_ns - (int64_t)ran_ns;
	thread->left_ns = left < least ? (thread->left_ns < least ? thread->left_ns : least) : left;
	if (thread->left_ns > 0 || thread->throttled)
		return false;
	edf_throttle(cpu, thread);
	if (line->state != POLICY_OUT)
		line_turn_end(line_cpu, line, false);
	return true;
}
