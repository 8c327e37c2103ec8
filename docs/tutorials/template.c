/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TEMPLATE: say here what the policy does, in what order threads run, and for how long.
 *
 * On a line (servers/sched/policy/line/line.h): the smallest key is first; among equal keys, who came first.
 *
 * Bad at: say it here.
 */
#include "../line/line.h"

#define TEMPLATE_ID      1000u /* distinct from every other policy's */
#define TEMPLATE_VERSION 1u    /* of the records; raise it when what save() writes changes */

/* What is remembered of a thread, and of a CPU; zeros at first.  No globals: CPUs run this code at once. */
struct TEMPLATE_thread {
	struct line_thread line;
};

struct TEMPLATE_cpu {
	struct line_cpu line;
};

/* TEMPLATE_thread(thread), TEMPLATE_cpu(cpu): these, of what a hook is given; _const forms, too. */
LINE_VIEWS(TEMPLATE);

/* A thread became ready: where does it stand? */
static void place_ready(struct line_cpu *cpu, struct line_thread *thread, enum policy_join reason,
			uint64_t now_ns)
{
	(void)reason;
	(void)now_ns;
	thread->key = line_key_back(cpu);
}

/* A thread has used up its turn, or yields: where does it stand now? */
static void place_behind(struct line_cpu *cpu, struct line_thread *thread, bool yields)
{
	(void)yields;
	thread->key = line_key_back(cpu);
}

/* How long may a thread run, each time it is its turn?  Not 0. */
static uint64_t turn_length_ns(struct line_cpu *cpu, const struct line_thread *thread)
{
	(void)cpu;
	return thread->slice_ns;
}

/* The running thread's turn is over: who is next?  NULL only if the line is empty.  Changes nothing. */
static struct line_thread *next(const struct line_cpu *cpu)
{
	return line_first(cpu);
}

static const struct line_kind TEMPLATE_kind = {
	LINE_KIND(TEMPLATE, TEMPLATE_ID, TEMPLATE_VERSION),
	.join = place_ready,
	.behind = place_behind,
	.length_ns = turn_length_ns,
	.next = next,
};

LINE_POLICY(TEMPLATE, TEMPLATE_ID, TEMPLATE_VERSION, "TEMPLATE: one line for people");
