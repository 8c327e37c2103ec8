/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lottery scheduling (C. Waldspurger, W. Weihl, 1994): weights are tickets; at the end of each turn
 * one ticket of the queue is drawn and its holder runs for its slice.
 *
 *   w_i, r_i   weight and slice of thread i
 *   t_i        its tickets: w_i x (longest possible slice / r_i), so a short slice is drawn more often
 *              and the share of CPU time follows the weight alone
 *   T          sum of t_i in the draw
 *   P(i)       t_i / T: of n draws thread i wins n P(i), +- sqrt(n P(i) (1 - P(i)))
 *
 * The draw: r uniform in [0, T), then one way down a red-black tree in which each node knows the
 * tickets of its subtree: O(log n).  r is the high word of (64 random bits) x T, so no ticket is more
 * likely than another by more than T / 2^64.
 *
 * Reproducible: the generator of a CPU starts from LOTTERY_SEED and the CPU's index, is part of the queue's
 * record, and moves once per draw.  The same operations give the same schedule on every machine.
 *
 * On a line (line.h) that keeps the order of arrival; one that has yielded has no ticket in the next draw,
 * and its tickets back afterwards.
 *
 * Bad at: the short run (the error of a share falls with the square root of the time only; nothing
 * bounds a wait), and threads that block early: there are no compensation tickets, so a slice not
 * used up is lost.
 */
#include "../line/line.h"
#include "../random.h"
#include <base/list.h>

#define LOTTERY_ID      5u
#define LOTTERY_VERSION 2u
#define LOTTERY_SEED    UINT64_C(0x6261746f6e)

struct lottery_thread {
	struct line_thread line;
	struct list_node yield; /* on cpu->yielded while it has no ticket */
	uint64_t sum;           /* tickets of the subtree below and including this node */
	uint64_t tickets;
};

struct lottery_cpu {
	struct line_cpu line;
	struct list_node yielded;
	uint64_t random; /* state of the generator */
};

LINE_VIEWS(lottery);

/* At most 2^20 x 1000 each, so any sum fits. */
static uint64_t tickets(const struct lottery_thread *thread)
{
	return list_linked(&thread->yield) ? 0 : thread->tickets;
}

static uint64_t sum_of(struct rb_node *node)
{
	return node == NULL ? 0 : lottery_thread(line_of(node))->sum;
}

static uint64_t sum_computed(const struct line_thread *thread)
{
	return tickets(lottery_thread_const(thread)) + sum_of(thread->node.left) +
	       sum_of(thread->node.right);
}

static bool sum_update(struct rb_node *node)
{
	struct lottery_thread *thread = lottery_thread(line_of(node));
	const uint64_t sum = sum_computed(&thread->line);
	const bool changed = sum != thread->sum;
	thread->sum = sum;
	return changed;
}

static void lottery_cpu_init(struct line_cpu *line)
{
	struct lottery_cpu *cpu = lottery_cpu(line);
	cpu->random = LOTTERY_SEED + line->index;
	cpu->random = random_next(&cpu->random); /* neighbours are far apart from here on */
	list_init(&cpu->yielded);
}

static void tickets_set(struct line_thread *thread)
{
	lottery_thread(thread)->tickets = thread->weight * (uint64_t)POLICY_SLICE_NS_MAX /
					  thread->slice_ns;
}

static void lottery_thread_init(struct line_thread *thread, const struct policy_params *params)
{
	(void)params;
	list_init(&lottery_thread(thread)->yield);
	tickets_set(thread);
}

static enum error lottery_params(struct line_cpu *cpu, struct line_thread *thread,
				 const struct policy_params *params, uint64_t now_ns)
{
	(void)now_ns;
	line_params_take(cpu, thread, params);
	tickets_set(thread);
	return ERR_OK;
}

static void tickets_return(struct lottery_thread *thread)
{
	if (!list_linked(&thread->yield))
		return;
	list_remove(&thread->yield);
	rb_propagate(&thread->line.node, sum_update);
}

static void lottery_behind(struct line_cpu *cpu, struct line_thread *line, bool yields)
{
	struct lottery_thread *thread = lottery_thread(line);
	if (!yields || list_linked(&thread->yield))
		return;
	list_push_back(&lottery_cpu(cpu)->yielded, &thread->yield);
	rb_propagate(&line->node, sum_update);
}

static void lottery_leave(struct line_cpu *cpu, struct line_thread *thread)
{
	(void)cpu;
	tickets_return(lottery_thread(thread));
}

/* The holder of ticket number `ticket` < the sum at the root. */
static struct line_thread *holder(const struct line_cpu *cpu, uint64_t ticket)
{
	struct rb_node *node = cpu->tree.root;
	for (;;) {
		const uint64_t left = sum_of(node->left);
		const uint64_t here = tickets(lottery_thread(line_of(node)));
		if (ticket < left) {
			node = node->left;
		} else if (ticket < left + here) {
			return line_of(node);
		} else {
			ticket -= left + here;
			node = node->right;
		}
	}
}

/* The draw that comes next.  If all have yielded, the first in line. */
static struct line_thread *lottery_next(const struct line_cpu *cpu)
{
	const uint64_t sum = sum_of(cpu->tree.root);
	uint64_t random = lottery_cpu_const(cpu)->random;
	if (sum == 0)
		return line_first(cpu);
	return holder(cpu, (uint64_t)(((uint128_t)random_next(&random) * sum) >> 64));
}

/* It was drawn: the generator moves on, and those that yielded take part again. */
static void lottery_picked(struct line_cpu *line, bool again, uint64_t now_ns,
			   struct policy_pick *out)
{
	(void)now_ns;
	(void)out;
	struct lottery_cpu *cpu = lottery_cpu(line);
	if (again || line->running == NULL)
		return;
	if (sum_of(line->tree.root) != 0)
		(void)random_next(&cpu->random);
	list_for_each_safe (node, &cpu->yielded)
		tickets_return(container_of(node, struct lottery_thread, yield));
}

static void lottery_save(const struct line_cpu *cpu, const struct line_thread *thread,
			 uint64_t words[LINE_WORDS_OWN])
{
	if (thread == NULL)
		words[0] = lottery_cpu_const(cpu)->random;
}

static bool lottery_load(struct line_cpu *cpu, struct line_thread *thread,
			 const uint64_t words[LINE_WORDS_OWN])
{
	if (thread == NULL)
		lottery_cpu(cpu)->random = words[0];
	return true;
}

static bool lottery_right(const struct line_cpu *cpu, const struct line_thread *thread)
{
	(void)cpu;
	return thread == NULL || lottery_thread_const(thread)->sum == sum_computed(thread);
}

static void lottery_show(const struct line_cpu *cpu, const struct line_thread *thread,
			 struct text *text)
{
	if (thread == NULL)
		policy_show(text, "sum", sum_of(cpu->tree.root));
	else
		policy_show(text, "tickets", tickets(lottery_thread_const(thread)));
}

static const struct line_kind lottery_kind = {
	LINE_KIND(lottery, LOTTERY_ID, LOTTERY_VERSION),
	.stays = true,
	.update = sum_update,
	.cpu_init = lottery_cpu_init,
	.thread_init = lottery_thread_init,
	.leave = lottery_leave,
	.behind = lottery_behind,
	.params = lottery_params,
	.next = lottery_next,
	.picked = lottery_picked,
	.save = lottery_save,
	.load = lottery_load,
	.right = lottery_right,
	.show = lottery_show,
};

LINE_POLICY(lottery, LOTTERY_ID, LOTTERY_VERSION,
	    "lottery: each slice goes to the holder of a ticket drawn; weights are tickets");
