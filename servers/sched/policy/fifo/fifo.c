/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First in, first out with 100 static priorities (0..99, higher first): the running thread keeps the
 * CPU until it blocks, yields, or a higher priority becomes ready.  With equal priorities it is
 * cooperative.  A preempted thread stays first of its priority; one that wakes or yields, or whose
 * priority changes, becomes the last of it.
 *
 * On a line (line.h): the key falls with the priority, a turn never ends, the first of the line runs.
 * What was preempted keeps its place by doing nothing.
 *
 * Bad at: lower priorities starve by design; run it with the starvation limit off.
 */
#include "../line/line.h"

#define FIFO_ID      3u
#define FIFO_VERSION 2u

struct fifo_thread {
	struct line_thread line;
};

struct fifo_cpu {
	struct line_cpu line;
};

static void key_set(struct line_thread *thread)
{
	thread->key = POLICY_PRIORITY_MAX - thread->priority;
}

static void fifo_join(struct line_cpu *cpu, struct line_thread *thread, enum policy_join reason,
		      uint64_t now_ns)
{
	(void)cpu;
	(void)reason;
	(void)now_ns;
	key_set(thread);
}

static enum error fifo_params(struct line_cpu *cpu, struct line_thread *thread,
			      const struct policy_params *params, uint64_t now_ns)
{
	(void)now_ns;
	if (params->priority != thread->priority)
		thread->number = ++cpu->numbers;
	line_params_take(cpu, thread, params);
	key_set(thread);
	return ERR_OK;
}

static uint64_t fifo_length_ns(struct line_cpu *cpu, const struct line_thread *thread)
{
	(void)cpu;
	(void)thread;
	return TIME_NEVER;
}

static void fifo_show(const struct line_cpu *cpu, const struct line_thread *thread,
		      struct text *text)
{
	(void)cpu;
	if (thread != NULL)
		policy_show(text, "priority", thread->priority);
}

static const struct line_kind fifo_kind = {
	LINE_KIND(fifo, FIFO_ID, FIFO_VERSION),
	.preemptive = true,
	.join = fifo_join,
	.params = fifo_params,
	.length_ns = fifo_length_ns,
	.show = fifo_show,
};

LINE_POLICY(fifo, FIFO_ID, FIFO_VERSION,
	    "run to block, 100 static priorities, preemptive across them");
