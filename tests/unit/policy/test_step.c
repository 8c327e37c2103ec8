/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tools for policies say of one that is wrong: each mistake is put into a copy of round robin. */
#include "../../../tools/stall/stall.h"
#include "../../../tools/step/step.h"
#include "bench.h"
#include <string.h>
#include <time.h>

/* The operations, the last of which is to be refused with `wanted` in the message. */
static void refuses(const struct policy_ops *ops, const char *const lines[], const char *wanted)
{
	struct step_queue *queue = step_queue_make(ops);
	char message[256] = "";
	struct step_result result;
	bool good = true;
	for (uint32_t i = 0; lines[i] != NULL; i++) {
		struct step_line line;
		char text[80];
		cr_assert(good, "%s", message);
		strcpy(text, lines[i]);
		cr_assert(step_line_parse(text, &line, message, sizeof(message)), "%s", message);
		good = step_queue_apply(queue, &line, &result, message, sizeof(message));
	}
	cr_assert_not(good);
	cr_expect(result.bug);
	cr_assert_not_null(strstr(message, wanted), "%s", message);
	step_queue_free(queue);
}

static void picks_nobody(struct policy_cpu *cpu, uint64_t now_ns, uint32_t flags,
			 struct policy_pick *out)
{
	policy_rr.pick(cpu, now_ns, flags, out);
	out->thread = NULL;
}

Test(step, a_policy_that_picks_nobody)
{
	struct policy_ops ops = policy_rr;
	ops.pick = picks_nobody;
	refuses(&ops, (const char *const[]){"enqueue tid=1", NULL}, "rr picked nobody");
}

/* The thread that it was given last, whether it is there or not. */
static struct policy_thread *last;

static void remembers(struct policy_cpu *cpu, struct policy_thread *thread, enum policy_join reason,
		      uint64_t now_ns)
{
	policy_rr.enqueue(cpu, thread, reason, now_ns);
	last = thread;
}

static void picks_the_last(struct policy_cpu *cpu, uint64_t now_ns, uint32_t flags,
			   struct policy_pick *out)
{
	policy_rr.pick(cpu, now_ns, flags, out);
	out->thread = last;
}

Test(step, a_policy_that_picks_a_thread_that_has_left)
{
	static const char *const lines[] = {"enqueue tid=1", "enqueue tid=2", "dequeue tid=2",
					    NULL};
	struct policy_ops ops = policy_rr;
	ops.enqueue = remembers;
	ops.pick = picks_the_last;
	refuses(&ops, lines, "rr picked what is no thread of the queue");
}

static uint32_t finds_rule_3(const struct policy_cpu *cpu)
{
	(void)cpu;
	return 3;
}

Test(step, a_rule_that_is_broken)
{
	struct policy_ops ops = policy_rr;
	ops.check = finds_rule_3;
	refuses(&ops, (const char *const[]){"enqueue tid=1", NULL}, "rule 3 of policy rr");
}

/* Later than the steps that are each looked at. */
static uint32_t finds_rule_3_late(const struct policy_cpu *cpu)
{
	static uint32_t calls;
	(void)cpu;
	return ++calls > 64 ? 3 : 0;
}

Test(step, a_rule_that_is_broken_later)
{
	const char *lines[130] = {"enqueue tid=1"};
	struct policy_ops ops = policy_rr;
	ops.check = finds_rule_3_late;
	for (uint32_t i = 1; i < 128; i++)
		lines[i] = "run tid=1 ns=1";
	refuses(&ops, lines, "rule 3 of policy rr");
}

static void gives_nothing(struct policy_cpu *cpu, uint64_t now_ns, uint32_t flags,
			  struct policy_pick *out)
{
	policy_rr.pick(cpu, now_ns, flags, out);
	out->slice_ns = 0;
}

Test(step, a_slice_of_nothing)
{
	struct policy_ops ops = policy_rr;
	ops.pick = gives_nothing;
	refuses(&ops, (const char *const[]){"enqueue tid=7", NULL},
		"rr gave thread 7 a slice of 0 ns");
}

static void stalled(void)
{
	fputs("it does not return\n", stderr);
}

Test(stall, ends_what_gets_nowhere, .exit_code = 1)
{
	volatile uint64_t progress = 0;
	stall_watch(&progress, 1, stalled);
	for (;;)
		;
}

Test(stall, leaves_alone_what_gets_on, .exit_code = 3)
{
	volatile uint64_t progress = 0;
	const clock_t end = clock() + 3 * CLOCKS_PER_SEC;
	stall_watch(&progress, 2, stalled);
	while (clock() < end)
		progress++;
	stall_unwatch();
	exit(3);
}
