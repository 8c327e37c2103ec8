/* SPDX-License-Identifier: BSD-2-Clause */
/* What looks at a queue from outside: records, figures, checks, text. */
#include "edf.h"

enum { WORD_BANDWIDTH, WORD_DEADLINE, WORD_LEFT };

void edf_save(const struct line_cpu *cpu, const struct line_thread *line,
	      uint64_t words[LINE_WORDS_OWN])
{
	(void)cpu;
	if (line == NULL)
		return;
	const struct edf_thread *thread = edf_thread_const(line);
	words[WORD_BANDWIDTH] = thread->bandwidth;
	words[WORD_DEADLINE] = thread->deadline_ns;
	words[WORD_LEFT] = (uint64_t)thread->left_ns;
}

/* Deadlines are times of the machine's clock, so they are good for the next instance too. */
bool edf_load(struct line_cpu *line_cpu, struct line_thread *line,
	      const uint64_t words[LINE_WORDS_OWN])
{
	if (line == NULL)
		return true;
	struct edf_cpu *cpu = edf_cpu(line_cpu);
	struct edf_thread *thread = edf_thread(line);
	const int64_t left_ns = (int64_t)words[WORD_LEFT];
	if (left_ns > (int64_t)line->slice_ns || left_ns < -(int64_t)line->slice_ns ||
	    words[WORD_DEADLINE] >= EDF_BACKGROUND)
		return false;
	if (words[WORD_BANDWIDTH] != 0 && edf_admit(cpu, thread, 0)) {
		thread->deadline_ns = words[WORD_DEADLINE];
		thread->left_ns = left_ns;
		if (left_ns <= 0)
			edf_throttle(cpu, thread);
	}
	line->key = edf_key(thread);
	return true;
}

void edf_tell(const struct line_cpu *cpu, const struct line_thread *line, struct policy_info *out)
{
	(void)cpu;
	if (line == NULL)
		return;
	const struct edf_thread *thread = edf_thread_const(line);
	out->refused = thread->bandwidth == 0 && thread->period_ns != 0;
	if (thread->bandwidth != 0)
		out->thread_vd.whole = (int64_t)thread->deadline_ns;
	if (line->state != POLICY_OUT && edf_reserved(thread))
		out->left_ns = (uint64_t)thread->left_ns;
}

static bool thread_right(const struct edf_thread *thread)
{
	const struct line_thread *line = &thread->line;
	if (line->key != edf_key(thread))
		return false;
	if (thread->bandwidth == 0)
		return !thread->throttled;
	if (thread->bandwidth != edf_bandwidth(line->slice_ns, thread->period_ns))
		return false;
	return thread->throttled
		       ? thread->left_ns <= 0
		       : thread->left_ns > 0 && thread->left_ns <= (int64_t)line->slice_ns;
}

/* Sleepers with budget left are promised something too, but no list has them: a lower bound. */
static bool queue_right(const struct edf_cpu *cpu)
{
	uint64_t bandwidth = 0;
	struct rb_node *node = rb_first(&cpu->line.tree);
	for (; node != NULL; node = rb_next(node))
		bandwidth += edf_thread_const(line_of(node))->bandwidth;
	if (!rb_check(&cpu->throttled))
		return false;
	const struct edf_thread *last = NULL;
	for (node = rb_first(&cpu->throttled); node != NULL; node = rb_next(node)) {
		const struct edf_thread *thread = edf_of_throttle(node);
		if ((last != NULL && !edf_throttled_before(last, thread)) || !thread->throttled ||
		    thread->bandwidth == 0 || thread->left_ns > 0)
			return false;
		if (thread->line.state == POLICY_OUT)
			bandwidth += thread->bandwidth;
		last = thread;
	}
	return bandwidth <= cpu->bandwidth && cpu->bandwidth <= UINT64_C(1) << EDF_U_BITS &&
	       (cpu->admitted == 0) == (cpu->bandwidth == 0);
}

bool edf_right(const struct line_cpu *cpu, const struct line_thread *thread)
{
	return thread != NULL ? thread_right(edf_thread_const(thread))
			      : queue_right(edf_cpu_const(cpu));
}

void edf_show(const struct line_cpu *line_cpu, const struct line_thread *line, struct text *text)
{
	if (line == NULL) {
		const struct edf_cpu *cpu = edf_cpu_const(line_cpu);
		policy_show(text, "admitted", cpu->admitted);
		policy_show(text, "permille", (cpu->bandwidth * 1000) >> EDF_U_BITS);
		return;
	}
	const struct edf_thread *thread = edf_thread_const(line);
	policy_show(text, "slice_ns", line->slice_ns);
	policy_show(text, "period_ns", thread->period_ns);
	if (thread->bandwidth != 0) {
		policy_show(text, "deadline_ns", thread->deadline_ns);
		text_name(text, "left_ns");
		text_i64(text, thread->left_ns);
	} else if (thread->period_ns != 0) {
		text_string(text, " refused");
	}
	text_string(text, thread->throttled ? " throttled" : "");
}
