/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lottery scheduling (C. Waldspurger, W. Weihl, 1994): weights are tickets; at the end of each slice
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
 * Invariants: every QUEUED and RUNNING thread is in the tree, in order of arrival; one that has
 * yielded has no ticket in the next draw, and its tickets back afterwards.
 *
 * Bad at: the short run (the error of a share falls with the square root of the time only; nothing
 * bounds a wait), and threads that block early: there are no compensation tickets, so a slice not
 * used up is lost.
 *
 * check() numbers: 1 tree and order, 2 counts, 3 weight sum, 4 running thread, 5 ticket sums, 6 misuse.
 */
#include "../common.h"
#include <base/list.h>
#include <base/math.h>
#include <base/rbtree.h>

#define LOTTERY_ID      5u
#define LOTTERY_VERSION 1u
#define LOTTERY_SEED    UINT64_C(0x6261746f6e)

struct lottery_thread {
	struct rb_node node;
	struct list_node yield; /* on cpu->yielded while it has no ticket */
	uint64_t tid;
	uint64_t arrival;
	uint64_t sum; /* tickets of the subtree below and including this node */
	uint64_t tickets;
	uint64_t slice_ns;
	uint64_t used_ns; /* of the slice */
	uint32_t weight;
	uint8_t state;
	uint8_t pad[3];
};

struct lottery_cpu {
	struct rb_tree tree;
	struct list_node yielded;
	struct lottery_thread *running;
	uint64_t random; /* state of the generator */
	uint64_t arrivals;
	uint64_t weight;
	uint32_t runnable;
	uint32_t misuse;
	uint32_t index;
	bool slice_over;
	uint8_t pad[3];
};

POLICY_VIEWS(lottery);

static struct lottery_thread *lottery_of(struct rb_node *node)
{
	return node == NULL ? NULL : container_of(node, struct lottery_thread, node);
}

/* splitmix64 (S. Vigna): any state is a good one. */
static uint64_t random_next(uint64_t *state)
{
	*state += UINT64_C(0x9E3779B97F4A7C15);
	uint64_t z = *state;
	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

/* At most 2^20 x 1000 each, so any sum fits. */
static uint64_t tickets(const struct lottery_thread *thread)
{
	return list_linked(&thread->yield) ? 0 : thread->tickets;
}

static void params_take(struct lottery_thread *thread, const struct policy_params *params)
{
	thread->weight = params->weight;
	thread->slice_ns = params->slice_ns;
	thread->tickets = params->weight * (uint64_t)POLICY_SLICE_NS_MAX / params->slice_ns;
}

static uint64_t sum_of(struct rb_node *node)
{
	return node == NULL ? 0 : lottery_of(node)->sum;
}

static uint64_t sum_computed(const struct lottery_thread *thread)
{
	return tickets(thread) + sum_of(thread->node.left) + sum_of(thread->node.right);
}

static bool sum_update(struct rb_node *node)
{
	struct lottery_thread *thread = lottery_of(node);
	const uint64_t sum = sum_computed(thread);
	const bool changed = sum != thread->sum;
	thread->sum = sum;
	return changed;
}

static void tree_insert(struct lottery_cpu *cpu, struct lottery_thread *thread)
{
	thread->arrival = ++cpu->arrivals;
	struct rb_node **link = &cpu->tree.root;
	struct rb_node *parent = NULL;
	while (*link != NULL) { /* the latest arrival is the last */
		parent = *link;
		link = &parent->right;
	}
	rb_insert(&cpu->tree, &thread->node, parent, link, sum_update);
}

static void tickets_return(struct lottery_thread *thread)
{
	if (!list_linked(&thread->yield))
		return;
	list_remove(&thread->yield);
	rb_propagate(&thread->node, sum_update);
}

static void tickets_return_all(struct lottery_cpu *cpu)
{
	list_for_each_safe (node, &cpu->yielded)
		tickets_return(container_of(node, struct lottery_thread, yield));
}

/* The holder of ticket number `ticket` < the sum at the root. */
static struct lottery_thread *holder(const struct lottery_cpu *cpu, uint64_t ticket)
{
	struct rb_node *node = cpu->tree.root;
	for (;;) {
		const uint64_t left = sum_of(node->left);
		const uint64_t here = tickets(lottery_of(node));
		if (ticket < left) {
			node = node->left;
		} else if (ticket < left + here) {
			return lottery_of(node);
		} else {
			ticket -= left + here;
			node = node->right;
		}
	}
}

/* Draw with the generator given; changes nothing else.  If all have yielded, the first in line. */
static struct lottery_thread *draw(const struct lottery_cpu *cpu, uint64_t *random)
{
	const uint64_t sum = sum_of(cpu->tree.root);
	if (sum == 0)
		return lottery_of(rb_first(&cpu->tree));
	return holder(cpu, (uint64_t)(((uint128_t)random_next(random) * sum) >> 64));
}

static void lottery_cpu_init(struct policy_cpu *policy_cpu, uint32_t cpu_index)
{
	struct lottery_cpu *cpu = lottery_cpu(policy_cpu);
	*cpu = (struct lottery_cpu){.index = cpu_index, .random = LOTTERY_SEED + cpu_index};
	cpu->random = random_next(&cpu->random); /* neighbours are far apart from here on */
	list_init(&cpu->yielded);
}

static enum error lottery_thread_init(struct policy_thread *policy_thread,
				      const struct policy_params *params)
{
	if (!policy_params_valid(params))
		return ERR_RANGE;
	struct lottery_thread *thread = lottery_thread(policy_thread);
	*thread = (struct lottery_thread){
		.tid = params->tid,
		.state = POLICY_OUT,
	};
	params_take(thread, params);
	list_init(&thread->yield);
	return ERR_OK;
}

static enum error lottery_set_params(struct policy_cpu *policy_cpu,
				     struct policy_thread *policy_thread,
				     const struct policy_params *params, uint64_t now_ns)
{
	(void)now_ns;
	struct lottery_cpu *cpu = lottery_cpu(policy_cpu);
	struct lottery_thread *thread = lottery_thread(policy_thread);
	if (!policy_params_valid(params) || params->tid != thread->tid)
		return ERR_RANGE;
	const bool inside = thread->state != POLICY_OUT;
	if (inside)
		cpu->weight = cpu->weight - thread->weight + params->weight;
	params_take(thread, params);
	if (inside)
		rb_propagate(&thread->node, sum_update);
	if (thread->used_ns >= thread->slice_ns) {
		thread->used_ns = 0;
		cpu->slice_over = cpu->slice_over || cpu->running == thread;
	}
	return ERR_OK;
}

static void yields(struct lottery_cpu *cpu, struct lottery_thread *thread)
{
	thread->used_ns = 0;
	cpu->slice_over = cpu->slice_over || cpu->running == thread;
	if (list_linked(&thread->yield))
		return;
	list_push_back(&cpu->yielded, &thread->yield);
	rb_propagate(&thread->node, sum_update);
}

static void lottery_enqueue(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
			    enum policy_join reason, uint64_t now_ns)
{
	(void)now_ns;
	struct lottery_cpu *cpu = lottery_cpu(policy_cpu);
	struct lottery_thread *thread = lottery_thread(policy_thread);
	if (reason == POLICY_JOIN_PREEMPTED || reason == POLICY_JOIN_YIELD) {
		if (thread->state == POLICY_OUT)
			cpu->misuse++;
		else if (reason == POLICY_JOIN_YIELD)
			yields(cpu, thread);
		return;
	}
	if (thread->state != POLICY_OUT)
		return;
	thread->state = POLICY_QUEUED;
	thread->used_ns = 0;
	cpu->weight += thread->weight;
	cpu->runnable++;
	tree_insert(cpu, thread);
}

static void lottery_dequeue(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
			    enum policy_leave reason, uint64_t now_ns)
{
	(void)reason;
	(void)now_ns;
	struct lottery_cpu *cpu = lottery_cpu(policy_cpu);
	struct lottery_thread *thread = lottery_thread(policy_thread);
	if (thread->state == POLICY_OUT)
		return;
	tickets_return(thread);
	rb_erase(&cpu->tree, &thread->node, sum_update);
	if (cpu->running == thread) {
		cpu->running = NULL;
		cpu->slice_over = false;
	}
	thread->state = POLICY_OUT;
	cpu->weight -= thread->weight;
	cpu->runnable--;
}

static void lottery_pick(struct policy_cpu *policy_cpu, uint64_t now_ns, uint32_t flags,
			 struct policy_pick *out)
{
	(void)now_ns;
	struct lottery_cpu *cpu = lottery_cpu(policy_cpu);
	*out = (struct policy_pick){.slice_ns = TIME_NEVER, .request_ns = TIME_NEVER};
	if (cpu->runnable == 0)
		return;
	if (cpu->running == NULL || cpu->slice_over || (flags & POLICY_PICK_FRESH) != 0) {
		struct lottery_thread *thread = draw(cpu, &cpu->random);
		if (cpu->running != NULL)
			cpu->running->state = POLICY_QUEUED;
		thread->state = POLICY_RUNNING;
		cpu->running = thread;
		cpu->slice_over = false;
		tickets_return_all(cpu);
	}
	out->thread = lottery_handle(cpu->running);
	out->request_ns = cpu->running->slice_ns - cpu->running->used_ns;
	if (cpu->runnable > 1)
		out->slice_ns = out->request_ns;
}

static bool lottery_charge(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
			   uint64_t ran_ns, uint64_t now_ns)
{
	(void)now_ns;
	struct lottery_cpu *cpu = lottery_cpu(policy_cpu);
	struct lottery_thread *thread = lottery_thread(policy_thread);
	if (thread->state == POLICY_OUT)
		return false;
	thread->used_ns = add_saturate_u64(thread->used_ns, ran_ns);
	if (thread->used_ns < thread->slice_ns)
		return false;
	thread->used_ns = 0;
	if (cpu->running == thread)
		cpu->slice_over = true;
	return true;
}

static bool lottery_preempts(const struct policy_cpu *policy_cpu,
			     const struct policy_thread *running, const struct policy_thread *woken,
			     uint64_t now_ns)
{
	(void)now_ns;
	const struct lottery_cpu *cpu = lottery_cpu_const(policy_cpu);
	if (running == NULL || cpu->running == NULL)
		return true;
	uint64_t random = cpu->random;
	return cpu->slice_over && draw(cpu, &random) == lottery_thread_const(woken);
}

static void lottery_migrate_out(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
				struct policy_migration *out, uint64_t now_ns)
{
	const struct lottery_thread *thread = lottery_thread_const(policy_thread);
	*out = (struct policy_migration){
		.policy_id = LOTTERY_ID,
		.state = thread->state == POLICY_OUT ? POLICY_OUT : POLICY_QUEUED,
		.request_ns = thread->used_ns,
	};
	lottery_dequeue(policy_cpu, policy_thread, POLICY_LEAVE_KEEP, now_ns);
}

static void lottery_migrate_in(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
			       const struct policy_migration *in, uint64_t now_ns)
{
	struct lottery_thread *thread = lottery_thread(policy_thread);
	if (thread->state != POLICY_OUT) {
		lottery_cpu(policy_cpu)->misuse++;
		return;
	}
	if (in->state == POLICY_OUT)
		return;
	lottery_enqueue(policy_cpu, policy_thread, POLICY_JOIN_WAKE, now_ns);
	if (in->policy_id == LOTTERY_ID && in->request_ns < thread->slice_ns)
		thread->used_ns = in->request_ns;
}

static void lottery_save(const struct policy_cpu *policy_cpu,
			 const struct policy_thread *policy_thread, struct policy_record *out)
{
	*out = (struct policy_record){
		.policy_id = LOTTERY_ID, .version = LOTTERY_VERSION, .kind = 1};
	if (policy_thread == NULL) {
		out->words[0] = lottery_cpu_const(policy_cpu)->random;
		return;
	}
	const struct lottery_thread *thread = lottery_thread_const(policy_thread);
	out->kind = 2;
	out->tid = thread->tid;
	out->words[0] = thread->state;
	out->words[1] = thread->used_ns;
}

/* The order of arrival is that of the records. */
static enum error lottery_restore(struct policy_cpu *policy_cpu, const struct policy_record *queue,
				  struct policy_thread *const threads[],
				  const struct policy_record *records, uint32_t count)
{
	if (!policy_record_fits(queue, LOTTERY_ID, LOTTERY_VERSION, 1, 0))
		return ERR_FORMAT;
	lottery_cpu(policy_cpu)->random = queue->words[0];
	for (uint32_t i = 0; i < count; i++) {
		struct lottery_thread *thread = lottery_thread(threads[i]);
		const uint64_t *words = records[i].words;
		if (!policy_record_fits(&records[i], LOTTERY_ID, LOTTERY_VERSION, 2, thread->tid) ||
		    (words[0] != POLICY_QUEUED && words[0] != POLICY_RUNNING))
			continue;
		lottery_enqueue(policy_cpu, threads[i], POLICY_JOIN_WAKE, 0);
		if (words[1] < thread->slice_ns)
			thread->used_ns = words[1];
	}
	return ERR_OK;
}

/* Nobody is owed anything: the latest arrivals, whose caches are coldest here. */
static uint32_t lottery_spare(const struct policy_cpu *policy_cpu, uint64_t *cursor,
			      struct policy_spare *out, uint32_t count)
{
	const struct lottery_cpu *cpu = lottery_cpu_const(policy_cpu);
	uint32_t used = 0;
	uint32_t looks = 0;
	struct rb_node *node = rb_last(&cpu->tree);
	for (; node != NULL && used < count && looks < POLICY_LOOKS; node = rb_prev(node)) {
		looks++;
		struct lottery_thread *thread = lottery_of(node);
		if (thread->state == POLICY_QUEUED)
			out[used++] = (struct policy_spare){.thread = lottery_handle(thread),
							    .weight = thread->weight};
	}
	*cursor += looks;
	return used;
}

static void lottery_query(const struct policy_cpu *policy_cpu,
			  const struct policy_thread *policy_thread, struct policy_info *out)
{
	const struct lottery_cpu *cpu = lottery_cpu_const(policy_cpu);
	*out = (struct policy_info){
		.weight = cpu->weight,
		.load = cpu->weight,
		.runnable = cpu->runnable,
		.misuse = cpu->misuse,
	};
	if (policy_thread == NULL)
		return;
	const struct lottery_thread *thread = lottery_thread_const(policy_thread);
	out->state = thread->state;
	out->slice_ns = thread->slice_ns;
	out->left_ns = thread->state == POLICY_OUT ? 0 : thread->slice_ns - thread->used_ns;
}

static uint32_t lottery_check(const struct policy_cpu *policy_cpu)
{
	const struct lottery_cpu *cpu = lottery_cpu_const(policy_cpu);
	uint64_t weight = 0;
	uint64_t arrival = 0;
	uint32_t count = 0;
	uint32_t running = 0;
	if (!rb_check(&cpu->tree))
		return 1;
	for (struct rb_node *node = rb_first(&cpu->tree); node != NULL; node = rb_next(node)) {
		const struct lottery_thread *thread = lottery_of(node);
		if (thread->arrival <= arrival)
			return 1;
		if (thread->state == POLICY_RUNNING && thread == cpu->running)
			running++;
		else if (thread->state != POLICY_QUEUED)
			return 4;
		if (thread->sum != sum_computed(thread))
			return 5;
		weight += thread->weight;
		count++;
		arrival = thread->arrival;
	}
	if (count != cpu->runnable)
		return 2;
	if (weight != cpu->weight)
		return 3;
	if (running != (cpu->running != NULL ? 1u : 0u))
		return 4;
	return cpu->misuse != 0 ? 6 : 0;
}

static size_t lottery_dump(const struct policy_cpu *policy_cpu, char *buffer, size_t bytes)
{
	const struct lottery_cpu *cpu = lottery_cpu_const(policy_cpu);
	struct text text = text_make(buffer, bytes);
	uint32_t shown = 0;
	text_string(&text, "lottery");
	policy_show(&text, "cpu", cpu->index);
	policy_show(&text, "runnable", cpu->runnable);
	policy_show(&text, "tickets", sum_of(cpu->tree.root));
	text_char(&text, '\n');
	for (struct rb_node *node = rb_first(&cpu->tree); node != NULL; node = rb_next(node)) {
		if (shown++ == POLICY_SHOWN) {
			text_string(&text, "  ...\n");
			break;
		}
		const struct lottery_thread *thread = lottery_of(node);
		text_string(&text, thread->state == POLICY_RUNNING ? "  running" : "  waiting");
		policy_show(&text, "tid", thread->tid);
		policy_show(&text, "tickets", tickets(thread));
		policy_show(&text, "used_ns", thread->used_ns);
		text_char(&text, '\n');
	}
	return text.length;
}

const struct policy_ops policy_lottery = {
	.name = "lottery",
	.desc = "lottery: each slice goes to the holder of a ticket drawn; weights are tickets",
	POLICY_OPS(lottery, LOTTERY_ID, LOTTERY_VERSION),
	.set_average = policy_average_ignore,
	.set_lag = policy_lag_ignore,
};
